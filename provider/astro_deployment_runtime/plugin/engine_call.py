"""One request of the engine: its resource, log lines, progress, clock and cancellation.

A provider's method gets the request that its thread serves from :func:`current_call`. Pulumi's own host gives none:
there, texts are printed and nothing is cancelled.
"""

from __future__ import annotations

import sys
import threading
import time
from contextlib import contextmanager
from contextvars import ContextVar
from enum import IntEnum
from typing import TYPE_CHECKING, Any

import grpc
from pulumi.runtime.proto import engine_pb2

from astro_deployment_runtime.errors import AstroRuntimeError
from astro_deployment_runtime.execution.polling import POLLING, Polling
from astro_deployment_runtime.support import cancellation
from astro_deployment_runtime.support.secret_masks import MASKS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from pulumi.runtime.proto import engine_pb2_grpc

    from astro_deployment_runtime.plugin.connection import PlatformConnection


class Severity(IntEnum):
    """The engine's log levels."""

    INFO = engine_pb2.INFO
    WARNING = engine_pb2.WARNING
    ERROR = engine_pb2.ERROR


class PartialProgressError(AstroRuntimeError):
    """An operation that stopped part of the way. The engine saves ``outputs`` and shows ``str(self)``.

    The engine keeps the resource's old inputs and retries the update on the next run.
    """

    def __init__(self, message: str, *, resource_id: str, outputs: Mapping[str, Any]) -> None:
        """Keep what the engine has to save. A dynamic resource's outputs include ``__provider``."""
        super().__init__(message)
        self.resource_id = resource_id
        self.outputs = dict(outputs)


class Call:
    """A request of the engine that this process serves."""

    def __init__(
        self,
        urn: str,
        engine: engine_pb2_grpc.EngineStub | None,
        *,
        connection: PlatformConnection | None = None,
        secret: frozenset[str] = frozenset(),
        polling: Polling = POLLING,
    ) -> None:
        """Serve the resource with that URN. Without an engine, log lines are dropped."""
        self.urn = urn
        self.connection = connection
        """The connection of this process."""
        self.secret = secret
        """Paths of the arguments that are marked as secrets: ``image``, ``project.path``."""
        self.polling = polling
        self.cancelled = threading.Event()
        self.expired_after: float | None = None
        """Seconds of the time limit that cancelled this request; None: none did."""
        self._engine = engine

    @contextmanager
    def limited_to(self, seconds: float) -> Iterator[None]:
        """Cancel the request after so many seconds; 0: there is no limit."""
        if not seconds:
            yield
            return
        timer = threading.Timer(seconds, self._expire, [seconds])
        timer.daemon = True
        timer.start()
        try:
            yield
        finally:
            timer.cancel()

    def _expire(self, seconds: float) -> None:
        if not self.cancelled.is_set():
            self.expired_after = seconds
            self.cancelled.set()

    def log(self, severity: Severity, text: str) -> None:
        """Show a text at the resource's row and under Diagnostics."""
        self._log(severity, text, ephemeral=False)

    def progress(self, text: str) -> None:
        """Show a text in the status column of the resource's row until the next one."""
        self._log(Severity.INFO, text, ephemeral=True)

    def _log(self, severity: Severity, text: str, *, ephemeral: bool) -> None:
        if self._engine is None:
            return
        request = engine_pb2.LogRequest(
            severity=engine_pb2.LogSeverity.ValueType(severity),
            message=MASKS.mask(text),
            urn=self.urn,
            ephemeral=ephemeral,
        )
        try:
            self._engine.Log(request)
        except grpc.RpcError:
            # The engine has exited, and this process ends with it. A lost line must not fail a hop.
            return


_current_call: ContextVar[Call | None] = ContextVar("call", default=None)


def current_call() -> Call | None:
    """Return the request that this thread serves, or None on Pulumi's own host."""
    return _current_call.get()


@contextmanager
def serving(call: Call) -> Iterator[Call]:
    """Make a request the current one of this thread; its cancellation interrupts every wait in it."""
    token, stop = _current_call.set(call), cancellation.cancel_event.set(call.cancelled)
    try:
        yield call
    finally:
        _current_call.reset(token)
        cancellation.cancel_event.reset(stop)


class CallReporter:
    """Shows texts at the resource's row. Pulumi's own host shows them at the stack's row."""

    def __init__(self, call: Call | None) -> None:
        self._call = call

    def info(self, text: str) -> None:
        """Show a text that stays."""
        self._say(Severity.INFO, text)

    def warning(self, text: str) -> None:
        """Show a warning."""
        self._say(Severity.WARNING, text)

    def progress(self, text: str) -> None:
        """Show a text in the status column until the next one."""
        if self._call:
            self._call.progress(text)
        else:
            _print(text)

    def plan(self, lines: Sequence[str], warnings: Sequence[str], inputs: Mapping[str, Any]) -> None:
        """Show warnings and a plan, with its path in the status column. A plan without lines is not shown."""
        for warning in warnings:
            self.warning(warning)
        if lines:
            self.info("\n".join(lines))
            self.progress(inputs["path"])

    def _say(self, severity: Severity, text: str) -> None:
        if self._call:
            self._call.log(severity, text)
        else:
            _print(text)


def _print(text: str) -> None:
    """Print a text; characters that the output's encoding lacks are escaped."""
    encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
    print(text.encode(encoding, errors="backslashreplace").decode(encoding), flush=True)  # noqa: T201


class CallClock:
    """Real time, and the engine's Cancel, which Pulumi's own host does not pass on."""

    def __init__(self, call: Call | None) -> None:
        self._cancelled = call.cancelled if call else threading.Event()

    def now(self) -> float:
        """Return seconds since an arbitrary start."""
        return time.monotonic()

    def wait(self, seconds: float) -> bool:
        """Wait. Return True as soon as the run is cancelled."""
        return self._cancelled.wait(seconds)

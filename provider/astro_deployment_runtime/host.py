"""The plugin process: Pulumi's own dynamic provider, run with what it lacks.

The stock process has four worker threads, ignores Cancel, cannot save partial progress, prints a traceback for every
error and does not tell a provider's methods which resource they serve. This one runs the stock servicer unchanged
behind a thin wrapper that mends these five things, so that the protocol stays Pulumi's. A provider reaches it
through :func:`current_call`, and works without it: on the stock host there is no current call.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import os
import runpy
import socket
import sys
import threading
import time
from contextlib import contextmanager
from contextvars import ContextVar
from enum import IntEnum
from typing import TYPE_CHECKING, Any, Final, NoReturn

import grpc
from google.protobuf import any_pb2
from pulumi.runtime import rpc
from pulumi.runtime.proto import engine_pb2, engine_pb2_grpc, provider_pb2, provider_pb2_grpc, status_pb2

from astro_deployment_runtime import patience
from astro_deployment_runtime.errors import AstroRuntimeError
from astro_deployment_runtime.patience import POLLING, Polling

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

WORKERS: Final = 1024
"""Threads at most; they are started when needed. A waiting hop holds one, so this bounds the hops side by side."""

_PARENT_POLL_SECONDS: Final = 0.5
_CONNECT_SECONDS: Final = 2.0


class Severity(IntEnum):
    """The engine's log levels, as the display colours them."""

    INFO = engine_pb2.INFO
    WARNING = engine_pb2.WARNING
    ERROR = engine_pb2.ERROR


class PartialProgressError(AstroRuntimeError):
    """An operation stopped part of the way: ``outputs`` are to be saved, ``str(self)`` is to be shown.

    The engine keeps the resource's old inputs, saves the outputs, and retries the update on the next run.
    """

    def __init__(self, message: str, *, resource_id: str, outputs: Mapping[str, Any]) -> None:
        """Keep what the engine is to save, which must hold the key ``__provider``."""
        super().__init__(message)
        self.resource_id = resource_id
        self.outputs = dict(outputs)


class Call:
    """One request of the engine that this process serves now."""

    def __init__(self, urn: str, engine: engine_pb2_grpc.EngineStub | None, polling: Polling = POLLING) -> None:
        """Serve the resource of that URN; without an engine, log lines go nowhere."""
        self.urn = urn
        self.polling = polling
        self.cancelled = threading.Event()
        self._engine = engine

    def log(self, severity: Severity, text: str) -> None:
        """Show a text at the resource's row and under Diagnostics."""
        self._log(severity, text, ephemeral=False)

    def progress(self, text: str) -> None:
        """Show a text in the status column of the resource's row, until the next one."""
        self._log(Severity.INFO, text, ephemeral=True)

    def _log(self, severity: Severity, text: str, *, ephemeral: bool) -> None:
        if self._engine is None:
            return
        request = engine_pb2.LogRequest(
            severity=engine_pb2.LogSeverity.ValueType(severity), message=text, urn=self.urn, ephemeral=ephemeral
        )
        try:
            self._engine.Log(request)
        except grpc.RpcError:
            # The engine has gone or is going; what watches it ends this process. A line is not worth a failed hop.
            return


_current_call: ContextVar[Call | None] = ContextVar("call", default=None)


def current_call() -> Call | None:
    """Return the call that this thread serves, or None on Pulumi's stock host."""
    return _current_call.get()


class _Context:
    """A gRPC context that lets errors of ours through without the traceback that the stock servicer makes of them."""

    def __init__(self, context: grpc.ServicerContext) -> None:
        self._context = context

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - stands in for the whole context
        return getattr(self._context, name)

    def abort(self, code: grpc.StatusCode, details: str) -> NoReturn:
        """End the call; called from within the stock servicer's handler of the exception that matters."""
        error = sys.exc_info()[1]
        if isinstance(error, PartialProgressError):
            self._context.set_trailing_metadata((("grpc-status-details-bin", _partial_progress(error)),))
        if isinstance(error, AstroRuntimeError):
            details = str(error)
        self._context.abort(code, details)
        raise AssertionError  # pragma: no cover - abort never returns


def _partial_progress(error: PartialProgressError) -> bytes:
    properties = asyncio.run(rpc.serialize_properties(error.outputs, {}))
    detail = any_pb2.Any()
    detail.Pack(provider_pb2.ErrorResourceInitFailed(id=error.resource_id, properties=properties, reasons=[str(error)]))
    status = status_pb2.Status(code=grpc.StatusCode.UNKNOWN.value[0], message=str(error), details=[detail])
    return bytes(status.SerializeToString())


class Servicer:
    """The stock servicer with calls that know their resource and can be cancelled."""

    def __init__(
        self,
        stock: provider_pb2_grpc.ResourceProviderServicer,
        engine: engine_pb2_grpc.EngineStub | None,
        polling: Polling = POLLING,
    ) -> None:
        """Wrap the stock servicer; log to the engine if there is one."""
        self._stock = stock
        self._polling = polling
        self._engine = engine
        self._lock = threading.Lock()
        self._calls: set[Call] = set()
        for method in ("Check", "Diff", "Create", "Update", "Delete", "Read"):
            setattr(self, method, self._serve(getattr(stock, method)))

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - any method of the protocol
        """Leave all other methods to the stock servicer."""
        return getattr(self._stock, name)

    def Cancel(self, request: object, context: grpc.ServicerContext) -> object:  # noqa: N802 - the protocol's name
        """Cancel what is in flight. The engine also calls this at the end of every run, when nothing is."""
        with self._lock:
            for call in self._calls:
                call.cancelled.set()
        return self._stock.Cancel(request, context)  # type: ignore[arg-type]

    def Invoke(self, request: provider_pb2.InvokeRequest, context: grpc.ServicerContext) -> object:  # noqa: N802
        """Answer a function: the provider that its arguments name reads it, as a resource with the function's id."""
        read = self.Read(provider_pb2.ReadRequest(id=request.tok, properties=request.args), context)
        return provider_pb2.InvokeResponse(**{"return": read.properties})

    def _serve(self, method: Callable[[Any, Any], Any]) -> Callable[[Any, grpc.ServicerContext], Any]:
        def served(request: Any, context: grpc.ServicerContext) -> Any:  # noqa: ANN401 - any message of the protocol
            with self._call(request.urn):
                return method(request, _Context(context))

        return served

    @contextmanager
    def _call(self, urn: str) -> Iterator[None]:
        call = Call(urn, self._engine, self._polling)
        with self._lock:
            self._calls.add(call)
        token, stop = _current_call.set(call), patience.stop.set(call.cancelled)
        try:
            yield
        finally:
            _current_call.reset(token)
            patience.stop.reset(stop)
            with self._lock:
                self._calls.discard(call)


def _end_with(parent: int) -> None:
    """End this process when the engine that started it has gone: nobody would save what it goes on to do."""
    while os.getppid() == parent:
        time.sleep(_PARENT_POLL_SECONDS)
    os._exit(1)


def _refused(address: str) -> bool:
    """Tell whether nobody listens there: an engine that died before this process began is not its parent any more."""
    host, _, port = address.rpartition(":")
    try:
        socket.create_connection((host, int(port)), timeout=_CONNECT_SECONDS).close()
    except ConnectionRefusedError:
        return True
    except (OSError, ValueError):
        return False
    return False


def main(arguments: list[str], polling: Polling = POLLING) -> None:
    """Run Pulumi's dynamic provider with more threads and our servicer around its own. Returns when interrupted."""
    engine = None
    if arguments:
        if _refused(arguments[-1]):
            sys.exit(f"the engine at {arguments[-1]} has gone already")
        engine = engine_pb2_grpc.EngineStub(grpc.insecure_channel(arguments[-1]))
    # The plugin script tells who started it: the engine may have gone while this module's imports took their time.
    parent = int(os.environ.get("ASTRO_PLUGIN_PARENT") or os.getppid())
    threading.Thread(target=_end_with, args=(parent,), name="engine-watch", daemon=True).start()

    stock_executor = concurrent.futures.ThreadPoolExecutor
    register = provider_pb2_grpc.add_ResourceProviderServicer_to_server

    def executor(*_: object, **__: object) -> concurrent.futures.ThreadPoolExecutor:
        return stock_executor(max_workers=WORKERS, thread_name_prefix="resource")

    def register_wrapped(stock: provider_pb2_grpc.ResourceProviderServicer, server: grpc.Server) -> None:
        register(Servicer(stock, engine, polling), server)  # type: ignore[arg-type]

    concurrent.futures.ThreadPoolExecutor = executor  # type: ignore[assignment, misc]
    provider_pb2_grpc.add_ResourceProviderServicer_to_server = register_wrapped  # type: ignore[assignment]
    runpy.run_module("pulumi.dynamic", run_name="__main__", alter_sys=False)

"""The plugin process: Pulumi's own dynamic provider, run with what it lacks.

The stock process has four worker threads, ignores Cancel, cannot save partial progress, prints a traceback for every
error, does not tell a provider's methods which resource they serve, and leaves secrets to the engine, which cannot know
what we derive from them. This one runs the stock servicer unchanged behind a thin wrapper that adds these six things,
so that the protocol stays Pulumi's. A provider reaches it through :func:`current_call`, and works without it: on the
stock host there is no current call.
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
from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING, Any, Final, NoReturn

import grpc
from google.protobuf import any_pb2, struct_pb2
from pulumi.runtime import rpc
from pulumi.runtime.proto import engine_pb2, engine_pb2_grpc, provider_pb2, provider_pb2_grpc, status_pb2

from astro_deployment_runtime.errors import AstroRuntimeError
from astro_deployment_runtime.execution.polling import POLLING, Polling
from astro_deployment_runtime.plugin import secret_marks
from astro_deployment_runtime.support import cancellation
from astro_deployment_runtime.support.secret_masks import DERIVED, MASKS
from astro_deployment_runtime.support.urns import DEPLOYMENT, WAVE, Urn

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

WORKERS: Final = 1024
"""Threads at most; they are started when needed. A waiting hop holds one, so this bounds the hops side by side."""

NO_IMPORT: Final = (
    "{name}: a dynamic resource cannot be imported, and this one need not be: leave out import_, declare the "
    "Deployment, and 'pulumi up' adopts it as it is"
)

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

    def __init__(
        self,
        urn: str,
        engine: engine_pb2_grpc.EngineStub | None,
        *,
        secret: frozenset[str] = frozenset(),
        polling: Polling = POLLING,
    ) -> None:
        """Serve the resource of that URN; without an engine, log lines go nowhere."""
        self.urn = urn
        self.secret = secret
        """The paths of the arguments that are marked as secrets: ``image``, ``project.path``."""
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
            severity=engine_pb2.LogSeverity.ValueType(severity),
            message=MASKS.mask(text),
            urn=self.urn,
            ephemeral=ephemeral,
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


@dataclass(frozen=True, slots=True)
class _Flow:
    """Which properties of a request those of its answer come from."""

    given: str
    """What is given now."""
    before: str = ""
    """What was saved before; empty: nothing."""


_FLOWS: Final[Mapping[str, Mapping[str, _Flow]]] = {
    "Check": {"inputs": _Flow("news", "olds")},
    "Diff": {"": _Flow("news", "olds")},
    "Create": {"properties": _Flow("properties")},
    "Update": {"properties": _Flow("news", "olds")},
    "Delete": {"": _Flow("properties")},
    "Read": {"properties": _Flow("properties", "inputs"), "inputs": _Flow("inputs")},
}
"""By method and by the answer's field; an empty name: the answer has no properties."""


class _Secrets:
    """The marks of one request: they are taken off for the stock servicer, and put on its answer again."""

    def __init__(self, method: str, request: Any) -> None:  # noqa: ANN401 - any message of the protocol
        """Keep the request as it came."""
        self._flows = _FLOWS[method]
        self._request = request
        urn = Urn.parse(request.urn)
        ours = urn is not None and urn.type == DEPLOYMENT
        self._derived = DERIVED if ours else {}
        self.paths = frozenset(path for path, _ in secret_marks.secrets(self._given(next(iter(self._flows.values())))))
        if ours:
            self._mask()

    def _mask(self) -> None:
        """Mask the arguments that are secrets; what is derived from them is shown, with the masks in it."""
        for name in self._fields():
            for path, value in secret_marks.secrets(getattr(self._request, name)):
                if path.partition(".")[0] not in self._derived:
                    for where, text in secret_marks.texts(path, value):
                        MASKS.add(where, text)

    def plain(self) -> Any:  # noqa: ANN401 - any message of the protocol
        """Return the request without marks."""
        made = type(self._request)()
        made.CopyFrom(self._request)
        for name in self._fields():
            getattr(made, name).CopyFrom(secret_marks.plain(getattr(made, name)))
        return made

    def marked(self, answer: Any) -> Any:  # noqa: ANN401 - any message of the protocol
        """Mark the properties of an answer, and take secrets out of its texts."""
        for name, flow in self._flows.items():
            if name and answer.HasField(name):
                self.mark(getattr(answer, name), flow)
        for failure in getattr(answer, "failures", ()):
            failure.reason = MASKS.mask(failure.reason)
            if any(path.partition(".")[0] == failure.property for path in self.paths):
                failure.property = ""  # the engine would print its value
        if self._derived and isinstance(answer, provider_pb2.DiffResponse):
            self._hide_what_is_saved(answer)
        return answer

    def _hide_what_is_saved(self, answer: provider_pb2.DiffResponse) -> None:
        """Have a resource without a change saved anew where what became a secret is saved in clear.

        The engine keeps the outputs of such a resource as they are. The update changes nothing on the platform.
        """
        unchanged = answer.changes == provider_pb2.DiffResponse.DIFF_NONE
        if unchanged and secret_marks.exposes(self._request.olds, self._request.news, self._derived):
            answer.changes = provider_pb2.DiffResponse.DIFF_SOME

    def mark(self, properties: struct_pb2.Struct, flow: _Flow | None = None) -> None:
        """Mark properties that come from the request, as those of partial progress do."""
        flow = flow or next(iter(self._flows.values()))
        given = self._given(flow)
        secret_marks.mark(properties, given, self._derived)
        if flow.before:
            secret_marks.keep(properties, getattr(self._request, flow.before), given)

    def _given(self, flow: _Flow) -> struct_pb2.Struct:
        found: struct_pb2.Struct = getattr(self._request, flow.given)
        return found

    def _fields(self) -> list[str]:
        """Name the request's fields that hold properties."""
        return [
            field.name
            for field, _ in self._request.ListFields()
            if field.message_type is not None
            and field.message_type.full_name == struct_pb2.Struct.DESCRIPTOR.full_name
            and not field.is_repeated
        ]


class _Context:
    """A gRPC context that lets errors of ours through without the traceback that the stock servicer makes of them."""

    def __init__(self, context: grpc.ServicerContext, secrets: _Secrets) -> None:
        self._context = context
        self._secrets = secrets

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - stands in for the whole context
        return getattr(self._context, name)

    def abort(self, code: grpc.StatusCode, details: str) -> NoReturn:
        """End the call; called from within the stock servicer's handler of the exception that matters."""
        error = sys.exc_info()[1]
        if isinstance(error, PartialProgressError):
            self._context.set_trailing_metadata((("grpc-status-details-bin", _partial_progress(error, self._secrets)),))
        if isinstance(error, AstroRuntimeError):
            details = str(error)
        self._context.abort(code, MASKS.mask(details))
        raise AssertionError  # pragma: no cover - abort never returns


def _partial_progress(error: PartialProgressError, secrets: _Secrets) -> bytes:
    properties = asyncio.run(rpc.serialize_properties(error.outputs, {}))
    secrets.mark(properties)
    reason = MASKS.mask(str(error))
    detail = any_pb2.Any()
    detail.Pack(provider_pb2.ErrorResourceInitFailed(id=error.resource_id, properties=properties, reasons=[reason]))
    status = status_pb2.Status(code=grpc.StatusCode.UNKNOWN.value[0], message=reason, details=[detail])
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
        for method in _FLOWS:
            setattr(self, method, self._serve(method))

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - any method of the protocol
        """Leave all other methods to the stock servicer."""
        return getattr(self._stock, name)

    def Configure(self, request: object, context: grpc.ServicerContext) -> object:  # noqa: N802
        """Ask for the marks of secrets; the engine then leaves it to us to mark what we answer."""
        answer: Any = self._stock.Configure(request, context)  # type: ignore[arg-type]
        answer.acceptSecrets = True
        return answer

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

    def _serve(self, name: str) -> Callable[[Any, grpc.ServicerContext], Any]:
        method: Callable[[Any, Any], Any] = getattr(self._stock, name)

        def served(request: Any, context: grpc.ServicerContext) -> Any:  # noqa: ANN401 - any message of the protocol
            _refuse_import(name, request, context)
            secrets = _Secrets(name, request)
            with self._call(request.urn, secrets.paths):
                return secrets.marked(method(secrets.plain(), _Context(context, secrets)))

        return served

    @contextmanager
    def _call(self, urn: str, secret: frozenset[str]) -> Iterator[None]:
        call = Call(urn, self._engine, secret=secret, polling=self._polling)
        with self._lock:
            self._calls.add(call)
        token, stop = _current_call.set(call), cancellation.stop.set(call.cancelled)
        try:
            yield
        finally:
            _current_call.reset(token)
            cancellation.stop.reset(stop)
            with self._lock:
                self._calls.discard(call)


def _refuse_import(method: str, request: Any, context: grpc.ServicerContext) -> None:  # noqa: ANN401 - any message
    """End a read that brings no provider: the engine imports a resource, which a dynamic one cannot be."""
    urn = Urn.parse(request.urn)
    if method != "Read" or urn is None or urn.type not in {DEPLOYMENT, WAVE}:
        return
    if "__provider" not in request.properties and "__provider" not in request.inputs:
        context.abort(grpc.StatusCode.INVALID_ARGUMENT, NO_IMPORT.format(name=urn.name))


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

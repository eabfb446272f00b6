"""The plugin's gRPC server: worker threads, Cancel, errors without traceback, partial progress, and the process's end.

Each protocol of the engine is a servicer of its own. This module holds what they share.
"""

from __future__ import annotations

import concurrent.futures
import os
import socket
import sys
import threading
import time
import traceback
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final, NoReturn

import grpc
from google.protobuf import any_pb2
from pulumi.runtime._grpc_settings import _GRPC_CHANNEL_OPTIONS
from pulumi.runtime.proto import engine_pb2_grpc, provider_pb2, provider_pb2_grpc, status_pb2

from astro_deployment_runtime.errors import AstroRuntimeError
from astro_deployment_runtime.execution.polling import POLLING, Polling
from astro_deployment_runtime.plugin.connection import PlatformConnection
from astro_deployment_runtime.plugin.engine_call import Call, PartialProgressError, serving
from astro_deployment_runtime.support.secret_masks import MASKS
from astro_deployment_runtime.support.text_formatting import duration

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from google.protobuf import struct_pb2

WORKERS: Final = 1024
"""Largest number of threads; each starts when it is needed. A waiting hop holds one, so this limits parallel hops."""

_PARENT_POLL_SECONDS: Final = 0.5
_CONNECT_SECONDS: Final = 2.0
_BUG: Final = "{error}\nThis is a bug in astro-deployment-runtime. Report it with these lines:\n{traceback}"
_EXPIRED: Final = "customTimeouts allow {limit} for this operation, and it has taken longer."


class EngineCalls:
    """The requests of the engine that are in flight, with their errors and their cancellation."""

    def __init__(self, engine: engine_pb2_grpc.EngineStub | None, polling: Polling = POLLING) -> None:
        """Log to the engine, if there is one."""
        self._engine = engine
        self._polling = polling
        self._lock = threading.Lock()
        self._in_flight: set[Call] = set()
        self.connection = PlatformConnection({})
        """The platform that all requests use. Configure replaces it."""

    @contextmanager
    def serve(
        self,
        urn: str,
        context: grpc.ServicerContext,
        *,
        properties: Callable[[Mapping[str, Any]], struct_pb2.Struct] | None = None,
        secret: frozenset[str] = frozenset(),
        time_limit: float = 0.0,
    ) -> Iterator[Call]:
        """Serve one request. An exception ends it as the engine shows and saves it.

        Args:
            urn: of the resource; empty for a function.
            context: of the request.
            properties: writes the outputs of partial progress in the servicer's protocol; None for a function.
            secret: paths of the arguments that are marked as secrets.
            time_limit: seconds of ``customTimeouts``, after which the request is cancelled; 0: none.
        """
        call = Call(urn, self._engine, connection=self.connection, secret=secret, polling=self._polling)
        with self._lock:
            self._in_flight.add(call)
        try:
            with serving(call), call.limited_to(time_limit):
                yield call
        except Exception as error:  # noqa: BLE001 - the engine has to get every error
            _abort(context, error, properties, call)
        finally:
            with self._lock:
                self._in_flight.discard(call)

    def attach(self, address: str) -> None:
        """Log to the engine at that address from now on."""
        self._engine = engine_pb2_grpc.EngineStub(grpc.insecure_channel(address))

    def cancel(self) -> None:
        """Cancel the requests in flight. The engine also calls this at the end of every run, when there is none."""
        with self._lock:
            for call in self._in_flight:
                call.cancelled.set()


def _abort(
    context: grpc.ServicerContext,
    error: Exception,
    properties: Callable[[Mapping[str, Any]], struct_pb2.Struct] | None,
    call: Call,
) -> NoReturn:
    """End a request with an error. Errors of ours are for the user; any other is a bug and keeps its traceback."""
    text = str(error) if isinstance(error, AstroRuntimeError) else _bug_text(error)
    if call.expired_after is not None:
        text = f"{_EXPIRED.format(limit=duration(call.expired_after))}\n{text}"
    message = MASKS.mask(text)
    if isinstance(error, PartialProgressError) and properties:
        saved = provider_pb2.ErrorResourceInitFailed(
            id=error.resource_id, properties=properties(error.outputs), reasons=[message]
        )
        detail = any_pb2.Any()
        detail.Pack(saved)
        status = status_pb2.Status(code=grpc.StatusCode.UNKNOWN.value[0], message=message, details=[detail])
        context.set_trailing_metadata((("grpc-status-details-bin", status.SerializeToString()),))
    context.abort(grpc.StatusCode.UNKNOWN, message)
    raise AssertionError  # pragma: no cover - abort never returns


def _bug_text(error: Exception) -> str:
    """Return the error first, since Pulumi's status column shows only one line."""
    return _BUG.format(
        error="".join(traceback.format_exception_only(error)).strip(),
        traceback="".join(traceback.format_exception(error)),
    )


def run(
    arguments: list[str],
    servicer: Callable[[EngineCalls], provider_pb2_grpc.ResourceProviderServicer],
    polling: Polling = POLLING,
) -> None:
    """Serve the engine until it interrupts this process or exits.

    Args:
        arguments: of the process; the last one that does not begin with ``-`` is the engine's address.
        servicer: makes the servicer of the engine's protocol.
        polling: how often a hop looks at its Deployment.
    """
    engine = None
    if addresses := [each for each in arguments if not each.startswith("-")]:
        if _refuses_connections(addresses[-1]):
            sys.exit(f"the engine at {addresses[-1]} has exited")
        engine = engine_pb2_grpc.EngineStub(grpc.insecure_channel(addresses[-1]))
    # The plugin script says who started it: the engine may have exited while this module was imported.
    parent = int(os.environ.get("ASTRO_PLUGIN_PARENT") or os.getppid())
    threading.Thread(target=_exit_with, args=(parent,), name="engine-watch", daemon=True).start()

    # The message size and the other options are those of Pulumi's own host.
    workers = concurrent.futures.ThreadPoolExecutor(WORKERS, thread_name_prefix="resource")
    server = grpc.server(workers, options=_GRPC_CHANNEL_OPTIONS)
    provider_pb2_grpc.add_ResourceProviderServicer_to_server(servicer(EngineCalls(engine, polling)), server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    # The engine reads the port from the first line.
    sys.stdout.write(f"{port}\n")
    sys.stdout.flush()
    try:
        threading.Event().wait()
    except KeyboardInterrupt:
        server.stop(0)


def _exit_with(parent: int) -> None:
    """End this process when the engine that started it has exited: nobody would save what it goes on to do."""
    while os.getppid() == parent:
        time.sleep(_PARENT_POLL_SECONDS)
    os._exit(1)


def _refuses_connections(address: str) -> bool:
    """Return whether the engine refuses connections. It may have exited before this process started."""
    host, _, port = address.rpartition(":")
    try:
        socket.create_connection((host, int(port)), timeout=_CONNECT_SECONDS).close()
    except ConnectionRefusedError:
        return True
    except (OSError, ValueError):
        return False
    return False

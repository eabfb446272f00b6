"""The plugin's server: requests in flight, Cancel, errors, partial progress, and the process's end."""

from __future__ import annotations

import concurrent.futures
import os
import socket
import subprocess
import sys
import threading
import time
from typing import TYPE_CHECKING, Any

import grpc
import pytest
from google.protobuf import struct_pb2
from google.protobuf.json_format import MessageToDict
from pulumi.runtime.proto import provider_pb2, provider_pb2_grpc

from astro_deployment_runtime.errors import RefusedError
from astro_deployment_runtime.plugin import server
from astro_deployment_runtime.plugin.engine_call import Call, PartialProgressError, current_call
from astro_deployment_runtime.plugin.server import EngineCalls
from tests.unit.plugin.plugin_process import ROOT, URN, client_of, create, init_failed, metadata

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

OUTPUTS = {"plan": ["one", "two"], "hops": 2, "wait": True}


class Servicer(provider_pb2_grpc.ResourceProviderServicer):
    """A protocol whose Create does what a test gives it."""

    def __init__(self, do: Callable[[], None]) -> None:
        self._do = do
        self.calls = EngineCalls(None)

    def Create(self, request: provider_pb2.CreateRequest, context: grpc.ServicerContext) -> provider_pb2.CreateResponse:  # noqa: N802
        """Do it."""
        with self.calls.serve(request.urn, context, properties=as_struct, secret=frozenset({"image"})):
            self._do()
        return provider_pb2.CreateResponse(id=request.name)


def as_struct(outputs: Mapping[str, Any]) -> struct_pb2.Struct:
    """Write outputs as they are."""
    made = struct_pb2.Struct()
    made.update(outputs)
    return made


def test_call_knows_its_resource() -> None:
    """A method finds its own request, and only while it runs."""
    seen: list[Call | None] = []
    servicer = Servicer(lambda: seen.append(current_call()))
    with client_of(servicer) as stub:
        create(stub)
    (call,) = seen
    assert call is not None
    assert (call.urn, call.secret, call.cancelled.is_set()) == (URN, frozenset({"image"}), False)
    assert current_call() is None
    assert servicer.calls._in_flight == set()


def test_cancel_reaches_only_the_calls_in_flight() -> None:
    """Earlier calls are over, and later ones run: the engine sends Cancel at the end of every run."""
    calls: list[Call] = []
    entered = threading.Semaphore(0)

    def wait() -> None:
        call = current_call()
        assert call is not None
        calls.append(call)
        entered.release()
        if call.urn not in {"first", "last"}:
            assert call.cancelled.wait(10)

    servicer = Servicer(wait)
    with client_of(servicer) as stub, concurrent.futures.ThreadPoolExecutor(2) as pool:
        create(stub, "first")
        running = [pool.submit(create, stub, urn) for urn in ("a", "b")]
        for _ in range(3):
            assert entered.acquire(timeout=10)
        servicer.calls.cancel()
        for each in running:
            each.result(timeout=10)
        create(stub, "last")
    cancelled = {call.urn: call.cancelled.is_set() for call in calls}
    assert cancelled == {"first": False, "a": True, "b": True, "last": False}


def failure(error: Exception) -> grpc.RpcError:
    """Return what the engine gets where a method raises this error."""

    def fail() -> None:
        raise error

    servicer = Servicer(fail)
    with client_of(servicer) as stub, pytest.raises(grpc.RpcError) as raised:
        create(stub)
    assert servicer.calls._in_flight == set()
    assert raised.value.code() is grpc.StatusCode.UNKNOWN
    return raised.value


def test_error_of_ours_is_shown_without_traceback() -> None:
    """Its message is written for the user."""
    error = failure(RefusedError("NO-REVERT: there is no way back.\nNext: declare what runs."))
    assert error.details() == "NO-REVERT: there is no way back.\nNext: declare what runs."
    assert "grpc-status-details-bin" not in metadata(error)


def test_any_other_error_is_a_bug_to_report() -> None:
    """The error comes first, and then what to do. The traceback helps to find the bug."""
    details = str(failure(KeyError("deployment_id")).details())
    assert details.startswith(
        "KeyError: 'deployment_id'\n"
        "This is a bug in astro-deployment-runtime. Report it with these lines:\n"
        "Traceback (most recent call last):\n"
    )
    assert details.endswith("KeyError: 'deployment_id'\n")


def test_partial_progress_is_saved() -> None:
    """The engine gets the id, the outputs and the reason beside the error message."""
    error = failure(PartialProgressError("hop 1/2: no image arrived", resource_id="ckw1", outputs=OUTPUTS))
    assert error.details() == "hop 1/2: no image arrived"
    failed = init_failed(error)
    assert (failed.id, list(failed.reasons)) == ("ckw1", ["hop 1/2: no image arrived"])
    assert MessageToDict(failed.properties) == OUTPUTS


def test_process_ends_with_its_parent(monkeypatch: pytest.MonkeyPatch) -> None:
    """The process looks again and again, and exits when its parent has changed."""
    parents = iter([7, 7, 1])
    ends: list[int] = []
    monkeypatch.setattr(server, "_PARENT_POLL_SECONDS", 0)
    monkeypatch.setattr(os, "getppid", lambda: next(parents))
    monkeypatch.setattr(os, "_exit", ends.append)
    server._exit_with(7)
    assert ends == [1]


def test_process_ends_within_five_seconds_of_its_engine(address: str) -> None:
    """Without a signal from anything."""
    line = f'"{sys.executable}" -m astro_deployment_runtime.plugin {address} & wait'
    with subprocess.Popen(["sh", "-c", line], cwd=ROOT, stdout=subprocess.PIPE, text=True) as shell:
        assert shell.stdout is not None
        assert int(shell.stdout.readline()) > 0
        shell.kill()
        before = time.monotonic()
        # The orphan holds the other end of this pipe until it exits.
        assert shell.stdout.read() == ""
        assert time.monotonic() - before < 5


def test_process_does_not_start_when_its_engine_has_exited() -> None:
    """Its parent has changed already, so it cannot see a change."""
    with socket.create_server(("127.0.0.1", 0)) as closed:
        address = f"127.0.0.1:{closed.getsockname()[1]}"
    command = [sys.executable, "-m", "astro_deployment_runtime.plugin", address]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=20)
    assert (ended.returncode, ended.stdout) == (1, "")
    assert ended.stderr == f"the engine at {address} has exited\n"

"""The plugin process: calls that know their resource, cancelling, errors, partial progress, log lines, its end."""

from __future__ import annotations

import concurrent.futures
import contextlib
import json
import os
import socket
import subprocess
import sys
import threading
import time
import traceback
from pathlib import Path
from typing import TYPE_CHECKING, Any

import grpc
import pytest
from google.protobuf import empty_pb2, struct_pb2
from google.protobuf.json_format import MessageToDict
from pulumi.dynamic.dynamic import serialize_provider
from pulumi.runtime.proto import engine_pb2, engine_pb2_grpc, plugin_pb2, provider_pb2, provider_pb2_grpc, status_pb2

from astro_deployment_runtime import host
from astro_deployment_runtime.errors import RefusedError
from astro_deployment_runtime.host import Call, PartialProgressError, Servicer, Severity, current_call
from astro_deployment_runtime.resource import JUDGE_FLEET, RuntimeProvider
from astro_deployment_runtime.roster import Roster
from tests.contract.served import STARS, TOKEN, serving

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ROOT = Path(__file__).parents[2]
SCRIPT = ROOT / "plugin" / "pulumi-resource-pulumi-python"
URN = "urn:pulumi:dev::astro::pulumi-python:dynamic/astro:DeploymentRuntime::data-eng"
OUTPUTS = {"__provider": "pickled", "plan": ["one", "two"], "hops": 2, "pending": None, "wait": True}


class Engine(engine_pb2_grpc.EngineServicer):
    """Pulumi's engine, as far as a plugin talks to it: it keeps what it is told."""

    def __init__(self) -> None:
        self.lines: list[engine_pb2.LogRequest] = []

    def Log(self, request: engine_pb2.LogRequest, context: grpc.ServicerContext) -> empty_pb2.Empty:  # noqa: ARG002, N802
        """Keep a line."""
        self.lines.append(request)
        return empty_pb2.Empty()

    def texts(self, *, ephemeral: bool) -> list[str]:
        """List the texts for the status column, or those that stay."""
        return [line.message for line in self.lines if line.ephemeral is ephemeral]


@contextlib.contextmanager
def listening(register: Callable[[grpc.Server], None]) -> Iterator[str]:
    """Serve something over gRPC on a free port; gives the address."""
    server = grpc.server(concurrent.futures.ThreadPoolExecutor(8))
    register(server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    try:
        yield f"127.0.0.1:{port}"
    finally:
        server.stop(None).wait(10)


@pytest.fixture
def engine() -> Engine:
    """An engine that listens nowhere yet."""
    return Engine()


@pytest.fixture
def address(engine: Engine) -> Iterator[str]:
    """Where the engine listens."""
    with listening(lambda server: engine_pb2_grpc.add_EngineServicer_to_server(engine, server)) as where:
        yield where


class Stock(provider_pb2_grpc.ResourceProviderServicer):
    """Stands for Pulumi's servicer: what a method does is handed in, an error is treated as Pulumi does."""

    def __init__(self, do: Callable[[], None]) -> None:
        self._do = do
        self.cancels = 0

    def Create(self, request: provider_pb2.CreateRequest, context: grpc.ServicerContext) -> provider_pb2.CreateResponse:  # noqa: N802
        """Do it; a traceback for whatever goes wrong."""
        try:
            assert context.is_active()  # all of the context is there
            self._do()
        except Exception:  # noqa: BLE001 - as the original does
            context.abort(grpc.StatusCode.UNKNOWN, traceback.format_exc())
        return provider_pb2.CreateResponse(id=request.name)

    def Cancel(self, request: empty_pb2.Empty, context: grpc.ServicerContext) -> empty_pb2.Empty:  # noqa: ARG002, N802
        """Do nothing, as the original does."""
        self.cancels += 1
        return empty_pb2.Empty()

    def GetPluginInfo(self, request: empty_pb2.Empty, context: grpc.ServicerContext) -> plugin_pb2.PluginInfo:  # noqa: ARG002, N802
        """Tell a version."""
        return plugin_pb2.PluginInfo(version="0.1.0")


@contextlib.contextmanager
def wrapped(
    do: Callable[[], None], engine: engine_pb2_grpc.EngineStub | None = None
) -> Iterator[tuple[provider_pb2_grpc.ResourceProviderStub, Stock, Servicer]]:
    """Serve our servicer around a stock one that does this on Create; gives a client of it."""
    stock = Stock(do)
    ours = Servicer(stock, engine)

    def register(server: grpc.Server) -> None:
        provider_pb2_grpc.add_ResourceProviderServicer_to_server(ours, server)  # type: ignore[arg-type]

    with listening(register) as where, grpc.insecure_channel(where) as channel:
        yield provider_pb2_grpc.ResourceProviderStub(channel), stock, ours


def create(stub: provider_pb2_grpc.ResourceProviderStub, urn: str = URN) -> provider_pb2.CreateResponse:
    """Ask for a creation."""
    answer: provider_pb2.CreateResponse = stub.Create(provider_pb2.CreateRequest(urn=urn), timeout=10)
    return answer


def test_a_call_knows_its_resource() -> None:
    """While a method runs, and in its thread alone."""
    seen: list[Call | None] = []
    with wrapped(lambda: seen.append(current_call())) as (stub, _, ours):
        create(stub)
        assert ours._calls == set()
    (call,) = seen
    assert call is not None
    assert (call.urn, call.cancelled.is_set()) == (URN, False)
    assert current_call() is None


def test_other_methods_are_the_stock_servicers() -> None:
    """What is not wrapped is passed on, also what the protocol may bring."""
    with wrapped(lambda: None) as (stub, _, _):
        assert stub.GetPluginInfo(empty_pb2.Empty(), timeout=10).version == "0.1.0"
        with pytest.raises(grpc.RpcError) as raised:
            stub.GetSchema(provider_pb2.GetSchemaRequest(), timeout=10)
    assert raised.value.code() is grpc.StatusCode.UNIMPLEMENTED


def test_cancel_reaches_the_calls_in_flight_alone() -> None:
    """Those that came before are over; those that come after are not cancelled: the engine cancels at every end."""
    calls: list[Call] = []
    entered = threading.Semaphore(0)

    def wait() -> None:
        call = current_call()
        assert call is not None
        calls.append(call)
        entered.release()
        if call.urn not in {"first", "last"}:
            assert call.cancelled.wait(10)

    with wrapped(wait) as (stub, stock, _), concurrent.futures.ThreadPoolExecutor(2) as pool:
        create(stub, "first")
        running = [pool.submit(create, stub, urn) for urn in ("a", "b")]
        for _ in range(3):
            assert entered.acquire(timeout=10)
        stub.Cancel(empty_pb2.Empty(), timeout=10)
        for each in running:
            each.result(timeout=10)
        create(stub, "last")
        assert stock.cancels == 1
    cancelled = {call.urn: call.cancelled.is_set() for call in calls}
    assert cancelled == {"first": False, "a": True, "b": True, "last": False}


def test_an_error_of_ours_is_its_message() -> None:
    """No traceback: it is written for the user."""

    def refuse() -> None:
        raise RefusedError("NO-REVERT: there is no way back.\nNext: declare what runs.")

    with wrapped(refuse) as (stub, _, ours):
        with pytest.raises(grpc.RpcError) as raised:
            create(stub)
        assert ours._calls == set()
    assert raised.value.code() is grpc.StatusCode.UNKNOWN
    assert raised.value.details() == "NO-REVERT: there is no way back.\nNext: declare what runs."
    assert "grpc-status-details-bin" not in metadata(raised.value)


def test_an_error_of_somebody_else_keeps_its_traceback() -> None:
    """It is a mistake in a program, and whoever mends it wants to know where."""

    def fail() -> None:
        raise KeyError("deployment_id")

    with wrapped(fail) as (stub, _, _), pytest.raises(grpc.RpcError) as raised:
        create(stub)
    assert str(raised.value.details()).startswith("Traceback (most recent call last)")
    assert str(raised.value.details()).endswith("KeyError: 'deployment_id'\n")


def metadata(error: grpc.RpcError) -> dict[str, Any]:
    """Read what came after an error."""
    return {each.key: each.value for each in error.trailing_metadata() or ()}


def init_failed(error: grpc.RpcError) -> provider_pb2.ErrorResourceInitFailed:
    """Read what an error tells the engine to save."""
    status = status_pb2.Status.FromString(metadata(error)["grpc-status-details-bin"])
    assert status.code == grpc.StatusCode.UNKNOWN.value[0]
    assert status.message == error.details()
    (detail,) = status.details
    failed = provider_pb2.ErrorResourceInitFailed()
    assert detail.Unpack(failed)
    return failed


def test_partial_progress_is_told_as_the_engine_reads_it() -> None:
    """The id, what is to be saved and the reason, beside an error that is the reason alone."""

    def stop() -> None:
        raise PartialProgressError("hop 1/2: no image arrived", resource_id="ckw1", outputs=OUTPUTS)

    with wrapped(stop) as (stub, _, _), pytest.raises(grpc.RpcError) as raised:
        create(stub)
    assert raised.value.details() == "hop 1/2: no image arrived"
    failed = init_failed(raised.value)
    assert (failed.id, list(failed.reasons)) == ("ckw1", ["hop 1/2: no image arrived"])
    saved = {key: value for key, value in OUTPUTS.items() if value is not None}
    assert MessageToDict(failed.properties) == saved


def test_log_lines_go_to_the_resources_row(engine: Engine, address: str) -> None:
    """With its URN, a level, and whether they stay."""
    with grpc.insecure_channel(address) as channel:
        call = Call(URN, engine_pb2_grpc.EngineStub(channel))
        call.log(Severity.WARNING, "the offer changed")
        call.progress("hop 1/2 - waiting for image")
    assert [(line.severity, line.message, line.urn, line.ephemeral) for line in engine.lines] == [
        (engine_pb2.WARNING, "the offer changed", URN, False),
        (engine_pb2.INFO, "hop 1/2 - waiting for image", URN, True),
    ]


def test_a_line_that_nobody_takes_is_lost() -> None:
    """An engine that has gone, or none at all, fails no hop."""
    with grpc.insecure_channel("127.0.0.1:1") as channel:
        Call(URN, engine_pb2_grpc.EngineStub(channel)).log(Severity.ERROR, "to nobody")
    Call(URN, None).progress("to nobody")


def test_the_process_ends_with_its_parent(monkeypatch: pytest.MonkeyPatch) -> None:
    """It looks again and again, and goes as soon as its parent is another."""
    parents = iter([7, 7, 1])
    ends: list[int] = []
    monkeypatch.setattr(host, "_PARENT_POLL_SECONDS", 0)
    monkeypatch.setattr(os, "getppid", lambda: next(parents))
    monkeypatch.setattr(os, "_exit", ends.append)
    host._end_with(7)
    assert ends == [1]


# The process


@contextlib.contextmanager
def started(*arguments: str) -> Iterator[tuple[provider_pb2_grpc.ResourceProviderStub, subprocess.Popen[str]]]:
    """Start the plugin as the engine does; gives a client of it."""
    with subprocess.Popen(
        [sys.executable, "-m", "astro_deployment_runtime.plugin", *arguments],
        cwd=ROOT,
        env=os.environ | {"PULUMI_PROJECT": "astro"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            assert process.stdout is not None
            port = process.stdout.readline().strip()
            with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
                yield provider_pb2_grpc.ResourceProviderStub(channel), process
        finally:
            process.terminate()


def struct(**values: Any) -> struct_pb2.Struct:
    """Make the properties of a resource, with the provider as it is in the state."""
    made = struct_pb2.Struct()
    made.update({"__provider": serialize_provider(RuntimeProvider()), **values})
    return made


def configured(stub: provider_pb2_grpc.ResourceProviderStub, **config: str) -> None:
    """Hand over the stack's config."""
    arguments = struct_pb2.Struct()
    arguments.update({f"astro:{key}": value for key, value in config.items()})
    stub.Configure(provider_pb2.ConfigureRequest(args=arguments), timeout=10)


def test_the_whole_process_with_an_engine_and_a_platform(engine: Engine, address: str, tmp_path: Path) -> None:
    """A plan at the resource's row, a hop that is started, Cancel, and partial progress that says what is pending."""
    with serving(tmp_path) as served, started(address) as (stub, _):
        configured(stub, houstonUrl=served.url, token=TOKEN, catalog="guide")
        given = struct(release_name="stars-1", runtime_version="5.0.4", accept=[], timeout="1h", wait=True)
        checked = stub.Check(provider_pb2.CheckRequest(urn=URN, news=given), timeout=20)
        assert not checked.failures
        assert checked.inputs["path"] == "AC 2.2.3 > AC 2.3.0 > Astro Runtime 5.0.4"
        assert {line.urn for line in engine.lines} == {URN}
        assert engine.texts(ephemeral=False)[0].startswith("data-eng (stars-1): 2 hops to Astro Runtime 5.0.4")
        assert engine.texts(ephemeral=True) == ["AC 2.2.3 > AC 2.3.0 > Astro Runtime 5.0.4"]

        running = stub.Create.future(provider_pb2.CreateRequest(urn=URN, properties=checked.inputs), timeout=30)
        wait_for(lambda: any("waiting for image" in text for text in engine.texts(ephemeral=True)))
        assert served.found(STARS).pending == "2.3.0"
        stub.Cancel(empty_pb2.Empty(), timeout=10)
        with pytest.raises(grpc.RpcError) as raised:
            running.result(timeout=10)
        failed = init_failed(raised.value)
        assert failed.id == STARS
        assert (failed.properties["current_version"], failed.properties["pending"]) == ("AC 2.2.3", "AC 2.3.0")
        assert failed.properties["__provider"] == given["__provider"]
        assert failed.reasons[0].startswith("interrupted; the hop to AC 2.3.0 stays started")
        assert TOKEN not in str(engine.lines) + str(failed)


def test_the_whole_process_judges_a_fleet(engine: Engine, address: str, tmp_path: Path) -> None:
    """Before a resource is declared; the checks that follow read nothing more, and take none of it for declared."""
    declared = {"deployments": [{"name": "data-eng", "releaseName": "stars-1", "runtimeVersion": "5.0.4"}]}
    question = struct(question=json.dumps({"declared": declared, "saved": None}))
    with serving(tmp_path) as served, started(address) as (stub, _):
        configured(stub, houstonUrl=served.url, token=TOKEN, catalog="guide")
        answer = stub.Invoke(provider_pb2.InvokeRequest(tok=JUDGE_FLEET, args=question), timeout=20)
        roster = Roster.from_json(getattr(answer, "return")["answer"])
        assert [(row.name, row.refusal) for row in roster.rows] == [("data-eng", None)]
        reads = len(served.asked())
        given = struct(release_name="stars-1", runtime_version="5.0.4", accept=[], timeout="1h", wait=True)
        checked = stub.Check(provider_pb2.CheckRequest(urn=URN, news=given), timeout=20)
        assert not checked.failures
        assert reads == len(served.asked()) == 2
    assert {line.urn for line in engine.lines} == {URN}


def test_errors_of_the_whole_process() -> None:
    """Without an engine's address; a mistake in the settings is a failed check, a mistake of a program a traceback."""
    with started() as (stub, process):
        configured(stub)
        given = struct(release_name="stars-1", runtime_version="5.0.4")
        checked = stub.Check(provider_pb2.CheckRequest(urn=URN, news=given), timeout=20)
        (failure,) = checked.failures
        assert failure.reason.startswith("Houston's address is not configured")
        with pytest.raises(grpc.RpcError) as raised:
            stub.Create(provider_pb2.CreateRequest(urn=URN, properties=given), timeout=10)
        assert "KeyError: 'deployment_id'" in str(raised.value.details())
        props = struct(deployment_id="ckw1")
        with pytest.raises(grpc.RpcError) as raised:
            stub.Read(provider_pb2.ReadRequest(urn=URN, id="ckw1", properties=props), timeout=10)
        assert str(raised.value.details()).startswith("Houston's address is not configured")
        process.terminate()
        assert process.communicate(timeout=10) == ("", "")


def wait_for(condition: Callable[[], bool]) -> None:
    """Wait for what another process is about to do."""
    end = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < end, "it did not come to that"
        time.sleep(0.02)


def test_the_whole_process_ends_when_its_parent_has_gone(address: str) -> None:
    """Within five seconds, though nobody tells it."""
    line = f'"{sys.executable}" -m astro_deployment_runtime.plugin {address} & wait'
    with subprocess.Popen(["sh", "-c", line], cwd=ROOT, stdout=subprocess.PIPE, text=True) as shell:
        assert shell.stdout is not None
        assert int(shell.stdout.readline()) > 0
        shell.kill()
        before = time.monotonic()
        # The orphan holds the other end of this pipe for as long as it lives.
        assert shell.stdout.read() == ""
        assert time.monotonic() - before < 5


def test_a_process_whose_engine_died_before_it_began_does_not_begin() -> None:
    """Its parent is already another, so that could not be seen to change."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = f"127.0.0.1:{server.getsockname()[1]}"
    command = [sys.executable, "-m", "astro_deployment_runtime.plugin", address]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=20)
    assert (ended.returncode, ended.stdout) == (1, "")
    assert ended.stderr == f"the engine at {address} has gone already\n"


@pytest.mark.parametrize(
    ("variables", "chosen"),
    [
        ({}, "bin/python3"),
        ({"PULUMI_PYTHON_CMD": "bin/other"}, "bin/other"),
        ({"PULUMI_RUNTIME_VIRTUALENV": "venv"}, "venv/bin/python"),
        ({"PULUMI_RUNTIME_VIRTUALENV": "venv", "PULUMI_RUNTIME_TOOLCHAIN": "uv"}, "venv/bin/python"),
        ({"PULUMI_RUNTIME_TOOLCHAIN": "uv", "PULUMI_PYTHON_CMD": "bin/other"}, ".venv/bin/python"),
        ({"PULUMI_RUNTIME_TOOLCHAIN": "pip"}, "bin/python3"),
        ({"PULUMI_RUNTIME_TOOLCHAIN": "poetry"}, "bin/poetry run python"),
    ],
)
def test_the_interpreter_is_chosen_as_pulumi_does(tmp_path: Path, variables: dict[str, str], chosen: str) -> None:
    """By what the engine says of the project's runtime, else by a variable, else python3."""
    for name in ("bin/python3", "bin/other", "bin/poetry", "venv/bin/python", ".venv/bin/python"):
        program = tmp_path / name
        program.parent.mkdir(parents=True, exist_ok=True)
        program.write_text('#!/bin/sh\nprintf "%s\\n" "$0" "$@"\n', encoding="utf-8")
        program.chmod(0o755)
    environment = {"PATH": f"{tmp_path / 'bin'}:/usr/bin:/bin", **variables}
    told = subprocess.run(
        [SCRIPT, "127.0.0.1:1234 5"], cwd=tmp_path, env=environment, capture_output=True, text=True, check=True
    ).stdout.splitlines()
    started = f"{chosen} -u -m astro_deployment_runtime.plugin 127.0.0.1:1234 5"
    assert " ".join(told).removeprefix(f"{tmp_path}/") == started
    assert told[-1] == "127.0.0.1:1234 5"

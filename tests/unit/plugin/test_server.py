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
from pulumi.runtime import rpc
from pulumi.runtime.proto import engine_pb2, engine_pb2_grpc, plugin_pb2, provider_pb2, provider_pb2_grpc, status_pb2

from astro_deployment_runtime.errors import RefusedError
from astro_deployment_runtime.lifecycle.fleet_manifest import Roster
from astro_deployment_runtime.plugin import server
from astro_deployment_runtime.plugin.server import Call, PartialProgressError, Servicer, Severity, current_call
from astro_deployment_runtime.resource import JUDGE_FLEET, RuntimeProvider
from tests.contract.served import STARS, TOKEN, serving

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ROOT = Path(__file__).parents[3]
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
    monkeypatch.setattr(server, "_PARENT_POLL_SECONDS", 0)
    monkeypatch.setattr(os, "getppid", lambda: next(parents))
    monkeypatch.setattr(os, "_exit", ends.append)
    server._end_with(7)
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


@pytest.mark.slow
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


@pytest.mark.slow
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


CANARY = "canary-4711"
SECRET_IMAGE = f"registry.example.com/{CANARY}/airflow:{{distribution}}-{{version}}"


def secret(value: Any) -> Any:
    """Mark a value as the engine does."""
    return rpc.wrap_rpc_secret(value)


def given(**values: Any) -> struct_pb2.Struct:
    """Make inputs of a Deployment that has two hops to go."""
    return struct(**{"release_name": "stars-1", "runtime_version": "5.0.4", "accept": [], **values})


def in_clear(properties: struct_pb2.Struct) -> dict[str, Any]:
    """Return what the engine would write in clear: everything but the marked values."""

    def clear(value: Any) -> Any:
        if isinstance(value, dict):
            return "***" if rpc.is_rpc_secret(value) else {name: clear(each) for name, each in value.items()}
        return [clear(each) for each in value] if isinstance(value, list) else value

    found: dict[str, Any] = clear(MessageToDict(properties))
    return found


def project_of(folder: Path, deploy: str) -> dict[str, Any]:
    """Lay out an Astro project in a folder with the canary in its name; its path is a secret."""
    project = folder / CANARY
    (project / ".astro").mkdir(parents=True)
    (project / ".astro" / "config.yaml").touch()
    (project / "Dockerfile").write_text("FROM quay.io/astronomer/ap-airflow:2.2.3-onbuild\n", encoding="utf-8")
    (project / "deploy").write_text(f"#!/bin/sh\n{deploy}\n", encoding="utf-8")
    (project / "deploy").chmod(0o755)
    return {"path": secret(str(project)), "deploy": "./deploy"}


@pytest.mark.slow
def test_secrets_are_marked_in_all_that_is_saved_and_masked_in_all_that_is_shown(
    engine: Engine, address: str, tmp_path: Path
) -> None:
    """Through check, create, update and refresh of the stock servicer, which is given none of the marks."""
    with serving(tmp_path) as served, started(address) as (stub, _):
        arguments = struct_pb2.Struct()
        arguments.update({"astro:houstonUrl": served.url, "astro:token": secret(TOKEN), "astro:catalog": "guide"})
        assert stub.Configure(provider_pb2.ConfigureRequest(args=arguments), timeout=10).acceptSecrets
        news = given(image=secret(SECRET_IMAGE), wait=True)
        checked = stub.Check(provider_pb2.CheckRequest(urn=URN, news=news), timeout=20)
        found = in_clear(checked.inputs)
        assert (found["image"], found["plan"], found["path"]) == (
            "***",
            "***",
            "AC 2.2.3 > AC 2.3.0 > Astro Runtime 5.0.4",
        )
        assert engine.texts(ephemeral=False)[0].endswith("Hop 1 delivers [secret]\nHop 2 delivers [secret]")

        shown_first = engine.texts(ephemeral=False)
        stub.Check(provider_pb2.CheckRequest(urn=URN, olds=checked.inputs, news=news), timeout=20)
        # What is derived is marked, and is no secret by itself: the next run shows it all the same.
        assert engine.texts(ephemeral=False) == shown_first * 2

        saved = stub.Create(provider_pb2.CreateRequest(urn=URN, properties=checked.inputs), timeout=60).properties
        assert (in_clear(saved)["image"], in_clear(saved)["plan"]) == ("***", "***")
        assert in_clear(saved)["current_version"] == "Astro Runtime 5.0.4"
        assert any("deploying the image [secret]" in text for text in engine.texts(ephemeral=False))

        read = stub.Read(provider_pb2.ReadRequest(urn=URN, id=STARS, properties=saved), timeout=10)
        assert (in_clear(read.properties)["image"], in_clear(read.properties)["plan"]) == ("***", "***")
        held = given(hold="refused", image="registry.example.com/other:{version}")
        kept = stub.Check(provider_pb2.CheckRequest(urn=URN, olds=saved, news=held), timeout=10)
        assert (in_clear(kept.inputs)["image"], in_clear(kept.inputs)["plan"]) == ("***", "***")
        shown = str(engine.lines)
        answers = [in_clear(each) for each in (checked.inputs, saved, read.properties, kept.inputs)]
    assert CANARY not in shown + str(answers)
    assert TOKEN not in shown


@pytest.mark.slow
def test_a_secret_path_is_masked_in_what_a_command_prints(engine: Engine, address: str, tmp_path: Path) -> None:
    """Also where the text is cut right there."""
    with serving(tmp_path) as served, started(address) as (stub, _):
        configured(stub, houstonUrl=served.url, token=TOKEN, catalog="guide")
        project = project_of(tmp_path, "pwd; printf '%0290d%s\\n' 0 \"$PWD\"; printf '%016380d%s' 0 \"$PWD\"; exit 3")
        checked = stub.Check(provider_pb2.CheckRequest(urn=URN, news=given(project=project, wait=True)), timeout=20)
        assert [failure.reason for failure in checked.failures] == []
        found = in_clear(checked.inputs)
        assert (found["project"], found["plan"]) == ({"path": "***", "deploy": "./deploy"}, "***")
        with pytest.raises(grpc.RpcError) as raised:
            stub.Create(provider_pb2.CreateRequest(urn=URN, properties=checked.inputs), timeout=30)
        failed = init_failed(raised.value)
    shown = str(engine.lines) + str(raised.value) + str(failed.reasons)
    assert "Each hop then runs './deploy' in [secret]." in engine.texts(ephemeral=False)[0]
    assert "'./deploy' failed with exit code 3; it printed last:\n  [secret]\n" in failed.reasons[0]
    # What is left of the path where the output is cut.
    assert CANARY[:6] not in shown + str(in_clear(failed.properties))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ({"release_name": secret("stars-1")}, "release_name is a secret, which cannot be kept because the URN,"),
        ({"runtime_version": secret("5.0.4")}, "runtime_version is a secret, which cannot be kept because the URN,"),
        ({"project": {"path": "a", "test": secret(f"test {CANARY}")}}, "project.test is a secret, and every user"),
        ({"project": secret({"path": CANARY, "deploy": "b"})}, "project.deploy is a secret, and every user"),
        ({"accept": [secret(CANARY)]}, "accept is a secret, which cannot be kept because plans and messages"),
        ({"timeout": secret(CANARY)}, "timeout is a secret, which cannot be kept because plans and messages"),
        ({"image": secret(f"{CANARY} x:{{version}}")}, "image '[secret]' becomes '[secret]' for AC 2.3.0"),
        ({"image": secret(f"{{{CANARY}}}")}, "image names [secret], which there is not"),
        ({"project": {"path": secret(f"./{CANARY}/x")}}, "project.path '[secret]' is no folder ([secret])"),
    ],
)
def test_no_refusal_shows_a_secret(address: str, tmp_path: Path, values: dict[str, Any], reason: str) -> None:
    """Neither its reason nor the value that the engine would print of the argument that is to blame."""
    with serving(tmp_path) as served, started(address) as (stub, _):
        configured(stub, houstonUrl=served.url, token=TOKEN, catalog="guide")
        (failure,) = stub.Check(provider_pb2.CheckRequest(urn=URN, news=given(**values)), timeout=20).failures
    assert failure.reason.startswith(reason)
    assert CANARY not in failure.reason
    assert failure.property == ""


def test_what_became_a_secret_is_saved_anew(tmp_path: Path) -> None:
    """Once, though there is nothing else to do: the engine would leave it in clear in the state."""
    with serving(tmp_path) as served, started() as (stub, _):
        configured(stub, houstonUrl=served.url, token=TOKEN, catalog="guide")

        def changes(olds: struct_pb2.Struct, image: Any) -> int:
            news = given(release_name="wind-3", runtime_version="4.2.5", image=image)
            inputs = stub.Check(provider_pb2.CheckRequest(urn=URN, olds=olds, news=news), timeout=20).inputs
            request = provider_pb2.DiffRequest(urn=URN, id="ckw1wind", olds=olds or inputs, news=inputs)
            answer = stub.Diff(request, timeout=20).changes
            if answer == provider_pb2.DiffResponse.DIFF_SOME:
                update = provider_pb2.UpdateRequest(urn=URN, id="ckw1wind", olds=olds, news=inputs)
                inputs = stub.Update(update, timeout=30).properties
            olds.CopyFrom(inputs)
            return int(answer)

        saved = struct_pb2.Struct()
        some, none = provider_pb2.DiffResponse.DIFF_SOME, provider_pb2.DiffResponse.DIFF_NONE
        assert changes(saved, SECRET_IMAGE) == none
        assert [changes(saved, secret(SECRET_IMAGE)) for _ in range(3)] == [some, none, none]
        assert CANARY not in str(in_clear(saved))
        assert changes(saved, SECRET_IMAGE) == none
    assert not [fields for fields in served.asked() if any(name.startswith("update") for name in fields)]


def test_an_import_is_refused_in_one_sentence() -> None:
    """The engine reads a resource to be imported without its provider, of which only the program knows."""
    with started() as (stub, _):
        configured(stub)
        for urn in (URN, URN.replace("DeploymentRuntime", "Wave")):
            with pytest.raises(grpc.RpcError) as raised:
                stub.Read(provider_pb2.ReadRequest(urn=urn, id="stars-1"), timeout=10)
            assert raised.value.details() == (
                "data-eng: a dynamic resource cannot be imported, and this one need not be: leave out import_, declare "
                "the Deployment, and 'pulumi up' adopts it as it is"
            )


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


POETRY = '#!/bin/sh\n[ "$*" = "env info --path" ] && echo "$HOME/poetry"\n'


def start(folder: Path, project: Path, variables: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """Run the plugin's script there; ``python`` is a script too, which tells how it was called."""
    environment = {"PATH": f"{folder / 'bin'}:/usr/bin:/bin", "HOME": str(folder), "PYTHONHOME": "/nowhere"}
    return subprocess.run(
        [SCRIPT, "127.0.0.1:1234 5"],
        cwd=project,
        env=environment | {name: value.replace("~", str(folder)) for name, value in variables.items()},
        capture_output=True,
        text=True,
        check=False,
    )


def lay_out(folder: Path, files: str) -> None:
    """Make programs that tell how they were called, in ``bin``, and empty files."""
    for name in files.split():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text('#!/bin/sh\nprintf "%s\\n" "$0" "$@"\n' if "/bin/" in f"/{name}" else "", encoding="utf-8")
        path.chmod(0o755)
    if "bin/poetry" in files:
        (folder / "bin" / "poetry").write_text(POETRY, encoding="utf-8")


@pytest.mark.parametrize(
    ("files", "main", "variables", "chosen"),
    [
        ("bin/python3", "", {}, "bin/python3"),
        ("bin/python3 bin/python", "", {"PULUMI_RUNTIME_TOOLCHAIN": "pip"}, "bin/python3"),
        ("bin/other bin/python3", "", {"PULUMI_PYTHON_CMD": "other"}, "bin/other"),
        ("a/Pulumi.yaml a/my-venv/bin/python", "", {"PULUMI_RUNTIME_VIRTUALENV": "my-venv/"}, "a/my-venv/bin/python"),
        ("a/Pulumi.yml venv/bin/python", "", {"PULUMI_RUNTIME_VIRTUALENV": "../venv"}, "a/../venv/bin/python"),
        ("a/Pulumi.yaml venv/bin/python", "", {"PULUMI_RUNTIME_VIRTUALENV": "~/venv"}, "venv/bin/python"),
        ("a/Pulumi.yaml a/venv/bin/python", "infra", {"PULUMI_RUNTIME_VIRTUALENV": "venv"}, "a/venv/bin/python"),
        ("a/Pulumi.yml a/venv/bin/python", "infra", {"PULUMI_RUNTIME_VIRTUALENV": "venv"}, "a/venv/bin/python"),
        (
            "a/Pulumi.yaml a/venv/bin/python a/.venv/bin/python",
            "",
            {"PULUMI_RUNTIME_VIRTUALENV": "venv", "PULUMI_RUNTIME_TOOLCHAIN": "uv"},
            "a/venv/bin/python",
        ),
        ("a/.venv/bin/python", "", {"PULUMI_RUNTIME_TOOLCHAIN": "uv"}, "a/.venv/bin/python"),
        ("uv.lock a/pyproject.toml .venv/bin/python", "", {"PULUMI_RUNTIME_TOOLCHAIN": "uv"}, ".venv/bin/python"),
        ("pyproject.toml .venv/bin/python", "", {"PULUMI_RUNTIME_TOOLCHAIN": "uv"}, ".venv/bin/python"),
        ("a/uv.lock a/.venv/bin/python", "infra", {"PULUMI_RUNTIME_TOOLCHAIN": "uv"}, "a/.venv/bin/python"),
        ("uv.lock .venv/bin/python bin/python3", "", {}, ".venv/bin/python"),
        (
            "uv.lock elsewhere/bin/python",
            "",
            {"PULUMI_RUNTIME_TOOLCHAIN": "uv", "UV_PROJECT_ENVIRONMENT": "elsewhere"},
            "elsewhere/bin/python",
        ),
        (
            "opt/venv/bin/python",
            "",
            {"PULUMI_RUNTIME_TOOLCHAIN": "uv", "UV_PROJECT_ENVIRONMENT": "~/opt/venv"},
            "opt/venv/bin/python",
        ),
        ("bin/poetry poetry/bin/python", "", {"PULUMI_RUNTIME_TOOLCHAIN": "poetry"}, "poetry/bin/python"),
        ("bin/poetry poetry/bin/python poetry.lock", "", {}, "poetry/bin/python"),
    ],
)
def test_the_interpreter_is_that_of_the_program(
    tmp_path: Path, files: str, main: str, variables: dict[str, str], chosen: str
) -> None:
    """Where Pulumi's language host looks; the engine runs the script in the program's folder."""
    folder = tmp_path / "with a space"
    program = folder / "a" / main
    program.mkdir(parents=True)
    lay_out(folder, files)
    told = start(folder, program, variables)
    assert told.stderr == ""
    assert told.stdout.splitlines() == [
        str(folder / chosen),
        *("-u", "-m", "astro_deployment_runtime.plugin", "127.0.0.1:1234 5"),
    ]


@pytest.mark.parametrize(
    ("files", "variables", "looked"),
    [
        ("a/Pulumi.yaml", {"PULUMI_RUNTIME_VIRTUALENV": "venv"}, ["~/a/venv/bin/python"]),
        (
            "uv.lock",
            {"PULUMI_RUNTIME_TOOLCHAIN": "uv", "UV_PROJECT_ENVIRONMENT": "b"},
            ["~/.venv/bin/python", "~/b/bin/python"],
        ),
        ("bin/poetry", {"PULUMI_RUNTIME_TOOLCHAIN": "poetry"}, ["~/poetry/bin/python"]),
        ("", {"PULUMI_PYTHON_CMD": "no-such-python"}, ["no-such-python on PATH"]),
    ],
)
def test_where_no_interpreter_is_found_the_places_are_told(
    tmp_path: Path, files: str, variables: dict[str, str], looked: list[str]
) -> None:
    """Each of them, and what to do."""
    (tmp_path / "a").mkdir()
    lay_out(tmp_path, files)
    told = start(tmp_path, tmp_path / "a", variables)
    assert (told.returncode, told.stdout) == (1, "")
    head, *places, advice = told.stderr.splitlines()
    assert head.endswith("Looked for:")
    assert [place.strip().replace(str(tmp_path), "~") for place in places] == looked
    assert "runtime.options.virtualenv" in advice

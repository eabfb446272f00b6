"""Pulumi's dynamic protocol on our server: the wrapper around Pulumi's servicer, and the whole process."""

from __future__ import annotations

import contextlib
import json
import traceback
from typing import TYPE_CHECKING, Any

import grpc
import pytest
from google.protobuf import empty_pb2, struct_pb2
from google.protobuf.json_format import MessageToDict
from pulumi.runtime import rpc
from pulumi.runtime._grpc_settings import _GRPC_CHANNEL_OPTIONS
from pulumi.runtime.proto import plugin_pb2, provider_pb2, provider_pb2_grpc

from astro_deployment_runtime.errors import RefusedError
from astro_deployment_runtime.lifecycle.fleet_manifest import FleetManifest
from astro_deployment_runtime.plugin.dynamic_protocol import PLAN_FLEET, DynamicServicer, stock_servicer
from astro_deployment_runtime.plugin.engine_call import PartialProgressError, current_call
from astro_deployment_runtime.plugin.server import EngineCalls
from tests.contract.sandbox_server import STARS, TOKEN, serving
from tests.unit.plugin.plugin_process import (
    URN,
    Engine,
    client_of,
    configured,
    create,
    init_failed,
    started,
    struct,
    wait_for,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


class Stock(provider_pb2_grpc.ResourceProviderServicer):
    """Pulumi's servicer with a Create that does what a test gives it."""

    def __init__(self, do: Callable[[], None], *, aborts: bool) -> None:
        self._do = do
        self._aborts = aborts
        self.cancels = 0

    def Create(self, request: provider_pb2.CreateRequest, context: grpc.ServicerContext) -> provider_pb2.CreateResponse:  # noqa: N802
        """Do it. Older releases of Pulumi let errors through, newer ones abort with a traceback."""
        try:
            assert context.is_active()  # all of the context is there
            self._do()
        except Exception:
            if not self._aborts:
                raise
            context.abort(grpc.StatusCode.UNKNOWN, traceback.format_exc())
        return provider_pb2.CreateResponse(id=request.name)

    def Cancel(self, request: empty_pb2.Empty, context: grpc.ServicerContext) -> empty_pb2.Empty:  # noqa: ARG002, N802
        """Do nothing, as the original does."""
        self.cancels += 1
        return empty_pb2.Empty()

    def GetPluginInfo(self, request: empty_pb2.Empty, context: grpc.ServicerContext) -> plugin_pb2.PluginInfo:  # noqa: ARG002, N802
        """Return a version."""
        return plugin_pb2.PluginInfo(version="0.1.0")


@contextlib.contextmanager
def wrapped(
    do: Callable[[], None], *, aborts: bool = True
) -> Iterator[tuple[provider_pb2_grpc.ResourceProviderStub, Stock]]:
    """Serve our servicer around a stock one that does this on Create, and give a client of it."""
    stock = Stock(do, aborts=aborts)
    with client_of(DynamicServicer(stock, EngineCalls(None))) as stub:
        yield stub, stock


def test_stock_servicer_is_pulumis_own() -> None:
    """Its import starts no server, and leaves the registration as it was."""
    register = provider_pb2_grpc.add_ResourceProviderServicer_to_server
    found = stock_servicer()
    assert (type(found).__module__, type(found).__name__) == (
        "pulumi.dynamic.__main__",
        "DynamicResourceProviderServicer",
    )
    assert provider_pb2_grpc.add_ResourceProviderServicer_to_server is register


def test_stock_host_uses_the_options_of_our_server(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pulumi's host starts with the options that our server uses, such as the largest message."""
    options: list[object] = []
    made = grpc.server

    def record(*arguments: Any, **more: Any) -> grpc.Server:
        options.append(more["options"])
        return made(*arguments, **more)

    monkeypatch.setattr(grpc, "server", record)
    stock_servicer()
    assert options == [_GRPC_CHANNEL_OPTIONS]


def test_other_methods_are_those_of_the_stock_servicer() -> None:
    """Also a method that the protocol does not have yet."""
    with wrapped(lambda: None) as (stub, _):
        assert stub.GetPluginInfo(empty_pb2.Empty(), timeout=10).version == "0.1.0"
        with pytest.raises(grpc.RpcError) as raised:
            stub.GetSchema(provider_pb2.GetSchemaRequest(), timeout=10)
    assert raised.value.code() is grpc.StatusCode.UNIMPLEMENTED


def test_cancel_is_passed_on() -> None:
    """To the requests in flight and to the stock servicer."""

    def cancel() -> None:
        call = current_call()
        assert call is not None
        stub.Cancel(empty_pb2.Empty(), timeout=10)
        assert call.cancelled.is_set()

    with wrapped(cancel) as (stub, stock):
        create(stub)
        assert stock.cancels == 1


def test_unknown_function_is_refused() -> None:
    """The plugin has one function."""
    with wrapped(lambda: None) as (stub, _), pytest.raises(grpc.RpcError) as raised:
        stub.Invoke(provider_pb2.InvokeRequest(tok="astro:none"), timeout=10)
    assert raised.value.code() is grpc.StatusCode.UNIMPLEMENTED
    assert raised.value.details() == "unknown function astro:none"


@pytest.mark.parametrize("aborts", [True, False])
@pytest.mark.parametrize(
    ("error", "start", "end"),
    [
        (RefusedError("NO-REVERT: no way"), "NO-REVERT: no way", "NO-REVERT: no way"),
        (KeyError("deployment_id"), "KeyError: 'deployment_id'\nThis is a bug", "KeyError: 'deployment_id'\n"),
    ],
)
def test_errors_reach_the_engine(error: Exception, start: str, end: str, *, aborts: bool) -> None:
    """Ours without traceback and any other with it, for every release of Pulumi."""

    def fail() -> None:
        raise error

    with wrapped(fail, aborts=aborts) as (stub, _), pytest.raises(grpc.RpcError) as raised:
        create(stub)
    details = str(raised.value.details())
    assert details.startswith(start)
    assert details.endswith(end)
    assert "_AbortedError" not in details


@pytest.mark.parametrize("aborts", [True, False])
def test_partial_progress_reaches_the_engine(*, aborts: bool) -> None:
    """As properties of Pulumi's protocol, without those that are None."""

    def stop() -> None:
        raise PartialProgressError("no image arrived", resource_id="ckw1", outputs={"plan": ["one"], "pending": None})

    with wrapped(stop, aborts=aborts) as (stub, _), pytest.raises(grpc.RpcError) as raised:
        create(stub)
    failed = init_failed(raised.value)
    assert (failed.id, MessageToDict(failed.properties)) == ("ckw1", {"plan": ["one"]})


@pytest.mark.slow
def test_process_plans_walks_and_saves_partial_progress(engine: Engine, address: str, tmp_path: Path) -> None:
    """The plan appears at the resource's row, and Cancel saves the pending hop."""
    with serving(tmp_path) as served, started(address) as (stub, _):
        configured(stub, houstonUrl=served.url, token=TOKEN, catalog="guide")
        given = struct(release_name="stars-1", runtime_version="5.0.4", accept=[], timeout="1h", wait=True)
        checked = stub.Check(provider_pb2.CheckRequest(urn=URN, news=given), timeout=20)
        assert not checked.failures
        assert checked.inputs["path"] == "AC 2.2.3 > AC 2.3.0 > Astro Runtime 5.0.4"
        assert {line.urn for line in engine.lines} == {URN}
        assert engine.texts(ephemeral=False)[0].startswith(
            "data-eng (stars-1): AC 2.2.3 > AC 2.3.0 > Astro Runtime 5.0.4 (2 hops"
        )
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
def test_process_plans_a_fleet(engine: Engine, address: str, tmp_path: Path) -> None:
    """The checks that follow send no further request, and take no Deployment for declared twice."""
    declared = {"deployments": [{"name": "data-eng", "releaseName": "stars-1", "runtimeVersion": "5.0.4"}]}
    question = struct_pb2.Struct()
    question.update({"question": json.dumps({"declared": declared, "saved": None, "secret": []})})
    with serving(tmp_path) as served, started(address) as (stub, _):
        configured(stub, houstonUrl=served.url, token=TOKEN, catalog="guide")
        answer = stub.Invoke(provider_pb2.InvokeRequest(tok=PLAN_FLEET, args=question), timeout=20)
        manifest = FleetManifest.from_json(getattr(answer, "return")["answer"])
        assert [(entry.name, entry.refusal) for entry in manifest.entries] == [("data-eng", None)]
        reads = len(served.asked())
        given = struct(release_name="stars-1", runtime_version="5.0.4", accept=[], timeout="1h", wait=True)
        checked = stub.Check(provider_pb2.CheckRequest(urn=URN, news=given), timeout=20)
        assert not checked.failures
        assert reads == len(served.asked()) == 2
    assert {line.urn for line in engine.lines} == {URN}


def test_process_reports_mistakes_without_an_engine() -> None:
    """A mistake in the settings fails the check, and a bug gives its traceback."""
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
    """Make the inputs of a Deployment with a path of two hops."""
    return struct(**{"release_name": "stars-1", "runtime_version": "5.0.4", "accept": [], **values})


def in_clear(properties: struct_pb2.Struct) -> dict[str, Any]:
    """Return what the engine would save in plain text, with marked values replaced."""

    def clear(value: Any) -> Any:
        if isinstance(value, dict):
            return "***" if rpc.is_rpc_secret(value) else {name: clear(each) for name, each in value.items()}
        return [clear(each) for each in value] if isinstance(value, list) else value

    found: dict[str, Any] = clear(MessageToDict(properties))
    return found


def project_of(folder: Path, deploy: str) -> dict[str, Any]:
    """Write an Astro project in a folder with the canary in its name. Its path is a secret."""
    project = folder / CANARY
    (project / ".astro").mkdir(parents=True)
    (project / ".astro" / "config.yaml").touch()
    (project / "Dockerfile").write_text("FROM quay.io/astronomer/ap-airflow:2.2.3-onbuild\n", encoding="utf-8")
    (project / "deploy").write_text(f"#!/bin/sh\n{deploy}\n", encoding="utf-8")
    (project / "deploy").chmod(0o755)
    return {"path": secret(str(project)), "deploy": "./deploy"}


@pytest.mark.slow
def test_secrets_are_marked_in_states_and_masked_in_texts(engine: Engine, address: str, tmp_path: Path) -> None:
    """In check, create, update and refresh. The stock servicer gets no marks."""
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
        # A derived output is marked, but its text is not masked: the next run still shows the plan.
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
def test_secret_path_is_masked_in_the_output_of_a_command(engine: Engine, address: str, tmp_path: Path) -> None:
    """Also where the output is cut within the path."""
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
    # The start of the path, where the output is cut.
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
        ({"image": secret(f"{{{CANARY}}}")}, "unknown placeholder [secret] in image"),
        ({"project": {"path": secret(f"./{CANARY}/x")}}, "project.path '[secret]' is not a folder ([secret])"),
    ],
)
def test_refusal_shows_no_secret(address: str, tmp_path: Path, values: dict[str, Any], reason: str) -> None:
    """Neither its reason nor the argument's value, which the engine would print."""
    with serving(tmp_path) as served, started(address) as (stub, _):
        configured(stub, houstonUrl=served.url, token=TOKEN, catalog="guide")
        (failure,) = stub.Check(provider_pb2.CheckRequest(urn=URN, news=given(**values)), timeout=20).failures
    first_line, _, rest = failure.reason.partition("\n")
    assert first_line.startswith("Deployment data-eng (")
    assert rest.startswith(reason)
    assert CANARY not in failure.reason
    assert failure.property == ""


@pytest.mark.slow
def test_value_that_became_a_secret_is_saved_again(tmp_path: Path) -> None:
    """Once, without any other change: the state would keep the plain value."""
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


def test_import_is_refused() -> None:
    """The engine reads an imported resource without its provider, which only the program knows."""
    with started() as (stub, _):
        configured(stub)
        for urn in (URN, URN.replace("DeploymentRuntime", "Wave")):
            with pytest.raises(grpc.RpcError) as raised:
                stub.Read(provider_pb2.ReadRequest(urn=urn, id="stars-1"), timeout=10)
            assert raised.value.details() == (
                "data-eng: Pulumi cannot import a dynamic resource. Remove import_ and declare the Deployment: "
                "'pulumi up' adopts it as it is."
            )

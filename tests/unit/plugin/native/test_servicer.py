"""The native protocol: detailed diff, preview, read, import, functions, secrets, time limits."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

import pytest
from google.protobuf import empty_pb2
from google.protobuf.json_format import MessageToDict
from google.protobuf.struct_pb2 import Struct
from pulumi.runtime import rpc
from pulumi.runtime.proto import plugin_pb2, provider_pb2

from astro_deployment_runtime.planning.versions import ReleaseId
from astro_deployment_runtime.plugin import properties, secret_marks
from astro_deployment_runtime.plugin.native import functions
from astro_deployment_runtime.plugin.native.servicer import NativeServicer, schema, servicer
from astro_deployment_runtime.plugin.properties import UNKNOWN
from astro_deployment_runtime.plugin.server import EngineCalls
from tests.contract import sandbox_server
from tests.contract.faces import Context, Log, NativeStack, RequestEndedError, forget_secrets, secret
from tests.contract.in_process_engine import POLLING
from tests.contract.sandbox_server import DUST, STARS, TOKEN, WIND, Served

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

URN: Final = "urn:pulumi:dev::astro::astro:index:DeploymentRuntime::data-eng"
KINDS: Final = provider_pb2.PropertyDiff.Kind


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name in ("ASTRO_HOUSTON_URL", "ASTRO_HOUSTON_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    yield
    forget_secrets()


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    """A sandbox with four Deployments in two workspaces."""
    with sandbox_server.serving(tmp_path) as running:
        yield running


@pytest.fixture
def log() -> Log:
    """The engine's log."""
    return Log()


@pytest.fixture
def plugin(served: Served, log: Log) -> Iterator[Any]:
    """A servicer that is configured for that sandbox."""
    calls = EngineCalls(log, POLLING)  # type: ignore[arg-type]
    made: Any = NativeServicer(calls)
    config = struct(houstonUrl=served.url, token=TOKEN, catalog="guide")
    made.Configure(provider_pb2.ConfigureRequest(args=config), Context())
    yield made
    calls.connection.close()


def struct(**values: Any) -> Struct:
    """Make properties."""
    made = Struct()
    made.update(values)
    return made


def check(plugin: Any, olds: Struct | None = None, **news: Any) -> Struct:
    """Check arguments without a failure."""
    answer = plugin.Check(provider_pb2.CheckRequest(urn=URN, olds=olds, news=struct(**news)), Context())
    assert list(answer.failures) == []
    inputs: Struct = answer.inputs
    return inputs


def details(answer: provider_pb2.DiffResponse) -> dict[str, str]:
    """List the properties of a detailed diff, all of them inputs."""
    assert answer.hasDetailedDiff
    assert sorted(answer.diffs) == sorted(answer.detailedDiff)
    assert all(each.inputDiff for each in answer.detailedDiff.values())
    return {name: KINDS.Name(each.kind) for name, each in answer.detailedDiff.items()}


def test_plugin_says_what_it_is(plugin: Any) -> None:
    """Before it is configured, too."""
    assert plugin.GetSchema(provider_pb2.GetSchemaRequest(), Context()).schema == schema()
    version = plugin.GetPluginInfo(empty_pb2.Empty(), Context()).version
    assert version == json.loads(schema())["version"]
    handshake = plugin.Handshake(provider_pb2.ProviderHandshakeRequest(), Context())
    assert (handshake.accept_secrets, handshake.accept_resources, handshake.accept_outputs) == (True, False, False)
    assert isinstance(servicer(EngineCalls(None)), NativeServicer)


def test_attach_changes_the_engine() -> None:
    """A debugger starts the plugin before the engine."""
    calls = EngineCalls(None)
    NativeServicer(calls).Attach(plugin_pb2.PluginAttach(address="127.0.0.1:9"), Context())  # type: ignore[arg-type]
    assert calls._engine is not None


def test_detailed_diff_has_the_arguments_that_changed_and_the_path(plugin: Any) -> None:
    """In the user's spelling."""
    olds = check(plugin, releaseName="wind-3", runtimeVersion="4.2.5", timeout="1h", accept=["newer"])
    given = {"releaseName": "wind-3", "timeout": "1h", "image": "registry.example.com/air:{version}"}
    news = check(plugin, olds, runtimeVersion="5.0.4", **given)
    request = provider_pb2.DiffRequest(id=WIND, urn=URN, olds=olds, old_inputs=olds, news=news)
    assert details(plugin.Diff(request, Context())) == {
        "runtimeVersion": "UPDATE",
        "accept": "DELETE",
        "image": "ADD",
        "path": "UPDATE",
    }


def test_rest_of_a_path_that_is_unchanged_is_not_listed(plugin: Any) -> None:
    """An interrupted run goes on, and the engine would print the same path twice."""
    given = check(plugin, releaseName="wind-3", runtimeVersion="5.0.4")
    request = provider_pb2.DiffRequest(id=WIND, urn=URN, olds=given, old_inputs=given, news=given)
    answer = plugin.Diff(request, Context())
    assert (answer.changes, details(answer)) == (provider_pb2.DiffResponse.DIFF_SOME, {})


def test_refresh_shows_a_release_that_is_not_on_the_path(plugin: Any) -> None:
    """Somebody upgraded the Deployment. The version is an output; a rest of the path would be no drift."""
    given = check(plugin, releaseName="wind-3", runtimeVersion="4.2.5")
    for current, drift in (("Astro Runtime 5.0.4", True), ("Astro Runtime 4.2.5", False)):
        read = Struct()
        read.CopyFrom(given)
        read.update({"currentVersion": current})
        request = provider_pb2.DiffRequest(id=WIND, urn=URN, olds=read, old_inputs=given, news=given)
        answer = plugin.Diff(request, Context())
        assert (answer.changes == provider_pb2.DiffResponse.DIFF_SOME) is drift
        assert list(answer.diffs) == (["currentVersion"] if drift else [])
        assert not any(each.inputDiff for each in answer.detailedDiff.values())


def test_default_that_is_written_out_is_no_difference(plugin: Any) -> None:
    """As a dynamic resource's state has it; and a duration may be written in several ways."""
    written: dict[str, Any] = {
        "strategy": "certified-first",
        "verify": "airflow",
        "wait": True,
        "timeout": "5400s",
        "accept": [],
    }
    olds = check(plugin, releaseName="wind-3", runtimeVersion="4.2.5", **written)
    news = check(plugin, olds, releaseName="wind-3", runtimeVersion="5.0.4", timeout="1h30m")
    request = provider_pb2.DiffRequest(id=WIND, urn=URN, olds=olds, old_inputs=olds, news=news)
    assert details(plugin.Diff(request, Context())) == {"runtimeVersion": "UPDATE", "path": "UPDATE"}


def test_nothing_to_do_is_no_difference(plugin: Any) -> None:
    """Although an argument changed that no step needs."""
    olds = check(plugin, releaseName="wind-3", runtimeVersion="4.2.5")
    news = check(plugin, olds, releaseName="wind-3", runtimeVersion="4.2.5", timeout="2h")
    answer = plugin.Diff(provider_pb2.DiffRequest(id=WIND, urn=URN, olds=olds, old_inputs=olds, news=news), Context())
    assert (answer.changes, answer.hasDetailedDiff) == (provider_pb2.DiffResponse.DIFF_NONE, False)


def test_another_deployment_is_a_replacement(plugin: Any) -> None:
    """The engine creates the new one and forgets the old one."""
    olds = check(plugin, releaseName="wind-3", runtimeVersion="4.2.5")
    news = check(plugin, olds, releaseName="dust-2", runtimeVersion="5.0.4")
    answer = plugin.Diff(provider_pb2.DiffRequest(id=WIND, urn=URN, olds=olds, old_inputs=olds, news=news), Context())
    assert list(answer.replaces) == ["deploymentId"]
    assert details(answer)["deploymentId"] == "UPDATE_REPLACE"
    assert details(answer)["releaseName"] == "UPDATE"


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("releasName", "releasName: unknown argument: did you mean releaseName?"),
        ("hold", "hold: unknown argument: "),
        ("held", "held: unknown argument: "),
    ],
)
def test_unknown_argument_is_refused(plugin: Any, name: str, reason: str) -> None:
    """A program without an SDK can write anything."""
    given = struct(releaseName="wind-3", runtimeVersion="4.2.5", **{name: "x"})
    (failure,) = plugin.Check(provider_pb2.CheckRequest(urn=URN, news=given), Context()).failures
    assert failure.reason.startswith(reason)


def test_refused_argument_is_named_as_the_user_writes_it(plugin: Any) -> None:
    """The engine shows its value."""
    given = struct(releaseName="wind-3", runtimeVersion="4.2.4")
    (failure,) = plugin.Check(provider_pb2.CheckRequest(urn=URN, news=given), Context()).failures
    assert failure.property == "runtimeVersion"
    assert failure.reason.startswith("Deployment data-eng (wind-3) is refused:\n")


def test_mistake_is_told_in_the_users_spelling(plugin: Any) -> None:
    """YAML reads 5.0 as a number."""
    given = struct(releaseName="wind-3", runtimeVersion=5.0, strategy="fastest")
    (failure,) = plugin.Check(provider_pb2.CheckRequest(urn=URN, news=given), Context()).failures
    assert "\nruntimeVersion: 5.0 is not a string: put the version in quotes" in failure.reason
    assert "\nstrategy: 'fastest' is unknown" in failure.reason


def test_preview_of_an_unknown_version_has_unknown_outputs(plugin: Any) -> None:
    """The known outputs are shown."""
    inputs = check(plugin, releaseName="wind-3", runtimeVersion=rpc.UNKNOWN)
    request = provider_pb2.CreateRequest(urn=URN, properties=inputs, preview=True)
    outputs = properties.read(plugin.Create(request, Context()).properties)
    assert outputs["release_name"] == "wind-3"
    unknown = ("runtime_version", "deployment_id", "path", "plan", "hops", "current_version", "airflow_version")
    assert {name: outputs[name] for name in unknown} == dict.fromkeys(unknown, UNKNOWN)


def read(plugin: Any, id_: str, **saved: Any) -> Any:
    """Read a resource."""
    return plugin.Read(provider_pb2.ReadRequest(id=id_, urn=URN, properties=struct(**saved)), Context())


@pytest.mark.parametrize("name", ["wind-3", WIND])
def test_import_declares_what_runs(plugin: Any, name: str) -> None:
    """By the release name or by the id. The declaration that it returns has nothing to do."""
    found = read(plugin, name)
    assert found.id == WIND
    assert properties.read(found.inputs) == {"release_name": "wind-3", "runtime_version": "4.2.5"}
    outputs = properties.read(found.properties)
    assert (outputs["current_version"], outputs["path"]) == ("Astro Runtime 4.2.5", "Astro Runtime 4.2.5")
    inputs = check(plugin, found.inputs, releaseName="wind-3", runtimeVersion="4.2.5")
    request = provider_pb2.DiffRequest(id=WIND, urn=URN, olds=found.properties, old_inputs=found.inputs, news=inputs)
    assert plugin.Diff(request, Context()).changes == provider_pb2.DiffResponse.DIFF_NONE


def test_import_of_a_certified_deployment_is_refused_in_one_sentence(plugin: Any) -> None:
    """No runtimeVersion would be true."""
    with pytest.raises(RequestEndedError) as raised:
        read(plugin, "dust-2")
    assert str(raised.value) == (
        "dust-2 runs AC 2.3.0, which no runtimeVersion describes, so it cannot be imported: declare it with its "
        "target version, and `pulumi up` adopts it"
    )


def test_import_of_an_unknown_deployment_says_what_to_check(plugin: Any) -> None:
    """The name, or the provider's settings: the token may see too little."""
    with pytest.raises(RequestEndedError, match="no Deployment has the release name or the id none-9") as raised:
        read(plugin, "none-9")
    assert "houstonUrl and token" in str(raised.value)


def test_refresh_finds_a_deployment_without_id_by_its_release_name(plugin: Any) -> None:
    """The dynamic resource adopted it while it could not be read, and its release name is its id."""
    found = read(plugin, "dust-2", __provider="pickled", release_name="dust-2")
    assert (found.id, found.properties["deploymentId"]) == ("dust-2", DUST)


def test_refresh_of_a_deployment_that_is_gone(plugin: Any) -> None:
    """The engine removes it from the state."""
    assert read(plugin, "ckw1gone", deploymentId="ckw1gone", releaseName="gone-1").id == ""


def test_refresh_reads_the_state_of_the_dynamic_resource(plugin: Any) -> None:
    """Its names become those of every language."""
    found = read(plugin, DUST, __provider="pickled", deployment_id=DUST, release_name="dust-2", plan=["one"])
    assert MessageToDict(found.properties) | {"airflowUrl": ""} == {
        "deploymentId": DUST,
        "releaseName": "dust-2",
        "plan": ["one"],
        "currentVersion": "AC 2.3.0",
        "airflowVersion": "2.3.0",
        "airflowUrl": "",
    }


def test_delete_forgets(plugin: Any, log: Log) -> None:
    """It says what ran last."""
    saved = struct(releaseName="dust-2", currentVersion="AC 2.3.0", pending="Astro Runtime 5.0.4")
    plugin.Delete(provider_pb2.DeleteRequest(id=DUST, urn=URN, properties=saved), Context())
    (line,) = log.lines
    assert line == (
        "dust-2 is forgotten, and nothing is changed on it; it last ran AC 2.3.0, with the hop to Astro Runtime 5.0.4 "
        "started"
    )


def test_another_type_is_refused(plugin: Any) -> None:
    """The engine asks only for types of the schema."""
    with pytest.raises(RequestEndedError, match="no resource astro:index:Other"):
        plugin.Check(provider_pb2.CheckRequest(urn=URN.replace("DeploymentRuntime", "Other")), Context())


def test_secrets_stay_secrets(plugin: Any, log: Log) -> None:
    """In checked inputs, in a preview and in what is derived from them."""
    given = struct(releaseName="dust-2", runtimeVersion="5.0.4", image=secret("hidden.example.com/air:{version}"))
    checked = plugin.Check(provider_pb2.CheckRequest(urn=URN, news=given), Context())
    planned = plugin.Create(
        provider_pb2.CreateRequest(urn=URN, properties=checked.inputs, preview=True), Context()
    ).properties
    for found in (checked.inputs, planned):
        assert {path for path, _ in secret_marks.secrets(found)} == {"image", "plan"}
    assert "hidden" not in repr(log.lines)
    assert "[secret]" in repr(log.lines)


@pytest.mark.slow
def test_custom_timeout_ends_the_whole_operation(plugin: Any, served: Served) -> None:
    """The pending hop is saved, as after Ctrl-C."""
    inputs = check(plugin, releaseName="dust-2", runtimeVersion="5.0.4", timeout="1h")
    with pytest.raises(RequestEndedError) as raised:
        plugin.Create(provider_pb2.CreateRequest(urn=URN, properties=inputs, timeout=1.0), Context())
    assert str(raised.value).startswith("customTimeouts allow 1s for this operation, and it has taken longer.\n")
    assert raised.value.saved is not None
    assert raised.value.saved.id == DUST
    assert raised.value.saved.properties["pending"] == "Astro Runtime 5.0.4"
    assert served.found(DUST).pending


def invoke(plugin: Any, token: str, **arguments: Any) -> Any:
    """Call a function."""
    return plugin.Invoke(provider_pb2.InvokeRequest(tok=token, args=struct(**arguments)), Context())


def result(answer: Any) -> dict[str, Any]:
    """Return what a function answered."""
    assert list(answer.failures) == []
    found: dict[str, Any] = MessageToDict(getattr(answer, "return"))
    return found


def test_get_plan_answers_with_a_plan(plugin: Any) -> None:
    """With the image of each hop. The Deployment may be declared too."""
    check(plugin, releaseName="stars-1", runtimeVersion="5.0.4")
    found = result(invoke(plugin, functions.GET_PLAN, releaseName="stars-1", runtimeVersion="5.0.4"))
    assert found["path"] == "AC 2.2.3 > AC 2.3.0 > Astro Runtime 5.0.4"
    assert [hop["rule"] for hop in found["hops"]] == ["AC-UPGRADE", "MIGRATE-EQUAL"]
    assert found["hops"][1]["image"] == "quay.io/astronomer/astro-runtime:5.0.4"
    assert (found["deploymentId"], found["refused"], found["refusals"]) == (STARS, False, [])


def test_get_plan_answers_with_a_refusal(plugin: Any) -> None:
    """It is data, so that a program may decide."""
    found = result(invoke(plugin, functions.GET_PLAN, releaseName="wind-3", runtimeVersion="4.2.4"))
    assert (found["refused"], found["hops"], "path" in found) == (True, [], False)
    assert [each["rule"] for each in found["refusals"]] == ["NO-REVERT"]
    assert "Next: " in found["message"]


@pytest.mark.parametrize(
    ("token", "arguments", "reason"),
    [
        (functions.GET_PLAN, {"releaseName": "none-9", "runtimeVersion": "5.0.4"}, "none-9"),
        (functions.GET_PLAN, {"runtimeVersion": "5.0.4"}, "exactly one of releaseName and deploymentId"),
        (functions.GET_PLAN, {"releaseName": "wind-3", "runtimeVersion": 5}, "runtimeVersion: 5.0 is not a string"),
        (functions.GET_DEPLOYMENTS, {"label": "("}, "regular expression"),
        (functions.GET_DEPLOYMENTS, {"releaseName": 5}, "releaseName: 5.0 is not a string"),
        (functions.GET_DEPLOYMENTS, {"colour": "red"}, "colour: no criterion"),
        (functions.GET_PLAN, {"runtimeVersion": rpc.UNKNOWN}, "runtimeVersion: not known yet"),
    ],
)
def test_functions_refuse_mistakes(plugin: Any, token: str, arguments: dict[str, Any], reason: str) -> None:
    """The engine shows them as failures of the call."""
    (failure,) = invoke(plugin, token, **arguments).failures
    assert reason in failure.reason


def test_get_deployments_filters(plugin: Any) -> None:
    """As a selector does; without criteria, it lists all."""
    found = result(invoke(plugin, functions.GET_DEPLOYMENTS))
    assert [each["releaseName"] for each in found["deployments"]] == ["dust-2", "stars-1", "tides-4", "wind-3"]
    found = result(invoke(plugin, functions.GET_DEPLOYMENTS, distribution="runtime"))
    (wind,) = found["deployments"]
    assert (wind["id"], wind["currentVersion"], wind["runtimeVersion"]) == (WIND, "Astro Runtime 4.2.5", "4.2.5")


def test_get_releases_lists_the_offer(plugin: Any) -> None:
    """With equivalents."""
    found = result(invoke(plugin, functions.GET_RELEASES))
    by_version = {each["version"]: each for each in found["releases"]}
    assert by_version["5.0.4"]["equivalents"] == ["2.3.0"]
    assert found["platform"] == "0.30.4"


def test_answer_to_a_secret_argument_is_secret(plugin: Any) -> None:
    """It may repeat the argument."""
    answer = invoke(plugin, functions.GET_DEPLOYMENTS, releaseName=secret("wind-*"))
    assert {path for path, _ in secret_marks.secrets(getattr(answer, "return"))} == {"deployments", "notes"}


def test_unknown_function_is_refused(plugin: Any) -> None:
    """The engine asks only for functions of the schema."""
    with pytest.raises(RequestEndedError, match="no function astro:index:getNothing"):
        invoke(plugin, "astro:index:getNothing")


def test_foreign_hop_is_refused_by_the_diff(plugin: Any, served: Served) -> None:
    """Only the old outputs tell who started it."""
    served.client.start(served.client.observe(STARS)[0], ReleaseId.parse("AC 2.2.4"))
    olds = struct(releaseName="stars-1", deploymentId=STARS, runtimeVersion="4.0.11")
    news = check(plugin, olds, releaseName="stars-1", runtimeVersion="5.0.4")
    request = provider_pb2.DiffRequest(id=STARS, urn=URN, olds=olds, old_inputs=olds, news=news)
    with pytest.raises(RequestEndedError, match="PENDING"):
        plugin.Diff(request, Context())
    request.olds["pending"] = "AC 2.2.4"
    assert plugin.Diff(request, Context()).changes == provider_pb2.DiffResponse.DIFF_SOME


def test_stack_keeps_its_plan(served: Served) -> None:
    """A program without any default value has nothing to do after its first run."""
    stack = NativeStack(served)
    declared: dict[str, Any] = dict.fromkeys(("strategy", "accept", "timeout", "wait", "verify", "image"))
    assert stack.up(**declared, release_name="wind-3", runtime_version="4.2.5").problem is None
    assert stack.preview(**declared, release_name="wind-3", runtime_version="4.2.5").changes is False

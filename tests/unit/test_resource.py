"""The methods of the Deployments' provider, on our host and on Pulumi's own."""

from __future__ import annotations

import base64
import pickle
import pickletools
import threading
from typing import TYPE_CHECKING, Any

import pytest
from pulumi import dynamic
from pulumi.dynamic.dynamic import serialize_provider
from pulumi.runtime import rpc

from astro_deployment_runtime import resource
from astro_deployment_runtime.errors import (
    InvalidSettingsError,
    PlatformUnreachableError,
    RefusedError,
    TokenRefusedError,
)
from astro_deployment_runtime.planning.versions import ReleaseId
from astro_deployment_runtime.plugin import dynamic_protocol, engine_call
from astro_deployment_runtime.plugin.engine_call import Call, PartialProgressError, Severity
from astro_deployment_runtime.program.deployment_resource import AstroDeploymentRuntime
from astro_deployment_runtime.resource import RuntimeProvider
from tests.contract import sandbox_server
from tests.contract.sandbox_server import STARS, TOKEN, WIND, Served
from tests.quick_retries import quick_retries

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

URN = "urn:pulumi:dev::astro::pulumi-python:dynamic/astro:DeploymentRuntime::data-eng"
IMAGE = "registry.example.com/data-eng/airflow:{distribution}-{version}"
UNKNOWN = rpc.deserialize_property(rpc.UNKNOWN, keep_unknowns=True)
GIVEN = {"__provider": "pickled", "release_name": "stars-1", "runtime_version": "5.0.4", "accept": [], "timeout": "1h"}


class RecordingCall(Call):
    """A request that records the texts shown under its resource."""

    def __init__(self, urn: str = URN) -> None:
        super().__init__(urn, None)
        self.shown: list[tuple[str, str]] = []

    def log(self, severity: Severity, text: str) -> None:
        """Keep it."""
        self.shown.append((severity.name.lower(), text))

    def progress(self, text: str) -> None:
        """Keep it."""
        self.shown.append(("progress", text))


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("ASTRO_HOUSTON_URL", "ASTRO_HOUSTON_TOKEN"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    """A sandbox with four Deployments in two workspaces."""
    with sandbox_server.serving(tmp_path) as running:
        yield running


@pytest.fixture
def provider(served: Served) -> Iterator[RuntimeProvider]:
    """A provider with that sandbox in its config."""
    made = configured({"astro:houstonUrl": served.url, "astro:token": TOKEN, "astro:catalog": "guide"})
    yield made
    made._connection.close()


@pytest.fixture
def row() -> Iterator[RecordingCall]:
    """The current request of this thread, as on our host."""
    call = RecordingCall()
    token = engine_call._current_call.set(call)
    yield call
    engine_call._current_call.reset(token)


def configured(config: dict[str, str]) -> RuntimeProvider:
    """Make a provider with a config, as Pulumi does."""
    provider = RuntimeProvider()
    provider.configure(dynamic.ConfigureRequest(dynamic.Config(config, "astro")))
    return provider


def checked(provider: RuntimeProvider, **changes: Any) -> dict[str, Any]:
    """Check inputs without a failure, and return the checked ones."""
    result = provider.check({}, GIVEN | changes)
    assert [failure.reason for failure in result.failures] == []
    return dict(result.inputs)


def test_state_holds_the_name_of_the_provider_class() -> None:
    """Neither code nor a secret. The name must import in every later release."""
    pickled = base64.b64decode(serialize_provider(RuntimeProvider()))
    names = [argument for _, argument, _ in pickletools.genops(pickled) if isinstance(argument, str)]
    assert names[:2] == ["astro_deployment_runtime.resource", "RuntimeProvider"]
    assert len(pickled) < 100
    assert isinstance(pickle.loads(pickled), RuntimeProvider)  # noqa: S301 - we made it
    assert RuntimeProvider.serialize_as_secret_always is False
    assert vars(RuntimeProvider()) == {}


def test_state_of_the_first_release_loads() -> None:
    """These are the bytes that its stacks hold."""
    saved = "gASVPAAAAAAAAACMIWFzdHJvX2RlcGxveW1lbnRfcnVudGltZS5yZXNvdXJjZZSMD1J1bnRpbWVQcm92aWRlcpSTlCmBlC4="
    assert serialize_provider(RuntimeProvider()) == saved
    assert isinstance(pickle.loads(base64.b64decode(saved)), RuntimeProvider)  # noqa: S301 - we made it


def test_resource_type_is_that_of_the_first_release() -> None:
    """States hold it."""
    assert AstroDeploymentRuntime._resource_type_name == "dynamic/astro:DeploymentRuntime"


# On our host


def test_check_shows_the_plan(provider: RuntimeProvider, row: RecordingCall) -> None:
    """The plan appears under Diagnostics and its path in the status column. The same inputs check alike again."""
    inputs = checked(provider)
    (kind, text), progress = row.shown
    assert kind == "info"
    assert text.splitlines() == inputs["plan"]
    assert progress == ("progress", "AC 2.2.3 > AC 2.3.0 > Astro Runtime 5.0.4")
    assert checked(provider) == inputs
    given = {key: value for key, value in inputs.items() if key in GIVEN}
    assert provider.check(inputs, given).inputs == inputs


def test_check_ignores_inputs_with_the_name_of_an_output(provider: RuntimeProvider) -> None:
    """They are not the user's."""
    assert checked(provider, plan=["old"], hops=9, current_version="x")["hops"] == 2


def test_check_at_the_target_shows_nothing(provider: RuntimeProvider, row: RecordingCall) -> None:
    """And diff reports no change."""
    inputs = checked(provider, release_name="wind-3", runtime_version="4.2.5")
    assert row.shown == []
    assert provider.diff(WIND, inputs, inputs).changes is False


def test_check_at_the_target_shows_warnings(
    provider: RuntimeProvider, row: RecordingCall, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without a plan."""
    given = checked(provider, release_name="wind-3", runtime_version="4.2.5")
    found = check_result(given, warnings=("warning yanked: a bad build",))
    monkeypatch.setattr(type(provider._connection.lifecycle()), "check", lambda *_, **__: found)
    row.shown.clear()
    checked(provider)
    assert row.shown == [("warning", "warning yanked: a bad build")]


def check_result(inputs: dict[str, Any], warnings: tuple[str, ...]) -> Any:
    """Make the result of a check."""
    from astro_deployment_runtime.lifecycle.deployment import DeploymentCheck  # noqa: PLC0415

    return DeploymentCheck(inputs=inputs, warnings=warnings)


def test_check_refuses_an_illegal_target(provider: RuntimeProvider, row: RecordingCall) -> None:
    """With the planner's text, at the argument."""
    ((failure),) = provider.check({}, GIVEN | {"release_name": "wind-3", "runtime_version": "4.2.4"}).failures
    assert (failure.property, "NO-REVERT" in failure.reason) == ("runtime_version", True)
    assert row.shown == []


@pytest.mark.parametrize(
    ("config", "reason"),
    [
        ({}, "Houston's address is not configured"),
        ({"astro:houstonUrl": "https://houston.example.com/v1"}, "no token for Houston is configured"),
        (
            {"astro:houstonUrl": "https://houston.example.com/v1", "astro:token": TOKEN, "astro:catalog": "none"},
            "catalog",
        ),
    ],
)
def test_mistake_in_the_settings_fails_the_check(config: dict[str, str], reason: str) -> None:
    """At no argument in particular."""
    (failure,) = configured(config).check({}, dict(GIVEN)).failures
    assert failure.property == ""
    assert reason in failure.reason


@pytest.mark.parametrize("argument", ["release_name", "runtime_version"])
def test_unknown_deployment_or_version_plans_nothing(row: RecordingCall, argument: str) -> None:
    """Check sends no request, and diff reports a change."""
    provider = configured({})
    given = GIVEN | {argument: UNKNOWN}
    result = provider.check({}, dict(given))
    assert (result.inputs, result.failures) == (given, [])
    ((kind, text),) = row.shown
    assert (kind, text.startswith(f"nothing is planned yet: the plan depends on {argument}, ")) == ("info", True)
    assert provider.diff(STARS, {}, result.inputs).changes is True


@pytest.mark.parametrize(
    ("given", "line"),
    [
        ({"image": UNKNOWN}, "The images of the hops depend on image, "),
        ({"project": UNKNOWN}, "The images of the hops depend on project, "),
        ({"project": {"path": UNKNOWN, "test": "true"}}, "The images of the hops depend on project, "),
        ({"image": IMAGE, "accept": ["newer", UNKNOWN]}, "The images of the hops depend on accept, "),
        ({"timeout": UNKNOWN}, None),
        ({"wait": UNKNOWN}, None),
        ({"verify": UNKNOWN}, None),
        ({"deny": ["deprecated", UNKNOWN]}, None),
    ],
)
def test_unknown_image_or_option_still_plans_the_path(
    provider: RuntimeProvider, row: RecordingCall, given: dict[str, Any], line: str | None
) -> None:
    """The plan itself is unknown if one of its lines is, so that a saved plan may still fill it in."""
    inputs = checked(provider, **given)
    assert {name: inputs[name] for name in given} == given
    assert (inputs["path"], inputs["hops"]) == ("AC 2.2.3 > AC 2.3.0 > Astro Runtime 5.0.4", 2)
    assert rpc.contains_unknowns(inputs["plan"]) == (line is not None)
    ((_, shown), _) = row.shown
    assert shown.startswith("data-eng (stars-1): AC 2.2.3 > AC 2.3.0 > Astro Runtime 5.0.4 (2 hops")
    assert line is None or shown.splitlines()[-1] == f"{line}which comes from a resource that does not exist yet."
    assert provider.diff(STARS, {}, inputs).changes is True
    assert provider.diff(WIND, {}, inputs).replaces == ["deployment_id"]


@pytest.mark.parametrize("unknown", ["image", "project", "strategy", "deny", "timeout", "verify"])
def test_unknown_argument_does_not_delay_a_refusal(provider: RuntimeProvider, unknown: str) -> None:
    """A downgrade does not wait for an image."""
    given = GIVEN | {"release_name": "tides-4", "runtime_version": "4.0.11", unknown: UNKNOWN}
    (failure,) = provider.check({}, given).failures
    assert "no path from AC 2.2.5 to Astro Runtime 4.0.11" in failure.reason


def test_unknown_acceptance_leaves_an_acceptable_refusal_undecided(
    provider: RuntimeProvider, row: RecordingCall
) -> None:
    """A refusal that nobody can accept stays one."""
    given = GIVEN | {"release_name": "wind-3", "runtime_version": "4.2.4", "accept": [UNKNOWN]}
    result = provider.check({}, given)
    assert (result.failures, "path" in result.inputs) == ([], False)
    ((kind, text),) = row.shown
    assert (kind, text.startswith("nothing is planned yet: whether the path is allowed depends on accept")) == (
        "info",
        True,
    )
    (failure,) = provider.check({}, given | {"runtime_version": "99.0.0"}).failures
    assert "OFFERED" in failure.reason


def test_unknown_strategy_leaves_the_path_open(provider: RuntimeProvider, row: RecordingCall) -> None:
    """Check only finds the Deployment."""
    inputs = checked(provider, strategy=UNKNOWN)
    assert (inputs["deployment_id"], "path" in inputs, "plan" in inputs) == (STARS, False, False)
    assert row.shown[0][1].startswith("nothing is planned yet: the path depends on strategy")
    assert provider.diff(STARS, {}, inputs).changes is True


def test_unknown_image_at_the_target_is_no_change(provider: RuntimeProvider) -> None:
    """No line of the plan needs it."""
    inputs = checked(provider, release_name="wind-3", runtime_version="4.2.5", image=UNKNOWN)
    assert not rpc.contains_unknowns(inputs["plan"])
    assert provider.diff(WIND, {}, inputs).changes is False


def test_diff_shows_a_cancel_before_an_unknown_image(
    provider: RuntimeProvider, served: Served, row: RecordingCall
) -> None:
    """Diff learns that the hop is ours, and shows the path although a line of the plan is unknown."""
    served.client.start(served.client.observe(STARS)[0], ReleaseId.parse("AC 2.2.4"))
    given = GIVEN | {"image": UNKNOWN}
    inputs = provider.check(dict(GIVEN), given).inputs
    row.shown.clear()
    assert provider.diff(STARS, {"pending": "AC 2.2.4"}, inputs).changes is True
    assert row.shown[0][1] == "stars-1: cancel AC 2.2.4, then AC 2.2.3 > AC 2.3.0 > Astro Runtime 5.0.4"


def test_unknown_outputs_do_not_matter(provider: RuntimeProvider) -> None:
    """In a preview, the outputs of a new resource are unknown."""
    assert checked(provider, current_version=UNKNOWN, pending=UNKNOWN)["hops"] == 2


def test_diff_goes_by_the_plan(provider: RuntimeProvider) -> None:
    """It never compares old inputs with new ones. Another Deployment is a replacement."""
    inputs = checked(provider)
    difference = provider.diff(STARS, {}, inputs)
    assert (difference.changes, difference.replaces) == (True, None)
    assert provider.diff(STARS, {}, inputs | {"hops": 0.0}).changes is False
    another = provider.diff(WIND, {}, inputs)
    assert (another.changes, another.replaces) == (True, ["deployment_id"])
    assert provider.diff(STARS, {}, dict(GIVEN)).changes is True


def test_state_of_an_earlier_release_shows_no_change(provider: RuntimeProvider) -> None:
    """Its inputs have neither ``deny`` nor ``target``."""
    saved = {
        "__provider": "pickled",
        "release_name": "wind-3",
        "deployment_id": "ckw1wind",
        "runtime_version": "4.2.5",
        "strategy": "certified-first",
        "accept": [],
        "timeout": "1h",
        "wait": True,
        "verify": "airflow",
        "plan": ["wind-3: runs Astro Runtime 4.2.5, nothing to do"],
        "path": "Astro Runtime 4.2.5",
        "hops": 0.0,
    }
    given = {name: value for name, value in saved.items() if name not in {*resource.OUTPUTS, "deployment_id"}}
    found = provider.check(saved, given)
    assert found.failures == []
    assert provider.diff("ckw1wind", {**saved, "current_version": "Astro Runtime 4.2.5"}, found.inputs).changes is False


def test_diff_refuses_to_cancel_a_foreign_hop(provider: RuntimeProvider, served: Served) -> None:
    """The old outputs say who started it. A hop of ours is cancelled as a step of the plan."""
    served.client.start(served.client.observe(STARS)[0], ReleaseId.parse("AC 2.2.4"))
    result = provider.check(dict(GIVEN), dict(GIVEN))
    with pytest.raises(RefusedError, match="PENDING"):
        provider.diff(STARS, {}, result.inputs)
    assert provider.diff(STARS, {"pending": "AC 2.2.4"}, result.inputs | {"hops": 0}).changes is True


@pytest.mark.slow
def test_create_walks_the_path(provider: RuntimeProvider, row: RecordingCall, monkeypatch: pytest.MonkeyPatch) -> None:
    """The id is Houston's, all outputs come back, and each hop is shown at the row."""
    monkeypatch.setattr(engine_call.CallClock, "wait", lambda *_: False)
    inputs = checked(provider, image=IMAGE)
    created = provider.create(inputs)
    assert created.id == STARS
    assert created.outs is not None
    assert created.outs["current_version"] == "Astro Runtime 5.0.4"
    assert created.outs["pending"] is None
    assert created.outs["__provider"] == "pickled"
    texts = [text for kind, text in row.shown if kind == "info"]
    assert "hop 2/2: deploying the image" in "\n".join(texts)
    assert all(name in created.outs for name in resource.OUTPUTS)


def test_update_resumes_the_pending_hop(provider: RuntimeProvider, row: RecordingCall) -> None:
    """An interrupted run saves it as partial progress."""
    row.cancelled.set()
    inputs = checked(provider, release_name="wind-3")
    with pytest.raises(PartialProgressError, match=r"^interrupted\. Run `pulumi up`") as first:
        provider.create(inputs)
    assert (first.value.resource_id, first.value.outputs["pending"]) == (WIND, None)
    inputs["wait"] = False
    row.cancelled.clear()
    with pytest.raises(PartialProgressError, match="does not wait for its image") as second:
        provider.update(WIND, first.value.outputs, inputs)
    assert second.value.outputs["pending"] == "Astro Runtime 5.0.4"
    row.cancelled.set()
    with pytest.raises(PartialProgressError, match="does not wait for its image") as third:
        provider.update(WIND, second.value.outputs, inputs)
    assert third.value.outputs == second.value.outputs


@pytest.mark.slow
def test_update_returns_all_outputs(provider: RuntimeProvider, monkeypatch: pytest.MonkeyPatch) -> None:
    """The engine drops an output that is missing."""
    monkeypatch.setattr(engine_call.CallClock, "wait", lambda *_: False)
    inputs = checked(provider, release_name="wind-3", image=IMAGE)
    outs = provider.update(WIND, {}, inputs).outs
    assert outs is not None
    assert inputs.items() <= outs.items()
    assert outs["current_version"] == "Astro Runtime 5.0.4"


def test_read_updates_the_outputs(provider: RuntimeProvider) -> None:
    """The other outputs and the inputs stay."""
    found = provider.read(STARS, {"__provider": "pickled", "deployment_id": STARS, "plan": ["one"]})
    assert (found.id, found.inputs) == (STARS, None)
    assert found.outs is not None
    assert (found.outs["current_version"], found.outs["plan"]) == ("AC 2.2.3", ["one"])


def test_read_finds_a_deployment_by_its_release_name(provider: RuntimeProvider) -> None:
    """A Deployment on hold that could not be read has no id yet."""
    found = provider.read("stars-1", {"release_name": "stars-1", "hold": "refused"})
    assert found.outs is not None
    assert (found.outs["deployment_id"], found.outs["current_version"]) == (STARS, "AC 2.2.3")
    gone = provider.read("none-9", {"release_name": "none-9", "hold": "refused"})
    assert (gone.id, gone.outs) == ("", {})


def saved_token(served: Served, monkeypatch: pytest.MonkeyPatch, *, in_config: bool) -> RuntimeProvider:
    """Make a provider with a revoked token."""
    config = {"astro:houstonUrl": served.url, "astro:catalog": "guide"}
    if in_config:
        return configured(config | {"astro:token": "revoked"})
    monkeypatch.setenv("ASTRO_HOUSTON_URL", served.url)
    monkeypatch.setenv("ASTRO_HOUSTON_TOKEN", "revoked")
    return configured({"astro:catalog": "guide"})


@pytest.mark.parametrize("by", ["config", "environment", "program", "fleet"])
def test_refresh_with_a_revoked_token_names_the_saved_config(
    served: Served, monkeypatch: pytest.MonkeyPatch, by: str
) -> None:
    """The hint is left out if the program has run, or if the environment gave the token."""
    provider = saved_token(served, monkeypatch, in_config=by != "environment")
    if by == "program":
        provider.check({}, dict(GIVEN))
    if by == "fleet":
        dynamic_protocol.fleet_manifest_json(provider._connection, '{"declared": {}, "saved": null, "secret": []}')
    with pytest.raises(TokenRefusedError) as raised:
        provider.read(STARS, {"deployment_id": STARS})
    told = (
        "\nUnless it runs the program, a refresh uses the astro:houstonUrl and astro:token that the last 'pulumi up' "
        "saved in the state, not what is set now. To use and save what is set now, run 'pulumi up' without --refresh, "
        "or 'pulumi refresh --run-program'."
    )
    assert str(raised.value).startswith("Houston refuses the token")
    assert str(raised.value).endswith(told) == (by == "config")
    assert ("saved in the state" in str(raised.value)) == (by == "config")
    provider._connection.close()


def test_refresh_with_an_old_address_names_the_saved_config() -> None:
    """As with a token."""
    provider = configured({"astro:houstonUrl": "nonsense", "astro:token": TOKEN})
    with pytest.raises(InvalidSettingsError, match="that the last 'pulumi up' saved in the state"):
        provider.read(STARS, {"deployment_id": STARS})


def test_read_of_a_deleted_deployment_returns_no_id(provider: RuntimeProvider) -> None:
    """The engine then forgets the resource. Pulumi's host fails on outputs that are None."""
    found = provider.read("ckw1none", {"deployment_id": "ckw1none"})
    assert (found.id, found.outs) == ("", {})


@pytest.mark.parametrize(
    ("props", "text"),
    [
        (
            {"release_name": "stars-1", "current_version": "AC 2.3.0"},
            "stars-1 is forgotten, and nothing is changed on it; it last ran AC 2.3.0",
        ),
        (
            {"release_name": "stars-1", "current_version": "AC 2.2.3", "pending": "AC 2.3.0"},
            (
                "stars-1 is forgotten, and nothing is changed on it; it last ran AC 2.2.3, "
                "with the hop to AC 2.3.0 started"
            ),
        ),
        ({"release_name": "stars-1", "current_version": None}, "stars-1 is forgotten, and nothing is changed on it"),
        ({}, "ckw1stars is forgotten, and nothing is changed on it"),
    ],
)
def test_delete_says_what_ran_last(row: RecordingCall, props: dict[str, Any], text: str) -> None:
    """Without a request to the platform, so that it works without one."""
    configured({}).delete(STARS, props)
    assert row.shown == [("info", text)]


def test_second_resource_for_one_deployment_is_refused(provider: RuntimeProvider) -> None:
    """The first may be checked again."""
    for urn, failures in ((URN, 0), (f"{URN}-2", 1), (URN, 0)):
        token = engine_call._current_call.set(RecordingCall(urn))
        found = provider.check({}, dict(GIVEN)).failures
        engine_call._current_call.reset(token)
        assert len(found) == failures
        assert all("is declared twice, here and as 'data-eng'" in failure.reason for failure in found)


def test_checks_share_one_client(provider: RuntimeProvider, served: Served) -> None:
    """Twenty checks at once read the fleet once."""
    threads = [threading.Thread(target=provider.check, args=({}, dict(GIVEN))) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(served.asked()) == 2


def test_cancel_ends_a_wait() -> None:
    """At once, also if it came before the wait."""
    call = RecordingCall()
    clock = engine_call.CallClock(call)
    before = clock.now()
    assert clock.wait(0.001) is False
    assert clock.now() > before
    call.cancelled.set()
    assert clock.wait(1000) is True


# On Pulumi's own host


def test_pulumis_own_host_shows_printed_texts(provider: RuntimeProvider, capsys: pytest.CaptureFixture[str]) -> None:
    """It shows the plan, the progress and one clear last line. It cannot save partial progress."""
    inputs = checked(provider, wait=False)
    printed = capsys.readouterr().out.splitlines()
    assert printed == [*inputs["plan"], "AC 2.2.3 > AC 2.3.0 > Astro Runtime 5.0.4"]
    with pytest.raises(RefusedError) as raised:
        provider.create(inputs)
    assert not isinstance(raised.value, PartialProgressError)
    assert str(raised.value).startswith("hop 1/2 - upgrade to AC 2.3.0")
    assert "does not wait for its image" in str(raised.value)
    assert str(raised.value).splitlines()[-1].startswith("Then run `pulumi up` to resume.")
    assert capsys.readouterr().out.splitlines() == ["00:00/1h hop 1/2 AC 2.3.0: starting"]
    provider.delete(STARS, {})
    assert capsys.readouterr().out == "ckw1stars is forgotten, and nothing is changed on it\n"
    assert engine_call.CallClock(None).wait(0) is False


def test_platform_error_before_the_first_read_is_raised() -> None:
    """There is no partial progress to save."""
    provider = configured({"astro:houstonUrl": "http://127.0.0.1:1/v1", "astro:token": TOKEN})
    props = {**GIVEN, "deployment_id": STARS, "path": "AC 2.2.3 > AC 2.3.0"}
    with quick_retries(1), pytest.raises(PlatformUnreachableError, match="cannot be reached"):
        provider.create(props)
    provider._connection.close()


def test_hold_keeps_the_last_state(provider: RuntimeProvider) -> None:
    """Nothing is planned or changed, and the old arguments stay."""
    saved = {"release_name": "stars-1", "runtime_version": "2.2.4", "hops": 2.0}
    checked = provider.check(saved, {"release_name": "wind-3", "runtime_version": "5.0.4", "hold": "refused"})
    assert (checked.inputs, checked.failures) == (saved | {"hold": "refused"}, [])
    assert provider.diff(STARS, saved, checked.inputs).changes is False
    # The engine calls this where an earlier run stopped part of the way.
    assert provider.update(STARS, saved, checked.inputs).outs == saved


def test_hold_adopts_a_new_resource(provider: RuntimeProvider) -> None:
    """A Deployment that cannot be read has its release name as id."""
    given = {"release_name": "stars-1", "runtime_version": "5.0.4", "hold": "refused"}
    made = provider.create(provider.check({}, given).inputs)
    outs: dict[str, Any] = made.outs or {}
    assert (made.id, outs["current_version"]) == (STARS, "AC 2.2.3")
    assert "hold" not in outs
    gone = provider.create(given | {"release_name": "nowhere-9"})
    assert (gone.id, "current_version" in (gone.outs or {})) == ("nowhere-9", False)
    planned = provider.check(given, {"release_name": "stars-1", "runtime_version": "5.0.4"}).inputs
    assert "hold" not in planned
    assert provider.diff("stars-1", outs, planned).replaces is None

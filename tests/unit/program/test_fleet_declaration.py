"""From a stack's config to resources, with Pulumi's mocks instead of its engine.

Every test runs twice: planned by our plugin host, and by the program, as under Pulumi's own.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from typing import TYPE_CHECKING, Any, cast

import pulumi
import pytest
from pulumi.runtime import config, invoke, mocks, rpc, settings

from astro_deployment_runtime.lifecycle import deployment
from astro_deployment_runtime.lifecycle import fleet_planning as lifecycle_fleet
from astro_deployment_runtime.lifecycle.deployment import DeploymentLifecycle
from astro_deployment_runtime.lifecycle.fleet_planning import FleetPlan, PlannedDeployment
from astro_deployment_runtime.planning.catalog import Release
from astro_deployment_runtime.planning.plan_model import Plan, Resolved
from astro_deployment_runtime.planning.versions import AirflowVersion, Line, ReleaseId, RuntimeVersion
from astro_deployment_runtime.plugin.connection import PlatformConnection
from astro_deployment_runtime.plugin.dynamic_protocol import PLAN_FLEET, fleet_manifest_json
from astro_deployment_runtime.program import fleet_declaration, stack_state
from astro_deployment_runtime.program.config_warnings import warn_of_unknown_keys
from astro_deployment_runtime.program.deployment_resource import AstroDeploymentRuntime
from astro_deployment_runtime.program.fleet_declaration import declare_fleet
from astro_deployment_runtime.support import secret_masks

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pulumi.runtime.invoke import InvokeResult

    from astro_deployment_runtime.config.fleet_config import DeploymentEntry, FleetConfig
    from astro_deployment_runtime.houston.client import Houston

PLUGIN_PLANS_FLEETS = fleet_declaration._plugin_plans_fleets
LEAST = {"name": "data-eng", "releaseName": "stars-1", "runtimeVersion": "5.0.4"}


class Monitor(mocks.Mocks):
    """Keeps what is registered, and plans fleets, as the engine and our plugin do."""

    def __init__(self) -> None:
        self.registered: list[tuple[str, str, dict[str, Any]]] = []
        self.state: dict[str, Any] | None = None
        self.questions = 0
        self.connection = PlatformConnection({})

    def new_resource(self, args: mocks.MockResourceArgs) -> tuple[str, dict[str, Any]]:
        """Keep a resource; its outputs are its inputs."""
        if args.custom:
            self.registered.append((args.typ, args.name, args.inputs))
        return f"id-{args.name}", args.inputs

    def call(self, args: mocks.MockCallArgs) -> tuple[dict[Any, Any], list[tuple[str, str]] | None]:
        """Plan a fleet; give the stack's state, where a test has one. Nobody calls for anything else."""
        if args.token == PLAN_FLEET:
            self.questions += 1
            return {"answer": fleet_manifest_json(self.connection, args.args["question"])}, []
        assert self.state is not None, args.token
        assert args.token == "pulumi:pulumi:readStackResourceOutputs"
        assert args.args == {"stackName": "acme/astro/dev"}
        return {"name": "dev", "outputs": self.state}, []


@pytest.fixture
def monitor(monkeypatch: pytest.MonkeyPatch) -> Iterator[Monitor]:
    """Pulumi's runtime as a program finds it, put back afterwards."""
    before, made = settings.SETTINGS, Monitor()
    loops: list[asyncio.AbstractEventLoop] = []

    def loop_of_the_thread() -> None:
        # Pulumi's own leaves one open in each of its threads.
        loops.append(asyncio.new_event_loop())
        asyncio.set_event_loop(loops[-1])

    loop_of_the_thread()
    monkeypatch.setattr(mocks, "_ensure_event_loop", loop_of_the_thread)
    mocks.set_mocks(made, project="astro", stack="dev", organization="acme")
    yield made
    config.set_all_config({})
    settings.configure(before)
    loops[0].run_until_complete(loops[0].shutdown_default_executor())
    asyncio.set_event_loop(None)
    for loop in loops:
        loop.close()


def _held(saved: dict[str, Any]) -> Plan | None:
    """Make a plan for a line that is held."""
    if not saved.get("target"):
        return None
    release = Release(id=ReleaseId.parse(f"Runtime {saved['target']}"), airflow=AirflowVersion(2, 3, 0))
    resolved = Resolved(declared=Line.parse(saved["runtime_version"]), version=RuntimeVersion.parse(saved["target"]))
    return Plan(current=release, target=release, resolved=resolved)


def plan_fleet(stack: FleetConfig, _: DeploymentLifecycle, *, saved: dict[str, Any] | None) -> FleetPlan:
    """Refuse those whose name says so; all others have one hop, and what is in doubt or held the state says."""

    def planned(entry: DeploymentEntry) -> PlannedDeployment:
        known = (saved or {}).get(entry.name, {})
        if entry.name.startswith("refused") or (saved and "pending" in entry.name and not known["pending"]):
            return PlannedDeployment(entry=entry, refusal="because")
        needs_state = saved is None and "pending" in entry.name
        return PlannedDeployment(
            entry=entry, path="a > b", hops=1, has_steps=True, outcome=_held(known), needs_state=needs_state
        )

    return FleetPlan(deployments=tuple(map(planned, stack.deployments)))


@pytest.fixture(autouse=True, params=["ours", "stock"])
def host(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """The plugin host: ours or Pulumi's. These tests need no platform."""
    host: str = request.param
    monkeypatch.setattr(secret_masks, "MASKS", secret_masks.Masks())
    monkeypatch.setattr(fleet_declaration, "_plugin_plans_fleets", lambda: host == "ours")
    monkeypatch.setattr(deployment, "connect", lambda *_: DeploymentLifecycle(cast("Houston", None)))
    monkeypatch.setattr(lifecycle_fleet, "plan_fleet", plan_fleet)
    return host


def declared(entries: object, **more: Any) -> list[AstroDeploymentRuntime]:
    """Run a program that declares this fleet."""
    if entries is not None:
        config.set_config("astro:deployments", entries if isinstance(entries, str) else json.dumps(entries))
    found: list[AstroDeploymentRuntime] = []

    @mocks.test  # type: ignore[untyped-decorator]
    def program() -> None:
        found.extend(declare_fleet(**more))

    program()
    return found


def test_a_misspelt_key_is_warned_of_once(monitor: Monitor, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the fleet is empty for it, and where a program declares resources by itself."""
    warned: list[str] = []
    monkeypatch.setattr(pulumi.log, "warn", warned.append)
    warn_of_unknown_keys.cache_clear()
    config.set_config("astro:deployment", json.dumps([LEAST]))
    assert declared(None) == []

    @mocks.test  # type: ignore[untyped-decorator]
    def program() -> None:
        AstroDeploymentRuntime("a", release_name="a", runtime_version="5.0.4")

    program()
    assert len(monitor.registered) == 1
    (line,) = warned
    assert line.startswith("astro:deployment is not read: did you mean astro:deployments?")


def test_a_key_without_a_value_counts_as_not_given(monitor: Monitor) -> None:
    """The engine gives it as an empty text, as where all lines of a list are comments."""
    assert declared("") == []
    assert monitor.registered == []


def secretly(monitor: Monitor, key: str, value: Any, entries: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Run a program whose config has a secret somewhere below a key; gives what was registered."""
    given = {"astro:deployments": json.dumps(entries)} | {f"astro:{key}": json.dumps(value)}
    config.set_all_config(given, secret_keys=[f"astro:{key}"])
    try:
        declared(None)
    finally:
        config.set_all_config({}, secret_keys=[])
    return [inputs for _, _, inputs in sorted(monitor.registered, key=lambda each: each[1])]


OTHER = LEAST | {"name": "other", "releaseName": "wind-3"}
CANARY = "registry.example.com/canary-4711:{version}"


@pytest.mark.parametrize("key", ["deployments", "defaults", "selectors"])
def test_a_secret_in_the_fleets_config_makes_the_images_and_paths_of_all_entries_secret(
    monitor: Monitor, key: str
) -> None:
    """Pulumi tells the key alone, and not which of its values is the secret; all else stays readable."""
    entries: list[dict[str, Any]] = [LEAST | {"image": CANARY}, OTHER | {"project": {"path": "../canary"}}]
    value: Any = {"deployments": entries, "defaults": {"strategy": "fewest-hops"}, "selectors": []}[key]
    first, second = secretly(monitor, key, value, entries)
    assert (rpc.is_rpc_secret(first["image"]), first["image"]["value"]) == (True, CANARY)
    # Pulumi's mocks carry a mark within a mapping to the whole of it.
    assert rpc.is_rpc_secret(second["project"])
    assert second["project"]["value"] == {"path": "../canary", "deploy": "astro deploy {deployment_id} --force"}
    assert (first["release_name"], second["release_name"]) == ("stars-1", "wind-3")
    # On Pulumi's own host the engine carries this mark to the output of the same name.
    assert rpc.is_rpc_secret(first["plan"])


def test_a_command_that_may_be_the_secret_is_refused(monitor: Monitor) -> None:
    """In one sentence, without the command."""
    entry = LEAST | {"project": {"path": "a", "deploy": "deploy --key canary-4711"}}
    with pytest.raises(pulumi.RunError) as raised:
        secretly(monitor, "deployments", [entry, OTHER], [])
    assert str(raised.value).startswith("astro:deployments has a secret in it, and Pulumi does not tell which value")
    assert "project.deploy may be it" in str(raised.value)
    assert "canary" not in str(raised.value)
    assert monitor.registered == []


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ([LEAST | {"timeout": "canary-4711"}], r"astro:deployments\[0\]\.timeout: '\[secret\]' is not a duration"),
        ([LEAST | {"accept": ["canary-4711"]}], r"'\[secret\]' cannot be accepted"),
        (["canary-4711"], r"astro:deployments\[0\]: '\[secret\]' is not a mapping"),
        ({"canary": "canary-4711"}, r"astro:deployments: .* is not a list"),
        ([LEAST, LEAST | {"image": "canary-4711"}], "two entries have the name 'data-eng'"),
    ],
)
def test_a_mistake_beside_a_secret_shows_no_value(monitor: Monitor, value: Any, message: str) -> None:
    """Any of them may be the secret; only the names of entries are shown, since URNs show them."""
    with pytest.raises(pulumi.RunError, match=message) as raised:
        secretly(monitor, "deployments", value, [])
    assert "canary-4711" not in str(raised.value)


def test_a_secret_that_is_no_json_is_not_shown(monitor: Monitor) -> None:
    """Pulumi's own message would have the whole value."""
    config.set_all_config({"astro:deployments": "[canary-4711"}, secret_keys=["astro:deployments"])
    with pytest.raises(pulumi.RunError, match=r"^astro:deployments is not JSON: set it again"):
        declared(None)
    config.set_all_config({}, secret_keys=[])
    assert monitor.registered == []


def test_an_image_of_a_config_without_secrets_is_declared_in_clear(monitor: Monitor) -> None:
    """And its plan with it."""
    declared([LEAST | {"image": CANARY}])
    ((_, _, inputs),) = monitor.registered
    assert (inputs["image"], "plan" in inputs) == (CANARY, False)


def test_an_import_ends_the_program_in_one_sentence(monitor: Monitor) -> None:
    """A dynamic resource cannot be imported, which Pulumi tells by a traceback of its own."""

    @mocks.test  # type: ignore[untyped-decorator]
    def program() -> None:
        opts = pulumi.ResourceOptions(import_="stars-1")
        AstroDeploymentRuntime("data-eng", release_name="stars-1", runtime_version="5.0.4", opts=opts)

    with pytest.raises(pulumi.RunError, match=r"^data-eng: Pulumi cannot import a dynamic resource"):
        program()
    assert monitor.registered == []


@pytest.mark.parametrize("name", ["a::b", "::", "a:::b", 'it\'s "quoted"', "team/data eng", "Ünïcode-数据", "a$b::c"])
def test_a_line_is_held_whatever_the_resources_name(monitor: Monitor, name: str) -> None:
    """A name is all that follows the third pair of colons in its URN."""
    kind = "pulumi-python:dynamic/astro:DeploymentRuntime"
    saved = {"runtime_version": "5.x", "target": "5.0.4"}
    monitor.state = {f"urn:pulumi:dev::astro::{kind}::{name}": {"type": kind, "outputs": saved}}
    declared([LEAST | {"name": name, "runtimeVersion": "5.x"}])
    ((_, registered, inputs),) = monitor.registered
    assert (registered, inputs["held"]) == (name, "5.0.4")


def test_each_entry_becomes_a_resource(monitor: Monitor) -> None:
    """With the defaults of what is left out."""
    more = {
        "name": "ml",
        "deploymentId": "ckw1",
        "runtimeVersion": "equivalent",
        "image": "registry.example.com/ml:{version}",
        "strategy": "fewest-hops",
        "accept": ["newer"],
        "timeout": "90m",
        "wait": False,
        "verify": "airflow",
    }
    assert len(declared([LEAST, more])) == 2
    (kind, name, first), (_, other, second) = sorted(monitor.registered, key=lambda each: each[1])
    assert (kind, name, other) == ("pulumi-python:dynamic/astro:DeploymentRuntime", "data-eng", "ml")
    assert first.pop("__provider") == second.pop("__provider")
    assert first == {
        "release_name": "stars-1",
        "runtime_version": "5.0.4",
        "strategy": "certified-first",
        "accept": [],
        "timeout": "3600s",
        "wait": True,
        "verify": "airflow",
    }
    assert second == {
        "deployment_id": "ckw1",
        "runtime_version": "equivalent",
        "image": "registry.example.com/ml:{version}",
        "strategy": "fewest-hops",
        "accept": ["newer"],
        "timeout": "5400s",
        "wait": False,
        "verify": "airflow",
    }


def test_our_host_is_asked_once(monitor: Monitor, host: str) -> None:
    """The program then plans nothing itself; under Pulumi's own host, which would answer with a traceback, it does."""
    declared([LEAST])
    assert monitor.questions == (host == "ours")


@pytest.mark.parametrize(
    ("message", "shown"),
    [
        (f"invoke of {PLAN_FLEET} failed: invocation of {PLAN_FLEET} returned an error: no token", "no token"),
        ("the engine has exited", "the engine has exited"),
    ],
)
def test_error_of_the_plugin_ends_the_program(
    monitor: Monitor, monkeypatch: pytest.MonkeyPatch, host: str, message: str, shown: str
) -> None:
    """With the plugin's message alone. The program does not plan the fleet a second time."""

    def fail(*_: object) -> InvokeResult:
        raise Exception(message)  # noqa: TRY002 - as Pulumi does

    monkeypatch.setattr(fleet_declaration, "invoke", fail)
    if host == "ours":
        with pytest.raises(pulumi.RunError, match=f"^{shown}$"):
            declared([LEAST])
    else:
        declared([LEAST])
    assert [name for _, name, _ in monitor.registered] == ["data-eng"] * (host != "ours")


@pytest.mark.usefixtures("monitor")
def test_the_mocks_of_a_programs_own_tests_are_not_asked() -> None:
    """The mocks replace an engine without our function."""
    declared([LEAST])
    assert settings.get_monitor() is not None
    assert not PLUGIN_PLANS_FLEETS()


def test_what_json_cannot_say_the_program_plans(monitor: Monitor) -> None:
    """It is a mistake like any other."""
    with pytest.raises(pulumi.RunError, match=r"astro:deployments\[0\]\.runtimeVersion: .* is not a string"):
        declared(None, deployments=[LEAST | {"runtimeVersion": {5, 0, 4}}])
    assert monitor.questions == 0


def test_an_entrys_project_is_passed_on(monitor: Monitor) -> None:
    """With the command that is left out, and without the test that is."""
    declared([LEAST | {"project": {"path": "../airflow"}}])
    declared([LEAST | {"name": "other", "project": {"path": "a", "test": "b", "deploy": "c"}}])
    first, second = (inputs["project"] for _, _, inputs in monitor.registered)
    assert first == {"path": "../airflow", "deploy": "astro deploy {deployment_id} --force"}
    assert second == {"path": "a", "test": "b", "deploy": "c"}


@pytest.mark.usefixtures("monitor")
def test_every_output_is_an_attribute() -> None:
    """In preview too, where none is known yet."""
    (made,) = declared([LEAST])
    for name in ("plan", "path", "hops", "current_version", "airflow_version", "pending", "airflow_url"):
        assert isinstance(getattr(made, name), pulumi.Output)
    assert isinstance(made.release_name, pulumi.Output)
    assert isinstance(made.deployment_id, pulumi.Output)


def test_a_part_of_a_second_is_not_cut_to_nothing(monitor: Monitor) -> None:
    """A time-out that is allowed stays one."""
    declared([LEAST | {"timeout": 0.4}])
    assert monitor.registered[0][2]["timeout"] == "1s"


@pytest.mark.parametrize("deployments", [None, []])
def test_a_stack_without_deployments_declares_none(monitor: Monitor, deployments: object) -> None:
    """An empty fleet is legal."""
    assert declared(deployments) == []
    assert monitor.registered == []


@pytest.mark.parametrize(
    ("deployments", "message"),
    [
        ([LEAST | {"colour": "red"}, LEAST], r"astro:deployments\[0\]\.colour: "),
        ([LEAST, LEAST], "two entries have the name 'data-eng'"),
        ({"name": "data-eng"}, "astro:deployments: "),
        ("data-eng", "deployments"),
    ],
)
def test_a_mistake_ends_the_program_before_anything_is_registered(
    monitor: Monitor, deployments: object, message: str
) -> None:
    """With an error that Pulumi shows without a traceback."""
    with pytest.raises(pulumi.RunError, match=message):
        declared(deployments)
    assert monitor.registered == []


REFUSED = LEAST | {"name": "refused", "releaseName": "dust-2"}


def test_a_refusal_ends_the_program_before_anything_is_registered(
    monitor: Monitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each refused Deployment has an error of its own; the last one counts them and names the ways out."""
    errors: list[str] = []
    monkeypatch.setattr(pulumi.log, "error", lambda text, _: errors.append(text))
    with pytest.raises(pulumi.RunError) as raised:
        declared([LEAST, REFUSED, REFUSED | {"name": "refused-2"}])
    assert errors == [
        "Deployment refused (dust-2) is refused:\nbecause",
        "Deployment refused-2 (dust-2) is refused:\nbecause",
    ]
    assert str(raised.value) == (
        "2 of 3 Deployments are refused; nothing was changed.\n\n"
        "Correct their declarations, exclude them (astro:exclude), or continue without them: "
        "set astro:onRefusal to skip, or ASTRO_ON_REFUSAL=skip.\n"
        "This check covers the whole fleet, even with --target. ASTRO_ON_REFUSAL=skip lets the targets continue."
    )
    assert monitor.registered == []


@pytest.mark.parametrize("by", ["config", "environment", "argument"])
def test_what_is_refused_can_be_skipped(monitor: Monitor, monkeypatch: pytest.MonkeyPatch, by: str) -> None:
    """It is registered on hold, the others as ever, and the program fails at its end."""
    if by == "config":
        config.set_config("astro:onRefusal", "skip")
    if by == "environment":
        monkeypatch.setenv("ASTRO_ON_REFUSAL", "skip")
    more = {"on_refusal": "skip"} if by == "argument" else {}
    with pytest.raises(pulumi.RunError, match=r"1 of 2 Deployments was refused and left as before: refused \(dust-2\)"):
        declared([REFUSED, LEAST], **more)
    holds = {name: inputs.get("hold") for _, name, inputs in monitor.registered}
    assert holds == {"data-eng": None, "refused": "because"}


def test_arguments_stand_in_the_place_of_the_config(monitor: Monitor) -> None:
    """So that another program can declare a fleet; what is not given is read from the config."""
    config.set_config("astro:defaults", json.dumps({"runtimeVersion": "5.0.4", "strategy": "fewest-hops"}))
    config.set_config("astro:deployments", json.dumps([LEAST]))
    other = [{"name": "other", "releaseName": "wind-3"}]
    declared(None, deployments=other, defaults={"runtimeVersion": "4.2.5"})
    ((_, name, inputs),) = monitor.registered
    assert (name, inputs["runtime_version"], inputs["strategy"]) == ("other", "4.2.5", "certified-first")


def test_waves_stand_one_after_the_other(monitor: Monitor) -> None:
    """Between two of them is a resource that knows what to wait for; none is after the last."""
    waves = [{"name": "first", "soak": "30m"}, {"name": "second", "maxParallel": 1}]
    config.set_config("astro:waves", json.dumps(waves))
    names = ("a", "b", "c")
    made = declared([LEAST | {"name": name, **({"wave": "first"} if name == "c" else {})} for name in names])
    assert len(made) == 3
    kinds = [(kind.rpartition(":")[2], name) for kind, name, _ in monitor.registered]
    assert kinds == [
        ("DeploymentRuntime", "c"),
        ("Wave", "first"),
        ("DeploymentRuntime", "a"),
        ("DeploymentRuntime", "b"),
    ]
    inputs = monitor.registered[1][2]
    assert (inputs["moves"], inputs["soak"], inputs["timeout"]) == (1, 1800, 3600)


def test_the_state_tells_at_which_version_a_line_is_held(monitor: Monitor) -> None:
    """The engine reads it; what was judged by it is handed to the plugin. Without a line nobody asks."""
    kind = "pulumi-python:dynamic/astro:DeploymentRuntime"
    saved = {"runtime_version": "5.x", "target": "5.0.4", "current_version": "Astro Runtime 5.0.4"}
    monitor.state = {
        f"urn:pulumi:dev::astro::{kind}::data-eng": {"type": kind, "outputs": saved},
        "urn:pulumi:dev::astro::other:index:Thing::data-eng": {"type": "other:index:Thing", "outputs": {"target": "1"}},
    }
    declared([LEAST | {"runtimeVersion": "5.x", "deny": ["deprecated"]}])
    ((_, _, inputs),) = monitor.registered
    assert (inputs["runtime_version"], inputs["held"], inputs["deny"]) == ("5.x", "5.0.4", ["deprecated"])


def test_the_state_tells_whose_a_pending_hop_is(monitor: Monitor) -> None:
    """All that are foreign are refused together."""
    kind = "pulumi-python:dynamic/astro:DeploymentRuntime"
    monitor.state = {
        f"urn:pulumi:dev::astro::{kind}::{name}": {"type": kind, "outputs": outputs}
        for name, outputs in {
            "pending-1": {},
            "pending-2": {"pending": None},
            "pending-3": {"pending": "AC 2.3.0"},
        }.items()
    }
    entries = [LEAST | {"name": f"pending-{number}"} for number in (1, 2, 3)]
    with pytest.raises(pulumi.RunError, match="2 of 3 Deployments are refused"):
        declared(entries)
    assert monitor.registered == []
    declared(entries[2:])
    assert len(monitor.registered) == 1


def test_a_fleet_keeps_the_held_target_of_a_native_resource_of_the_same_name(monitor: Monitor) -> None:
    """The engine forgets that resource and creates another: a hop which the native one started counts as foreign."""
    kind = "astro:index:DeploymentRuntime"
    saved = {"runtimeVersion": "5.x", "target": "5.0.4", "pending": "Astro Runtime 5.0.4"}
    monitor.state = {
        f"urn:pulumi:dev::astro::{kind}::{name}": {"type": kind, "outputs": saved} for name in ("line", "pending-1")
    }
    declared([LEAST | {"name": "line", "runtimeVersion": "5.x"}])
    ((_, _, inputs),) = monitor.registered
    assert inputs["held"] == "5.0.4"
    with pytest.raises(pulumi.RunError, match="1 of 1 Deployments is refused"):
        declared([LEAST | {"name": "pending-1"}])


def test_a_fleet_keeps_its_own_state_beside_a_native_resource_of_the_same_name(monitor: Monitor) -> None:
    """Whatever the order of the two in the state."""
    state = [
        ("pulumi-python:dynamic/astro:DeploymentRuntime", {"pending": "AC 2.3.0"}),
        ("astro:index:DeploymentRuntime", {"pending": "AC 2.2.4"}),
    ]
    for order in (state, state[::-1]):
        monitor.state = {
            f"urn:pulumi:dev::astro::{kind}::pending-1": {"type": kind, "outputs": saved} for kind, saved in order
        }
        monitor.registered.clear()
        declared([LEAST | {"name": "pending-1"}])
        assert len(monitor.registered) == 1


def test_a_program_that_plans_twice_connects_once(monitor: Monitor, monkeypatch: pytest.MonkeyPatch) -> None:
    """The second plan uses the same reading of the platform."""
    connected: list[DeploymentLifecycle] = []

    def connect(*_: object) -> DeploymentLifecycle:
        connected.append(DeploymentLifecycle(cast("Houston", None)))
        return connected[-1]

    monkeypatch.setattr(deployment, "connect", connect)
    monkeypatch.setattr(fleet_declaration, "_plugin_plans_fleets", lambda: False)
    monitor.state = {}
    declared([LEAST | {"name": "pending-1"}])
    assert len(connected) == 1


@pytest.mark.parametrize(
    ("failure", "reads"), [("failed to load checkpoint: EOF", 2), ("this stack is nobody's business", 1)]
)
def test_a_state_that_is_being_written_is_read_again(
    monitor: Monitor, monkeypatch: pytest.MonkeyPatch, failure: str, reads: int
) -> None:
    """The engine finds half a file at one moment and the whole a moment later; nothing else is tried again."""
    monitor.state, asked = {}, []

    def read(*words: Any) -> Any:
        asked.append(words)
        if len(asked) == 1:
            raise RuntimeError(f"invoke failed: {failure}")
        return invoke(*words)

    monkeypatch.setattr(stack_state, "invoke", read)
    monkeypatch.setattr(stack_state._read.retry, "sleep", lambda _: None)
    with contextlib.suppress(RuntimeError):
        declared([LEAST | {"runtimeVersion": "5.x"}])
    assert len(asked) == reads
    assert len(monitor.registered) == reads - 1


def test_a_stack_without_state_holds_nothing(monitor: Monitor) -> None:
    """Its first preview resolves every line."""
    monitor.state = {}
    declared([LEAST | {"runtimeVersion": "5.x"}])
    ((_, _, inputs),) = monitor.registered
    assert "held" not in inputs

"""From inputs to a plan, from a plan to a walk, from what was observed to outputs; against the sandbox."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from astro_deployment_runtime.errors import InvalidInputError, InvalidSettingsError, RefusedError
from astro_deployment_runtime.lifecycle.deployment import (
    ARGUMENTS,
    DeploymentCheck,
    DeploymentDiff,
    DeploymentLifecycle,
    connect,
)
from astro_deployment_runtime.planning.versions import ReleaseId
from tests.contract import sandbox_server
from tests.contract.sandbox_server import DUST, STARS, TIDES, TOKEN, WIND, Served

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PREFIX = "urn:pulumi:dev::astro::pulumi-python:dynamic/astro:DeploymentRuntime::"
IMAGE = "registry.example.com/data-eng/airflow:{distribution}-{version}"


class Clock:
    """Time that passes only by waiting; the user stops when that was told so often."""

    def __init__(self, waits: int = 1000) -> None:
        self.seconds = 0.0
        self.waits = waits

    def now(self) -> float:
        """Give the time."""
        return self.seconds

    def wait(self, seconds: float) -> bool:
        """Let it pass."""
        self.seconds += seconds
        self.waits -= seconds > 0
        return self.waits < 0


class Recorder:
    """Keeps what the user is told."""

    def __init__(self) -> None:
        self.texts: list[str] = []

    def info(self, text: str) -> None:
        """Keep it."""
        self.texts.append(text)

    warning = progress = info


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    """A sandbox with four Deployments in two workspaces, and a client of it."""
    with sandbox_server.serving(tmp_path) as running:
        yield running


@pytest.fixture
def lifecycle(served: Served) -> DeploymentLifecycle:
    """What the provider does, for that sandbox."""
    return DeploymentLifecycle(served.client)


def news(release: str, target: str = "5.0.4", **more: Any) -> dict[str, Any]:
    """Make inputs as they come from the engine."""
    return {"__provider": "pickled", "release_name": release, "runtime_version": target, "accept": [], **more}


def check(
    lifecycle: DeploymentLifecycle, given: dict[str, Any], *, name: str = "data-eng", olds: dict[str, Any] | None = None
) -> DeploymentCheck:
    """Check a resource's inputs."""
    return lifecycle.check(f"{PREFIX}{name}", olds or {}, given)


def apply(
    lifecycle: DeploymentLifecycle, checked: DeploymentCheck, *, saved: dict[str, Any] | None = None, waits: int = 1000
) -> tuple[dict[str, Any], str | None]:
    """Walk the path in checked inputs."""
    assert checked.failures == ()
    return lifecycle.apply(checked.inputs, saved=saved, clock=Clock(waits), reporter=Recorder())


def test_the_arguments_are_those_of_the_declaration() -> None:
    """A new one is thought of here."""
    assert set(ARGUMENTS) == {
        *("release_name", "deployment_id", "runtime_version", "image", "project"),
        *("strategy", "accept", "deny", "timeout", "wait", "verify"),
    }


def test_a_check_plans_and_fills_in(lifecycle: DeploymentLifecycle) -> None:
    """Both names of the Deployment, the plan as text, its path and its hops; what is no argument falls away."""
    checked = check(lifecycle, news("stars-1", image=IMAGE, surprise=1, plan=["old"]))
    assert checked.failures == ()
    assert checked.warnings == ()
    plan = checked.inputs.pop("plan")
    assert checked.inputs == {
        "__provider": "pickled",
        "release_name": "stars-1",
        "deployment_id": STARS,
        "runtime_version": "5.0.4",
        "accept": [],
        "image": IMAGE,
        "path": "AC 2.2.3 > AC 2.3.0 > Astro Runtime 5.0.4",
        "hops": 2,
        "cancel": None,
        "target": None,
    }
    assert list(checked.lines) == plan
    assert plan[0] == "data-eng (stars-1): 2 hops to Astro Runtime 5.0.4 (Airflow 2.2.3 > 2.3.0)"
    assert plan[-1] == "Hop 2 delivers registry.example.com/data-eng/airflow:runtime-5.0.4"


@pytest.mark.parametrize("name", ["a::b", "::", 'it\'s "quoted"', "team/data eng", "Ünïcode-数据"])
def test_a_plan_names_the_resource_whatever_its_name(lifecycle: DeploymentLifecycle, name: str) -> None:
    """As the program does; a second one for the same Deployment is told of it by that name too."""
    urn = f"urn:pulumi:dev::astro::pulumi-python:dynamic/astro:DeploymentRuntime::{name}"
    assert lifecycle.check(urn, {}, news("stars-1")).lines[0].startswith(f"{name} (stars-1): 2 hops")
    ((_, reason),) = lifecycle.check(f"{urn}2", {}, news("stars-1")).failures
    assert f"here and as {name!r}" in reason


def test_a_check_by_id_is_the_same(lifecycle: DeploymentLifecycle) -> None:
    """A host that does not tell whose inputs these are may check as well."""
    given = {"deployment_id": WIND, "runtime_version": "5.0.4"}
    checked = lifecycle.check("", {}, given)
    assert (checked.failures, checked.inputs["release_name"]) == ((), "wind-3")
    assert lifecycle.check("", {}, given).failures == ()


def test_nothing_to_do_shows_nothing(lifecycle: DeploymentLifecycle) -> None:
    """No lines, no hops; what should be known of that is a warning."""
    checked = check(lifecycle, news("wind-3", "4.2.5"))
    assert (checked.lines, checked.inputs["hops"], checked.inputs["cancel"]) == ((), 0, None)
    assert checked.inputs["path"] == "Astro Runtime 4.2.5"


@pytest.mark.parametrize(
    ("given", "argument", "message"),
    [
        (news("wind-3", "4.2.4"), "runtime_version", "NO-REVERT"),
        (news("stars-1", "99.0.0"), "runtime_version", "OFFERED"),
        (news("none-9"), "release_name", "no Deployment with the release name 'none-9'"),
        ({"deployment_id": "ckw1none", "runtime_version": "5.0.4"}, "deployment_id", "the id 'ckw1none'"),
        (news("stars-1", "5.0"), "", "runtime_version: '5.0' is not an Astro Runtime version"),
        (news("stars-1", accept=["all"]), "", "'all' cannot be accepted"),
        (news("stars-1", deny=["all"]), "", "'all' cannot be denied: known are airflow-version, "),
        (news("stars-1", accept=["deprecated"], deny=["deprecated"]), "", "both accepted and denied"),
        (news("stars-1", deny=["database-migration"]), "runtime_version", "DENIED: database-migration: hop 1 "),
        (news("stars-1", deployment_id=STARS), "", "exactly one of releaseName and deploymentId"),
        (news("stars-1", image="a:{tag}"), "image", "image names {tag}"),
        (news("stars-1", image="a b:{version}"), "image", "which is no image reference"),
        (news("stars-1", image="{base}"), "image", "ap-airflow:2.3.0-onbuild is the vendor's bare base image"),
    ],
)
def test_what_is_illegal_is_a_failure(
    lifecycle: DeploymentLifecycle, given: dict[str, Any], argument: str, message: str
) -> None:
    """Of the argument that is to blame, where one is, in the planner's own words."""
    ((blamed, reason),) = check(lifecycle, given).failures
    assert blamed == argument
    assert message in reason


def test_a_platform_that_refuses_the_token_is_a_failure(tmp_path: Path) -> None:
    """Of no argument in particular, without the token."""
    with sandbox_server.serving(tmp_path, token="canary-wrong") as served:
        ((blamed, reason),) = check(DeploymentLifecycle(served.client), news("stars-1")).failures
    assert (blamed, "canary-wrong" in reason) == ("", False)
    assert reason.startswith("Houston refuses the token for the platform's offer")


@pytest.mark.parametrize(
    "given", [news("stars-1", image="{base}", accept=["base-image"]), news("tides-4", "4.2.5", image="{base}")]
)
def test_a_bare_image_is_taken_where_it_may_be(lifecycle: DeploymentLifecycle, given: dict[str, Any]) -> None:
    """Accepted by name, or where DAGs come another way."""
    assert check(lifecycle, given).failures == ()


def test_one_image_for_two_hops_is_refused(lifecycle: DeploymentLifecycle) -> None:
    """No image is built on two releases; for a single hop a fixed name will do."""
    ((argument, reason),) = check(lifecycle, news("stars-1", image="registry.example.com/team/airflow:latest")).failures
    assert argument == "image"
    assert "is the same for several hops" in reason
    assert check(lifecycle, news("dust-2", image="registry.example.com/team/airflow:latest")).failures == ()


def test_a_hop_that_is_pending_already_is_shown_as_such(served: Served, lifecycle: DeploymentLifecycle) -> None:
    """Whoever started it, it is taken up."""
    told = "Hop 1 is pending already: it is taken up, not started again."
    assert told not in check(lifecycle, news("stars-1")).lines
    served.client.start(served.client.find(release_name="stars-1"), ReleaseId.parse("AC 2.3.0"))
    assert told in check(lifecycle, news("stars-1")).lines


def test_a_deployment_without_a_webserver_needs_houstons_word(
    lifecycle: DeploymentLifecycle, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody could be asked whether a hop has arrived, which is better said before the first than after the last."""
    found = replace(lifecycle.houston.find(release_name="stars-1"), airflow_url=None)
    monkeypatch.setattr(lifecycle.houston, "find", lambda **_: found)
    ((argument, reason),) = check(lifecycle, news("stars-1")).failures
    assert (argument, "verify: houston" in reason) == ("verify", True)
    assert check(lifecycle, news("stars-1", verify="houston")).failures == ()


def test_two_resources_for_one_deployment_are_refused(lifecycle: DeploymentLifecycle) -> None:
    """The first keeps it, by whatever name the second calls it; each may be checked again."""
    assert check(lifecycle, news("stars-1"), name="a").failures == ()
    second = {"deployment_id": STARS, "runtime_version": "5.0.4"}
    ((_, reason),) = check(lifecycle, second, name="b").failures
    assert reason.startswith("stars-1 is declared twice, here and as 'a'")
    assert check(lifecycle, news("stars-1"), name="a").failures == ()


# Pending hops


def test_a_foreign_pending_hop_is_not_taken_away(served: Served, lifecycle: DeploymentLifecycle) -> None:
    """A new resource cannot have started it; accepted by name, its cancelling is step 1."""
    start(served, STARS, "AC 2.2.4")
    ((argument, reason),) = check(lifecycle, news("stars-1")).failures
    assert (argument, "PENDING" in reason) == ("runtime_version", True)
    checked = check(lifecycle, news("stars-1", accept=["cancel-pending"]))
    assert (checked.failures, checked.inputs["cancel"]) == ((), "AC 2.2.4")


def test_whose_a_pending_hop_is_only_the_old_outputs_tell(served: Served, lifecycle: DeploymentLifecycle) -> None:
    """Check lets an old resource pass and shows nothing yet; diff, which has its outputs, refuses what is foreign."""
    start(served, STARS, "AC 2.2.4")
    given = news("stars-1")
    checked = check(lifecycle, given, olds=given)
    assert (checked.failures, checked.inputs["cancel"], checked.needs_state, checked.lines) == (
        (),
        "AC 2.2.4",
        True,
        (),
    )
    ours = lifecycle.diff({"pending": "AC 2.2.4"}, checked.inputs)
    assert (ours.changes, ours.lines) == (True, tuple(checked.inputs["plan"]))
    for foreign in ({}, {"pending": None}, {"pending": "AC 2.3.0"}):
        with pytest.raises(RefusedError, match="PENDING"):
            lifecycle.diff(foreign, checked.inputs)
    accepted = check(lifecycle, given | {"accept": ["cancel-pending"]}, olds=given)
    assert accepted.lines == tuple(accepted.inputs["plan"])
    assert lifecycle.diff({}, accepted.inputs) == DeploymentDiff(changes=True)
    assert lifecycle.diff({}, {**checked.inputs, "cancel": None}) == DeploymentDiff(changes=True)


def test_a_foreign_pending_hop_at_the_target_is_no_change(served: Served, lifecycle: DeploymentLifecycle) -> None:
    """It is only warned of, and not shown as one that would be cancelled."""
    start(served, WIND, "Runtime 5.0.4")
    given = news("wind-3", "4.2.5")
    checked = check(lifecycle, given, olds=given)
    assert (checked.lines, checked.warnings, checked.needs_state) == ((), (), True)
    foreign = lifecycle.diff({}, checked.inputs)
    assert (foreign.changes, foreign.lines) == (False, ())
    assert foreign.warnings[0].startswith("warning pending: ")
    assert lifecycle.diff({"pending": "Astro Runtime 5.0.4"}, checked.inputs).changes


@pytest.mark.parametrize(
    ("verify", "left"),
    [
        ("airflow", "wind-3: confirm that Astro Runtime 4.2.5 is healthy; the last run ended before that"),
        ("houston", "wind-3: record that Astro Runtime 4.2.5 has arrived; the last run ended before that"),
    ],
)
def test_hop_that_arrived_after_an_interruption_is_confirmed(
    lifecycle: DeploymentLifecycle, verify: str, left: str
) -> None:
    """The plan is empty, so diff says what is left to do. The run keeps the plan of the interrupted one."""
    saved = {"pending": "Astro Runtime 4.2.5", "plan": ["1 hop"], "path": "AC 2.2.5 > Astro Runtime 4.2.5", "hops": 1}
    checked = check(lifecycle, news("wind-3", "4.2.5", verify=verify), olds={})
    assert lifecycle.diff(saved, checked.inputs) == DeploymentDiff(changes=True, lines=(left,))
    outputs, problem = apply(lifecycle, checked, saved=saved)
    assert (problem, outputs["pending"]) == (None, None)
    assert {name: outputs[name] for name in ("plan", "path", "hops")} == {
        name: saved[name] for name in ("plan", "path", "hops")
    }
    assert lifecycle.diff(outputs, checked.inputs) == DeploymentDiff(changes=False)


def test_lost_hop_leaves_nothing_to_confirm(lifecycle: DeploymentLifecycle) -> None:
    """Somebody cancelled it, and the Deployment runs what is declared."""
    checked = check(lifecycle, news("wind-3", "4.2.5"))
    assert lifecycle.diff({"pending": "Astro Runtime 5.0.4"}, checked.inputs) == DeploymentDiff(changes=False)


def start(served: Served, deployment_id: str, release: str) -> None:
    """Start a hop as somebody else."""
    served.client.start(served.client.observe(deployment_id)[0], ReleaseId.parse(release))


# Walking


def test_a_walk_to_the_end(served: Served, lifecycle: DeploymentLifecycle) -> None:
    """All outputs: the checked inputs, and what was observed."""
    checked = check(lifecycle, news("stars-1", image=IMAGE))
    outputs, problem = apply(lifecycle, checked)
    assert problem is None
    assert outputs == checked.inputs | {
        "current_version": "Astro Runtime 5.0.4",
        "airflow_version": "2.3.0",
        "pending": None,
        "airflow_url": served.url.removesuffix("v1") + "stars-1/airflow",
    }
    assert check(lifecycle, news("stars-1", image=IMAGE)).inputs["hops"] == 0


def test_a_walk_to_the_equivalent(served: Served, lifecycle: DeploymentLifecycle) -> None:
    """The target that is not a number."""
    assert apply(lifecycle, check(lifecycle, news("dust-2", "equivalent", image=IMAGE)))[1] is None
    assert served.found(DUST).runtime_version.startswith("5.0.")


def test_a_walk_that_is_stopped_and_resumed(served: Served, lifecycle: DeploymentLifecycle) -> None:
    """What is pending is saved; the next run goes on with it."""
    outputs, problem = apply(lifecycle, check(lifecycle, news("stars-1")), waits=1)
    assert problem is not None
    assert problem.startswith("interrupted; the hop to AC 2.3.0 stays started")
    assert (outputs["current_version"], outputs["pending"]) == ("AC 2.2.3", "AC 2.3.0")
    given = news("stars-1", image=IMAGE, wait=True, timeout="10m", strategy="fewest-hops")
    outputs, problem = apply(lifecycle, check(lifecycle, given, olds=given), saved=outputs)
    assert (problem, outputs["current_version"], outputs["pending"]) == (None, "Astro Runtime 5.0.4", None)
    assert [fields for fields in served.asked() if fields == ["updateDeploymentAirflow"]] == [
        ["updateDeploymentAirflow"]
    ]


def test_a_walk_that_begins_with_a_cancel(served: Served, lifecycle: DeploymentLifecycle) -> None:
    """As it was shown and accepted."""
    start(served, STARS, "AC 2.2.4")
    checked = check(lifecycle, news("stars-1", image=IMAGE, accept=["cancel-pending"]))
    assert apply(lifecycle, checked)[1] is None


def test_a_walk_that_does_not_wait(lifecycle: DeploymentLifecycle) -> None:
    """The hop is started and the run ends with what to deploy."""
    outputs, problem = apply(lifecycle, check(lifecycle, news("wind-3", wait=False)))
    assert outputs["pending"] == "Astro Runtime 5.0.4"
    assert problem is not None
    assert "not waiting for its image (wait is false)" in problem


# Refreshing


def test_a_refresh_observes(served: Served, lifecycle: DeploymentLifecycle) -> None:
    """Ours stays pending as long as it is; what is foreign is not ours."""
    outputs, _ = apply(lifecycle, check(lifecycle, news("wind-3", wait=False)))
    assert lifecycle.refresh(outputs) == outputs
    served.client.cancel(served.client.observe(WIND)[0], ReleaseId.parse("Runtime 5.0.4"))
    assert lifecycle.refresh(outputs) == outputs | {"pending": None}
    tides = lifecycle.refresh({"deployment_id": TIDES, "image": IMAGE})
    assert tides is not None
    assert (tides["release_name"], tides["pending"], tides["image"]) == ("tides-4", None, IMAGE)


def test_a_refresh_of_what_has_gone_finds_nothing(lifecycle: DeploymentLifecycle) -> None:
    """That is no error."""
    assert lifecycle.refresh({"deployment_id": "ckw1none"}) is None


def test_an_adapter_is_made_from_config_or_environment(tmp_path: Path) -> None:
    """Nothing is sent yet; what is wrong with the settings is told at once."""
    config = {"houstonUrl": "https://houston.example.com/v1", "catalog": "guide"}
    lifecycle = connect(config.get, {"ASTRO_HOUSTON_TOKEN": TOKEN})
    lifecycle.houston._transport.close()
    with pytest.raises(InvalidSettingsError, match="astro:token"):
        connect(config.get, {})
    with pytest.raises(InvalidInputError):
        connect((config | {"token": TOKEN, "catalog": str(tmp_path)}).get, {})
    empty = tmp_path / "ca.pem"
    empty.touch()
    with pytest.raises(InvalidSettingsError, match="holds no CA certificates"):
        connect((config | {"token": TOKEN, "caFile": str(empty)}).get, {})


def test_a_line_is_resolved_and_held(lifecycle: DeploymentLifecycle) -> None:
    """What it stood for at first counts while it is declared alike; a warning tells of the newer one."""
    first = check(lifecycle, news("stars-1", "4.x", image=IMAGE))
    assert (first.inputs["runtime_version"], first.inputs["target"]) == ("4.x", "4.2.5")
    assert "4.x stands for Astro Runtime 4.2.5." in first.lines
    held = check(lifecycle, news("stars-1", "4.x"), olds={**first.inputs, "target": "4.2.4"})
    assert (held.inputs["target"], held.inputs["path"].split(" > ")[-1]) == ("4.2.4", "Astro Runtime 4.2.4")
    assert (
        "  warning newer-target: 4.x is held at Astro Runtime 4.2.4, and Astro Runtime 4.2.5 is on offer: "
        in "\n".join(held.lines)
    )
    assert check(lifecycle, news("stars-1", "4.2.x"), olds=held.inputs).inputs["target"] == "4.2.5"
    assert check(lifecycle, news("stars-1", "4.2.4"), olds=first.inputs).inputs["target"] is None


def test_who_asks_gets_a_line_resolved_anew(served: Served) -> None:
    """By a setting for the run; what the program has resolved already counts before that."""
    olds = {"runtime_version": "4.x", "target": "4.2.4"}
    anew = DeploymentLifecycle(served.client, resolve_newest=True)
    assert check(anew, news("stars-1", "4.x"), olds=olds).inputs["target"] == "4.2.5"
    assert check(anew, news("stars-1", "4.x", held="4.0.11"), olds=olds).inputs["target"] == "4.0.11"


def test_a_held_release_that_is_not_on_offer_is_refused(lifecycle: DeploymentLifecycle) -> None:
    """With the way out."""
    olds = {"runtime_version": "5.x", "target": "5.0.9"}
    ((argument, reason),) = check(lifecycle, news("wind-3", "5.x"), olds=olds).failures
    assert argument == "runtime_version"
    assert "OFFERED: Astro Runtime 5.0.9 is not on offer" in reason
    assert "take Astro Runtime 5.0.4, for which 5.x stands now (ASTRO_RESOLVE=newest)" in reason


def test_a_run_goes_where_the_line_was_held(lifecycle: DeploymentLifecycle) -> None:
    """Whatever it would stand for now."""
    held = check(lifecycle, news("stars-1", "4.x", image=IMAGE), olds={"runtime_version": "4.x", "target": "4.2.4"})
    outputs, problem = apply(lifecycle, held)
    assert (problem, outputs["current_version"], outputs["target"]) == (None, "Astro Runtime 4.2.4", "4.2.4")
    again = check(lifecycle, news("stars-1", "4.x", image=IMAGE), olds=held.inputs)
    assert (again.inputs["hops"], again.inputs["target"]) == (0, "4.2.4")
    assert again.warnings[0].startswith("warning newer-target: 4.x is held at Astro Runtime 4.2.4, ")

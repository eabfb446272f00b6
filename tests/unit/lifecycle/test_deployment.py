"""Check, diff, apply, refresh and adopt one Deployment, against the sandbox."""

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
    from pathlib import Path

PREFIX = "urn:pulumi:dev::astro::pulumi-python:dynamic/astro:DeploymentRuntime::"
IMAGE = "registry.example.com/data-eng/airflow:{distribution}-{version}"


class Clock:
    """Time that passes only by waiting. The user stops the run after a number of waits."""

    def __init__(self, waits: int = 1000) -> None:
        self.seconds = 0.0
        self.waits = waits

    def now(self) -> float:
        """Return the time, in seconds."""
        return self.seconds

    def wait(self, seconds: float) -> bool:
        """Let time pass; return whether the user stopped the run."""
        self.seconds += seconds
        self.waits -= seconds > 0
        return self.waits < 0


class Recorder:
    """A reporter that keeps its texts."""

    def __init__(self) -> None:
        self.texts: list[str] = []

    def info(self, text: str) -> None:
        """Keep a text."""
        self.texts.append(text)

    warning = progress = info


def news(release: str, target: str = "5.0.4", **more: Any) -> dict[str, Any]:
    """Return inputs as the engine sends them."""
    return {"__provider": "pickled", "release_name": release, "runtime_version": target, "accept": [], **more}


def check(
    lifecycle: DeploymentLifecycle, given: dict[str, Any], *, name: str = "data-eng", olds: dict[str, Any] | None = None
) -> DeploymentCheck:
    """Check a resource's inputs."""
    return lifecycle.check(f"{PREFIX}{name}", olds or {}, given)


def apply(
    lifecycle: DeploymentLifecycle, checked: DeploymentCheck, *, saved: dict[str, Any] | None = None, waits: int = 1000
) -> tuple[dict[str, Any], str | None]:
    """Bring a Deployment along the path in checked inputs."""
    assert checked.failures == ()
    return lifecycle.apply(checked.inputs, saved=saved, clock=Clock(waits), reporter=Recorder())


def test_arguments_of_the_resource() -> None:
    """A new argument is added to the checks too."""
    assert set(ARGUMENTS) == {
        *("release_name", "deployment_id", "runtime_version", "image", "project"),
        *("strategy", "accept", "deny", "timeout", "wait", "verify"),
    }


def test_check_adds_the_plan_to_the_inputs(lifecycle: DeploymentLifecycle) -> None:
    """With the release name, the id, the path and its hops. Inputs that are not arguments are dropped."""
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
        "warnings": [
            {
                "name": "database-migration",
                "message": "hop 1 migrates the metadata database, which can take a long time",
            }
        ],
        "path": "AC 2.2.3 > AC 2.3.0 > Astro Runtime 5.0.4",
        "hops": 2,
        "cancel": None,
        "target": None,
    }
    assert list(checked.lines) == plan
    assert plan[0] == "data-eng (stars-1): AC 2.2.3 > AC 2.3.0 > Astro Runtime 5.0.4 (2 hops, Airflow 2.2.3 > 2.3.0)"
    assert plan[-1] == "Hop 2 delivers registry.example.com/data-eng/airflow:runtime-5.0.4"


@pytest.mark.parametrize("name", ["a::b", "::", 'it\'s "quoted"', "team/data eng", "Ünïcode-数据"])
def test_plan_and_refusal_name_the_resource(lifecycle: DeploymentLifecycle, name: str) -> None:
    """By its name in the program, whatever characters it has."""
    urn = f"urn:pulumi:dev::astro::pulumi-python:dynamic/astro:DeploymentRuntime::{name}"
    assert lifecycle.check(urn, {}, news("stars-1")).lines[0].startswith(f"{name} (stars-1): AC 2.2.3 > AC 2.3.0 > ")
    ((_, reason),) = lifecycle.check(f"{urn}2", {}, news("stars-1")).failures
    assert f"here and as {name!r}" in reason


def test_check_by_id_without_a_urn(lifecycle: DeploymentLifecycle) -> None:
    """Pulumi's own host does not tell the URN, and checks the same inputs twice."""
    given = {"deployment_id": WIND, "runtime_version": "5.0.4"}
    checked = lifecycle.check("", {}, given)
    assert (checked.failures, checked.inputs["release_name"]) == ((), "wind-3")
    assert lifecycle.check("", {}, given).failures == ()


def test_deployment_at_its_target_has_no_plan_to_show(lifecycle: DeploymentLifecycle) -> None:
    """No lines and no hops."""
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
        (news("stars-1", deny=["all"]), "", "'all' cannot be denied; use one of: airflow-version, "),
        (news("stars-1", accept=["deprecated"], deny=["deprecated"]), "", "both accepted and denied"),
        (news("stars-1", deny=["database-migration"]), "runtime_version", "DENIED: database-migration: hop 1 "),
        (news("stars-1", deployment_id=STARS), "", "exactly one of releaseName and deploymentId"),
        (news("stars-1", image="a:{tag}"), "image", "unknown placeholder {tag} in image"),
        (news("stars-1", image="a b:{version}"), "image", "which is not an image reference"),
        (news("stars-1", image="{base}"), "image", "ap-airflow:2.3.0-onbuild is the vendor's bare base image"),
    ],
)
def test_refusal_is_a_failure_of_its_argument(
    lifecycle: DeploymentLifecycle, given: dict[str, Any], argument: str, message: str
) -> None:
    """With the planner's message. A mistake in several arguments names none."""
    ((blamed, reason),) = check(lifecycle, given).failures
    assert blamed == argument
    assert message in reason


def test_refused_token_is_a_failure_of_no_argument(tmp_path: Path) -> None:
    """Its message does not contain the token."""
    with sandbox_server.serving(tmp_path, token="canary-wrong") as served:
        ((blamed, reason),) = check(DeploymentLifecycle(served.client), news("stars-1")).failures
    assert (blamed, "canary-wrong" in reason) == ("", False)
    assert reason.startswith("Houston refuses the token for the platform's offer")


@pytest.mark.parametrize(
    "given", [news("stars-1", image="{base}", accept=["base-image"]), news("tides-4", "4.2.5", image="{base}")]
)
def test_bare_base_image_is_allowed_if_accepted_or_without_dags_in_images(
    lifecycle: DeploymentLifecycle, given: dict[str, Any]
) -> None:
    """The second Deployment gets its DAGs from a volume."""
    assert check(lifecycle, given).failures == ()


def test_one_image_for_two_hops_is_refused(lifecycle: DeploymentLifecycle) -> None:
    """No image is built on two releases. For a single hop, a fixed name is allowed."""
    ((argument, reason),) = check(lifecycle, news("stars-1", image="registry.example.com/team/airflow:latest")).failures
    assert argument == "image"
    assert "is the same for several hops" in reason
    assert check(lifecycle, news("dust-2", image="registry.example.com/team/airflow:latest")).failures == ()


def test_plan_says_that_its_first_hop_is_pending(served: Served, lifecycle: DeploymentLifecycle) -> None:
    """The run adopts the hop, also a foreign one."""
    told = "Hop 1 is already pending. This run adopts it and does not start it again."
    assert told not in check(lifecycle, news("stars-1")).lines
    served.client.start(served.client.find(release_name="stars-1"), ReleaseId.parse("AC 2.3.0"))
    assert told in check(lifecycle, news("stars-1")).lines


def test_deployment_without_an_airflow_address_needs_verify_houston(
    lifecycle: DeploymentLifecycle, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The check says so before the first hop starts."""
    found = replace(lifecycle.houston.find(release_name="stars-1"), airflow_url=None)
    monkeypatch.setattr(lifecycle.houston, "find", lambda **_: found)
    ((argument, reason),) = check(lifecycle, news("stars-1")).failures
    assert (argument, "verify: houston" in reason) == ("verify", True)
    assert check(lifecycle, news("stars-1", verify="houston")).failures == ()


def test_plan_that_was_carried_out_is_no_change(lifecycle: DeploymentLifecycle) -> None:
    """A refresh compares with the plan of the last run. A Deployment that fell back has to go again."""
    last = check(lifecycle, news("wind-3", "4.2.5")).inputs
    path = {"path": "Astro Runtime 4.0.11 > Astro Runtime 4.2.5", "hops": 1}
    saved = {"current_version": "Astro Runtime 4.2.5"}
    assert lifecycle.diff(saved, last | path) == DeploymentDiff(changes=False)
    assert lifecycle.diff(saved, last | path | {"cancel": "Astro Runtime 5.0.4"}) == DeploymentDiff(changes=False)
    again = check(lifecycle, news("wind-3", "5.0.4")).inputs
    assert lifecycle.diff({"current_version": "Astro Runtime 5.0.4"}, again).changes


# Pending hops


def test_foreign_pending_hop_off_the_path_is_refused_unless_accepted(
    served: Served, lifecycle: DeploymentLifecycle
) -> None:
    """A new resource cannot have started the hop. If the user accepts, cancelling it comes before the first hop."""
    start(served, STARS, "AC 2.2.4")
    ((argument, reason),) = check(lifecycle, news("stars-1")).failures
    assert (argument, "PENDING" in reason) == ("runtime_version", True)
    checked = check(lifecycle, news("stars-1", accept=["cancel-pending"]))
    assert (checked.failures, checked.inputs["cancel"]) == ((), "AC 2.2.4")


def test_only_the_old_outputs_tell_who_started_a_pending_hop(served: Served, lifecycle: DeploymentLifecycle) -> None:
    """Check lets an existing resource pass and shows no plan. Diff has the outputs, and refuses a foreign hop."""
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


def test_foreign_pending_hop_at_the_target_is_a_warning(served: Served, lifecycle: DeploymentLifecycle) -> None:
    """The run does not cancel the hop, and there is nothing else to do."""
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
    """Another user cancelled it, and the Deployment runs what is declared."""
    checked = check(lifecycle, news("wind-3", "4.2.5"))
    assert lifecycle.diff({"pending": "Astro Runtime 5.0.4"}, checked.inputs) == DeploymentDiff(changes=False)


def start(served: Served, deployment_id: str, release: str) -> None:
    """Start a hop as another user."""
    served.client.start(served.client.observe(deployment_id)[0], ReleaseId.parse(release))


# Apply


def test_apply_reaches_the_target(served: Served, lifecycle: DeploymentLifecycle) -> None:
    """The outputs are the checked inputs and the last observation."""
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


def test_apply_reaches_the_equivalent_runtime(served: Served, lifecycle: DeploymentLifecycle) -> None:
    """The target `equivalent` names no version."""
    assert apply(lifecycle, check(lifecycle, news("dust-2", "equivalent", image=IMAGE)))[1] is None
    assert served.found(DUST).runtime_version.startswith("5.0.")


def test_stopped_run_saves_its_pending_hop_and_the_next_run_resumes(
    served: Served, lifecycle: DeploymentLifecycle
) -> None:
    """The pending hop is not started again."""
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


def test_apply_cancels_an_accepted_foreign_hop_first(served: Served, lifecycle: DeploymentLifecycle) -> None:
    """Then the run reaches its target."""
    start(served, STARS, "AC 2.2.4")
    checked = check(lifecycle, news("stars-1", image=IMAGE, accept=["cancel-pending"]))
    assert apply(lifecycle, checked)[1] is None


def test_apply_without_wait_ends_after_starting_a_hop(lifecycle: DeploymentLifecycle) -> None:
    """The message names the image to deploy."""
    outputs, problem = apply(lifecycle, check(lifecycle, news("wind-3", wait=False)))
    assert outputs["pending"] == "Astro Runtime 5.0.4"
    assert problem is not None
    assert "does not wait for its image (wait: false)" in problem


# Refresh


def test_refresh_returns_the_outputs_of_now(served: Served, lifecycle: DeploymentLifecycle) -> None:
    """`pending` names a hop that we started, and no foreign one."""
    outputs, _ = apply(lifecycle, check(lifecycle, news("wind-3", wait=False)))
    assert lifecycle.refresh(outputs) == outputs
    served.client.cancel(served.client.observe(WIND)[0], ReleaseId.parse("Runtime 5.0.4"))
    assert lifecycle.refresh(outputs) == outputs | {"pending": None}
    tides = lifecycle.refresh({"deployment_id": TIDES, "image": IMAGE})
    assert tides is not None
    assert (tides["release_name"], tides["pending"], tides["image"]) == ("tides-4", None, IMAGE)


def test_refresh_of_a_deleted_deployment_returns_none(lifecycle: DeploymentLifecycle) -> None:
    """The engine then removes the resource from the state."""
    assert lifecycle.refresh({"deployment_id": "ckw1none"}) is None


def test_connect_reads_config_and_environment(tmp_path: Path) -> None:
    """Mistakes in the settings raise at once, before any request."""
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


def test_target_such_as_4_x_keeps_the_version_of_the_first_run(lifecycle: DeploymentLifecycle) -> None:
    """Until the declared target changes. A warning names the newer version."""
    first = check(lifecycle, news("stars-1", "4.x", image=IMAGE))
    assert (first.inputs["runtime_version"], first.inputs["target"]) == ("4.x", "4.2.5")
    assert "4.x resolves to Astro Runtime 4.2.5." in first.lines
    held = check(lifecycle, news("stars-1", "4.x"), olds={**first.inputs, "target": "4.2.4"})
    assert (held.inputs["target"], held.inputs["path"].split(" > ")[-1]) == ("4.2.4", "Astro Runtime 4.2.4")
    assert (
        "  warning newer-target: 4.x stays at Astro Runtime 4.2.4, and Astro Runtime 4.2.5 is on offer; set "
        in "\n".join(held.lines)
    )
    assert check(lifecycle, news("stars-1", "4.2.x"), olds=held.inputs).inputs["target"] == "4.2.5"
    assert check(lifecycle, news("stars-1", "4.2.4"), olds=first.inputs).inputs["target"] is None


def test_setting_resolves_a_target_such_as_4_x_again(served: Served) -> None:
    """A version that the program has resolved takes precedence."""
    olds = {"runtime_version": "4.x", "target": "4.2.4"}
    anew = DeploymentLifecycle(served.client, resolve_newest=True)
    assert check(anew, news("stars-1", "4.x"), olds=olds).inputs["target"] == "4.2.5"
    assert check(anew, news("stars-1", "4.x", held="4.0.11"), olds=olds).inputs["target"] == "4.0.11"


def test_held_version_that_is_not_on_offer_is_refused(lifecycle: DeploymentLifecycle) -> None:
    """The refusal says how to take the newest version."""
    olds = {"runtime_version": "5.x", "target": "5.0.9"}
    ((argument, reason),) = check(lifecycle, news("wind-3", "5.x"), olds=olds).failures
    assert argument == "runtime_version"
    assert "OFFERED: Astro Runtime 5.0.9 is neither on offer nor in the catalog" in reason
    assert "resolve 5.x again, to Astro Runtime 5.0.4 (ASTRO_RESOLVE=newest)" in reason


def test_apply_goes_to_the_held_version(lifecycle: DeploymentLifecycle) -> None:
    """Not to the newest version of the target."""
    held = check(lifecycle, news("stars-1", "4.x", image=IMAGE), olds={"runtime_version": "4.x", "target": "4.2.4"})
    outputs, problem = apply(lifecycle, held)
    assert (problem, outputs["current_version"], outputs["target"]) == (None, "Astro Runtime 4.2.4", "4.2.4")
    again = check(lifecycle, news("stars-1", "4.x", image=IMAGE), olds=held.inputs)
    assert (again.inputs["hops"], again.inputs["target"]) == (0, "4.2.4")
    assert again.warnings[0].startswith("warning newer-target: 4.x stays at Astro Runtime 4.2.4, ")


# Platform versions


def check_on(folder: Path, version: str, **more: Any) -> DeploymentCheck:
    """Check a resource's inputs on a platform of that version."""
    given = {"release_name": "many-0", "runtime_version": "5.0.4", "accept": [], **more}
    with sandbox_server.serving(folder, rows=sandbox_server.many(1, 1), version=version) as served:
        return DeploymentLifecycle(served.client).check("", {}, given)


@pytest.mark.parametrize(
    ("version", "message"),
    [
        ("0.29.1", "cannot deploy an image by its name; platforms from 0.29.2 on can. Leave image out"),
        ("2.1.0", "overwrites the environment variables that many-0 has in Houston: leave image out"),
    ],
)
def test_image_is_refused_on_a_platform_that_cannot_deploy_it_safely(
    tmp_path: Path, version: str, message: str
) -> None:
    """The refusal says what to do instead. Without a hop, nothing is deployed and nothing refused."""
    ((argument, reason),) = check_on(tmp_path, version, image=IMAGE).failures
    assert (argument, message in reason) == ("image", True)
    assert check_on(tmp_path, version).failures == ()
    assert check_on(tmp_path, version, image=IMAGE, runtime_version="4.2.5").failures == ()


def test_overwriting_the_environment_can_be_accepted(tmp_path: Path) -> None:
    """With `accept: [overwrite-environment]`."""
    assert check_on(tmp_path, "2.1.0", image=IMAGE, accept=["overwrite-environment"]).failures == ()


@pytest.mark.parametrize("version", ["0.29.2", "0.36.0", "1.1.0", "2.0.0"])
def test_image_is_allowed_on_all_other_platforms(tmp_path: Path, version: str) -> None:
    """From 0.29.2 on, without overwriting anything."""
    found = check_on(tmp_path, version, image=IMAGE)
    assert (found.failures, found.inputs["hops"]) == ((), 1)

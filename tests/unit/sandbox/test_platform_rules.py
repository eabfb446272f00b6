"""The platform's rules for one Deployment: the table of states, silence, cancelling, refusals, generations."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from sandbox.deployment import Deployment, Health, Outcome
from sandbox.errors import RefusedError
from sandbox.image_labels import Labels
from tests.unit.sandbox.sample_platforms import Clock, certified, platform, runtime

if TYPE_CHECKING:
    from collections.abc import Callable

    from sandbox.platform_rules import Platform

    Step = Callable[[Platform, Deployment], Deployment]


def airflow_to(version: str) -> Step:
    """Start a change of Certified."""
    return lambda world, deployment: world.start_airflow(deployment, version)


def runtime_to(version: str) -> Step:
    """Start a migration or a Runtime upgrade."""
    return lambda world, deployment: world.start_runtime(deployment, version)


def cancel(world: Platform, deployment: Deployment) -> Deployment:
    """Cancel what is pending."""
    return world.cancel(deployment)


def image(*, ac: str = "", rt: str = "") -> Step:
    """Deploy an image with these labels."""
    return lambda world, deployment: world.deploy(deployment, "registry/some:image", Labels(airflow=ac, runtime=rt))


def versions(deployment: Deployment) -> tuple[str, str, str, str]:
    """Give the four fields of the table: airflow, desired airflow, runtime, desired runtime."""
    return (
        deployment.airflow_version,
        deployment.desired_airflow_version,
        deployment.runtime_version,
        deployment.desired_runtime_version,
    )


START = certified("2.2.4")
TABLE: list[tuple[str, Deployment, list[Step], tuple[str, str, str, str]]] = [
    ("on Certified, idle", START, [], ("2.2.4", "2.2.4", "", "")),
    ("Certified upgrade started", START, [airflow_to("2.3.0")], ("2.2.4", "2.3.0", "", "")),
    ("Certified upgraded", START, [airflow_to("2.3.0"), image(ac="2.3.0")], ("2.3.0", "2.3.0", "", "")),
    ("migration started", START, [runtime_to("4.1.0")], ("2.2.4", "2.2.4", "", "4.1.0")),
    ("migrated", START, [runtime_to("4.1.0"), image(rt="4.1.0")], ("2.2.4", "2.2.4", "4.1.0", "4.1.0")),
    (
        "Runtime upgrade started",
        START,
        [runtime_to("4.1.0"), image(rt="4.1.0"), runtime_to("4.2.5")],
        ("2.2.4", "2.2.4", "4.1.0", "4.2.5"),
    ),
    (
        "Runtime upgraded",
        START,
        [runtime_to("4.1.0"), image(rt="4.1.0"), runtime_to("4.2.5"), image(rt="4.2.5")],
        ("2.2.4", "2.2.4", "4.2.5", "4.2.5"),
    ),
    (
        "Certified upgrade cancelled by its current version",
        START,
        [airflow_to("2.3.0"), airflow_to("2.2.4")],
        ("2.2.4", "2.2.4", "", ""),
    ),
    ("Certified upgrade cancelled", START, [airflow_to("2.3.0"), cancel], ("2.2.4", "2.2.4", "", "")),
    ("migration cancelled", START, [runtime_to("4.1.0"), cancel], ("2.2.4", "2.2.4", "", "")),
    (
        "Runtime upgrade cancelled",
        runtime("4.2.5", "2.2.5"),
        [runtime_to("5.0.4"), cancel],
        ("", "", "4.2.5", "4.2.5"),
    ),
    (
        "Runtime upgrade cancelled by its current version",
        runtime("4.2.5", "2.2.5"),
        [runtime_to("5.0.4"), runtime_to("4.2.5")],
        ("", "", "4.2.5", "4.2.5"),
    ),
    ("idle, cancelled", START, [cancel], ("2.2.4", "2.2.4", "", "")),
    (
        "a newer request replaces a Certified upgrade by a migration",
        START,
        [airflow_to("2.3.0"), runtime_to("4.1.0")],
        ("2.2.4", "2.2.4", "", "4.1.0"),
    ),
    (
        "a newer request replaces a migration by a Certified upgrade",
        START,
        [runtime_to("4.1.0"), airflow_to("2.2.5")],
        ("2.2.4", "2.2.5", "", ""),
    ),
    (
        "a newer request replaces a Runtime upgrade",
        runtime("4.1.0", "2.2.4"),
        [runtime_to("4.2.5"), runtime_to("5.0.4")],
        ("", "", "4.1.0", "5.0.4"),
    ),
]


@pytest.mark.parametrize(
    ("steps", "start", "expected"), [(row[2], row[1], row[3]) for row in TABLE], ids=[r[0] for r in TABLE]
)
def test_each_state_of_the_table_is_reached_by_its_steps(
    steps: list[Step], start: Deployment, expected: tuple[str, str, str, str]
) -> None:
    """Starting sets the desired version, a matching image the current one, cancelling makes desired equal current."""
    world, deployment = platform(), start
    for step in steps:
        deployment = step(world, deployment)
    assert versions(deployment) == expected


SILENT: list[tuple[str, Deployment, Labels, str]] = [
    ("another Certified while idle", certified("2.2.4"), Labels(airflow="2.3.0"), "2.2.4 is desired"),
    (
        "the old Certified during an upgrade",
        certified("2.2.4", desired="2.3.0"),
        Labels(airflow="2.2.4"),
        "2.3.0 is desired",
    ),
    (
        "a Certified during a migration",
        certified("2.2.4", runtime="4.1.0"),
        Labels(airflow="2.2.4"),
        "4.1.0 is desired",
    ),
    ("a Runtime for an idle Certified", certified("2.2.4"), Labels(runtime="4.1.0"), "no Runtime version is desired"),
    (
        "another Runtime during a migration",
        certified("2.2.4", runtime="4.1.0"),
        Labels(runtime="5.0.4"),
        "4.1.0 is desired",
    ),
    ("another Runtime while idle", runtime("4.2.5", "2.2.5"), Labels(runtime="5.0.4"), "4.2.5 is desired"),
    (
        "the old Runtime in an upgrade",
        runtime("4.2.5", "2.2.5", desired="5.0.4"),
        Labels(runtime="4.2.5"),
        "5.0.4 is desired",
    ),
    (
        "a Certified for a Runtime",
        runtime("4.2.5", "2.2.5", certified_before="2.2.5"),
        Labels(airflow="2.2.5"),
        "a Certified",
    ),
]


@pytest.mark.parametrize(
    ("deployment", "labels", "reason"), [row[1:] for row in SILENT], ids=[row[0] for row in SILENT]
)
def test_an_image_with_another_label_changes_nothing_silently(
    deployment: Deployment, labels: Labels, reason: str
) -> None:
    """Versions, rollout and times stay, no error is raised; only the record of the push tells."""
    after = platform().deploy(deployment, "registry/some:image", labels)
    assert versions(after) == versions(deployment)
    assert (after.rollout, after.updated_at, after.deploys) == (
        deployment.rollout,
        deployment.updated_at,
        deployment.deploys,
    )
    assert after.last_push is not None
    assert after.last_push.outcome is Outcome.IGNORED
    assert reason in after.last_push.reason


@pytest.mark.parametrize(
    ("deployment", "labels"),
    [(certified("2.2.4"), Labels(airflow="2.2.4")), (runtime("4.2.5", "2.2.5"), Labels(runtime="4.2.5"))],
)
def test_an_image_of_the_running_version_is_deployed_again(deployment: Deployment, labels: Labels) -> None:
    """New code without a new version restarts the pods and keeps the version."""
    after = platform().deploy(deployment, "registry/some:image", labels)
    assert versions(after) == versions(deployment)
    assert after.deploys == 1
    assert after.last_push is not None
    assert after.last_push.outcome is Outcome.APPLIED


REFUSED: list[tuple[str, Deployment, Step, str]] = [
    ("a Certified for a Runtime", runtime("4.2.5", "2.2.5"), airflow_to("2.3.0"), "runs Astro Runtime 4.2.5"),
    ("a Certified that is not on offer", START, airflow_to("2.4.0"), "2.4.0 is not available"),
    ("a Certified build", START, airflow_to("2.3.0-1"), "2.3.0-1 is not available"),
    ("a lower Certified", START, airflow_to("2.2.3"), "2.2.3 is lower than 2.2.4"),
    ("a Runtime that is not on offer", START, runtime_to("4.9.9"), "4.9.9 is not available"),
    ("no Runtime at all", START, runtime_to(""), "is not available"),
    ("migrate and upgrade at once", START, runtime_to("5.0.4"), "can't simultaneously migrate and upgrade"),
    ("a lower Runtime", runtime("4.2.5", "2.2.5"), runtime_to("4.2.4"), "4.2.4 is lower than 4.2.5"),
    ("a Runtime lower by its Airflow", runtime("3.0-1", "3.0.0"), runtime_to("12.12.0"), "12.12.0 is lower than 3.0-1"),
]


@pytest.mark.parametrize(
    ("deployment", "step", "message"), [row[1:] for row in REFUSED], ids=[row[0] for row in REFUSED]
)
def test_a_change_that_is_not_allowed_is_refused(deployment: Deployment, step: Step, message: str) -> None:
    """The refusal names the versions."""
    with pytest.raises(RefusedError, match=message):
        step(platform(), deployment)


def test_a_higher_runtime_is_one_with_a_higher_airflow() -> None:
    """3.0-1 (Airflow 3) is an upgrade from 12.12.0 (Airflow 2), whatever its number."""
    after = platform().start_runtime(runtime("12.12.0", "2.11.0"), "3.0-1")
    assert after.pending == "3.0-1"


@pytest.mark.parametrize(
    ("deployment", "step", "pending"),
    [
        (certified("2.2.4"), airflow_to("2.2.3"), "2.2.3"),
        (runtime("4.2.5", "2.2.5"), runtime_to("4.2.4"), "4.2.4"),
    ],
)
def test_downgrades_can_be_allowed(deployment: Deployment, step: Step, pending: str) -> None:
    """The real server's refusal is unknown, so a test can switch ours off."""
    assert step(platform(allow_downgrades=True), deployment).pending == pending


def test_airflow_restarts_then_starts_then_is_healthy() -> None:
    """The version changes when the image is accepted; Airflow is back after the rollout, its scheduler last."""
    clock = Clock()
    world = platform(clock=clock)
    deployment = world.deploy(world.start_runtime(START, "4.1.0"), "image", Labels(runtime="4.1.0"))
    assert deployment.version == "4.1.0"
    seen = [deployment.health(clock.now + later) for later in (0, 49, 50, 99, 100)]
    assert seen == [Health.RESTARTING, Health.RESTARTING, Health.STARTING, Health.STARTING, Health.HEALTHY]


@pytest.mark.parametrize(
    "step", [airflow_to("2.3.0"), airflow_to("2.2.4"), runtime_to("4.1.0"), cancel, image(ac="2.2.4")]
)
def test_every_accepted_change_sets_updated_at(step: Step) -> None:
    """The time is the injected clock's; starting and cancelling restart nothing."""
    clock = Clock(now=1234.0)
    assert step(platform(clock=clock), START).updated_at == 1234.0


@pytest.mark.parametrize("step", [airflow_to("2.3.0"), runtime_to("4.1.0"), cancel])
def test_starting_and_cancelling_interrupt_nothing(step: Step) -> None:
    """Airflow stays healthy."""
    assert step(platform(), START).health(Clock().now) is Health.HEALTHY


def test_a_runtime_that_left_the_catalog_can_still_be_completed() -> None:
    """A restart with another catalog does not lose the hop; the Airflow stays what it was."""
    after = platform().deploy(runtime("4.2.4", "2.2.5", desired="4.9.9"), "image", Labels(runtime="4.9.9"))
    assert (after.version, after.airflow) == ("4.9.9", "2.2.5")

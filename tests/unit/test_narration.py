"""What a user reads about a run: every text, as it is."""

# ruff: noqa: E501 - a text is easier to compare in its own lines

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from astro_deployment_runtime import narration
from astro_deployment_runtime.base_images import BaseImages
from astro_deployment_runtime.catalog import Release
from astro_deployment_runtime.errors import PlatformUnreachableError
from astro_deployment_runtime.model import Acceptance, Deployment, Health, Hop, Refusal, RuleId, Strategy, Violation
from astro_deployment_runtime.reconcile import (
    HandedOver,
    MutationRefused,
    NotTaken,
    PathChanged,
    TimedOut,
    Wait,
    Waiting,
    Withdrawn,
)
from astro_deployment_runtime.situation import Declaration, Mutation, MutationKind, Outcome, Run
from astro_deployment_runtime.versions import AirflowVersion, ReleaseId, RuntimeVersion

if TYPE_CHECKING:
    from astro_deployment_runtime.reconcile import Reason

RESUME = "run 'pulumi up' again to go on from here"
OLD = Release(id=ReleaseId.parse("AC 2.2.3"), airflow=AirflowVersion(2, 2, 3))
NEW = Release(id=ReleaseId.parse("AC 2.3.0"), airflow=AirflowVersion(2, 3, 0))
RUNTIME = Release(id=ReleaseId.parse("Runtime 5.0.4"), airflow=AirflowVersion(2, 3, 0))
OTHER = ReleaseId.parse("AC 2.2.4")
UPGRADE = Hop(rule=RuleId.AC_UPGRADE, source=OLD, target=NEW)
MIGRATION = Hop(rule=RuleId.MIGRATE_EQUAL, source=NEW, target=RUNTIME)
DECLARATION = Declaration(
    target=RuntimeVersion.parse("5.0.4"),
    strategy=Strategy.CERTIFIED_FIRST,
    accepted=Acceptance(),
    path=(OLD.id, NEW.id, RUNTIME.id),
)
DEPLOYMENT = Deployment(id="ckw1", release_name="stars-1", label="Stars", workspace_id="ckw0", current=OLD)
HALFWAY = Deployment(id="ckw1", release_name="stars-1", label="Stars", workspace_id="ckw0", current=NEW)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "00:00"), (192.9, "03:12"), (3599, "59:59"), (3600, "1:00:00"), (604800, "168:00:00")],
)
def test_a_duration_is_read_as_a_clock(seconds: float, text: str) -> None:
    """Hours only where there are some."""
    assert narration.duration(seconds) == text


def test_what_is_done_is_said() -> None:
    """The hop's number on the path that was shown, the action, the release."""
    assert narration.starting(UPGRADE, DECLARATION) == "hop 1/2 - upgrade to AC 2.3.0 - starting"
    assert (
        narration.delivering(MIGRATION, "deploying the image registry.example.com/a:5.0.4", DECLARATION)
        == "hop 2/2 - migrate to Astro Runtime 5.0.4: deploying the image registry.example.com/a:5.0.4"
    )
    assert narration.cancelling(OTHER) == "cancelling the pending hop to AC 2.2.4"
    assert narration.elapsed(192, 3600) == " - 03:12 of 1:00:00"


def test_images_of_mirrors_are_asked_for() -> None:
    """Wherever somebody is to deploy one, and where one did not arrive."""
    declaration = replace(DECLARATION, base_images=BaseImages(certified="localhost:5000/ap"))
    wait = Wait(Waiting.IMAGE, UPGRADE)
    for text in (
        narration.asking_for_image(UPGRADE, DEPLOYMENT, declaration),
        narration.stopped(TimedOut(wait, 60.0), DEPLOYMENT, declaration),
        narration.stopped(TimedOut(Wait(Waiting.ROLLOUT, UPGRADE), 60.0), DEPLOYMENT, declaration),
        narration.stopped(HandedOver(wait), DEPLOYMENT, declaration),
    ):
        assert "FROM localhost:5000/ap:2.3.0-onbuild" in text


def test_who_has_to_deploy_is_asked() -> None:
    """Which image, to which Deployment, and that nothing is lost meanwhile."""
    assert narration.asking_for_image(UPGRADE, DEPLOYMENT, DECLARATION) == (
        "hop 1/2 - upgrade to AC 2.3.0: deploy to stars-1 an image of your project built\n"
        "  FROM quay.io/astronomer/ap-airflow:2.3.0-onbuild\n"
        "This waits for it; Ctrl-C interrupts nothing on the platform, and the next 'pulumi up' goes on from here."
    )


HEALTHY = Health(healthy=True, detail="its Airflow is healthy at 2.3.0", airflow=AirflowVersion(2, 3, 0))


@pytest.mark.parametrize(
    ("wait", "run", "text"),
    [
        (Wait(Waiting.SETTLING, UPGRADE), Run(), "hop 1/2 - upgrade to AC 2.3.0 - waiting for Houston to settle"),
        (Wait(Waiting.SETTLING, None), Run(), "waiting for Houston to settle"),
        (Wait(Waiting.IMAGE, MIGRATION), Run(), "hop 2/2 - migrate to Astro Runtime 5.0.4 - waiting for image"),
        (
            Wait(Waiting.ROLLOUT, UPGRADE),
            Run(),
            "hop 1/2 - upgrade to AC 2.3.0 - waiting for Houston to take the image",
        ),
        (Wait(Waiting.HEALTH, None), Run(), "hop 1/2 - AC 2.3.0 - confirming: asking its Airflow"),
        (
            Wait(Waiting.HEALTH, None),
            Run(health=HEALTHY),
            "hop 1/2 - AC 2.3.0 - confirming: its Airflow is healthy at 2.3.0",
        ),
    ],
)
def test_what_is_waited_for_fits_the_status_column(wait: Wait, run: Run, text: str) -> None:
    """One line for each kind of waiting."""
    assert narration.waiting(wait, HALFWAY, run, DECLARATION) == text


def test_an_arrival_is_told() -> None:
    """A hop's by its number; what ran before the first hop is the start."""
    assert narration.arrived(HALFWAY, HEALTHY, DECLARATION) == "hop 1/2: runs AC 2.3.0, its Airflow is healthy at 2.3.0"
    assert narration.arrived(DEPLOYMENT, HEALTHY, DECLARATION).startswith("start: runs AC 2.2.3, ")


def test_trouble_on_the_way_is_told() -> None:
    """What happened, and what comes next."""
    assert narration.unanswered("no answer") == "no answer; looking at what Houston shows before anything else"
    assert narration.unreachable(PlatformUnreachableError("no connection")) == "no connection; still waiting"


def test_an_interruption_and_an_error_say_what_stays() -> None:
    """Nothing is lost, whether a hop is started or not."""
    started = replace(DEPLOYMENT, pending=NEW.id)
    assert narration.interrupted(None, DEPLOYMENT) == f"interrupted: {RESUME}"
    assert narration.interrupted(NEW.id, started) == f"interrupted; the hop to AC 2.3.0 stays started: {RESUME}"
    error = PlatformUnreachableError("no connection")
    assert narration.failed(error, None, DEPLOYMENT) == f"no connection\nNothing is lost: {RESUME}."
    assert (
        narration.failed(error, NEW.id, started)
        == f"no connection\nThe hop to AC 2.3.0 stays started.\nNothing is lost: {RESUME}."
    )


def test_a_start_that_was_not_seen_is_not_claimed() -> None:
    """Its answer was lost, so it may have been started; one that has arrived is started no more."""
    assert (
        narration.interrupted(NEW.id, DEPLOYMENT) == f"interrupted; the hop to AC 2.3.0 may have been started: {RESUME}"
    )
    assert narration.interrupted(NEW.id, HALFWAY) == f"interrupted: {RESUME}"


def sent(kind: MutationKind, outcome: Outcome, message: str = "") -> Mutation:
    """Make a mutation that was sent."""
    return Mutation(kind=kind, release=NEW.id, outcome=outcome, message=message)


STOPS: dict[str, tuple[Reason, str]] = {
    "the path changed": (
        PathChanged((OLD.id, NEW.id, RUNTIME.id), (OLD.id, OTHER, RUNTIME.id), None),
        (
            "the path changed: was AC 2.2.3 > AC 2.3.0 > Astro Runtime 5.0.4, is now AC 2.2.3 > AC 2.2.4 > Astro Runtime "
            "5.0.4; nothing more was changed; run 'pulumi preview' to see the new one"
        ),
    ),
    "there is something to cancel": (
        PathChanged((OLD.id, NEW.id), (OLD.id, NEW.id), OTHER),
        (
            "the path changed: was AC 2.2.3 > AC 2.3.0, is now first cancel the pending hop to AC 2.2.4, then AC 2.2.3 > "
            "AC 2.3.0; nothing more was changed; run 'pulumi preview' to see the new one"
        ),
    ),
    "Houston refused": (
        MutationRefused(sent(MutationKind.START, Outcome.REFUSED, "Houston refuses start AC 2.3.0 on stars-1: no")),
        f"Houston refuses start AC 2.3.0 on stars-1: no\nNothing was changed by it. Put that right, then {RESUME}.",
    ),
    "no effect": (
        NotTaken(sent(MutationKind.START, Outcome.ANSWERED)),
        (
            "Houston was asked to start AC 2.3.0 and shows no effect of it: look at the Deployment stars-1 in the Software "
            f"UI, then {RESUME}"
        ),
    ),
    "no effect and no answer": (
        NotTaken(sent(MutationKind.CANCEL, Outcome.DOUBTFUL, "the answer was lost")),
        (
            "Houston was asked to cancel AC 2.3.0 and shows no effect of it (the answer was lost): look at the Deployment "
            f"stars-1 in the Software UI, then {RESUME}"
        ),
    ),
    "withdrawn": (
        Withdrawn(UPGRADE),
        (
            "the hop to AC 2.3.0 was pending and is no longer: somebody cancelled it. Nothing is started against that; if "
            f"it shall go on, {RESUME}"
        ),
    ),
    "no image in time": (
        TimedOut(Wait(Waiting.IMAGE, UPGRADE), 3600),
        (
            "hop 1/2 - upgrade to AC 2.3.0: no image arrived within 1:00:00 (timeout). Deploy to stars-1 an image built "
            "FROM quay.io/astronomer/ap-airflow:2.3.0-onbuild; an image built on anything else is ignored without a word. "
            f"R{RESUME[1:]}"
        ),
    ),
    "no rollout in time": (
        TimedOut(Wait(Waiting.ROLLOUT, MIGRATION), 600),
        (
            "hop 2/2 - migrate to Astro Runtime 5.0.4: the image was deployed, and Houston did not take it within 10:00 "
            "(timeout). An image whose labels do not say Astro Runtime 5.0.4 is ignored in silence: is it built FROM "
            f"quay.io/astronomer/astro-runtime:5.0.4? R{RESUME[1:]}"
        ),
    ),
    "no health in time": (
        TimedOut(Wait(Waiting.HEALTH, None), 600),
        (
            "stars-1 runs AC 2.2.3, but its Airflow was not confirmed healthy at 2.2.3 within 10:00 (timeout): look at its "
            f"pods and its webserver, then {RESUME}"
        ),
    ),
    "no settling in time": (
        TimedOut(Wait(Waiting.SETTLING, UPGRADE), 5),
        (
            "Houston did not show within 00:05 (timeout) what became of the last request: look at the Deployment stars-1 "
            f"in the Software UI, then {RESUME}"
        ),
    ),
    "no settling of a cancel in time": (
        TimedOut(Wait(Waiting.SETTLING, None), 5),
        (
            "Houston did not show within 00:05 (timeout) what became of the last request: look at the Deployment stars-1 "
            f"in the Software UI, then {RESUME}"
        ),
    ),
    "not waiting for an image": (
        HandedOver(Wait(Waiting.IMAGE, UPGRADE)),
        (
            "hop 1/2 - upgrade to AC 2.3.0: not waiting for its image (wait is false). Deploy to stars-1 an "
            f"image built\n  FROM quay.io/astronomer/ap-airflow:2.3.0-onbuild\nand then {RESUME}"
        ),
    ),
    "not waiting for a rollout": (
        HandedOver(Wait(Waiting.ROLLOUT, UPGRADE)),
        f"hop 1/2 - upgrade to AC 2.3.0: the image is being deployed; not waiting for it (wait is false): {RESUME}",
    ),
    "not waiting for health": (
        HandedOver(Wait(Waiting.HEALTH, None)),
        (
            "stars-1 runs AC 2.2.3, and its Airflow is not confirmed healthy yet; not waiting for that (wait is false): "
            f"{RESUME} when it is"
        ),
    ),
}


@pytest.mark.parametrize("name", STOPS)
def test_every_stop_says_what_was_found_and_what_to_do(name: str) -> None:
    """Each kind of reason, word for word."""
    reason, text = STOPS[name]
    assert narration.stopped(reason, DEPLOYMENT, DECLARATION) == text


def test_a_refusal_on_the_way_is_told_as_in_preview() -> None:
    """With the planner's own text: the rule, the reason and the next step."""
    violation = Violation(rule=RuleId.OFFERED, found="Astro Runtime 5.0.4 is not on offer")
    refusal = Refusal(current=OLD, target=RuntimeVersion.parse("5.0.4"), violations=(violation,))
    lines = narration.stopped(refusal, DEPLOYMENT, DECLARATION).splitlines()
    assert lines[0] == "no way from AC 2.2.3 to Astro Runtime 5.0.4"
    assert lines[1] == "  OFFERED: Astro Runtime 5.0.4 is not on offer"
    assert lines[-1].startswith("Next: ")


@pytest.mark.parametrize("what", [Waiting.IMAGE, Waiting.ROLLOUT])
def test_a_time_out_says_that_the_hop_stays_started_where_one_is(what: Waiting) -> None:
    """On a platform that upgrades by image alone, nothing is."""
    reason = TimedOut(Wait(what, UPGRADE), 60)
    started = replace(DEPLOYMENT, pending=UPGRADE.target.id)
    assert narration.stopped(reason, started, DECLARATION).endswith(f"The hop stays started; {RESUME}")
    assert "stays started" not in narration.stopped(reason, DEPLOYMENT, DECLARATION)

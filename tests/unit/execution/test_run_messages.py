"""The messages of a run, word for word."""

# ruff: noqa: E501 - texts are easier to compare in their own lines

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from astro_deployment_runtime.errors import PlatformAnswerError
from astro_deployment_runtime.execution import run_messages
from astro_deployment_runtime.execution.decision_types import (
    FellBack,
    HandedOver,
    MutationRefused,
    NoEffect,
    PathChanged,
    TimedOut,
    Wait,
    Waiting,
    WalkRequest,
    Withdrawn,
    WrongAirflow,
)
from astro_deployment_runtime.execution.run_memory import Mutation, MutationKind, Outcome, Run
from astro_deployment_runtime.planning.accepted_risks import AcceptedRisks
from astro_deployment_runtime.planning.base_images import BaseImages
from astro_deployment_runtime.planning.catalog import Release
from astro_deployment_runtime.planning.plan_model import Deployment, Health, Hop, Refusal, RuleId, Strategy, Violation
from astro_deployment_runtime.planning.versions import AirflowVersion, ReleaseId, RuntimeVersion

if TYPE_CHECKING:
    from astro_deployment_runtime.execution.decision_types import Reason

RESUME = "run `pulumi up` to resume."
RESUME_SENTENCE = "Run `pulumi up` to resume."
OLD = Release(id=ReleaseId.parse("AC 2.2.3"), airflow=AirflowVersion(2, 2, 3))
NEW = Release(id=ReleaseId.parse("AC 2.3.0"), airflow=AirflowVersion(2, 3, 0))
RUNTIME = Release(id=ReleaseId.parse("Runtime 5.0.4"), airflow=AirflowVersion(2, 3, 0))
OTHER = ReleaseId.parse("AC 2.2.4")
UPGRADE = Hop(rule=RuleId.AC_UPGRADE, source=OLD, target=NEW)
MIGRATION = Hop(rule=RuleId.MIGRATE_EQUAL, source=NEW, target=RUNTIME)
REQUEST = WalkRequest(
    target=RuntimeVersion.parse("5.0.4"),
    strategy=Strategy.CERTIFIED_FIRST,
    accepted=AcceptedRisks(),
    path=(OLD.id, NEW.id, RUNTIME.id),
)
DEPLOYMENT = Deployment(id="ckw1", release_name="stars-1", label="Stars", workspace_id="ckw0", current=OLD)
HALFWAY = Deployment(id="ckw1", release_name="stars-1", label="Stars", workspace_id="ckw0", current=NEW)


def test_messages_of_actions() -> None:
    """The hop's number on the shown path, the action and the release."""
    assert (
        run_messages.delivering(MIGRATION, "deploying the image registry.example.com/a:5.0.4", REQUEST)
        == "hop 2/2: deploying the image registry.example.com/a:5.0.4"
    )
    assert run_messages.cancelling(OTHER) == "cancelling the pending hop to AC 2.2.4"


def test_messages_name_images_of_mirrors() -> None:
    """In each message that asks for an image or reports a missing one."""
    declaration = replace(REQUEST, base_images=BaseImages(certified="localhost:5000/ap"))
    wait = Wait(Waiting.IMAGE, UPGRADE)
    for text in (
        run_messages.asking_for_image(UPGRADE, DEPLOYMENT, declaration),
        run_messages.stopped(TimedOut(wait, 60.0), DEPLOYMENT, Run(), declaration),
        run_messages.stopped(TimedOut(Wait(Waiting.ROLLOUT, UPGRADE), 60.0), DEPLOYMENT, Run(), declaration),
        run_messages.stopped(HandedOver(wait), DEPLOYMENT, Run(), declaration),
    ):
        assert "FROM localhost:5000/ap:2.3.0-onbuild" in text


def test_request_for_an_image() -> None:
    """Which image for which Deployment, and that the pending hop stays."""
    assert run_messages.asking_for_image(UPGRADE, DEPLOYMENT, REQUEST) == (
        "hop 1/2: deploy to stars-1 an image of your project built\n"
        "  FROM quay.io/astronomer/ap-airflow:2.3.0-onbuild\n"
        "This run waits for it. Ctrl-C changes nothing on the platform; run `pulumi up` to resume."
    )


HEALTHY = Health(healthy=True, detail="its Airflow is healthy at 2.3.0", airflow=AirflowVersion(2, 3, 0))


def test_messages_of_arrivals() -> None:
    """A hop has its number. The release before the first hop is the start."""
    assert run_messages.arrived(HALFWAY, HEALTHY, REQUEST) == "hop 1/2: runs AC 2.3.0, its Airflow is healthy at 2.3.0"
    assert run_messages.arrived(DEPLOYMENT, HEALTHY, REQUEST).startswith("start: runs AC 2.2.3, ")


def test_messages_of_temporary_problems() -> None:
    """The problem, and the next step of the run."""
    assert run_messages.unanswered("no answer") == "no answer; reading from Houston before the next step"


OLD_ALONE = "AC 2.2.3 for stars-1, with nothing pending"
"""Houston's report of the Deployment without a pending hop."""


def test_messages_of_interruptions_and_errors_name_the_pending_hop() -> None:
    """As far as the run has observed it."""
    started, ours = replace(DEPLOYMENT, pending=NEW.id), Run(our_hop=NEW.id)
    assert run_messages.interrupted(Run(), DEPLOYMENT) == f"interrupted. {RESUME_SENTENCE}"
    assert (
        run_messages.interrupted(ours, started) == f"interrupted; the hop to AC 2.3.0 stays started. {RESUME_SENTENCE}"
    )
    error = PlatformAnswerError("half an answer")
    assert (
        run_messages.failed(error, Run(), DEPLOYMENT)
        == f"half an answer\nHouston last reported {OLD_ALONE}. {RESUME_SENTENCE}"
    )
    assert run_messages.failed(error, ours, started) == (
        "half an answer\nThe hop to AC 2.3.0 stays started. Houston last reported AC 2.2.3 for stars-1, with the hop to "
        f"AC 2.3.0 pending. {RESUME_SENTENCE}"
    )


@pytest.mark.parametrize(
    ("run", "seen", "left"),
    [
        pytest.param(Run(our_hop=NEW.id), DEPLOYMENT, "; the hop to AC 2.3.0 may have been started", id="lost answer"),
        pytest.param(
            Run(our_hop=NEW.id, seen_pending=frozenset({NEW.id})),
            DEPLOYMENT,
            "; the hop to AC 2.3.0 was started, and Houston no longer shows it as pending",
            id="cleared",
        ),
        pytest.param(Run(our_hop=NEW.id, reached=NEW), HALFWAY, "", id="arrived"),
        pytest.param(
            Run(our_hop=NEW.id, reached=NEW),
            DEPLOYMENT,
            "; Houston reported AC 2.3.0, and then AC 2.2.3",
            id="reverted",
        ),
    ],
)
def test_an_interruption_claims_no_more_than_was_seen(run: Run, seen: Deployment, left: str) -> None:
    """It describes a hop of ours as Houston last reported it."""
    assert run_messages.interrupted(run, seen) == f"interrupted{left}. {RESUME_SENTENCE}"


def sent(kind: MutationKind, outcome: Outcome, message: str = "") -> Mutation:
    """Return a mutation that was sent."""
    return Mutation(kind=kind, release=NEW.id, outcome=outcome, message=message)


LOST = Run(mutations=(Mutation(kind=MutationKind.DELIVER, release=NEW.id, outcome=Outcome.DOUBTFUL),))
SEEN = f"Houston last reported {OLD_ALONE}"

STOPS: dict[str, tuple[Reason, str]] = {
    "the path changed": (
        PathChanged((OLD.id, NEW.id, RUNTIME.id), (OLD.id, OTHER, RUNTIME.id), None),
        (
            "the path changed: the preview showed AC 2.2.3 > AC 2.3.0 > Astro Runtime 5.0.4, and from here it is AC 2.2.3 > "
            "AC 2.2.4 > Astro Runtime 5.0.4. This run changed nothing more. Run `pulumi preview` to see the new path."
        ),
    ),
    "there is something to cancel": (
        PathChanged((OLD.id, NEW.id), (OLD.id, NEW.id), OTHER),
        (
            "the path changed: the preview showed AC 2.2.3 > AC 2.3.0, and from here it is cancel the pending hop to AC 2.2.4, "
            "then AC 2.2.3 > AC 2.3.0. This run changed nothing more. Run `pulumi preview` to see the new path."
        ),
    ),
    "Houston refused": (
        MutationRefused(sent(MutationKind.START, Outcome.REFUSED, "Houston refuses start AC 2.3.0 on stars-1: no")),
        f"Houston refuses start AC 2.3.0 on stars-1: no\n{SEEN}. Correct this, then {RESUME}",
    ),
    "an image was refused where nothing is ever pending": (
        MutationRefused(sent(MutationKind.DELIVER, Outcome.REFUSED, "Houston refuses the image: no")),
        f"Houston refuses the image: no\n{SEEN}. Correct this, then {RESUME}",
    ),
    "no effect of a start": (
        NoEffect(sent(MutationKind.START, Outcome.ANSWERED)),
        (
            f"this run asked Houston to start AC 2.3.0, and Houston shows no effect: it reports {OLD_ALONE}. Check the "
            f"Deployment stars-1 in the Software UI, then {RESUME}"
        ),
    ),
    "no effect of a cancel whose answer was lost": (
        NoEffect(sent(MutationKind.CANCEL, Outcome.DOUBTFUL, "the answer was lost")),
        (
            "this run asked Houston to cancel AC 2.3.0 (the answer was lost), and Houston shows no effect: it reports "
            f"{OLD_ALONE}. Check the Deployment stars-1 in the Software UI, then {RESUME}"
        ),
    ),
    "an image that could not be sent": (
        NoEffect(sent(MutationKind.DELIVER, Outcome.UNSENT, "no connection")),
        (
            "this run could not ask Houston to deploy the image of AC 2.3.0 (no connection), and Houston shows no effect: "
            f"it reports {OLD_ALONE}. Check the Deployment stars-1 in the Software UI, then {RESUME}"
        ),
    ),
    "withdrawn": (
        Withdrawn(UPGRADE, delivered=False),
        (
            f"Houston showed the hop to AC 2.3.0 as pending, and now reports {OLD_ALONE}: somebody cancelled it, or "
            "Houston dropped it. This run does not restart it. To start it again, run `pulumi up`."
        ),
    ),
    "withdrawn after its image": (
        Withdrawn(UPGRADE, delivered=True),
        (
            f"Houston showed the hop to AC 2.3.0 as pending, and now reports {OLD_ALONE}. This run had delivered its "
            "image: the rollout failed, or somebody cancelled the hop. Check the events and logs of its pods. This run does "
            "not restart it. To start it again, run `pulumi up`."
        ),
    ),
    "fell back": (
        FellBack(NEW.id, 10.4),
        (
            f"Houston reported AC 2.3.0, and has reported {OLD_ALONE}, for the last 10s. The platform or somebody probably "
            "reverted the hop. This run has sent nothing since. Check the events and logs of its pods for the reason, then "
            "run `pulumi up`: it plans again from AC 2.2.3."
        ),
    ),
    "another Airflow": (
        WrongAirflow(AirflowVersion(2, 2, 9), asked_airflow=True),
        (
            "Houston reports AC 2.2.3 with Airflow 2.2.3 for stars-1, its Airflow reports 2.2.3 too, and the platform offers "
            "AC 2.2.3 with Airflow 2.2.9. This run started nothing more. Check that the image was built FROM "
            "quay.io/astronomer/ap-airflow:2.2.3-onbuild, and which Airflow its pods run. Then run `pulumi up`: it "
            "continues from AC 2.2.3 with the Airflow that runs."
        ),
    ),
    "another Airflow by Houston's word": (
        WrongAirflow(AirflowVersion(2, 2, 9), asked_airflow=False),
        (
            "Houston reports AC 2.2.3 with Airflow 2.2.3 for stars-1, its Airflow was not asked (verify: houston), and the "
            "platform offers AC 2.2.3 with Airflow 2.2.9. This run started nothing more. Check that the image was built FROM "
            "quay.io/astronomer/ap-airflow:2.2.3-onbuild, and which Airflow its pods run. Then run `pulumi up`: it "
            "continues from AC 2.2.3 with the Airflow that runs."
        ),
    ),
    "no image in time": (
        TimedOut(Wait(Waiting.IMAGE, UPGRADE), 3600),
        (
            "hop 1/2 - upgrade to AC 2.3.0: Houston took no image within 1h (timeout). Deploy to stars-1 an image "
            "built FROM quay.io/astronomer/ap-airflow:2.3.0-onbuild. Houston silently ignores any other image. "
            f"{RESUME_SENTENCE}"
        ),
    ),
    "no rollout in time": (
        TimedOut(Wait(Waiting.ROLLOUT, MIGRATION), 600),
        (
            "hop 2/2 - migrate to Astro Runtime 5.0.4: the image was deployed, and Houston did not take it within 10m "
            "(timeout). Houston silently ignores an image whose labels do not name Astro Runtime 5.0.4. Check that it is "
            f"built FROM quay.io/astronomer/astro-runtime:5.0.4. {RESUME_SENTENCE}"
        ),
    ),
    "no rollout in time of an image whose answer was lost": (
        TimedOut(Wait(Waiting.ROLLOUT, UPGRADE), 600),
        (
            "hop 1/2 - upgrade to AC 2.3.0: the image may have been deployed (the answer was lost), and Houston did not "
            "take it within 10m (timeout). Houston silently ignores an image whose labels do not name AC 2.3.0. Check that "
            f"it is built FROM quay.io/astronomer/ap-airflow:2.3.0-onbuild. {RESUME_SENTENCE}"
        ),
    ),
    "no health in time": (
        TimedOut(Wait(Waiting.HEALTH, None), 600, airflow=AirflowVersion(2, 3, 0)),
        (
            "Houston reports AC 2.2.3 for stars-1, but its Airflow was not confirmed healthy at 2.3.0 within 10m "
            f"(timeout). Check its pods and its webserver, then {RESUME}"
        ),
    ),
    "no settling in time": (
        TimedOut(Wait(Waiting.SETTLING, UPGRADE), 5),
        (
            f"Houston's answers did not settle within 5s (timeout): it last reported {OLD_ALONE}. Check the "
            f"Deployment stars-1 in the Software UI, then {RESUME}"
        ),
    ),
    "no answer in time": (
        TimedOut(Wait(Waiting.ANSWER, None), 60, "Houston answered with HTTP status 503"),
        (
            f"Houston answered with HTTP status 503\nHouston did not answer within 1m (timeout). {SEEN}. {RESUME_SENTENCE}"
        ),
    ),
    "not waiting for an image": (
        HandedOver(Wait(Waiting.IMAGE, UPGRADE)),
        (
            "hop 1/2 - upgrade to AC 2.3.0: this run does not wait for its image (wait: false). Deploy to stars-1 an "
            f"image built\n  FROM quay.io/astronomer/ap-airflow:2.3.0-onbuild\nThen {RESUME}"
        ),
    ),
    "not waiting for a rollout": (
        HandedOver(Wait(Waiting.ROLLOUT, MIGRATION)),
        (
            "hop 2/2 - migrate to Astro Runtime 5.0.4: the image was deployed. This run does not wait until Houston "
            f"takes it (wait: false). {RESUME_SENTENCE}"
        ),
    ),
    "not waiting for health": (
        HandedOver(Wait(Waiting.HEALTH, None)),
        (
            "Houston reports AC 2.2.3 for stars-1, and its Airflow is not confirmed healthy yet. This run does not "
            "wait for it (wait: false). Run `pulumi up` when the Airflow is healthy."
        ),
    ),
}


@pytest.mark.parametrize("name", STOPS)
def test_every_stop_has_its_cause_and_next_step(name: str) -> None:
    """Every kind of stop."""
    reason, text = STOPS[name]
    assert run_messages.stopped(reason, DEPLOYMENT, LOST, REQUEST) == text


def test_a_refusal_during_a_run_reads_as_in_preview() -> None:
    """With the planner's rule, reason and next step."""
    violation = Violation(rule=RuleId.OFFERED, found="Astro Runtime 5.0.4 is not on offer")
    refusal = Refusal(current=OLD, target=RuntimeVersion.parse("5.0.4"), violations=(violation,))
    lines = run_messages.stopped(refusal, DEPLOYMENT, Run(), REQUEST).splitlines()
    assert lines[0] == "no path from AC 2.2.3 to Astro Runtime 5.0.4"
    assert lines[1] == "  OFFERED: Astro Runtime 5.0.4 is not on offer"
    assert lines[-1].startswith("Next: ")


@pytest.mark.parametrize("what", [Waiting.IMAGE, Waiting.ROLLOUT])
def test_a_timeout_reports_a_pending_hop_only_if_there_is_one(what: Waiting) -> None:
    """On a platform that upgrades by image alone, no hop is pending."""
    reason = TimedOut(Wait(what, UPGRADE), 60)
    started = replace(DEPLOYMENT, pending=UPGRADE.target.id)
    assert run_messages.stopped(reason, started, Run(), REQUEST).endswith(f"The hop stays started. {RESUME_SENTENCE}")
    assert "stays started" not in run_messages.stopped(reason, DEPLOYMENT, Run(), REQUEST)


def test_a_timeout_reports_a_release_that_was_reverted() -> None:
    """As Houston's report. It blames an Airflow only if the run has read one."""
    reason = TimedOut(Wait(Waiting.HEALTH, None), 600, airflow=AirflowVersion(2, 3, 0))
    flapped = Run(fell_back=True, reached=NEW)
    came = "Houston reports AC 2.3.0 for stars-1, after it had reported a lower version in between"
    assert run_messages.stopped(reason, HALFWAY, flapped, REQUEST).startswith(f"{came}, but its Airflow was not")
    assert run_messages.stopped(reason, HALFWAY, flapped, replace(REQUEST, ask_airflow=False)) == (
        f"{came}, and its answers did not settle within 10m (timeout). Check the Deployment stars-1 in the Software "
        f"UI, then {RESUME}"
    )


def test_an_arrival_names_a_different_airflow_on_offer() -> None:
    """The running Airflow counts, and the offered version is beside it."""
    text = run_messages.arrived(HALFWAY, HEALTHY, REQUEST, AirflowVersion(2, 3, 2))
    assert text == "hop 1/2: runs AC 2.3.0, its Airflow is healthy at 2.3.0 (the platform offers it with Airflow 2.3.2)"
    assert "offer" not in run_messages.arrived(HALFWAY, HEALTHY, REQUEST, AirflowVersion(2, 3, 0))

"""What a user reads about a run: every text, as it is."""

# ruff: noqa: E501 - a text is easier to compare in its own lines

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from astro_deployment_runtime.errors import PlatformAnswerError
from astro_deployment_runtime.execution import run_messages
from astro_deployment_runtime.execution.decisions import (
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
from astro_deployment_runtime.planning.model import Deployment, Health, Hop, Refusal, RuleId, Strategy, Violation
from astro_deployment_runtime.planning.versions import AirflowVersion, ReleaseId, RuntimeVersion

if TYPE_CHECKING:
    from astro_deployment_runtime.execution.decisions import Reason

RESUME = "run 'pulumi up' again to go on from here"
OLD = Release(id=ReleaseId.parse("AC 2.2.3"), airflow=AirflowVersion(2, 2, 3))
NEW = Release(id=ReleaseId.parse("AC 2.3.0"), airflow=AirflowVersion(2, 3, 0))
RUNTIME = Release(id=ReleaseId.parse("Runtime 5.0.4"), airflow=AirflowVersion(2, 3, 0))
OTHER = ReleaseId.parse("AC 2.2.4")
UPGRADE = Hop(rule=RuleId.AC_UPGRADE, source=OLD, target=NEW)
MIGRATION = Hop(rule=RuleId.MIGRATE_EQUAL, source=NEW, target=RUNTIME)
DECLARATION = WalkRequest(
    target=RuntimeVersion.parse("5.0.4"),
    strategy=Strategy.CERTIFIED_FIRST,
    accepted=AcceptedRisks(),
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
    assert run_messages.duration(seconds) == text


def test_what_is_done_is_said() -> None:
    """The hop's number on the path that was shown, the action, the release."""
    assert run_messages.starting(UPGRADE, DECLARATION) == "hop 1/2 - upgrade to AC 2.3.0 - starting"
    assert (
        run_messages.delivering(MIGRATION, "deploying the image registry.example.com/a:5.0.4", DECLARATION)
        == "hop 2/2 - migrate to Astro Runtime 5.0.4: deploying the image registry.example.com/a:5.0.4"
    )
    assert run_messages.cancelling(OTHER) == "cancelling the pending hop to AC 2.2.4"
    assert run_messages.elapsed(192, 3600) == " - 03:12 of 1:00:00"


def test_images_of_mirrors_are_asked_for() -> None:
    """Wherever somebody is to deploy one, and where one did not arrive."""
    declaration = replace(DECLARATION, base_images=BaseImages(certified="localhost:5000/ap"))
    wait = Wait(Waiting.IMAGE, UPGRADE)
    for text in (
        run_messages.asking_for_image(UPGRADE, DEPLOYMENT, declaration),
        run_messages.stopped(TimedOut(wait, 60.0), DEPLOYMENT, Run(), declaration),
        run_messages.stopped(TimedOut(Wait(Waiting.ROLLOUT, UPGRADE), 60.0), DEPLOYMENT, Run(), declaration),
        run_messages.stopped(HandedOver(wait), DEPLOYMENT, Run(), declaration),
    ):
        assert "FROM localhost:5000/ap:2.3.0-onbuild" in text


def test_who_has_to_deploy_is_asked() -> None:
    """Which image, to which Deployment, and that nothing is lost meanwhile."""
    assert run_messages.asking_for_image(UPGRADE, DEPLOYMENT, DECLARATION) == (
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
    assert run_messages.waiting(wait, HALFWAY, run, DECLARATION) == text


def test_an_arrival_is_told() -> None:
    """A hop's by its number; what ran before the first hop is the start."""
    assert (
        run_messages.arrived(HALFWAY, HEALTHY, DECLARATION) == "hop 1/2: runs AC 2.3.0, its Airflow is healthy at 2.3.0"
    )
    assert run_messages.arrived(DEPLOYMENT, HEALTHY, DECLARATION).startswith("start: runs AC 2.2.3, ")


def test_trouble_on_the_way_is_told() -> None:
    """What happened, and what comes next."""
    assert run_messages.unanswered("no answer") == "no answer; looking at what Houston shows before anything else"


OLD_ALONE = "AC 2.2.3 for stars-1, with nothing pending"
"""What Houston shows of the Deployment that has nothing pending."""


def test_an_interruption_and_an_error_say_what_stays() -> None:
    """As far as it was seen, whether a hop is started or not."""
    started, ours = replace(DEPLOYMENT, pending=NEW.id), Run(our_hop=NEW.id)
    assert run_messages.interrupted(Run(), DEPLOYMENT) == f"interrupted: {RESUME}"
    assert run_messages.interrupted(ours, started) == f"interrupted; the hop to AC 2.3.0 stays started: {RESUME}"
    error = PlatformAnswerError("half an answer")
    assert (
        run_messages.failed(error, Run(), DEPLOYMENT) == f"half an answer\nHouston last reported {OLD_ALONE}; {RESUME}."
    )
    assert run_messages.failed(error, ours, started) == (
        "half an answer\nThe hop to AC 2.3.0 stays started. Houston last reported AC 2.2.3 for stars-1, with the hop to "
        f"AC 2.3.0 pending; {RESUME}."
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
            id="fell back",
        ),
    ],
)
def test_an_interruption_claims_no_more_than_was_seen(run: Run, seen: Deployment, left: str) -> None:
    """What became of a hop of ours, as far as Houston has shown it."""
    assert run_messages.interrupted(run, seen) == f"interrupted{left}: {RESUME}"


def sent(kind: MutationKind, outcome: Outcome, message: str = "") -> Mutation:
    """Make a mutation that was sent."""
    return Mutation(kind=kind, release=NEW.id, outcome=outcome, message=message)


LOST = Run(mutations=(Mutation(kind=MutationKind.DELIVER, release=NEW.id, outcome=Outcome.DOUBTFUL),))
SEEN = f"Houston last reported {OLD_ALONE}"

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
        f"Houston refuses start AC 2.3.0 on stars-1: no\n{SEEN}. Correct that, then {RESUME}.",
    ),
    "an image was refused where nothing is ever pending": (
        MutationRefused(sent(MutationKind.DELIVER, Outcome.REFUSED, "Houston refuses the image: no")),
        f"Houston refuses the image: no\n{SEEN}. Correct that, then {RESUME}.",
    ),
    "no effect of a start": (
        NoEffect(sent(MutationKind.START, Outcome.ANSWERED)),
        (
            f"this run asked Houston to start AC 2.3.0, and Houston shows no effect: it reports {OLD_ALONE}: look at the "
            f"Deployment stars-1 in the Software UI, then {RESUME}"
        ),
    ),
    "no effect of a cancel whose answer was lost": (
        NoEffect(sent(MutationKind.CANCEL, Outcome.DOUBTFUL, "the answer was lost")),
        (
            "this run asked Houston to cancel AC 2.3.0 (the answer was lost), and Houston shows no effect: it reports "
            f"{OLD_ALONE}: look at the Deployment stars-1 in the Software UI, then {RESUME}"
        ),
    ),
    "an image that could not be sent": (
        NoEffect(sent(MutationKind.DELIVER, Outcome.UNSENT, "no connection")),
        (
            "this run could not ask Houston to deploy the image of AC 2.3.0 (no connection), and Houston shows no effect: "
            f"it reports {OLD_ALONE}: look at the Deployment stars-1 in the Software UI, then {RESUME}"
        ),
    ),
    "withdrawn": (
        Withdrawn(UPGRADE, delivered=False),
        (
            f"Houston showed the hop to AC 2.3.0 as pending, and now reports {OLD_ALONE}: somebody cancelled it, or "
            "Houston dropped it. This run does not start it again; to do that, run 'pulumi up' again"
        ),
    ),
    "withdrawn after its image": (
        Withdrawn(UPGRADE, delivered=True),
        (
            f"Houston showed the hop to AC 2.3.0 as pending, and now reports {OLD_ALONE}. This run had delivered its "
            "image: the rollout failed, or somebody cancelled it. Look at the events and logs of its pods. This run does "
            "not start it again; to do that, run 'pulumi up' again"
        ),
    ),
    "fell back": (
        FellBack(NEW.id, 10.4),
        (
            f"Houston reported AC 2.3.0, and for the last 10 s reports {OLD_ALONE}. The platform or somebody seems to have "
            "taken the hop back; this run has sent nothing since it saw that. Look at the events and logs of its pods for "
            "why AC 2.3.0 did not stay, then run 'pulumi up' again: it plans from AC 2.2.3"
        ),
    ),
    "another Airflow": (
        WrongAirflow(AirflowVersion(2, 2, 9), asked_airflow=True),
        (
            "Houston reports AC 2.2.3 with Airflow 2.2.3 for stars-1, its Airflow tells 2.2.3 too, and the platform offers "
            "AC 2.2.3 with Airflow 2.2.9. Nothing more was started. Check that the image was built FROM "
            "quay.io/astronomer/ap-airflow:2.2.3-onbuild, and which Airflow its pods run; then run 'pulumi up' again: it "
            "goes on from AC 2.2.3 with the Airflow that runs"
        ),
    ),
    "another Airflow by Houston's word": (
        WrongAirflow(AirflowVersion(2, 2, 9), asked_airflow=False),
        (
            "Houston reports AC 2.2.3 with Airflow 2.2.3 for stars-1, its Airflow was not asked (verify: houston), and the "
            "platform offers AC 2.2.3 with Airflow 2.2.9. Nothing more was started. Check that the image was built FROM "
            "quay.io/astronomer/ap-airflow:2.2.3-onbuild, and which Airflow its pods run; then run 'pulumi up' again: it "
            "goes on from AC 2.2.3 with the Airflow that runs"
        ),
    ),
    "no image in time": (
        TimedOut(Wait(Waiting.IMAGE, UPGRADE), 3600),
        (
            "hop 1/2 - upgrade to AC 2.3.0: Houston took no image within 1:00:00 (timeout). Deploy to stars-1 an image "
            "built FROM quay.io/astronomer/ap-airflow:2.3.0-onbuild; Houston ignores an image built on anything else "
            f"without a word. R{RESUME[1:]}"
        ),
    ),
    "no rollout in time": (
        TimedOut(Wait(Waiting.ROLLOUT, MIGRATION), 600),
        (
            "hop 2/2 - migrate to Astro Runtime 5.0.4: the image was deployed, and Houston did not take it within 10:00 "
            "(timeout). Houston ignores an image whose labels do not say Astro Runtime 5.0.4, without a word: is it built "
            f"FROM quay.io/astronomer/astro-runtime:5.0.4? R{RESUME[1:]}"
        ),
    ),
    "no rollout in time of an image whose answer was lost": (
        TimedOut(Wait(Waiting.ROLLOUT, UPGRADE), 600),
        (
            "hop 1/2 - upgrade to AC 2.3.0: the image may have been deployed (the answer was lost), and Houston did not "
            "take it within 10:00 (timeout). Houston ignores an image whose labels do not say AC 2.3.0, without a word: is "
            f"it built FROM quay.io/astronomer/ap-airflow:2.3.0-onbuild? R{RESUME[1:]}"
        ),
    ),
    "no health in time": (
        TimedOut(Wait(Waiting.HEALTH, None), 600, airflow=AirflowVersion(2, 3, 0)),
        (
            "Houston reports AC 2.2.3 for stars-1, but its Airflow was not confirmed healthy at 2.3.0 within 10:00 "
            f"(timeout): look at its pods and its webserver, then {RESUME}"
        ),
    ),
    "no settling in time": (
        TimedOut(Wait(Waiting.SETTLING, UPGRADE), 5),
        (
            f"Houston's answers did not settle within 00:05 (timeout): it last reported {OLD_ALONE}. Look at the "
            f"Deployment stars-1 in the Software UI, then {RESUME}"
        ),
    ),
    "no answer in time": (
        TimedOut(Wait(Waiting.ANSWER, None), 60, "Houston answered with HTTP status 503"),
        (f"Houston answered with HTTP status 503\nHouston did not answer within 01:00 (timeout). {SEEN}; {RESUME}"),
    ),
    "not waiting for an image": (
        HandedOver(Wait(Waiting.IMAGE, UPGRADE)),
        (
            "hop 1/2 - upgrade to AC 2.3.0: not waiting for its image (wait is false). Deploy to stars-1 an "
            f"image built\n  FROM quay.io/astronomer/ap-airflow:2.3.0-onbuild\nand then {RESUME}"
        ),
    ),
    "not waiting for a rollout": (
        HandedOver(Wait(Waiting.ROLLOUT, MIGRATION)),
        (
            "hop 2/2 - migrate to Astro Runtime 5.0.4: the image was deployed; not waiting for Houston to take it (wait "
            f"is false): {RESUME}"
        ),
    ),
    "not waiting for health": (
        HandedOver(Wait(Waiting.HEALTH, None)),
        (
            "Houston reports AC 2.2.3 for stars-1, and its Airflow is not confirmed healthy yet; not waiting for that "
            f"(wait is false): {RESUME} when it is"
        ),
    ),
}


@pytest.mark.parametrize("name", STOPS)
def test_every_stop_says_what_was_found_and_what_to_do(name: str) -> None:
    """Each kind of reason, word for word."""
    reason, text = STOPS[name]
    assert run_messages.stopped(reason, DEPLOYMENT, LOST, DECLARATION) == text


def test_a_refusal_on_the_way_is_told_as_in_preview() -> None:
    """With the planner's own text: the rule, the reason and the next step."""
    violation = Violation(rule=RuleId.OFFERED, found="Astro Runtime 5.0.4 is not on offer")
    refusal = Refusal(current=OLD, target=RuntimeVersion.parse("5.0.4"), violations=(violation,))
    lines = run_messages.stopped(refusal, DEPLOYMENT, Run(), DECLARATION).splitlines()
    assert lines[0] == "no way from AC 2.2.3 to Astro Runtime 5.0.4"
    assert lines[1] == "  OFFERED: Astro Runtime 5.0.4 is not on offer"
    assert lines[-1].startswith("Next: ")


@pytest.mark.parametrize("what", [Waiting.IMAGE, Waiting.ROLLOUT])
def test_a_time_out_says_that_the_hop_stays_started_where_one_is(what: Waiting) -> None:
    """On a platform that upgrades by image alone, nothing is."""
    reason = TimedOut(Wait(what, UPGRADE), 60)
    started = replace(DEPLOYMENT, pending=UPGRADE.target.id)
    assert run_messages.stopped(reason, started, Run(), DECLARATION).endswith(f"The hop stays started; {RESUME}")
    assert "stays started" not in run_messages.stopped(reason, DEPLOYMENT, Run(), DECLARATION)


def test_a_time_out_tells_of_a_release_that_came_and_went() -> None:
    """Houston's word is told as Houston's, and where no Airflow was asked, none is blamed."""
    reason = TimedOut(Wait(Waiting.HEALTH, None), 600, airflow=AirflowVersion(2, 3, 0))
    flapped = Run(fell_back=True, reached=NEW)
    came = "Houston reports AC 2.3.0 for stars-1, after it had reported a lower version in between"
    assert run_messages.stopped(reason, HALFWAY, flapped, DECLARATION).startswith(f"{came}, but its Airflow was not")
    assert run_messages.stopped(reason, HALFWAY, flapped, replace(DECLARATION, ask_airflow=False)) == (
        f"{came}, and its answers did not settle within 10:00 (timeout): look at the Deployment stars-1 in the Software "
        f"UI, then {RESUME}"
    )


def test_an_arrival_tells_of_another_airflow_on_offer() -> None:
    """The Airflow that runs counts, and the offer is named beside it."""
    text = run_messages.arrived(HALFWAY, HEALTHY, DECLARATION, AirflowVersion(2, 3, 2))
    assert text == "hop 1/2: runs AC 2.3.0, its Airflow is healthy at 2.3.0 (on offer with Airflow 2.3.2)"
    assert "offer" not in run_messages.arrived(HALFWAY, HEALTHY, DECLARATION, AirflowVersion(2, 3, 0))


@pytest.mark.parametrize(
    ("wait", "run", "seen", "text"),
    [
        (
            Wait(Waiting.SETTLING, None),
            Run(reached=NEW),
            DEPLOYMENT,
            "hop 1/2 - Houston reports AC 2.2.3 after AC 2.3.0, waiting whether that lasts",
        ),
        (
            Wait(Waiting.HEALTH, None),
            Run(reached=NEW, fell_back=True, unchanged_since=0.0),
            HALFWAY,
            "hop 1/2 - AC 2.3.0 - confirming: Houston reports it again, waiting whether that lasts",
        ),
        (Wait(Waiting.ANSWER, None), Run(outage="no connection"), DEPLOYMENT, "no connection; still waiting"),
    ],
)
def test_what_the_platform_does_is_told_while_it_is_waited_out(
    wait: Wait, run: Run, seen: Deployment, text: str
) -> None:
    """A hop that fell back, one that came back, and an outage."""
    assert run_messages.waiting(wait, seen, run, DECLARATION) == text

"""The decision, situation by situation: every kind of observation beside every kind of declaration."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from astro_deployment_runtime import feeds
from astro_deployment_runtime.model import (
    Acceptance,
    Deployment,
    Equivalent,
    Health,
    Platform,
    Refusal,
    RuleId,
    Strategy,
)
from astro_deployment_runtime.reconcile import (
    ATTEMPTS,
    SETTLE_SECONDS,
    Cancel,
    Deliver,
    Done,
    HandedOver,
    MutationRefused,
    NotTaken,
    PathChanged,
    Refuse,
    Start,
    TimedOut,
    Wait,
    Waiting,
    Withdrawn,
    decide,
)
from astro_deployment_runtime.situation import Declaration, Mutation, MutationKind, Observation, Outcome, Run
from astro_deployment_runtime.versions import ReleaseId, RuntimeVersion

if TYPE_CHECKING:
    from astro_deployment_runtime.reconcile import Decision

CATALOG = feeds.load("guide")
PLATFORM = Platform(version="0.30.4")
TIMEOUT = 600.0


def named(text: str) -> ReleaseId:
    """``AC 2.3.0`` or ``Runtime 5.0.4``."""
    return ReleaseId.parse(text)


def deployment(runs: str, pending: str | None = None) -> Deployment:
    """A Deployment that runs a release of the guide's catalog."""
    release = CATALOG.get(named(runs))
    assert release is not None
    return Deployment(
        id="ckw1",
        release_name="stars-1",
        label="Stars",
        workspace_id="ckw0",
        current=release,
        pending=named(pending) if pending else None,
    )


def declared(*path: str, cancel: str | None = None, **more: Any) -> Declaration:
    """What was declared and shown; the target is the last of the path."""
    version = named(path[-1]).version
    assert isinstance(version, RuntimeVersion)
    settings: dict[str, Any] = {
        "target": version,
        "strategy": Strategy.CERTIFIED_FIRST,
        "accepted": Acceptance(),
        "cancel": named(cancel) if cancel else None,
        "timeout": TIMEOUT,
        **more,
    }
    return Declaration(path=tuple(map(named, path)), **settings)


GUIDE = ("AC 2.2.3", "AC 2.3.0", "Runtime 5.0.4")


def decided(
    seen: Deployment, declaration: Declaration, run: Run | None = None, platform: Platform = PLATFORM
) -> Decision:
    """Decide, with nothing done so far unless a run is given."""
    return decide(Observation(deployment=seen, platform=platform, run=run or Run()), declaration, CATALOG)


def sent(kind: MutationKind, release: str, outcome: Outcome, *, attempts: int = 1) -> Mutation:
    """A mutation that this run sent."""
    return Mutation(kind=kind, release=named(release), outcome=outcome, message="why", attempts=attempts)


def step(decision: Decision) -> tuple[str, str]:
    """The kind of a step and what it is about."""
    match decision:
        case Start(hop) | Deliver(hop):
            return type(decision).__name__, str(hop.target)
        case Cancel(pending):
            return "Cancel", str(pending)
        case Wait(what, hop):
            return f"Wait {what}", str(hop.target) if hop else ""
        case Done(plan):
            return "Done", str(plan.current)
        case Refuse(reason):
            return "Refuse", type(reason).__name__


@pytest.mark.parametrize(
    ("runs", "pending", "delivers", "expected"),
    [
        pytest.param("AC 2.2.3", None, False, ("Start", "AC 2.3.0"), id="a first run starts the first hop"),
        pytest.param("AC 2.2.3", None, True, ("Start", "AC 2.3.0"), id="also where we deliver"),
        pytest.param("AC 2.2.3", "AC 2.3.0", True, ("Deliver", "AC 2.3.0"), id="a started hop gets its image"),
        pytest.param("AC 2.2.3", "AC 2.3.0", False, ("Wait image", "AC 2.3.0"), id="or waits for somebody's"),
        pytest.param("AC 2.3.0", None, True, ("Start", "Astro Runtime 5.0.4"), id="a resumed run starts the next hop"),
        pytest.param("AC 2.3.0", "Runtime 5.0.4", True, ("Deliver", "Astro Runtime 5.0.4"), id="or takes it up"),
        pytest.param("Runtime 5.0.4", None, True, ("Done", "Astro Runtime 5.0.4"), id="at the target nothing is left"),
        pytest.param(
            "Runtime 5.0.4", "Runtime 5.0.4", True, ("Done", "Astro Runtime 5.0.4"), id="whatever is pending there"
        ),
    ],
)
def test_the_way_along_the_path(runs: str, pending: str | None, delivers: bool, expected: tuple[str, str]) -> None:
    """A first run and a resumed one are the same: only what is observed counts."""
    assert step(decided(deployment(runs, pending), declared(*GUIDE, delivers=delivers))) == expected


class TestPending:
    """A pending hop that is not the path's next."""

    def test_ours_is_cancelled_as_it_was_shown(self) -> None:
        """It is ours when we saved that we started it."""
        seen = deployment("AC 2.2.3", "AC 2.2.4")
        run = Run(ours=named("AC 2.2.4"), seen=named("AC 2.2.4"))
        assert step(decided(seen, declared(*GUIDE, cancel="AC 2.2.4"), run)) == ("Cancel", "AC 2.2.4")

    def test_ours_is_not_cancelled_unless_that_was_shown(self) -> None:
        """What we do is what we printed."""
        seen = deployment("AC 2.2.3", "AC 2.2.4")
        decision = decided(seen, declared(*GUIDE), Run(ours=named("AC 2.2.4")))
        assert decision == Refuse(PathChanged(tuple(map(named, GUIDE)), tuple(map(named, GUIDE)), named("AC 2.2.4")))

    def test_a_foreign_one_is_refused(self) -> None:
        """Also when its cancelling was shown, because it was thought to be ours."""
        decision = decided(deployment("AC 2.2.3", "AC 2.2.4"), declared(*GUIDE, cancel="AC 2.2.4"))
        assert isinstance(decision, Refuse)
        assert isinstance(decision.reason, Refusal)
        assert [violation.rule for violation in decision.reason.violations] == [RuleId.PENDING]

    def test_a_foreign_one_is_cancelled_when_that_is_accepted(self) -> None:
        """By name."""
        accepted = Acceptance(cancel_pending=True)
        seen = deployment("AC 2.2.3", "AC 2.2.4")
        assert step(decided(seen, declared(*GUIDE, cancel="AC 2.2.4", accepted=accepted))) == ("Cancel", "AC 2.2.4")

    def test_after_the_cancel_the_path_begins(self) -> None:
        """The cancelled hop is seen no more, and the first hop is started."""
        run = Run(
            ours=named("AC 2.2.4"),
            seen=named("AC 2.2.4"),
            mutation=sent(MutationKind.CANCEL, "AC 2.2.4", Outcome.ANSWERED),
        )
        assert step(decided(deployment("AC 2.2.3"), declared(*GUIDE, cancel="AC 2.2.4"), run)) == ("Start", "AC 2.3.0")

    def test_one_that_somebody_cancelled_is_not_started_again(self) -> None:
        """A human's click is not overruled by the run that sees it."""
        decision = decided(deployment("AC 2.2.3"), declared(*GUIDE), Run(seen=named("AC 2.3.0")))
        assert isinstance(decision, Refuse)
        assert isinstance(decision.reason, Withdrawn)


class TestPathChanges:
    """Only the path that was shown is walked."""

    def test_a_rest_of_it_is_walked(self) -> None:
        """Hops that others did meanwhile leave a legal rest."""
        assert step(decided(deployment("AC 2.3.0"), declared(*GUIDE))) == ("Start", "Astro Runtime 5.0.4")

    def test_another_path_is_not(self) -> None:
        """Whoever moved the Deployment to the side."""
        decision = decided(deployment("AC 2.2.4"), declared(*GUIDE))
        now = tuple(map(named, ("AC 2.2.4", "AC 2.3.0", "Runtime 5.0.4")))
        assert decision == Refuse(PathChanged(tuple(map(named, GUIDE)), now, None))

    def test_what_cannot_be_undone_is_refused_with_the_planners_reasons(self) -> None:
        """Somebody went beyond the target."""
        decision = decided(deployment("Runtime 5.0.4"), declared("AC 2.2.3", "AC 2.2.5", "Runtime 4.2.5"))
        assert isinstance(decision, Refuse)
        assert isinstance(decision.reason, Refusal)

    def test_a_platform_that_forbids_the_move_ends_the_run(self) -> None:
        """The platform may have been upgraded meanwhile."""
        decision = decided(deployment("AC 2.3.0"), declared(*GUIDE), platform=Platform(version="0.33.2"))
        assert isinstance(decision, Refuse)
        assert isinstance(decision.reason, Refusal)

    def test_equivalent_is_reached_when_runtime_runs(self) -> None:
        """The target is resolved anew at every step; on Runtime nothing is left of it."""
        declaration = replace(declared(*GUIDE[1:]), target=Equivalent.EQUIVALENT)
        assert step(decided(deployment("AC 2.3.0"), declaration)) == ("Start", "Astro Runtime 5.0.4")
        assert step(decided(deployment("Runtime 5.0.4"), declaration)) == ("Done", "Astro Runtime 5.0.4")


class TestMutations:
    """After a mutation: read, then decide."""

    @pytest.mark.parametrize("outcome", [Outcome.DOUBTFUL, Outcome.UNSENT, Outcome.ANSWERED])
    def test_one_that_shows_no_effect_is_given_time(self, outcome: Outcome) -> None:
        """Its effect may still show."""
        run = Run(mutation=sent(MutationKind.START, "AC 2.3.0", outcome), since_mutation=SETTLE_SECONDS - 1)
        assert step(decided(deployment("AC 2.2.3"), declared(*GUIDE), run)) == ("Wait settling", "AC 2.3.0")

    @pytest.mark.parametrize("outcome", [Outcome.DOUBTFUL, Outcome.UNSENT])
    def test_without_an_answer_it_is_sent_again_after_that(self, outcome: Outcome) -> None:
        """Reading has shown that it was not taken."""
        run = Run(mutation=sent(MutationKind.START, "AC 2.3.0", outcome), since_mutation=SETTLE_SECONDS)
        assert step(decided(deployment("AC 2.2.3"), declared(*GUIDE), run)) == ("Start", "AC 2.3.0")

    @pytest.mark.parametrize(
        ("outcome", "attempts"), [(Outcome.DOUBTFUL, ATTEMPTS), (Outcome.UNSENT, ATTEMPTS), (Outcome.ANSWERED, 1)]
    )
    def test_not_for_ever_and_never_after_an_answer(self, outcome: Outcome, attempts: int) -> None:
        """Somebody has to look."""
        mutation = sent(MutationKind.START, "AC 2.3.0", outcome, attempts=attempts)
        decision = decided(
            deployment("AC 2.2.3"), declared(*GUIDE), Run(mutation=mutation, since_mutation=SETTLE_SECONDS)
        )
        assert decision == Refuse(NotTaken(mutation))

    @pytest.mark.parametrize("kind", [MutationKind.START, MutationKind.DELIVER, MutationKind.CANCEL])
    def test_a_refused_one_ends_the_run(self, kind: MutationKind) -> None:
        """With Houston's own words."""
        pending, release, cancel = {
            MutationKind.START: (None, "AC 2.3.0", None),
            MutationKind.DELIVER: ("AC 2.3.0", "AC 2.3.0", None),
            MutationKind.CANCEL: ("AC 2.2.4", "AC 2.2.4", "AC 2.2.4"),
        }[kind]
        mutation = sent(kind, release, Outcome.REFUSED)
        run = Run(mutation=mutation, ours=named(pending) if pending else None)
        declaration = declared(*GUIDE, delivers=True, cancel=cancel)
        assert decided(deployment("AC 2.2.3", pending), declaration, run) == Refuse(MutationRefused(mutation))

    def test_an_image_is_delivered_once_per_hop_and_run(self) -> None:
        """The versions tell whether it was taken."""
        run = Run(mutation=sent(MutationKind.DELIVER, "AC 2.3.0", Outcome.ANSWERED), since_mutation=100.0)
        seen = deployment("AC 2.2.3", "AC 2.3.0")
        assert step(decided(seen, declared(*GUIDE, delivers=True), run)) == ("Wait rollout", "AC 2.3.0")

    @pytest.mark.parametrize(
        ("seconds", "attempts", "expected"),
        [
            (SETTLE_SECONDS - 1, 1, "Wait rollout"),
            (SETTLE_SECONDS, 1, "Deliver"),
            (SETTLE_SECONDS, ATTEMPTS - 1, "Deliver"),
            (SETTLE_SECONDS, ATTEMPTS, "Wait rollout"),
        ],
    )
    def test_a_delivery_without_an_answer_and_an_effect_is_sent_again(
        self, seconds: float, attempts: int, expected: str
    ) -> None:
        """Nobody has to wait for the time-out when Houston ended before it saw the image."""
        lost = sent(MutationKind.DELIVER, "AC 2.3.0", Outcome.DOUBTFUL, attempts=attempts)
        run = Run(mutation=lost, since_mutation=seconds)
        seen = deployment("AC 2.2.3", "AC 2.3.0")
        assert step(decided(seen, declared(*GUIDE, delivers=True), run)) == (expected, "AC 2.3.0")

    def test_a_delivery_that_never_left_is_sent_again(self) -> None:
        """It cannot have had an effect."""
        run = Run(mutation=sent(MutationKind.DELIVER, "AC 2.3.0", Outcome.UNSENT), since_mutation=SETTLE_SECONDS)
        seen = deployment("AC 2.2.3", "AC 2.3.0")
        assert step(decided(seen, declared(*GUIDE, delivers=True), run)) == ("Deliver", "AC 2.3.0")

    def test_a_start_that_took_effect_is_followed_by_its_delivery(self) -> None:
        """What Houston shows counts, not the lost answer."""
        run = Run(mutation=sent(MutationKind.START, "AC 2.3.0", Outcome.DOUBTFUL))
        seen = deployment("AC 2.2.3", "AC 2.3.0")
        assert step(decided(seen, declared(*GUIDE, delivers=True), run)) == ("Deliver", "AC 2.3.0")

    def test_a_cancel_that_shows_no_effect_is_given_time(self) -> None:
        """Like any other mutation."""
        run = Run(ours=named("AC 2.2.4"), mutation=sent(MutationKind.CANCEL, "AC 2.2.4", Outcome.DOUBTFUL))
        seen = deployment("AC 2.2.3", "AC 2.2.4")
        assert step(decided(seen, declared(*GUIDE, cancel="AC 2.2.4"), run)) == ("Wait settling", "")


class TestUpgradesByImage:
    """From 0.36 on a Runtime upgrade is made by its image alone: it is neither started nor pending."""

    BY_IMAGE = Platform(version="0.36.0", upgrades_by_image=True)
    PATH = ("Runtime 4.2.5", "Runtime 5.0.4")

    @pytest.mark.parametrize(
        ("delivers", "expected"),
        [(True, ("Deliver", "Astro Runtime 5.0.4")), (False, ("Wait image", "Astro Runtime 5.0.4"))],
    )
    def test_the_image_is_the_first_step(self, delivers: bool, expected: tuple[str, str]) -> None:
        """Ours, or somebody's."""
        declaration = declared(*self.PATH, delivers=delivers)
        assert step(decided(deployment("Runtime 4.2.5"), declaration, platform=self.BY_IMAGE)) == expected

    def test_it_is_delivered_once(self) -> None:
        """Then Houston's version is waited for."""
        run = Run(mutation=sent(MutationKind.DELIVER, "Runtime 5.0.4", Outcome.DOUBTFUL))
        declaration = declared(*self.PATH, delivers=True)
        decision = decided(deployment("Runtime 4.2.5"), declaration, run, platform=self.BY_IMAGE)
        assert step(decision) == ("Wait rollout", "Astro Runtime 5.0.4")

    def test_a_migration_is_started_there_too(self) -> None:
        """It still needs its desired version."""
        decision = decided(deployment("AC 2.3.0"), declared(*GUIDE), platform=self.BY_IMAGE)
        assert step(decision) == ("Start", "Astro Runtime 5.0.4")


HEALTHY = Health(healthy=True, detail="its Airflow is healthy at 2.3.0")
SICK = Health(healthy=False, detail="its scheduler is unhealthy")


class TestArrival:
    """Houston's word alone is no arrival."""

    def test_the_airflow_is_waited_for_before_the_next_hop(self) -> None:
        """Healthy, and at the expected version."""
        run = Run(arrived=named("AC 2.3.0"), health=SICK)
        assert step(decided(deployment("AC 2.3.0"), declared(*GUIDE), run)) == ("Wait health", "")

    def test_and_before_the_end(self) -> None:
        """At the target, too."""
        run = Run(arrived=named("Runtime 5.0.4"))
        assert step(decided(deployment("Runtime 5.0.4"), declared(*GUIDE), run)) == ("Wait health", "")


class TestWaiting:
    """How long, and whether at all."""

    @pytest.mark.parametrize(
        ("run", "seen", "what"),
        [
            pytest.param(Run(waited=TIMEOUT), deployment("AC 2.2.3", "AC 2.3.0"), Waiting.IMAGE, id="for an image"),
            pytest.param(
                Run(waited=TIMEOUT, arrived=named("AC 2.3.0")), deployment("AC 2.3.0"), Waiting.HEALTH, id="for health"
            ),
        ],
    )
    def test_the_time_out_ends_the_run(self, run: Run, seen: Deployment, what: Waiting) -> None:
        """Counted from when this run began to wait for the hop."""
        decision = decided(seen, declared(*GUIDE), run)
        assert isinstance(decision, Refuse)
        assert isinstance(decision.reason, TimedOut)
        assert (decision.reason.waiting.what, decision.reason.seconds) == (what, TIMEOUT)

    def test_a_time_out_tells_how_the_airflow_was(self) -> None:
        """What was found last is the first thing that one asks."""
        run = Run(waited=TIMEOUT, arrived=named("AC 2.3.0"), health=SICK)
        decision = decided(deployment("AC 2.3.0"), declared(*GUIDE), run)
        assert decision == Refuse(TimedOut(Wait(Waiting.HEALTH, None), TIMEOUT, "its scheduler is unhealthy"))

    @pytest.mark.parametrize(
        ("run", "seen", "expected"),
        [
            pytest.param(Run(), deployment("AC 2.2.3"), ("Start", "AC 2.3.0"), id="a hop is still started"),
            pytest.param(
                Run(), deployment("AC 2.2.3", "AC 2.3.0"), ("Refuse", "HandedOver"), id="an image is not awaited"
            ),
            pytest.param(
                Run(arrived=named("AC 2.3.0"), health=SICK),
                deployment("AC 2.3.0"),
                ("Refuse", "HandedOver"),
                id="nor pods",
            ),
            pytest.param(
                Run(arrived=named("AC 2.3.0"), health=HEALTHY),
                deployment("AC 2.3.0"),
                ("Wait health", ""),
                id="but a healthy Airflow is asked again",
            ),
            pytest.param(
                Run(mutation=sent(MutationKind.START, "AC 2.3.0", Outcome.DOUBTFUL)),
                deployment("AC 2.2.3"),
                ("Wait settling", "AC 2.3.0"),
                id="and a doubt is settled",
            ),
        ],
    )
    def test_not_waiting_hands_over(self, run: Run, seen: Deployment, expected: tuple[str, str]) -> None:
        """With wait=False the run ends as soon as somebody else has to act."""
        assert step(decided(seen, declared(*GUIDE, wait=False), run)) == expected

    def test_a_delivered_image_is_handed_over_too(self) -> None:
        """The roll-out is Houston's to do."""
        run = Run(mutation=sent(MutationKind.DELIVER, "AC 2.3.0", Outcome.ANSWERED))
        decision = decided(deployment("AC 2.2.3", "AC 2.3.0"), declared(*GUIDE, wait=False, delivers=True), run)
        assert isinstance(decision, Refuse)
        assert isinstance(decision.reason, HandedOver)
        assert decision.reason.waiting.what is Waiting.ROLLOUT

"""Decisions of the reconciler, for every kind of observation and declaration."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from astro_deployment_runtime.catalogs import vendor_feed
from astro_deployment_runtime.execution.decision_types import (
    Cancel,
    Deliver,
    Done,
    HandedOver,
    MutationRefused,
    NoEffect,
    Observation,
    PathChanged,
    Refuse,
    Start,
    TimedOut,
    Wait,
    Waiting,
    WalkRequest,
    Withdrawn,
    WrongAirflow,
)
from astro_deployment_runtime.execution.health_confirmation import HEALTHY_READS
from astro_deployment_runtime.execution.reconciler import ATTEMPTS, decide
from astro_deployment_runtime.execution.run_memory import SETTLE_SECONDS, Mutation, MutationKind, Outcome, Run
from astro_deployment_runtime.planning.accepted_risks import AcceptedRisks
from astro_deployment_runtime.planning.catalog import Catalog, Release
from astro_deployment_runtime.planning.plan_model import Deployment, Equivalent, Health, Refusal, RuleId, Strategy
from astro_deployment_runtime.planning.platform_version import Platform
from astro_deployment_runtime.planning.versions import AirflowVersion, ReleaseId, RuntimeVersion

if TYPE_CHECKING:
    from astro_deployment_runtime.execution.decision_types import Decision

CATALOG = vendor_feed.load("guide")
PLATFORM = Platform(version="0.30.4")
TIMEOUT = 600.0


def named(text: str) -> ReleaseId:
    """Return the release with a name such as `AC 2.3.0` or `Runtime 5.0.4`."""
    return ReleaseId.parse(text)


def deployment(runs: str, pending: str | None = None) -> Deployment:
    """Return a Deployment that runs a release of the guide's catalog."""
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


def declared(*path: str, cancel: str | None = None, **more: Any) -> WalkRequest:
    """Return the request of a path. Its last release is the target."""
    version = named(path[-1]).version
    assert isinstance(version, RuntimeVersion)
    settings: dict[str, Any] = {
        "target": version,
        "strategy": Strategy.CERTIFIED_FIRST,
        "accepted": AcceptedRisks(),
        "cancel": named(cancel) if cancel else None,
        "timeout": TIMEOUT,
        **more,
    }
    return WalkRequest(path=tuple(map(named, path)), **settings)


GUIDE = ("AC 2.2.3", "AC 2.3.0", "Runtime 5.0.4")


def observed(
    seen: Deployment, run: Run | None = None, *, platform: Platform = PLATFORM, catalog: Catalog = CATALOG
) -> Observation:
    """Observe a Deployment, with an empty memory unless a run is given."""
    return Observation(deployment=seen, platform=platform, catalog=catalog, run=run or Run())


def decided(
    seen: Deployment, declaration: WalkRequest, run: Run | None = None, platform: Platform = PLATFORM
) -> Decision:
    """Decide, without earlier mutations unless a run is given."""
    return decide(observed(seen, run, platform=platform), declaration)


def sent(kind: MutationKind, release: str, outcome: Outcome, *, attempts: int = 1) -> Mutation:
    """Return a mutation that this run sent."""
    return Mutation(kind=kind, release=named(release), outcome=outcome, message="why", attempts=attempts)


def step(decision: Decision) -> tuple[str, str]:
    """Return the kind of a step and its release."""
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
        pytest.param("AC 2.2.3", None, True, ("Start", "AC 2.3.0"), id="a first run that delivers starts it too"),
        pytest.param("AC 2.2.3", "AC 2.3.0", True, ("Deliver", "AC 2.3.0"), id="a started hop gets its image"),
        pytest.param(
            "AC 2.2.3", "AC 2.3.0", False, ("Wait image", "AC 2.3.0"), id="a started hop waits for another user's image"
        ),
        pytest.param("AC 2.3.0", None, True, ("Start", "Astro Runtime 5.0.4"), id="a resumed run starts the next hop"),
        pytest.param(
            "AC 2.3.0",
            "Runtime 5.0.4",
            True,
            ("Deliver", "Astro Runtime 5.0.4"),
            id="a resumed run adopts the pending hop",
        ),
        pytest.param("Runtime 5.0.4", None, True, ("Done", "Astro Runtime 5.0.4"), id="at the target the run is done"),
        pytest.param(
            "Runtime 5.0.4",
            "Runtime 5.0.4",
            True,
            ("Done", "Astro Runtime 5.0.4"),
            id="at the target a pending hop does not matter",
        ),
    ],
)
def test_steps_along_the_path(runs: str, pending: str | None, delivers: bool, expected: tuple[str, str]) -> None:
    """A first run and a resumed one decide alike: only the observation counts."""
    assert step(decided(deployment(runs, pending), declared(*GUIDE, delivers=delivers))) == expected


class TestPending:
    """A pending hop that is not the path's next."""

    def test_our_own_hop_is_cancelled_if_the_preview_showed_it(self) -> None:
        """A hop is ours if the state says that we started it."""
        seen = deployment("AC 2.2.3", "AC 2.2.4")
        run = Run(our_hop=named("AC 2.2.4"), seen_pending=frozenset({named("AC 2.2.4")}))
        assert step(decided(seen, declared(*GUIDE, cancel="AC 2.2.4"), run)) == ("Cancel", "AC 2.2.4")

    def test_our_own_hop_is_not_cancelled_unless_the_preview_showed_it(self) -> None:
        """A run does only what the preview showed."""
        seen = deployment("AC 2.2.3", "AC 2.2.4")
        decision = decided(seen, declared(*GUIDE), Run(our_hop=named("AC 2.2.4")))
        assert decision == Refuse(PathChanged(tuple(map(named, GUIDE)), tuple(map(named, GUIDE)), named("AC 2.2.4")))

    def test_a_foreign_hop_is_refused(self) -> None:
        """Also if the preview showed its cancel, because it took the hop for ours."""
        decision = decided(deployment("AC 2.2.3", "AC 2.2.4"), declared(*GUIDE, cancel="AC 2.2.4"))
        assert isinstance(decision, Refuse)
        assert isinstance(decision.reason, Refusal)
        assert [violation.rule for violation in decision.reason.violations] == [RuleId.PENDING]

    def test_a_foreign_hop_is_cancelled_if_accepted(self) -> None:
        """With `accept: [cancel-pending]`."""
        accepted = AcceptedRisks(cancel_pending=True)
        seen = deployment("AC 2.2.3", "AC 2.2.4")
        assert step(decided(seen, declared(*GUIDE, cancel="AC 2.2.4", accepted=accepted))) == ("Cancel", "AC 2.2.4")

    def test_the_path_starts_after_the_cancel(self) -> None:
        """The cancelled hop is no longer reported, and the first hop starts."""
        run = Run(
            our_hop=named("AC 2.2.4"),
            seen_pending=frozenset({named("AC 2.2.4")}),
            mutations=(sent(MutationKind.CANCEL, "AC 2.2.4", Outcome.ANSWERED),),
        )
        assert step(decided(deployment("AC 2.2.3"), declared(*GUIDE, cancel="AC 2.2.4"), run)) == ("Start", "AC 2.3.0")

    def test_a_hop_that_another_user_cancelled_is_not_started_again(self) -> None:
        """Not by the run that saw it pending."""
        decision = decided(deployment("AC 2.2.3"), declared(*GUIDE), Run(seen_pending=frozenset({named("AC 2.3.0")})))
        assert isinstance(decision, Refuse)
        assert isinstance(decision.reason, Withdrawn)


class TestPathChanges:
    """Only the path that the preview showed is followed."""

    def test_the_rest_of_the_path_is_followed(self) -> None:
        """Hops of another user leave a legal rest."""
        assert step(decided(deployment("AC 2.3.0"), declared(*GUIDE))) == ("Start", "Astro Runtime 5.0.4")

    def test_another_path_ends_the_run(self) -> None:
        """Another user moved the Deployment off the path."""
        decision = decided(deployment("AC 2.2.4"), declared(*GUIDE))
        now = tuple(map(named, ("AC 2.2.4", "AC 2.3.0", "Runtime 5.0.4")))
        assert decision == Refuse(PathChanged(tuple(map(named, GUIDE)), now, None))

    def test_a_deployment_beyond_the_target_is_refused_with_the_planners_reasons(self) -> None:
        """Another user upgraded it."""
        decision = decided(deployment("Runtime 5.0.4"), declared("AC 2.2.3", "AC 2.2.5", "Runtime 4.2.5"))
        assert isinstance(decision, Refuse)
        assert isinstance(decision.reason, Refusal)

    def test_a_platform_that_forbids_the_hop_ends_the_run(self) -> None:
        """The platform may have been upgraded in between."""
        decision = decided(deployment("AC 2.3.0"), declared(*GUIDE), platform=Platform(version="0.33.2"))
        assert isinstance(decision, Refuse)
        assert isinstance(decision.reason, Refusal)

    def test_equivalent_is_reached_once_runtime_runs(self) -> None:
        """Each step resolves the target again. On Runtime no hop is left."""
        declaration = replace(declared(*GUIDE[1:]), target=Equivalent.EQUIVALENT)
        assert step(decided(deployment("AC 2.3.0"), declaration)) == ("Start", "Astro Runtime 5.0.4")
        assert step(decided(deployment("Runtime 5.0.4"), declaration)) == ("Done", "Astro Runtime 5.0.4")


class TestMutations:
    """After a mutation: read, then decide."""

    @pytest.mark.parametrize("outcome", [Outcome.DOUBTFUL, Outcome.UNSENT, Outcome.ANSWERED])
    def test_a_mutation_without_an_effect_gets_time(self, outcome: Outcome) -> None:
        """Its effect may appear later."""
        run = Run(mutations=(sent(MutationKind.START, "AC 2.3.0", outcome),), now=SETTLE_SECONDS - 1)
        assert step(decided(deployment("AC 2.2.3"), declared(*GUIDE), run)) == ("Wait settling", "AC 2.3.0")

    @pytest.mark.parametrize("outcome", [Outcome.DOUBTFUL, Outcome.UNSENT])
    def test_an_unanswered_mutation_is_repeated_after_that_time(self, outcome: Outcome) -> None:
        """The reads have shown no effect."""
        run = Run(mutations=(sent(MutationKind.START, "AC 2.3.0", outcome),), now=SETTLE_SECONDS)
        assert step(decided(deployment("AC 2.2.3"), declared(*GUIDE), run)) == ("Start", "AC 2.3.0")

    @pytest.mark.parametrize(
        ("outcome", "attempts"), [(Outcome.DOUBTFUL, ATTEMPTS), (Outcome.UNSENT, ATTEMPTS), (Outcome.ANSWERED, 1)]
    )
    def test_repeats_are_limited_and_end_after_an_answer(self, outcome: Outcome, attempts: int) -> None:
        """Then a user has to look."""
        mutation = sent(MutationKind.START, "AC 2.3.0", outcome, attempts=attempts)
        decision = decided(deployment("AC 2.2.3"), declared(*GUIDE), Run(mutations=(mutation,), now=SETTLE_SECONDS))
        assert decision == Refuse(NoEffect(mutation))

    @pytest.mark.parametrize("kind", [MutationKind.START, MutationKind.DELIVER, MutationKind.CANCEL])
    def test_a_refused_mutation_ends_the_run(self, kind: MutationKind) -> None:
        """With Houston's own message."""
        pending, release, cancel = {
            MutationKind.START: (None, "AC 2.3.0", None),
            MutationKind.DELIVER: ("AC 2.3.0", "AC 2.3.0", None),
            MutationKind.CANCEL: ("AC 2.2.4", "AC 2.2.4", "AC 2.2.4"),
        }[kind]
        mutation = sent(kind, release, Outcome.REFUSED)
        run = Run(mutations=(mutation,), our_hop=named(pending) if pending else None)
        declaration = declared(*GUIDE, delivers=True, cancel=cancel)
        assert decided(deployment("AC 2.2.3", pending), declaration, run) == Refuse(MutationRefused(mutation))

    def test_an_image_is_delivered_once_per_hop_and_run(self) -> None:
        """The reported versions show whether Houston accepted it."""
        run = Run(mutations=(sent(MutationKind.DELIVER, "AC 2.3.0", Outcome.ANSWERED),), now=100.0)
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
    def test_an_unanswered_delivery_without_an_effect_is_repeated(
        self, seconds: float, attempts: int, expected: str
    ) -> None:
        """A restart of Houston must not cost the whole timeout."""
        lost = sent(MutationKind.DELIVER, "AC 2.3.0", Outcome.DOUBTFUL, attempts=attempts)
        run = Run(mutations=(lost,), now=seconds)
        seen = deployment("AC 2.2.3", "AC 2.3.0")
        assert step(decided(seen, declared(*GUIDE, delivers=True), run)) == (expected, "AC 2.3.0")

    def test_a_delivery_that_was_never_sent_is_repeated(self) -> None:
        """It cannot have had an effect."""
        run = Run(mutations=(sent(MutationKind.DELIVER, "AC 2.3.0", Outcome.UNSENT),), now=SETTLE_SECONDS)
        seen = deployment("AC 2.2.3", "AC 2.3.0")
        assert step(decided(seen, declared(*GUIDE, delivers=True), run)) == ("Deliver", "AC 2.3.0")

    def test_a_start_with_an_effect_is_followed_by_its_delivery(self) -> None:
        """Houston's report counts, not the lost answer."""
        run = Run(mutations=(sent(MutationKind.START, "AC 2.3.0", Outcome.DOUBTFUL),))
        seen = deployment("AC 2.2.3", "AC 2.3.0")
        assert step(decided(seen, declared(*GUIDE, delivers=True), run)) == ("Deliver", "AC 2.3.0")

    def test_a_cancel_without_an_effect_gets_time(self) -> None:
        """Like any other mutation."""
        run = Run(our_hop=named("AC 2.2.4"), mutations=(sent(MutationKind.CANCEL, "AC 2.2.4", Outcome.DOUBTFUL),))
        seen = deployment("AC 2.2.3", "AC 2.2.4")
        assert step(decided(seen, declared(*GUIDE, cancel="AC 2.2.4"), run)) == ("Wait settling", "")


class TestUpgradesByImage:
    """From 0.36 on, an image alone makes a Runtime upgrade: no hop is started or pending."""

    BY_IMAGE = Platform(version="0.36.0", upgrades_by_image=True)
    PATH = ("Runtime 4.2.5", "Runtime 5.0.4")

    @pytest.mark.parametrize(
        ("delivers", "expected"),
        [(True, ("Deliver", "Astro Runtime 5.0.4")), (False, ("Wait image", "Astro Runtime 5.0.4"))],
    )
    def test_the_image_is_the_first_step(self, delivers: bool, expected: tuple[str, str]) -> None:
        """Ours, or another user's."""
        declaration = declared(*self.PATH, delivers=delivers)
        assert step(decided(deployment("Runtime 4.2.5"), declaration, platform=self.BY_IMAGE)) == expected

    def test_the_image_is_delivered_once(self) -> None:
        """Then the run waits for Houston to report the version."""
        run = Run(mutations=(sent(MutationKind.DELIVER, "Runtime 5.0.4", Outcome.DOUBTFUL),))
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
    """Houston's report alone is not an arrival."""

    def test_the_next_hop_waits_for_the_airflow(self) -> None:
        """It must be healthy and have the expected version."""
        run = Run(unconfirmed=named("AC 2.3.0"), health=SICK)
        assert step(decided(deployment("AC 2.3.0"), declared(*GUIDE), run)) == ("Wait health", "")

    def test_the_end_waits_for_the_airflow(self) -> None:
        """At the target too."""
        run = Run(unconfirmed=named("Runtime 5.0.4"))
        assert step(decided(deployment("Runtime 5.0.4"), declared(*GUIDE), run)) == ("Wait health", "")


class TestWaiting:
    """Timeouts, and runs that do not wait."""

    @pytest.mark.parametrize(
        ("run", "seen", "what"),
        [
            pytest.param(Run(now=TIMEOUT), deployment("AC 2.2.3", "AC 2.3.0"), Waiting.IMAGE, id="for an image"),
            pytest.param(
                Run(now=TIMEOUT, unconfirmed=named("AC 2.3.0")), deployment("AC 2.3.0"), Waiting.HEALTH, id="for health"
            ),
        ],
    )
    def test_a_timeout_ends_the_run(self, run: Run, seen: Deployment, what: Waiting) -> None:
        """Counted from the beginning of this run's wait for the hop."""
        decision = decided(seen, declared(*GUIDE), run)
        assert isinstance(decision, Refuse)
        assert isinstance(decision.reason, TimedOut)
        assert (decision.reason.waiting.what, decision.reason.seconds) == (what, TIMEOUT)

    def test_a_timeout_names_the_last_health_of_the_airflow(self) -> None:
        """It is the first thing that a user wants to know."""
        run = Run(now=TIMEOUT, unconfirmed=named("AC 2.3.0"), health=SICK)
        decision = decided(deployment("AC 2.3.0"), declared(*GUIDE), run)
        assert decision == Refuse(
            TimedOut(Wait(Waiting.HEALTH, None), TIMEOUT, "its scheduler is unhealthy", AirflowVersion(2, 3, 0))
        )

    @pytest.mark.parametrize(
        ("run", "seen", "expected"),
        [
            pytest.param(Run(), deployment("AC 2.2.3"), ("Start", "AC 2.3.0"), id="a hop starts"),
            pytest.param(
                Run(),
                deployment("AC 2.2.3", "AC 2.3.0"),
                ("Refuse", "HandedOver"),
                id="the run does not wait for an image",
            ),
            pytest.param(
                Run(unconfirmed=named("AC 2.3.0"), health=SICK),
                deployment("AC 2.3.0"),
                ("Refuse", "HandedOver"),
                id="the run does not wait for pods",
            ),
            pytest.param(
                Run(unconfirmed=named("AC 2.3.0"), health=HEALTHY),
                deployment("AC 2.3.0"),
                ("Wait health", ""),
                id="a healthy Airflow is read again",
            ),
            pytest.param(
                Run(mutations=(sent(MutationKind.START, "AC 2.3.0", Outcome.DOUBTFUL),)),
                deployment("AC 2.2.3"),
                ("Wait settling", "AC 2.3.0"),
                id="an unanswered mutation is decided",
            ),
        ],
    )
    def test_without_wait_the_run_ends_when_a_user_must_act(
        self, run: Run, seen: Deployment, expected: tuple[str, str]
    ) -> None:
        """With `wait: false`."""
        assert step(decided(seen, declared(*GUIDE, wait=False), run)) == expected

    def test_without_wait_the_run_ends_after_a_delivery(self) -> None:
        """Houston makes the rollout."""
        run = Run(mutations=(sent(MutationKind.DELIVER, "AC 2.3.0", Outcome.ANSWERED),))
        decision = decided(deployment("AC 2.2.3", "AC 2.3.0"), declared(*GUIDE, wait=False, delivers=True), run)
        assert isinstance(decision, Refuse)
        assert isinstance(decision.reason, HandedOver)
        assert decision.reason.waiting.what is Waiting.ROLLOUT


def release(name: str, airflow: str | None = None) -> Release:
    """Return a release of the guide's catalog, with another Airflow version if given."""
    found = CATALOG.get(named(name))
    assert found is not None
    return CATALOG.describe(found.id, AirflowVersion.parse(airflow)) if airflow else found


class TestContradictingReports:
    """One report of Houston does not overrule what this run has observed before."""

    @pytest.mark.parametrize(
        ("runs", "pending", "run", "reason"),
        [
            pytest.param("AC 2.2.3", None, Run(reached=release("AC 2.3.0")), "FellBack", id="a lower version"),
            pytest.param(
                "AC 2.2.3",
                "AC 2.3.0",
                Run(reached=release("AC 2.3.0")),
                "FellBack",
                id="a lower version with the hop pending again",
            ),
            pytest.param(
                "AC 2.2.3",
                "AC 2.2.4",
                Run(reached=release("AC 2.3.0")),
                "FellBack",
                id="a lower version with another pending hop",
            ),
            pytest.param(
                "AC 2.2.3", None, Run(seen_pending=frozenset({named("AC 2.3.0")})), "Withdrawn", id="a hop is gone"
            ),
            pytest.param("AC 2.2.3", "AC 2.2.4", Run(), "Refusal", id="another hop is pending"),
            pytest.param("AC 2.2.4", None, Run(), "PathChanged", id="something off the path runs"),
        ],
    )
    def test_a_contradiction_ends_the_run_only_after_the_settling_time(
        self, runs: str, pending: str | None, run: Run, reason: str
    ) -> None:
        """Or at the timeout. An outage restarts the settling time."""
        seen = deployment(runs, pending)
        for looked, expected in ((SETTLE_SECONDS - 0.1, "Wait"), (SETTLE_SECONDS, "Refuse")):
            later = replace(run, unchanged_since=100.0, observed_at=100.0 + looked, now=100.0 + looked)
            assert type(decided(seen, declared(*GUIDE), later)).__name__ == expected
        assert step(decided(seen, declared(*GUIDE), replace(run, unchanged_since=0.0, now=TIMEOUT))) == (
            "Refuse",
            reason,
        )
        assert step(decided(seen, declared(*GUIDE), run)) == ("Refuse", reason)

    def test_nothing_is_done_while_a_lower_version_is_reported(self) -> None:
        """The run starts, delivers and cancels nothing, whatever the plan from there would be."""
        run = Run(reached=release("AC 2.3.0"), unchanged_since=0.0, our_hop=named("AC 2.2.4"))
        for pending in (None, "AC 2.3.0", "AC 2.2.4"):
            declaration = declared(*GUIDE, delivers=True, cancel="AC 2.2.4")
            assert step(decided(deployment("AC 2.2.3", pending), declaration, run)) == ("Wait settling", "")

    def test_an_outage_does_not_end_the_run_before_the_timeout(self) -> None:
        """Whatever the run has observed before."""
        run = Run(outage="Houston cannot be reached", now=TIMEOUT - 1)
        assert step(decided(deployment("AC 2.2.3"), declared(*GUIDE, wait=False), run)) == ("Wait answer", "")
        decision = decided(deployment("AC 2.2.3"), declared(*GUIDE), replace(run, now=TIMEOUT))
        assert decision == Refuse(TimedOut(Wait(Waiting.ANSWER, None), TIMEOUT, "Houston cannot be reached"))

    @pytest.mark.parametrize("kind", [MutationKind.START, MutationKind.CANCEL])
    def test_short_contradictions_do_not_decide_about_mutations(self, kind: MutationKind) -> None:
        """An answered mutation is not reported as ineffective, and a lost one is not repeated."""
        pending = "AC 2.2.4" if kind is MutationKind.CANCEL else None
        about = pending or "AC 2.3.0"
        for outcome in (Outcome.ANSWERED, Outcome.DOUBTFUL):
            run = Run(
                mutations=(sent(kind, about, outcome),),
                our_hop=named("AC 2.2.4"),
                now=50.0,
                observed_at=50.0,
                unchanged_since=45.0,
            )
            decision = decided(deployment("AC 2.2.3", pending), declared(*GUIDE, cancel="AC 2.2.4"), run)
            assert step(decision)[0] == "Wait settling"

    def test_a_hop_that_was_cancelled_in_this_run_is_not_cancelled_again(self) -> None:
        """Also if another hop was started since."""
        run = Run(
            mutations=(
                sent(MutationKind.CANCEL, "AC 2.2.4", Outcome.ANSWERED),
                sent(MutationKind.START, "AC 2.3.0", Outcome.ANSWERED),
            ),
            now=50.0,
        )
        declaration = declared(*GUIDE, cancel="AC 2.2.4", accepted=AcceptedRisks(cancel_pending=True))
        assert step(decided(deployment("AC 2.2.3", "AC 2.2.4"), declaration, run)) == ("Refuse", "NoEffect")


class TestAirflowVersionOfAHop:
    """The Airflow version that the platform offers for the hop's target."""

    OTHER = replace(deployment("Runtime 5.0.4"), current=release("Runtime 5.0.4", "2.2.5"))
    PATH = ("Runtime 4.2.5", "Runtime 5.0.4")

    def test_the_offered_airflow_version_is_expected(self) -> None:
        """Whatever Houston reports."""
        assert str(observed(self.OTHER).expected_airflow) == "2.3.0"

    def test_the_reported_airflow_version_is_expected_without_an_offer(self) -> None:
        """No other source has it."""
        rest = Catalog(each for each in CATALOG.runtime if each.id != named("Runtime 5.0.4"))
        assert str(observed(self.OTHER, catalog=rest).expected_airflow) == "2.2.5"

    @pytest.mark.parametrize("confirm", [True, False])
    def test_another_airflow_version_stops_only_the_run_of_its_hop(self, confirm: bool) -> None:
        """A wrong offer must not block a Deployment: what arrived before this run is confirmed."""
        run = Run(unconfirmed=named("Runtime 5.0.4"), arrived_before=True, wrong_airflow_reads=HEALTHY_READS)
        decision = decided(self.OTHER, declared(*self.PATH, ask_airflow=confirm), run)
        assert step(decision) == ("Wait health", "")

    @pytest.mark.parametrize(
        ("reads", "expected"), [(0, "Wait health"), (HEALTHY_READS - 1, "Wait health"), (HEALTHY_READS, "Refuse")]
    )
    def test_another_airflow_version_stops_the_run_if_houston_and_airflow_agree(
        self, reads: int, expected: str
    ) -> None:
        """Several times in a row: one answer may come from an old pod."""
        run = Run(unconfirmed=named("Runtime 5.0.4"), wrong_airflow_reads=reads)
        decision = decided(self.OTHER, declared(*self.PATH), run)
        assert step(decision)[0] == expected
        if isinstance(decision, Refuse):
            assert decision.reason == WrongAirflow(AirflowVersion(2, 3, 0), asked_airflow=True)

    def test_a_run_without_wait_reads_as_often(self) -> None:
        """No user has to act for that."""
        run = Run(unconfirmed=named("Runtime 5.0.4"), wrong_airflow_reads=1, health=SICK)
        assert step(decided(self.OTHER, declared(*self.PATH, wait=False), run)) == ("Wait health", "")

    def test_with_verify_houston_another_airflow_version_must_last(self) -> None:
        """Houston may report the new release before its Airflow version."""
        run = Run(unconfirmed=named("Runtime 5.0.4"), unchanged_since=0.0, observed_at=SETTLE_SECONDS - 1)
        declaration = declared(*self.PATH, ask_airflow=False)
        assert step(decided(self.OTHER, declaration, run)) == ("Wait settling", "")
        decision = decided(self.OTHER, declaration, replace(run, observed_at=SETTLE_SECONDS))
        assert decision == Refuse(WrongAirflow(AirflowVersion(2, 3, 0), asked_airflow=False))


class TestMemory:
    """A run never forgets what it has observed."""

    PATH = tuple(map(named, GUIDE))
    OLD, NEW = deployment("AC 2.2.3"), deployment("AC 2.3.0")

    def begun(self) -> Run:
        """Return a run that has just begun on AC 2.2.3, at 0 s."""
        return Run(reached=self.OLD.current, was_confirmed=True)

    def test_the_health_timeout_starts_at_the_first_arrival_only(self) -> None:
        """However often the version changes afterwards."""
        run = self.begun().at(5.0).observed(self.OLD, self.NEW, self.PATH)
        assert (run.clock_started, run.unconfirmed) == (5.0, named("AC 2.3.0"))
        for now in range(6, 60, 2):
            run = (
                run.at(now).observed(self.NEW, self.OLD, self.PATH).at(now + 1).observed(self.OLD, self.NEW, self.PATH)
            )
        assert run.clock_started == 5.0

    def test_the_next_hops_timeout_starts_at_the_first_confirmation_only(self) -> None:
        """A hop that reverted is confirmed again, within the running timeout."""
        run = self.begun().at(5.0).observed(self.OLD, self.NEW, self.PATH).at(8.0).confirmed()
        assert (run.clock_started, run.unconfirmed) == (8.0, None)
        run = run.at(20.0).observed(self.NEW, self.OLD, self.PATH).at(21.0).observed(self.OLD, self.NEW, self.PATH)
        assert run.unconfirmed == named("AC 2.3.0")
        assert run.at(40.0).confirmed().clock_started == 8.0

    def test_a_version_that_came_back_is_checked_after_the_settling_time(self) -> None:
        """Not before."""
        run = self.begun().at(5.0).observed(self.OLD, self.NEW, self.PATH)
        assert run.can_confirm(self.NEW)
        run = run.at(6.0).observed(self.NEW, self.OLD, self.PATH)
        assert not run.can_confirm(self.OLD)
        run = run.at(7.0).observed(self.OLD, self.NEW, self.PATH)
        assert not run.can_confirm(self.NEW)
        assert run.at(7.0 + SETTLE_SECONDS).observed(self.NEW, self.NEW, self.PATH).can_confirm(self.NEW)

    def test_an_outage_restarts_the_settling_time(self) -> None:
        """Nothing was observed during it."""
        run = self.begun().at(5.0).observed(self.NEW, self.OLD, self.PATH).at(30.0).unanswered("no answer")
        assert not run.settled
        assert not run.at(31.0).observed(self.OLD, self.OLD, self.PATH).settled

    def test_our_own_hop_is_forgotten_once_it_stays_gone(self) -> None:
        """Not at once: the next answer may show it again."""
        pending = deployment("AC 2.2.3", "AC 2.3.0")
        run = self.begun().at(1.0).sent(MutationKind.START, named("AC 2.3.0"), Outcome.ANSWERED, "")
        run = run.observed(self.OLD, pending, self.PATH).at(2.0).observed(pending, self.OLD, self.PATH)
        assert run.our_hop == named("AC 2.3.0")
        assert run.at(2.0 + SETTLE_SECONDS).observed(self.OLD, self.OLD, self.PATH).our_hop is None

    def test_a_start_that_was_never_observed_stays_ours(self) -> None:
        """It may still appear."""
        run = self.begun().at(1.0).sent(MutationKind.START, named("AC 2.3.0"), Outcome.DOUBTFUL, "lost")
        for now in (2.0, 60.0):
            run = run.at(now).observed(self.OLD, self.OLD, self.PATH)
        assert run.our_hop == named("AC 2.3.0")

    def test_releases_are_compared_by_the_path_and_else_by_their_order(self) -> None:
        """A migration that reports a lower Airflow version is not below the AC version before it."""
        odd = replace(self.NEW, current=release("Runtime 5.0.4", "2.2.5"))
        run = self.begun().observed(self.OLD, self.NEW, self.PATH).observed(self.NEW, odd, self.PATH)
        assert (run.unconfirmed, run.fell_back) == (named("Runtime 5.0.4"), False)
        assert run.observed(odd, deployment("AC 2.2.5"), self.PATH).fell_back

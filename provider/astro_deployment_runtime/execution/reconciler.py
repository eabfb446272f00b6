"""The next step of a run, decided from the current observation. Pure.

A first run, a resumed run, a run after a crash and a run after a human's click use the same code, because only the
observation counts. The executor observes and acts; it decides nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from astro_deployment_runtime.execution.decision_types import (
    Cancel,
    Deliver,
    Done,
    FellBack,
    HandedOver,
    MutationRefused,
    NoEffect,
    PathChanged,
    Refuse,
    Start,
    TimedOut,
    Wait,
    Waiting,
    Withdrawn,
    WrongAirflow,
)
from astro_deployment_runtime.execution.health_confirmation import HEALTHY_READS
from astro_deployment_runtime.execution.run_memory import SETTLE_SECONDS, Mutation, MutationKind, Outcome
from astro_deployment_runtime.planning.pending_hop import owner_of
from astro_deployment_runtime.planning.plan_model import Refusal, RuleId
from astro_deployment_runtime.planning.plan_request import PlanRequest
from astro_deployment_runtime.planning.planner import plan

if TYPE_CHECKING:
    from astro_deployment_runtime.execution.decision_types import Decision, Observation, Reason, WalkRequest
    from astro_deployment_runtime.planning.plan_model import Hop, Plan

ATTEMPTS: Final = 3
"""Attempts of one mutation, while its answers are lost and Houston shows no effect."""


def decide(observation: Observation, request: WalkRequest) -> Decision:
    """Decide the next step.

    The path is planned again from the current release. It has to be the rest of the path that the preview showed.
    Hops that others made leave such a rest; a release that appeared or disappeared may not.
    """
    return _Situation(observation, request).decide()


@dataclass(frozen=True, slots=True)
class _Situation:
    """One observation of one walk."""

    observation: Observation
    request: WalkRequest

    def decide(self) -> Decision:  # noqa: PLR0911 - one for each situation
        run, current = self.observation.run, self.observation.deployment.current
        if run.outage:
            return self.wait(Waiting.ANSWER)
        if run.reached is not None and current.id != run.reached.id:
            return self.refuse_if_settled(FellBack(run.reached.id, run.unchanged_for))
        expected = self.observation.expected_airflow
        if run.unconfirmed is not None and not run.expects(expected, self.observation.deployment):
            # The next hop depends on the Airflow version, so nothing is planned before that is clear.
            return self.wrong_airflow()
        planned = self.plan()
        if isinstance(planned, Refusal):
            return self.refuse_if_settled(planned)
        path, shown = planned.path, self.request.path
        if path != shown[-len(path) :] or planned.cancel not in {None, self.request.cancel}:
            return self.refuse_if_settled(PathChanged(shown, path, planned.cancel))
        if run.unconfirmed is not None:
            return self.wait(Waiting.HEALTH)
        if planned.cancel is not None:
            return self.mutate(Cancel(planned.cancel))
        if not planned.hops:
            return Done(planned)
        return self.advance(planned.hops[0])

    def plan(self) -> Plan | Refusal:
        """Plan the rest of the path."""
        deployment, run = self.observation.deployment, self.observation.run
        return plan(
            PlanRequest(
                current=deployment.current,
                target=self.request.target,
                catalog=self.observation.catalog,
                strategy=self.request.strategy,
                accepted=self.request.accepted,
                platform=self.observation.platform,
                pending=deployment.pending,
                pending_owner=owner_of(deployment.pending, run.our_hop),
            )
        )

    def refuse_if_settled(self, reason: Reason) -> Decision:
        """Refuse once Houston has repeated its answer for long enough. A single one may come from a stale replica."""
        run = self.observation.run
        if run.settled or run.waited >= self.request.timeout:
            return Refuse(reason)
        return Wait(Waiting.SETTLING, None)

    def wrong_airflow(self) -> Decision:
        """Decide about a release that arrived with an unexpected Airflow version, as Houston reports it."""
        expected = self.observation.expected_airflow
        if not self.request.ask_airflow:
            return self.refuse_if_settled(WrongAirflow(expected, asked_airflow=False))
        if self.observation.run.wrong_airflow_reads >= HEALTHY_READS:
            return Refuse(WrongAirflow(expected, asked_airflow=True))
        return self.wait(Waiting.HEALTH)

    def advance(self, hop: Hop) -> Decision:
        """Start the hop, deliver its image, or wait for it."""
        run, target = self.observation.run, hop.target.id
        delivery = run.last(MutationKind.DELIVER, target)
        delivered = delivery is not None and delivery.may_have_effect
        image_is_enough = self.observation.platform.upgrades_by_image and hop.rule is RuleId.RUNTIME_UPGRADE
        if self.observation.deployment.pending is None and not image_is_enough:
            if target in run.seen_pending:
                return self.refuse_if_settled(Withdrawn(hop, delivered=delivered))
            return self.mutate(Start(hop))
        # The pending hop is this one, because the planner cancels or refuses any other.
        if not self.request.delivers:
            return self.wait(Waiting.IMAGE, hop)
        if delivery is not None and delivered and not self.may_repeat(delivery):
            # Once per hop and run: Houston is as silent about a wrong image as about a late one.
            return self.wait(Waiting.ROLLOUT, hop)
        return self.mutate(Deliver(hop))

    def mutate(self, step: Start | Deliver | Cancel) -> Decision:
        """Take the step, unless this run has taken it before and Houston may still show its effect."""
        last = self.observation.run.last(step.kind, step.release)
        if last is None:
            return step
        if last.outcome is Outcome.REFUSED:
            return Refuse(MutationRefused(last))
        if not self.shows_no_effect(last):
            return self.wait(Waiting.SETTLING, None if isinstance(step, Cancel) else step.hop)
        if last.outcome is Outcome.ANSWERED or last.attempts >= ATTEMPTS:
            return Refuse(NoEffect(last))
        return step

    def may_repeat(self, delivery: Mutation) -> bool:
        """Return whether to deliver again: the answer was lost, and Houston shows no effect. A repeat does no harm."""
        return delivery.outcome is Outcome.DOUBTFUL and delivery.attempts < ATTEMPTS and self.shows_no_effect(delivery)

    def shows_no_effect(self, mutation: Mutation) -> bool:
        """Return whether Houston would show an effect by now. Asked where it shows none."""
        run = self.observation.run
        return run.settled and run.now - mutation.at >= SETTLE_SECONDS

    def wait(self, what: Waiting, hop: Hop | None = None) -> Decision:
        """Wait until the timeout, or not at all where somebody else has to act and the user declared so."""
        run, waiting = self.observation.run, Wait(what, hop)
        if run.waited >= self.request.timeout:
            return Refuse(self.timed_out(waiting))
        unhealthy = run.health is not None and not run.health.healthy and not run.wrong_airflow_reads
        others_act = what in {Waiting.IMAGE, Waiting.ROLLOUT} or (what is Waiting.HEALTH and unhealthy)
        return Refuse(HandedOver(waiting)) if others_act and not self.request.wait else waiting

    def timed_out(self, waiting: Wait) -> TimedOut:
        """Name the last finding about what the run waited for."""
        run, seconds = self.observation.run, self.request.timeout
        match waiting.what:
            case Waiting.HEALTH:
                seen = run.health.detail if run.health else ""
                return TimedOut(waiting, seconds, seen, self.observation.expected_airflow)
            case Waiting.ANSWER:
                return TimedOut(waiting, seconds, run.outage)
            case _:
                return TimedOut(waiting, seconds)

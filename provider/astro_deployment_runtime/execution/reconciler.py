"""The heart: what is to be done next, decided from what is observed now.

:func:`decide` is pure. A first run, a resumed run, a run after a crash and a run after a human's click are the same
code, because nothing but the observation counts: what the Deployment runs, what is pending, how its Airflow is, and
what this run did and saw so far. The executor fills the observation and does what is decided; it decides nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final, TypeAlias

from astro_deployment_runtime.execution.decisions import SETTLE_SECONDS, Mutation, MutationKind, Outcome
from astro_deployment_runtime.execution.health_confirmation import HEALTHY_READS
from astro_deployment_runtime.planning.model import Refusal, RuleId
from astro_deployment_runtime.planning.pending_hop import owner_of
from astro_deployment_runtime.planning.plan_request import PlanRequest
from astro_deployment_runtime.planning.planner import plan

if TYPE_CHECKING:
    from astro_deployment_runtime.execution.decisions import Declaration, Observation, Run
    from astro_deployment_runtime.planning.catalog import Catalog
    from astro_deployment_runtime.planning.model import Deployment, Hop, Plan, Platform
    from astro_deployment_runtime.planning.versions import AirflowVersion, ReleaseId


ATTEMPTS: Final = 3
"""How often one mutation is sent when its answers are lost and reading shows that it was not taken."""


_MAY_BE_DONE: Final = {Outcome.ANSWERED, Outcome.DOUBTFUL}


class Waiting(StrEnum):
    """For what."""

    SETTLING = "settling"
    """For Houston to show what became of a mutation, or whether what it shows lasts."""
    ANSWER = "answer"
    """For Houston to answer."""
    IMAGE = "image"
    """For somebody to deploy an image."""
    ROLLOUT = "rollout"
    """For Houston to take the image that we delivered."""
    HEALTH = "health"
    """For the Airflow to come back, healthy and at the expected version."""


@dataclass(frozen=True, slots=True)
class Start:
    """Start this hop."""

    hop: Hop


@dataclass(frozen=True, slots=True)
class Deliver:
    """Deliver this hop's image."""

    hop: Hop


@dataclass(frozen=True, slots=True)
class Cancel:
    """Cancel this pending hop."""

    pending: ReleaseId


@dataclass(frozen=True, slots=True)
class Wait:
    """Look again later."""

    what: Waiting
    hop: Hop | None  # None where the wait is not about the path's next hop


@dataclass(frozen=True, slots=True)
class Done:
    """There is nothing left to do."""

    plan: Plan


@dataclass(frozen=True, slots=True)
class PathChanged:
    """What would be walked now is not the rest of what was shown."""

    was: tuple[ReleaseId, ...]
    now: tuple[ReleaseId, ...]
    cancel: ReleaseId | None  # what would have to be cancelled first, unlike what was shown


@dataclass(frozen=True, slots=True)
class MutationRefused:
    """Houston said no."""

    mutation: Mutation


@dataclass(frozen=True, slots=True)
class NotTaken:
    """A mutation was sent, again and again where its answer was lost, and Houston does not show its effect."""

    mutation: Mutation


@dataclass(frozen=True, slots=True)
class Withdrawn:
    """A hop that this run has seen pending is pending no more, and has not arrived."""

    hop: Hop
    delivered: bool
    """This run delivered its image."""


@dataclass(frozen=True, slots=True)
class FellBack:
    """Houston reported a release as current, and since then reports a lower one."""

    reached: ReleaseId
    seconds: float
    """For how long it was seen to report the lower one."""


@dataclass(frozen=True, slots=True)
class WrongAirflow:
    """What arrived has another Airflow version than the platform offers it with."""

    expected: AirflowVersion
    told: bool
    """The Airflow itself told its version; else it was not asked, and Houston alone did."""


@dataclass(frozen=True, slots=True)
class TimedOut:
    """The hop at hand took longer than declared."""

    waiting: Wait
    seconds: float
    seen: str = ""
    """What was found last, as a clause; empty where nothing tells."""
    airflow: AirflowVersion | None = None
    """The Airflow version that was waited for."""


@dataclass(frozen=True, slots=True)
class HandedOver:
    """Somebody else has to act, and we were told not to wait for that."""

    waiting: Wait


Reason: TypeAlias = (
    Refusal | PathChanged | MutationRefused | NotTaken | Withdrawn | FellBack | WrongAirflow | TimedOut | HandedOver
)


@dataclass(frozen=True, slots=True)
class Refuse:
    """Stop here, for this reason. Nothing more is changed."""

    reason: Reason


Decision: TypeAlias = Start | Deliver | Cancel | Wait | Done | Refuse


def path_of(planned: Plan) -> tuple[ReleaseId, ...]:
    """Return the releases of a plan, from the current one to the target."""
    return (planned.current.id, *(hop.target.id for hop in planned.hops))


def decide(observation: Observation, declaration: Declaration, catalog: Catalog) -> Decision:
    """Decide the next step.

    The plan is made anew from what runs now. It has to be the rest of the path that was shown: hops that others have
    done meanwhile leave a legal rest, a release that appeared or was withdrawn may not.
    """
    return _Case(
        deployment=observation.deployment,
        platform=observation.platform,
        run=observation.run,
        declaration=declaration,
        catalog=catalog,
    ).decide()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Case:
    """Everything that a decision rests on."""

    deployment: Deployment
    platform: Platform
    run: Run
    declaration: Declaration
    catalog: Catalog

    def decide(self) -> Decision:  # noqa: PLR0911 - one for each situation
        current, pending, run = self.deployment.current, self.deployment.pending, self.run
        if run.outage:
            return self.wait(Waiting.ANSWER)
        if run.reached is not None and current.id != run.reached.id:
            return self.once_settled(FellBack(run.reached.id, run.steady))
        if run.arrived is not None and current.airflow != self.expected and not run.resumed:
            # The next hop depends on what the Airflow is, and that is in doubt.
            return self.other_airflow()
        planned = plan(
            PlanRequest(
                current=current,
                target=self.declaration.target,
                catalog=self.catalog,
                strategy=self.declaration.strategy,
                accepted=self.declaration.accepted,
                platform=self.platform,
                pending=pending,
                pending_owner=owner_of(pending, run.ours),
            )
        )
        if isinstance(planned, Refusal):
            return self.once_settled(planned)
        path, shown = path_of(planned), self.declaration.path
        if path != shown[-len(path) :] or planned.cancel not in {None, self.declaration.cancel}:
            return self.once_settled(PathChanged(shown, path, planned.cancel))
        if run.arrived is not None:
            return self.wait(Waiting.HEALTH)
        if planned.cancel is not None:
            return self.mutate(Cancel(planned.cancel), MutationKind.CANCEL, planned.cancel)
        if not planned.hops:
            return Done(planned)
        return self.bring(planned.hops[0])

    @property
    def expected(self) -> AirflowVersion:
        return expected_airflow(self.deployment, self.catalog)

    def once_settled(self, reason: Reason) -> Decision:
        """Stop for what Houston shows only when it has shown it long enough: one answer may be a stale replica's."""
        if self.run.settled or self.run.waited >= self.declaration.timeout:
            return Refuse(reason)
        return Wait(Waiting.SETTLING, None)

    def other_airflow(self) -> Decision:
        """Houston reports another Airflow version than the expected one for what has arrived."""
        if not self.declaration.confirm:
            return self.once_settled(WrongAirflow(self.expected, told=False))
        if self.run.other_reads >= HEALTHY_READS:
            return Refuse(WrongAirflow(self.expected, told=True))
        return self.wait(Waiting.HEALTH)

    def bring(self, hop: Hop) -> Decision:
        """Start the hop, deliver its image, or wait for it."""
        target = hop.target.id
        delivery = self.run.last(MutationKind.DELIVER, target)
        delivered = delivery is not None and delivery.outcome in _MAY_BE_DONE
        by_image = self.platform.upgrades_by_image and hop.rule is RuleId.RUNTIME_UPGRADE
        if self.deployment.pending is None and not by_image:
            if target in self.run.seen:
                return self.once_settled(Withdrawn(hop, delivered=delivered))
            return self.mutate(Start(hop), MutationKind.START, target)
        # What is pending is this hop: the planner cancels or refuses everything else. Or its image alone makes it.
        if not self.declaration.delivers:
            return self.wait(Waiting.IMAGE, hop)
        if delivery is not None and delivered and not self.may_repeat(delivery):
            # Once per hop and run where it was answered: a wrong image is as silent as a late one.
            return self.wait(Waiting.ROLLOUT, hop)
        return self.mutate(Deliver(hop), MutationKind.DELIVER, target)

    def may_repeat(self, delivery: Mutation) -> bool:
        """Return whether its answer was lost and reading shows no effect. The same image twice does no harm."""
        return delivery.outcome is Outcome.DOUBTFUL and delivery.attempts < ATTEMPTS and self.shows_no_effect(delivery)

    def shows_no_effect(self, mutation: Mutation) -> bool:
        """Return whether Houston would show an effect by now, asked where there is none."""
        return self.run.settled and self.run.now - mutation.at >= SETTLE_SECONDS

    def mutate(self, step: Start | Deliver | Cancel, kind: MutationKind, release: ReleaseId) -> Decision:
        """Do it, unless it was done already in this run and reading shows no effect."""
        last = self.run.last(kind, release)
        if last is None:
            return step
        if last.outcome is Outcome.REFUSED:
            return Refuse(MutationRefused(last))
        if not self.shows_no_effect(last):
            return self.wait(Waiting.SETTLING, None if isinstance(step, Cancel) else step.hop)
        if last.outcome is Outcome.ANSWERED or last.attempts >= ATTEMPTS:
            return Refuse(NotTaken(last))
        return step

    def wait(self, what: Waiting, hop: Hop | None = None) -> Decision:
        """Wait, unless the time is over or somebody else has to act and we were told not to wait for that."""
        run, waiting = self.run, Wait(what, hop)
        if run.waited >= self.declaration.timeout:
            seen = {Waiting.HEALTH: run.health.detail if run.health else "", Waiting.ANSWER: run.outage}.get(what, "")
            airflow = self.expected if what is Waiting.HEALTH else None
            return Refuse(TimedOut(waiting, self.declaration.timeout, seen, airflow))
        if not self.declaration.wait:
            unhealthy = run.health is not None and not run.health.healthy and not run.other_reads
            if what in {Waiting.IMAGE, Waiting.ROLLOUT} or (what is Waiting.HEALTH and unhealthy):
                return Refuse(HandedOver(waiting))
        return waiting


def expected_airflow(deployment: Deployment, catalog: Catalog) -> AirflowVersion:
    """Return the Airflow version that the platform offers what runs with; Houston's, where it is no longer on offer."""
    offered = catalog.get(deployment.current.id)
    return offered.airflow if offered else deployment.current.airflow

"""The heart: what is to be done next, decided from what is observed now.

:func:`decide` is pure. A first run, a resumed run, a run after a crash and a run after a human's click are the same
code, because nothing but the observation counts: what the Deployment runs, what is pending, how its Airflow is, and
what this run did and saw so far. The executor fills the observation and does what is decided; it decides nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final, TypeAlias

from astro_deployment_runtime.model import Refusal, RuleId
from astro_deployment_runtime.planner import plan
from astro_deployment_runtime.situation import Mutation, MutationKind, Outcome

if TYPE_CHECKING:
    from astro_deployment_runtime.catalog import Catalog
    from astro_deployment_runtime.model import Hop, Plan
    from astro_deployment_runtime.situation import Declaration, Observation, Run
    from astro_deployment_runtime.versions import ReleaseId

SETTLE_SECONDS: Final = 10.0
"""How long a mutation without an answer may still take effect. Only after that it counts as not taken."""

ATTEMPTS: Final = 3
"""How often one mutation is sent when its answers are lost and reading shows that it was not taken."""


_MAY_BE_DONE: Final = {Outcome.ANSWERED, Outcome.DOUBTFUL}


class Waiting(StrEnum):
    """For what."""

    SETTLING = "settling"
    """For Houston to show what became of a mutation."""
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
    hop: Hop | None  # None where an arrival is being confirmed, or a cancel settles


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
    """A mutation was sent, again and again where its answer was lost, and reading shows no effect."""

    mutation: Mutation


@dataclass(frozen=True, slots=True)
class Withdrawn:
    """A hop that this run has seen pending is no longer: somebody cancelled it."""

    hop: Hop


@dataclass(frozen=True, slots=True)
class TimedOut:
    """The hop at hand took longer than declared."""

    waiting: Wait
    seconds: float
    seen: str = ""
    """What was found last, as a clause; empty where nothing tells."""


@dataclass(frozen=True, slots=True)
class HandedOver:
    """Somebody else has to act, and we were told not to wait for that."""

    waiting: Wait


Reason: TypeAlias = Refusal | PathChanged | MutationRefused | NotTaken | Withdrawn | TimedOut | HandedOver


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
    deployment, run = observation.deployment, observation.run
    planned = plan(
        deployment.current,
        declaration.target,
        catalog,
        strategy=declaration.strategy,
        accepted=declaration.accepted,
        platform=observation.platform,
        pending=deployment.pending,
        pending_is_ours=deployment.pending is not None and deployment.pending == run.ours,
    )
    if isinstance(planned, Refusal):
        return Refuse(planned)
    path = path_of(planned)
    if path != declaration.path[-len(path) :] or planned.cancel not in {None, declaration.cancel}:
        return Refuse(PathChanged(declaration.path, path, planned.cancel))
    if run.arrived is not None:
        return _wait(Waiting.HEALTH, None, run, declaration)
    if planned.cancel is not None:
        return _mutate(Cancel(planned.cancel), MutationKind.CANCEL, planned.cancel, run, declaration)
    if not planned.hops:
        return Done(planned)
    return _hop(planned.hops[0], observation, declaration)


def _hop(hop: Hop, observation: Observation, declaration: Declaration) -> Decision:
    run = observation.run
    target = hop.target.id
    by_image = observation.platform.upgrades_by_image and hop.rule is RuleId.RUNTIME_UPGRADE
    if observation.deployment.pending is None and not by_image:
        if run.seen == target:
            return Refuse(Withdrawn(hop))
        return _mutate(Start(hop), MutationKind.START, target, run, declaration)
    # What is pending is this hop: the planner cancels or refuses everything else. Or its image alone makes it.
    if not declaration.delivers:
        return _wait(Waiting.IMAGE, hop, run, declaration)
    last = run.mutation
    if (
        last is not None
        and (last.kind, last.release) == (MutationKind.DELIVER, target)
        and last.outcome in _MAY_BE_DONE
        and not _may_repeat(last, run)
    ):
        # Once per hop and run where it was answered: a wrong image is as silent as a late one.
        return _wait(Waiting.ROLLOUT, hop, run, declaration)
    return _mutate(Deliver(hop), MutationKind.DELIVER, target, run, declaration)


def _may_repeat(delivery: Mutation, run: Run) -> bool:
    """Tell whether its answer was lost and reading shows no effect. The same image twice does no more than once."""
    lost = delivery.outcome is Outcome.DOUBTFUL and delivery.attempts < ATTEMPTS
    return lost and run.since_mutation >= SETTLE_SECONDS


def _mutate(
    step: Start | Deliver | Cancel, kind: MutationKind, release: ReleaseId, run: Run, declaration: Declaration
) -> Decision:
    """Do it, unless it was done already in this run and reading shows no effect."""
    last = run.mutation
    if last is None or (last.kind, last.release) != (kind, release):
        return step
    if last.outcome is Outcome.REFUSED:
        return Refuse(MutationRefused(last))
    if run.since_mutation < SETTLE_SECONDS:
        hop = None if isinstance(step, Cancel) else step.hop
        return _wait(Waiting.SETTLING, hop, run, declaration)
    if last.outcome is Outcome.ANSWERED or last.attempts >= ATTEMPTS:
        return Refuse(NotTaken(last))
    return step


def _wait(what: Waiting, hop: Hop | None, run: Run, declaration: Declaration) -> Decision:
    waiting = Wait(what, hop)
    if run.waited >= declaration.timeout:
        seen = run.health.detail if what is Waiting.HEALTH and run.health else ""
        return Refuse(TimedOut(waiting, declaration.timeout, seen))
    if not declaration.wait:
        unhealthy = what is Waiting.HEALTH and run.health is not None and not run.health.healthy
        if what in {Waiting.IMAGE, Waiting.ROLLOUT} or unhealthy:
            return Refuse(HandedOver(waiting))
    return waiting

"""What a decision rests on: what was declared, what is observed, and what this run did and saw so far.

Frozen values. The executor makes them, :func:`~astro_deployment_runtime.execution.reconciler.decide` judges them.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import StrEnum
from math import inf
from typing import TYPE_CHECKING, Final

from astro_deployment_runtime.execution.health_confirmation import Confirmation
from astro_deployment_runtime.planning.base_images import VENDORS

if TYPE_CHECKING:
    from astro_deployment_runtime.planning.base_images import BaseImages
    from astro_deployment_runtime.planning.catalog import Release
    from astro_deployment_runtime.planning.model import Acceptance, Deployment, Health, Platform, Strategy, Target
    from astro_deployment_runtime.planning.versions import AirflowVersion, ReleaseId

SETTLE_SECONDS: Final = 10.0
"""Seconds until what Houston shows is final: that a mutation had no effect, a hop is gone, or a version fell back."""


class MutationKind(StrEnum):
    """What can be asked of the platform."""

    START = "start"
    DELIVER = "deliver"
    CANCEL = "cancel"


class Outcome(StrEnum):
    """How a mutation ended, as far as its sender can tell."""

    ANSWERED = "answered"
    REFUSED = "refused"
    DOUBTFUL = "doubtful"
    """The answer was lost: it may have taken effect."""
    UNSENT = "unsent"
    """It never left: it has not taken effect."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mutation:
    """A mutation that this run sent."""

    kind: MutationKind
    release: ReleaseId
    """The hop's target; for a cancel, what was pending."""
    outcome: Outcome
    message: str = ""
    attempts: int = 1
    at: float = 0.0
    """When it was sent last: the clock of :attr:`Run.now`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """What this run did and saw: its whole memory. Each method returns the run after one more event.

    Times are seconds of one clock, from any start. What a run has seen it never forgets: a hop is started and
    delivered once, and the clocks of a hop never start over, whatever Houston reports later.
    """

    now: float = 0.0
    ours: ReleaseId | None = None
    """The hop that we know that we started, in this run or in an earlier one that saved it."""
    reached: Release | None = None
    """The highest release that Houston has reported as current in this run."""
    arrived: ReleaseId | None = None
    """The same, while its Airflow has not confirmed it; None: nothing is to be confirmed."""
    resumed: bool = False
    """It had arrived before this run began, after an earlier run had started it: its Airflow may be another one than
    on offer."""
    fell_back: bool = False
    """Since it arrived, Houston has reported a lower release."""
    complete: bool = False
    """It was confirmed, so that the clock of the next hop runs."""
    seen: frozenset[ReleaseId] = frozenset()
    """What this run has seen pending since :attr:`reached` was reached."""
    mutations: tuple[Mutation, ...] = ()
    """The last one of each kind and release."""
    since: float = 0.0
    """When the clock at hand began: that of a hop's arrival or, after that, that of its health."""
    looked: float = 0.0
    """When Houston last showed the Deployment."""
    steady_since: float = -inf
    """The first of the looks in a row that showed it as it is now; minus infinity: this run has seen nothing else."""
    outage: str = ""
    """Why Houston did not answer the last look; empty: it did."""
    health: Health | None = None
    """The last reading, while an arrival is being confirmed."""
    confirmation: Confirmation = field(default_factory=Confirmation)
    """What the readings so far prove."""
    other_reads: int = 0
    """How often in a row Airflow and Houston agreed on another Airflow version than the expected one."""

    @property
    def waited(self) -> float:
        """Seconds that the clock at hand has run."""
        return self.now - self.since

    @property
    def steady(self) -> float:
        """Seconds for which Houston has shown the Deployment as it is now."""
        return self.looked - self.steady_since

    @property
    def settled(self) -> bool:
        """What Houston shows counts, also against what this run has seen before."""
        return not self.outage and self.steady >= SETTLE_SECONDS

    def confirms(self, deployment: Deployment) -> bool:
        """Return whether Houston reports what has to be confirmed; after it fell back, for long enough again."""
        return self.arrived == deployment.current.id and (self.settled or not self.fell_back)

    def last(self, kind: MutationKind, release: ReleaseId) -> Mutation | None:
        """Return the mutation of that kind and release, None where this run has not sent it."""
        return next((each for each in self.mutations if (each.kind, each.release) == (kind, release)), None)

    def at(self, now: float) -> Run:
        """Return the run at a later time."""
        return replace(self, now=now)

    def sent(self, kind: MutationKind, release: ReleaseId, outcome: Outcome, message: str) -> Run:
        """Return the run after a mutation was sent."""
        before = self.last(kind, release)
        mutation = Mutation(
            kind=kind,
            release=release,
            outcome=outcome,
            message=message,
            attempts=before.attempts + 1 if before else 1,
            at=self.now,
        )
        others = tuple(each for each in self.mutations if each is not before)
        taken = kind is MutationKind.START and outcome in {Outcome.ANSWERED, Outcome.DOUBTFUL}
        return replace(self, mutations=(*others, mutation), ours=release if taken else self.ours)

    def missed(self, reason: str) -> Run:
        """Return the run after a look that Houston did not answer."""
        return replace(self, outage=reason)

    def noted(self, before: Deployment, after: Deployment, path: tuple[ReleaseId, ...]) -> Run:
        """Return the run after a look.

        Args:
            before: the Deployment as Houston showed it at the look before this one.
            after: as it shows it now.
            path: the path that is walked, by which releases are compared.
        """
        same = not self.outage and _state(before) == _state(after)
        since = self.steady_since if same else self.now
        run = replace(self, outage="", looked=self.now, steady_since=since)
        if run.settled:
            run = run.disowned(after)
        if run.reached is None or _above(after.current, run.reached, path):
            return run.reaching(after)
        if after.current.id != run.reached.id:
            return run.falling_back(run.reached.id)
        return replace(run, seen=run.seen | _pending(after))

    def confirmed(self) -> Run:
        """Return the run after the release that was reached is confirmed. Only the first time begins a clock."""
        return replace(
            self,
            ours=None if self.ours == self.arrived else self.ours,
            arrived=None,
            fell_back=False,
            complete=True,
            since=self.since if self.complete else self.now,
            health=None,
            confirmation=Confirmation(),
            other_reads=0,
        )

    def disowned(self, deployment: Deployment) -> Run:
        """Return the run without a hop of ours that was pending, or had arrived, and is neither any more.

        Should it come back, somebody else has started it.
        """
        known = self.ours in self.seen or (self.reached is not None and self.ours == self.reached.id)
        gone = known and self.ours not in {deployment.current.id, deployment.pending}
        return replace(self, ours=None) if gone else self

    def reaching(self, after: Deployment) -> Run:
        """Return the run after Houston reports a higher release than ever: its own clock begins."""
        return replace(
            self,
            ours=self.ours if self.ours in {after.current.id, after.pending} else None,
            reached=after.current,
            arrived=after.current.id,
            resumed=False,
            fell_back=False,
            complete=False,
            seen=_pending(after),
            since=self.now,
            health=None,
            confirmation=Confirmation(),
            other_reads=0,
        )

    def falling_back(self, reached: ReleaseId) -> Run:
        """Return the run after Houston reports a lower release: what comes back is confirmed (again)."""
        return replace(self, arrived=reached, fell_back=True, health=None, confirmation=Confirmation(), other_reads=0)


def _pending(deployment: Deployment) -> frozenset[ReleaseId]:
    return frozenset() if deployment.pending is None else frozenset({deployment.pending})


def _state(deployment: Deployment) -> tuple[ReleaseId, AirflowVersion, ReleaseId | None]:
    return deployment.current.id, deployment.current.airflow, deployment.pending


def _above(release: Release, other: Release, path: tuple[ReleaseId, ...]) -> bool:
    """Return whether a release is higher than another: by the path where it has both."""
    if release.id in path and other.id in path:
        return path.index(release.id) > path.index(other.id)
    return release.order > other.order


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """Everything that a decision rests on, beside the declaration and the offer."""

    deployment: Deployment
    platform: Platform
    run: Run


@dataclass(frozen=True, slots=True, kw_only=True)
class Declaration:
    """What was declared, and the path that was shown for it."""

    target: Target
    strategy: Strategy
    accepted: Acceptance
    path: tuple[ReleaseId, ...]
    """From what ran when the path was shown to the target: no other path is walked."""
    cancel: ReleaseId | None = None
    """The pending hop whose cancelling was shown as step 1."""
    delivers: bool = False
    """We have an image for each hop; else somebody else deploys it."""
    timeout: float = 3600.0  # seconds per hop
    confirm: bool = True
    """A hop has arrived when its Airflow is healthy, too; else Houston's word is enough."""
    base_images: BaseImages = VENDORS
    """The repositories of the base images that somebody else is asked to build on."""
    wait: bool = True
    """Wait for hops to arrive; else end as soon as somebody else has to act."""

"""Memory of one run: its mutations and observations. Frozen: each event returns the next memory.

The memory protects a hop against answers of Houston that go back and forth: a hop is started and delivered once, and
its clocks never start over. Times are seconds on one clock, which may start anywhere.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import StrEnum
from math import inf
from typing import TYPE_CHECKING, Final, Self

from astro_deployment_runtime.execution.health_confirmation import Confirmation

if TYPE_CHECKING:
    from astro_deployment_runtime.planning.catalog import Release
    from astro_deployment_runtime.planning.plan_model import Deployment, Health
    from astro_deployment_runtime.planning.versions import AirflowVersion, ReleaseId

SETTLE_SECONDS: Final = 10.0
"""Seconds that Houston has to show the same state before it counts as final: no effect, hop gone, or version lower."""


class MutationKind(StrEnum):
    """Changes that a run asks of the platform."""

    START = "start"
    DELIVER = "deliver"
    CANCEL = "cancel"


class Outcome(StrEnum):
    """How a mutation ended, as far as its sender knows."""

    ANSWERED = "answered"
    REFUSED = "refused"
    DOUBTFUL = "doubtful"
    """The answer was lost. The mutation may have taken effect."""
    UNSENT = "unsent"
    """The request never left. The mutation has not taken effect."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mutation:
    """One kind of change to one release, and how its last attempt ended."""

    kind: MutationKind
    release: ReleaseId
    """The hop's target; for a cancel, the pending release."""
    outcome: Outcome
    message: str = ""
    attempts: int = 1
    at: float = 0.0
    """Time of the last attempt, on the clock of :attr:`Run.now`."""

    @property
    def may_have_effect(self) -> bool:
        """Whether Houston received it, or may have."""
        return self.outcome in {Outcome.ANSWERED, Outcome.DOUBTFUL}


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """Memory of one run on one Deployment."""

    now: float = 0.0
    our_hop: ReleaseId | None = None
    """Target of the hop that we started, in this run or in an earlier one that saved it."""
    reached: Release | None = None
    """Highest release that Houston has reported as current in this run."""
    unconfirmed: ReleaseId | None = None
    """The reached release, until its Airflow confirms it. None: nothing to confirm."""
    arrived_before: bool = False
    """The unconfirmed release arrived before this run. Its Airflow may differ from the offered one."""
    fell_back: bool = False
    """Houston has reported a lower release since this one arrived."""
    was_confirmed: bool = False
    """The reached release was confirmed once, so the clock of the next hop runs."""
    seen_pending: frozenset[ReleaseId] = frozenset()
    """Releases that were pending since :attr:`reached` was reached."""
    mutations: tuple[Mutation, ...] = ()
    """The last attempt of each kind and release."""
    clock_started: float = 0.0
    """When the current clock started: at the hop's arrival, then at its confirmation."""
    observed_at: float = 0.0
    """When Houston last answered."""
    unchanged_since: float = -inf
    """First of the consecutive answers that show the current state. Minus infinity: this run has seen no other."""
    outage: str = ""
    """Why Houston did not answer last time. Empty: it answered."""
    health: Health | None = None
    """Last answer of the Airflow that is to confirm a release."""
    confirmation: Confirmation = field(default_factory=Confirmation)
    """Proof by the answers of that Airflow so far."""
    wrong_airflow_reads: int = 0
    """Consecutive reads at which Airflow and Houston agreed on an unexpected Airflow version."""

    @classmethod
    def begin(cls, deployment: Deployment, *, now: float, saved_hop: ReleaseId | None) -> Self:
        """Return the memory of a run that has observed the Deployment once.

        Args:
            deployment: the first observation.
            now: its time.
            saved_hop: the hop that an earlier run saved as started by us.
        """
        arrived = saved_hop == deployment.current.id
        return cls(
            now=now,
            our_hop=saved_hop,
            reached=deployment.current,
            unconfirmed=saved_hop if arrived else None,
            arrived_before=arrived,
            was_confirmed=not arrived,
            seen_pending=_pending(deployment),
            clock_started=now,
            observed_at=now,
        )

    @property
    def waited(self) -> float:
        """Seconds on the current clock."""
        return self.now - self.clock_started

    @property
    def unchanged_for(self) -> float:
        """Seconds for which Houston has shown the current state."""
        return self.observed_at - self.unchanged_since

    @property
    def settled(self) -> bool:
        """Whether Houston's state is final, even where it contradicts what this run has seen before."""
        return not self.outage and self.unchanged_for >= SETTLE_SECONDS

    def can_confirm(self, deployment: Deployment) -> bool:
        """Return whether Houston reports the unconfirmed release; after it fell back, for long enough again."""
        return self.unconfirmed == deployment.current.id and (self.settled or not self.fell_back)

    def expects(self, airflow: AirflowVersion, deployment: Deployment) -> bool:
        """Return whether a release may run with the Airflow that Houston reports; ``airflow`` is the offered one."""
        return self.arrived_before or deployment.current.airflow == airflow

    def last(self, kind: MutationKind, release: ReleaseId) -> Mutation | None:
        """Return the mutation of that kind and release, or None where this run has not sent it."""
        return next((each for each in self.mutations if (each.kind, each.release) == (kind, release)), None)

    def at(self, now: float) -> Self:
        """Return the memory at a later time."""
        return replace(self, now=now)

    def sent(self, kind: MutationKind, release: ReleaseId, outcome: Outcome, message: str) -> Self:
        """Return the memory after a mutation was sent."""
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
        started = kind is MutationKind.START and mutation.may_have_effect
        return replace(self, mutations=(*others, mutation), our_hop=release if started else self.our_hop)

    def unanswered(self, reason: str) -> Self:
        """Return the memory after Houston did not answer."""
        return replace(self, outage=reason)

    def observed(self, before: Deployment, after: Deployment, path: tuple[ReleaseId, ...]) -> Self:
        """Return the memory after Houston answered.

        Args:
            before: the Deployment in the previous answer.
            after: the Deployment in this answer.
            path: the path of the run, which orders its releases.
        """
        unchanged = not self.outage and _state(before) == _state(after)
        since = self.unchanged_since if unchanged else self.now
        run = replace(self, outage="", observed_at=self.now, unchanged_since=since)
        if run.settled:
            run = run.without_lost_hop(after)
        if run.reached is None or _is_above(after.current, run.reached, path):
            return run.with_arrival(after)
        if after.current.id != run.reached.id:
            return run.with_fall_back_from(run.reached.id)
        return replace(run, seen_pending=run.seen_pending | _pending(after))

    def asked_airflow(self, health: Health, *, wrong_version: bool) -> Self:
        """Return the memory after a read of the Airflow that is to confirm a release.

        Args:
            health: the answer.
            wrong_version: Airflow and Houston agree on an unexpected Airflow version.
        """
        confirmation = self.confirmation.after(health, self.now)
        detail = ", ".join(filter(None, (health.detail, confirmation.missing)))
        return replace(
            self,
            health=replace(health, detail=detail),
            confirmation=confirmation,
            wrong_airflow_reads=self.wrong_airflow_reads + 1 if wrong_version else 0,
        )

    def confirmed(self) -> Self:
        """Return the memory after the reached release is confirmed. Only the first time starts a clock."""
        return replace(
            self,
            our_hop=None if self.our_hop == self.unconfirmed else self.our_hop,
            unconfirmed=None,
            fell_back=False,
            was_confirmed=True,
            clock_started=self.clock_started if self.was_confirmed else self.now,
            health=None,
            confirmation=Confirmation(),
            wrong_airflow_reads=0,
        )

    def without_lost_hop(self, deployment: Deployment) -> Self:
        """Return the memory without a hop of ours that Houston has shown and shows no longer.

        If that hop comes back, somebody else has started it.
        """
        shown = self.our_hop in self.seen_pending or (self.reached is not None and self.our_hop == self.reached.id)
        lost = shown and self.our_hop not in {deployment.current.id, deployment.pending}
        return replace(self, our_hop=None) if lost else self

    def with_arrival(self, after: Deployment) -> Self:
        """Return the memory after Houston reports a higher release than ever. The release gets a clock of its own."""
        return replace(
            self,
            our_hop=self.our_hop if self.our_hop in {after.current.id, after.pending} else None,
            reached=after.current,
            unconfirmed=after.current.id,
            arrived_before=False,
            fell_back=False,
            was_confirmed=False,
            seen_pending=_pending(after),
            clock_started=self.now,
            health=None,
            confirmation=Confirmation(),
            wrong_airflow_reads=0,
        )

    def with_fall_back_from(self, reached: ReleaseId) -> Self:
        """Return the memory after Houston reports a lower release. The reached one has to be confirmed again."""
        return replace(
            self,
            unconfirmed=reached,
            fell_back=True,
            health=None,
            confirmation=Confirmation(),
            wrong_airflow_reads=0,
        )


def _pending(deployment: Deployment) -> frozenset[ReleaseId]:
    return frozenset() if deployment.pending is None else frozenset({deployment.pending})


def _state(deployment: Deployment) -> tuple[ReleaseId, AirflowVersion, ReleaseId | None]:
    return deployment.current.id, deployment.current.airflow, deployment.pending


def _is_above(release: Release, other: Release, path: tuple[ReleaseId, ...]) -> bool:
    """Return whether a release is higher than another: by the path where it has both, else by their order."""
    if release.id in path and other.id in path:
        return path.index(release.id) > path.index(other.id)
    return release.order > other.order

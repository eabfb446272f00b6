"""What a decision rests on: what was declared, what is observed, and what this run did and saw so far.

Frozen values. The executor makes them, :func:`~astro_deployment_runtime.reconcile.decide` judges them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

from astro_deployment_runtime.confirmation import Confirmation

if TYPE_CHECKING:
    from astro_deployment_runtime.model import Acceptance, Deployment, Health, Platform, Strategy, Target
    from astro_deployment_runtime.versions import ReleaseId


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """What this run did and saw."""

    ours: ReleaseId | None = None
    """The hop that we know that we started, in this run or in an earlier one that saved it."""
    arrived: ReleaseId | None = None
    """What Houston reports as current since a hop of ours or of this run ended, and that was not yet seen healthy."""
    seen: ReleaseId | None = None
    """The hop that this run has seen pending."""
    mutation: Mutation | None = None
    """The last one for the hop at hand."""
    since_mutation: float = 0.0  # seconds
    waited: float = 0.0
    """Seconds since this run began to wait for the hop at hand."""
    health: Health | None = None
    """The last reading, while an arrival is being confirmed."""
    confirmation: Confirmation = field(default_factory=Confirmation)
    """What the readings so far prove."""


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
    wait: bool = True
    """Wait for hops to arrive; else end as soon as somebody else has to act."""

"""The types of a decision: a :class:`WalkRequest` and an :class:`Observation` in, a :data:`Decision` out.

:func:`~astro_deployment_runtime.execution.reconciler.decide` decides, and
:mod:`~astro_deployment_runtime.execution.executor` acts.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, ClassVar, TypeAlias

from astro_deployment_runtime.execution.run_memory import MutationKind
from astro_deployment_runtime.planning.base_images import VENDORS
from astro_deployment_runtime.planning.plan_model import Refusal

if TYPE_CHECKING:
    from astro_deployment_runtime.execution.run_memory import Mutation, Run
    from astro_deployment_runtime.planning.accepted_risks import AcceptedRisks
    from astro_deployment_runtime.planning.base_images import BaseImages
    from astro_deployment_runtime.planning.catalog import Catalog
    from astro_deployment_runtime.planning.plan_model import Deployment, Hop, Plan, Strategy, Target
    from astro_deployment_runtime.planning.platform_version import Platform
    from astro_deployment_runtime.planning.versions import AirflowVersion, ReleaseId


@dataclass(frozen=True, slots=True, kw_only=True)
class WalkRequest:
    """The declared target, and the path that the preview showed for it."""

    target: Target
    strategy: Strategy
    accepted: AcceptedRisks
    path: tuple[ReleaseId, ...]
    """From the release that ran at the preview to the target. The run takes no other path."""
    cancel: ReleaseId | None = None
    """The pending hop that the preview showed as cancelled first."""
    delivers: bool = False
    """The run delivers the image of each hop. Otherwise somebody else deploys it."""
    timeout: float = 3600.0
    """Seconds per hop."""
    ask_airflow: bool = True
    """A hop arrives when its Airflow is healthy. Otherwise Houston's report is enough."""
    base_images: BaseImages = VENDORS
    """Repositories of the base images, for the texts that ask somebody to build an image."""
    wait: bool = True
    """Wait for hops to arrive. Otherwise end as soon as somebody else has to act."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """Houston's current answer, and the memory of this run."""

    deployment: Deployment
    platform: Platform
    catalog: Catalog
    """The releases on offer."""
    run: Run

    @property
    def expected_airflow(self) -> AirflowVersion:
        """The Airflow version that the platform offers the current release with; else the one that Houston reports."""
        offered = self.catalog.get(self.deployment.current.id)
        return offered.airflow if offered else self.deployment.current.airflow


class Waiting(StrEnum):
    """Reason of a wait."""

    SETTLING = "settling"
    """For Houston to show the effect of a mutation, or to repeat an answer that contradicts an earlier one."""
    ANSWER = "answer"
    """For Houston to answer."""
    IMAGE = "image"
    """For somebody to deploy an image."""
    ROLLOUT = "rollout"
    """For Houston to accept the image that we delivered."""
    HEALTH = "health"
    """For the Airflow to be healthy at the expected version."""


@dataclass(frozen=True, slots=True)
class _HopStep:
    hop: Hop

    @property
    def release(self) -> ReleaseId:
        """The hop's target."""
        return self.hop.target.id


@dataclass(frozen=True, slots=True)
class Start(_HopStep):
    """Start this hop."""

    kind: ClassVar = MutationKind.START


@dataclass(frozen=True, slots=True)
class Deliver(_HopStep):
    """Deliver the image of this hop."""

    kind: ClassVar = MutationKind.DELIVER


@dataclass(frozen=True, slots=True)
class Cancel:
    """Cancel this pending hop."""

    kind: ClassVar = MutationKind.CANCEL
    release: ReleaseId


@dataclass(frozen=True, slots=True)
class Wait:
    """Observe again later."""

    what: Waiting
    hop: Hop | None
    """The hop that the wait is about; None: no hop of the path."""


@dataclass(frozen=True, slots=True)
class Done:
    """Nothing is left to do."""

    plan: Plan


@dataclass(frozen=True, slots=True)
class PathChanged:
    """The path from here is not the rest of the path that the preview showed."""

    shown: tuple[ReleaseId, ...]
    now: tuple[ReleaseId, ...]
    cancel: ReleaseId | None
    """The pending hop that would have to be cancelled first."""


@dataclass(frozen=True, slots=True)
class MutationRefused:
    """Houston refused a mutation, or a delivery failed on this side."""

    mutation: Mutation


@dataclass(frozen=True, slots=True)
class NoEffect:
    """Houston shows no effect of a mutation, after all its attempts."""

    mutation: Mutation


@dataclass(frozen=True, slots=True)
class Withdrawn:
    """A hop that this run has seen pending is no longer pending, and has not arrived."""

    hop: Hop
    delivered: bool
    """This run delivered its image."""


@dataclass(frozen=True, slots=True)
class FellBack:
    """Houston reports a lower release than before."""

    reached: ReleaseId
    seconds: float
    """Seconds for which it has reported the lower one."""


@dataclass(frozen=True, slots=True)
class WrongAirflow:
    """A release arrived with another Airflow version than the platform offers it with."""

    expected: AirflowVersion
    asked_airflow: bool
    """The Airflow reported its version too. Otherwise only Houston did."""


@dataclass(frozen=True, slots=True)
class TimedOut:
    """The current hop took longer than the declared timeout."""

    waiting: Wait
    seconds: float
    seen: str = ""
    """Last finding, as a clause. Empty: none."""
    airflow: AirflowVersion | None = None
    """The Airflow version that the run waited for."""


@dataclass(frozen=True, slots=True)
class HandedOver:
    """Somebody else has to act, and the user declared ``wait: false``."""

    waiting: Wait


Reason: TypeAlias = (
    Refusal | PathChanged | MutationRefused | NoEffect | Withdrawn | FellBack | WrongAirflow | TimedOut | HandedOver
)


@dataclass(frozen=True, slots=True)
class Refuse:
    """Stop for this reason, and change nothing more."""

    reason: Reason


Decision: TypeAlias = Start | Deliver | Cancel | Wait | Done | Refuse

"""Values of planning and execution: rules, warnings, Deployments, hops, plans and refusals. All are frozen."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, TypeAlias

from astro_deployment_runtime.planning.base_images import VENDORS
from astro_deployment_runtime.planning.versions import Line, ReleaseId, RuntimeVersion

if TYPE_CHECKING:
    from astro_deployment_runtime.planning.base_images import BaseImages
    from astro_deployment_runtime.planning.catalog import Release
    from astro_deployment_runtime.planning.versions import AirflowVersion


class RuleId(StrEnum):
    """Names of the rules (:mod:`~astro_deployment_runtime.planning.upgrade_rules`). Stable, for programs."""

    AC_UPGRADE = "AC-UPGRADE"
    MIGRATE_EQUAL = "MIGRATE-EQUAL"
    RUNTIME_UPGRADE = "RUNTIME-UPGRADE"
    NO_REVERT = "NO-REVERT"
    AIRFLOW_2_GATE = "AIRFLOW-2-GATE"
    AIRFLOW_3_GATE = "AIRFLOW-3-GATE"
    YANKED = "YANKED"
    CHANNEL = "CHANNEL"
    OFFERED = "OFFERED"
    PLATFORM = "PLATFORM"
    PENDING = "PENDING"
    """A hop that someone else started is pending, and it is not on the path."""
    DENIED = "DENIED"
    """The user denies a warning by name, so it is a refusal."""


class WarningName(StrEnum):
    """Names of the warnings, in the order of a plan's warnings. Stable, for programs."""

    AIRFLOW_VERSION = "airflow-version"
    """The current release has another Airflow version than the release on offer of the same name."""
    UNKNOWN_RELEASE = "unknown-release"
    """The feed has no row for a release on the path."""
    STALE_CATALOG = "stale-catalog"
    """The catalog at a URL could not be fetched, and an older copy was used."""
    DEPRECATED = "deprecated"
    """The vendor has deprecated a release on the path."""
    OUT_OF_SUPPORT = "out-of-support"
    """The vendor's support of the target has ended."""
    SUPPORT_ENDS_SOON = "support-ends-soon"
    """The vendor's support of the target ends within 90 days."""
    DATABASE_MIGRATION = "database-migration"
    """A hop changes the schema of Airflow's metadata database, which can take a long time."""
    AIRFLOW_MINOR_SKIPPED = "airflow-minor-skipped"
    """A hop skips a minor version of Airflow."""
    NEWER_PATCH = "newer-patch"
    """A newer patch of the target is on offer."""
    NEWER_TARGET = "newer-target"
    """A newer release is on offer than the one that the declared line is held at."""
    PENDING = "pending"
    """The Deployment is at its target, and a hop that someone else started is pending."""
    IMAGE_VARIANT = "image-variant"
    """The vendor has no image of this variant for a hop's release."""
    OTHER_STAGE = "other-stage"
    """A build stage that is not deployed starts from another release of the vendor."""
    DEPLOY_CONFIRMATION = "deploy-confirmation"
    """The vendor's CLI may ask for confirmation before it deploys a hop's image."""
    YANKED = "yanked"
    """The target is yanked, and the user accepts that."""
    PRERELEASE = "prerelease"
    """The target is a prerelease, and the user accepts that."""
    NEWER = "newer"
    """The current release is higher than the target, and the user accepts that. The run keeps it."""


class Strategy(StrEnum):
    """How to choose among legal paths."""

    CERTIFIED_FIRST = "certified-first"
    """The vendor's guide: AC upgrades, one migration, Runtime upgrades. Each phase has the fewest possible hops."""
    FEWEST_HOPS = "fewest-hops"
    """A shortest path. At the first difference between two of them, prefer a Certified hop, then the newer release."""


class Action(StrEnum):
    """Effect of a step of a plan."""

    UPGRADE = "upgrade"
    MIGRATE = "migrate"
    CANCEL = "cancel"


class Equivalent(StrEnum):
    """Target that depends on the current AC."""

    EQUIVALENT = "equivalent"
    """The newest Runtime with exactly the current AC's Airflow version."""


class Latest(StrEnum):
    """Targets that depend on the current Runtime."""

    PATCH = "latest-patch"
    """The newest release that differs from the current one only in the last number."""


Target: TypeAlias = RuntimeVersion | Equivalent | Line | Latest
"""Every kind of target that a user can declare."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Deployment:
    """A Deployment as Houston reports it."""

    id: str
    release_name: str
    label: str
    workspace_id: str
    current: Release
    """The release that runs. It may not be on offer."""
    current_text: str = ""
    """The current version exactly as Houston writes it, for mutations that name it."""
    pending: ReleaseId | None = None
    """Target of the hop that was started and not completed: Houston's desired version, if it is not the current one."""
    dag_deployment: str = "image"
    """How DAGs are deployed: ``image``, ``volume``, ``git_sync`` or ``dag_deploy``."""
    airflow_url: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """Health of a Deployment, as its own Airflow reports it."""

    healthy: bool
    """Whether the required components are healthy and the expected Airflow version runs."""
    detail: str
    """The finding, as a clause."""
    airflow: AirflowVersion | None = None
    """The reported version. None: no answer, or Airflow before 2.0, which does not report it."""
    heartbeat: str | None = None
    """The scheduler's latest heartbeat, as Airflow writes it; None: not reported."""
    concern: str = ""
    """A problem that does not block a hop, as a clause: an unhealthy triggerer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hop:
    """One version change on the platform."""

    rule: RuleId
    """The rule that allows the hop."""
    source: Release
    target: Release

    @property
    def action(self) -> Action:
        """Migrate if the distribution changes, else upgrade."""
        return Action.UPGRADE if self.source.id.distribution == self.target.id.distribution else Action.MIGRATE


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanWarning:
    """A fact that the user should know about an allowed plan."""

    name: WarningName
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Resolved:
    """The version that a line or ``latest-patch`` resolves to."""

    declared: Line | Latest
    version: RuntimeVersion
    unheld: RuntimeVersion | None = None
    """The version that it would resolve to if it were not held; None: the same version."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """A legal path from the current release to the target. Without hops and cancel there is nothing to do."""

    current: Release
    target: Release
    hops: tuple[Hop, ...] = ()
    cancel: ReleaseId | None = None
    """Target of the pending hop to cancel first."""
    warnings: tuple[PlanWarning, ...] = ()
    resolved: Resolved | None = None
    """How the target was resolved; None: the user declared a version or ``equivalent``."""
    base_images: BaseImages = VENDORS
    """Repositories for the plan's ``FROM`` lines."""

    @property
    def path(self) -> tuple[ReleaseId, ...]:
        """The releases from the current one to the target."""
        return (self.current.id, *(hop.target.id for hop in self.hops))


@dataclass(frozen=True, slots=True, kw_only=True)
class Violation:
    """A rule that forbids a hop or a target, with the finding."""

    rule: RuleId
    found: str
    """The finding, as a clause without a full stop: ``Astro Runtime 9.0.0 is yanked (bad build)``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """No legal path: all the reasons at once, with the nearest targets and the ways out."""

    current: Release
    target: Target
    violations: tuple[Violation, ...]
    airflow: AirflowVersion | None = None
    """The target's Airflow version, if the catalog has it."""
    below: Release | None = None
    """The highest reachable target below the declared one."""
    above: Release | None = None
    """The lowest reachable target above the declared one."""
    acceptable: tuple[str, ...] = ()
    """Names to accept, all together, to get a plan. Empty: accepting does not help."""
    misspelt: bool = False
    """Whether the target does not exist, but similar ones do. A violation suggests them."""
    denied: tuple[WarningName, ...] = ()
    """The denied warnings."""
    completable: bool = False
    """Whether completing the pending hop is legal and leads towards the target."""
    resolved: Resolved | None = None
    """How the target was resolved; None: the user declared a version or ``equivalent``."""

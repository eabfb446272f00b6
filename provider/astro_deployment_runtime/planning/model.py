"""What the planner, the reconciler and the executor speak of: frozen values, no behaviour beyond themselves."""

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
    """The names of the rules (:mod:`~astro_deployment_runtime.planning.rules` has the rules themselves)."""

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
    """A hop that somebody else started, and that is not on the path, is not ours to take away."""
    DENIED = "DENIED"
    """A warning that the user denies by name is a refusal."""


class WarningName(StrEnum):
    """The names of the warnings, in the order in which they are given. Stable, for programs."""

    AIRFLOW_VERSION = "airflow-version"
    """What runs has another Airflow version than is on offer under its name."""
    UNKNOWN_RELEASE = "unknown-release"
    """The feed has no row for a release of the path."""
    STALE_CATALOG = "stale-catalog"
    """The catalog at a URL could not be fetched, and an older copy was used."""
    DEPRECATED = "deprecated"
    """The vendor has deprecated a release of the path."""
    OUT_OF_SUPPORT = "out-of-support"
    """The vendor's support of the target has ended."""
    SUPPORT_ENDS_SOON = "support-ends-soon"
    """The vendor's support of the target ends within months."""
    DATABASE_MIGRATION = "database-migration"
    """A hop changes the schema of Airflow's metadata database, which may take long."""
    AIRFLOW_MINOR_SKIPPED = "airflow-minor-skipped"
    """A hop leaps over a minor version of Airflow."""
    NEWER_PATCH = "newer-patch"
    """A newer patch of the target is on offer."""
    NEWER_TARGET = "newer-target"
    """A newer release is on offer than the one at which a line is held."""
    PENDING = "pending"
    """At the target, a hop that somebody else started is pending."""
    IMAGE_VARIANT = "image-variant"
    """A variant of the base image is known not to exist for a hop's release."""
    OTHER_STAGE = "other-stage"
    """A stage that is not deployed builds on another release of the vendor's."""
    DEPLOY_CONFIRMATION = "deploy-confirmation"
    """The vendor's CLI may stop and ask to confirm the image of a hop."""
    YANKED = "yanked"
    """The target is yanked, and accepted."""
    PRERELEASE = "prerelease"
    """The target is a prerelease, and accepted."""
    NEWER = "newer"
    """More runs than is declared; it is accepted, and kept."""


class Strategy(StrEnum):
    """How to choose among legal paths."""

    CERTIFIED_FIRST = "certified-first"
    """The guide's way: AC upgrades, then one migration, then Runtime upgrades; fewest hops within each phase."""
    FEWEST_HOPS = "fewest-hops"
    """A shortest path; among the shortest a Certified hop first, then the newer release."""


class Action(StrEnum):
    """What a step of a plan does."""

    UPGRADE = "upgrade"
    MIGRATE = "migrate"
    CANCEL = "cancel"


class Equivalent(StrEnum):
    """The target that is not a number."""

    EQUIVALENT = "equivalent"
    """The newest Runtime with exactly the Airflow version of the AC that runs now."""


class Latest(StrEnum):
    """The targets that are the newest of something that runs."""

    PATCH = "latest-patch"
    """The newest release that differs from what runs in the last number alone."""


Target: TypeAlias = RuntimeVersion | Equivalent | Line | Latest
"""What can be declared."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Deployment:
    """A Deployment as Houston reports it."""

    id: str
    release_name: str
    label: str
    workspace_id: str
    current: Release
    """What it runs. Need not be on offer."""
    current_text: str = ""
    """The version that it runs as Houston writes it, unchanged: a mutation that names it has to name it so."""
    pending: ReleaseId | None = None
    """The hop that was started and not completed: Houston's desired version, where it differs from the current."""
    dag_deployment: str = "image"
    """How DAGs arrive: ``image``, ``volume``, ``git_sync`` or ``dag_deploy``."""
    airflow_url: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """What a Deployment's own Airflow answers."""

    healthy: bool
    """Its components are healthy, as far as they have to be, and it runs the expected Airflow version."""
    detail: str
    """What was found, as a clause."""
    airflow: AirflowVersion | None = None
    """The version that it tells; None where it does not answer, or (before Airflow 2.0) does not tell."""
    heartbeat: str | None = None
    """The latest heartbeat of its scheduler, in Airflow's own words; None: none was told."""
    concern: str = ""
    """What is wrong with it and holds no hop up, as a clause: its triggerer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hop:
    """One version change that the platform knows as such."""

    rule: RuleId
    """The move that allows it."""
    source: Release
    target: Release

    @property
    def action(self) -> Action:
        """Migrate when the distribution changes, else upgrade."""
        return Action.UPGRADE if self.source.id.distribution == self.target.id.distribution else Action.MIGRATE


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanWarning:
    """Something that is allowed and that the user should know."""

    name: WarningName
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Resolved:
    """A target that is not a version, and the version that it stands for."""

    declared: Line | Latest
    version: RuntimeVersion
    anew: RuntimeVersion | None = None
    """What it would stand for if it were not held, where that is another version."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """A legal way from what runs now to the target. No hops and no cancel: there is nothing to do."""

    current: Release
    target: Release
    hops: tuple[Hop, ...] = ()
    cancel: ReleaseId | None = None
    """The pending hop that has to be cancelled before the first hop (or instead of any)."""
    warnings: tuple[PlanWarning, ...] = ()
    resolved: Resolved | None = None
    """How the target was found, where none was named by its version."""
    base_images: BaseImages = VENDORS
    """The repositories that the plan's ``FROM`` lines name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Violation:
    """A rule that forbids, with what was found."""

    rule: RuleId
    found: str
    """The fact, as a clause without a full stop: ``Astro Runtime 9.0.0 is yanked (bad build)``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """There is no legal way: all the reasons at once, and where the user could go instead."""

    current: Release
    target: Target
    violations: tuple[Violation, ...]
    airflow: AirflowVersion | None = None
    """The target's Airflow version, where the catalog knows it."""
    below: Release | None = None
    """The highest target below the wanted one that can be reached from what runs now."""
    above: Release | None = None
    """The lowest target above the wanted one that can be reached from what runs now."""
    acceptable: tuple[str, ...] = ()
    """The names which, all of them accepted, would turn this into a plan; none where accepting does not help."""
    misspelt: bool = False
    """The target does not exist, and something that exists is written almost like it: a violation asks for that."""
    denied: tuple[WarningName, ...] = ()
    """The warnings that are refusals because they are denied."""
    completable: bool = False
    """The pending hop that is in the way may be completed instead: that is legal, and leads towards the target."""
    resolved: Resolved | None = None
    """How the target was found, where none was named by its version."""

"""Input of the planner: everything that a path depends on, as one value."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from astro_deployment_runtime.planning.accepted_risks import AcceptedRisks
from astro_deployment_runtime.planning.pending_hop import Ownership
from astro_deployment_runtime.planning.plan_model import Strategy
from astro_deployment_runtime.planning.upgrade_rules import verify

if TYPE_CHECKING:
    from datetime import date

    from astro_deployment_runtime.planning.catalog import Catalog, Release
    from astro_deployment_runtime.planning.plan_model import Hop, Target, Violation, WarningName
    from astro_deployment_runtime.planning.platform_version import Platform
    from astro_deployment_runtime.planning.versions import ReleaseId, RuntimeVersion


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanRequest:
    """Everything that a path depends on. Equal requests have equal plans."""

    current: Release
    """The release that the Deployment runs. It may not be on offer."""
    target: Target
    catalog: Catalog
    """The releases on offer."""
    strategy: Strategy = Strategy.CERTIFIED_FIRST
    accepted: AcceptedRisks = field(default_factory=AcceptedRisks)
    """The risks that the user accepts by name."""
    denied: frozenset[WarningName] = frozenset()
    """The warnings that count as refusals."""
    today: date | None = None
    """The day for which the vendor's support is checked. None: it is not checked."""
    held: RuntimeVersion | None = None
    """The version that an earlier run resolved a line or ``latest-patch`` to. The plan stays with it."""
    platform: Platform | None = None
    """The platform's version and features. None: the rule PLATFORM is not checked."""
    pending: ReleaseId | None = None
    """Target of the hop that was started and not completed. The plan adopts the hop if it is the path's first."""
    pending_owner: Ownership = Ownership.FOREIGN
    """The owner of the pending hop."""

    @property
    def may_cancel(self) -> bool:
        """Whether a pending hop off the path may be cancelled: it is not foreign, or the user accepts that."""
        return self.pending_owner is not Ownership.FOREIGN or self.accepted.cancel_pending

    def verify(self, hop: Hop, *, final: bool) -> tuple[Violation, ...]:
        """Return the rules that forbid a hop.

        Args:
            hop: the hop, on the path or off it.
            final: whether it is the last hop. Only that one may end at an accepted yanked release or prerelease.
        """
        return verify(hop, self.catalog, platform=self.platform, accepted=self.accepted, final=final)

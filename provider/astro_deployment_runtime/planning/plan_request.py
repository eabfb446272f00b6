"""The question that the planner answers: everything that a path depends on, as one value."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from astro_deployment_runtime.planning.accepted_risks import AcceptedRisks
from astro_deployment_runtime.planning.model import Strategy
from astro_deployment_runtime.planning.pending_hop import Ownership
from astro_deployment_runtime.planning.rules import verify

if TYPE_CHECKING:
    from datetime import date

    from astro_deployment_runtime.planning.catalog import Catalog, Release
    from astro_deployment_runtime.planning.model import Hop, Target, Violation, WarningName
    from astro_deployment_runtime.planning.platform_version import Platform
    from astro_deployment_runtime.planning.versions import ReleaseId, RuntimeVersion


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanRequest:
    """Everything that a path depends on. Equal requests have equal plans."""

    current: Release
    """What the Deployment runs. It need not be on offer."""
    target: Target
    catalog: Catalog
    """What is on offer."""
    strategy: Strategy = Strategy.CERTIFIED_FIRST
    accepted: AcceptedRisks = field(default_factory=AcceptedRisks)
    """What the user accepts by name."""
    denied: frozenset[WarningName] = frozenset()
    """The warnings that count as refusals."""
    today: date | None = None
    """The day for which the support of releases is judged. None: it is not judged."""
    held: RuntimeVersion | None = None
    """The version that an earlier run resolved the target to, to stay with. Only a line and the latest patch use it."""
    platform: Platform | None = None
    """What the platform says of itself. None: the rule PLATFORM is not judged."""
    pending: ReleaseId | None = None
    """The hop that was started and not completed. It is adopted when it is the path's first hop."""
    pending_owner: Ownership = Ownership.FOREIGN
    """Who started the pending hop."""

    @property
    def may_cancel(self) -> bool:
        """A pending hop off the path may be cancelled: it is not foreign, or the user accepts its cancelling."""
        return self.pending_owner is not Ownership.FOREIGN or self.accepted.cancel_pending

    def verify(self, hop: Hop, *, final: bool) -> tuple[Violation, ...]:
        """Return what the rules have against one hop.

        Args:
            hop: the hop, on the path or off it.
            final: it is the last of its path, which alone may end at an accepted yanked release or prerelease.
        """
        return verify(hop, self.catalog, platform=self.platform, accepted=self.accepted, final=final)

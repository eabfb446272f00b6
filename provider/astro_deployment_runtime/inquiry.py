"""A question about a path, which can be asked again with a part of it changed."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from astro_deployment_runtime.model import Hop, Plan
from astro_deployment_runtime.planner import plan
from astro_deployment_runtime.rules import move, verify
from astro_deployment_runtime.versions import RuntimeVersion

if TYPE_CHECKING:
    from astro_deployment_runtime.catalog import Catalog, Release
    from astro_deployment_runtime.model import Acceptance, Platform, Refusal, Strategy, Target, Violation


@dataclass(frozen=True, slots=True, kw_only=True)
class Inquiry:
    """What runs, what is wanted, and all that the path depends on."""

    current: Release
    target: Target
    catalog: Catalog
    strategy: Strategy
    accepted: Acceptance
    platform: Platform | None = None
    """None: the platform's own version is not judged."""

    def answer(self) -> Plan | Refusal:
        """Plan it.

        Raises:
            UnsoundPlanError: a mistake in this package.
        """
        return plan(
            self.current,
            self.target,
            self.catalog,
            strategy=self.strategy,
            accepted=self.accepted,
            platform=self.platform,
        )

    def path_to(self, target: Release) -> list[Release]:
        """Return the releases of the path to another target, what runs first; none where that is refused.

        Where one strategy finds a path, so does the other.
        """
        version = target.id.version
        outcome = replace(self, target=version).answer() if isinstance(version, RuntimeVersion) else None
        return [self.current, *(hop.target for hop in outcome.hops)] if isinstance(outcome, Plan) else []

    def against(self, source: Release, target: Release, *, final: bool) -> tuple[Violation, ...]:
        """Return what the rules have against one hop, on the path or off it.

        Args:
            source: where it begins.
            target: where it leads.
            final: the hop would be the last of the path.
        """
        hop = Hop(rule=move(source, target), source=source, target=target)
        return verify(hop, self.catalog, platform=self.platform, accepted=self.accepted, final=final)

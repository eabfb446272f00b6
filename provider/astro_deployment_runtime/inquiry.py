"""A question about a path, which can be asked again with a part of it changed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from astro_deployment_runtime.model import Hop, Refusal
from astro_deployment_runtime.planner import plan
from astro_deployment_runtime.rules import move, verify

if TYPE_CHECKING:
    from astro_deployment_runtime.catalog import Catalog, Release
    from astro_deployment_runtime.model import Acceptance, Equivalent, Plan, Platform, Strategy, Violation
    from astro_deployment_runtime.versions import RuntimeVersion


@dataclass(frozen=True, slots=True, kw_only=True)
class Inquiry:
    """What runs, what is wanted, and all that the path depends on."""

    current: Release
    target: RuntimeVersion | Equivalent
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

    def path(self) -> list[Release] | None:
        """Return the releases of the path, what runs first; None where it is refused."""
        outcome = self.answer()
        return None if isinstance(outcome, Refusal) else [self.current, *(hop.target for hop in outcome.hops)]

    def against(self, source: Release, target: Release, *, final: bool) -> tuple[Violation, ...]:
        """Return what the rules have against one hop, on the path or off it.

        Args:
            source: where it begins.
            target: where it leads.
            final: the hop would be the last of the path.
        """
        hop = Hop(rule=move(source, target), source=source, target=target)
        return verify(hop, self.catalog, platform=self.platform, accepted=self.accepted, final=final)

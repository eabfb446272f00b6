"""A question about a path, which can be asked again with a part of it changed."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from astro_deployment_runtime.planning.model import Hop, Plan
from astro_deployment_runtime.planning.planner import plan
from astro_deployment_runtime.planning.rules import move, verify
from astro_deployment_runtime.planning.versions import RuntimeVersion

if TYPE_CHECKING:
    from datetime import date

    from astro_deployment_runtime.planning.catalog import Catalog, Release
    from astro_deployment_runtime.planning.model import (
        Acceptance,
        Platform,
        Refusal,
        Strategy,
        Target,
        Violation,
        WarningName,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Inquiry:
    """What runs, what is wanted, and all that the path depends on."""

    current: Release
    target: Target
    catalog: Catalog
    strategy: Strategy
    accepted: Acceptance
    denied: frozenset[WarningName] = frozenset()
    platform: Platform | None = None
    """None: the platform's own version is not judged."""
    today: date | None = None
    """The day for which the support of releases is judged; None: it is not."""

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
            denied=self.denied,
            platform=self.platform,
            today=self.today,
        )

    def path_to(self, target: Release) -> list[Release]:
        """Return the releases of the path to another target, what runs first; none where there is no legal one.

        Where one strategy finds a path, so does the other. What is denied is allowed here: it is no rule of paths.
        """
        version = target.id.version
        outcome = (
            replace(self, target=version, denied=frozenset()).answer() if isinstance(version, RuntimeVersion) else None
        )
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

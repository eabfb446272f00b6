"""Plan the path of one Deployment: what runs, what is wanted and a catalog in, a plan or a refusal out.

Nothing here knows a clock, a file or a network. The same question has the same answer, whatever the order of the
feeds, and a plan made after its first hop is the tail of the plan made before.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from itertools import pairwise
from typing import TYPE_CHECKING

from astro_deployment_runtime.errors import UnsoundPlanError
from astro_deployment_runtime.planning import plan_warnings
from astro_deployment_runtime.planning.catalog import number
from astro_deployment_runtime.planning.model import (
    Acceptance,
    Equivalent,
    Hop,
    Plan,
    PlanWarning,
    Refusal,
    RuleId,
    Strategy,
    Violation,
    WarningName,
)
from astro_deployment_runtime.planning.path_search import Search, Terms
from astro_deployment_runtime.planning.refusals import (
    completing,
    foreign,
    judge_target,
    left_alone,
    nearest,
    no_equivalent,
    obstacles,
    unaccepted,
)
from astro_deployment_runtime.planning.rules import forbidden_by_platform, move, verify
from astro_deployment_runtime.planning.targets import meant, resolve
from astro_deployment_runtime.planning.versions import Distribution, Line, ReleaseId, RuntimeVersion

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import date

    from astro_deployment_runtime.planning.catalog import Catalog, Release
    from astro_deployment_runtime.planning.model import Latest, Platform, Resolved, Target


def plan(  # noqa: PLR0913 - each is one fact that the path depends on
    current: Release,
    target: Target,
    catalog: Catalog,
    *,
    strategy: Strategy = Strategy.CERTIFIED_FIRST,
    accepted: Acceptance = Acceptance(),  # noqa: B008 - frozen
    denied: frozenset[WarningName] = frozenset(),
    today: date | None = None,
    held: RuntimeVersion | None = None,
    platform: Platform | None = None,
    pending: ReleaseId | None = None,
    pending_is_ours: bool = False,
) -> Plan | Refusal:
    """Find the one right path from what runs now to the target.

    Args:
        current: what the Deployment runs; need not be on offer.
        target: the Runtime version to arrive at, or what stands for one.
        catalog: what is on offer.
        strategy: how to choose among legal paths.
        accepted: what the user accepts by name.
        denied: the warnings that are refusals.
        today: the day for which the support of the target is judged; None: it is not.
        held: what the target was resolved to before, to stay with; meant for a line and the latest patch alone.
        platform: what the platform says of itself; where it is unknown, PLATFORM is not judged.
        pending: the hop that was started and not completed. It is adopted when it is the path's first hop.
        pending_is_ours: we saved that we started it; it may then be cancelled.

    Raises:
        UnsoundPlanError: the check found fault with the path: a mistake in this package.
    """
    question = _Question(
        current=current,
        target=target,
        catalog=catalog,
        strategy=strategy,
        accepted=accepted,
        denied=denied,
        today=today,
        platform=platform,
        pending=pending,
        may_cancel=pending_is_ours or accepted.cancel_pending,
    )
    match target:
        case Equivalent():
            return question.to_equivalent()
        case RuntimeVersion():
            return question.to_version(target)
        case _:
            return question.to_newest(target, held)


@dataclass(frozen=True, kw_only=True)
class _Question:
    """What was asked, while it is being answered."""

    current: Release
    target: Target
    catalog: Catalog
    strategy: Strategy
    accepted: Acceptance
    denied: frozenset[WarningName]
    today: date | None
    platform: Platform | None
    pending: ReleaseId | None
    may_cancel: bool
    resolved: Resolved | None = None

    @cached_property
    def terms(self) -> Terms:
        """What binds the search: all rules, and of the moves those that the platform can make."""
        if self.platform is None:
            return Terms()
        return Terms(
            certified_upgrade=forbidden_by_platform(RuleId.AC_UPGRADE, self.platform) is None,
            migration=forbidden_by_platform(RuleId.MIGRATE_EQUAL, self.platform) is None,
            runtime_upgrade=forbidden_by_platform(RuleId.RUNTIME_UPGRADE, self.platform) is None,
        )

    @cached_property
    def search(self) -> Search:
        return Search(self.catalog, self.terms)

    def to_equivalent(self) -> Plan | Refusal:
        """Go to the newest equivalent that may be a target; on Runtime there is nothing to do."""
        if self.current.id.distribution is Distribution.RUNTIME:
            return self.stay()
        for wanted in self.catalog.equivalents(self.current):
            if not unaccepted(wanted, self.accepted):
                return self.lead_to(wanted)
        return self.refuse(*no_equivalent(self.current, self.catalog))

    def to_newest(self, declared: Line | Latest, held: RuntimeVersion | None) -> Plan | Refusal:
        """Go to the version that a line, or the latest patch, stands for."""
        resolved = resolve(declared, self.current, self.catalog, held)
        if isinstance(resolved, Violation):
            return self.refuse([resolved], ())
        return replace(self, target=resolved.version, resolved=resolved).to_version(resolved.version)

    def to_version(self, target: RuntimeVersion) -> Plan | Refusal:
        """Go to a version, after judging it by itself."""
        name = ReleaseId(Distribution.RUNTIME, target)
        if name == self.current.id:
            return self.stay()
        if self.accepted.newer and self.catalog.exists(name) and number(target) < self.current.number:
            kept = f"runs {self.current}, more than the declared {target}; kept"
            return self.stay(PlanWarning(name=WarningName.NEWER, message=kept))
        wanted = self.catalog.get(name)
        written = "" if self.resolved else str(target)
        violations, acceptable = judge_target(self.current, target, self.catalog, self.accepted, written)
        if wanted is None or any(violation.rule is RuleId.NO_REVERT for violation in violations):
            return self.refuse(violations, acceptable, wanted=wanted)
        return self.lead_to(wanted, violations, acceptable)

    def lead_to(
        self, wanted: Release, violations: Sequence[Violation] = (), acceptable: Sequence[str] = ()
    ) -> Plan | Refusal:
        """Go to a release that is on offer and not lower; the violations are those of the target by itself."""
        path = self.search.path(self.current, wanted, self.strategy)
        if path is None:
            in_the_way = obstacles(self.current, wanted, self.catalog, self.terms, self.platform)
            return self.refuse([*violations, *in_the_way], (), wanted=wanted)
        off_the_path = self.pending is not None and self.pending != path[0].id
        warnings = self.shown(plan_warnings.of_path(self.current, path, self.catalog, self.today, self.resolved))
        against = self.against(warnings)
        if violations or against or (off_the_path and not self.may_cancel):
            return self.refuse(violations, acceptable, wanted=wanted, off_the_path=off_the_path, against=against)
        steps = pairwise([self.current, *path])
        hops = tuple(Hop(rule=move(source, target), source=source, target=target) for source, target in steps)
        self.check(hops)
        return Plan(
            current=self.current,
            target=wanted,
            hops=hops,
            cancel=self.pending if off_the_path else None,
            warnings=warnings,
            resolved=self.resolved,
        )

    @property
    def misspelt(self) -> bool:
        """Something that exists is written almost like what is declared, which does not."""
        match self.target:
            case RuntimeVersion() as version if self.resolved is None:
                missing = not self.catalog.exists(ReleaseId(Distribution.RUNTIME, version))
                return missing and bool(meant(str(version), self.catalog))
            case Line() as line:
                return bool(meant(str(line), self.catalog))
            case _:
                return False

    def shown(self, warnings: Iterable[PlanWarning]) -> tuple[PlanWarning, ...]:
        """Leave out what is accepted by name."""
        return tuple(warning for warning in warnings if warning.name not in self.accepted.warnings)

    def against(self, warnings: Iterable[PlanWarning]) -> tuple[PlanWarning, ...]:
        """Return the warnings that are refusals."""
        return tuple(warning for warning in warnings if warning.name in self.denied)

    def suits(self, target: Release) -> bool:
        """Tell whether nothing that is denied would be said of the path to another target."""
        path = self.search.path(self.current, target, self.strategy) if self.denied else None
        return path is None or not self.against(
            self.shown(plan_warnings.of_path(self.current, path, self.catalog, self.today))
        )

    def check(self, hops: Sequence[Hop]) -> None:
        """Have every hop judged by those who did not propose it."""
        for hop in hops:
            final = hop is hops[-1]
            if against := verify(hop, self.catalog, platform=self.platform, accepted=self.accepted, final=final):
                reasons = "; ".join(f"{violation.rule}: {violation.found}" for violation in against)
                raise UnsoundPlanError(
                    f"the path from {self.current} to {hops[-1].target} has an illegal hop, "
                    f"{hop.source} > {hop.target} ({reasons}): please report this; nothing was changed"
                )

    def stay(self, *notes: PlanWarning) -> Plan | Refusal:
        """Do nothing, except to take back a pending hop that may be taken back."""
        found = [
            *plan_warnings.stated_airflow(self.current, self.catalog),
            *plan_warnings.support(self.current, self.today),
        ]
        if self.pending is not None and not self.may_cancel:
            illegal = completing(self.current, self.pending, self.catalog, self.platform)
            found.append(PlanWarning(name=WarningName.PENDING, message=left_alone(self.pending, illegal)))
        warnings = self.shown([*found, *plan_warnings.held_back(self.resolved), *notes])
        if against := self.against(warnings):
            return self.refuse((), (), wanted=self.current, off_the_path=False, against=against)
        return Plan(
            current=self.current,
            target=self.current,
            cancel=self.pending if self.may_cancel else None,
            warnings=warnings,
            resolved=self.resolved,
        )

    def refuse(
        self,
        violations: Sequence[Violation],
        acceptable: Sequence[str],
        *,
        wanted: Release | None = None,
        off_the_path: bool = True,
        against: Sequence[PlanWarning] = (),
    ) -> Refusal:
        """Give all the reasons at once, with a pending hop's and what is denied, and the nearest targets."""
        found, names, completable = list(violations), list(acceptable), False
        if self.pending is not None and off_the_path and not self.may_cancel:
            illegal = completing(self.current, self.pending, self.catalog, self.platform)
            completable = illegal is None and self.leads_on(self.pending, wanted)
            text = foreign(self.pending, illegal, self.target, completable=completable)
            found.append(Violation(rule=RuleId.PENDING, found=text))
            # Accepting `newer` leaves a pending hop alone; and where nothing helps, this does not either.
            if names != ["newer"] and (names or not violations):
                names.append("cancel-pending")
        found += [Violation(rule=RuleId.DENIED, found=f"{each.name}: {each.message}") for each in against]
        target = wanted.id.version if wanted and isinstance(wanted.id.version, RuntimeVersion) else self.target
        near = wanted or (target if isinstance(target, RuntimeVersion) else self.current)
        below, above = nearest(
            self.current, near, self.catalog, search=self.search, accepted=self.accepted, suits=self.suits
        )
        return Refusal(
            current=self.current,
            target=target,
            violations=tuple(found),
            airflow=None if isinstance(near, RuntimeVersion) else near.airflow,
            below=below,
            above=above,
            acceptable=tuple(names),
            denied=tuple(each.name for each in against),
            misspelt=wanted is None and self.misspelt,
            completable=completable,
            resolved=self.resolved,
        )

    def leads_on(self, pending: ReleaseId, wanted: Release | None) -> bool:
        """Return whether the target can still be reached when the pending hop is completed, as far as that is known."""
        release = self.catalog.get(pending)
        if wanted is not None and release is not None:
            return self.search.path(release, wanted, self.strategy) is not None
        if isinstance(self.target, RuntimeVersion) and isinstance(pending.version, RuntimeVersion):
            return number(pending.version) <= number(self.target)
        return True

"""Plan the path of one Deployment: from a request to a plan or a refusal.

Pure: no clock, file or network. The same request has the same answer, whatever the order of the feeds. A plan made
after the first hop has the remaining hops of the plan made before it.
"""

from __future__ import annotations

from dataclasses import replace
from functools import cached_property
from itertools import pairwise
from typing import TYPE_CHECKING

from astro_deployment_runtime.errors import PlanVerificationError
from astro_deployment_runtime.planning import plan_warnings
from astro_deployment_runtime.planning.catalog import number
from astro_deployment_runtime.planning.model import (
    Equivalent,
    Plan,
    PlanWarning,
    Refusal,
    RuleId,
    Violation,
    WarningName,
)
from astro_deployment_runtime.planning.path_search import Search, Terms
from astro_deployment_runtime.planning.plan_messages import foreign_hop, foreign_hop_at_target
from astro_deployment_runtime.planning.refusals import (
    completing,
    judge_target,
    nearest,
    no_equivalent,
    obstacles,
    unaccepted,
)
from astro_deployment_runtime.planning.rules import forbidden_by_platform, hop_between
from astro_deployment_runtime.planning.targets import meant, resolve
from astro_deployment_runtime.planning.versions import Distribution, Line, ReleaseId, RuntimeVersion

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from astro_deployment_runtime.planning.catalog import Release
    from astro_deployment_runtime.planning.model import Hop, Latest, Resolved
    from astro_deployment_runtime.planning.plan_request import PlanRequest


def plan(request: PlanRequest) -> Plan | Refusal:
    """Return the one right plan from the current release to the target, or a refusal.

    Raises:
        PlanVerificationError: the rules forbid a hop of the path, which is a bug in this package.
    """
    return _Planner(request).answer()


def path_to(target: Release, request: PlanRequest) -> list[Release]:
    """Return the path to another target, starting with the current release; empty: no path is legal.

    Denied warnings and a pending hop are ignored.
    """
    if not isinstance(target.id.version, RuntimeVersion):
        return []
    outcome = plan(replace(request, target=target.id.version, denied=frozenset(), pending=None))
    return [request.current, *(hop.target for hop in outcome.hops)] if isinstance(outcome, Plan) else []


class _Planner:
    """Planner for one request."""

    def __init__(self, request: PlanRequest, resolved: Resolved | None = None) -> None:
        self.request = request
        self.resolved = resolved
        """How the target was resolved, if the user declared a line or ``latest-patch``."""

    def answer(self) -> Plan | Refusal:
        """Plan to any kind of target."""
        match self.request.target:
            case Equivalent():
                return self.to_equivalent()
            case RuntimeVersion() as version:
                return self.to_version(version)
            case declared:
                return self.to_newest(declared)

    @cached_property
    def terms(self) -> Terms:
        """Limits of the search: all rules, and the moves that the platform cannot make."""
        platform = self.request.platform
        if platform is None:
            return Terms()
        return Terms(
            certified_upgrade=forbidden_by_platform(RuleId.AC_UPGRADE, platform) is None,
            migration=forbidden_by_platform(RuleId.MIGRATE_EQUAL, platform) is None,
            runtime_upgrade=forbidden_by_platform(RuleId.RUNTIME_UPGRADE, platform) is None,
        )

    @cached_property
    def search(self) -> Search:
        return Search(self.request.catalog, self.terms)

    def to_equivalent(self) -> Plan | Refusal:
        """Plan to the newest equivalent that may be a target. On Runtime there is nothing to do."""
        if self.request.current.id.distribution is Distribution.RUNTIME:
            return self.stay()
        for wanted in self.request.catalog.equivalents(self.request.current):
            if not unaccepted(wanted, self.request.accepted):
                return self.lead_to(wanted)
        return self.refuse(*no_equivalent(self.request))

    def to_newest(self, declared: Line | Latest) -> Plan | Refusal:
        """Plan to the version that a line or ``latest-patch`` resolves to."""
        resolved = resolve(declared, self.request.current, self.request.catalog, self.request.held)
        if isinstance(resolved, Violation):
            return self.refuse([resolved], ())
        return _Planner(replace(self.request, target=resolved.version), resolved).to_version(resolved.version)

    def to_version(self, target: RuntimeVersion) -> Plan | Refusal:
        """Plan to a version after checking it without regard to the path."""
        name, current, catalog = ReleaseId(Distribution.RUNTIME, target), self.request.current, self.request.catalog
        if name == current.id:
            return self.stay()
        if self.request.accepted.newer and catalog.exists(name) and number(target) < current.number:
            kept = f"runs {current}, higher than the declared {target}; this run keeps it"
            return self.stay(PlanWarning(name=WarningName.NEWER, message=kept))
        wanted = catalog.get(name)
        written = "" if self.resolved else str(target)
        violations, acceptable = judge_target(target, self.request, written)
        if wanted is None or any(violation.rule is RuleId.NO_REVERT for violation in violations):
            return self.refuse(violations, acceptable, wanted=wanted)
        return self.lead_to(wanted, violations, acceptable)

    def lead_to(
        self, wanted: Release, violations: Sequence[Violation] = (), acceptable: Sequence[str] = ()
    ) -> Plan | Refusal:
        """Plan to a release that is on offer and not lower; the violations are those of the target alone."""
        current, pending = self.request.current, self.request.pending
        path = self.search.path(current, wanted, self.request.strategy)
        if path is None:
            return self.refuse([*violations, *obstacles(wanted, self.request, self.terms)], (), wanted=wanted)
        off_the_path = pending is not None and pending != path[0].id
        warnings = self.shown(plan_warnings.of_path(path, self.request, self.resolved))
        against = self.against(warnings)
        if violations or against or (off_the_path and not self.request.may_cancel):
            return self.refuse(violations, acceptable, wanted=wanted, off_the_path=off_the_path, against=against)
        hops = tuple(hop_between(source, target) for source, target in pairwise([current, *path]))
        self.check(hops)
        return Plan(
            current=current,
            target=wanted,
            hops=hops,
            cancel=pending if off_the_path else None,
            warnings=warnings,
            resolved=self.resolved,
        )

    @property
    def misspelt(self) -> bool:
        """Whether the declared target does not exist, but similar ones do."""
        match self.request.target:
            case RuntimeVersion() as version if self.resolved is None:
                missing = not self.request.catalog.exists(ReleaseId(Distribution.RUNTIME, version))
                return missing and bool(meant(str(version), self.request.catalog))
            case Line() as line:
                return bool(meant(str(line), self.request.catalog))
            case _:
                return False

    def shown(self, warnings: Iterable[PlanWarning]) -> tuple[PlanWarning, ...]:
        """Return the warnings that the user does not accept by name."""
        return tuple(warning for warning in warnings if warning.name not in self.request.accepted.warnings)

    def against(self, warnings: Iterable[PlanWarning]) -> tuple[PlanWarning, ...]:
        """Return the warnings that the user denies."""
        return tuple(warning for warning in warnings if warning.name in self.request.denied)

    def suits(self, target: Release) -> bool:
        """Return whether the path to another target has no denied warning."""
        path = self.search.path(self.request.current, target, self.request.strategy) if self.request.denied else None
        return path is None or not self.against(self.shown(plan_warnings.of_path(path, self.request)))

    def check(self, hops: Sequence[Hop]) -> None:
        """Check every hop against the rules, independently of the search."""
        for hop in hops:
            final = hop is hops[-1]
            if against := self.request.verify(hop, final=final):
                reasons = "; ".join(f"{violation.rule}: {violation.found}" for violation in against)
                raise PlanVerificationError(
                    f"the path from {self.request.current} to {hops[-1].target} has an illegal hop, "
                    f"{hop.source} > {hop.target} ({reasons}): please report this; nothing was changed"
                )

    def stay(self, *notes: PlanWarning) -> Plan | Refusal:
        """Plan no hop. Cancel a pending hop if that is allowed."""
        current, pending = self.request.current, self.request.pending
        found = [
            *plan_warnings.stated_airflow(current, self.request.catalog),
            *plan_warnings.support(current, self.request.today),
        ]
        if pending is not None and not self.request.may_cancel:
            message = foreign_hop_at_target(pending, completing(pending, self.request))
            found.append(PlanWarning(name=WarningName.PENDING, message=message))
        warnings = self.shown([*found, *plan_warnings.held_back(self.resolved), *notes])
        if against := self.against(warnings):
            return self.refuse((), (), wanted=current, off_the_path=False, against=against)
        return Plan(
            current=current,
            target=current,
            cancel=pending if self.request.may_cancel else None,
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
        """Refuse with all the reasons, including a pending hop and denied warnings, and with the nearest targets."""
        found, names, completable = list(violations), list(acceptable), False
        current, pending, declared = self.request.current, self.request.pending, self.request.target
        if pending is not None and off_the_path and not self.request.may_cancel:
            illegal = completing(pending, self.request)
            completable = illegal is None and self.leads_on(pending, wanted)
            text = foreign_hop(pending, illegal, declared, completable=completable)
            found.append(Violation(rule=RuleId.PENDING, found=text))
            # Accepting `newer` does not cancel a pending hop. If nothing else helps, cancelling does not either.
            if names != ["newer"] and (names or not violations):
                names.append("cancel-pending")
        found += [Violation(rule=RuleId.DENIED, found=f"{each.name}: {each.message}") for each in against]
        target = wanted.id.version if wanted and isinstance(wanted.id.version, RuntimeVersion) else declared
        near = wanted or (target if isinstance(target, RuntimeVersion) else current)
        below, above = nearest(near, self.request, self.search, self.suits)
        return Refusal(
            current=current,
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
        """Return whether the target stays reachable after the pending hop; if that is unknown, return true."""
        release = self.request.catalog.get(pending)
        if wanted is not None and release is not None:
            return self.search.path(release, wanted, self.request.strategy) is not None
        if isinstance(self.request.target, RuntimeVersion) and isinstance(pending.version, RuntimeVersion):
            return number(pending.version) <= number(self.request.target)
        return True

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
from astro_deployment_runtime.planning.catalog import runtime_sort_key
from astro_deployment_runtime.planning.path_search import Search, SearchLimits
from astro_deployment_runtime.planning.plan_messages import foreign_hop, foreign_hop_at_target
from astro_deployment_runtime.planning.plan_model import (
    Equivalent,
    Plan,
    PlanWarning,
    Refusal,
    RuleId,
    Violation,
    WarningName,
)
from astro_deployment_runtime.planning.refusals import (
    blocking_rules,
    judge_target,
    nearest_targets,
    no_equivalent,
    unaccepted_risks,
    why_not_complete,
)
from astro_deployment_runtime.planning.target_versions import resolve, similar_targets
from astro_deployment_runtime.planning.upgrade_rules import forbidden_by_platform, hop_between
from astro_deployment_runtime.planning.versions import Distribution, Line, ReleaseId, RuntimeVersion

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from astro_deployment_runtime.planning.catalog import Release
    from astro_deployment_runtime.planning.plan_model import Hop, Latest, Resolved
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
                return self.plan_to_equivalent()
            case RuntimeVersion() as version:
                return self.plan_to_version(version)
            case declared:
                return self.plan_to_line(declared)

    @cached_property
    def limits(self) -> SearchLimits:
        """Limits of the search: all rules, and the moves that the platform cannot make."""
        platform = self.request.platform
        if platform is None:
            return SearchLimits()
        return SearchLimits(
            certified_upgrade=forbidden_by_platform(RuleId.AC_UPGRADE, platform) is None,
            migration=forbidden_by_platform(RuleId.MIGRATE_EQUAL, platform) is None,
            runtime_upgrade=forbidden_by_platform(RuleId.RUNTIME_UPGRADE, platform) is None,
        )

    @cached_property
    def search(self) -> Search:
        return Search(self.request.catalog, self.limits)

    def plan_to_equivalent(self) -> Plan | Refusal:
        """Plan to the newest equivalent that may be a target. On Runtime there is nothing to do."""
        if self.request.current.id.distribution is Distribution.RUNTIME:
            return self.plan_to_stay()
        for wanted in self.request.catalog.equivalents(self.request.current):
            if not unaccepted_risks(wanted, self.request.accepted):
                return self.plan_to_release(wanted)
        return self.refuse(*no_equivalent(self.request))

    def plan_to_line(self, declared: Line | Latest) -> Plan | Refusal:
        """Plan to the version that a line or ``latest-patch`` resolves to."""
        resolved = resolve(declared, self.request.current, self.request.catalog, self.request.held)
        if isinstance(resolved, Violation):
            return self.refuse([resolved], ())
        return _Planner(replace(self.request, target=resolved.version), resolved).plan_to_version(resolved.version)

    def plan_to_version(self, target: RuntimeVersion) -> Plan | Refusal:
        """Plan to a version after checking it without regard to the path."""
        name, current, catalog = ReleaseId(Distribution.RUNTIME, target), self.request.current, self.request.catalog
        if name == current.id:
            return self.plan_to_stay()
        if self.request.accepted.newer and catalog.exists(name) and runtime_sort_key(target) < current.runtime_key:
            kept = f"runs {current}, higher than the declared {target}; this run keeps it"
            return self.plan_to_stay(PlanWarning(name=WarningName.NEWER, message=kept))
        wanted = catalog.get(name)
        written = "" if self.resolved else str(target)
        violations, acceptable = judge_target(target, self.request, written)
        if wanted is None or any(violation.rule is RuleId.NO_REVERT for violation in violations):
            return self.refuse(violations, acceptable, wanted=wanted)
        return self.plan_to_release(wanted, violations, acceptable)

    def plan_to_release(
        self, wanted: Release, violations: Sequence[Violation] = (), acceptable: Sequence[str] = ()
    ) -> Plan | Refusal:
        """Plan to a release that is on offer and not lower; the violations are those of the target alone."""
        current, pending = self.request.current, self.request.pending
        path = self.search.path(current, wanted, self.request.strategy)
        if path is None:
            return self.refuse([*violations, *blocking_rules(wanted, self.request, self.limits)], (), wanted=wanted)
        off_the_path = pending is not None and pending != path[0].id
        warnings = self.request.accepted.without_accepted(
            plan_warnings.path_warnings(path, self.request, self.resolved)
        )
        denied = self.denied(warnings)
        if violations or denied or (off_the_path and not self.request.may_cancel):
            return self.refuse(violations, acceptable, wanted=wanted, off_the_path=off_the_path, denied=denied)
        hops = tuple(hop_between(source, target) for source, target in pairwise([current, *path]))
        self.check_hops(hops)
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
                return missing and bool(similar_targets(str(version), self.request.catalog))
            case Line() as line:
                return bool(similar_targets(str(line), self.request.catalog))
            case _:
                return False

    def denied(self, warnings: Iterable[PlanWarning]) -> tuple[PlanWarning, ...]:
        """Return the warnings that the user denies."""
        return tuple(warning for warning in warnings if warning.name in self.request.denied)

    def has_no_denied_warning(self, target: Release) -> bool:
        """Return whether the path to another target has no denied warning."""
        path = self.search.path(self.request.current, target, self.request.strategy) if self.request.denied else None
        return path is None or not self.denied(
            self.request.accepted.without_accepted(plan_warnings.path_warnings(path, self.request))
        )

    def check_hops(self, hops: Sequence[Hop]) -> None:
        """Check every hop against the rules, independently of the search."""
        for hop in hops:
            final = hop is hops[-1]
            if violations := self.request.verify(hop, final=final):
                reasons = "; ".join(f"{violation.rule}: {violation.found}" for violation in violations)
                raise PlanVerificationError(
                    f"the path from {self.request.current} to {hops[-1].target} has an illegal hop, "
                    f"{hop.source} > {hop.target} ({reasons}): please report this; nothing was changed"
                )

    def plan_to_stay(self, *notes: PlanWarning) -> Plan | Refusal:
        """Plan no hop. Cancel a pending hop if that is allowed."""
        current, pending = self.request.current, self.request.pending
        found = [
            *plan_warnings.airflow_mismatch_warnings(current, self.request.catalog),
            *plan_warnings.support_warnings(current, self.request.today),
        ]
        if pending is not None and not self.request.may_cancel:
            message = foreign_hop_at_target(pending, why_not_complete(pending, self.request))
            found.append(PlanWarning(name=WarningName.PENDING, message=message))
        warnings = self.request.accepted.without_accepted(
            [*found, *plan_warnings.held_target_warnings(self.resolved), *notes]
        )
        if denied := self.denied(warnings):
            return self.refuse((), (), wanted=current, off_the_path=False, denied=denied)
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
        denied: Sequence[PlanWarning] = (),
    ) -> Refusal:
        """Refuse with all the reasons, including a pending hop and denied warnings, and with the nearest targets."""
        found, names, completable = list(violations), list(acceptable), False
        current, pending, declared = self.request.current, self.request.pending, self.request.target
        if pending is not None and off_the_path and not self.request.may_cancel:
            illegal = why_not_complete(pending, self.request)
            completable = illegal is None and self.leads_to_target(pending, wanted)
            text = foreign_hop(pending, illegal, declared, completable=completable)
            found.append(Violation(rule=RuleId.PENDING, found=text))
            # Accepting `newer` does not cancel a pending hop. If nothing else helps, cancelling does not either.
            if names != ["newer"] and (names or not violations):
                names.append("cancel-pending")
        found += [Violation(rule=RuleId.DENIED, found=f"{each.name}: {each.message}") for each in denied]
        target = wanted.id.version if wanted and isinstance(wanted.id.version, RuntimeVersion) else declared
        near = wanted or (target if isinstance(target, RuntimeVersion) else current)
        below, above = nearest_targets(near, self.request, self.search, self.has_no_denied_warning)
        return Refusal(
            current=current,
            target=target,
            violations=tuple(found),
            airflow=None if isinstance(near, RuntimeVersion) else near.airflow,
            below=below,
            above=above,
            acceptable=tuple(names),
            denied=tuple(each.name for each in denied),
            misspelt=wanted is None and self.misspelt,
            completable=completable,
            resolved=self.resolved,
        )

    def leads_to_target(self, pending: ReleaseId, wanted: Release | None) -> bool:
        """Return whether the target stays reachable after the pending hop; if that is unknown, return true."""
        release = self.request.catalog.get(pending)
        if wanted is not None and release is not None:
            return wanted.id in self.search.reachable(release)
        if isinstance(self.request.target, RuntimeVersion) and isinstance(pending.version, RuntimeVersion):
            return runtime_sort_key(pending.version) <= runtime_sort_key(self.request.target)
        return True

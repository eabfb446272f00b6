"""Reasons for a refusal, all at once, and the nearest targets."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from dataclasses import replace
from functools import cached_property
from itertools import combinations, pairwise
from typing import TYPE_CHECKING, Final

from astro_deployment_runtime.errors import PlanVerificationError
from astro_deployment_runtime.planning.accepted_risks import AcceptedRisks
from astro_deployment_runtime.planning.catalog import runtime_sort_key
from astro_deployment_runtime.planning.path_search import Search
from astro_deployment_runtime.planning.plan_model import RuleId, Strategy, Violation
from astro_deployment_runtime.planning.target_versions import did_you_mean
from astro_deployment_runtime.planning.upgrade_rules import hop_between, prerelease_text, why_lower, yanked_text
from astro_deployment_runtime.planning.versions import AirflowVersion, Distribution, ReleaseId, RuntimeVersion

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from astro_deployment_runtime.planning.catalog import Release
    from astro_deployment_runtime.planning.path_search import SearchLimits
    from astro_deployment_runtime.planning.plan_request import PlanRequest

_RELAXED: Final[dict[RuleId, dict[str, bool]]] = {
    RuleId.MIGRATE_EQUAL: {"migrate_equal": False},
    RuleId.AIRFLOW_2_GATE: {"airflow_2_gate": False},
    RuleId.AIRFLOW_3_GATE: {"airflow_3_gate": False},
    RuleId.YANKED: {"through_yanked": True},
    RuleId.CHANNEL: {"through_prereleases": True},
    RuleId.PLATFORM: {"certified_upgrade": True, "migration": True, "runtime_upgrade": True},
}
"""Changes to the limits of a search that lift a rule. Without all these rules, the target is one hop away."""


def judge_target(target: RuntimeVersion, request: PlanRequest, written: str) -> tuple[list[Violation], list[str]]:
    """Judge a target without regard to the path. A target that does not exist has only that violation.

    Args:
        target: the version to judge.
        request: the request for a path to it.
        written: the target as the user wrote it; empty: the user wrote a line or ``latest-patch``.

    Returns:
        The violations, and the names to accept that would remove all of them.
    """
    name, current, catalog = ReleaseId(Distribution.RUNTIME, target), request.current, request.catalog
    wanted = catalog.get(name)
    if not catalog.exists(name):
        missing = f"{name} is neither on offer nor in the catalog{did_you_mean(written, catalog)}"
        return [Violation(rule=RuleId.OFFERED, found=missing)], []
    if wanted is not None:
        found = unaccepted_risks(wanted, request.accepted)
    elif row := catalog.unreadable_row(name):
        found = [Violation(rule=RuleId.OFFERED, found=f"{name} is on offer, but its row cannot be read: {row.text}")]
    else:
        found = [Violation(rule=RuleId.OFFERED, found=f"{name} is not on offer")]
    if runtime_sort_key(target) < current.runtime_key:
        declare = f"declare runtimeVersion: {current.id.version} or " if current.declarable else ""
        keep = f"to keep it, {declare}accept: [newer]"
        found.append(Violation(rule=RuleId.NO_REVERT, found=f"{name} is lower than {current}, which runs now; {keep}"))
        return found, ["newer"]
    if wanted is not None and (backwards := why_lower(current, wanted)):
        found.append(Violation(rule=RuleId.NO_REVERT, found=backwards))
    return found, _names(found, name)


def unaccepted_risks(release: Release, accepted: AcceptedRisks) -> list[Violation]:
    """Return the violations of a release as a target that the user has not accepted."""
    found = []
    if release.yanked and release.id not in accepted.yanked:
        found.append(Violation(rule=RuleId.YANKED, found=yanked_text(release)))
    if release.prerelease and release.id not in accepted.prerelease:
        found.append(Violation(rule=RuleId.CHANNEL, found=prerelease_text(release)))
    return found


def _names(violations: Iterable[Violation], target: ReleaseId) -> list[str]:
    """Return the names to accept for a target's violations; empty: one of them cannot be accepted."""
    kinds = {RuleId.YANKED: "yanked", RuleId.CHANNEL: "prerelease"}
    rules = [violation.rule for violation in violations]
    return [f"{kinds[rule]}:{target.version}" for rule in rules] if kinds.keys() >= set(rules) else []


def no_equivalent(request: PlanRequest) -> tuple[list[Violation], list[str]]:
    """Return why an AC has no equivalent that may be a target, and the names to accept to get one."""
    current = request.current
    equivalents = request.catalog.equivalents(current)
    if not equivalents:
        found = f"no Astro Runtime with Airflow {current.airflow} is on offer, so {current} has no equivalent"
        return [Violation(rule=RuleId.MIGRATE_EQUAL, found=found)], []
    violations = [violation for release in equivalents for violation in unaccepted_risks(release, AcceptedRisks())]
    newest = equivalents[0]
    return violations, _names(unaccepted_risks(newest, AcceptedRisks()), newest.id)


def why_not_complete(pending: ReleaseId, request: PlanRequest) -> str | None:
    """Return the rules that completing a pending hop would break; None: it is legal.

    For a Runtime that is not on offer, the Airflow version is unknown, and the violated rules do not depend on it.
    """
    airflow = pending.version if isinstance(pending.version, AirflowVersion) else request.current.airflow
    target = request.catalog.get(pending) or request.catalog.describe(pending, airflow)
    violations = request.verify(hop_between(request.current, target), final=False)
    found = {violation.rule: violation.found for violation in violations}
    if RuleId.NO_REVERT in found:
        return found[RuleId.NO_REVERT]
    return "; ".join(found.values()) or None


def blocking_rules(wanted: Release, request: PlanRequest, limits: SearchLimits) -> list[Violation]:
    """Return the rules that block every path to a target that is on offer and not lower.

    A rule blocks the path if a path exists without that rule. If no single rule does, return the smallest set of rules
    that does.
    """
    size, openings = _paths_without_rules(wanted, request, limits)
    if size > 1:
        del openings[1:]
    found: dict[RuleId, list[str]] = {}
    for rules, path in openings:
        for violation in _path_violations(path, request):
            texts = found.setdefault(violation.rule, [])
            if violation.rule in rules and violation.found not in texts:
                texts.append(violation.found)
    return [Violation(rule=rule, found="; ".join(found[rule])) for rule in RuleId if found.get(rule)]


def _paths_without_rules(
    wanted: Release, request: PlanRequest, limits: SearchLimits
) -> tuple[int, list[tuple[tuple[RuleId, ...], list[Release]]]]:
    """Return the smallest number of rules to lift for a path, and each such set of rules with its path."""
    for size in range(1, len(_RELAXED) + 1):
        openings = [
            (rules, path)
            for rules in combinations(_RELAXED, size)
            if (path := _path_without(rules, wanted, request, limits)) is not None
        ]
        if openings:
            return size, openings
    # Without all these rules one hop is enough, because callers never ask about a lower target.
    raise PlanVerificationError(
        f"nothing explains why there is no path from {request.current} to {wanted}: please report this"
    )


def _path_without(
    rules: Iterable[RuleId], wanted: Release, request: PlanRequest, limits: SearchLimits
) -> list[Release] | None:
    """Return a path that may break these rules and no others."""
    changes: dict[str, bool] = {}
    for rule in rules:
        changes |= _RELAXED[rule]
    relaxed = replace(limits, **changes)
    if relaxed == limits:
        return None
    return Search(request.catalog, relaxed).path(request.current, wanted, Strategy.FEWEST_HOPS)


def _path_violations(path: Sequence[Release], request: PlanRequest) -> Iterable[Violation]:
    """Yield the violations of a path, without those of its target as such."""
    for source, target in pairwise([request.current, *path]):
        for violation in request.verify(hop_between(source, target), final=target is path[-1]):
            if target is not path[-1] or violation.rule not in {RuleId.YANKED, RuleId.CHANNEL}:
                yield violation


def nearest_targets(
    wanted: RuntimeVersion | Release, request: PlanRequest, search: Search, is_suitable: Callable[[Release], bool]
) -> tuple[Release | None, Release | None]:
    """Return the nearest reachable targets below and above the wanted one.

    Args:
        wanted: the refused target. A version that is not on offer has no known Airflow version and is compared by its
            Runtime version alone.
        request: the request that is refused.
        search: the search for paths.
        is_suitable: whether a reachable target is free of other objections.
    """
    reachable = _ReachableTargets(request.current, search, request.accepted)
    if isinstance(wanted, RuntimeVersion):
        place = runtime_sort_key(wanted)
        targets = sorted(request.catalog.runtime, key=lambda release: release.runtime_key)
        at = bisect_left(targets, place, key=lambda release: release.runtime_key)
        over = bisect_right(targets, place, key=lambda release: release.runtime_key)
    else:
        targets = list(request.catalog.runtime)
        at = bisect_left(targets, wanted.order, key=lambda release: release.order)
        over = bisect_right(targets, wanted.order, key=lambda release: release.order)
    below, above = (
        next((release for release in side if reachable.includes(release) and is_suitable(release)), None)
        for side in (reversed(targets[:at]), targets[over:])
    )
    return below, above


class _ReachableTargets:
    """Reachable targets. One hop is checked first, since that is rarely not enough and computing all is slow."""

    def __init__(self, current: Release, search: Search, accepted: AcceptedRisks) -> None:
        self._current, self._search, self._accepted = current, search, accepted

    @cached_property
    def _reached(self) -> set[ReleaseId]:
        return self._search.reachable(self._current)

    def includes(self, target: Release) -> bool:
        if target.order <= self._current.order or unaccepted_risks(target, self._accepted):
            return False
        return self._search.is_one_hop(self._current, target) or target.id in self._reached

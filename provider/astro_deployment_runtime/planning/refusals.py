"""Why there is no path, all reasons at once, and where the user could go instead."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from dataclasses import replace
from functools import cached_property
from itertools import combinations, pairwise
from typing import TYPE_CHECKING, Final

from astro_deployment_runtime.errors import PlanVerificationError
from astro_deployment_runtime.planning.accepted_risks import AcceptedRisks
from astro_deployment_runtime.planning.catalog import number
from astro_deployment_runtime.planning.model import RuleId, Strategy, Violation
from astro_deployment_runtime.planning.path_search import Search
from astro_deployment_runtime.planning.rules import hop_between, prerelease, reverts, yanked
from astro_deployment_runtime.planning.targets import hint
from astro_deployment_runtime.planning.versions import AirflowVersion, Distribution, ReleaseId, RuntimeVersion

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from astro_deployment_runtime.planning.catalog import Release
    from astro_deployment_runtime.planning.path_search import Terms
    from astro_deployment_runtime.planning.plan_request import PlanRequest

_RELAXED: Final[dict[RuleId, dict[str, bool]]] = {
    RuleId.MIGRATE_EQUAL: {"equal": False},
    RuleId.AIRFLOW_2_GATE: {"gate_2": False},
    RuleId.AIRFLOW_3_GATE: {"gate_3": False},
    RuleId.YANKED: {"through_yanked": True},
    RuleId.CHANNEL: {"through_prereleases": True},
    RuleId.PLATFORM: {"certified_upgrade": True, "migration": True, "runtime_upgrade": True},
}
"""What a search is told when a rule is not to bind it. Without any of these, the target is one hop away."""


def judge_target(target: RuntimeVersion, request: PlanRequest, written: str) -> tuple[list[Violation], list[str]]:
    """Judge a target by itself, whatever the way there. Of one that does not exist nothing else is said.

    Args:
        target: what is asked for.
        request: the request for a path to it.
        written: the target as the user wrote it; empty: a line was written, which stands for it.

    Returns:
        What the rules have against it, and the names whose acceptance would do away with all of that.
    """
    name, current, catalog = ReleaseId(Distribution.RUNTIME, target), request.current, request.catalog
    wanted = catalog.get(name)
    if not catalog.exists(name):
        missing = f"{name} is neither on offer nor in the catalog{hint(written, catalog)}"
        return [Violation(rule=RuleId.OFFERED, found=missing)], []
    if wanted is not None:
        found = unaccepted(wanted, request.accepted)
    elif row := catalog.odd_row(name):
        found = [Violation(rule=RuleId.OFFERED, found=f"{name} is on offer, but its row cannot be read: {row.text}")]
    else:
        found = [Violation(rule=RuleId.OFFERED, found=f"{name} is not on offer")]
    if number(target) < current.number:
        declare = f"declare runtimeVersion: {current.id.version} or " if current.declarable else ""
        keep = f"to keep it, {declare}accept: [newer]"
        found.append(Violation(rule=RuleId.NO_REVERT, found=f"{name} is lower than {current}, which runs now; {keep}"))
        return found, ["newer"]
    if wanted is not None and (backwards := reverts(current, wanted)):
        found.append(Violation(rule=RuleId.NO_REVERT, found=backwards))
    return found, _names(found, name)


def unaccepted(release: Release, accepted: AcceptedRisks) -> list[Violation]:
    """Return what has to be accepted before a release can be a target, and is not."""
    found = []
    if release.yanked and release.id not in accepted.yanked:
        found.append(Violation(rule=RuleId.YANKED, found=yanked(release)))
    if release.prerelease and release.id not in accepted.prerelease:
        found.append(Violation(rule=RuleId.CHANNEL, found=prerelease(release)))
    return found


def _names(violations: Iterable[Violation], target: ReleaseId) -> list[str]:
    """Name what to accept against violations of a target; none if one of them cannot be accepted."""
    kinds = {RuleId.YANKED: "yanked", RuleId.CHANNEL: "prerelease"}
    rules = [violation.rule for violation in violations]
    return [f"{kinds[rule]}:{target.version}" for rule in rules] if kinds.keys() >= set(rules) else []


def no_equivalent(request: PlanRequest) -> tuple[list[Violation], list[str]]:
    """Say that an AC has no equivalent that may be a target, and what could be accepted to get one."""
    current = request.current
    equivalents = request.catalog.equivalents(current)
    if not equivalents:
        found = f"no Astro Runtime with Airflow {current.airflow} is on offer, so {current} has no equivalent"
        return [Violation(rule=RuleId.MIGRATE_EQUAL, found=found)], []
    against = [violation for release in equivalents for violation in unaccepted(release, AcceptedRisks())]
    newest = equivalents[0]
    return against, _names(unaccepted(newest, AcceptedRisks()), newest.id)


def completing(pending: ReleaseId, request: PlanRequest) -> str | None:
    """Say which rules completing a pending hop would break, by deploying its image; None where it is legal.

    The Airflow version of a Runtime that is not on offer is unknown; the rules named for it do not depend on one.
    """
    airflow = pending.version if isinstance(pending.version, AirflowVersion) else request.current.airflow
    target = request.catalog.get(pending) or request.catalog.describe(pending, airflow)
    against = request.verify(hop_between(request.current, target), final=False)
    found = {violation.rule: violation.found for violation in against}
    if RuleId.NO_REVERT in found:
        return found[RuleId.NO_REVERT]
    return "; ".join(found.values()) or None


def obstacles(wanted: Release, request: PlanRequest, terms: Terms) -> list[Violation]:
    """Say what stands between what runs and a target that is on offer and not lower, where no path is legal.

    A rule stands in the way when there would be a path without it. If that is true of no single rule, the smallest
    set of rules is named of which it is true.
    """
    size, openings = _openings(wanted, request, terms)
    if size > 1:
        del openings[1:]
    found: dict[RuleId, list[str]] = {}
    for rules, path in openings:
        for violation in _against(path, request):
            texts = found.setdefault(violation.rule, [])
            if violation.rule in rules and violation.found not in texts:
                texts.append(violation.found)
    return [Violation(rule=rule, found="; ".join(found[rule])) for rule in RuleId if found.get(rule)]


def _openings(
    wanted: Release, request: PlanRequest, terms: Terms
) -> tuple[int, list[tuple[tuple[RuleId, ...], list[Release]]]]:
    """Return the smallest number of rules without which there is a path, and each such set with its path."""
    for size in range(1, len(_RELAXED) + 1):
        openings = [
            (rules, path)
            for rules in combinations(_RELAXED, size)
            if (path := _path_without(rules, wanted, request, terms)) is not None
        ]
        if openings:
            return size, openings
    # Without any of the rules one hop is enough, unless the target is lower, and then nobody asks.
    raise PlanVerificationError(
        f"nothing explains why there is no path from {request.current} to {wanted}: please report this"
    )


def _path_without(rules: Iterable[RuleId], wanted: Release, request: PlanRequest, terms: Terms) -> list[Release] | None:
    """Return a path that keeps all rules but these."""
    changes: dict[str, bool] = {}
    for rule in rules:
        changes |= _RELAXED[rule]
    relaxed = replace(terms, **changes)
    if relaxed == terms:
        return None
    return Search(request.catalog, relaxed).path(request.current, wanted, Strategy.FEWEST_HOPS)


def _against(path: Sequence[Release], request: PlanRequest) -> Iterable[Violation]:
    """Return what the rules have against a path; its target is judged elsewhere."""
    for source, target in pairwise([request.current, *path]):
        for violation in request.verify(hop_between(source, target), final=target is path[-1]):
            if target is not path[-1] or violation.rule not in {RuleId.YANKED, RuleId.CHANNEL}:
                yield violation


def nearest(
    wanted: RuntimeVersion | Release, request: PlanRequest, search: Search, suits: Callable[[Release], bool]
) -> tuple[Release | None, Release | None]:
    """Find the targets next to the wanted one, below and above, that can be reached by at least one hop.

    Args:
        wanted: where to start from; a version that is not on offer, whose Airflow version nobody knows, is compared
            by its version alone.
        request: the request that is refused.
        search: how paths are found.
        suits: whether nothing else is against a target that can be reached.
    """
    reach = _Reach(request.current, search, request.accepted)
    if isinstance(wanted, RuntimeVersion):
        place = number(wanted)
        targets = sorted(request.catalog.runtime, key=lambda release: release.number)
        at = bisect_left(targets, place, key=lambda release: release.number)
        over = bisect_right(targets, place, key=lambda release: release.number)
    else:
        targets = list(request.catalog.runtime)
        at = bisect_left(targets, wanted.order, key=lambda release: release.order)
        over = bisect_right(targets, wanted.order, key=lambda release: release.order)
    below, above = (
        next((release for release in side if reach.includes(release) and suits(release)), None)
        for side in (reversed(targets[:at]), targets[over:])
    )
    return below, above


class _Reach:
    """The targets that can be reached from what runs; the first ones asked for rarely need all to be computed."""

    def __init__(self, current: Release, search: Search, accepted: AcceptedRisks) -> None:
        self._current, self._search, self._accepted = current, search, accepted

    @cached_property
    def _reached(self) -> set[ReleaseId]:
        return self._search.reachable(self._current)

    def includes(self, target: Release) -> bool:
        if target.order <= self._current.order or unaccepted(target, self._accepted):
            return False
        return self._search.leads(self._current, target) or target.id in self._reached

"""Explain a path, or a refusal and its ways out.

Pure: the planner and the rules are asked again. The first search leaves no record.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from astro_deployment_runtime.planning.plan_messages import ARROW, hops_text, path_text, plan_lines, refusal_lines
from astro_deployment_runtime.planning.plan_model import Equivalent, Plan, RuleId, Strategy, WarningName
from astro_deployment_runtime.planning.planner import path_to
from astro_deployment_runtime.planning.upgrade_rules import RULE, hop_between, prerelease_text, yanked_text
from astro_deployment_runtime.planning.versions import Distribution
from astro_deployment_runtime.support.text_formatting import printable

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from astro_deployment_runtime.planning.catalog import Release
    from astro_deployment_runtime.planning.plan_model import Hop, Refusal
    from astro_deployment_runtime.planning.plan_request import PlanRequest

_KINDS: Final = {Distribution.CERTIFIED: "Certified", Distribution.RUNTIME: "Runtime"}
_MANNERS: Final = {
    Strategy.CERTIFIED_FIRST: "stays on Certified as long as possible, then migrates, as in the vendor's guide",
    Strategy.FEWEST_HOPS: "takes the shortest path, even if it migrates earlier",
}


def plan_explanation(plan: Plan, request: PlanRequest) -> list[str]:
    """Explain a plan: each hop with its rule, the rule's reason and source, and the choice among other paths.

    Args:
        plan: the answer.
        request: what was asked.
    """
    lines = plan_lines(plan)
    if not plan.hops:
        return [*lines, "", f"Why: {_why_nothing(plan, request)}."]
    path = [plan.current, *(hop.target for hop in plan.hops)]
    for number, hop in enumerate(plan.hops, start=1):
        lines += ["", *_hop_lines(number, hop, path, request)]
    return [*lines, "", *_needed_lines(path, request), *_other_lines(path, request)]


def refusal_explanation(refusal: Refusal, request: PlanRequest) -> list[str]:
    """Explain a refusal: every reason with its source, and the paths to the nearest targets.

    Args:
        refusal: the answer.
        request: what was asked.
    """
    lines = [*refusal_lines(refusal), "", "Sources of the rules:"]
    rules = dict.fromkeys(violation.rule for violation in refusal.violations)
    lines += [f"  {rule}: {RULE[rule].source}" for rule in rules]
    near = [release for release in (refusal.below, refusal.above) if release is not None]
    if near:
        lines += ["", "Paths to the nearest targets:" if len(near) > 1 else "Path to the nearest target:"]
    return [*lines, *(f"  {_way(path_to(release, request))}" for release in near)]


def _way(path: Sequence[Release]) -> str:
    return f"{path_text(path)} ({hops_text(len(path) - 1)})"


def _why_nothing(plan: Plan, request: PlanRequest) -> str:
    if isinstance(request.target, Equivalent):
        return f"{plan.current} is already an Astro Runtime, so there is nothing to migrate"
    if any(warning.name is WarningName.NEWER for warning in plan.warnings):
        return f"{plan.current} is higher than the target, and newer is accepted"
    return f"{plan.current} is the target"


def _hop_lines(number: int, hop: Hop, path: Sequence[Release], request: PlanRequest) -> list[str]:
    rule = RULE[hop.rule]
    return [
        f"Hop {number}: {hop.action} {hop.source}{ARROW}{hop.target}",
        f"  {rule.id}: {rule.reason}",
        f"  source: {rule.source}",
        f"  why {hop.target}: {_why(number, path, request)}",
        *(f"  skipped: {printable(text)}" for text in _passed_over(number, path, request)),
    ]


def _why(number: int, path: Sequence[Release], request: PlanRequest) -> str:
    """Return why the strategy chooses this release for a hop."""
    release, target = path[number], path[-1]
    if release is target:
        newest = f"the newest equivalent of {path[0]} that may be a target"
        return newest if isinstance(request.target, Equivalent) else "it is the target"
    kind, goal = _KINDS[release.id.distribution], target
    if request.strategy is Strategy.CERTIFIED_FIRST:
        last_certified = [each for each in path if each.id.distribution is Distribution.CERTIFIED][-1:]
        if release in last_certified:
            return _why_last_certified(release, target, request)
        if path[number - 1] in last_certified:
            return f"the newest equivalent of {path[number - 1]} from which the target can be reached"
        if release.id.distribution is Distribution.CERTIFIED:
            goal = last_certified[0]
    left = path.index(goal) - number
    what = "the target" if goal is target else str(goal)
    return f"the newest {kind} release one hop away, from which {what} is {hops_text(left)} away"


def _why_last_certified(release: Release, target: Release, request: PlanRequest) -> str:
    if release.airflow_key == target.airflow_key:
        return f"it is the Certified release with the target's Airflow version, {target.airflow}"
    text = "the highest Certified release whose equivalent leads to the target"
    if any(each.airflow_key == target.airflow_key for each in request.catalog.certified):
        return text
    return f"{text}; no Certified release has the target's Airflow version, {target.airflow}"


def _passed_over(number: int, path: Sequence[Release], request: PlanRequest) -> Iterator[str]:
    """Yield why a hop skips newer releases that are yanked or prereleases."""
    source, release, target = path[number - 1], path[number], path[-1]
    pool = request.catalog.certified if release.id.distribution is Distribution.CERTIFIED else request.catalog.runtime
    for other in pool:
        if other.passable or not release.order < other.order < target.order:
            continue
        rules = {violation.rule for violation in request.verify(hop_between(source, other), final=False)}
        onward = path_to(target, replace(request, current=other))
        if rules <= {RuleId.YANKED, RuleId.CHANNEL} and 0 < len(onward) <= len(path) - number:
            yield yanked_text(other) if other.yanked else prerelease_text(other)


def _needed_lines(path: Sequence[Release], request: PlanRequest) -> Iterator[str]:
    """Yield the rules that forbid to leave out each release in between."""
    if len(path) > 2:
        yield "Why each release in between is needed:"
    for before, release, after in zip(path, path[1:], path[2:], strict=False):
        violations = request.verify(hop_between(before, after), final=after is path[-1])
        found = "; ".join(f"{violation.rule}: {violation.found}" for violation in violations)
        yield f"  without {release}: {printable(found)}"


def _other_lines(path: Sequence[Release], request: PlanRequest) -> Iterator[str]:
    """Yield a comparison with the other strategy's path. One of the two is a shortest path."""
    (other,) = set(Strategy) - {request.strategy}
    found = path_to(path[-1], replace(request, strategy=other))
    yield f"Strategy: {request.strategy} {_MANNERS[request.strategy]}."
    if found == path:
        yield f"  {other} gives the same path; no path is shorter"
    else:
        yield f"  {other} {_MANNERS[other]}: {_way(found)}"

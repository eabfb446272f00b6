"""Why a path is as it is, and what can be done where there is none.

Pure: everything is asked of the planner and the rules again, nothing is remembered from when the path was found.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from astro_deployment_runtime.planning.model import Equivalent, Plan, RuleId, Strategy, WarningName
from astro_deployment_runtime.planning.plan_messages import ARROW, hops_text, plan_lines, printable, refusal_lines
from astro_deployment_runtime.planning.rules import RULE, prerelease, yanked
from astro_deployment_runtime.planning.versions import Distribution

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from astro_deployment_runtime.planning.catalog import Release
    from astro_deployment_runtime.planning.inquiry import Inquiry
    from astro_deployment_runtime.planning.model import Hop, Refusal

_KINDS: Final = {Distribution.CERTIFIED: "Certified", Distribution.RUNTIME: "Runtime"}
_MANNERS: Final = {
    Strategy.CERTIFIED_FIRST: "stays on Certified as far as that helps, as the vendor's guide does, then migrates",
    Strategy.FEWEST_HOPS: "takes a shortest path, wherever it migrates",
}


def plan_explanation(plan: Plan, inquiry: Inquiry) -> list[str]:
    """Explain a plan: each hop with its rule, the rule's reason and source, and the choice among other paths.

    Args:
        plan: the answer.
        inquiry: what was asked.
    """
    lines = plan_lines(plan)
    if not plan.hops:
        return [*lines, "", f"Why: {_why_nothing(plan, inquiry)}."]
    path = [plan.current, *(hop.target for hop in plan.hops)]
    for number, hop in enumerate(plan.hops, start=1):
        lines += ["", *_hop_lines(number, hop, path, inquiry)]
    return [*lines, "", *_needed_lines(path, inquiry), *_other_lines(path, inquiry)]


def refusal_explanation(refusal: Refusal, inquiry: Inquiry) -> list[str]:
    """Explain a refusal: every reason with its source, and the ways to the nearest targets.

    Args:
        refusal: the answer.
        inquiry: what was asked.
    """
    lines = [*refusal_lines(refusal), "", "Sources of the rules:"]
    rules = dict.fromkeys(violation.rule for violation in refusal.violations)
    lines += [f"  {rule}: {RULE[rule].source}" for rule in rules]
    near = [release for release in (refusal.below, refusal.above) if release is not None]
    if near:
        lines += ["", f"The way{'s' if len(near) > 1 else ''} to the nearest target{'s' if len(near) > 1 else ''}:"]
    return [*lines, *(f"  {_way(inquiry.path_to(release))}" for release in near)]


def _way(path: Sequence[Release]) -> str:
    return f"{ARROW.join(map(str, path))} ({hops_text(len(path) - 1)})"


def _why_nothing(plan: Plan, inquiry: Inquiry) -> str:
    if isinstance(inquiry.target, Equivalent):
        return f"{plan.current} is an Astro Runtime already, so there is nothing to migrate"
    if any(warning.name is WarningName.NEWER for warning in plan.warnings):
        return f"{plan.current} is more than the target, and newer is accepted"
    return f"{plan.current} is the target"


def _hop_lines(number: int, hop: Hop, path: Sequence[Release], inquiry: Inquiry) -> list[str]:
    rule = RULE[hop.rule]
    return [
        f"Hop {number}: {hop.action} {hop.source}{ARROW}{hop.target}",
        f"  {rule.id}: {rule.reason}",
        f"  source: {rule.source}",
        f"  why {hop.target}: {_why(number, path, inquiry)}",
        *(f"  passed over: {printable(text)}" for text in _passed_over(number, path, inquiry)),
    ]


def _why(number: int, path: Sequence[Release], inquiry: Inquiry) -> str:
    """Say why a hop leads to this release and to no other, as the strategy has it."""
    release, target = path[number], path[-1]
    if release is target:
        newest = f"the newest equivalent of {path[0]} that may be a target"
        return newest if isinstance(inquiry.target, Equivalent) else "it is the target"
    kind, goal = _KINDS[release.id.distribution], target
    if inquiry.strategy is Strategy.CERTIFIED_FIRST:
        summit = [each for each in path if each.id.distribution is Distribution.CERTIFIED][-1:]
        if release in summit:
            return _why_summit(release, target, inquiry)
        if path[number - 1] in summit:
            return f"the newest equivalent of {path[number - 1]} from which the target can be reached"
        if release.id.distribution is Distribution.CERTIFIED:
            goal = summit[0]
    left = path.index(goal) - number
    what = "the target" if goal is target else str(goal)
    return f"the newest {kind} release to which one hop leads, and from which {what} is {hops_text(left)} away"


def _why_summit(release: Release, target: Release, inquiry: Inquiry) -> str:
    if release.rank == target.rank:
        return f"it is the Certified release with the target's Airflow version, {target.airflow}"
    text = "the highest Certified release in reach from whose equivalent the target can be reached"
    if any(each.rank == target.rank for each in inquiry.catalog.certified):
        return text
    return f"{text}; there is none with the target's Airflow version, {target.airflow}"


def _passed_over(number: int, path: Sequence[Release], inquiry: Inquiry) -> Iterator[str]:
    """Name the newer releases that the hop would lead to, were they not withdrawn or prereleases."""
    source, release, target = path[number - 1], path[number], path[-1]
    pool = inquiry.catalog.certified if release.id.distribution is Distribution.CERTIFIED else inquiry.catalog.runtime
    for other in pool:
        if other.passable or not release.order < other.order < target.order:
            continue
        rules = {violation.rule for violation in inquiry.against(source, other, final=False)}
        onward = replace(inquiry, current=other).path_to(target)
        if rules <= {RuleId.YANKED, RuleId.CHANNEL} and 0 < len(onward) <= len(path) - number:
            yield yanked(other) if other.yanked else prerelease(other)


def _needed_lines(path: Sequence[Release], inquiry: Inquiry) -> Iterator[str]:
    """Say of each release in between what forbids to leave it out."""
    if len(path) > 2:
        yield "Why none of them can be left out:"
    for before, release, after in zip(path, path[1:], path[2:], strict=False):
        against = inquiry.against(before, after, final=after is path[-1])
        found = "; ".join(f"{violation.rule}: {violation.found}" for violation in against)
        yield f"  without {release}: {printable(found)}"


def _other_lines(path: Sequence[Release], inquiry: Inquiry) -> Iterator[str]:
    """Compare with the path of the other strategy; one of the two is a shortest."""
    (other,) = set(Strategy) - {inquiry.strategy}
    found = replace(inquiry, strategy=other).path_to(path[-1])
    yield f"Strategy: {inquiry.strategy} {_MANNERS[inquiry.strategy]}."
    if found == path:
        yield f"  {other} gives the same path; none is shorter"
    else:
        yield f"  {other} {_MANNERS[other]}: {_way(found)}"

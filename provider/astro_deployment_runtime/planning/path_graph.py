"""Graph of a path and its alternatives, with the rules that allow or forbid each hop.

The graph is small on purpose. Each release on the path has the next older and the next newer one of its distribution
as neighbours, and each Certified release also its newest equivalent. A refusal has the paths to the nearest targets.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from itertools import pairwise
from typing import TYPE_CHECKING

from astro_deployment_runtime.planning.plan_model import Plan
from astro_deployment_runtime.planning.planner import path_to
from astro_deployment_runtime.planning.upgrade_rules import hop_between
from astro_deployment_runtime.planning.versions import Distribution, Line, ReleaseId, RuntimeVersion

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from astro_deployment_runtime.planning.catalog import Release
    from astro_deployment_runtime.planning.plan_model import Refusal, RuleId
    from astro_deployment_runtime.planning.plan_request import PlanRequest


class Role(StrEnum):
    """Role of a release in the graph."""

    CURRENT = "current"
    HOP = "hop"
    """The path leads through it."""
    TARGET = "target"
    NEIGHBOUR = "neighbour"


class Kind(StrEnum):
    """Kind of a hop in the graph."""

    PATH = "path"
    POSSIBLE = "possible"
    """Legal, but not on the path."""
    FORBIDDEN = "forbidden"


@dataclass(frozen=True, slots=True)
class Node:
    """A release in a graph."""

    name: str
    role: Role
    release: Release | None = None
    """None: the target, if it is not a release on offer."""


@dataclass(frozen=True, slots=True)
class Edge:
    """A hop between two releases, by their names."""

    source: str
    target: str
    kind: Kind
    rules: tuple[RuleId, ...]
    """The rule that allows the hop, or the rules that forbid it."""


@dataclass(slots=True)
class Graph:
    """Nodes by name and edges by both names, in the order of addition. Adding one again does not change it."""

    nodes: dict[str, Node] = field(default_factory=dict)
    edges: dict[tuple[str, str], Edge] = field(default_factory=dict)

    def add(self, release: Release, role: Role) -> None:
        """Add a release."""
        self.nodes.setdefault(str(release), Node(str(release), role, release))

    def connect(self, edge: Edge) -> None:
        """Add a hop between two added releases."""
        self.edges.setdefault((edge.source, edge.target), edge)


def neighbourhood(outcome: Plan | Refusal, request: PlanRequest) -> Graph:
    """Return the graph of a plan or a refusal."""
    graph = Graph()
    graph.add(outcome.current, Role.CURRENT)
    if isinstance(outcome, Plan):
        _draw_path([outcome.current, *(hop.target for hop in outcome.hops)], request, graph)
    else:
        _draw_refusal(outcome, request, graph)
    return graph


def _draw_path(path: Sequence[Release], request: PlanRequest, graph: Graph) -> None:
    for release in path[1:]:
        graph.add(release, Role.TARGET if release is path[-1] else Role.HOP)
    for source, target in pairwise(path):
        graph.connect(_edge(source, target, request, final=target is path[-1], on_path=True))
    if len(path) > 2:
        graph.connect(_edge(path[0], path[-1], request, final=True))
    for at, source in enumerate(path[:-1]):
        for other in _alternatives(path, at, request):
            _draw_alternative(source, other, path[at + 1 :], request, graph)


def _draw_alternative(
    source: Release, other: Release, rest: Sequence[Release], request: PlanRequest, graph: Graph
) -> None:
    """Draw an alternative to a hop, and from it the hop to the furthest possible release of the rest."""
    if str(other) in graph.nodes:
        return
    graph.add(other, Role.NEIGHBOUR)
    edge = _edge(source, other, request, final=other.order >= rest[-1].order)
    graph.connect(edge)
    if edge.kind is Kind.POSSIBLE:
        onward = (_edge(other, release, request, final=release is rest[-1]) for release in reversed(rest))
        if first := next((edge for edge in onward if edge.kind is Kind.POSSIBLE), None):
            graph.connect(first)


def _alternatives(path: Sequence[Release], at: int, request: PlanRequest) -> Iterator[Release]:
    """Yield the alternatives to the hop from a release of the path; all are above that release."""
    source, chosen = path[at], path[at + 1]
    near = [*_beside(chosen, request)]
    if source.id.distribution is Distribution.CERTIFIED:
        near += request.catalog.equivalents(source)[:1]
    yield from (release for release in near if release.order > source.order)


def _beside(release: Release, request: PlanRequest) -> Iterable[Release]:
    """Return the next older and the next newer release of the same distribution."""
    certified = release.id.distribution is Distribution.CERTIFIED
    pool = request.catalog.certified if certified else request.catalog.runtime
    older = [each for each in pool if each.order < release.order][-1:]
    return [*older, *[each for each in pool if each.order > release.order][:1]]


def _draw_refusal(refusal: Refusal, request: PlanRequest, graph: Graph) -> None:
    name, release = _wanted(refusal, request)
    graph.nodes.setdefault(name, Node(name, Role.TARGET, release))
    rules = tuple(dict.fromkeys(violation.rule for violation in refusal.violations))
    graph.connect(Edge(str(refusal.current), name, Kind.FORBIDDEN, rules))
    for near in (refusal.below, refusal.above):
        path = path_to(near, request) if near else []
        for release in path[1:]:
            graph.add(release, Role.NEIGHBOUR)
        for source, target in pairwise(path):
            graph.connect(_edge(source, target, request, final=target is near))


def _wanted(refusal: Refusal, request: PlanRequest) -> tuple[str, Release | None]:
    if isinstance(refusal.target, Line):
        return f"Astro Runtime {refusal.target}", None
    if not isinstance(refusal.target, RuntimeVersion):
        return f"{refusal.target} of {refusal.current}", None
    name = ReleaseId(Distribution.RUNTIME, refusal.target)
    return str(name), request.catalog.get(name)


def _edge(source: Release, target: Release, request: PlanRequest, *, final: bool, on_path: bool = False) -> Edge:
    hop = hop_between(source, target)
    violations = request.verify(hop, final=final)
    if violations:
        rules = tuple(dict.fromkeys(violation.rule for violation in violations))
        return Edge(str(source), str(target), Kind.FORBIDDEN, rules)
    kind = Kind.PATH if on_path else Kind.POSSIBLE
    return Edge(str(source), str(target), kind, (hop.rule,))

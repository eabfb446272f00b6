"""What is said of a path is so, in worlds that are made up: the second opinion is asked of every claim."""

from __future__ import annotations

import re
from itertools import product
from typing import TYPE_CHECKING, Final

import pytest
from hypothesis import given, settings

from astro_deployment_runtime.cli.graph import dot_lines, mermaid_lines
from astro_deployment_runtime.planning.accepted_risks import AcceptedRisks
from astro_deployment_runtime.planning.catalog import Catalog
from astro_deployment_runtime.planning.explanation import plan_explanation, refusal_explanation
from astro_deployment_runtime.planning.model import Plan, Strategy
from astro_deployment_runtime.planning.neighbourhood import Kind, neighbourhood
from astro_deployment_runtime.planning.plan_request import PlanRequest
from astro_deployment_runtime.planning.planner import plan
from astro_deployment_runtime.planning.versions import RuntimeVersion
from tests.property.made_up import World, release_of, worlds
from tests.property.oracle import Oracle
from tests.property.test_crowded import crowd

if TYPE_CHECKING:
    from tests.property.oracle import Row

NEWEST: Final = re.compile(r"the newest (Certified|Runtime) release one hop away, from which (.+) is (\d+) hops? away")
EQUIVALENT: Final = re.compile(r"the newest equivalent of (.+) from which the target can be reached")
SUMMIT: Final = re.compile(
    r"the highest Certified release whose equivalent leads to the target(; no Certified release has .*)?"
)
OWN: Final = re.compile(r"it is the Certified release with the target's Airflow version, (.+)")


def request(world: World) -> PlanRequest:
    """Ask what the world wants."""
    return PlanRequest(
        current=release_of(world.start),
        target=RuntimeVersion.parse(world.target.version),
        catalog=world.catalog,
        strategy=world.strategy,
        accepted=world.accepted,
        platform=world.platform,
    )


def candidates(world: World, source: Row, *, certified: bool) -> list[Row]:
    """Name where one hop leads to, of what a path may lead through."""
    oracle = world.oracle
    return [
        row for row in oracle.rows if row.certified is certified and oracle.passes(row) and oracle.may_hop(source, row)
    ]


def newest(rows: list[Row]) -> str:
    """Name the newest."""
    return max(rows, key=lambda row: row.order).name


def judge(world: World, source: Row, release: Row, claim: str) -> None:
    """Hold a claim about a release against the second opinion."""
    oracle, target = world.oracle, world.target
    if match := NEWEST.fullmatch(claim):
        goal = target if match[2] == "the target" else next(row for row in oracle.rows if row.name == match[2])
        ways = oracle.ways((True,) if goal.certified else (True, False), goal)
        near = candidates(world, source, certified=match[1] == "Certified")
        assert newest([row for row in near if row in ways and len(ways[row]) == int(match[3])]) == release.name
    elif match := EQUIVALENT.fullmatch(claim):
        assert match[1] == source.name
        ways = oracle.ways((False,), target)
        assert newest([row for row in candidates(world, source, certified=False) if row in ways]) == release.name
    elif match := OWN.fullmatch(claim):
        assert match[1] == release.airflow == target.airflow
    else:
        match = SUMMIT.fullmatch(claim)
        assert match is not None, claim
        if match[1]:
            assert target.airflow not in {row.airflow for row in oracle.rows if row.certified}
        ways = oracle.ways((False,), target)
        above = [row for row in oracle.rows if row.certified and oracle.passes(row) and row.flow >= release.flow]
        leading = [
            row
            for row in above
            if any(each in ways for each in candidates(world, row, certified=False))
            and world.start in oracle.ways((True,), row)
            and row.flow <= target.flow
        ]
        assert newest(leading) == release.name


@pytest.mark.parametrize("seed", range(12))
def test_every_reason_for_a_release_is_so(seed: int) -> None:
    """Nothing newer would have done, and what is said to lie ahead does; for every path of a full catalog."""
    rows = crowd(seed)
    catalog, oracle = Catalog([release_of(row) for row in rows]), Oracle(rows)
    by_name = {row.name: row for row in rows}
    for start, target, strategy in product(rows, rows, Strategy):
        if target.certified or start is target or not oracle.passes(target):
            continue
        world = World(
            oracle=oracle,
            catalog=catalog,
            start=start,
            target=target,
            accepted=AcceptedRisks(),
            platform=None,
            strategy=strategy,
        )
        asked = request(world)
        outcome = plan(asked)
        if isinstance(outcome, Plan):
            lines = plan_explanation(outcome, asked)
            reasons = [line for line in lines if line.startswith("  why ")]
            assert len(reasons) == len(outcome.hops)
            assert reasons[-1] == f"  why {outcome.target}: it is the target"
            for hop, line in zip(outcome.hops[:-1], reasons[:-1], strict=True):
                source, release = by_name[str(hop.source)], by_name[str(hop.target)]
                judge(world, source, release, line.removeprefix(f"  why {hop.target}: "))


@settings(max_examples=2 * settings().max_examples)
@given(worlds())
def test_no_release_can_be_left_out(world: World) -> None:
    """Of each in between it is told what forbids that."""
    asked = request(world)
    outcome = plan(asked)
    if not isinstance(outcome, Plan):
        assert refusal_explanation(outcome, asked)
        return
    found = [line for line in plan_explanation(outcome, asked) if line.startswith("  without ")]
    assert len(found) == max(len(outcome.hops) - 1, 0)
    for hop, line in zip(outcome.hops, found, strict=False):
        assert re.match(rf"  without {re.escape(str(hop.target))}: [A-Z]", line)


@settings(max_examples=2 * settings().max_examples)
@given(worlds())
def test_every_edge_of_a_graph_is_what_it_is_drawn_as(world: World) -> None:
    """Legal hops and forbidden ones, by the second opinion; the path is all of it, and the rest is little."""
    asked = request(world)
    outcome = plan(asked)
    graph = neighbourhood(outcome, asked)
    assert mermaid_lines(graph)
    assert dot_lines(graph)
    rows = {row.name: row for row in world.oracle.starts}
    rows[world.start.name] = world.start
    for edge in graph.edges.values():
        source, target = rows[edge.source], rows[edge.target]
        if edge.kind is not Kind.FORBIDDEN:
            assert world.oracle.may_hop(source, target)
        elif not world.oracle.may_hop(source, target):
            assert edge.rules
    if isinstance(outcome, Plan):
        drawn = [edge for edge in graph.edges.values() if edge.kind is Kind.PATH]
        assert [(edge.source, edge.target) for edge in drawn] == [
            (str(hop.source), str(hop.target)) for hop in outcome.hops
        ]
        assert len(graph.nodes) <= 1 + 4 * len(outcome.hops)

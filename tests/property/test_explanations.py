"""Explanations of paths in random catalogs: the reference planner confirms every claim."""

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
from astro_deployment_runtime.planning.path_graph import Kind, neighbourhood
from astro_deployment_runtime.planning.plan_model import Plan, Strategy
from astro_deployment_runtime.planning.plan_request import PlanRequest
from astro_deployment_runtime.planning.planner import plan
from astro_deployment_runtime.planning.versions import RuntimeVersion
from tests.property.random_catalogs import Scenario, release_of, scenarios
from tests.property.reference_planner import ReferencePlanner
from tests.property.test_dense_catalogs import dense_catalog

if TYPE_CHECKING:
    from tests.property.reference_planner import ReferenceRelease

NEWEST: Final = re.compile(r"the newest (Certified|Runtime) release one hop away, from which (.+) is (\d+) hops? away")
EQUIVALENT: Final = re.compile(r"the newest equivalent of (.+) from which the target can be reached")
SUMMIT: Final = re.compile(
    r"the highest Certified release whose equivalent leads to the target(; no Certified release has .*)?"
)
OWN: Final = re.compile(r"it is the Certified release with the target's Airflow version, (.+)")


def request(scenario: Scenario) -> PlanRequest:
    """Return the request of a scenario."""
    return PlanRequest(
        current=release_of(scenario.start),
        target=RuntimeVersion.parse(scenario.target.version),
        catalog=scenario.catalog,
        strategy=scenario.strategy,
        accepted=scenario.accepted,
        platform=scenario.platform,
    )


def candidates(scenario: Scenario, source: ReferenceRelease, *, certified: bool) -> list[ReferenceRelease]:
    """Return the passable releases that one hop reaches."""
    reference = scenario.reference
    return [
        row
        for row in reference.rows
        if row.certified is certified and reference.is_passable(row) and reference.may_hop(source, row)
    ]


def newest(rows: list[ReferenceRelease]) -> str:
    """Return the name of the newest release."""
    return max(rows, key=lambda row: row.order).name


def check_claim(scenario: Scenario, source: ReferenceRelease, release: ReferenceRelease, claim: str) -> None:
    """Check a claim about a release against the reference planner."""
    reference, target = scenario.reference, scenario.target
    if match := NEWEST.fullmatch(claim):
        goal = target if match[2] == "the target" else next(row for row in reference.rows if row.name == match[2])
        paths = reference.best_paths((True,) if goal.certified else (True, False), goal)
        near = candidates(scenario, source, certified=match[1] == "Certified")
        assert newest([row for row in near if row in paths and len(paths[row]) == int(match[3])]) == release.name
    elif match := EQUIVALENT.fullmatch(claim):
        assert match[1] == source.name
        paths = reference.best_paths((False,), target)
        assert newest([row for row in candidates(scenario, source, certified=False) if row in paths]) == release.name
    elif match := OWN.fullmatch(claim):
        assert match[1] == release.airflow == target.airflow
    else:
        match = SUMMIT.fullmatch(claim)
        assert match is not None, claim
        if match[1]:
            assert target.airflow not in {row.airflow for row in reference.rows if row.certified}
        paths = reference.best_paths((False,), target)
        above = [
            row
            for row in reference.rows
            if row.certified and reference.is_passable(row) and row.airflow_order >= release.airflow_order
        ]
        leading = [
            row
            for row in above
            if any(each in paths for each in candidates(scenario, row, certified=False))
            and scenario.start in reference.best_paths((True,), row)
            and row.airflow_order <= target.airflow_order
        ]
        assert newest(leading) == release.name


@pytest.mark.parametrize("seed", range(12))
def test_every_reason_for_a_release_is_true(seed: int) -> None:
    """No newer release would do, and each named next release is reachable; for every path of a dense catalog."""
    rows = dense_catalog(seed)
    catalog, reference = Catalog([release_of(row) for row in rows]), ReferencePlanner(rows)
    by_name = {row.name: row for row in rows}
    for start, target, strategy in product(rows, rows, Strategy):
        if target.certified or start is target or not reference.is_passable(target):
            continue
        scenario = Scenario(
            reference=reference,
            catalog=catalog,
            start=start,
            target=target,
            accepted=AcceptedRisks(),
            platform=None,
            strategy=strategy,
        )
        asked = request(scenario)
        outcome = plan(asked)
        if isinstance(outcome, Plan):
            lines = plan_explanation(outcome, asked)
            reasons = [line for line in lines if line.startswith("  why ")]
            assert len(reasons) == len(outcome.hops)
            assert reasons[-1] == f"  why {outcome.target}: it is the target"
            for hop, line in zip(outcome.hops[:-1], reasons[:-1], strict=True):
                source, release = by_name[str(hop.source)], by_name[str(hop.target)]
                check_claim(scenario, source, release, line.removeprefix(f"  why {hop.target}: "))


@settings(max_examples=2 * settings().max_examples)
@given(scenarios())
def test_explanation_says_why_each_hop_is_needed(scenario: Scenario) -> None:
    """For each intermediate release it names the rule that forbids leaving it out."""
    asked = request(scenario)
    outcome = plan(asked)
    if not isinstance(outcome, Plan):
        assert refusal_explanation(outcome, asked)
        return
    found = [line for line in plan_explanation(outcome, asked) if line.startswith("  without ")]
    assert len(found) == max(len(outcome.hops) - 1, 0)
    for hop, line in zip(outcome.hops, found, strict=False):
        assert re.match(rf"  without {re.escape(str(hop.target))}: [A-Z]", line)


@settings(max_examples=2 * settings().max_examples)
@given(scenarios())
def test_graph_edges_are_legal_or_forbidden_as_drawn(scenario: Scenario) -> None:
    """The reference planner agrees on each edge. The graph has the whole path and few other releases."""
    asked = request(scenario)
    outcome = plan(asked)
    graph = neighbourhood(outcome, asked)
    assert mermaid_lines(graph)
    assert dot_lines(graph)
    rows = {row.name: row for row in scenario.reference.starts}
    rows[scenario.start.name] = scenario.start
    for edge in graph.edges.values():
        source, target = rows[edge.source], rows[edge.target]
        if edge.kind is not Kind.FORBIDDEN:
            assert scenario.reference.may_hop(source, target)
        elif not scenario.reference.may_hop(source, target):
            assert edge.rules
    if isinstance(outcome, Plan):
        drawn = [edge for edge in graph.edges.values() if edge.kind is Kind.PATH]
        assert [(edge.source, edge.target) for edge in drawn] == [
            (str(hop.source), str(hop.target)) for hop in outcome.hops
        ]
        assert len(graph.nodes) <= 1 + 4 * len(outcome.hops)

"""Graphs of paths, and their formats."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from astro_deployment_runtime.catalogs import vendor_feed
from astro_deployment_runtime.cli.graph import dot_lines, graph_json, mermaid_lines
from astro_deployment_runtime.cli.options import parse_current, parse_target
from astro_deployment_runtime.planning.accepted_risks import AcceptedRisks
from astro_deployment_runtime.planning.catalog import Catalog, Channel, Release
from astro_deployment_runtime.planning.path_graph import Edge, Graph, Kind, Node, Role, neighbourhood
from astro_deployment_runtime.planning.plan_model import Plan, RuleId, Strategy
from astro_deployment_runtime.planning.plan_request import PlanRequest
from astro_deployment_runtime.planning.planner import plan
from astro_deployment_runtime.planning.upgrade_rules import hop_between
from astro_deployment_runtime.planning.versions import AirflowVersion, ReleaseId

PUBLISHED = vendor_feed.load("published")
GUIDE = vendor_feed.load("guide")
HOSTILE = "\"]; %%{init: {'x': 1}}%% <script>&\\N`#\nend"


def draw(current: str, target: str, catalog: Catalog = PUBLISHED, **more: Any) -> Graph:
    """Return the graph of the plan or refusal."""
    defaults = {"strategy": Strategy.CERTIFIED_FIRST, "accepted": AcceptedRisks(), **more}
    request = PlanRequest(
        current=parse_current(current, catalog), target=parse_target(target), catalog=catalog, **defaults
    )
    return neighbourhood(plan(request), request)


def edges(graph: Graph, kind: Kind) -> list[str]:
    """Return the edges of a kind as texts."""
    return [f"{edge.source} > {edge.target}" for edge in graph.edges.values() if edge.kind is kind]


def test_a_graph_has_the_path_and_its_alternatives() -> None:
    """It also has the forbidden hop from the start to the target."""
    graph = draw("AC 2.2.3", "5.0.4", GUIDE)
    assert edges(graph, Kind.PATH) == ["AC 2.2.3 > AC 2.3.0", "AC 2.3.0 > Astro Runtime 5.0.4"]
    assert edges(graph, Kind.FORBIDDEN) == ["AC 2.2.3 > Astro Runtime 5.0.4"]
    assert edges(graph, Kind.POSSIBLE) == [
        "AC 2.2.3 > AC 2.2.5",
        "AC 2.2.5 > AC 2.3.0",
        "AC 2.2.3 > Astro Runtime 4.0.11",
        "Astro Runtime 4.0.11 > Astro Runtime 5.0.4",
    ]
    assert {node.name: node.role for node in graph.nodes.values()} == {
        "AC 2.2.3": Role.CURRENT,
        "AC 2.3.0": Role.HOP,
        "Astro Runtime 5.0.4": Role.TARGET,
        "AC 2.2.5": Role.NEIGHBOUR,
        "Astro Runtime 4.0.11": Role.NEIGHBOUR,
    }


@pytest.mark.parametrize("current", ["AC 1.10.5", "AC 2.2.3", "Runtime 4.2.5"])
def test_a_graph_is_small_and_agrees_with_the_rules(current: str) -> None:
    """Each hop has at most three neighbours. Possible hops are legal, forbidden ones name the rules."""
    for target in PUBLISHED.runtime[::5]:
        request = PlanRequest(
            current=parse_current(current, PUBLISHED),
            target=parse_target(str(target.id.version)),
            catalog=PUBLISHED,
            strategy=Strategy.CERTIFIED_FIRST,
            accepted=AcceptedRisks(),
        )
        outcome = plan(request)
        graph = neighbourhood(outcome, request)
        if isinstance(outcome, Plan):
            assert len(graph.nodes) <= 1 + 4 * len(outcome.hops)
            assert len(edges(graph, Kind.PATH)) == len(outcome.hops)
        for edge in graph.edges.values():
            ends = (graph.nodes[edge.source].release, graph.nodes[edge.target].release)
            if ends[0] is not None and ends[1] is not None:
                against = request.verify(hop_between(ends[0], ends[1]), final=True)
                assert bool(against) is (edge.kind is Kind.FORBIDDEN)
            assert edge.rules


def test_the_graph_of_a_refusal_has_the_paths_to_the_nearest_targets() -> None:
    """Below and above the refused target."""
    graph = draw("AC 2.2.3", "5.0.99")
    assert edges(graph, Kind.FORBIDDEN) == ["AC 2.2.3 > Astro Runtime 5.0.99"]
    assert edges(graph, Kind.POSSIBLE)[:2] == ["AC 2.2.3 > AC 2.3.4", "AC 2.3.4 > Astro Runtime 5.0.13"]
    assert graph.nodes["Astro Runtime 5.0.99"].release is None
    assert edges(graph, Kind.PATH) == []


@pytest.mark.parametrize(
    ("target", "name"),
    [
        ("equivalent", "equivalent of AC 2.0.0"),
        ("latest-patch", "latest-patch of AC 2.0.0"),
        ("77.x", "Astro Runtime 77.x"),
    ],
)
def test_a_target_that_resolves_to_no_version_has_a_node(target: str, name: str) -> None:
    """Its name is the declared target."""
    assert edges(draw("AC 2.0.0", target), Kind.FORBIDDEN) == [f"AC 2.0.0 > {name}"]


def test_a_plan_without_hops_has_one_node() -> None:
    """The node is the current release."""
    assert list(draw("Runtime 5.0.4", "5.0.4").nodes) == ["Astro Runtime 5.0.4"]


def hostile() -> Graph:
    """Return a graph with special characters from a feed."""
    release = Release(
        id=ReleaseId.parse("Runtime 5.0.4"),
        airflow=AirflowVersion(2, 3, 0),
        known=True,
        yanked=True,
        yanked_reason=HOSTILE,
        channel=Channel.UNKNOWN,
    )
    graph = Graph(nodes={HOSTILE: Node(HOSTILE, Role.TARGET)})
    graph.add(release, Role.CURRENT)
    graph.connect(Edge(str(release), HOSTILE, Kind.FORBIDDEN, (RuleId.YANKED,)))
    return graph


def test_mermaid_labels_are_escaped() -> None:
    """No label ends early, and no text is a directive."""
    lines = mermaid_lines(hostile())
    assert len(lines) == 1 + 2 + 1 + 4
    for line in lines[1:4]:
        label = re.fullmatch(r'  r\d(?:\["(.*)"\]:::\w+| -\.->\|"(.*)"\| r\d)', line)
        assert label is not None, line
        text = re.sub(r"#\d+;", "", (label[1] or label[2]).replace("<br/>", ""))
        assert re.fullmatch(r"[\w .,:+()/-]*", text), text
    assert "yanked: #34;#93;#59; #37;#37;#123;init: " in lines[2]


def test_dot_labels_are_escaped() -> None:
    """Quotes, backslashes and line ends are escaped."""
    lines = dot_lines(hostile())
    assert len(lines) == 3 + 2 + 1 + 1
    quoted = r'"(?:[^"\\]|\\\\|\\"|\\n)*"'
    assert re.fullmatch(rf"  {quoted} \[label={quoted}(?:, \w+={quoted})*\];", lines[3])
    assert re.fullmatch(rf"  {quoted} -> {quoted} \[label={quoted}(?:, \w+={quoted})*\];", lines[5])


def test_json_has_the_unescaped_text() -> None:
    """Programs escape it themselves."""
    document = json.loads(json.dumps(graph_json(hostile())))
    assert document["nodes"][1] == {
        "name": "Astro Runtime 5.0.4",
        "role": "current",
        "airflow": "2.3.0",
        "channel": "unknown",
        "yanked": True,
        "yankedReason": HOSTILE,
    }
    assert document["nodes"][0]["airflow"] is None
    assert document["edges"][0]["rules"] == ["YANKED"]

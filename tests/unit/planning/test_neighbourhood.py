"""A path within its neighbourhood, and how it is written."""

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
from astro_deployment_runtime.planning.model import Plan, RuleId, Strategy
from astro_deployment_runtime.planning.neighbourhood import Edge, Graph, Kind, Node, Role, neighbourhood
from astro_deployment_runtime.planning.plan_request import PlanRequest
from astro_deployment_runtime.planning.planner import plan
from astro_deployment_runtime.planning.rules import hop_between
from astro_deployment_runtime.planning.versions import AirflowVersion, ReleaseId

PUBLISHED = vendor_feed.load("published")
GUIDE = vendor_feed.load("guide")
HOSTILE = "\"]; %%{init: {'x': 1}}%% <script>&\\N`#\nend"


def drawn(current: str, target: str, catalog: Catalog = PUBLISHED, **more: Any) -> Graph:
    """Draw the answer to a question."""
    terms = {"strategy": Strategy.CERTIFIED_FIRST, "accepted": AcceptedRisks(), **more}
    request = PlanRequest(
        current=parse_current(current, catalog), target=parse_target(target), catalog=catalog, **terms
    )
    return neighbourhood(plan(request), request)


def edges(graph: Graph, kind: Kind) -> list[str]:
    """Write the edges of a kind."""
    return [f"{edge.source} > {edge.target}" for edge in graph.edges.values() if edge.kind is kind]


def test_a_path_is_drawn_with_its_neighbours() -> None:
    """The path, what it might have led to instead, and the leap that is forbidden."""
    graph = drawn("AC 2.2.3", "5.0.4", GUIDE)
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
def test_a_neighbourhood_is_small_and_tells_the_truth(current: str) -> None:
    """Three neighbours for each hop at most; what is possible is legal, what is forbidden names the rules."""
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


def test_a_refusal_is_drawn_with_the_ways_to_the_nearest_targets() -> None:
    """Below and above."""
    graph = drawn("AC 2.2.3", "5.0.99")
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
def test_a_target_that_stands_for_no_version_is_drawn(target: str, name: str) -> None:
    """By the name that it was asked for."""
    assert edges(drawn("AC 2.0.0", target), Kind.FORBIDDEN) == [f"AC 2.0.0 > {name}"]


def test_nothing_to_do_is_one_node() -> None:
    """What runs."""
    assert list(drawn("Runtime 5.0.4", "5.0.4").nodes) == ["Astro Runtime 5.0.4"]


def hostile() -> Graph:
    """A graph that holds what somebody wrote into a feed."""
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


def test_mermaid_sees_labels_only() -> None:
    """Whatever means something to it is an entity, so that no label ends early and no directive is found."""
    lines = mermaid_lines(hostile())
    assert len(lines) == 1 + 2 + 1 + 4
    for line in lines[1:4]:
        label = re.fullmatch(r'  r\d(?:\["(.*)"\]:::\w+| -\.->\|"(.*)"\| r\d)', line)
        assert label is not None, line
        text = re.sub(r"#\d+;", "", (label[1] or label[2]).replace("<br/>", ""))
        assert re.fullmatch(r"[\w .,:+()/-]*", text), text
    assert "yanked: #34;#93;#59; #37;#37;#123;init: " in lines[2]


def test_dot_sees_labels_only() -> None:
    """Quotes and backslashes are escaped, and a line's end is written out."""
    lines = dot_lines(hostile())
    assert len(lines) == 3 + 2 + 1 + 1
    quoted = r'"(?:[^"\\]|\\\\|\\"|\\n)*"'
    assert re.fullmatch(rf"  {quoted} \[label={quoted}(?:, \w+={quoted})*\];", lines[3])
    assert re.fullmatch(rf"  {quoted} -> {quoted} \[label={quoted}(?:, \w+={quoted})*\];", lines[5])


def test_json_holds_what_the_feed_holds() -> None:
    """Programs escape for themselves."""
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

"""``graph``: draw a path with its neighbours as Mermaid, DOT or JSON."""

from __future__ import annotations

import json
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

from astro_deployment_runtime.cli.options import add_plan_request, read_plan_request
from astro_deployment_runtime.cli.subcommand import ExitCode, Subcommand
from astro_deployment_runtime.cli.terminal import print_text
from astro_deployment_runtime.planning.catalog import Channel
from astro_deployment_runtime.planning.path_graph import Kind, Role, neighbourhood
from astro_deployment_runtime.planning.plan_model import Plan
from astro_deployment_runtime.planning.planner import plan
from astro_deployment_runtime.support.text_formatting import printable

if TYPE_CHECKING:
    import argparse

    from astro_deployment_runtime.planning.path_graph import Edge, Graph, Node


class Format(StrEnum):
    """Formats of a graph."""

    MERMAID = "mermaid"
    DOT = "dot"
    JSON = "json"


_ARROWS: Final = {Kind.PATH: "==>", Kind.POSSIBLE: "-->", Kind.FORBIDDEN: "-.->"}
_MERMAID_STYLES: Final = {
    Role.CURRENT: "fill:#dbeafe,stroke:#1d4ed8,color:#111",
    Role.HOP: "fill:#dcfce7,stroke:#15803d,color:#111",
    Role.TARGET: "fill:#bbf7d0,stroke:#15803d,stroke-width:3px,color:#111",
    Role.NEIGHBOUR: "fill:#f4f4f5,stroke:#a1a1aa,color:#52525b",
}
_DOT_NODES: Final = {
    Role.CURRENT: 'style="filled", fillcolor="#dbeafe"',
    Role.HOP: 'style="filled", fillcolor="#dcfce7"',
    Role.TARGET: 'style="filled,bold", fillcolor="#bbf7d0"',
    Role.NEIGHBOUR: 'fontcolor="#52525b", color="#a1a1aa"',
}
_DOT_EDGES: Final = {
    Kind.PATH: "penwidth=3",
    Kind.POSSIBLE: 'color="#a1a1aa"',
    Kind.FORBIDDEN: 'style="dotted", color="#b91c1c", fontcolor="#b91c1c"',
}
_MERMAID_PLAIN: Final = frozenset(" .,:+-()/")


def mermaid_lines(graph: Graph) -> list[str]:
    """Return a Mermaid flowchart, which GitHub and GitLab draw in Markdown."""
    names = {name: f"r{number}" for number, name in enumerate(graph.nodes)}
    nodes = [
        f'  {names[node.name]}["{"<br/>".join(map(_mermaid, _label(node)))}"]:::{node.role}'
        for node in graph.nodes.values()
    ]
    edges = [
        f'  {names[edge.source]} {_ARROWS[edge.kind]}|"{_mermaid(_caption(edge))}"| {names[edge.target]}'
        for edge in graph.edges.values()
    ]
    styles = [f"  classDef {role} {style}" for role, style in _MERMAID_STYLES.items()]
    return ["flowchart LR", *nodes, *edges, *styles]


def dot_lines(graph: Graph) -> list[str]:
    """Return a digraph for Graphviz."""
    nodes = [
        f"  {_dot([node.name])} [label={_dot(_label(node))}, {_DOT_NODES[node.role]}];" for node in graph.nodes.values()
    ]
    edges = [
        f"  {_dot([edge.source])} -> {_dot([edge.target])} [label={_dot([_caption(edge)])}, {_DOT_EDGES[edge.kind]}];"
        for edge in graph.edges.values()
    ]
    return ["digraph path {", "  rankdir=LR;", "  node [shape=box];", *nodes, *edges, "}"]


def graph_json(graph: Graph) -> dict[str, Any]:
    """Return a graph for programs; the names of its keys are stable."""
    return {
        "nodes": [_node_json(node) for node in graph.nodes.values()],
        "edges": [
            {
                "from": edge.source,
                "to": edge.target,
                "kind": str(edge.kind),
                "rules": [str(rule) for rule in edge.rules],
            }
            for edge in graph.edges.values()
        ],
    }


def _node_json(node: Node) -> dict[str, Any]:
    release = node.release
    return {
        "name": node.name,
        "role": str(node.role),
        "airflow": str(release.airflow) if release else None,
        "channel": str(release.channel) if release and release.channel else None,
        "yanked": release.yanked if release else None,
        "yankedReason": release.yanked_reason if release else None,
    }


def _label(node: Node) -> list[str]:
    """Return the lines of a node: name, Airflow version, and whether it is yanked, a prerelease or deprecated."""
    release = node.release
    if release is None:
        return [node.name]
    lines = [node.name, f"Airflow {release.airflow}"]
    if release.yanked:
        lines.append("yanked" + (f": {release.yanked_reason}" if release.yanked_reason else ""))
    if release.prerelease or release.channel is Channel.DEPRECATED:
        lines.append(str(release.channel))
    return lines


def _caption(edge: Edge) -> str:
    rules = ", ".join(edge.rules)
    return f"forbidden: {rules}" if edge.kind is Kind.FORBIDDEN else rules


def _mermaid(text: str) -> str:
    """Escape all but letters, digits and harmless characters: Mermaid looks for directives in labels too."""
    return "".join(char if char.isalnum() or char in _MERMAID_PLAIN else f"#{ord(char)};" for char in printable(text))


def _dot(lines: list[str]) -> str:
    """Quote lines as one label; a line break is the only escape of Graphviz that is used."""
    escaped = (printable(line).replace("\\", "\\\\").replace('"', '\\"') for line in lines)
    return '"' + "\\n".join(escaped) + '"'


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    add_plan_request(parser)
    parser.add_argument(
        "--format",
        choices=[str(each) for each in Format],
        default=str(Format.MERMAID),
        help="format of the graph (default: %(default)s)",
    )


def _run(options: argparse.Namespace) -> ExitCode:
    request = read_plan_request(options)
    outcome = plan(request)
    graph = neighbourhood(outcome, request)
    match Format(options.format):
        case Format.MERMAID:
            text = "\n".join(mermaid_lines(graph))
        case Format.DOT:
            text = "\n".join(dot_lines(graph))
        case Format.JSON:
            text = json.dumps(graph_json(graph), indent=2)
    print_text(f"{text}\n")
    return ExitCode.DONE if isinstance(outcome, Plan) else ExitCode.REFUSED


SUBCOMMAND: Final = Subcommand(
    name="graph", help="draw a path with its nearest neighbours", add_arguments=_add_arguments, run=_run
)

"""A graph as Mermaid, as DOT or as JSON. Whatever a feed holds, a label stays a label."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

from astro_deployment_runtime.planning.catalog import Channel
from astro_deployment_runtime.planning.neighbourhood import Kind, Role
from astro_deployment_runtime.support.text import printable

if TYPE_CHECKING:
    from astro_deployment_runtime.planning.neighbourhood import Edge, Graph, Node


class Format(StrEnum):
    """How a graph is written."""

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
_PLAIN: Final = frozenset(" .,:+-()/")


def mermaid_lines(graph: Graph) -> list[str]:
    """Write a Mermaid flowchart; GitHub and GitLab draw it in Markdown."""
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
    """Write a digraph for Graphviz."""
    nodes = [
        f"  {_dot([node.name])} [label={_dot(_label(node))}, {_DOT_NODES[node.role]}];" for node in graph.nodes.values()
    ]
    edges = [
        f"  {_dot([edge.source])} -> {_dot([edge.target])} [label={_dot([_caption(edge)])}, {_DOT_EDGES[edge.kind]}];"
        for edge in graph.edges.values()
    ]
    return ["digraph path {", "  rankdir=LR;", "  node [shape=box];", *nodes, *edges, "}"]


def graph_json(graph: Graph) -> dict[str, Any]:
    """Write a graph for programs. Names that appear here are stable."""
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
    """Return the lines of a node: its name, its Airflow version, and what speaks against it."""
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
    """Write all but what is known to be harmless as entities, since Mermaid looks for directives in labels too."""
    return "".join(char if char.isalnum() or char in _PLAIN else f"#{ord(char)};" for char in printable(text))


def _dot(lines: list[str]) -> str:
    """Quote lines as one label; Graphviz knows the backslash of a line's end, and no other."""
    escaped = (printable(line).replace("\\", "\\\\").replace('"', '\\"') for line in lines)
    return '"' + "\\n".join(escaped) + '"'

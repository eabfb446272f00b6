"""``graph``: a path within its neighbourhood, for a program that draws it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

from astro_deployment_runtime.cli.console import Command, ExitCode, write
from astro_deployment_runtime.cli.graph_drawing import Format, dot_lines, graph_json, mermaid_lines
from astro_deployment_runtime.cli.source import add_request, read_request
from astro_deployment_runtime.planning.model import Plan
from astro_deployment_runtime.planning.neighbourhood import neighbourhood
from astro_deployment_runtime.planning.planner import plan

if TYPE_CHECKING:
    import argparse


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    add_request(parser)
    parser.add_argument(
        "--format",
        choices=[str(each) for each in Format],
        default=str(Format.MERMAID),
        help="how it is written (default: %(default)s)",
    )


def _run(options: argparse.Namespace) -> ExitCode:
    request = read_request(options)
    outcome = plan(request)
    graph = neighbourhood(outcome, request)
    match Format(options.format):
        case Format.MERMAID:
            text = "\n".join(mermaid_lines(graph))
        case Format.DOT:
            text = "\n".join(dot_lines(graph))
        case Format.JSON:
            text = json.dumps(graph_json(graph), indent=2)
    write(f"{text}\n")
    return ExitCode.DONE if isinstance(outcome, Plan) else ExitCode.REFUSED


COMMAND: Final = Command(
    name="graph", help="draw a path within its neighbourhood", add_arguments=_add_arguments, run=_run
)

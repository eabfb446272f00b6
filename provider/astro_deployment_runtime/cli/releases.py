"""``releases``: what is on offer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from astro_deployment_runtime.cli.console import Command, ExitCode, screen, tell, tell_json
from astro_deployment_runtime.cli.releases_table import offer_json, offer_lines
from astro_deployment_runtime.cli.source import add_source, read_source

if TYPE_CHECKING:
    import argparse


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    add_source(parser)
    parser.add_argument("--json", action="store_true", help="print JSON")


def _run(options: argparse.Namespace) -> ExitCode:
    source = read_source(options)
    if options.json:
        tell_json(offer_json(source.catalog, source.platform))
    else:
        tell(offer_lines(source.catalog, source.platform, screen()))
    return ExitCode.DONE


COMMAND: Final = Command(
    name="releases", help="list what is on offer, and the equivalents", add_arguments=_add_arguments, run=_run
)

"""``releases``: list the available releases with equivalents, support dates and yanks, as a table or as JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from astro_deployment_runtime.cli.options import add_source_options, read_source
from astro_deployment_runtime.cli.subcommand import ExitCode, Subcommand
from astro_deployment_runtime.cli.terminal import print_json, print_lines, screen
from astro_deployment_runtime.planning.plan_warnings import unreadable_row_notes
from astro_deployment_runtime.planning.release_json import all_releases, equivalent_releases, release_list_json
from astro_deployment_runtime.support.text_formatting import printable
from astro_deployment_runtime.support.text_table import Colour, TableRow, table_lines

if TYPE_CHECKING:
    import argparse

    from astro_deployment_runtime.planning.catalog import Catalog, Release
    from astro_deployment_runtime.planning.platform_version import Platform
    from astro_deployment_runtime.support.text_table import Screen

_HEADS: Final = ("RELEASE", "AIRFLOW", "CHANNEL", "RELEASED", "SUPPORTED UNTIL", "EQUIVALENT", "YANKED")


def release_lines(catalog: Catalog, platform: Platform | None, screen: Screen) -> list[str]:
    """Return a table with a row for each release: Certified, then Runtime, each from the oldest to the newest.

    Args:
        catalog: the available releases.
        platform: the platform that offers them; None if they come from a catalog.
        screen: width and colours of the output.
    """
    lines = table_lines(_HEADS, [_row(release, catalog) for release in all_releases(catalog)], screen)
    who = f"platform {printable(platform.version)}" if platform else "catalog"
    lines += ["", f"The {who} offers {len(catalog.certified)} Certified and {len(catalog.runtime)} Runtime releases."]
    return [*lines, *(printable(note) for note in unreadable_row_notes(catalog))]


def _row(release: Release, catalog: Catalog) -> TableRow:
    equivalents = equivalent_releases(release, catalog)
    more = f" and {len(equivalents) - 1} more" if len(equivalents) > 1 else ""
    cells = (
        str(release),
        str(release.airflow),
        str(release.channel or ""),
        str(release.released or ""),
        str(release.end_of_support or ""),
        f"{equivalents[0]}{more}" if equivalents else "",
        printable(release.yanked_reason or "no reason given") if release.yanked else "",
    )
    return TableRow(cells, Colour.RED if release.yanked else Colour.YELLOW if release.prerelease else None)


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    add_source_options(parser)
    parser.add_argument("--json", action="store_true", help="print JSON")


def _run(options: argparse.Namespace) -> ExitCode:
    source = read_source(options)
    if options.json:
        print_json(release_list_json(source.catalog, source.platform))
    else:
        print_lines(release_lines(source.catalog, source.platform, screen()))
    return ExitCode.DONE


SUBCOMMAND: Final = Subcommand(
    name="releases", help="list the available releases and their equivalents", add_arguments=_add_arguments, run=_run
)

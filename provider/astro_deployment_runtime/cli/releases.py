"""``releases``: list the available releases with equivalents, support dates and yanks, as a table or as JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from astro_deployment_runtime.cli.options import add_source_options, read_source
from astro_deployment_runtime.cli.subcommand import ExitCode, Subcommand
from astro_deployment_runtime.cli.terminal import print_json, print_lines, screen
from astro_deployment_runtime.planning.plan_warnings import unreadable_row_notes
from astro_deployment_runtime.planning.versions import Distribution, ReleaseId
from astro_deployment_runtime.support.text_formatting import printable
from astro_deployment_runtime.support.text_table import Colour, TableRow, table_lines

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

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
    lines = table_lines(_HEADS, [_row(release, catalog) for release in _all(catalog)], screen)
    who = f"platform {printable(platform.version)}" if platform else "catalog"
    lines += ["", f"The {who} offers {len(catalog.certified)} Certified and {len(catalog.runtime)} Runtime releases."]
    return [*lines, *(printable(note) for note in unreadable_row_notes(catalog))]


def release_list_json(catalog: Catalog, platform: Platform | None) -> dict[str, Any]:
    """Return the available releases for programs, in the order of the table; the names of the keys are stable."""
    return {
        "platform": platform.version if platform else None,
        "releases": [_release_json(release, catalog) for release in _all(catalog)],
        "unreadable": [each.text for each in catalog.unreadable if each.left_out],
    }


def _all(catalog: Catalog) -> Sequence[Release]:
    return (*catalog.certified, *catalog.runtime)


def _row(release: Release, catalog: Catalog) -> TableRow:
    equivalents = _equivalents(release, catalog)
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


def _equivalents(release: Release, catalog: Catalog) -> Sequence[Release]:
    """Return the releases of the other distribution with the same Airflow version, newest first."""
    if release.id.distribution is Distribution.CERTIFIED:
        return catalog.equivalents(release)
    certified = catalog.get(ReleaseId(Distribution.CERTIFIED, release.airflow))
    return (certified,) if certified else ()


def _release_json(release: Release, catalog: Catalog) -> dict[str, Any]:
    return {
        "distribution": str(release.id.distribution),
        "version": str(release.id.version),
        "airflow": str(release.airflow),
        "channel": str(release.channel) if release.channel else None,
        "released": str(release.released) if release.released else None,
        "supportedUntil": str(release.end_of_support) if release.end_of_support else None,
        "equivalents": [str(each.id.version) for each in _equivalents(release, catalog)],
        "yanked": release.yanked,
        "yankedReason": release.yanked_reason,
    }


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

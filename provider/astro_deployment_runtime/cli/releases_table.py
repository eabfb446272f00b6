"""What is on offer, as a table and as JSON: releases, equivalents, support, and what is yanked."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from astro_deployment_runtime.planning.plan_warnings import of_rows
from astro_deployment_runtime.planning.versions import Distribution, ReleaseId
from astro_deployment_runtime.support.text import printable
from astro_deployment_runtime.support.text_table import Colour, TableRow, table_lines

if TYPE_CHECKING:
    from collections.abc import Sequence

    from astro_deployment_runtime.planning.catalog import Catalog, Release
    from astro_deployment_runtime.planning.platform_version import Platform
    from astro_deployment_runtime.support.text_table import Screen

_HEADS: Final = ("RELEASE", "AIRFLOW", "CHANNEL", "RELEASED", "SUPPORTED UNTIL", "EQUIVALENT", "YANKED")


def offer_lines(catalog: Catalog, platform: Platform | None, screen: Screen) -> list[str]:
    """Write a row for each release: Certified, then Runtime, both from the oldest to the newest.

    Args:
        catalog: what is on offer.
        platform: who offers it, where that is a platform.
        screen: where it is shown.
    """
    lines = table_lines(_HEADS, [_row(release, catalog) for release in _all(catalog)], screen)
    who = f"platform {printable(platform.version)}" if platform else "catalog"
    lines += ["", f"The {who} offers {len(catalog.certified)} Certified and {len(catalog.runtime)} Runtime releases."]
    return [*lines, *(printable(note) for note in of_rows(catalog))]


def offer_json(catalog: Catalog, platform: Platform | None) -> dict[str, Any]:
    """Write what is on offer for programs, in the order of the table. Names that appear here are stable."""
    return {
        "platform": platform.version if platform else None,
        "releases": [_release_json(release, catalog) for release in _all(catalog)],
        "unreadable": [each.text for each in catalog.odd if each.left_out],
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
        printable(release.yanked_reason or "for no stated reason") if release.yanked else "",
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

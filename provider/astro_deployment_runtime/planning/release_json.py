"""The available releases as JSON. Its keys are stable."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from astro_deployment_runtime.planning.versions import Distribution, ReleaseId

if TYPE_CHECKING:
    from collections.abc import Sequence

    from astro_deployment_runtime.planning.catalog import Catalog, Release
    from astro_deployment_runtime.planning.platform_version import Platform


def release_list_json(catalog: Catalog, platform: Platform | None) -> dict[str, Any]:
    """Return the available releases for programs, in the order of the table; the names of the keys are stable."""
    return {
        "platform": platform.version if platform else None,
        "releases": [_release_json(release, catalog) for release in all_releases(catalog)],
        "unreadable": [each.text for each in catalog.unreadable if each.left_out],
    }


def all_releases(catalog: Catalog) -> Sequence[Release]:
    """Return all releases: Certified, then Runtime, each from the oldest to the newest."""
    return (*catalog.certified, *catalog.runtime)


def equivalent_releases(release: Release, catalog: Catalog) -> Sequence[Release]:
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
        "equivalents": [str(each.id.version) for each in equivalent_releases(release, catalog)],
        "yanked": release.yanked,
        "yankedReason": release.yanked_reason,
    }

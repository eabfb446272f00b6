"""Warnings about a path, or about a Deployment that stays at its release.

Pure: the caller gives the current day. A text names a date and not the days until then, so it is the same on two days.
"""

from __future__ import annotations

from datetime import timedelta
from itertools import pairwise
from typing import TYPE_CHECKING, Final

from astro_deployment_runtime.planning.catalog import Channel
from astro_deployment_runtime.planning.plan_model import PlanWarning, WarningName
from astro_deployment_runtime.planning.upgrade_rules import prerelease_text, yanked_text
from astro_deployment_runtime.planning.versions import Distribution, ReleaseId, RuntimeVersion

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from datetime import date

    from astro_deployment_runtime.planning.catalog import Catalog, Release
    from astro_deployment_runtime.planning.plan_model import Resolved
    from astro_deployment_runtime.planning.plan_request import PlanRequest
    from astro_deployment_runtime.planning.versions import AirflowVersion

_SHOWN_ROWS: Final = 4
"""Maximum number of rows that a note names. It counts the others."""

SOON_DAYS: Final = 90
"""Days before the end of support from which on a warning is given."""

_LAST_MINOR: Final = {1: 10, 2: 11}
"""Last minor version of each completed major version of Airflow. Source: Apache Airflow's releases."""


def unreadable_row_notes(catalog: Catalog) -> list[str]:
    """Return short notes on the unreadable rows and values of a catalog and its feed."""
    notes = []
    for each, source in (
        (catalog, "the platform's offer" if catalog.feed else "the catalog"),
        (catalog.feed, "the catalog"),
    ):
        unreadable = each.unreadable if each else ()
        if rows := [row.text for row in unreadable if row.left_out]:
            notes.append(f"{source} has {_counted(rows, 'row')} that cannot be read; left out: {_first(rows)}")
        if values := [row.text for row in unreadable if not row.left_out]:
            notes.append(
                f"{source} has {_counted(values, 'value')} that cannot be read; counted as unknown (an unknown "
                f"'yanked' as yanked, an unknown channel as a prerelease): {_first(values)}"
            )
    return notes


def _counted(found: Sequence[str], noun: str) -> str:
    return f"{len(found)} {noun}{'' if len(found) == 1 else 's'}"


def _first(found: Sequence[str]) -> str:
    more = len(found) - _SHOWN_ROWS
    return ", ".join(found[:_SHOWN_ROWS]) + (f" and {more} more" if more > 0 else "")


def path_warnings(
    path: Sequence[Release], request: PlanRequest, resolved: Resolved | None = None
) -> Iterator[PlanWarning]:
    """Yield the warnings about a path.

    Args:
        path: the releases after the current one, at least one.
        request: the request that the path answers.
        resolved: how the target was resolved, if the user declared a line or ``latest-patch``.
    """
    current, catalog, target = request.current, request.catalog, path[-1]
    yield from airflow_mismatch_warnings(current, catalog)
    if unknown := _list(release for release in path if not release.known):
        yield PlanWarning(name=WarningName.UNKNOWN_RELEASE, message=f"the catalog has no data about {unknown}")
    if catalog.stale:
        yield PlanWarning(name=WarningName.STALE_CATALOG, message=catalog.stale)
    if deprecated := _list(release for release in path if release.channel is Channel.DEPRECATED):
        yield PlanWarning(name=WarningName.DEPRECATED, message=f"the vendor has deprecated {deprecated}")
    yield from support_warnings(target, request.today)
    yield from _hop_warnings([current, *path], catalog)
    yield from _newer_patch(target, catalog) if resolved is None else held_target_warnings(resolved)
    if target.yanked:
        yield PlanWarning(name=WarningName.YANKED, message=f"{yanked_text(target)}, and accepted")
    if target.prerelease:
        yield PlanWarning(name=WarningName.PRERELEASE, message=f"{prerelease_text(target)}, and accepted")


def _newer_patch(target: Release, catalog: Catalog) -> Iterator[PlanWarning]:
    version = target.id.version
    newest = catalog.newest(version.patches) if isinstance(version, RuntimeVersion) else None
    if newest is not None and newest.runtime_key > target.runtime_key:
        yield PlanWarning(name=WarningName.NEWER_PATCH, message=f"{newest} is on offer, a newer patch than {target}")


def held_target_warnings(resolved: Resolved | None) -> Iterator[PlanWarning]:
    """Warn that a held line or ``latest-patch`` would now resolve to a newer release."""
    if resolved is not None and resolved.unheld is not None and resolved.unheld > resolved.version:
        held, unheld = (ReleaseId(Distribution.RUNTIME, each) for each in (resolved.version, resolved.unheld))
        message = f"{resolved.declared} stays at {held}, and {unheld} is on offer; set ASTRO_RESOLVE=newest to take it"
        yield PlanWarning(name=WarningName.NEWER_TARGET, message=message)


def airflow_mismatch_warnings(current: Release, catalog: Catalog) -> Iterator[PlanWarning]:
    """Warn that the current release has another Airflow version than in the catalog. The reported version counts."""
    offered = catalog.get(current.id)
    if offered is not None and offered.airflow != current.airflow:
        message = f"{current} runs Airflow {current.airflow} here, but is on offer with Airflow {offered.airflow}"
        yield PlanWarning(name=WarningName.AIRFLOW_VERSION, message=message)


def support_warnings(release: Release, today: date | None) -> Iterator[PlanWarning]:
    """Warn that the vendor's support of a release has ended or ends soon. The last day is still supported."""
    end = release.end_of_support
    if end is None or today is None:
        return
    if end < today:
        message = f"the vendor's support of {release} ended on {end}"
        yield PlanWarning(name=WarningName.OUT_OF_SUPPORT, message=message)
    elif end <= today + timedelta(days=SOON_DAYS):
        message = f"the vendor's support of {release} ends on {end}"
        yield PlanWarning(name=WarningName.SUPPORT_ENDS_SOON, message=message)


def _hop_warnings(releases: Sequence[Release], catalog: Catalog) -> Iterator[PlanWarning]:
    """Warn of database migrations and skipped minor versions, by the numbers of the hops."""
    migrating, leaps = [], []
    for number, (source, target) in enumerate(pairwise(releases), start=1):
        if catalog.migrates(source.airflow, target.airflow):
            migrating.append(str(number))
        if skipped := _skipped(source.airflow, target.airflow):
            leaps.append(f"hop {number} skips Airflow {skipped}")
    if migrating:
        which = f"hop {migrating[0]} migrates" if len(migrating) == 1 else f"hops {_and(migrating)} migrate"
        message = f"{which} the metadata database, which can take a long time"
        yield PlanWarning(name=WarningName.DATABASE_MIGRATION, message=message)
    if leaps:
        yield PlanWarning(name=WarningName.AIRFLOW_MINOR_SKIPPED, message="; ".join(leaps))


def _skipped(before: AirflowVersion, after: AirflowVersion) -> str:
    """Return the minor versions of Airflow between two others; empty: none."""
    minors = [
        f"{major}.{minor}"
        for major in range(before.major, after.major + 1)
        for minor in range(
            before.minor + 1 if major == before.major else 0,
            after.minor if major == after.major else _LAST_MINOR.get(major, -1) + 1,
        )
    ]
    return minors[0] if len(minors) == 1 else f"{minors[0]} to {minors[-1]}" if minors else ""


def _list(releases: Iterable[Release]) -> str:
    return ", ".join(map(str, releases))


def _and(words: Sequence[str]) -> str:
    return f"{', '.join(words[:-1])} and {words[-1]}"

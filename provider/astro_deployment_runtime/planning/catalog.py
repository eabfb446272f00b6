"""Releases on offer, with the data that the vendor's feeds have about each.

Offline, a catalog is a feed: the vendor's two files, as shipped with this package or in a user's folder. With a
platform, a catalog is the platform's offer joined with a feed by version. The offer decides which releases are
available and which Airflow version each has. The feed decides which are yanked, and their channels and dates.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Final, Self

from astro_deployment_runtime.errors import InvalidVersionError
from astro_deployment_runtime.planning.versions import AirflowVersion, Distribution, ReleaseId, RuntimeVersion

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import date

    from astro_deployment_runtime.planning.versions import Line, Marks

_DIGITS: Final = 10**6
"""Every number of a version is below this limit (:mod:`~astro_deployment_runtime.planning.versions`)."""
_MARK: Final = 10**15
"""Every number of a prerelease or post-release mark is below this limit."""
_MARKS: Final = 4
"""Maximum number of marks of a version, including the last one."""


class Channel(StrEnum):
    """The channels of the vendor's feeds."""

    STABLE = "stable"
    DEPRECATED = "deprecated"
    ALPHA = "alpha"
    BETA = "beta"
    NIGHTLY = "nightly"
    UNKNOWN = "unknown"
    """A channel that this package does not know. Its releases count as prereleases."""


_PRERELEASES: Final = frozenset({Channel.ALPHA, Channel.BETA, Channel.NIGHTLY, Channel.UNKNOWN})


def airflow_sort_key(version: AirflowVersion) -> int:
    """Return an Airflow version as one number that sorts like the version. Numbers compare faster."""
    return _marked((version.major * _DIGITS + version.minor) * _DIGITS + version.patch, version.marks)


def runtime_sort_key(version: RuntimeVersion) -> int:
    """Return a Runtime version as one number above zero that sorts like the version."""
    first, second, third = version.numbers
    return _marked(((version.scheme * _DIGITS + first) * _DIGITS + second) * _DIGITS + third, version.marks)


def _marked(value: int, marks: Marks) -> int:
    for index in range(_MARKS):
        stage, count = marks[index] if index < len(marks) else (0, 0)
        value = (value * 10 + stage) * _MARK + count
    return value


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """A release, with a feed's data about it.

    Releases sort by :attr:`order`: by Airflow version, then scheme, then Runtime version. An AC release comes just
    before the Runtime releases of its Airflow version, so every legal hop leads upwards.
    """

    id: ReleaseId
    airflow: AirflowVersion
    known: bool = False
    """Whether a feed has a row for the release. The fields below are meaningful only then."""
    channel: Channel | None = None
    yanked: bool = False
    yanked_reason: str | None = None
    released: date | None = None
    end_of_support: date | None = None
    airflow_key: int = field(init=False, compare=False, repr=False)
    """The Airflow version as one number that sorts like it."""
    runtime_key: int = field(init=False, compare=False, repr=False)
    """The Runtime version as one number that sorts like it; 0 on Certified."""
    order: tuple[int, int] = field(init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        """Compute the numbers for comparisons once."""
        version = self.id.version
        object.__setattr__(self, "airflow_key", airflow_sort_key(self.airflow))
        object.__setattr__(self, "runtime_key", runtime_sort_key(version) if isinstance(version, RuntimeVersion) else 0)
        object.__setattr__(self, "order", (self.airflow_key, self.runtime_key))

    @property
    def prerelease(self) -> bool:
        """Whether its channel is alpha, beta, nightly or unknown."""
        return self.channel in _PRERELEASES

    @property
    def declarable(self) -> bool:
        """Whether it can be declared as a target: a Runtime version without a prerelease or post-release mark."""
        return isinstance(self.id.version, RuntimeVersion) and self.id.version.is_release

    @property
    def passable(self) -> bool:
        """Whether a path may lead through it: it is neither yanked nor a prerelease."""
        return not self.yanked and not self.prerelease

    def __str__(self) -> str:
        """Return its name: ``AC 2.3.0``, ``Astro Runtime 5.0.4``."""
        return str(self.id)


@dataclass(frozen=True, slots=True)
class UnreadableRow:
    """A row of an offer or a feed that is unreadable in whole or in part."""

    text: str
    """The unreadable text and its place; of bounded length, but not made printable."""
    left_out: bool = True
    """Whether the whole row is left out. Otherwise only the value that ``text`` names is unknown."""
    id: ReleaseId | None = None
    """The row's release, if readable."""
    yanked: bool = False
    """Whether the row says that the release is yanked. This counts even if the row is left out."""


class Catalog:
    """Releases on offer. Immutable and independent of the order in which the releases were given.

    ``certified`` and ``runtime`` are sorted from the oldest release to the newest. ``passable_certified`` and
    ``passable_runtime`` have the releases that a path may lead through, from the newest to the oldest.
    """

    __slots__ = (
        "_by_id",
        "_equivalents",
        "_newest",
        "certified",
        "feed",
        "passable_certified",
        "passable_runtime",
        "runtime",
        "schemas",
        "stale",
        "unreadable",
    )

    def __init__(
        self,
        releases: Iterable[Release],
        *,
        schemas: Iterable[AirflowVersion] = (),
        stale: str = "",
        unreadable: Iterable[UnreadableRow] = (),
        feed: Catalog | None = None,
    ) -> None:
        """Index the releases. ``feed`` has data about releases that still run but are no longer on offer."""
        # If two rows have the same name, the later one in sort order wins.
        self._by_id = {release.id: release for release in sorted(releases, key=lambda release: release.order)}
        self.feed = feed
        """The feed that a platform's offer was joined with; None: this catalog is a feed itself."""
        self.schemas = tuple(sorted(schemas))
        """The Airflow versions that changed the schema of the metadata database."""
        self.stale = stale
        """Why the data may be out of date, as a clause; empty: no reason to think so."""
        self.unreadable = tuple(sorted(unreadable, key=lambda each: each.text))
        """The rows of this offer or feed that are unreadable in whole or in part."""
        self.certified = tuple(r for r in self._by_id.values() if r.id.distribution is Distribution.CERTIFIED)
        self.runtime = tuple(
            sorted(
                (r for r in self._by_id.values() if r.id.distribution is Distribution.RUNTIME), key=lambda r: r.order
            )
        )
        self.passable_certified = tuple(r for r in reversed(self.certified) if r.passable)
        self.passable_runtime = tuple(r for r in reversed(self.runtime) if r.passable)
        self._newest: dict[Line, Release | None] = {}
        self._equivalents: dict[int, list[Release]] = {}
        for release in reversed(self.runtime):
            self._equivalents.setdefault(release.airflow_key, []).append(release)

    @classmethod
    def offered(cls, certified: Iterable[object], runtime: Iterable[tuple[object, object]], feed: Catalog) -> Self:
        """Join a platform's offer with a feed. An unreadable row is left out and listed in ``unreadable``.

        Args:
            certified: the Certified versions, as the platform writes them.
            runtime: the Runtime versions, each with its Airflow version.
            feed: the source of channels, yanks and dates, by version.
        """
        airflows: dict[ReleaseId, set[AirflowVersion]] = {}
        unreadable = []
        for distribution, version, airflow in (
            *((Distribution.CERTIFIED, version, version) for version in certified),
            *((Distribution.RUNTIME, version, airflow) for version, airflow in runtime),
        ):
            text = _cut(version) if distribution is Distribution.CERTIFIED else f"{_cut(version)} ({_cut(airflow)})"
            name = None
            try:
                name = ReleaseId.of(distribution, _text(version))
                own = name.version
                read = own if isinstance(own, AirflowVersion) else AirflowVersion.parse(_text(airflow))
            except InvalidVersionError:
                unreadable.append(UnreadableRow(text, id=name))
            else:
                airflows.setdefault(name, set()).add(read)
        for name, several in list(airflows.items()):
            if len(several) > 1:
                # Nothing tells which one is right, and a migration to the wrong one would also upgrade Airflow.
                unreadable.append(UnreadableRow(f"{name.version} ({' and '.join(map(str, sorted(several)))})", id=name))
                del airflows[name]
        releases = [feed.describe(name, airflow) for name, (airflow,) in airflows.items()]
        return cls(releases, schemas=feed.schemas, stale=feed.stale, unreadable=unreadable, feed=feed)

    def get(self, name: ReleaseId) -> Release | None:
        """Return the release of that name; None: it is not on offer."""
        return self._by_id.get(name)

    def __contains__(self, name: ReleaseId) -> bool:
        """Return whether a release of that name is on offer."""
        return name in self._by_id

    def exists(self, name: ReleaseId) -> bool:
        """Return whether a release exists: on offer, or in the feed that the offer was joined with."""
        rows = name in self._by_id or any(each.id == name for each in self.unreadable)
        return rows or (self.feed is not None and self.feed.exists(name))

    def unreadable_row(self, name: ReleaseId) -> UnreadableRow | None:
        """Return a release's row on offer that is left out as unreadable."""
        return next((each for each in self.unreadable if each.left_out and each.id == name), None)

    def equivalents(self, release: Release) -> tuple[Release, ...]:
        """Return the Runtime releases on offer with exactly the same Airflow version, newest first."""
        return tuple(self._equivalents.get(release.airflow_key, ()))

    def newest(self, line: Line) -> Release | None:
        """Return the newest release of a line that is neither yanked nor a prerelease, or None."""
        if line not in self._newest:
            found = (
                each
                for each in self.passable_runtime
                if isinstance(each.id.version, RuntimeVersion) and each.id.version in line
            )
            self._newest[line] = max(found, key=lambda each: each.runtime_key, default=None)
        return self._newest[line]

    def between(self, low: Release, name: ReleaseId, high: Release) -> bool:
        """Return whether a release, on offer or not, lies between two others or is one of them."""
        if isinstance(name.version, AirflowVersion):
            found: Release | None = Release(id=name, airflow=name.version)
        else:
            found = next((each for each in (low, high, self.get(name)) if each and each.id == name), None)
        if found is not None:
            return low.order <= found.order <= high.order
        # Its Airflow version is unknown. Two Runtime releases compare by their Runtime versions alone.
        return (
            isinstance(name.version, RuntimeVersion)
            and low.runtime_key <= runtime_sort_key(name.version) <= high.runtime_key
        )

    def migrates(self, before: AirflowVersion, after: AirflowVersion) -> bool:
        """Return whether a hop between these Airflow versions changes the schema of the metadata database.

        A minor version later than the last known schema change counts as a change, since nearly every one was.
        """
        if not self.schemas:
            return False
        last = self.schemas[-1]
        unknown = (after.major, after.minor) > (last.major, last.minor)
        beyond = unknown and (before.major, before.minor) < (after.major, after.minor)
        return beyond or any(before < change <= after for change in self.schemas)

    def describe(self, name: ReleaseId, airflow: AirflowVersion) -> Release:
        """Return a release with the caller's Airflow version and the data of this catalog or its feed.

        The release may be one that runs and is no longer on offer.
        """
        row = self._by_id.get(name)
        if row is None:
            if self.feed:
                return self.feed.describe(name, airflow)
            left_out = self.unreadable_row(name)
            return Release(id=name, airflow=airflow, yanked=left_out is not None and left_out.yanked)
        if row.airflow == airflow:
            return row
        return Release(
            id=name,
            airflow=airflow,
            known=row.known,
            channel=row.channel,
            yanked=row.yanked,
            yanked_reason=row.yanked_reason,
            released=row.released,
            end_of_support=row.end_of_support,
        )


_LONGEST: Final = 60


def _text(value: object) -> str:
    """Return a text; empty for any other value, which is not a version either."""
    return value if isinstance(value, str) else ""


def _cut(value: object) -> str:
    text = value if isinstance(value, str) else json.dumps(value)
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 3]}..."

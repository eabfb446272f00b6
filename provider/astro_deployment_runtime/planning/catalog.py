"""The releases that are on offer, with what the vendor's feeds know of each.

A catalog is made in two ways. Offline it is a feed: the two files of the vendor, shipped beside this module or in a
folder of the user's. With a platform it is that platform's offer, which alone says what can be had and which
Airflow each release has, joined by version with a feed, which alone says what is yanked and in which channel.
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
"""Every number of a version is below this (:mod:`~astro_deployment_runtime.planning.versions`)."""
_MARK: Final = 10**15
"""Every number of a mark is below this."""
_MARKS: Final = 4
"""Marks of a version at most, the last one included."""


class Channel(StrEnum):
    """The channels of the vendor's feeds."""

    STABLE = "stable"
    DEPRECATED = "deprecated"
    ALPHA = "alpha"
    BETA = "beta"
    NIGHTLY = "nightly"
    UNKNOWN = "unknown"
    """A channel that this package has never heard of: counts as a prerelease, since nobody vouches for it."""


_PRERELEASES: Final = frozenset({Channel.ALPHA, Channel.BETA, Channel.NIGHTLY, Channel.UNKNOWN})


def rank(version: AirflowVersion) -> int:
    """Return an Airflow version as one number, in the versions' order: the planner compares many."""
    return _marked((version.major * _DIGITS + version.minor) * _DIGITS + version.patch, version.marks)


def number(version: RuntimeVersion) -> int:
    """Return a Runtime version as one number above zero, in the versions' order."""
    first, second, third = version.numbers
    return _marked(((version.scheme * _DIGITS + first) * _DIGITS + second) * _DIGITS + third, version.marks)


def _marked(value: int, marks: Marks) -> int:
    for index in range(_MARKS):
        stage, count = marks[index] if index < len(marks) else (0, 0)
        value = (value * 10 + stage) * _MARK + count
    return value


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """One release: what it is, and what a feed knows of it.

    Two releases are ordered by :attr:`order`: by Airflow version, then scheme, then Runtime version. An AC release
    comes just before the Runtime releases of its Airflow version, so that every legal hop leads upwards.
    """

    id: ReleaseId
    airflow: AirflowVersion
    known: bool = False
    """A feed has a row for it. The fields below are meaningful only then."""
    channel: Channel | None = None
    yanked: bool = False
    yanked_reason: str | None = None
    released: date | None = None
    end_of_support: date | None = None
    rank: int = field(init=False, compare=False, repr=False)
    """The Airflow version as one number."""
    number: int = field(init=False, compare=False, repr=False)
    """The Runtime version as one number; 0 on Certified."""
    order: tuple[int, int] = field(init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        """Compute what comparisons need, once."""
        version = self.id.version
        object.__setattr__(self, "rank", rank(self.airflow))
        object.__setattr__(self, "number", number(version) if isinstance(version, RuntimeVersion) else 0)
        object.__setattr__(self, "order", (self.rank, self.number))

    @property
    def prerelease(self) -> bool:
        """Its channel is for trying out: alpha, beta, nightly, or one that nobody knows."""
        return self.channel in _PRERELEASES

    @property
    def declarable(self) -> bool:
        """Its version can be declared as a target: a Runtime that is no prerelease by its number."""
        return isinstance(self.id.version, RuntimeVersion) and self.id.version.is_release

    @property
    def passable(self) -> bool:
        """A path may lead through it: neither yanked nor a prerelease."""
        return not self.yanked and not self.prerelease

    def __str__(self) -> str:
        """Print as its name: ``AC 2.3.0``, ``Astro Runtime 5.0.4``."""
        return str(self.id)


@dataclass(frozen=True, slots=True)
class Odd:
    """A row of an offer or a feed of which something cannot be read."""

    text: str
    """What was found, and where; not made printable, and of bounded length."""
    left_out: bool = True
    """The row is left out; else it counts, and only the value that ``text`` names is unknown."""
    id: ReleaseId | None = None
    """The release that the row is about, where that can be read."""
    yanked: bool = False
    """The row says that the release is yanked: that counts, also where the rest of the row does not."""


class Catalog:
    """What is on offer. Immutable, and the same whatever the order in which the releases came.

    ``certified`` and ``runtime`` run from the oldest release to the newest; ``passable_certified`` and
    ``passable_runtime``, those that a path may lead through, from the newest to the oldest, as the planner wants them.
    """

    __slots__ = (
        "_by_id",
        "_equivalents",
        "_newest",
        "certified",
        "feed",
        "odd",
        "passable_certified",
        "passable_runtime",
        "runtime",
        "schemas",
        "stale",
    )

    def __init__(
        self,
        releases: Iterable[Release],
        *,
        schemas: Iterable[AirflowVersion] = (),
        stale: str = "",
        odd: Iterable[Odd] = (),
        feed: Catalog | None = None,
    ) -> None:
        """Index the releases. ``feed`` is asked about releases that run somewhere and are no longer on offer."""
        # Of two rows with one name the later in order wins, whichever came first.
        self._by_id = {release.id: release for release in sorted(releases, key=lambda release: release.order)}
        self.feed = feed
        """What the offer of a platform was joined with; None: this is a feed itself."""
        self.schemas = tuple(sorted(schemas))
        """The Airflow versions that changed the schema of the metadata database."""
        self.stale = stale
        """Why what is known may be out of date, as a clause; empty where nothing tells so."""
        self.odd = tuple(sorted(odd, key=lambda each: each.text))
        """The rows of this offer, or of this feed, of which something cannot be read."""
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
            self._equivalents.setdefault(release.rank, []).append(release)

    @classmethod
    def offered(cls, certified: Iterable[object], runtime: Iterable[tuple[object, object]], feed: Catalog) -> Self:
        """Join a platform's offer with what a feed knows. A row that cannot be read is left out, and is in ``odd``.

        Args:
            certified: the Certified versions, as the platform writes them.
            runtime: the Runtime versions, each with its Airflow version.
            feed: whose channels, yanks and dates are taken over, by version.
        """
        airflows: dict[ReleaseId, set[AirflowVersion]] = {}
        odd = []
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
                odd.append(Odd(text, id=name))
            else:
                airflows.setdefault(name, set()).add(read)
        for name, several in list(airflows.items()):
            if len(several) > 1:
                # Which one is right nobody can tell, and a migration to the wrong one would be an upgrade as well.
                odd.append(Odd(f"{name.version} ({' and '.join(map(str, sorted(several)))})", id=name))
                del airflows[name]
        releases = [feed.describe(name, airflow) for name, (airflow,) in airflows.items()]
        return cls(releases, schemas=feed.schemas, stale=feed.stale, odd=odd, feed=feed)

    def get(self, name: ReleaseId) -> Release | None:
        """Return the release of that name, None where it is not on offer."""
        return self._by_id.get(name)

    def __contains__(self, name: ReleaseId) -> bool:
        """Return whether a release of that name is on offer."""
        return name in self._by_id

    def exists(self, name: ReleaseId) -> bool:
        """Return whether there is such a release: on offer, or in the feed that the offer was joined with."""
        rows = name in self._by_id or any(each.id == name for each in self.odd)
        return rows or (self.feed is not None and self.feed.exists(name))

    def odd_row(self, name: ReleaseId) -> Odd | None:
        """Return the row on offer of that release that is left out because something of it cannot be read."""
        return next((each for each in self.odd if each.left_out and each.id == name), None)

    def equivalents(self, release: Release) -> tuple[Release, ...]:
        """Return the Runtime releases on offer with exactly that release's Airflow version, newest first."""
        return tuple(self._equivalents.get(release.rank, ()))

    def newest(self, line: Line) -> Release | None:
        """Return the newest release of a line that is neither yanked nor a prerelease, None where there is none."""
        if line not in self._newest:
            found = (
                each
                for each in self.passable_runtime
                if isinstance(each.id.version, RuntimeVersion) and each.id.version in line
            )
            self._newest[line] = max(found, key=lambda each: each.number, default=None)
        return self._newest[line]

    def between(self, low: Release, name: ReleaseId, high: Release) -> bool:
        """Return whether a release lies between two others or is one of them, whether or not it is on offer."""
        if isinstance(name.version, AirflowVersion):
            found: Release | None = Release(id=name, airflow=name.version)
        else:
            found = next((each for each in (low, high, self.get(name)) if each and each.id == name), None)
        if found is not None:
            return low.order <= found.order <= high.order
        # Its Airflow version is not known. Runtime versions alone tell the order of two Runtime releases.
        return isinstance(name.version, RuntimeVersion) and low.number <= number(name.version) <= high.number

    def migrates(self, before: AirflowVersion, after: AirflowVersion) -> bool:
        """Tell whether a step between these Airflow versions changes the schema of the metadata database.

        Of minor versions later than all that is known of schemas it is assumed, since nearly every one did.
        """
        if not self.schemas:
            return False
        last = self.schemas[-1]
        unknown = (after.major, after.minor) > (last.major, last.minor)
        beyond = unknown and (before.major, before.minor) < (after.major, after.minor)
        return beyond or any(before < change <= after for change in self.schemas)

    def describe(self, name: ReleaseId, airflow: AirflowVersion) -> Release:
        """Return what is known of a release that somebody else names, for example of one that runs.

        The Airflow version is the caller's; the rest comes from this catalog, or from the feed that it was joined with.
        """
        row = self._by_id.get(name)
        if row is None:
            if self.feed:
                return self.feed.describe(name, airflow)
            odd = self.odd_row(name)
            return Release(id=name, airflow=airflow, yanked=odd is not None and odd.yanked)
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
    """Return a text; what is none is no version either."""
    return value if isinstance(value, str) else ""


def _cut(value: object) -> str:
    text = value if isinstance(value, str) else json.dumps(value, default=repr)
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 3]}..."

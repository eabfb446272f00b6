"""The releases that are on offer, with what the vendor's feeds know of each.

A catalog is made in two ways. Offline it is a feed: the two files of the vendor, shipped beside this module or in a
folder of the user's. With a platform it is that platform's offer, which alone says what can be had and which
Airflow each release has, joined by version with a feed, which alone says what is yanked and in which channel.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Final, Self

from astro_deployment_runtime.errors import InvalidVersionError
from astro_deployment_runtime.versions import AirflowVersion, Distribution, ReleaseId, RuntimeVersion

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import date

    from astro_deployment_runtime.versions import Line

_DIGITS: Final = 10**6
"""Every number of a version is below this (:mod:`~astro_deployment_runtime.versions`)."""


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
    """Give an Airflow version as one number, in the versions' order: the planner compares many."""
    return (version.major * _DIGITS + version.minor) * _DIGITS + version.patch


def number(version: RuntimeVersion) -> int:
    """Give a Runtime version as one number above zero, in the versions' order."""
    first, second, third = version.numbers
    return ((version.scheme * _DIGITS + first) * _DIGITS + second) * _DIGITS + third


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
    def passable(self) -> bool:
        """A path may lead through it: neither yanked nor a prerelease."""
        return not self.yanked and not self.prerelease

    def __str__(self) -> str:
        """Print as its name: ``AC 2.3.0``, ``Astro Runtime 5.0.4``."""
        return str(self.id)


class Catalog:
    """What is on offer. Immutable, and the same whatever the order in which the releases came.

    ``certified`` and ``runtime`` run from the oldest release to the newest; ``passable_certified`` and
    ``passable_runtime``, those that a path may lead through, from the newest to the oldest, as the planner wants them.
    """

    __slots__ = (
        "_by_id",
        "_equivalents",
        "_feed",
        "_newest",
        "certified",
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
        unreadable: Iterable[str] = (),
        feed: Catalog | None = None,
    ) -> None:
        """Index the releases. ``feed`` is asked about releases that run somewhere and are no longer on offer."""
        # Of two rows with one name the later in order wins, whichever came first.
        self._by_id = {release.id: release for release in sorted(releases, key=lambda release: release.order)}
        self._feed = feed
        self.schemas = tuple(sorted(schemas))
        """The Airflow versions that changed the schema of the metadata database."""
        self.stale = stale
        """Why what is known may be out of date, as a clause; empty where nothing tells so."""
        self.unreadable = tuple(sorted(unreadable))
        """What the platform offers under names that are no versions: set aside, never a target."""
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
    def offered(cls, certified: Iterable[str], runtime: Iterable[tuple[str, str]], feed: Catalog) -> Self:
        """Join a platform's offer with what a feed knows.

        Args:
            certified: the Certified versions, as the platform writes them.
            runtime: the Runtime versions, each with its Airflow version.
            feed: whose channels, yanks and dates are taken over, by version.
        """
        names = [(Distribution.CERTIFIED, version, version) for version in certified]
        names += [(Distribution.RUNTIME, version, airflow) for version, airflow in runtime]
        releases, unreadable = [], []
        for distribution, version, airflow in names:
            try:
                name = ReleaseId.of(distribution, version)
                number_of_airflow = (
                    name.version if isinstance(name.version, AirflowVersion) else AirflowVersion.parse(airflow)
                )
            except InvalidVersionError:
                unreadable.append(version if distribution is Distribution.CERTIFIED else f"{version} ({airflow})")
            else:
                releases.append(feed.describe(name, number_of_airflow))
        return cls(releases, schemas=feed.schemas, stale=feed.stale, unreadable=unreadable, feed=feed)

    def get(self, name: ReleaseId) -> Release | None:
        """Return the release of that name, None where it is not on offer."""
        return self._by_id.get(name)

    def __contains__(self, name: ReleaseId) -> bool:
        """Tell whether a release of that name is on offer."""
        return name in self._by_id

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
            return self._feed.describe(name, airflow) if self._feed else Release(id=name, airflow=airflow)
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

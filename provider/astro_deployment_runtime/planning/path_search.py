"""Find the one right path by comparing numbers. This module proposes; ``rules.verify`` judges.

Every legal hop leads upwards in the order of releases. The search starts at the target: a :class:`_Ladder` has a rung
for each distance, with the releases that are one hop, two hops and so on away from the target. It adds rungs on
demand. From one hop below a rung, take the best release of that rung, then the best of the next. The result is the
best of the shortest paths.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from astro_deployment_runtime.planning.catalog import rank
from astro_deployment_runtime.planning.model import Strategy
from astro_deployment_runtime.planning.versions import AirflowVersion, Distribution

if TYPE_CHECKING:
    from collections.abc import Sequence

    from astro_deployment_runtime.planning.catalog import Catalog, Release
    from astro_deployment_runtime.planning.versions import ReleaseId

_AIRFLOW_2: Final = rank(AirflowVersion(2, 0, 0))
_AIRFLOW_2_FROM: Final = rank(AirflowVersion(1, 10, 14))
_AIRFLOW_3: Final = rank(AirflowVersion(3, 0, 0))
_AIRFLOW_3_FROM: Final = rank(AirflowVersion(2, 7, 0))
_NO_CEILING: Final = rank(AirflowVersion(10**6, 0, 0))
"""Limit above every Airflow version."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """Rules that limit a search. All do, except when a refusal searches for the rules that are in the way."""

    gate_2: bool = True
    gate_3: bool = True
    equal: bool = True
    """A migration keeps the Airflow version."""
    through_yanked: bool = False
    through_prereleases: bool = False
    certified_upgrade: bool = True
    """Whether the platform can make this move; the same for the next two."""
    migration: bool = True
    runtime_upgrade: bool = True

    def ceiling(self, start: int) -> int:
        """Return the Airflow version that a hop from this one must stay below, both as numbers."""
        if self.gate_2 and start < _AIRFLOW_2_FROM:
            return _AIRFLOW_2
        if self.gate_3 and start < _AIRFLOW_3_FROM:
            return _AIRFLOW_3
        return _NO_CEILING

    def step(self, start: Release, rung: Rung) -> Release | None:
        """Return the best release of a rung within one hop: Certified before Runtime, then the newest."""
        low, high = start.rank, self.ceiling(start.rank)
        if start.id.distribution is Distribution.RUNTIME:
            if not self.runtime_upgrade:
                return None
            own = start.number
            return next((r for r in rung.runtime if low <= r.rank < high and own < r.number), None)
        if self.certified_upgrade and rung.certified:
            best = next((r for r in rung.certified if low < r.rank < high), None)
            if best is not None:
                return best
        if not self.migration:
            return None
        if self.equal:
            return rung.newest.get(low)
        return next((r for r in rung.runtime if low <= r.rank < high), None)

    def passes(self, release: Release) -> bool:
        """Return whether a path may lead through a release."""
        return (self.through_yanked or not release.yanked) and (self.through_prereleases or not release.prerelease)


class Search:
    """Search for paths through one catalog within one set of limits."""

    def __init__(self, catalog: Catalog, terms: Terms) -> None:
        """Select the releases that paths may lead through."""
        self._catalog, self._terms = catalog, terms
        self._certified: Sequence[Release] = catalog.passable_certified
        self._runtime: Sequence[Release] = catalog.passable_runtime
        if terms.through_yanked or terms.through_prereleases:
            self._certified = [release for release in reversed(catalog.certified) if terms.passes(release)]
            self._runtime = [release for release in reversed(catalog.runtime) if terms.passes(release)]

    def path(self, start: Release, target: Release, strategy: Strategy) -> list[Release] | None:
        """Return the releases after the start up to the target; None: no path is legal.

        The caller judges whether the target may be one.
        """
        if start.id.distribution is Distribution.RUNTIME:
            return _Ladder(self._terms, target, runtime=_between(start, self._runtime, target)).climb(start)
        if strategy is Strategy.CERTIFIED_FIRST:
            return self._certified_first(start, target)
        certified, runtime = _between(start, self._certified, target), _between(start, self._runtime, target)
        return _Ladder(self._terms, target, certified=certified, runtime=runtime).climb(start)

    def leads(self, start: Release, target: Release) -> bool:
        """Return whether one hop leads from the start to the target."""
        return self._terms.step(start, _rung(target)) is not None

    def reachable(self, start: Release) -> set[ReleaseId]:
        """Return every possible end of a path from the start, including yanked releases and prereleases.

        One pass in the order of releases is enough because every hop leads upwards.
        """
        terms = self._terms
        reached: set[ReleaseId] = set()
        top = start if start.id.distribution is Distribution.CERTIFIED else None
        entries = {start.rank} if top else set()
        # Of the Runtime releases reached so far, the lowest one below each ceiling leads furthest.
        lowest = {} if top else {terms.ceiling(start.rank): start.number}
        for release in sorted((*self._certified, *self._catalog.runtime), key=lambda release: release.order):
            if release.order <= start.order:
                continue
            if release.id.distribution is Distribution.CERTIFIED:
                if top and self.leads(top, release):
                    top = release
                    entries.add(release.rank)
            elif (terms.migration and release.rank in entries) or (
                terms.runtime_upgrade and any(release.rank < high and n < release.number for high, n in lowest.items())
            ):
                reached.add(release.id)
                if terms.passes(release):
                    high = terms.ceiling(release.rank)
                    lowest[high] = min(release.number, lowest.get(high, release.number))
        return reached

    def _certified_first(self, start: Release, target: Release) -> list[Release] | None:
        """Upgrade Certified, migrate, then upgrade Runtime, as in the vendor's guide.

        The Certified upgrades end at the highest reachable Certified release whose equivalent leads to the target. It
        is not above the target's Airflow version.
        """
        certified = _between(start, self._certified, target)
        entries = _Ladder(self._terms, target, runtime=_between(start, self._runtime, target))
        for summit in (*certified, start):
            last = self._from_equivalent(summit, target, entries)
            if last is None:
                continue
            if summit is start:
                return last
            first = _Ladder(self._terms, summit, certified=_between(start, certified, summit)).climb(start)
            if first is not None:
                return first + last
        return None

    def _from_equivalent(self, summit: Release, target: Release, entries: _Ladder) -> list[Release] | None:
        """Migrate to the target if it is an equivalent, else to the newest equivalent that leads to the target."""
        if summit.rank == target.rank:
            return [target] if self.leads(summit, target) else None
        for equivalent in self._catalog.equivalents(summit):
            if not (self._terms.passes(equivalent) and self.leads(summit, equivalent)):
                continue
            last = entries.climb(equivalent)
            if last is not None:
                return [equivalent, *last]
        return None


class Rung:
    """Releases at the same distance from a target: Certified and Runtime, each newest first."""

    __slots__ = ("certified", "newest", "runtime")

    def __init__(self, *, certified: Sequence[Release] = (), runtime: Sequence[Release] = ()) -> None:
        """Index the Runtime releases by their Airflow version."""
        self.certified = certified
        self.runtime = runtime
        self.newest: dict[int, Release] = {}
        for release in runtime:
            self.newest.setdefault(release.rank, release)


def _rung(release: Release) -> Rung:
    if release.id.distribution is Distribution.RUNTIME:
        return Rung(runtime=[release])
    return Rung(certified=[release])


class _Ladder:
    """Rungs below one target, from the given releases (newest first). Rungs are added on demand."""

    def __init__(
        self,
        terms: Terms,
        target: Release,
        *,
        certified: Sequence[Release] = (),
        runtime: Sequence[Release] = (),
    ) -> None:
        self._terms = terms
        self._rungs = [_rung(target)]
        self._certified, self._runtime = certified, runtime

    def climb(self, start: Release) -> list[Release] | None:
        """Return the best of the shortest paths, including the target, or None."""
        step, height = self._terms.step, 0
        while (best := step(start, self._rungs[height])) is None:
            height += 1
            if height == len(self._rungs) and not self._grow():
                return None
        way: list[Release] = []
        while best is not None:
            way.append(best)
            height -= 1
            best = step(best, self._rungs[height]) if height >= 0 else None
        return way

    def _grow(self) -> bool:
        """Add the rung one hop below the last one. Return whether it has any releases."""
        rung = self._rungs[-1]
        certified, self._certified = self._split(self._certified, rung)
        runtime, self._runtime = self._split(self._runtime, rung)
        if certified or runtime:
            self._rungs.append(Rung(certified=certified, runtime=runtime))
            return True
        return False

    def _split(self, pool: Sequence[Release], rung: Rung) -> tuple[list[Release], list[Release]]:
        below: list[Release] = []
        rest: list[Release] = []
        for release in pool:
            (rest if self._terms.step(release, rung) is None else below).append(release)
        return below, rest


def _between(start: Release, pool: Sequence[Release], target: Release) -> list[Release]:
    """Return the releases between two others."""
    low, high = start.order, target.order
    return [release for release in pool if low < release.order < high]

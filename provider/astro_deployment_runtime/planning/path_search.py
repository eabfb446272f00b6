"""Find the one right path by comparing numbers. This module proposes; ``rules.verify`` judges.

Every legal hop leads upwards in the order of releases, so :class:`_BackwardSearch` starts at the target. It has a
layer for each distance: the releases that are one hop, two hops and so on away from the target. It adds layers on
demand. From one hop below a layer, take the best release of that layer, then the best of the next. The result is the
best of the shortest paths.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from astro_deployment_runtime.planning.catalog import airflow_sort_key
from astro_deployment_runtime.planning.plan_model import Strategy
from astro_deployment_runtime.planning.versions import AirflowVersion, Distribution

if TYPE_CHECKING:
    from collections.abc import Sequence

    from astro_deployment_runtime.planning.catalog import Catalog, Release
    from astro_deployment_runtime.planning.versions import ReleaseId

_AIRFLOW_2: Final = airflow_sort_key(AirflowVersion(2, 0, 0))
_AIRFLOW_2_FROM: Final = airflow_sort_key(AirflowVersion(1, 10, 14))
_AIRFLOW_3: Final = airflow_sort_key(AirflowVersion(3, 0, 0))
_AIRFLOW_3_FROM: Final = airflow_sort_key(AirflowVersion(2, 7, 0))
_NO_CEILING: Final = airflow_sort_key(AirflowVersion(10**6, 0, 0))
"""Limit above every Airflow version."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchLimits:
    """Rules that limit a search. All do, except when a refusal searches for the rules that block the path."""

    airflow_2_gate: bool = True
    airflow_3_gate: bool = True
    migrate_equal: bool = True
    """A migration keeps the Airflow version."""
    through_yanked: bool = False
    through_prereleases: bool = False
    certified_upgrade: bool = True
    """Whether the platform can make this move; the same for the next two."""
    migration: bool = True
    runtime_upgrade: bool = True

    def ceiling(self, start: int) -> int:
        """Return the Airflow version that a hop from this one must stay below, both as numbers."""
        if self.airflow_2_gate and start < _AIRFLOW_2_FROM:
            return _AIRFLOW_2
        if self.airflow_3_gate and start < _AIRFLOW_3_FROM:
            return _AIRFLOW_3
        return _NO_CEILING

    def best_hop(self, start: Release, layer: Layer) -> Release | None:
        """Return the best release of a layer within one hop: Certified before Runtime, then the newest."""
        low, high = start.airflow_key, self.ceiling(start.airflow_key)
        if start.id.distribution is Distribution.RUNTIME:
            if not self.runtime_upgrade:
                return None
            own = start.runtime_key
            return next((r for r in layer.runtime if low <= r.airflow_key < high and own < r.runtime_key), None)
        if self.certified_upgrade and layer.certified:
            best = next((r for r in layer.certified if low < r.airflow_key < high), None)
            if best is not None:
                return best
        if not self.migration:
            return None
        if self.migrate_equal:
            return layer.newest.get(low)
        return next((r for r in layer.runtime if low <= r.airflow_key < high), None)

    def may_pass_through(self, release: Release) -> bool:
        """Return whether a path may lead through a release."""
        return (self.through_yanked or not release.yanked) and (self.through_prereleases or not release.prerelease)


class Search:
    """Search for paths through one catalog within one set of limits."""

    def __init__(self, catalog: Catalog, limits: SearchLimits) -> None:
        """Select the releases that paths may lead through."""
        self._catalog, self._limits = catalog, limits
        self._certified: Sequence[Release] = catalog.passable_certified
        self._runtime: Sequence[Release] = catalog.passable_runtime
        if limits.through_yanked or limits.through_prereleases:
            self._certified = [release for release in reversed(catalog.certified) if limits.may_pass_through(release)]
            self._runtime = [release for release in reversed(catalog.runtime) if limits.may_pass_through(release)]

    def path(self, start: Release, target: Release, strategy: Strategy) -> list[Release] | None:
        """Return the releases after the start up to the target; None: no path is legal.

        The caller judges whether the target may be one.
        """
        runtime = _between(start, self._runtime, target)
        if start.id.distribution is Distribution.RUNTIME:
            return _BackwardSearch(self._limits, target, runtime=runtime).path_from(start)
        if strategy is Strategy.CERTIFIED_FIRST:
            return self._certified_first(start, target)
        certified = _between(start, self._certified, target)
        return _BackwardSearch(self._limits, target, certified=certified, runtime=runtime).path_from(start)

    def is_one_hop(self, start: Release, target: Release) -> bool:
        """Return whether one hop leads from the start to the target."""
        return self._limits.best_hop(start, _target_layer(target)) is not None

    def reachable(self, start: Release) -> set[ReleaseId]:
        """Return every possible end of a path from the start, including yanked releases and prereleases.

        One pass in the order of releases is enough because every hop leads upwards.
        """
        limits = self._limits
        reached: set[ReleaseId] = set()
        top = start if start.id.distribution is Distribution.CERTIFIED else None
        entries = {start.airflow_key} if top else set()
        # Of the Runtime releases reached so far, the lowest one below each ceiling leads furthest.
        lowest = {} if top else {limits.ceiling(start.airflow_key): start.runtime_key}
        for release in sorted((*self._certified, *self._catalog.runtime), key=lambda release: release.order):
            if release.order <= start.order:
                continue
            if release.id.distribution is Distribution.CERTIFIED:
                if top and self.is_one_hop(top, release):
                    top = release
                    entries.add(release.airflow_key)
            elif (limits.migration and release.airflow_key in entries) or (
                limits.runtime_upgrade
                and any(release.airflow_key < high and n < release.runtime_key for high, n in lowest.items())
            ):
                reached.add(release.id)
                if limits.may_pass_through(release):
                    high = limits.ceiling(release.airflow_key)
                    lowest[high] = min(release.runtime_key, lowest.get(high, release.runtime_key))
        return reached

    def _certified_first(self, start: Release, target: Release) -> list[Release] | None:
        """Upgrade Certified, migrate, then upgrade Runtime, as in the vendor's guide.

        The Certified upgrades end at the highest reachable Certified release whose equivalent leads to the target. It
        is not above the target's Airflow version.
        """
        certified = _between(start, self._certified, target)
        runtime_search = _BackwardSearch(self._limits, target, runtime=_between(start, self._runtime, target))
        for last_certified in (*certified, start):
            onward = self._from_equivalent(last_certified, target, runtime_search)
            if onward is None:
                continue
            if last_certified is start:
                return onward
            between = _between(start, certified, last_certified)
            first = _BackwardSearch(self._limits, last_certified, certified=between).path_from(start)
            if first is not None:
                return first + onward
        return None

    def _from_equivalent(
        self, last_certified: Release, target: Release, runtime_search: _BackwardSearch
    ) -> list[Release] | None:
        """Migrate to the target if it is an equivalent, else to the newest equivalent that leads to the target."""
        if last_certified.airflow_key == target.airflow_key:
            return [target] if self.is_one_hop(last_certified, target) else None
        for equivalent in self._catalog.equivalents(last_certified):
            if not (self._limits.may_pass_through(equivalent) and self.is_one_hop(last_certified, equivalent)):
                continue
            onward = runtime_search.path_from(equivalent)
            if onward is not None:
                return [equivalent, *onward]
        return None


class Layer:
    """Releases at the same distance from a target: Certified and Runtime, each newest first."""

    __slots__ = ("certified", "newest", "runtime")

    def __init__(self, *, certified: Sequence[Release] = (), runtime: Sequence[Release] = ()) -> None:
        """Index the Runtime releases by their Airflow version."""
        self.certified = certified
        self.runtime = runtime
        self.newest: dict[int, Release] = {}
        for release in runtime:
            self.newest.setdefault(release.airflow_key, release)


def _target_layer(release: Release) -> Layer:
    if release.id.distribution is Distribution.RUNTIME:
        return Layer(runtime=[release])
    return Layer(certified=[release])


class _BackwardSearch:
    """Layers below one target, from the given releases (newest first). Layers are added on demand."""

    def __init__(
        self,
        limits: SearchLimits,
        target: Release,
        *,
        certified: Sequence[Release] = (),
        runtime: Sequence[Release] = (),
    ) -> None:
        self._limits = limits
        self._layers = [_target_layer(target)]
        self._certified, self._runtime = certified, runtime

    def path_from(self, start: Release) -> list[Release] | None:
        """Return the best of the shortest paths, including the target, or None."""
        best_hop, distance = self._limits.best_hop, 0
        while (best := best_hop(start, self._layers[distance])) is None:
            distance += 1
            if distance == len(self._layers) and not self._add_layer():
                return None
        path: list[Release] = []
        while best is not None:
            path.append(best)
            distance -= 1
            best = best_hop(best, self._layers[distance]) if distance >= 0 else None
        return path

    def _add_layer(self) -> bool:
        """Add the layer one hop below the last one. Return whether it has any releases."""
        layer = self._layers[-1]
        certified, self._certified = self._split_by_hop(self._certified, layer)
        runtime, self._runtime = self._split_by_hop(self._runtime, layer)
        if certified or runtime:
            self._layers.append(Layer(certified=certified, runtime=runtime))
            return True
        return False

    def _split_by_hop(self, pool: Sequence[Release], layer: Layer) -> tuple[list[Release], list[Release]]:
        below: list[Release] = []
        rest: list[Release] = []
        for release in pool:
            (rest if self._limits.best_hop(release, layer) is None else below).append(release)
        return below, rest


def _between(start: Release, pool: Sequence[Release], target: Release) -> list[Release]:
    """Return the releases between two others."""
    low, high = start.order, target.order
    return [release for release in pool if low < release.order < high]

"""An independent planner for comparison: it builds every edge of a graph and compares all paths.

It shares no code with the package's planner. It reads the feeds and orders the versions itself, and uses networkx.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from functools import cache, cached_property
from itertools import combinations
from typing import TYPE_CHECKING

import networkx as nx

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

RELAXABLE = ("MIGRATE-EQUAL", "AIRFLOW-2-GATE", "AIRFLOW-3-GATE", "YANKED", "CHANNEL", "PLATFORM")


def numbers(text: str) -> tuple[float, ...]:
    """Read the numbers of a version. Prereleases sort half a step below their number, post-releases half above."""
    plain, mark = re.fullmatch(r"([\d.-]*\d)(?:[.-]?(rc|post)\d+)?", text).groups()  # type: ignore[union-attr]
    *first, last = (int(part) for part in re.split(r"[.-]", plain))
    return (*first, last + {None: 0, "rc": -0.5, "post": 0.5}[mark])


@dataclass(frozen=True, eq=False)
class ReferenceRelease:
    """A release as the feeds describe it."""

    certified: bool
    version: str
    airflow: str
    channel: str | None = None
    yanked: bool = False

    @property
    def name(self) -> str:
        """The name that the package prints too."""
        return f"{'AC' if self.certified else 'Astro Runtime'} {self.version}"

    @cached_property
    def airflow_order(self) -> tuple[float, ...]:
        """The sort key of the Airflow version."""
        return numbers(self.airflow)

    @cached_property
    def runtime(self) -> tuple[bool, tuple[float, ...]]:
        """The sort key of the Runtime version. Versions with a dash after two numbers are newer than all others."""
        return re.match(r"\d+\.\d+-", self.version) is not None, numbers(self.version)

    @cached_property
    def order(self) -> tuple[object, ...]:
        """Sort key: Airflow version, scheme, Runtime version."""
        return (self.airflow_order,) if self.certified else (self.airflow_order, *self.runtime)

    @property
    def unstable(self) -> bool:
        """Whether the channel marks a release that is not generally available."""
        return self.channel not in {None, "stable", "deprecated"}


def read(folder: Path) -> list[ReferenceRelease]:
    """Read both feeds of a folder. Of several builds of one AC version, the highest build counts."""
    rows: dict[str, tuple[int, ReferenceRelease]] = {}
    for entry in json.loads((folder / "astronomer-certified.json").read_text())["available_releases"]:
        version, _, build = entry["version"].partition("-")
        if version not in rows or rows[version][0] < int(build or 0):
            rows[version] = (int(build or 0), ReferenceRelease(True, version, version, entry.get("channel")))  # noqa: FBT003
    found = [row for _, row in rows.values()]
    feed = json.loads((folder / "astronomer-runtime.json").read_text())
    for version, entry in (*feed["runtimeVersions"].items(), *feed["runtimeVersionsV3"].items()):
        facts = entry["metadata"]
        yanked = facts.get("yanked") in {True, "true"}
        found.append(ReferenceRelease(False, version, facts["airflowVersion"], facts.get("channel"), yanked))  # noqa: FBT003
    return found


class ReferencePlanner:
    """Paths in one catalog, found by comparing all of them."""

    def __init__(
        self,
        rows: Iterable[ReferenceRelease],
        *,
        elsewhere: Iterable[ReferenceRelease] = (),
        platform: str | None = None,
        runtime_enabled: bool = True,
    ) -> None:
        """Set the offered releases, the running releases that are not offered, and the platform's version if known."""
        self.rows = list(rows)
        self.starts = [*self.rows, *elsewhere]
        self.platform = platform
        self.runtime_enabled = runtime_enabled
        self.best_paths = cache(self._best_paths)

    def may_hop(self, a: ReferenceRelease, b: ReferenceRelease, without: frozenset[str] = frozenset()) -> bool:
        """Return whether one hop may go from a to b, if the rules in `without` do not apply."""
        if "AIRFLOW-2-GATE" not in without and b.airflow_order >= (2, 0, 0) and a.airflow_order < (1, 10, 14):
            return False
        if "AIRFLOW-3-GATE" not in without and b.airflow_order >= (3, 0, 0) and a.airflow_order < (2, 7, 0):
            return False
        if self.platform is not None and "PLATFORM" not in without and not self._platform_may(a, b, self.platform):
            return False
        if a.certified and b.certified:
            return b.airflow_order > a.airflow_order
        if a.certified:
            return (
                b.airflow_order >= a.airflow_order if "MIGRATE-EQUAL" in without else b.airflow_order == a.airflow_order
            )
        return not b.certified and b.runtime > a.runtime and b.airflow_order >= a.airflow_order

    def _platform_may(self, a: ReferenceRelease, b: ReferenceRelease, platform: str) -> bool:
        if not re.fullmatch(r"\d+\.\d+\.\d+", platform):
            return False
        version = numbers(platform)
        if a.certified and version >= (0, 37, 0):
            return False
        if not b.certified and (version < (0, 29, 0) or not self.runtime_enabled):
            return False
        return not (a.certified and not b.certified and version == (0, 33, 2))

    def _graph(
        self, kinds: tuple[bool, ...], target: ReferenceRelease, without: frozenset[str]
    ) -> nx.DiGraph[ReferenceRelease]:
        """Add an edge for every legal hop: from any release to a passable release or the target."""
        heads = [row for row in self.rows if self.is_passable(row, without) and row.certified in kinds]
        tails = [row for row in self.starts if row.certified in kinds]
        graph: nx.DiGraph[ReferenceRelease] = nx.DiGraph()
        graph.add_nodes_from([*tails, target])
        graph.add_edges_from((a, b) for a in tails for b in {*heads, target} if self.may_hop(a, b, without))
        return graph

    def is_passable(self, row: ReferenceRelease, without: frozenset[str] = frozenset()) -> bool:
        """Return whether a path may contain a release before its target."""
        return ("YANKED" in without or not row.yanked) and ("CHANNEL" in without or not row.unstable)

    def path_exists(self, start: ReferenceRelease, target: ReferenceRelease, *without: str) -> bool:
        """Return whether any path goes from start to target, if the rules in `without` do not apply."""
        return nx.has_path(self._graph((True, False), target, frozenset(without)), start, target)

    def reasons(self, start: ReferenceRelease, target: ReferenceRelease) -> set[str]:
        """Return each rule that alone blocks every path, or else the first smallest set that blocks it together."""
        if alone := {rule for rule in RELAXABLE if self.path_exists(start, target, rule)}:
            return alone
        return next(
            set(rules)
            for size in range(2, 7)
            for rules in combinations(RELAXABLE, size)
            if self.path_exists(start, target, *rules)
        )

    def _best_paths(
        self, kinds: tuple[bool, ...], target: ReferenceRelease
    ) -> dict[ReferenceRelease, list[ReferenceRelease]]:
        """Return the best shortest path from each release that reaches the target, without that release.

        The paths of that length are compared hop by hop from the front: Certified first, then the newer release.
        """
        graph = self._graph(kinds, target, frozenset())
        lengths = dict(nx.single_target_shortest_path_length(graph, target))
        best: dict[ReferenceRelease, list[ReferenceRelease]] = {target: []}
        for row in sorted(lengths, key=lambda row: lengths[row]):
            if row is not target:
                onward = [n for n in graph.successors(row) if lengths.get(n) == lengths[row] - 1]
                best[row] = max(
                    ([n, *best[n]] for n in onward), key=lambda path: [(n.certified, n.order) for n in path]
                )
        return best

    def fewest_hops(self, start: ReferenceRelease, target: ReferenceRelease) -> list[ReferenceRelease] | None:
        """Return the path of the strategy `fewest-hops`."""
        return self.best_paths((True, False), target).get(start)

    def certified_first(self, start: ReferenceRelease, target: ReferenceRelease) -> list[ReferenceRelease] | None:
        """Return the path of the strategy `certified-first`, comparing every summit."""
        ladder = self.best_paths((False,), target)
        if not start.certified:
            return ladder.get(start)
        paths: list[tuple[tuple[float, ...], list[ReferenceRelease]]] = []
        for summit in [start, *(row for row in self.rows if row.certified and self.is_passable(row))]:
            climb = [] if summit is start else self.best_paths((True,), summit).get(start)
            if climb is None or summit.airflow_order > target.airflow_order:
                continue
            if summit.airflow_order == target.airflow_order:
                entries = [target]
            else:
                entries = [row for row in self.rows if row in ladder and row is not target and self.is_passable(row)]
            entries = [row for row in entries if not row.certified and self.may_hop(summit, row)]
            if entries:
                entry = max(entries, key=lambda row: row.order)
                paths.append((summit.airflow_order, [*climb, entry, *ladder[entry]]))
        return max(paths, key=lambda path: path[0])[1] if paths else None

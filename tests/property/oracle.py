"""A second opinion on paths: every edge of a graph, by the rules in words of its own, every choice by comparison.

It shares no code with the planner: it reads the feeds itself, orders versions itself, and walks with networkx.
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
    """Read the numbers of a version; a prerelease is half a step below its number, a post-release half above."""
    plain, mark = re.fullmatch(r"([\d.-]*\d)(?:[.-]?(rc|post)\d+)?", text).groups()  # type: ignore[union-attr]
    *first, last = (int(part) for part in re.split(r"[.-]", plain))
    return (*first, last + {None: 0, "rc": -0.5, "post": 0.5}[mark])


@dataclass(frozen=True, eq=False)
class Row:
    """A release as the feeds tell it."""

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
    def flow(self) -> tuple[float, ...]:
        """The Airflow version."""
        return numbers(self.airflow)

    @cached_property
    def runtime(self) -> tuple[bool, tuple[float, ...]]:
        """The Runtime version: whatever has a dash after two numbers came later than whatever has none."""
        return re.match(r"\d+\.\d+-", self.version) is not None, numbers(self.version)

    @cached_property
    def order(self) -> tuple[object, ...]:
        """Airflow version, scheme, Runtime version."""
        return (self.flow,) if self.certified else (self.flow, *self.runtime)

    @property
    def early(self) -> bool:
        """It is not for everybody yet."""
        return self.channel not in {None, "stable", "deprecated"}


def read(folder: Path) -> list[Row]:
    """Read both feeds of a folder: of several builds of one AC, the one with the highest number."""
    rows: dict[str, tuple[int, Row]] = {}
    for entry in json.loads((folder / "astronomer-certified.json").read_text())["available_releases"]:
        version, _, build = entry["version"].partition("-")
        if version not in rows or rows[version][0] < int(build or 0):
            rows[version] = (int(build or 0), Row(True, version, version, entry.get("channel")))  # noqa: FBT003
    found = [row for _, row in rows.values()]
    feed = json.loads((folder / "astronomer-runtime.json").read_text())
    for version, entry in (*feed["runtimeVersions"].items(), *feed["runtimeVersionsV3"].items()):
        facts = entry["metadata"]
        yanked = facts.get("yanked") in {True, "true"}
        found.append(Row(False, version, facts["airflowVersion"], facts.get("channel"), yanked))  # noqa: FBT003
    return found


class Oracle:
    """Paths in one world, found the slow way."""

    def __init__(
        self,
        rows: Iterable[Row],
        *,
        elsewhere: Iterable[Row] = (),
        platform: str | None = None,
        runtime_enabled: bool = True,
    ) -> None:
        """Take what is on offer, what runs though it is not, and a platform's version where it is known."""
        self.rows = list(rows)
        self.starts = [*self.rows, *elsewhere]
        self.platform = platform
        self.runtime_enabled = runtime_enabled
        self.ways = cache(self._ways)

    def may_hop(self, a: Row, b: Row, without: frozenset[str] = frozenset()) -> bool:
        """Tell whether one hop may lead from a to b, some rules left out."""
        if "AIRFLOW-2-GATE" not in without and b.flow >= (2, 0, 0) and a.flow < (1, 10, 14):
            return False
        if "AIRFLOW-3-GATE" not in without and b.flow >= (3, 0, 0) and a.flow < (2, 7, 0):
            return False
        if self.platform is not None and "PLATFORM" not in without and not self._platform_may(a, b, self.platform):
            return False
        if a.certified and b.certified:
            return b.flow > a.flow
        if a.certified:
            return b.flow >= a.flow if "MIGRATE-EQUAL" in without else b.flow == a.flow
        return not b.certified and b.runtime > a.runtime and b.flow >= a.flow

    def _platform_may(self, a: Row, b: Row, platform: str) -> bool:
        if not re.fullmatch(r"\d+\.\d+\.\d+", platform):
            return False
        version = numbers(platform)
        if a.certified and version >= (0, 37, 0):
            return False
        if not b.certified and (version < (0, 29, 0) or not self.runtime_enabled):
            return False
        return not (a.certified and not b.certified and version == (0, 33, 2))

    def _graph(self, kinds: tuple[bool, ...], target: Row, without: frozenset[str]) -> nx.DiGraph[Row]:
        """Draw every hop: from anything to what a path may lead through, and to the target."""
        heads = [row for row in self.rows if self.passes(row, without) and row.certified in kinds]
        tails = [row for row in self.starts if row.certified in kinds]
        graph: nx.DiGraph[Row] = nx.DiGraph()
        graph.add_nodes_from([*tails, target])
        graph.add_edges_from((a, b) for a in tails for b in {*heads, target} if self.may_hop(a, b, without))
        return graph

    def passes(self, row: Row, without: frozenset[str] = frozenset()) -> bool:
        """Tell whether a path may lead through a release."""
        return ("YANKED" in without or not row.yanked) and ("CHANNEL" in without or not row.early)

    def path_exists(self, start: Row, target: Row, *without: str) -> bool:
        """Tell whether any path leads from start to target, some rules left out."""
        return nx.has_path(self._graph((True, False), target, frozenset(without)), start, target)

    def reasons(self, start: Row, target: Row) -> set[str]:
        """Name the rules without any one of which there would be a path, else the first smallest such set."""
        if alone := {rule for rule in RELAXABLE if self.path_exists(start, target, rule)}:
            return alone
        return next(
            set(rules)
            for size in range(2, 7)
            for rules in combinations(RELAXABLE, size)
            if self.path_exists(start, target, *rules)
        )

    def _ways(self, kinds: tuple[bool, ...], target: Row) -> dict[Row, list[Row]]:
        """Return from each release that leads to the target the best of the shortest ways, without that release.

        Best: of all ways of that length, compared hop by hop from the front, Certified first, then the newer.
        """
        graph = self._graph(kinds, target, frozenset())
        lengths = dict(nx.single_target_shortest_path_length(graph, target))
        best: dict[Row, list[Row]] = {target: []}
        for row in sorted(lengths, key=lambda row: lengths[row]):
            if row is not target:
                onward = [n for n in graph.successors(row) if lengths.get(n) == lengths[row] - 1]
                best[row] = max(([n, *best[n]] for n in onward), key=lambda way: [(n.certified, n.order) for n in way])
        return best

    def fewest_hops(self, start: Row, target: Row) -> list[Row] | None:
        """Return the path of the strategy fewest-hops."""
        return self.ways((True, False), target).get(start)

    def certified_first(self, start: Row, target: Row) -> list[Row] | None:
        """Return the path of the strategy certified-first, looking at every summit."""
        ladder = self.ways((False,), target)
        if not start.certified:
            return ladder.get(start)
        paths: list[tuple[tuple[float, ...], list[Row]]] = []
        for summit in [start, *(row for row in self.rows if row.certified and self.passes(row))]:
            climb = [] if summit is start else self.ways((True,), summit).get(start)
            if climb is None or summit.flow > target.flow:
                continue
            if summit.flow == target.flow:
                entries = [target]
            else:
                entries = [row for row in self.rows if row in ladder and row is not target and self.passes(row)]
            entries = [row for row in entries if not row.certified and self.may_hop(summit, row)]
            if entries:
                entry = max(entries, key=lambda row: row.order)
                paths.append((summit.flow, [*climb, entry, *ladder[entry]]))
        return max(paths, key=lambda path: path[0])[1] if paths else None

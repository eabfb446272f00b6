"""Speed of the planner: all pairs of the published catalog, and of one ten times as large.

Times are per pair, including the check of the planned hops.
"""

from __future__ import annotations

import gc
import random
import statistics
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from astro_deployment_runtime.catalogs import vendor_feed
from astro_deployment_runtime.planning.catalog import Catalog, Release
from astro_deployment_runtime.planning.plan_model import Plan, Strategy
from astro_deployment_runtime.planning.plan_request import PlanRequest
from astro_deployment_runtime.planning.planner import plan
from astro_deployment_runtime.planning.versions import AirflowVersion, ReleaseId, RuntimeVersion
from bench.sandbox_project import Table

if TYPE_CHECKING:
    from collections.abc import Iterator

SAMPLE = 20_000
"""Largest number of timed pairs of a catalog."""


@dataclass(frozen=True)
class Times:
    """Seconds per pair."""

    plans: list[float]
    refusals: list[float]


def tenfold(catalog: Catalog) -> Catalog:
    """Make ten releases of each: hot-fixes of the Runtime, patches of Airflow."""
    return Catalog([copy for release in (*catalog.certified, *catalog.runtime) for copy in _copies(release)])


def _copies(release: Release) -> Iterator[Release]:
    airflow, version = release.airflow, release.id.version
    for copy in range(10):
        higher = AirflowVersion(airflow.major, airflow.minor, airflow.patch * 10 + copy)
        if isinstance(version, RuntimeVersion):
            first, second, third = version.numbers
            name = ReleaseId(
                release.id.distribution, RuntimeVersion(version.scheme, (first, second, third * 10 + copy))
            )
        else:
            name = ReleaseId(release.id.distribution, higher)
        yield Release(id=name, airflow=higher, known=True, channel=release.channel, yanked=release.yanked)


def _times(catalog: Catalog, strategy: Strategy) -> Times:
    """Plan all pairs, or a sample of them, one by one."""
    pairs = [(start, target) for start in (*catalog.certified, *catalog.runtime) for target in catalog.runtime]
    if len(pairs) > SAMPLE * 2:
        pairs = random.Random(0).sample(pairs, SAMPLE)  # noqa: S311 - a sample, not a secret
    times = Times([], [])
    gc.disable()  # the garbage collector's pauses do not count
    for start, target in pairs:
        version = target.id.version
        assert isinstance(version, RuntimeVersion)  # noqa: S101 - the catalog's runtime releases have no other
        before = time.perf_counter()
        outcome = plan(PlanRequest(current=start, target=version, catalog=catalog, strategy=strategy))
        (times.plans if isinstance(outcome, Plan) else times.refusals).append(time.perf_counter() - before)
    gc.enable()
    return times


def measure() -> Table:
    """Plan with both strategies, and tell plans from refusals."""
    published = vendor_feed.load("published")
    rows, rates = [], []
    for name, catalog in (("published", published), ("ten times as large", tenfold(published))):
        size = len(catalog.certified) + len(catalog.runtime)
        for strategy in Strategy:
            times = _times(catalog, strategy)
            every = [*times.plans, *times.refusals]
            rates.append(len(every) / sum(every))
            for outcome, seconds in (("plan", sorted(times.plans)), ("refusal", sorted(times.refusals))):
                cells = (statistics.median(seconds), seconds[len(seconds) * 99 // 100], seconds[-1])
                count = [str(len(seconds)), f"{len(seconds) / sum(seconds):,.0f}"]
                rows.append([f"{name}, {size}", strategy, outcome, *count, *(f"{cell * 1e6:.0f} µs" for cell in cells)])
    certified_first, tenfold_first = rates[0], rates[len(Strategy)]
    verdicts = [
        f"- All pairs of the published catalog: {certified_first:,.0f} in a second with `{next(iter(Strategy))}`.",
        f"- With ten times as many releases one pair takes {certified_first / tenfold_first:.1f} times as long.",
    ]
    head = ["catalog, releases", "strategy", "outcome", "pairs", "pairs/s", "median", "99 %", "worst"]
    return Table("planner", head, rows, verdicts)

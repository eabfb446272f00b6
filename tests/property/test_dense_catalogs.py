"""Every pair of dense random catalogs: most pairs have a path, many of several hops."""

from __future__ import annotations

import os
import random

import pytest

from astro_deployment_runtime.planning.catalog import Catalog
from astro_deployment_runtime.planning.path_search import Search, SearchLimits
from astro_deployment_runtime.planning.plan_model import Plan, Strategy
from astro_deployment_runtime.planning.plan_request import PlanRequest
from astro_deployment_runtime.planning.planner import plan
from astro_deployment_runtime.planning.versions import RuntimeVersion
from tests.property.random_catalogs import AIRFLOWS, CHANNELS, RUNTIMES, release_of
from tests.property.reference_planner import ReferencePlanner, ReferenceRelease

CATALOGS = int(os.environ.get("DENSE_CATALOGS", "40"))
"""Set DENSE_CATALOGS to a higher number after a change of the path search."""


def dense_catalog(seed: int) -> list[ReferenceRelease]:
    """Generate a catalog in which the Airflow version roughly rises with the Runtime version."""
    chance = random.Random(seed)  # noqa: S311 - releases, not secrets
    rows = [
        ReferenceRelease(
            certified=True, version=v, airflow=v, channel=chance.choice(CHANNELS), yanked=chance.random() < 0.1
        )
        for v in chance.sample(AIRFLOWS, chance.randint(4, len(AIRFLOWS)))
    ]
    numbers = sorted(
        RUNTIMES, key=lambda version: ReferenceRelease(certified=False, version=version, airflow="1.0.0").runtime
    )
    for place, version in enumerate(numbers):
        if chance.random() < 0.85:
            near = round(place / len(numbers) * len(AIRFLOWS) + chance.gauss(0, 1.5))
            airflow = AIRFLOWS[min(max(near, 0), len(AIRFLOWS) - 1)]
            channel, yanked = chance.choice(CHANNELS), chance.random() < 0.1
            rows.append(
                ReferenceRelease(certified=False, version=version, airflow=airflow, channel=channel, yanked=yanked)
            )
    return rows


@pytest.mark.parametrize("seed", range(CATALOGS))
def test_each_path_equals_the_reference_planners(seed: int) -> None:
    """Both strategies find a path for the same pairs as the reference planner, and the same path."""
    rows = dense_catalog(seed)
    reference, catalog = ReferencePlanner(rows), Catalog([release_of(row) for row in rows])
    for target in rows:
        if target.certified or not reference.is_passable(target):
            continue
        for start in rows:
            for strategy in Strategy if start is not target else ():
                find = reference.fewest_hops if strategy is Strategy.FEWEST_HOPS else reference.certified_first
                path = find(start, target)
                outcome = plan(
                    PlanRequest(
                        current=release_of(start),
                        target=RuntimeVersion.parse(target.version),
                        catalog=catalog,
                        strategy=strategy,
                    )
                )
                found = [str(hop.target) for hop in outcome.hops] if isinstance(outcome, Plan) else None
                assert (None if path is None else [row.name for row in path]) == found, f"{start.name}, {target.name}"


@pytest.mark.parametrize(
    "limits",
    [
        SearchLimits(),
        SearchLimits(certified_upgrade=False),
        SearchLimits(migration=False),
        SearchLimits(runtime_upgrade=False),
        SearchLimits(airflow_2_gate=False),
    ],
)
@pytest.mark.parametrize("seed", range(5))
def test_reachable_releases_are_those_with_a_path(seed: int, limits: SearchLimits) -> None:
    """One pass finds the same releases as a search for each target, also from a release that is not on offer."""
    releases = [release_of(row) for row in dense_catalog(seed)]
    search = Search(Catalog(releases), limits)
    for start in (*releases, release_of(ReferenceRelease(certified=True, version="1.10.7", airflow="1.10.7"))):
        led_to = {each.id for each in releases if search.path(start, each, Strategy.FEWEST_HOPS)}
        assert search.reachable(start) == {name for name in led_to if isinstance(name.version, RuntimeVersion)}

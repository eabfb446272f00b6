"""Every pair of the published catalog, by both strategies, compared with the reference planner."""

from __future__ import annotations

import json
import random
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import astro_deployment_runtime
from astro_deployment_runtime.catalogs import vendor_feed
from astro_deployment_runtime.planning.accepted_risks import AcceptedRisks
from astro_deployment_runtime.planning.plan_model import Plan, Refusal, RuleId, Strategy
from astro_deployment_runtime.planning.plan_request import PlanRequest
from astro_deployment_runtime.planning.planner import plan
from astro_deployment_runtime.planning.upgrade_rules import verify
from astro_deployment_runtime.planning.versions import ReleaseId, RuntimeVersion
from tests.property.reference_planner import ReferencePlanner, ReferenceRelease, read

if TYPE_CHECKING:
    from astro_deployment_runtime.planning.catalog import Catalog, Release

PUBLISHED = Path(astro_deployment_runtime.__file__).parent / "catalogs" / "published"
CATALOG = vendor_feed.load("published")
YANKED = AcceptedRisks(yanked=frozenset(release.id for release in CATALOG.runtime if release.yanked))

Plans = dict[tuple[ReleaseId, ReleaseId], Plan | Refusal]


@pytest.fixture(scope="module")
def reference() -> ReferencePlanner:
    """The reference planner with the published feeds."""
    return ReferencePlanner(read(PUBLISHED))


def plans(catalog: Catalog, strategy: Strategy, accepted: AcceptedRisks) -> Plans:
    """Plan every pair."""
    everything: tuple[Release, ...] = (*catalog.certified, *catalog.runtime)
    return {
        (start.id, target.id): plan(
            PlanRequest(current=start, target=target.id.version, catalog=catalog, strategy=strategy, accepted=accepted)
        )
        for start in everything
        for target in catalog.runtime
        if isinstance(target.id.version, RuntimeVersion)
    }


@pytest.fixture(scope="module", params=Strategy)
def strategy(request: pytest.FixtureRequest) -> Strategy:
    """Both strategies, one after the other."""
    return Strategy(request.param)


@pytest.fixture(scope="module")
def planned(strategy: Strategy) -> Plans:
    """All plans, with the yanked targets accepted."""
    return plans(CATALOG, strategy, YANKED)


def names(outcome: Plan | Refusal) -> list[str] | None:
    """Return the names of the path's releases, None for a refusal."""
    return [str(hop.target) for hop in outcome.hops] if isinstance(outcome, Plan) else None


def test_the_catalog_has_the_releases_of_the_feeds(reference: ReferencePlanner) -> None:
    """Both readers find the same releases, Airflow versions and yanked releases."""
    ours = {(str(r), str(r.airflow), r.yanked) for r in (*CATALOG.certified, *CATALOG.runtime)}
    assert {(row.name, row.airflow, row.yanked) for row in reference.rows} == ours


def test_each_path_equals_the_reference_planners(
    reference: ReferencePlanner, planned: Plans, strategy: Strategy
) -> None:
    """The planner finds a path for the same pairs as the reference planner, and the same path."""
    find = reference.fewest_hops if strategy is Strategy.FEWEST_HOPS else reference.certified_first
    rows = {row.name: row for row in reference.rows}
    for (start, target), outcome in planned.items():
        if start != target:
            path = find(rows[str(start)], rows[str(target)])
            expected = None if path is None else [row.name for row in path]
            assert expected == names(outcome), f"{start} to {target}"


def test_each_hop_is_legal_and_rises(reference: ReferencePlanner, planned: Plans) -> None:
    """The rules and the reference planner allow every hop, and the versions only rise."""
    rows = {row.name: row for row in reference.rows}
    for outcome in planned.values():
        if isinstance(outcome, Plan) and outcome.hops:
            for hop in outcome.hops:
                final = hop is outcome.hops[-1]
                assert verify(hop, CATALOG, accepted=YANKED, final=final) == ()
                assert reference.may_hop(rows[str(hop.source)], rows[str(hop.target)])
            releases = [outcome.current, *(hop.target for hop in outcome.hops)]
            assert all(before.order < after.order for before, after in pairwise(releases))
            assert releases[-1] == outcome.target


def test_a_plan_after_the_first_hop_is_the_rest_of_the_plan(planned: Plans) -> None:
    """Planning again after a hop continues on the same path."""
    for (_, target), outcome in planned.items():
        if isinstance(outcome, Plan) and len(outcome.hops) > 1:
            after = planned[outcome.hops[0].target.id, target]
            assert isinstance(after, Plan)
            assert after.hops == outcome.hops[1:]


def test_only_lower_targets_are_refused(reference: ReferencePlanner, planned: Plans) -> None:
    """Once yanked targets are accepted, only downgrades are impossible in the published catalog."""
    rows = {row.name: row for row in reference.rows}
    for (start, target), outcome in planned.items():
        if isinstance(outcome, Refusal):
            assert [violation.rule for violation in outcome.violations] == [RuleId.NO_REVERT]
            assert reference.fewest_hops(rows[str(start)], rows[str(target)]) is None


def test_a_refusal_names_the_nearest_targets(reference: ReferencePlanner, planned: Plans) -> None:
    """They are the neighbours of the wanted release among all targets that the reference planner reaches."""
    rows = {row.name: row for row in reference.rows}
    targets = sorted((row for row in reference.rows if not row.certified), key=lambda row: row.order)
    paths = {target: reference.best_paths((True, False), target) for target in targets}
    for (start, target), outcome in planned.items():
        if isinstance(outcome, Refusal):
            here, wanted = rows[str(start)], rows[str(target)]
            reached: list[ReferenceRelease] = [row for row in targets if row is not here and here in paths[row]]
            below = [row.name for row in reached if row.order < wanted.order]
            above = [row.name for row in reached if row.order > wanted.order]
            assert (below[-1] if below else None) == (str(outcome.below) if outcome.below else None)
            assert (above[0] if above else None) == (str(outcome.above) if outcome.above else None)


def test_a_yanked_target_is_refused_unless_accepted(planned: Plans, strategy: Strategy) -> None:
    """The refusal has no other reason."""
    for (start, target), outcome in planned.items():
        release = CATALOG.get(target)
        if release and release.yanked and start != target and isinstance(outcome, Plan):
            current = CATALOG.get(start)
            assert current
            assert isinstance(target.version, RuntimeVersion)
            refused = plan(PlanRequest(current=current, target=target.version, catalog=CATALOG, strategy=strategy))
            assert isinstance(refused, Refusal)
            assert [violation.rule for violation in refused.violations] == [RuleId.YANKED]
            assert refused.acceptable == (f"yanked:{target.version}",)


def test_the_order_of_the_feeds_does_not_change_plans(planned: Plans, strategy: Strategy, tmp_path: Path) -> None:
    """Feeds with shuffled rows give the same plans."""
    shuffle = random.Random(strategy).shuffle  # noqa: S311 - rows, not secrets
    certified = json.loads((PUBLISHED / vendor_feed.CERTIFIED_FILE).read_text())
    shuffle(certified["available_releases"])
    runtime = json.loads((PUBLISHED / vendor_feed.RUNTIME_FILE).read_text())
    for table, rows in runtime.items():
        items = list(rows.items())
        shuffle(items)
        runtime[table] = dict(items)
    (tmp_path / vendor_feed.CERTIFIED_FILE).write_text(json.dumps(certified))
    (tmp_path / vendor_feed.RUNTIME_FILE).write_text(json.dumps(runtime))
    assert plans(vendor_feed.load(str(tmp_path)), strategy, YANKED) == planned

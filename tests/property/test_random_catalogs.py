"""Properties of every plan and refusal in random catalogs."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from hypothesis import event, given, settings

from astro_deployment_runtime.planning.accepted_risks import AcceptedRisks
from astro_deployment_runtime.planning.plan_json import plan_json
from astro_deployment_runtime.planning.plan_messages import plan_lines, refusal_lines
from astro_deployment_runtime.planning.plan_model import Equivalent, Plan, Refusal, RuleId, Strategy
from astro_deployment_runtime.planning.plan_request import PlanRequest
from astro_deployment_runtime.planning.planner import plan
from astro_deployment_runtime.planning.upgrade_rules import verify
from astro_deployment_runtime.planning.versions import ReleaseId, RuntimeVersion
from tests.property.random_catalogs import Scenario, release_of, scenarios

if TYPE_CHECKING:
    from astro_deployment_runtime.planning.catalog import Release


def ask(scenario: Scenario, *, start: Release | None = None, pending: ReleaseId | None = None) -> Plan | Refusal:
    """Plan what the scenario wants."""
    return plan(
        PlanRequest(
            current=start or release_of(scenario.start),
            target=RuntimeVersion.parse(scenario.target.version),
            catalog=scenario.catalog,
            strategy=scenario.strategy,
            accepted=scenario.accepted,
            platform=scenario.platform,
            pending=pending,
        )
    )


def expected(scenario: Scenario) -> list[str] | None:
    """Return the reference planner's path, None if there is none."""
    if scenario.start is scenario.target:
        return []
    first = scenario.strategy is Strategy.CERTIFIED_FIRST
    find = scenario.reference.certified_first if first else scenario.reference.fewest_hops
    path = find(scenario.start, scenario.target)
    return None if path is None or not scenario.target_accepted else [row.name for row in path]


@settings(max_examples=5 * settings().max_examples)
@given(scenarios())
def test_the_path_equals_the_reference_planners(scenario: Scenario) -> None:
    """The planner finds a path where the reference planner does, and the same path."""
    outcome = ask(scenario)
    event(f"{type(outcome).__name__} {len(outcome.hops) if isinstance(outcome, Plan) else ''}")
    path = [str(hop.target) for hop in outcome.hops] if isinstance(outcome, Plan) else None
    assert expected(scenario) == path


@given(scenarios())
def test_each_hop_is_legal_and_rises(scenario: Scenario) -> None:
    """The rules and the reference planner allow every hop; versions rise; only the target may be yanked."""
    outcome = ask(scenario)
    if isinstance(outcome, Refusal) or not outcome.hops:
        return
    rows = {row.name: row for row in scenario.reference.starts}
    for hop in outcome.hops:
        final = hop is outcome.hops[-1]
        assert verify(hop, scenario.catalog, platform=scenario.platform, accepted=scenario.accepted, final=final) == ()
        source = scenario.start if hop is outcome.hops[0] else rows[str(hop.source)]
        assert scenario.reference.may_hop(source, rows[str(hop.target)])
        assert final or hop.target.passable
    releases = [outcome.current, *(hop.target for hop in outcome.hops)]
    assert all(before.order < after.order for before, after in pairwise(releases))


@given(scenarios())
def test_a_plan_after_the_first_hop_is_the_rest_of_the_plan(scenario: Scenario) -> None:
    """Planning again after a hop continues on the same path."""
    outcome = ask(scenario)
    if isinstance(outcome, Refusal) or not outcome.hops:
        return
    after = ask(scenario, start=outcome.hops[0].target)
    assert isinstance(after, Plan)
    assert after.hops == outcome.hops[1:]


@given(scenarios())
def test_a_refusal_names_the_rules_that_block_the_path(scenario: Scenario) -> None:
    """A lower target, missing acceptance, or else the rules without which there is a path."""
    outcome = ask(scenario)
    if isinstance(outcome, Plan):
        return
    reasons = {str(violation.rule) for violation in outcome.violations}
    start, target = scenario.start, scenario.target
    name = release_of(target).id
    about_target = {"YANKED"} if target.yanked and name not in scenario.accepted.yanked else set()
    about_target |= {"CHANNEL"} if target.unstable and name not in scenario.accepted.prerelease else set()
    lower = target.airflow_order < start.airflow_order or (not start.certified and target.runtime < start.runtime)
    if lower:
        assert reasons == about_target | {"NO-REVERT"}
    elif scenario.reference.path_exists(start, target):
        assert reasons == about_target
    else:
        assert reasons == about_target | scenario.reference.reasons(start, target)
    assert all(violation.found for violation in outcome.violations)


@given(scenarios())
def test_accepting_what_a_refusal_names_gives_a_plan(scenario: Scenario) -> None:
    """Accepting every risk that a refusal names turns it into a plan."""
    outcome = ask(scenario, pending=ReleaseId.parse("AC 2.8.0"))
    if isinstance(outcome, Plan) or not outcome.acceptable:
        return
    more = AcceptedRisks.parse(outcome.acceptable)
    accepted = AcceptedRisks(
        yanked=scenario.accepted.yanked | more.yanked,
        prerelease=scenario.accepted.prerelease | more.prerelease,
        cancel_pending=more.cancel_pending,
        newer=more.newer,
    )
    again = plan(
        PlanRequest(
            current=outcome.current,
            target=outcome.target,
            catalog=scenario.catalog,
            accepted=accepted,
            platform=scenario.platform,
            pending=ReleaseId.parse("AC 2.8.0"),
        )
    )
    assert isinstance(again, Plan)


@given(scenarios())
def test_the_nearest_targets_can_be_reached(scenario: Scenario) -> None:
    """They are the neighbours of the wanted release among all reachable targets."""
    outcome = ask(scenario)
    if isinstance(outcome, Plan):
        return
    near: dict[str, list[Release]] = {"below": [], "above": []}
    wanted = release_of(scenario.target)
    for release in scenario.catalog.runtime:
        assert isinstance(release.id.version, RuntimeVersion)
        there = plan(
            PlanRequest(
                current=outcome.current,
                target=release.id.version,
                catalog=scenario.catalog,
                accepted=scenario.accepted,
                platform=scenario.platform,
            )
        )
        if isinstance(there, Plan) and there.hops and release.id != wanted.id:
            near["below" if release.order < wanted.order else "above"].append(release)
    assert outcome.below == (near["below"][-1] if near["below"] else None)
    assert outcome.above == (near["above"][0] if near["above"] else None)


@given(scenarios())
def test_a_pending_hop_is_adopted_refused_or_reported(scenario: Scenario) -> None:
    """A foreign pending hop changes a plan only if it is off the path. Then it is a reason to refuse."""
    without = ask(scenario)
    for release in (*scenario.catalog.certified, *scenario.catalog.runtime):
        if release.id == without.current.id:
            continue
        outcome = ask(scenario, pending=release.id)
        match without:
            case Plan(hops=()):
                assert isinstance(outcome, Plan)
                assert [warning.name for warning in outcome.warnings] == ["pending"]
            case Plan(hops=hops) if hops[0].target.id == release.id:
                assert outcome == without
            case _:
                assert isinstance(outcome, Refusal)
                assert (
                    RuleId.PENDING in {violation.rule for violation in outcome.violations}
                    or scenario.target_accepted is False
                )


@given(scenarios())
def test_the_equivalent_keeps_the_airflow_version(scenario: Scenario) -> None:
    """One migration, to the newest legal Runtime with that Airflow version. On Runtime, no hop."""
    current = release_of(scenario.start)
    outcome = plan(
        PlanRequest(current=current, target=Equivalent.EQUIVALENT, catalog=scenario.catalog, accepted=scenario.accepted)
    )
    if not scenario.start.certified:
        assert outcome == Plan(current=current, target=current)
        return
    equivalents = [
        release
        for release in scenario.catalog.runtime
        if release.airflow == current.airflow
        and (not release.yanked or release.id in scenario.accepted.yanked)
        and (not release.prerelease or release.id in scenario.accepted.prerelease)
    ]
    if equivalents:
        assert isinstance(outcome, Plan)
        assert [hop.target for hop in outcome.hops] == [max(equivalents, key=lambda release: release.order)]
    else:
        assert isinstance(outcome, Refusal)
        offered = [release for release in scenario.catalog.runtime if release.airflow == current.airflow]
        against = {RuleId.YANKED, RuleId.CHANNEL} if offered else {RuleId.MIGRATE_EQUAL}
        assert outcome.violations
        assert {violation.rule for violation in outcome.violations} <= against


@given(scenarios())
def test_every_outcome_has_text_and_json(scenario: Scenario) -> None:
    """The lines have no line breaks, and the JSON has the documented shape."""
    outcome = ask(scenario)
    lines = plan_lines(outcome) if isinstance(outcome, Plan) else refusal_lines(outcome)
    assert all(line.isprintable() and line == line.rstrip() for line in lines)
    data = plan_json(outcome)
    assert list(data) == ["from", "to", "hops", "refusals", "warnings"]
    assert bool(data["refusals"]) == isinstance(outcome, Refusal)

"""The laws of planning, in worlds that are made up."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from hypothesis import event, given, settings

from astro_deployment_runtime.planning.accepted_risks import AcceptedRisks
from astro_deployment_runtime.planning.model import Equivalent, Plan, Refusal, RuleId, Strategy
from astro_deployment_runtime.planning.plan_json import plan_json
from astro_deployment_runtime.planning.plan_messages import plan_lines, refusal_lines
from astro_deployment_runtime.planning.plan_request import PlanRequest
from astro_deployment_runtime.planning.planner import plan
from astro_deployment_runtime.planning.rules import verify
from astro_deployment_runtime.planning.versions import ReleaseId, RuntimeVersion
from tests.property.made_up import World, release_of, worlds

if TYPE_CHECKING:
    from astro_deployment_runtime.planning.catalog import Release


def ask(world: World, *, start: Release | None = None, pending: ReleaseId | None = None) -> Plan | Refusal:
    """Plan what the world wants."""
    return plan(
        PlanRequest(
            current=start or release_of(world.start),
            target=RuntimeVersion.parse(world.target.version),
            catalog=world.catalog,
            strategy=world.strategy,
            accepted=world.accepted,
            platform=world.platform,
            pending=pending,
        )
    )


def expected(world: World) -> list[str] | None:
    """Return the one right path, None where there is none."""
    if world.start is world.target:
        return []
    first = world.strategy is Strategy.CERTIFIED_FIRST
    way = (world.oracle.certified_first if first else world.oracle.fewest_hops)(world.start, world.target)
    return None if way is None or not world.taken else [row.name for row in way]


@settings(max_examples=5 * settings().max_examples)
@given(worlds())
def test_the_path_is_the_one_right_path(world: World) -> None:
    """What can be reached, and the path there, are what comparing all paths finds."""
    outcome = ask(world)
    event(f"{type(outcome).__name__} {len(outcome.hops) if isinstance(outcome, Plan) else ''}")
    path = [str(hop.target) for hop in outcome.hops] if isinstance(outcome, Plan) else None
    assert expected(world) == path


@given(worlds())
def test_every_hop_of_a_plan_is_legal_and_leads_upwards(world: World) -> None:
    """The check and the oracle approve of every hop; releases only rise; yanked ones are at most the target."""
    outcome = ask(world)
    if isinstance(outcome, Refusal) or not outcome.hops:
        return
    rows = {row.name: row for row in world.oracle.starts}
    for hop in outcome.hops:
        final = hop is outcome.hops[-1]
        assert verify(hop, world.catalog, platform=world.platform, accepted=world.accepted, final=final) == ()
        source = world.start if hop is outcome.hops[0] else rows[str(hop.source)]
        assert world.oracle.may_hop(source, rows[str(hop.target)])
        assert final or hop.target.passable
    releases = [outcome.current, *(hop.target for hop in outcome.hops)]
    assert all(before.order < after.order for before, after in pairwise(releases))


@given(worlds())
def test_the_plan_after_the_first_hop_is_the_tail_of_the_plan(world: World) -> None:
    """Whoever plans anew after a hop walks on where the first plan led."""
    outcome = ask(world)
    if isinstance(outcome, Refusal) or not outcome.hops:
        return
    after = ask(world, start=outcome.hops[0].target)
    assert isinstance(after, Plan)
    assert after.hops == outcome.hops[1:]


@given(worlds())
def test_a_refusal_gives_the_reasons_that_stand_in_the_way(world: World) -> None:
    """A lower target is called so, what is not accepted is named, and else the rules without which there is a path."""
    outcome = ask(world)
    if isinstance(outcome, Plan):
        return
    reasons = {str(violation.rule) for violation in outcome.violations}
    start, target = world.start, world.target
    name = release_of(target).id
    about_target = {"YANKED"} if target.yanked and name not in world.accepted.yanked else set()
    about_target |= {"CHANNEL"} if target.early and name not in world.accepted.prerelease else set()
    lower = target.flow < start.flow or (not start.certified and target.runtime < start.runtime)
    if lower:
        assert reasons == about_target | {"NO-REVERT"}
    elif world.oracle.path_exists(start, target):
        assert reasons == about_target
    else:
        assert reasons == about_target | world.oracle.reasons(start, target)
    assert all(violation.found for violation in outcome.violations)


@given(worlds())
def test_what_a_refusal_calls_acceptable_makes_it_a_plan(world: World) -> None:
    """Accepting what a refusal names turns it into a plan."""
    outcome = ask(world, pending=ReleaseId.parse("AC 2.8.0"))
    if isinstance(outcome, Plan) or not outcome.acceptable:
        return
    more = AcceptedRisks.parse(outcome.acceptable)
    accepted = AcceptedRisks(
        yanked=world.accepted.yanked | more.yanked,
        prerelease=world.accepted.prerelease | more.prerelease,
        cancel_pending=more.cancel_pending,
        newer=more.newer,
    )
    again = plan(
        PlanRequest(
            current=outcome.current,
            target=outcome.target,
            catalog=world.catalog,
            accepted=accepted,
            platform=world.platform,
            pending=ReleaseId.parse("AC 2.8.0"),
        )
    )
    assert isinstance(again, Plan)


@given(worlds())
def test_the_nearest_targets_can_be_reached(world: World) -> None:
    """Below and above are the neighbours of the wanted release among all that can be reached."""
    outcome = ask(world)
    if isinstance(outcome, Plan):
        return
    near: dict[str, list[Release]] = {"below": [], "above": []}
    wanted = release_of(world.target)
    for release in world.catalog.runtime:
        assert isinstance(release.id.version, RuntimeVersion)
        there = plan(
            PlanRequest(
                current=outcome.current,
                target=release.id.version,
                catalog=world.catalog,
                accepted=world.accepted,
                platform=world.platform,
            )
        )
        if isinstance(there, Plan) and there.hops and release.id != wanted.id:
            near["below" if release.order < wanted.order else "above"].append(release)
    assert outcome.below == (near["below"][-1] if near["below"] else None)
    assert outcome.above == (near["above"][0] if near["above"] else None)


@given(worlds())
def test_a_pending_hop_is_adopted_or_refused_or_left_alone(world: World) -> None:
    """A foreign pending hop changes a plan only where it is off the path; there it is a reason to refuse."""
    without = ask(world)
    for release in (*world.catalog.certified, *world.catalog.runtime):
        if release.id == without.current.id:
            continue
        outcome = ask(world, pending=release.id)
        match without:
            case Plan(hops=()):
                assert isinstance(outcome, Plan)
                assert [warning.name for warning in outcome.warnings] == ["pending"]
            case Plan(hops=hops) if hops[0].target.id == release.id:
                assert outcome == without
            case _:
                assert isinstance(outcome, Refusal)
                assert RuleId.PENDING in {violation.rule for violation in outcome.violations} or world.taken is False


@given(worlds())
def test_the_equivalent_has_the_airflow_version_that_runs(world: World) -> None:
    """Going to the equivalent is one migration, to the newest legal Runtime of that Airflow; on Runtime it is none."""
    current = release_of(world.start)
    outcome = plan(
        PlanRequest(current=current, target=Equivalent.EQUIVALENT, catalog=world.catalog, accepted=world.accepted)
    )
    if not world.start.certified:
        assert outcome == Plan(current=current, target=current)
        return
    equivalents = [
        release
        for release in world.catalog.runtime
        if release.airflow == current.airflow
        and (not release.yanked or release.id in world.accepted.yanked)
        and (not release.prerelease or release.id in world.accepted.prerelease)
    ]
    if equivalents:
        assert isinstance(outcome, Plan)
        assert [hop.target for hop in outcome.hops] == [max(equivalents, key=lambda release: release.order)]
    else:
        assert isinstance(outcome, Refusal)
        offered = [release for release in world.catalog.runtime if release.airflow == current.airflow]
        against = {RuleId.YANKED, RuleId.CHANNEL} if offered else {RuleId.MIGRATE_EQUAL}
        assert outcome.violations
        assert {violation.rule for violation in outcome.violations} <= against


@given(worlds())
def test_there_is_a_text_for_every_outcome(world: World) -> None:
    """Whatever comes out can be told, as lines without line breaks and as JSON of the promised shape."""
    outcome = ask(world)
    lines = plan_lines(outcome) if isinstance(outcome, Plan) else refusal_lines(outcome)
    assert all(line.isprintable() and line == line.rstrip() for line in lines)
    data = plan_json(outcome)
    assert list(data) == ["from", "to", "hops", "refusals", "warnings"]
    assert bool(data["refusals"]) == isinstance(outcome, Refusal)

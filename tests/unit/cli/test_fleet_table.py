"""Output for a planned fleet: table and JSON."""

from __future__ import annotations

from typing import Any

from astro_deployment_runtime.catalogs import vendor_feed
from astro_deployment_runtime.cli.fleet_table import deployment_json, deployment_lines, fleet_json, fleet_lines
from astro_deployment_runtime.cli.options import parse_current, parse_target
from astro_deployment_runtime.config.fleet_config import DeploymentEntry
from astro_deployment_runtime.lifecycle.fleet_planning import FleetPlan, PlannedDeployment
from astro_deployment_runtime.planning.pending_hop import Ownership
from astro_deployment_runtime.planning.plan_messages import refusal_message
from astro_deployment_runtime.planning.plan_model import Deployment, Plan, Refusal
from astro_deployment_runtime.planning.plan_request import PlanRequest
from astro_deployment_runtime.planning.planner import plan
from astro_deployment_runtime.planning.versions import ReleaseId
from astro_deployment_runtime.support.text_table import Colour, Screen

GUIDE = vendor_feed.load("guide")


def planned(name: str, current: str, target: str, **more: Any) -> PlannedDeployment:
    """Plan a Deployment."""
    pending = more.pop("pending", None)
    release = parse_current(current, GUIDE)
    entry = DeploymentEntry(name=name, release_name=name, runtime_version=target, accept=more.pop("accept", ()))
    deployment = Deployment(id="ckw1", release_name=name, label=f"{name}'s", workspace_id="ckw0", current=release)
    parsed = ReleaseId.parse(pending) if pending else None
    outcome = plan(
        PlanRequest(
            current=release, target=parse_target(target), catalog=GUIDE, pending=parsed, pending_owner=Ownership.OURS
        )
    )
    refusal = refusal_message(outcome) if isinstance(outcome, Refusal) else None
    hops = len(outcome.hops) if isinstance(outcome, Plan) else 0
    found: dict[str, Any] = {"refusal": refusal, "hops": hops, "has_steps": hops > 0, **more}
    return PlannedDeployment(entry=entry, deployment=deployment, outcome=outcome, **found)


def test_the_table_is_sorted_by_name_and_the_json_is_not() -> None:
    """The JSON keeps the order of the config."""
    fleet = FleetPlan(deployments=(planned("b", "AC 2.2.3", "5.0.4"), planned("a", "Runtime 5.0.4", "5.0.4")))
    lines = fleet_lines(fleet, (), Screen())
    assert [line[:1] for line in lines[1:3]] == ["a", "b"]
    assert lines[1].split()[-3:] == ["to", "do", "0"]
    assert [each["name"] for each in fleet_json(fleet)["deployments"]] == ["b", "a"]


def test_a_row_is_coloured_by_its_state() -> None:
    """Red: refused; yellow: warned; dim: nothing to do; plain: any other."""
    refused = planned("a", "Runtime 5.0.4", "4.2.5")
    still = planned("b", "Runtime 5.0.4", "5.0.4")
    warned = planned("c", "AC 2.2.3", "5.0.4")
    plain = planned("d", "AC 2.3.0", "5.0.4")
    lines = fleet_lines(FleetPlan(deployments=(refused, still, warned, plain)), (), Screen(coloured=True))
    assert lines[1].startswith(Colour.RED)
    assert lines[2].startswith(Colour.DIM)
    assert lines[3].startswith(Colour.YELLOW)
    assert lines[4].startswith("d ")


def test_a_warning_of_several_deployments_is_printed_once() -> None:
    """With their number."""
    fleet = FleetPlan(deployments=(planned("a", "AC 2.2.3", "5.0.4"), planned("b", "AC 2.2.3", "5.0.4")))
    lines = fleet_lines(fleet, (), Screen())
    assert [line for line in lines if line.startswith("warning ")] == [
        "warning database-migration: hop 1 migrates the metadata database, which can take a long time (2 Deployments)"
    ]


def test_control_characters_of_a_refusal_are_escaped() -> None:
    """It can quote text from the platform."""
    hostile = planned("a", "AC 2.2.3", "5.0.4", refusal="Houston says \x1b[31m\rfine\nand more", refused_argument="")
    assert deployment_lines(hostile) == ["a: Houston says \\x1b[31m\\rfine", "and more"]
    lines = fleet_lines(FleetPlan(deployments=(hostile,)), (), Screen())
    assert "a: Houston says \\x1b[31m\\rfine" in lines
    assert lines[1].endswith("  error")


def test_the_path_starts_with_the_cancelled_pending_hop() -> None:
    """A line states the assumption about its owner, unless cancelling is accepted."""
    ours = planned("a", "AC 2.3.0", "5.0.4", pending="Runtime 4.2.5")
    alone = planned("b", "Runtime 5.0.4", "5.0.4", pending="Runtime 4.2.5", accept=("cancel-pending",))
    text = "\n".join(fleet_lines(FleetPlan(deployments=(ours, alone)), (), Screen()))
    assert "  cancel Astro Runtime 4.2.5, then AC 2.3.0 > Astro Runtime 5.0.4  1" in text
    assert "  cancel Astro Runtime 4.2.5  " in text
    assumption = "This answer assumes that the stack did; if not, pulumi preview refuses to cancel it."
    assert assumption in text
    assert assumption not in "\n".join(fleet_lines(FleetPlan(deployments=(alone,)), (), Screen()))


def test_a_refusal_that_is_not_the_planners_is_in_error() -> None:
    """Beside the plan."""
    found = deployment_json(planned("a", "AC 2.3.0", "5.0.4", refusal="no webserver", refused_argument="verify"))
    assert (found["error"], found["refusals"], len(found["hops"])) == ("no webserver", [], 1)
    found = deployment_json(planned("a", "Runtime 5.0.4", "4.2.5"))
    assert (found["error"], [each["rule"] for each in found["refusals"]]) == (None, ["NO-REVERT"])
    assert (found["releaseName"], found["deploymentId"], found["label"]) == ("a", "ckw1", "a's")

"""Single lines of plans and refusals. The golden files have the whole texts."""

from __future__ import annotations

import pytest

from astro_deployment_runtime.catalogs import vendor_feed
from astro_deployment_runtime.cli.options import parse_current, parse_target
from astro_deployment_runtime.planning import plan_messages
from astro_deployment_runtime.planning.plan_model import PlanWarning, Refusal, WarningName
from astro_deployment_runtime.planning.plan_request import PlanRequest
from astro_deployment_runtime.planning.planner import plan

GUIDE = vendor_feed.load("guide")


@pytest.mark.parametrize(("count", "text"), [(0, "0 hops"), (1, "1 hop"), (2, "2 hops")])
def test_the_number_of_hops_has_its_noun(count: int, text: str) -> None:
    """One hop is singular."""
    assert plan_messages.hops_text(count) == text


@pytest.mark.parametrize(
    ("name", "release_name", "heading"),
    [
        ("data-eng", "galactic-stars-1234", "data-eng (galactic-stars-1234): runs"),
        ("data-eng", None, "data-eng: runs"),
        (None, "galactic-stars-1234", "galactic-stars-1234: runs"),
        (None, None, "runs"),
    ],
)
def test_a_plans_heading_has_the_known_names_of_the_deployment(
    name: str | None, release_name: str | None, heading: str
) -> None:
    """The name, the release name, both or neither."""
    outcome = plan(
        PlanRequest(current=parse_current("Runtime 5.0.4", GUIDE), target=parse_target("5.0.4"), catalog=GUIDE)
    )
    assert not isinstance(outcome, Refusal)
    assert plan_messages.plan_lines(outcome, name=name, release_name=release_name) == [
        f"{heading} Astro Runtime 5.0.4, nothing to do"
    ]


def test_an_error_has_the_lines_of_the_refusal() -> None:
    """One text with the same lines."""
    outcome = plan(
        PlanRequest(current=parse_current("Runtime 5.0.4", GUIDE), target=parse_target("4.2.5"), catalog=GUIDE)
    )
    assert isinstance(outcome, Refusal)
    assert plan_messages.refusal_message(outcome, name="x").splitlines() == plan_messages.refusal_lines(
        outcome, name="x"
    )


def test_a_warning_is_one_line_with_its_name() -> None:
    """Line ends in the message are escaped."""
    assert plan_messages.warning_line(PlanWarning(name=WarningName.NEWER, message="a\nb")) == "warning newer: a\\nb"


def test_a_plan_says_how_each_image_is_delivered() -> None:
    """This program or someone else delivers it. A plan without hops has no such line."""
    moves = plan(PlanRequest(current=parse_current("AC 2.2.3", GUIDE), target=parse_target("5.0.4"), catalog=GUIDE))
    stays = plan(
        PlanRequest(current=parse_current("Runtime 5.0.4", GUIDE), target=parse_target("5.0.4"), catalog=GUIDE)
    )
    assert not isinstance(moves, Refusal)
    assert not isinstance(stays, Refusal)
    assert plan_messages.delivery_lines(moves, ["a:1", "b:2"]) == ["Hop 1 delivers a:1", "Hop 2 delivers b:2"]
    (line,) = plan_messages.delivery_lines(moves, None)
    assert line.startswith("No image is declared")
    assert plan_messages.delivery_lines(stays, None) == []

"""Ownership of a pending hop, and permission to cancel it."""

from __future__ import annotations

from typing import Any

import pytest

from astro_deployment_runtime.catalogs import vendor_feed
from astro_deployment_runtime.cli.options import parse_current, parse_target
from astro_deployment_runtime.planning.accepted_risks import AcceptedRisks
from astro_deployment_runtime.planning.pending_hop import Ownership, owner_in_state, owner_of
from astro_deployment_runtime.planning.plan_request import PlanRequest
from astro_deployment_runtime.planning.versions import ReleaseId

PENDING = ReleaseId.parse("AC 2.3.0")


def test_a_hop_that_this_run_started_is_ours() -> None:
    """Every other hop is foreign. Without a pending hop nothing is ours."""
    assert owner_of(PENDING, PENDING) is Ownership.OURS
    assert owner_of(PENDING, ReleaseId.parse("AC 2.2.4")) is Ownership.FOREIGN
    assert owner_of(PENDING, None) is Ownership.FOREIGN
    assert owner_of(None, None) is Ownership.FOREIGN


@pytest.mark.parametrize(
    ("saved", "owner"),
    [
        ({"pending": "AC 2.3.0"}, Ownership.OURS),
        ({"pending": "AC 2.2.4"}, Ownership.FOREIGN),
        ({"pending": None}, Ownership.FOREIGN),
        ({}, Ownership.FOREIGN),
        ({"path": "AC 2.2.3 > AC 2.3.0"}, Ownership.UNKNOWN),
        (None, Ownership.UNKNOWN),
    ],
)
def test_the_state_records_the_owner_of_a_pending_hop(saved: dict[str, Any] | None, owner: Ownership) -> None:
    """The owner is unknown if the state was not read, or with old inputs alone."""
    assert owner_in_state(PENDING, saved) is owner


@pytest.mark.parametrize("owner", Ownership)
@pytest.mark.parametrize("accept", [(), ("cancel-pending",)])
def test_a_foreign_hop_is_cancelled_only_if_that_is_accepted(owner: Ownership, accept: tuple[str, ...]) -> None:
    """A hop of ours, or of an unknown owner, may always be cancelled."""
    catalog = vendor_feed.load("guide")
    request = PlanRequest(
        current=parse_current("AC 2.2.3", catalog),
        target=parse_target("5.0.4"),
        catalog=catalog,
        accepted=AcceptedRisks.parse(accept),
        pending=PENDING,
        pending_owner=owner,
    )
    assert request.may_cancel is (owner is not Ownership.FOREIGN or accept == ("cancel-pending",))

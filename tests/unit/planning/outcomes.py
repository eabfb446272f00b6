"""Assert that a request is planned, or refused."""

from __future__ import annotations

from astro_deployment_runtime.planning.plan_model import Plan, Refusal


def planned(outcome: Plan | Refusal) -> Plan:
    """Assert a plan and return it."""
    assert isinstance(outcome, Plan), outcome
    return outcome


def refused(outcome: Plan | Refusal) -> Refusal:
    """Assert a refusal and return it."""
    assert isinstance(outcome, Refusal), outcome
    return outcome

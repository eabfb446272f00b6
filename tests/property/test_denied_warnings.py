"""Denied warnings over pairs of the published catalog: they refuse exactly the plans that have them."""

from __future__ import annotations

from datetime import date
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from astro_deployment_runtime.catalogs import vendor_feed
from astro_deployment_runtime.planning.accepted_risks import DENIABLE_WARNINGS, AcceptedRisks
from astro_deployment_runtime.planning.plan_model import Plan, Refusal, Strategy
from astro_deployment_runtime.planning.plan_request import PlanRequest
from astro_deployment_runtime.planning.planner import plan
from astro_deployment_runtime.planning.versions import RuntimeVersion

CATALOG = vendor_feed.load("published")
EVERYTHING = (*CATALOG.certified, *CATALOG.runtime)

names = st.frozensets(st.sampled_from(DENIABLE_WARNINGS))
days = st.dates(date(2024, 1, 1), date(2029, 1, 1))
questions = st.fixed_dictionaries(
    {
        "current": st.sampled_from(EVERYTHING),
        "target": st.sampled_from(CATALOG.runtime).map(lambda release: release.id.version),
        "strategy": st.sampled_from(Strategy),
        "today": st.none() | days,
    }
)


def ask(question: dict[str, Any], **more: Any) -> Plan | Refusal:
    """Plan in the published catalog."""
    return plan(PlanRequest(catalog=CATALOG, **question, **more))


@given(questions, names)
def test_only_denied_warnings_refuse_a_plan(question: dict[str, Any], denied: Any) -> None:
    """Each denied warning of a plan becomes a reason. A plan without one does not change."""
    free, bound = ask(question), ask(question, denied=denied)
    if isinstance(free, Refusal):
        assert isinstance(bound, Refusal)
        assert bound.violations[: len(free.violations)] == free.violations
        return
    against = tuple(warning.name for warning in free.warnings if warning.name in denied)
    if against:
        assert isinstance(bound, Refusal)
        assert bound.denied == against
    else:
        assert bound == free


@given(questions, names)
def test_a_proposed_target_has_no_denied_warning(question: dict[str, Any], denied: Any) -> None:
    """Declaring one of the nearest targets gives a plan."""
    outcome = ask(question, denied=denied)
    for near in (outcome.below, outcome.above) if isinstance(outcome, Refusal) else ():
        if near is not None:
            assert isinstance(near.id.version, RuntimeVersion)
            assert isinstance(ask(question | {"target": near.id.version}, denied=denied), Plan)


@given(questions, names)
def test_accepted_warnings_are_hidden_and_the_path_stays(question: dict[str, Any], accepted: Any) -> None:
    """The path is the same, without those warnings."""
    free, quiet = ask(question), ask(question, accepted=AcceptedRisks(warnings=accepted))
    if isinstance(free, Plan):
        assert isinstance(quiet, Plan)
        assert quiet.hops == free.hops
        assert quiet.warnings == tuple(warning for warning in free.warnings if warning.name not in accepted)
    else:
        assert quiet == free

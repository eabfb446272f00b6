"""What is denied, over the pairs of the published catalog: no more and no less is refused, none of it is proposed."""

from __future__ import annotations

from datetime import date
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from astro_deployment_runtime.catalogs import vendor_feed
from astro_deployment_runtime.planning.accepted_risks import DENIABLE_WARNINGS, AcceptedRisks
from astro_deployment_runtime.planning.model import Plan, Refusal, Strategy
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
def test_a_plan_is_refused_for_what_is_denied_alone(question: dict[str, Any], denied: Any) -> None:
    """Each warning of it that is denied becomes a reason; a plan without one is as it was."""
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
def test_a_proposed_target_is_denied_nothing(question: dict[str, Any], denied: Any) -> None:
    """Whoever declares one of the nearest targets gets a plan."""
    outcome = ask(question, denied=denied)
    for near in (outcome.below, outcome.above) if isinstance(outcome, Refusal) else ():
        if near is not None:
            assert isinstance(near.id.version, RuntimeVersion)
            assert isinstance(ask(question | {"target": near.id.version}, denied=denied), Plan)


@given(questions, names)
def test_what_is_accepted_is_not_shown_and_changes_nothing_else(question: dict[str, Any], accepted: Any) -> None:
    """The same path, without those warnings."""
    free, quiet = ask(question), ask(question, accepted=AcceptedRisks(warnings=accepted))
    if isinstance(free, Plan):
        assert isinstance(quiet, Plan)
        assert quiet.hops == free.hops
        assert quiet.warnings == tuple(warning for warning in free.warnings if warning.name not in accepted)
    else:
        assert quiet == free

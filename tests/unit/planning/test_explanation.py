"""Explanations of plans and refusals."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from astro_deployment_runtime.catalogs import vendor_feed
from astro_deployment_runtime.cli.options import parse_current, parse_target
from astro_deployment_runtime.planning.accepted_risks import AcceptedRisks
from astro_deployment_runtime.planning.catalog import Catalog, Release
from astro_deployment_runtime.planning.explanation import plan_explanation, refusal_explanation
from astro_deployment_runtime.planning.plan_model import Plan, Refusal, Strategy
from astro_deployment_runtime.planning.plan_request import PlanRequest
from astro_deployment_runtime.planning.planner import plan
from astro_deployment_runtime.planning.platform_version import Platform
from astro_deployment_runtime.planning.versions import AirflowVersion, ReleaseId

PUBLISHED = vendor_feed.load("published")


def request_for(current: str, target: str, *, catalog: Catalog = PUBLISHED, **more: Any) -> PlanRequest:
    """Return a request with defaults."""
    defaults = {"strategy": Strategy.CERTIFIED_FIRST, "accepted": AcceptedRisks(), **more}
    return PlanRequest(
        current=parse_current(current, catalog), target=parse_target(target), catalog=catalog, **defaults
    )


def explain(request: PlanRequest) -> str:
    """Return the explanation of the plan or refusal."""
    outcome = plan(request)
    if isinstance(outcome, Refusal):
        return "\n".join(refusal_explanation(outcome, request))
    return "\n".join(plan_explanation(outcome, request))


def release(name: str, airflow: str, **more: Any) -> Release:
    """Return a known release."""
    return Release(id=ReleaseId.parse(name), airflow=AirflowVersion.parse(airflow), known=True, **more)


def test_each_hop_has_its_rule_and_a_reason_for_its_release() -> None:
    """The reason depends on the phase of the strategy."""
    text = explain(request_for("AC 1.10.5", "3.1-12"))
    last_certified = "the highest Certified release whose equivalent leads to the target"
    one_hop = "release one hop away, from which"
    assert [line.removeprefix("  why ") for line in text.splitlines() if line.startswith("  why ")] == [
        f"AC 1.10.15: the newest Certified {one_hop} AC 2.4.3 is 1 hop away",
        f"AC 2.4.3: {last_certified}; no Certified release has the target's Airflow version, 3.1.7",
        "Astro Runtime 6.10.0: the newest equivalent of AC 2.4.3 from which the target can be reached",
        f"Astro Runtime 13.11.0: the newest Runtime {one_hop} the target is 1 hop away",
        "Astro Runtime 3.1-12: it is the target",
    ]
    assert text.count("\n  source: ") == 5
    assert "\nHop 3: migrate AC 2.4.3 > Astro Runtime 6.10.0\n  MIGRATE-EQUAL: you can't simultaneously" in text


def test_a_certified_release_with_the_targets_airflow_is_explain() -> None:
    """The reason names the Airflow version."""
    text = explain(request_for("AC 2.2.3", "5.0.4"))
    assert "why AC 2.3.2: it is the Certified release with the target's Airflow version, 2.3.2" in text


def test_a_yanked_certified_release_still_has_the_targets_airflow() -> None:
    """The reason does not claim that no Certified release has this Airflow version."""
    catalog = Catalog(
        [
            release("AC 2.2.3", "2.2.3"),
            release("AC 2.2.5", "2.2.5"),
            release("AC 2.3.0", "2.3.0", yanked=True),
            release("Runtime 4.2.5", "2.2.5"),
            release("Runtime 5.0.0", "2.3.0"),
        ]
    )
    text = explain(request_for("AC 2.2.3", "5.0.0", catalog=catalog))
    assert "why AC 2.2.5: the highest Certified release whose equivalent leads to the target\n" in text


def test_skipped_newer_releases_are_listed() -> None:
    """Only releases that would be chosen if they were not yanked or prereleases."""
    catalog = Catalog(
        [
            release("Runtime 5.0.0", "2.3.0"),
            release("Runtime 8.0.0", "2.8.0"),
            release("Runtime 9.0.0", "2.9.0", yanked=True, yanked_reason="slow\x1b[31m."),
            release("Runtime 7.0.0", "2.7.5", yanked=True),
            release("Runtime 3.0-1", "3.0.0"),
        ]
    )
    text = explain(request_for("Runtime 5.0.0", "3.0-1", catalog=catalog))
    assert [line for line in text.splitlines() if line.startswith("  skipped: ")] == [
        "  skipped: Astro Runtime 9.0.0 is yanked (slow\\x1b[31m)"
    ]


@pytest.mark.parametrize("strategy", Strategy)
def test_every_release_in_between_has_a_reason(strategy: Strategy) -> None:
    """The explanation names the rules that forbid to leave it out."""
    for target in PUBLISHED.runtime[::7]:
        request = request_for("AC 1.10.5", str(target.id.version), strategy=strategy)
        outcome = plan(request)
        if isinstance(outcome, Plan):
            needed = [line for line in plan_explanation(outcome, request) if line.startswith("  without ")]
            assert len(needed) == max(len(outcome.hops) - 1, 0)
            assert all(len(line.split(": ")) > 2 for line in needed)


def test_the_other_strategys_path_is_compared() -> None:
    """It is the same path or another one."""
    guide = "certified-first stays on Certified as long as possible, then migrates, as in the vendor's guide"
    shortest = "fewest-hops takes the shortest path, even if it migrates earlier"
    text = explain(request_for("AC 2.2.3", "6.0.0"))
    assert f"\nStrategy: {guide}.\n  {shortest}: AC 2.2.3 > Astro Runtime 4.0.11 > Astro Runtime 6.0.0 (2 hops)" in text
    text = explain(request_for("AC 2.2.3", "6.0.0", strategy=Strategy.FEWEST_HOPS))
    assert f"\nStrategy: {shortest}.\n  {guide}: AC 2.2.3 > AC 2.3.4 > " in text
    assert "from which the target is 1 hop away" in text
    assert "  fewest-hops gives the same path; no path is shorter" in explain(request_for("AC 2.2.3", "5.0.4"))


def test_a_plan_without_hops_has_a_reason() -> None:
    """The target runs, the target is equivalent on Runtime, or newer is accepted."""
    assert explain(request_for("Runtime 5.0.4", "5.0.4")).endswith("\n\nWhy: Astro Runtime 5.0.4 is the target.")
    assert "is already an Astro Runtime, so there is nothing to mig" in explain(
        request_for("Runtime 5.0.4", "equivalent")
    )
    newer = request_for("Runtime 5.0.4", "4.2.5", accepted=AcceptedRisks.parse(["newer"]))
    assert explain(newer).endswith("Why: Astro Runtime 5.0.4 is higher than the target, and newer is accepted.")


def test_an_equivalent_target_is_explain() -> None:
    """The catalog decides which release it is."""
    text = explain(request_for("AC 2.3.0", "equivalent"))
    assert "why Astro Runtime 5.0.1: the newest equivalent of AC 2.3.0 that may be a target" in text


def test_a_refusal_has_sources_and_paths() -> None:
    """Each rule has its source once, and each nearest target has a path."""
    text = explain(request_for("Runtime 8.10.0", "9.0.0"))
    assert "\n\nSources of the rules:\n  YANKED: the vendor's feed of Astro Runtime releases, field 'yanked'\n" in text
    assert text.endswith("Path to the nearest target:\n  Astro Runtime 8.10.0 > Astro Runtime 9.7.0 (1 hop)")
    text = explain(request_for("AC 2.2.3", "5.0.99"))
    assert "\n\nPaths to the nearest targets:\n  AC 2.2.3 > AC 2.3.4 > Astro Runtime 5.0.13 (2 hops)\n" in text


def test_a_refusal_without_nearest_targets_has_no_paths() -> None:
    """The platform's version is one of the reasons."""
    request = replace(request_for("AC 2.2.3", "5.0.4"), platform=Platform(version="0.37.0"))
    text = explain(request)
    assert "PLATFORM: Astronomer Software's release notes" in text
    assert "nearest target" not in text.partition("Sources of the rules")[2]

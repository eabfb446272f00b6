"""Suggestions for misspelt names."""

from __future__ import annotations

import pytest

from astro_deployment_runtime.support.spelling import closest_name

KNOWN = ("deployments", "onRefusal", "houstonUrl")


@pytest.mark.parametrize(
    ("given", "meant"), [("deployment", "deployments"), ("ON-REFUSAL", "onRefusal"), ("houston_URL", "houstonUrl")]
)
def test_the_closest_name_is_found_in_any_spelling(given: str, meant: str) -> None:
    """Case, hyphens and underscores do not matter."""
    assert closest_name(given, KNOWN) == meant


def test_a_name_unlike_all_known_ones_has_no_suggestion() -> None:
    """A wrong suggestion would be worse."""
    assert closest_name("region", KNOWN) is None

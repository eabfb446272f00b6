"""Names of accepted risks."""

from __future__ import annotations

import pytest

from astro_deployment_runtime.errors import InvalidInputError
from astro_deployment_runtime.planning.accepted_risks import AcceptedRisks
from astro_deployment_runtime.planning.plan_model import WarningName
from astro_deployment_runtime.planning.versions import ReleaseId


def test_accepted_risks_are_parsed() -> None:
    """Names may come in any order and more than once."""
    names = ["newer", " yanked: 9.0.0", "prerelease:3.1-12", "cancel-pending", "base-image", "newer"]
    assert AcceptedRisks.parse(names) == AcceptedRisks(
        yanked=frozenset({ReleaseId.parse("Runtime 9.0.0")}),
        prerelease=frozenset({ReleaseId.parse("Runtime 3.1-12")}),
        cancel_pending=True,
        newer=True,
        base_image=True,
    )
    assert AcceptedRisks.parse([]) == AcceptedRisks()


@pytest.mark.parametrize(
    ("name", "accepted"),
    [
        ("cancel-pending", AcceptedRisks(cancel_pending=True)),
        ("newer", AcceptedRisks(newer=True)),
        ("base-image", AcceptedRisks(base_image=True)),
        ("overwrite-environment", AcceptedRisks(overwrite_environment=True)),
        ("out-of-support", AcceptedRisks(warnings=frozenset({WarningName.OUT_OF_SUPPORT}))),
    ],
)
def test_each_name_accepts_one_risk(name: str, accepted: AcceptedRisks) -> None:
    """Spaces around it are dropped."""
    assert AcceptedRisks.parse([f" {name} "]) == accepted


def test_every_invalid_name_is_reported_at_once() -> None:
    """The message lists the known names, and the format of versions."""
    with pytest.raises(InvalidInputError) as caught:
        AcceptedRisks.parse(["yanked", "newest", "yanked:9", "yanked:9:0", "newer:1", "newer"])
    message = str(caught.value)
    assert (
        "'yanked' cannot be accepted; use one of: yanked:VERSION, prerelease:VERSION, cancel-pending, newer" in message
    )
    starts = ("; 'newest' cannot", "; 'yanked:9': '9' is not", "; 'yanked:9:0': '9:0' is not", "; 'newer:1' cannot")
    assert all(text in message for text in starts)

"""Selection of Deployments: criteria, precedence, exclusions and mistakes."""

from __future__ import annotations

from typing import Any

import pytest

from astro_deployment_runtime.config.fleet_config import read_fleet_config
from astro_deployment_runtime.config.selectors import Candidate, SelectedFleet, select_deployments
from astro_deployment_runtime.errors import InvalidConfigError
from astro_deployment_runtime.planning.versions import ReleaseId

DATA, OPS = ("ckw0", "Data"), ("ckw1", "Ops")


def candidate(name: str, current: str | None, workspace: tuple[str, str] = DATA) -> Candidate:
    """Return a Deployment of the platform."""
    return Candidate(
        id=f"id-{name}",
        release_name=name,
        label=f"{name.title()} (prod)",
        workspace_id=workspace[0],
        workspace=workspace[1],
        current=ReleaseId.parse(current) if current else None,
    )


PLATFORM = (
    candidate("stars-1", "AC 2.2.3"),
    candidate("stars-2", "Runtime 4.2.5", OPS),
    candidate("wind-3", "Runtime 5.0.4"),
    candidate("tides-4", None, OPS),
)


def select(**config: Any) -> SelectedFleet:
    """Match a fleet against the platform."""
    fleet = read_fleet_config({"defaults": {"runtimeVersion": "5.0.4"}, **config})
    return select_deployments(fleet, PLATFORM, dict([DATA, OPS]))


@pytest.mark.parametrize(
    ("selector", "names"),
    [
        ({"releaseName": "*"}, ["stars-1", "stars-2", "tides-4", "wind-3"]),
        ({"releaseName": "stars-?"}, ["stars-1", "stars-2"]),
        ({"label": r"^Wind.*prod"}, ["wind-3"]),
        ({"workspace": "Ops"}, ["stars-2", "tides-4"]),
        ({"workspace": "ckw0"}, ["stars-1", "wind-3"]),
        ({"distribution": "certified"}, ["stars-1", "tides-4"]),
        ({"distribution": "runtime"}, ["stars-2", "tides-4", "wind-3"]),
        ({"below": "5.0.4"}, ["stars-1", "stars-2", "tides-4"]),
        ({"below": "5.0.4", "workspace": "Data"}, ["stars-1"]),
    ],
)
def test_a_selector_picks_the_deployments_that_match_all_criteria(selector: dict[str, str], names: list[str]) -> None:
    """Sorted by release name. One whose release cannot be read is picked, so that it is not overlooked."""
    assert [entry.release_name for entry in select(selectors=[selector]).entries] == names


def test_an_entry_wins_over_a_selector_and_an_earlier_selector_over_a_later_one() -> None:
    """No Deployment is declared twice."""
    found = select(
        deployments=[{"name": "canary", "deploymentId": "id-wind-3", "timeout": "1m"}],
        selectors=[{"releaseName": "stars-1", "timeout": "2m"}, {"releaseName": "*", "timeout": "3m"}],
        exclude=["tides-*"],
    )
    assert [(entry.name, entry.timeout) for entry in found.entries] == [
        ("canary", 60.0),
        ("stars-1", 120.0),
        ("stars-2", 180.0),
    ]


@pytest.mark.parametrize("pattern", ["wind-3", "wind-*", "id-wind-3"])
def test_an_exclusion_wins_over_entries_and_selectors(pattern: str) -> None:
    """By release name, pattern or id."""
    declared = [{"name": "wind", "releaseName": "wind-3"}, {"name": "wind-by-id", "deploymentId": "id-wind-3"}]
    assert select(deployments=declared, exclude=[pattern]).entries == ()
    assert select(selectors=[{"label": "Wind"}], exclude=[pattern]).entries == ()


def test_selectors_and_exclusions_without_effect_are_notes() -> None:
    """They are possible mistakes."""
    assert select(selectors=[{"releaseName": "none-*"}], exclude=["nobody"]).notes == (
        "astro:selectors[0] picks no Deployment",
        "astro:exclude: 'nobody' matches no Deployment",
    )


def test_all_mistakes_are_listed_at_once() -> None:
    """An unknown workspace, and an entry with the name of another Deployment that is picked."""
    with pytest.raises(InvalidConfigError) as raised:
        select(
            deployments=[{"name": "wind-3", "releaseName": "stars-1"}],
            selectors=[{"workspace": "Nowhere"}, {"releaseName": "wind-3"}],
        )
    workspace, name = str(raised.value).split("\n")
    assert workspace.startswith("astro:selectors[0].workspace: Houston shows this token no workspace with the id or ")
    assert name.startswith("the entry 'wind-3' has the same name as a Deployment that a selector picks")

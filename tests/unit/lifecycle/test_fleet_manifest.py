"""The manifest of a fleet: what a program declares, or why it declares nothing; and its way from process to process."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from astro_deployment_runtime.lifecycle.deployment import DeploymentLifecycle
from astro_deployment_runtime.lifecycle.fleet import build_manifest
from astro_deployment_runtime.lifecycle.fleet_manifest import FleetManifest, ManifestEntry, ManifestWave
from tests.contract import sandbox_server
from tests.contract.sandbox_server import DUST, STARS

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.contract.sandbox_server import Served


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    """A sandbox with four Deployments in two workspaces, and a client of it."""
    with sandbox_server.serving(tmp_path) as running:
        yield running


def manifest_of(served: Served, *, saved: Any = None, **declared: Any) -> FleetManifest:
    """Judge a fleet, and send what comes of it through another process's hands."""
    manifest = build_manifest(
        declared, saved, lambda: DeploymentLifecycle(served.client, sandbox_server.settings(served.url))
    )
    assert FleetManifest.from_json(manifest.to_json()) == manifest
    return manifest


def entry(release: str, target: str = "5.0.4", **more: Any) -> dict[str, Any]:
    """An entry that is named for its release."""
    return {"name": release, "releaseName": release, "runtimeVersion": target, **more}


def test_a_fleet_with_waves(served: Served) -> None:
    """Every resource with its arguments and its wave; every wave with what it waits for."""
    manifest = manifest_of(
        served,
        waves=[{"name": "canaries", "soak": "30m", "maxParallel": 2}, {"name": "rest", "timeout": "90m"}],
        deployments=[
            entry("wind-3", wave="canaries", deny=["deprecated"]),
            entry("dust-2", wave="canaries", verify="houston", project={"path": "../airflow"}, timeout=0.4),
            entry("stars-1", image="registry.example.com/a:{version}", wait=False, accept=["newer"]),
        ],
        exclude=["none-?"],
        onRefusal="skip",
    )
    common = {"strategy": "certified-first", "runtime_version": "5.0.4", "accept": [], "wait": True}
    assert [entry.name for entry in manifest.refused] == ["dust-2"]
    assert str(manifest.entries[1].refusal).startswith("project.path '../airflow' is no folder ")
    assert [entry.arguments for entry in manifest.entries] == [
        common | {"release_name": "wind-3", "deny": ["deprecated"], "timeout": "3600s", "verify": "airflow"},
        common
        | {
            "release_name": "dust-2",
            "project": {"path": "../airflow", "deploy": "astro deploy {deployment_id} --force"},
            "timeout": "1s",
            "verify": "houston",
        },
        common
        | {
            "release_name": "stars-1",
            "image": "registry.example.com/a:{version}",
            "timeout": "5400s",
            "verify": "airflow",
            "accept": ["newer"],
            "wait": False,
        },
    ]
    assert [entry.wave for entry in manifest.entries] == ["canaries", "canaries", "rest"]
    canaries, rest = manifest.waves
    watched = ["ckw1wind"]
    assert canaries == ManifestWave(
        name="canaries", max_parallel=2, soak=1800.0, timeout=3600.0, moves=1, watched=watched
    )
    assert rest == ManifestWave(name="rest", max_parallel=None, soak=0.0, timeout=5400.0, moves=1, watched=[STARS])
    assert manifest.notes == ["astro:exclude: 'none-?' matches no Deployment"]
    assert str(manifest.summary).startswith(
        "wave 1 of 2, canaries: 2 Deployments, 1 hop, 1 refused; at most 2 side by "
    )
    assert (manifest.problem, manifest.needs_state) == (None, False)


def test_one_deployment_needs_no_summary(served: Served) -> None:
    """Its own plan says it all; the name of one that is declared by its id is told with that."""
    manifest = manifest_of(served, deployments=[{"name": "dust", "deploymentId": DUST, "runtimeVersion": "5.0.4"}])
    assert manifest.summary is None
    assert [entry.title for entry in manifest.entries] == [f"dust ({DUST})"]


def test_where_nothing_is_declared_nobody_is_asked() -> None:
    """A stack without Deployments needs no platform; a mistake is told all the same."""

    def nobody() -> DeploymentLifecycle:
        raise AssertionError

    assert build_manifest({"deployments": [], "waves": [{"name": "a"}]}, None, nobody) == FleetManifest()
    (problem,) = str(build_manifest({"onRefusal": "perhaps"}, None, nobody).problem).splitlines()
    assert problem.startswith("astro:onRefusal: 'perhaps' is unknown")


@pytest.mark.parametrize(
    ("declared", "start"),
    [
        ({"deployments": [entry("stars-1", "5")], "selectors": [{}]}, "astro:deployments[0].runtimeVersion: "),
        ({"selectors": [{"workspace": "none", "runtimeVersion": "5.0.4"}]}, "astro:selectors[0].workspace: Houston "),
    ],
)
def test_a_problem_is_told_and_nothing_declared(served: Served, declared: dict[str, Any], start: str) -> None:
    """Whether it is a mistake, or the platform's."""
    manifest = manifest_of(served, **declared)
    assert str(manifest.problem).startswith(start)
    assert manifest == FleetManifest(problem=manifest.problem)


def test_a_refused_fleet_has_entries_for_its_refused_deployments_only(served: Served) -> None:
    """The program writes an error for each, and declares nothing."""
    manifest = manifest_of(served, deployments=[entry("stars-1", "9.9.9"), entry("wind-3", "4.2.5")])
    assert str(manifest.problem).startswith("1 of 2 Deployments is refused; nothing was changed.")
    assert [each.name for each in manifest.entries] == [each.name for each in manifest.refused] == ["stars-1"]


def test_a_line_needs_what_the_state_has_of_it(served: Served) -> None:
    """Without it nothing is read yet; with it, the version at which it is held is told."""
    declared = {"deployments": [entry("stars-1", "4.x"), entry("wind-3", "4.x", name="wind")]}
    assert manifest_of(served, **declared) == FleetManifest(needs_state=True)
    assert served.asked() == []
    saved = {"stars-1": {"runtime_version": "4.x", "target": "4.2.4"}}
    assert [entry.held for entry in manifest_of(served, saved=saved, **declared).entries] == ["4.2.4", "4.2.5"]
    assert [entry.held for entry in manifest_of(served, saved={}, **declared).entries] == ["4.2.5", "4.2.5"]


def test_a_pending_hop_that_may_be_ours_needs_what_the_state_has_of_it(served: Served) -> None:
    """Only where one is off the path; what was read of the platform is not read again."""
    declared = {"deployments": [entry("stars-1", "9.9.9"), entry("tides-4")]}
    assert manifest_of(served, **declared) == FleetManifest(needs_state=True)
    manifest = manifest_of(served, saved={}, **declared)
    assert str(manifest.problem).startswith("2 of 2 Deployments are refused")
    assert "PENDING: Astro Runtime 4.2.5 is pending" in str(manifest.refused[1].refusal)
    assert len(served.asked()) == 2
    accepted = entry("tides-4", accept=["cancel-pending"])
    assert len(manifest_of(served, deployments=[accepted]).entries) == 1


def test_a_refused_line_is_not_held(served: Served) -> None:
    """There is no version to stay with."""
    manifest = manifest_of(served, saved={}, deployments=[entry("wind-3", "9.x")], onRefusal="skip")
    (refused,) = manifest.entries
    assert isinstance(refused, ManifestEntry)
    assert refused.held is None
    assert refused.refusal is not None

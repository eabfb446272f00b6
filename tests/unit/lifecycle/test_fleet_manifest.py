"""The manifest of a fleet: the resources to declare or the reasons against them, also as JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from astro_deployment_runtime.lifecycle.deployment import DeploymentLifecycle
from astro_deployment_runtime.lifecycle.fleet_manifest import FleetManifest, ManifestEntry, ManifestWave
from astro_deployment_runtime.lifecycle.fleet_planning import build_manifest
from tests.contract import sandbox_server
from tests.contract.sandbox_server import DUST, STARS

if TYPE_CHECKING:
    from tests.contract.sandbox_server import Served


def manifest_of(served: Served, *, saved: Any = None, **declared: Any) -> FleetManifest:
    """Plan a fleet, and return its manifest after a round trip through JSON."""
    manifest = build_manifest(
        declared, saved, lambda: DeploymentLifecycle(served.client, sandbox_server.settings(served.url))
    )
    assert FleetManifest.from_json(manifest.to_json()) == manifest
    return manifest


def entry(release: str, target: str = "5.0.4", **more: Any) -> dict[str, Any]:
    """Return an entry that has the release name as its name."""
    return {"name": release, "releaseName": release, "runtimeVersion": target, **more}


def test_manifest_of_a_fleet_with_waves(served: Served) -> None:
    """Every resource with its arguments and its wave, every wave with its limits."""
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
    assert str(manifest.entries[1].refusal).startswith("project.path '../airflow' is not a folder ")
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


def test_one_deployment_has_no_summary(served: Served) -> None:
    """Its plan says the same. A Deployment that is declared by its id is named with the id."""
    manifest = manifest_of(served, deployments=[{"name": "dust", "deploymentId": DUST, "runtimeVersion": "5.0.4"}])
    assert manifest.summary is None
    assert [entry.title for entry in manifest.entries] == [f"dust ({DUST})"]


def test_empty_fleet_does_not_connect() -> None:
    """A mistake in the config is reported all the same."""

    def never() -> DeploymentLifecycle:
        raise AssertionError

    assert build_manifest({"deployments": [], "waves": [{"name": "a"}]}, None, never) == FleetManifest()
    (problem,) = str(build_manifest({"onRefusal": "perhaps"}, None, never).problem).splitlines()
    assert problem.startswith("astro:onRefusal: 'perhaps' is unknown")


@pytest.mark.parametrize(
    ("declared", "start"),
    [
        ({"deployments": [entry("stars-1", "5")], "selectors": [{}]}, "astro:deployments[0].runtimeVersion: "),
        ({"selectors": [{"workspace": "none", "runtimeVersion": "5.0.4"}]}, "astro:selectors[0].workspace: Houston "),
    ],
)
def test_problem_declares_nothing(served: Served, declared: dict[str, Any], start: str) -> None:
    """A mistake in the config, or an error of the platform."""
    manifest = manifest_of(served, **declared)
    assert str(manifest.problem).startswith(start)
    assert manifest == FleetManifest(problem=manifest.problem)


def test_a_refused_fleet_has_entries_for_its_refused_deployments_only(served: Served) -> None:
    """The program writes an error for each, and declares nothing."""
    manifest = manifest_of(served, deployments=[entry("stars-1", "9.9.9"), entry("wind-3", "4.2.5")])
    assert str(manifest.problem).startswith("1 of 2 Deployments is refused; nothing was changed.")
    assert [each.name for each in manifest.entries] == [each.name for each in manifest.refused] == ["stars-1"]


def test_target_such_as_4_x_needs_the_state(served: Served) -> None:
    """Without the state, the platform is not read yet. With it, the held version is in the manifest."""
    declared = {"deployments": [entry("stars-1", "4.x"), entry("wind-3", "4.x", name="wind")]}
    assert manifest_of(served, **declared) == FleetManifest(needs_state=True)
    assert served.asked() == []
    saved = {"stars-1": {"runtime_version": "4.x", "target": "4.2.4"}}
    assert [entry.held for entry in manifest_of(served, saved=saved, **declared).entries] == ["4.2.4", "4.2.5"]
    assert [entry.held for entry in manifest_of(served, saved={}, **declared).entries] == ["4.2.5", "4.2.5"]


def test_pending_hop_off_the_path_needs_the_state(served: Served) -> None:
    """The platform is not read a second time."""
    declared = {"deployments": [entry("stars-1", "9.9.9"), entry("tides-4")]}
    assert manifest_of(served, **declared) == FleetManifest(needs_state=True)
    manifest = manifest_of(served, saved={}, **declared)
    assert str(manifest.problem).startswith("2 of 2 Deployments are refused")
    assert "PENDING: Astro Runtime 4.2.5 is pending" in str(manifest.refused[1].refusal)
    assert len(served.asked()) == 2
    accepted = entry("tides-4", accept=["cancel-pending"])
    assert len(manifest_of(served, deployments=[accepted]).entries) == 1


def test_refused_target_such_as_9_x_is_not_held(served: Served) -> None:
    """It is resolved to no version."""
    manifest = manifest_of(served, saved={}, deployments=[entry("wind-3", "9.x")], onRefusal="skip")
    (refused,) = manifest.entries
    assert isinstance(refused, ManifestEntry)
    assert refused.held is None
    assert refused.refusal is not None

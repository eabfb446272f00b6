"""Whole runs against the sandbox over HTTP, on every generation of the platform and with faults of the network."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.contract import sandbox_server
from tests.contract.in_process_engine import InProcessEngine
from tests.fault_proxy import FAULTS, Faults
from tests.recording_proxy import Proxy
from tests.soak_measurements import note

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.contract.sandbox_server import Served


def row(runs: str) -> sandbox_server.Row:
    """Return the Deployment ``stars-1`` at a version."""
    distribution = "certified" if runs.startswith("2.") else "runtime"
    return {
        "id": sandbox_server.STARS,
        "releaseName": "stars-1",
        "workspace": sandbox_server.SPACE,
        "distribution": distribution,
        "version": runs,
    }


def version(platform: Served) -> str:
    """Return the version that ``stars-1`` runs."""
    return platform.found(sandbox_server.STARS).version


def changes(platform: Served) -> list[str]:
    """List the mutations so far."""
    return [name for fields in platform.asked() for name in fields if name.startswith(("update", "cancel", "upsert"))]


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.__name__)
def test_run_survives_a_fault_or_is_resumed(fault: Callable[[Faults], None], tmp_path: Path) -> None:
    """A fault that ends a run is named in its message, and the next run reaches the target."""
    told = FAULTS[fault]
    with (
        Proxy().listening() as proxy,
        sandbox_server.serving(tmp_path, rows=[row("2.4.3")], catalog="published", public_url=proxy.root) as platform,
    ):
        proxy.upstream = int(platform.url.rsplit(":", 1)[1].split("/")[0])
        engine = InProcessEngine(f"{proxy.root}/v1", catalog="published")
        faults = Faults(proxy)
        fault(faults)
        problem = engine.up(runtime_version="7.6.0")
        faults.end()
        assert (problem is not None, told in " ".join((problem or "").split())) == (bool(told), True), problem
        assert sandbox_server.TOKEN not in repr((problem, engine.told, engine.saved))
        assert engine.up(runtime_version="7.6.0") is None
        assert version(platform) == "7.6.0"
        assert engine.saved is not None
        assert (engine.saved["current_version"], engine.saved["pending"]) == ("Astro Runtime 7.6.0", None)
        started = [request.variables["version"] for request in proxy.requests if "version" in request.variables]
        assert list(dict.fromkeys(started)) == ["6.10.0", "7.6.0"]
        assert changes(platform).count("updateDeploymentRuntime") == 2, "each hop is started once"
        assert fault.__doc__
        note("faults", {"fault": fault.__doc__.strip(), "outcome": "resumed" if told else "carried on", "told": told})


@pytest.mark.parametrize(
    ("generation", "runs", "mutations"),
    [
        ("0.29.2", "2.3.0", ["updateDeploymentRuntime", "updateDeploymentImage"]),
        ("0.35.2", "4.2.5", ["updateDeploymentRuntime", "updateDeploymentImage"]),
        ("0.36.0", "2.3.0", ["updateDeploymentRuntime", "updateDeploymentImage"]),
        ("0.36.0", "4.2.5", ["updateDeploymentImage"]),
        ("1.0.1", "4.2.5", ["updateDeploymentImage"]),
        ("1.1.0", "4.2.5", ["updateDeploymentImage"]),
        ("2.1.0", "4.2.5", ["upsertDeployment"]),
    ],
)
def test_each_generation_gets_the_mutations_that_it_supports(
    generation: str, runs: str, mutations: list[str], tmp_path: Path
) -> None:
    """A migration is started on all of them. A Runtime upgrade is started where Houston keeps a desired version."""
    with sandbox_server.serving(tmp_path, rows=[row(runs)], version=generation) as platform:
        engine = InProcessEngine(platform.url)
        declared = {"runtime_version": "5.0.4", "accept": ["overwrite-environment"]}
        assert engine.up(**declared) is None
        assert version(platform) == "5.0.4"
        assert changes(platform) == mutations
        assert engine.preview(**declared).inputs["hops"] == 0


@pytest.mark.parametrize(
    ("generation", "runs", "path"),
    [
        ("1.1.0", "8.10.0", "Astro Runtime 8.10.0 > Astro Runtime 13.11.0 > Astro Runtime 3.1-21"),
        ("0.36.0", "2.4.3", "AC 2.4.3 > Astro Runtime 6.10.0 > Astro Runtime 13.11.0 > Astro Runtime 3.1-21"),
    ],
)
def test_airflow_3_is_reached_through_airflow_2_7_or_later(
    generation: str, runs: str, path: str, tmp_path: Path
) -> None:
    """The health and the version of Airflow 3 itself confirm the hop."""
    with sandbox_server.serving(tmp_path, rows=[row(runs)], version=generation, catalog="published") as platform:
        engine = InProcessEngine(platform.url, catalog="published")
        lines = engine.preview(runtime_version="3.1-x").lines
        assert "FROM astrocrpublic.azurecr.io/runtime:3.1-21" in "\n".join(lines)
        assert "3.1-x resolves to Astro Runtime 3.1-21." in lines
        assert engine.up(runtime_version="3.1-x") is None
        assert "its Airflow is healthy at 3.1.8" in "\n".join(engine.told.infos)
        assert engine.saved is not None
        assert [engine.saved[name] for name in ("path", "airflow_version", "target")] == [path, "3.1.8", "3.1-21"]


def test_upgrade_by_image_alone_waits_for_a_deploy(tmp_path: Path) -> None:
    """Houston keeps no pending hop, so the run starts nothing and saves nothing as pending."""
    with sandbox_server.serving(tmp_path, rows=[row("4.2.5")], version="1.1.0") as platform:
        engine = InProcessEngine(platform.url)
        assert "Houston took no image within" in (engine.up(runtime_version="5.0.4", image=None, timeout="1s") or "")
        assert "FROM quay.io/astronomer/astro-runtime:5.0.4" in "\n".join(engine.told.infos)
        assert changes(platform) == []
        assert engine.saved is not None
        assert (engine.saved["current_version"], engine.saved["pending"]) == ("Astro Runtime 4.2.5", None)


def test_viewer_token_can_preview_but_not_change(tmp_path: Path) -> None:
    """A run names the missing permission, and saves that nothing is pending."""
    with sandbox_server.serving(tmp_path, rows=[row("2.3.0")]) as platform:
        engine = InProcessEngine(platform.url, token=sandbox_server.VIEWER)
        assert engine.preview(runtime_version="5.0.4").inputs["hops"] == 1
        assert "Deployment Editor" in (engine.up(runtime_version="5.0.4") or "")
        assert engine.saved is not None
        assert engine.saved["pending"] is None
        assert platform.found(sandbox_server.STARS).pending == ""

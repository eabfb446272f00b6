"""Compatibility of states: this version reads the states of every released one, and finds nothing to do or resumes.

``states`` has a folder for each version. ``REGENERATE=1 pytest tests/e2e/test_states.py`` writes the one of the present
version again, from real runs; the others stay as they were released.
"""

from __future__ import annotations

import json
import os
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest
import yaml

from tests.e2e.pulumi_project import IMAGE, Project
from tests.e2e.sandbox_process import Sandbox, deployment

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tests.e2e.conftest import MakeProject, StartSandbox

_STATES: Final = Path(__file__).parent / "states"
_VERSIONS: Final = sorted(path.name for path in _STATES.iterdir())
_PRESENT: Final = version("astro-deployment-runtime")
_PLATFORM: Final = "https://platform.example.com"
"""Placeholder in a saved state for the sandbox's address, which changes with each run."""
_RUNTIME: Final = "quay.io/astronomer/astro-runtime"
_ARRIVED: Final = "arrived"
_UNDER_WAY: Final = "under-way"

_FLEETS: Final[dict[str, list[dict[str, Any]]]] = {
    _ARRIVED: [
        deployment("stars-1", "2.2.3"),
        deployment("dust-2", "2.3.0"),
        deployment("wind-3", "4.2.4"),
        deployment("map-4", "5.0.4"),
        deployment("tides-5", "2.2.5"),
    ],
    _UNDER_WAY: [deployment("stars-1", "2.3.0"), deployment("map-4", "5.0.4")],
}
"""The platforms before the run whose state is saved."""

_DECLARED: Final[dict[str, dict[str, Any]]] = {
    _ARRIVED: {
        "defaults": {"image": IMAGE, "timeout": "90m", "deny": ["out-of-support"]},
        "waves": [{"name": "canaries", "soak": "1s"}, {"name": "rest", "maxParallel": 2}],
        "deployments": [
            {"name": "stars-1", "releaseName": "stars-1", "runtimeVersion": "5.0.4", "wave": "canaries"},
            {"name": "dust-2", "releaseName": "dust-2", "runtimeVersion": "equivalent", "strategy": "fewest-hops"},
            {"name": "wind-3", "deploymentId": "ckwwind3", "runtimeVersion": "4.x", "verify": "houston"},
            {
                "name": "map-4",
                "releaseName": "map-4",
                "runtimeVersion": "4.2.5",
                "accept": ["newer"],
                "project": {"path": "airflow", "test": "true", "deploy": "true {image}"},
            },
        ],
        "selectors": [{"releaseName": "tides-*", "runtimeVersion": "4.2.5"}],
    },
    _UNDER_WAY: {
        "onRefusal": "skip",
        "deployments": [
            {"name": "stars-1", "releaseName": "stars-1", "runtimeVersion": "5.0.4", "wait": False},
            {"name": "map-4", "releaseName": "map-4", "runtimeVersion": "4.2.5"},
        ],
    },
}


def _lay_out(stack: Project, declared: Mapping[str, Any]) -> Project:
    """Write the stack's config, and the Astro project that an entry of it names."""
    written = {f"astro:{key}": value for key, value in declared.items()}
    text = yaml.safe_dump({"config": written})
    (stack.folder / "stacks" / "Pulumi.test.yaml").write_text(text, encoding="utf-8")
    (stack.folder / "airflow").mkdir()
    (stack.folder / "airflow" / "Dockerfile").write_text(f"FROM {_RUNTIME}:5.0.4\n", encoding="utf-8")
    return stack


def _without_places(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Leave out the program's folder on the machine of the run."""
    return {key: value for key, value in pairs if key not in {"sourcePosition", "stackTrace"}}


def _row(before: Mapping[str, Any], now: Mapping[str, str]) -> dict[str, Any]:
    """Return the current state of a Deployment, for a fleet file."""
    kept = {name: now[name] for name in ("image", "pending") if now.get(name)}
    return {**before, "distribution": now["distribution"], "version": now["version"], **kept}


@pytest.mark.parametrize(("name", "code"), [(_ARRIVED, 0), (_UNDER_WAY, 1)])
@pytest.mark.skipif("REGENERATE" not in os.environ, reason="writes the states")
def test_write_the_states_of_this_version(platform: StartSandbox, project: MakeProject, name: str, code: int) -> None:
    """A real run, its export, and the platform after the run."""
    sandbox = platform(*_FLEETS[name])
    stack = _lay_out(project(sandbox), _DECLARED[name])
    stack.up(code=code)
    exported = stack.run("stack", "export", code=0).text.replace(_address(sandbox), _PLATFORM)
    read = json.loads(exported, object_pairs_hook=_without_places)
    saved = {
        "platform": [_row(before, sandbox.show(before["releaseName"])) for before in _FLEETS[name]],
        "config": _DECLARED[name],
        "export": read,
    }
    (_STATES / _PRESENT).mkdir(exist_ok=True)
    (_STATES / _PRESENT / f"{name}.json").write_text(f"{json.dumps(saved, indent=2)}\n", encoding="utf-8")


@pytest.fixture
def restored(platform: StartSandbox, project: MakeProject) -> Callable[[str, str], tuple[Sandbox, Project]]:
    """Makes a platform and a fresh stack as a version left them."""

    def restore(release: str, name: str) -> tuple[Sandbox, Project]:
        saved = json.loads((_STATES / release / f"{name}.json").read_text(encoding="utf-8"))
        sandbox = platform(*saved["platform"])
        stack = _lay_out(project(sandbox), saved["config"])
        exported = json.dumps(saved["export"]).replace(_PLATFORM, _address(sandbox))
        (stack.folder / "export.json").write_text(exported, encoding="utf-8")
        stack.run("stack", "import", "--file", "export.json", code=0)
        return sandbox, stack

    return restore


def _address(sandbox: Sandbox) -> str:
    return sandbox.url.removesuffix("/v1")


def test_this_version_has_its_states() -> None:
    """Without them, no test could check what a release saved."""
    assert sorted(path.stem for path in (_STATES / _PRESENT).iterdir()) == sorted(_FLEETS)


@pytest.mark.parametrize("release", _VERSIONS)
def test_states_at_their_target_show_no_change(
    restored: Callable[[str, str], tuple[Sandbox, Project]], release: str
) -> None:
    """With held targets, waves and a project; up sends no mutation."""
    sandbox, stack = restored(release, _ARRIVED)
    stack.preview("--expect-no-changes")
    stack.up("--expect-no-changes")
    stack.run("refresh", "--yes", "--skip-preview", "--expect-no-changes", code=0)
    assert sandbox.mutations() == []


@pytest.mark.parametrize("release", _VERSIONS)
def test_states_of_interrupted_runs_resume(
    restored: Callable[[str, str], tuple[Sandbox, Project]], release: str
) -> None:
    """The pending hop is ours and does not start again; a refused Deployment keeps its saved state."""
    sandbox, stack = restored(release, _UNDER_WAY)
    held = stack.outputs("map-4")
    assert stack.outputs("stars-1")["pending"]
    sandbox.deploy("stars-1", f"{_RUNTIME}:5.0.4")
    stack.up(code=1)
    assert stack.outputs("stars-1")["current_version"] == "Astro Runtime 5.0.4"
    assert stack.outputs("stars-1").get("pending") is None
    assert stack.outputs("map-4") == held
    assert sandbox.mutations() == []

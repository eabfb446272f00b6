"""The native package from YAML: the guide's migration, a change's diff, import, platforms, waves."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from tests.e2e.native_project import PACKAGE
from tests.e2e.pulumi_project import IMAGE
from tests.e2e.sandbox_process import TOKEN, deployment

if TYPE_CHECKING:
    from tests.e2e.conftest import MakeNativeProject, StartSandbox

_GOLDEN = Path(__file__).parent / "golden"
_TEAM = "registry.example.com/data-eng/airflow"


def test_the_guides_own_migration(platform: StartSandbox, native: MakeNativeProject) -> None:
    """Ten lines of YAML migrate AC 2.2.3 to Astro Runtime 5.0.4, with the texts of the dynamic resource."""
    sandbox = platform(deployment("galactic-stars-1234", "2.2.3"))
    stack = native(sandbox, plugin=PACKAGE)
    stack.example()
    preview = stack.preview()
    ours = IMAGE.partition(":")[0]
    shown = "\n".join(preview.lines("data-eng")).replace(_TEAM, ours)
    assert shown == (_GOLDEN / "guide-preview.txt").read_text(encoding="utf-8").strip()
    assert re.search(
        r"^ \+ +astro:index:DeploymentRuntime data-eng create AC 2\.2\.3 > AC 2\.3\.0 > Astro Runtime 5\.0\.4$",
        preview.text,
        re.MULTILINE,
    ), preview.text
    assert 'runs: "Astro Runtime 5.0.4"' in preview.text
    up = stack.up()
    shown = "\n".join(up.lines("data-eng")).replace(_TEAM, ours)
    assert shown == (_GOLDEN / "guide-up.txt").read_text(encoding="utf-8").strip()
    assert sandbox.show("galactic-stars-1234")["version"] == "5.0.4"
    assert sandbox.mutations() == [
        "updateDeploymentAirflow",
        "updateDeploymentImage",
        "updateDeploymentRuntime",
        "updateDeploymentImage",
    ]
    saved = stack.outputs("data-eng")
    assert {name: saved.get(name) for name in ("path", "hops", "currentVersion", "airflowVersion", "pending")} == {
        "path": "AC 2.2.3 > AC 2.3.0 > Astro Runtime 5.0.4",
        "hops": 2,
        "currentVersion": "Astro Runtime 5.0.4",
        "airflowVersion": "2.3.0",
        "pending": None,
    }
    again = stack.preview("--expect-no-changes")
    assert again.lines("data-eng") == []
    stack.example(**{"5.0.4": "4.2.5"})
    refused = stack.preview(code=1)
    [reason, *others] = refused.lines("data-eng")
    assert "property runtimeVersion value {4.2.5} has a problem" in reason
    assert any(line.startswith("  NO-REVERT: Astro Runtime 4.2.5 is lower") for line in others)
    destroyed = stack.run("destroy", "--yes", "--skip-preview", code=0)
    [line] = destroyed.lines("data-eng")
    assert "is forgotten, and nothing is changed on it; it last ran Astro Runtime 5.0.4" in line
    assert sandbox.show("galactic-stars-1234")["version"] == "5.0.4"
    assert TOKEN not in stack.files()

"""The main job on the real engine: preview shows the path, up walks it, and afterwards there is nothing to do."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from tests.e2e.pulumi_project import IMAGE, MARKED_BLOCKS, PLUGIN
from tests.e2e.sandbox_process import TOKEN, deployment

if TYPE_CHECKING:
    from tests.e2e.conftest import MakeProject, StartSandbox

_GOLDEN = Path(__file__).parent / "golden"


def test_the_guides_own_migration(platform: StartSandbox, project: MakeProject) -> None:
    """AC 2.2.3 migrates to Astro Runtime 5.0.4 through AC 2.3.0, as the preview says."""
    sandbox = platform(deployment("galactic-stars-1234", "2.2.3"))
    stack = project(sandbox, plugin=PLUGIN)
    stack.declare({"name": "data-eng", "releaseName": "galactic-stars-1234", "runtimeVersion": "5.0.4", "image": IMAGE})
    preview = stack.preview()
    assert "\n".join(preview.lines("data-eng")) == (_GOLDEN / "guide-preview.txt").read_text(encoding="utf-8").strip()
    assert re.search(
        r"^ \+ +\S+DeploymentRuntime data-eng create AC 2\.2\.3 > AC 2\.3\.0 > Astro Runtime 5\.0\.4$",
        preview.text,
        re.MULTILINE,
    ), preview.text
    assert sandbox.mutations() == []
    up = stack.up()
    assert "\n".join(up.lines("data-eng")) == (_GOLDEN / "guide-up.txt").read_text(encoding="utf-8").strip()
    assert sandbox.show("galactic-stars-1234")["version"] == "5.0.4"
    assert sandbox.mutations() == [
        "updateDeploymentAirflow",
        "updateDeploymentImage",
        "updateDeploymentRuntime",
        "updateDeploymentImage",
    ]
    outputs = stack.outputs("data-eng")
    assert {name: outputs.get(name) for name in ("path", "hops", "current_version", "airflow_version", "pending")} == {
        "path": "AC 2.2.3 > AC 2.3.0 > Astro Runtime 5.0.4",
        "hops": 2,
        "current_version": "Astro Runtime 5.0.4",
        "airflow_version": "2.3.0",
        "pending": None,
    }
    assert outputs["release_name"] == "galactic-stars-1234"
    assert outputs["deployment_id"] == "ckwgalacticstars1234"
    assert outputs["airflow_url"].endswith("/galactic-stars-1234/airflow")
    again = stack.preview("--expect-no-changes")
    assert again.lines("data-eng") == []
    stack.run("up", "--yes", "--expect-no-changes", code=0)
    assert TOKEN not in "".join(path.read_text(errors="replace") for path in stack.folder.rglob("*.json*"))
    destroyed = stack.run("destroy", "--yes", "--skip-preview", code=0)
    for name, result in (("preview", preview), ("up", up), ("destroy", destroyed)):
        assert MARKED_BLOCKS[name] in "".join(f"{line}\n" for line in result.lines("data-eng")), name


def test_preview_costs_the_same_requests_for_one_and_for_many(platform: StartSandbox, project: MakeProject) -> None:
    """Two requests for any number of Deployments and workspaces."""
    names = [f"release-{number}" for number in range(30)]
    sandbox = platform(*(deployment(name, "2.2.3", workspace=f"ckw0space{name[-1]}") for name in names))
    stack = project(sandbox)
    stack.declare(*({"releaseName": name, "runtimeVersion": "5.0.4"} for name in names))
    sandbox.forget_requests()
    preview = stack.preview()
    assert preview.text.count("AC 2.2.3 > AC 2.3.0 > Astro Runtime 5.0.4 (2 hops") >= len(names)
    assert [request["path"] for request in sandbox.requests()] == ["/v1"] * 2


def test_json_preview_carries_the_plan(platform: StartSandbox, project: MakeProject) -> None:
    """The previewed inputs hold the plan's lines, path and hops."""
    import json  # noqa: PLC0415 - only here

    sandbox = platform(deployment("stars-1", "2.2.3"))
    stack = project(sandbox)
    stack.declare({"releaseName": "stars-1", "runtimeVersion": "5.0.4"})
    shown = stack.preview("--json").text
    steps = json.loads(shown[shown.index("{") :])["steps"]
    inputs = next(step["newState"]["inputs"] for step in steps if step["urn"].endswith("::stars-1"))
    assert inputs["path"] == "AC 2.2.3 > AC 2.3.0 > Astro Runtime 5.0.4"
    assert inputs["hops"] == 2
    assert inputs["plan"][0] == "stars-1: AC 2.2.3 > AC 2.3.0 > Astro Runtime 5.0.4 (2 hops, Airflow 2.2.3 > 2.3.0)"


def test_unknown_arguments_plan_nothing_and_say_so(platform: StartSandbox, project: MakeProject) -> None:
    """A version that depends on another resource is planned once that exists."""
    sandbox = platform(deployment("stars-1", "2.3.0"))
    stack = project(sandbox)
    stack.program(
        "import pulumi\n"
        "from pulumi import dynamic\n"
        "from astro_deployment_runtime import AstroDeploymentRuntime\n"
        "class Versions(dynamic.ResourceProvider):\n"
        "    def create(self, props):\n"
        "        return dynamic.CreateResult('one', {'version': '5.0.4'})\n"
        "class Version(dynamic.Resource):\n"
        "    version: pulumi.Output[str]\n"
        "made = Version(Versions(), 'wanted', {'version': None})\n"
        "AstroDeploymentRuntime('data-eng', release_name='stars-1', runtime_version=made.version,\n"
        f"                       image={IMAGE!r})\n"
    )
    assert any("nothing is planned yet" in line for line in stack.preview().lines("data-eng"))
    assert sandbox.requests() == []
    stack.up()
    assert sandbox.show("stars-1")["version"] == "5.0.4"


def test_works_on_pulumis_own_host(platform: StartSandbox, project: MakeProject) -> None:
    """A project that only installed the package plans, refuses and upgrades, with fewer messages."""
    sandbox = platform(deployment("stars-1", "2.2.3"))
    stack = project(sandbox)
    stack.on_the_stock_host()
    stack.declare({"releaseName": "stars-1", "runtimeVersion": "5.0.4", "image": IMAGE})
    assert "AC 2.2.3 > AC 2.3.0" in stack.preview().text
    stack.up()
    assert sandbox.show("stars-1")["version"] == "5.0.4"
    stack.preview("--expect-no-changes")
    stack.declare({"releaseName": "stars-1", "runtimeVersion": "4.2.5"})
    assert "NO-REVERT" in stack.preview(code=1).text

"""The pipelines in examples/ci on the real engine: their scripts unchanged, with stubs for the forges' tools."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING, Any, Final

import yaml

from tests.e2e.pulumi_project import IMAGE
from tests.e2e.sandbox_process import ROOT, TOKEN, deployment

if TYPE_CHECKING:
    from pathlib import Path

    from tests.e2e.conftest import MakeProject, StartSandbox
    from tests.e2e.pulumi_project import Project

_EXAMPLES: Final = ROOT / "examples" / "ci"
_STAND_IN: Final = """#!/bin/sh
printf '%s\\n' "$*" >> "$CALLS"
case "$*" in *--paginate*|*per_page*) cat "$FOUND" ;; esac
"""
_MARKER: Final = "<!-- astro-deployment-runtime: astro/test -->"


class Forge:
    """A pipeline's machine with a stub of the forge's tool: it records its calls, and finds a comment."""

    def __init__(self, stack: Project, tool: str, **variables: str) -> None:
        self.folder = stack.folder
        tools = stack.folder / "tools"
        tools.mkdir()
        (tools / tool).write_text(_STAND_IN, encoding="utf-8")
        (tools / tool).chmod(0o755)
        self._calls, self._found = stack.folder / "calls", stack.folder / "found"
        token = {"ASTRO_HOUSTON_TOKEN": "", "ASTRO_VIEWER_TOKEN": TOKEN, "ASTRO_EDITOR_TOKEN": TOKEN}
        files = {"CALLS": str(self._calls), "FOUND": str(self._found)}
        path = f"{tools}:{stack.environment['PATH']}"
        self._environment = {**stack.environment, **token, **files, "PATH": path, "STACK": "test", **variables}

    def run(self, script: str, **variables: str) -> int:
        """Run a script as a runner does: with bash, until a command fails."""
        environment = {**self._environment, **variables}
        return subprocess.run(["bash", "-e", "-c", script], cwd=self.folder, env=environment, check=False).returncode

    def find(self, text: str) -> None:
        """Let the tool find that comment, and clear its recorded calls."""
        self._found.write_text(text, encoding="utf-8")
        self._calls.write_text("", encoding="utf-8")

    @property
    def last_call(self) -> str:
        """Return the words of the last call."""
        return self._calls.read_text(encoding="utf-8").splitlines()[-1]


def read(path: Path) -> Any:
    """Read an example."""
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def ready(platform: StartSandbox, project: MakeProject) -> tuple[Any, Project]:
    """A Deployment to upgrade."""
    sandbox = platform(deployment("stars-1", "2.2.3"))
    stack = project(sandbox)
    stack.declare({"releaseName": "stars-1", "runtimeVersion": "5.0.4", "image": IMAGE})
    return sandbox, stack


def refuse(stack: Project) -> None:
    """Declare a version that is not on offer."""
    stack.declare({"releaseName": "stars-1", "runtimeVersion": "9.9.9"})


def test_the_github_workflow_comments_and_upgrades(platform: StartSandbox, project: MakeProject) -> None:
    """The first run makes a comment and later ones update it, also for a refusal; up does the rest."""
    jobs = read(_EXAMPLES / "github.yml")["jobs"]
    steps = {step["name"]: step["run"] for job in jobs.values() for step in job["steps"] if "run" in step}
    tokens = {
        step["name"]: step["env"]["ASTRO_HOUSTON_TOKEN"].strip("${} ").removeprefix("secrets.")
        for job in jobs.values()
        for step in job["steps"]
        if "ASTRO_HOUSTON_TOKEN" in step.get("env", {})
    }
    assert tokens == {"Preview": "ASTRO_VIEWER_TOKEN", "Up": "ASTRO_EDITOR_TOKEN"}
    sandbox, stack = ready(platform, project)
    summary = stack.folder / "summary.md"
    forge = Forge(stack, "gh", GITHUB_STEP_SUMMARY=str(summary), GITHUB_REPOSITORY="team/infra", NUMBER="7")
    forge.find("")
    assert [forge.run(steps[name], ASTRO_HOUSTON_TOKEN=TOKEN) for name in ("Preview", "Report", "Comment")] == [0, 0, 0]
    assert forge.last_call == "pr comment 7 --repo team/infra --body-file report.md"
    report = (stack.folder / "report.md").read_text(encoding="utf-8")
    assert report.startswith(f"{_MARKER}\n")
    assert "| <code>stars-1</code> | 2 hops |" in report
    assert summary.read_text(encoding="utf-8") == report
    refuse(stack)
    forge.find("17\n")
    assert [forge.run(steps[name], ASTRO_HOUSTON_TOKEN=TOKEN) for name in ("Preview", "Report", "Comment")] == [1, 0, 0]
    assert forge.last_call == "api --silent --method PATCH repos/team/infra/issues/comments/17 --field body=@report.md"
    assert "**1 refused**" in (stack.folder / "report.md").read_text(encoding="utf-8")
    assert sandbox.mutations() == []
    stack.declare({"releaseName": "stars-1", "runtimeVersion": "5.0.4", "image": IMAGE})
    assert forge.run(steps["Up"], ASTRO_HOUSTON_TOKEN=TOKEN) == 0
    assert sandbox.show("stars-1")["version"] == "5.0.4"


def test_the_gitlab_pipeline_comments_and_upgrades(platform: StartSandbox, project: MakeProject) -> None:
    """As on GitHub; its job fails as the preview did, after the comment."""
    jobs = read(_EXAMPLES / "gitlab.yml")
    sandbox, stack = ready(platform, project)
    notes = "https://gitlab.example.com/api/v4/projects/3/merge_requests/7/notes"
    forge = Forge(
        stack,
        "curl",
        CI_API_V4_URL="https://gitlab.example.com/api/v4",
        CI_PROJECT_ID="3",
        CI_MERGE_REQUEST_IID="7",
        GITLAB_TOKEN="of-the-forge",
    )
    preview, up = ("\n".join(jobs[name]["script"]) for name in ("preview", "up"))
    forge.find("[]")
    assert forge.run(preview) == 0
    assert "--request POST" in forge.last_call
    assert forge.last_call.endswith(f" {notes}")
    report = (stack.folder / "report.md").read_text(encoding="utf-8")
    assert report.startswith(f"{_MARKER}\n")
    refuse(stack)
    forge.find('[{"id": 16, "body": "lgtm"}, {"id": 17, "body": "' + _MARKER + '\\n..."}]')
    assert forge.run(preview) == 1
    assert "--request PUT" in forge.last_call
    assert forge.last_call.endswith(f" {notes}/17")
    assert '<failure message="no path from AC 2.2.3' in (stack.folder / "report.xml").read_text(encoding="utf-8")
    assert sandbox.mutations() == []
    stack.declare({"releaseName": "stars-1", "runtimeVersion": "5.0.4", "image": IMAGE})
    assert forge.run(up) == 0
    assert sandbox.show("stars-1")["version"] == "5.0.4"

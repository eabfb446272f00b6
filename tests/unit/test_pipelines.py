"""The example pipelines in examples/ci, checked without an engine."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

_EXAMPLES: Final = Path(__file__).parents[2] / "examples" / "ci"
_GITHUB: Final = _EXAMPLES / "github.yml"
_GITLAB: Final = _EXAMPLES / "gitlab.yml"


def read(path: Path) -> Any:
    """Read an example. YAML 1.1 reads the key `on` as true."""
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def github_scripts() -> list[str]:
    """Return the scripts of all steps."""
    return [step["run"] for job in read(_GITHUB)["jobs"].values() for step in job["steps"] if "run" in step]


def gitlab_scripts() -> list[str]:
    """Return the scripts of all jobs."""
    jobs = [job for job in read(_GITLAB).values() if isinstance(job, dict)]
    return ["\n".join(job[key]) for job in jobs for key in ("before_script", "script") if key in job]


@pytest.mark.parametrize(("path", "schema"), [(_GITHUB, "github-workflows"), (_GITLAB, "gitlab-ci")])
def test_an_example_matches_the_schema_of_its_forge(path: Path, schema: str) -> None:
    """The schema is the published one."""
    words = ["--builtin-schema", f"vendor.{schema}", "--data-transform", "gitlab-ci"]
    words = words if schema == "gitlab-ci" else words[:2]
    run = subprocess.run(
        [sys.executable, "-m", "check_jsonschema", *words, str(path)], capture_output=True, check=False, text=True
    )
    assert run.returncode == 0, run.stdout


@pytest.mark.parametrize("script", [*github_scripts(), *gitlab_scripts()])
def test_each_script_is_valid_bash(script: str) -> None:
    """No expression of the forge is in its text: untrusted values come from the environment."""
    run = subprocess.run(["bash", "-n"], input=script, capture_output=True, check=False, text=True)
    assert run.stderr == ""
    assert "${{" not in script


def test_a_pull_request_cannot_change_deployments() -> None:
    """It runs with a Viewer's token, not for forks, and may write only its comment."""
    workflow = read(_GITHUB)
    assert set(workflow[True]) == {"pull_request", "push"}
    assert workflow["permissions"] == {"contents": "read"}
    preview, up = workflow["jobs"]["preview"], workflow["jobs"]["up"]
    assert preview["permissions"] == {"contents": "read", "pull-requests": "write"}
    assert "github.event.pull_request.head.repo.full_name == github.repository" in preview["if"]
    assert up["if"] == "github.event_name == 'push'"
    assert "ASTRO_EDITOR_TOKEN" not in str(preview)
    assert "ASTRO_EDITOR_TOKEN" not in str(read(_GITLAB)["preview"])


def test_only_a_finished_report_is_commented() -> None:
    """A refused preview has a report. A failed report has no first line that identifies the comment to replace."""
    steps = {step.get("name"): step for step in read(_GITHUB)["jobs"]["preview"]["steps"]}
    assert steps["Report"]["id"] == "report"
    assert steps["Report"]["if"] == "${{ !cancelled() }}"
    assert steps["Comment"]["if"] == "${{ !cancelled() && steps.report.outcome == 'success' }}"


def test_the_next_run_never_cancels_up() -> None:
    """A run waits for the one before, may take hours, and receives the cancel signal itself."""
    up = read(_GITHUB)["jobs"]["up"]
    assert up["concurrency"]["cancel-in-progress"] is False
    assert up["timeout-minutes"] >= 360
    other = read(_GITLAB)["up"]
    assert (other["interruptible"], other["timeout"]) == (False, "6h")
    assert other["resource_group"]
    for script in (*github_scripts(), *gitlab_scripts()):
        for line in re.findall(r"^.*pulumi up.*$", script, re.MULTILINE):
            assert re.search(r"\bexec pulumi up\b", line)


def test_the_settings_are_listed() -> None:
    """The page has exactly the secrets that the examples use."""
    page = (_EXAMPLES.parents[1] / "docs" / "pull-requests.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `([A-Z_]+)` \| (both|GitLab) \|", page, re.MULTILINE)
    secrets = set(re.findall(r"secrets\.([A-Z_]+)", _GITHUB.read_text(encoding="utf-8")))
    assert {name for name, where in rows if where == "both"} == secrets
    others = [name for name, where in rows if where == "GitLab"]
    assert others
    assert all(f"${name}" in _GITLAB.read_text(encoding="utf-8") for name in others)

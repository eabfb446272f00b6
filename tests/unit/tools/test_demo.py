"""The demo's parts: commands with an expected result, and a sandbox that ends with the demo."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from typing import TYPE_CHECKING

import pytest
import yaml

from sandbox.client import Client
from sandbox.errors import SandboxError
from tools import demo, playground, sandbox_project

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def stage(tmp_path: Path) -> demo.Stage:
    """A stage without a sandbox, on which any command can be run."""
    return demo.Stage(project=tmp_path, environment=dict(os.environ), houston=Client("http://127.0.0.1:9/v1", "token"))


def test_command_is_shown_before_its_output(stage: demo.Stage, capfd: pytest.CaptureFixture[str]) -> None:
    """The reader sees what was typed, then what came; the colours stay on the screen and out of the judgement."""
    printed = stage.run("printf", r"\033[1mbold\033[0m\n")
    assert printed == "bold\n"
    assert capfd.readouterr().out.split("\n", 2)[1:] == [r"$ printf '\033[1mbold\033[0m\n'", "\x1b[1mbold\x1b[0m\n"]


@pytest.mark.parametrize(("words", "code"), [(["false"], 0), (["true"], None), (["true"], 3)])
def test_another_exit_code_is_unexpected(stage: demo.Stage, words: list[str], code: int | None) -> None:
    """A step that fails, or does not fail as it should, ends the demo."""
    with pytest.raises(demo.UnexpectedResultError, match="ended with exit code"):
        stage.run(*words, code=code)


def test_quiet_command_speaks_when_it_fails(stage: demo.Stage, capfd: pytest.CaptureFixture[str]) -> None:
    """A quiet command prints its output when it fails."""
    stage.run("echo", "held back", quiet=True)
    with pytest.raises(demo.UnexpectedResultError):
        stage.run("sh", "-c", "echo 'the reason'; exit 1", quiet=True)
    lines = capfd.readouterr().out.splitlines()
    assert "held back" not in lines
    assert "the reason" in lines


def test_hanging_command_is_interrupted(stage: demo.Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """A command that does not end is ended, even if it ignores the interruption."""
    # Long enough for a shell to start; a Python may not have started on a slow machine.
    monkeypatch.setattr(demo, "_COMMAND_SECONDS", 0.5)
    began = time.monotonic()
    with pytest.raises(demo.UnexpectedResultError, match="exit code -9"):
        stage.run("sh", "-c", "trap '' INT; exec sleep 60")
    assert time.monotonic() - began < 30


def test_interrupted_command_is_waited_for(stage: demo.Stage, tmp_path: Path) -> None:
    """A command that tidies up on Ctrl-C has the time to do it, and somebody who listens to what it says meanwhile."""
    program = """
import pathlib, sys, time
try:
    print('running', flush=True)
    time.sleep(60)
except KeyboardInterrupt:
    print('tidying up ' * 100_000, flush=True)
    pathlib.Path('tidy').touch()
"""

    def interrupted() -> None:
        command = [sys.executable, "-c", program]
        with demo._running(command, stage.project, stage.environment) as process:
            assert process.stdout is not None
            assert process.stdout.readline() == "running\n"
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert (tmp_path / "tidy").exists()


def test_foreign_settings_are_left_out(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A user's own stack, platform and tokens have no part in the demo."""
    monkeypatch.setenv("PULUMI_STACK", "production")
    monkeypatch.setenv("ASTRO_CA_FILE", "/production.pem")
    environment = sandbox_project.environment(
        sandbox_project.pulumi_settings(folder=tmp_path, url="http://127.0.0.1:1/v1")
    )
    assert not {"PULUMI_STACK", "ASTRO_CA_FILE"} & environment.keys()
    assert environment["ASTRO_HOUSTON_URL"] == "http://127.0.0.1:1/v1"
    assert environment["PATH"] == os.environ["PATH"]
    assert environment["PULUMI_BACKEND_URL"] == f"file://{tmp_path}/state"


def test_sandbox_serves_the_demo_fleet_and_ends(tmp_path: Path) -> None:
    """The sandbox has the fleet that the issue asks for, and does not outlive its block."""
    with sandbox_project.sandbox(state=tmp_path / "state", rollout_seconds=0) as url:
        fleet = Client(url, sandbox_project.TOKEN).fleet()
    assert [(row["distribution"], row["version"]) for row in fleet] == [
        ("certified", "2.2.3"),
        ("certified", "2.3.0"),
        ("runtime", "4.2.5"),
        ("runtime", "5.0.4"),
        ("certified", "2.2.5"),
    ]
    with pytest.raises(SandboxError, match="no sandbox answers"):
        Client(url, sandbox_project.TOKEN).fleet()


def test_example_in_yaml_finds_its_plugin_and_the_fleet() -> None:
    """The path in the example is relative, and the demo's copy is elsewhere."""
    with demo.staged_in_yaml() as stage:
        program = yaml.safe_load((stage.project / "Pulumi.yaml").read_text(encoding="utf-8"))
        plugin = stage.project / program["plugins"]["providers"][0]["path"]
        assert os.access(plugin / "pulumi-resource-astro", os.X_OK)
        names = {row["releaseName"] for row in stage.houston.fleet()}
        assert {each["properties"]["releaseName"] for each in program["resources"].values()} <= names


def test_sandbox_that_does_not_start_tells_why(tmp_path: Path) -> None:
    """Its own words are in the error."""
    with (
        pytest.raises(sandbox_project.SandboxNotStartedError, match=r"did not start\n.*state"),
        sandbox_project.sandbox(state=tmp_path / "no" / "such" / "state", rollout_seconds=0),
    ):
        pass


def test_team_deploys_what_its_deployment_waits_for(tmp_path: Path) -> None:
    """The played team answers a pending hop with an image of that distribution and version."""
    fleet = tmp_path / "fleet.yaml"
    fleet.write_text(sandbox_project.FLEET.read_text() + "  pending: 2.3.0\n")
    done = threading.Event()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sandbox_project, "FLEET", fleet)
        with sandbox_project.sandbox(state=tmp_path / "state", rollout_seconds=0) as url:
            client = Client(url, sandbox_project.TOKEN)
            environment = sandbox_project.environment(
                sandbox_project.pulumi_settings(folder=tmp_path / "pulumi", url=url)
            )
            with demo.team(demo.Stage(project=tmp_path, environment=environment, houston=client)):
                deadline = time.monotonic() + 30
                while not done.wait(0.1) and time.monotonic() < deadline:
                    row = next(row for row in client.fleet() if row["releaseName"] == demo.WAITING)
                    if (row["distribution"], row["version"], row["pending"]) == ("certified", "2.3.0", ""):
                        done.set()
    assert done.is_set()


def test_playground_says_what_to_paste(tmp_path: Path) -> None:
    """Every line is one that a shell takes, and together they lead to this sandbox."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(playground, "_FOLDER", tmp_path)
        lines = playground._paste("http://127.0.0.1:1/v1")
    shell = "\n".join([line for line in lines.splitlines() if not line.startswith("pulumi ")])
    printed = subprocess.run(
        ["/bin/sh", "-ec", f"{shell}\nenv; pwd"], capture_output=True, check=True, text=True
    ).stdout.splitlines()
    assert "ASTRO_HOUSTON_URL=http://127.0.0.1:1/v1" in printed
    assert f"PULUMI_BACKEND_URL=file://{tmp_path}/state" in printed
    assert printed[-1] == str(sandbox_project.ROOT)
    assert any(line.startswith(f"PATH={sandbox_project.ROOT}/.venv/bin:") for line in printed)

"""State in PostgreSQL: machines and people share a stack, one at a time, and the next run resumes."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
import time
from typing import TYPE_CHECKING, Final

import pytest

from tests.e2e import postgresql, processes
from tests.e2e.sandbox_process import ROOT, TOKEN, deployment

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.e2e.conftest import MakeProject, StartSandbox
    from tests.e2e.postgresql import Server
    from tests.e2e.pulumi_project import Project
    from tests.e2e.sandbox_process import Sandbox

_PASSPHRASE: Final = "of-the-stack-4711"
_IMAGES: Final = ("quay.io/astronomer/ap-airflow:2.3.0-onbuild", "quay.io/astronomer/astro-runtime:5.0.4")


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    """A PostgreSQL server for all tests here."""
    found = postgresql.programs()
    if found is None:
        pytest.skip("no PostgreSQL server here; have one with 'apt-get install postgresql', or its programs on PATH")
    with postgresql.running(found) as server:
        yield server


def shared(platform: StartSandbox, project: MakeProject, server: Server, database: str) -> tuple[Sandbox, Project]:
    """One Deployment, declared for Astro Runtime 5.0.4, its state in a database, the token a secret of the stack."""
    sandbox = platform(deployment("stars-1", "2.2.3"))
    environment = {**server.database(database), "PULUMI_CONFIG_PASSPHRASE": _PASSPHRASE, "ASTRO_HOUSTON_TOKEN": ""}
    stack = project(sandbox, environment)
    stack.declare({"releaseName": "stars-1", "runtimeVersion": "5.0.4"})
    stack.run("config", "set", "--secret", "astro:token", TOKEN, code=0)
    return sandbox, stack


def started(sandbox: Sandbox, process: subprocess.Popen[str]) -> None:
    """Wait until a hop is pending, while the run continues."""
    while not sandbox.show("stars-1")["pending"]:
        assert process.poll() is None, process.communicate()[0]
        time.sleep(0.1)


@contextlib.contextmanager
def waiting(sandbox: Sandbox, stack: Project) -> Iterator[subprocess.Popen[str]]:
    """Run ``pulumi up`` until its first hop waits for an image that nobody deploys."""
    process = stack.start("up", "--yes", "--skip-preview")
    try:
        started(sandbox, process)
        yield process
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate(timeout=20)


def refused(stack: Project, server: Server) -> None:
    """Run ``pulumi up`` on a stack that is locked."""
    up = stack.up(code=1)
    assert "the stack is currently locked by 1 lock(s)" in up.text
    assert server.password not in up.text


def to_its_end(sandbox: Sandbox, process: subprocess.Popen[str]) -> None:
    """Push the image of each hop in turn, and let the run arrive."""
    for image in _IMAGES:
        started(sandbox, process)
        sandbox.deploy("stars-1", image)
    printed, _ = process.communicate(timeout=60)
    assert process.returncode == 0, printed


def test_a_second_run_at_the_same_time_is_refused(
    platform: StartSandbox, project: MakeProject, server: Server, tmp_path: Path
) -> None:
    """From another checkout, which may preview; the first run arrives, and both then find nothing to do."""
    sandbox, stack = shared(platform, project, server, "locked")
    other = stack.checkout(tmp_path / "other")
    assert "AC 2.2.3 > AC 2.3.0 > Astro Runtime 5.0.4 (2 hops" in other.preview().text
    with waiting(sandbox, stack) as first:
        refused(other, server)
        assert "Hop 1 is already pending" in other.preview().text
        to_its_end(sandbox, first)
    for each in (stack, other):
        each.preview("--expect-no-changes")
    assert sandbox.mutations().count("updateDeploymentAirflow") == 1


def test_another_checkout_goes_on_after_a_crash(
    platform: StartSandbox, project: MakeProject, server: Server, tmp_path: Path
) -> None:
    """After a kill of the engine in a hop and the removal of its lock, no hop starts twice."""
    sandbox, stack = shared(platform, project, server, "crashed")
    with waiting(sandbox, stack) as crashed:
        plugins = processes.plugins(crashed.pid)
        crashed.kill()
        assert processes.gone(plugins, within=5)
    other = stack.checkout(tmp_path / "other")
    refused(other, server)
    other.run("cancel", "--yes", code=0)
    with waiting(sandbox, other) as resumed:
        to_its_end(sandbox, resumed)
    other.run("refresh", "--yes", "--clear-pending-creates", code=0)
    stack.preview("--expect-no-changes")
    assert stack.outputs("stars-1")["current_version"] == "Astro Runtime 5.0.4"
    assert stack.outputs("stars-1").get("pending") is None
    assert sandbox.show("stars-1")["version"] == "5.0.4"
    starts = [name for name in sandbox.mutations() if name.startswith("updateDeployment")]
    assert starts == ["updateDeploymentAirflow", "updateDeploymentRuntime"]


def test_the_database_holds_no_secret(platform: StartSandbox, project: MakeProject, server: Server) -> None:
    """Neither the token nor the passphrase is in the state, its history or the lock, during and after a run."""
    sandbox, stack = shared(platform, project, server, "secrets")
    with waiting(sandbox, stack) as run:
        blobs = server.blobs("secrets")
        assert any("/locks/" in key for key in blobs)
        run.send_signal(signal.SIGINT)
        run.communicate(timeout=20)
    after = server.blobs("secrets")
    assert not any("/locks/" in key for key in after)
    assert any(b"AC 2.3.0" in blob for key, blob in after.items() if "/stacks/" in key)
    for key, blob in [*blobs.items(), *after.items()]:
        assert TOKEN.encode() not in blob, key
        assert _PASSPHRASE.encode() not in blob, key


def test_a_lost_state_is_recreated(platform: StartSandbox, project: MakeProject, server: Server) -> None:
    """From the same files in an empty database: the pending hop counts as foreign, and is adopted."""
    sandbox, stack = shared(platform, project, server, "lost")
    with waiting(sandbox, stack) as run:
        run.send_signal(signal.SIGINT)
        run.communicate(timeout=20)
    stack.environment |= server.database("second")
    stack.run("stack", "init", "test", code=0)
    with waiting(sandbox, stack) as resumed:
        to_its_end(sandbox, resumed)
    assert sandbox.mutations().count("updateDeploymentAirflow") == 1


def test_the_shown_settings_lead_to_a_database(platform: StartSandbox, project: MakeProject, server: Server) -> None:
    """The settings of docs/operations.md, except for the host and its certificate."""
    stack = project(platform(deployment("stars-1", "2.2.3")))
    shown = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
    (settings,) = re.findall(r"^```sh\n([^`]*postgres://[^`]*)```$", shown, re.MULTILINE)
    server.database("pulumi")
    here = settings.replace("db.example.com", f"127.0.0.1:{server.port}").replace("verify-full", "disable")
    subprocess.run(
        ["bash", "-ec", here],
        cwd=stack.folder,
        env={**stack.environment, "DATABASE_PASSWORD": server.password, "STACK_PASSPHRASE": _PASSPHRASE},
        check=True,
    )
    assert any("/stacks/astro/production" in key for key in server.blobs("pulumi"))

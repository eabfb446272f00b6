"""An Astro project that delivers the images, on the real engine: preview, up, and the folder afterwards."""

from __future__ import annotations

import os
import re
import sys
from typing import TYPE_CHECKING

import pytest
import yaml

from tests.e2e.sandbox_process import ROOT, TOKEN, Sandbox, deployment

if TYPE_CHECKING:
    from pathlib import Path

    from tests.e2e.conftest import MakeProject, StartSandbox
    from tests.e2e.pulumi_project import Project

RELEASE = "galactic-stars-1234"
AC, RUNTIME = "quay.io/astronomer/ap-airflow", "quay.io/astronomer/astro-runtime"
BEFORE = (
    "# syntax=docker/dockerfile:1\r\n"
    f"FROM --platform=linux/amd64 {AC}:2.2.3-1-onbuild AS base\r\n"
    "# FROM scratch\r\n"
    "RUN pip install \\\r\n  x\r\n"
)
AFTER = BEFORE.replace(f"{AC}:2.2.3-1-onbuild", f"{RUNTIME}:5.0.4")


@pytest.fixture
def airflow(tmp_path: Path) -> Path:
    """An Astro project beside the Pulumi project, and a stub of the vendor's CLI that pushes to the sandbox."""
    folder = tmp_path / "airflow"
    (folder / ".astro").mkdir(parents=True)
    (folder / ".astro" / "config.yaml").write_text("project:\n  name: airflow\n", encoding="utf-8")
    (folder / "Dockerfile").write_bytes(BEFORE.encode())
    astro = tmp_path / "bin" / "astro"
    astro.parent.mkdir()
    astro.write_text(
        "#!/bin/sh\n"
        'echo "$*" >> ../asked\n'
        '[ "$1" = dev ] && exit 0\n'
        'image=$(sed -En "s/^FROM (--platform=[^ ]* )?([^ ]*).*/\\2/p" Dockerfile)\n'
        'echo "pushing $image with $ASTRO_HOUSTON_TOKEN"\n'
        f'cd {ROOT} && exec {sys.executable} -m sandbox deploy {RELEASE} "$image"\n',
        encoding="utf-8",
    )
    astro.chmod(0o755)
    return folder


@pytest.fixture
def stack(platform: StartSandbox, project: MakeProject, airflow: Path) -> tuple[Sandbox, Project]:
    """The guide's Deployment, and a stack with the stub on PATH."""
    sandbox = platform(deployment(RELEASE, "2.2.3"), deployment("tides-2", "2.2.3"))
    made = project(sandbox)
    made.environment["PATH"] = f"{airflow.parent / 'bin'}{os.pathsep}{made.environment['PATH']}"
    return sandbox, made


def entry(release: str = RELEASE, **project: str) -> dict[str, object]:
    """An entry that delivers the project."""
    return {"releaseName": release, "runtimeVersion": "5.0.4", "project": {"path": "../airflow", **project}}


def asked(airflow: Path) -> list[str]:
    """Return the calls of the stub."""
    path = airflow.parent / "asked"
    return path.read_text(encoding="utf-8").splitlines() if path.exists() else []


def test_up_deploys_the_project_for_each_hop(stack: tuple[Sandbox, Project], airflow: Path) -> None:
    """Preview shows the FROM lines; up writes, tests and deploys each; the rest of the Dockerfile stays."""
    sandbox, made = stack
    made.declare(entry(test="astro dev parse"))
    lines = made.preview().lines(RELEASE)
    assert lines[-4:] == [
        f"Hop 1 writes FROM --platform=linux/amd64 {AC}:2.3.0-onbuild AS base",
        f"Hop 2 writes FROM --platform=linux/amd64 {RUNTIME}:5.0.4 AS base",
        "Hop 2 leaves -onbuild out: images of Astro Runtime copy a project in without it.",
        "Each hop then runs 'astro dev parse' and 'astro deploy {deployment_id} --force' in ../airflow.",
    ]
    assert (airflow / "Dockerfile").read_bytes().decode() == BEFORE
    up = made.up()
    assert f"pushing {AC}:2.3.0-onbuild with ***" in up.text
    assert sandbox.show(RELEASE)["version"] == "5.0.4"
    assert (airflow / "Dockerfile").read_bytes().decode() == AFTER
    deploy = f"deploy ckw{RELEASE.replace('-', '')} --force"
    assert asked(airflow) == ["dev parse", deploy, "dev parse", deploy]
    assert sandbox.mutations() == ["updateDeploymentAirflow", "updateDeploymentRuntime"]
    assert sorted(path.name for path in airflow.iterdir()) == [".astro", "Dockerfile"]
    made.preview("--expect-no-changes")
    assert TOKEN not in "".join(path.read_text(errors="replace") for path in made.folder.rglob("*.json*"))


def test_the_guide_shows_the_changes_of_a_project(stack: tuple[Sandbox, Project], airflow: Path) -> None:
    """The declaration, the output of preview and up, and the one changed line."""
    page = (ROOT / "docs" / "guide.md").read_text(encoding="utf-8").partition("## A project from beginning to end")[2]
    declared, before, preview, up, after = re.findall(r"^```\w+\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    _, made = stack
    (airflow / "Dockerfile").write_text(before, encoding="utf-8")
    made.declare(*yaml.safe_load(declared)["config"]["astro:deployments"])
    assert made.preview().lines("data-eng") == preview.splitlines()
    lines = made.up().lines("data-eng")
    assert [line for line in lines if line.startswith("hop ")] == up.splitlines()
    assert (airflow / "Dockerfile").read_text(encoding="utf-8") == after


def test_the_next_run_resumes_after_a_failed_test(stack: tuple[Sandbox, Project], airflow: Path) -> None:
    """The run names the failure and the restored release; the hop stays started, and does not start twice."""
    sandbox, made = stack
    (airflow / "check").write_text("#!/bin/sh\necho 'no module x'\nexit 3\n", encoding="utf-8")
    (airflow / "check").chmod(0o755)
    made.declare(entry(test="./check"))
    failed = made.up(code=1)
    assert "'./check' failed with exit code 3; it printed last:" in failed.text
    assert f"The Dockerfile of ../airflow builds on what runs again: {AC}:2.2.3-1-onbuild" in failed.text
    assert (airflow / "Dockerfile").read_bytes().decode() == BEFORE
    assert made.outputs(RELEASE)["pending"] == "AC 2.3.0"
    (airflow / "check").write_text("#!/bin/sh\n", encoding="utf-8")
    made.up()
    assert (airflow / "Dockerfile").read_bytes().decode() == AFTER
    assert sandbox.mutations().count("updateDeploymentAirflow") == 1


def test_preview_refuses_an_unusable_project(stack: tuple[Sandbox, Project], airflow: Path) -> None:
    """One folder for two Deployments, another base image than the running one, a missing program, a missing folder."""
    sandbox, made = stack
    made.declare(entry(), entry("tides-2"))
    assert "its Dockerfile names one release, so it serves one Deployment" in made.preview(code=1).text
    made.declare(entry(deploy="no-such-program {deployment_id}"))
    (airflow / "Dockerfile").write_text(f"FROM {RUNTIME}:6.0.0\n", encoding="utf-8")
    refused = made.preview(code=1).text
    assert "its Dockerfile builds on Astro Runtime 6.0.0" in refused
    assert "'no-such-program', which 'no-such-program {deployment_id}' runs, is not on PATH" in refused
    made.declare({**entry(), "project": {"path": "../elsewhere"}})
    assert "project.path '../elsewhere' is not a folder" in made.preview(code=1).text
    assert sandbox.mutations() == []

"""Secrets on the real engine: a canary in every argument that may be secret, searched for in all outputs and states."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

import pytest

from tests.e2e.sandbox_process import ROOT, deployment

if TYPE_CHECKING:
    from pathlib import Path

    from tests.e2e.conftest import MakeProject, StartSandbox
    from tests.e2e.pulumi_project import Project

CANARY: Final = "canary-4711"
IMAGE: Final = f"registry.example.com/{CANARY}/airflow:{{distribution}}-{{version}}"
PROGRAM: Final = """
import pulumi
from astro_deployment_runtime import AstroDeploymentRuntime
from astro_deployment_runtime import declare_fleet
declare_fleet()
secret = pulumi.Config("app")
AstroDeploymentRuntime("own", release_name="wind-3", runtime_version="5.0.4", image=secret.require_secret("image"))
AstroDeploymentRuntime(
    "built", release_name="tides-4", runtime_version="5.0.4",
    project={"path": secret.require_secret("path"), "deploy": "./deploy"},
)
"""


def astro_project(folder: Path, url: str) -> str:
    """Write an Astro project whose deploy command prints its folder, and deploys."""
    (folder / ".astro").mkdir(parents=True)
    (folder / ".astro" / "config.yaml").touch()
    (folder / "Dockerfile").write_text("FROM quay.io/astronomer/astro-runtime:4.2.5\n", encoding="utf-8")
    (folder / "deploy").write_text(
        '#!/bin/sh\npwd; cd "$SANDBOX" || exit 1\n'
        f"exec python -m sandbox deploy tides-4 quay.io/astronomer/astro-runtime:5.0.4 --url {url} --token "
        '"$ASTRO_HOUSTON_TOKEN"\n',
        encoding="utf-8",
    )
    (folder / "deploy").chmod(0o755)
    return str(folder)


@pytest.mark.parametrize("host", ["ours", "stock"])
def test_no_output_or_state_contains_a_secret_argument(
    platform: StartSandbox, project: MakeProject, tmp_path: Path, host: str
) -> None:
    """By resource and by the fleet's config; on Pulumi's own host the state is encrypted, but texts show it."""
    fleet = [deployment(name, "4.2.5") for name in ("stars-1", "wind-3", "tides-4", "plain-5")]
    sandbox = platform(*fleet)
    stack = project(sandbox, {"SANDBOX": str(ROOT)})
    stack.program(PROGRAM)
    stack.declare(
        {"releaseName": "stars-1", "runtimeVersion": "5.0.4"},
        {"releaseName": "plain-5", "runtimeVersion": "5.0.4", "image": "registry.example.com/plain:{version}"},
    )
    path = astro_project(tmp_path / CANARY, sandbox.url)
    for key, value in (("app:image", IMAGE), ("app:path", path), ("astro:deployments[0].image", IMAGE)):
        stack.run("config", "set", "--secret", "--path", key, value, code=0)
    if host == "stock":
        stack.on_the_stock_host()
        stack.up()
    else:
        shown = [
            stack.preview("--save-plan=plan.json").text,
            stack.preview("--diff", "--debug").text,
            stack.preview("--json").text,
        ]
        assert "Hop 1 delivers [secret]" in shown[0]
        assert "Each hop then runs './deploy' in [secret]." in shown[0]
        assert json.loads(shown[2])["steps"]
        shown += [stack.up("--plan=plan.json").text, stack.preview("--expect-no-changes").text]
        shown.append(stack.run("refresh", "--yes", code=0).text)
        assert [text for text in shown if CANARY in text] == []
    assert {row["version"] for row in sandbox.fleet()} == {"5.0.4"}
    check_state(stack)


def check_state(stack: Project) -> None:
    """Check that the state has the canary nowhere in clear, and every other value."""
    for resource in stack.state():
        assert resource["outputs"]["path"] == resource["inputs"]["path"]
        for values in (resource["inputs"], resource["outputs"]):
            assert "ciphertext" in values["plan"]
            hidden = values["image"] if "image" in values else values["project"]["path"]
            assert "ciphertext" in hidden
    files = [path for path in stack.folder.rglob("*") if path.is_file()]
    assert [str(path) for path in files if CANARY.encode() in path.read_bytes()] == []

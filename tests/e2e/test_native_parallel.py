"""Many Deployments side by side from YAML: every hop starts before the first one has arrived."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

import pytest

from tests.e2e.native_project import TYPE
from tests.e2e.pulumi_project import IMAGE
from tests.e2e.sandbox_process import deployment

if TYPE_CHECKING:
    from tests.e2e.conftest import MakeNativeProject, StartSandbox


def side_by_side(platform: StartSandbox, native: MakeNativeProject, count: int, rollout: int) -> None:
    """Upgrade so many Deployments at once, each with two hops."""
    names = [f"release-{number}" for number in range(count)]
    sandbox = platform(*(deployment(name, "2.2.3") for name in names), rollout_seconds=str(rollout))
    stack = native(sandbox)
    properties = {"runtimeVersion": "5.0.4", "image": IMAGE}
    stack.write(
        {"resources": {name: {"type": TYPE, "properties": {"releaseName": name, **properties}} for name in names}}
    )
    stack.up("--parallel", str(count))
    assert {row["version"] for row in sandbox.fleet()} == {"5.0.4"}
    started = {
        field: [datetime.fromisoformat(request["time"]) for request in sandbox.requests() if field in request["fields"]]
        for field in ("updateDeploymentAirflow", "updateDeploymentRuntime")
    }
    assert {field: len(times) for field, times in started.items()} == dict.fromkeys(started, count)
    assert max(started["updateDeploymentAirflow"]) < min(started["updateDeploymentRuntime"])
    assert {saved["outputs"]["currentVersion"] for saved in stack.state()} == {"Astro Runtime 5.0.4"}


def test_twelve_deployments_side_by_side(platform: StartSandbox, native: MakeNativeProject) -> None:
    """More than the threads of Pulumi's own host, and than the engine's default."""
    side_by_side(platform, native, 12, rollout=3)


@pytest.mark.soak
def test_a_hundred_deployments_side_by_side(platform: StartSandbox, native: MakeNativeProject) -> None:
    """With a rollout of 20 s, which is longer than the start of all."""
    side_by_side(platform, native, 100, rollout=20)

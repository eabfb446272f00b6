"""The requests of a fleet: a few reads for all together, two mutations for each Deployment and hop."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import pytest

from tests.e2e.pulumi_project import IMAGE, PLUGIN
from tests.e2e.sandbox_process import deployment

if TYPE_CHECKING:
    from tests.e2e.conftest import MakeProject, StartSandbox
    from tests.e2e.sandbox_process import Sandbox

HOPS = 2


def kinds(sandbox: Sandbox) -> Counter[str]:
    """Count the requests: those to Airflows, the reads of Houston, and its mutations by name."""
    counted: Counter[str] = Counter()
    for request in sandbox.requests():
        name = request["fields"][0] if request["fields"] else ""
        kind = name if name.startswith("update") else "reads"
        counted[kind if request["path"] == "/v1" else "health"] += 1
    return counted


@pytest.mark.parametrize("count", [1, 40])
def test_a_preview_costs_the_same_whatever_the_number(count: int, platform: StartSandbox, project: MakeProject) -> None:
    """The plugin sends two requests; under Pulumi's own host the program sends two more."""
    names = [f"stars-{number}" for number in range(count)]
    sandbox = platform(*(deployment(name, "2.2.3") for name in names))
    stack = project(sandbox)
    stack.declare(*({"releaseName": name, "runtimeVersion": "5.0.4", "image": IMAGE} for name in names))
    stack.preview()
    assert kinds(sandbox) == {"reads": 2}
    sandbox.forget_requests()
    stack.on_the_stock_host()
    stack.preview()
    assert kinds(sandbox) == {"reads": 4}


@pytest.mark.parametrize("count", [1, 20])
def test_a_run_costs_each_deployment_two_mutations_a_hop(
    count: int, platform: StartSandbox, project: MakeProject
) -> None:
    """Waiting Deployments share their reads: the number depends on the length of the run, not of the fleet."""
    names = [f"stars-{number}" for number in range(count)]
    sandbox = platform(*(deployment(name, "2.2.3") for name in names), rollout_seconds="2")
    stack = project(sandbox, plugin=PLUGIN)
    stack.declare(*({"releaseName": name, "runtimeVersion": "5.0.4", "image": IMAGE} for name in names))
    stack.up("--parallel", str(count))
    counted = kinds(sandbox)
    # Unshared, twenty Deployments would need about five hundred.
    assert counted.pop("reads") <= 100
    # Two healthy answers of two pages each confirm a hop, after the Airflow's restart.
    assert 4 * HOPS * count <= counted.pop("health") <= 12 * HOPS * count
    assert counted == {
        "updateDeploymentAirflow": count,
        "updateDeploymentRuntime": count,
        "updateDeploymentImage": HOPS * count,
    }

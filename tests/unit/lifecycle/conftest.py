"""A sandbox, and the lifecycle of its Deployments."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from astro_deployment_runtime.lifecycle.deployment import DeploymentLifecycle
from tests.contract import sandbox_server

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.contract.sandbox_server import Served


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    """A sandbox with four Deployments in two workspaces, and a client of it."""
    with sandbox_server.serving(tmp_path) as running:
        yield running


@pytest.fixture
def lifecycle(served: Served) -> DeploymentLifecycle:
    """The lifecycle of the sandbox's Deployments."""
    return DeploymentLifecycle(served.client)

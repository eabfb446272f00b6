"""The resource's outputs: what is saved of what was observed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from astro_deployment_runtime.execution.executor import WalkResult
    from astro_deployment_runtime.planning.model import Deployment
    from astro_deployment_runtime.planning.versions import ReleaseId


def outputs(inputs: Mapping[str, Any], ending: WalkResult) -> dict[str, Any]:
    """Return what is saved: the checked inputs, and what was observed last."""
    return {**inputs, **observed(ending.deployment, ending.pending)}


def observed(deployment: Deployment, pending: ReleaseId | None) -> dict[str, Any]:
    """Return the outputs that tell what was observed.

    Args:
        deployment: as it was read last.
        pending: its pending hop, where that is ours.
    """
    return {
        "deployment_id": deployment.id,
        "release_name": deployment.release_name,
        "current_version": str(deployment.current.id),
        "airflow_version": str(deployment.current.airflow),
        "pending": str(pending) if pending else None,
        "airflow_url": deployment.airflow_url,
    }

"""The JSON report of a preview, for programs. ``schemas/preview-1.json`` is its published schema."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from astro_deployment_runtime.reports.preview import Status

if TYPE_CHECKING:
    from astro_deployment_runtime.reports.preview import Preview, PreviewedDeployment

FORMAT: Final = 1
"""Version of the format. It rises when a key goes or means something else."""


def json_report(preview: Preview) -> dict[str, Any]:
    """Return the report as the schema describes it."""
    return {
        "format": FORMAT,
        "project": preview.project,
        "stack": preview.stack,
        "summary": {
            **{str(status): preview.count(status) for status in Status},
            "hops": preview.hops,
            "warnings": sum(len(each.warnings) for each in preview.deployments) + len(preview.warnings),
            "errors": len(preview.errors),
        },
        "deployments": [_deployment_json(each) for each in preview.deployments],
        "otherResources": dict(preview.others),
        "notes": list(preview.notes),
        "warnings": list(preview.warnings),
        "errors": list(preview.errors),
        "partial": preview.partial,
        "listsUnchanged": preview.lists_unchanged,
    }


def _deployment_json(deployment: PreviewedDeployment) -> dict[str, Any]:
    return {
        "name": deployment.name,
        "releaseName": deployment.release_name,
        "status": str(deployment.status),
        "operation": deployment.operation,
        "path": [str(release) for release in deployment.path],
        "hops": deployment.hops,
        "cancel": deployment.cancel,
        "plan": list(deployment.plan),
        "warnings": [{"name": each.name, "message": each.message} for each in deployment.warnings],
        "problem": deployment.problem,
    }

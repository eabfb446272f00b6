"""A preview as JSON, for programs. Its form is published: ``schemas/preview-1.json``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from astro_deployment_runtime.reports.preview import Status

if TYPE_CHECKING:
    from astro_deployment_runtime.reports.preview import Preview, Row

FORMAT: Final = 1
"""The version of the form. It rises when something that was there is no longer, or means something else."""


def preview_json(preview: Preview) -> dict[str, Any]:
    """Write a preview for programs, by the schema."""
    return {
        "format": FORMAT,
        "project": preview.project,
        "stack": preview.stack,
        "summary": {
            **{str(status): preview.count(status) for status in Status},
            "hops": preview.hops,
            "warnings": sum(len(row.warnings) for row in preview.rows) + len(preview.warnings),
            "errors": len(preview.errors),
        },
        "deployments": [_row_json(row) for row in preview.rows],
        "otherResources": dict(preview.others),
        "notes": list(preview.notes),
        "warnings": list(preview.warnings),
        "errors": list(preview.errors),
        "partial": preview.partial,
        "listsUnchanged": preview.lists_unchanged,
    }


def _row_json(row: Row) -> dict[str, Any]:
    return {
        "name": row.name,
        "releaseName": row.release_name,
        "status": str(row.status),
        "operation": row.operation,
        "path": [str(release) for release in row.path],
        "hops": row.hops,
        "cancel": row.cancel,
        "plan": list(row.plan),
        "warnings": [{"name": each.name, "message": each.message} for each in row.warnings],
        "problem": row.problem,
    }

"""Plan or refusal as JSON. Its keys are stable."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from astro_deployment_runtime.planning.plan_model import Action, Plan, Refusal, RuleId
from astro_deployment_runtime.planning.versions import Distribution

if TYPE_CHECKING:
    from astro_deployment_runtime.planning.catalog import Release


def plan_json(outcome: Plan | Refusal) -> dict[str, Any]:
    """Return a plan or a refusal as a JSON object."""
    if isinstance(outcome, Refusal):
        return {
            "from": _release_json(outcome.current),
            "to": {
                "distribution": str(Distribution.RUNTIME),
                "version": str(outcome.target),
                "airflow": str(outcome.airflow) if outcome.airflow else None,
            },
            "hops": [],
            "refusals": [{"rule": str(each.rule), "message": each.found} for each in outcome.violations],
            "warnings": [],
        }
    return {
        "from": _release_json(outcome.current),
        "to": _release_json(outcome.target),
        "hops": [*_cancel_json(outcome), *_hops_json(outcome)],
        "refusals": [],
        "warnings": [{"name": warning.name, "message": warning.message} for warning in outcome.warnings],
    }


def _release_json(release: Release) -> dict[str, str]:
    return {
        "distribution": str(release.id.distribution),
        "version": str(release.id.version),
        "airflow": str(release.airflow),
    }


def _cancel_json(plan: Plan) -> list[dict[str, Any]]:
    if plan.cancel is None:
        return []
    current = _release_json(plan.current)
    return [{"rule": str(RuleId.PENDING), "action": str(Action.CANCEL), "from": current, "to": current, "image": None}]


def _hops_json(plan: Plan) -> list[dict[str, Any]]:
    return [
        {
            "rule": str(hop.rule),
            "action": str(hop.action),
            "from": _release_json(hop.source),
            "to": _release_json(hop.target),
            "image": plan.base_images.image(hop.target.id),
        }
        for hop in plan.hops
    ]

"""Output for a planned fleet: a table with refusals and warnings, and JSON."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, Final

from astro_deployment_runtime.lifecycle.fleet_planning import summary
from astro_deployment_runtime.planning.plan_json import plan_json
from astro_deployment_runtime.planning.plan_messages import (
    path_line,
    pending_lines,
    plan_lines,
    refusal_lines,
    warning_line,
)
from astro_deployment_runtime.planning.plan_model import Plan, Refusal, RuleId
from astro_deployment_runtime.planning.versions import Distribution, ReleaseId, RuntimeVersion
from astro_deployment_runtime.support.text_formatting import printable
from astro_deployment_runtime.support.text_table import NO_BREAK, Colour, TableRow, table_lines

if TYPE_CHECKING:
    from collections.abc import Sequence

    from astro_deployment_runtime.config.fleet_config import Wave
    from astro_deployment_runtime.lifecycle.fleet_planning import FleetPlan, PlannedDeployment
    from astro_deployment_runtime.support.text_table import Screen

_HEADS: Final = ("DEPLOYMENT", "RUNS", "TARGET", "PATH", "HOPS", "WARNINGS", "REFUSALS")
_OWNER: Final = "Only the stack's state records who started a pending hop"
_ASSUMED_FOREIGN: Final = f"{_OWNER}. This answer assumes that somebody else did."
_ASSUMED_OURS: Final = f"{_OWNER}. This answer assumes that the stack did; if not, pulumi preview refuses to cancel it."
_NOT_PLANNED: Final[dict[str, Any]] = {"from": None, "to": None, "hops": [], "refusals": [], "warnings": []}


def deployment_lines(planned: PlannedDeployment) -> list[str]:
    """Return the plan or the refusal of one Deployment, as ``pulumi preview`` would show it."""
    deployment, outcome = planned.deployment, planned.outcome
    name = {"name": deployment.label, "release_name": deployment.release_name} if deployment else {}
    if isinstance(outcome, Refusal):
        return [*refusal_lines(outcome, **name), *_owner_lines([planned])]
    if deployment is None or outcome is None or planned.refusal is not None:
        return _refused_lines(planned)
    return [*plan_lines(outcome, **name), *pending_lines(outcome, deployment.pending)]


def fleet_lines(fleet: FleetPlan, waves: Sequence[Wave], screen: Screen) -> list[str]:
    """Return a table sorted by name, then all refusals, the warnings, the notes and a summary."""
    rows = [_row(planned) for planned in sorted(fleet.deployments, key=lambda planned: planned.title)]
    return [
        *table_lines(_HEADS, rows, screen),
        *(line for planned in fleet.refused for line in ("", *_refused_lines(planned))),
        "",
        *_warning_lines(fleet),
        *(f"note: {printable(note)}" for note in fleet.notes),
        *_owner_lines(fleet.deployments),
        summary(fleet, waves),
    ]


def fleet_json(fleet: FleetPlan) -> dict[str, Any]:
    """Return a planned fleet for programs, in the order of its config; the names of the keys are stable."""
    return {
        "deployments": [deployment_json(planned) for planned in fleet.deployments],
        "notes": list(fleet.notes),
    }


def deployment_json(planned: PlannedDeployment) -> dict[str, Any]:
    """Return a planned Deployment for programs; the names of the keys are stable.

    ``error`` has a reason that is not a refusal of the planner. Unknown values are null.
    """
    plan = plan_json(planned.outcome) if planned.outcome else _NOT_PLANNED
    deployment = planned.deployment
    return {
        "name": planned.entry.name,
        "releaseName": deployment.release_name if deployment else planned.entry.release_name,
        "deploymentId": deployment.id if deployment else planned.entry.deployment_id,
        "label": deployment.label if deployment else None,
        **plan,
        "error": None if isinstance(planned.outcome, Refusal) else planned.refusal,
    }


def _row(planned: PlannedDeployment) -> TableRow:
    outcome = planned.outcome
    hops = str(len(outcome.hops)) if isinstance(outcome, Plan) else ""
    refusals = _refusals(planned)
    warnings = [warning.name for warning in outcome.warnings] if isinstance(outcome, Plan) else []
    colour = Colour.RED if refusals else Colour.YELLOW if warnings else None if planned.has_steps else Colour.DIM
    cells = (
        planned.title,
        str(outcome.current) if outcome else "",
        _target(planned),
        _path(outcome),
        hops,
        ", ".join(warnings),
        ", ".join(refusals),
    )
    return TableRow(cells, colour)


def _target(planned: PlannedDeployment) -> str:
    match planned.outcome:
        case Plan(target=target):
            return str(target)
        case Refusal(target=RuntimeVersion() as version):
            return str(ReleaseId(Distribution.RUNTIME, version))
        case _:
            return planned.entry.runtime_version


def _path(outcome: Plan | Refusal | None) -> str:
    if not isinstance(outcome, Plan):
        return ""
    steps = [f"cancel {outcome.cancel}"] if outcome.cancel else []
    # Allow line breaks only between two releases.
    steps += [path_line(outcome).replace(" ", NO_BREAK).replace(f">{NO_BREAK}", "> ")] if outcome.hops else []
    return ", then ".join(steps) or "nothing to do"


def _refusals(planned: PlannedDeployment) -> list[str]:
    if isinstance(planned.outcome, Refusal):
        return list(dict.fromkeys(str(violation.rule) for violation in planned.outcome.violations))
    return [planned.refused_argument or "error"] if planned.refusal is not None else []


def _refused_lines(planned: PlannedDeployment) -> list[str]:
    return [printable(line) for line in f"{planned.title}: {planned.refusal}".split("\n")]


def _owner_lines(fleet: Sequence[PlannedDeployment]) -> list[str]:
    """Return the assumptions about who started the pending hops."""
    refused = any(
        violation.rule is RuleId.PENDING
        for planned in fleet
        if isinstance(planned.outcome, Refusal)
        for violation in planned.outcome.violations
    )
    cancelled = any(
        planned.outcome.cancel is not None and "cancel-pending" not in planned.entry.accept
        for planned in fleet
        if isinstance(planned.outcome, Plan)
    )
    return [*([_ASSUMED_FOREIGN] if refused else []), *([_ASSUMED_OURS] if cancelled else [])]


def _warning_lines(fleet: FleetPlan) -> list[str]:
    counted = Counter(
        warning_line(warning)
        for planned in fleet.deployments
        if isinstance(planned.outcome, Plan)
        for warning in planned.outcome.warnings
    )
    return [f"{line} ({count} Deployments)" if count > 1 else line for line, count in counted.items()]

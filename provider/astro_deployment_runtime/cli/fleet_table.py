"""A judged fleet as a table, and as JSON."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, Final

from astro_deployment_runtime.lifecycle.fleet import summary
from astro_deployment_runtime.planning.model import Plan, Refusal, RuleId
from astro_deployment_runtime.planning.plan_messages import (
    path_line,
    pending_lines,
    plan_json,
    plan_lines,
    printable,
    refusal_lines,
    warning_line,
)
from astro_deployment_runtime.planning.versions import Distribution, ReleaseId, RuntimeVersion
from astro_deployment_runtime.support.text_table import NO_BREAK, Colour, Row, table_lines

if TYPE_CHECKING:
    from collections.abc import Sequence

    from astro_deployment_runtime.config.fleet_config import Wave
    from astro_deployment_runtime.lifecycle.fleet import Judged, Judgement
    from astro_deployment_runtime.support.text_table import Screen

_HEADS: Final = ("DEPLOYMENT", "RUNS", "TARGET", "PATH", "HOPS", "WARNINGS", "REFUSALS")


_OWNER: Final = "Only the state of the stack that manages a Deployment tells whose its pending hop is"
_FOREIGN: Final = f"{_OWNER}: here it counts as somebody else's."
_OURS: Final = f"{_OWNER}: here it counts as ours, and preview refuses to cancel it where it is not."


_NOT_PLANNED: Final[dict[str, Any]] = {"from": None, "to": None, "hops": [], "refusals": [], "warnings": []}


def judged_lines(judged: Judged) -> list[str]:
    """Write what was judged of a Deployment that was read, as preview would show it."""
    deployment, outcome = judged.deployment, judged.outcome
    name = {"name": deployment.label, "release_name": deployment.release_name} if deployment else {}
    if isinstance(outcome, Refusal):
        return [*refusal_lines(outcome, **name), *_owner_lines([judged])]
    if deployment is None or outcome is None or judged.refusal is not None:
        return _refused_lines(judged)
    return [*plan_lines(outcome, **name), *pending_lines(outcome, deployment.pending)]


def fleet_lines(judgement: Judgement, waves: Sequence[Wave], screen: Screen) -> list[str]:
    """Write a row for each Deployment, sorted by their names, then every refusal, warnings, and what it comes to."""
    rows = [_row(judged) for judged in sorted(judgement.fleet, key=lambda judged: judged.title)]
    return [
        *table_lines(_HEADS, rows, screen),
        *(line for judged in judgement.refused for line in ("", *_refused_lines(judged))),
        "",
        *_warning_lines(judgement),
        *(f"note: {printable(note)}" for note in judgement.notes),
        *_owner_lines(judgement.fleet),
        summary(judgement, waves),
    ]


def fleet_json(judgement: Judgement) -> dict[str, Any]:
    """Write a judged fleet for programs, in the order of its declaration. Names that appear here are stable."""
    return {
        "deployments": [judged_json(judged) for judged in judgement.fleet],
        "notes": list(judgement.notes),
    }


def judged_json(judged: Judged) -> dict[str, Any]:
    """Write what was judged for programs. Names that appear here are stable.

    ``error`` is what stands against it beside the planner's refusals; what could not be read is null.
    """
    planned = plan_json(judged.outcome) if judged.outcome else _NOT_PLANNED
    deployment = judged.deployment
    return {
        "name": judged.entry.name,
        "releaseName": deployment.release_name if deployment else judged.entry.release_name,
        "deploymentId": deployment.id if deployment else judged.entry.deployment_id,
        "label": deployment.label if deployment else None,
        **planned,
        "error": None if isinstance(judged.outcome, Refusal) else judged.refusal,
    }


def _row(judged: Judged) -> Row:
    outcome = judged.outcome
    hops = str(len(outcome.hops)) if isinstance(outcome, Plan) else ""
    refusals = _refusals(judged)
    warnings = [warning.name for warning in outcome.warnings] if isinstance(outcome, Plan) else []
    colour = Colour.RED if refusals else Colour.YELLOW if warnings else None if judged.moves else Colour.DIM
    cells = (
        judged.title,
        str(outcome.current) if outcome else "",
        _target(judged),
        _path(outcome),
        hops,
        ", ".join(warnings),
        ", ".join(refusals),
    )
    return Row(cells, colour)


def _target(judged: Judged) -> str:
    match judged.outcome:
        case Plan(target=target):
            return str(target)
        case Refusal(target=RuntimeVersion() as version):
            return str(ReleaseId(Distribution.RUNTIME, version))
        case _:
            return judged.entry.runtime_version


def _path(outcome: Plan | Refusal | None) -> str:
    if not isinstance(outcome, Plan):
        return ""
    steps = [f"cancel {outcome.cancel}"] if outcome.cancel else []
    # Wrapped between two releases only.
    steps += [path_line(outcome).replace(" ", NO_BREAK).replace(f">{NO_BREAK}", "> ")] if outcome.hops else []
    return ", then ".join(steps) or "nothing to do"


def _refusals(judged: Judged) -> list[str]:
    if isinstance(judged.outcome, Refusal):
        return list(dict.fromkeys(str(violation.rule) for violation in judged.outcome.violations))
    return [judged.at_fault or "error"] if judged.refusal is not None else []


def _refused_lines(judged: Judged) -> list[str]:
    return [printable(line) for line in f"{judged.title}: {judged.refusal}".split("\n")]


def _owner_lines(fleet: Sequence[Judged]) -> list[str]:
    """Say what was taken for granted of pending hops."""
    refused = any(
        violation.rule is RuleId.PENDING
        for judged in fleet
        if isinstance(judged.outcome, Refusal)
        for violation in judged.outcome.violations
    )
    cancelled = any(
        judged.outcome.cancel is not None and "cancel-pending" not in judged.entry.accept
        for judged in fleet
        if isinstance(judged.outcome, Plan)
    )
    return [*([_FOREIGN] if refused else []), *([_OURS] if cancelled else [])]


def _warning_lines(judgement: Judgement) -> list[str]:
    counted = Counter(
        warning_line(warning)
        for judged in judgement.fleet
        if isinstance(judged.outcome, Plan)
        for warning in judged.outcome.warnings
    )
    return [f"{line} ({count} Deployments)" if count > 1 else line for line, count in counted.items()]

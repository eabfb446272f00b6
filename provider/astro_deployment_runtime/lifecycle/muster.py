"""From what a stack declares to the roster of its fleet: checked, read, planned and refused as a whole.

It reads the platform, so it belongs to the plugin, which has read it then for the checks that follow. Under Pulumi's
own host, which answers no such question, the program does it itself.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from astro_deployment_runtime.config.fleet_config import read_fleet_config
from astro_deployment_runtime.errors import AstroRuntimeError
from astro_deployment_runtime.lifecycle.fleet import arguments, judge, refusal_text, summary
from astro_deployment_runtime.lifecycle.fleet_manifest import Roster, Row, WaveTerms
from astro_deployment_runtime.support import secret_masks

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence

    from astro_deployment_runtime.config.fleet_config import FleetConfig, Wave
    from astro_deployment_runtime.lifecycle.deployment import DeploymentLifecycle
    from astro_deployment_runtime.lifecycle.fleet import Judged, Judgement


def muster(
    declared: Mapping[str, Any],
    saved: Mapping[str, Mapping[str, Any]] | None,
    lifecycle: Callable[[], DeploymentLifecycle],
    *,
    secret: Collection[str] = (),
) -> Roster:
    """Judge the fleet that is declared. Nothing is changed.

    Args:
        declared: values by key, of :data:`~astro_deployment_runtime.config.config_keys.FLEET`.
        saved: what the state has of the resources, by name; None: nobody looked yet.
        lifecycle: gives what reads the platform and plans, and has planned for no resource before; not asked where
            nothing is declared.
        secret: the keys with a secret somewhere in their values.

    Returns:
        The fleet; or, with nothing to declare, every mistake or refusal, or the request for ``saved``. Its texts hold
        no secret.
    """
    secret_masks.hide_config(declared, secret)
    if refused := secret_masks.refused_config(declared, secret):
        return Roster(problem=refused)
    try:
        stack = read_fleet_config(declared)
    except AstroRuntimeError as error:
        return Roster(problem=secret_masks.mask_mistakes(str(error), declared, secret))
    return _masked(_mustered(stack, saved, lifecycle), secret=bool(secret))


def _masked(roster: Roster, *, secret: bool) -> Roster:
    mask = secret_masks.MASKS.mask
    return replace(
        roster,
        problem=mask(roster.problem) if roster.problem else None,
        rows=[replace(row, refusal=mask(row.refusal) if row.refusal else None) for row in roster.rows],
        notes=[mask(note) for note in roster.notes],
        secret=secret,
    )


def _mustered(
    stack: FleetConfig, saved: Mapping[str, Mapping[str, Any]] | None, lifecycle: Callable[[], DeploymentLifecycle]
) -> Roster:
    try:
        if not stack.deployments and not stack.selections:
            return Roster()
        if stack.resolves and saved is None:
            return Roster(needs_state=True)
        judgement = judge(stack, lifecycle(), saved=saved)
        if judgement.doubtful and saved is None:
            return Roster(needs_state=True)
    except AstroRuntimeError as error:
        return Roster(problem=str(error))
    if judgement.refused and not stack.skips_refused:
        return Roster(problem=refusal_text(judgement))
    return Roster(
        rows=[_row(each) for each in judgement.fleet],
        waves=[_terms(wave, judgement.wave(wave.name)) for wave in stack.waves],
        notes=list(judgement.notes),
        summary=_summary(stack, judgement),
    )


def _row(judged: Judged) -> Row:
    entry = judged.entry
    given = {**arguments(entry), "timeout": f"{math.ceil(entry.timeout)}s"}
    if not entry.deny:
        del given["deny"]
    return Row(
        name=entry.name,
        title=judged.title,
        arguments=given,
        wave=entry.wave,
        held=judged.resolved if judged.refusal is None else None,
        refusal=judged.refusal,
    )


def _terms(wave: Wave, judged: Sequence[Judged]) -> WaveTerms:
    return WaveTerms(
        name=wave.name,
        max_parallel=wave.max_parallel,
        soak=wave.soak or 0.0,
        timeout=max((each.entry.timeout for each in judged), default=0.0),
        moves=sum(each.moves for each in judged),
        watched=[each.deployment_id for each in judged if each.deployment_id and each.entry.verify == "airflow"],
    )


def _summary(stack: FleetConfig, judgement: Judgement) -> str | None:
    return summary(judgement, stack.waves) if stack.waves or len(judgement.fleet) > 1 else None

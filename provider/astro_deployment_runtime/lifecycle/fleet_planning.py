"""Check and plan a whole fleet before any of it is declared: the engine stops at the first resource that is refused.

The fleet is planned from one reading of the platform, by the same planner as the checks that follow. Only the
stack's state records who started a pending hop and which version a target was resolved to.
"""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from astro_deployment_runtime.config.fleet_config import read_fleet_config
from astro_deployment_runtime.config.selectors import select_deployments
from astro_deployment_runtime.errors import AstroRuntimeError, PlatformAnswerError
from astro_deployment_runtime.lifecycle.declaration_registry import DeclarationRegistry
from astro_deployment_runtime.lifecycle.deployment import ARGUMENTS, unconfirmed_release
from astro_deployment_runtime.lifecycle.fleet_manifest import FleetManifest, ManifestEntry, ManifestWave
from astro_deployment_runtime.planning import plan_messages
from astro_deployment_runtime.support import secret_masks
from astro_deployment_runtime.support.text_formatting import duration

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence

    from astro_deployment_runtime.config.fleet_config import DeploymentEntry, FleetConfig, Wave
    from astro_deployment_runtime.houston.snapshot import Snapshot
    from astro_deployment_runtime.lifecycle.deployment import DeploymentCheck, DeploymentLifecycle
    from astro_deployment_runtime.planning.plan_model import Deployment, Plan, Refusal

_TARGETS_RESOLVED_AGAIN: Final = (
    "targets such as 5.x are resolved again here: only the stack's state records the version that an earlier run "
    "resolved them to"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedDeployment:
    """One entry of the config, with its plan or its refusal."""

    entry: DeploymentEntry
    deployment_id: str | None = None
    path: str = ""
    hops: int = 0
    has_steps: bool = False
    """There is something to do, as far as is known."""
    to_confirm: bool = False
    """Its last hop completed after its run had ended, which only the stack's state records."""
    needs_state: bool = False
    """Whether it is refused depends on who started its pending hop, which only the stack's state records."""
    refusal: str | None = None
    refused_argument: str = ""
    """The argument that the refusal is about; empty: none in particular."""
    deployment: Deployment | None = None
    """As it was read; None: it could not be read."""
    outcome: Plan | Refusal | None = None
    """The planner's answer; None: it was not asked."""

    @property
    def resolved(self) -> str | None:
        """The version that a target such as ``5.x`` is resolved to; None: the target is a version."""
        return str(self.outcome.resolved.version) if self.outcome and self.outcome.resolved else None

    @property
    def title(self) -> str:
        """The name that the texts of its plan use."""
        return plan_messages.title(self.entry.name, self.entry.release_name or self.entry.deployment_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class FleetPlan:
    """The plans and refusals of a whole fleet."""

    deployments: tuple[PlannedDeployment, ...]
    notes: tuple[str, ...] = ()

    @property
    def needs_state(self) -> bool:
        """Whether a refusal depends on the stack's state, which was not read."""
        return any(each.needs_state for each in self.deployments)

    @property
    def refused(self) -> tuple[PlannedDeployment, ...]:
        """The refused Deployments."""
        return tuple(each for each in self.deployments if each.refusal is not None)

    def wave(self, name: str | None) -> tuple[PlannedDeployment, ...]:
        """The Deployments of a wave, in the order of the config."""
        return tuple(each for each in self.deployments if each.entry.wave == name)


def build_manifest(
    declared: Mapping[str, Any],
    saved: Mapping[str, Mapping[str, Any]] | None,
    connect: Callable[[], DeploymentLifecycle],
    *,
    secret: Collection[str] = (),
) -> FleetManifest:
    """Check and plan the declared fleet for the program, without changing anything. Its texts hold no secret.

    Args:
        declared: values by key, of :data:`~astro_deployment_runtime.config.config_keys.FLEET`.
        saved: see :func:`plan_fleet`.
        connect: opens the lifecycle of the platform; not called for an empty fleet.
        secret: the keys with a secret somewhere in their values.

    Returns:
        The fleet; or every mistake or refusal, and nothing to declare; or the request to call again with ``saved``.
    """
    secret_masks.mask_config_secrets(declared, secret)
    if refused := secret_masks.refused_config_secrets(declared, secret):
        return FleetManifest(problem=refused)
    try:
        config = read_fleet_config(declared)
    except AstroRuntimeError as error:
        return FleetManifest(problem=secret_masks.mask_all_config_values(str(error), declared, secret))
    return _masked(_manifest(config, saved, connect), secret=bool(secret))


def _manifest(
    config: FleetConfig, saved: Mapping[str, Mapping[str, Any]] | None, connect: Callable[[], DeploymentLifecycle]
) -> FleetManifest:
    try:
        if not config.deployments and not config.selections:
            return FleetManifest()
        if config.resolves and saved is None:
            return FleetManifest(needs_state=True)
        fleet = plan_fleet(config, connect(), saved=saved)
        if fleet.needs_state and saved is None:
            return FleetManifest(needs_state=True)
    except AstroRuntimeError as error:
        return FleetManifest(problem=str(error))
    if fleet.refused and not config.skips_refused:
        return FleetManifest(problem=refusal_text(fleet), entries=[_manifest_entry(each) for each in fleet.refused])
    return FleetManifest(
        entries=[_manifest_entry(each) for each in fleet.deployments],
        waves=[_manifest_wave(wave, fleet.wave(wave.name)) for wave in config.waves],
        notes=list(fleet.notes),
        summary=summary(fleet, config.waves) if config.waves or len(fleet.deployments) > 1 else None,
    )


def _manifest_entry(planned: PlannedDeployment) -> ManifestEntry:
    entry = planned.entry
    given = {**_resource_arguments(entry), "timeout": f"{math.ceil(entry.timeout)}s"}
    if not entry.deny:
        del given["deny"]
    return ManifestEntry(
        name=entry.name,
        title=planned.title,
        arguments=given,
        wave=entry.wave,
        held=planned.resolved if planned.refusal is None else None,
        refusal=planned.refusal,
    )


def _manifest_wave(wave: Wave, members: Sequence[PlannedDeployment]) -> ManifestWave:
    return ManifestWave(
        name=wave.name,
        max_parallel=wave.max_parallel,
        soak=wave.soak or 0.0,
        timeout=max((each.entry.timeout for each in members), default=0.0),
        moves=sum(each.has_steps for each in members),
        watched=[each.deployment_id for each in members if each.deployment_id and each.entry.verify == "airflow"],
    )


def _masked(manifest: FleetManifest, *, secret: bool) -> FleetManifest:
    mask = secret_masks.MASKS.mask
    return replace(
        manifest,
        problem=mask(manifest.problem) if manifest.problem else None,
        entries=[replace(each, refusal=mask(each.refusal) if each.refusal else None) for each in manifest.entries],
        notes=[mask(note) for note in manifest.notes],
        secret=secret,
    )


def plan_fleet(
    config: FleetConfig,
    lifecycle: DeploymentLifecycle,
    *,
    saved: Mapping[str, Mapping[str, Any]] | None = None,
) -> FleetPlan:
    """Resolve the selectors and plan every Deployment, without changing anything.

    Args:
        config: the fleet.
        lifecycle: checks each Deployment.
        saved: targets and pending hops in the stack's state, by resource name. Empty: there is no state, so every
            pending hop is foreign. None: the state was not read.

    Raises:
        InvalidConfigError: a selector cannot be resolved.
        PlatformError: Houston cannot be read.
    """
    snapshot = lifecycle.houston.snapshot()
    notes = lifecycle.notes()
    _refuse_selectors_of_unknown_fleet(config, snapshot)
    lifecycle.houston.prefetch(
        release_names=[each.release_name for each in config.deployments if each.release_name],
        ids=[each.deployment_id for each in config.deployments if each.deployment_id],
    )
    selected = select_deployments(config, snapshot.candidates, snapshot.workspace_labels)
    registry = DeclarationRegistry()
    deployments = tuple(
        _planned(
            entry,
            lifecycle.check(
                entry.name,
                None if saved is None else saved.get(entry.name, {}),
                _resource_arguments(entry),
                registry=registry,
            ),
            {} if saved is None else saved.get(entry.name, {}),
        )
        for entry in selected.entries
    )
    resolved_again = saved is None and any(each.resolved for each in deployments)
    return FleetPlan(
        deployments=deployments, notes=(*notes, *selected.notes, *([_TARGETS_RESOLVED_AGAIN] if resolved_again else []))
    )


def _refuse_selectors_of_unknown_fleet(config: FleetConfig, snapshot: Snapshot) -> None:
    """Refuse selectors if Houston does not show the whole fleet: a missed Deployment would leave the stack.

    Raises:
        PlatformAnswerError: there are selectors, and something that they need is not shown.
    """
    by_label = [each.key for each in config.selections if each.selector.label is not None]
    by_workspace = [
        each.key for each in config.selections if each.selector.workspace not in {None, *snapshot.workspace_labels}
    ]
    gaps = list(snapshot.gaps)
    if by_label and not snapshot.tells_deployment_labels:
        gaps.append(f"{', '.join(by_label)}: this platform does not report the labels of Deployments")
    if by_workspace and not snapshot.tells_workspace_labels:
        gaps.append(f"{', '.join(by_workspace)}: this platform does not report the labels of workspaces; give its id")
    if config.selections and gaps:
        raise PlatformAnswerError(
            "Houston does not show the whole fleet, and a selector that misses a Deployment would remove it from the "
            f"stack, so nothing is planned: {'; '.join(gaps)}. Run again. If the gap stays, fix the platform, or "
            "declare the Deployments one by one"
        )


def _planned(entry: DeploymentEntry, checked: DeploymentCheck, saved: Mapping[str, Any]) -> PlannedDeployment:
    planned = PlannedDeployment(entry=entry, deployment=checked.deployment, outcome=checked.outcome)
    if checked.failures:
        refusal = "\n".join(reason for _, reason in checked.failures)
        return replace(planned, refusal=refusal, refused_argument=checked.failures[0][0])
    found = checked.inputs
    return replace(
        planned,
        deployment_id=found["deployment_id"],
        path=found["path"],
        hops=found["hops"],
        has_steps=bool(found["hops"]) or (found["cancel"] is not None and not checked.needs_state),
        to_confirm=unconfirmed_release(saved, found) is not None,
        needs_state=checked.needs_state,
    )


def _resource_arguments(entry: DeploymentEntry) -> dict[str, Any]:
    """Return the arguments of an entry's resource, without those that are not given."""
    found: dict[str, Any] = entry.model_dump(mode="json", include=set(ARGUMENTS), exclude_none=True)
    return found


def refusal_text(fleet: FleetPlan) -> str:
    """Write how many Deployments of a fleet are refused, and the ways out."""
    return plan_messages.fleet_refusal(len(fleet.refused), len(fleet.deployments))


def summary(fleet: FleetPlan, waves: Sequence[Wave]) -> str:
    """Return how many hops the run does, in few lines whatever the size of the fleet."""
    if not waves:
        return "\n".join(_wave_lines("fleet", fleet.deployments, ()))
    lines = []
    for position, wave in enumerate(waves):
        terms = []
        if wave.max_parallel is not None:
            terms.append(f"at most {wave.max_parallel} side by side")
        if wave.soak is not None and position < len(waves) - 1:
            terms.append(f"then healthy for {duration(wave.soak)}")
        lines += _wave_lines(f"wave {position + 1} of {len(waves)}, {wave.name}", fleet.wave(wave.name), terms)
    return "\n".join(lines)


def _wave_lines(name: str, planned: Sequence[PlannedDeployment], terms: Sequence[str]) -> list[str]:
    paths = Counter(each.path for each in planned if each.has_steps)
    accepted = [each for each in planned if each.refusal is None]
    return plan_messages.wave_lines(
        name,
        total=len(planned),
        hops=sum(each.hops for each in planned),
        to_confirm=sum(each.to_confirm for each in accepted),
        arrived=sum(not each.has_steps and not each.to_confirm for each in accepted),
        refused=len(planned) - len(accepted),
        paths=paths,
        terms=terms,
    )

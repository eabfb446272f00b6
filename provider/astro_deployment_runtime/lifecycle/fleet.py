"""The whole fleet, judged before the first resource is declared: the engine stops at the first check that fails.

The same reading of the platform, the same planner and the same texts as those of the checks that follow. Whose a
pending hop is, and at which version a target is held, tells only the state: without it both are in doubt.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from astro_deployment_runtime.config.selectors import Candidate, select
from astro_deployment_runtime.errors import PlatformAnswerError
from astro_deployment_runtime.houston.model_mapping import read_current
from astro_deployment_runtime.houston.wire import Part
from astro_deployment_runtime.lifecycle.deployment import ARGUMENTS
from astro_deployment_runtime.planning import plan_messages

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from astro_deployment_runtime.config.fleet_config import DeploymentEntry, FleetConfig, Wave
    from astro_deployment_runtime.houston.queries import Snapshot
    from astro_deployment_runtime.houston.wire import WireDeployment
    from astro_deployment_runtime.lifecycle.deployment import DeploymentCheck, DeploymentLifecycle
    from astro_deployment_runtime.planning.model import Deployment, Plan, Refusal

_SEEN_BEFORE: Final = {"path": ""}
"""In the place of old inputs: a pending hop may be ours."""

_UNSURE: Final = (
    "what a target such as 5.x stands for is told as if it were declared anew: at which version one is held, only the "
    "stack's state tells"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """An entry, and what the planner says of it."""

    entry: DeploymentEntry
    deployment_id: str | None = None
    path: str = ""
    hops: int = 0
    moves: bool = False
    """There is something to do, as far as is known."""
    doubtful: bool = False
    """Whether it may be done depends on whose its pending hop is."""
    refusal: str | None = None
    at_fault: str = ""
    """The argument that is refused; empty: none in particular."""
    deployment: Deployment | None = None
    """As it was read; None where it could not be."""
    outcome: Plan | Refusal | None = None
    """What the planner said; None where it was not asked."""

    @property
    def resolved(self) -> str | None:
        """The version that the target stands for; None where it is declared by its version."""
        return str(self.outcome.resolved.version) if self.outcome and self.outcome.resolved else None

    @property
    def title(self) -> str:
        """Name it as the texts of its plan do."""
        return plan_messages.title(self.entry.name, self.entry.release_name or self.entry.deployment_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """A whole fleet, judged."""

    fleet: tuple[Judged, ...]
    notes: tuple[str, ...] = ()

    @property
    def doubtful(self) -> bool:
        """Only the state tells whether all that is planned may be done."""
        return any(each.doubtful for each in self.fleet)

    @property
    def refused(self) -> tuple[Judged, ...]:
        """Those that may not be done."""
        return tuple(each for each in self.fleet if each.refusal is not None)

    def wave(self, name: str | None) -> tuple[Judged, ...]:
        """Those of a wave, in the order of their declaration."""
        return tuple(each for each in self.fleet if each.entry.wave == name)


def judge(
    stack: FleetConfig,
    lifecycle: DeploymentLifecycle,
    *,
    managed: bool = True,
    saved: Mapping[str, Mapping[str, Any]] | None = None,
) -> Judgement:
    """Resolve what is declared against the platform, and plan all of it. Nothing is changed.

    Args:
        stack: what is declared.
        lifecycle: what reads the platform and plans.
        managed: there may be a state in which a pending hop is ours; where there is none, every one is foreign.
        saved: what the state has of the resources, by name: their targets, and what they started; None: nobody looked.

    Raises:
        InvalidDeclarationError: a selector cannot be resolved.
        PlatformError: Houston cannot be read.
    """
    snapshot = lifecycle.houston.snapshot()
    notes = lifecycle.notes(once=False)
    _refuse_unknown_fleet(stack, snapshot)
    lifecycle.houston.seek(
        release_names=[each.release_name for each in stack.deployments if each.release_name],
        ids=[each.deployment_id for each in stack.deployments if each.deployment_id],
    )
    selected = select(stack, [_candidate(each, snapshot) for each in snapshot.deployments], snapshot.labels)
    unknown = _SEEN_BEFORE if managed and saved is None else {}
    fleet = tuple(
        _judged(entry, lifecycle.check(entry.name, (saved or {}).get(entry.name, unknown), arguments(entry)))
        for entry in selected.entries
    )
    unsure = managed and saved is None and any(each.resolved for each in fleet)
    return Judgement(fleet=fleet, notes=(*notes, *selected.notes, *([_UNSURE] if unsure else [])))


def _refuse_unknown_fleet(stack: FleetConfig, snapshot: Snapshot) -> None:
    """Refuse selectors where the fleet is not known: a Deployment that is overlooked would leave the stack."""
    by_label = [each.where for each in stack.selections if each.selector.label is not None]
    by_workspace = [each.where for each in stack.selections if each.selector.workspace not in {None, *snapshot.labels}]
    gaps = list(snapshot.gaps)
    if by_label and Part.LABEL in snapshot.refused:
        gaps.append(f"{', '.join(by_label)}: this platform does not tell the labels of Deployments")
    if by_workspace and Part.WORKSPACE_LABEL in snapshot.refused:
        gaps.append(f"{', '.join(by_workspace)}: this platform does not tell the labels of workspaces; give its id")
    if stack.selections and gaps:
        raise PlatformAnswerError(
            "Houston does not show the fleet as a whole, and a selector that overlooks a Deployment would take it out "
            f"of the stack, so nothing is planned: {'; '.join(gaps)}. Run again; if it stays so, have the platform "
            "mended, or declare the Deployments one by one"
        )


def _candidate(found: WireDeployment, snapshot: Snapshot) -> Candidate:
    workspace = found.workspace.id if found.workspace else ""
    try:
        current = read_current(found)
    except PlatformAnswerError:
        current = None
    return Candidate(
        id=found.id,
        release_name=found.release_name,
        label=found.label or found.release_name,
        workspace_id=workspace,
        workspace=snapshot.labels.get(workspace, ""),
        current=current,
    )


def _judged(entry: DeploymentEntry, checked: DeploymentCheck) -> Judged:
    judged = Judged(entry=entry, deployment=checked.deployment, outcome=checked.outcome)
    if checked.failures:
        refusal = "\n".join(reason for _, reason in checked.failures)
        return replace(judged, refusal=refusal, at_fault=checked.failures[0][0])
    found = checked.inputs
    return replace(
        judged,
        deployment_id=found["deployment_id"],
        path=found["path"],
        hops=found["hops"],
        moves=bool(found["hops"]) or (found["cancel"] is not None and not checked.doubtful),
        doubtful=checked.doubtful,
    )


def arguments(entry: DeploymentEntry) -> dict[str, Any]:
    """Return the arguments of the resource, without those that are not given."""
    found: dict[str, Any] = entry.model_dump(mode="json", include=set(ARGUMENTS), exclude_none=True)
    return found


def refusal_text(judgement: Judgement) -> str:
    """Write all refusals of a fleet, and the ways out."""
    refused = [f"{each.title}: {each.refusal}" for each in judgement.refused]
    return plan_messages.fleet_refusal(refused, len(judgement.fleet))


def summary(judgement: Judgement, waves: Sequence[Wave]) -> str:
    """Write what comes to be done, in few lines however many Deployments there are."""
    if not waves:
        return "\n".join(_wave_lines("fleet", judgement.fleet, ()))
    lines = []
    for position, wave in enumerate(waves):
        terms = []
        if wave.max_parallel is not None:
            terms.append(f"at most {wave.max_parallel} side by side")
        if wave.soak is not None and position < len(waves) - 1:
            terms.append(f"then healthy for {plan_messages.span(wave.soak)}")
        lines += _wave_lines(f"wave {position + 1} of {len(waves)}, {wave.name}", judgement.wave(wave.name), terms)
    return "\n".join(lines)


def _wave_lines(name: str, judged: Sequence[Judged], terms: Sequence[str]) -> list[str]:
    paths = Counter(each.path for each in judged if each.moves)
    refused = sum(each.refusal is not None for each in judged)
    return plan_messages.wave_lines(
        name,
        total=len(judged),
        hops=sum(each.hops for each in judged),
        still=sum(not each.moves and each.refusal is None for each in judged),
        refused=refused,
        paths=paths,
        terms=terms,
    )

"""The contents of a preview, Deployment by Deployment, for the Markdown, JSON and JUnit reports.

The engine lists resources in the order in which it planned them, which differs from run to run. Reports sort them, so
that two previews of the same change look alike. The stack's config in the preview is never read.

Plans come from the inputs of a resource. A refused Deployment has no step, so refusals come from diagnostics, and only
their first line is parsed.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from astro_deployment_runtime.errors import InvalidPreviewError, InvalidVersionError
from astro_deployment_runtime.planning.plan_messages import parse_path, title
from astro_deployment_runtime.reports.pulumi_preview_json import NOT_A_PREVIEW, SAME, parse_preview

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from astro_deployment_runtime.planning.versions import ReleaseId
    from astro_deployment_runtime.reports.pulumi_preview_json import Diagnostic, PulumiPreview, Step
    from astro_deployment_runtime.support.urns import Urn

_REFUSED_DEPLOYMENT: Final = re.compile(
    r"(?:.*? )??Deployment (?P<name>.+?)(?: \((?P<release_name>[^()\s]+)\))? is refused:"
)
"""First line of a refusal, as ``plan_messages.deployment_refusal`` writes it; the engine may put a text before it."""
_REFUSED_FLEET: Final = re.compile(r"\d+ of \d+ Deployments (?:is|are) refused; nothing was changed\.")
"""First line of ``plan_messages.fleet_refusal``, which follows the refusals of all Deployments."""
_END_OF_PROGRAM: Final = "an unhandled error occurred: program exited with non-zero exit code"


class Status(StrEnum):
    """Effect of the run on a Deployment. The ones that need a reviewer come first."""

    REFUSED = "refused"
    MOVES = "moves"
    UNPLANNED = "unplanned"
    """The path depends on a resource that does not exist yet."""
    FORGOTTEN = "forgotten"
    """The Deployment leaves the stack and keeps its version."""
    UNCHANGED = "unchanged"


_ORDER: Final = tuple(Status)


@dataclass(frozen=True, slots=True, kw_only=True)
class PreviewWarning:
    """A warning of a plan."""

    name: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PreviewedDeployment:
    """A Deployment in a preview."""

    name: str
    """The resource's name in the stack."""
    release_name: str | None = None
    operation: str | None = None
    """The engine's word for the step: ``create``, ``update``, ``same``. None where the preview ended before it."""
    status: Status
    path: tuple[ReleaseId, ...] = ()
    """The release that runs, and the target of each hop."""
    cancel: str | None = None
    """A pending hop that is cancelled first."""
    plan: tuple[str, ...] = ()
    """The plan's lines, where there is something to do."""
    warnings: tuple[PreviewWarning, ...] = ()
    problem: str | None = None
    """Why it is refused."""

    @property
    def hops(self) -> int:
        """The number of hops."""
        return max(0, len(self.path) - 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """A preview of a stack."""

    project: str | None
    stack: str | None
    deployments: tuple[PreviewedDeployment, ...]
    notes: tuple[str, ...]
    """Messages of the program; for a fleet, its summary."""
    warnings: tuple[str, ...]
    """Warnings that are in no Deployment's plan."""
    errors: tuple[str, ...]
    """Why the preview failed, except for refused Deployments."""
    others: Mapping[str, int]
    """Number of resources of other packages by operation, without those that stay the same."""
    partial: bool
    """Deployments may be missing: the engine ends a preview at the first check that fails."""
    lists_unchanged: bool
    """Deployments with nothing to do are listed too."""

    def count(self, status: Status) -> int:
        """Count the Deployments with a status."""
        return sum(each.status is status for each in self.deployments)

    @property
    def hops(self) -> int:
        """The number of hops of all Deployments."""
        return sum(each.hops for each in self.deployments)


def read_preview(data: bytes) -> Preview:
    """Read what ``pulumi preview --json`` wrote.

    Raises:
        InvalidPreviewError: it is something else.
    """
    pulumi = parse_preview(data)
    urns = [each.urn for each in (*pulumi.steps, *pulumi.diagnostics) if each.urn]
    deployments, warnings = _read_deployments(pulumi)
    errors = []
    for text in _messages(pulumi, "error"):
        if refused := _read_refusal(text):
            deployments.append(refused)
        elif not _REFUSED_FLEET.fullmatch(_first_line(text)):
            errors.append(text)
    reasons = [text for text in errors if not text.startswith(_END_OF_PROGRAM)]
    deployments.sort(key=lambda each: (_ORDER.index(each.status), each.name, each.release_name or ""))
    others = Counter(
        step.op for step in pulumi.steps if step.of_another_package and step.op != SAME and not step.only_reads
    )
    return Preview(
        project=urns[0].project if urns else None,
        stack=urns[0].stack if urns else None,
        deployments=tuple(deployments),
        notes=_messages(pulumi, "info"),
        warnings=(*_messages(pulumi, "warning"), *sorted(warnings)),
        # How the program ended says nothing beside the reason.
        errors=tuple(reasons if reasons or deployments else errors),
        others=dict(sorted(others.items())),
        partial=any(each.operation is None for each in deployments) or (bool(errors) and not deployments),
        lists_unchanged=pulumi.lists_unchanged,
    )


def _messages(pulumi: PulumiPreview, severity: str) -> tuple[str, ...]:
    """Return the messages that belong to no Deployment."""
    found = [each for each in pulumi.diagnostics if each.severity == severity and not each.deployment]
    return tuple(each.text for each in found if each.text)


def _read_deployments(pulumi: PulumiPreview) -> tuple[list[PreviewedDeployment], list[str]]:
    """Return each Deployment that has a step or an error, and the warnings about them that no plan has."""
    steps: dict[Urn, Step | None] = {}
    diagnostics: dict[Urn, list[Diagnostic]] = {}
    for step in pulumi.steps:
        # A replacement may have a step for the old resource too.
        if step.deployment and not step.only_reads and (step.new or step.deployment not in steps):
            steps[step.deployment] = step
    for each in pulumi.diagnostics:
        if each.deployment:
            diagnostics.setdefault(each.deployment, []).append(each)
            if each.severity == "error":
                steps.setdefault(each.deployment, None)
    deployments, warnings = [], []
    for urn, last_step in steps.items():
        messages = diagnostics.get(urn, ())
        deployments.append(_read_deployment(urn.name, last_step, messages))
        warnings += _other_warnings(deployments[-1], messages)
    return deployments, warnings


def _read_deployment(name: str, step: Step | None, diagnostics: Sequence[Diagnostic]) -> PreviewedDeployment:
    refusals = [
        _read_refusal(each.text) or PreviewedDeployment(name=name, status=Status.REFUSED, problem=each.text)
        for each in diagnostics
        if each.severity == "error"
    ]
    problem = "\n".join(each.problem or "" for each in refusals) or None
    if step is None:
        release_name = next((each.release_name for each in refusals), None)
        return PreviewedDeployment(name=name, release_name=release_name, status=Status.REFUSED, problem=problem)
    state = step.new or step.old
    inputs = state.inputs
    deployment = PreviewedDeployment(
        name=name, release_name=inputs.release_name, operation=step.op, status=Status.UNPLANNED
    )
    if problem or (step.new and inputs.hold):
        return replace(deployment, status=Status.REFUSED, problem=inputs.hold or problem)
    if step.new is None:
        return replace(deployment, status=Status.FORGOTTEN, path=_path(state.outputs.current_version))
    warnings = tuple(PreviewWarning(name=warning, message=message) for warning, message in inputs.warnings)
    deployment = replace(deployment, warnings=tuple(dict.fromkeys(warnings)))
    path = _path(inputs.path)
    if not path:
        return replace(deployment, status=Status.UNCHANGED) if step.imports else deployment
    # Without a change, a pending hop that the plan would cancel turned out to be somebody else's, and stays.
    if step.op == SAME or not (len(path) > 1 or inputs.cancel):
        return replace(deployment, status=Status.UNCHANGED, path=path[:1])
    # A plan that is a secret, or not known yet, is missing from the inputs. The diagnostics have its lines, masked.
    plan = inputs.plan or tuple(line for each in diagnostics if each.severity == "info" for line in each.lines)
    return replace(deployment, status=Status.MOVES, path=path, cancel=inputs.cancel, plan=plan)


def _read_refusal(text: str) -> PreviewedDeployment | None:
    """Return the Deployment that a diagnostic refuses; None where the diagnostic is about something else."""
    line = _first_line(text)
    found = _REFUSED_DEPLOYMENT.fullmatch(line)
    if found is None:
        return None
    return PreviewedDeployment(
        name=found["name"],
        release_name=found["release_name"],
        status=Status.REFUSED,
        problem=text[len(line) :].strip("\n"),
    )


def _other_warnings(deployment: PreviewedDeployment, diagnostics: Sequence[Diagnostic]) -> list[str]:
    """Return the warnings at a Deployment's row that are not in its plan, with the Deployment's name."""
    planned = {f"warning {each.name}: {each.message}" for each in deployment.warnings}
    others = [each.text for each in diagnostics if each.severity == "warning" and each.text not in planned]
    return [f"{title(deployment.name, deployment.release_name)}: {text}" for text in others if text]


def _first_line(text: str) -> str:
    return text.partition("\n")[0]


def _path(text: str | None) -> tuple[ReleaseId, ...]:
    try:
        return parse_path(text) if text else ()
    except InvalidVersionError as error:
        raise InvalidPreviewError(f"{NOT_A_PREVIEW} of this package's resources: {error}") from error

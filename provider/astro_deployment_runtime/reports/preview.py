"""What a preview says of Deployments: the values that a report is written from.

The engine lists Deployments in the order in which they were planned, which is another in each run. Here they are
sorted, so that two previews of the same change are told in the same way. The stack's config, which the engine writes
down too, is not read.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from astro_deployment_runtime.errors import InvalidPreviewError, InvalidVersionError
from astro_deployment_runtime.planning.plan_messages import ARROW
from astro_deployment_runtime.planning.versions import ReleaseId
from astro_deployment_runtime.reports.pulumi_preview_json import FOREIGN, SAME, read_digest
from astro_deployment_runtime.support.text import printable_name

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from astro_deployment_runtime.reports.pulumi_preview_json import Diagnostic, Digest, Step
    from astro_deployment_runtime.support.urns import Urn

_FLEET: Final = re.compile(r"(\d+) of \d+ Deployments (?:is|are) refused; nothing was changed\.\n\n")
_TITLED: Final = re.compile(r"(?P<name>.+?)(?: \((?P<release>[^()\s]+)\))?: (?P<text>.+)", re.DOTALL)
_WARNING: Final = re.compile(r"\s*warning (?P<name>[a-z-]+): (?P<message>.+)", re.DOTALL)
_END_OF_PROGRAM: Final = "an unhandled error occurred: program exited with non-zero exit code"


class Status(StrEnum):
    """What becomes of a Deployment; what needs a reviewer's eye comes first."""

    REFUSED = "refused"
    MOVES = "moves"
    UNPLANNED = "unplanned"
    """Its path is known only when what its arguments come from exists."""
    FORGOTTEN = "forgotten"
    """It leaves the stack, and keeps its version."""
    UNCHANGED = "unchanged"


_ORDER: Final = tuple(Status)


@dataclass(frozen=True, slots=True, kw_only=True)
class Warned:
    """A warning, with its name."""

    name: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A Deployment in a preview."""

    name: str
    """The resource's name in the stack."""
    release_name: str | None = None
    operation: str | None = None
    """The engine's word for what becomes of the resource; None where the preview did not come to that."""
    status: Status
    path: tuple[ReleaseId, ...] = ()
    """What runs, and the target of each hop."""
    cancel: str | None = None
    """A pending hop that is cancelled first."""
    plan: tuple[str, ...] = ()
    """The plan's lines, where there is something to do."""
    warnings: tuple[Warned, ...] = ()
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
    rows: tuple[Row, ...]
    notes: tuple[str, ...]
    """What the program said: for a fleet, what it comes to."""
    warnings: tuple[str, ...]
    """What it warned of, beside the warnings of a Deployment."""
    errors: tuple[str, ...]
    """Why the preview failed, beside the refusals of Deployments."""
    others: Mapping[str, int]
    """How many resources that are not ours each operation is for, without those that stay the same."""
    partial: bool
    """It need not have come to all that is declared: the engine ends a preview at the first check that fails."""
    lists_unchanged: bool
    """Deployments with nothing to do have rows too."""

    def count(self, status: Status) -> int:
        """Count the Deployments of which that becomes."""
        return sum(row.status is status for row in self.rows)

    @property
    def hops(self) -> int:
        """The number of hops of all Deployments."""
        return sum(row.hops for row in self.rows)


def read_preview(data: bytes) -> Preview:
    """Read what ``pulumi preview --json`` wrote.

    Raises:
        InvalidPreviewError: it is something else.
    """
    digest = read_digest(data)
    urns = [each.urn for each in (*digest.steps, *digest.diagnostics) if each.urn]
    rows, errors = _rows(digest), []
    for text in _said(digest, "error"):
        refused = _refused_fleet(text)
        rows += refused
        errors += [] if refused else [text]
    reasons = [text for text in errors if not text.startswith(_END_OF_PROGRAM)]
    others = Counter(step.op for step in digest.steps if step.foreign and step.op != SAME)
    return Preview(
        project=urns[0].project if urns else None,
        stack=urns[0].stack if urns else None,
        rows=tuple(sorted(rows, key=lambda row: (_ORDER.index(row.status), row.name, row.release_name or ""))),
        notes=_said(digest, "info"),
        warnings=_said(digest, "warning"),
        # How the program ended is of interest only where nobody said why.
        errors=tuple(reasons if reasons or rows else errors),
        others=dict(sorted(others.items())),
        partial=any(row.operation is None for row in rows) or (bool(errors) and not rows),
        lists_unchanged=digest.lists_unchanged,
    )


def _said(digest: Digest, severity: str) -> tuple[str, ...]:
    """Return what was said of no Deployment in particular."""
    found = [each for each in digest.diagnostics if each.severity == severity and not each.deployment]
    return tuple(each.text for each in found if each.text)


def _rows(digest: Digest) -> list[Row]:
    """Return a row for each Deployment that has a step, or of which an error was told."""
    steps: dict[Urn, Step | None] = {}
    said: dict[Urn, list[Diagnostic]] = {}
    for step in digest.steps:
        # Where a resource is replaced, there may be a step for the old one too.
        if step.deployment and (step.new or step.deployment not in steps):
            steps[step.deployment] = step
    for each in digest.diagnostics:
        if each.deployment:
            said.setdefault(each.deployment, []).append(each)
            if each.severity == "error":
                steps.setdefault(each.deployment, None)
    return [_row(urn.name, step, said.get(urn, ())) for urn, step in steps.items()]


def _row(name: str, step: Step | None, said: Sequence[Diagnostic]) -> Row:
    problem = "\n".join(each.reason for each in said if each.severity == "error")
    warned = [each.text for each in said if each.severity == "warning"]
    if step is None:
        return _refused(Row(name=name, status=Status.REFUSED, warnings=_warnings(warned)), problem)
    state = step.new or step.old
    inputs = state.inputs
    # Where the plan is a secret or not known in whole, the state has no lines, and the row under Diagnostics has them.
    plan = inputs.plan or tuple(line for each in said if each.severity == "info" for line in each.text.splitlines())
    row = Row(
        name=name,
        release_name=inputs.release_name,
        operation=step.op,
        status=Status.UNPLANNED,
        warnings=_warnings([*(plan if step.new else ()), *warned]),
    )
    if problem or (step.new and inputs.hold):
        return _refused(row, inputs.hold or problem)
    if step.new is None:
        return replace(row, status=Status.FORGOTTEN, path=_path(state.outputs.current_version))
    path = _path(inputs.path)
    if not path:
        return row
    # The plan of a resource without a change may hold the cancelling of a hop that turned out to be somebody else's.
    if step.op == SAME or not (len(path) > 1 or inputs.cancel):
        return replace(row, status=Status.UNCHANGED, path=path[:1])
    return replace(row, status=Status.MOVES, path=path, cancel=inputs.cancel, plan=plan)


def _refused(row: Row, problem: str) -> Row:
    """Return the row with why it is refused, without the words that name the Deployment once more."""
    titled = _TITLED.fullmatch(problem)
    if titled and titled["name"] == printable_name(row.name):
        row, problem = replace(row, release_name=row.release_name or titled["release"]), titled["text"]
    return replace(row, status=Status.REFUSED, problem=problem.strip("\n"))


def _refused_fleet(text: str) -> list[Row]:
    """Return the rows of a fleet that was refused as a whole; none where the text is about something else."""
    head = _FLEET.match(text)
    if head is None:
        return []
    *blocks, _ = text[head.end() :].split("\n\n")
    found = [titled for block in blocks if (titled := _TITLED.fullmatch(block))]
    if len(found) != len(blocks) or len(found) != int(head[1]):
        return []
    return [
        Row(name=each["name"], release_name=each["release"], status=Status.REFUSED, problem=each["text"])
        for each in found
    ]


def _path(text: str | None) -> tuple[ReleaseId, ...]:
    try:
        return tuple(ReleaseId.parse(release) for release in text.split(ARROW)) if text else ()
    except InvalidVersionError as error:
        raise InvalidPreviewError(f"{FOREIGN} of this package's resources: {error}") from error


def _warnings(lines: Iterable[str]) -> tuple[Warned, ...]:
    """Return the warnings among the lines of a plan and among what was said, each once."""
    found = [match for line in lines if (match := _WARNING.fullmatch(line))]
    return tuple(dict.fromkeys(Warned(name=match["name"], message=match["message"]) for match in found))

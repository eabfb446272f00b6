"""The Markdown report of a preview, for a comment on a pull request: a summary, a table, and the folded plans.

Names and messages come from people and platforms and may hold anything. The report puts them into ``<code>``, where
GitHub mentions nobody, and writes every character that Markdown, HTML or a table would interpret as an entity. Longer
texts go into a fenced block, whose fence is longer than any in the text.
"""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING, Final

from astro_deployment_runtime.planning.plan_messages import hops_text, path_text
from astro_deployment_runtime.planning.plan_model import Action
from astro_deployment_runtime.reports.preview import Status
from astro_deployment_runtime.support.text_formatting import printable

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from astro_deployment_runtime.reports.preview import Preview, PreviewedDeployment

LIMIT: Final = 65_000
"""Longest report, in characters. GitHub accepts 65,536 in a comment."""

_INLINE_LIMIT: Final = 300
"""Longest name or message in a line, in characters. The folded texts and the JSON report have all of it."""
_FOOTER_LIMIT: Final = 1_000
"""Room for the last lines, in characters."""
_MARKUP: Final = re.compile(r"[^A-Za-z0-9 '\",;:?!%+=.()/\x80-\U0010ffff-]|:(?=//)|(?<=www)\.")
_OPERATIONS: Final = {"replace": "takes the place of another", "import": "imported as it is"}
"""Texts for operations of the engine that change nothing on the platform."""
_TABLE_HEAD: Final = ("| Deployment | | Path | Warnings |", "|---|---|---|---|")


def markdown_comment(preview: Preview) -> str:
    """Return the report with a newline at its end, in at most :data:`LIMIT` characters.

    The first line is an HTML comment that names the stack. A pipeline finds its own comment again by it.
    """
    name = "/".join(filter(None, (preview.project, preview.stack))) or "unknown"
    head = [f"<!-- astro-deployment-runtime: {_inline(name)} -->", "", f"### Deployments of {_code(name)}", ""]
    head += [_summary(preview), ""]
    room = LIMIT - _FOOTER_LIMIT - sum(len(line) + 1 for line in head)
    rows = _take_fitting([_table_row(each) for each in preview.deployments], room - sum(map(len, _TABLE_HEAD)) - 3)
    table = [*_TABLE_HEAD, *rows, ""] if rows else []
    folds = [fold for fold in _folds(preview) if fold]
    shown = _take_fitting(folds, room - sum(len(line) + 1 for line in table))
    footer = _footer(preview, rows_left=len(preview.deployments) - len(rows), folds_left=len(folds) - len(shown))
    return "\n".join([*head, *table, *shown, *footer]).rstrip("\n") + "\n"


def _summary(preview: Preview) -> str:
    counts = {
        Status.REFUSED: "**{} refused**",
        Status.MOVES: f"{{}} to be brought forward ({hops_text(preview.hops)})",
        Status.UNPLANNED: "{} planned later",
        Status.FORGOTTEN: "{} to be forgotten",
        Status.UNCHANGED: "{} with nothing to do",
    }
    told = [text.format(count) for status, text in counts.items() if (count := preview.count(status))]
    if preview.errors:
        told.insert(0, "**The preview failed**")
    return f"{', '.join(told) or 'Nothing to do'}."


def _table_row(deployment: PreviewedDeployment) -> str:
    name = _code(deployment.name)
    if deployment.release_name not in {None, deployment.name}:
        name += f" ({_code(str(deployment.release_name))})"
    path = _code(_first_line(deployment.problem)) if deployment.problem else path_text(deployment.path)
    warnings = ", ".join(dict.fromkeys(each.name for each in deployment.warnings))
    return f"| {name} | {_action(deployment)} | {path} | {warnings} |"


def _action(deployment: PreviewedDeployment) -> str:
    match deployment.status:
        case Status.REFUSED:
            return "**refused**"
        case Status.UNPLANNED:
            return "planned later"
        case Status.FORGOTTEN:
            return "forgotten, keeps its version"
    steps = [_OPERATIONS[deployment.operation]] if deployment.operation in _OPERATIONS else []
    steps += [f"cancels {_code(deployment.cancel)}"] if deployment.cancel else []
    steps += [hops_text(deployment.hops)] if deployment.hops else []
    return ", then ".join(steps) or "nothing to do"


def _folds(preview: Preview) -> Iterable[str]:
    """Yield the folded texts, the most important first; an empty text where there is nothing to fold."""
    yield _fold("Why the preview failed", preview.errors, unfolded=True)
    yield _graph(preview.deployments)
    yield _fold("What the program says", preview.notes, unfolded=True)
    yield _fold("Warnings", preview.warnings, unfolded=True)
    for deployment in preview.deployments:
        if deployment.problem and ("\n" in deployment.problem or len(deployment.problem) > _INLINE_LIMIT):
            yield _fold(_code(f"{deployment.name}: {_first_line(deployment.problem)}"), [deployment.problem])
        elif deployment.plan:
            yield _fold(_code(deployment.plan[0]), ["\n".join(deployment.plan[1:])])
        elif deployment.warnings:
            lines = [f"warning {each.name}: {each.message}" for each in deployment.warnings]
            yield _fold(_code(f"{deployment.name}: {_action(deployment)}"), lines)


def _fold(title: str, texts: Sequence[str], *, unfolded: bool = False) -> str:
    """Return texts folded below a title; empty without texts."""
    if not texts:
        return ""
    lines = [printable(line) for text in texts for line in text.split("\n")]
    return f"<details{' open' if unfolded else ''}><summary>{title}</summary>\n\n{_fenced('text', lines)}\n</details>\n"


def _fenced(language: str, lines: Iterable[str]) -> str:
    text = "\n".join(lines)
    longest = max((len(run) for run in re.findall(r"`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}{language}\n{text}\n{fence}\n"


def _graph(deployments: Iterable[PreviewedDeployment]) -> str:
    """Draw the hops of all Deployments as a Mermaid flowchart, with the number of Deployments at each."""
    hops = Counter(hop for each in deployments for hop in zip(each.path, each.path[1:], strict=False))
    if not hops:
        return ""
    numbers = {
        release: f"r{number}" for number, release in enumerate(dict.fromkeys(each for hop in hops for each in hop))
    }
    lines = ["flowchart LR", *(f'    {number}["{release}"]' for release, number in numbers.items())]
    for (source, target), count in hops.items():
        action = Action.UPGRADE if source.distribution is target.distribution else Action.MIGRATE
        many = f"{count} Deployment{'' if count == 1 else 's'}"
        lines.append(f'    {numbers[source]} -->|"{action}: {many}"| {numbers[target]}')
    return _fenced("mermaid", lines)


def _footer(preview: Preview, *, rows_left: int, folds_left: int) -> list[str]:
    lines = []
    if rows_left or folds_left:
        lines.append(f"Too long for a comment: {rows_left} rows and {folds_left} folded texts are left out.")
    if preview.partial:
        lines.append("The preview may have ended before everything was planned: Deployments can be missing here.")
    elif not preview.lists_unchanged:
        lines.append("Unchanged Deployments are not listed; `pulumi preview --show-sames` lists them.")
    if preview.others:
        others = ", ".join(f"{count} to {_code(operation)}" for operation, count in preview.others.items())
        lines.append(f"Resources of other kinds: {others}.")
    return [line for each in lines for line in (each, "")]


def _take_fitting(parts: Sequence[str], room: int) -> list[str]:
    """Return the first parts that fit into the room, in characters, with a newline after each."""
    fitting = []
    for part in parts:
        room -= len(part) + 1
        if room < 0:
            break
        fitting.append(part)
    return fitting


def _first_line(text: str) -> str:
    return text.partition("\n")[0]


def _code(text: str) -> str:
    return f"<code>{_inline(text)}</code>"


def _inline(text: str) -> str:
    shown = printable(text)
    short = shown if len(shown) <= _INLINE_LIMIT else f"{shown[: _INLINE_LIMIT - 1]}…"
    return _MARKUP.sub(lambda match: f"&#{ord(match[0])};", short)

"""A preview as Markdown, for a comment on a pull request: a summary, a row for each Deployment, and the plans folded.

Names and messages come from people and platforms and may hold anything. They stand in ``<code>``, in which nobody is
mentioned, with every character that means something in Markdown, in HTML or in a table written as an entity; or in a
fenced block, whose fence is longer than any in it.
"""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING, Final

from astro_deployment_runtime.planning.model import Action
from astro_deployment_runtime.planning.plan_messages import ARROW, hops_text
from astro_deployment_runtime.reports.preview import Status
from astro_deployment_runtime.support.text import printable

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from astro_deployment_runtime.reports.preview import Preview, Row

LIMIT: Final = 65_000
"""How many characters are written at most. GitHub takes 65,536 in a comment."""

_SPAN: Final = 300
"""How many characters of a name or a message stand in a line; the whole of it is in what is folded, and in the JSON."""
_LAST: Final = 1_000
"""How many characters are kept for the last lines."""
_MEANINGFUL: Final = re.compile(r"[^A-Za-z0-9 '\",;:?!%+=.()/\x80-\U0010ffff-]|:(?=//)|(?<=www)\.")
_HEADS: Final = ("| Deployment | | Path | Warnings |", "|---|---|---|---|")


def pull_request(preview: Preview) -> str:
    """Write a preview as Markdown, with a newline at its end, of at most :data:`LIMIT` characters.

    Its first line is a comment that names the stack, by which a pipeline finds its own comment again.
    """
    name = "/".join(filter(None, (preview.project, preview.stack))) or "unknown"
    head = [f"<!-- astro-deployment-runtime: {_inline(name)} -->", "", f"### Deployments of {_code(name)}", ""]
    head += [_summary(preview), ""]
    room = LIMIT - _LAST - sum(len(line) + 1 for line in head)
    rows = _fitting([_row(row) for row in preview.rows], room - sum(map(len, _HEADS)) - 3)
    table = [*_HEADS, *rows, ""] if rows else []
    folds = [fold for fold in _folds(preview) if fold]
    shown = _fitting(folds, room - sum(len(line) + 1 for line in table))
    last = _last(preview, rows_left=len(preview.rows) - len(rows), folds_left=len(folds) - len(shown))
    return "\n".join([*head, *table, *shown, *last]).rstrip("\n") + "\n"


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


def _row(row: Row) -> str:
    name = _code(row.name)
    if row.release_name not in {None, row.name}:
        name += f" ({_code(str(row.release_name))})"
    path = _code(_first(row.problem)) if row.problem else ARROW.join(map(str, row.path))
    warnings = ", ".join(dict.fromkeys(each.name for each in row.warnings))
    return f"| {name} | {_what(row)} | {path} | {warnings} |"


def _what(row: Row) -> str:
    match row.status:
        case Status.REFUSED:
            return "**refused**"
        case Status.UNPLANNED:
            return "planned later"
        case Status.FORGOTTEN:
            return "forgotten, keeps its version"
    steps = ["takes the place of another"] if row.operation == "replace" else []
    steps += [f"cancels {_code(row.cancel)}"] if row.cancel else []
    steps += [hops_text(row.hops)] if row.hops else []
    return ", then ".join(steps) or "nothing to do"


def _folds(preview: Preview) -> Iterable[str]:
    """Write what can be unfolded, the most important first."""
    yield _fold("Why the preview failed", preview.errors, unfolded=True)
    yield _graph(preview.rows)
    yield _fold("What the program says", preview.notes, unfolded=True)
    yield _fold("Warnings", preview.warnings, unfolded=True)
    for row in preview.rows:
        if row.problem and ("\n" in row.problem or len(row.problem) > _SPAN):
            yield _fold(_code(f"{row.name}: {_first(row.problem)}"), [row.problem])
        elif row.plan:
            yield _fold(_code(row.plan[0]), ["\n".join(row.plan[1:])])
        elif row.warnings:
            lines = [f"warning {each.name}: {each.message}" for each in row.warnings]
            yield _fold(_code(f"{row.name}: {_what(row)}"), lines)


def _fold(title: str, texts: Sequence[str], *, unfolded: bool = False) -> str:
    """Write texts below a title; nothing where there are none."""
    if not texts:
        return ""
    lines = [printable(line) for text in texts for line in text.split("\n")]
    return f"<details{' open' if unfolded else ''}><summary>{title}</summary>\n\n{_fenced('text', lines)}\n</details>\n"


def _fenced(language: str, lines: Iterable[str]) -> str:
    text = "\n".join(lines)
    longest = max((len(run) for run in re.findall(r"`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}{language}\n{text}\n{fence}\n"


def _graph(rows: Iterable[Row]) -> str:
    """Draw the hops of all Deployments, each with how many take it; it holds nothing but releases."""
    hops = Counter(hop for row in rows for hop in zip(row.path, row.path[1:], strict=False))
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


def _last(preview: Preview, *, rows_left: int, folds_left: int) -> list[str]:
    lines = []
    if rows_left or folds_left:
        lines.append(f"Too long for a comment: {rows_left} rows and {folds_left} folded texts are left out.")
    if preview.partial:
        lines.append("The preview may have ended before everything was planned: Deployments can be missing here.")
    elif not preview.lists_unchanged:
        lines.append("What has nothing to do is not listed; `pulumi preview --show-sames` lists it.")
    if preview.others:
        others = ", ".join(f"{count} to {_code(operation)}" for operation, count in preview.others.items())
        lines.append(f"Resources of other kinds: {others}.")
    return [line for each in lines for line in (each, "")]


def _fitting(parts: Sequence[str], room: int) -> list[str]:
    """Return the first parts, as many as have room, with a newline after each."""
    fitting = []
    for part in parts:
        room -= len(part) + 1
        if room < 0:
            break
        fitting.append(part)
    return fitting


def _first(text: str) -> str:
    return text.partition("\n")[0]


def _code(text: str) -> str:
    return f"<code>{_inline(text)}</code>"


def _inline(text: str) -> str:
    shown = printable(text)
    short = shown if len(shown) <= _SPAN else f"{shown[: _SPAN - 1]}…"
    return _MEANINGFUL.sub(lambda match: f"&#{ord(match[0])};", short)

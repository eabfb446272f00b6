"""Write the measurements of ``make soak`` into ``docs/reliability.md``: ``reliability_tables.py MEASURED DOCUMENT``."""

from __future__ import annotations

import json
import sys
from collections import Counter
from pathlib import Path
from typing import Any, Final

from tools.markdown_tables import put, table

Row = dict[str, Any]
_KILLERS: Final = {
    "plugin": "plugin killed",
    "engine": "engine killed",
    "platform": "platform killed",
    "answer": "answer lost",
}
_ENDS: Final = ("carried on", "resumed")


def read(folder: Path, kind: str) -> list[Row]:
    """Read the rows of one kind; a row that was measured twice counts once."""
    lines = (folder / f"{kind}.jsonl").read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in dict.fromkeys(lines)]


def _ended(rows: list[Row]) -> str:
    found = Counter(row["outcome"] for row in rows)
    return ", ".join(f"{found[end]} {end}" for end in _ENDS if found[end]) or "-"


def crashes(rows: list[Row]) -> list[str]:
    """Return crash points by request and killer, with their results."""
    names = list(
        dict.fromkeys(row["name"] for row in sorted(rows, key=lambda row: (not row["changes"], row["mutations"])))
    )
    cells = {
        (name, killer): [row for row in rows if (row["name"], row["killer"]) == (name, killer)]
        for name in names
        for killer in _KILLERS
    }
    body = [[f"`{name}`", *(_ended(cells[name, killer]) for killer in _KILLERS)] for name in names]
    total = ["all", *(_ended([row for row in rows if row["killer"] == killer]) for killer in _KILLERS)]
    return [
        *table(["request", *_KILLERS.values()], [*body, total]),
        "",
        f"{len(rows)} crash points. All ended as the undisturbed run did.",
    ]


def faults(rows: list[Row]) -> list[str]:
    """Return faults, their results and the texts of the run."""
    ordered = sorted(rows, key=lambda row: (_ENDS.index(row["outcome"]), row["fault"]))
    return table(
        ["fault", "outcome", "told"],
        [[row["fault"], row["outcome"], f"`{row['told']}`" if row["told"] else "-"] for row in ordered],
    )


def machine(rows: list[Row]) -> list[str]:
    """Return the totals of the random walks."""
    sums: Counter[str] = Counter()
    for row in rows:
        sums.update(row)
    return table(
        ["measured", "number"],
        [
            ["random walks of 30 steps", str(sums["runs"])],
            ["runs of `pulumi up` in them", str(sums["ups"])],
            ["requests at which the plugin died or the answer was lost", str(sums["struck"])],
            ["walks that ended at the target", str(sums["ended: at the target"])],
            ["walks that ended with a refusal that stays", str(sums["ended: refused"])],
        ],
    )


def written(document: str, folder: Path) -> str:
    """Put the tables into a document."""
    for kind, make in (("crashes", crashes), ("faults", faults), ("machine", machine)):
        document = put(document, kind, make(read(folder, kind)))
    return document


def main(arguments: list[str]) -> None:
    """Write the tables, and print their totals."""
    folder, path = Path(arguments[0]), Path(arguments[1])
    path.write_text(written(path.read_text(encoding="utf-8"), folder), encoding="utf-8")
    runs = sum(row["runs"] for row in read(folder, "machine"))
    struck = sum(row["struck"] for row in read(folder, "machine"))
    points = len(read(folder, "crashes"))
    print(f"soak: {points} crash points on the engine; {runs} random walks with {struck} more; all survived")


if __name__ == "__main__":
    main(sys.argv[1:])

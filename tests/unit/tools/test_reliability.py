"""The tables of the page about reliability."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tools.reliability_tables import main, written

if TYPE_CHECKING:
    from typing import Any

ROOT = Path(__file__).parents[3]
PLACES = "".join(f"<!-- measured: {kind} -->\nold\n<!-- end -->\n" for kind in ("crashes", "faults", "machine"))


def measured(folder: Path, **kinds: list[dict[str, Any]]) -> Path:
    """Write down what was measured."""
    for kind, rows in kinds.items():
        (folder / f"{kind}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return folder


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A small measurement."""
    read = {"name": "deployment", "mutations": 0, "number": 1, "changes": False, "side": "before"}
    start = {**read, "name": "updateDeploymentAirflow", "mutations": 1, "changes": True}
    return measured(
        tmp_path,
        crashes=[
            {**read, "killer": "plugin", "outcome": "resumed", "seconds": 1.0},
            {**start, "killer": "platform", "outcome": "carried on", "seconds": 1.0},
            {**start, "killer": "platform", "side": "after", "outcome": "resumed", "seconds": 1.0},
        ],
        faults=[
            {"fault": "It rains.", "outcome": "resumed", "told": "wet"},
            {"fault": "It is warm.", "outcome": "carried on", "told": ""},
        ],
        machine=[{"runs": 3, "ups": 9, "struck": 2, "ended: at the target": 3}, {"runs": 4, "struck": 1}],
    )


def test_the_tables_stand_in_their_places(folder: Path) -> None:
    """Mutations come first, and what was there before is replaced."""
    text = written(PLACES, folder)
    assert "\nold\n" not in text
    assert "| `updateDeploymentAirflow` | - | - | 1 carried on, 1 resumed | - |" in text
    assert text.index("updateDeploymentAirflow") < text.index("`deployment`")
    assert "3 crash points." in text
    assert text.index("| It is warm. | carried on | - |") < text.index("| It rains. | resumed | `wet` |")
    assert "| random walks of 30 steps | 7 |" in text


def test_a_document_without_a_place_is_a_mistake(folder: Path) -> None:
    """Rather than a table that silently stays away."""
    with pytest.raises(SystemExit, match="0 places for the table crashes"):
        written("nothing", folder)


def test_a_line_sums_it_up(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The document is written in its place."""
    document = folder / "page.md"
    document.write_text(PLACES, encoding="utf-8")
    main([str(folder), str(document)])
    assert capsys.readouterr().out == ("soak: 3 crash points on the engine; 7 random walks with 3 more; all survived\n")
    assert "3 crash points." in document.read_text(encoding="utf-8")


def test_every_promise_names_a_test_that_exists() -> None:
    """A promise without its test is none."""
    page = (ROOT / "docs" / "reliability.md").read_text(encoding="utf-8")
    named = re.findall(r"`(tests/\S+\.py)::(test_\w+)`", page)
    assert len(named) > 15
    for path, test in named:
        assert f"def {test}(" in (ROOT / path).read_text(encoding="utf-8"), f"{path}::{test}"

"""The recording that README.md shows: it says what the golden outputs say, and is the same for every run."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections import defaultdict
from pathlib import Path
from typing import Final

from tools import recording

_GOLDEN: Final = Path(__file__).resolve().parents[2] / "e2e" / "golden"
_WIDTH: Final = 12.2
"""Of a character."""


def read(drawing: str) -> list[str]:
    """The lines of a drawn terminal; blanks at the ends of what has one colour are not drawn."""
    lines: dict[float, str] = defaultdict(str)
    for text in ET.fromstring(drawing).iter("{http://www.w3.org/2000/svg}text"):  # noqa: S314 - our own file
        row, column = float(text.attrib["y"]), round(float(text.attrib["x"]) / _WIDTH)
        lines[row] = lines[row].ljust(column) + (text.text or "").replace("\N{NO-BREAK SPACE}", " ")
    return [line.rstrip() for _, line in sorted(lines.items())]


def test_the_recording_says_what_the_golden_outputs_say() -> None:
    """The plan of the preview, then the run with its results; ``make recording`` draws it again."""
    drawn = "\n".join(read(recording.DRAWING.read_text(encoding="utf-8")))
    commands = [drawn.index(f"$ {command}\n") for command in recording.COMMANDS]
    for name, part in zip(("guide-preview", "guide-up"), (drawn[: commands[1]], drawn[commands[1] :]), strict=True):
        golden = (_GOLDEN / f"{name}.txt").read_text(encoding="utf-8").splitlines()
        assert "\n".join(f"    {line}" for line in golden) in part


def test_what_is_drawn_can_be_read_back() -> None:
    """With its blanks and its signs, without its colours."""
    shown = "\x1b[1m$ pulumi up\x1b[0m\n\n \x1b[38;5;2m+ \x1b[0m a & b > c\n"
    drawing = recording.draw(shown)
    assert read(drawing) == ["$ pulumi up", "", " +  a & b > c", ""]
    assert drawing == recording.draw(shown)
    assert "http" not in drawing.replace("http://www.w3.org/2000/svg", "")


def test_what_differs_between_runs_is_left_out() -> None:
    """Times, signs of life, and all rows of a resource but the last."""
    printed = (
        "Updating (production):\n\n"
        "\x1b[38;5;3m@ updating...\x1b[0m\x1b[38;5;3m.\x1b[0m\n"
        " \x1b[1m\x1b[38;5;2m+ \x1b[0m pulumi:pulumi:Stack one \x1b[1m\x1b[38;5;2mcreating (0s)\x1b[0m \n"
        " \x1b[1m\x1b[0m  \x1b[0m pulumi-python:dynamic/astro:DeploymentRuntime a \x1b[0mwaiting - 00:02 of 1:00:00\n"
        " \x1b[38;5;2m+ \x1b[0m pulumi-python:dynamic/astro:DeploymentRuntime a \x1b[38;5;2mcreated (6s)\x1b[0m \n"
        " \x1b[38;5;2m+ \x1b[0m pulumi:pulumi:Stack one \x1b[38;5;2mcreated (6s)\x1b[0m \n"
        "Resources:\n    + 2 created\n\n"
        "\x1b[38;5;13m\x1b[1mDuration:\x1b[0m 9s\n\n"
    )
    assert recording.steady(printed) == (
        "Updating (production):\n\n"
        " \x1b[38;5;2m+ \x1b[0m pulumi-python:dynamic/astro:DeploymentRuntime a \x1b[38;5;2mcreated\x1b[0m \n"
        " \x1b[38;5;2m+ \x1b[0m pulumi:pulumi:Stack one \x1b[38;5;2mcreated\x1b[0m \n"
        "Resources:\n    + 2 created\n\n"
    )

"""The prose check: its rules, the text it reads in each kind of file, and its report.

A `~` splits each banned word of an example here, so that the check does not find it in this file.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tools import prose

if TYPE_CHECKING:
    from pathlib import Path

REJECTED = [
    "The platform w~ishes to rest.",
    "It is b~orne for a minute.",
    "Other errors are l~et be.",
    "Errors are l~et stand.",
    "Wh~oever starts it must wait.",
    "A part there~of is enough.",
    "Hen~ce it waits.",
    "It waits, le~st it fails.",
    "Wait up~on a signal.",
    "Nau~ght happens.",
    "Set it an~ew.",
    "It sh~all go on.",
    "It waits f~or ever.",
    "A wave co~mes to be.",
    "The result that c~ame of it.",
    "No engine can b~e had.",
    "Nothing is t~o be done.",
    "It ne~ed not wait.",
    "5.9.9 i~s no release.",
    "A line stan~ds for its newest patch.",
    "A step stan~ds between them.",
    "A rule spe~aks against it.",
    "The feed tel~ls of it.",
    "A pending hop is tak~en up, not started again.",
    "Give a name i~n the place of an id.",
    "Houston ignores it with~out a word.",
    "One fel~l ill.",
    "It is m~ended.",
    "It waits a~s long as it lasts.",
    "a placeholder whi~ch there is not",
    "W~ho is one hop below takes the best.",
    "Done. Wh~ose it is tells the state.",
    "Wh~at nobody may do is denied once.",
    "Wh~at runs on 5.0.4 is kept.",
    "H~ow many seconds it waits.",
    "F~or how many seconds they may be unhealthy.",
]
ACCEPTED = [
    "The Authorization header has a Bearer token.",
    "Only members are let in.",
    "There is no release 5.9.9, and there is no longer a feed.",
    "The stand-in stands in for Houston and stands in the way of nothing.",
    "An upgrade takes up to 10 minutes.",
    "What is a hop?",
    "## What it does",
    "| What it does | How long | When |",
    "How to reach Houston.",
    "Which release runs does not matter, nor what comes next.",
    "Who starts it? Anyone.",
    "The names `wi~sh`, ``up~on()`` and `an~ew` are code.",
    "self._wi~sh and w~ish_list are names",
]


def join(text: str) -> str:
    """Return an example as it is meant."""
    return text.replace("~", "")


def found(folder: Path, text: str, name: str = "page.md") -> list[tuple[int, str]]:
    """Check a text as the content of a file; return the line numbers and the words of the findings."""
    file = folder / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(join(text), encoding="utf-8")
    return [(finding.line, finding.words) for finding in prose.check(file)]


@pytest.mark.parametrize("text", REJECTED)
def test_archaic_words_and_clauses_as_subjects_are_found(tmp_path: Path, text: str) -> None:
    """On the line that has them."""
    assert [line for line, _ in found(tmp_path, f"Plain.\n\n{text}\n")] == [3]


@pytest.mark.parametrize("text", ACCEPTED)
def test_plain_english_is_accepted(tmp_path: Path, text: str) -> None:
    """Also where it resembles a banned phrase."""
    assert found(tmp_path, text) == []


def test_each_rule_has_an_example() -> None:
    """So that no rule is dead."""
    unused = [pattern for pattern in prose.BANNED if not any(pattern.search(join(text)) for text in REJECTED)]
    assert unused == []


def test_a_phrase_is_found_across_the_end_of_a_line(tmp_path: Path) -> None:
    """The finding has the line on which it starts."""
    assert found(tmp_path, "First.\nA line that stan~ds\nf~or its newest patch.\n") == [(2, join("sta~nds for"))]


def test_comments_docstrings_and_texts_of_python_are_read_and_names_are_not(tmp_path: Path) -> None:
    """Adjacent texts are one text, and so is an f-string with its values."""
    module = """
    def w~ish(up~on: int) -> str:
        '''Wait an~ew.

        Returns:
            Wh~at comes next is here.
        '''
        # It nee~d
        # n~ot wait.
        who~ever = up~on
        return (
            f"{who~ever} is "
            "n~o release"
        )
    """
    lines = "\n".join(line[4:] for line in module.split("\n")[1:])
    assert found(tmp_path, lines, "module.py") == [
        (2, join("an~ew")),
        (5, "What"),
        (7, join("need n~ot")),
        (11, join("i~s no")),
    ]


def test_folders_are_searched_for_python_markdown_golden_texts_and_the_makefile(tmp_path: Path) -> None:
    """But not hidden or built ones, nor other files."""
    names = ["Makefile", "a.md", "b.py", "golden/c.txt"]
    for name in [*names, ".venv/d.md", "build/e.md", "f.json", "requirements.txt"]:
        found(tmp_path, "", name)
    assert {str(file.relative_to(tmp_path)) for file in prose.files([tmp_path])} == set(names)


def test_findings_are_printed_with_their_place_and_fail(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A clean file passes."""
    assert found(tmp_path, "Set it an~ew.", "bad.md")
    assert prose.main([str(tmp_path / "bad.md")]) == 1
    printed = capsys.readouterr()
    assert printed.out == f"{tmp_path / 'bad.md'}:1: {join('an~ew')!r}: write instead: again\n"
    assert printed.err == "prose: 1 finding\n"
    assert not found(tmp_path, "Set it again.", "good.md")
    assert prose.main([str(tmp_path / "good.md")]) == 0

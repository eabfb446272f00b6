"""`make prose`: find archaic or convoluted wording in code, documentation and golden texts.

It reads docstrings, comments and string literals of Python files, Markdown, golden texts and the Makefile. Each finding
names its line, the words, and the words to write instead. The rules are in tools/prose.toml.
"""

from __future__ import annotations

import argparse
import ast
import io
import os
import re
import sys
import tokenize
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

ROOT: Final = Path(__file__).resolve().parents[1]

_RULES: Final = tomllib.loads((ROOT / "tools" / "prose.toml").read_text(encoding="utf-8"))
_CODE_SPAN: Final = re.compile(r"(`+)(?!`).+?\1")
"""Names and code, in which every word is allowed."""
_STATEMENT: Final = r"\b(?=(?:[^.?!|]|\.(?=\S))*\.(?:\s|$))"
"""The sentence ends with a full stop; one within a word, such as a version, does not end it."""
BANNED: Final = {
    **{re.compile(rf"\b(?:{words})\b", re.IGNORECASE): instead for words, instead in _RULES["words"].items()},
    **{
        re.compile(rf"(?:^|(?<=[.!?:|*-] ))(?:{words}){_STATEMENT}"): instead
        for words, instead in _RULES["sentence_starts"].items()
    },
}
"""Patterns, and the words to write instead."""


@dataclass(frozen=True, slots=True)
class Line:
    """A line of prose, without the marks around it."""

    number: int
    text: str


@dataclass(frozen=True, slots=True)
class Finding:
    """Banned words at a place."""

    path: Path
    line: int
    words: str
    instead: str

    def __str__(self) -> str:
        """Return it as an editor can jump to."""
        return f"{self.path}:{self.line}: {self.words!r}: write instead: {self.instead}"


def main(arguments: Sequence[str] | None = None) -> int:
    """Check the given files and folders, or all; return 1 if something was found."""
    parser = argparse.ArgumentParser(prog="python -m tools.prose", description=__doc__)
    parser.add_argument("paths", nargs="*", type=Path, default=[ROOT], metavar="PATH", help="a file or a folder")
    findings = [each for path in files(parser.parse_args(arguments).paths) for each in check(path)]
    for finding in findings:
        print(finding)
    print(f"prose: {len(findings) or 'no'} finding{'' if len(findings) == 1 else 's'}", file=sys.stderr)
    return 1 if findings else 0


def files(paths: Sequence[Path]) -> Iterator[Path]:
    """Yield the files with prose in them, below folders without those that are hidden or built."""
    for path in paths:
        if path.is_file():
            yield path
        for folder, folders, names in os.walk(path):
            folders[:] = sorted(each for each in folders if not each.startswith((".", "build", "__pycache__")))
            yield from (file for name in sorted(names) if _has_prose(file := Path(folder, name)))


def _has_prose(path: Path) -> bool:
    return (
        path.suffix in {".py", ".md"} or path.name == "Makefile" or (path.suffix == ".txt" and "golden" in path.parts)
    )


def check(path: Path) -> Iterator[Finding]:
    """Yield the findings in a file, in the order of its lines."""
    text = path.read_text(encoding="utf-8")
    shown = path.resolve().relative_to(ROOT) if path.resolve().is_relative_to(ROOT) else path
    paragraphs = _python_paragraphs(text) if path.suffix == ".py" else _paragraphs(_numbered(text))
    found = {
        Finding(shown, number, words, instead)
        for paragraph in paragraphs
        for number, words, instead in _check_paragraph(paragraph)
    }
    yield from sorted(found, key=lambda each: (each.line, each.words))


def _check_paragraph(lines: Sequence[Line]) -> Iterator[tuple[int, str, str]]:
    """Yield line number, words and replacement; a pattern matches across the ends of lines."""
    text = _CODE_SPAN.sub(lambda span: "`" * len(span[0]), " ".join(line.text for line in lines))
    for pattern, instead in BANNED.items():
        for match in pattern.finditer(text):
            end = 0
            for line in lines:
                end += len(line.text) + 1
                if match.start() < end:
                    yield line.number, match.group().strip(), instead
                    break


def _numbered(text: str, first: int = 1) -> list[Line]:
    return [Line(number, " ".join(line.split())) for number, line in enumerate(text.split("\n"), first)]


def _paragraphs(lines: Sequence[Line]) -> Iterator[list[Line]]:
    """Split lines where one is blank, starts a list item or a table row, or is a heading."""
    paragraph: list[Line] = []
    for line in lines:
        if not line.text or line.text.startswith(("#", "|", "- ", "* ")):
            yield paragraph
            paragraph = []
        if line.text:
            paragraph.append(line)
    yield paragraph


def _python_paragraphs(text: str) -> Iterator[list[Line]]:
    yield from _comments(text)
    tree = ast.parse(text)
    parts = {id(part) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for part in node.values}
    for node in ast.walk(tree):
        if id(node) not in parts and (value := _literal(node)) is not None:
            yield from _paragraphs(_placed(value, node, text.split("\n")))


def _literal(node: ast.AST) -> str | None:
    """Return the text of a string literal; values within an f-string are `{}`."""
    match node:
        case ast.Constant(value=str() as value):
            return value
        case ast.JoinedStr(values=values):
            return "".join(str(part.value) if isinstance(part, ast.Constant) else "{}" for part in values)
        case _:
            return None


def _placed(value: str, node: ast.AST, source: Sequence[str]) -> list[Line]:
    """Return the lines of a literal with their numbers: those of the source if each is a line there too."""
    first, last = getattr(node, "lineno", 1), getattr(node, "end_lineno", 1)
    lines = _numbered(value, first)
    if last - first == len(lines) - 1:
        return lines
    # Adjacent literals that Python joins, or one with an escaped line end: look each word's line up in the source.
    found, number = [], first
    for word in re.findall(r"\S+|\n", value):
        if word == "\n":
            found.append(Line(number, ""))
            continue
        number = next((each for each in range(number, last + 1) if word in source[each - 1]), number)
        found.append(Line(number, word))
    return found


def _comments(text: str) -> Iterator[list[Line]]:
    """Yield the comments of a file; those on lines that follow each other are one paragraph."""
    block: list[Line] = []
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type != tokenize.COMMENT:
            continue
        if block and token.start[0] != block[-1].number + 1:
            yield block
            block = []
        block.append(Line(token.start[0], " ".join(token.string.lstrip("#").split())))
    yield block


if __name__ == "__main__":
    sys.exit(main())

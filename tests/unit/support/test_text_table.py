"""Tables of text: aligned, wrapped and coloured."""

from __future__ import annotations

import pytest

from astro_deployment_runtime.support.text_table import Colour, Screen, TableRow, table_lines, text_width, wrap

HEADS = ("NAME", "PATH")
ROWS = [TableRow(("a", "AC 2.2.3 > AC 2.3.0"), Colour.RED), TableRow(("longer-name", "")), TableRow(("b", "AC 2.3.0"))]


def test_columns_are_aligned_without_trailing_spaces() -> None:
    """Without a width, each row is one line."""
    assert table_lines(HEADS, ROWS, Screen()) == [
        "NAME         PATH",
        "a            AC 2.2.3 > AC 2.3.0",
        "longer-name",
        "b            AC 2.3.0",
    ]


def test_the_widest_column_is_wrapped_between_words() -> None:
    """Nothing is cut off, and the columns stay aligned."""
    assert table_lines(HEADS, ROWS, Screen(width=25)) == [
        "NAME         PATH",
        "a            AC 2.2.3 >",
        "             AC 2.3.0",
        "longer-name",
        "b            AC 2.3.0",
    ]


def test_a_no_break_space_is_not_wrapped() -> None:
    """It is printed as a normal space."""
    rows = [TableRow(("a", "AC\u00a02.2.3\u00a0> AC\u00a02.3.0"))]
    assert table_lines(HEADS, rows, Screen(width=17)) == ["NAME  PATH", "a     AC 2.2.3 >", "      AC 2.3.0"]


def test_a_table_that_does_not_fit_becomes_a_list() -> None:
    """Each cell follows its heading. Empty cells are left out."""
    assert table_lines(HEADS, ROWS, Screen(width=17)) == [
        "NAME: a",
        "PATH: AC 2.2.3 >",
        "    AC 2.3.0",
        "",
        "NAME: longer-name",
        "",
        "NAME: b",
        "PATH: AC 2.3.0",
        "",
    ]


def test_wide_characters_take_two_columns() -> None:
    """Combining marks take none, so columns stay aligned."""
    rows = [TableRow(("\u4e2d\u6587", "x")), TableRow(("e\u0301", "x")), TableRow(("abcd", "x"))]
    assert table_lines(("N", "P"), rows, Screen()) == ["N     P", "\u4e2d\u6587  x", "e\u0301     x", "abcd  x"]


@pytest.mark.parametrize("width", [1, 4, 5, 20, 40, 80])
@pytest.mark.parametrize(
    "line", ["", " ", "a" * 300, "word " * 50, "   indented " + "\u4e2d" * 99, "x" * 7 + " " * 50 + "y" * 7]
)
def test_no_line_is_wider_than_the_screen(line: str, width: int) -> None:
    """Only spaces are lost."""
    lines = wrap(line, width)
    assert all(text_width(each) <= max(width, 2) for each in lines)
    assert "".join(lines).replace(" ", "") == line.replace(" ", "")
    assert wrap(line, None) == [line]


def test_a_word_with_a_slash_is_not_broken() -> None:
    """An image, a URL or a path can be copied. It is not indented if it does not fit otherwise."""
    line = "  1. upgrade  AC 2.2.3 > AC 2.3.0   FROM quay.io/astronomer/astro-runtime:5.0.4"
    assert wrap(line, 40) == [
        "  1. upgrade  AC 2.2.3 > AC 2.3.0   FROM",
        "quay.io/astronomer/astro-runtime:5.0.4",
    ]
    assert wrap(line, 30)[-1] == "quay.io/astronomer/astro-runtime:5.0.4"


def test_wrapped_lines_can_end_with_a_backslash() -> None:
    """All lines but the last."""
    assert wrap("  one two three", 12, joint=" \\") == ["  one two \\", "  three"]


def test_only_a_coloured_screen_gets_colours() -> None:
    """Headings are bold. The colour of a row ends with each line."""
    lines = table_lines(HEADS, ROWS, Screen(coloured=True))
    assert lines[0] == "\x1b[1mNAME         PATH\x1b[0m"
    assert lines[1] == "\x1b[31ma            AC 2.2.3 > AC 2.3.0\x1b[0m"
    assert lines[2] == "longer-name"


def test_a_row_of_empty_cells_is_an_empty_line() -> None:
    """It does not disappear."""
    assert table_lines(("", ""), [], Screen()) == [""]

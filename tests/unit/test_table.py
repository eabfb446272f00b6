"""Tables of text: aligned, wrapped to a screen, coloured where that is wanted."""

from __future__ import annotations

from astro_deployment_runtime.table import Colour, Row, Screen, table_lines

HEADS = ("NAME", "PATH")
ROWS = [Row(("a", "AC 2.2.3 > AC 2.3.0"), Colour.RED), Row(("longer-name", "")), Row(("b", "AC 2.3.0"))]


def test_columns_are_aligned_and_lines_have_no_trailing_blanks() -> None:
    """Without a bound one row is one line, whatever its length."""
    assert table_lines(HEADS, ROWS, Screen()) == [
        "NAME         PATH",
        "a            AC 2.2.3 > AC 2.3.0",
        "longer-name",
        "b            AC 2.3.0",
    ]


def test_the_widest_column_is_wrapped_between_words() -> None:
    """Nothing is cut off, and the columns stay where they are."""
    assert table_lines(HEADS, ROWS, Screen(width=25)) == [
        "NAME         PATH",
        "a            AC 2.2.3 >",
        "             AC 2.3.0",
        "longer-name",
        "b            AC 2.3.0",
    ]


def test_what_belongs_together_stays_together() -> None:
    """A no-break space is shown as a blank, and nothing is wrapped at it."""
    rows = [Row(("a", "AC\u00a02.2.3\u00a0> AC\u00a02.3.0"))]
    assert table_lines(HEADS, rows, Screen(width=17)) == ["NAME  PATH", "a     AC 2.2.3 >", "      AC 2.3.0"]


def test_words_are_not_broken() -> None:
    """On a screen that is narrower than they are, the table is wider than the screen."""
    lines = table_lines(HEADS, ROWS, Screen(width=3))
    assert "longer-name" in lines
    assert max(map(len, lines)) == len("longer-name  2.2.3")


def test_colours_are_for_screens_that_want_them() -> None:
    """The heads are bold; a row has one colour, which ends where the line does."""
    lines = table_lines(HEADS, ROWS, Screen(coloured=True))
    assert lines[0] == "\x1b[1mNAME         PATH\x1b[0m"
    assert lines[1] == "\x1b[31ma            AC 2.2.3 > AC 2.3.0\x1b[0m"
    assert lines[2] == "longer-name"


def test_a_row_of_empty_cells_is_an_empty_line() -> None:
    """It does not vanish."""
    assert table_lines(("", ""), [], Screen()) == [""]

"""Texts fit for one line of a message."""

from __future__ import annotations

import pytest

from astro_deployment_runtime.support.text_formatting import cut, duration, printable, printable_name, quote


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("data-eng", "data-eng"),
        ("Données", "Données"),
        ("\x1b[31mred", "\\x1b[31mred"),
        ("a\nb\tc", "a\\nb\\tc"),
        ("a\u202eb", "a\\u202eb"),
        ("a\udcffb", "a\\udcffb"),
    ],
)
def test_invisible_characters_become_escapes(text: str, shown: str) -> None:
    """A label can neither colour the terminal nor forge a line."""
    assert printable(text) == shown


def test_a_long_text_is_cut_and_its_length_is_given() -> None:
    """A name as well, after its characters were made printable."""
    assert cut("x" * 5, 5) == "xxxxx"
    assert cut("x" * 100_000, 5) == "xxxxx...[100000 characters]"
    assert printable_name("\n" * 51) == "\\n" * 50 + "...[102 characters]"


def test_a_quoted_text_is_printable_and_cut_inside_its_quotes() -> None:
    """Its quotes stay balanced."""
    assert quote("a\tb") == "'a\\tb'"
    assert quote("abcd", longest=3) == "'abc...'"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(45, "45s"), (1800, "30m"), (5400, "1h30m"), (3661, "1h1m1s"), (0, "0s"), (0.2, "0.2s")],
)
def test_a_duration_is_written_as_it_is_declared(seconds: float, text: str) -> None:
    """Hours, minutes and seconds, without those that are zero."""
    assert duration(seconds) == text

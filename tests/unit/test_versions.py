"""Versions: what is read, how it is ordered, how it is printed."""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING

import pytest

from astro_deployment_runtime.errors import InvalidVersionError
from astro_deployment_runtime.versions import AirflowVersion, Line, ReleaseId, RuntimeVersion

if TYPE_CHECKING:
    from collections.abc import Callable

IN_ORDER = [
    "3.0.0",
    "3.0.4",
    "4.0.2",
    "4.0.10",
    "9.9.0",
    "9.10.0",
    "12.12.0",
    "13.0.0",
    "3.0-1",
    "3.0-9",
    "3.0-10",
    "3.1-2",
]


@pytest.mark.parametrize(("lower", "higher"), list(combinations(IN_ORDER, 2)))
def test_runtime_versions_are_ordered_by_scheme_then_number(lower: str, higher: str) -> None:
    """Whatever Airflow 3 numbers its Runtime, it comes after all Runtimes of Airflow 2."""
    assert RuntimeVersion.parse(lower) < RuntimeVersion.parse(higher)


@pytest.mark.parametrize("text", ["5.0.4", "3.1-12", "12.12.0"])
def test_a_runtime_version_prints_as_it_was_read(text: str) -> None:
    """The vendor's writing survives."""
    assert str(RuntimeVersion.parse(text)) == text


@pytest.mark.parametrize(
    "text",
    [
        "",
        "5",
        "5.0",
        "5.0.4.1",
        "5.0.4-base",
        "v5.0.4",
        "05.0.4",
        "5.0.x",
        "3.1-0",
        "5.0.4\n",
        "\u0665.0.4",
        "3.1-",
        "1000000.0.0",
    ],
)
def test_what_is_no_runtime_version_is_refused(text: str) -> None:
    """Neither suffixes nor other digits nor missing parts pass, and the message quotes the text."""
    with pytest.raises(InvalidVersionError, match="is not an Astro Runtime version") as caught:
        RuntimeVersion.parse(text)
    assert repr(text) in str(caught.value)


@pytest.mark.parametrize(("text", "version"), [("2.3.0", "2.3.0"), ("2.3.0+astro.2", "2.3.0")])
def test_an_airflow_version_is_read_without_its_local_part(text: str, version: str) -> None:
    """What the vendor's build adds to the number is dropped."""
    assert str(AirflowVersion.parse(text)) == version


@pytest.mark.parametrize("text", ["2.3", "2.3.0-5", "2.3.0rc1", ""])
def test_what_is_no_airflow_version_is_refused(text: str) -> None:
    """Nothing else passes."""
    with pytest.raises(InvalidVersionError, match="is not an Airflow version"):
        AirflowVersion.parse(text)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("AC 2.2.3", "AC 2.2.3"),
        ("AC 2.2.3-5", "AC 2.2.3"),
        ("Astronomer Certified 2.2.3", "AC 2.2.3"),
        ("Runtime 5.0.4", "Astro Runtime 5.0.4"),
        (" Astro Runtime 3.1-12 ", "Astro Runtime 3.1-12"),
    ],
)
def test_a_release_is_read_by_its_usual_names(text: str, name: str) -> None:
    """Both distributions, the hot-fix build of an AC dropped."""
    assert str(ReleaseId.parse(text)) == name


@pytest.mark.parametrize("text", ["2.2.3", "AC", "AC 2.2", "AC 2.2.3-", "Runtime 5.0.4-base", "Runtime 5.0.4 x", ""])
def test_what_is_no_release_is_refused(text: str) -> None:
    """A version alone is no release."""
    with pytest.raises(InvalidVersionError):
        ReleaseId.parse(text)


@pytest.mark.parametrize(
    ("parse", "text", "message"),
    [
        (AirflowVersion.parse, "2.3", "'2.3' is not an Airflow version: write x.y.z, for example 2.3.0"),
        (
            AirflowVersion.parse_certified,
            "2.3",
            "'2.3' is not an Astronomer Certified version: write x.y.z or x.y.z-N, for example 2.3.0",
        ),
        (
            RuntimeVersion.parse,
            "5.0",
            (
                "'5.0' is not an Astro Runtime version: write x.y.z (for example 5.0.4), or x.y-N for Airflow 3 "
                "(for example 3.1-12)"
            ),
        ),
        (
            Line.parse,
            "5x",
            "'5x' is not a line of Astro Runtime versions: write 5.x, 5.0.x, or 3.1-x for Airflow 3",
        ),
        (
            Line.parse,
            "3.x",
            (
                "'3.x' could be Astro Runtime 3 of 2021 as well as Astro Runtime for Airflow 3: write 3.0.x for the "
                "one, or 3.1-x with Airflow's minor version for the other"
            ),
        ),
        (ReleaseId.parse, "2.2.3", "'2.2.3' is not a release: write 'AC 2.2.3' or 'Runtime 5.0.4'"),
    ],
)
def test_who_writes_something_else_is_told_what_to_write(
    parse: Callable[[str], object], text: str, message: str
) -> None:
    """Each message quotes the text and shows the form that is read."""
    with pytest.raises(InvalidVersionError) as caught:
        parse(text)
    assert str(caught.value) == message

"""Versions: parsing, order and printing."""

from __future__ import annotations

from functools import partial
from itertools import combinations, pairwise
from typing import TYPE_CHECKING

import pytest

from astro_deployment_runtime.errors import InvalidVersionError
from astro_deployment_runtime.planning.catalog import airflow_sort_key, runtime_sort_key
from astro_deployment_runtime.planning.versions import AirflowVersion, Distribution, Line, ReleaseId, RuntimeVersion

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
    """Every Runtime of Airflow 3 is later than every Runtime of Airflow 2."""
    assert RuntimeVersion.parse(lower) < RuntimeVersion.parse(higher)


@pytest.mark.parametrize("text", ["5.0.4", "3.1-12", "12.12.0"])
def test_a_runtime_version_prints_as_it_was_read(text: str) -> None:
    """In the vendor's format."""
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
def test_an_invalid_runtime_version_is_refused(text: str) -> None:
    """Suffixes, other digits and missing parts are refused. The message quotes the text."""
    with pytest.raises(InvalidVersionError, match="is not an Astro Runtime version") as caught:
        RuntimeVersion.parse(text)
    assert repr(text) in str(caught.value)


@pytest.mark.parametrize(
    ("text", "version"),
    [
        ("5.0.4 ", "5.0.4"),
        ("\t5.0.4\n", "5.0.4"),
        ("v5.0.4", "5.0.4"),
        ("5.0.4-base", "5.0.4"),
        ("5.0.4-python-3.11", "5.0.4"),
        ("5.0.4-slim", "5.0.4"),
        ("12.6.0-ubi9-python-3.12-slim-base", "12.6.0"),
        ("3.1-12-python-3.12-base", "3.1-12"),
        ("5.0.4+build.7", "5.0.4"),
        ("8.0.0-alpha2", "8.0.0-alpha2"),
        ("8.0.0-ALPHA.2", "8.0.0-alpha2"),
        ("8.0.0a2", "8.0.0-alpha2"),
        ("8.0.0-beta", "8.0.0-beta"),
        ("9.0.0-rc.1", "9.0.0-rc1"),
        ("3.1-12.rc1", "3.1-12-rc1"),
        ("3.1-12-rc1-slim-base", "3.1-12-rc1"),
        ("9.0.0-nightly20240101", "9.0.0-nightly20240101"),
        ("2.3.0.dev1", "2.3.0-dev1"),
        ("8.0.0rc1.dev2", "8.0.0-rc1-dev2"),
        ("5.0.4.post1", "5.0.4-post1"),
    ],
)
def test_an_observed_runtime_version_may_have_marks_and_suffixes(text: str, version: str) -> None:
    """Spaces and image suffixes are dropped, marks are kept. The printed version parses to the same."""
    observed = RuntimeVersion.observe(text)
    assert str(observed) == version
    assert RuntimeVersion.observe(version) == observed
    assert observed.is_release == (version in {"5.0.4", "12.6.0", "3.1-12"})


def test_an_observed_version_has_at_most_200_characters() -> None:
    """Spaces around it do not count."""
    assert str(RuntimeVersion.observe(f" {'5.0.4+'.ljust(200, 'a')} ")) == "5.0.4"
    with pytest.raises(InvalidVersionError):
        RuntimeVersion.observe("5.0.4+".ljust(201, "a"))


@pytest.mark.parametrize(
    ("text", "version"),
    [
        (" 2.3.0", "2.3.0"),
        ("v2.10.5", "2.10.5"),
        ("2.3.0-5", "2.3.0"),
        ("2.3.0-5-onbuild", "2.3.0"),
        ("2.2.0-buster-onbuild", "2.2.0"),
        ("1.10.12-alpine3.10", "1.10.12"),
        ("2.10.0rc1", "2.10.0rc1"),
        ("2.4.1.dev1+astro.1", "2.4.1.dev1"),
        ("2.10.5.post1", "2.10.5.post1"),
        ("2.10.0-rc1-dev2", "2.10.0rc1.dev2"),
        ("3.1.0b2", "3.1.0b2"),
    ],
)
def test_an_observed_airflow_version_may_have_marks_and_suffixes(text: str, version: str) -> None:
    """Marks are printed as Python writes them."""
    observed = AirflowVersion.observe(text)
    assert str(observed) == version
    assert AirflowVersion.observe(version) == observed


@pytest.mark.parametrize(
    "text", ["", "latest", "5.0", "3.3-rc", "5.0.4-foo", "5.0.4-rc1-", "05.0.4", "5.0.4 rc1", "8.0.0-rc" + "1" * 16]
)
def test_an_invalid_observed_version_is_refused(text: str) -> None:
    """Only known marks and suffixes are allowed. The message quotes the text."""
    for read in (RuntimeVersion.observe, AirflowVersion.observe):
        with pytest.raises(InvalidVersionError) as caught:
            read(text)
        assert repr(text) in str(caught.value)


def test_a_long_text_is_cut_in_the_message() -> None:
    """It may come from a platform or a file."""
    with pytest.raises(InvalidVersionError) as caught:
        RuntimeVersion.parse("5" * 100_000)
    assert len(str(caught.value)) < 250
    assert f"'{'5' * 80}...'" in str(caught.value)


MARKED = [
    *("2.9.9", "2.10.0.dev1", "2.10.0a1", "2.10.0b1", "2.10.0rc1.dev2", "2.10.0rc1", "2.10.0rc1.post1"),
    *("2.10.0rc2", "2.10.0rc10", "2.10.0", "2.10.0.post1.dev1", "2.10.0.post1", "2.10.1.dev1", "2.10.1"),
]


@pytest.mark.parametrize(("lower", "higher"), list(combinations(MARKED, 2)))
def test_a_prerelease_is_below_the_release_of_its_number(lower: str, higher: str) -> None:
    """A post-release is above it. The sort keys have the same order."""
    first, second = AirflowVersion.observe(lower), AirflowVersion.observe(higher)
    assert first < second
    assert airflow_sort_key(first) < airflow_sort_key(second)


def test_a_runtime_prerelease_is_below_its_release() -> None:
    """In both schemes; prereleases of the first scheme are below the second."""
    texts = [
        "5.0.3",
        "5.0.4-nightly1",
        "5.0.4-alpha2",
        "5.0.4-rc1",
        "5.0.4",
        "99.0.0-rc1",
        "3.1-11",
        "3.1-12.rc1",
        "3.1-12",
    ]
    versions = [RuntimeVersion.observe(text) for text in texts]
    assert all(one < other and runtime_sort_key(one) < runtime_sort_key(other) for one, other in pairwise(versions))


@pytest.mark.parametrize(("text", "version"), [("2.3.0", "2.3.0"), ("2.3.0+astro.2", "2.3.0")])
def test_the_local_part_of_an_airflow_version_is_dropped(text: str, version: str) -> None:
    """The vendor's build adds it."""
    assert str(AirflowVersion.parse(text)) == version


@pytest.mark.parametrize("text", ["2.3", "2.3.0-5", "2.3.0rc1", ""])
def test_an_invalid_airflow_version_is_refused(text: str) -> None:
    """Only x.y.z is allowed."""
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
        ("Runtime 5.0.4-base", "Astro Runtime 5.0.4"),
        ("Runtime 3.1-12.rc1", "Astro Runtime 3.1-12-rc1"),
        ("AC 2.10.0rc1", "AC 2.10.0rc1"),
    ],
)
def test_a_release_has_several_names(text: str, name: str) -> None:
    """A hot-fix build is dropped."""
    assert str(ReleaseId.parse(text)) == name


@pytest.mark.parametrize("text", ["2.2.3", "AC", "AC 2.2", "AC 2.2.3-", "Runtime 5.0.4-foo", "Runtime 5.0.4 x", ""])
def test_an_invalid_release_is_refused(text: str) -> None:
    """A version alone is not a release."""
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
            partial(ReleaseId.observe, Distribution.CERTIFIED),
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
def test_the_error_of_an_invalid_version_shows_the_format(
    parse: Callable[[str], object], text: str, message: str
) -> None:
    """It quotes the text and has an example."""
    with pytest.raises(InvalidVersionError) as caught:
        parse(text)
    assert str(caught.value) == message

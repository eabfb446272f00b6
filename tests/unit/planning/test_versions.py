"""Versions: what is read, how it is ordered, how it is printed."""

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
        ("5.0.4.post1", "5.0.4-post1"),
    ],
)
def test_a_runtime_that_runs_is_read_whatever_follows_its_number(text: str, version: str) -> None:
    """Blanks and image suffixes go, a prerelease stays one; what is printed reads back as the same version."""
    observed = RuntimeVersion.observe(text)
    assert str(observed) == version
    assert RuntimeVersion.observe(version) == observed
    assert observed.is_release == (version in {"5.0.4", "12.6.0", "3.1-12"})


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
        ("3.1.0b2", "3.1.0b2"),
    ],
)
def test_an_airflow_that_runs_is_read_whatever_follows_its_number(text: str, version: str) -> None:
    """As a Runtime is; printed as Python writes a version."""
    observed = AirflowVersion.observe(text)
    assert str(observed) == version
    assert AirflowVersion.observe(version) == observed


@pytest.mark.parametrize(
    "text", ["", "latest", "5.0", "3.3-rc", "5.0.4-foo", "5.0.4-rc1-", "05.0.4", "5.0.4 rc1", "8.0.0-rc" + "1" * 16]
)
def test_what_runs_under_no_version_is_refused(text: str) -> None:
    """Only marks and suffixes that are known go; the message quotes the text."""
    for read in (RuntimeVersion.observe, AirflowVersion.observe):
        with pytest.raises(InvalidVersionError) as caught:
            read(text)
        assert repr(text) in str(caught.value)


def test_a_long_text_is_cut_in_the_message() -> None:
    """However long a platform's answer or a file is."""
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
    """As Python orders versions, by comparing and by number; a post-release is above; none equals a release."""
    first, second = AirflowVersion.observe(lower), AirflowVersion.observe(higher)
    assert first < second
    assert airflow_sort_key(first) < airflow_sort_key(second)


def test_a_runtime_prerelease_is_below_its_release() -> None:
    """In both schemes, and all prereleases of Airflow 2's are below Airflow 3's."""
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
        ("Runtime 5.0.4-base", "Astro Runtime 5.0.4"),
        ("Runtime 3.1-12.rc1", "Astro Runtime 3.1-12-rc1"),
        ("AC 2.10.0rc1", "AC 2.10.0rc1"),
    ],
)
def test_a_release_is_read_by_its_usual_names(text: str, name: str) -> None:
    """Both distributions, the hot-fix build of an AC dropped."""
    assert str(ReleaseId.parse(text)) == name


@pytest.mark.parametrize("text", ["2.2.3", "AC", "AC 2.2", "AC 2.2.3-", "Runtime 5.0.4-foo", "Runtime 5.0.4 x", ""])
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
def test_who_writes_something_else_is_told_what_to_write(
    parse: Callable[[str], object], text: str, message: str
) -> None:
    """Each message quotes the text and shows the form that is read."""
    with pytest.raises(InvalidVersionError) as caught:
        parse(text)
    assert str(caught.value) == message

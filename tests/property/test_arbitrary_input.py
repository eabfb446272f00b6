"""Arbitrary input: every reader either accepts it or refuses it with an error for the user."""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from packaging.version import Version

from astro_deployment_runtime.catalogs import vendor_feed
from astro_deployment_runtime.cli.options import parse_current, parse_target
from astro_deployment_runtime.errors import InvalidCatalogError, InvalidInputError, InvalidVersionError
from astro_deployment_runtime.planning.accepted_risks import AcceptedRisks
from astro_deployment_runtime.planning.catalog import Catalog, Release, airflow_sort_key, runtime_sort_key
from astro_deployment_runtime.planning.versions import (
    RELEASE,
    AirflowVersion,
    Distribution,
    ReleaseId,
    RuntimeVersion,
    Stage,
)
from astro_deployment_runtime.support.text_formatting import printable

GUIDE = vendor_feed.load("guide")
FIELDS = st.sampled_from(
    [
        "version",
        "channel",
        "release_date",
        "metadata",
        "airflowVersion",
        "releaseDate",
        "endOfSupport",
        "yanked",
        "5.0.4",
    ]
)
VALUES = st.sampled_from(["2.3.0", "2.3.0-5", "5.0.4", "stable", "2022-04-11", "true", "", "x"])
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | VALUES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(FIELDS | st.text(max_size=3), inner, max_size=4),
    max_leaves=12,
)
WORDS = st.lists(
    st.sampled_from(
        ["AC", "Runtime", "Astro", "(Airflow", ")", "2.3.0", "2.3.0)", "5.0.4", "3.1-12", "-5", " ", "\t", "\n"]
    )
    | st.text(max_size=3),
    max_size=6,
).map(" ".join)


@given(certified=JSON | st.fixed_dictionaries({"available_releases": JSON}), runtime=JSON, more=JSON)
def test_any_feed_is_read_or_refused(certified: Any, runtime: Any, more: Any) -> None:
    """A JSON file gives a catalog or a list of its problems, and no other exception."""
    with TemporaryDirectory() as name:
        folder = Path(name)
        (folder / vendor_feed.CERTIFIED_FILE).write_text(json.dumps(certified))
        (folder / vendor_feed.RUNTIME_FILE).write_text(
            json.dumps({"runtimeVersions": runtime, "runtimeVersionsV3": more})
        )
        with suppress(InvalidCatalogError):
            assert isinstance(vendor_feed.load(name), Catalog)


@given(WORDS)
def test_any_release_is_read_or_refused(text: str) -> None:
    """A text is a release or an error for the user. A parsed release prints as text that parses to the same release."""
    try:
        release = parse_current(text, GUIDE)
    except InvalidInputError:
        return
    assert isinstance(release, Release)
    assert ReleaseId.parse(str(release)) == release.id


@given(
    st.lists(
        st.sampled_from(["5", "0", "12", ".", "-", "+", "rc", "alpha", "dev", "post", "nightly", "base", "x"])
        | st.sampled_from(["v", "-python-3.11", "-buster", " ", "1.10.14", "3.1-12", "2.3.0"]),
        max_size=6,
    ).map("".join)
)
def test_any_running_version_is_read_or_refused(text: str) -> None:
    """A parsed version prints as text that parses to the same version. Only releases are accepted as targets."""
    for distribution in Distribution:
        try:
            name = ReleaseId.observe(distribution, text)
        except InvalidInputError:
            continue
        assert ReleaseId.observe(distribution, str(name.version)) == name
        assert ReleaseId.parse(str(name)) == name
        if name.version.marks == RELEASE:
            assert ReleaseId.of(distribution, str(name.version)) == name
        else:
            with pytest.raises(InvalidVersionError):
                ReleaseId.of(distribution, str(name.version))


SMALL = st.integers(0, 2)
MARKS = st.lists(st.tuples(st.sampled_from(["dev", "nightly", "a", "b", "rc", "post"]), SMALL), max_size=3)
VERSIONS = st.builds(
    lambda numbers, dash, marks: (
        "{}.{}{}{}".format(*numbers[:2], "-" if dash else ".", numbers[2] + dash)
        + "".join(f"-{word}{count}" for word, count in marks)
    ),
    st.tuples(SMALL, SMALL, SMALL),
    st.booleans(),
    MARKS,
).map(RuntimeVersion.observe)


@given(VERSIONS, VERSIONS, VERSIONS)
def test_the_order_of_versions_is_total(a: RuntimeVersion, b: RuntimeVersion, c: RuntimeVersion) -> None:
    """Two versions are equal or one is lower. Equal versions have the same hash and text. The order is transitive."""
    assert (a < b) + (b < a) + (a == b) == 1
    assert (runtime_sort_key(a) < runtime_sort_key(b)) == (a < b)
    assert (a == b) == (runtime_sort_key(a) == runtime_sort_key(b)) == (str(a) == str(b))
    if a == b:
        assert hash(a) == hash(b)
    if a <= b <= c:
        assert a <= c


@given(VERSIONS)
def test_prereleases_and_post_releases_sort_next_to_their_release(version: RuntimeVersion) -> None:
    """The first mark decides whether it sorts below or above. It never passes another release."""
    release = RuntimeVersion(version.scheme, version.numbers)
    after = RuntimeVersion(version.scheme, (*version.numbers[:2], version.numbers[2] + 1))
    if version.is_release:
        assert version == release
    elif version.marks[0][0] is Stage.POST:
        assert release < version < after
    else:
        assert version < release


PYTHONS = st.builds(
    lambda numbers, pre, post, dev: "{}.{}.{}".format(*numbers) + pre + post + dev,
    st.tuples(SMALL, SMALL, SMALL),
    st.sampled_from(["", "a1", "b0", "b2", "rc1", "rc10"]),
    st.sampled_from(["", ".post1", ".post2"]),
    st.sampled_from(["", ".dev1", ".dev2"]),
)


@given(PYTHONS, PYTHONS)
def test_airflow_versions_sort_like_python_packages(a: str, b: str) -> None:
    """Airflow is a Python package, so Python's own tools compare its versions this way."""
    first, second = AirflowVersion.observe(a), AirflowVersion.observe(b)
    assert (first < second, first == second) == (Version(a) < Version(b), Version(a) == Version(b))
    assert (airflow_sort_key(first) < airflow_sort_key(second)) == (first < second)


@given(WORDS | st.from_regex(r"\d{1,3}[.-]\d{1,3}[.-]\d{1,3}", fullmatch=True))
def test_any_target_is_read_or_refused(text: str) -> None:
    """A text is a target or an error for the user."""
    try:
        target = parse_target(text)
    except InvalidInputError:
        return
    assert str(target) == text.strip()
    assert isinstance(target, RuntimeVersion) or text.strip() == "equivalent"


@given(st.lists(WORDS | st.text(max_size=5).map("yanked:".__add__), max_size=3))
def test_any_accepted_risk_is_read_or_refused(names: list[str]) -> None:
    """A list of names is accepted risks or an error for the user."""
    with suppress(InvalidInputError):
        assert isinstance(AcceptedRisks.parse(names), AcceptedRisks)


@given(st.text(st.characters()))
def test_any_label_is_one_printable_line(text: str) -> None:
    """Control characters in a label never reach the terminal."""
    assert printable(text).isprintable()

"""Whatever is fed in, it is read or refused on purpose."""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from astro_deployment_runtime import feeds
from astro_deployment_runtime.catalog import Catalog, Release
from astro_deployment_runtime.errors import InvalidCatalogError, InvalidInputError
from astro_deployment_runtime.model import Acceptance
from astro_deployment_runtime.question import parse_current, parse_target
from astro_deployment_runtime.report import printable
from astro_deployment_runtime.versions import ReleaseId, RuntimeVersion

GUIDE = feeds.load("guide")
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
    """A file that is JSON gives a catalog or a list of its problems, and never anything else."""
    with TemporaryDirectory() as name:
        folder = Path(name)
        (folder / feeds.CERTIFIED_FILE).write_text(json.dumps(certified))
        (folder / feeds.RUNTIME_FILE).write_text(json.dumps({"runtimeVersions": runtime, "runtimeVersionsV3": more}))
        with suppress(InvalidCatalogError):
            assert isinstance(feeds.load(name), Catalog)


@given(WORDS)
def test_any_release_is_read_or_refused(text: str) -> None:
    """A text is what runs, or an error of the user; what was read is printed so that it is read again."""
    try:
        release = parse_current(text, GUIDE)
    except InvalidInputError:
        return
    assert isinstance(release, Release)
    assert ReleaseId.parse(str(release)) == release.id


@given(WORDS | st.from_regex(r"\d{1,3}[.-]\d{1,3}[.-]\d{1,3}", fullmatch=True))
def test_any_target_is_read_or_refused(text: str) -> None:
    """A text is a target, or an error of the user."""
    try:
        target = parse_target(text)
    except InvalidInputError:
        return
    assert str(target) == text.strip()
    assert isinstance(target, RuntimeVersion) or text.strip() == "equivalent"


@given(st.lists(WORDS | st.text(max_size=5).map("yanked:".__add__), max_size=3))
def test_any_acceptance_is_read_or_refused(names: list[str]) -> None:
    """Names are known, or an error of the user."""
    with suppress(InvalidInputError):
        assert isinstance(Acceptance.parse(names), Acceptance)


@given(st.text(st.characters()))
def test_any_label_is_one_printable_line(text: str) -> None:
    """Nothing that a label holds reaches the terminal as anything but text."""
    assert printable(text).isprintable()

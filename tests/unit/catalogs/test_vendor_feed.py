"""Vendor's feeds: valid files, unreadable rows, and errors."""

from __future__ import annotations

import json
from datetime import date
from typing import TYPE_CHECKING, Any

import pytest

from astro_deployment_runtime.catalogs import vendor_feed
from astro_deployment_runtime.errors import InvalidCatalogError
from astro_deployment_runtime.planning.catalog import Catalog, Channel
from astro_deployment_runtime.planning.versions import ReleaseId

if TYPE_CHECKING:
    from pathlib import Path

    from astro_deployment_runtime.planning.catalog import Release


def write(folder: Path, certified: Any, runtime: Any) -> str:
    """Write both files and return the folder's name."""
    (folder / vendor_feed.CERTIFIED_FILE).write_text(certified if isinstance(certified, str) else json.dumps(certified))
    (folder / vendor_feed.RUNTIME_FILE).write_text(runtime if isinstance(runtime, str) else json.dumps(runtime))
    return str(folder)


def row(folder: Path, **facts: Any) -> Release:
    """Load a feed with Runtime 5.0.4 and these values, and return the release."""
    runtime = {"runtimeVersions": {"5.0.4": {"metadata": {"airflowVersion": "2.3.0", **facts}}}}
    release = vendor_feed.load(write(folder, {"available_releases": []}, runtime)).get(ReleaseId.parse("Runtime 5.0.4"))
    assert release is not None
    return release


@pytest.mark.parametrize(("name", "certified", "runtime"), [("guide", 4, 5), ("published", 28, 143)])
def test_the_shipped_catalogs_are_found_by_name(name: str, certified: int, runtime: int) -> None:
    """All builds of an AC are one release."""
    catalog = vendor_feed.load(name)
    assert (len(catalog.certified), len(catalog.runtime)) == (certified, runtime)
    assert all(release.known for release in (*catalog.certified, *catalog.runtime))


def test_an_ac_has_the_values_of_its_newest_build(tmp_path: Path) -> None:
    """Build 10 is newer than build 9, and any build is newer than none, in any order of rows."""
    builds = [("2.3.0-10", "beta", "2022-05-18T00:00:00+00:00"), ("2.3.0-9", "stable", None), ("2.3.0", None, "")]
    rows = [{"version": version, "channel": channel, "release_date": day} for version, channel, day in builds]
    for order in (rows, rows[::-1]):
        catalog = vendor_feed.load(write(tmp_path, {"available_releases": order}, {"runtimeVersions": {}}))
        (release,) = catalog.certified
        assert (release.channel, release.released) == (Channel.BETA, date(2022, 5, 18))


@pytest.mark.parametrize(
    ("wire", "yanked"), [(True, True), ("true", True), ("True", True), (False, False), ("false", False), (None, False)]
)
def test_a_flag_may_be_a_boolean_or_a_text(tmp_path: Path, wire: Any, yanked: bool) -> None:
    """The feed has both."""
    assert row(tmp_path, yanked=wire).yanked is yanked


@pytest.mark.parametrize(
    ("wire", "channel"),
    [(None, None), ("", None), ("stable", Channel.STABLE), ("Beta ", Channel.BETA), ("edge", Channel.UNKNOWN)],
)
def test_an_unfamiliar_channel_is_unknown(tmp_path: Path, wire: Any, channel: Channel | None) -> None:
    """It is not an error, but it is not trusted either."""
    assert row(tmp_path, channel=wire).channel is channel


@pytest.mark.parametrize("field", ["endOfSupport", "endOfBasicSupport"])
def test_the_end_of_support_has_two_names(tmp_path: Path, field: str) -> None:
    """Both are read."""
    assert row(tmp_path, **{field: "2027-04-30"}).end_of_support == date(2027, 4, 30)


RUNTIME_ROW: dict[str, Any] = {"metadata": {"airflowVersion": "2.3.0"}}


@pytest.mark.parametrize(
    ("version", "row", "text"),
    [
        ("3.3-rc", RUNTIME_ROW, "runtimeVersions['3.3-rc']"),
        ("8.0.0-alpha2", RUNTIME_ROW, "runtimeVersions['8.0.0-alpha2']"),
        ("5.0.x", RUNTIME_ROW, "runtimeVersions['5.0.x']"),
        ("9" * 99, RUNTIME_ROW, f"runtimeVersions['{'9' * 40}...']"),
        ("5.0.5", None, "runtimeVersions['5.0.5']: None"),
        ("5.0.5", [], "runtimeVersions['5.0.5']: []"),
        ("5.0.5", {}, "runtimeVersions['5.0.5']: {}"),
        ("5.0.5", {"metadata": None}, "runtimeVersions['5.0.5']: {'metadata': None}"),
        ("5.0.5", {"metadata": {}}, "runtimeVersions['5.0.5'].metadata.airflowVersion: None"),
        (
            "5.0.5",
            {"metadata": {"airflowVersion": "3.4.0rc1"}},
            "runtimeVersions['5.0.5'].metadata.airflowVersion: '3.4.0rc1'",
        ),
        ("5.0.5", {"metadata": {"airflowVersion": 2.3}}, "runtimeVersions['5.0.5'].metadata.airflowVersion: 2.3"),
    ],
)
def test_an_unreadable_runtime_row_is_left_out_and_listed(tmp_path: Path, version: str, row: Any, text: str) -> None:
    """The other rows are read."""
    runtime = {"runtimeVersions": {version: row, "5.0.4": RUNTIME_ROW}, "someday": {"new": None}}
    catalog = vendor_feed.load(write(tmp_path, {"available_releases": []}, runtime))
    assert [str(release) for release in catalog.runtime] == ["Astro Runtime 5.0.4"]
    assert [(each.text, each.left_out) for each in catalog.unreadable] == [(text, True)]


@pytest.mark.parametrize(
    ("row", "text"),
    [
        (None, "available_releases[0]: None"),
        ("2.3.0", "available_releases[0]: '2.3.0'"),
        ({}, "available_releases[0].version: None"),
        ({"version": "2.3"}, "available_releases[0].version: '2.3'"),
        ({"version": "2.3.0rc1"}, "available_releases[0].version: '2.3.0rc1'"),
        ({"version": 5}, "available_releases[0].version: 5"),
        ({"version": ["x" * 99]}, f"available_releases[0].version: ['{'x' * 55}..."),
    ],
)
def test_an_unreadable_certified_row_is_left_out_and_listed(tmp_path: Path, row: Any, text: str) -> None:
    """The other rows are read."""
    certified = {"available_releases": [row, {"version": "2.2.5-4"}]}
    catalog = vendor_feed.load(write(tmp_path, certified, {"runtimeVersions": {}, "runtimeVersionsV3": None}))
    assert [str(release) for release in catalog.certified] == ["AC 2.2.5"]
    assert [(each.text, each.left_out) for each in catalog.unreadable] == [(text, True)]


@pytest.mark.parametrize(
    ("name", "value", "shown"),
    [
        ("releaseDate", "soon", "'soon'"),
        ("endOfSupport", "2027-13-01", "'2027-13-01'"),
        ("endOfBasicSupport", 20270101, "20270101"),
        ("channel", 3, "3"),
        ("yanked", "maybe", "'maybe'"),
        ("yanked", 2, "2"),
        ("yankedReason", 5, "5"),
    ],
)
def test_an_unreadable_value_is_unknown(tmp_path: Path, name: str, value: Any, shown: str) -> None:
    """Its row counts. An unreadable yank or channel keeps the release off every path."""
    release = row(tmp_path, **{name: value})
    assert (release.released, release.end_of_support, release.yanked_reason) == (None, None, None)
    assert release.yanked == (name == "yanked")
    assert release.channel == (Channel.UNKNOWN if name == "channel" else None)
    (unreadable,) = vendor_feed.load(str(tmp_path)).unreadable
    assert (unreadable.text, unreadable.left_out) == (f"runtimeVersions['5.0.4'].metadata.{name}: {shown}", False)


def test_a_yank_counts_even_if_its_row_is_left_out(tmp_path: Path) -> None:
    """A platform with the Airflow version may still offer the release."""
    metadata = {"airflowVersion": "2.3.0rc1", "yanked": True}
    feed = vendor_feed.load(
        write(tmp_path, {"available_releases": []}, {"runtimeVersions": {"5.0.4": {"metadata": metadata}}})
    )
    offered = Catalog.offered([], [("5.0.4", "2.3.0"), ("5.0.5", "2.3.0")], feed)
    assert [(release.yanked, release.known) for release in offered.runtime] == [(True, False), (False, False)]


def test_a_huge_number_makes_only_its_row_unreadable(tmp_path: Path) -> None:
    """Python does not convert numbers with thousands of digits."""
    digits = "1" * 10_000
    runtime = (
        f'{{"runtimeVersions": {{"5.0.4": {{"metadata": {{"airflowVersion": "2.3.0", "size": {digits}}}}}, '
        f'"5.0.5": {{"metadata": {{"airflowVersion": {digits}}}}}}}}}'
    )
    catalog = vendor_feed.load(write(tmp_path, {"available_releases": []}, runtime))
    assert [str(release) for release in catalog.runtime] == ["Astro Runtime 5.0.4"]
    assert len(catalog.unreadable[0].text) < 150


def test_spaces_around_a_version_are_dropped(tmp_path: Path) -> None:
    """Otherwise the feed's yank of it would be lost."""
    runtime = {"runtimeVersions": {" 5.0.4 ": {"metadata": {"airflowVersion": "2.3.0 ", "yanked": "True "}}}}
    catalog = vendor_feed.load(write(tmp_path, {"available_releases": [{"version": " 2.3.0-5 "}]}, runtime))
    assert catalog.unreadable == ()
    assert [str(release) for release in (*catalog.certified, *catalog.runtime)] == ["AC 2.3.0", "Astro Runtime 5.0.4"]
    assert catalog.runtime[0].yanked


@pytest.mark.parametrize("order", [1, -1])
def test_the_yanked_one_of_two_different_rows_counts(tmp_path: Path, order: int) -> None:
    """In any order. The second row is listed."""
    rows = [{"metadata": {"airflowVersion": "2.3.0", "yanked": yanked}} for yanked in (True, False)][::order]
    runtime = {"runtimeVersions": {"5.0.4": rows[0]}, "runtimeVersionsV3": {"5.0.4": rows[1], "3.0-1": rows[1]}}
    catalog = vendor_feed.load(write(tmp_path, {"available_releases": []}, runtime))
    assert catalog.runtime[0].yanked
    assert [each.text for each in catalog.unreadable] == ["runtimeVersionsV3['5.0.4']: a second row, unlike the first"]


def test_all_problems_of_both_files_are_reported_at_once(tmp_path: Path) -> None:
    """Each has its file, its place and the expected type. Long values are cut."""
    with pytest.raises(InvalidCatalogError) as caught:
        vendor_feed.load(write(tmp_path, {"releases": []}, {"runtimeVersions": None, "runtimeVersionsV3": ["x" * 99]}))
    for text in (
        "astronomer-certified.json: available_releases: is missing",
        "astronomer-runtime.json: runtimeVersions: None is not an object",
        "astronomer-runtime.json: runtimeVersionsV3: ['xxx",
    ):
        assert text in str(caught.value)
    assert "x" * 60 not in str(caught.value)


@pytest.mark.parametrize(
    ("certified", "problem"),
    [
        ("{", "is not JSON"),
        ("[" * 100_000, "is not JSON"),
        ("[]", "the whole file: [] is not an object"),
        ({"available_releases": {}}, "available_releases: {} is not a list"),
    ],
)
def test_a_file_in_another_format_is_refused(tmp_path: Path, certified: Any, problem: str) -> None:
    """The error names the file."""
    with pytest.raises(InvalidCatalogError, match=r"astronomer-certified\.json") as caught:
        vendor_feed.load(write(tmp_path, certified, {"runtimeVersions": {}}))
    assert problem in str(caught.value)


@pytest.mark.parametrize("name", ["nowhere", "a\0b", ""])
def test_a_folder_without_feeds_is_refused(name: str, tmp_path: Path) -> None:
    """The error names both missing files and the possible values."""
    with pytest.raises(InvalidCatalogError, match="name guide or published, or a folder") as caught:
        vendor_feed.load(str(tmp_path / name))
    assert str(caught.value).count("cannot be read") == 2


def test_a_file_that_is_not_utf8_is_refused(tmp_path: Path) -> None:
    """It is not JSON."""
    folder = write(tmp_path, {"available_releases": []}, {"runtimeVersions": {}})
    (tmp_path / vendor_feed.RUNTIME_FILE).write_bytes(b'{"\xff": 1}')
    with pytest.raises(InvalidCatalogError, match=r"astronomer-runtime\.json: is not JSON"):
        vendor_feed.load(folder)

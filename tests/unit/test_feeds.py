"""The feeds: read in the vendor's format, refused with every problem at once."""

from __future__ import annotations

import json
from datetime import date
from typing import TYPE_CHECKING, Any

import pytest

from astro_deployment_runtime import feeds
from astro_deployment_runtime.catalog import Channel
from astro_deployment_runtime.errors import InvalidCatalogError
from astro_deployment_runtime.versions import ReleaseId

if TYPE_CHECKING:
    from pathlib import Path

    from astro_deployment_runtime.catalog import Release


def write(folder: Path, certified: Any, runtime: Any) -> str:
    """Write both files and return the folder's name."""
    (folder / feeds.CERTIFIED_FILE).write_text(certified if isinstance(certified, str) else json.dumps(certified))
    (folder / feeds.RUNTIME_FILE).write_text(runtime if isinstance(runtime, str) else json.dumps(runtime))
    return str(folder)


def row(folder: Path, **facts: Any) -> Release:
    """Load a Runtime 5.0.4 with these facts."""
    runtime = {"runtimeVersions": {"5.0.4": {"metadata": {"airflowVersion": "2.3.0", **facts}}}}
    release = feeds.load(write(folder, {"available_releases": []}, runtime)).get(ReleaseId.parse("Runtime 5.0.4"))
    assert release is not None
    return release


@pytest.mark.parametrize(("name", "certified", "runtime"), [("guide", 4, 5), ("published", 28, 143)])
def test_the_shipped_catalogs_are_found_by_name(name: str, certified: int, runtime: int) -> None:
    """Both of them, with the builds of an AC counted as one release."""
    catalog = feeds.load(name)
    assert (len(catalog.certified), len(catalog.runtime)) == (certified, runtime)
    assert all(release.known for release in (*catalog.certified, *catalog.runtime))


def test_the_facts_of_an_ac_are_those_of_its_newest_build(tmp_path: Path) -> None:
    """Build 10 is newer than build 9, and any build is newer than none, wherever they stand in the file."""
    builds = [("2.3.0-10", "beta", "2022-05-18T00:00:00+00:00"), ("2.3.0-9", "stable", None), ("2.3.0", None, "")]
    rows = [{"version": version, "channel": channel, "release_date": day} for version, channel, day in builds]
    for order in (rows, rows[::-1]):
        catalog = feeds.load(write(tmp_path, {"available_releases": order}, {"runtimeVersions": {}}))
        (release,) = catalog.certified
        assert (release.channel, release.released) == (Channel.BETA, date(2022, 5, 18))


@pytest.mark.parametrize(
    ("wire", "yanked"), [(True, True), ("true", True), ("True", True), (False, False), ("false", False), (None, False)]
)
def test_flags_may_be_texts(tmp_path: Path, wire: Any, yanked: bool) -> None:
    """The feed writes booleans in two ways."""
    assert row(tmp_path, yanked=wire).yanked is yanked


@pytest.mark.parametrize(
    ("wire", "channel"),
    [(None, None), ("", None), ("stable", Channel.STABLE), ("Beta ", Channel.BETA), ("edge", Channel.UNKNOWN)],
)
def test_a_channel_that_nobody_knows_is_unknown(tmp_path: Path, wire: Any, channel: Channel | None) -> None:
    """It is no mistake of the file, and no reason to trust it either."""
    assert row(tmp_path, channel=wire).channel is channel


@pytest.mark.parametrize("field", ["endOfSupport", "endOfBasicSupport"])
def test_the_end_of_support_has_two_names(tmp_path: Path, field: str) -> None:
    """Either is read."""
    assert row(tmp_path, **{field: "2027-04-30"}).end_of_support == date(2027, 4, 30)


def test_all_problems_of_both_files_are_told_at_once(tmp_path: Path) -> None:
    """Each with its file, its place and what was expected; long values are cut."""
    certified = {"available_releases": [{"version": "2.3"}, {"version": 5}, {"channel": 3}, 7, {"version": "2" * 99}]}
    metadata = {"airflowVersion": "2.3", "yanked": "maybe", "releaseDate": "soon", "yankedReason": 5}
    runtime = {
        "runtimeVersions": {"5.0.x": {"metadata": metadata}, "5.0.4": {}, "5.0.5": []},
        "runtimeVersionsV3": ["x" * 99],
    }
    with pytest.raises(InvalidCatalogError) as caught:
        feeds.load(write(tmp_path, certified, runtime))
    for text in (
        "astronomer-certified.json: available_releases[0].version: '2.3' is not an Astronomer Certified version",
        "astronomer-certified.json: available_releases[1].version: 5 is not a text",
        "astronomer-certified.json: available_releases[2].version: is missing",
        "astronomer-certified.json: available_releases[2].channel: 3 is not a text",
        "astronomer-certified.json: available_releases[3]: 7 is not an object",
        "astronomer-runtime.json: runtimeVersions[\"5.0.x\"]: '5.0.x' is not an Astro Runtime version",
        "astronomer-runtime.json: runtimeVersions[\"5.0.x\"].metadata.airflowVersion: '2.3' is not an Airflow version",
        "astronomer-runtime.json: runtimeVersions[\"5.0.x\"].metadata.yanked: 'maybe' is neither true nor false",
        "astronomer-runtime.json: runtimeVersions[\"5.0.x\"].metadata.releaseDate: 'soon' is not a date",
        'astronomer-runtime.json: runtimeVersions["5.0.x"].metadata.yankedReason: 5',
        'astronomer-runtime.json: runtimeVersions["5.0.4"].metadata: is missing',
        'astronomer-runtime.json: runtimeVersions["5.0.5"]: [] is not an object',
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
def test_what_is_no_feed_is_refused(tmp_path: Path, certified: Any, problem: str) -> None:
    """A file that holds something else is named, whatever it holds."""
    with pytest.raises(InvalidCatalogError, match=r"astronomer-certified\.json") as caught:
        feeds.load(write(tmp_path, certified, {"runtimeVersions": {}}))
    assert problem in str(caught.value)


@pytest.mark.parametrize("name", ["nowhere", "a\0b", ""])
def test_a_folder_without_feeds_is_refused(name: str, tmp_path: Path) -> None:
    """Both missing files are named, and what to write instead."""
    with pytest.raises(InvalidCatalogError, match="name guide or published, or a folder") as caught:
        feeds.load(str(tmp_path / name))
    assert str(caught.value).count("cannot be read") == 2


def test_a_file_that_is_no_utf8_is_refused(tmp_path: Path) -> None:
    """Bytes that are no text are no JSON."""
    folder = write(tmp_path, {"available_releases": []}, {"runtimeVersions": {}})
    (tmp_path / feeds.RUNTIME_FILE).write_bytes(b'{"\xff": 1}')
    with pytest.raises(InvalidCatalogError, match=r"astronomer-runtime\.json: is not JSON"):
        feeds.load(folder)

"""The releases on offer, read from the feeds."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from sandbox import catalog
from sandbox.errors import SandboxError

if TYPE_CHECKING:
    from pathlib import Path


def write(folder: Path, certified: object, runtime: object) -> str:
    """Write a catalog folder."""
    for name, content in ((catalog.CERTIFIED_FILE, certified), (catalog.RUNTIME_FILE, runtime)):
        (folder / name).write_text(json.dumps(content), encoding="utf-8")
    return str(folder)


def row(airflow: str = "2.3.0", **metadata: Any) -> dict[str, Any]:
    """Make a row of the Runtime feed."""
    return {"metadata": {"airflowVersion": airflow, **metadata}, "migrations": {"airflowDatabase": False}}


def test_the_guide_offers_its_own_world() -> None:
    """In the guide Runtime 5.0.4 is the equivalent of AC 2.3.0, and nothing is withheld."""
    guide = catalog.load("guide")
    assert [each.version for each in guide.certified] == ["2.2.3", "2.2.4", "2.2.5", "2.3.0"]
    assert [each.version for each in guide.runtime] == ["4.0.11", "4.1.0", "4.2.4", "4.2.5", "5.0.4"]
    assert [each.version for each in guide.equivalents("2.3.0")] == ["5.0.4"]


def test_the_published_feeds_offer_the_vendors_releases() -> None:
    """There 5.0.4 is the equivalent of AC 2.3.2; builds of one version are one release with the newest build's tag."""
    published = catalog.load("published")
    assert [each.version for each in published.equivalents("2.3.2")] == ["5.0.3", "5.0.4", "5.0.5"]
    tags = {each.version: each.tag for each in published.certified}
    assert tags["1.10.5"] == "1.10.5-11-buster"
    assert len(tags) == len(published.certified)
    assert published.find_runtime("3.1-12") is not None


def test_channels_decide_what_is_offered_and_yanked_does_not(tmp_path: Path) -> None:
    """Alpha, beta and nightly are withheld; a row without a channel and a yanked one are offered."""
    name = write(
        tmp_path,
        {
            "available_releases": [
                {"version": "2.3.0-1", "tags": ["2.3.0-1"], "channel": "nightly"},
                {"version": "2.2.5", "tags": ["2.2.5"], "channel": "stable"},
            ]
        },
        {
            "runtimeVersions": {
                "5.0.0": row(channel="alpha"),
                "5.0.1": row(channel="deprecated"),
                "5.0.2": row(channel="stable", yanked=True),
                "5.0.3": row(),
            },
            "runtimeVersionsV3": {"3.0-1": row("3.0.0", channel="beta")},
        },
    )
    offered = catalog.load(name)
    assert [each.version for each in offered.certified] == ["2.2.5"]
    assert [each.version for each in offered.runtime] == ["5.0.1", "5.0.2", "5.0.3"]
    assert offered.offers_certified("2.2.5")
    assert not offered.offers_certified("2.3.0")


@pytest.mark.parametrize(("value", "expected"), [(True, True), ("true", True), (False, False), (None, False)])
def test_database_migrations_become_booleans(tmp_path: Path, value: object, *, expected: bool) -> None:
    """The feed may have the text "true"."""
    runtime = {"runtimeVersions": {"5.0.4": {**row(), "migrations": {"airflowDatabase": value}}}}
    (release,) = catalog.load(write(tmp_path, {"available_releases": []}, runtime)).runtime
    assert release.migrates_database is expected


def test_all_mistakes_of_a_feed_are_listed(tmp_path: Path) -> None:
    """One error names every row that cannot be read."""
    runtime = {"runtimeVersions": {"5.0.4": row("two"), "2.0.0": row()}, "runtimeVersionsV3": []}
    with pytest.raises(SandboxError) as raised:
        catalog.load(write(tmp_path, {"available_releases": []}, runtime))
    text = str(raised.value)
    assert all(part in text for part in ("runtimeVersions.5.0.4", "runtimeVersions.2.0.0", "runtimeVersionsV3: is not"))


@pytest.mark.parametrize(
    "wrong", [{"version": "2.3"}, {"version": "2.3", "tags": ["x"]}, {"version": "2.3.0-x", "tags": ["x"]}, 3]
)
def test_a_certified_row_that_cannot_be_read_is_an_error(tmp_path: Path, wrong: object) -> None:
    """It names the row by its place."""
    with pytest.raises(SandboxError, match=r"available_releases\[0\]"):
        catalog.load(write(tmp_path, {"available_releases": [wrong]}, {}))


@pytest.mark.parametrize(("content", "message"), [("{", "is not JSON"), ("[]", "not a JSON object"), ("{}", "no list")])
def test_a_feed_of_another_form_is_an_error(tmp_path: Path, content: str, message: str) -> None:
    """The file is named."""
    (tmp_path / catalog.CERTIFIED_FILE).write_text(content, encoding="utf-8")
    with pytest.raises(SandboxError, match=message):
        catalog.load(str(tmp_path))


def test_a_missing_catalog_is_an_error(tmp_path: Path) -> None:
    """Neither a wrong name nor a folder without feeds is a traceback."""
    with pytest.raises(SandboxError, match="there is no catalog"):
        catalog.load("guid")
    with pytest.raises(SandboxError, match="cannot be read"):
        catalog.load(str(tmp_path))

"""Catalogs: a platform's offer joined with a feed."""

from __future__ import annotations

from datetime import date

import pytest

from astro_deployment_runtime.planning.catalog import Catalog, Channel, Release, UnreadableRow
from astro_deployment_runtime.planning.versions import AirflowVersion, ReleaseId


def release(name: str, airflow: str | None = None, *, known: bool = True, channel: Channel | None = None) -> Release:
    """Return a release of this name."""
    parsed = ReleaseId.parse(name)
    version = AirflowVersion.parse(airflow) if airflow else parsed.version
    assert isinstance(version, AirflowVersion)
    return Release(id=parsed, airflow=version, known=known, channel=channel)


@pytest.mark.parametrize(
    ("low", "name", "high", "between"),
    [
        ("AC 2.2.3", "AC 2.2.3", "AC 2.3.0", True),
        ("AC 2.2.3", "AC 2.2.4", "AC 2.3.0", True),
        ("AC 2.2.3", "AC 2.2.2", "AC 2.3.0", False),
        ("AC 2.2.3", "AC 2.3.1", "Runtime 5.0.0", False),
        ("AC 2.2.3", "Runtime 4.0.11", "Runtime 5.0.0", True),
        ("AC 2.3.0", "Runtime 4.0.11", "Runtime 5.0.0", False),
        ("AC 2.3.0", "Runtime 5.0.0", "Runtime 5.0.0", True),
        ("AC 2.3.0", "Runtime 5.0.1", "Runtime 5.0.0", False),
        ("Runtime 4.0.11", "Runtime 4.2.99", "Runtime 5.0.0", True),
        ("Runtime 4.0.11", "Runtime 4.0.10", "Runtime 5.0.0", False),
        ("Runtime 4.0.11", "AC 2.2.2", "Runtime 5.0.0", False),
        ("AC 2.2.3", "Runtime 5.0.99", "Runtime 5.0.0", False),
    ],
)
def test_between_includes_both_ends(low: str, name: str, high: str, *, between: bool) -> None:
    """A release that is not on offer is compared by its Runtime version."""
    airflows = {"Runtime 4.0.11": "2.2.3", "Runtime 5.0.0": "2.3.0", "Runtime 5.0.1": "2.3.0"}
    rows = {each: release(each, airflow) for each, airflow in airflows.items()}
    ends = [rows.get(each) or release(each) for each in (low, high)]
    assert Catalog(rows.values()).between(ends[0], ReleaseId.parse(name), ends[1]) is between


FEED = Catalog(
    [
        release("AC 2.2.5"),
        Release(
            id=ReleaseId.parse("Runtime 4.2.5"),
            airflow=AirflowVersion(2, 2, 5),
            known=True,
            channel=Channel.DEPRECATED,
            yanked=True,
            yanked_reason="broken",
            released=date(2022, 4, 11),
            end_of_support=date(2023, 4, 11),
        ),
    ]
)


def test_an_offer_is_joined_with_the_feed_by_version() -> None:
    """The platform's Airflow version counts, even if the feed has another one."""
    catalog = Catalog.offered(["2.2.5", "2.3.0-5"], [("4.2.5", "2.2.4"), ("5.0.4", "2.3.0")], FEED)
    assert [str(r) for r in catalog.certified] == ["AC 2.2.5", "AC 2.3.0"]
    assert [str(r) for r in catalog.runtime] == ["Astro Runtime 4.2.5", "Astro Runtime 5.0.4"]
    joined, unknown = catalog.runtime
    assert str(joined.airflow) == "2.2.4"
    assert (joined.known, joined.yanked, joined.yanked_reason, joined.channel) == (True, True, "broken", "deprecated")
    assert (joined.released, joined.end_of_support) == (date(2022, 4, 11), date(2023, 4, 11))
    assert not unknown.known


def test_unreadable_rows_of_an_offer_are_left_out_and_listed() -> None:
    """The other rows are on offer."""
    certified = ["2.2", "2.2.5", None, 7, "2.3.0rc1", "6" * 60]
    runtime = [("5.0.x", "2.3.0"), ("5.0.4", "two"), ("4.2.5", "2.2.5"), ("8.0.0-alpha2", "2.6.0"), (None, None)]
    catalog = Catalog.offered(certified, [*runtime, ("3.4-1", "3.4.0rc1"), ("5" * 99, {})], FEED)
    assert [row.text for row in catalog.unreadable] == [
        *("2.2", "2.3.0rc1", "3.4-1 (3.4.0rc1)", "5.0.4 (two)", "5.0.x (2.3.0)", f"{'5' * 57}... ({{}})"),
        *("6" * 60, "7", "8.0.0-alpha2 (2.6.0)", "null", "null (null)"),
    ]
    # Only the versions of these rows can be read.
    names = {"3.4-1 (3.4.0rc1)": "Runtime 3.4-1", "5.0.4 (two)": "Runtime 5.0.4"}
    assert {row.text: row.id for row in catalog.unreadable if row.id is not None} == {
        text: ReleaseId.parse(name) for text, name in names.items()
    }
    assert [str(r) for r in (*catalog.certified, *catalog.runtime)] == ["AC 2.2.5", "Astro Runtime 4.2.5"]


def test_contradictory_rows_of_an_offer_are_left_out() -> None:
    """Two rows of one version have two Airflow versions. Two rows that agree are one release."""
    runtime = [("5.0.4", "2.3.2"), ("5.0.4", "2.3.0"), ("4.2.5", "2.2.5"), ("4.2.5", "2.2.5+astro.1")]
    catalog = Catalog.offered(["2.2.5", "2.2.5-3"], runtime, FEED)
    assert [str(r) for r in (*catalog.certified, *catalog.runtime)] == ["AC 2.2.5", "Astro Runtime 4.2.5"]
    (row,) = catalog.unreadable
    assert (row.text, row.id) == ("5.0.4 (2.3.0 and 2.3.2)", ReleaseId.parse("Runtime 5.0.4"))


def test_a_release_exists_on_offer_in_the_feed_or_in_an_unreadable_row() -> None:
    """A withdrawn release exists in the feed."""
    catalog = Catalog.offered(["2.3.0"], [("5.0.4", "two")], FEED)
    for name in ("AC 2.3.0", "Runtime 4.2.5", "Runtime 5.0.4"):
        assert catalog.exists(ReleaseId.parse(name))
    assert not catalog.exists(ReleaseId.parse("Runtime 5.0.5"))
    row = catalog.unreadable_row(ReleaseId.parse("Runtime 5.0.4"))
    assert row is not None
    assert row.text == "5.0.4 (two)"
    assert catalog.unreadable_row(ReleaseId.parse("Runtime 4.2.5")) is None


def test_a_release_that_is_not_on_offer_has_the_feeds_data() -> None:
    """A release that the feed does not have is unknown."""
    catalog = Catalog.offered([], [], FEED)
    assert catalog.describe(ReleaseId.parse("Runtime 4.2.5"), AirflowVersion(2, 2, 5)).yanked
    assert not catalog.describe(ReleaseId.parse("Runtime 4.2.6"), AirflowVersion(2, 2, 5)).known
    assert ReleaseId.parse("Runtime 4.2.5") not in catalog
    assert ReleaseId.parse("Runtime 4.2.5") in FEED


def test_a_yank_in_a_row_that_is_left_out_counts() -> None:
    """The release may still run."""
    yanked, other = ReleaseId.parse("Runtime 9.0.0"), ReleaseId.parse("Runtime 9.0.1")
    feed = Catalog([], unreadable=[UnreadableRow("9.0.0", id=yanked, yanked=True), UnreadableRow("9.0.1", id=other)])
    airflow = AirflowVersion(2, 7, 0)
    for catalog in (feed, Catalog.offered([], [], feed)):
        assert catalog.describe(yanked, airflow) == Release(id=yanked, airflow=airflow, yanked=True)
        for name in (other, ReleaseId.parse("Runtime 9.0.2")):
            assert catalog.describe(name, airflow) == Release(id=name, airflow=airflow)


def test_equivalents_have_exactly_the_same_airflow_version() -> None:
    """The newest comes first."""
    certified = release("AC 2.2.5")
    names = [("Runtime 4.2.9", "2.2.5"), ("Runtime 4.2.10", "2.2.5"), ("Runtime 4.2.1", "2.2.4")]
    catalog = Catalog([certified, *(release(name, airflow) for name, airflow in names)])
    assert [str(r) for r in catalog.equivalents(certified)] == ["Astro Runtime 4.2.10", "Astro Runtime 4.2.9"]
    assert catalog.equivalents(release("AC 2.0.0")) == ()


@pytest.mark.parametrize(
    ("channel", "prerelease"),
    [
        (None, False),
        (Channel.STABLE, False),
        (Channel.DEPRECATED, False),
        (Channel.ALPHA, True),
        (Channel.BETA, True),
        (Channel.NIGHTLY, True),
        (Channel.UNKNOWN, True),
    ],
)
def test_prereleases_are_not_passable(channel: Channel | None, prerelease: bool) -> None:
    """Alpha, beta, nightly and unknown channels are prereleases."""
    one = release("AC 2.2.5", channel=channel)
    assert one.prerelease is prerelease
    assert Catalog([one]).passable_certified == (() if prerelease else (one,))

"""Available releases as a table and as JSON."""

from __future__ import annotations

from astro_deployment_runtime.catalogs import vendor_feed
from astro_deployment_runtime.cli.releases import release_lines
from astro_deployment_runtime.planning.catalog import Catalog
from astro_deployment_runtime.planning.platform_version import Platform
from astro_deployment_runtime.planning.release_json import release_list_json
from astro_deployment_runtime.planning.versions import ReleaseId
from astro_deployment_runtime.support.text_table import Screen

PUBLISHED = vendor_feed.load("published")


def row(name: str, catalog: Catalog = PUBLISHED) -> str:
    """Return the row of a release."""
    (found,) = (line for line in release_lines(catalog, None, Screen()) if line.startswith(f"{name} "))
    return found


def test_a_row_has_the_newest_equivalent_and_the_number_of_others() -> None:
    """In both directions."""
    assert "  Astro Runtime 5.0.5 and 2 more" in row("AC 2.3.2")
    assert row("Astro Runtime 5.0.3").endswith("  AC 2.3.2")
    assert "AC " not in row("Astro Runtime 9.7.0")


def test_a_row_has_the_support_date_and_the_reason_of_a_yank() -> None:
    """If the feed has them."""
    assert "2027-09-30" in row("Astro Runtime 3.1-21")
    assert row("Astro Runtime 9.0.0").endswith("  Has significant scheduling performance issues.")


def test_a_row_shows_a_yank_without_a_reason() -> None:
    """An empty cell would mean that it is not yanked."""
    release = PUBLISHED.get(ReleaseId.parse("Runtime 9.0.0"))
    assert release is not None
    feed = Catalog([type(release)(id=release.id, airflow=release.airflow, known=True, yanked=True)])
    assert row("Astro Runtime 9.0.0", feed).endswith("  no reason given")


def test_the_platform_and_its_unreadable_rows_are_named() -> None:
    """In the table and in the JSON."""
    offered = Catalog.offered(["2.3.0", "nonsense\n"], [("5.0.1", "2.3.0")], PUBLISHED)
    lines = release_lines(offered, Platform(version="0.30.4"), Screen())
    assert lines[-2:] == [
        "The platform 0.30.4 offers 1 Certified and 1 Runtime releases.",
        "the platform's offer has 1 row that cannot be read; left out: nonsense\\n",
    ]
    document = release_list_json(offered, Platform(version="0.30.4"))
    assert document["platform"] == "0.30.4"
    assert document["unreadable"] == ["nonsense\n"]
    assert [(each["version"], each["equivalents"]) for each in document["releases"]] == [
        ("2.3.0", ["5.0.1"]),
        ("5.0.1", ["2.3.0"]),
    ]


def test_json_has_all_fields_of_the_feed() -> None:
    """A field that the feed lacks is null."""
    found = {(each["distribution"], each["version"]): each for each in release_list_json(PUBLISHED, None)["releases"]}
    assert found["runtime", "9.0.0"] == {
        "distribution": "runtime",
        "version": "9.0.0",
        "airflow": "2.7.0",
        "channel": "stable",
        "released": "2023-08-18",
        "supportedUntil": None,
        "equivalents": [],
        "yanked": True,
        "yankedReason": "Has significant scheduling performance issues.",
    }
    assert found["certified", "2.3.2"]["equivalents"] == ["5.0.5", "5.0.4", "5.0.3"]

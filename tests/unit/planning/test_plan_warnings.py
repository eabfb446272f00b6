"""Warnings of a path; accepted and denied warnings."""

from __future__ import annotations

import json
from datetime import date
from itertools import pairwise
from string import ascii_lowercase

import pytest

from astro_deployment_runtime.catalogs import vendor_feed
from astro_deployment_runtime.cli.options import parse_current, parse_target
from astro_deployment_runtime.errors import InvalidInputError
from astro_deployment_runtime.planning import plan_warnings, planner
from astro_deployment_runtime.planning.accepted_risks import DENIABLE_WARNINGS, AcceptedRisks, read_denied
from astro_deployment_runtime.planning.catalog import Catalog, Channel, Release, UnreadableRow
from astro_deployment_runtime.planning.plan_messages import refusal_message
from astro_deployment_runtime.planning.plan_model import Plan, Refusal, WarningName
from astro_deployment_runtime.planning.plan_request import PlanRequest
from astro_deployment_runtime.planning.versions import AirflowVersion, ReleaseId
from tests.unit.planning.outcomes import refused

GUIDE = vendor_feed.load("guide")
PUBLISHED = vendor_feed.load("published")
EVERYTHING = (*PUBLISHED.certified, *PUBLISHED.runtime)
TODAY = date(2026, 11, 1)
"""Before the support of 13.11.0 and 3.1-12 ends, after that of 12.12.0."""


def ask(
    start: str,
    target: str,
    catalog: Catalog = PUBLISHED,
    *,
    accept: tuple[str, ...] = (),
    deny: tuple[str, ...] = (),
    today: date | None = TODAY,
    pending: str | None = None,
) -> Plan | Refusal:
    """Plan from texts."""
    return planner.plan(
        PlanRequest(
            current=parse_current(start, catalog),
            target=parse_target(target),
            catalog=catalog,
            accepted=AcceptedRisks.parse(accept),
            denied=read_denied(deny),
            today=today,
            pending=ReleaseId.parse(pending) if pending else None,
        )
    )


def warned(outcome: Plan | Refusal) -> dict[str, str]:
    """Return the warnings of a plan by name."""
    assert isinstance(outcome, Plan), outcome
    return {str(warning.name): warning.message for warning in outcome.warnings}


def supported(until: date | None) -> Release:
    """Return a release with this end of support."""
    return Release(
        id=ReleaseId.parse("Runtime 12.0.0"), airflow=AirflowVersion(2, 10, 0), known=True, end_of_support=until
    )


class TestSupport:
    @pytest.mark.parametrize(
        ("until", "names"),
        [
            (date(2026, 10, 31), ["out-of-support"]),
            (date(2026, 11, 1), ["support-ends-soon"]),
            (date(2027, 1, 30), ["support-ends-soon"]),
            (date(2027, 1, 31), []),
            (None, []),
        ],
    )
    def test_support_ends_after_its_last_day(self, until: date | None, names: list[str]) -> None:
        """The warning starts 90 days before. Without an end there is no warning."""
        assert [warning.name for warning in plan_warnings.support_warnings(supported(until), TODAY)] == names

    def test_without_the_current_day_support_is_not_checked(self) -> None:
        """An offline plan can leave the day out."""
        assert list(plan_warnings.support_warnings(supported(date(1999, 1, 1)), None)) == []

    def test_the_warning_names_the_date_and_not_the_days_left(self) -> None:
        """So the same plan has the same text on two days."""
        texts = {
            warning.message
            for day in (date(2026, 12, 1), date(2026, 12, 2))
            for warning in plan_warnings.support_warnings(supported(date(2027, 1, 1)), day)
        }
        assert texts == {"the vendor's support of Astro Runtime 12.0.0 ends on 2027-01-01"}

    def test_only_the_targets_support_is_checked(self) -> None:
        """The Deployment leaves releases in between again."""
        assert "out-of-support" not in warned(ask("Runtime 11.8.0", "3.1-12"))
        assert warned(ask("Runtime 11.8.0", "12.12.0"))["out-of-support"] == (
            "the vendor's support of Astro Runtime 12.12.0 ended on 2026-02-28"
        )

    def test_a_deployment_at_its_target_gets_a_support_warning(self) -> None:
        """Support may end while nothing changes."""
        assert list(warned(ask("Runtime 12.12.0", "12.12.0"))) == ["out-of-support"]
        assert list(warned(ask("Runtime 5.0.4", "5.0.4"))) == []


class TestHops:
    def test_a_database_migration_is_reported_by_hop(self) -> None:
        """Only where the schema changes between two Airflow versions."""
        assert warned(ask("AC 2.2.3", "6.0.0"))["database-migration"] == (
            "hops 1 and 3 migrate the metadata database, which can take a long time"
        )
        assert "database-migration" not in warned(ask("Runtime 5.0.4", "5.0.5"))
        # 2.11 has the schema of 2.10.3.
        assert "database-migration" not in warned(ask("Runtime 12.12.0", "13.0.0"))

    def test_every_catalog_has_the_shipped_table_of_schemas(self) -> None:
        """Two Airflow versions have the same schema if no entry of the table lies between them."""
        heads = json.loads((vendor_feed._FOLDER / "airflow-schema.json").read_text())["schema_heads"]
        versions = tuple(map(AirflowVersion.parse, heads))
        assert GUIDE.schemas == PUBLISHED.schemas == versions
        for before, after in pairwise(versions):
            assert GUIDE.migrates(before, after)
            assert not GUIDE.migrates(before, before)

    @pytest.mark.parametrize(
        ("before", "after", "migrates"),
        [((1, 10, 15), (2, 0, 0), True), ((3, 3, 2), (3, 4, 0), True), ((3, 4, 0), (3, 4, 1), False)],
    )
    def test_a_minor_version_beyond_the_table_counts_as_a_migration(
        self, before: tuple[int, int, int], after: tuple[int, int, int], *, migrates: bool
    ) -> None:
        """Its patches do not."""
        assert PUBLISHED.migrates(AirflowVersion(*before), AirflowVersion(*after)) is migrates
        assert not Catalog([]).migrates(AirflowVersion(*before), AirflowVersion(*after))

    def test_the_last_minor_version_in_the_table_is_not_beyond_it(self) -> None:
        """Before the patch in the table, it has the schema of the version before."""
        catalog = Catalog([], schemas=[AirflowVersion(2, 9, 2), AirflowVersion(2, 10, 3)])
        assert not catalog.migrates(AirflowVersion(2, 9, 2), AirflowVersion(2, 10, 2))
        assert catalog.migrates(AirflowVersion(2, 9, 2), AirflowVersion(2, 10, 3))

    @pytest.mark.parametrize(
        ("start", "target", "text"),
        [
            ("Runtime 4.2.5", "5.0.4", None),
            ("Runtime 4.2.5", "6.0.0", "hop 1 skips Airflow 2.3"),
            ("Runtime 6.0.0", "13.11.0", "hop 1 skips Airflow 2.5 to 2.10"),
            ("Runtime 13.11.0", "3.0-18", None),
            ("Runtime 13.11.0", "3.1-12", "hop 1 skips Airflow 3.0"),
            ("Runtime 11.8.0", "3.1-12", "hop 1 skips Airflow 2.10 to 3.0"),
            (
                "AC 1.10.5",
                "6.10.0",
                "hop 2 skips Airflow 2.0 to 2.3",
            ),
        ],
    )
    def test_skipped_minor_versions_are_listed(self, start: str, target: str, text: str | None) -> None:
        """From the first to the last, also across a major version."""
        assert warned(ask(start, target)).get("airflow-minor-skipped") == text

    def test_an_unfinished_major_version_has_no_skipped_minor_versions(self) -> None:
        """Its last minor version is unknown. Skipped versions of the next major version are listed."""
        before, after = (
            Release(id=ReleaseId.parse(f"Runtime {name}"), airflow=AirflowVersion.parse(airflow), known=True)
            for name, airflow in (("3.0-1", "3.0.0"), ("4.1-1", "4.1.0"))
        )
        request = PlanRequest(current=before, target=parse_target("4.1-1"), catalog=Catalog([after]))
        (warning,) = plan_warnings.path_warnings([after], request)
        assert warning.message == "hop 1 skips Airflow 4.0"

    def test_a_newer_patch_of_the_target_is_reported(self) -> None:
        """The newest one that is neither yanked nor a prerelease."""
        assert warned(ask("Runtime 4.2.5", "5.0.4"))["newer-patch"] == (
            "Astro Runtime 5.0.13 is on offer, a newer patch than Astro Runtime 5.0.4"
        )
        assert "newer-patch" not in warned(ask("Runtime 4.2.5", "5.0.13"))
        # 13.10.0 and 13.11.0 are other lines.
        assert "newer-patch" not in warned(ask("Runtime 12.12.0", "13.0.0"))
        rows = [
            Release(id=ReleaseId.parse(f"Runtime 5.0.{patch}"), airflow=AirflowVersion(2, 3, 0), known=True, **facts)
            for patch, facts in ((1, {}), (2, {}), (3, {"yanked": True}), (4, {"channel": Channel.BETA}))
        ]
        catalog = Catalog([*rows, Release(id=ReleaseId.parse("AC 2.3.0"), airflow=AirflowVersion(2, 3, 0))])
        assert "Astro Runtime 5.0.2 is on offer" in warned(ask("AC 2.3.0", "5.0.1", catalog))["newer-patch"]


class TestCatalog:
    def test_a_stale_catalog_is_reported_with_its_own_text(self) -> None:
        """The text comes from the code that fetched the catalog."""
        catalog = Catalog(EVERYTHING, stale="fetched on 2026-10-01")
        assert warned(ask("AC 2.2.3", "4.2.5", catalog))["stale-catalog"] == "fetched on 2026-10-01"


class TestUnreadableRows:
    def test_a_readable_catalog_has_no_notes(self) -> None:
        """Neither alone nor as the feed of an offer."""
        assert plan_warnings.unreadable_row_notes(GUIDE) == []
        assert plan_warnings.unreadable_row_notes(Catalog.offered([], [], GUIDE)) == []

    def test_the_notes_distinguish_rows_and_values_of_the_offer_and_the_catalog(self) -> None:
        """A row is left out, a value is unknown. The offer comes first."""
        feed = Catalog(
            [], unreadable=[UnreadableRow("row 1"), UnreadableRow("row 2"), UnreadableRow("value 1", left_out=False)]
        )
        offer = Catalog(
            [],
            unreadable=[UnreadableRow("row 3"), *(UnreadableRow(f"value {n}", left_out=False) for n in (2, 3))],
            feed=feed,
        )
        unknown = "counted as unknown (an unknown 'yanked' as yanked, an unknown channel as a prerelease)"
        of_the_feed = [
            "the catalog has 2 rows that cannot be read; left out: row 1, row 2",
            f"the catalog has 1 value that cannot be read; {unknown}: value 1",
        ]
        assert plan_warnings.unreadable_row_notes(feed) == of_the_feed
        assert plan_warnings.unreadable_row_notes(offer) == [
            "the platform's offer has 1 row that cannot be read; left out: row 3",
            f"the platform's offer has 2 values that cannot be read; {unknown}: value 2, value 3",
            *of_the_feed,
        ]

    @pytest.mark.parametrize(
        ("count", "listed"), [(4, "a, b, c, d"), (5, "a, b, c, d and 1 more"), (26, "a, b, c, d and 22 more")]
    )
    def test_a_note_names_the_first_four(self, count: int, listed: str) -> None:
        """It counts the others, so that its length is bounded."""
        catalog = Catalog([], unreadable=map(UnreadableRow, ascii_lowercase[:count]))
        (note,) = plan_warnings.unreadable_row_notes(catalog)
        assert note == f"the catalog has {count} rows that cannot be read; left out: {listed}"


class TestAccepted:
    def test_an_accepted_warning_is_not_shown(self) -> None:
        """Other warnings are still shown."""
        path = ("Runtime 11.8.0", "12.12.0")
        assert warned(ask(*path)).keys() - warned(ask(*path, accept=("out-of-support",))).keys() == {"out-of-support"}
        assert warned(ask("Runtime 12.12.0", "12.12.0", accept=("out-of-support",))) == {}

    def test_the_warning_about_an_accepted_risk_is_still_shown(self) -> None:
        """This warning cannot be accepted itself."""
        assert "yanked" in warned(ask("Runtime 8.10.0", "9.0.0", accept=("yanked:9.0.0",)))
        with pytest.raises(InvalidInputError, match="'yanked' cannot be accepted; use one of: yanked:VERSION, "):
            AcceptedRisks.parse(["yanked"])


class TestDenied:
    @pytest.mark.parametrize(
        ("name", "start", "target"),
        [
            ("airflow-version", "Runtime 5.0.4 (Airflow 2.3.0)", "5.0.5"),
            ("unknown-release", "AC 2.2.3", "5.9.9"),
            ("stale-catalog", "AC 2.2.3", "4.2.5"),
            ("deprecated", "AC 2.2.3", "5.0.4"),
            ("out-of-support", "Runtime 11.8.0", "12.12.0"),
            ("out-of-support", "Runtime 12.12.0", "12.12.0"),
            ("support-ends-soon", "Runtime 12.12.0", "13.11.0"),
            ("database-migration", "AC 2.2.3", "5.0.4"),
            ("airflow-minor-skipped", "Runtime 4.2.5", "6.0.0"),
            ("newer-patch", "AC 2.2.3", "5.0.4"),
        ],
    )
    def test_a_denied_warning_is_refused(self, name: str, start: str, target: str) -> None:
        """The refusal has the warning's name, its text and how to undo the denial."""
        offered = [(str(each.id.version), str(each.airflow)) for each in PUBLISHED.runtime]
        feed = Catalog(EVERYTHING, schemas=PUBLISHED.schemas, stale="old" if name == "stale-catalog" else "")
        catalog = Catalog.offered(
            [str(each.id.version) for each in PUBLISHED.certified], [*offered, ("5.9.9", "2.3.0")], feed
        )
        day = date(2027, 4, 1) if name == "support-ends-soon" else TODAY
        message = warned(ask(start, target, catalog, today=day))[name]
        refusal = refused(ask(start, target, catalog, deny=(name,), today=day))
        assert [(str(each.rule), each.found) for each in refusal.violations] == [("DENIED", f"{name}: {message}")]
        assert refusal.denied == (WarningName(name),)
        assert f"remove {name} from deny" in refusal_message(refusal)

    def test_a_foreign_pending_hop_at_the_target_can_be_denied(self) -> None:
        """Even if there is nothing else to do."""
        refusal = refused(ask("Runtime 5.0.4", "5.0.4", pending="Runtime 5.0.5", deny=("pending",)))
        assert refusal_message(refusal).startswith("cannot stay at Astro Runtime 5.0.4 (Airflow 2.3.2)")
        assert [str(each.rule) for each in refusal.violations] == ["DENIED"]

    def test_every_deniable_warning_is_tested_here(self) -> None:
        """Warnings about projects and lines have their own tests."""
        (mark,) = TestDenied.test_a_denied_warning_is_refused.pytestmark  # type: ignore[attr-defined]
        project_warnings = {WarningName.IMAGE_VARIANT, WarningName.OTHER_STAGE, WarningName.DEPLOY_CONFIRMATION}
        assert {row[0] for row in mark.args[1]} | {"pending", "newer-target"} == {*DENIABLE_WARNINGS} - project_warnings

    def test_the_nearest_targets_have_no_denied_warning(self) -> None:
        """A proposed target must not be refused for the same reason."""
        refusal = refused(ask("Runtime 11.8.0", "12.12.0", deny=("out-of-support",)))
        assert str(refusal.above) == "Astro Runtime 13.0.0"
        assert refusal.below is None
        assert "12.0.0" not in refusal_message(refusal)

    def test_the_strategys_paths_to_the_nearest_targets_have_no_denied_warning(self) -> None:
        """A path of the other strategy, around a deprecated AC, does not count."""
        rows = [
            Release(id=ReleaseId.parse(name), airflow=AirflowVersion.parse(airflow), known=True, channel=channel)
            for name, airflow, channel in (
                ("AC 2.2.3", "2.2.3", Channel.STABLE),
                ("AC 2.3.0", "2.3.0", Channel.DEPRECATED),
                ("Runtime 4.0.0", "2.2.3", Channel.STABLE),
                ("Runtime 5.0.0", "2.3.0", Channel.STABLE),
                ("Runtime 6.0.0", "2.4.0", Channel.STABLE),
            )
        ]
        refusal = refused(ask("AC 2.2.3", "6.0.1", Catalog(rows), deny=("deprecated",)))
        assert str(refusal.below) == "Astro Runtime 4.0.0"

    def test_denied_warnings_and_violations_are_reported_at_once(self) -> None:
        """Both ways out are shown together."""
        refusal = refused(ask("Runtime 8.10.0", "9.0.0", deny=("database-migration",)))
        assert [str(each.rule) for each in refusal.violations] == ["YANKED", "DENIED"]
        assert "add accept: [yanked:9.0.0] and remove database-migration from deny" in refusal_message(refusal)

    def test_a_denied_warning_that_does_not_apply_changes_nothing(self) -> None:
        """The plan is the same as without it."""
        assert ask("AC 2.2.3", "5.0.4", deny=("out-of-support", "unknown-release")) == ask("AC 2.2.3", "5.0.4")

    def test_every_unknown_denied_name_is_reported_at_once(self) -> None:
        """The message lists the known names."""
        known = "use one of: airflow-version, unknown-release, stale-catalog, deprecated, out-of-support, "
        with pytest.raises(InvalidInputError) as caught:
            read_denied(["old", "yanked", "deprecated"])
        assert str(caught.value).count(known) == 2
        assert str(caught.value).startswith("'old' cannot be denied")
        assert "; 'yanked' cannot be denied" in str(caught.value)

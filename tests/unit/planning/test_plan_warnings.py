"""What is allowed and should be known: which warnings a path has, and what becomes of those that have a say."""

from __future__ import annotations

import json
from datetime import date
from itertools import pairwise

import pytest

from astro_deployment_runtime.catalogs import vendor_feed
from astro_deployment_runtime.cli.options import parse_current, parse_target
from astro_deployment_runtime.errors import InvalidInputError
from astro_deployment_runtime.planning import plan_warnings, planner
from astro_deployment_runtime.planning.accepted_risks import DENIABLE_WARNINGS, AcceptedRisks, read_denied
from astro_deployment_runtime.planning.catalog import Catalog, Channel, Release
from astro_deployment_runtime.planning.model import Plan, Refusal, WarningName
from astro_deployment_runtime.planning.plan_messages import refusal_message
from astro_deployment_runtime.planning.plan_request import PlanRequest
from astro_deployment_runtime.planning.versions import AirflowVersion, ReleaseId

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
    """Plan by texts."""
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
    """The warnings of a plan, by name."""
    assert isinstance(outcome, Plan), outcome
    return {str(warning.name): warning.message for warning in outcome.warnings}


def refused(outcome: Plan | Refusal) -> Refusal:
    """Expect a refusal."""
    assert isinstance(outcome, Refusal), outcome
    return outcome


def supported(until: date | None) -> Release:
    """A release that is supported until then."""
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
    def test_it_ends_after_its_last_day(self, until: date | None, names: list[str]) -> None:
        """The last day is a supported one; ninety days before it ends soon; no date, no warning."""
        assert [warning.name for warning in plan_warnings.support_warnings(supported(until), TODAY)] == names

    def test_no_day_no_judgement(self) -> None:
        """Who hands in no day is told nothing of support."""
        assert list(plan_warnings.support_warnings(supported(date(1999, 1, 1)), None)) == []

    def test_the_date_is_told_and_not_how_far_it_is(self) -> None:
        """So that a plan reads the same on two days."""
        texts = {
            warning.message
            for day in (date(2026, 12, 1), date(2026, 12, 2))
            for warning in plan_warnings.support_warnings(supported(date(2027, 1, 1)), day)
        }
        assert texts == {"the vendor's support of Astro Runtime 12.0.0 ends on 2027-01-01"}

    def test_only_the_target_counts(self) -> None:
        """A release in between is left again."""
        assert "out-of-support" not in warned(ask("Runtime 11.8.0", "3.1-12"))
        assert warned(ask("Runtime 11.8.0", "12.12.0"))["out-of-support"] == (
            "the vendor's support of Astro Runtime 12.12.0 ended on 2026-02-28"
        )

    def test_a_deployment_at_rest_is_told(self) -> None:
        """Time goes on while nothing is changed."""
        assert list(warned(ask("Runtime 12.12.0", "12.12.0"))) == ["out-of-support"]
        assert list(warned(ask("Runtime 5.0.4", "5.0.4"))) == []


class TestHops:
    def test_a_migration_of_the_database_is_told_by_its_hop(self) -> None:
        """Where the schema of the metadata database changes between two Airflow versions, and only there."""
        assert warned(ask("AC 2.2.3", "6.0.0"))["database-migration"] == (
            "hops 1 and 3 migrate the metadata database, which can take a long time"
        )
        assert "database-migration" not in warned(ask("Runtime 5.0.4", "5.0.5"))
        # 2.11 has the schema of 2.10.3.
        assert "database-migration" not in warned(ask("Runtime 12.12.0", "13.0.0"))

    def test_the_table_of_schemas_is_the_shipped_one(self) -> None:
        """Two Airflow versions share a schema when the newest entry not above each is the same."""
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
    def test_what_lies_beyond_the_table_is_assumed(
        self, before: tuple[int, int, int], after: tuple[int, int, int], *, migrates: bool
    ) -> None:
        """A later minor version migrates, its patches do not."""
        assert PUBLISHED.migrates(AirflowVersion(*before), AirflowVersion(*after)) is migrates
        assert not Catalog([]).migrates(AirflowVersion(*before), AirflowVersion(*after))

    def test_of_the_last_minor_version_in_the_table_nothing_is_assumed(self) -> None:
        """Before the patch that the table names, its schema is that of the version before."""
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
    def test_skipped_minor_versions_are_named(self, start: str, target: str, text: str | None) -> None:
        """From the first to the last, across a major version too."""
        assert warned(ask(start, target)).get("airflow-minor-skipped") == text

    def test_of_a_major_version_that_goes_on_nothing_is_skipped(self) -> None:
        """Nobody knows its last minor version; those of the next one that are skipped are named."""
        before, after = (
            Release(id=ReleaseId.parse(f"Runtime {name}"), airflow=AirflowVersion.parse(airflow), known=True)
            for name, airflow in (("3.0-1", "3.0.0"), ("4.1-1", "4.1.0"))
        )
        request = PlanRequest(current=before, target=parse_target("4.1-1"), catalog=Catalog([after]))
        (warning,) = plan_warnings.path_warnings([after], request)
        assert warning.message == "hop 1 skips Airflow 4.0"

    def test_a_newer_patch_is_named(self) -> None:
        """The newest that differs in the last number alone; neither a yanked one nor a prerelease."""
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
    def test_why_it_may_be_out_of_date_is_told_in_its_own_words(self) -> None:
        """As whoever fetched it says it."""
        catalog = Catalog(EVERYTHING, stale="fetched on 2026-10-01")
        assert warned(ask("AC 2.2.3", "4.2.5", catalog))["stale-catalog"] == "fetched on 2026-10-01"


class TestAccepted:
    def test_what_is_accepted_is_not_shown(self) -> None:
        """That name, and no other."""
        path = ("Runtime 11.8.0", "12.12.0")
        assert warned(ask(*path)).keys() - warned(ask(*path, accept=("out-of-support",))).keys() == {"out-of-support"}
        assert warned(ask("Runtime 12.12.0", "12.12.0", accept=("out-of-support",))) == {}

    def test_a_risk_that_was_accepted_is_still_told(self) -> None:
        """Its warning says that it was; that cannot be accepted once more."""
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
    def test_what_is_denied_is_refused(self, name: str, start: str, target: str) -> None:
        """Each warning that can be; with its name, its text, and how to take it back."""
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
        """Nothing is to be done, and that is refused too."""
        refusal = refused(ask("Runtime 5.0.4", "5.0.4", pending="Runtime 5.0.5", deny=("pending",)))
        assert refusal_message(refusal).startswith("cannot stay at Astro Runtime 5.0.4 (Airflow 2.3.2)")
        assert [str(each.rule) for each in refusal.violations] == ["DENIED"]

    def test_every_name_is_tried_here(self) -> None:
        """A new one is thought of; those that depend on more have tests of their own."""
        (mark,) = TestDenied.test_what_is_denied_is_refused.pytestmark  # type: ignore[attr-defined]
        of_projects = {WarningName.IMAGE_VARIANT, WarningName.OTHER_STAGE, WarningName.DEPLOY_CONFIRMATION}
        assert {row[0] for row in mark.args[1]} | {"pending", "newer-target"} == {*DENIABLE_WARNINGS} - of_projects

    def test_the_nearest_targets_are_not_denied_either(self) -> None:
        """What is proposed would not be refused in its turn."""
        refusal = refused(ask("Runtime 11.8.0", "12.12.0", deny=("out-of-support",)))
        assert str(refusal.above) == "Astro Runtime 13.0.0"
        assert refusal.below is None
        assert "12.0.0" not in refusal_message(refusal)

    def test_the_nearest_targets_are_not_denied_by_the_way_that_is_taken(self) -> None:
        """A shorter way around a deprecated AC does not count, where the strategy leads through it."""
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

    def test_all_reasons_are_given_at_once(self) -> None:
        """What is denied beside what is illegal; both ways out are told together."""
        refusal = refused(ask("Runtime 8.10.0", "9.0.0", deny=("database-migration",)))
        assert [str(each.rule) for each in refusal.violations] == ["YANKED", "DENIED"]
        assert "add accept: [yanked:9.0.0] and remove database-migration from deny" in refusal_message(refusal)

    def test_what_does_not_apply_denies_nothing(self) -> None:
        """The plan is as it was."""
        assert ask("AC 2.2.3", "5.0.4", deny=("out-of-support", "unknown-release")) == ask("AC 2.2.3", "5.0.4")

    def test_an_unknown_name_is_told_with_the_known_ones(self) -> None:
        """All at once."""
        known = "use one of: airflow-version, unknown-release, stale-catalog, deprecated, out-of-support, "
        with pytest.raises(InvalidInputError) as caught:
            read_denied(["old", "yanked", "deprecated"])
        assert str(caught.value).count(known) == 2
        assert "'old' cannot be denied" in str(caught.value)

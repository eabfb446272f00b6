"""Targets that are no version: how they are written, what they stand for, and at what they are held."""

from __future__ import annotations

import pytest

from astro_deployment_runtime.catalogs import vendor_feed
from astro_deployment_runtime.cli.options import parse_current, parse_target
from astro_deployment_runtime.errors import InvalidVersionError
from astro_deployment_runtime.planning import planner
from astro_deployment_runtime.planning.accepted_risks import AcceptedRisks, read_denied
from astro_deployment_runtime.planning.catalog import Catalog, Channel, Release
from astro_deployment_runtime.planning.model import Equivalent, Latest, Plan, Refusal
from astro_deployment_runtime.planning.plan_messages import path_line, plan_lines, refusal_message
from astro_deployment_runtime.planning.plan_request import PlanRequest
from astro_deployment_runtime.planning.targets import did_you_mean
from astro_deployment_runtime.planning.versions import AirflowVersion, Line, ReleaseId, RuntimeVersion

PUBLISHED = vendor_feed.load("published")


def ask(
    start: str,
    target: str,
    catalog: Catalog = PUBLISHED,
    *,
    held: str | None = None,
    accept: tuple[str, ...] = (),
    deny: tuple[str, ...] = (),
) -> Plan | Refusal:
    """Plan by texts."""
    return planner.plan(
        PlanRequest(
            current=parse_current(start, catalog),
            target=parse_target(target),
            catalog=catalog,
            held=RuntimeVersion.parse(held) if held else None,
            accepted=AcceptedRisks.parse(accept),
            denied=read_denied(deny),
        )
    )


def planned(outcome: Plan | Refusal) -> Plan:
    """Expect a plan."""
    assert isinstance(outcome, Plan), outcome
    return outcome


def refused(outcome: Plan | Refusal) -> Refusal:
    """Expect a refusal."""
    assert isinstance(outcome, Refusal), outcome
    return outcome


def resolved(outcome: Plan | Refusal) -> str:
    """The version that a target stands for."""
    assert outcome.resolved is not None
    return str(outcome.resolved.version)


def offer(*versions: str, yanked: tuple[str, ...] = (), beta: tuple[str, ...] = ()) -> Catalog:
    """Make a catalog of Runtimes that all have Airflow 2.3.0."""
    return Catalog(
        Release(
            id=ReleaseId.parse(f"Runtime {version}"),
            airflow=AirflowVersion(2, 3, 0),
            known=True,
            yanked=version in yanked,
            channel=Channel.BETA if version in beta else Channel.STABLE,
        )
        for version in versions
    )


class TestWriting:
    @pytest.mark.parametrize("text", ["5.x", "5.0.x", "13.10.x", "3.1-x", "3.0.x", "5.0.4", "3.1-12"])
    def test_what_is_declared_is_printed_alike(self, text: str) -> None:
        """Read and printed again."""
        assert str(parse_target(f" {text} ")) == text

    def test_words_are_targets(self) -> None:
        """Those two, in small letters."""
        assert parse_target("equivalent") is Equivalent.EQUIVALENT
        assert parse_target("latest-patch") is Latest.PATCH

    @pytest.mark.parametrize(
        ("text", "message"),
        [
            ("3.x", "write 3.0.x for the one, or 3.1-x with Airflow's minor version for the other"),
            ("x", "is not a line"),
            ("5x", "is not a line"),
            ("5.0.4.x", "is not a line"),
            ("3.1.2-x", "is not a line"),
            ("3-x", "is not a line"),
            ("5.X", "is not a line"),
            ("05.x", "is not a line"),
            ("latest", "or 'equivalent', 'latest-patch', or a line such as 5.x or 3.1-x"),
            ("5.0", "is not an Astro Runtime version"),
        ],
    )
    def test_everything_else_is_refused(self, text: str, message: str) -> None:
        """With what can be written instead."""
        with pytest.raises(InvalidVersionError) as caught:
            parse_target(text)
        assert message in str(caught.value)

    @pytest.mark.parametrize(
        ("text", "meant"),
        [
            ("v6.0.0", "6.0.0"),
            ("6.0", "6.0.0 or 6.0.x"),
            ("5.04", "5.0.4"),
            ("5,0,4", "5.0.4"),
            ("3.1-012", "3.1-12"),
            ("3.1_12", "3.1-12"),
            ("3.112", "3.1-12"),
            ("3.1\u201312", "3.1-12"),
            ("Runtime 5.0.4", "5.0.4"),
            ("runtime-5.0.4", "5.0.4"),
            ("5.0.4-base", "5.0.4"),
            ("quay.io/astronomer/astro-runtime:5.0.4", "5.0.4"),
            ("5.0.4.0", "5.0.4"),
            ("8.1.0-alpha2", "8.1.0"),
            ("v12.99.1", "12.99.1"),
            ("2.3", "5.5.0 (Airflow 2.3.4)"),
            ("AC 2.3.0", "5.0.1 (Airflow 2.3.0)"),
            ("6", "6.x"),
            ("3", "3.3-x, 3.2-x or 3.1-x"),
            ("3.0", "3.0.0, 3.0-x or 3.0.x"),
            ("5x", "5.x"),
            ("5.*", "5.x"),
            ("5.X", "5.x"),
            ("v5.0.x", "5.0.x"),
            ("Equivalent", "equivalent"),
            ("equivalant", "equivalent"),
            ("latest_patch", "latest-patch"),
        ],
    )
    def test_what_is_written_almost_like_a_target_is_asked_about(self, text: str, meant: str) -> None:
        """Among the shipped releases, since no platform is known where a target is declared."""
        with pytest.raises(InvalidVersionError) as caught:
            parse_target(text)
        assert str(caught.value).endswith(f"; did you mean {meant}?")

    @pytest.mark.parametrize("text", ["new", "five", "99.x", "", "x", "5" * 61, "7" * 5000, "\u0665.0.4"])
    def test_what_is_written_like_no_target_is_not_asked_about(self, text: str) -> None:
        """A guess from nothing would mislead."""
        assert did_you_mean(text, PUBLISHED) == ""

    def test_a_line_holds_what_begins_like_it(self) -> None:
        """In its own scheme alone: Runtime 3.1.x would be another thing than 3.1-x."""
        line = Line.parse("3.1-x")
        assert RuntimeVersion.parse("3.1-12") in line
        assert RuntimeVersion.parse("3.1.2") not in line
        assert RuntimeVersion.parse("3.2-1") not in line
        assert RuntimeVersion.parse("5.10.0") in Line.parse("5.x")
        assert RuntimeVersion.parse("50.1.0") not in Line.parse("5.x")


class TestNewest:
    @pytest.mark.parametrize(
        ("start", "target", "version"),
        [
            ("AC 2.2.3", "5.x", "5.5.0"),
            ("AC 2.2.3", "5.0.x", "5.0.13"),
            ("Runtime 5.0.4", "latest-patch", "5.0.13"),
            ("Runtime 13.11.0", "3.1-x", "3.1-21"),
            ("Runtime 3.1-12", "latest-patch", "3.1-21"),
            ("Runtime 3.0.1", "latest-patch", "3.0.4"),
            # 9.0.0 to 9.6.0 are yanked, 9.17.0 comes after 9.9.0.
            ("Runtime 8.10.0", "9.x", "9.17.0"),
        ],
    )
    def test_a_line_stands_for_its_newest(self, start: str, target: str, version: str) -> None:
        """By number, not by text; what is yanked does not count."""
        outcome = planned(ask(start, target))
        assert resolved(outcome) == str(outcome.target.id.version) == version

    def test_neither_yanked_nor_prereleases_count(self) -> None:
        """The newest that a path may lead through."""
        catalog = offer("5.0.0", "5.0.1", "5.0.2", "5.0.3", yanked=("5.0.2",), beta=("5.0.3",))
        assert resolved(ask("Runtime 5.0.0", "5.x", catalog)) == "5.0.1"

    def test_what_runs_is_not_left_for_an_older_release(self) -> None:
        """Also when it is not on offer any more: there is nothing to do."""
        outcome = planned(ask("Runtime 5.0.9 (Airflow 2.3.0)", "5.0.x", offer("5.0.0", "5.0.1")))
        assert (outcome.hops, resolved(outcome)) == ((), "5.0.9")

    def test_a_line_below_what_runs_is_refused(self) -> None:
        """As any lower version is, and can be accepted as such."""
        refusal = refused(ask("Runtime 6.0.4", "5.x"))
        assert [str(each.rule) for each in refusal.violations] == ["NO-REVERT"]
        assert "to Astro Runtime 5.5.0 (Airflow 2.3.4), resolved from 5.x" in refusal_message(refusal)
        kept = planned(ask("Runtime 6.0.4", "5.x", accept=("newer",)))
        assert (kept.hops, resolved(kept)) == ((), "5.5.0")

    def test_a_line_of_which_nothing_is_on_offer_is_refused(self) -> None:
        """With the nearest targets."""
        text = refusal_message(refused(ask("Runtime 5.0.4", "99.x")))
        assert text.startswith("no path from Astro Runtime 5.0.4 to 99.x\n  OFFERED: no release of 99.x is on offer")
        assert "Nearest target: Astro Runtime " in text

    def test_certified_has_no_patch_to_go_to(self) -> None:
        """Its patches are no Runtimes: the equivalent has to be declared first."""
        text = refusal_message(refused(ask("AC 2.2.3", "latest-patch")))
        assert "MIGRATE-EQUAL: AC 2.2.3 is not an Astro Runtime" in text
        assert "declare equivalent first" in text

    def test_the_version_is_shown(self) -> None:
        """In a line of its own."""
        assert "5.x resolves to Astro Runtime 5.5.0." in plan_lines(planned(ask("AC 2.2.3", "5.x")))


class TestHeld:
    def test_a_release_that_appears_moves_nothing(self) -> None:
        """The plan goes where it went; a warning tells of the newer one, and how to take it."""
        before = planned(ask("Runtime 4.2.5", "5.x", offer("4.2.5", "5.0.0")))
        after = planned(ask("Runtime 4.2.5", "5.x", offer("4.2.5", "5.0.0", "5.0.1"), held="5.0.0"))
        assert path_line(after) == path_line(before)
        (warning,) = after.warnings
        take = "set ASTRO_RESOLVE=newest to take it"
        message = f"5.x stays at Astro Runtime 5.0.0, and Astro Runtime 5.0.1 is on offer; {take}"
        assert (str(warning.name), warning.message) == ("newer-target", message)

    def test_at_rest_too(self) -> None:
        """Nothing to do, and the same warning; accepted it is not shown, denied it is a refusal."""
        question = ("Runtime 5.0.0", "5.x", offer("5.0.0", "5.0.1"))
        assert [warning.name for warning in planned(ask(*question, held="5.0.0")).warnings] == ["newer-target"]
        assert planned(ask(*question, held="5.0.0", accept=("newer-target",))).warnings == ()
        text = refusal_message(refused(ask(*question, held="5.0.0", deny=("newer-target",))))
        assert "DENIED: newer-target: 5.x stays at Astro Runtime 5.0.0" in text
        assert "resolve 5.x again, to Astro Runtime 5.0.1 (ASTRO_RESOLVE=newest)" in text

    def test_what_was_withdrawn_is_refused_with_a_way_out(self) -> None:
        """It was not reached yet; once it runs, nothing is wrong."""
        catalog = offer("5.0.0", "5.0.2")
        refusal = refused(ask("Runtime 5.0.0", "5.x", catalog, held="5.0.1"))
        assert (str(refusal.target), refusal.below, str(refusal.above)) == ("5.0.1", None, "Astro Runtime 5.0.2")
        text = refusal_message(refusal)
        assert "OFFERED: Astro Runtime 5.0.1 is neither on offer nor in the catalog\n" in text
        assert "resolved from 5.x" in text
        assert "ASTRO_RESOLVE=newest" in text
        assert planned(ask("Runtime 5.0.1 (Airflow 2.3.0)", "5.x", catalog, held="5.0.1")).hops == ()

    def test_what_was_yanked_is_refused_unless_accepted(self) -> None:
        """As any yanked target."""
        catalog = offer("5.0.0", "5.0.1", "5.0.2", yanked=("5.0.1",))
        refusal = refused(ask("Runtime 5.0.0", "5.x", catalog, held="5.0.1"))
        assert [str(each.rule) for each in refusal.violations] == ["YANKED"]
        assert refusal.acceptable == ("yanked:5.0.1",)
        assert planned(ask("Runtime 5.0.0", "5.x", catalog, held="5.0.1", accept=("yanked:5.0.1",))).hops

    def test_what_was_upgraded_by_hand_is_kept(self) -> None:
        """More of the line runs than is held: it is held there."""
        outcome = planned(ask("Runtime 5.0.2", "5.x", offer("5.0.0", "5.0.1", "5.0.2"), held="5.0.1"))
        assert (outcome.hops, resolved(outcome)) == ((), "5.0.2")

    def test_the_latest_patch_of_another_line_is_not_held(self) -> None:
        """What runs has left the line by hand: its own newest patch counts."""
        outcome = planned(ask("Runtime 5.1.0", "latest-patch", offer("5.0.1", "5.1.0", "5.1.3"), held="5.0.1"))
        assert resolved(outcome) == "5.1.3"

    def test_a_prerelease_that_runs_is_left_for_a_newer_patch_alone(self) -> None:
        """Of its line it is the newest while nothing higher is on offer."""
        prerelease = "Runtime 5.0.2-rc1 (Airflow 2.3.0)"
        assert resolved(ask(prerelease, "latest-patch", offer("5.0.1", "5.0.2"))) == "5.0.2"
        assert resolved(ask(prerelease, "5.0.x", offer("5.0.0", "5.0.1"))) == "5.0.2-rc1"

    def test_a_version_is_not_held(self) -> None:
        """It says itself what it is."""
        assert planned(ask("Runtime 5.0.0", "5.0.2", offer("5.0.0", "5.0.1", "5.0.2"), held="5.0.1")).resolved is None

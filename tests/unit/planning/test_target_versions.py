"""Targets other than versions: how they are written, resolved and held."""

from __future__ import annotations

import pytest

from astro_deployment_runtime.catalogs import vendor_feed
from astro_deployment_runtime.cli.options import parse_current, parse_target
from astro_deployment_runtime.errors import InvalidVersionError
from astro_deployment_runtime.planning import planner
from astro_deployment_runtime.planning.accepted_risks import AcceptedRisks, read_denied
from astro_deployment_runtime.planning.catalog import Catalog, Channel, Release
from astro_deployment_runtime.planning.plan_messages import path_line, plan_lines, refusal_message
from astro_deployment_runtime.planning.plan_model import Equivalent, Latest, Plan, Refusal
from astro_deployment_runtime.planning.plan_request import PlanRequest
from astro_deployment_runtime.planning.target_versions import did_you_mean
from astro_deployment_runtime.planning.versions import AirflowVersion, Line, ReleaseId, RuntimeVersion
from tests.unit.planning.outcomes import planned, refused

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
    """Plan from texts."""
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


def resolved(outcome: Plan | Refusal) -> str:
    """Return the version that the target resolves to."""
    assert outcome.resolved is not None
    return str(outcome.resolved.version)


def offer(*versions: str, yanked: tuple[str, ...] = (), beta: tuple[str, ...] = ()) -> Catalog:
    """Return a catalog of Runtimes with Airflow 2.3.0."""
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
    def test_a_target_prints_as_it_was_declared(self, text: str) -> None:
        """Spaces around it are dropped."""
        assert str(parse_target(f" {text} ")) == text

    def test_two_words_are_targets(self) -> None:
        """In lower case."""
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
    def test_an_invalid_target_is_refused(self, text: str, message: str) -> None:
        """The message says what to write."""
        with pytest.raises(InvalidVersionError) as caught:
            parse_target(text)
        assert message in str(caught.value)

    def test_only_a_refused_version_lists_the_other_kinds_of_targets(self) -> None:
        """The refusal of a line describes lines."""
        with pytest.raises(InvalidVersionError) as caught:
            parse_target("new")
        assert str(caught.value) == (
            "'new' is not an Astro Runtime version: write x.y.z (for example 5.0.4), or x.y-N for Airflow 3 "
            "(for example 3.1-12), or 'equivalent', 'latest-patch', or a line such as 5.x or 3.1-x"
        )
        with pytest.raises(InvalidVersionError) as caught:
            parse_target("99x")
        assert str(caught.value) == (
            "'99x' is not a line of Astro Runtime versions: write 5.x, 5.0.x, or 3.1-x for Airflow 3"
        )

    @pytest.mark.parametrize(
        ("text", "suggestion"),
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
            ("5,0,4,0", "5.0.4"),
            ("8.1.0-alpha2", "8.1.0"),
            ("v12.99.1", "12.99.1"),
            ("2.3", "5.5.0 (Airflow 2.3.4)"),
            ("AC 2.3.0", "5.0.1 (Airflow 2.3.0)"),
            ("6", "6.x"),
            ("3", "3.3-x, 3.2-x or 3.1-x"),
            ("3.0", "3.0.0, 3.0-x or 3.0.x"),
            ("5x", "5.x"),
            ("5.*", "5.x"),
            ("6.0.*", "6.0.x"),
            ("5.X", "5.x"),
            ("v5.0.x", "5.0.x"),
            ("Equivalent", "equivalent"),
            ("equivalant", "equivalent"),
            ("latest_patch", "latest-patch"),
        ],
    )
    def test_a_misspelt_target_gets_suggestions(self, text: str, suggestion: str) -> None:
        """They come from the shipped releases, because no platform is known where a target is declared."""
        with pytest.raises(InvalidVersionError) as caught:
            parse_target(text)
        assert str(caught.value).endswith(f"; did you mean {suggestion}?")

    def test_an_airflow_version_suggests_its_newest_release(self) -> None:
        """From two numbers on."""
        catalog = Catalog(
            Release(id=ReleaseId.parse(f"Runtime {version}"), airflow=AirflowVersion.parse(airflow))
            for version, airflow in (("5.0.4", "2.3.0"), ("5.0.5", "2.3.2"))
        )
        assert did_you_mean("2.3", catalog) == "; did you mean 5.0.5 (Airflow 2.3.2)?"
        assert did_you_mean("2", catalog) == ""

    def test_a_text_of_up_to_60_characters_gets_suggestions(self) -> None:
        """A longer text is not compared."""
        assert did_you_mean("5.0.4-".ljust(60, "a"), PUBLISHED) == "; did you mean 5.0.4?"
        assert did_you_mean("5.0.4-".ljust(61, "a"), PUBLISHED) == ""

    def test_a_suggested_line_of_airflow_3_has_two_numbers(self) -> None:
        """Also from Airflow 4 on. Before Airflow 3, one number is enough."""
        catalog = Catalog(
            Release(id=ReleaseId.parse(f"Runtime {version}"), airflow=AirflowVersion.parse(airflow))
            for version, airflow in (("4.2.5", "2.2.5"), ("4.0-1", "4.0.0"))
        )
        assert did_you_mean("4", catalog) == "; did you mean 4.0-x or 4.x?"

    def test_a_suggested_line_of_runtime_3_has_two_numbers(self) -> None:
        """3.x could also be Runtime for Airflow 3."""
        assert did_you_mean("3", offer("3.0.4")) == "; did you mean 3.0.x?"

    @pytest.mark.parametrize("text", ["new", "five", "99.x", "", "x", "5" * 61, "7" * 5000, "\u0665.0.4"])
    def test_a_text_unlike_any_target_gets_no_suggestions(self, text: str) -> None:
        """A wild guess would mislead."""
        assert did_you_mean(text, PUBLISHED) == ""

    def test_a_line_contains_the_versions_with_its_first_numbers(self) -> None:
        """Only those of its own scheme: 3.1.2 is not in 3.1-x."""
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
    def test_a_line_resolves_to_its_newest_release(self, start: str, target: str, version: str) -> None:
        """Versions are compared by number, not as text. Yanked releases do not count."""
        outcome = planned(ask(start, target))
        assert resolved(outcome) == str(outcome.target.id.version) == version

    def test_a_line_never_resolves_to_a_yanked_release_or_a_prerelease(self) -> None:
        """It resolves to the newest release that a path may lead through."""
        catalog = offer("5.0.0", "5.0.1", "5.0.2", "5.0.3", yanked=("5.0.2",), beta=("5.0.3",))
        assert resolved(ask("Runtime 5.0.0", "5.x", catalog)) == "5.0.1"

    def test_a_line_never_resolves_below_the_current_release_of_that_line(self) -> None:
        """Even if the current release is not on offer any more."""
        outcome = planned(ask("Runtime 5.0.9 (Airflow 2.3.0)", "5.0.x", offer("5.0.0", "5.0.1")))
        assert (outcome.hops, resolved(outcome)) == ((), "5.0.9")

    def test_a_line_below_the_current_release_is_refused(self) -> None:
        """Like any lower version; accepting newer keeps the current release."""
        refusal = refused(ask("Runtime 6.0.4", "5.x"))
        assert [str(each.rule) for each in refusal.violations] == ["NO-REVERT"]
        assert "to Astro Runtime 5.5.0 (Airflow 2.3.4), resolved from 5.x" in refusal_message(refusal)
        kept = planned(ask("Runtime 6.0.4", "5.x", accept=("newer",)))
        assert (kept.hops, resolved(kept)) == ((), "5.5.0")

    def test_a_line_without_releases_on_offer_is_refused(self) -> None:
        """The refusal has the nearest target."""
        text = refusal_message(refused(ask("Runtime 5.0.4", "99.x")))
        assert text.startswith("no path from Astro Runtime 5.0.4 to 99.x\n  OFFERED: no release of 99.x is on offer")
        assert "Nearest target: Astro Runtime " in text

    def test_latest_patch_is_refused_on_certified(self) -> None:
        """The user has to declare equivalent first."""
        text = refusal_message(refused(ask("AC 2.2.3", "latest-patch")))
        assert "MIGRATE-EQUAL: AC 2.2.3 is not an Astro Runtime" in text
        assert "declare equivalent first" in text

    def test_the_plan_shows_the_resolved_version(self) -> None:
        """In its own line."""
        assert "5.x resolves to Astro Runtime 5.5.0." in plan_lines(planned(ask("AC 2.2.3", "5.x")))


class TestHeld:
    def test_a_new_release_does_not_change_a_held_target(self) -> None:
        """A warning names the newer release and how to take it."""
        before = planned(ask("Runtime 4.2.5", "5.x", offer("4.2.5", "5.0.0")))
        after = planned(ask("Runtime 4.2.5", "5.x", offer("4.2.5", "5.0.0", "5.0.1"), held="5.0.0"))
        assert path_line(after) == path_line(before)
        (warning,) = after.warnings
        take = "set ASTRO_RESOLVE=newest to take it"
        message = f"5.x stays at Astro Runtime 5.0.0, and Astro Runtime 5.0.1 is on offer; {take}"
        assert (str(warning.name), warning.message) == ("newer-target", message)

    def test_a_held_target_warns_at_the_target_too(self) -> None:
        """The warning can be accepted or denied."""
        arguments = ("Runtime 5.0.0", "5.x", offer("5.0.0", "5.0.1"))
        assert [warning.name for warning in planned(ask(*arguments, held="5.0.0")).warnings] == ["newer-target"]
        assert planned(ask(*arguments, held="5.0.0", accept=("newer-target",))).warnings == ()
        text = refusal_message(refused(ask(*arguments, held="5.0.0", deny=("newer-target",))))
        assert "DENIED: newer-target: 5.x stays at Astro Runtime 5.0.0" in text
        assert "resolve 5.x again, to Astro Runtime 5.0.1 (ASTRO_RESOLVE=newest)" in text

    def test_a_held_version_that_was_withdrawn_is_refused(self) -> None:
        """The refusal says how to resolve again. A Deployment that runs the version is fine."""
        catalog = offer("5.0.0", "5.0.2")
        refusal = refused(ask("Runtime 5.0.0", "5.x", catalog, held="5.0.1"))
        assert (str(refusal.target), refusal.below, str(refusal.above)) == ("5.0.1", None, "Astro Runtime 5.0.2")
        text = refusal_message(refusal)
        assert "OFFERED: Astro Runtime 5.0.1 is neither on offer nor in the catalog\n" in text
        assert "resolved from 5.x" in text
        assert "ASTRO_RESOLVE=newest" in text
        assert planned(ask("Runtime 5.0.1 (Airflow 2.3.0)", "5.x", catalog, held="5.0.1")).hops == ()

    def test_a_held_version_that_was_yanked_must_be_accepted(self) -> None:
        """Like any yanked target."""
        catalog = offer("5.0.0", "5.0.1", "5.0.2", yanked=("5.0.1",))
        refusal = refused(ask("Runtime 5.0.0", "5.x", catalog, held="5.0.1"))
        assert [str(each.rule) for each in refusal.violations] == ["YANKED"]
        assert refusal.acceptable == ("yanked:5.0.1",)
        assert planned(ask("Runtime 5.0.0", "5.x", catalog, held="5.0.1", accept=("yanked:5.0.1",))).hops

    def test_a_manual_upgrade_within_the_line_is_kept(self) -> None:
        """The current release is higher than the held one and becomes the target."""
        outcome = planned(ask("Runtime 5.0.2", "5.x", offer("5.0.0", "5.0.1", "5.0.2"), held="5.0.1"))
        assert (outcome.hops, resolved(outcome)) == ((), "5.0.2")

    def test_latest_patch_is_resolved_again_in_another_line(self) -> None:
        """A manual upgrade has left the held line."""
        outcome = planned(ask("Runtime 5.1.0", "latest-patch", offer("5.0.1", "5.1.0", "5.1.3"), held="5.0.1"))
        assert resolved(outcome) == "5.1.3"

    def test_a_current_prerelease_is_left_only_for_a_newer_patch(self) -> None:
        """Without one, it is the newest of its line."""
        prerelease = "Runtime 5.0.2-rc1 (Airflow 2.3.0)"
        assert resolved(ask(prerelease, "latest-patch", offer("5.0.1", "5.0.2"))) == "5.0.2"
        assert resolved(ask(prerelease, "5.0.x", offer("5.0.0", "5.0.1"))) == "5.0.2-rc1"

    def test_a_declared_version_ignores_the_held_one(self) -> None:
        """It needs no resolving."""
        assert planned(ask("Runtime 5.0.0", "5.0.2", offer("5.0.0", "5.0.1", "5.0.2"), held="5.0.1")).resolved is None

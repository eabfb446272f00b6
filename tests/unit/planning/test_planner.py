"""Planning one Deployment: the guide's example, the strategies, pending hops, refusals."""

from __future__ import annotations

import pytest

from astro_deployment_runtime.catalogs import vendor_feed
from astro_deployment_runtime.cli.options import parse_current, parse_target
from astro_deployment_runtime.errors import PlanVerificationError
from astro_deployment_runtime.planning import plan_request, planner
from astro_deployment_runtime.planning.accepted_risks import AcceptedRisks
from astro_deployment_runtime.planning.catalog import Catalog, Channel, Release
from astro_deployment_runtime.planning.path_search import Search, SearchLimits
from astro_deployment_runtime.planning.pending_hop import Ownership
from astro_deployment_runtime.planning.plan_messages import path_line, refusal_message
from astro_deployment_runtime.planning.plan_model import Plan, Refusal, RuleId, Strategy, Violation, WarningName
from astro_deployment_runtime.planning.plan_request import PlanRequest
from astro_deployment_runtime.planning.platform_version import Platform
from astro_deployment_runtime.planning.refusals import blocking_rules
from astro_deployment_runtime.planning.versions import AirflowVersion, ReleaseId
from tests.unit.planning.outcomes import planned, refused

GUIDE = vendor_feed.load("guide")
PUBLISHED = vendor_feed.load("published")


def ask(
    start: str,
    target: str,
    catalog: Catalog = GUIDE,
    *,
    strategy: Strategy = Strategy.CERTIFIED_FIRST,
    accept: tuple[str, ...] = (),
    platform: Platform | None = None,
    pending: str | None = None,
    ours: bool = False,
) -> Plan | Refusal:
    """Plan from texts."""
    return planner.plan(
        PlanRequest(
            current=parse_current(start, catalog),
            target=parse_target(target),
            catalog=catalog,
            strategy=strategy,
            accepted=AcceptedRisks.parse(accept),
            platform=platform,
            pending=ReleaseId.parse(pending) if pending else None,
            pending_owner=Ownership.OURS if ours else Ownership.FOREIGN,
        )
    )


def rules(refusal: Refusal) -> list[str]:
    """Return the rules of a refusal."""
    return [str(violation.rule) for violation in refusal.violations]


def made(*texts: str, yanked: str = "", channel: dict[str, Channel] | None = None) -> Catalog:
    """Return a catalog from ``AC 2.3.0`` and ``Runtime 5.0.4 = 2.3.0``."""
    releases = []
    for text in texts:
        name, _, airflow = text.partition(" = ")
        parsed = ReleaseId.parse(name)
        version = AirflowVersion.parse(airflow) if airflow else parsed.version
        assert isinstance(version, AirflowVersion)
        releases.append(
            Release(id=parsed, airflow=version, known=True, yanked=name in yanked, channel=(channel or {}).get(name))
        )
    return Catalog(releases)


@pytest.mark.parametrize(
    ("catalog", "start", "target", "strategy", "path"),
    [
        (GUIDE, "AC 2.2.3", "5.0.4", "certified-first", "AC 2.2.3 > AC 2.3.0 > Astro Runtime 5.0.4"),
        (GUIDE, "AC 2.2.3-5", "5.0.4", "fewest-hops", "AC 2.2.3 > AC 2.3.0 > Astro Runtime 5.0.4"),
        (PUBLISHED, "AC 2.2.3", "5.0.4", "certified-first", "AC 2.2.3 > AC 2.3.2 > Astro Runtime 5.0.4"),
        (GUIDE, "AC 2.2.4", "4.2.5", "certified-first", "AC 2.2.4 > AC 2.2.5 > Astro Runtime 4.2.5"),
        (GUIDE, "AC 2.2.5", "equivalent", "certified-first", "AC 2.2.5 > Astro Runtime 4.2.5"),
        (GUIDE, "Runtime 4.2.4", "equivalent", "certified-first", "Astro Runtime 4.2.4"),
        (GUIDE, "Runtime 5.0.4", "5.0.4", "fewest-hops", "Astro Runtime 5.0.4"),
    ],
)
def test_paths_follow_the_guide(catalog: Catalog, start: str, target: str, strategy: str, path: str) -> None:
    """The guide's example, the same in the published feeds, and shorter paths."""
    assert path_line(planned(ask(start, target, catalog, strategy=Strategy(strategy)))) == path


def test_a_deployment_at_its_target_has_nothing_to_do() -> None:
    """Even if the release is yanked and not on offer any more."""
    current = Release(id=ReleaseId.parse("Runtime 9.0.0"), airflow=AirflowVersion(2, 7, 0), known=True, yanked=True)
    outcome = planner.plan(PlanRequest(current=current, target=parse_target("9.0.0"), catalog=GUIDE))
    assert outcome == Plan(current=current, target=current)


def test_another_airflow_version_than_on_offer_is_reported() -> None:
    """Even if there is nothing to do. The running version counts."""
    plan = planned(ask("Runtime 5.0.4 (Airflow 2.3.2)", "5.0.4"))
    assert [(w.name, w.message) for w in plan.warnings] == [
        ("airflow-version", "Astro Runtime 5.0.4 runs Airflow 2.3.2 here, but is on offer with Airflow 2.3.0")
    ]


def test_the_path_to_another_target_ignores_denied_warnings_and_a_pending_hop() -> None:
    """It starts with the current release. Without a legal path, or to Certified, it is empty."""
    request = PlanRequest(
        current=parse_current("AC 2.2.3", PUBLISHED),
        target=parse_target("6.0.0"),
        catalog=PUBLISHED,
        denied=frozenset({WarningName.DATABASE_MIGRATION}),
        pending=ReleaseId.parse("AC 2.2.4"),
    )
    assert rules(refused(planner.plan(request))) == ["PENDING", "DENIED"]
    paths = {
        target: [str(each) for each in planner.path_to(parse_current(target, PUBLISHED), request)]
        for target in ("Runtime 5.0.4", "Runtime 9.0.0", "AC 2.3.2")
    }
    assert paths == {
        "Runtime 5.0.4": ["AC 2.2.3", "AC 2.3.2", "Astro Runtime 5.0.4"],
        "Runtime 9.0.0": [],
        "AC 2.3.2": [],
    }


def test_every_hop_names_the_rule_that_allows_it() -> None:
    """An upgrade, a migration and an upgrade."""
    hops = planned(ask("AC 2.2.3", "6.0.0", PUBLISHED)).hops
    assert [str(hop.rule) for hop in hops] == ["AC-UPGRADE", "MIGRATE-EQUAL", "RUNTIME-UPGRADE"]


def test_a_certified_release_without_a_path_to_the_target_is_skipped() -> None:
    """Its only equivalent is yanked, or it cannot be reached."""
    catalog = made(
        *("AC 2.2.3", "AC 2.3.0", "AC 2.4.0", "Runtime 4.0.0 = 2.2.3", "Runtime 5.0.0 = 2.3.0"),
        *("Runtime 6.0.0 = 2.4.0", "Runtime 7.0.0 = 2.5.0"),
        yanked="Runtime 6.0.0",
    )
    assert path_line(planned(ask("AC 2.2.3", "7.0.0", catalog))) == (
        "AC 2.2.3 > AC 2.3.0 > Astro Runtime 5.0.0 > Astro Runtime 7.0.0"
    )
    above_the_gate = made("AC 1.10.5", "AC 2.0.0", "Runtime 1.0.0 = 1.10.5", "Runtime 3.0.0 = 2.0.0")
    assert rules(refused(ask("AC 1.10.5", "3.0.0", above_the_gate))) == ["AIRFLOW-2-GATE"]


def test_an_accepted_risk_is_a_target_only() -> None:
    """It is never in the middle of a path, and the plan warns of it."""
    plan = planned(ask("Runtime 8.10.0", "9.0.0", PUBLISHED, accept=("yanked:9.0.0",)))
    assert [warning.name for warning in plan.warnings] == ["database-migration", "yanked"]
    early = made("AC 2.3.0", "Runtime 5.0.0 = 2.3.0", channel={"Runtime 5.0.0": Channel.ALPHA})
    refusal = refused(ask("AC 2.3.0", "5.0.0", early))
    assert [(str(each.rule), each.found) for each in refusal.violations] == [
        ("CHANNEL", "Astro Runtime 5.0.0 is in the channel alpha")
    ]
    assert refusal.acceptable == ("prerelease:5.0.0",)
    plan = planned(ask("AC 2.3.0", "equivalent", early, accept=("prerelease:5.0.0",)))
    assert [(w.name, w.message) for w in plan.warnings] == [
        ("prerelease", "Astro Runtime 5.0.0 is in the channel alpha, and accepted")
    ]


def test_a_yanked_prerelease_must_be_accepted_as_both() -> None:
    """By one name for each."""
    early = made("Runtime 5.0.0 = 2.3.0", yanked="Runtime 5.0.0", channel={"Runtime 5.0.0": Channel.BETA})
    refusal = refused(ask("AC 2.3.0", "5.0.0", early))
    assert refusal.acceptable == ("yanked:5.0.0", "prerelease:5.0.0")
    assert planned(ask("AC 2.3.0", "5.0.0", early, accept=refusal.acceptable)).hops


def test_a_release_without_a_feed_row_is_allowed_with_a_warning() -> None:
    """Only the platform offers it."""
    catalog = Catalog.offered(["2.3.0"], [("5.0.4", "2.3.0"), ("5.9.9", "2.3.0")], GUIDE)
    plan = planned(ask("AC 2.2.3", "5.9.9", catalog))
    assert [(w.name, w.message) for w in plan.warnings] == [
        ("unknown-release", "the catalog has no data about Astro Runtime 5.9.9"),
        ("database-migration", "hop 1 migrates the metadata database, which can take a long time"),
    ]


@pytest.mark.parametrize(
    ("pending", "ours", "accept", "cancelled"),
    [
        ("AC 2.3.0", False, (), None),
        ("AC 2.3.0", True, (), None),
        ("AC 2.2.4", True, (), "AC 2.2.4"),
        ("AC 2.2.4", False, ("cancel-pending",), "AC 2.2.4"),
        ("Runtime 5.0.4", True, (), "Astro Runtime 5.0.4"),
    ],
)
def test_a_pending_hop_is_adopted_or_cancelled(
    pending: str,
    ours: bool,
    accept: tuple[str, ...],
    cancelled: str | None,
) -> None:
    """The path's first hop is adopted. Another one is cancelled if it is ours or the user accepts that."""
    plan = planned(ask("AC 2.2.3", "5.0.4", pending=pending, ours=ours, accept=accept))
    assert (str(plan.cancel) if plan.cancel else None) == cancelled
    assert plan.hops == planned(ask("AC 2.2.3", "5.0.4")).hops


def test_a_foreign_hop_off_the_path_is_refused_with_both_ways_out() -> None:
    """Complete it, or accept that it is cancelled."""
    refusal = refused(ask("AC 2.2.3", "5.0.4", pending="AC 2.2.4"))
    assert rules(refusal) == ["PENDING"]
    assert "AC 2.2.4 is pending" in refusal.violations[0].found
    assert "Deploy its image to complete it" in refusal.violations[0].found
    assert refusal.acceptable == ("cancel-pending",)


ILLEGAL = [
    pytest.param("AC 2.3.0", "5.0.5", "AC 2.2.5", "lower than 2.3.0 of AC 2.3.0", id="a lower AC"),
    pytest.param(
        "AC 2.3.0", "5.0.5", "AC 2.2.99", "has Airflow 2.2.99, lower than 2.3.0", id="a lower AC that is not on offer"
    ),
    pytest.param("Runtime 5.0.4", "6.0.4", "Runtime 4.2.5", "is lower than Astro Runtime 5.0.4", id="a lower Runtime"),
    pytest.param(
        "Runtime 5.0.4", "6.0.4", "Runtime 4.2.99", "is lower than", id="a lower Runtime that is not on offer"
    ),
    pytest.param("Runtime 3.1-12", "3.1-21", "Runtime 12.12.0", "is lower than", id="a Runtime of the old scheme"),
    pytest.param("Runtime 4.2.5", "5.0.4", "AC 2.3.0", "cannot go back to AC 2.3.0", id="from Runtime to AC"),
    pytest.param("AC 2.2.3", "5.0.4", "Runtime 6.0.4", "AC 2.2.3 has Airflow 2.2.3", id="migrate and upgrade at once"),
    pytest.param("Runtime 8.10.0", "9.7.0", "Runtime 9.0.0", "Astro Runtime 9.0.0 is yanked", id="yanked"),
    pytest.param(
        "AC 2.2.3", "5.0.4", "Runtime 9.0.0", "9.0.0 has 2.7.0; Astro Runtime 9.0.0 is yanked", id="two reasons"
    ),
    pytest.param("Runtime 5.0.4", "6.0.4", "Runtime 5.0.99", "is not on offer", id="not on offer"),
    pytest.param("Runtime 6.0.4", "7.6.0", "Runtime 3.1-12", "needs 2.7.0 or later", id="past the gate of Airflow 3"),
]


@pytest.mark.parametrize(("current", "target", "pending", "why"), ILLEGAL)
def test_completing_a_foreign_hop_is_suggested_only_if_legal(current: str, target: str, pending: str, why: str) -> None:
    """Otherwise the refusal gives the reason and suggests to cancel it."""
    refusal = refused(ask(current, target, PUBLISHED, pending=pending))
    assert (rules(refusal), refusal.acceptable) == (["PENDING"], ("cancel-pending",))
    text = refusal_message(refusal)
    assert why in text
    assert "Do not deploy its image. Cancel it with accept: [cancel-pending], or in the Software UI" in text
    assert "by deploying its image" not in text
    assert "deploy the pending" not in text


@pytest.mark.parametrize(
    ("current", "pending", "why"),
    [
        (current, pending, why)
        for current, _, pending, why in (case.values for case in ILLEGAL)
        if "Run" in str(current)
    ],
)
def test_the_warning_at_the_target_suggests_only_legal_ways_out(current: str, pending: str, why: str) -> None:
    """Someone may deploy the image at any time."""
    target = str(ReleaseId.parse(current).version)
    plan = planned(ask(current, target, PUBLISHED, pending=pending))
    (warning,) = [each for each in plan.warnings if each.name == "pending"]
    assert why in warning.message
    assert "Do not deploy its image. Cancel it" in warning.message


def test_completing_a_migration_that_the_platform_cannot_make_is_not_suggested() -> None:
    """Even if the Airflow versions are equal."""
    refusal = refused(ask("AC 2.3.0", "5.0.4", pending="Runtime 5.0.4", platform=Platform(version="0.33.2")))
    assert "deploying its image" not in refusal_message(refusal)


def test_completing_a_hop_to_an_accepted_risk_in_the_middle_of_a_path_is_not_suggested() -> None:
    """An accepted risk is a target only."""
    refusal = refused(ask("Runtime 8.10.0", "9.7.0", PUBLISHED, pending="Runtime 9.0.0", accept=("yanked:9.0.0",)))
    assert "Do not deploy its image" in refusal.violations[0].found


def test_completing_a_hop_past_the_target_is_not_suggested() -> None:
    """No path leads from AC 2.3.0 to a Runtime with Airflow 2.2.3."""
    text = refusal_message(refused(ask("AC 2.2.3", "4.0.11", pending="AC 2.3.0")))
    assert "no path leads from it to 4.0.11. Cancel it with accept: [cancel-pending], or in the Software UI" in text
    assert "Next: cancel the pending hop in the Software UI, or add accept: [cancel-pending]." in text


@pytest.mark.parametrize(
    ("start", "target", "pending", "suggested"),
    [
        ("Runtime 6.0.4", "9.9.9", "Runtime 9.9.0", True),
        ("Runtime 6.0.4", "9.9.9", "Runtime 9.10.0", False),
        ("AC 2.2.3", "5.0.99", "AC 2.3.0", True),
        ("AC 2.0.0", "equivalent", "AC 2.2.3", True),
        ("Runtime 4.2.5", "99.x", "Runtime 5.0.4", True),
    ],
)
def test_completing_a_hop_is_suggested_unless_it_is_past_a_target_that_is_not_on_offer(
    start: str, target: str, pending: str, suggested: bool
) -> None:
    """Only two Runtime versions compare without an Airflow version."""
    refusal = refused(ask(start, target, PUBLISHED, pending=pending))
    assert refusal.completable is suggested
    assert (f"no path leads from it to {target}" in refusal.violations[-1].found) is not suggested


def test_a_refusal_names_the_pending_hop_too() -> None:
    """Accepting is suggested only if it removes all the reasons."""
    refusal = refused(ask("AC 2.3.0", "4.2.5", pending="AC 2.4.0"))
    assert rules(refusal) == ["NO-REVERT", "PENDING"]
    assert refusal.acceptable == ()
    refusal = refused(ask("Runtime 8.10.0", "9.0.0", PUBLISHED, pending="Runtime 9.7.0"))
    assert rules(refusal) == ["YANKED", "PENDING"]
    assert refusal.acceptable == ("yanked:9.0.0", "cancel-pending")
    adopted = refused(ask("Runtime 8.10.0", "9.0.0", PUBLISHED, pending="Runtime 9.0.0"))
    assert (rules(adopted), adopted.completable) == (["YANKED"], False)


@pytest.mark.parametrize(
    ("ours", "accept", "cancelled", "warnings"),
    [
        (False, (), None, ["pending"]),
        (True, (), "Astro Runtime 5.0.4", []),
        (False, ("cancel-pending",), "Astro Runtime 5.0.4", []),
    ],
)
def test_a_foreign_hop_at_the_target_is_left_alone(
    ours: bool,
    accept: tuple[str, ...],
    cancelled: str | None,
    warnings: list[str],
) -> None:
    """The plan warns of it. A hop of ours is cancelled."""
    plan = planned(ask("Runtime 4.2.5", "4.2.5", pending="Runtime 5.0.4", ours=ours, accept=accept))
    assert (plan.hops, str(plan.cancel) if plan.cancel else None) == ((), cancelled)
    assert [warning.name for warning in plan.warnings] == warnings


def test_a_current_release_above_the_target_is_refused_or_accepted() -> None:
    """The refusal says what to declare. If accepted, the plan keeps the current release."""
    refusal = refused(ask("Runtime 6.0.4", "5.0.4", PUBLISHED))
    assert rules(refusal) == ["NO-REVERT"]
    assert "runtimeVersion: 6.0.4" in refusal.violations[0].found
    assert refusal.acceptable == ("newer",)
    kept = planned(ask("Runtime 6.0.4", "5.0.4", PUBLISHED, accept=("newer",)))
    assert (kept.hops, str(kept.target)) == ((), "Astro Runtime 6.0.4")
    assert kept.warnings[0].message == "runs Astro Runtime 6.0.4, higher than the declared 5.0.4; this run keeps it"
    refusal = refused(ask("Runtime 6.0.4", "5.0.4", PUBLISHED, pending="Runtime 6.1.0"))
    assert (rules(refusal), refusal.acceptable) == (["NO-REVERT", "PENDING"], ("newer",))


def test_accepting_newer_does_not_keep_an_ac() -> None:
    """A Deployment on Certified is never at a Runtime target."""
    assert rules(refused(ask("AC 2.4.3", "5.0.4", PUBLISHED, accept=("newer",)))) == ["NO-REVERT"]


def test_a_target_that_does_not_exist_is_refused_with_the_nearest_targets() -> None:
    """They are found by the Runtime version, since the Airflow version is unknown."""
    refusal = refused(ask("Runtime 6.0.4", "9.9.9", PUBLISHED))
    assert rules(refusal) == ["OFFERED"]
    assert (str(refusal.below), str(refusal.above), refusal.airflow) == (
        "Astro Runtime 9.9.0",
        "Astro Runtime 9.10.0",
        None,
    )
    assert refusal.violations[0].found == "Astro Runtime 9.9.9 is neither on offer nor in the catalog"


@pytest.mark.parametrize("accept", [(), ("newer",)])
@pytest.mark.parametrize(
    ("target", "likely"),
    [("3.1.12", "; did you mean 3.1-12?"), ("3.0.5", "; did you mean 3.0.4 or 3.0-x?"), ("5.9.9", "")],
)
def test_a_lower_version_that_does_not_exist_is_only_not_offered(
    target: str, likely: str, accept: tuple[str, ...]
) -> None:
    """It is neither a revert nor acceptable."""
    refusal = refused(ask("Runtime 3.1-21", target, PUBLISHED, accept=accept))
    assert rules(refusal) == ["OFFERED"]
    missing = f"Astro Runtime {target} is neither on offer nor in the catalog{likely}"
    assert refusal.violations[0].found == missing
    assert refusal.acceptable == ()
    assert ("Next: correct the target" in refusal_message(refusal)) == bool(likely)


def test_a_line_that_does_not_exist_gets_suggestions() -> None:
    """Accepting newer does not keep the current release for it."""
    refusal = refused(ask("Runtime 3.1-12", "3.1.x", PUBLISHED, accept=("newer",)))
    assert refusal.violations[0].found.endswith("; did you mean 3.1-x?")
    assert "Next: correct the target" in refusal_message(refusal)


def test_a_withdrawn_release_is_not_on_offer_but_exists() -> None:
    """So a newer current release can be accepted."""
    offered = Catalog.offered([], [("6.0.4", "2.4.3")], PUBLISHED)
    refusal = refused(ask("Runtime 6.0.4", "5.0.4", offered))
    assert rules(refusal) == ["OFFERED", "NO-REVERT"]
    assert refusal.violations[0].found == "Astro Runtime 5.0.4 is not on offer"
    assert planned(ask("Runtime 6.0.4", "5.0.4", offered, accept=("newer",))).hops == ()


def test_a_withdrawn_target_is_not_misspelt() -> None:
    """Even if a release with a similar number is on offer."""
    withdrawn = Catalog.offered([], [("4.2.5", "2.2.5"), ("5.0.5", "2.3.2")], PUBLISHED)
    assert not refused(ask("Runtime 4.2.5", "5.0.6", withdrawn)).misspelt
    assert refused(ask("Runtime 4.2.5", "5.0.6", Catalog(withdrawn.runtime))).misspelt


def test_a_target_in_an_unreadable_row_is_refused_with_the_row() -> None:
    """The refusal quotes the row."""
    offered = Catalog.offered([], [("6.0.4", "two"), ("6.0.3", "2.4.2")], PUBLISHED)
    refusal = refused(ask("Runtime 6.0.3", "6.0.4", offered))
    assert rules(refusal) == ["OFFERED"]
    assert refusal.violations[0].found == ("Astro Runtime 6.0.4 is on offer, but its row cannot be read: 6.0.4 (two)")


@pytest.mark.parametrize(
    ("start", "target", "path"),
    [
        ("Runtime 8.0.0-alpha2 (Airflow 2.6.0)", "8.1.0", "Astro Runtime 8.0.0-alpha2 > Astro Runtime 8.1.0"),
        ("Runtime 3.1-12.rc1 (Airflow 3.1.7)", "3.1-12", "Astro Runtime 3.1-12-rc1 > Astro Runtime 3.1-12"),
        ("Runtime 5.0.1-base", "5.0.2", "Astro Runtime 5.0.1 > Astro Runtime 5.0.2"),
        ("AC 2.3.0rc1", "5.0.1", "AC 2.3.0rc1 > AC 2.3.0 > Astro Runtime 5.0.1"),
        ("AC 2.3.0.post1", "5.0.2", "AC 2.3.0.post1 > AC 2.3.1 > Astro Runtime 5.0.2"),
    ],
)
def test_a_current_prerelease_is_upgraded(start: str, target: str, path: str) -> None:
    """To the release of its number or a higher one."""
    assert path_line(planned(ask(start, target, PUBLISHED))) == path


@pytest.mark.parametrize(
    ("start", "target", "rule"),
    [
        ("AC 2.3.0rc1", "equivalent", "MIGRATE-EQUAL"),
        ("AC 2.3.0.post1", "equivalent", "MIGRATE-EQUAL"),
        ("AC 2.3.0.post1", "5.0.1", "NO-REVERT"),
        ("Runtime 8.2.0-rc1 (Airflow 2.6.0)", "8.1.0", "NO-REVERT"),
        ("Runtime 8.2.0 (Airflow 2.6.1.dev1)", "8.3.0", "NO-REVERT"),
        ("Runtime 9.0.0-rc1 (Airflow 2.7.0rc1)", "3.0-1", "AIRFLOW-3-GATE"),
        ("AC 1.10.14rc1", "5.0.1", "AIRFLOW-2-GATE"),
    ],
)
def test_rules_treat_a_prerelease_as_lower_than_its_release(start: str, target: str, rule: str) -> None:
    """Equality, direction and gates follow the order of versions."""
    catalog = made(
        *(
            "AC 2.3.0",
            "Runtime 5.0.1 = 2.3.0",
            "Runtime 8.1.0 = 2.6.0",
            "Runtime 8.3.0 = 2.6.0",
            "Runtime 3.0-1 = 3.0.0",
        ),
    )
    refusal = refused(ask(start, target, catalog))
    assert rules(refusal) == [rule]


def test_a_current_prerelease_is_not_suggested_as_a_target() -> None:
    """It cannot be declared. Accepting newer keeps it."""
    refusal = refused(ask("Runtime 8.2.0-rc1 (Airflow 2.6.0)", "8.1.0", PUBLISHED))
    assert refusal.acceptable == ("newer",)
    assert "8.2.0-rc1, which runs now; to keep it, accept: [newer]" in refusal.violations[0].found
    assert "declare what runs" not in refusal_message(refusal)
    kept = planned(ask("Runtime 8.2.0-rc1 (Airflow 2.6.0)", "8.1.0", PUBLISHED, accept=("newer",)))
    assert path_line(kept) == "Astro Runtime 8.2.0-rc1"


def test_a_pending_prerelease_is_not_its_release() -> None:
    """It is off the path: a foreign one is refused, one of ours is cancelled first."""
    arguments = ("Runtime 8.1.0", "8.2.0", PUBLISHED)
    assert rules(refused(ask(*arguments, pending="Runtime 8.2.0-rc1"))) == ["PENDING"]
    ours = planned(ask(*arguments, pending="Runtime 8.2.0-rc1", ours=True))
    assert (str(ours.cancel), path_line(ours)) == (
        "Astro Runtime 8.2.0-rc1",
        "Astro Runtime 8.1.0 > Astro Runtime 8.2.0",
    )
    assert planned(ask(*arguments, pending="Runtime 8.2.0")).cancel is None


def test_an_ac_without_equivalent_is_refused() -> None:
    """The refusal names the risk to accept, if there is one."""
    refusal = refused(ask("AC 2.0.0", "equivalent", PUBLISHED))
    assert (rules(refusal), refusal.acceptable, refusal.misspelt) == (["MIGRATE-EQUAL"], (), False)
    yanked = made("Runtime 5.0.0 = 2.3.0", "Runtime 5.0.1 = 2.3.0", yanked="Runtime 5.0.0 Runtime 5.0.1")
    refusal = refused(ask("AC 2.3.0", "equivalent", yanked))
    assert (rules(refusal), refusal.acceptable) == (["YANKED", "YANKED"], ("yanked:5.0.1",))
    assert "Astro Runtime 5.0.1 is yanked" in refusal.violations[0].found
    assert path_line(planned(ask("AC 2.3.0", "equivalent", yanked, accept=("yanked:5.0.0",)))).endswith("5.0.0")


def test_an_equivalent_that_the_platform_forbids_is_refused_by_its_version() -> None:
    """The refusal names the release."""
    refusal = refused(ask("AC 2.3.0", "equivalent", platform=Platform(version="0.33.2")))
    assert (rules(refusal), str(refusal.target)) == (["PLATFORM"], "5.0.4")


@pytest.mark.parametrize(
    ("catalog", "start", "target", "expected"),
    [
        (made("Runtime 3.0-1 = 3.0.0"), "Runtime 8.0.0 (Airflow 2.6.0)", "3.0-1", ["AIRFLOW-3-GATE"]),
        (made("AC 2.3.0", "Runtime 6.0.0 = 2.4.0"), "AC 2.2.3", "6.0.0", ["MIGRATE-EQUAL"]),
        (
            made("AC 2.3.0", "Runtime 5.0.0 = 2.3.0", "Runtime 6.0.0 = 2.4.0", yanked="Runtime 5.0.0"),
            "AC 2.3.0",
            "6.0.0",
            ["MIGRATE-EQUAL", "YANKED"],
        ),
        (
            made("Runtime 9.0.0 = 2.7.0", "Runtime 3.0-1 = 3.0.0", channel={"Runtime 9.0.0": Channel.NIGHTLY}),
            "Runtime 8.0.0 (Airflow 2.6.0)",
            "3.0-1",
            ["AIRFLOW-3-GATE", "CHANNEL"],
        ),
        (made("Runtime 3.0-1 = 3.0.0"), "AC 1.10.5", "3.0-1", ["MIGRATE-EQUAL", "AIRFLOW-2-GATE", "AIRFLOW-3-GATE"]),
        # By way of 1.10.15 it would be YANKED instead of AIRFLOW-2-GATE: as many rules, and one set is enough.
        (
            made("AC 1.10.15", "Runtime 6.0.0 = 2.4.0", yanked="AC 1.10.15"),
            "AC 1.10.5",
            "6.0.0",
            ["MIGRATE-EQUAL", "AIRFLOW-2-GATE"],
        ),
    ],
)
def test_the_blocking_rules_are_named(catalog: Catalog, start: str, target: str, expected: list[str]) -> None:
    """Each rule without which a path exists; if no single rule is enough, the smallest set."""
    assert rules(refused(ask(start, target, catalog))) == expected


def test_all_findings_of_a_rule_are_in_one_reason() -> None:
    """Every yanked release, in the order of the path."""
    stops = made(
        *("AC 2.3.0", "Runtime 5.0.0 = 2.3.0", "Runtime 6.0.0 = 2.4.0"),
        yanked="AC 2.3.0 Runtime 5.0.0",
    )
    equal, yanked = refused(ask("AC 2.2.3", "6.0.0", stops)).violations
    assert equal.found == "AC 2.2.3 has Airflow 2.2.3 and Astro Runtime 6.0.0 has 2.4.0"
    assert yanked.found == "AC 2.3.0 is yanked; Astro Runtime 5.0.0 is yanked"
    # Accepting the release in the middle does not help: it is not the target.
    accepted = refused(ask("AC 2.2.3", "6.0.0", stops, accept=("yanked:5.0.0",)))
    assert accepted.violations == (equal, yanked)


@pytest.mark.parametrize(
    ("version", "start", "legal"),
    [
        ("0.28.7", "AC 2.3.0", False),
        ("0.28.7", "Runtime 4.2.5", False),
        ("0.33.2", "AC 2.3.0", False),
        ("0.33.2", "Runtime 4.2.5", True),
        ("0.36.0", "AC 2.2.3", True),
        ("0.37.0", "AC 2.2.3", False),
        ("0.37.0", "Runtime 4.2.5", True),
    ],
)
def test_a_path_has_only_moves_that_the_platform_can_make(version: str, start: str, legal: bool) -> None:
    """If a necessary move is impossible, PLATFORM is the only reason."""
    outcome = ask(start, "5.0.4", platform=Platform(version=version))
    if legal:
        assert planned(outcome).hops == planned(ask(start, "5.0.4")).hops
    else:
        assert rules(refused(outcome)) == ["PLATFORM"]


@pytest.mark.parametrize("strategy", Strategy)
@pytest.mark.parametrize(
    ("limits", "start"),
    [
        (SearchLimits(certified_upgrade=False), "AC 2.2.3"),
        (SearchLimits(migration=False), "AC 2.3.0"),
        (SearchLimits(runtime_upgrade=False), "Runtime 4.2.5"),
    ],
)
def test_a_search_makes_no_move_that_its_limits_forbid(strategy: Strategy, limits: SearchLimits, start: str) -> None:
    """Each move is checked alone."""
    catalog = made("AC 2.2.3", "AC 2.3.0", "Runtime 4.2.5 = 2.2.5", "Runtime 5.0.4 = 2.3.0")
    current, target = parse_current(start, catalog), parse_current("Runtime 5.0.4", catalog)
    assert Search(catalog, SearchLimits()).path(current, target, strategy) is not None
    assert Search(catalog, limits).path(current, target, strategy) is None


def test_the_platform_and_the_target_are_reasons_together() -> None:
    """Each reason appears once."""
    refusal = refused(ask("AC 2.2.3", "9.0.0", PUBLISHED, platform=Platform(version="trunk")))
    assert rules(refusal) == ["YANKED", "PLATFORM"]
    assert refusal.violations[1].found.count("cannot be read") == 1
    assert (refusal.acceptable, refusal.below, refusal.above) == ((), None, None)


def test_a_path_that_the_rules_forbid_is_never_returned(monkeypatch: pytest.MonkeyPatch) -> None:
    """If search and rules disagree, planning fails with an error that asks for a report."""
    objections = (Violation(rule=RuleId.OFFERED, found="made up"), Violation(rule=RuleId.CHANNEL, found="too"))
    monkeypatch.setattr(plan_request, "verify", lambda *_, **__: objections)
    with pytest.raises(PlanVerificationError) as caught:
        ask("AC 2.2.3", "6.0.0", PUBLISHED)
    assert str(caught.value) == (
        "the path from AC 2.2.3 to Astro Runtime 6.0.0 has an illegal hop, AC 2.2.3 > AC 2.3.4 "
        "(OFFERED: made up; CHANNEL: too): please report this; nothing was changed"
    )


def test_the_check_uses_the_whole_request(monkeypatch: pytest.MonkeyPatch) -> None:
    """It finds forbidden moves of the platform and accepted releases in the middle of a path."""
    monkeypatch.setattr(planner, "SearchLimits", lambda **_: SearchLimits(through_yanked=True))
    with pytest.raises(PlanVerificationError, match=r"PLATFORM: the platform is 0\.33\.2"):
        ask("AC 2.2.3", "5.0.4", platform=Platform(version="0.33.2"))
    stop = made("AC 2.2.3", "AC 2.3.0", "Runtime 5.0.0 = 2.3.0", "Runtime 6.0.0 = 2.4.0", yanked="Runtime 5.0.0")
    with pytest.raises(PlanVerificationError, match=r"YANKED: Astro Runtime 5\.0\.0 is yanked"):
        ask("AC 2.2.3", "6.0.0", stop, accept=("yanked:5.0.0",), platform=Platform(version="0.33.3"))


def test_a_refusal_without_a_reason_is_never_returned() -> None:
    """Blocking rules of a lower target are an error."""
    current, lower = parse_current("AC 2.4.3", PUBLISHED), parse_current("Runtime 5.0.4", PUBLISHED)
    with pytest.raises(PlanVerificationError, match="nothing explains"):
        blocking_rules(
            lower, PlanRequest(current=current, target=parse_target("5.0.4"), catalog=PUBLISHED), SearchLimits()
        )


@pytest.mark.parametrize(
    ("start", "path"),
    [
        ("Runtime 8.10.0", None),
        ("Runtime 9.7.0", "Astro Runtime 9.7.0 > Astro Runtime 3.1-12"),
        ("Runtime 3.0-17", "Astro Runtime 3.0-17 > Astro Runtime 3.1-12"),
        ("AC 2.3.0", None),
    ],
)
def test_airflow_3_is_reached_from_airflow_2_7_on(start: str, path: str | None) -> None:
    """If no release on offer leads through the gate, that is the reason."""
    catalog = made(
        *("AC 2.3.0", "Runtime 5.0.0 = 2.3.0", "Runtime 8.10.0 = 2.6.3", "Runtime 9.7.0 = 2.7.3"),
        *("Runtime 3.0-17 = 3.0.6", "Runtime 3.1-12 = 3.1.7"),
        yanked="" if path else "Runtime 9.7.0",
    )
    outcome = ask(start, "3.1-12", catalog)
    if path:
        assert path_line(planned(outcome)) == path
    else:
        assert "AIRFLOW-3-GATE" in rules(refused(outcome))
        assert "needs 2.7.0 or later before it" in "; ".join(each.found for each in refused(outcome).violations)

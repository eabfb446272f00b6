"""Single rules, as the executor checks them before every change."""

from __future__ import annotations

import pytest

from astro_deployment_runtime.planning.accepted_risks import AcceptedRisks
from astro_deployment_runtime.planning.catalog import Catalog, Channel, Release
from astro_deployment_runtime.planning.plan_model import Hop, RuleId
from astro_deployment_runtime.planning.platform_version import Platform
from astro_deployment_runtime.planning.upgrade_rules import MOVES, RULE, RULES, forbidden_by_platform, move_rule, verify
from astro_deployment_runtime.planning.versions import AirflowVersion, ReleaseId


def release(text: str, *, channel: Channel | None = None, yanked: bool = False, reason: str | None = None) -> Release:
    """Return a release from ``AC 2.3.0`` or ``Runtime 5.0.4 = 2.3.0``."""
    name, _, airflow = text.partition(" = ")
    parsed = ReleaseId.parse(name)
    version = AirflowVersion.parse(airflow) if airflow else parsed.version
    assert isinstance(version, AirflowVersion)
    return Release(id=parsed, airflow=version, known=True, channel=channel, yanked=yanked, yanked_reason=reason)


def judge(source: Release, target: Release, *, rule: RuleId | None = None, offered: bool = True) -> dict[str, str]:
    """Return the findings by rule."""
    hop = Hop(rule=rule or move_rule(source, target), source=source, target=target)
    return {str(v.rule): v.found for v in verify(hop, Catalog([target] if offered else []))}


@pytest.mark.parametrize(
    ("source", "target"),
    [
        ("AC 2.2.3", "AC 2.3.0"),
        ("AC 1.10.14", "AC 2.0.0"),
        ("AC 1.10.5", "AC 1.10.15"),
        ("AC 2.3.0", "Runtime 5.0.4 = 2.3.0"),
        ("Runtime 5.0.4 = 2.3.0", "Runtime 5.0.5 = 2.3.0"),
        ("Runtime 9.0.0 = 2.7.0", "Runtime 3.0-1 = 3.0.0"),
    ],
)
def test_a_legal_hop_violates_no_rule(source: str, target: str) -> None:
    """Upgrades within a distribution, and migrations at the same Airflow version."""
    assert judge(release(source), release(target)) == {}


@pytest.mark.parametrize(
    ("source", "target", "rules"),
    [
        ("AC 2.3.0", "AC 2.3.0", {"AC-UPGRADE"}),
        ("AC 2.3.0", "AC 2.2.3", {"AC-UPGRADE", "NO-REVERT"}),
        ("AC 2.3.0", "Runtime 5.0.6 = 2.3.3", {"MIGRATE-EQUAL"}),
        ("AC 2.3.0", "Runtime 4.2.5 = 2.2.5", {"MIGRATE-EQUAL", "NO-REVERT"}),
        ("Runtime 5.0.4 = 2.3.0", "Runtime 5.0.4 = 2.3.0", {"RUNTIME-UPGRADE"}),
        ("Runtime 5.0.4 = 2.3.0", "Runtime 5.0.3 = 2.3.0", {"RUNTIME-UPGRADE", "NO-REVERT"}),
        ("Runtime 5.0.4 = 2.3.0", "Runtime 5.0.5 = 2.2.5", {"RUNTIME-UPGRADE", "NO-REVERT"}),
        ("Runtime 5.0.4 = 2.3.0", "AC 2.4.3", {"NO-REVERT"}),
        ("AC 1.10.13", "AC 2.0.0", {"AIRFLOW-2-GATE"}),
        ("Runtime 8.10.0 = 2.6.3", "Runtime 3.0-1 = 3.0.0", {"AIRFLOW-3-GATE"}),
    ],
)
def test_every_violated_rule_is_returned(source: str, target: str, rules: set[str]) -> None:
    """All of them, and no other rule."""
    assert judge(release(source), release(target)).keys() == rules


@pytest.mark.parametrize("rule", [rule for rule in RuleId if rule is not RuleId.AC_UPGRADE])
def test_a_hop_must_name_the_rule_that_allows_it(rule: RuleId) -> None:
    """A hop with another rule's name is refused, even if it is legal under its own rule."""
    found = judge(release("AC 2.2.3"), release("AC 2.3.0"), rule=rule)
    assert found["AC-UPGRADE"] == f"AC 2.2.3 > AC 2.3.0 falls under AC-UPGRADE, not under {rule}"
    assert set(found) - {"AC-UPGRADE"} == ({str(rule)} if rule in MOVES else set())


def test_a_hop_must_lead_to_a_release_on_offer() -> None:
    """The Airflow version must be the one on offer."""
    target = release("Runtime 5.0.4 = 2.3.0")
    assert judge(release("AC 2.3.0"), target, offered=False) == {"OFFERED": "Astro Runtime 5.0.4 is not on offer"}
    hop = Hop(rule=RuleId.MIGRATE_EQUAL, source=release("AC 2.3.0"), target=target)
    (violation,) = verify(hop, Catalog([release("Runtime 5.0.4 = 2.3.2")]))
    assert violation.found == "Astro Runtime 5.0.4 is on offer with Airflow 2.3.2, not 2.3.0"


@pytest.mark.parametrize(
    ("target", "kind", "found"),
    [
        (release("AC 2.3.0", yanked=True, reason="It is bad."), "yanked", "AC 2.3.0 is yanked (It is bad)"),
        (release("AC 2.3.0", yanked=True), "yanked", "AC 2.3.0 is yanked"),
        (release("AC 2.3.0", channel=Channel.BETA), "prerelease", "AC 2.3.0 is in the channel beta"),
        (
            release("AC 2.3.0", channel=Channel.UNKNOWN),
            "prerelease",
            "AC 2.3.0 is in an unknown channel, which counts as a prerelease",
        ),
    ],
)
def test_only_the_last_hop_may_lead_to_an_accepted_risk(target: Release, kind: str, found: str) -> None:
    """A yanked release or a prerelease is never in the middle of a path."""
    hop = Hop(rule=RuleId.AC_UPGRADE, source=release("AC 2.2.3"), target=target)
    names = frozenset({target.id})
    accepted = AcceptedRisks(yanked=names) if kind == "yanked" else AcceptedRisks(prerelease=names)
    assert verify(hop, Catalog([target]), accepted=accepted) == ()
    for case in (verify(hop, Catalog([target])), verify(hop, Catalog([target]), accepted=accepted, final=False)):
        (violation,) = case
        assert violation.found == found


AC, MIGRATE, RUNTIME = MOVES


@pytest.mark.parametrize(
    ("version", "allowed"),
    [
        ("0.28.7", {AC}),
        ("0.29.0-rc1", {AC, MIGRATE, RUNTIME}),
        ("0.28.9-rc1", {AC}),
        ("0.29.0", {AC, MIGRATE, RUNTIME}),
        ("0.30.4-rc1", {AC, MIGRATE, RUNTIME}),
        ("v0.30.4", {AC, MIGRATE, RUNTIME}),
        (" 0.30.4 ", {AC, MIGRATE, RUNTIME}),
        ("0.30.4+build", {AC, MIGRATE, RUNTIME}),
        ("0.33.2", {AC, RUNTIME}),
        ("0.33.2-hotfix.1", {AC, RUNTIME}),
        ("0.33.3", {AC, MIGRATE, RUNTIME}),
        ("0.36.9", {AC, MIGRATE, RUNTIME}),
        ("0.37.0.dev0", {RUNTIME}),
        ("0.37.0-rc1", {RUNTIME}),
        ("0.37.0", {RUNTIME}),
        ("1.0.1-dev", {RUNTIME}),
        ("1.1.0-rc.1", {RUNTIME}),
        ("1.1.0", {RUNTIME}),
        ("2.1.0-rc1", {RUNTIME}),
        ("trunk", set()),
        ("0.30.x", set()),
        ("", set()),
    ],
)
def test_the_platforms_version_limits_its_moves(version: str, allowed: set[RuleId]) -> None:
    """By its number, whatever the suffix. An unreadable version allows nothing."""
    platform = Platform(version=version)
    assert {rule for rule in MOVES if forbidden_by_platform(rule, platform) is None} == allowed


def test_without_the_runtime_flag_only_certified_upgrades_are_possible() -> None:
    """The flag is astroRuntimeEnabled."""
    platform = Platform(version="0.30.4", runtime_enabled=False)
    assert {rule for rule in MOVES if forbidden_by_platform(rule, platform) is None} == {AC}
    hop = Hop(rule=MIGRATE, source=release("AC 2.3.0"), target=release("Runtime 5.0.4 = 2.3.0"))
    (violation,) = verify(hop, Catalog([hop.target]), platform=platform)
    assert violation.found == "the platform's flag astroRuntimeEnabled is off"


def test_every_rule_has_a_reason_and_a_source() -> None:
    """Each id has one rule."""
    assert [rule.id for rule in RULES] == list(RuleId)
    assert set(RULE) == set(RuleId)
    assert all(rule.source and not rule.reason.endswith(".") for rule in RULES)

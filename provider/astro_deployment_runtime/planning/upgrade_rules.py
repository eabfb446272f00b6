"""Rules as data, and :func:`verify`, which judges one hop against all of them.

The search (:mod:`~astro_deployment_runtime.planning.path_search`) compares numbers and does not use these rules. The
two are written independently, so a mistake in one shows in the other. The executor calls :func:`verify` again before
every change.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from astro_deployment_runtime.planning.accepted_risks import AcceptedRisks
from astro_deployment_runtime.planning.catalog import Channel
from astro_deployment_runtime.planning.plan_model import Hop, RuleId, Violation
from astro_deployment_runtime.planning.versions import AirflowVersion, Distribution

if TYPE_CHECKING:
    from collections.abc import Callable

    from astro_deployment_runtime.planning.catalog import Catalog, Release
    from astro_deployment_runtime.planning.platform_version import Platform

_AIRFLOW_2: Final = AirflowVersion(2, 0, 0)
_AIRFLOW_2_FROM: Final = AirflowVersion(1, 10, 14)
_AIRFLOW_3: Final = AirflowVersion(3, 0, 0)
_AIRFLOW_3_FROM: Final = AirflowVersion(2, 7, 0)

_CANNOT_MIGRATE: Final = (0, 33, 2)

MOVES: Final = (RuleId.AC_UPGRADE, RuleId.MIGRATE_EQUAL, RuleId.RUNTIME_UPGRADE)
"""Rules that allow a hop. Every hop names one of them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HopContext:
    """A hop with everything that the rules need to judge it."""

    hop: Hop
    catalog: Catalog
    platform: Platform | None
    accepted: AcceptedRisks
    final: bool
    """Whether the hop is the last one. Only its target may be an accepted risk."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """A rule with its reason, its source and its check."""

    id: RuleId
    reason: str
    """One sentence without its full stop."""
    source: str
    forbids: Callable[[HopContext], str | None] = lambda _: None
    """Return the finding against a hop; None: the rule allows it. The planner checks the rules PENDING and DENIED."""


def move_rule(source: Release, target: Release) -> RuleId:
    """Return the rule for a hop between two releases, by their distributions alone."""
    match source.id.distribution, target.id.distribution:
        case Distribution.CERTIFIED, Distribution.CERTIFIED:
            return RuleId.AC_UPGRADE
        case Distribution.CERTIFIED, _:
            return RuleId.MIGRATE_EQUAL
        case _, Distribution.RUNTIME:
            return RuleId.RUNTIME_UPGRADE
        case _:
            return RuleId.NO_REVERT


def hop_between(source: Release, target: Release) -> Hop:
    """Return the hop between two releases, legal or not."""
    return Hop(rule=move_rule(source, target), source=source, target=target)


def yanked_text(release: Release) -> str:
    """Return a clause that says that a release is yanked, and why."""
    return f"{release} is yanked" + (f" ({release.yanked_reason.rstrip('.')})" if release.yanked_reason else "")


def prerelease_text(release: Release) -> str:
    """Return a clause that says why a release is a prerelease."""
    if release.channel is Channel.UNKNOWN:
        return f"{release} is in an unknown channel, which counts as a prerelease"
    return f"{release} is in the channel {release.channel}"


def forbidden_by_platform(rule: RuleId, platform: Platform) -> str | None:
    """Return why a platform cannot make a move; None: it can."""
    version = platform.number
    if version.number is None:
        return f"the platform's version {platform.version!r} cannot be read, so what it allows is not known"
    here = f"the platform is {version}"
    if rule is not RuleId.AC_UPGRADE:
        if not version.at_least(0, 29):
            return f"{here}: Astro Runtime needs 0.29.0 or later"
        if not platform.runtime_enabled:
            return "the platform's flag astroRuntimeEnabled is off"
    if rule is not RuleId.RUNTIME_UPGRADE and version.at_least(0, 37):
        return f"{here}: 0.36 is the last version with Astronomer Certified"
    if rule is RuleId.MIGRATE_EQUAL and version.number == _CANNOT_MIGRATE:
        return f"{here}, which cannot migrate to Astro Runtime (fixed in 0.33.3)"
    return None


def _wrong_rule(context: HopContext, rule: RuleId) -> str | None:
    """Return why the rule that a hop names is not the rule for it; None: it is."""
    hop = context.hop
    governing = move_rule(hop.source, hop.target)
    if rule is governing and hop.rule is not rule:
        return f"{hop.source} > {hop.target} falls under {rule}, not under {hop.rule}"
    if hop.rule is rule and rule is not governing:
        return f"{hop.source} > {hop.target} is not such a move"
    return None


def _ac_upgrade(context: HopContext) -> str | None:
    hop = context.hop
    if move_rule(hop.source, hop.target) is RuleId.AC_UPGRADE and not hop.source.airflow < hop.target.airflow:
        return f"{hop.target} is not above {hop.source}"
    return _wrong_rule(context, RuleId.AC_UPGRADE)


def _migrate_equal(context: HopContext) -> str | None:
    hop = context.hop
    if move_rule(hop.source, hop.target) is RuleId.MIGRATE_EQUAL and hop.source.airflow != hop.target.airflow:
        return f"{hop.source} has Airflow {hop.source.airflow} and {hop.target} has {hop.target.airflow}"
    return _wrong_rule(context, RuleId.MIGRATE_EQUAL)


def _runtime_upgrade(context: HopContext) -> str | None:
    hop = context.hop
    if move_rule(hop.source, hop.target) is RuleId.RUNTIME_UPGRADE:
        if hop.target.runtime_key <= hop.source.runtime_key:
            return f"{hop.target} is not above {hop.source}"
        if hop.target.airflow < hop.source.airflow:
            return f"{hop.target} has Airflow {hop.target.airflow}, below {hop.source.airflow}"
    return _wrong_rule(context, RuleId.RUNTIME_UPGRADE)


def why_lower(source: Release, target: Release) -> str | None:
    """Return why the target is lower than the source; None: it is not."""
    if move_rule(source, target) is RuleId.NO_REVERT:
        return f"{source} cannot go back to {target}"
    if move_rule(source, target) is RuleId.RUNTIME_UPGRADE and target.runtime_key < source.runtime_key:
        return f"{target} is lower than {source}"
    if target.airflow < source.airflow:
        return f"{target} has Airflow {target.airflow}, lower than {source.airflow} of {source}"
    return None


def _airflow_2_gate(context: HopContext) -> str | None:
    before, after = context.hop.source.airflow, context.hop.target.airflow
    if before < _AIRFLOW_2_FROM and after >= _AIRFLOW_2:
        return f"{context.hop.source} has Airflow {before}; Airflow {after} needs {_AIRFLOW_2_FROM} or later before it"
    return None


def _airflow_3_gate(context: HopContext) -> str | None:
    before, after = context.hop.source.airflow, context.hop.target.airflow
    if before < _AIRFLOW_3_FROM and after >= _AIRFLOW_3:
        return f"{context.hop.source} has Airflow {before}; Airflow {after} needs {_AIRFLOW_3_FROM} or later before it"
    return None


def _yanked(context: HopContext) -> str | None:
    target = context.hop.target
    accepted = context.final and target.id in context.accepted.yanked
    return yanked_text(target) if target.yanked and not accepted else None


def _channel(context: HopContext) -> str | None:
    target = context.hop.target
    accepted = context.final and target.id in context.accepted.prerelease
    return prerelease_text(target) if target.prerelease and not accepted else None


def _offered(context: HopContext) -> str | None:
    offered = context.catalog.get(context.hop.target.id)
    if offered is None:
        return f"{context.hop.target} is not on offer"
    if offered.airflow != context.hop.target.airflow:
        return f"{offered} is on offer with Airflow {offered.airflow}, not {context.hop.target.airflow}"
    return None


def _platform(context: HopContext) -> str | None:
    return None if context.platform is None else forbidden_by_platform(context.hop.rule, context.platform)


_GUIDE: Final = "Astronomer's guide 'Migrate a Deployment from Astronomer Certified to Astro Runtime'"

RULES: Final = (
    Rule(
        id=RuleId.AC_UPGRADE,
        reason="an upgrade of Astronomer Certified needs a higher Airflow version",
        source=f"{_GUIDE}; Astronomer's documentation 'Upgrade Airflow'",
        forbids=_ac_upgrade,
    ),
    Rule(
        id=RuleId.MIGRATE_EQUAL,
        reason="you can't simultaneously migrate and upgrade, so both releases need exactly the same Airflow version",
        source=_GUIDE,
        forbids=_migrate_equal,
    ),
    Rule(
        id=RuleId.RUNTIME_UPGRADE,
        reason="an upgrade of Astro Runtime needs a higher Runtime version, and an Airflow version that is not lower",
        source="Astronomer's documentation 'Upgrade Astro Runtime'",
        forbids=_runtime_upgrade,
    ),
    Rule(
        id=RuleId.NO_REVERT,
        reason="you can't revert to an earlier version, or from Astro Runtime to Astronomer Certified",
        source=_GUIDE,
        forbids=lambda context: why_lower(context.hop.source, context.hop.target),
    ),
    Rule(
        id=RuleId.AIRFLOW_2_GATE,
        reason="an upgrade to Airflow 2 has to start from Airflow 1.10.14 or later",
        source="Apache Airflow's documentation 'Upgrading from 1.10 to 2'; the same check in Astronomer's command line",
        forbids=_airflow_2_gate,
    ),
    Rule(
        id=RuleId.AIRFLOW_3_GATE,
        reason="Airflow 3 can migrate only the metadata database of Airflow 2.7.0 or later",
        source="Apache Airflow's documentation 'Upgrading to Airflow 3'; its own check in 'airflow db migrate'",
        forbids=_airflow_3_gate,
    ),
    Rule(
        id=RuleId.YANKED,
        reason="no path leads through a yanked release, and it is a target only if you accept it by name",
        source="the vendor's feed of Astro Runtime releases, field 'yanked'",
        forbids=_yanked,
    ),
    Rule(
        id=RuleId.CHANNEL,
        reason="no path leads through a prerelease, and it is a target only if you accept it by name",
        source="the vendor's feeds, field 'channel'",
        forbids=_channel,
    ),
    Rule(
        id=RuleId.OFFERED,
        reason="a Deployment can move only to a release that the platform offers",
        source="Houston's deploymentConfig and runtimeReleases",
        forbids=_offered,
    ),
    Rule(
        id=RuleId.PLATFORM,
        reason="the platform's version limits which moves it can make",
        source="Astronomer Software's release notes of 0.29, 0.33.3 and 0.37",
        forbids=_platform,
    ),
    Rule(
        id=RuleId.PENDING,
        reason="a hop that someone else started is cancelled only if you accept that",
        source="Houston's desired versions",
    ),
    Rule(
        id=RuleId.DENIED,
        reason="the declaration denies this warning",
        source="the declaration, argument 'deny'",
    ),
)
"""Every rule, in the order of a refusal's reasons."""

RULE: Final = {rule.id: rule for rule in RULES}
"""Rules by their ids."""


def verify(
    hop: Hop,
    catalog: Catalog,
    *,
    platform: Platform | None = None,
    accepted: AcceptedRisks = AcceptedRisks(),  # noqa: B008 - frozen
    final: bool = True,
) -> tuple[Violation, ...]:
    """Judge one hop against every rule. Return the violations; empty: the hop is legal.

    Args:
        hop: the version change.
        catalog: the releases on offer.
        platform: the platform's version and features; None: the rule PLATFORM is not checked.
        accepted: the risks that the user accepts by name.
        final: whether it is the last hop. Only that one may end at an accepted yanked release or prerelease.
    """
    context = HopContext(hop=hop, catalog=catalog, platform=platform, accepted=accepted, final=final)
    found = ((rule.id, rule.forbids(context)) for rule in RULES)
    return tuple(Violation(rule=rule, found=text) for rule, text in found if text is not None)

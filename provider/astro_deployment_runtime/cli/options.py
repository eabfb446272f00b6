"""Options that subcommands share: current release, target, source of releases, strategy, accepted and denied names."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final, TypedDict

from astro_deployment_runtime.catalogs import vendor_feed
from astro_deployment_runtime.cli.terminal import print_notes
from astro_deployment_runtime.errors import InvalidInputError, InvalidVersionError
from astro_deployment_runtime.planning import target_versions
from astro_deployment_runtime.planning.accepted_risks import (
    ACCEPTABLE_RISKS,
    DENIABLE_WARNINGS,
    AcceptedRisks,
    read_denied,
)
from astro_deployment_runtime.planning.base_images import BASE_IMAGES_VARIABLE, BaseImages
from astro_deployment_runtime.planning.plan_model import Plan, Strategy, WarningName
from astro_deployment_runtime.planning.plan_request import PlanRequest
from astro_deployment_runtime.planning.plan_warnings import unreadable_row_notes
from astro_deployment_runtime.planning.versions import AirflowVersion, ReleaseId

if TYPE_CHECKING:
    import argparse

    from astro_deployment_runtime.planning.catalog import Catalog, Release
    from astro_deployment_runtime.planning.plan_model import Refusal, Target
    from astro_deployment_runtime.planning.platform_version import Platform

CURRENT_HELP: Final = "the current release: 'AC 2.2.3', 'Runtime 5.0.4' or 'Runtime 5.0.4 (Airflow 2.3.0)'"
TARGET_HELP: Final = "a Runtime version such as 5.0.4, 'equivalent', 'latest-patch', or a line such as 5.x"
_DEFAULT_CATALOG: Final = "published"
_WITH_AIRFLOW: Final = re.compile(r"(?P<release>.+?)\s*\(Airflow\s+(?P<airflow>[^\s()]+)\)", re.ASCII | re.IGNORECASE)
_SUPPORT_WARNINGS: Final = frozenset({WarningName.OUT_OF_SUPPORT, WarningName.SUPPORT_ENDS_SOON})


def parse_current(text: str, catalog: Catalog) -> Release:
    """Parse the current release: ``AC 2.2.3``, ``Runtime 5.0.4``, or ``Runtime 5.0.4 (Airflow 2.3.0)``.

    An Airflow version in the text wins over the catalog's.

    Raises:
        InvalidInputError: the text is none of these, or the Runtime's Airflow version is unknown.
    """
    match = _WITH_AIRFLOW.fullmatch(text.strip())
    name = ReleaseId.parse(match["release"] if match else text)
    if isinstance(name.version, AirflowVersion):
        if match:
            raise InvalidVersionError(f"{text!r} is not a release: AC {name.version} has Airflow {name.version} anyway")
        return catalog.describe(name, name.version)
    if match:
        return catalog.describe(name, AirflowVersion.observe(match["airflow"]))
    release = catalog.get(name)
    if release is None:
        raise InvalidInputError(
            f"the catalog has no {name}: add the Airflow version that it runs, 'Runtime {name.version} (Airflow x.y.z)'"
        )
    return release


def parse_target(text: str) -> Target:
    """Parse a target; the error suggests similar releases of the shipped catalog.

    Raises:
        InvalidVersionError: the text is not a target.
    """
    return target_versions.parse_target(text, vendor_feed.shipped)


def add_catalog_option(parser: argparse.ArgumentParser) -> None:
    """Add ``--catalog``."""
    parser.add_argument(
        "--catalog", help=f"guide, {_DEFAULT_CATALOG} (default), or a folder with the vendor's two feed files"
    )


def read_catalog(options: argparse.Namespace) -> Catalog:
    """Load the catalog of ``--catalog``.

    Raises:
        InvalidInputError: it cannot be used.
    """
    return vendor_feed.load(options.catalog or _DEFAULT_CATALOG)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleaseSource:
    """The available releases, and the platform that offers them."""

    catalog: Catalog
    platform: Platform | None = None
    """None if the releases come from a catalog."""


def add_source_options(parser: argparse.ArgumentParser) -> None:
    """Add ``--catalog`` and ``--live``."""
    add_catalog_option(parser)
    parser.add_argument(
        "--live", action="store_true", help="use the platform in ASTRO_HOUSTON_URL instead of a catalog"
    )


def read_source(options: argparse.Namespace) -> ReleaseSource:
    """Load the catalog, or read the releases of the platform.

    Raises:
        InvalidInputError: the catalog or a setting cannot be used.
        PlatformError: Houston cannot be read.
    """
    if not options.live:
        return ReleaseSource(catalog=read_catalog(options))
    if options.catalog:
        raise InvalidInputError("--catalog and --live exclude each other; with --live, set ASTRO_CATALOG instead")
    from astro_deployment_runtime.cli.plan_platform import read_offer

    catalog, platform = read_offer()
    return ReleaseSource(catalog=catalog, platform=platform)


class PathOptions(TypedDict):
    """Strategy, accepted risks and denied warnings, as arguments of ``PlanRequest``."""

    strategy: Strategy
    accepted: AcceptedRisks
    denied: frozenset[WarningName]


def add_path_options(parser: argparse.ArgumentParser) -> None:
    """Add ``--strategy``, ``--accept`` and ``--deny``."""
    parser.add_argument(
        "--strategy",
        choices=[str(strategy) for strategy in Strategy],
        help=f"how to choose among legal paths (default: {Strategy.CERTIFIED_FIRST})",
    )
    parser.add_argument(
        "--accept",
        action="append",
        default=[],
        metavar="NAME",
        help=f"accept a risk or a warning; repeatable: {', '.join(ACCEPTABLE_RISKS)}, or the name of a warning",
    )
    parser.add_argument(
        "--deny",
        action="append",
        default=[],
        metavar="NAME",
        help=f"turn a warning into a refusal; repeatable: {', '.join(DENIABLE_WARNINGS)}",
    )


def read_path_options(options: argparse.Namespace, *, live: bool) -> PathOptions:
    """Read ``--strategy``, ``--accept`` and ``--deny``.

    Args:
        options: parsed options.
        live: whether the releases come from a platform; only then support dates are judged.

    Raises:
        InvalidInputError: a name is unknown, both accepted and denied, or denied without effect.
    """
    accepted, denied = AcceptedRisks.parse(options.accept), read_denied(options.deny)
    if both := sorted(accepted.warnings & denied):
        raise InvalidInputError(f"{', '.join(both)}: both accepted and denied; keep one of the two")
    if not live and (not_judged := sorted(denied & _SUPPORT_WARNINGS)):
        raise InvalidInputError(f"--deny {not_judged[0]}: support is judged only for a live platform; remove it")
    return PathOptions(
        strategy=Strategy(options.strategy or Strategy.CERTIFIED_FIRST), accepted=accepted, denied=denied
    )


def add_plan_request(parser: argparse.ArgumentParser) -> None:
    """Add the arguments and options for one path."""
    parser.add_argument("current", metavar="FROM", help=CURRENT_HELP)
    parser.add_argument("target", metavar="TO", help=TARGET_HELP)
    add_source_options(parser)
    add_path_options(parser)


def read_plan_request(options: argparse.Namespace) -> PlanRequest:
    """Read the request for one path; print a note about unreadable rows of the catalog.

    Raises:
        InvalidInputError: an option, the catalog or a setting cannot be used.
        PlatformError: Houston cannot be read.
    """
    target, path_options = parse_target(options.target), read_path_options(options, live=options.live)
    source = read_source(options)
    print_notes(unreadable_row_notes(source.catalog))
    return PlanRequest(
        current=parse_current(options.current, source.catalog),
        target=target,
        catalog=source.catalog,
        platform=source.platform,
        today=datetime.now(UTC).date() if source.platform else None,
        **path_options,
    )


def with_base_images(outcome: Plan | Refusal) -> Plan | Refusal:
    """Return a plan with the base images of the environment, ``ASTRO_BASE_IMAGES``.

    Raises:
        InvalidSettingsError: the variable cannot be used.
    """
    images = BaseImages.load(os.environ.get(BASE_IMAGES_VARIABLE, "").strip())
    return replace(outcome, base_images=images) if isinstance(outcome, Plan) else outcome

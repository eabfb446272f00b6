"""Where a question's releases come from: a catalog, or a live platform."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from astro_deployment_runtime.catalogs import vendor_feed
from astro_deployment_runtime.cli.console import CATALOG_HELP, DEFAULT_CATALOG, TARGET_HELP, add_terms, read_terms
from astro_deployment_runtime.cli.question import parse_current, parse_target
from astro_deployment_runtime.errors import InvalidInputError
from astro_deployment_runtime.planning.plan_request import PlanRequest
from astro_deployment_runtime.planning.plan_warnings import of_rows
from astro_deployment_runtime.support.text import printable

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterable

    from astro_deployment_runtime.planning.catalog import Catalog
    from astro_deployment_runtime.planning.platform_version import Platform


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """What is on offer, and the platform that offers it."""

    catalog: Catalog
    platform: Platform | None = None
    """None: there is none; the releases are those of a catalog."""


def read_catalog(options: argparse.Namespace) -> Catalog:
    """Load the catalog that is named, or the shipped one, and say which of its rows cannot be read.

    Raises:
        InvalidInputError: it cannot be used.
    """
    catalog = vendor_feed.load(options.catalog or DEFAULT_CATALOG)
    say_notes(of_rows(catalog))
    return catalog


def say_notes(notes: Iterable[str]) -> None:
    """Print notes where they do not mix with the answer: on standard error."""
    for note in notes:
        print(f"note: {printable(note)}", file=sys.stderr)  # noqa: T201 - for the commands that ask here


def add_source(parser: argparse.ArgumentParser) -> None:
    """Let the user say where the releases come from."""
    parser.add_argument("--catalog", help=CATALOG_HELP)
    parser.add_argument("--live", action="store_true", help="what the platform offers that the environment names")


def read_source(options: argparse.Namespace) -> Source:
    """Read what is on offer.

    Raises:
        InvalidInputError: the catalog or a setting cannot be used.
        PlatformError: Houston cannot be read.
    """
    if not options.live:
        return Source(catalog=vendor_feed.load(options.catalog or DEFAULT_CATALOG))
    if options.catalog:
        raise InvalidInputError("say either --catalog or --live; on a platform ASTRO_CATALOG names the catalog")
    from astro_deployment_runtime.cli.plan_platform import read_offer

    catalog, platform = read_offer()
    return Source(catalog=catalog, platform=platform)


def add_request(parser: argparse.ArgumentParser) -> None:
    """Let the user ask about a path."""
    parser.add_argument(
        "current", metavar="FROM", help="'AC 2.2.3', 'Runtime 5.0.4' or 'Runtime 5.0.4 (Airflow 2.3.0)'"
    )
    parser.add_argument("target", metavar="TO", help=TARGET_HELP)
    add_source(parser)
    add_terms(parser)


def read_request(options: argparse.Namespace) -> PlanRequest:
    """Read what is asked about a path.

    Raises:
        InvalidInputError: some of it, the catalog or a setting cannot be used.
        PlatformError: Houston cannot be read.
    """
    target, terms = parse_target(options.target), read_terms(options, dated=options.live)
    source = read_source(options)
    say_notes(of_rows(source.catalog))
    return PlanRequest(
        current=parse_current(options.current, source.catalog),
        target=target,
        catalog=source.catalog,
        platform=source.platform,
        today=datetime.now(UTC).date() if source.platform else None,
        **terms,
    )

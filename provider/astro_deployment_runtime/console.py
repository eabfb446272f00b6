"""What the subcommands of the command line have in common: what one is made of, its exit codes, shared options."""

from __future__ import annotations

import os
import shutil
import sys
from dataclasses import dataclass, replace
from enum import IntEnum
from typing import TYPE_CHECKING, Final, TypedDict

from astro_deployment_runtime.base_images import VARIABLE, BaseImages
from astro_deployment_runtime.errors import InvalidInputError
from astro_deployment_runtime.model import ACCEPTABLE, JUDGED, Acceptance, Plan, Strategy, WarningName, read_warnings
from astro_deployment_runtime.table import Screen

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable

    from astro_deployment_runtime.model import Refusal

_DATED: Final = frozenset({WarningName.OUT_OF_SUPPORT, WarningName.SUPPORT_ENDS_SOON})

PROGRAM: Final = "python -m astro_deployment_runtime"
DEFAULT_CATALOG: Final = "published"
TARGET_HELP: Final = "a Runtime version such as 5.0.4, 'equivalent', 'latest-patch', or a line such as 5.x"
CATALOG_HELP: Final = f"guide, {DEFAULT_CATALOG} (default), or a folder with the two feed files"


class ExitCode(IntEnum):
    """What the shell is told. Stable, for programs."""

    DONE = 0
    FAILED = 1
    """None of the others: the platform cannot be read, or a mistake in this package."""
    UNREADABLE = 2
    """Something that the user wrote cannot be used."""
    REFUSED = 3
    INTERRUPTED = 130
    """What a shell reports of a command that Ctrl-C ended."""


def screen() -> Screen:
    """Tell where standard output goes. Colours are for a terminal, unless ``NO_COLOR`` is set (no-color.org)."""
    if not sys.stdout.isatty():
        return Screen()
    plain = bool(os.environ.get("NO_COLOR")) or os.environ.get("TERM") == "dumb"
    return Screen(width=shutil.get_terminal_size().columns, coloured=not plain)


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """A subcommand."""

    name: str
    help: str
    """What it does, as ``--help`` lists it."""
    add_arguments: Callable[[argparse.ArgumentParser], None]
    run: Callable[[argparse.Namespace], ExitCode]
    """Prints the answer. An error of this package's tree that it raises becomes a complaint and an exit code."""


def add_terms(parser: argparse.ArgumentParser) -> None:
    """Let the user say how a path is chosen, and what is accepted on it."""
    parser.add_argument(
        "--strategy",
        choices=[str(strategy) for strategy in Strategy],
        help=f"how to choose among legal paths (default: {Strategy.CERTIFIED_FIRST})",
    )
    parser.add_argument(
        "--accept", action="append", default=[], metavar="NAME", help=f"accept by name: {', '.join(ACCEPTABLE)}"
    )
    parser.add_argument(
        "--deny", action="append", default=[], metavar="NAME", help=f"refuse instead of a warning: {', '.join(JUDGED)}"
    )


class Terms(TypedDict):
    """How a path is chosen, and what is accepted and denied on it: arguments of the planner."""

    strategy: Strategy
    accepted: Acceptance
    denied: frozenset[WarningName]


def read_terms(options: argparse.Namespace, *, dated: bool) -> Terms:
    """Read what :func:`add_terms` lets the user say.

    Args:
        options: as they were parsed.
        dated: the support of releases is judged, for today.

    Raises:
        InvalidInputError: a name is not known, given to both, or of a warning that is not judged.
    """
    accepted, denied = Acceptance.parse(options.accept), read_warnings(options.deny)
    if both := sorted(accepted.warnings & denied):
        raise InvalidInputError(f"{', '.join(both)}: accepted as well as denied; keep one of the two")
    if not dated and (unjudged := sorted(denied & _DATED)):
        raise InvalidInputError(f"--deny {unjudged[0]}: support is judged for a live platform alone")
    return Terms(strategy=Strategy(options.strategy or Strategy.CERTIFIED_FIRST), accepted=accepted, denied=denied)


def with_base_images(outcome: Plan | Refusal) -> Plan | Refusal:
    """Let a plan name the base images of the environment, ``ASTRO_BASE_IMAGES``.

    Raises:
        InvalidSettingsError: the variable cannot be used.
    """
    images = BaseImages.load(os.environ.get(VARIABLE, "").strip())
    return replace(outcome, base_images=images) if isinstance(outcome, Plan) else outcome

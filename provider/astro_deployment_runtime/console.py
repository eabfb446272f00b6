"""What the subcommands of the command line have in common: what one is made of, its exit codes, shared options."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING

from astro_deployment_runtime.model import ACCEPTABLE, Strategy

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable


class ExitCode(IntEnum):
    """What the shell is told. Stable, for programs."""

    DONE = 0
    FAILED = 1
    """Neither of the others: the platform cannot be read, or a mistake in this package."""
    UNREADABLE = 2
    """Something that the user wrote cannot be used."""
    REFUSED = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """A subcommand."""

    name: str
    help: str
    """What it does, as ``--help`` lists it."""
    add_arguments: Callable[[argparse.ArgumentParser], None]
    run: Callable[[argparse.Namespace], ExitCode]
    """Prints the answer. An error of this package's tree that it raises becomes a complaint and an exit code."""


def add_catalog(parser: argparse.ArgumentParser) -> None:
    """Let the user name a catalog to work from."""
    parser.add_argument(
        "--catalog", default="published", help="guide, published (default), or a folder with the two feed files"
    )


def add_terms(parser: argparse.ArgumentParser) -> None:
    """Let the user say how a path is chosen, and what is accepted on it."""
    parser.add_argument(
        "--strategy",
        choices=[str(strategy) for strategy in Strategy],
        default=str(Strategy.CERTIFIED_FIRST),
        help="how to choose among legal paths (default: %(default)s)",
    )
    parser.add_argument(
        "--accept", action="append", default=[], metavar="NAME", help=f"accept by name: {', '.join(ACCEPTABLE)}"
    )

"""A subcommand of the command line, its exit codes, and the name under which the user started the program."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable

_SCRIPT: Final = "astro-deployment-runtime"
_MODULE: Final = "python -m astro_deployment_runtime"


class ExitCode(IntEnum):
    """Exit codes of the command line; stable, for scripts."""

    DONE = 0
    FAILED = 1
    """Any other error: the platform cannot be read, or this package has a bug."""
    UNUSABLE_INPUT = 2
    """An argument, a file or a setting cannot be used."""
    REFUSED = 3
    INTERRUPTED = 130
    """Shells report it for a command that Ctrl-C ended."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Subcommand:
    """A subcommand, such as ``plan``."""

    name: str
    help: str
    """Line in the list of ``--help``."""
    add_arguments: Callable[[argparse.ArgumentParser], None]
    run: Callable[[argparse.Namespace], ExitCode]
    """Prints the answer. If it raises an error of this package, ``main`` prints that and chooses the exit code."""


def program_name() -> str:
    """Return the words that the user typed to start the program: the console script or ``python -m``."""
    return _SCRIPT if Path(sys.argv[0]).name == _SCRIPT else _MODULE

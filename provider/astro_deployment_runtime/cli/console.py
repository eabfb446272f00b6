"""What the subcommands of the command line have in common: what one is made of, its exit codes, shared options."""

from __future__ import annotations

import contextlib
import io
import json
import os
import shutil
import sys
from dataclasses import dataclass, replace
from enum import IntEnum
from typing import TYPE_CHECKING, Final, TypedDict

from astro_deployment_runtime.errors import InvalidInputError, OutputError
from astro_deployment_runtime.planning.accepted_risks import (
    ACCEPTABLE_RISKS,
    DENIABLE_WARNINGS,
    AcceptedRisks,
    read_denied,
)
from astro_deployment_runtime.planning.base_images import VARIABLE, BaseImages
from astro_deployment_runtime.planning.model import Plan, Strategy, WarningName
from astro_deployment_runtime.support.text import cut, printable
from astro_deployment_runtime.support.text_table import Colour, Screen, wrap

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Iterable, Iterator
    from typing import Any, TextIO

    from astro_deployment_runtime.planning.model import Refusal

_DATED: Final = frozenset({WarningName.OUT_OF_SUPPORT, WarningName.SUPPORT_ENDS_SOON})

PROGRAM: Final = "python -m astro_deployment_runtime"
DEFAULT_CATALOG: Final = "published"
_NARROWEST: Final = 20
"""Columns; on a narrower screen lines are wrapped as on one of these."""
_LONGEST_LINE: Final = 4_000
"""Characters of a line before it is wrapped."""
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


def screen(stream: TextIO | None = None) -> Screen:
    """Return what a stream shows, standard output where none is given.

    Its width is what ``COLUMNS`` says, else the terminal's; without both it has no bound. Colours are for a terminal,
    unless ``NO_COLOR`` is set (no-color.org).
    """
    stream = stream or sys.stdout
    terminal = stream is not None and stream.isatty()
    given = os.environ.get("COLUMNS", "")
    if not terminal and not (given.isdecimal() and int(given)):
        return Screen()
    plain = bool(os.environ.get("NO_COLOR")) or os.environ.get("TERM") == "dumb"
    return Screen(width=max(shutil.get_terminal_size().columns, _NARROWEST), coloured=terminal and not plain)


def prepare() -> None:
    """Have the streams write what their encoding lacks as an escape: a label may be in any script."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def tell(lines: Iterable[str]) -> None:
    """Print lines for a person: without control characters, wrapped to the screen, and each of a bounded length.

    Raises:
        OutputError: they cannot be written.
    """
    write("".join(f"{each}\n" for each in _fitting(lines, screen())))


def tell_json(document: dict[str, Any], *, indent: int | None = 2) -> None:
    """Print a document for a program.

    Raises:
        OutputError: it cannot be written.
    """
    write(json.dumps(document, indent=indent) + "\n")


def write(text: str) -> None:
    """Print a text as it is.

    Raises:
        OutputError: it cannot be written.
        BrokenPipeError: the reader has gone.
    """
    with _written():
        sys.stdout.write(text)


def write_bytes(data: bytes) -> None:
    """Print a document whose encoding is its own: what reads it is a program.

    Raises:
        OutputError: it cannot be written.
        BrokenPipeError: the reader has gone.
    """
    with _written():
        sys.stdout.buffer.write(data)


def flush() -> None:
    """Have everything written.

    Raises:
        OutputError: it cannot be written.
        BrokenPipeError: the reader has gone.
    """
    with _written():
        sys.stdout.flush()


def complain(message: str) -> None:
    """Print an error; where that is not possible, the exit code alone tells of it."""
    first, *rest = message.split("\n")
    with contextlib.suppress(OSError):
        if sys.stderr is None:
            return
        try:
            lines = _fitting([f"error: {first}", *rest], Screen(width=screen(sys.stderr).width))
            print("\n".join(lines), file=sys.stderr, flush=True)  # noqa: T201 - this is where it is printed
        except OSError:
            discard(sys.stderr)
            raise


def discard(stream: TextIO | None) -> None:
    """Forget what a stream has not written: Python would try again at its end, and complain."""
    if stream is not None:
        with contextlib.suppress(OSError, ValueError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


@contextlib.contextmanager
def _written() -> Iterator[None]:
    if sys.stdout is None:
        raise OutputError("standard output is closed: nothing can be printed")
    try:
        yield
    except BrokenPipeError:
        raise
    except OSError as error:
        raise OutputError(
            f"standard output cannot be written ({error.strerror}): what was printed is not whole"
        ) from error


def _fitting(lines: Iterable[str], shown_on: Screen) -> list[str]:
    # A coloured line is a table's, which is printable and fits already.
    colours = tuple(Colour) if shown_on.coloured else ()
    return [
        part
        for text in lines
        for line in text.split("\n")
        for part in ([line] if line.startswith(colours) else wrap(cut(printable(line), _LONGEST_LINE), shown_on.width))
    ]


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
        "--accept", action="append", default=[], metavar="NAME", help=f"accept by name: {', '.join(ACCEPTABLE_RISKS)}"
    )
    parser.add_argument(
        "--deny",
        action="append",
        default=[],
        metavar="NAME",
        help=f"refuse instead of a warning: {', '.join(DENIABLE_WARNINGS)}",
    )


class Terms(TypedDict):
    """How a path is chosen, and what is accepted and denied on it: arguments of the planner."""

    strategy: Strategy
    accepted: AcceptedRisks
    denied: frozenset[WarningName]


def read_terms(options: argparse.Namespace, *, dated: bool) -> Terms:
    """Read what :func:`add_terms` lets the user say.

    Args:
        options: as they were parsed.
        dated: the support of releases is judged, for today.

    Raises:
        InvalidInputError: a name is not known, given to both, or of a warning that is not judged.
    """
    accepted, denied = AcceptedRisks.parse(options.accept), read_denied(options.deny)
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

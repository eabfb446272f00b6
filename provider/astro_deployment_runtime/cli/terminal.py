"""Output of the command line: lines for people, documents for programs, notes and errors."""

from __future__ import annotations

import contextlib
import io
import json
import os
import shutil
import sys
from typing import TYPE_CHECKING, Final

from astro_deployment_runtime.errors import OutputError
from astro_deployment_runtime.support.text_formatting import cut, printable
from astro_deployment_runtime.support.text_table import Colour, Screen, wrap

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import Any, TextIO

_MIN_WIDTH: Final = 20
"""Columns. Lines on a narrower terminal are wrapped to this width."""
_LONGEST_LINE: Final = 4_000
"""Characters of a line before it is wrapped."""


def screen(stream: TextIO | None = None) -> Screen:
    """Return the width and the colours of a stream, by default of standard output.

    ``COLUMNS`` sets the width, otherwise the terminal does. Without both, lines are not wrapped. Colours are for
    terminals, unless ``NO_COLOR`` is set (no-color.org).
    """
    stream = stream or sys.stdout
    is_terminal = stream is not None and stream.isatty()
    columns = os.environ.get("COLUMNS", "")
    if not is_terminal and not (columns.isdecimal() and int(columns)):
        return Screen()
    plain = bool(os.environ.get("NO_COLOR")) or os.environ.get("TERM") == "dumb"
    return Screen(width=max(shutil.get_terminal_size().columns, _MIN_WIDTH), coloured=is_terminal and not plain)


def escape_unencodable() -> None:
    """Make the standard streams escape characters that their encoding lacks: a label can be in any script."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def print_lines(lines: Iterable[str]) -> None:
    """Print lines for a person: control characters escaped, wrapped to the screen, very long ones cut.

    Raises:
        OutputError: standard output cannot be written.
        BrokenPipeError: the reader has exited.
    """
    print_text("".join(f"{each}\n" for each in _fit(lines, screen())))


def print_json(document: dict[str, Any], *, indent: int | None = 2) -> None:
    """Print a document as JSON.

    Raises:
        OutputError: standard output cannot be written.
        BrokenPipeError: the reader has exited.
    """
    print_text(json.dumps(document, indent=indent) + "\n")


def print_text(text: str) -> None:
    """Print a text unchanged.

    Raises:
        OutputError: standard output cannot be written.
        BrokenPipeError: the reader has exited.
    """
    with _output_errors():
        sys.stdout.write(text)


def print_bytes(data: bytes) -> None:
    """Print a document in an encoding of its own, for a program.

    Raises:
        OutputError: standard output cannot be written.
        BrokenPipeError: the reader has exited.
    """
    with _output_errors():
        sys.stdout.buffer.write(data)


def flush() -> None:
    """Write everything that standard output still buffers.

    Raises:
        OutputError: standard output cannot be written.
        BrokenPipeError: the reader has exited.
    """
    with _output_errors():
        sys.stdout.flush()


def print_notes(notes: Iterable[str]) -> None:
    """Print notes on standard error, so that they do not mix with the answer."""
    for note in notes:
        print(f"note: {printable(note)}", file=sys.stderr)  # noqa: T201 - the command line's own output


def print_error(message: str) -> None:
    """Print an error on standard error; if that is impossible, only the exit code reports it."""
    first, *rest = message.split("\n")
    with contextlib.suppress(OSError):
        if sys.stderr is None:
            return
        try:
            lines = _fit([f"error: {first}", *rest], Screen(width=screen(sys.stderr).width))
            print("\n".join(lines), file=sys.stderr, flush=True)  # noqa: T201 - the command line's own output
        except OSError:
            discard_unwritten(sys.stderr)
            raise


def discard_unwritten(stream: TextIO | None) -> None:
    """Drop the buffer of a stream that cannot be written: otherwise Python retries at exit and prints an error."""
    if stream is not None:
        with contextlib.suppress(OSError, ValueError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


@contextlib.contextmanager
def _output_errors() -> Iterator[None]:
    if sys.stdout is None:
        raise OutputError("standard output is closed: nothing can be printed")
    try:
        yield
    except BrokenPipeError:
        raise
    except OSError as error:
        raise OutputError(f"standard output cannot be written ({error.strerror}): the output is incomplete") from error


def _fit(lines: Iterable[str], target: Screen) -> list[str]:
    # A coloured line is the row of a table, which is printable and fits already.
    colours = tuple(Colour) if target.coloured else ()
    return [
        part
        for text in lines
        for line in text.split("\n")
        for part in ([line] if line.startswith(colours) else wrap(cut(printable(line), _LONGEST_LINE), target.width))
    ]

"""Files that a person names: only a regular file is read, and only up to a bound.

A named pipe never ends, a device may be endless, and a build artefact under the wrong name fills the memory. What is
read is what was checked: the open file is looked at, not its name.
"""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING, Final

from astro_deployment_runtime.errors import UnreadableFileError

if TYPE_CHECKING:
    from pathlib import Path
    from typing import BinaryIO

KIB: Final = 2**10
MIB: Final = 2**20

LARGEST_DOCKERFILE: Final = 1 * MIB
LARGEST_CONFIG: Final = 4 * MIB
"""Of ``Pulumi.yaml`` and a stack's file."""
LARGEST_CA_FILE: Final = 8 * MIB
"""The bundle of a Linux distribution has a quarter of one."""
LARGEST_SCRIPT: Final = 1 * MIB
LARGEST_FEED: Final = 16 * MIB
"""Some hundred times what the vendor's are."""
LARGEST_BATCH: Final = 16 * MIB
LARGEST_PREVIEW: Final = 256 * MIB
"""What ``pulumi preview --json`` writes of a thousand Deployments has some 10."""

_KINDS: Final = (
    (stat.S_ISDIR, "a folder"),
    (stat.S_ISFIFO, "a named pipe"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
)
_CHUNK: Final = 1 * MIB


def read_file(path: Path, *, largest: int) -> bytes:
    """Read a regular file.

    Args:
        path: the file; a link is followed.
        largest: how many bytes it may have.

    Raises:
        UnreadableFileError: there is no such file, it is not a regular one, it is larger, or it cannot be read.
    """
    try:
        # Opening some devices does something, so their kind is looked at before, too.
        _check(os.stat(path), largest)  # noqa: PTH116 - as os.open takes it
        # Without O_NONBLOCK a pipe that came between would hold us.
        handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY)
        with open(handle, "rb", buffering=0) as file:  # noqa: PTH123 - it is open already
            _check(os.fstat(handle), largest)
            return read_stream(file, largest=largest)
    except UnreadableFileError as error:
        raise UnreadableFileError(f"{path}: {error.reason}", reason=error.reason) from None
    except (OSError, ValueError) as error:
        found = error.strerror if isinstance(error, OSError) else str(error)
        missing = isinstance(error, FileNotFoundError)
        reason = f"cannot be read ({found})"
        raise UnreadableFileError(f"{path}: {reason}", reason=reason, missing=missing) from error


def read_stream(stream: BinaryIO, *, largest: int) -> bytes:
    """Read a stream to its end.

    Raises:
        UnreadableFileError: it has more than ``largest`` bytes; the rest is not read.
        OSError: it cannot be read.
    """
    read = bytearray()
    while chunk := stream.read(_CHUNK):
        read += chunk
        if len(read) > largest:
            raise _problem(f"has more than {_size(largest)}, which is the most that is read: name the right file")
    return bytes(read)


def _check(found: os.stat_result, largest: int) -> None:
    for is_kind, kind in _KINDS:
        if is_kind(found.st_mode):
            raise _problem(f"is {kind}: name a regular file")
    if found.st_size > largest:
        raise _problem(f"has {_size(found.st_size)}, and at most {_size(largest)} is read: name the right file")


def _problem(reason: str) -> UnreadableFileError:
    return UnreadableFileError(reason, reason=reason)


def _size(count: int) -> str:
    """Write a number of bytes, rounded up, so that what is too large by a byte looks so."""
    for unit, name in ((2**30, "GiB"), (MIB, "MiB"), (KIB, "KiB")):
        if count >= unit:
            tenths = -(-count * 10 // unit)
            return f"{tenths // 10}.{tenths % 10} {name}" if tenths % 10 else f"{tenths // 10} {name}"
    return f"{count} bytes"

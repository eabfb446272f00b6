"""Bounded reading of files that a person names: regular files only, up to a size.

A named pipe never ends, a device may be endless, and a build artefact under the wrong name fills the memory. The checks
look at the open file, not at its name, so what is read is what was checked.
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

MAX_DOCKERFILE_BYTES: Final = 1 * MIB
MAX_CONFIG_BYTES: Final = 4 * MIB
"""For ``Pulumi.yaml`` and a stack file."""
MAX_CA_FILE_BYTES: Final = 8 * MIB
"""The bundle of a Linux distribution has a quarter of a MiB."""
MAX_SCRIPT_BYTES: Final = 1 * MIB
MAX_FEED_BYTES: Final = 16 * MIB
"""The vendor's feeds are about a hundred times smaller."""
MAX_BATCH_BYTES: Final = 16 * MIB
MAX_PREVIEW_BYTES: Final = 256 * MIB
"""``pulumi preview --json`` writes about 10 MiB for a thousand Deployments."""

_KINDS: Final = (
    (stat.S_ISDIR, "a folder"),
    (stat.S_ISFIFO, "a named pipe"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
)
_CHUNK: Final = 1 * MIB


def read_file(path: Path, *, max_bytes: int) -> bytes:
    """Read a regular file.

    Args:
        path: the file. A symbolic link is followed.
        max_bytes: how large it may be.

    Raises:
        UnreadableFileError: it does not exist, is not a regular file, is larger, or cannot be read.
    """
    try:
        # Before opening, too: to open some devices has an effect.
        _check(os.stat(path), max_bytes)  # noqa: PTH116 - as os.open takes it
        # O_NONBLOCK: otherwise a pipe that has replaced the file since the check would block.
        handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY)
        with open(handle, "rb", buffering=0) as file:  # noqa: PTH123 - it is open already
            _check(os.fstat(handle), max_bytes)
            return read_stream(file, max_bytes=max_bytes)
    except UnreadableFileError as error:
        raise UnreadableFileError(f"{path}: {error.reason}", reason=error.reason) from None
    except (OSError, ValueError) as error:
        found = error.strerror if isinstance(error, OSError) else str(error)
        missing = isinstance(error, FileNotFoundError)
        reason = f"cannot be read ({found})"
        raise UnreadableFileError(f"{path}: {reason}", reason=reason, missing=missing) from error


def read_stream(stream: BinaryIO, *, max_bytes: int) -> bytes:
    """Read a stream to its end.

    Raises:
        UnreadableFileError: it has more than ``max_bytes`` bytes. The rest is not read.
        OSError: it cannot be read.
    """
    read = bytearray()
    while chunk := stream.read(_CHUNK):
        read += chunk
        if len(read) > max_bytes:
            raise _problem(f"has more than {_size(max_bytes)}, which is the most that is read: name the right file")
    return bytes(read)


def _check(found: os.stat_result, max_bytes: int) -> None:
    for is_kind, kind in _KINDS:
        if is_kind(found.st_mode):
            raise _problem(f"is {kind}: name a regular file")
    if found.st_size > max_bytes:
        raise _problem(f"has {_size(found.st_size)}, and at most {_size(max_bytes)} is read: name the right file")


def _problem(reason: str) -> UnreadableFileError:
    return UnreadableFileError(reason, reason=reason)


def _size(count: int) -> str:
    """Write a number of bytes, rounded up, so that a file that is one byte too large looks too large."""
    for unit, name in ((2**30, "GiB"), (MIB, "MiB"), (KIB, "KiB")):
        if count >= unit:
            tenths = -(-count * 10 // unit)
            return f"{tenths // 10}.{tenths % 10} {name}" if tenths % 10 else f"{tenths // 10} {name}"
    return f"{count} bytes"

"""Bounded reading of files that a person names."""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING

from sandbox.errors import SandboxError

if TYPE_CHECKING:
    from pathlib import Path

_LARGEST = 16 * 2**20


def read_text(path: Path, what: str) -> str:
    """Read a file in UTF-8.

    Args:
        path: of the file.
        what: its name in messages, for example "fleet file".

    Raises:
        SandboxError: the file is missing, not a regular file (a named pipe would never end), larger than 16 MiB,
            or not UTF-8.
    """
    try:
        # Without O_NONBLOCK a pipe would block here.
        with open(os.open(path, os.O_RDONLY | os.O_NONBLOCK), "rb") as file:  # noqa: PTH123 - it is open already
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                raise SandboxError(f"the {what} {path} is not a regular file: name one")
            text = file.read(_LARGEST + 1)
    except (OSError, ValueError) as error:
        raise SandboxError(f"the {what} {path} cannot be read: {getattr(error, 'strerror', None) or error}") from error
    if len(text) > _LARGEST:
        raise SandboxError(f"the {what} {path} has more than {_LARGEST // 2**20} MiB: name the right file")
    try:
        return text.decode()
    except UnicodeDecodeError as error:
        raise SandboxError(f"the {what} {path} cannot be read: {error}") from error

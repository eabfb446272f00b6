"""Atomic replacement of files: a reader sees the old content or the new one, never a part."""

from __future__ import annotations

import contextlib
import os
import tempfile
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


def replace_file(file: Path, content: bytes, *, mode: int = 0o644) -> None:
    """Replace a file, or create it in an existing folder. An existing file keeps its owner and permissions.

    Args:
        file: the file.
        content: its new content.
        mode: the permissions of a new file.

    Raises:
        OSError: it cannot be written. Its old content is unchanged.
    """
    before = file.stat() if file.exists() else None
    handle, name = tempfile.mkstemp(dir=file.parent, prefix=f".{file.name}.")
    try:
        with open(handle, "wb") as temporary:  # noqa: PTH123 - it is open already
            temporary.write(content)
            os.fchmod(handle, before.st_mode & 0o7777 if before else mode)
            if before:
                with contextlib.suppress(PermissionError):
                    os.fchown(handle, before.st_uid, before.st_gid)
            temporary.flush()
            os.fsync(handle)
        os.replace(name, file)  # noqa: PTH105 - a rename on one file system is all or nothing
    except BaseException:
        os.unlink(name)  # noqa: PTH108 - the temporary file's name is a text
        raise

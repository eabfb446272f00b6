"""Files that are replaced as a whole: whoever reads meanwhile has the old text or the new one, and never a part."""

from __future__ import annotations

import contextlib
import os
import tempfile
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


def replace_file(file: Path, content: bytes, *, mode: int = 0o644) -> None:
    """Write a file, in a folder that is there; one that was there keeps its owner and permissions.

    Args:
        file: where.
        content: what it is to hold.
        mode: the permissions of a new file.

    Raises:
        OSError: it cannot be written; it is what it was.
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

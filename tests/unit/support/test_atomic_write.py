"""Atomic replacement of files."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from astro_deployment_runtime.support.atomic_write import replace_file

if TYPE_CHECKING:
    from pathlib import Path


def test_a_new_file_is_readable_by_all(tmp_path: Path) -> None:
    """Like a file that an editor creates."""
    replace_file(tmp_path / "new", b"one")
    assert (tmp_path / "new").read_bytes() == b"one"
    assert (tmp_path / "new").stat().st_mode & 0o777 == 0o644


def test_a_replaced_file_keeps_its_permissions(tmp_path: Path) -> None:
    """Only its content changes."""
    file = tmp_path / "script"
    file.write_bytes(b"one")
    file.chmod(0o750)
    replace_file(file, b"two")
    assert (file.read_bytes(), file.stat().st_mode & 0o777) == (b"two", 0o750)


def test_a_failed_write_changes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No temporary file is left."""
    file = tmp_path / "file"
    file.write_bytes(b"one")

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        replace_file(file, b"two")
    assert file.read_bytes() == b"one"
    assert [each.name for each in tmp_path.iterdir()] == ["file"]

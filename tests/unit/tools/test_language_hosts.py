"""The hosts of other languages are built once, with a small script as Go."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tools import language_hosts
from tools.engine import ClosedWayError, Surroundings

if TYPE_CHECKING:
    from pathlib import Path

GO = """#!/bin/sh
echo "$PWD" >> "$(dirname "$0")/calls"
while [ "$1" != -o ]; do shift; done
touch "$2" && chmod +x "$2"
"""


@pytest.fixture
def machine(tmp_path: Path) -> Surroundings:
    """A machine with an empty cache, and nothing on PATH."""
    return Surroundings(search_path=str(tmp_path), cache=tmp_path / "cache", say=lambda _: None)


def test_hosts_are_built_once(machine: Surroundings, tmp_path: Path) -> None:
    """Each program comes from its own module, and the next run finds all."""
    (tmp_path / "go").write_text(GO)
    (tmp_path / "go").chmod(0o755)
    folder = language_hosts.find_or_build(machine)
    assert sorted(path.name for path in folder.iterdir()) == sorted(each.name for each in language_hosts.PROGRAMS)
    modules = [line.rsplit("/", 1)[1] for line in (tmp_path / "calls").read_text().splitlines()]
    assert modules == [program.module for program in language_hosts.PROGRAMS]
    (tmp_path / "go").unlink()
    assert language_hosts.find_or_build(machine) == folder


def test_machine_without_go_has_no_hosts(machine: Surroundings) -> None:
    """The refusal says what is missing, and leaves nothing half done."""
    with pytest.raises(ClosedWayError, match="no Go on PATH"):
        language_hosts.find_or_build(machine)
    assert [path.name for path in machine.cache.iterdir()] == [".lock"]

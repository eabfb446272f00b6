"""The engine confirms the table of YAML against which our reader is tested."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.e2e.pulumi_project import Project
from tests.yaml_cases import ACCEPTED, REFUSED, SCALARS

if TYPE_CHECKING:
    from pathlib import Path


class Plain(Project):
    """A project without our package."""

    name = "mine"

    def lay_out(self) -> None:
        (self.folder / "Pulumi.yaml").write_text("name: mine\nruntime: python\n", encoding="utf-8")


@pytest.fixture
def stack(tmp_path: Path, engine: Path) -> Project:
    """A stack of such a project."""
    return Plain(tmp_path / "project", engine, "http://unused.invalid")


def config(stack: Project, text: bytes) -> dict[str, Any]:
    """Return the config in a file as the engine reads it: a structure as its value, all else as a text."""
    file = stack.folder / "config.yaml"
    file.write_bytes(text)
    printed = stack.run("config", "--json", "--stack", "test", "--config-file", str(file), code=0).text
    found = json.loads(printed[printed.index("{") :])  # after a warning about keys without a value
    return {key: each.get("objectValue", each["value"]) for key, each in found.items()}


def refused(stack: Project, case: str) -> bool:
    """Return whether the engine refuses a file of the table."""
    file = stack.folder / "config.yaml"
    file.write_bytes(REFUSED[case])
    return stack.run("config", "--json", "--stack", "test", "--config-file", str(file)).code != 0


def test_each_scalar_is_what_the_engine_makes_of_it(stack: Project) -> None:
    """Alone and within a structure, all in one file."""
    lines = [f"  mine:a{n}: {written}\n  mine:b{n}:\n    - {written}\n" for n, (written, _, _) in enumerate(SCALARS)]
    found = config(stack, "".join(["config:\n", *lines]).encode())
    for number, (written, text, value) in enumerate(SCALARS):
        assert found[f"mine:b{number}"] == [value], written
        alone = found[f"mine:a{number}"]
        assert alone == text or alone == json.loads(text), written
    assert refused(stack, "a key that is given twice")
    assert refused(stack, "an anchor that contains itself")


@pytest.mark.soak
def test_each_file_is_read_or_refused_by_the_engine(stack: Project) -> None:
    """As the table says; each needs a run of the engine, so this is a slow test."""
    for case, (text, expected) in ACCEPTED.items():
        assert config(stack, text) == expected, case
    for case in REFUSED:
        assert refused(stack, case), case

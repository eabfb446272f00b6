"""Whether a project uses our plugin. tests/unit/cli/test_init.py has the tests of adding it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pytest

from astro_deployment_runtime.cli import main
from astro_deployment_runtime.config.pulumi_project_file import SCRIPT, uses_our_plugin
from tests.unit.test_docs import ROOT

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

PROJECT: Final = "name: data\nruntime: python\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A Pulumi project in Python."""
    (tmp_path / "Pulumi.yaml").write_text(PROJECT, encoding="utf-8")
    return tmp_path


def test_a_project_uses_our_plugin_after_init(folder: Path) -> None:
    """This repository does too."""
    assert not uses_our_plugin(folder)
    assert main.main(["init", str(folder)]) == 0
    assert uses_our_plugin(folder)
    assert uses_our_plugin(ROOT)


def test_the_projects_file_can_be_above_the_program(folder: Path) -> None:
    """``main`` can name a folder below the project's."""
    (folder / "infra").mkdir()
    assert not uses_our_plugin(folder / "infra")
    main.main(["init", str(folder)])
    assert uses_our_plugin(folder / "infra")


@pytest.mark.parametrize(
    "damage",
    [
        lambda folder: (folder / "Pulumi.yaml").unlink(),
        lambda folder: (folder / "Pulumi.yaml").write_text("- no\n  project: [", encoding="utf-8"),
        lambda folder: (folder / "Pulumi.yaml").write_bytes(b"name: \xff"),
        lambda folder: (folder / "Pulumi.yaml").write_text(
            (folder / "Pulumi.yaml").read_text(encoding="utf-8").replace("python\n", "nodejs\n", 1), encoding="utf-8"
        ),
        lambda folder: (folder / "plugin" / SCRIPT).unlink(),
        lambda folder: (folder / "plugin" / SCRIPT).write_text("#!/bin/sh\nexec theirs\n", encoding="utf-8"),
    ],
)
def test_a_project_without_a_usable_plugin_does_not_use_ours(folder: Path, damage: Callable[[Path], object]) -> None:
    """If a file is missing, unreadable, or another plugin's."""
    assert main.main(["init", str(folder)]) == 0
    damage(folder)
    assert not uses_our_plugin(folder)

"""The folder ``native``, which users name in their projects."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING, Final

import pytest
import yaml

from tests.unit.plugin.plugin_process import ROOT

if TYPE_CHECKING:
    from pathlib import Path

FOLDER: Final = ROOT / "native"
PROGRAM: Final = "pulumi-resource-astro"


def lay_out(folder: Path, pythons: str) -> Path:
    """Copy the program into a clone, with scripts as its Pythons, which print how they were called."""
    (folder / "native").mkdir(parents=True)
    program = folder / "native" / PROGRAM
    program.write_bytes((FOLDER / PROGRAM).read_bytes())
    program.chmod(0o755)
    for name in pythons.split():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text('#!/bin/sh\nprintf "%s\\n" "$0" "$@" "$ASTRO_PLUGIN_PARENT"\n', encoding="utf-8")
        path.chmod(0o755)
    return program


def run(program: Path, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run the program in another folder, as the engine does."""
    # The script needs dirname, so its folder is linked alone: the machine's Python must not be found.
    tools = folder / "tools"
    tools.mkdir()
    (tools / "dirname").symlink_to("/usr/bin/dirname")
    environment = {"PATH": f"{folder / 'bin'}:{tools}"}
    return subprocess.run(
        [program, "127.0.0.1:1234 5"], cwd="/", env=environment, capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize(
    ("pythons", "chosen"),
    [
        ("native/.venv/bin/python .venv/bin/python bin/python3", "native/.venv/bin/python"),
        (".venv/bin/python bin/python3", "native/../.venv/bin/python"),
        ("bin/python bin/python3", "bin/python3"),
        ("bin/python", "bin/python"),
    ],
)
def test_program_starts_with_the_nearest_python(tmp_path: Path, pythons: str, chosen: str) -> None:
    """The provider ends with the engine, so it gets the engine's process id."""
    folder = tmp_path / "with a space"
    result = run(lay_out(folder, pythons), folder)
    assert result.stderr == ""
    python, *words, parent = result.stdout.splitlines()
    assert python == str(folder / chosen)
    assert words == ["-u", str(folder / "native" / "__main__.py"), "127.0.0.1:1234 5"]
    assert parent == str(os.getpid())


def test_program_says_that_there_is_no_python(tmp_path: Path) -> None:
    """And what to do."""
    result = run(lay_out(tmp_path, ""), tmp_path)
    assert (result.returncode, result.stdout) == (1, "")
    [line] = result.stderr.splitlines()
    assert line.startswith("astro: no Python found.")
    assert "native/README.md" in line


def test_start_says_that_the_package_is_missing() -> None:
    """In one line with the command that installs it, without a traceback."""
    bare = [sys.executable, "-I", "-S", str(FOLDER / "__main__.py")]
    result = subprocess.run(bare, capture_output=True, text=True, check=False)
    assert (result.returncode, result.stdout) == (1, "")
    [line] = result.stderr.splitlines()
    assert f"cd {FOLDER} && python3 -m venv .venv && .venv/bin/pip install -r requirements.txt" in line
    assert sys.executable in line
    assert "astro_deployment_runtime" in line


def test_requirements_are_this_package() -> None:
    """A git tag is a whole clone, so the folder and its package have one version."""
    [line] = (FOLDER / "requirements.txt").read_text(encoding="utf-8").split()
    assert (FOLDER / line / "pyproject.toml").is_file()
    settings = yaml.safe_load((FOLDER / "PulumiPlugin.yaml").read_text(encoding="utf-8"))
    assert settings["runtime"] == {"name": "python", "options": {"toolchain": "pip", "virtualenv": ".venv"}}

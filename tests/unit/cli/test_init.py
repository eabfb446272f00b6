"""``init``: the files that it adds to a project, and those that it refuses to change."""

from __future__ import annotations

import os
import re
import shutil
from typing import TYPE_CHECKING, Final

import pytest
import yaml

from astro_deployment_runtime.cli import main
from astro_deployment_runtime.config import pulumi_project_file
from tests.unit.test_docs import COMMAND_LINE, PACKAGE, ROOT, blocks

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

SCRIPT: Final = f"plugin/{pulumi_project_file.SCRIPT}"
PROJECT: Final = "name: data\nruntime: python  # 3.11 or later\n"
LINES: Final = "plugins:\n  providers:\n    - name: pulumi-python\n      path: ./plugin\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A Pulumi project in Python."""
    (tmp_path / "Pulumi.yaml").write_text(PROJECT, encoding="utf-8")
    return tmp_path


def test_a_project_gets_the_script_and_the_lines(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The script is executable. docs/command-line.md shows the output."""
    assert main.main(["init", str(folder)]) == 0
    assert (folder / "Pulumi.yaml").read_text(encoding="utf-8") == PROJECT + LINES
    assert (folder / SCRIPT).read_bytes() == (PACKAGE / "plugin" / "scripts" / pulumi_project_file.SCRIPT).read_bytes()
    assert os.access(folder / SCRIPT, os.X_OK)
    assert capsys.readouterr().out in blocks(COMMAND_LINE, "text")


def test_the_current_folder_is_the_default(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without an argument."""
    monkeypatch.chdir(folder)
    assert main.main(["init"]) == 0
    assert (folder / SCRIPT).exists()


@pytest.mark.parametrize("name", ["Pulumi.yml", "Pulumi.json"])
def test_the_project_file_can_have_another_name(tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str) -> None:
    """Pulumi.yml is extended. Pulumi.json is refused, because other lines would change."""
    file = tmp_path / name
    file.write_text(PROJECT if name.endswith("yml") else '{"name": "data", "runtime": "python"}\n', encoding="utf-8")
    assert main.main(["init", str(tmp_path)]) == (0 if name.endswith("yml") else 2)
    if name.endswith("yml"):
        assert file.read_text(encoding="utf-8") == PROJECT + LINES
        assert "Pulumi.yml: plugin added, under plugins" in capsys.readouterr().out
        assert pulumi_project_file.uses_our_plugin(tmp_path)
    assert not (tmp_path / "Pulumi.yaml").exists()


def test_init_changes_nothing_in_this_repository(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Its plugin folder and its Pulumi.yaml are up to date."""
    shutil.copy(ROOT / "Pulumi.yaml", tmp_path)
    shutil.copytree(ROOT / "plugin", tmp_path / "plugin")
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    assert main.main(["init", str(tmp_path)]) == 0
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before
    printed = capsys.readouterr().out.splitlines()[:2]
    assert printed == [f"{SCRIPT}: unchanged", "Pulumi.yaml: unchanged, it names the plugin already"]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("runtime: python", f"runtime: python\n{LINES}"),
        ("runtime: python\n# end\n", f"runtime: python\n# end\n{LINES}"),
        ("runtime: python\r\nname: a\r\n", "runtime: python\r\nname: a\r\n" + LINES.replace("\n", "\r\n")),
        ("plugins: # none yet\nruntime: python\n", LINES.replace(":", ": # none yet", 1) + "runtime: python\n"),
        (
            "plugins:\n    # ours\n    analyzers: [{name: a, path: a}]\nruntime: {name: python}\n",
            (
                "plugins:\n    providers:\n      - name: pulumi-python\n        path: ./plugin\n"
                "    # ours\n    analyzers: [{name: a, path: a}]\nruntime: {name: python}\n"
            ),
        ),
        (
            "runtime: python\nplugins:\n  providers: # all\n  # theirs\n  - {name: a, path: a}\nname: a\n",
            (
                "runtime: python\nplugins:\n  providers: # all\n  - name: pulumi-python\n    path: ./plugin\n"
                "  # theirs\n  - {name: a, path: a}\nname: a\n"
            ),
        ),
        (
            "plugins: {providers: [{path: plugin/, name: pulumi-python}]}\nruntime: python\n",
            "plugins: {providers: [{path: plugin/, name: pulumi-python}]}\nruntime: python\n",
        ),
    ],
)
def test_other_lines_of_the_file_stay_unchanged(folder: Path, before: str, after: str) -> None:
    """Comments, order, line ends and other plugins. A second run changes nothing."""
    for _ in range(2):
        (folder / "Pulumi.yaml").write_bytes(before.encode())
        assert main.main(["init", str(folder)]) == 0
        assert (folder / "Pulumi.yaml").read_bytes().decode() == after
        before = after


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (f"runtime: python\n{LINES.replace('./plugin', './mine')}", r"has another plugin for .* already \(./mine\)"),
        ("runtime: nodejs\n", "its runtime is 'nodejs'"),
        ("runtime: yaml\n", "For another language, add the native plugin under plugins.providers: {name: astro"),
        ("", "its runtime is None"),
        ("runtime: {name: [", "is not YAML"),
        ("runtime: \x00", "is not YAML"),
        ("runtime: p\xfcthon", "is not UTF-8"),
        ("{runtime: python}\n", "cannot be extended"),
        ("runtime: python\n...\n", "cannot be extended"),
        ("runtime: python\ndescription: |+\n  text", "cannot be extended"),
        ("runtime: python\nplugins: {}\n", "cannot be extended"),
        ("runtime: python\nplugins: [a]\n", "cannot be extended"),
        ("runtime: python\nplugins:\n  providers: {a: b}\n", "cannot be extended"),
        ("runtime: python\nplugins:\n  providers: [{name: a, path: a}]\n", "cannot be extended"),
    ],
)
def test_a_file_that_cannot_be_extended_is_refused(
    folder: Path, text: str, reason: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nothing is written. The error has the lines to paste, if they would help."""
    (folder / "Pulumi.yaml").write_text(text, encoding="latin-1")
    assert main.main(["init", str(folder)]) == 2
    error = capsys.readouterr().err
    assert re.search(reason, error)
    assert error.endswith(f"Add these yourself:\n{LINES}") == (reason == "cannot be extended")
    assert (folder / "Pulumi.yaml").read_text(encoding="latin-1") == text
    assert not (folder / "plugin").exists()


def test_a_folder_without_a_project_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The error says how to create one."""
    assert main.main(["init", str(tmp_path)]) == 2
    assert ": create a project first" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_a_foreign_script_is_not_overwritten(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The project's file stays unchanged too."""
    (folder / "plugin").mkdir()
    (folder / SCRIPT).write_text("#!/bin/sh\nexec theirs\n", encoding="utf-8")
    assert main.main(["init", str(folder)]) == 2
    assert "is not from this package: move it away" in capsys.readouterr().err
    assert (folder / SCRIPT).read_text(encoding="utf-8") == "#!/bin/sh\nexec theirs\n"
    assert (folder / "Pulumi.yaml").read_text(encoding="utf-8") == PROJECT


@pytest.mark.parametrize(
    ("damage", "change"),
    [
        (lambda script: script.chmod(0o644), "made executable"),
        (lambda script: script.write_bytes(script.read_bytes() + b"\n"), "updated; it was from another release, or"),
    ],
)
def test_our_own_script_is_repaired(
    folder: Path, damage: Callable[[Path], object], change: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """The output says how."""
    main.main(["init", str(folder)])
    ours = (folder / SCRIPT).read_bytes()
    damage(folder / SCRIPT)
    capsys.readouterr()
    assert main.main(["init", str(folder)]) == 0
    assert f"{SCRIPT}: {change}" in capsys.readouterr().out
    assert (folder / SCRIPT).read_bytes() == ours
    assert os.access(folder / SCRIPT, os.X_OK)


@pytest.mark.parametrize(("name", "problem"), [("plugin", "cannot be"), ("Pulumi.yaml", "is a folder: name")])
def test_an_obstacle_is_named(folder: Path, name: str, problem: str, capsys: pytest.CaptureFixture[str]) -> None:
    """A file instead of the folder, a folder instead of the file."""
    path = folder / name
    if name == "plugin":
        path.write_text("", encoding="utf-8")
    else:
        path.unlink()
        path.mkdir()
    assert main.main(["init", str(folder)]) == 2
    assert re.fullmatch(rf"error: \S+: {problem} \S+ ?.*\n", capsys.readouterr().err)


def test_this_repositorys_project_has_the_same_lines() -> None:
    """It is an example."""
    own = yaml.safe_load((ROOT / "Pulumi.yaml").read_text(encoding="utf-8"))
    assert yaml.safe_load(LINES)["plugins"] == own["plugins"]

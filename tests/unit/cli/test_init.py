"""``init``: what it writes into another project, what it leaves alone, and what it does not touch at all."""

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
    """The script can be run; the page on the command line shows what is printed."""
    assert main.main(["init", str(folder)]) == 0
    assert (folder / "Pulumi.yaml").read_text(encoding="utf-8") == PROJECT + LINES
    assert (folder / SCRIPT).read_bytes() == (PACKAGE / "plugin" / "scripts" / pulumi_project_file.SCRIPT).read_bytes()
    assert os.access(folder / SCRIPT, os.X_OK)
    assert capsys.readouterr().out in blocks(COMMAND_LINE, "text")


def test_the_current_folder_is_the_default(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As one types it in the project."""
    monkeypatch.chdir(folder)
    assert main.main(["init"]) == 0
    assert (folder / SCRIPT).exists()


@pytest.mark.parametrize("name", ["Pulumi.yml", "Pulumi.json"])
def test_a_project_file_may_have_another_name(tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str) -> None:
    """Whatever Pulumi takes for one; JSON is YAML too, but cannot be extended without touching the rest."""
    file = tmp_path / name
    file.write_text(PROJECT if name.endswith("yml") else '{"name": "data", "runtime": "python"}\n', encoding="utf-8")
    assert main.main(["init", str(tmp_path)]) == (0 if name.endswith("yml") else 2)
    if name.endswith("yml"):
        assert file.read_text(encoding="utf-8") == PROJECT + LINES
        assert "Pulumi.yml: plugin added, under plugins" in capsys.readouterr().out
        assert pulumi_project_file.uses_our_plugin(tmp_path)
    assert not (tmp_path / "Pulumi.yaml").exists()


def test_our_host_is_found_from_the_programs_folder(folder: Path) -> None:
    """Which ``main`` may name, below the project's."""
    (folder / "infra").mkdir()
    assert not pulumi_project_file.uses_our_plugin(folder / "infra")
    main.main(["init", str(folder)])
    assert pulumi_project_file.uses_our_plugin(folder / "infra")


def test_this_repository_is_such_a_project(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Its plugin folder and its Pulumi.yaml are what ``init`` would write, so that a second run changes nothing."""
    shutil.copy(ROOT / "Pulumi.yaml", tmp_path)
    shutil.copytree(ROOT / "plugin", tmp_path / "plugin")
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    assert main.main(["init", str(tmp_path)]) == 0
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before
    told = capsys.readouterr().out.splitlines()[:2]
    assert told == [f"{SCRIPT}: unchanged", "Pulumi.yaml: unchanged, it names the plugin already"]


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
def test_all_else_in_the_file_stays_as_it_is(folder: Path, before: str, after: str) -> None:
    """Comments, order, line ends and other plugins; and a second run changes nothing."""
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
    """Nothing is written; where lines would do, they are shown to paste."""
    (folder / "Pulumi.yaml").write_text(text, encoding="latin-1")
    assert main.main(["init", str(folder)]) == 2
    complaint = capsys.readouterr().err
    assert re.search(reason, complaint)
    assert complaint.endswith(f"Add these yourself:\n{LINES}") == (reason == "cannot be extended")
    assert (folder / "Pulumi.yaml").read_text(encoding="latin-1") == text
    assert not (folder / "plugin").exists()


def test_a_folder_without_a_project_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """With the way to make one."""
    assert main.main(["init", str(tmp_path)]) == 2
    assert ": create a project first" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_what_is_not_ours_is_not_overwritten(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Neither the script nor the file that would name it."""
    (folder / "plugin").mkdir()
    (folder / SCRIPT).write_text("#!/bin/sh\nexec theirs\n", encoding="utf-8")
    assert main.main(["init", str(folder)]) == 2
    assert "is not from this package: move it away" in capsys.readouterr().err
    assert (folder / SCRIPT).read_text(encoding="utf-8") == "#!/bin/sh\nexec theirs\n"
    assert (folder / "Pulumi.yaml").read_text(encoding="utf-8") == PROJECT


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        (lambda script: script.chmod(0o644), "made executable"),
        (lambda script: script.write_bytes(script.read_bytes() + b"\n"), "updated; it was from another release, or"),
    ],
)
def test_a_script_of_ours_is_mended(folder: Path, spoil: object, told: str, capsys: pytest.CaptureFixture[str]) -> None:
    """And that is told."""
    main.main(["init", str(folder)])
    ours = (folder / SCRIPT).read_bytes()
    assert callable(spoil)
    spoil(folder / SCRIPT)
    capsys.readouterr()
    assert main.main(["init", str(folder)]) == 0
    assert f"{SCRIPT}: {told}" in capsys.readouterr().out
    assert (folder / SCRIPT).read_bytes() == ours
    assert os.access(folder / SCRIPT, os.X_OK)


@pytest.mark.parametrize(("name", "problem"), [("plugin", "cannot be"), ("Pulumi.yaml", "is a folder: name")])
def test_what_is_in_the_way_is_named(folder: Path, name: str, problem: str, capsys: pytest.CaptureFixture[str]) -> None:
    """A file where the folder belongs, a folder where the file belongs."""
    path = folder / name
    if name == "plugin":
        path.write_text("", encoding="utf-8")
    else:
        path.unlink()
        path.mkdir()
    assert main.main(["init", str(folder)]) == 2
    assert re.fullmatch(rf"error: \S+: {problem} \S+ ?.*\n", capsys.readouterr().err)


def test_the_lines_are_those_of_this_repository() -> None:
    """What they say is what its own project says."""
    own = yaml.safe_load((ROOT / "Pulumi.yaml").read_text(encoding="utf-8"))
    assert yaml.safe_load(LINES)["plugins"] == own["plugins"]


def test_a_program_can_tell_that_our_host_runs_its_project(folder: Path) -> None:
    """After ``init``, and in this repository."""
    assert not pulumi_project_file.uses_our_plugin(folder)
    assert main.main(["init", str(folder)]) == 0
    assert pulumi_project_file.uses_our_plugin(folder)
    assert pulumi_project_file.uses_our_plugin(ROOT)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda folder: (folder / "Pulumi.yaml").unlink(),
        lambda folder: (folder / "Pulumi.yaml").write_text("- no\n  project: [", encoding="utf-8"),
        lambda folder: (folder / "Pulumi.yaml").write_bytes(b"name: \xff"),
        lambda folder: (folder / "Pulumi.yaml").write_text("name: data\nruntime: nodejs\n" + LINES, encoding="utf-8"),
        lambda folder: (folder / SCRIPT).unlink(),
        lambda folder: (folder / SCRIPT).write_text("#!/bin/sh\nexec theirs\n", encoding="utf-8"),
    ],
)
def test_what_cannot_be_read_does_not_tell_of_our_host(folder: Path, spoil: Callable[[Path], object]) -> None:
    """Nor does another plugin's script."""
    assert main.main(["init", str(folder)]) == 0
    spoil(folder)
    assert not pulumi_project_file.uses_our_plugin(folder)

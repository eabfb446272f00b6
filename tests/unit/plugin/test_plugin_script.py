"""The script that starts our plugin instead of Pulumi's own host."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import pytest

from tests.unit.plugin.plugin_process import ROOT

if TYPE_CHECKING:
    from pathlib import Path

SCRIPT = ROOT / "plugin" / "pulumi-resource-pulumi-python"
POETRY = '#!/bin/sh\n[ "$*" = "env info --path" ] && echo "$HOME/poetry"\n'


def run_script(folder: Path, project: Path, variables: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """Run the script. ``python`` is a script too, which prints how it was called."""
    environment = {"PATH": f"{folder / 'bin'}:/usr/bin:/bin", "HOME": str(folder), "PYTHONHOME": "/nowhere"}
    return subprocess.run(
        [SCRIPT, "127.0.0.1:1234 5"],
        cwd=project,
        env=environment | {name: value.replace("~", str(folder)) for name, value in variables.items()},
        capture_output=True,
        text=True,
        check=False,
    )


def lay_out(folder: Path, files: str) -> None:
    """Write programs in ``bin`` that print how they were called, and empty files elsewhere."""
    for name in files.split():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text('#!/bin/sh\nprintf "%s\\n" "$0" "$@"\n' if "/bin/" in f"/{name}" else "", encoding="utf-8")
        path.chmod(0o755)
    if "bin/poetry" in files:
        (folder / "bin" / "poetry").write_text(POETRY, encoding="utf-8")


@pytest.mark.parametrize(
    ("files", "main", "variables", "chosen"),
    [
        ("bin/python3", "", {}, "bin/python3"),
        ("bin/python3 bin/python", "", {"PULUMI_RUNTIME_TOOLCHAIN": "pip"}, "bin/python3"),
        ("bin/other bin/python3", "", {"PULUMI_PYTHON_CMD": "other"}, "bin/other"),
        ("a/Pulumi.yaml a/my-venv/bin/python", "", {"PULUMI_RUNTIME_VIRTUALENV": "my-venv/"}, "a/my-venv/bin/python"),
        ("a/Pulumi.yml venv/bin/python", "", {"PULUMI_RUNTIME_VIRTUALENV": "../venv"}, "a/../venv/bin/python"),
        ("a/Pulumi.yaml venv/bin/python", "", {"PULUMI_RUNTIME_VIRTUALENV": "~/venv"}, "venv/bin/python"),
        ("a/Pulumi.yaml a/venv/bin/python", "infra", {"PULUMI_RUNTIME_VIRTUALENV": "venv"}, "a/venv/bin/python"),
        ("a/Pulumi.yml a/venv/bin/python", "infra", {"PULUMI_RUNTIME_VIRTUALENV": "venv"}, "a/venv/bin/python"),
        (
            "a/Pulumi.yaml a/venv/bin/python a/.venv/bin/python",
            "",
            {"PULUMI_RUNTIME_VIRTUALENV": "venv", "PULUMI_RUNTIME_TOOLCHAIN": "uv"},
            "a/venv/bin/python",
        ),
        ("a/.venv/bin/python", "", {"PULUMI_RUNTIME_TOOLCHAIN": "uv"}, "a/.venv/bin/python"),
        ("uv.lock a/pyproject.toml .venv/bin/python", "", {"PULUMI_RUNTIME_TOOLCHAIN": "uv"}, ".venv/bin/python"),
        ("pyproject.toml .venv/bin/python", "", {"PULUMI_RUNTIME_TOOLCHAIN": "uv"}, ".venv/bin/python"),
        ("a/uv.lock a/.venv/bin/python", "infra", {"PULUMI_RUNTIME_TOOLCHAIN": "uv"}, "a/.venv/bin/python"),
        ("uv.lock .venv/bin/python bin/python3", "", {}, ".venv/bin/python"),
        (
            "uv.lock elsewhere/bin/python",
            "",
            {"PULUMI_RUNTIME_TOOLCHAIN": "uv", "UV_PROJECT_ENVIRONMENT": "elsewhere"},
            "elsewhere/bin/python",
        ),
        (
            "opt/venv/bin/python",
            "",
            {"PULUMI_RUNTIME_TOOLCHAIN": "uv", "UV_PROJECT_ENVIRONMENT": "~/opt/venv"},
            "opt/venv/bin/python",
        ),
        ("bin/poetry poetry/bin/python", "", {"PULUMI_RUNTIME_TOOLCHAIN": "poetry"}, "poetry/bin/python"),
        ("bin/poetry poetry/bin/python poetry.lock", "", {}, "poetry/bin/python"),
    ],
)
def test_script_uses_the_interpreter_of_the_program(
    tmp_path: Path, files: str, main: str, variables: dict[str, str], chosen: str
) -> None:
    """The script looks where Pulumi's language host looks. The engine runs it in the program's folder."""
    folder = tmp_path / "with a space"
    program = folder / "a" / main
    program.mkdir(parents=True)
    lay_out(folder, files)
    result = run_script(folder, program, variables)
    assert result.stderr == ""
    assert result.stdout.splitlines() == [
        str(folder / chosen),
        *("-u", "-m", "astro_deployment_runtime.plugin", "127.0.0.1:1234 5"),
    ]


@pytest.mark.parametrize(
    ("files", "variables", "looked"),
    [
        ("a/Pulumi.yaml", {"PULUMI_RUNTIME_VIRTUALENV": "venv"}, ["~/a/venv/bin/python"]),
        (
            "uv.lock",
            {"PULUMI_RUNTIME_TOOLCHAIN": "uv", "UV_PROJECT_ENVIRONMENT": "b"},
            ["~/.venv/bin/python", "~/b/bin/python"],
        ),
        ("bin/poetry", {"PULUMI_RUNTIME_TOOLCHAIN": "poetry"}, ["~/poetry/bin/python"]),
        ("", {"PULUMI_PYTHON_CMD": "no-such-python"}, ["no-such-python on PATH"]),
    ],
)
def test_script_lists_where_it_looked_for_an_interpreter(
    tmp_path: Path, files: str, variables: dict[str, str], looked: list[str]
) -> None:
    """And says what to do."""
    (tmp_path / "a").mkdir()
    lay_out(tmp_path, files)
    result = run_script(tmp_path, tmp_path / "a", variables)
    assert (result.returncode, result.stdout) == (1, "")
    head, *places, advice = result.stderr.splitlines()
    assert head.endswith("Looked for:")
    assert [place.strip().replace(str(tmp_path), "~") for place in places] == looked
    assert "runtime.options.virtualenv" in advice

"""The package as users get it: a wheel in its own environment, in another Pulumi project."""

from __future__ import annotations

import fcntl
import os
import re
import shutil
import subprocess
import sys
import venv
import zipfile
from typing import TYPE_CHECKING, Final

import pytest

from tests.e2e.native_project import NativeProject
from tests.e2e.pulumi_project import Project
from tests.e2e.sandbox_process import ROOT, deployment

if TYPE_CHECKING:
    from pathlib import Path

    from tests.e2e.conftest import StartSandbox

_RELEASE: Final = "galactic-stars-1234"
_PACKAGE: Final = "astro_deployment_runtime"
_PIP: Final = (sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet")


class Elsewhere(Project):
    """A project of another repository, with only the program of the README."""

    name = "elsewhere"

    def lay_out(self) -> None:
        """Write the files as ``pulumi new python`` does."""
        options = f"{{toolchain: pip, virtualenv: '{self.virtualenv}'}}"
        text = f"name: elsewhere\nruntime:\n  name: python\n  options: {options}\n"
        (self.folder / "Pulumi.yaml").write_text(text, encoding="utf-8")
        readme = (ROOT / "README.md").read_text(encoding="utf-8")
        self.program(readme.partition("```python\n")[2].partition("```\n")[0])


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Path:
    """The folder of the wheel and of its environment, which the first of the test processes makes."""
    base = tmp_path_factory.getbasetemp()
    folder = (base if worker_id == "master" else base.parent) / "installed"
    with folder.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "complete").exists():
            _install(_build(folder), folder / "venv")
            (folder / "complete").touch()
    return folder


@pytest.fixture(scope="module")
def wheel(installed: Path) -> Path:
    """The wheel, built from a copy of the sources as in a clone."""
    [built] = installed.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def environment(installed: Path) -> Path:
    """A virtual environment with the wheel and its requirements, without the repository."""
    return installed / "venv"


def _build(folder: Path) -> Path:
    sources = folder / "provider"
    shutil.copytree(ROOT / "provider", sources, ignore=shutil.ignore_patterns("*.egg-info", "build", "__pycache__"))
    subprocess.run([*_PIP, "wheel", "--no-deps", "--wheel-dir", folder, sources], check=True)
    [built] = folder.glob("*.whl")
    return built


def _install(wheel: Path, environment: Path) -> None:
    venv.create(environment, with_pip=True)
    subprocess.run([*_PIP, "--python", environment, "install", wheel], check=True)


def _python(environment: Path, *words: str | Path, cwd: Path) -> str:
    command = [environment / "bin" / "python", *words]
    return subprocess.run(command, cwd=cwd, check=True, capture_output=True, text=True).stdout


def test_the_wheel_holds_all_files_of_the_package(wheel: Path) -> None:
    """Catalogs, schemas, the mark of a typed package, and the plugin's script, which can be run; and nothing else."""
    sources = ROOT / "provider" / _PACKAGE
    expected = {
        path.relative_to(sources.parent).as_posix()
        for path in sources.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    script = f"{_PACKAGE}/plugin/scripts/pulumi-resource-pulumi-python"
    with zipfile.ZipFile(wheel) as archive:
        names = {name for name in archive.namelist() if ".dist-info/" not in name}
        [licence] = [name for name in archive.namelist() if name.endswith("/LICENSE")]
        assert archive.read(licence) == (ROOT / "LICENSE").read_bytes()
        assert archive.getinfo(script).external_attr >> 16 & 0o111 == 0o111
    assert names == expected
    assert f"{_PACKAGE}/py.typed" in names


def test_the_package_is_complete_without_the_repository(environment: Path, tmp_path: Path) -> None:
    """Python imports it from the environment, and its command line finds the catalogs."""
    asked = f"import {_PACKAGE} as it; print(it.__file__)"
    assert _python(environment, "-c", asked, cwd=tmp_path).startswith(str(environment))
    words = ("-m", _PACKAGE, "plan", "--from", "AC 2.2.3", "--to", "5.0.4")
    assert "AC 2.2.3 > AC 2.3.2 > Astro Runtime 5.0.4 (2 hops" in _python(environment, *words, cwd=tmp_path)


def test_the_console_script_runs_and_names_itself(environment: Path, tmp_path: Path) -> None:
    """In its help and in the commands that it suggests; ``python -m`` names itself too."""
    script = environment / "bin" / "astro-deployment-runtime"
    words = ("explain", "Runtime 8.10.0", "9.0.0")
    typed = subprocess.run([script, *words], cwd=tmp_path, check=False, capture_output=True, text=True)
    assert typed.returncode == 3
    assert "\n  astro-deployment-runtime explain 'Runtime 8.10.0' 9.7.0\n" in typed.stdout
    shown = subprocess.run([script, "--help"], cwd=tmp_path, check=True, capture_output=True, text=True).stdout
    assert shown.startswith("usage: astro-deployment-runtime ")
    assert _python(environment, "-m", _PACKAGE, "--help", cwd=tmp_path).startswith(f"usage: python -m {_PACKAGE} ")


def test_a_users_program_is_type_checked(environment: Path, tmp_path: Path) -> None:
    """Against the installed package: correct lines pass, and every mistake is found."""
    program = shutil.copy(ROOT / "tests" / "typed" / "program.py", tmp_path)
    options = ("--strict", "--config-file", os.devnull, "--python-executable", str(environment / "bin" / "python"))
    command = [sys.executable, "-m", "mypy", *options, program]
    checked = subprocess.run(command, cwd=tmp_path, check=False, capture_output=True, text=True)
    assert checked.stdout == "Success: no issues found in 1 source file\n"


@pytest.mark.parametrize("own_host", [True, False], ids=["our host", "Pulumi's own host"])
def test_another_project_uses_it(
    platform: StartSandbox, engine: Path, environment: Path, tmp_path: Path, own_host: bool
) -> None:
    """After ``init`` messages appear under the resource, otherwise under the stack."""
    sandbox = platform(deployment(_RELEASE, "2.2.3"))
    stack = Elsewhere(tmp_path / "project", engine, sandbox.url, virtualenv=environment)
    if own_host:
        _python(environment, "-m", _PACKAGE, "init", cwd=stack.folder)
    shown = stack.preview()
    row = "data-eng" if own_host else "elsewhere-test"
    assert "AC 2.2.3 > AC 2.3.0 > Astro Runtime 5.0.4 (2 hops" in "\n".join(shown.lines(row))
    assert re.search(r'runs: "Astro Runtime 5\.0\.4"', stack.up().text)
    assert sandbox.show(_RELEASE)["version"] == "5.0.4"
    stack.preview("--expect-no-changes")


def test_a_project_in_yaml_uses_it(platform: StartSandbox, engine: Path, environment: Path, tmp_path: Path) -> None:
    """Its plugin is the program that the wheel installs, and nothing of the project is in Python."""
    sandbox = platform(deployment(_RELEASE, "2.2.3"))
    stack = NativeProject(tmp_path / "project", engine, sandbox.url, plugin=environment / "bin")
    stack.example()
    assert "AC 2.2.3 > AC 2.3.0 > Astro Runtime 5.0.4 (2 hops" in "\n".join(stack.preview().lines("data-eng"))

"""The examples in TypeScript and Go, each with an SDK that is generated from the plugin's schema.

Hosts and generator come from `tools/language_hosts.py`, packages from their registries.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import pytest

from tests.e2e.pulumi_project import Project, users_environment
from tests.e2e.sandbox_process import ROOT, deployment
from tools.language_hosts import find_or_build

if TYPE_CHECKING:
    from pathlib import Path

    from tests.e2e.conftest import StartSandbox

pytestmark = [pytest.mark.soak, pytest.mark.timeout(1500)]

RELEASE: Final = "galactic-stars-1234"
NATIVE: Final = ROOT / "native"


@dataclass(frozen=True, slots=True)
class Language:
    """How a language gets its packages and checks types, and a mistake that the check must find."""

    example: str
    generator: str
    install: tuple[str, ...]
    check: tuple[str, ...]
    program: str
    mistake: tuple[str, str]
    complaint: str


LANGUAGES: Final = (
    Language(
        example="typescript",
        generator="nodejs",
        install=("npm", "install", "--no-audit", "--no-fund"),
        check=("npx", "tsc", "--noEmit"),
        program="index.ts",
        mistake=("runtimeVersion:", "runtimeVersoin:"),
        complaint="'runtimeVersoin' does not exist in type 'DeploymentRuntimeArgs'",
    ),
    Language(
        example="go",
        generator="go",
        install=("go", "mod", "tidy", "-diff"),  # go.mod and go.sum are complete: it would change nothing
        check=("go", "vet", "./..."),
        program="main.go",
        mistake=("RuntimeVersion:", "RuntimeVersoin:"),
        complaint="unknown field RuntimeVersoin",
    ),
)


@dataclass(slots=True)
class Example(Project):
    """A copy of an example, on the real plugin."""

    name = "airflow"
    example: str = ""

    def lay_out(self) -> None:
        """Copy the files that the repository has."""
        source = ROOT / "examples" / self.example
        shutil.copytree(source, self.folder, ignore=shutil.ignore_patterns("sdks", "node_modules"), dirs_exist_ok=True)
        settings = self.folder / "Pulumi.yaml"
        text = settings.read_text(encoding="utf-8")
        assert "../../native" in text
        settings.write_text(text.replace("../../native", str(NATIVE)), encoding="utf-8")

    def work(self, *command: str) -> tuple[int, str]:
        """Run a command in the project; return its exit code and output."""
        done = subprocess.run(
            command,
            cwd=self.folder,
            env=self.environment,
            check=False,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=600,
        )
        return done.returncode, done.stdout


@pytest.fixture(scope="session")
def hosts() -> Path:
    """The folder with the hosts and the generator."""
    return find_or_build()


@pytest.mark.parametrize("language", LANGUAGES, ids=lambda language: language.example)
def test_example_follows_the_path(
    tmp_path: Path, engine: Path, hosts: Path, platform: StartSandbox, language: Language
) -> None:
    """The types are checked, the preview only reads, and the update delivers each hop of the path."""
    sandbox = platform(deployment(RELEASE, "2.2.3"))
    programs = (f"{sys.prefix}/bin", str(hosts), str(engine), users_environment()["PATH"])
    stack = Example(
        tmp_path / "project",
        engine,
        sandbox.url,
        {"PATH": os.pathsep.join(programs)},
        sandbox=sandbox,
        example=language.example,
    )
    schema = stack.run("package", "get-schema", str(NATIVE / "pulumi-resource-astro"), code=0).text
    (tmp_path / "schema.json").write_text(schema[schema.index("{") :], encoding="utf-8")
    for command in (
        ("generate-sdk", str(tmp_path / "schema.json"), language.generator, str(stack.folder / "sdks" / "astro")),
        language.install,
        language.check,
    ):
        code, printed = stack.work(*command)
        assert code == 0, printed

    program = stack.folder / language.program
    text = program.read_text(encoding="utf-8")
    program.write_text(text.replace(*language.mistake), encoding="utf-8")
    code, printed = stack.work(*language.check)
    assert code != 0
    assert language.complaint in printed
    program.write_text(text, encoding="utf-8")

    path = "AC 2.2.3 > AC 2.3.0 > Astro Runtime 5.0.4"
    printed = stack.preview().text
    assert f"data-eng ({RELEASE}): {path} (2 hops, Airflow 2.2.3 > 2.3.0)" in printed
    assert f'path: "{path}"' in printed
    stack.up()
    assert sandbox.show(RELEASE)["version"] == "5.0.4"
    assert stack.outputs("data-eng")["currentVersion"] == "Astro Runtime 5.0.4"
    stack.preview("--expect-no-changes")

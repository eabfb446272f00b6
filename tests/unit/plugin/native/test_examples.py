"""The examples in TypeScript and Go name what the schema has. `make languages` compiles and runs them."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Final

import pytest

from astro_deployment_runtime.plugin.native.servicer import schema
from astro_deployment_runtime.support.urns import NATIVE_DEPLOYMENT_TYPE

EXAMPLES: Final = Path(__file__).parents[4] / "examples"
SCHEMA: Final = json.loads(schema())
DEPLOYMENT: Final = SCHEMA["resources"][NATIVE_DEPLOYMENT_TYPE]
LANGUAGES: Final = {
    "typescript": ("index.ts", r'new astro\.DeploymentRuntime\("[^"]+", \{\n(.*?)^\}\);'),
    "go": ("main.go", r'astro\.NewDeploymentRuntime\(ctx, "[^"]+", &astro\.DeploymentRuntimeArgs\{\n(.*?)^\t*\}\)'),
}


@pytest.mark.parametrize("language", LANGUAGES)
def test_arguments_and_outputs_are_in_the_schema(language: str) -> None:
    """All arguments and outputs by their names, and each argument that has to be given."""
    file, declaration = LANGUAGES[language]
    program = (EXAMPLES / language / file).read_text(encoding="utf-8")
    declared = re.search(declaration, program, re.DOTALL | re.MULTILINE)
    assert declared
    arguments = {_camel(name) for name in re.findall(r"^\s*(\w+):", declared[1], re.MULTILINE)}
    assert set(DEPLOYMENT["requiredInputs"]) <= arguments <= set(DEPLOYMENT["inputProperties"])
    outputs = {_camel(name) for name in re.findall(r"\bdataEng\.(\w+)", program)}
    assert outputs
    assert outputs <= set(DEPLOYMENT["properties"])


def test_go_imports_the_sdk_by_the_repository() -> None:
    """The generator names the module after it."""
    module = f"{SCHEMA['repository'].removeprefix('https://')}/sdk/go"
    assert f'"{module}/{SCHEMA["name"]}"' in (EXAMPLES / "go" / "main.go").read_text(encoding="utf-8")
    assert f"replace {module} => ./sdks/astro" in (EXAMPLES / "go" / "go.mod").read_text(encoding="utf-8")


def _camel(name: str) -> str:
    return name[0].lower() + name[1:]

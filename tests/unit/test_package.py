"""The package's public names, their documentation, and the imports that they do without."""

from __future__ import annotations

import ast
import inspect
import re
import subprocess
import sys
from typing import TYPE_CHECKING, Final

import pytest

import astro_deployment_runtime
from astro_deployment_runtime.program.deployment_resource import AstroDeploymentRuntime, ProjectArgs
from astro_deployment_runtime.program.fleet_declaration import declare_fleet

if TYPE_CHECKING:
    from collections.abc import Callable

_NOT_IN_PROGRAMS: Final = ("httpx", "pydantic", "tenacity", "astro_deployment_runtime.planning")


def test_the_public_names_are_at_the_root() -> None:
    """The same objects as in their modules."""
    assert astro_deployment_runtime.AstroDeploymentRuntime is AstroDeploymentRuntime
    assert astro_deployment_runtime.ProjectArgs is ProjectArgs
    assert astro_deployment_runtime.declare_fleet is declare_fleet
    assert AstroDeploymentRuntime.__module__ == "astro_deployment_runtime.program.deployment_resource"


def test_the_root_has_no_other_names() -> None:
    """A mistyped name is an AttributeError, as in any module."""
    assert dir(astro_deployment_runtime) == ["AstroDeploymentRuntime", "ProjectArgs", "declare_fleet"]
    with pytest.raises(AttributeError, match="no attribute 'Deployment'"):
        _ = astro_deployment_runtime.Deployment


@pytest.mark.parametrize("called", [AstroDeploymentRuntime.__init__, declare_fleet])
def test_every_argument_is_documented(called: Callable[..., object]) -> None:
    """The docstring describes the arguments in order."""
    told = (called.__doc__ or "").partition("Args:")[2].partition("Returns:")[0]
    arguments = [name for name in inspect.signature(called).parameters if name != "self"]
    assert re.findall(r"^ +(\w+): ", told, re.MULTILINE) == arguments


@pytest.mark.parametrize("made", [AstroDeploymentRuntime, ProjectArgs])
def test_every_attribute_is_documented(made: type) -> None:
    """A text follows each attribute, and the class has a docstring."""
    assert made.__doc__
    [body] = [node.body for node in ast.parse(inspect.getsource(made)).body if isinstance(node, ast.ClassDef)]
    statements = [each for node in body for each in (node.body if isinstance(node, ast.If) else [node])]
    attributes = [index for index, each in enumerate(statements) if isinstance(each, ast.AnnAssign)]
    assert attributes
    for index in attributes:
        assert isinstance(statements[index + 1], ast.Expr), ast.unparse(statements[index])


@pytest.mark.parametrize(
    ("program", "unwanted"),
    [
        ("import astro_deployment_runtime.cli.main", ("pulumi", "httpx", "grpc")),
        ("from astro_deployment_runtime import AstroDeploymentRuntime", _NOT_IN_PROGRAMS),
        ("from astro_deployment_runtime import declare_fleet", _NOT_IN_PROGRAMS),
    ],
)
def test_unneeded_packages_are_not_imported(program: str, unwanted: tuple[str, ...]) -> None:
    """The command line needs no Pulumi. A program that declares resources needs no HTTP client and no planner."""
    asked = f"{program}; import sys; print([name for name in {unwanted!r} if name in sys.modules])"
    printed = subprocess.run([sys.executable, "-c", asked], check=True, capture_output=True, text=True).stdout
    assert printed.strip() == "[]"

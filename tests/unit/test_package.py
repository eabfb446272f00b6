"""What the package gives a Pulumi program, and what it does not cost."""

from __future__ import annotations

import subprocess
import sys

import pytest

import astro_deployment_runtime
from astro_deployment_runtime.fleet import declare_fleet
from astro_deployment_runtime.resource import AstroDeploymentRuntime


def test_a_program_finds_what_it_needs_at_the_root() -> None:
    """The same objects as in their modules, by whose names the state knows them."""
    assert astro_deployment_runtime.AstroDeploymentRuntime is AstroDeploymentRuntime
    assert astro_deployment_runtime.declare_fleet is declare_fleet
    assert AstroDeploymentRuntime.__module__ == "astro_deployment_runtime.resource"


def test_nothing_else_is_there() -> None:
    """A mistyped name is an AttributeError, as of any module."""
    with pytest.raises(AttributeError, match="no attribute 'Deployment'"):
        _ = astro_deployment_runtime.Deployment


@pytest.mark.parametrize(
    ("program", "unwanted"),
    [
        ("import astro_deployment_runtime.cli", ("pulumi", "httpx", "grpc")),
        ("from astro_deployment_runtime import AstroDeploymentRuntime", ("httpx", "pydantic", "stamina")),
    ],
)
def test_nobody_imports_what_others_need(program: str, unwanted: tuple[str, ...]) -> None:
    """The command line works without Pulumi, a program that declares resources without an HTTP client."""
    asked = f"{program}; import sys; print([name for name in {unwanted!r} if name in sys.modules])"
    printed = subprocess.run([sys.executable, "-c", asked], check=True, capture_output=True, text=True).stdout
    assert printed.strip() == "[]"

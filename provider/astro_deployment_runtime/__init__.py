"""Bring Airflow Deployments of Astronomer Software to a declared Astro Runtime version, with Pulumi.

A Pulumi program finds its classes and functions here. They are imported on first use, so that the command line works
without Pulumi.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from astro_deployment_runtime.program.deployment_resource import AstroDeploymentRuntime, ProjectArgs
    from astro_deployment_runtime.program.fleet_declaration import declare_fleet

_MODULES = {
    "AstroDeploymentRuntime": "program.deployment_resource",
    "ProjectArgs": "program.deployment_resource",
    "declare_fleet": "program.fleet_declaration",
}

__all__ = ["AstroDeploymentRuntime", "ProjectArgs", "declare_fleet"]


def __dir__() -> list[str]:
    """List the public names only."""
    return __all__


def __getattr__(name: str) -> object:
    """Import one of :data:`__all__` from its module."""
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)

"""Bring Airflow Deployments of Astronomer Software to a declared Astro Runtime version, with Pulumi.

What a Pulumi program needs is found here; it is imported when it is asked for, so that the command line works without
Pulumi.
"""

from __future__ import annotations

import gc
from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from astro_deployment_runtime.program.deployment_resource import AstroDeploymentRuntime, ProjectArgs
    from astro_deployment_runtime.program.fleet import declare_fleet

_HOME = {
    "AstroDeploymentRuntime": "program.deployment_resource",
    "ProjectArgs": "program.deployment_resource",
    "declare_fleet": "program.fleet",
}

__all__ = ["AstroDeploymentRuntime", "ProjectArgs", "declare_fleet"]


def __dir__() -> list[str]:
    """List what is public, and nothing that this module is made of."""
    return __all__


def __getattr__(name: str) -> object:
    """Import one of :data:`__all__` from its module."""
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    # To look for garbage while so much is imported takes a sixth of the time, and finds none.
    collects = gc.isenabled()
    gc.disable()
    try:
        return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
    finally:
        if collects:
            gc.enable()

"""From a stack's config to resources: what a Pulumi program calls."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import pulumi

from astro_deployment_runtime.declaration import read_stack
from astro_deployment_runtime.errors import InvalidDeclarationError
from astro_deployment_runtime.resource import AstroDeploymentRuntime, ProjectArgs

if TYPE_CHECKING:
    from astro_deployment_runtime.declaration import ProjectDeclaration


def declare_fleet() -> list[AstroDeploymentRuntime]:
    """Declare one resource for each entry of ``astro:deployments`` in the stack's config.

    Returns:
        The resources, in the order of the entries.

    Raises:
        pulumi.RunError: the config is wrong; the message lists every mistake.
    """
    try:
        declared = read_stack(pulumi.Config("astro").get_object("deployments") or [])
    except InvalidDeclarationError as error:
        raise pulumi.RunError(str(error)) from None
    return [
        AstroDeploymentRuntime(
            entry.name,
            runtime_version=entry.runtime_version,
            release_name=entry.release_name,
            deployment_id=entry.deployment_id,
            image=entry.image,
            project=_project(entry.project) if entry.project else None,
            strategy=entry.strategy,
            accept=list(entry.accept),
            timeout=f"{math.ceil(entry.timeout)}s",
            wait=entry.wait,
            verify=entry.verify,
        )
        for entry in declared.deployments
    ]


def _project(declared: ProjectDeclaration) -> ProjectArgs:
    project = ProjectArgs(path=declared.path, deploy=declared.deploy)
    if declared.test is not None:
        project["test"] = declared.test
    return project

"""From a stack's config to resources: what a Pulumi program calls.

The fleet is read and judged as a whole before the first resource is declared, so that a mistake or a refusal anywhere
in it ends the program while nothing has been changed.
"""

from __future__ import annotations

import math
import os
from typing import TYPE_CHECKING, Any

import pulumi
from pulumi.runtime import config

from astro_deployment_runtime.adapter import connect
from astro_deployment_runtime.errors import AstroRuntimeError
from astro_deployment_runtime.judgement import judge, refusal_text, summary
from astro_deployment_runtime.resource import AstroDeploymentRuntime, ProjectArgs
from astro_deployment_runtime.stack import KEYS, read_stack

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from astro_deployment_runtime.declaration import ProjectDeclaration
    from astro_deployment_runtime.judgement import Judged, Judgement
    from astro_deployment_runtime.stack import StackDeclaration

_NAMESPACE = "astro"


def declare_fleet(  # noqa: PLR0913 - the keys of a stack's config
    *,
    defaults: Mapping[str, Any] | None = None,
    deployments: Sequence[Mapping[str, Any]] | None = None,
    selectors: Sequence[Mapping[str, Any]] | None = None,
    exclude: Sequence[str] | None = None,
    waves: Sequence[Mapping[str, Any]] | None = None,
    on_refusal: str | None = None,
) -> list[AstroDeploymentRuntime]:
    """Declare one resource for each Deployment of the fleet.

    Each argument stands in the place of a key of the stack's config, and has its form; what is not given is read from
    there. How to reach Houston is always read from the config, or else from the environment.

    Args:
        defaults: in the place of ``astro:defaults``.
        deployments: in the place of ``astro:deployments``.
        selectors: in the place of ``astro:selectors``.
        exclude: in the place of ``astro:exclude``.
        waves: in the place of ``astro:waves``.
        on_refusal: in the place of ``astro:onRefusal``: ``stop`` or ``skip``.

    Returns:
        The resources: of the entries, then of what the selectors picked.

    Raises:
        pulumi.RunError: something declared is wrong or refused, or Houston cannot be read; the message lists all of
            it. Where refused Deployments are skipped, the run fails at its end instead.
    """
    given = dict(zip(KEYS, (defaults, deployments, selectors, exclude, waves, on_refusal), strict=True))
    try:
        stack = read_stack({key: _configured(key) if value is None else value for key, value in given.items()})
        if not stack.deployments and not stack.selections:
            return []
        judgement = judge(stack, connect(lambda key: config.get_config(f"{_NAMESPACE}:{key}"), os.environ))
    except AstroRuntimeError as error:
        raise pulumi.RunError(str(error)) from None
    if judgement.refused and not stack.skips_refused:
        raise pulumi.RunError(refusal_text(judgement))
    return _declare(stack, judgement)


def _configured(key: str) -> object:
    if key == "onRefusal":
        return pulumi.Config(_NAMESPACE).get(key) or os.environ.get("ASTRO_ON_REFUSAL")
    return pulumi.Config(_NAMESPACE).get_object(key)


def _declare(stack: StackDeclaration, judgement: Judgement) -> list[AstroDeploymentRuntime]:
    for note in judgement.notes:
        pulumi.log.warn(note)
    if stack.waves or len(judgement.fleet) > 1:
        pulumi.log.info(summary(judgement, stack.waves))
    made = [_resource(each, None) for each in judgement.fleet]
    if judgement.refused:
        _fail_at_the_end(judgement, made)
    return made


def _fail_at_the_end(judgement: Judgement, made: Sequence[AstroDeploymentRuntime]) -> None:
    """Have the program fail when all resources are registered, which is when all others have arrived."""
    names = ", ".join(each.title for each in judgement.refused)
    total, skipped = len(judgement.fleet), len(judgement.refused)
    text = f"{skipped} of {total} Deployments {'was' if skipped == 1 else 'were'} refused and left as before: {names}"

    def fail(_: object) -> None:
        raise pulumi.RunError(text)

    pulumi.Output.all(*(each.urn for each in made)).apply(fail)


def _resource(judged: Judged, opts: pulumi.ResourceOptions | None) -> AstroDeploymentRuntime:
    entry = judged.entry
    made = AstroDeploymentRuntime(
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
        hold=judged.refusal,
        opts=opts,
    )
    if judged.refusal is not None:
        pulumi.log.error(f"{judged.title}: {judged.refusal}", made)
    return made


def _project(declared: ProjectDeclaration) -> ProjectArgs:
    project = ProjectArgs(path=declared.path, deploy=declared.deploy)
    if declared.test is not None:
        project["test"] = declared.test
    return project

"""From a stack's config to resources: what a Pulumi program calls.

The fleet is read and judged as a whole before the first resource is declared, so that a mistake or a refusal anywhere
in it ends the program while nothing has been changed.
"""

from __future__ import annotations

import asyncio
import contextlib
import math
import os
from typing import TYPE_CHECKING, Any

import pulumi
from pulumi.runtime import config

from astro_deployment_runtime.adapter import connect
from astro_deployment_runtime.errors import AstroRuntimeError
from astro_deployment_runtime.interrupt import end_at_once
from astro_deployment_runtime.judgement import judge, refusal_text, summary
from astro_deployment_runtime.resource import AstroDeploymentRuntime, ProjectArgs
from astro_deployment_runtime.saved import saved_targets
from astro_deployment_runtime.stack import KEYS, read_stack
from astro_deployment_runtime.wave import AstroWave

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from astro_deployment_runtime.declaration import ProjectDeclaration
    from astro_deployment_runtime.judgement import Judged, Judgement
    from astro_deployment_runtime.stack import StackDeclaration, Wave

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
    end_at_once()
    given = dict(zip(KEYS, (defaults, deployments, selectors, exclude, waves, on_refusal), strict=True))
    try:
        stack = read_stack({key: _configured(key) if value is None else value for key, value in given.items()})
        if not stack.deployments and not stack.selections:
            return []
        adapter = connect(lambda key: config.get_config(f"{_NAMESPACE}:{key}"), os.environ)
        judgement = judge(stack, adapter, saved=saved_targets() if stack.resolves else {})
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
    made = _in_waves(stack.waves, judgement) if stack.waves else [_resource(each, None) for each in judgement.fleet]
    if judgement.refused:
        _fail_at_the_end(judgement, made)
    return made


def _in_waves(waves: Sequence[Wave], judgement: Judgement) -> list[AstroDeploymentRuntime]:
    """Declare wave by wave; between two stands a resource that the second depends on."""
    made: dict[str, AstroDeploymentRuntime] = {}
    after: list[pulumi.Resource] = []
    for wave in waves:
        judged = judgement.wave(wave.name)
        turns = _Turns(wave.max_parallel)
        resources = [turns.give(each, after) for each in judged]
        made.update(zip((each.entry.name for each in judged), resources, strict=True))
        if wave is not waves[-1]:
            after = [_end(wave, judged, [*after, *resources])]
    return [made[each.entry.name] for each in judgement.fleet]


def _end(wave: Wave, judged: Sequence[Judged], after: Sequence[pulumi.Resource]) -> AstroWave:
    watched = [each for each in judged if each.deployment_id is not None and each.entry.verify == "airflow"]
    return AstroWave(
        wave.name,
        deployments=[each.deployment_id for each in watched if each.deployment_id is not None],
        moves=sum(each.moves for each in judged),
        soak=wave.soak or 0.0,
        timeout=max((each.entry.timeout for each in judged), default=0.0),
        opts=pulumi.ResourceOptions(depends_on=list(after)),
    )


class _Turns:
    """Has so many resources of a wave registered at a time.

    The program waits, and not the plugin: what waits here has not begun, so that the engine decides whether it begins
    after a failure (``--continue-on-error``), and no lane of dependencies ties one Deployment to another.
    """

    def __init__(self, count: int | None) -> None:
        self._free = None if count is None else asyncio.Semaphore(count)
        self._ends: set[asyncio.Task[None]] = set()

    def give(self, judged: Judged, after: Sequence[pulumi.Resource]) -> AstroDeploymentRuntime:
        """Declare a Deployment, which is registered when it is its turn."""
        if self._free is None:
            return _resource(judged, pulumi.ResourceOptions(depends_on=list(after)))
        ready: Any = self._turn(self._free, after)
        turn: pulumi.Output[list[pulumi.Resource]] = pulumi.Output.from_input(ready)
        made = _resource(judged, pulumi.ResourceOptions(depends_on=turn))
        task = asyncio.ensure_future(self._end(self._free, made))
        self._ends.add(task)
        return made

    @staticmethod
    async def _turn(free: asyncio.Semaphore, after: Sequence[pulumi.Resource]) -> list[pulumi.Resource]:
        await free.acquire()
        return list(after)

    @staticmethod
    async def _end(free: asyncio.Semaphore, made: AstroDeploymentRuntime) -> None:
        # Where the engine goes on after a failure, a resource that failed has a URN too.
        with contextlib.suppress(Exception):
            await made.urn.future()
        free.release()


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
        deny=list(entry.deny) or None,
        timeout=f"{math.ceil(entry.timeout)}s",
        wait=entry.wait,
        verify=entry.verify,
        held=judged.resolved if judged.refusal is None else None,
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

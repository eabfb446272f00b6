"""From a stack's config to resources: what a Pulumi program calls.

The fleet is read and planned as a whole before the first resource is declared, so that a mistake or a refusal anywhere
in it ends the program while nothing has been changed. Our plugin host does that, which has read the platform then for
its checks; so the program imports neither an HTTP client nor a validator. Under Pulumi's own host the program does it.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pulumi
from pulumi.runtime import config, invoke

from astro_deployment_runtime.config.config_keys import NAMESPACE
from astro_deployment_runtime.config.pulumi_project_file import uses_our_plugin
from astro_deployment_runtime.lifecycle.fleet_manifest import FleetManifest
from astro_deployment_runtime.planning.plan_messages import deployment_refusal
from astro_deployment_runtime.plugin.dynamic import PLAN_FLEET
from astro_deployment_runtime.program.config_warnings import warn_of_unknown_keys
from astro_deployment_runtime.program.deployment_resource import declare_planned
from astro_deployment_runtime.program.interrupt import exit_on_interrupt, run_by_the_engine
from astro_deployment_runtime.program.wave_resource import AstroWave

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from astro_deployment_runtime.lifecycle.deployment import DeploymentLifecycle
    from astro_deployment_runtime.lifecycle.fleet_manifest import ManifestEntry, ManifestWave
    from astro_deployment_runtime.program.deployment_resource import AstroDeploymentRuntime


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
    exit_on_interrupt()
    warn_of_unknown_keys()
    given = {
        "defaults": defaults,
        "deployments": deployments,
        "selectors": selectors,
        "exclude": exclude,
        "waves": waves,
        "onRefusal": on_refusal,
    }
    read = [key for key, value in given.items() if value is None]
    secret = [key for key in read if config.is_config_secret(f"{NAMESPACE}:{key}")]
    manifest = _manifest({**given, **{key: _configured(key) for key in read}}, secret)
    if manifest.problem is not None:
        for entry in manifest.refused:
            _log_refusal(entry, None)
        raise pulumi.RunError(manifest.problem)
    return _declare(manifest)


def _manifest(declared: Mapping[str, Any], secret: Sequence[str]) -> FleetManifest:
    connected = functools.cache(_connect)
    manifest = _manifest_from(declared, None, secret, connected)
    if manifest.needs_state:
        from astro_deployment_runtime.program.stack_state import saved_resources

        manifest = _manifest_from(declared, saved_resources(), secret, connected)
    return manifest


def _manifest_from(
    declared: Mapping[str, Any],
    saved: Mapping[str, Any] | None,
    secret: Sequence[str],
    connected: Callable[[], DeploymentLifecycle],
) -> FleetManifest:
    if _plugin_plans_fleets():
        # A program may give values that JSON lacks. They are mistakes, which the call below reports.
        try:
            question = json.dumps({"declared": declared, "saved": saved, "secret": secret})
        except TypeError:
            pass
        else:
            return _asked(question)
    from astro_deployment_runtime.lifecycle.fleet import build_manifest

    return build_manifest(declared, saved, connected, secret=secret)


def _connect() -> DeploymentLifecycle:
    from astro_deployment_runtime.lifecycle.deployment import connect

    return connect(lambda key: config.get_config(f"{NAMESPACE}:{key}"), os.environ)


def _plugin_plans_fleets() -> bool:
    """Return whether our plugin runs and can plan the fleet. Pulumi's own plugin answers with a traceback."""
    # Older language hosts do not tell the project's folder, in which a program runs unless it has one of its own.
    folder = Path(pulumi.get_root_directory() or ".")
    return run_by_the_engine() and uses_our_plugin(folder)


def _asked(question: str) -> FleetManifest:
    try:
        answer = invoke(PLAN_FLEET, {"question": question}).value["answer"]
    except Exception as error:  # noqa: BLE001 - Pulumi raises nothing narrower
        raise pulumi.RunError(str(error)) from None
    return FleetManifest.from_json(answer)


def _configured(key: str) -> object:
    if key == "onRefusal":
        return pulumi.Config(NAMESPACE).get(key) or os.environ.get("ASTRO_ON_REFUSAL")
    try:
        # A key without a value is an empty text to the engine, as where all lines of a list are comments.
        return pulumi.Config(NAMESPACE).get_object(key) if pulumi.Config(NAMESPACE).get(key) else None
    except pulumi.ConfigTypeError:
        if not config.is_config_secret(f"{NAMESPACE}:{key}"):
            raise
        # Pulumi's own message has the value in it.
        raise pulumi.RunError(
            f"{NAMESPACE}:{key} is no JSON: set it anew, for example with 'pulumi config set --path'"
        ) from None


def _declare(manifest: FleetManifest) -> list[AstroDeploymentRuntime]:
    for note in manifest.notes:
        pulumi.log.warn(note)
    if manifest.summary is not None:
        pulumi.log.info(manifest.summary)
    made = _in_waves(manifest) if manifest.waves else [_resource(entry, manifest, None) for entry in manifest.entries]
    if manifest.refused:
        _fail_at_the_end(manifest, made)
    return made


def _in_waves(manifest: FleetManifest) -> list[AstroDeploymentRuntime]:
    """Declare wave by wave; between two stands a resource that the second depends on."""
    made: dict[str, AstroDeploymentRuntime] = {}
    after: list[pulumi.Resource] = []
    for wave in manifest.waves:
        turns = _Turns(wave.max_parallel, manifest)
        begun = {entry.name: turns.give(entry, after) for entry in manifest.entries if entry.wave == wave.name}
        made |= begun
        if wave is not manifest.waves[-1]:
            after = [_end(wave, begun, after)]
    return [made[entry.name] for entry in manifest.entries]


def _end(
    wave: ManifestWave, begun: Mapping[str, AstroDeploymentRuntime], after: Sequence[pulumi.Resource]
) -> AstroWave:
    return AstroWave(
        wave.name,
        deployments=wave.watched,
        moves=wave.moves,
        soak=wave.soak,
        timeout=wave.timeout,
        walked={name: _walked(made) for name, made in begun.items()},
        opts=pulumi.ResourceOptions(depends_on=[*after, *begun.values()]),
    )


def _walked(made: AstroDeploymentRuntime) -> pulumi.Output[str | None]:
    """Return the path that a Deployment was brought along last, None where it was only adopted.

    In a preview it is unknown where this run has something to do: only what was observed tells, not what is planned.
    """
    seen = pulumi.Output.all(made.current_version, made.hops, made.path)
    return seen.apply(lambda told: told[2] if told[0] and told[1] else None)


class _Turns:
    """Has so many resources of a wave registered at a time.

    The program waits, and not the plugin: what waits here has not begun, so that the engine decides whether it begins
    after a failure (``--continue-on-error``), and no lane of dependencies ties one Deployment to another.
    """

    def __init__(self, count: int | None, manifest: FleetManifest) -> None:
        self._manifest = manifest
        self._free = None if count is None else asyncio.Semaphore(count)
        self._ends: set[asyncio.Task[None]] = set()

    def give(self, entry: ManifestEntry, after: Sequence[pulumi.Resource]) -> AstroDeploymentRuntime:
        """Declare a Deployment, which is registered when it is its turn."""
        if self._free is None:
            return _resource(entry, self._manifest, pulumi.ResourceOptions(depends_on=list(after)))
        ready: Any = self._turn(self._free, after)
        turn: pulumi.Output[list[pulumi.Resource]] = pulumi.Output.from_input(ready)
        made = _resource(entry, self._manifest, pulumi.ResourceOptions(depends_on=turn))
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


def _fail_at_the_end(manifest: FleetManifest, made: Sequence[AstroDeploymentRuntime]) -> None:
    """Have the program fail when all resources are registered, which is when all others have arrived."""
    names = ", ".join(entry.title for entry in manifest.refused)
    total, skipped = len(manifest.entries), len(manifest.refused)
    text = f"{skipped} of {total} Deployments {'was' if skipped == 1 else 'were'} refused and left as before: {names}"

    def fail(_: object) -> None:
        raise pulumi.RunError(text)

    pulumi.Output.all(*(each.urn for each in made)).apply(fail)


def _resource(
    entry: ManifestEntry, manifest: FleetManifest, opts: pulumi.ResourceOptions | None
) -> AstroDeploymentRuntime:
    arguments = _hidden(entry.arguments) if manifest.secret else entry.arguments
    made = declare_planned(entry.name, arguments, held=entry.held, hold=entry.refusal, opts=opts)
    if entry.refusal is not None:
        _log_refusal(entry, made)
    return made


def _log_refusal(entry: ManifestEntry, resource: pulumi.Resource | None) -> None:
    pulumi.log.error(deployment_refusal(entry.title, entry.refusal or ""), resource)


def _hidden(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Declare as secrets what may be one, in a fleet with a secret in its config."""
    found = dict(arguments)
    if "image" in found:
        found["image"] = pulumi.Output.secret(found["image"])
    if "project" in found:
        found["project"] = {**found["project"], "path": pulumi.Output.secret(found["project"]["path"])}
    return found

"""Declare the fleet of a stack's config as resources: ``declare_fleet``, which a Pulumi program calls.

The whole fleet is planned before the first resource is declared, so that a mistake or a refusal ends the program before
anything is changed. Our plugin plans it, since its checks need the same reading of the platform; the program then
imports neither httpx nor pydantic. Under Pulumi's own plugin the program plans the fleet itself.
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
from astro_deployment_runtime.plugin.dynamic_protocol import PLAN_FLEET
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

    Each argument replaces a key of the stack's config and has the same form. A key without an argument is read from the
    config. The connection to Houston always comes from the config, or else from the environment.

    Args:
        defaults: replaces ``astro:defaults``.
        deployments: replaces ``astro:deployments``.
        selectors: replaces ``astro:selectors``.
        exclude: replaces ``astro:exclude``.
        waves: replaces ``astro:waves``.
        on_refusal: replaces ``astro:onRefusal``: ``stop`` or ``skip``.

    Returns:
        The resources of the entries, then those that the selectors picked.

    Raises:
        pulumi.RunError: the config is wrong, a Deployment is refused, or Houston cannot be read. Each refused
            Deployment has an error of its own. With ``skip``, the run fails at its end instead.
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
    manifest = _plan_fleet({**given, **{key: _read_config(key) for key in read}}, secret)
    if manifest.problem is not None:
        for entry in manifest.refused:
            _log_refusal(entry, None)
        raise pulumi.RunError(manifest.problem)
    return _declare(manifest)


def _plan_fleet(declared: Mapping[str, Any], secret: Sequence[str]) -> FleetManifest:
    connected = functools.cache(_connect)
    manifest = _plan_fleet_with(declared, None, secret, connected)
    if manifest.needs_state:
        from astro_deployment_runtime.program.stack_state import saved_resources

        manifest = _plan_fleet_with(declared, saved_resources(), secret, connected)
    return manifest


def _plan_fleet_with(
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
            return _manifest_from_plugin(question)
    from astro_deployment_runtime.lifecycle.fleet_planning import build_manifest

    return build_manifest(declared, saved, connected, secret=secret)


def _connect() -> DeploymentLifecycle:
    from astro_deployment_runtime.lifecycle.deployment import connect

    return connect(lambda key: config.get_config(f"{NAMESPACE}:{key}"), os.environ)


def _plugin_plans_fleets() -> bool:
    """Return whether our plugin runs and can plan the fleet. Pulumi's own plugin answers with a traceback."""
    # Older language hosts do not tell the project's folder, in which a program runs unless it has one of its own.
    folder = Path(pulumi.get_root_directory() or ".")
    return run_by_the_engine() and uses_our_plugin(folder)


def _manifest_from_plugin(question: str) -> FleetManifest:
    try:
        answer = invoke(PLAN_FLEET, {"question": question}).value["answer"]
    except Exception as error:  # noqa: BLE001 - Pulumi raises nothing narrower
        # The engine puts the name of the function before the plugin's message, twice.
        raise pulumi.RunError(str(error).rpartition(f"{PLAN_FLEET} returned an error: ")[2]) from None
    return FleetManifest.from_json(answer)


def _read_config(key: str) -> object:
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
            f"{NAMESPACE}:{key} is not JSON: set it again, for example with 'pulumi config set --path'"
        ) from None


def _declare(manifest: FleetManifest) -> list[AstroDeploymentRuntime]:
    for note in manifest.notes:
        pulumi.log.warn(note)
    if manifest.summary is not None:
        pulumi.log.info(manifest.summary)
    made = (
        _in_waves(manifest)
        if manifest.waves
        else [_declare_deployment(entry, manifest, None) for entry in manifest.entries]
    )
    if manifest.refused:
        _fail_at_the_end(manifest, made)
    return made


def _in_waves(manifest: FleetManifest) -> list[AstroDeploymentRuntime]:
    """Declare wave by wave. The next wave depends on a resource that waits for this one."""
    made: dict[str, AstroDeploymentRuntime] = {}
    after: list[pulumi.Resource] = []
    for wave in manifest.waves:
        slots = _WaveSlots(wave.max_parallel, manifest)
        begun = {entry.name: slots.declare(entry, after) for entry in manifest.entries if entry.wave == wave.name}
        made |= begun
        if wave is not manifest.waves[-1]:
            after = [_declare_wave_end(wave, begun, after)]
    return [made[entry.name] for entry in manifest.entries]


def _declare_wave_end(
    wave: ManifestWave, begun: Mapping[str, AstroDeploymentRuntime], after: Sequence[pulumi.Resource]
) -> AstroWave:
    return AstroWave(
        wave.name,
        deployments=wave.watched,
        moves=wave.moves,
        soak=wave.soak,
        timeout=wave.timeout,
        walked={name: _completed_path(made) for name, made in begun.items()},
        opts=pulumi.ResourceOptions(depends_on=[*after, *begun.values()]),
    )


def _completed_path(made: AstroDeploymentRuntime) -> pulumi.Output[str | None]:
    """Return the last path that a Deployment completed; None if it was only adopted.

    Unknown in a preview of hops, because it depends on the version that runs afterwards.
    """
    seen = pulumi.Output.all(made.current_version, made.hops, made.path)
    return seen.apply(lambda told: told[2] if told[0] and told[1] else None)


class _WaveSlots:
    """Registers at most ``maxParallel`` resources of a wave at a time.

    The program waits instead of the plugin. So a waiting Deployment has not started, the engine decides whether it
    starts after a failure (``--continue-on-error``), and no Deployment depends on another one of its wave.
    """

    def __init__(self, count: int | None, manifest: FleetManifest) -> None:
        self._manifest = manifest
        self._free = None if count is None else asyncio.Semaphore(count)
        self._releases: set[asyncio.Task[None]] = set()

    def declare(self, entry: ManifestEntry, after: Sequence[pulumi.Resource]) -> AstroDeploymentRuntime:
        """Declare a Deployment. The engine receives it when a slot is free."""
        if self._free is None:
            return _declare_deployment(entry, self._manifest, pulumi.ResourceOptions(depends_on=list(after)))
        acquired: Any = self._acquire(self._free, after)
        dependencies: pulumi.Output[list[pulumi.Resource]] = pulumi.Output.from_input(acquired)
        made = _declare_deployment(entry, self._manifest, pulumi.ResourceOptions(depends_on=dependencies))
        task = asyncio.ensure_future(self._release(self._free, made))
        self._releases.add(task)
        return made

    @staticmethod
    async def _acquire(free: asyncio.Semaphore, after: Sequence[pulumi.Resource]) -> list[pulumi.Resource]:
        await free.acquire()
        return list(after)

    @staticmethod
    async def _release(free: asyncio.Semaphore, made: AstroDeploymentRuntime) -> None:
        # With --continue-on-error, a failed resource gets a URN too.
        with contextlib.suppress(Exception):
            await made.urn.future()
        free.release()


def _fail_at_the_end(manifest: FleetManifest, made: Sequence[AstroDeploymentRuntime]) -> None:
    """Fail the program when all resources are registered: the Deployments that are not refused are done by then."""
    names = ", ".join(entry.title for entry in manifest.refused)
    total, skipped = len(manifest.entries), len(manifest.refused)
    text = f"{skipped} of {total} Deployments {'was' if skipped == 1 else 'were'} refused and left as before: {names}"

    def fail(_: object) -> None:
        raise pulumi.RunError(text)

    pulumi.Output.all(*(each.urn for each in made)).apply(fail)


def _declare_deployment(
    entry: ManifestEntry, manifest: FleetManifest, opts: pulumi.ResourceOptions | None
) -> AstroDeploymentRuntime:
    arguments = _with_secrets_marked(entry.arguments) if manifest.secret else entry.arguments
    made = declare_planned(entry.name, arguments, held=entry.held, hold=entry.refusal, opts=opts)
    if entry.refusal is not None:
        _log_refusal(entry, made)
    return made


def _log_refusal(entry: ManifestEntry, resource: pulumi.Resource | None) -> None:
    # Only a refusal needs the texts of plans, whose import would delay every program.
    from astro_deployment_runtime.planning.plan_messages import deployment_refusal

    pulumi.log.error(deployment_refusal(entry.title, entry.refusal or ""), resource)


def _with_secrets_marked(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Mark the arguments as secrets that may be the secret in the fleet's config."""
    found = dict(arguments)
    if "image" in found:
        found["image"] = pulumi.Output.secret(found["image"])
    if "project" in found:
        found["project"] = {**found["project"], "path": pulumi.Output.secret(found["project"]["path"])}
    return found

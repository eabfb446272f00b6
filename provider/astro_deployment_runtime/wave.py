"""What stands between two waves of a fleet: a resource that waits, where the wave before it had something to do.

The next wave's Deployments depend on it, and it on those of its own wave, so that the engine keeps the order, a
failure stops what comes after it, and the number of dependencies grows with the fleet and not with its square.

The state holds the provider pickled by the name of its class, so this module's name has to import for ever.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, Final

from pulumi import dynamic

from astro_deployment_runtime.calls import CallClock, CallReporter
from astro_deployment_runtime.host import PartialProgressError, current_call

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pulumi

_NAMESPACE: Final = "astro"


class WaveProvider(dynamic.ResourceProvider):
    """What the engine calls. Stateless where a program makes it."""

    serialize_as_secret_always = False
    """There is no secret in it: the state holds the name of this class."""

    def configure(self, req: dynamic.ConfigureRequest) -> None:
        """Keep the stack's config for when the platform is asked."""
        self._config = req.config

    def check(self, _olds: dict[str, Any], news: dict[str, Any]) -> dynamic.CheckResult:
        """Show what will be waited for."""
        given = {name: value for name, value in news.items() if name != "soaked"}
        if _waits(given):
            from astro_deployment_runtime.report import span

            CallReporter(current_call()).info(
                f"the next wave begins when all of this one have arrived and been healthy for {span(given['soak'])}"
            )
        return dynamic.CheckResult(given, [])

    def diff(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> dynamic.DiffResult:
        """There is something to do where the wave has something to do, or was not waited for to the end."""
        return dynamic.DiffResult(changes=_waits(_news) or _olds.get("soaked") is False)

    def create(self, props: dict[str, Any]) -> dynamic.CreateResult:
        """Wait for the first time."""
        return dynamic.CreateResult(props["wave"], self._wait(props, due=_waits(props)))

    def update(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> dynamic.UpdateResult:
        """Wait again; also for what an earlier run did not wait for to the end."""
        due = _waits(_news) or _olds.get("soaked") is False
        return dynamic.UpdateResult(self._wait(_news, due=due))

    def read(self, id_: str, props: dict[str, Any]) -> dynamic.ReadResult:
        """Change nothing in a refresh."""
        return dynamic.ReadResult(id_, props)

    def delete(self, _id: str, _props: dict[str, Any]) -> None:
        """Do nothing: there is nothing on the platform."""

    def _wait(self, props: dict[str, Any], *, due: bool) -> dict[str, Any]:
        if not due or not props["soak"]:
            return {**props, "soaked": True}
        from astro_deployment_runtime.adapter import connect
        from astro_deployment_runtime.errors import AstroRuntimeError
        from astro_deployment_runtime.soaking import soak

        call = current_call()
        try:
            soak(
                props["deployments"],
                seconds=props["soak"],
                timeout=props["timeout"],
                houston=connect(lambda key: self._config.get(f"{_NAMESPACE}:{key}"), os.environ).houston,
                clock=CallClock(call),
                reporter=CallReporter(call),
            )
        except AstroRuntimeError as error:
            if call is None:
                raise
            unfinished = {**props, "soaked": False}
            raise PartialProgressError(str(error), resource_id=props["wave"], outputs=unfinished) from None
        return {**props, "soaked": True}


def _waits(props: dict[str, Any]) -> bool:
    return bool(props["moves"] and props["soak"])


class AstroWave(dynamic.Resource, module="astro", name="Wave"):
    """The end of a wave: it is there when all Deployments of the wave have arrived and been healthy long enough."""

    def __init__(  # noqa: PLR0913 - a resource's arguments
        self,
        resource_name: str,
        *,
        deployments: Sequence[str],
        moves: int,
        soak: float,
        timeout: float,
        opts: pulumi.ResourceOptions,
    ) -> None:
        """Declare the end of a wave.

        Args:
            resource_name: the wave's name.
            deployments: the ids of those whose health is watched.
            moves: how many Deployments of the wave have something to do in this run. Where none has, nothing is waited
                for.
            soak: for how many seconds they have to be healthy.
            timeout: for how many seconds it is borne that they are not.
            opts: Pulumi's options; they name the Deployments of the wave as what this depends on.
        """
        properties: dict[str, Any] = {
            "wave": resource_name,
            "deployments": list(deployments),
            "moves": moves,
            "soak": soak,
            "timeout": timeout,
            "soaked": None,
        }
        super().__init__(WaveProvider(), resource_name, properties, opts)

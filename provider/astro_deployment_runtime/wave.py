"""What stands between two waves of a fleet: a resource that waits, where the wave before it had something to do.

The next wave's Deployments depend on it, and it on those of its own wave, so that the engine keeps the order, a
failure stops what comes after it, and the number of dependencies grows with the fleet and not with its square.

The state holds the provider pickled by the name of its class, so this module's name has to import for ever.
"""

from __future__ import annotations

from typing import Any

from pulumi import dynamic
from pulumi.runtime import rpc

from astro_deployment_runtime.plugin.connection import connection_of
from astro_deployment_runtime.plugin.engine_call import CallClock, CallReporter, PartialProgressError, current_call


class WaveProvider(dynamic.ResourceProvider):
    """What the engine calls. Stateless where a program makes it."""

    serialize_as_secret_always = False
    """There is no secret in it: the state holds the name of this class."""

    def configure(self, req: dynamic.ConfigureRequest) -> None:
        """Use the connection of the plugin process."""
        self._connection = connection_of(req)

    def check(self, _olds: dict[str, Any], news: dict[str, Any]) -> dynamic.CheckResult:
        """Show what will be waited for."""
        given = {name: value for name, value in news.items() if name != "soaked"}
        if _moves(given):
            self._say("the next wave begins when all of this one have arrived and been healthy for", given)
        return dynamic.CheckResult(given, [])

    def diff(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> dynamic.DiffResult:
        """Wait where the wave has something to do, or was not soaked to the end since it had."""
        changes = _due(_olds, _news)
        if changes and _news["soak"] and not _moves(_news):
            self._say("this wave was not soaked to the end; the next one begins when it has been healthy for", _news)
        return dynamic.DiffResult(changes=changes)

    def create(self, props: dict[str, Any]) -> dynamic.CreateResult:
        """Wait for the first time."""
        return dynamic.CreateResult(props["wave"], self._wait({}, props))

    def update(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> dynamic.UpdateResult:
        """Wait again; also for what an earlier run did not wait for to the end."""
        return dynamic.UpdateResult(self._wait(_olds, _news))

    def read(self, id_: str, props: dict[str, Any]) -> dynamic.ReadResult:
        """Change nothing in a refresh."""
        return dynamic.ReadResult(id_, props)

    def delete(self, _id: str, _props: dict[str, Any]) -> None:
        """Do nothing: there is nothing on the platform."""

    @staticmethod
    def _say(text: str, props: dict[str, Any]) -> None:
        from astro_deployment_runtime.execution.wave_soak import deadline
        from astro_deployment_runtime.support.text import duration

        soak = props["soak"]
        CallReporter(current_call()).info(f"{text} {duration(soak)}, {deadline(soak, props['timeout'])}")

    def _wait(self, olds: dict[str, Any], props: dict[str, Any]) -> dict[str, Any]:
        if not (props["soak"] and _due(olds, props)):
            return {**props, "soaked": True}
        from astro_deployment_runtime.errors import AstroRuntimeError
        from astro_deployment_runtime.execution.wave_soak import soak

        call = current_call()
        try:
            soak(
                props["deployments"],
                seconds=props["soak"],
                timeout=props["timeout"],
                houston=self._connection.lifecycle().houston,
                clock=CallClock(call),
                reporter=CallReporter(call),
            )
        except AstroRuntimeError as error:
            if call is None:
                raise
            unfinished = {**props, "soaked": False}
            raise PartialProgressError(str(error), resource_id=props["wave"], outputs=unfinished) from None
        return {**props, "soaked": True}


def _moves(props: dict[str, Any]) -> bool:
    """Return whether Deployments of the wave have something to do in this run."""
    return bool(props["moves"] and props["soak"])


def _due(olds: dict[str, Any], news: dict[str, Any]) -> bool:
    """Return whether the wave is to be soaked; ``olds`` is what was saved of it, empty for a new one."""
    if _moves(news) or olds.get("soaked") is False:
        return True
    walked = news.get("walked")
    if not news["soak"] or not walked or (olds and "walked" not in olds):
        # A state of 0.1.0 does not tell what was walked: it was soaked then.
        return False
    # In a preview, what a Deployment has walked is unknown where it is confirmed in this run.
    soaked = olds.get("walked") or {}
    return rpc.contains_unknowns(walked) or any(path and path != soaked.get(name) for name, path in walked.items())

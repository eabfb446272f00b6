"""Provider of the gate between two waves of a fleet: a resource that waits for the soak of a wave that changed.

The gate depends on the Deployments of its wave, and those of the next wave depend on the gate. So the engine keeps the
order and stops after a failure, and the number of dependencies grows linearly with the fleet.

States hold the provider pickled by the name of its class: this module and the class must never be renamed.
"""

from __future__ import annotations

from typing import Any

from pulumi import dynamic
from pulumi.runtime import rpc

from astro_deployment_runtime.plugin.connection import connection_of
from astro_deployment_runtime.plugin.wave_soaking import announce_soak, soak_wave


class WaveProvider(dynamic.ResourceProvider):
    """Methods that the engine calls. A program creates the provider without any state."""

    serialize_as_secret_always = False
    """The state holds only the name of this class."""

    def configure(self, req: dynamic.ConfigureRequest) -> None:
        """Use the connection of the plugin process."""
        self._connection = connection_of(req)

    def check(self, _olds: dict[str, Any], news: dict[str, Any]) -> dynamic.CheckResult:
        """Show the soak that this run has to wait for."""
        given = {name: value for name, value in news.items() if name != "soaked"}
        if _changes(given):
            announce_soak(given["soak"], given["timeout"])
        return dynamic.CheckResult(given, [])

    def diff(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> dynamic.DiffResult:
        """Report a change if the wave has to soak: in this run, or because an earlier soak did not finish."""
        changes = _soak_due(_olds, _news)
        if changes and _news["soak"] and not _changes(_news):
            announce_soak(_news["soak"], _news["timeout"], unfinished=True)
        return dynamic.DiffResult(changes=changes)

    def create(self, props: dict[str, Any]) -> dynamic.CreateResult:
        """Wait for the soak of a new wave."""
        return dynamic.CreateResult(props["wave"], self._wait({}, props))

    def update(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> dynamic.UpdateResult:
        """Wait for the soak, also for one that an earlier run did not finish."""
        return dynamic.UpdateResult(self._wait(_olds, _news))

    def read(self, id_: str, props: dict[str, Any]) -> dynamic.ReadResult:
        """Return the saved outputs: a gate has no state on the platform."""
        return dynamic.ReadResult(id_, props)

    def delete(self, _id: str, _props: dict[str, Any]) -> None:
        """Do nothing: a gate does not exist on the platform."""

    def _wait(self, olds: dict[str, Any], props: dict[str, Any]) -> dict[str, Any]:
        if props["soak"] and _soak_due(olds, props):
            soak_wave(
                self._connection,
                props["deployments"],
                seconds=props["soak"],
                timeout=props["timeout"],
                resource_id=props["wave"],
                unfinished={**props, "soaked": False},
            )
        return {**props, "soaked": True}


def _changes(props: dict[str, Any]) -> bool:
    """Return whether Deployments of the wave change in this run."""
    return bool(props["moves"] and props["soak"])


def _soak_due(olds: dict[str, Any], news: dict[str, Any]) -> bool:
    """Return whether the wave has to soak. ``olds`` are its saved outputs, empty for a new wave."""
    if _changes(news) or olds.get("soaked") is False:
        return True
    walked = news.get("walked")
    if not news["soak"] or not walked or (olds and "walked" not in olds):
        # A state of 0.1.0 does not record the walked paths: its soak was finished then.
        return False
    # In a preview, the walked path of a Deployment that this run still confirms is unknown.
    soaked = olds.get("walked") or {}
    return rpc.contains_unknowns(walked) or any(path and path != soaked.get(name) for name, path in walked.items())

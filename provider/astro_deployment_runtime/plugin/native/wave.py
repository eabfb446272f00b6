"""The native resource ``astro:index:Wave``: the gate between two waves of a fleet.

The Deployments of the next wave depend on it. It is due when a Deployment runs a version that the last finished soak
did not see.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from astro_deployment_runtime.errors import InvalidConfigError, RefusedError
from astro_deployment_runtime.plugin.native.resource import (
    Change,
    Properties,
    ResourceCheck,
    ResourceDiff,
    ResourceRead,
    announce_takeover,
    changed,
    end_of,
    is_from_dynamic_resource,
    own,
)
from astro_deployment_runtime.plugin.properties import UNKNOWN, holds_unknown, renamed, to_camel
from astro_deployment_runtime.plugin.wave_soaking import announce_soak, soak_wave
from astro_deployment_runtime.support.urns import resource_name

if TYPE_CHECKING:
    from collections.abc import Mapping

    from astro_deployment_runtime.config.wave_arguments import WaveArguments
    from astro_deployment_runtime.plugin.connection import PlatformConnection

ARGUMENTS: Final = ("deployments", "soak", "timeout")

_NO_IMPORT: Final = "{name}: a wave exists only in its stack, so it cannot be imported: declare it in the program"
_STAND_INS: Final[Mapping[str, Any]] = {"deployments": [], "soak": None, "timeout": None}
"""Values that are checked instead of unknown ones."""


class WaveResource:
    """Translates between the engine and the soak of a wave."""

    def __init__(self, connection: PlatformConnection) -> None:
        """Use the connection of the provider."""
        self._connection = connection

    def check(self, urn: str, olds: Properties, news: Properties) -> ResourceCheck:  # noqa: ARG002 - as for a Deployment
        """Check the arguments, and show the soak that this run has to wait for."""
        given = {name: value for name, value in own(news).items() if name != "soaked"}
        try:
            arguments = _read(given)
        except InvalidConfigError as error:
            return ResourceCheck(inputs=given, failures=(("", str(error)),))
        if arguments.soak and (not olds or _members(given) - _soaked_members(given, olds)):
            announce_soak(arguments.soak, arguments.timeout)
        return ResourceCheck(inputs=given)

    def diff(self, id_: str, old_inputs: Properties, olds: Properties, news: Properties) -> ResourceDiff:  # noqa: ARG002
        """Report a change if the wave has to soak, or if an argument changed."""
        due = _soak_due(olds, news)
        if is_from_dynamic_resource(olds):
            if not due:
                announce_takeover()
            return ResourceDiff(changes=True)
        details = changed(ARGUMENTS, olds, news)
        if due and not _members(news) - _soaked_members(news, old_inputs):
            details["soaked"] = Change.UPDATE
            if (arguments := _read(own(news))).soak:
                announce_soak(arguments.soak, arguments.timeout, unfinished=True)
        return ResourceDiff(changes=due or bool(details), details=details)

    def planned(self, olds: Properties, news: Properties) -> Properties:  # noqa: ARG002 - as for a Deployment
        """Return the outputs after the soak."""
        return {**own(news), "soaked": True}

    def create(self, urn: str, news: Properties) -> tuple[str, Properties]:
        """Wait for the soak of a new wave."""
        name = resource_name(urn)
        return name, self._soak(name, {}, news)

    def update(self, id_: str, olds: Properties, news: Properties) -> Properties:
        """Wait for the soak, also for one that an earlier run did not finish."""
        return self._soak(id_, olds, news)

    def read(self, id_: str, inputs: Properties, olds: Properties) -> ResourceRead | None:
        """Return what is saved: a wave has no state on the platform."""
        if not olds:
            raise RefusedError(_NO_IMPORT.format(name=id_))
        return ResourceRead(id=id_, inputs=inputs, outputs=olds)

    def delete(self, id_: str, olds: Properties) -> None:
        """Do nothing: a wave does not exist on the platform."""

    def _soak(self, id_: str, olds: Properties, news: Properties) -> Properties:
        outputs = own(news)
        arguments = _read(outputs)
        if arguments.soak and _soak_due(olds, news):
            soak_wave(
                self._connection,
                [each.id for each in arguments.deployments],
                seconds=arguments.soak,
                timeout=arguments.timeout,
                resource_id=id_,
                unfinished={**outputs, "soaked": False},
            )
        return {**outputs, "soaked": True}


def _read(given: Mapping[str, Any]) -> WaveArguments:
    """Check the arguments; an unknown part counts as valid."""
    from astro_deployment_runtime.config.wave_arguments import read_wave_arguments

    known = {
        name: _STAND_INS.get(name) if value is UNKNOWN else value for name, value in given.items() if name != "soaked"
    }
    if holds_unknown(members := known.get("deployments")) and isinstance(members, list):
        known["deployments"] = [_with_stand_ins(each) for each in members]
    return read_wave_arguments(renamed(to_camel, known))


def _with_stand_ins(member: object) -> object:
    if isinstance(member, dict):
        return {name: "unknown" if value is UNKNOWN else value for name, value in member.items()}
    return {"id": "unknown", "current_version": "unknown"} if member is UNKNOWN else member


def _soak_due(olds: Mapping[str, Any], news: Mapping[str, Any]) -> bool:
    """Return whether the wave has to soak. ``olds`` are its saved outputs, empty for a new wave."""
    if not news.get("soak"):
        return False
    return olds.get("soaked") is not True or bool(_members(news) - _soaked_members(news, olds))


def _members(properties: Mapping[str, Any]) -> set[tuple[Any, Any]]:
    """Return the ids of the Deployments, each with the version that it runs. Either may be unknown."""
    members = properties.get("deployments")
    if not isinstance(members, list):
        return {(UNKNOWN, UNKNOWN)}
    return {
        (each.get("id"), each.get("current_version")) if isinstance(each, dict) else (each, UNKNOWN) for each in members
    }


def _soaked_members(news: Mapping[str, Any], saved: Mapping[str, Any]) -> set[tuple[Any, Any]]:
    """Return the Deployments of a wave as saved properties have them.

    The dynamic resource saves only the paths that were walked. A Deployment at the end of one has been soaked.
    """
    if "walked" not in saved:
        return {each for each in _members(saved) if UNKNOWN not in each}
    ends = {end_of(path) for path in saved["walked"].values() if path}
    return {(id_, version) for id_, version in _members(news) if version in ends}

"""The config of a provider of the package: its check, and the connection that it names.

The plugin reads the environment itself. A default in the schema would write the token into the state.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from astro_deployment_runtime.config.config_keys import CONNECTION, NAMESPACE
from astro_deployment_runtime.errors import InvalidInputError
from astro_deployment_runtime.plugin import properties
from astro_deployment_runtime.plugin.connection import PlatformConnection
from astro_deployment_runtime.plugin.properties import UNKNOWN
from astro_deployment_runtime.support.urns import resource_name

if TYPE_CHECKING:
    from collections.abc import Mapping

    from google.protobuf.struct_pb2 import Struct

ENGINES_OWN: Final = ("version", "pluginDownloadURL")
"""Keys of a provider's config that the engine writes."""

URL_VARIABLE: Final = "ASTRO_HOUSTON_URL"
TOKEN_VARIABLE: Final = "ASTRO_HOUSTON_TOKEN"  # noqa: S105 - a name, no secret

_STAND_INS: Final = {"houstonUrl": "https://unknown.invalid/v1", "token": "unknown"}
"""Values that are checked instead of unknown ones."""

_TOKEN_FOR_ANOTHER_URL: Final = (
    f"{NAMESPACE}:houstonUrl is set without {NAMESPACE}:token, and {TOKEN_VARIABLE} goes only to the address in "
    f"{URL_VARIABLE}: set {NAMESPACE}:token too, or set both by the environment"
)


def settings_of(arguments: Struct) -> dict[str, Any]:
    """Return the settings of a provider by key, as texts. A key that is none of them belongs to the stack."""
    given = properties.read(arguments)
    found = {key: given.get(properties.to_snake(key)) for key in CONNECTION}
    return {
        key: UNKNOWN if properties.holds_unknown(value) else _text(value)
        for key, value in found.items()
        if value is not None
    }


def other_keys(arguments: Struct) -> list[str]:
    """Return the keys of a provider's config that neither are settings nor belong to the engine, sorted."""
    return sorted(key for key in arguments.fields if key not in {*CONNECTION, *ENGINES_OWN} and key[:2] != "__")


def is_explicit(urn: str) -> bool:
    """Return whether a program declares this provider. The engine's own has the stack's whole config."""
    return not resource_name(urn).startswith("default")


def problem_of(settings: Mapping[str, Any], environment: Mapping[str, str]) -> str | None:
    """Say what is wrong with the settings, as far as they are known; None: nothing.

    Args:
        settings: of :func:`settings_of`.
        environment: the variables of this process.
    """
    from astro_deployment_runtime.config.connection_settings import ConnectionSettings

    def known(key: str) -> str | None:
        value = settings.get(key)
        return _STAND_INS.get(key) if value is UNKNOWN else value

    allowed = _environment(settings, environment)
    if not settings.get("token") and environment.get(TOKEN_VARIABLE) and not allowed.get(TOKEN_VARIABLE):
        return _TOKEN_FOR_ANOTHER_URL
    try:
        ConnectionSettings.load(known, allowed)
    except InvalidInputError as error:
        return str(error)
    return None


def connection_of(settings: Mapping[str, Any], environment: Mapping[str, str]) -> PlatformConnection:
    """Return the connection that the settings name, not opened yet.

    Args:
        settings: of :func:`settings_of`; an unknown one counts as not given.
        environment: the variables of this process.
    """
    config = {f"{NAMESPACE}:{key}": value for key, value in settings.items() if value is not UNKNOWN}
    return PlatformConnection(config, _environment(settings, environment))


def _environment(settings: Mapping[str, Any], environment: Mapping[str, str]) -> Mapping[str, str]:
    """Return the variables that go with the settings: no token of the environment for an address of the config."""
    url = settings.get("houstonUrl")
    if not url or url is UNKNOWN or url.strip() == environment.get(URL_VARIABLE, "").strip():
        return environment
    return {name: value for name, value in environment.items() if name != TOKEN_VARIABLE}


def _text(value: object) -> str:
    match value:
        case str():
            return value
        case bool():
            return "true" if value else "false"
        case float():
            return f"{value:g}"
        case _:
            return json.dumps(value)

"""The functions of the package. A refusal is an answer, not an error."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from astro_deployment_runtime.errors import InvalidConfigError
from astro_deployment_runtime.plugin import properties

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from astro_deployment_runtime.plugin.connection import PlatformConnection

GET_PLAN: Final = "astro:index:getPlan"
GET_DEPLOYMENTS: Final = "astro:index:getDeployments"
GET_RELEASES: Final = "astro:index:getReleases"


@dataclass(frozen=True, slots=True, kw_only=True)
class FunctionAnswer:
    """The result of a function, or why its arguments cannot be used."""

    result: dict[str, Any] = field(default_factory=dict)
    problem: str | None = None


def answer(token: str, connection: PlatformConnection, given: Mapping[str, Any]) -> FunctionAnswer | None:
    """Answer a function; None: the package has no such function.

    Args:
        token: the function's.
        connection: to the platform.
        given: the arguments, with names in snake_case.

    Raises:
        AstroRuntimeError: the platform cannot be read, or the settings are wrong.
    """
    asked = _FUNCTIONS.get(token)
    if asked is None:
        return None
    if unknown := sorted(name for name, value in given.items() if properties.holds_unknown(value)):
        shown = ", ".join(map(properties.to_camel, unknown))
        return FunctionAnswer(problem=f"{shown}: not known yet, so there is no answer")
    try:
        return FunctionAnswer(result=asked(connection, given))
    except InvalidConfigError as error:
        return FunctionAnswer(problem=str(error))


def _plan(connection: PlatformConnection, given: Mapping[str, Any]) -> dict[str, Any]:
    from astro_deployment_runtime.lifecycle.functions import plan_answer

    return plan_answer(connection.lifecycle(), given)


def _deployments(connection: PlatformConnection, given: Mapping[str, Any]) -> dict[str, Any]:
    from astro_deployment_runtime.lifecycle.functions import deployments_answer

    return deployments_answer(connection.lifecycle(), given)


def _releases(connection: PlatformConnection, _given: Mapping[str, Any]) -> dict[str, Any]:
    from astro_deployment_runtime.lifecycle.functions import releases_answer

    return releases_answer(connection.lifecycle())


_FUNCTIONS: Final[Mapping[str, Callable[[PlatformConnection, Mapping[str, Any]], dict[str, Any]]]] = {
    GET_PLAN: _plan,
    GET_DEPLOYMENTS: _deployments,
    GET_RELEASES: _releases,
}

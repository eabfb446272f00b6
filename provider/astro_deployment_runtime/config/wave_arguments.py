"""Arguments of the gate between two waves, as every Pulumi language declares them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from astro_deployment_runtime.config.resource_arguments import Duration  # noqa: TC001 - pydantic evaluates it
from astro_deployment_runtime.support.validation import validated

if TYPE_CHECKING:
    from collections.abc import Mapping

_CONFIG = ConfigDict(alias_generator=to_camel, populate_by_name=True, extra="forbid", frozen=True)


class WaveMember(BaseModel):
    """A Deployment of the wave, at the version that it runs."""

    model_config = _CONFIG

    id: Annotated[str, Field(min_length=1)]
    current_version: Annotated[str, Field(min_length=1)]


class WaveArguments(BaseModel):
    """The Deployments of a wave, and how long they have to be healthy before the next wave starts."""

    model_config = _CONFIG

    deployments: tuple[WaveMember, ...]
    soak: Duration | None = None
    """Seconds the Deployments must stay healthy; None: the wave only keeps the order."""
    timeout: Duration = 3600.0
    """Seconds the Deployments may be unhealthy before the wave fails."""


def read_wave_arguments(arguments: Mapping[str, Any]) -> WaveArguments:
    """Check the arguments of a wave. An argument that is None counts as not given.

    Raises:
        InvalidConfigError: some are wrong; the message lists all mistakes, a line each.
    """
    return validated(WaveArguments, {key: value for key, value in arguments.items() if value is not None})

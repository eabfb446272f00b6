"""The Pulumi resource that stands between two waves of a fleet."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pulumi import dynamic

from astro_deployment_runtime.wave import WaveProvider

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pulumi


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
        walked: Mapping[str, pulumi.Input[str | None]],
        opts: pulumi.ResourceOptions,
    ) -> None:
        """Declare the end of a wave.

        Args:
            resource_name: the wave's name.
            deployments: the ids of those whose health is watched.
            moves: how many Deployments of the wave have something to do in this run.
            soak: seconds for which they have to be healthy.
            timeout: seconds for which they may be unhealthy before the wave fails.
            walked: the path that each Deployment of the wave was brought along last, by the resource's name; None for
                one that was only adopted. A wave that was soaked at other paths is soaked again.
            opts: Pulumi's options; they name the Deployments of the wave as what this depends on.
        """
        properties: dict[str, Any] = {
            "wave": resource_name,
            "deployments": list(deployments),
            "moves": moves,
            "soak": soak,
            "timeout": timeout,
            "walked": dict(walked),
            "soaked": None,
        }
        super().__init__(WaveProvider(), resource_name, properties, opts)

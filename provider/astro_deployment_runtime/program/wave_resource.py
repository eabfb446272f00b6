"""The Pulumi resource for the gate between two waves of a fleet."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pulumi import dynamic

from astro_deployment_runtime.wave import WaveProvider

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pulumi


class AstroWave(dynamic.Resource, module="astro", name="Wave"):
    """The end of a wave. It is created when all its Deployments have arrived and been healthy for the soak time."""

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
            deployments: ids of the Deployments to check.
            moves: number of Deployments of the wave with hops in this run.
            soak: soak time in seconds.
            timeout: seconds for which they may be unhealthy before the wave fails.
            walked: the last completed path of each Deployment, by the resource's name; None if it was only adopted.
                Other paths than at the last soak need another soak.
            opts: Pulumi's options, with the Deployments of the wave in ``depends_on``.
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

"""Interfaces of the executor: the platform, the delivery of images, a reporter and a clock."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable

    from astro_deployment_runtime.planning.catalog import Catalog
    from astro_deployment_runtime.planning.plan_model import Deployment, Health, Hop
    from astro_deployment_runtime.planning.platform_version import Platform
    from astro_deployment_runtime.planning.versions import AirflowVersion, ReleaseId


class Client(Protocol):
    """The platform. Methods raise the errors of Houston's client."""

    def observe(self, deployment_id: str) -> tuple[Deployment, Platform, Catalog]:
        """Read a Deployment, its platform and what that offers, without a cache."""

    def observe_deployment(self, deployment_id: str, catalog: Catalog, *, within: float) -> Deployment:
        """Read a Deployment alone, without a cache. The client may wait ``within`` seconds to read others with it."""

    def start(self, deployment: Deployment, target: ReleaseId) -> None:
        """Start a hop."""

    def cancel(self, deployment: Deployment, pending: ReleaseId) -> None:
        """Cancel a pending hop."""

    def health(self, deployment: Deployment, expected: AirflowVersion) -> Health:
        """Ask the Deployment's own Airflow for its health and version."""


class Delivery(Protocol):
    """Brings the image of a hop to the platform.

    Called once per hop and run, and again where the request was lost and Houston shows no effect of it.
    """

    def announce(self, hop: Hop) -> str:
        """Describe the delivery before it starts."""

    def deliver(self, deployment: Deployment, hop: Hop, *, seconds: float, say: Callable[[str], None]) -> None:
        """Deliver the image. Whether Houston takes it, the executor reads afterwards.

        Args:
            deployment: where the image goes.
            hop: whose target the image is built on.
            seconds: time limit.
            say: reports progress to the user.

        Raises:
            PlatformError: Houston refused the image, or its answer was lost.
            DeliveryFailedError: the delivery failed on this side.
            RunInterruptedError: the user stopped the run.
            CommandInterruptedError: likewise, while a command ran. The message says in which state it left the project.
        """


class Reporter(Protocol):
    """Shows texts to the user."""

    def info(self, text: str) -> None:
        """Show a text that stays."""

    def warning(self, text: str) -> None:
        """Show a warning."""

    def progress(self, text: str) -> None:
        """Show a status text, until the next one."""


class Clock(Protocol):
    """Time, and the user's interrupt."""

    def now(self) -> float:
        """Return seconds from any start, never backwards."""

    def wait(self, seconds: float) -> bool:
        """Wait. Return True at once when the user stops the run, or has stopped it before."""

"""What the executor needs of the world around it: the platform, a way for images, a listener and a clock."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable

    from astro_deployment_runtime.planning.catalog import Catalog
    from astro_deployment_runtime.planning.model import Deployment, Health, Hop
    from astro_deployment_runtime.planning.platform_version import Platform
    from astro_deployment_runtime.planning.versions import AirflowVersion, ReleaseId


class Client(Protocol):
    """What the executor asks of the platform; raises the errors of Houston's client."""

    def observe(self, deployment_id: str) -> tuple[Deployment, Platform, Catalog]:
        """Read a Deployment and the offer, live."""

    def observe_deployment(self, deployment_id: str, catalog: Catalog, *, within: float) -> Deployment:
        """Read a Deployment alone, live; within so many seconds others may be waited for, to be read with it."""

    def start(self, deployment: Deployment, target: ReleaseId) -> None:
        """Start a hop."""

    def cancel(self, deployment: Deployment, pending: ReleaseId) -> None:
        """Cancel a pending hop."""

    def health(self, deployment: Deployment, expected: AirflowVersion) -> Health:
        """Ask the Deployment's own Airflow."""


class Delivery(Protocol):
    """How the image of a hop gets to the platform.

    Called once per hop and run; and again where no effect is seen of a call that was not sent, or not answered.
    """

    def announce(self, hop: Hop) -> str:
        """Say what is about to be done."""

    def deliver(self, deployment: Deployment, hop: Hop, *, seconds: float, say: Callable[[str], None]) -> None:
        """Do it, in that time; ``say`` what goes on. What Houston makes of it is read afterwards.

        Raises:
            PlatformError: as a mutation does.
            DeliveryFailedError: it failed on this side.
            RunInterruptedError: the user stopped it; of the command, if one ran, its kind tells what was left.
        """


class Reporter(Protocol):
    """Who tells the user."""

    def info(self, text: str) -> None:
        """Say something that stays."""

    def warning(self, text: str) -> None:
        """Warn of something."""

    def progress(self, text: str) -> None:
        """Say what is being waited for, until the next such text."""


class Clock(Protocol):
    """Time, and the user's wish to stop."""

    def now(self) -> float:
        """Seconds, from any start, never backwards."""

    def wait(self, seconds: float) -> bool:
        """Wait; return True at once when the run is cancelled, also if it was before."""

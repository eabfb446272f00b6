"""The platform, in the model's terms: what it says of Deployments and releases, and what it can be told to do.

One client serves the whole process. All Deployments are read in two requests, whatever their number, and kept for
a while; whoever is about to change one reads it again, live.
"""

from __future__ import annotations

import math
import threading
import time
from typing import TYPE_CHECKING, Final, TypeVar

from astro_deployment_runtime import wire
from astro_deployment_runtime.airflow import read_health
from astro_deployment_runtime.batching import GATHER_SECONDS, Batcher
from astro_deployment_runtime.errors import (
    DeploymentNotFoundError,
    PlatformError,
    PlatformRefusedError,
)
from astro_deployment_runtime.reading import Reader, not_found
from astro_deployment_runtime.translation import read_deployment
from astro_deployment_runtime.versions import AirflowVersion, Distribution, ReleaseId

if TYPE_CHECKING:
    from collections.abc import Callable

    from astro_deployment_runtime.catalog import Catalog
    from astro_deployment_runtime.model import Deployment, Health, Platform
    from astro_deployment_runtime.reading import Snapshot
    from astro_deployment_runtime.transport import Transport

FLEET_SECONDS: Final = 30.0
"""How long a reading of the whole fleet serves previews."""

LINGER_SECONDS: Final = 2.0
"""How long a reading of a Deployment that is waited for may itself wait for others to join, at most."""


class Houston:
    """The client. Safe to share among threads."""

    def __init__(
        self,
        transport: Transport,
        *,
        feed: Catalog,
        now: Callable[[], float] = time.monotonic,
        gather: float = GATHER_SECONDS,
        linger: float = LINGER_SECONDS,
    ) -> None:
        """Speak over that transport.

        Args:
            transport: the way to Houston, and to the Airflows.
            feed: what the platform does not tell of releases.
            now: a clock, in seconds.
            gather: how long a reading of one Deployment waits for others to join, in seconds.
            linger: how long a reading of one that is waited for does so at most, in seconds.
        """
        self._transport = transport
        self._reader = Reader(transport, feed)
        self._live = Batcher(self._reader.live, gather=gather)
        self._watched = Batcher(self._reader.deployments, gather=linger, spares=linger > 0)
        self._now = now
        self._lock = threading.Lock()
        self._snapshot: Snapshot | None = None
        self._taken = 0.0
        self._failure: tuple[float, PlatformError] | None = None
        self._changed: set[str] = set()

    def close(self) -> None:
        """Give the connections back."""
        self._transport.close()

    def snapshot(self) -> Snapshot:
        """Return a reading of the whole fleet that is at most :data:`FLEET_SECONDS` old.

        Whoever comes while it is taken waits for that one, and shares its failure: hundreds of callers that retry one
        after another would keep a user waiting for hours.

        Raises:
            PlatformError: Houston cannot be read.
        """
        came = self._now()
        with self._lock:
            if self._snapshot is None or self._now() - self._taken >= FLEET_SECONDS:
                if self._failure is not None and came < self._failure[0]:
                    raise type(self._failure[1])(str(self._failure[1])) from self._failure[1]
                self._taken = self._now()
                # First, so that what is changed while this is read counts as changed since.
                self._changed.clear()
                try:
                    self._snapshot = self._reader.fleet()
                except PlatformError as error:
                    self._failure = (self._now(), error)
                    raise
            return self._snapshot

    def find(self, *, release_name: str | None = None, deployment_id: str | None = None) -> Deployment:
        """Find a Deployment by its release name or its id: in the snapshot, else by asking for it alone.

        Raises:
            DeploymentNotFoundError: there is none that the token can see.
            PlatformError: Houston cannot be read.
        """
        snapshot = self.snapshot()
        seen = snapshot.by_id.get(deployment_id or "") or snapshot.by_release_name.get(release_name or "")
        if seen is not None and seen.id not in self._changed:
            return read_deployment(seen, snapshot.catalog)
        if seen is not None:
            return self.observe(seen.id)[0]
        if deployment_id is not None:
            return self.observe(deployment_id)[0]
        for deployment in self._reader.in_workspaces(snapshot.workspaces, release_name=release_name):
            if deployment.release_name == release_name:
                return read_deployment(deployment, snapshot.catalog)
        raise DeploymentNotFoundError(
            f"Houston shows this token no Deployment with the release name {release_name!r}, but "
            f"{len(snapshot.deployments)} others: correct the name, or give the token's account access to its workspace"
        )

    def observe(self, deployment_id: str) -> tuple[Deployment, Platform, Catalog]:
        """Read one Deployment and the platform's offer, live: in one request for all who ask at the same time.

        Raises:
            DeploymentNotFoundError: there is none of that id, or no more.
            PlatformError: Houston cannot be read.
        """
        found = self._together(self._live, deployment_id)
        return read_deployment(found.deployment, found.catalog), found.platform, found.catalog

    def observe_deployment(self, deployment_id: str, catalog: Catalog, *, within: float) -> Deployment:
        """Read one Deployment alone, live, as a wait does again and again: in one request for all who wait.

        Args:
            deployment_id: Houston's id of it.
            catalog: the releases.
            within: for how many seconds others who wait may be waited for.

        Raises:
            DeploymentNotFoundError: there is none of that id, or no more.
            PlatformError: Houston cannot be read.
        """
        return read_deployment(self._together(self._watched, deployment_id, within=within), catalog)

    def start(self, deployment: Deployment, target: ReleaseId) -> None:
        """Start a hop. It interrupts nothing until an image that matches is deployed.

        Raises:
            PlatformError: as :meth:`~astro_deployment_runtime.transport.Transport.mutate` tells.
        """
        document = wire.START_AIRFLOW if target.distribution is Distribution.CERTIFIED else wire.START_RUNTIME
        self._mutate(
            document, deployment, {"deploymentUuid": deployment.id, "version": str(target.version)}, f"start {target}"
        )

    def cancel(self, deployment: Deployment, pending: ReleaseId) -> None:
        """Cancel a hop that was started. A Certified upgrade is cancelled by starting one to the current version.

        That version is sent as Houston wrote it: written in another way it might start an upgrade.

        Raises:
            PlatformError: as :meth:`~astro_deployment_runtime.transport.Transport.mutate` tells.
        """
        if pending.distribution is Distribution.CERTIFIED:
            current = deployment.current_text or str(deployment.current.id.version)
            variables = {"deploymentUuid": deployment.id, "version": current}
            self._mutate(wire.START_AIRFLOW, deployment, variables, f"cancel {pending}")
        else:
            self._mutate(wire.CANCEL_RUNTIME, deployment, {"deploymentUuid": deployment.id}, f"cancel {pending}")

    def deliver(self, deployment: Deployment, image: str, target: ReleaseId) -> None:
        """Deploy an image that is in a registry already, as the release that it is built on.

        Raises:
            PlatformError: as :meth:`~astro_deployment_runtime.transport.Transport.mutate` tells.
        """
        what = f"deploy the image {image}"
        document = self._reader.documents.deliver
        if document is None:
            raise PlatformRefusedError(f"this platform cannot {what}: that is possible from 0.29.2 on")
        variables = {"releaseName": deployment.release_name, "image": image}
        certified = target.distribution is Distribution.CERTIFIED
        variables["runtimeVersion"] = "" if certified else str(target.version)
        if document == wire.DELIVER_IMAGE:
            # An empty version beside the other means "not given" to Houston: the vendor's CLI sends both.
            variables["airflowVersion"] = str(target.version) if certified else ""
        self._mutate(document, deployment, variables, what)

    def health(self, deployment: Deployment, expected: AirflowVersion) -> Health:
        """Ask the Deployment's own Airflow, with the same token; what does not answer is not healthy."""
        return read_health(self._transport, deployment, expected)

    def _mutate(self, document: str, deployment: Deployment, variables: dict[str, str], what: str) -> None:
        try:
            self._transport.mutate(document, variables, what=f"{what} on {deployment.release_name}")
        finally:
            # Last, so that a reading of the fleet that began before the mutation took effect does not count.
            self._changed.add(deployment.id)

    def _together(self, batcher: Batcher[_Found | None], deployment_id: str, *, within: float = math.inf) -> _Found:
        """Read a Deployment beside others; alone where that fails, so that Houston tells what is wrong with it."""
        found = batcher.get(deployment_id, within=within) or batcher.ask([deployment_id])[deployment_id]
        if found is None:
            raise not_found(deployment_id)
        return found


_Found = TypeVar("_Found")

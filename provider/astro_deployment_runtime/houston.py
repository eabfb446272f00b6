"""The platform, in the model's terms: what it says of Deployments and releases, and what it can be told to do.

One client serves the whole process. All Deployments are read in two requests, whatever their number, and kept for
a while; whoever is about to change one reads it again, live.
"""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeVar

from astro_deployment_runtime import wire
from astro_deployment_runtime.airflow import read_health
from astro_deployment_runtime.catalog import Catalog
from astro_deployment_runtime.errors import (
    DeploymentNotFoundError,
    PlatformAnswerError,
    PlatformError,
    PlatformRefusedError,
)
from astro_deployment_runtime.translation import read_deployment, read_platform
from astro_deployment_runtime.versions import AirflowVersion, Distribution, ReleaseId

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from astro_deployment_runtime.model import Deployment, Health, Platform
    from astro_deployment_runtime.transport import Transport

FLEET_SECONDS: Final = 30.0
"""How long a reading of the whole fleet serves previews."""

_NO_SUCH_DEPLOYMENT: Final = "No deployment exists"
_NO_SUCH_FIELD: Final = "Cannot query field"


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """The fleet at one time: the platform, what is on offer, and every Deployment that the token can see."""

    platform: Platform
    catalog: Catalog
    workspaces: tuple[str, ...]
    """Their ids."""
    deployments: tuple[wire.WireDeployment, ...]
    """As they came: one with a version that nobody can read must not hide the others."""
    labels: Mapping[str, str]
    """The labels of the workspaces, by id."""
    taken: float
    """On the client's clock, in seconds."""


class Houston:
    """The client. Safe to share among threads."""

    def __init__(self, transport: Transport, *, feed: Catalog, now: Callable[[], float] = time.monotonic) -> None:
        """Speak over that transport; take from the feed what the platform does not tell of releases."""
        self._transport = transport
        self._feed = feed
        self._now = now
        self._lock = threading.Lock()
        self._snapshot: Snapshot | None = None
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
            if self._snapshot is None or self._now() - self._snapshot.taken >= FLEET_SECONDS:
                if self._failure is not None and came < self._failure[0]:
                    raise type(self._failure[1])(str(self._failure[1])) from self._failure[1]
                try:
                    self._snapshot = self._read_fleet()
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
        for deployment in snapshot.deployments:
            if deployment_id == deployment.id or release_name == deployment.release_name:
                if deployment.id in self._changed:
                    return self.observe(deployment.id)[0]
                return read_deployment(deployment, snapshot.catalog)
        if deployment_id is not None:
            return self.observe(deployment_id)[0]
        for deployment in self._read_deployments(snapshot.platform, snapshot.workspaces, release_name):
            if deployment.release_name == release_name:
                return read_deployment(deployment, snapshot.catalog)
        raise DeploymentNotFoundError(
            f"Houston shows this token no Deployment with the release name {release_name!r}, but "
            f"{len(snapshot.deployments)} others: correct the name, or give the token's account access to its workspace"
        )

    def observe(self, deployment_id: str) -> tuple[Deployment, Platform, Catalog]:
        """Read one Deployment and the platform's offer, live, in one request.

        Raises:
            DeploymentNotFoundError: there is none of that id, or no more.
            PlatformError: Houston cannot be read.
        """
        answer = self._read_deployment(
            deployment_id, lambda fitting: fitting.deployment_and_offer, wire.DeploymentAndOfferAnswer
        )
        catalog = self._catalog(answer)
        return read_deployment(_existing(answer, deployment_id), catalog), read_platform(answer), catalog

    def observe_deployment(self, deployment_id: str, catalog: Catalog) -> Deployment:
        """Read one Deployment alone, live: what a wait asks again and again.

        Raises:
            DeploymentNotFoundError: there is none of that id, or no more.
            PlatformError: Houston cannot be read.
        """
        answer = self._read_deployment(deployment_id, lambda fitting: fitting.deployment, wire.DeploymentAnswer)
        return read_deployment(_existing(answer, deployment_id), catalog)

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
        """Cancel a hop that was started. A Certified upgrade is cancelled by wishing for the current version.

        Raises:
            PlatformError: as :meth:`~astro_deployment_runtime.transport.Transport.mutate` tells.
        """
        if pending.distribution is Distribution.CERTIFIED:
            variables = {"deploymentUuid": deployment.id, "version": str(deployment.current.id.version)}
            self._mutate(wire.START_AIRFLOW, deployment, variables, f"cancel {pending}")
        else:
            self._mutate(wire.CANCEL_RUNTIME, deployment, {"deploymentUuid": deployment.id}, f"cancel {pending}")

    def deliver(self, deployment: Deployment, image: str, target: ReleaseId) -> None:
        """Deploy an image that is in a registry already, as the release that it is built on.

        Raises:
            PlatformError: as :meth:`~astro_deployment_runtime.transport.Transport.mutate` tells.
        """
        what = f"deploy the image {image}"
        document = self._documents().deliver
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

    def _documents(self) -> wire.Documents:
        """Return what fits the platform, as it was seen last."""
        seen = self._snapshot or self.snapshot()
        return wire.documents(seen.platform.version)

    def _read_fleet(self) -> Snapshot:
        taken = self._now()
        # First, so that what is changed while this is read counts as changed since.
        self._changed.clear()
        answer = self._transport.read(wire.PLATFORM, {}, wire.PlatformAnswer, what="the platform's offer")
        platform = read_platform(answer)
        workspaces = tuple(workspace.id for workspace in answer.workspaces)
        return Snapshot(
            platform=platform,
            catalog=self._catalog(answer),
            workspaces=workspaces,
            deployments=self._read_deployments(platform, workspaces, None),
            labels={workspace.id: workspace.label or "" for workspace in answer.workspaces},
            taken=taken,
        )

    def _read_deployments(
        self, platform: Platform, workspaces: tuple[str, ...], release_name: str | None
    ) -> tuple[wire.WireDeployment, ...]:
        if not workspaces:
            return ()
        what = "the Deployments of all workspaces"
        aliases = {f"w{number}": workspace for number, workspace in enumerate(workspaces)}
        variables = dict(aliases)
        if release_name is not None:
            variables["releaseName"] = release_name
        document = wire.documents(platform.version).fleet(len(workspaces), by_release_name=release_name is not None)
        fleet = self._transport.read(document, variables, wire.FleetAnswer, what=what)
        try:
            return tuple(deployment for alias in aliases for deployment in fleet.root[alias] or ())
        except KeyError as error:
            raise PlatformAnswerError(
                f"Houston's answer to {what} lacks the workspace {aliases[str(error.args[0])]}"
            ) from None

    def _read_deployment(
        self, deployment_id: str, document: Callable[[wire.Documents], str], answer: type[_Answer]
    ) -> _Answer:
        what = f"the Deployment {deployment_id}"

        def read() -> _Answer:
            try:
                return self._transport.read(document(self._documents()), {"id": deployment_id}, answer, what=what)
            except PlatformRefusedError as error:
                if _NO_SUCH_DEPLOYMENT in str(error):
                    raise _not_found(deployment_id) from error
                raise

        try:
            return read()
        except PlatformRefusedError as error:
            if _NO_SUCH_FIELD not in str(error):
                raise
        # The platform was upgraded since it was seen last.
        self._snapshot = None
        return read()

    def _catalog(self, answer: wire.OfferAnswer) -> Catalog:
        return Catalog.offered(
            certified=[image.version for image in answer.deployment_config.airflow_images],
            runtime=[(release.version, release.airflow_version) for release in answer.runtime_releases],
            feed=self._feed,
        )


_Answer = TypeVar("_Answer", bound=wire.DeploymentAnswer)


def _not_found(deployment_id: str) -> DeploymentNotFoundError:
    return DeploymentNotFoundError(
        f"Houston shows this token no Deployment with the id {deployment_id!r}: it was deleted, the id is wrong, or "
        "the token's account has no access to its workspace"
    )


def _existing(answer: wire.DeploymentAnswer, deployment_id: str) -> wire.WireDeployment:
    if answer.deployment is None:
        raise _not_found(deployment_id)
    return answer.deployment

"""The platform, in the model's terms: what it says of Deployments and releases, and what it can be told to do.

One client serves the whole process. All Deployments are read in two requests, whatever their number, and kept for
a while; whoever is about to change one reads it again, live.
"""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, TypeVar

from astro_deployment_runtime.errors import (
    AmbiguousNameError,
    DeploymentNotFoundError,
    DoubtfulMutationError,
    PlatformAnswerError,
    PlatformError,
    PlatformRefusedError,
)
from astro_deployment_runtime.houston import wire
from astro_deployment_runtime.houston.airflow_health import read_health
from astro_deployment_runtime.houston.batch_loader import GATHER_SECONDS, Batcher
from astro_deployment_runtime.houston.model_mapping import read_deployment
from astro_deployment_runtime.houston.queries import Reader, not_found
from astro_deployment_runtime.planning.versions import AirflowVersion, Distribution, ReleaseId

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from astro_deployment_runtime.houston.queries import Found, Snapshot
    from astro_deployment_runtime.houston.transport import Transport
    from astro_deployment_runtime.planning.catalog import Catalog
    from astro_deployment_runtime.planning.model import Deployment, Health, Platform

FLEET_SECONDS: Final = 30.0
"""How long a reading of the whole fleet serves previews."""

LINGER_SECONDS: Final = 2.0
"""How long a reading of a Deployment that is waited for may itself wait for others to join, at most."""


@dataclass(frozen=True, slots=True)
class _Sought:
    """What was asked for because a reading of the fleet does not show it."""

    snapshot: Snapshot
    by_id: dict[str, Found]
    by_name: dict[str, tuple[wire.WireDeployment, ...]]


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
        self._sought: _Sought | None = None

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

    def seek(self, *, release_names: Sequence[str], ids: Sequence[str]) -> None:
        """Ask for all of these that the snapshot does not show, in batches, so that to find each asks nothing.

        Raises:
            PlatformError: Houston cannot be read.
        """
        snapshot = self.snapshot()
        names = [each for each in dict.fromkeys(release_names) if each not in snapshot.by_release_name]
        unseen = [each for each in dict.fromkeys(ids) if each not in snapshot.by_id]
        by_name: dict[str, tuple[wire.WireDeployment, ...]] = dict.fromkeys(names, ())
        for found in self._reader.named(names, snapshot.workspaces) if names else ():
            by_name[found.release_name] += (found,)
        self._sought = _Sought(snapshot, self._reader.deployments(unseen) if unseen else {}, by_name)

    def find(self, *, release_name: str | None = None, deployment_id: str | None = None) -> Deployment:
        """Find a Deployment by its release name or its id: in the snapshot, else by asking for it alone.

        Raises:
            DeploymentNotFoundError: there is none that the token can see.
            AmbiguousNameError: several have that release name.
            PlatformError: Houston cannot be read.
        """
        snapshot = self.snapshot()
        sought = self._sought if self._sought and self._sought.snapshot is snapshot else _Sought(snapshot, {}, {})
        seen: Found
        if deployment_id is not None:
            seen = snapshot.by_id.get(deployment_id) or sought.by_id.get(deployment_id)
            if isinstance(seen, PlatformError):
                raise type(seen)(str(seen)) from seen
        else:
            seen = self._named(release_name or "", snapshot, sought)
        if seen is None or seen.id in self._changed:
            return self.observe(seen.id if seen else deployment_id or "")[0]
        return read_deployment(seen, snapshot.catalog)

    def _named(self, release_name: str, snapshot: Snapshot, sought: _Sought) -> wire.WireDeployment:
        found = snapshot.by_release_name.get(release_name) or sought.by_name.get(release_name)
        if found is None:
            found = self._reader.named([release_name], snapshot.workspaces)
        if not found:
            if snapshot.gaps:
                raise PlatformAnswerError(
                    f"Houston shows no Deployment with the release name {release_name!r}, and not the whole fleet: "
                    f"{'; '.join(snapshot.gaps)}. Declare it by its deploymentId, or have the platform mended"
                )
            raise DeploymentNotFoundError(
                f"Houston shows this token no Deployment with the release name {release_name!r}, but "
                f"{len(snapshot.deployments)} others: correct the name, or give the token's account access to its "
                "workspace"
            )
        if len({each.id for each in found}) > 1:
            raise AmbiguousNameError(
                f"{_several(release_name, found, snapshot)}: declare the one that is meant by its deploymentId"
            )
        return found[0]

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
            PlatformError: as :meth:`~astro_deployment_runtime.houston.transport.Transport.mutate` tells.
        """
        document = wire.START_AIRFLOW if target.distribution is Distribution.CERTIFIED else wire.START_RUNTIME
        self._mutate(
            document, deployment, {"deploymentUuid": deployment.id, "version": str(target.version)}, f"start {target}"
        )

    def cancel(self, deployment: Deployment, pending: ReleaseId) -> None:
        """Cancel a hop that was started. A Certified upgrade is cancelled by starting one to the current version.

        That version is sent as Houston wrote it: written in another way it might start an upgrade.

        Raises:
            PlatformError: as :meth:`~astro_deployment_runtime.houston.transport.Transport.mutate` tells.
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
            PlatformError: as :meth:`~astro_deployment_runtime.houston.transport.Transport.mutate` tells.
        """
        what = f"deploy the image {image}"
        if unfit := self.unfit_for_images(deployment):
            raise PlatformRefusedError(f"cannot {what}: {unfit}")
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

    def unfit_for_images(self, deployment: Deployment) -> str | None:
        """Say why no image can be deployed to it by name, as far as the snapshot shows; None where one can."""
        seen = self._snapshot
        several = seen.by_release_name.get(deployment.release_name, ()) if seen is not None else ()
        if seen is None or len(several) < 2:
            return None
        return (
            f"Houston takes an image by release name only, and {_several(deployment.release_name, several, seen)}. "
            "Deploy by `project` instead of `image`"
        )

    def health(self, deployment: Deployment, expected: AirflowVersion) -> Health:
        """Ask the Deployment's own Airflow, with the same token; what does not answer is not healthy."""
        return read_health(self._transport, deployment, expected)

    def _mutate(self, document: str, deployment: Deployment, variables: dict[str, str], what: str) -> None:
        what = f"{what} on {deployment.release_name}"
        try:
            answer = self._transport.mutate(document, variables, what=what)
        finally:
            # Last, so that a reading of the fleet that began before the mutation took effect does not count.
            self._changed.add(deployment.id)
        changed = _id_of(answer)
        if changed not in {None, deployment.id}:
            raise DoubtfulMutationError(
                f"Houston answered {what} with the Deployment {changed} instead of {deployment.id}, so it may have "
                f"changed the wrong one: look at {changed} as well"
            )

    def _together(self, batcher: Batcher[_Found | PlatformError | None], deployment_id: str, **how: float) -> _Found:
        """Read a Deployment beside others; alone where Houston refuses all of them, so that it tells what is wrong."""
        found = batcher.get(deployment_id, **how) or batcher.ask([deployment_id])[deployment_id]
        if found is None:
            raise not_found(deployment_id)
        if isinstance(found, PlatformError):
            raise type(found)(str(found)) from found
        return found


_Found = TypeVar("_Found")


def _id_of(answer: dict[str, Any]) -> str | None:
    """Return the id in a mutation's answer, None where it tells none."""
    found = next(iter(answer.values()), None)
    id_ = found.get("id") if isinstance(found, dict) else None
    return None if id_ is None else str(id_)


def _several(release_name: str, found: Sequence[wire.WireDeployment], snapshot: Snapshot) -> str:
    named = []
    for each in found:
        workspace = each.workspace.id if each.workspace else "unknown"
        place = snapshot.labels.get(workspace) or workspace
        named.append(f"{each.label or release_name!r} in workspace {place} ({each.id})")
    return f"{len(found)} Deployments have the release name {release_name!r}: {', '.join(named)}"

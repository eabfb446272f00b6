"""The platform's API in the model's terms: read Deployments and releases, start, cancel and deliver hops.

One client serves the whole process. Two requests read all Deployments, whatever their number, and the result is cached.
Before a Deployment is changed, it is read again live.
"""

from __future__ import annotations

import threading
import time
from copy import copy
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Self, TypeVar

from astro_deployment_runtime.errors import (
    AmbiguousNameError,
    PlatformAnswerError,
    PlatformError,
    PlatformRefusedError,
    ReleaseNameNotFoundError,
    UnknownOutcomeError,
)
from astro_deployment_runtime.houston import graphql_documents
from astro_deployment_runtime.houston.airflow_client import read_health
from astro_deployment_runtime.houston.batch_loader import GATHER_SECONDS, BatchLoader
from astro_deployment_runtime.houston.model_mapping import map_deployment
from astro_deployment_runtime.houston.queries import Queries, not_found
from astro_deployment_runtime.houston.transport import Transport
from astro_deployment_runtime.planning.versions import AirflowVersion, Distribution, ReleaseId

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from astro_deployment_runtime.config.connection_settings import ConnectionSettings
    from astro_deployment_runtime.houston.graphql_answers import DeploymentAnswer
    from astro_deployment_runtime.houston.queries import DeploymentOrError, FleetAnswer
    from astro_deployment_runtime.houston.snapshot import Snapshot
    from astro_deployment_runtime.planning.catalog import Catalog
    from astro_deployment_runtime.planning.plan_model import Deployment, Health
    from astro_deployment_runtime.planning.platform_version import Platform

SNAPSHOT_SECONDS: Final = 30.0
"""Seconds for which a snapshot of the fleet is cached."""

POLL_GATHER_SECONDS: Final = 2.0
"""Longest time, in seconds, that a poll of one Deployment waits for others to join its request."""

_Found = TypeVar("_Found")


@dataclass(frozen=True, slots=True)
class _Prefetched:
    """Deployments that a snapshot does not show, and that were asked for in batches."""

    snapshot: Snapshot
    by_id: Mapping[str, DeploymentOrError]
    by_release_name: Mapping[str, tuple[DeploymentAnswer, ...]]


class Houston:
    """Client of Houston. Safe to share among threads."""

    def __init__(
        self,
        transport: Transport,
        *,
        feed: Catalog,
        now: Callable[[], float] = time.monotonic,
        gather: float = GATHER_SECONDS,
        poll_gather: float = POLL_GATHER_SECONDS,
    ) -> None:
        """Use that transport. Nothing is sent yet.

        Args:
            transport: sends requests to Houston and to the Airflows.
            feed: adds the data about releases that the platform lacks.
            now: a clock, in seconds.
            gather: seconds that a read of one Deployment waits for others to join its request.
            poll_gather: the same for a poll, at most.
        """
        self._transport = transport
        self._queries = Queries(transport, feed)
        self._reads = BatchLoader(self._queries.by_ids_with_offer, gather=gather)
        self._polls = BatchLoader(self._queries.by_ids, gather=poll_gather, backs_off=poll_gather > 0)
        self._now = now
        self._lock = threading.Lock()
        self._fleet: FleetAnswer | None = None
        self._fleet_read_at = 0.0
        self._failure: tuple[float, PlatformError] | None = None
        self._changed: set[str] = set()
        """Ids of the Deployments that were changed since the snapshot was taken."""
        self._prefetched: _Prefetched | None = None

    @classmethod
    def connect(cls, settings: ConnectionSettings, *, feed: Catalog) -> Self:
        """Make a client of the Houston that the settings name. Nothing is sent yet.

        Raises:
            InvalidSettingsError: the CA file, or a variable of the environment that names a proxy or CA certificates,
                cannot be used.
        """
        return cls(Transport(settings), feed=feed)

    def close(self) -> None:
        """Close the connections."""
        self._transport.close()

    def snapshot(self) -> Snapshot:
        """Return a snapshot of the whole fleet that is at most :data:`SNAPSHOT_SECONDS` old.

        Raises:
            PlatformError: Houston cannot be read.
        """
        return self._read_fleet().snapshot

    def _read_fleet(self) -> FleetAnswer:
        """Read the fleet, or return the cached answer.

        Callers that come while another one reads wait for that read, and share its failure. Otherwise hundreds of
        callers would retry one after another, which takes hours.
        """
        called_at = self._now()
        with self._lock:
            if self._fleet is None or self._now() - self._fleet_read_at >= SNAPSHOT_SECONDS:
                if self._failure is not None and called_at < self._failure[0]:
                    # Each caller raises its own copy, here and below: a traceback grows where an exception is raised.
                    raise copy(self._failure[1]) from self._failure[1]
                self._fleet_read_at = self._now()
                # Before the read, so that a change during the read is kept.
                self._changed.clear()
                try:
                    self._fleet = self._queries.fleet()
                except PlatformError as error:
                    self._failure = (self._now(), error)
                    raise
            return self._fleet

    def prefetch(self, *, release_names: Sequence[str], ids: Sequence[str]) -> None:
        """Read in batches all of these that the snapshot does not show, so that :meth:`find` sends no request for each.

        Raises:
            PlatformError: Houston cannot be read.
        """
        fleet = self._read_fleet()
        missing_names = [each for each in dict.fromkeys(release_names) if each not in fleet.by_release_name]
        missing_ids = [each for each in dict.fromkeys(ids) if each not in fleet.by_id]
        by_release_name: dict[str, tuple[DeploymentAnswer, ...]] = dict.fromkeys(missing_names, ())
        if missing_names:
            for found in self._queries.by_release_names(missing_names, fleet.snapshot.workspace_labels):
                by_release_name[found.release_name] += (found,)
        by_id = self._queries.by_ids(missing_ids) if missing_ids else {}
        self._prefetched = _Prefetched(fleet.snapshot, by_id, by_release_name)

    def find(self, *, release_name: str | None = None, deployment_id: str | None = None) -> Deployment:
        """Find a Deployment by its release name or its id: in the snapshot, or else by a request.

        Raises:
            DeploymentNotFoundError: the token can see no such Deployment.
            AmbiguousNameError: several Deployments have that release name.
            PlatformError: Houston cannot be read.
        """
        fleet = self._read_fleet()
        prefetched = self._prefetched
        if prefetched is None or prefetched.snapshot is not fleet.snapshot:
            prefetched = _Prefetched(fleet.snapshot, {}, {})
        found: DeploymentOrError
        if deployment_id is not None:
            found = fleet.by_id.get(deployment_id) or prefetched.by_id.get(deployment_id)
            if isinstance(found, PlatformError):
                raise copy(found) from found
        else:
            found = self._find_by_release_name(release_name or "", fleet, prefetched)
        if found is None or found.id in self._changed:
            return self.observe(found.id if found else deployment_id or "")[0]
        return map_deployment(found, fleet.snapshot.catalog)

    def _find_by_release_name(self, release_name: str, fleet: FleetAnswer, prefetched: _Prefetched) -> DeploymentAnswer:
        snapshot = fleet.snapshot
        found = fleet.by_release_name.get(release_name) or prefetched.by_release_name.get(release_name)
        if found is None:
            found = self._queries.by_release_names([release_name], snapshot.workspace_labels)
        if not found:
            if snapshot.gaps:
                raise PlatformAnswerError(
                    f"Houston shows no Deployment with the release name {release_name!r}, and does not show the "
                    f"whole fleet: {'; '.join(snapshot.gaps)}. Declare it by its deploymentId, or ask your platform "
                    "team to repair that"
                )
            raise ReleaseNameNotFoundError(
                f"Houston shows this token no Deployment with the release name {release_name!r}, but "
                f"{len(fleet.deployments)} others: correct the name, or give the token's account access to its "
                "workspace"
            )
        if len({each.id for each in found}) > 1:
            raise AmbiguousNameError(
                f"{_same_name(release_name, found, snapshot)}: declare the right one by its deploymentId"
            )
        return found[0]

    def observe(self, deployment_id: str) -> tuple[Deployment, Platform, Catalog]:
        """Read one Deployment and the platform's offer, live. Simultaneous calls share one request.

        Raises:
            DeploymentNotFoundError: there is no Deployment of that id, or no longer.
            PlatformError: Houston cannot be read.
        """
        found = self._load(self._reads, deployment_id)
        return map_deployment(found.deployment, found.catalog), found.platform, found.catalog

    def observe_deployment(self, deployment_id: str, catalog: Catalog, *, within: float) -> Deployment:
        """Read one Deployment alone, live, as a wait does again and again. All who wait share one request.

        Args:
            deployment_id: Houston's id of the Deployment.
            catalog: the releases.
            within: seconds in which the request has to be sent.

        Raises:
            DeploymentNotFoundError: there is no Deployment of that id, or no longer.
            PlatformError: Houston cannot be read.
        """
        return map_deployment(self._load(self._polls, deployment_id, within=within), catalog)

    def start(self, deployment: Deployment, target: ReleaseId) -> None:
        """Start a hop. Nothing restarts until a matching image is deployed.

        Raises:
            PlatformError: see :meth:`~astro_deployment_runtime.houston.transport.Transport.mutate`.
        """
        certified = target.distribution is Distribution.CERTIFIED
        document = graphql_documents.START_AIRFLOW if certified else graphql_documents.START_RUNTIME
        variables = {"deploymentUuid": deployment.id, "version": str(target.version)}
        self._mutate(document, deployment, variables, f"start {target}")

    def cancel(self, deployment: Deployment, pending: ReleaseId) -> None:
        """Cancel a pending hop. A Certified upgrade is cancelled by starting one to the current version.

        That version is sent exactly as Houston wrote it: any other spelling might start an upgrade.

        Raises:
            PlatformError: see :meth:`~astro_deployment_runtime.houston.transport.Transport.mutate`.
        """
        if pending.distribution is Distribution.CERTIFIED:
            current = deployment.current_text or str(deployment.current.id.version)
            variables = {"deploymentUuid": deployment.id, "version": current}
            document = graphql_documents.START_AIRFLOW
        else:
            variables = {"deploymentUuid": deployment.id}
            document = graphql_documents.CANCEL_RUNTIME
        self._mutate(document, deployment, variables, f"cancel {pending}")

    def deliver(self, deployment: Deployment, image: str, target: ReleaseId) -> None:
        """Deploy an image from a registry, declared as the release that it is built on.

        Raises:
            PlatformError: see :meth:`~astro_deployment_runtime.houston.transport.Transport.mutate`.
        """
        what = f"deploy the image {image}"
        if obstacle := self.image_obstacle(deployment):
            raise PlatformRefusedError(f"cannot {what}: {obstacle}")
        document = self._queries.documents.image_mutation
        if document is None:
            raise PlatformRefusedError(f"this platform cannot {what}: that is possible from 0.29.2 on")
        variables = {"releaseName": deployment.release_name, "image": image}
        certified = target.distribution is Distribution.CERTIFIED
        variables["runtimeVersion"] = "" if certified else str(target.version)
        if document == graphql_documents.DELIVER_IMAGE:
            # Houston reads an empty version beside the other one as "not given". The vendor's CLI sends both, too.
            variables["airflowVersion"] = str(target.version) if certified else ""
        self._mutate(document, deployment, variables, what)

    def image_obstacle(self, deployment: Deployment) -> str | None:
        """Say why no image from a registry can be deployed to it, as far as the snapshot shows; None if one can."""
        fleet = self._fleet
        same_name = fleet.by_release_name.get(deployment.release_name, ()) if fleet is not None else ()
        if fleet is None or len(same_name) < 2:
            return None
        return (
            "Houston takes an image by release name only, and "
            f"{_same_name(deployment.release_name, same_name, fleet.snapshot)}. Deploy by `project` instead of `image`"
        )

    def health(self, deployment: Deployment, expected: AirflowVersion) -> Health:
        """Ask the Deployment's own Airflow, with the same token. An Airflow that does not answer is unhealthy."""
        return read_health(self._transport.http, deployment, expected)

    def _mutate(self, document: str, deployment: Deployment, variables: dict[str, str], what: str) -> None:
        what = f"{what} on {deployment.release_name}"
        try:
            answer = self._transport.mutate(document, variables, what=what)
        finally:
            # After the mutation, so that a snapshot that began before it took effect does not count as newer.
            self._changed.add(deployment.id)
        changed = _id_in(answer)
        if changed not in {None, deployment.id}:
            raise UnknownOutcomeError(
                f"Houston answered {what} with the Deployment {changed} instead of {deployment.id}, so it may have "
                f"changed the wrong one: check both"
            )

    def _load(self, loader: BatchLoader[_Found | PlatformError | None], deployment_id: str, **how: float) -> _Found:
        """Read a Deployment in a batch; alone if Houston refuses the batch, so that the error tells what is wrong."""
        found = loader.load(deployment_id, **how) or loader.load_now([deployment_id])[deployment_id]
        if found is None:
            raise not_found(deployment_id)
        if isinstance(found, PlatformError):
            raise copy(found) from found
        return found


def _id_in(answer: dict[str, Any]) -> str | None:
    """Return the id in a mutation's answer; None if it has none."""
    found = next(iter(answer.values()), None)
    id_ = found.get("id") if isinstance(found, dict) else None
    return None if id_ is None else str(id_)


def _same_name(release_name: str, found: Sequence[DeploymentAnswer], snapshot: Snapshot) -> str:
    listed = []
    for each in found:
        workspace_id = each.workspace_id or "unknown"
        workspace = snapshot.workspace_labels.get(workspace_id) or workspace_id
        listed.append(f"{each.label or release_name!r} in workspace {workspace} ({each.id})")
    return f"{len(found)} Deployments have the release name {release_name!r}: {', '.join(listed)}"

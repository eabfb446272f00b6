"""What Houston can be asked, and in which documents: each reading is live, and costs one or two requests."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Final, TypeVar

from astro_deployment_runtime import wire
from astro_deployment_runtime.catalog import Catalog
from astro_deployment_runtime.errors import (
    DeploymentNotFoundError,
    PlatformAnswerError,
    PlatformRefusedError,
    TokenRefusedError,
)
from astro_deployment_runtime.translation import read_platform

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from astro_deployment_runtime.model import Platform
    from astro_deployment_runtime.transport import Transport

_NO_SUCH_DEPLOYMENT: Final = "No deployment exists"
_NO_SUCH_FIELD: Final = "Cannot query field"


@dataclass(frozen=True, kw_only=True)
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

    @cached_property
    def by_id(self) -> Mapping[str, wire.WireDeployment]:
        """The Deployments by their ids."""
        return {deployment.id: deployment for deployment in self.deployments}

    @cached_property
    def by_release_name(self) -> Mapping[str, wire.WireDeployment]:
        """The Deployments by their release names."""
        return {deployment.release_name: deployment for deployment in self.deployments}


@dataclass(frozen=True, slots=True, kw_only=True)
class Live:
    """One Deployment beside what the platform had on offer at the same time."""

    deployment: wire.WireDeployment
    platform: Platform
    catalog: Catalog


class Reader:
    """Asks in the documents that fit the platform, as it was seen last. Safe to share among threads."""

    def __init__(self, transport: Transport, feed: Catalog) -> None:
        """Speak over that transport; take from the feed what the platform does not tell of releases."""
        self._transport = transport
        self._feed = feed
        self._documents: wire.Documents | None = None

    @property
    def documents(self) -> wire.Documents:
        """What fits the platform; it is asked for its version where nobody did so yet.

        Raises:
            PlatformError: Houston cannot be read.
        """
        return self._documents or self._see(self._platform())

    def fleet(self) -> Snapshot:
        """Read everything, in two requests.

        Raises:
            PlatformError: Houston cannot be read.
        """
        answer = self._platform()
        self._see(answer)
        workspaces = tuple(workspace.id for workspace in answer.workspaces)
        return Snapshot(
            platform=read_platform(answer),
            catalog=self._catalog(answer),
            workspaces=workspaces,
            deployments=self.in_workspaces(workspaces),
            labels={workspace.id: workspace.label or "" for workspace in answer.workspaces},
        )

    def in_workspaces(
        self, workspaces: Sequence[str], *, release_name: str | None = None
    ) -> tuple[wire.WireDeployment, ...]:
        """Read the Deployments of workspaces; those of one release name, if wanted.

        Raises:
            PlatformError: Houston cannot be read.
        """
        if not workspaces:
            return ()
        what = "the Deployments of all workspaces"
        aliases = {f"w{number}": workspace for number, workspace in enumerate(workspaces)}
        variables = dict(aliases)
        if release_name is not None:
            variables["releaseName"] = release_name
        document = self.documents.fleet(len(workspaces), by_release_name=release_name is not None)
        fleet = self._transport.read(document, variables, wire.FleetAnswer, what=what)
        try:
            return tuple(deployment for alias in aliases for deployment in fleet.root[alias] or ())
        except KeyError as error:
            raise PlatformAnswerError(
                f"Houston's answer to {what} lacks the workspace {aliases[str(error.args[0])]}"
            ) from None

    def deployments(self, ids: Sequence[str]) -> dict[str, wire.WireDeployment | None]:
        """Read Deployments by their ids, in one request; None: there is none, or one of several cannot be read.

        Raises:
            DeploymentNotFoundError: only one was asked for, and there is none of that id.
            PlatformError: Houston cannot be read.
        """
        answer = self._by_ids(ids, wire.DeploymentsAnswer)
        return dict(zip(ids, answer.in_order(len(ids)), strict=True)) if answer else dict.fromkeys(ids)

    def live(self, ids: Sequence[str]) -> dict[str, Live | None]:
        """Read Deployments by their ids, and the offer, in one request; None as above.

        Raises:
            DeploymentNotFoundError: only one was asked for, and there is none of that id.
            PlatformError: Houston cannot be read.
        """
        answer = self._by_ids(ids, wire.DeploymentsAndOfferAnswer, offer=True)
        if answer is None:
            return dict.fromkeys(ids)
        platform, catalog = read_platform(answer), self._catalog(answer)
        return {
            id_: Live(deployment=found, platform=platform, catalog=catalog) if found else None
            for id_, found in zip(ids, answer.in_order(len(ids)), strict=True)
        }

    def _platform(self) -> wire.PlatformAnswer:
        return self._transport.read(wire.PLATFORM, {}, wire.PlatformAnswer, what="the platform's offer")

    def _see(self, answer: wire.PlatformAnswer) -> wire.Documents:
        self._documents = wire.documents(answer.app_config.version)
        return self._documents

    def _by_ids(self, ids: Sequence[str], answer: type[_Answer], *, offer: bool = False) -> _Answer | None:
        alone = len(ids) == 1
        what = f"the Deployment {ids[0]}" if alone else f"{len(ids)} Deployments"
        variables = {f"d{number}": id_ for number, id_ in enumerate(ids)}

        def read() -> _Answer:
            document = self.documents.deployments(len(ids), offer=offer)
            # Of several, one that is gone or may not be seen must not hide the others.
            return self._transport.read(document, variables, answer, what=what, partial=not alone)

        try:
            return read()
        except PlatformRefusedError as error:
            if _NO_SUCH_FIELD in str(error):
                # The platform was upgraded since it was seen last.
                self._documents = None
                return read()
            if alone and _NO_SUCH_DEPLOYMENT in str(error):
                raise not_found(ids[0]) from error
            if alone or isinstance(error, TokenRefusedError):
                raise
            return None

    def _catalog(self, answer: wire.OfferAnswer) -> Catalog:
        return Catalog.offered(
            certified=[image.version for image in answer.deployment_config.airflow_images],
            runtime=[(release.version, release.airflow_version) for release in answer.runtime_releases],
            feed=self._feed,
        )


_Answer = TypeVar("_Answer", bound=wire.DeploymentsAnswer)


def not_found(deployment_id: str) -> DeploymentNotFoundError:
    """Make the error of a Deployment that Houston does not show."""
    return DeploymentNotFoundError(
        f"Houston shows this token no Deployment with the id {deployment_id!r}: it was deleted, the id is wrong, or "
        "the token's account has no access to its workspace"
    )

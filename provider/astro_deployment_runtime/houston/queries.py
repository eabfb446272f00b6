"""Live reads of Houston: the fleet, Deployments by name, and Deployments by id.

An answer about something else than what was asked for is never used. One malformed Deployment does not hide the others.
Where a list is incomplete, the snapshot says so in :attr:`~astro_deployment_runtime.houston.snapshot.Snapshot.gaps`.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final, TypeAlias, TypeVar

from pydantic import ValidationError

from astro_deployment_runtime.config.selectors import Candidate
from astro_deployment_runtime.errors import (
    DeploymentNotFoundError,
    PlatformAnswerError,
    PlatformError,
    PlatformRefusedError,
    TokenRefusedError,
    UnsupportedFieldsError,
)
from astro_deployment_runtime.houston.graphql_answers import (
    AnyAnswer,
    DeploymentAnswer,
    PlatformAnswer,
    WorkspaceAnswer,
    certified_versions,
    deployment_answer,
    json_text,
    objects_in,
    runtime_versions,
)
from astro_deployment_runtime.houston.graphql_documents import (
    OptionalField,
    documents_for,
    optional_field,
    platform_query,
)
from astro_deployment_runtime.houston.model_mapping import map_current, map_platform
from astro_deployment_runtime.houston.snapshot import Snapshot
from astro_deployment_runtime.planning.catalog import Catalog

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from astro_deployment_runtime.houston.graphql_documents import Documents, Query
    from astro_deployment_runtime.houston.transport import Transport
    from astro_deployment_runtime.planning.platform_version import Platform

_NO_SUCH_DEPLOYMENT: Final = "No deployment exists"
_Answer = TypeVar("_Answer")


@dataclass(frozen=True, kw_only=True)
class FleetAnswer:
    """A snapshot of the fleet, and the answers that it was made from."""

    snapshot: Snapshot
    deployments: tuple[DeploymentAnswer, ...]

    @cached_property
    def by_id(self) -> Mapping[str, DeploymentAnswer]:
        """The Deployments by their ids."""
        return {deployment.id: deployment for deployment in self.deployments}

    @cached_property
    def by_release_name(self) -> Mapping[str, Sequence[DeploymentAnswer]]:
        """The Deployments by their release names. Several may share one."""
        found = defaultdict(list)
        for deployment in self.by_id.values():
            found[deployment.release_name].append(deployment)
        return found


@dataclass(frozen=True, slots=True, kw_only=True)
class DeploymentWithOffer:
    """A Deployment, and what the platform had on offer at the same time."""

    deployment: DeploymentAnswer
    platform: Platform
    catalog: Catalog


DeploymentOrError: TypeAlias = DeploymentAnswer | PlatformError | None
"""A Deployment, or what is wrong with it. None: Houston refused the whole batch, so ask for this one alone."""


class Queries:
    """Reads Houston with the documents that fit the platform. Safe to share among threads."""

    def __init__(self, transport: Transport, feed: Catalog) -> None:
        """Read over that transport. The feed adds the data about releases that the platform lacks."""
        self._transport = transport
        self._feed = feed
        self._platform: Platform | None = None
        self._refused: frozenset[OptionalField] = frozenset()

    @property
    def documents(self) -> Documents:
        """The documents that fit the platform. The first use asks for the platform's version.

        Raises:
            PlatformError: Houston cannot be read.
        """
        platform = self._platform or self._read_platform()[0]
        return documents_for(platform.number, by_image=platform.upgrades_by_image, refused=self._refused)

    def fleet(self) -> FleetAnswer:
        """Read the whole fleet, in two requests, or in more if there are very many workspaces.

        Raises:
            PlatformError: Houston cannot be read.
        """
        platform, answer = self._read_platform()
        entries, gaps = objects_in(answer.workspaces, "workspaces")
        labels = {}
        for entry in entries:
            try:
                workspace = WorkspaceAnswer.model_validate(entry)
            except ValidationError:
                gaps.append(f"a workspace without an id: {json_text(entry)}")
            else:
                labels[workspace.id] = workspace.label or ""
        deployments, more_gaps, certified = self._in_workspaces(list(labels), offer=True)
        snapshot = Snapshot(
            platform=platform,
            catalog=self._catalog(certified, answer),
            candidates=tuple(_candidate(each, labels) for each in deployments),
            workspace_labels=labels,
            gaps=(*gaps, *more_gaps),
            refused=tuple(sorted(self._refused)),
            tells_deployment_labels=OptionalField.DEPLOYMENT_LABEL not in self._refused,
            tells_workspace_labels=OptionalField.WORKSPACE_LABEL not in self._refused,
        )
        return FleetAnswer(snapshot=snapshot, deployments=tuple(deployments))

    def by_release_names(self, release_names: Sequence[str], workspace_ids: Iterable[str]) -> list[DeploymentAnswer]:
        """Read the Deployments with these release names, in as few requests as the workspaces allow.

        Raises:
            PlatformError: Houston cannot be read.
        """
        only = release_names[0] if len(release_names) == 1 else None
        found, _, _ = self._in_workspaces(list(workspace_ids), release_name=only)
        return [each for each in found if each.release_name in set(release_names)]

    def by_ids(self, ids: Sequence[str]) -> dict[str, DeploymentOrError]:
        """Read Deployments by id, in as few requests as their number allows.

        Raises:
            PlatformError: Houston cannot be read; or only one Deployment was asked for, and Houston refuses it.
        """
        return self._by_ids(ids)[0]

    def by_ids_with_offer(self, ids: Sequence[str]) -> dict[str, DeploymentWithOffer | PlatformError | None]:
        """Read Deployments by id together with what is on offer. Errors and None as in :data:`DeploymentOrError`.

        Raises:
            PlatformError: Houston cannot be read; or only one Deployment was asked for, and Houston refuses it.
        """
        found, offer = self._by_ids(ids, offer=True)
        if offer is None:
            return dict.fromkeys(ids)
        platform, catalog = offer
        return {
            id_: DeploymentWithOffer(deployment=each, platform=platform, catalog=catalog)
            if isinstance(each, DeploymentAnswer)
            else each
            for id_, each in found.items()
        }

    def _read_platform(self) -> tuple[Platform, PlatformAnswer]:
        def ask() -> PlatformAnswer:
            query = platform_query(self._refused)
            return self._transport.read(query.document, query.variables, PlatformAnswer, what="the platform's offer")

        answer = self._omitting_refused_fields(ask, recheck_platform=False)
        self._platform = map_platform(answer.app_config)
        return self._platform, answer

    def _in_workspaces(
        self, workspace_ids: Sequence[str], *, offer: bool = False, release_name: str | None = None
    ) -> tuple[list[DeploymentAnswer], list[str], list[str]]:
        """Return the Deployments of workspaces, why some may be missing, and the Certified versions on offer."""

        def ask() -> tuple[list[DeploymentAnswer], list[str], list[str]]:
            documents = self.documents
            found, gaps, certified = list[DeploymentAnswer](), list[str](), list[str]()
            what = "the Deployments of all workspaces"
            for query in documents.deployments_in_workspaces(workspace_ids, offer=offer, release_name=release_name):
                data = self._transport.read(query.document, query.variables, AnyAnswer, what=what).root
                certified += certified_versions(data, query)
                for alias, workspace_id in query.ids.items():
                    entries, unexpected = objects_in(data.get(alias), f"the Deployments of workspace {workspace_id}")
                    gaps += unexpected
                    for entry in entries:
                        try:
                            deployment = deployment_answer(entry, documents, workspace_id)
                        except ValidationError:
                            gaps.append(f"a Deployment of workspace {workspace_id}: without an id or a release name")
                            continue
                        if deployment.workspace_id != workspace_id:
                            gaps.append(
                                f"a Deployment of workspace {workspace_id}: {deployment.release_name} is in workspace "
                                f"{deployment.workspace_id}"
                            )
                            continue
                        found.append(deployment)
            return found, gaps, certified

        return self._omitting_refused_fields(ask)

    def _by_ids(
        self, ids: Sequence[str], *, offer: bool = False
    ) -> tuple[dict[str, DeploymentOrError], tuple[Platform, Catalog] | None]:
        def ask() -> tuple[dict[str, DeploymentOrError], tuple[Platform, Catalog] | None]:
            documents = self.documents
            found, offered = dict[str, DeploymentOrError](), None
            for query in documents.deployments_by_id(ids, offer=offer):
                what = f"the Deployment {ids[0]}" if len(ids) == 1 else f"{len(ids)} Deployments"
                try:
                    data, refusals = self._transport.read_parts(query.document, query.variables, what=what)
                except PlatformRefusedError as error:
                    if isinstance(error, TokenRefusedError | UnsupportedFieldsError) or len(ids) == 1:
                        raise _as_not_found(error, ids[0]) from error
                    # A Deployment that is gone or not permitted must not hide the others of its batch.
                    found |= dict.fromkeys(query.ids.values())
                    continue
                if "appConfig" in query.document:
                    offered = self._offer(data, refusals, query, what)
                found |= {
                    id_: _deployment_or_error(id_, data, alias, refusals, documents) for alias, id_ in query.ids.items()
                }
            return found, offered

        return self._omitting_refused_fields(ask)

    def _offer(
        self, data: Mapping[str, Any], refusals: Mapping[str, PlatformRefusedError], query: Query, what: str
    ) -> tuple[Platform, Catalog]:
        if refusal := next((error for alias, error in refusals.items() if alias not in query.ids), None):
            raise refusal
        answer = self._transport.parse(data, PlatformAnswer, what)
        self._platform = map_platform(answer.app_config)
        return self._platform, self._catalog(certified_versions(data, query), answer)

    def _omitting_refused_fields(self, ask: Callable[[], _Answer], *, recheck_platform: bool = True) -> _Answer:
        """Ask. If the platform refuses optional fields, remember them and ask again without them.

        Args:
            ask: sends the query, with the documents that fit by then.
            recheck_platform: where that does not help, read whether the platform was upgraded in the meantime.
        """
        # Each round but the last omits one more field, or continues with the version of an upgraded platform.
        for _ in range(len(OptionalField) + 1):
            try:
                return ask()
            except UnsupportedFieldsError as error:
                self._omit(error, recheck_platform=recheck_platform)
        return ask()

    def _omit(self, error: UnsupportedFieldsError, *, recheck_platform: bool) -> None:
        fields = {optional_field(type_name, field_name) for type_name, field_name in error.fields}
        known = self._platform
        # Only a platform that upgrades by image alone has no pending hops to hide.
        hides_hops = OptionalField.DESIRED_VERSIONS in fields and not (known is not None and known.upgrades_by_image)
        if None in fields or fields <= self._refused or hides_hops:
            if recheck_platform and known is not None and self._read_platform()[0] != known:
                return
            if OptionalField.DESIRED_VERSIONS in fields and known is not None:
                raise PlatformRefusedError(
                    f"platform {known.version} does not tell which hops are pending ({error}), so a hop that somebody "
                    "started could be missed, and nothing is planned: upgrade the platform, or turn on its flag "
                    "disableDesiredRuntimeVersion if it upgrades Runtime by images alone"
                ) from error
            raise error
        self._refused |= {each for each in fields if each is not None}

    def _catalog(self, certified: Iterable[str], answer: PlatformAnswer) -> Catalog:
        runtime, unexpected = runtime_versions(answer.runtime_releases)
        # The catalog names an unexpected entry among the versions that it cannot read.
        return Catalog.offered(certified=[*certified, *unexpected], runtime=runtime, feed=self._feed)


def _candidate(deployment: DeploymentAnswer, workspace_labels: Mapping[str, str]) -> Candidate:
    try:
        current = map_current(deployment)
    except PlatformAnswerError:
        current = None
    return Candidate(
        id=deployment.id,
        release_name=deployment.release_name,
        label=deployment.label or deployment.release_name,
        workspace_id=deployment.workspace_id,
        workspace=workspace_labels.get(deployment.workspace_id, ""),
        current=current,
    )


def _deployment_or_error(
    id_: str,
    data: Mapping[str, Any],
    alias: str,
    refusals: Mapping[str, PlatformRefusedError],
    documents: Documents,
) -> DeploymentOrError:
    if alias in refusals:
        return _as_not_found(refusals[alias], id_)
    if alias not in data:
        return PlatformAnswerError(f"Houston's answer lacks the Deployment {id_}, which was asked for")
    if data[alias] is None:
        return not_found(id_)
    try:
        found = deployment_answer(data[alias], documents)
    except ValidationError:
        return PlatformAnswerError(f"Houston's answer about the Deployment {id_} has no id or no release name")
    if found.id != id_:
        return PlatformAnswerError(
            f"Houston was asked for the Deployment {id_} and answered with {found.id} ({found.release_name}): "
            "that answer is not used. Check caches and proxies in front of Houston, then run again"
        )
    return found


def _as_not_found(error: PlatformRefusedError, id_: str) -> PlatformError:
    return not_found(id_) if _NO_SUCH_DEPLOYMENT in str(error) else error


def not_found(deployment_id: str) -> DeploymentNotFoundError:
    """Make the error for a Deployment that Houston does not show."""
    return DeploymentNotFoundError(
        f"Houston shows this token no Deployment with the id {deployment_id!r}: it was deleted, the id is wrong, or "
        "the token's account has no access to its workspace"
    )

"""What Houston can be asked, and in which documents: each reading is live, and costs one or two requests.

Nothing is taken from an answer that is about something else than what was asked for. One odd row spoils nothing but
itself; and where a list is not known as a whole, the reading says so (:attr:`Snapshot.gaps`).
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final, TypeAlias, TypeVar

from pydantic import ValidationError

from astro_deployment_runtime.errors import (
    DeploymentNotFoundError,
    FieldsRefusedError,
    PlatformAnswerError,
    PlatformError,
    PlatformRefusedError,
    TokenRefusedError,
)
from astro_deployment_runtime.houston import wire
from astro_deployment_runtime.houston.model_mapping import read_platform
from astro_deployment_runtime.planning.catalog import Catalog
from astro_deployment_runtime.planning.plan_warnings import of_rows

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from astro_deployment_runtime.houston.transport import Transport
    from astro_deployment_runtime.planning.model import Platform

_NO_SUCH_DEPLOYMENT: Final = "No deployment exists"
_MOST_NAMED: Final = 5
_Answer = TypeVar("_Answer")


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
    gaps: tuple[str, ...] = ()
    """Why there may be Deployments that this reading does not show, as clauses."""
    refused: frozenset[wire.Part] = frozenset()
    """What the platform should tell and refuses to."""

    @cached_property
    def by_id(self) -> Mapping[str, wire.WireDeployment]:
        """The Deployments by their ids."""
        return {deployment.id: deployment for deployment in self.deployments}

    @cached_property
    def by_release_name(self) -> Mapping[str, Sequence[wire.WireDeployment]]:
        """The Deployments by their release names, of which several may have one."""
        found = defaultdict(list)
        for deployment in self.by_id.values():
            found[deployment.release_name].append(deployment)
        return found

    @property
    def notes(self) -> tuple[str, ...]:
        """What a user should know of this reading, as sentences."""
        notes = of_rows(self.catalog)
        if self.gaps:
            notes.append(f"Houston does not show the fleet as a whole: {_few(self.gaps)}")
        if self.refused:
            notes.append(
                f"Houston refuses fields that platform {self.platform.version} should have, so they are not known: "
                f"{', '.join(sorted(self.refused))}"
            )
        return tuple(notes)


@dataclass(frozen=True, slots=True, kw_only=True)
class Live:
    """One Deployment beside what the platform had on offer at the same time."""

    deployment: wire.WireDeployment
    platform: Platform
    catalog: Catalog


Found: TypeAlias = wire.WireDeployment | PlatformError | None
"""A Deployment, or what is wrong with it; None: it was refused with others, so that it has to be asked for alone."""


class Reader:
    """Asks in the documents that fit the platform, as it was seen last. Safe to share among threads."""

    def __init__(self, transport: Transport, feed: Catalog) -> None:
        """Speak over that transport; take from the feed what the platform does not tell of releases."""
        self._transport = transport
        self._feed = feed
        self._platform: Platform | None = None
        self._refused: frozenset[wire.Part] = frozenset()

    @property
    def documents(self) -> wire.Documents:
        """What fits the platform; it is asked for its version where nobody did so yet.

        Raises:
            PlatformError: Houston cannot be read.
        """
        platform = self._platform or self._read_platform()[0]
        return wire.documents(platform.number, by_image=platform.upgrades_by_image, refused=self._refused)

    def fleet(self) -> Snapshot:
        """Read everything, in two requests; in more where the workspaces are too many for one.

        Raises:
            PlatformError: Houston cannot be read.
        """
        platform, answer = self._read_platform()
        rows, gaps = wire.objects(answer.workspaces, "workspaces")
        workspaces = {}
        for row in rows:
            try:
                workspace = wire.WireWorkspace.model_validate(row)
            except ValidationError:
                gaps.append(f"a workspace without an id: {wire.odd(row)}")
            else:
                workspaces[workspace.id] = workspace.label or ""
        deployments, more, certified = self._in_workspaces(list(workspaces), offer=True)
        return Snapshot(
            platform=platform,
            catalog=self._catalog(certified, answer),
            workspaces=tuple(workspaces),
            deployments=tuple(deployments),
            labels=workspaces,
            gaps=(*gaps, *more),
            refused=self._refused,
        )

    def named(self, release_names: Sequence[str], workspaces: Sequence[str]) -> list[wire.WireDeployment]:
        """Read the Deployments of these release names, in as many requests as the workspaces need.

        Raises:
            PlatformError: Houston cannot be read.
        """
        only = release_names[0] if len(release_names) == 1 else None
        found, _, _ = self._in_workspaces(workspaces, release_name=only)
        return [each for each in found if each.release_name in set(release_names)]

    def deployments(self, ids: Sequence[str]) -> dict[str, Found]:
        """Read Deployments by their ids, in as few requests as their number allows.

        Raises:
            PlatformError: Houston cannot be read; or only one was asked for, and it is refused.
        """
        return self._by_ids(ids)[0]

    def live(self, ids: Sequence[str]) -> dict[str, Live | PlatformError | None]:
        """Read Deployments by their ids, and the offer with them; errors and None as above.

        Raises:
            PlatformError: Houston cannot be read; or only one was asked for, and it is refused.
        """
        found, offer = self._by_ids(ids, offer=True)
        if offer is None:
            return dict.fromkeys(ids)
        platform, catalog = offer
        return {
            id_: Live(deployment=each, platform=platform, catalog=catalog)
            if isinstance(each, wire.WireDeployment)
            else each
            for id_, each in found.items()
        }

    def _read_platform(self) -> tuple[Platform, wire.PlatformAnswer]:
        what = "the platform's offer"

        def ask() -> wire.PlatformAnswer:
            request = wire.platform(self._refused)
            return self._transport.read(request.document, request.variables, wire.PlatformAnswer, what=what)

        answer = self._without_what_is_refused(ask, looks=False)
        self._platform = read_platform(answer.app_config)
        return self._platform, answer

    def _in_workspaces(
        self, workspaces: Sequence[str], *, offer: bool = False, release_name: str | None = None
    ) -> tuple[list[wire.WireDeployment], list[str], list[str]]:
        """Return the Deployments of workspaces, why that may not be all of them, and the Certified offer."""

        def ask() -> tuple[list[wire.WireDeployment], list[str], list[str]]:
            documents = self.documents
            found, gaps, certified = list[wire.WireDeployment](), list[str](), list[str]()
            what = "the Deployments of all workspaces"
            for request in documents.fleet(workspaces, offer=offer, release_name=release_name):
                data = self._transport.read(request.document, request.variables, wire.Answer, what=what).root
                certified += wire.certified_on_offer(data, request)
                for alias, workspace in request.keys.items():
                    rows, odd = wire.objects(data.get(alias), f"the Deployments of workspace {workspace}")
                    gaps += odd
                    for row in rows:
                        try:
                            found.append(_of_workspace(documents.row(row, workspace), workspace))
                        except (ValidationError, PlatformAnswerError) as error:
                            told = (
                                error if isinstance(error, PlatformAnswerError) else "without an id or a release name"
                            )
                            gaps.append(f"a Deployment of workspace {workspace}: {told}")
            return found, gaps, certified

        return self._without_what_is_refused(ask)

    def _by_ids(
        self, ids: Sequence[str], *, offer: bool = False
    ) -> tuple[dict[str, Found], tuple[Platform, Catalog] | None]:
        def ask() -> tuple[dict[str, Found], tuple[Platform, Catalog] | None]:
            documents = self.documents
            found, offered = dict[str, Found](), None
            for request in documents.deployments(ids, offer=offer):
                what = f"the Deployment {ids[0]}" if len(ids) == 1 else f"{len(ids)} Deployments"
                try:
                    data, refusals = self._transport.read_parts(request.document, request.variables, what=what)
                except PlatformRefusedError as error:
                    if isinstance(error, TokenRefusedError | FieldsRefusedError) or len(ids) == 1:
                        raise _translated(error, ids[0]) from error
                    # Of several, one that is gone or may not be seen must not hide the others.
                    found |= dict.fromkeys(request.keys.values())
                    continue
                if "appConfig" in request.document:
                    offered = self._offer(data, refusals, request, what)
                found |= {
                    id_: self._of_id(id_, data, alias, refusals, documents) for alias, id_ in request.keys.items()
                }
            return found, offered

        return self._without_what_is_refused(ask)

    def _offer(
        self, data: Mapping[str, Any], refusals: Mapping[str, PlatformRefusedError], asked: wire.Request, what: str
    ) -> tuple[Platform, Catalog]:
        if unread := next((error for alias, error in refusals.items() if alias not in asked.keys), None):
            raise unread
        answer = self._transport.shaped(data, wire.PlatformAnswer, what)
        self._platform = read_platform(answer.app_config)
        return self._platform, self._catalog(wire.certified_on_offer(data, asked), answer)

    @staticmethod
    def _of_id(
        id_: str,
        data: Mapping[str, Any],
        alias: str,
        refusals: Mapping[str, PlatformRefusedError],
        documents: wire.Documents,
    ) -> Found:
        if alias in refusals:
            return _translated(refusals[alias], id_)
        if alias not in data:
            return PlatformAnswerError(f"Houston's answer lacks the Deployment {id_}, which was asked for")
        if data[alias] is None:
            return not_found(id_)
        try:
            found = documents.row(data[alias])
        except ValidationError:
            return PlatformAnswerError(f"Houston tells no id or no release name of the Deployment {id_}")
        if found.id != id_:
            return PlatformAnswerError(
                f"Houston was asked for the Deployment {id_} and answered with {found.id} ({found.release_name}): "
                "nothing of that is used. Check caches and proxies in front of Houston, then run again"
            )
        return found

    def _without_what_is_refused(self, ask: Callable[[], _Answer], *, looks: bool = True) -> _Answer:
        """Ask; where the platform refuses fields that we can do without, ask again without them, and remember.

        ``looks``: where that does not help, look whether the platform was upgraded since it was seen last.
        """
        # Each round but the last leaves out one more part, or goes on with a platform that was upgraded meanwhile.
        for _ in range(len(wire.Part) + 1):
            try:
                return ask()
            except FieldsRefusedError as error:
                self._leave_out(error, looks=looks)
        return ask()

    def _leave_out(self, error: FieldsRefusedError, *, looks: bool) -> None:
        parts = {wire.part(kind, name) for kind, name in error.fields}
        known = self._platform
        if None in parts or parts <= self._refused or (wire.Part.DESIRED in parts and not self._may_hide_hops(known)):
            if looks and known is not None and self._read_platform()[0] != known:
                return
            if wire.Part.DESIRED in parts and known is not None:
                raise PlatformRefusedError(
                    f"platform {known.version} does not tell which hops are pending ({error}), and one that somebody "
                    "started would be overlooked, so nothing is planned: upgrade the platform, or turn on its flag "
                    "disableDesiredRuntimeVersion if its Runtime upgrades are made by their images alone"
                ) from error
            raise error
        self._refused |= {each for each in parts if each is not None}

    @staticmethod
    def _may_hide_hops(platform: Platform | None) -> bool:
        return platform is not None and platform.upgrades_by_image

    def _catalog(self, certified: Iterable[str], answer: wire.PlatformAnswer) -> Catalog:
        runtime, odd = wire.runtime_on_offer(answer.runtime_releases)
        # An odd row is named among the versions that cannot be read.
        return Catalog.offered(certified=[*certified, *odd], runtime=runtime, feed=self._feed)


def _of_workspace(found: wire.WireDeployment, workspace: str) -> wire.WireDeployment:
    if found.workspace is not None and found.workspace.id != workspace:
        raise PlatformAnswerError(f"{found.release_name} is in workspace {found.workspace.id}")
    return found


def _translated(error: PlatformRefusedError, id_: str) -> PlatformError:
    return not_found(id_) if _NO_SUCH_DEPLOYMENT in str(error) else error


def _few(clauses: Sequence[str]) -> str:
    more = len(clauses) - _MOST_NAMED
    return "; ".join(clauses[:_MOST_NAMED]) + (f"; and {more} more" if more > 0 else "")


def not_found(deployment_id: str) -> DeploymentNotFoundError:
    """Make the error of a Deployment that Houston does not show."""
    return DeploymentNotFoundError(
        f"Houston shows this token no Deployment with the id {deployment_id!r}: it was deleted, the id is wrong, or "
        "the token's account has no access to its workspace"
    )

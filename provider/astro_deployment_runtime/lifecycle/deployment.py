"""One declared Deployment: check, diff, apply, refresh and adopt it. Inputs and outputs are plain dictionaries."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from astro_deployment_runtime.catalogs import remote_feed
from astro_deployment_runtime.config.connection_settings import ConnectionSettings
from astro_deployment_runtime.config.resource_arguments import ResourceArguments, read_arguments
from astro_deployment_runtime.delivery.delivery_choice import Ways
from astro_deployment_runtime.errors import (
    AstroRuntimeError,
    DeploymentNotFoundError,
    InvalidInputError,
    RefusedError,
)
from astro_deployment_runtime.execution.decisions import WalkRequest
from astro_deployment_runtime.execution.polling import POLLING, Polling
from astro_deployment_runtime.houston.client import Houston
from astro_deployment_runtime.lifecycle.outputs import observed, outputs
from astro_deployment_runtime.planning import plan_messages
from astro_deployment_runtime.planning.base_images import VENDORS
from astro_deployment_runtime.planning.model import Plan, Refusal
from astro_deployment_runtime.planning.pending_hop import Ownership, owner_in_state, owner_of
from astro_deployment_runtime.planning.plan_request import PlanRequest
from astro_deployment_runtime.planning.planner import plan
from astro_deployment_runtime.planning.versions import ReleaseId, RuntimeVersion
from astro_deployment_runtime.support.text import printable
from astro_deployment_runtime.support.urns import resource_name

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping
    from datetime import date

    from astro_deployment_runtime.execution.ports import Clock, Reporter
    from astro_deployment_runtime.planning.base_images import BaseImages
    from astro_deployment_runtime.planning.model import Deployment

ARGUMENTS: Final = tuple(ResourceArguments.model_fields)
"""The names of what a user gives."""

Properties = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class DeploymentCheck:
    """What became of a resource's inputs."""

    inputs: Properties
    """What the user gave, and what was planned for it: ``plan``, ``path``, ``hops``, ``cancel``. What depends on an
    argument that is not known yet is left out."""
    failures: tuple[tuple[str, str], ...] = ()
    """Pairs of an argument's name (empty: none in particular) and a reason."""
    lines: tuple[str, ...] = ()
    """The plan, to show. Empty where there is nothing to do, and where that is in doubt."""
    doubtful: bool = False
    """The plan begins with cancelling a pending hop that may be ours: :meth:`DeploymentLifecycle.diff` tells."""
    warnings: tuple[str, ...] = ()
    undecided: str | None = None
    """Why there is no path yet; None where there is one, or a failure."""
    deployment: Deployment | None = None
    """As it was read; None where it could not be."""
    outcome: Plan | Refusal | None = None
    """What the planner said; None where it was not asked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeploymentDiff:
    """Whether there is something to do, and what has to be shown now because it was in doubt before."""

    changes: bool
    lines: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


@dataclass(slots=True)
class DeploymentLifecycle:
    """What the provider does, for one platform."""

    houston: Houston
    settings: ConnectionSettings | None = None
    """What the commands of a project are told of Houston."""
    today: Callable[[], date] = lambda: datetime.now(UTC).date()
    """Gives the day for which the support of releases is judged."""
    resolve_newest: bool = False
    """What a target was resolved to before is forgotten."""
    told: set[str] = field(default_factory=set)
    """What was said of rows that cannot be read; copies of a lifecycle share it."""
    _urns: dict[str, str] = field(init=False, default_factory=dict)
    _lock: threading.Lock = field(init=False, default_factory=threading.Lock)
    _ways: Ways = field(init=False)

    def __post_init__(self) -> None:
        """Learn how images arrive."""
        self._ways = Ways(self.houston, self.settings)

    def close(self) -> None:
        """Give the connections back."""
        self.houston.close()

    def check(  # noqa: PLR0911 - each argument that can be to blame is named
        self, urn: str, olds: Mapping[str, Any] | None, news: Mapping[str, Any], *, unknown: Collection[str] = ()
    ) -> DeploymentCheck:
        """Plan from the live state, and refuse what is illegal. An error of ours becomes a failure.

        Args:
            urn: whose inputs these are; empty where the host does not tell.
            olds: the inputs of an earlier run; empty for a new resource; None: nobody has read the stack's state.
                With ``pending``, which that run saved, they tell who started a pending hop.
            news: what the user gives now; and ``held``, where the program has resolved the target already.
            unknown: arguments that are given and not known yet, since they come from resources that do not exist.
                They are not in ``news``, except for the known items of ``accept``. None of them names the Deployment
                or the version.
        """
        inputs = {name: value for name, value in news.items() if name in ARGUMENTS or name.startswith("__")}
        name = resource_name(urn)
        checked = DeploymentCheck(inputs=inputs)
        try:
            arguments = read_arguments({key: value for key, value in inputs.items() if key in ARGUMENTS})
            deployment = self._find(urn, arguments)
            # The engine gives a check no old outputs: where the owner is unknown, diff has the last word.
            owner = owner_in_state(deployment.pending, olds)
            outcome = self._plan(deployment, arguments, owner, held=self._kept(olds or {}, news, arguments))
            notes = self.notes(once=True)
            checked = replace(checked, deployment=deployment, outcome=outcome, warnings=notes)
            planned = _legal(outcome)
        except RefusedError as error:
            if "accept" in unknown and isinstance(checked.outcome, Refusal) and checked.outcome.acceptable:
                return replace(checked, undecided="whether the path is allowed depends on accept")
            return replace(checked, failures=((error.argument, str(error)),))
        except AstroRuntimeError as error:
            return replace(checked, failures=((error.argument, str(error)),))
        inputs |= {"deployment_id": deployment.id, "release_name": deployment.release_name}
        if "strategy" in unknown:
            return replace(checked, undecided="the path depends on strategy")
        unconfirmed = deployment.airflow_url is None and arguments.verify == "airflow" and "verify" not in unknown
        if planned.hops and unconfirmed:
            reason = (
                f"Houston tells no address of the Airflow of {deployment.release_name}, so it cannot be asked whether "
                "a hop has arrived: give it a webserver, or take Houston's word for it with verify: houston"
            )
            return replace(checked, failures=(("verify", reason),))
        lines = plan_messages.plan_lines(planned, name=name or None, release_name=deployment.release_name)
        lines += plan_messages.pending_lines(planned, deployment.pending)
        waiting = _waiting(arguments, unknown)
        try:
            lines += self._ways.lines(arguments, deployment, planned, unknown=waiting)
        except InvalidInputError as error:
            return replace(checked, failures=((error.argument, str(error)),))
        steps = bool(planned.hops or planned.cancel)
        inputs |= {
            "plan": lines,
            "path": plan_messages.path_line(planned),
            "hops": len(planned.hops),
            "cancel": str(planned.cancel) if planned.cancel else None,
            "target": str(planned.resolved.version) if planned.resolved else None,
        }
        if (waiting and planned.hops) or ("accept" in unknown and planned.warnings):
            del inputs["plan"]
        unknown_owner = owner is Ownership.UNKNOWN and not arguments.accepted.cancel_pending
        doubtful = unknown_owner and planned.cancel is not None
        if doubtful or not steps:
            warnings = () if steps else tuple(map(plan_messages.warning_line, planned.warnings))
            return replace(checked, doubtful=doubtful, warnings=(*notes, *warnings))
        return replace(checked, lines=tuple(lines))

    def notes(self, *, once: bool) -> tuple[str, ...]:
        """Return what a user should know of what the platform shows: odd rows, for example. They count as told then.

        Args:
            once: leave out what was told before, so that not every Deployment repeats it.

        Raises:
            PlatformError: Houston cannot be read.
        """
        notes = tuple(map(printable, self.houston.snapshot().notes))
        with self._lock:
            new = tuple(note for note in notes if note not in self.told) if once else notes
            self.told.update(new)
        return new

    def diff(self, olds: Mapping[str, Any], news: Mapping[str, Any]) -> DeploymentDiff:
        """Compare what runs with checked inputs, now that the old outputs tell whose a pending hop is.

        Raises:
            RefusedError: the pending hop that would be cancelled is foreign, and its cancelling is not accepted.
        """
        cancel = news.get("cancel")
        if not cancel or "cancel-pending" in news["accept"]:
            return DeploymentDiff(changes=bool(news["hops"] or cancel))
        if owner_of(cancel, olds.get("pending")) is Ownership.OURS:
            lines = news.get("plan") or [f"{news['release_name']}: cancel {cancel}, then {news['path']}"]
            return DeploymentDiff(changes=True, lines=tuple(lines))
        deployment = self.houston.find(deployment_id=news["deployment_id"])
        arguments = _arguments(news)
        held = _held(news, arguments)
        planned = _legal(self._plan(deployment, arguments, Ownership.FOREIGN, held=held))
        return DeploymentDiff(
            changes=bool(planned.hops), warnings=tuple(map(plan_messages.warning_line, planned.warnings))
        )

    def apply(
        self,
        news: Mapping[str, Any],
        *,
        pending: str | None,
        clock: Clock,
        reporter: Reporter,
        polling: Polling = POLLING,
    ) -> tuple[Properties, str | None]:
        """Walk the path in checked inputs.

        Returns:
            What to save, and the reason why the target was not reached, or None.

        Raises:
            AstroRuntimeError: nothing was changed, and nothing observed that is worth saving.
        """
        from astro_deployment_runtime.execution.executor import walk

        arguments = _arguments(news)
        path = tuple(ReleaseId.parse(release) for release in news["path"].split(plan_messages.ARROW))
        cancel = ReleaseId.parse(news["cancel"]) if news.get("cancel") else None
        ending = walk(
            news["deployment_id"],
            WalkRequest(
                target=_held(news, arguments) or arguments.target,
                strategy=arguments.path_strategy,
                accepted=arguments.accepted,
                path=path,
                cancel=cancel,
                delivers=arguments.image is not None or arguments.project is not None,
                timeout=arguments.timeout,
                ask_airflow=arguments.verify == "airflow",
                base_images=self._base_images,
                wait=arguments.wait,
            ),
            delivery=self._ways.delivery(arguments, path, cancel, clock),
            saved_hop=ReleaseId.parse(pending) if pending else None,
            client=self.houston,
            clock=clock,
            reporter=reporter,
            polling=polling,
        )
        return outputs(news, ending), ending.problem

    def refresh(self, props: Mapping[str, Any]) -> Properties | None:
        """Read a Deployment for a refresh: the outputs as they are now, or None where it is gone.

        Raises:
            PlatformError: Houston cannot be read.
        """
        try:
            if (known := props.get("deployment_id")) is None:
                # It was adopted while it could not be read, and has only the name that it was declared by.
                known = self.houston.find(release_name=props.get("release_name")).id
            deployment, _, _ = self.houston.observe(known)
        except DeploymentNotFoundError:
            return None
        ours = owner_of(deployment.pending, props.get("pending")) is Ownership.OURS
        return {**props, **observed(deployment, deployment.pending if ours else None)}

    def adopt(self, props: Mapping[str, Any]) -> Properties:
        """Read a Deployment that is left as it is; one that cannot be read is kept by the name that it was given."""
        try:
            found = self.houston.find(release_name=props.get("release_name"), deployment_id=props.get("deployment_id"))
        except AstroRuntimeError:
            return dict(props)
        return {**props, **observed(found, None)}

    def _find(self, urn: str, arguments: ResourceArguments) -> Deployment:
        deployment = self.houston.find(release_name=arguments.release_name, deployment_id=arguments.deployment_id)
        with self._lock:
            owner = self._urns.setdefault(deployment.id, urn)
        if urn and owner != urn:
            raise RefusedError(
                f"{deployment.release_name} is declared twice, here and as {resource_name(owner)!r}: a "
                "Deployment has one version, so remove one of the two"
            )
        return deployment

    def _kept(
        self, olds: Mapping[str, Any], news: Mapping[str, Any], arguments: ResourceArguments
    ) -> RuntimeVersion | None:
        """Return what the target was resolved to before, to stay with; None: it is resolved anew."""
        if news.get("held"):
            return RuntimeVersion.observe(news["held"])
        return None if self.resolve_newest else _held(olds, arguments)

    def _plan(
        self, deployment: Deployment, arguments: ResourceArguments, owner: Ownership, *, held: RuntimeVersion | None
    ) -> Plan | Refusal:
        snapshot = self.houston.snapshot()
        outcome = plan(
            PlanRequest(
                current=deployment.current,
                target=arguments.target,
                catalog=snapshot.catalog,
                strategy=arguments.path_strategy,
                accepted=arguments.accepted,
                denied=arguments.denied,
                today=self.today(),
                held=held,
                platform=snapshot.platform,
                pending=deployment.pending,
                pending_owner=owner,
            )
        )
        return replace(outcome, base_images=self._base_images) if isinstance(outcome, Plan) else outcome

    @property
    def _base_images(self) -> BaseImages:
        return self.settings.base_images if self.settings else VENDORS


def _waiting(arguments: ResourceArguments, unknown: Collection[str]) -> list[str]:
    """List the arguments that decide about images and are not known yet."""
    deciding = ("image", "project", *(["accept"] if arguments.image is not None else []))
    return [name for name in deciding if name in unknown]


def _legal(outcome: Plan | Refusal) -> Plan:
    if isinstance(outcome, Refusal):
        raise RefusedError(plan_messages.refusal_message(outcome))
    return outcome


def _arguments(inputs: Mapping[str, Any]) -> ResourceArguments:
    """Read checked inputs, in which both names of the Deployment are filled in."""
    return read_arguments({name: inputs.get(name) for name in ARGUMENTS if name != "release_name"})


def _held(inputs: Mapping[str, Any], arguments: ResourceArguments) -> RuntimeVersion | None:
    """Return what the target was resolved to when these inputs were checked, None where it is declared anew."""
    if inputs.get("target") and inputs.get("runtime_version") == arguments.runtime_version:
        return RuntimeVersion.observe(inputs["target"])
    return None


def connect(config: Callable[[str], str | None], environment: Mapping[str, str]) -> DeploymentLifecycle:
    """Make the lifecycle for the platform that the stack's config, or else the environment, names. Nothing is sent yet.

    Raises:
        InvalidInputError: the settings are missing or unsafe, or the catalog cannot be used.
    """
    settings = ConnectionSettings.load(config, environment)
    named = "published" if settings.catalog == "platform" else settings.catalog
    feed = remote_feed.load(named, allow_http=settings.allow_http, ca_file=settings.ca_file, environment=environment)
    houston = Houston.connect(settings, feed=feed)
    return DeploymentLifecycle(houston, settings, resolve_newest=settings.resolve == "newest")

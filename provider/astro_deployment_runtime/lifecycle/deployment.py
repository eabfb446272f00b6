"""One declared Deployment: check, diff, apply, refresh and adopt it. Inputs and outputs are plain dictionaries."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from astro_deployment_runtime.catalogs import remote_feed
from astro_deployment_runtime.config.connection_settings import ConnectionSettings
from astro_deployment_runtime.config.resource_arguments import ResourceArguments, read_arguments
from astro_deployment_runtime.delivery.delivery_choice import DeliveryChoice
from astro_deployment_runtime.errors import (
    AstroRuntimeError,
    DeploymentNotFoundError,
    NoAirflowAddressError,
    RefusedError,
    ReleaseNameNotFoundError,
)
from astro_deployment_runtime.execution.decision_types import WalkRequest
from astro_deployment_runtime.execution.polling import POLLING, Polling
from astro_deployment_runtime.houston.client import Houston
from astro_deployment_runtime.lifecycle.declaration_registry import DeclarationRegistry
from astro_deployment_runtime.planning import plan_messages
from astro_deployment_runtime.planning.pending_hop import Ownership, owner_in_state, owner_of
from astro_deployment_runtime.planning.plan_model import Plan, Refusal
from astro_deployment_runtime.planning.plan_request import PlanRequest
from astro_deployment_runtime.planning.planner import plan
from astro_deployment_runtime.planning.versions import Distribution, ReleaseId, RuntimeVersion
from astro_deployment_runtime.support.text_formatting import printable
from astro_deployment_runtime.support.urns import resource_name

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping
    from datetime import date

    from astro_deployment_runtime.execution.executor_interfaces import Clock, Reporter
    from astro_deployment_runtime.planning.plan_model import Deployment, PlanWarning

ARGUMENTS: Final = tuple(ResourceArguments.model_fields)
"""Names of the arguments that a user may give a resource."""

Properties = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class DeploymentCheck:
    """Checked inputs, with the plan or the reasons against it."""

    inputs: Properties
    """The user's arguments and the plan: ``plan``, ``warnings``, ``path``, ``hops``, ``cancel``, ``target``. Inputs
    that depend on an unknown argument are missing."""
    failures: tuple[tuple[str, str], ...] = ()
    """Pairs of an argument's name (empty: none in particular) and a reason."""
    lines: tuple[str, ...] = ()
    """The plan, to show; empty: there is nothing to do, or :attr:`needs_state`."""
    needs_state: bool = False
    """The plan begins with cancelling a hop that we may have started. :meth:`DeploymentLifecycle.diff` decides."""
    warnings: tuple[str, ...] = ()
    undecided: str | None = None
    """Why there is no path yet; None: there is one, or a failure."""
    deployment: Deployment | None = None
    """As it was read; None: it could not be read."""
    outcome: Plan | Refusal | None = None
    """The planner's answer; None: it was not asked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeploymentDiff:
    """Whether there is something to do, and the texts that the check could not show yet."""

    changes: bool
    lines: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


@dataclass(slots=True)
class DeploymentLifecycle:
    """Check, diff, apply, refresh and adopt the Deployments of one platform."""

    houston: Houston
    settings: ConnectionSettings | None = None
    """For the commands of a project."""
    today: Callable[[], date] = lambda: datetime.now(UTC).date()
    """Gives the day for which the support of releases is checked."""
    resolve_newest: bool = False
    """Resolve a target such as ``5.x`` again, ignoring the version of an earlier run."""
    registry: DeclarationRegistry = field(default_factory=DeclarationRegistry)
    """The resources that the engine checks in this process."""
    _shown_notes: set[str] = field(init=False, default_factory=set)
    _lock: threading.Lock = field(init=False, default_factory=threading.Lock)
    _delivery_choice: DeliveryChoice = field(init=False)

    def __post_init__(self) -> None:
        """Prepare the delivery of images."""
        self._delivery_choice = DeliveryChoice(self.houston, self.settings)

    def close(self) -> None:
        """Close the connections."""
        self.houston.close()

    def check(  # noqa: PLR0913 - the declaration, and what is known of it
        self,
        urn: str,
        olds: Mapping[str, Any] | None,
        news: Mapping[str, Any],
        *,
        unknown: Collection[str] = (),
        registry: DeclarationRegistry | None = None,
        spelled: Callable[[str], str] = str,
    ) -> DeploymentCheck:
        """Plan from the live state. An error becomes a failure of the argument that it is about.

        Args:
            urn: the resource's; empty: the host does not tell it.
            olds: the inputs of an earlier run; empty: a new resource; None: the stack's state was not read.
                With ``pending``, which that run saved, they tell who started a pending hop.
            news: the user's arguments; and ``held``, the version that the program has resolved the target to.
            unknown: arguments with values of resources that do not exist yet. They are not in ``news``, except for the
                known items of ``accept``. None of them names the Deployment or the version.
            registry: the resources that were checked before; None: those of this process.
            spelled: returns an argument's name as the user writes it.
        """
        inputs = {name: value for name, value in news.items() if name in ARGUMENTS or name.startswith("__")}
        checked = DeploymentCheck(inputs=inputs)
        registry = registry or self.registry
        try:
            arguments = read_arguments({name: each for name, each in inputs.items() if name in ARGUMENTS}, spelled)
            deployment = self.houston.find(release_name=arguments.release_name, deployment_id=arguments.deployment_id)
            registry.declare(deployment, urn)
            inputs |= {"deployment_id": deployment.id, "release_name": deployment.release_name}
            # The engine gives a check no old outputs: where the owner is unknown, diff has the last word.
            owner = owner_in_state(deployment.pending, olds)
            outcome = self._plan(deployment, arguments, owner, held=self._version_to_hold(olds or {}, news, arguments))
            notes = self.notes(only_new=True)
            checked = replace(checked, deployment=deployment, outcome=outcome, warnings=notes)
            if undecided := _undecided(outcome, unknown):
                return replace(checked, undecided=undecided)
            planned = _require_plan(outcome)
            _require_airflow_address(deployment, planned, arguments, unknown)
            if arguments.project is not None and "project" not in unknown:
                registry.use_project(arguments.project.path, deployment)
            lines, warnings = self._describe(planned, deployment, arguments, name=resource_name(urn), unknown=unknown)
        except AstroRuntimeError as error:
            return replace(checked, failures=((error.argument, str(error)),))
        inputs |= _plan_inputs(planned, lines, warnings, arguments, unknown)
        steps = bool(planned.hops or planned.cancel)
        unknown_owner = owner is Ownership.UNKNOWN and not arguments.accepted.cancel_pending
        needs_state = unknown_owner and planned.cancel is not None
        return replace(
            checked,
            lines=tuple(lines) if steps and not needs_state else (),
            needs_state=needs_state,
            warnings=notes if steps else (*notes, *map(plan_messages.warning_line, planned.warnings)),
        )

    def notes(self, *, only_new: bool = False) -> tuple[str, ...]:
        """Return notes on what the platform shows, such as releases that cannot be read, and mark them as shown.

        Args:
            only_new: leave out the notes that were shown before, so that not every Deployment repeats them.

        Raises:
            PlatformError: Houston cannot be read.
        """
        notes = tuple(map(printable, self.houston.snapshot().notes))
        with self._lock:
            if only_new:
                notes = tuple(note for note in notes if note not in self._shown_notes)
            self._shown_notes.update(notes)
        return notes

    def diff(self, olds: Mapping[str, Any], news: Mapping[str, Any]) -> DeploymentDiff:
        """Return whether checked inputs have a step to do. The old outputs tell who started a pending hop.

        Args:
            olds: the outputs of an earlier run.
            news: the checked inputs.

        Raises:
            RefusedError: the plan would cancel a foreign pending hop, and the user does not accept that.
        """
        if unconfirmed := unconfirmed_release(olds, news):
            ask_airflow = news.get("verify") != "houston"
            line = plan_messages.confirmation_line(news["release_name"], unconfirmed, ask_airflow=ask_airflow)
            return DeploymentDiff(changes=True, lines=(line,))
        cancel = news.get("cancel")
        if not (news["hops"] or cancel) or self._has_arrived(olds, news):
            return DeploymentDiff(changes=False)
        if not cancel or "cancel-pending" in (news.get("accept") or ()):
            return DeploymentDiff(changes=True)
        if owner_of(cancel, olds.get("pending")) is Ownership.OURS:
            lines = news.get("plan") or [f"{news['release_name']}: cancel {cancel}, then {news['path']}"]
            return DeploymentDiff(changes=True, lines=tuple(lines))
        deployment = self.houston.find(deployment_id=news["deployment_id"])
        arguments = _checked_arguments(news)
        held = _held_version(news, arguments)
        planned = _require_plan(self._plan(deployment, arguments, Ownership.FOREIGN, held=held))
        return DeploymentDiff(
            changes=bool(planned.hops), warnings=tuple(map(plan_messages.warning_line, planned.warnings))
        )

    def _has_arrived(self, olds: Mapping[str, Any], news: Mapping[str, Any]) -> bool:
        """Return whether the plan has been carried out: a refresh compares with the plan of the last run."""
        end = news["path"].rpartition(plan_messages.ARROW)[2]
        if olds.get("current_version") != end:
            return False
        found = self.houston.find(deployment_id=news["deployment_id"])
        return str(found.current.id) == end and found.pending is None

    def apply(
        self,
        news: Mapping[str, Any],
        *,
        saved: Mapping[str, Any] | None = None,
        clock: Clock,
        reporter: Reporter,
        polling: Polling = POLLING,
    ) -> tuple[Properties, str | None]:
        """Bring a Deployment along the path in checked inputs.

        Args:
            news: the checked inputs.
            saved: the outputs of an earlier run; None for a new resource.
            clock: see :func:`~astro_deployment_runtime.execution.executor.walk`, like what follows.
            reporter: for the user.
            polling: the intervals between two reads.

        Returns:
            The outputs to save; and why the run ended before the target, or None.

        Raises:
            AstroRuntimeError: nothing was changed, and there is nothing new to save.
        """
        from astro_deployment_runtime.execution.executor import walk

        arguments = _checked_arguments(news)
        pending = saved.get("pending") if saved else None
        path = plan_messages.parse_path(news["path"])
        cancel = ReleaseId.parse(news["cancel"]) if news.get("cancel") else None
        ending = walk(
            news["deployment_id"],
            WalkRequest(
                target=_held_version(news, arguments) or arguments.target,
                strategy=arguments.path_strategy,
                accepted=arguments.accepted,
                path=path,
                cancel=cancel,
                delivers=arguments.image is not None or arguments.project is not None,
                timeout=arguments.timeout,
                ask_airflow=arguments.verify == "airflow",
                base_images=self._delivery_choice.base_images,
                wait=arguments.wait,
            ),
            delivery=self._delivery_choice.delivery(arguments, path, cancel, clock),
            saved_hop=ReleaseId.parse(pending) if pending else None,
            client=self.houston,
            clock=clock,
            reporter=reporter,
            polling=polling,
        )
        observed = _observed_outputs(ending.deployment, ending.pending)
        return {**news, **observed, **_kept_plan(saved or {}, news)}, ending.problem

    def refresh(self, props: Mapping[str, Any]) -> Properties | None:
        """Return the outputs of a Deployment as it is now; None: it no longer exists.

        Raises:
            PlatformError: Houston cannot be read.
        """
        try:
            if (known := props.get("deployment_id")) is None:
                # It was adopted while it could not be read, so only its release name is known.
                known = self.houston.find(release_name=props.get("release_name")).id
            deployment, _, _ = self.houston.observe(known)
        except DeploymentNotFoundError:
            return None
        ours = owner_of(deployment.pending, props.get("pending")) is Ownership.OURS
        return {**props, **_observed_outputs(deployment, deployment.pending if ours else None)}

    def adopt(self, props: Mapping[str, Any]) -> Properties:
        """Return the outputs of a Deployment that is left as it is; the inputs alone if it cannot be read."""
        try:
            found = self.houston.find(release_name=props.get("release_name"), deployment_id=props.get("deployment_id"))
        except AstroRuntimeError:
            return dict(props)
        return {**props, **_observed_outputs(found, None)}

    def observed(self, name: str) -> tuple[Properties, Properties] | None:
        """Return the arguments that declare a Deployment as it is, and its outputs; None: it does not exist.

        Args:
            name: its release name or its id.

        Raises:
            RefusedError: it runs Astronomer Certified, which no argument can declare.
            PlatformError: Houston cannot be read.
        """
        try:
            found = self._find_by_name_or_id(name)
        except DeploymentNotFoundError:
            return None
        current = found.current.id
        if current.distribution is not Distribution.RUNTIME:
            raise RefusedError(
                f"{found.release_name} runs {current}, which no runtimeVersion describes, so it cannot be imported: "
                "declare it with its target version, and `pulumi up` adopts it"
            )
        same_name = {each.id for each in self.houston.snapshot().candidates if each.release_name == found.release_name}
        identity = {"deployment_id": found.id} if len(same_name) > 1 else {"release_name": found.release_name}
        arguments = {**identity, "runtime_version": str(current.version)}
        return arguments, {**arguments, **_observed_outputs(found, None), "path": str(current), "hops": 0}

    def _find_by_name_or_id(self, name: str) -> Deployment:
        if any(each.id == name for each in self.houston.snapshot().candidates):
            return self.houston.find(deployment_id=name)
        try:
            return self.houston.find(release_name=name)
        except ReleaseNameNotFoundError:
            return self.houston.find(deployment_id=name)

    def _version_to_hold(
        self, olds: Mapping[str, Any], news: Mapping[str, Any], arguments: ResourceArguments
    ) -> RuntimeVersion | None:
        """Return the version that an earlier run resolved the target to; None: resolve it again."""
        if news.get("held"):
            return RuntimeVersion.observe(news["held"])
        return None if self.resolve_newest else _held_version(olds, arguments)

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
        return replace(outcome, base_images=self._delivery_choice.base_images) if isinstance(outcome, Plan) else outcome

    def _describe(
        self,
        planned: Plan,
        deployment: Deployment,
        arguments: ResourceArguments,
        *,
        name: str,
        unknown: Collection[str],
    ) -> tuple[list[str], list[PlanWarning]]:
        """Return the lines that show a plan, and the warnings that are among them.

        Raises:
            InvalidConfigError: the images cannot be delivered as they are declared.
        """
        unknown_images = _unknown_image_arguments(arguments, unknown)
        image_warnings, image_lines = self._delivery_choice.plan_lines(
            arguments, deployment, planned, unknown=unknown_images
        )
        lines = [
            *plan_messages.plan_lines(planned, name=name or None, release_name=deployment.release_name),
            *plan_messages.pending_lines(planned, deployment.pending),
            *(f"  {plan_messages.warning_line(warning)}" for warning in image_warnings),
            *image_lines,
        ]
        return lines, [*planned.warnings, *image_warnings]


def _undecided(outcome: Plan | Refusal, unknown: Collection[str]) -> str | None:
    """Return why an unknown argument decides whether there is a path, or which one."""
    if isinstance(outcome, Refusal):
        return "whether the path is allowed depends on accept" if "accept" in unknown and outcome.acceptable else None
    return "the path depends on strategy" if "strategy" in unknown else None


def _require_plan(outcome: Plan | Refusal) -> Plan:
    if isinstance(outcome, Refusal):
        raise RefusedError(plan_messages.refusal_message(outcome))
    return outcome


def _require_airflow_address(
    deployment: Deployment, planned: Plan, arguments: ResourceArguments, unknown: Collection[str]
) -> None:
    """Refuse hops if their arrival cannot be confirmed.

    Raises:
        NoAirflowAddressError: the Airflow has to confirm a hop, and Houston has no address of it.
    """
    asks_airflow = arguments.verify == "airflow" and "verify" not in unknown
    if planned.hops and asks_airflow and deployment.airflow_url is None:
        raise NoAirflowAddressError(
            f"Houston has no address of the Airflow of {deployment.release_name}, so its health cannot be checked "
            "after a hop: give the Deployment a webserver, or set verify: houston to trust Houston's report alone"
        )


def _unknown_image_arguments(arguments: ResourceArguments, unknown: Collection[str]) -> list[str]:
    """List the unknown arguments that decide which images are delivered."""
    deciding = ("image", "project", *(["accept"] if arguments.image is not None else []))
    return [name for name in deciding if name in unknown]


def _plan_inputs(
    planned: Plan,
    lines: list[str],
    warnings: Collection[PlanWarning],
    arguments: ResourceArguments,
    unknown: Collection[str],
) -> Properties:
    """Return the inputs that a plan adds, without texts that depend on an unknown argument."""
    inputs = {
        "plan": lines,
        "warnings": [{"name": str(each.name), "message": printable(each.message)} for each in warnings],
        "path": plan_messages.path_line(planned),
        "hops": len(planned.hops),
        "cancel": str(planned.cancel) if planned.cancel else None,
        "target": str(planned.resolved.version) if planned.resolved else None,
    }
    unknown_images = planned.hops and _unknown_image_arguments(arguments, unknown)
    may_accept_warnings = warnings and "accept" in unknown
    if unknown_images or may_accept_warnings:
        del inputs["plan"]
    if may_accept_warnings or (planned.hops and "project" in unknown):
        del inputs["warnings"]
    return inputs


def _checked_arguments(inputs: Mapping[str, Any]) -> ResourceArguments:
    """Read checked inputs, which have the release name and the id of the Deployment."""
    return read_arguments({name: inputs.get(name) for name in ARGUMENTS if name != "release_name"})


def _held_version(inputs: Mapping[str, Any], arguments: ResourceArguments) -> RuntimeVersion | None:
    """Return the version that checked inputs resolved the target to; None: the target has changed, or is a version."""
    if inputs.get("target") and inputs.get("runtime_version") == arguments.runtime_version:
        return RuntimeVersion.observe(inputs["target"])
    return None


def unconfirmed_release(olds: Mapping[str, Any], news: Mapping[str, Any]) -> str | None:
    """Return the release of a hop that arrived after the run that started it; None: there is none.

    The path of an empty plan is the release that runs.
    """
    arrived: str = news["path"]
    return arrived if _only_finishes_last_run(olds, news) and olds["pending"] == arrived else None


def _kept_plan(olds: Mapping[str, Any], news: Mapping[str, Any]) -> Properties:
    """Return the outputs about the last plan where this run only finishes it: this run's own plan is empty."""
    kept = ("plan", "warnings", "path", "hops") if _only_finishes_last_run(olds, news) else ()
    return {name: olds[name] for name in kept if name in olds}


def _only_finishes_last_run(olds: Mapping[str, Any], news: Mapping[str, Any]) -> bool:
    return bool(olds.get("pending")) and not news.get("hops") and not news.get("cancel")


def _observed_outputs(deployment: Deployment, started: ReleaseId | None) -> Properties:
    """Return the outputs that record what was observed.

    Args:
        deployment: as it was read last.
        started: its pending hop, if we started it.
    """
    return {
        "deployment_id": deployment.id,
        "release_name": deployment.release_name,
        "current_version": str(deployment.current.id),
        "airflow_version": str(deployment.current.airflow),
        "pending": str(started) if started else None,
        "airflow_url": deployment.airflow_url,
    }


def connect(config: Callable[[str], str | None], environment: Mapping[str, str]) -> DeploymentLifecycle:
    """Prepare for the platform that the stack's config, or else the environment, names. Nothing is sent yet.

    Args:
        config: gives the value of a key of the stack's config.
        environment: the environment variables.

    Raises:
        InvalidInputError: the settings are missing or unsafe, or the catalog cannot be used.
    """
    settings = ConnectionSettings.load(config, environment)
    named = "published" if settings.catalog == "platform" else settings.catalog
    feed = remote_feed.load(named, allow_http=settings.allow_http, ca_file=settings.ca_file, environment=environment)
    houston = Houston.connect(settings, feed=feed)
    return DeploymentLifecycle(houston, settings, resolve_newest=settings.resolve == "newest")

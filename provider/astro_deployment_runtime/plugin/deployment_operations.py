"""The engine's operations on a declared Deployment, shared by both protocols of the plugin.

A face translates properties and answers. Everything that both have to do alike is here: what is planned while an
argument is unknown, what a hold keeps, which texts are shown, what an interrupted run saves. Names are in snake_case.

Pulumi programs import this module, so nothing here imports an HTTP client or a validator at import time.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from astro_deployment_runtime.errors import InvalidInputError, RefusedError
from astro_deployment_runtime.execution.polling import POLLING
from astro_deployment_runtime.plugin.engine_call import CallClock, CallReporter, PartialProgressError, current_call
from astro_deployment_runtime.support import secret_masks
from astro_deployment_runtime.support.urns import resource_name

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

    from astro_deployment_runtime.plugin.connection import PlatformConnection
    from astro_deployment_runtime.plugin.engine_call import Call

OUTPUTS: Final = (
    "plan",
    "warnings",
    "path",
    "hops",
    "cancel",
    "target",
    "current_version",
    "airflow_version",
    "pending",
    "airflow_url",
)
"""Properties that the provider adds to the user's arguments."""

_NEEDED: Final = ("release_name", "deployment_id", "runtime_version")
"""Arguments that every plan depends on."""

_UNPLANNED: Final = "nothing is planned yet: {why}, which is known only when what it comes from exists"

Properties = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class OperationCheck:
    """The answer to a check."""

    inputs: Properties
    """Known checked inputs. An unknown argument is missing, unless some items of its list are known."""
    failures: tuple[tuple[str, str], ...] = ()
    """Pairs of an argument (empty: none in particular) and a reason."""
    unknown: frozenset[str] = frozenset()
    """Inputs that stay unknown: the user's, and those of the plan that depend on them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OperationDiff:
    """The answer to a diff."""

    changes: bool
    replaces: bool = False
    """The declaration names another Deployment."""


class DeploymentOperations:
    """Check, diff, create, update, read and delete one Deployment, for the request that this thread serves."""

    def __init__(self, connection: PlatformConnection, spelled: Callable[[str], str] = str) -> None:
        """Use a connection.

        Args:
            connection: to the platform.
            spelled: returns an argument's name as the user writes it.
        """
        self._connection = connection
        self._spelled = spelled

    def check(self, olds: Mapping[str, Any], known: Properties, unknown: Collection[str]) -> OperationCheck:
        """Plan and show the plan, or refuse the arguments. On hold, keep the last inputs.

        Args:
            olds: the old inputs; empty for a new resource.
            known: the arguments without a value that is unknown. Known items of a list with an unknown one are kept.
            unknown: arguments with an unknown part.
        """
        self._connection.program_runs = True
        call = current_call()
        reporter = CallReporter(call)
        given = {name: value for name, value in known.items() if name not in OUTPUTS}
        unknown = frozenset(unknown).difference(OUTPUTS)
        if given.get("hold"):
            held = {**(olds or given), "hold": given["hold"]}
            return OperationCheck(inputs=held, unknown=frozenset() if olds else unknown)
        if call and (refused := self._refused_secrets(call.secret, given, unknown)):
            return OperationCheck(inputs=given, failures=(("", _refusal(call, given, refused)),), unknown=unknown)
        if missing := [name for name in _NEEDED if name in unknown]:
            reporter.info(_UNPLANNED.format(why=f"the plan depends on {' and '.join(map(self._spelled, missing))}"))
            return OperationCheck(inputs=given, unknown=unknown)
        try:
            lifecycle = self._connection.lifecycle()
        except InvalidInputError as error:
            return OperationCheck(inputs=given, failures=(("", str(error)),), unknown=unknown)
        urn = call.urn if call else ""
        checked = lifecycle.check(urn, olds, given, unknown=unknown, spelled=self._spelled)
        if checked.undecided:
            reporter.info(_UNPLANNED.format(why=checked.undecided))
        reporter.plan(checked.lines, checked.warnings, checked.inputs)
        unplanned = frozenset({"plan", "warnings"}.difference(checked.inputs) if "path" in checked.inputs else ())
        return OperationCheck(
            inputs=checked.inputs,
            failures=tuple((argument, _refusal(call, given, reason)) for argument, reason in checked.failures),
            unknown=unknown | unplanned,
        )

    def diff(self, id_: str, olds: Mapping[str, Any], known: Mapping[str, Any]) -> OperationDiff:
        """Report a change if the plan has a step. On hold, nothing changes.

        Args:
            id_: the resource's id.
            olds: the saved outputs.
            known: the checked inputs that are known.

        Raises:
            RefusedError: the plan would cancel a foreign pending hop, and the user does not accept that.
            PlatformError: Houston cannot be read.
        """
        if known.get("hold"):
            return OperationDiff(changes=False)
        if "deployment_id" in known and id_ not in {known["deployment_id"], known.get("release_name")}:
            return OperationDiff(changes=True, replaces=True)
        if "path" not in known:
            return OperationDiff(changes=True)
        call = current_call()
        try:
            with self._connection.explaining_saved_config():
                compared = self._connection.lifecycle().diff(olds, known)
        except RefusedError as error:
            raise RefusedError(_refusal(call, known, str(error))) from error
        CallReporter(call).plan(compared.lines, compared.warnings, known)
        return OperationDiff(changes=compared.changes)

    def create(self, props: Properties) -> tuple[str, Properties]:
        """Adopt the Deployment and walk its path. On hold, only adopt it. Return its id and its outputs."""
        if props.get("hold"):
            held = self._connection.lifecycle().adopt({name: value for name, value in props.items() if name != "hold"})
            # A Deployment that cannot be read has no id yet. Its release name replaces it until a refresh.
            return held.get("deployment_id") or held["release_name"], held
        return props["deployment_id"], self._apply(props["deployment_id"], props, None)

    def update(self, id_: str, olds: Properties, news: Properties) -> Properties:
        """Walk the path, and return all outputs. On hold, keep the saved ones."""
        if news.get("hold"):
            # The engine retries a failed update even without a change.
            return olds
        return self._apply(id_, news, olds)

    def refresh(self, props: Mapping[str, Any]) -> Properties | None:
        """Return the outputs of the Deployment as it is now; None: it no longer exists."""
        with self._connection.explaining_saved_config():
            return self._connection.lifecycle().refresh(props)

    def observed(self, name: str) -> tuple[Properties, Properties] | None:
        """Return the arguments and the outputs of a Deployment that the state does not hold; None: it does not exist.

        Args:
            name: its release name or its id.

        Raises:
            RefusedError: it runs Astronomer Certified.
            PlatformError: Houston cannot be read.
        """
        with self._connection.explaining_saved_config():
            return self._connection.lifecycle().observed(name)

    def delete(self, id_: str, props: Mapping[str, Any]) -> None:
        """Leave the Deployment as it is: nothing can return it to an earlier version."""
        name, version, pending = props.get("release_name") or id_, props.get("current_version"), props.get("pending")
        last = f"; it last ran {version}" if version else ""
        last += f", with the hop to {pending} started" if version and pending else ""
        CallReporter(current_call()).info(f"{name} is forgotten, and nothing is changed on it{last}")

    def _apply(self, deployment_id: str, news: Properties, saved: Properties | None) -> Properties:
        call = current_call()
        outputs, problem = self._connection.lifecycle().apply(
            news,
            saved=saved,
            clock=CallClock(call),
            reporter=CallReporter(call),
            polling=call.polling if call else POLLING,
        )
        if problem is None:
            return outputs
        if call is None:
            # Pulumi's own host cannot save partial progress. The next run observes the Deployment again.
            raise RefusedError(problem)
        raise PartialProgressError(problem, resource_id=deployment_id, outputs=outputs)

    def _refused_secrets(self, secret: Collection[str], given: Properties, unknown: Collection[str]) -> str | None:
        names = {*given, *unknown}
        paths = {path for path in secret if path != "__provider" and path.partition(".")[0] in names}
        return secret_masks.refused_secrets(paths, given, self._spelled)


def _refusal(call: Call | None, given: Mapping[str, Any], reason: str) -> str:
    """Return a refusal with the first line by which a report recognizes it."""
    from astro_deployment_runtime.planning.plan_messages import deployment_refusal, title

    known = next((text for name in _NEEDED[:2] if isinstance(text := given.get(name), str)), "")
    return deployment_refusal(title(resource_name(call.urn) if call else known, known), reason)

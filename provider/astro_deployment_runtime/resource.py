"""The Pulumi resource: one Deployment at its declared Astro Runtime version.

It translates between Pulumi's protocol and :mod:`~astro_deployment_runtime.lifecycle.deployment`.
The lifecycle is imported where it is used, in the plugin's process: a Pulumi program that declares resources needs
neither an HTTP client nor a validator, and is not made to wait for their import.

The state holds the provider pickled by the name of its class, so this module's name has to import for ever.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from pulumi import dynamic
from pulumi.output import Unknown
from pulumi.runtime import rpc

from astro_deployment_runtime.errors import InvalidInputError, RefusedError
from astro_deployment_runtime.execution.polling import POLLING
from astro_deployment_runtime.plugin.connection import connection_of
from astro_deployment_runtime.plugin.engine_call import CallClock, CallReporter, PartialProgressError, current_call
from astro_deployment_runtime.support import secret_masks

if TYPE_CHECKING:
    from collections.abc import Mapping

OUTPUTS: Final = (
    "plan",
    "path",
    "hops",
    "cancel",
    "target",
    "current_version",
    "airflow_version",
    "pending",
    "airflow_url",
)
"""What the provider adds to what a user gives."""

_NEEDED: Final = ("release_name", "deployment_id", "runtime_version")
"""Without these nothing can be planned."""

_UNPLANNED: Final = "nothing is planned yet: {why}, which is known only when what it comes from exists"


class RuntimeProvider(dynamic.ResourceProvider):
    """What the engine calls. Stateless where a program makes it; in the plugin it keeps one client for the process."""

    serialize_as_secret_always = False
    """There is no secret in it: the state holds the name of this class."""

    def configure(self, req: dynamic.ConfigureRequest) -> None:
        """Use the connection of the plugin process."""
        self._connection = connection_of(req)

    def check(self, _olds: dict[str, Any], news: dict[str, Any]) -> dynamic.CheckResult:
        """Plan, show the plan, and refuse what may not be done."""
        self._connection.program_runs = True
        call = current_call()
        reporter = CallReporter(call)
        given = {name: value for name, value in news.items() if name not in OUTPUTS}
        if given.get("hold"):
            return dynamic.CheckResult({**(_olds or given), "hold": given["hold"]}, [])
        secret = {path for path in call.secret if path.partition(".")[0] in given} if call else set()
        if refused := secret_masks.refused_secrets(secret - {"__provider"}, given):
            return dynamic.CheckResult(given, [dynamic.CheckFailure("", refused)])
        known, unknown = _known(given)
        if missing := [name for name in _NEEDED if name in unknown]:
            reporter.info(_UNPLANNED.format(why=f"the plan depends on {' and '.join(missing)}"))
            return dynamic.CheckResult(given, [])
        try:
            lifecycle = self._connection.lifecycle()
        except InvalidInputError as error:
            return dynamic.CheckResult(given, [dynamic.CheckFailure("", str(error))])
        checked = lifecycle.check(call.urn if call else "", _olds or {}, known, unknown=unknown)
        if checked.undecided:
            reporter.info(_UNPLANNED.format(why=checked.undecided))
        reporter.plan(checked.lines, checked.warnings, checked.inputs)
        failures = [dynamic.CheckFailure(argument, reason) for argument, reason in checked.failures]
        inputs = {**checked.inputs, **{name: given[name] for name in unknown}}
        if "path" in inputs:
            inputs.setdefault("plan", Unknown())  # type: ignore[no-untyped-call]
        return dynamic.CheckResult(inputs, failures)

    def diff(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> dynamic.DiffResult:
        """Compare what runs with what is declared: there is a change when the plan has a step."""
        if _news.get("hold"):
            return dynamic.DiffResult(changes=False)
        known, _ = _known(_news)
        if "deployment_id" in known and _id not in {known["deployment_id"], known.get("release_name")}:
            return dynamic.DiffResult(changes=True, replaces=["deployment_id"])
        if "path" not in known:
            return dynamic.DiffResult(changes=True)
        with self._connection.explaining_saved_config():
            compared = self._connection.lifecycle().diff(_olds, known)
        CallReporter(current_call()).plan(compared.lines, compared.warnings, known)
        return dynamic.DiffResult(changes=compared.changes)

    def create(self, props: dict[str, Any]) -> dynamic.CreateResult:
        """Adopt the Deployment, and bring it to its target; on hold, adopt it as it is."""
        if props.get("hold"):
            held = self._connection.lifecycle().adopt({name: value for name, value in props.items() if name != "hold"})
            # One that cannot be read has no other id than the name that it was declared by.
            return dynamic.CreateResult(held.get("deployment_id") or held["release_name"], held)
        outputs = self._apply(props["deployment_id"], props, None, {})
        return dynamic.CreateResult(props["deployment_id"], outputs)

    def update(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> dynamic.UpdateResult:
        """Bring the Deployment to its target; on hold, keep what is saved."""
        if _news.get("hold"):
            # The engine retries what failed before, whatever diff says.
            return dynamic.UpdateResult(_olds)
        return dynamic.UpdateResult(self._apply(_id, _news, _olds.get("pending"), _walked(_olds, _news)))

    def read(self, id_: str, props: dict[str, Any]) -> dynamic.ReadResult:
        """Observe the Deployment for a refresh."""
        with self._connection.explaining_saved_config():
            observed = self._connection.lifecycle().refresh(props)
        return dynamic.ReadResult(id_, observed) if observed is not None else dynamic.ReadResult("", {})

    def delete(self, _id: str, _props: dict[str, Any]) -> None:
        """Forget the Deployment: there is no way back to an earlier version, and none is tried."""
        name, version, pending = _props.get("release_name") or _id, _props.get("current_version"), _props.get("pending")
        last = f"; it last ran {version}" if version else ""
        last += f", with the hop to {pending} started" if version and pending else ""
        CallReporter(current_call()).info(f"{name} is forgotten, and nothing is changed on it{last}")

    def _apply(
        self, deployment_id: str, news: dict[str, Any], pending: str | None, walked: Mapping[str, Any]
    ) -> dict[str, Any]:
        call = current_call()
        outputs, problem = self._connection.lifecycle().apply(
            news,
            pending=pending,
            clock=CallClock(call),
            reporter=CallReporter(call),
            polling=call.polling if call else POLLING,
        )
        outputs |= walked
        if problem is None:
            return outputs
        if call is None:
            # Pulumi's own host cannot save partial progress. Nothing is lost: the next run observes anew.
            raise RefusedError(problem)
        raise PartialProgressError(problem, resource_id=deployment_id, outputs=outputs)


def _known(properties: Mapping[str, Any]) -> tuple[dict[str, Any], frozenset[str]]:
    """Split properties: what is known, and the names of those that are not known in whole.

    Of a list that is known in part, the known items stay.
    """
    unknown = frozenset(name for name, value in properties.items() if rpc.contains_unknowns(value))
    known = {name: value for name, value in properties.items() if name not in unknown}
    parts = {name: properties[name] for name in unknown if isinstance(properties[name], list)}
    return known | {name: [each for each in part if not rpc.contains_unknowns(each)] for name, part in parts.items()}, (
        unknown
    )


def _walked(olds: Mapping[str, Any], news: Mapping[str, Any]) -> dict[str, Any]:
    """Return what stays saved of the plan that was walked last, where this run only confirms its last hop."""
    if not olds.get("pending") or news.get("hops") or news.get("cancel"):
        return {}
    return {name: olds[name] for name in ("plan", "path", "hops") if name in olds}

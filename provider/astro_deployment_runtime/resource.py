"""Provider of the dynamic resource: one Deployment at its declared Astro Runtime version.

It translates between Pulumi's protocol and :mod:`~astro_deployment_runtime.lifecycle.deployment`, which decides.
Pulumi programs import this module too, so nothing here imports an HTTP client or a validator at import time.

States hold the provider pickled by the name of its class: this module and the class must never be renamed.
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
from astro_deployment_runtime.support.urns import resource_name

if TYPE_CHECKING:
    from collections.abc import Mapping

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


class RuntimeProvider(dynamic.ResourceProvider):
    """Methods that the engine calls. A program creates the provider without any state."""

    serialize_as_secret_always = False
    """The state holds only the name of this class."""

    def configure(self, req: dynamic.ConfigureRequest) -> None:
        """Use the connection of the plugin process."""
        self._connection = connection_of(req)

    def check(self, _olds: dict[str, Any], news: dict[str, Any]) -> dynamic.CheckResult:
        """Plan and show the plan, or refuse the arguments. On hold, keep the last inputs."""
        self._connection.program_runs = True
        call = current_call()
        reporter = CallReporter(call)
        given = {name: value for name, value in news.items() if name not in OUTPUTS}
        if given.get("hold"):
            return dynamic.CheckResult({**(_olds or given), "hold": given["hold"]}, [])
        if call and (refused := secret_masks.refused_secrets(_secret_arguments(call.secret, given), given)):
            return dynamic.CheckResult(given, [dynamic.CheckFailure("", _refusal(call, given, refused))])
        known, unknown = _split_unknown(given)
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
        failures = [
            dynamic.CheckFailure(argument, _refusal(call, known, reason)) for argument, reason in checked.failures
        ]
        inputs = {**checked.inputs, **{name: given[name] for name in unknown}}
        if "path" in inputs:
            for name in ("plan", "warnings"):
                inputs.setdefault(name, Unknown())  # type: ignore[no-untyped-call]
        return dynamic.CheckResult(inputs, failures)

    def diff(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> dynamic.DiffResult:
        """Report a change if the plan has a step. On hold, nothing changes."""
        if _news.get("hold"):
            return dynamic.DiffResult(changes=False)
        known, _ = _split_unknown(_news)
        if "deployment_id" in known and _id not in {known["deployment_id"], known.get("release_name")}:
            return dynamic.DiffResult(changes=True, replaces=["deployment_id"])
        if "path" not in known:
            return dynamic.DiffResult(changes=True)
        call = current_call()
        try:
            with self._connection.explaining_saved_config():
                compared = self._connection.lifecycle().diff(_olds, known)
        except RefusedError as error:
            raise RefusedError(_refusal(call, known, str(error))) from error
        CallReporter(call).plan(compared.lines, compared.warnings, known)
        return dynamic.DiffResult(changes=compared.changes)

    def create(self, props: dict[str, Any]) -> dynamic.CreateResult:
        """Adopt the Deployment and walk its path. On hold, only adopt it."""
        if props.get("hold"):
            held = self._connection.lifecycle().adopt({name: value for name, value in props.items() if name != "hold"})
            # A Deployment that cannot be read has no id yet. Its release name replaces it until a refresh.
            return dynamic.CreateResult(held.get("deployment_id") or held["release_name"], held)
        outputs = self._apply(props["deployment_id"], props, None)
        return dynamic.CreateResult(props["deployment_id"], outputs)

    def update(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> dynamic.UpdateResult:
        """Walk the path. On hold, keep the saved outputs."""
        if _news.get("hold"):
            # The engine retries a failed update even without a change.
            return dynamic.UpdateResult(_olds)
        return dynamic.UpdateResult(self._apply(_id, _news, _olds))

    def read(self, id_: str, props: dict[str, Any]) -> dynamic.ReadResult:
        """Read the Deployment for a refresh. An empty id tells the engine that it is gone."""
        with self._connection.explaining_saved_config():
            observed = self._connection.lifecycle().refresh(props)
        return dynamic.ReadResult(id_, observed) if observed is not None else dynamic.ReadResult("", {})

    def delete(self, _id: str, _props: dict[str, Any]) -> None:
        """Leave the Deployment as it is: nothing can return it to an earlier version."""
        name, version, pending = _props.get("release_name") or _id, _props.get("current_version"), _props.get("pending")
        last = f"; it last ran {version}" if version else ""
        last += f", with the hop to {pending} started" if version and pending else ""
        CallReporter(current_call()).info(f"{name} is forgotten, and nothing is changed on it{last}")

    def _apply(self, deployment_id: str, news: dict[str, Any], saved: dict[str, Any] | None) -> dict[str, Any]:
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


def _secret_arguments(paths: frozenset[str], given: Mapping[str, Any]) -> set[str]:
    return {path for path in paths if path != "__provider" and path.partition(".")[0] in given}


def _refusal(call: Call | None, given: Mapping[str, Any], reason: str) -> str:
    """Return a refusal with the first line by which a report recognizes it."""
    from astro_deployment_runtime.planning.plan_messages import deployment_refusal, title

    known = next((text for name in _NEEDED[:2] if isinstance(text := given.get(name), str)), "")
    return deployment_refusal(title(resource_name(call.urn) if call else known, known), reason)


def _split_unknown(properties: Mapping[str, Any]) -> tuple[dict[str, Any], frozenset[str]]:
    """Return the known properties, and the names of those with an unknown part. Known items of a list are kept."""
    unknown = frozenset(name for name, value in properties.items() if rpc.contains_unknowns(value))
    known = {name: value for name, value in properties.items() if name not in unknown}
    for name in unknown:
        if isinstance(value := properties[name], list):
            known[name] = [item for item in value if not rpc.contains_unknowns(item)]
    return known, unknown

"""Provider of the dynamic resource: one Deployment at its declared Astro Runtime version.

It translates between Pulumi's protocol and :mod:`~astro_deployment_runtime.lifecycle.deployment`, which decides.
Pulumi programs import this module too, so nothing here imports an HTTP client or a validator at import time.

States hold the provider pickled by the name of its class: this module and the class must never be renamed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pulumi import dynamic
from pulumi.output import Unknown
from pulumi.runtime import rpc

from astro_deployment_runtime.plugin.connection import connection_of
from astro_deployment_runtime.plugin.deployment_operations import OUTPUTS, DeploymentOperations

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["OUTPUTS", "RuntimeProvider"]


class RuntimeProvider(dynamic.ResourceProvider):
    """Methods that the engine calls. A program creates the provider without any state."""

    serialize_as_secret_always = False
    """The state holds only the name of this class."""

    def configure(self, req: dynamic.ConfigureRequest) -> None:
        """Use the connection of the plugin process."""
        self._connection = connection_of(req)
        self._operations = DeploymentOperations(self._connection)

    def check(self, _olds: dict[str, Any], news: dict[str, Any]) -> dynamic.CheckResult:
        """Plan and show the plan, or refuse the arguments."""
        known, unknown = _split_unknown(news)
        checked = self._operations.check(_olds or {}, known, unknown)
        unknown_inputs = {name: news.get(name, Unknown()) for name in checked.unknown}  # type: ignore[no-untyped-call]
        failures = [dynamic.CheckFailure(argument, reason) for argument, reason in checked.failures]
        return dynamic.CheckResult({**checked.inputs, **unknown_inputs}, failures)

    def diff(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> dynamic.DiffResult:
        """Report a change if the plan has a step."""
        compared = self._operations.diff(_id, _olds, _split_unknown(_news)[0])
        return dynamic.DiffResult(changes=compared.changes, replaces=["deployment_id"] if compared.replaces else None)

    def create(self, props: dict[str, Any]) -> dynamic.CreateResult:
        """Adopt the Deployment and walk its path."""
        return dynamic.CreateResult(*self._operations.create(props))

    def update(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> dynamic.UpdateResult:
        """Walk the path."""
        return dynamic.UpdateResult(self._operations.update(_id, _olds, _news))

    def read(self, id_: str, props: dict[str, Any]) -> dynamic.ReadResult:
        """Read the Deployment for a refresh. An empty id tells the engine that it is gone."""
        observed = self._operations.refresh(props)
        return dynamic.ReadResult(id_, observed) if observed is not None else dynamic.ReadResult("", {})

    def delete(self, _id: str, _props: dict[str, Any]) -> None:
        """Leave the Deployment as it is."""
        self._operations.delete(_id, _props)


def _split_unknown(properties: Mapping[str, Any]) -> tuple[dict[str, Any], frozenset[str]]:
    """Return the known properties, and the names of those with an unknown part. Known items of a list are kept."""
    unknown = frozenset(name for name, value in properties.items() if rpc.contains_unknowns(value))
    known = {name: value for name, value in properties.items() if name not in unknown}
    for name in unknown:
        if isinstance(value := properties[name], list):
            known[name] = [item for item in value if not rpc.contains_unknowns(item)]
    return known, unknown

"""The native resource ``astro:index:DeploymentRuntime``: one Deployment at its declared Astro Runtime version."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from astro_deployment_runtime.errors import RefusedError
from astro_deployment_runtime.plugin import properties
from astro_deployment_runtime.plugin.deployment_operations import OUTPUTS, DeploymentOperations
from astro_deployment_runtime.plugin.native.resource import (
    Change,
    Properties,
    ResourceCheck,
    ResourceDiff,
    ResourceRead,
    announce_takeover,
    changed,
    end_of,
    is_from_dynamic_resource,
    own,
    releases_of,
)
from astro_deployment_runtime.plugin.properties import UNKNOWN
from astro_deployment_runtime.support.spelling import unknown_name

if TYPE_CHECKING:
    from astro_deployment_runtime.plugin.connection import PlatformConnection

ARGUMENTS: Final = (
    "release_name",
    "deployment_id",
    "runtime_version",
    "image",
    "project",
    "strategy",
    "accept",
    "deny",
    "timeout",
    "wait",
    "verify",
)
"""The arguments, without an import of the model that checks them: it takes long to load."""

DEFAULTS: Final = MappingProxyType(
    {"strategy": "certified-first", "timeout": 3600.0, "wait": True, "verify": "airflow"}
)
"""The defaults of arguments. The state of a dynamic resource has them written out."""

_NOT_FOUND: Final = (
    "no Deployment has the release name or the id {name}, as far as this token can see; check the name, and the "
    "houstonUrl and token of the provider"
)


class DeploymentResource:
    """Translates between the engine and the operations on a Deployment."""

    def __init__(self, connection: PlatformConnection) -> None:
        """Use the connection of the provider."""
        self._operations = DeploymentOperations(connection, properties.to_camel)

    def check(self, urn: str, olds: Properties, news: Properties) -> ResourceCheck:  # noqa: ARG002 - for a wave
        """Plan and show the plan, or refuse the arguments."""
        given = own(news)
        if mistakes := [_unknown_argument(name) for name in sorted(given.keys() - {*ARGUMENTS, *OUTPUTS})]:
            return ResourceCheck(inputs=given, failures=(("", "\n".join(mistakes)),))
        known, unknown = properties.split(given)
        checked = self._operations.check(own(olds), known, unknown)
        unknown_inputs = {name: given.get(name, UNKNOWN) for name in checked.unknown}
        return ResourceCheck(inputs={**checked.inputs, **unknown_inputs}, failures=checked.failures)

    def diff(self, id_: str, old_inputs: Properties, olds: Properties, news: Properties) -> ResourceDiff:
        """Report a change if the plan has a step, with the declared arguments that changed and the path."""
        compared = self._operations.diff(id_, own(olds), properties.split(news)[0])
        details = changed(ARGUMENTS, old_inputs, news, _meaning)
        if compared.replaces:
            return ResourceDiff(
                changes=True,
                replaces=("deployment_id",),
                details=details | {"deployment_id": Change.UPDATE_REPLACE},
            )
        if compared.changes and "path" in news:
            details |= changed(["path"], old_inputs, news)
        if is_from_dynamic_resource(olds):
            # The engine keeps the outputs of an unchanged resource, with names that no other language reads.
            if not compared.changes:
                announce_takeover()
            return ResourceDiff(changes=True, details=details)
        if _has_drifted(old_inputs, olds, news):
            return ResourceDiff(changes=True, details={"current_version": Change.UPDATE})
        return ResourceDiff(changes=compared.changes, details=details if compared.changes else {})

    def planned(self, olds: Properties, news: Properties) -> Properties:
        """Return the outputs at the end of the path."""
        unchanged = not news.get("hops") and not news.get("cancel")
        path = news.get("path", UNKNOWN)
        end = {
            "current_version": path if path is UNKNOWN else end_of(path),
            "airflow_version": olds.get("airflow_version", UNKNOWN) if unchanged else UNKNOWN,
            "airflow_url": olds.get("airflow_url", UNKNOWN),
        }
        unplanned = dict.fromkeys(OUTPUTS, UNKNOWN) if path is UNKNOWN else {}
        identity = dict.fromkeys(("deployment_id", "release_name"), UNKNOWN)
        return {**unplanned, **identity, **own(news), **end, "pending": None}

    def create(self, urn: str, news: Properties) -> tuple[str, Properties]:  # noqa: ARG002 - for a wave
        """Adopt the Deployment and walk its path."""
        return self._operations.create(own(news))

    def update(self, id_: str, olds: Properties, news: Properties) -> Properties:
        """Walk the path."""
        return self._operations.update(id_, own(olds), own(news))

    def read(self, id_: str, inputs: Properties, olds: Properties) -> ResourceRead | None:
        """Read the Deployment for a refresh; without saved outputs, for an import by its release name or its id."""
        saved = own(olds)
        if saved.keys() & {"deployment_id", "release_name"}:
            observed = self._operations.refresh(saved)
            return None if observed is None else ResourceRead(id=id_, inputs=own(inputs), outputs=observed)
        found = self._operations.observed(id_)
        if found is None:
            raise RefusedError(_NOT_FOUND.format(name=id_))
        arguments, outputs = found
        return ResourceRead(id=outputs["deployment_id"], inputs=own(inputs) or arguments, outputs=outputs)

    def delete(self, id_: str, olds: Properties) -> None:
        """Leave the Deployment as it is."""
        self._operations.delete(id_, olds)


def _has_drifted(old_inputs: Properties, olds: Properties, news: Properties) -> bool:
    """Return whether a refresh found a release that is not on the path of the last run.

    The engine then compares the inputs of the last run with themselves, and ``olds`` is what was read.
    """
    current = olds.get("current_version")
    return news == old_inputs and current is not None and current not in releases_of(str(news.get("path", current)))


def _meaning(name: str, value: Any) -> Any:  # noqa: ANN401 - any value of JSON
    """Return the seconds of a duration, and None for a default."""
    from astro_deployment_runtime.config.resource_arguments import seconds

    found = seconds(value) if name == "timeout" and value not in (None, UNKNOWN) else value
    return None if found == DEFAULTS.get(name) else found


def _unknown_argument(name: str) -> str:
    shown = properties.to_camel(name)
    return f"{shown}: {unknown_name('argument', shown, tuple(map(properties.to_camel, ARGUMENTS)))}"

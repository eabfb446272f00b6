"""The saved outputs of this stack's Deployments, for a program that needs them before it declares resources.

The engine returns the state of the last run. At the same time it may write the stack's own resource into that state: in
a backend that is a folder it then reads half a file, so the call is retried.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import pulumi
import tenacity
from pulumi.runtime import invoke

from astro_deployment_runtime.support.urns import DEPLOYMENT_TYPE, NATIVE_DEPLOYMENT_TYPE, resource_name

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_READ: Final = "pulumi:pulumi:readStackResourceOutputs"
_HALF_WRITTEN: Final = "failed to load checkpoint"


def saved_resources() -> dict[str, dict[str, Any]]:
    """Return the declared target, its resolved version and our pending hop of each resource, by its name.

    Empty for a stack without a state. A fleet that replaces native resources keeps their targets. The engine makes new
    resources for it, which do not know the hops that the native ones started.
    """
    # A bare name would mean a stack in the user's own organization.
    resources = _read(f"{pulumi.get_organization()}/{pulumi.get_project()}/{pulumi.get_stack()}")
    native = {
        name: {"runtime_version": outputs.get("runtimeVersion"), "target": outputs.get("target"), "pending": None}
        for name, outputs in _outputs(resources, NATIVE_DEPLOYMENT_TYPE)
    }
    own = {
        name: {key: outputs.get(key) for key in ("runtime_version", "target", "pending")}
        for name, outputs in _outputs(resources, DEPLOYMENT_TYPE)
    }
    return native | own


def _outputs(resources: Mapping[str, dict[str, Any]], type_: str) -> Iterator[tuple[str, dict[str, Any]]]:
    return (
        (resource_name(urn), resource["outputs"]) for urn, resource in resources.items() if resource["type"] == type_
    )


@tenacity.retry(
    retry=tenacity.retry_if_exception(lambda error: _HALF_WRITTEN in str(error)),
    stop=tenacity.stop_after_attempt(8),
    wait=tenacity.wait_exponential_jitter(multiplier=0.05, max=5, jitter=1),
    reraise=True,
)
def _read(stack: str) -> dict[str, dict[str, Any]]:
    outputs: dict[str, dict[str, Any]] = invoke(_READ, {"stackName": stack}).value["outputs"]
    return outputs

"""What the state of this very stack has of its Deployments, for a program that has to know it before it declares them.

The engine reads its own state for whoever asks: the program sees what the last run saved, before this one changes it.
At that very moment the engine may write that the stack's own resource is there now: where the backend is a folder, it
then finds half a file, and is asked again.
"""

from __future__ import annotations

from typing import Any, Final

import pulumi
import tenacity
from pulumi.runtime import invoke

from astro_deployment_runtime.support.urns import DEPLOYMENT_TYPE, resource_name

_READ: Final = "pulumi:pulumi:readStackResourceOutputs"
_HALF_WRITTEN: Final = "failed to load checkpoint"


def saved_resources() -> dict[str, dict[str, Any]]:
    """Return of each resource, by its name, the declared target, the version that it stood for, and the pending hop.

    Empty for a stack that has no state yet.
    """
    # A bare name would be looked for in the user's own organization.
    stack = f"{pulumi.get_organization()}/{pulumi.get_project()}/{pulumi.get_stack()}"
    resources = _read(stack)
    return {
        resource_name(urn): {name: resource["outputs"].get(name) for name in ("runtime_version", "target", "pending")}
        for urn, resource in resources.items()
        if resource["type"] == DEPLOYMENT_TYPE
    }


@tenacity.retry(
    retry=tenacity.retry_if_exception(lambda error: _HALF_WRITTEN in str(error)),
    stop=tenacity.stop_after_attempt(8),
    wait=tenacity.wait_exponential_jitter(multiplier=0.05, max=5, jitter=1),
    reraise=True,
)
def _read(stack: str) -> dict[str, dict[str, Any]]:
    outputs: dict[str, dict[str, Any]] = invoke(_READ, {"stackName": stack}).value["outputs"]
    return outputs

"""Questions about a platform that declare nothing, answered as JSON: a plan, the Deployments, the releases.

The keys are stable. A refusal is an answer: a program may decide what to do about it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pydantic.alias_generators import to_camel

from astro_deployment_runtime.config.fleet_config import CRITERIA, Selector
from astro_deployment_runtime.errors import InvalidConfigError
from astro_deployment_runtime.lifecycle.declaration_registry import DeclarationRegistry
from astro_deployment_runtime.planning import plan_messages
from astro_deployment_runtime.planning.plan_json import plan_json
from astro_deployment_runtime.planning.plan_model import Plan
from astro_deployment_runtime.planning.release_json import release_list_json
from astro_deployment_runtime.planning.versions import Distribution
from astro_deployment_runtime.support.validation import validated

if TYPE_CHECKING:
    from collections.abc import Mapping

    from astro_deployment_runtime.config.selectors import Candidate
    from astro_deployment_runtime.lifecycle.deployment import DeploymentLifecycle

Answer = dict[str, Any]


def plan_answer(lifecycle: DeploymentLifecycle, given: Mapping[str, Any]) -> Answer:
    """Plan a Deployment, declared or not.

    Only a stack's state records who started a pending hop. This plan counts the hop as ours.

    Args:
        lifecycle: of the platform.
        given: arguments of the resource.

    Raises:
        InvalidConfigError: there is neither a plan nor a refusal; the message says why.
    """
    checked = lifecycle.check("", None, given, registry=DeclarationRegistry(), spelled=to_camel)
    outcome, deployment = checked.outcome, checked.deployment
    reasons = [reason for _, reason in checked.failures]
    if outcome is None or deployment is None:
        raise InvalidConfigError("\n".join(reasons))
    answer: Answer = {
        **plan_json(outcome),
        "deploymentId": deployment.id,
        "releaseName": deployment.release_name,
        "refused": bool(reasons),
        "message": "\n".join(reasons or checked.inputs["plan"]),
    }
    if isinstance(outcome, Plan) and not reasons:
        return {**answer, "path": plan_messages.path_line(outcome)}
    if not answer["refusals"]:
        answer |= {"hops": [], "refusals": [{"message": reason} for reason in reasons]}
    return answer


def deployments_answer(lifecycle: DeploymentLifecycle, given: Mapping[str, Any]) -> Answer:
    """List the Deployments that match all criteria, by release name; without criteria, all.

    Raises:
        InvalidConfigError: a criterion is wrong; the message lists all mistakes.
        PlatformError: Houston cannot be read.
    """
    criteria = {to_camel(name): value for name, value in given.items() if value is not None}
    if unknown := sorted(criteria.keys() - set(map(to_camel, CRITERIA))):
        raise InvalidConfigError(f"{', '.join(unknown)}: no criterion of a selector")
    selector = validated(Selector, criteria or {"releaseName": "*"})
    snapshot = lifecycle.houston.snapshot()
    matching = (each for each in snapshot.candidates if each.matches(selector))
    found = sorted(matching, key=lambda each: (each.release_name, each.id))
    return {"deployments": [_deployment_json(each) for each in found], "notes": list(snapshot.notes)}


def releases_answer(lifecycle: DeploymentLifecycle) -> Answer:
    """List the releases that the platform offers.

    Raises:
        PlatformError: Houston cannot be read.
    """
    snapshot = lifecycle.houston.snapshot()
    return release_list_json(snapshot.catalog, snapshot.platform)


def _deployment_json(candidate: Candidate) -> Answer:
    current = candidate.current
    runtime = current is not None and current.distribution is Distribution.RUNTIME
    return {
        "id": candidate.id,
        "releaseName": candidate.release_name,
        "label": candidate.label,
        "workspaceId": candidate.workspace_id,
        "workspace": candidate.workspace,
        "distribution": str(current.distribution) if current else None,
        "currentVersion": str(current) if current else None,
        "runtimeVersion": str(current.version) if current and runtime else None,
    }

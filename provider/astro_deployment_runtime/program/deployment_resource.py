"""The Pulumi resource that a program declares: one Deployment at its declared Astro Runtime version."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NotRequired, TypedDict

import pulumi
from pulumi import dynamic

from astro_deployment_runtime.plugin.dynamic_protocol import NO_IMPORT
from astro_deployment_runtime.program.config_warnings import warn_of_unknown_keys
from astro_deployment_runtime.program.interrupt import exit_on_interrupt
from astro_deployment_runtime.resource import OUTPUTS, RuntimeProvider
from astro_deployment_runtime.support import secret_masks

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


class ProjectArgs(TypedDict):
    """An Astro project on this machine. Each hop rewrites its ``FROM`` line and deploys it."""

    path: pulumi.Input[str]
    """Its folder, with a Dockerfile; a relative path begins at the Pulumi project. It serves one Deployment."""
    test: NotRequired[pulumi.Input[str]]
    """A command that has to succeed before a hop is deployed, for example ``astro dev parse``. It gets no token."""
    deploy: NotRequired[pulumi.Input[str]]
    """The command that builds and deploys; ``astro deploy {deployment_id} --force`` where it is left out. It may name
    ``{deployment_id}``, ``{release_name}``, ``{version}`` and ``{image}``, and finds the address and the token of
    Houston in its environment, as ``ASTRO_HOUSTON_URL`` and ``ASTRO_HOUSTON_TOKEN``. Both run without a shell."""


class AstroDeploymentRuntime(dynamic.Resource, module="astro", name="DeploymentRuntime"):
    """A Deployment of an Astronomer Software platform, at a declared Astro Runtime version.

    ``pulumi preview`` shows the whole path, and ``pulumi up`` follows it. Illegal changes are refused before anything
    is changed. Destroying the resource forgets the Deployment, which keeps its version.
    """

    # Pulumi evaluates every annotation here for each resource, and needs none of them.
    if TYPE_CHECKING:
        plan: pulumi.Output[Sequence[str] | None]
        """The last plan that was followed, as lines of text."""
        warnings: pulumi.Output[Sequence[Mapping[str, str]] | None]
        """Its warnings, each with a ``name`` and a ``message``."""
        path: pulumi.Output[str | None]
        """Its releases: ``AC 2.2.3 > AC 2.3.0 > Astro Runtime 5.0.4``."""
        hops: pulumi.Output[int | None]
        """Its number of hops."""
        target: pulumi.Output[str | None]
        """The resolved version of ``runtime_version``, which later runs keep; None if it is a version itself."""
        current_version: pulumi.Output[str | None]
        """The last observed release, for example ``Astro Runtime 5.0.4``."""
        airflow_version: pulumi.Output[str | None]
        """Its Airflow version."""
        pending: pulumi.Output[str | None]
        """The hop that we started and have not seen arrive; None if there is none."""
        deployment_id: pulumi.Output[str]
        """Houston's id of the Deployment."""
        release_name: pulumi.Output[str]
        """The Deployment's release name."""
        airflow_url: pulumi.Output[str | None]
        """The root of the Deployment's Airflow."""

    def __init__(  # noqa: PLR0913 - a resource's arguments
        self,
        resource_name: str,
        *,
        runtime_version: pulumi.Input[str],
        release_name: pulumi.Input[str] | None = None,
        deployment_id: pulumi.Input[str] | None = None,
        image: pulumi.Input[str] | None = None,
        project: pulumi.Input[ProjectArgs] | None = None,
        strategy: pulumi.Input[str] = "certified-first",
        accept: pulumi.Input[Sequence[pulumi.Input[str]]] | None = None,
        deny: pulumi.Input[Sequence[pulumi.Input[str]]] | None = None,
        timeout: pulumi.Input[str] = "1h",
        wait: pulumi.Input[bool] = True,
        verify: pulumi.Input[str] = "airflow",
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """Declare the version of a Deployment that exists.

        Args:
            resource_name: the resource's name in the stack.
            runtime_version: the target, an Astro Runtime version, for example ``5.0.4`` or ``3.1-12``; or
                ``equivalent``: the newest Runtime with the Airflow version of the current Astronomer Certified; or
                ``5.x``, ``5.0.x``, ``3.1-x`` or ``latest-patch``: the newest release of a line on offer. In YAML,
                quote values that look like a number.
            release_name: the Deployment, by its release name. Exactly one of this and ``deployment_id``.
            deployment_id: the Deployment, by Houston's id. Another id replaces the resource.
            image: the image of every hop, already in a registry: a template that may name ``{base}``,
                ``{distribution}``, ``{version}`` and ``{airflow}``. With neither this nor ``project``: wait until
                somebody deploys one.
            project: an Astro project on this machine, instead of ``image``: for each hop its ``FROM`` line is
                rewritten, the project is tested, if a test is given, and deployed.
            strategy: ``certified-first`` (the vendor's guide) or ``fewest-hops``.
            accept: risks that you accept, by name: ``yanked:VERSION``, ``prerelease:VERSION``, ``cancel-pending``,
                ``newer``, ``base-image``, ``overwrite-environment``; and warnings, which then do not appear.
            deny: warnings that become refusals, by name, for example ``out-of-support``.
            timeout: time limit for the image of a hop, and again for its Airflow to become healthy: ``45s``, ``90m``,
                ``1h30m``, or a number of seconds; at most 7 days. A timeout cancels nothing on the platform.
            wait: whether to wait for a hop to complete; if not, a run that started a hop exits with an error and says
                what to deploy, and the next run resumes.
            verify: ``airflow``: a hop is complete when the Deployment's own Airflow is healthy at the expected version;
                ``houston``: when Houston reports it, for a webserver that is not reachable from here.
            opts: Pulumi's options.
        """
        arguments = {
            "runtime_version": runtime_version,
            "release_name": release_name,
            "deployment_id": deployment_id,
            "image": image,
            "project": project,
            "strategy": strategy,
            "accept": accept if accept is not None else [],
            "deny": deny,
            "timeout": timeout,
            "wait": wait,
            "verify": verify,
        }
        _declare(self, resource_name, arguments, opts)


def declare_planned(
    resource_name: str,
    arguments: Mapping[str, Any],
    *,
    held: str | None,
    hold: str | None,
    opts: pulumi.ResourceOptions | None,
) -> AstroDeploymentRuntime:
    """Declare a Deployment of a fleet that is planned already.

    Args:
        resource_name: the resource's name in the stack.
        arguments: the public arguments of :class:`AstroDeploymentRuntime`.
        held: the version that the fleet's plan has resolved ``runtime_version`` to.
        hold: the reason why this run leaves the Deployment as it is: nothing is planned, and its last state is kept.
        opts: Pulumi's options.
    """
    resource = AstroDeploymentRuntime.__new__(AstroDeploymentRuntime)
    _declare(resource, resource_name, {**arguments, "held": held, "hold": hold}, opts)
    return resource


def _declare(
    resource: AstroDeploymentRuntime, name: str, arguments: Mapping[str, Any], opts: pulumi.ResourceOptions | None
) -> None:
    exit_on_interrupt()
    warn_of_unknown_keys()
    if opts and opts.import_:
        raise pulumi.RunError(NO_IMPORT.format(name=name))
    outputs: dict[str, Any] = dict.fromkeys((*OUTPUTS, "deployment_id", "release_name"))
    for output, sources in secret_masks.DERIVED.items():
        # Pulumi's own host leaves it to the engine to carry the mark of a secret from an input to the output of the
        # same name. So a derived output has to be an input with that mark.
        values = [arguments.get(source) for source in sources]
        if not all(map(_is_plain, values)):
            outputs[output] = pulumi.Output.from_input(values).apply(lambda _: "")
    inputs = {key: value for key, value in arguments.items() if value is not None}
    dynamic.Resource.__init__(resource, RuntimeProvider(), name, {**outputs, **inputs}, opts)


def _is_plain(value: object) -> bool:
    """Return whether a value is known now, and neither a secret nor the output of another resource."""
    if isinstance(value, dict):
        return all(map(_is_plain, value.values()))
    return value is None or isinstance(value, str)

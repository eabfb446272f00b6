"""Chooses by the declaration how images get to a Deployment: for the lines of a plan, and for a run.

``image`` names images in a registry, ``project`` builds an Astro project, and without both somebody else deploys.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from astro_deployment_runtime.delivery.registry_image import ImageDelivery, ImageTemplate
from astro_deployment_runtime.errors import InvalidImageError, InvalidProjectError
from astro_deployment_runtime.planning import plan_messages
from astro_deployment_runtime.planning.base_images import VENDORS

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from astro_deployment_runtime.config.connection_settings import ConnectionSettings
    from astro_deployment_runtime.config.resource_arguments import ProjectArguments, ResourceArguments
    from astro_deployment_runtime.delivery.astro_project import AstroProject
    from astro_deployment_runtime.execution.executor_interfaces import Clock, Delivery
    from astro_deployment_runtime.houston.client import Houston
    from astro_deployment_runtime.planning.base_images import BaseImages
    from astro_deployment_runtime.planning.catalog import Release
    from astro_deployment_runtime.planning.plan_model import Deployment, Plan, PlanWarning
    from astro_deployment_runtime.planning.versions import ReleaseId

_UNKNOWN_IMAGE: Final = "registry.invalid/any:{distribution}-{version}"
"""Template in place of one that is not known yet, to find the other mistakes already."""


@dataclass(slots=True)
class DeliveryChoice:
    """How images get to the Deployments of one platform."""

    houston: Houston
    settings: ConnectionSettings | None
    """The connection that the commands of a project use."""

    def delivery(
        self, arguments: ResourceArguments, path: Sequence[ReleaseId], cancel: ReleaseId | None, clock: Clock
    ) -> Delivery | None:
        """Return what delivers the image of each hop, or None where somebody else deploys it.

        Args:
            arguments: the declaration.
            path: the release that ran at the preview, and the target of each hop.
            cancel: the pending hop that the preview showed as cancelled first.
            clock: for the commands of a project.
        """
        if arguments.image is not None:
            return ImageDelivery(self._template(arguments.image), self.houston)
        if arguments.project is None:
            return None
        from astro_deployment_runtime.delivery.astro_project import ProjectDelivery

        def leads_to_target(current: Release, named: ReleaseId) -> bool:
            catalog = self.houston.snapshot().catalog
            target = catalog.get(path[-1])
            return target is not None and catalog.between(current, named, target)

        return ProjectDelivery(
            project=self._project(arguments.project),
            releases=frozenset(filter(None, (*path, cancel))),
            clock=clock,
            leads_to_target=leads_to_target,
        )

    def plan_lines(
        self, arguments: ResourceArguments, deployment: Deployment, planned: Plan, *, unknown: Sequence[str] = ()
    ) -> tuple[list[PlanWarning], list[str]]:
        """Return the warnings about the images of a plan, and the lines that say how each image arrives.

        Args:
            arguments: the declaration.
            deployment: where the images go.
            planned: the plan.
            unknown: arguments about images that are not known yet.

        Raises:
            InvalidInputError: the declared images or project cannot be used.
        """
        if unknown:
            if "image" in unknown and "accept" not in unknown:
                self._images(_UNKNOWN_IMAGE, arguments, deployment, planned)
            return [], plan_messages.unknown_lines(planned, unknown)
        if arguments.project is not None:
            return self._project_lines(self._project(arguments.project), arguments, deployment, planned)
        if arguments.image is None:
            return [], plan_messages.delivery_lines(planned, None)
        if planned.hops and (obstacle := self.houston.image_obstacle(deployment)):
            raise InvalidImageError(obstacle)
        images = self._images(arguments.image, arguments, deployment, planned)
        return [], plan_messages.delivery_lines(planned, images)

    def _project_lines(
        self, project: AstroProject, arguments: ResourceArguments, deployment: Deployment, planned: Plan
    ) -> tuple[list[PlanWarning], list[str]]:
        if not planned.hops:
            return [], []
        catalog, target = self.houston.snapshot().catalog, planned.target
        checked = project.check(
            deployment,
            planned.hops,
            may_build_on=lambda named: (
                named == deployment.pending or catalog.between(deployment.current, named, target)
            ),
        )
        return _not_accepted(checked.warnings, arguments), checked.lines

    def _images(self, template: str, arguments: ResourceArguments, deployment: Deployment, planned: Plan) -> list[str]:
        platform = self.houston.snapshot().platform
        return self._template(template).images(planned.hops, deployment, platform, arguments.accepted)

    def _template(self, text: str) -> ImageTemplate:
        return ImageTemplate(text, self.base_images)

    @property
    def base_images(self) -> BaseImages:
        """Repositories of the base images that the settings name, else the vendor's."""
        return self.settings.base_images if self.settings else VENDORS

    def _project(self, arguments: ProjectArguments) -> AstroProject:
        if self.settings is None:
            raise AssertionError("a project is declared, and there is no connection for its commands")
        from astro_deployment_runtime.delivery.astro_project import AstroProject

        return AstroProject.declared(arguments, self.settings)


def _not_accepted(warnings: Iterable[PlanWarning], arguments: ResourceArguments) -> list[PlanWarning]:
    """Return the warnings that the user has not accepted.

    Raises:
        InvalidProjectError: the user denies some of them.
    """
    shown = list(arguments.accepted.without_accepted(warnings))
    if denied := [warning for warning in shown if warning.name in arguments.denied]:
        names = " and ".join(dict.fromkeys(warning.name for warning in denied))
        found = "\n".join(f"denied: {warning.name}: {warning.message}" for warning in denied)
        raise InvalidProjectError(f"{found}\nCorrect that, or remove {names} from deny.")
    return shown

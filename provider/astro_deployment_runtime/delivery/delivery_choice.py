"""The ways in which the image of a hop arrives, chosen by what is declared: shown with a plan, used by a run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from astro_deployment_runtime.delivery import registry_image
from astro_deployment_runtime.errors import InvalidImageError, InvalidProjectError
from astro_deployment_runtime.planning import plan_messages
from astro_deployment_runtime.planning.base_images import VENDORS

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from astro_deployment_runtime.config.connection_settings import ConnectionSettings
    from astro_deployment_runtime.config.resource_arguments import ProjectArguments, ResourceArguments
    from astro_deployment_runtime.delivery.astro_project import Project
    from astro_deployment_runtime.execution.ports import Clock, Delivery
    from astro_deployment_runtime.houston.client import Houston
    from astro_deployment_runtime.planning.base_images import BaseImages
    from astro_deployment_runtime.planning.catalog import Release
    from astro_deployment_runtime.planning.model import Deployment, Plan, PlanWarning
    from astro_deployment_runtime.planning.versions import ReleaseId

_ANY_IMAGE: Final = "registry.invalid/any:{distribution}-{version}"
"""In the place of a template that is not known yet: what else could be wrong with it is found all the same."""


@dataclass(slots=True)
class Ways:
    """How images arrive at the Deployments of one platform."""

    houston: Houston
    settings: ConnectionSettings | None
    """What the commands of a project are told of Houston."""

    def delivery(
        self, arguments: ResourceArguments, path: Sequence[ReleaseId], cancel: ReleaseId | None, clock: Clock
    ) -> Delivery | None:
        """Return what delivers the image of each hop; None where somebody else does.

        Args:
            arguments: what is declared.
            path: what ran when the path was shown, and the target of each hop.
            cancel: the pending hop that was shown to be cancelled first.
            clock: for the commands of a project.
        """
        if arguments.image is not None:
            return registry_image.ImageDelivery(arguments.image, self.houston, self._base_images)
        if arguments.project is not None:
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
        return None

    @property
    def _base_images(self) -> BaseImages:
        return self.settings.base_images if self.settings else VENDORS

    def lines(
        self, arguments: ResourceArguments, deployment: Deployment, planned: Plan, *, unknown: Sequence[str] = ()
    ) -> tuple[list[PlanWarning], list[str]]:
        """Return the warnings about the images of a plan's hops, and the lines that say how each image arrives.

        Args:
            arguments: what is declared.
            deployment: where they arrive.
            planned: the plan.
            unknown: arguments that decide about images and are not known yet.

        Raises:
            InvalidInputError: it cannot, as it is declared.
        """
        platform = self.houston.snapshot().platform
        if unknown:
            if "image" in unknown and "accept" not in unknown:
                registry_image.of_hops(
                    _ANY_IMAGE, planned.hops, deployment, platform, arguments.accepted, self._base_images
                )
            return [], plan_messages.unknown_lines(planned, unknown)
        if arguments.project is None:
            named = None
            if arguments.image is not None:
                if planned.hops and (obstacle := self.houston.image_obstacle(deployment)):
                    raise InvalidImageError(obstacle)
                named = registry_image.of_hops(
                    arguments.image, planned.hops, deployment, platform, arguments.accepted, self._base_images
                )
            return [], plan_messages.delivery_lines(planned, named)
        project = self._project(arguments.project)
        if not planned.hops:
            return [], []
        catalog, target = self.houston.snapshot().catalog, planned.target
        checked = project.check(
            deployment,
            planned.hops,
            may_name=lambda named: named == deployment.pending or catalog.between(deployment.current, named, target),
        )
        return _judged(checked.warnings, arguments), checked.lines

    def _project(self, declaration: ProjectArguments) -> Project:
        if self.settings is None:
            raise AssertionError("a project is declared, and nothing says what its commands are told of Houston")
        from astro_deployment_runtime.delivery.astro_project import Project

        return Project.declared(declaration, self.settings)


def _judged(warnings: Iterable[PlanWarning], arguments: ResourceArguments) -> list[PlanWarning]:
    """Return the warnings that are not accepted.

    Raises:
        InvalidProjectError: some are denied.
    """
    shown = [warning for warning in warnings if warning.name not in arguments.accepted.warnings]
    if denied := [warning for warning in shown if warning.name in arguments.denied]:
        names = " and ".join(dict.fromkeys(warning.name for warning in denied))
        found = "\n".join(f"denied: {warning.name}: {warning.message}" for warning in denied)
        raise InvalidProjectError(f"{found}\nCorrect that, or remove {names} from deny.")
    return shown

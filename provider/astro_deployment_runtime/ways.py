"""The ways in which the image of a hop arrives, chosen by what is declared: shown with a plan, used by a run."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from astro_deployment_runtime import images, report
from astro_deployment_runtime.errors import InvalidDeclarationError

if TYPE_CHECKING:
    from pathlib import Path

    from astro_deployment_runtime.declaration import ProjectDeclaration, RuntimeDeclaration
    from astro_deployment_runtime.houston import Houston
    from astro_deployment_runtime.model import Deployment, Plan
    from astro_deployment_runtime.ports import Clock, Delivery
    from astro_deployment_runtime.project import Project
    from astro_deployment_runtime.settings import Settings
    from astro_deployment_runtime.versions import ReleaseId


@dataclass(slots=True)
class Ways:
    """How images arrive at the Deployments of one platform."""

    houston: Houston
    settings: Settings | None
    """What the commands of a project are told of Houston."""
    _folders: dict[Path, Deployment] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def delivery(self, arguments: RuntimeDeclaration, releases: frozenset[ReleaseId], clock: Clock) -> Delivery | None:
        """Return what delivers the image of each hop; None where somebody else does.

        Args:
            arguments: what is declared.
            releases: those that the ``FROM`` line of a project may name.
            clock: for the commands of a project.
        """
        if arguments.image is not None:
            return images.ImageDelivery(arguments.image, self.houston)
        if arguments.project is not None:
            from astro_deployment_runtime.project import ProjectDelivery

            return ProjectDelivery(project=self._project(arguments.project), releases=releases, clock=clock)
        return None

    def lines(self, arguments: RuntimeDeclaration, deployment: Deployment, planned: Plan) -> list[str]:
        """Write how the image of each hop of a plan arrives.

        Raises:
            InvalidInputError: it cannot, as it is declared.
        """
        platform = self.houston.snapshot().platform
        if arguments.project is None:
            named = None
            if arguments.image is not None:
                if planned.hops and (unfit := self.houston.unfit_for_images(deployment)):
                    raise InvalidDeclarationError(unfit)
                named = images.of_hops(arguments.image, planned.hops, deployment, platform, arguments.accepted)
            return report.delivery_lines(planned, named)
        project = self._project(arguments.project)
        with self._lock:
            served = self._folders.setdefault(project.folder, deployment)
        if served.id != deployment.id:
            raise InvalidDeclarationError(
                f"project {project.name} is declared for {served.release_name} as well: its Dockerfile has one first "
                f"FROM, so it serves one Deployment; give {deployment.release_name} a checkout of its own"
            )
        if not planned.hops:
            return []
        # Where an upgrade is made by its image alone, nothing is pending when a run is cut off in the middle.
        started = (deployment.pending, planned.hops[0].target.id if platform.upgrades_by_image else None)
        return project.check(deployment, planned.hops, set(filter(None, started)))

    def _project(self, declaration: ProjectDeclaration) -> Project:
        if self.settings is None:
            raise AssertionError("a project is declared, and nothing says what its commands are told of Houston")
        from astro_deployment_runtime.project import Project

        return Project.declared(declaration, self.settings)

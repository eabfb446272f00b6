"""Record which resource declares a Deployment, so that two resources never change the same one."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from astro_deployment_runtime.errors import InvalidProjectError, RefusedError
from astro_deployment_runtime.support.text_formatting import printable
from astro_deployment_runtime.support.urns import resource_name

if TYPE_CHECKING:
    from astro_deployment_runtime.planning.plan_model import Deployment


@dataclass(slots=True)
class DeclarationRegistry:
    """The first resource that declares a Deployment, and the first Deployment of a project folder, keep it."""

    _urns: dict[str, str] = field(default_factory=dict)
    _folders: dict[Path, Deployment] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def declare(self, deployment: Deployment, urn: str) -> None:
        """Record the resource of a Deployment. The same resource may declare it again.

        Args:
            deployment: the Deployment.
            urn: the resource's; empty: unknown, and nothing is recorded.

        Raises:
            RefusedError: another resource declares it.
        """
        if not urn:
            return
        with self._lock:
            first = self._urns.setdefault(deployment.id, urn)
        if first != urn:
            raise RefusedError(
                f"{deployment.release_name} is declared twice, here and as {resource_name(first)!r}: a "
                "Deployment has one version, so remove one of the two"
            )

    def use_project(self, path: str, deployment: Deployment) -> None:
        """Record the Deployment of an Astro project.

        Args:
            path: the project's folder, as the user wrote it.
            deployment: the Deployment. It may use the folder again.

        Raises:
            InvalidProjectError: another Deployment uses the folder.
        """
        with self._lock:
            first = self._folders.setdefault(Path(path).expanduser().resolve(), deployment)
        if first.id != deployment.id:
            raise InvalidProjectError(
                f"project {printable(path)} is also declared for {first.release_name}: its Dockerfile names one "
                f"release, so it serves one Deployment; give {deployment.release_name} its own checkout"
            )

"""The abilities of a platform version: the sandbox simulates 0.29 to 2.x."""

from __future__ import annotations

import re
from dataclasses import dataclass

from sandbox.errors import SandboxError

_VERSION = re.compile(r"v?(\d+)\.(\d+)\.(\d+)(?:[-+.a-z][0-9A-Za-z.+-]*)?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Generation:
    """The abilities of one platform version, each from the vendor's CLI, its release notes or its chart.

    ``number`` is the version as numbers, ``text`` its form in ``appConfig.version``.
    """

    text: str
    number: tuple[int, int, int]

    @classmethod
    def of(cls, text: str) -> Generation:
        """Parse a platform version such as ``0.30.4``; a suffix (``1.1.0-rc.1``) only changes the text.

        Raises:
            SandboxError: the sandbox does not simulate it.
        """
        match = _VERSION.fullmatch(text)
        if match is None:
            raise SandboxError(f"the platform version {text!r} is not of the form x.y.z, for example 0.30.4")
        major, minor, patch = (int(part) for part in match.groups())
        number = (major, minor, patch)
        if not (0, 29, 0) <= number < (3, 0, 0):
            raise SandboxError(f"the sandbox plays the platforms 0.29.0 to 2.x, not {text}")
        return cls(text=text, number=number)

    @property
    def certified(self) -> bool:
        """Astronomer Certified can exist (release notes: not from 0.37 on)."""
        return self.number < (0, 37, 0)

    @property
    def migration_broken(self) -> bool:
        """A migration from Certified to Runtime fails: broken in 0.33.2, fixed in 0.33.3 (release notes)."""
        return self.number == (0, 33, 2)

    @property
    def desired_versions(self) -> bool:
        """A Deployment has airflowVersion and the fields desired* (CLI: not asked for from 1.0 on)."""
        return self.number < (1, 0, 0)

    @property
    def starts(self) -> bool:
        """The mutations updateDeploymentRuntime and cancelRuntimeUpdate exist (not from 1.1 on)."""
        return self.number < (1, 1, 0)

    @property
    def certified_offer(self) -> bool:
        """The type DeploymentConfig lists the Certified releases (CLI: not asked for from 1.0.1 on)."""
        return self.number < (1, 0, 1)

    @property
    def settings(self) -> bool:
        """The type AppConfig lists the settings that a Deployment can have (CLI: not asked for from 2.0 on)."""
        return self.number < (2, 0, 0)

    @property
    def upgrade_by_image(self) -> bool:
        """A Runtime upgrade needs only its image: disableDesiredRuntimeVersion, from 0.36 on."""
        return self.number >= (0, 36, 0)

    @property
    def image_mutation(self) -> bool:
        """An image can be named with updateDeploymentImage (CLI: from 0.29.2)."""
        return self.number >= (0, 29, 2)

    @property
    def image_needs_runtime(self) -> bool:
        """An image is named with its Runtime version: updateDeploymentImage has no airflowVersion (CLI: from 1.0.1)."""
        return self.number >= (1, 0, 1)

    @property
    def pagination(self) -> bool:
        """The query paginatedDeployments exists (CLI: from 0.32)."""
        return self.number >= (0, 32, 0)

    @property
    def clusters(self) -> bool:
        """Deployments have a cluster and runtimeReleases takes clusterId (CLI: from 1.0)."""
        return self.number >= (1, 0, 0)

    @property
    def upsert(self) -> bool:
        """An image is deployed with upsertDeployment (CLI: from 2.1)."""
        return self.number >= (2, 1, 0)

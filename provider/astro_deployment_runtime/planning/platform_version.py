"""What a platform says of itself: its version, and what it can do."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final, Self

_VERSION: Final = re.compile(
    r"[vV]?(\d{1,6})\.(\d{1,6})(?:\.(\d{1,6})(?!\d)(?:[-+._~]?[A-Za-z0-9][A-Za-z0-9.+_~-]*)?|(?:[-+~][A-Za-z0-9.+_~-]+)?)",
    re.ASCII,
)


@dataclass(frozen=True, slots=True)
class PlatformVersion:
    """A version of Astronomer Software: its number decides, whatever suffix it has (``1.1.0-rc.1``, ``v0.30.4``)."""

    text: str
    """As Houston writes it, without blanks around it."""
    number: tuple[int, int, int] | None
    """None where the text cannot be read; the rules refuse every hop there."""

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read ``x.y.z`` or ``x.y``, with ``v`` before it and a suffix after it, as the vendor's command line does."""
        match = _VERSION.fullmatch(text.strip())
        number = (int(match[1]), int(match[2]), int(match[3] or 0)) if match else None
        return cls(text.strip(), number)

    def at_least(self, major: int, minor: int, patch: int = 0) -> bool:
        """Return whether the number is that one or higher; a version that cannot be read counts as the oldest."""
        return self.number is not None and self.number >= (major, minor, patch)

    def __str__(self) -> str:
        """Print as Houston writes it."""
        return self.text


@dataclass(frozen=True, slots=True, kw_only=True)
class Platform:
    """What an Astronomer Software platform says of itself."""

    version: str
    """As Houston's ``appConfig`` gives it, for example ``0.30.4``; :attr:`number` is what decides."""
    runtime_enabled: bool = True
    """The feature flag ``astroRuntimeEnabled``."""
    upgrades_by_image: bool = False
    """A Runtime upgrade is made by deploying its image: it is neither started nor ever pending (from 0.36 on)."""
    takes_images: bool = True
    """It can be told to deploy an image that is in a registry already (from 0.29.2 on)."""
    overwrites_environment: bool = False
    """Being told to, it overwrites environment variables of the Deployment that are not named (from 2.1 on)."""

    @property
    def number(self) -> PlatformVersion:
        """The version, parsed: for every comparison."""
        return PlatformVersion.parse(self.version)

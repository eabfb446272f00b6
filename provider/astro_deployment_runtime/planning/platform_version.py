"""Version and features of an Astronomer Software platform."""

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
    """Version of Astronomer Software. Only its number counts, not a suffix (``1.1.0-rc.1``, ``v0.30.4``)."""

    text: str
    """The version as Houston writes it, without spaces around it."""
    number: tuple[int, int, int] | None
    """None: the text is unreadable, and the rules refuse every hop."""

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read ``x.y.z`` or ``x.y``, with an optional ``v`` and suffix, like the vendor's command line."""
        match = _VERSION.fullmatch(text.strip())
        number = (int(match[1]), int(match[2]), int(match[3] or 0)) if match else None
        return cls(text.strip(), number)

    def at_least(self, major: int, minor: int, patch: int = 0) -> bool:
        """Return whether the version is at least this one. An unreadable version counts as the oldest."""
        return self.number is not None and self.number >= (major, minor, patch)

    def __str__(self) -> str:
        """Return it as Houston writes it."""
        return self.text


@dataclass(frozen=True, slots=True, kw_only=True)
class Platform:
    """Version and features of a platform, as it reports them."""

    version: str
    """The version as Houston's ``appConfig`` gives it, for example ``0.30.4``. Compare :attr:`number`."""
    runtime_enabled: bool = True
    """The feature flag ``astroRuntimeEnabled``."""
    upgrades_by_image: bool = False
    """Whether deploying an image upgrades Runtime, without a start or a pending hop (from 0.36 on)."""
    takes_images: bool = True
    """Whether Houston can deploy an image from a registry (from 0.29.2 on)."""
    overwrites_environment: bool = False
    """Whether Houston, on request, overwrites environment variables that the request does not name (from 2.1 on)."""

    @property
    def number(self) -> PlatformVersion:
        """The parsed version, for comparisons."""
        return PlatformVersion.parse(self.version)

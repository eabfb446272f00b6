"""Versions and names of releases: parse, compare, print.

An Airflow version is ``x.y.z``. An Astronomer Certified (AC) release has the name of its Airflow version; image tags
add ``-N`` for the hot-fix build, which the platform never reports. A Runtime version is ``5.0.4`` for Airflow 2 and
``3.1-12`` (Airflow minor, build) for Airflow 3. The second scheme is always later than the first, although Runtime
3.0.0 of 2021 and Runtime 3.0-1 of 2025 look alike.

``parse`` reads only releases, which can be offered, declared or accepted. ``observe`` also reads other versions that a
Deployment may run: prereleases (``8.0.0-alpha2``, ``2.10.0rc1``), post-releases and image suffixes (``5.0.4-base``).
A prerelease is lower than the release of its number, a post-release higher. Neither equals a release.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from enum import IntEnum, StrEnum
from typing import TYPE_CHECKING, Final, Self, TypeAlias, TypeVar

from astro_deployment_runtime.errors import InvalidVersionError
from astro_deployment_runtime.support.text_formatting import quote

if TYPE_CHECKING:
    from collections.abc import Callable

_NUMBER = r"(0|[1-9]\d{0,5})"
_DOTTED: Final = re.compile(rf"{_NUMBER}\.{_NUMBER}\.{_NUMBER}", re.ASCII)
_AIRFLOW_3: Final = re.compile(rf"{_NUMBER}\.{_NUMBER}-([1-9]\d{{0,5}})", re.ASCII)
_LINE: Final = re.compile(rf"{_NUMBER}(?:\.{_NUMBER}(?:\.|-)|\.)x", re.ASCII)
_BUILD: Final = re.compile(r"-\d+$", re.ASCII)
_RELEASE: Final = re.compile(
    r"(?:(?P<certified>AC|Astronomer Certified)|(?:Astro )?Runtime)\s+(?P<version>\S+)", re.ASCII | re.IGNORECASE
)

_MARK: Final = re.compile(
    r"[-._]?(?P<word>dev|nightly|snapshot|alpha|beta|rc|preview|pre|post|[abc])(?:[-._]?(?P<number>\d{1,15}))?",
    re.ASCII,
)
_MARKS: Final = "(?P<marks>(?:" + re.sub(r"\?P<\w+>", "?:", _MARK.pattern) + "){0,3})"
_LOCAL: Final = r"(?:\+[a-z0-9]+(?:[-._][a-z0-9]+)*)?"
_VARIANT: Final = (
    r"(?:-(?:base|slim|onbuild|py(?:thon)?-?\d+(?:\.\d+)*|alpine[\d.]*|debian-?[\d.]*|ubi-?[\d.]*|ubuntu-?[\d.]*"
    r"|stretch|buster|bullseye|bookworm|trixie|bionic|focal|jammy|noble|amd64|arm64))*"
)
"""Suffixes of image tags that say how the image was built. They do not change the release."""
_AFTER_NUMBER: Final = f"{_MARKS}{_LOCAL}{_VARIANT}"
_OBSERVED_AIRFLOW: Final = re.compile(rf"v?(?P<release>{_DOTTED.pattern})(?:-\d+)?{_AFTER_NUMBER}", re.ASCII)
_OBSERVED_RUNTIME: Final = re.compile(
    rf"v?(?P<release>{_DOTTED.pattern}|{_AIRFLOW_3.pattern}){_AFTER_NUMBER}", re.ASCII
)
_LONGEST: Final = 200
"""Maximum length of a version, in characters."""


class Stage(IntEnum):
    """Stages before and after the release of a number, in order."""

    DEV = 0
    NIGHTLY = 1
    ALPHA = 2
    BETA = 3
    CANDIDATE = 4
    RELEASE = 5
    POST = 6


Marks: TypeAlias = tuple[tuple[Stage, int], ...]
"""Prerelease and post-release marks: stages with their numbers. ``(Stage.RELEASE, 0)`` ends them, so that tuples sort
correctly: ``rc1.dev2`` < ``rc1`` < the release < ``post1``."""

RELEASE: Final[Marks] = ((Stage.RELEASE, 0),)
"""Marks of a release."""

_STAGES: Final = {
    "dev": Stage.DEV,
    "nightly": Stage.NIGHTLY,
    "snapshot": Stage.NIGHTLY,
    "a": Stage.ALPHA,
    "alpha": Stage.ALPHA,
    "b": Stage.BETA,
    "beta": Stage.BETA,
    "c": Stage.CANDIDATE,
    "rc": Stage.CANDIDATE,
    "pre": Stage.CANDIDATE,
    "preview": Stage.CANDIDATE,
    "post": Stage.POST,
}
_AIRFLOW_WORDS: Final = {
    Stage.DEV: ".dev",
    Stage.NIGHTLY: ".nightly",
    Stage.ALPHA: "a",
    Stage.BETA: "b",
    Stage.CANDIDATE: "rc",
    Stage.POST: ".post",
}
_RUNTIME_WORDS: Final = {
    Stage.DEV: "-dev",
    Stage.NIGHTLY: "-nightly",
    Stage.ALPHA: "-alpha",
    Stage.BETA: "-beta",
    Stage.CANDIDATE: "-rc",
    Stage.POST: "-post",
}


_Version = TypeVar("_Version", bound="AirflowVersion | RuntimeVersion")


def _observe(pattern: re.Pattern[str], text: str, parse: Callable[[str], _Version]) -> _Version:
    """Read a reported version: parse the release, and add its marks."""
    stripped = text.strip().lower()
    match = pattern.fullmatch(stripped) if len(stripped) <= _LONGEST else None
    if match is None:
        return parse(text)
    found = ((_STAGES[mark["word"]], int(mark["number"] or 0)) for mark in _MARK.finditer(match["marks"]))
    return replace(parse(match["release"]), marks=(*found, *RELEASE))


def _written(marks: Marks, words: dict[Stage, str]) -> str:
    return "".join(f"{words[stage]}{number or ''}" for stage, number in marks[:-1])


class Distribution(StrEnum):
    """The two distributions of Airflow that the vendor ships."""

    CERTIFIED = "certified"
    RUNTIME = "runtime"


@dataclass(frozen=True, slots=True, order=True)
class AirflowVersion:
    """A version of Apache Airflow, ``x.y.z``; also the name of an Astronomer Certified release."""

    major: int
    minor: int
    patch: int
    marks: Marks = RELEASE

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read ``x.y.z``. A local part such as ``+astro.1``, which the Airflow API adds, is dropped.

        Raises:
            InvalidVersionError: the text is anything else.
        """
        match = _DOTTED.fullmatch(text.partition("+")[0])
        if match is None:
            raise InvalidVersionError(f"{quote(text)} is not an Airflow version: write x.y.z, for example 2.3.0")
        major, minor, patch = map(int, match.groups())
        return cls(major, minor, patch)

    @classmethod
    def observe(cls, text: str) -> Self:
        """Read a reported version: ``2.10.0rc1``, ``2.4.1.dev1+astro.1``, ``v2.3.0``, ``2.3.0-5-onbuild``.

        Marks are kept. A hot-fix build, a local part, an image's suffix and spaces are dropped.

        Raises:
            InvalidVersionError: the text is anything else.
        """
        return _observe(_OBSERVED_AIRFLOW, text, cls.parse)

    @classmethod
    def parse_certified(cls, text: str) -> Self:
        """Read the version of an AC release, ``x.y.z`` or ``x.y.z-N``. The hot-fix build ``-N`` is dropped.

        Raises:
            InvalidVersionError: the text is anything else.
        """
        if _DOTTED.fullmatch(_BUILD.sub("", text)) is None:
            raise InvalidVersionError(
                f"{quote(text)} is not an Astronomer Certified version: write x.y.z or x.y.z-N, for example 2.3.0"
            )
        return cls.parse(_BUILD.sub("", text))

    def __str__(self) -> str:
        """Return ``x.y.z``, with marks as Python writes them: ``2.10.0rc1``."""
        return f"{self.major}.{self.minor}.{self.patch}{_written(self.marks, _AIRFLOW_WORDS)}"


class Scheme(IntEnum):
    """Format of a Runtime version. Every release of a later scheme is later."""

    AIRFLOW_2 = 2
    AIRFLOW_3 = 3


@dataclass(frozen=True, slots=True, order=True)
class RuntimeVersion:
    """A version of Astro Runtime: ``5.0.4``, or ``3.1-12`` from Airflow 3 on. Sorted by scheme, then by number."""

    scheme: Scheme
    numbers: tuple[int, int, int]
    marks: Marks = RELEASE

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read a release, ``x.y.z`` or ``x.y-N``.

        Raises:
            InvalidVersionError: the text is anything else, for example with an image suffix such as ``-base``.
        """
        for scheme, pattern in ((Scheme.AIRFLOW_2, _DOTTED), (Scheme.AIRFLOW_3, _AIRFLOW_3)):
            if match := pattern.fullmatch(text):
                first, second, third = map(int, match.groups())
                return cls(scheme, (first, second, third))
        raise InvalidVersionError(
            f"{quote(text)} is not an Astro Runtime version: write x.y.z (for example 5.0.4), or x.y-N for Airflow 3 "
            "(for example 3.1-12)"
        )

    @classmethod
    def observe(cls, text: str) -> Self:
        """Read a reported version: ``8.0.0-alpha2``, ``3.1-12.rc1``, ``v5.0.4``, ``5.0.4-python-3.11-base``.

        Marks are kept. An image's suffix and spaces are dropped.

        Raises:
            InvalidVersionError: the text is anything else.
        """
        return _observe(_OBSERVED_RUNTIME, text, cls.parse)

    @property
    def is_release(self) -> bool:
        """Whether it is neither a prerelease nor a post-release, so that it can be a target."""
        return self.marks == RELEASE

    @property
    def patches(self) -> Line:
        """The line of its patches, which differ only in the last number."""
        return Line(self.scheme, self.numbers[:2])

    def __str__(self) -> str:
        """Return it as the vendor writes it, with marks as in ``8.0.0-alpha2`` or ``3.1-12-rc1``."""
        first, second, third = self.numbers
        release = f"{first}.{second}{'-' if self.scheme is Scheme.AIRFLOW_3 else '.'}{third}"
        return release + _written(self.marks, _RUNTIME_WORDS)


@dataclass(frozen=True, slots=True)
class Line:
    """Runtime versions with the same first numbers: ``5.x``, ``5.0.x``, or ``3.1-x`` from Airflow 3 on."""

    scheme: Scheme
    beginning: tuple[int, ...]

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read ``5.x``, ``5.0.x`` or ``3.1-x``.

        Raises:
            InvalidVersionError: the text is anything else, or ``3.x``, which could be either scheme.
        """
        match = _LINE.fullmatch(text)
        if match is None:
            raise InvalidVersionError(
                f"{quote(text)} is not a line of Astro Runtime versions: write 5.x, 5.0.x, or 3.1-x for Airflow 3"
            )
        if text == "3.x":
            raise InvalidVersionError(
                "'3.x' could be Astro Runtime 3 of 2021 as well as Astro Runtime for Airflow 3: write 3.0.x for the "
                "one, or 3.1-x with Airflow's minor version for the other"
            )
        scheme = Scheme.AIRFLOW_3 if text.endswith("-x") else Scheme.AIRFLOW_2
        return cls(scheme, tuple(int(part) for part in match.groups() if part is not None))

    def __contains__(self, version: RuntimeVersion) -> bool:
        """Return whether a version is in the line."""
        return version.scheme is self.scheme and version.numbers[: len(self.beginning)] == self.beginning

    def __str__(self) -> str:
        """Return it as users declare it."""
        return f"{'.'.join(map(str, self.beginning))}{'-' if self.scheme is Scheme.AIRFLOW_3 else '.'}x"


@dataclass(frozen=True, slots=True)
class ReleaseId:
    """Name of a release: its distribution and its version (an :class:`AirflowVersion` on Certified)."""

    distribution: Distribution
    version: AirflowVersion | RuntimeVersion

    @classmethod
    def of(cls, distribution: Distribution, version: str) -> Self:
        """Read the version of a release.

        Raises:
            InvalidVersionError: the text is not a version of that distribution.
        """
        if distribution is Distribution.CERTIFIED:
            return cls(distribution, AirflowVersion.parse_certified(version))
        return cls(distribution, RuntimeVersion.parse(version))

    @classmethod
    def observe(cls, distribution: Distribution, version: str) -> Self:
        """Read a reported version, including prereleases and image suffixes.

        Raises:
            InvalidVersionError: the text is not a version of that distribution.
        """
        reader = AirflowVersion if distribution is Distribution.CERTIFIED else RuntimeVersion
        try:
            return cls(distribution, reader.observe(version))
        except InvalidVersionError:
            return cls.of(distribution, version)

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read a name: ``AC 2.3.0``, ``Astro Runtime 5.0.4`` or ``Runtime 5.0.4``.

        A Deployment may run the release, so :meth:`observe` reads the version.

        Raises:
            InvalidVersionError: the text is anything else.
        """
        match = _RELEASE.fullmatch(text.strip())
        if match is None:
            raise InvalidVersionError(f"{quote(text)} is not a release: write 'AC 2.2.3' or 'Runtime 5.0.4'")
        distribution = Distribution.CERTIFIED if match["certified"] else Distribution.RUNTIME
        return cls.observe(distribution, match["version"])

    def __str__(self) -> str:
        """Return the name as in the vendor's documentation: ``AC 2.3.0``, ``Astro Runtime 5.0.4``."""
        name = "AC" if self.distribution is Distribution.CERTIFIED else "Astro Runtime"
        return f"{name} {self.version}"

"""Versions and names of releases: parse, order, print.

Three kinds of version meet here. An Airflow version is ``x.y.z``; an Astronomer Certified (AC) release is named by its
Airflow version (image tags add ``-N`` for the hot-fix build, which the platform never tells). A Runtime version
is ``5.0.4`` for Airflow 2 and ``3.1-12`` (Airflow minor, build) for Airflow 3: two schemes, of which the second is
always the later one, although Runtime 3.0.0 of 2021 and Runtime 3.0-1 of 2025 look alike.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import IntEnum, StrEnum
from typing import Final, Self

from astro_deployment_runtime.errors import InvalidVersionError

_NUMBER = r"(0|[1-9]\d{0,5})"
_DOTTED: Final = re.compile(rf"{_NUMBER}\.{_NUMBER}\.{_NUMBER}", re.ASCII)
_AIRFLOW_3: Final = re.compile(rf"{_NUMBER}\.{_NUMBER}-([1-9]\d{{0,5}})", re.ASCII)
_LINE: Final = re.compile(rf"{_NUMBER}(?:\.{_NUMBER}(?:\.|-)|\.)x", re.ASCII)
_BUILD: Final = re.compile(r"-\d+$", re.ASCII)
_RELEASE: Final = re.compile(
    r"(?:(?P<certified>AC|Astronomer Certified)|(?:Astro )?Runtime)\s+(?P<version>\S+)", re.ASCII | re.IGNORECASE
)


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

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read ``x.y.z``; a local part such as ``+astro.1``, which the Airflow API adds, is dropped.

        Raises:
            InvalidVersionError: the text is anything else.
        """
        match = _DOTTED.fullmatch(text.partition("+")[0])
        if match is None:
            raise InvalidVersionError(f"{text!r} is not an Airflow version: write x.y.z, for example 2.3.0")
        return cls(*map(int, match.groups()))

    @classmethod
    def parse_certified(cls, text: str) -> Self:
        """Read the name of an AC release, ``x.y.z`` or ``x.y.z-N``; the hot-fix build ``-N`` is dropped.

        Raises:
            InvalidVersionError: the text is anything else.
        """
        if _DOTTED.fullmatch(_BUILD.sub("", text)) is None:
            raise InvalidVersionError(
                f"{text!r} is not an Astronomer Certified version: write x.y.z or x.y.z-N, for example 2.3.0"
            )
        return cls.parse(_BUILD.sub("", text))

    def __str__(self) -> str:
        """Print as ``x.y.z``."""
        return f"{self.major}.{self.minor}.{self.patch}"


class Scheme(IntEnum):
    """How a Runtime version is written; a later scheme is a later release."""

    AIRFLOW_2 = 2
    AIRFLOW_3 = 3


@dataclass(frozen=True, slots=True, order=True)
class RuntimeVersion:
    """A version of Astro Runtime: ``5.0.4``, or ``3.1-12`` from Airflow 3 on. Ordered by scheme, then by number."""

    scheme: Scheme
    numbers: tuple[int, int, int]

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read ``x.y.z`` or ``x.y-N``.

        Raises:
            InvalidVersionError: the text is anything else, an image tag's suffix such as ``-base`` included.
        """
        for scheme, pattern in ((Scheme.AIRFLOW_2, _DOTTED), (Scheme.AIRFLOW_3, _AIRFLOW_3)):
            if match := pattern.fullmatch(text):
                first, second, third = map(int, match.groups())
                return cls(scheme, (first, second, third))
        raise InvalidVersionError(
            f"{text!r} is not an Astro Runtime version: write x.y.z (for example 5.0.4), or x.y-N for Airflow 3 "
            "(for example 3.1-12)"
        )

    @property
    def patches(self) -> Line:
        """The line of its patches: those that differ in the last number alone."""
        return Line(self.scheme, self.numbers[:2])

    def __str__(self) -> str:
        """Print as the vendor writes it."""
        first, second, third = self.numbers
        return f"{first}.{second}{'-' if self.scheme is Scheme.AIRFLOW_3 else '.'}{third}"


@dataclass(frozen=True, slots=True)
class Line:
    """Runtime versions that begin alike: ``5.x``, ``5.0.x``, or ``3.1-x`` from Airflow 3 on."""

    scheme: Scheme
    beginning: tuple[int, ...]

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read ``5.x``, ``5.0.x`` or ``3.1-x``.

        Raises:
            InvalidVersionError: the text is anything else, ``3.x`` included, which could be either scheme.
        """
        match = _LINE.fullmatch(text)
        if match is None:
            raise InvalidVersionError(
                f"{text!r} is not a line of Astro Runtime versions: write 5.x, 5.0.x, or 3.1-x for Airflow 3"
            )
        if text == "3.x":
            raise InvalidVersionError(
                "'3.x' could be Astro Runtime 3 of 2021 as well as Astro Runtime for Airflow 3: write 3.0.x for the "
                "one, or 3.1-x with Airflow's minor version for the other"
            )
        scheme = Scheme.AIRFLOW_3 if text.endswith("-x") else Scheme.AIRFLOW_2
        return cls(scheme, tuple(int(part) for part in match.groups() if part is not None))

    def __contains__(self, version: RuntimeVersion) -> bool:
        """Tell whether a version begins so."""
        return version.scheme is self.scheme and version.numbers[: len(self.beginning)] == self.beginning

    def __str__(self) -> str:
        """Print as it is declared."""
        return f"{'.'.join(map(str, self.beginning))}{'-' if self.scheme is Scheme.AIRFLOW_3 else '.'}x"


@dataclass(frozen=True, slots=True)
class ReleaseId:
    """What names a release: its distribution and its version (an :class:`AirflowVersion` on Certified)."""

    distribution: Distribution
    version: AirflowVersion | RuntimeVersion

    @classmethod
    def of(cls, distribution: Distribution, version: str) -> Self:
        """Read the version as the distribution writes it.

        Raises:
            InvalidVersionError: it is not a version of that distribution.
        """
        if distribution is Distribution.CERTIFIED:
            return cls(distribution, AirflowVersion.parse_certified(version))
        return cls(distribution, RuntimeVersion.parse(version))

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read what :meth:`__str__` prints: ``AC 2.3.0`` or ``Astro Runtime 5.0.4`` (``Runtime 5.0.4`` will do).

        Raises:
            InvalidVersionError: the text is anything else.
        """
        match = _RELEASE.fullmatch(text.strip())
        if match is None:
            raise InvalidVersionError(f"{text!r} is not a release: write 'AC 2.2.3' or 'Runtime 5.0.4'")
        distribution = Distribution.CERTIFIED if match["certified"] else Distribution.RUNTIME
        return cls.of(distribution, match["version"])

    def __str__(self) -> str:
        """Print as the documentation names it: ``AC 2.3.0``, ``Astro Runtime 5.0.4``."""
        name = "AC" if self.distribution is Distribution.CERTIFIED else "Astro Runtime"
        return f"{name} {self.version}"

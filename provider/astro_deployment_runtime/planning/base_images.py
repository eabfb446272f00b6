"""Names of base images: their repositories (the vendor's or mirrors) and their tags.

Pure. A tag begins with the release's number. A hot-fix build, which belongs to one release, and the variant may
follow. The variant is a list of suffixes such as ``-onbuild`` or ``-ubi9-python-3.12-slim-base``. The vendor may
introduce new ones at any time.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final, Self

from astro_deployment_runtime.errors import InvalidSettingsError, InvalidVersionError
from astro_deployment_runtime.planning.versions import AirflowVersion, Distribution, ReleaseId, RuntimeVersion, Scheme

if TYPE_CHECKING:
    from collections.abc import Mapping

BASE_IMAGES_VARIABLE: Final = "ASTRO_BASE_IMAGES"
"""Environment variable with the repositories, used if the stack's config does not set them."""

_COMPONENT = r"[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*"
_HOST = r"(?:[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?)(?:\.[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?)*(?::\d+)?"
REPOSITORY: Final = rf"(?:{_HOST}/)?{_COMPONENT}(?:/{_COMPONENT})*"
"""Pattern for the part of an image reference before the tag."""

_PRERELEASE = r"(?:alpha|beta|rc|dev|pre|preview|nightly|[ab](?=\d))[.-]?\d*"
_NUMBER = rf"(?P<number>%s(?:[.-]?{_PRERELEASE}(?![\w.]))?)(?P<build>-\d+)?"
_SUFFIXES = r"(?:-(?!\d)\w[\w.]*(?:-\w[\w.]*)*?)??"
_CERTIFIED: Final = re.compile(
    (_NUMBER % r"\d+\.\d+\.\d+")
    + rf"(?P<system>-buster|-alpine\d+\.\d+)?(?P<variant>{_SUFFIXES})(?P<onbuild>-onbuild)?",
    re.ASCII,
)
_RUNTIME: Final = re.compile((_NUMBER % r"\d+\.\d+(?:\.\d+|-\d+)") + rf"(?P<variant>{_SUFFIXES})", re.ASCII)
_MARK: Final = re.compile(rf"-{_PRERELEASE}(?![\w.])", re.ASCII)
_PYTHON: Final = re.compile(r"-(?P<suffix>python-(?P<version>3\.\d+))(?![\w.])", re.ASCII)

_RUNTIME_SUFFIX: Final = re.compile(r"-(?:python-3\.\d+|slim|ubi\d+|base)(?![\w.])", re.ASCII)
"""Suffixes that images of Certified never have."""
_CERTIFIED_SUFFIX: Final = re.compile(r"-(?:onbuild|buster|alpine\d+\.\d+)(?![\w.])", re.ASCII)
"""Suffixes that images of Astro Runtime never have."""

_LAST_ON_ALPINE: Final = AirflowVersion(1, 10, 15)
"""The last version with Alpine tags in the vendor's feed."""
_LAST_BUSTER: Final = AirflowVersion(2, 2, 0)
"""Later Certified images are also built on Debian, but their tags do not say so."""
_PYTHON_DROPPED: Final = {
    "3.6": AirflowVersion(2, 3, 0),
    "3.7": AirflowVersion(2, 7, 0),
    "3.8": AirflowVersion(2, 11, 0),
    "3.9": AirflowVersion(3, 1, 0),
}
"""The first Airflow version that dropped each Python version. Source: Airflow's release notes."""


class Family(StrEnum):
    """Releases that share a repository. The values are the keys of ``astro:baseImages``."""

    CERTIFIED = "certified"
    RUNTIME = "runtime"
    RUNTIME_AIRFLOW_3 = "runtimeAirflow3"

    @classmethod
    def of(cls, release: ReleaseId) -> Family:
        """Return the family of a release."""
        if isinstance(release.version, AirflowVersion):
            return cls.CERTIFIED
        return cls.RUNTIME_AIRFLOW_3 if release.version.scheme is Scheme.AIRFLOW_3 else cls.RUNTIME

    @property
    def distribution(self) -> Distribution:
        """The family's distribution."""
        return Distribution.CERTIFIED if self is Family.CERTIFIED else Distribution.RUNTIME


_VENDOR_REPOSITORIES: Final = {
    Family.CERTIFIED: "quay.io/astronomer/ap-airflow",
    Family.RUNTIME: "quay.io/astronomer/astro-runtime",
    Family.RUNTIME_AIRFLOW_3: "astrocrpublic.azurecr.io/runtime",
}
_FORMER_REPOSITORY: Final = "astronomerinc/ap-airflow"
"""The vendor's former repository on Docker Hub, which gets no new images."""
_KNOWN_REPOSITORIES: Final = {
    **{repository: family for family, repository in _VENDOR_REPOSITORIES.items()},
    _FORMER_REPOSITORY: Family.CERTIFIED,
    "astrocrpublic.azurecr.io/astronomer/astro-runtime": Family.RUNTIME,
}


_DOCKER_HUB: Final = re.compile(r"^(?:index\.)?docker\.io/")


def _plain(repository: str) -> str:
    """Return a repository in lower case and without Docker Hub's host."""
    return _DOCKER_HUB.sub("", repository.lower())


@dataclass(frozen=True, slots=True, kw_only=True)
class BaseImages:
    """Repositories of the base images: the vendor's or mirrors."""

    certified: str = _VENDOR_REPOSITORIES[Family.CERTIFIED]
    runtime: str = _VENDOR_REPOSITORIES[Family.RUNTIME]
    """Astro Runtime on Airflow 2."""
    runtime_airflow_3: str = _VENDOR_REPOSITORIES[Family.RUNTIME_AIRFLOW_3]
    """Astro Runtime on Airflow 3."""

    @classmethod
    def load(cls, text: str) -> Self:
        """Read a JSON object with a repository for some or all of the families.

        Args:
            text: the JSON object; empty: use the vendor's repositories.

        Raises:
            InvalidSettingsError: the text is invalid; the message lists every mistake.
        """
        if not text:
            return cls()
        keys = ", ".join(Family)
        try:
            given = json.loads(text)
        except (ValueError, RecursionError):
            given = None
        if not isinstance(given, dict):
            raise InvalidSettingsError(
                f"astro:baseImages is {text!r}: write a mapping with a repository for some of {keys}, as JSON where it "
                f"is in {BASE_IMAGES_VARIABLE}"
            )
        found = _mistakes(given)
        if found:
            raise InvalidSettingsError("; ".join(found))
        return cls(
            certified=given.get(Family.CERTIFIED, _VENDOR_REPOSITORIES[Family.CERTIFIED]),
            runtime=given.get(Family.RUNTIME, _VENDOR_REPOSITORIES[Family.RUNTIME]),
            runtime_airflow_3=given.get(Family.RUNTIME_AIRFLOW_3, _VENDOR_REPOSITORIES[Family.RUNTIME_AIRFLOW_3]),
        )

    def image(self, release: ReleaseId) -> str:
        """Return a release's base image for a ``FROM`` line."""
        return f"{self._repository(Family.of(release))}:{plain_tag(release)}"

    def distribution(self, repository: str) -> Distribution | None:
        """Return the distribution of a repository's images; None: it is neither the vendor's nor a mirror."""
        families = self._families(repository)
        return families[0].distribution if families else None

    def repository(self, current: str, before: ReleaseId, after: ReleaseId) -> str:
        """Return the repository of a file's next ``FROM`` line: the current one if it has images of the next release.

        Args:
            current: the repository that the file names.
            before: the release that the file names.
            after: the release that the file will name.
        """
        family, families = Family.of(after), self._families(current)
        own = family is Family.of(before) or family in families
        return current if own and _plain(current) != _FORMER_REPOSITORY else self._repository(family)

    def _repository(self, family: Family) -> str:
        match family:
            case Family.CERTIFIED:
                return self.certified
            case Family.RUNTIME:
                return self.runtime
            case Family.RUNTIME_AIRFLOW_3:
                return self.runtime_airflow_3

    def _families(self, repository: str) -> list[Family]:
        name = _plain(repository)
        found = [family for family in Family if _plain(self._repository(family)) == name]
        return found or ([_KNOWN_REPOSITORIES[name]] if name in _KNOWN_REPOSITORIES else [])


def _mistakes(given: Mapping[str, object]) -> list[str]:
    keys = ", ".join(Family)
    found = [f"astro:baseImages has the key {key!r}: known are {keys}" for key in given if key not in [*Family]]
    repositories = {}
    for family in Family:
        value = given.get(family, _VENDOR_REPOSITORIES[family])
        if not isinstance(value, str) or re.fullmatch(REPOSITORY, value, re.ASCII) is None:
            found.append(
                f"astro:baseImages.{family} is {value!r}: write a repository without tag, digest or https://, for "
                "example registry.example.com/astronomer/astro-runtime"
            )
            continue
        repositories[family] = _plain(value)
        known = _KNOWN_REPOSITORIES.get(repositories[family])
        if known and known.distribution is not family.distribution:
            found.append(f"astro:baseImages.{family} is {value!r}, which holds the images of {known}: name another")
    certified = repositories.get(Family.CERTIFIED)
    if certified and certified in [repositories.get(Family.RUNTIME), repositories.get(Family.RUNTIME_AIRFLOW_3)]:
        found.append(
            f"astro:baseImages names {certified!r} for Certified and for Runtime: give each a repository of its own, "
            "because a tag such as 3.0.0 is a release of both"
        )
    return found


VENDORS: Final = BaseImages()
"""The vendor's own repositories."""


def plain_tag(release: ReleaseId) -> str:
    """Return the tag of the image that copies the project: ``-onbuild`` on Certified, no suffix on Runtime.

    Tags of Certified images have ``-buster`` up to 2.2.0. Later images are also built on Debian, but their tags do not
    say so. Source: the tags in the vendor's feeds.
    """
    if isinstance(release.version, AirflowVersion):
        return f"{release.version}{_system_suffix('', release.version)}-onbuild"
    return str(release.version)


def _system_suffix(written: str, version: AirflowVersion) -> str:
    """Return the operating system's suffix of a Certified image: the written one if such an image exists."""
    if written.startswith("-alpine") and version <= _LAST_ON_ALPINE:
        return written
    return "-buster" if version <= _LAST_BUSTER else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tag:
    """A tag of a base image."""

    release: ReleaseId
    number: str
    """The version as written, without a hot-fix build."""
    build: str = ""
    """The hot-fix build, for example ``-2``."""
    system: str = ""
    """The operating system of a Certified image: ``-buster``, ``-alpine3.10``."""
    variant: str = ""
    """All other suffixes except ``-onbuild`` of a Certified image."""
    onbuild: bool = False

    @classmethod
    def read(cls, distribution: Distribution, text: str) -> Self:
        """Read a tag of the distribution's images.

        Raises:
            InvalidVersionError: the tag does not name one release.
        """
        certified = distribution is Distribution.CERTIFIED
        match = (_CERTIFIED if certified else _RUNTIME).fullmatch(text)
        if match is None or _MARK.search(match["variant"]):
            raise InvalidVersionError(f"{text!r} is not the tag of a release")
        return cls(
            release=ReleaseId.observe(distribution, match["number"]),
            number=match["number"],
            build=match["build"] or "",
            system=(match["system"] or "") if certified else "",
            variant=match["variant"],
            onbuild=certified and match["onbuild"] is not None,
        )

    @property
    def without_project(self) -> bool:
        """Whether the image does not copy the project: ``-base`` on Runtime, no ``-onbuild`` on Certified."""
        certified = self.release.distribution is Distribution.CERTIFIED
        return not self.onbuild if certified else "base" in self.variant.split("-")

    def for_release(self, release: ReleaseId) -> str:
        """Return the tag of another release in the same variant.

        A hot-fix build is dropped because its number belongs to one release. From Certified to Runtime, ``-onbuild``
        is dropped and a tag without it gets ``-base``; from Runtime to Certified, the reverse.
        """
        version = release.version
        if isinstance(version, RuntimeVersion):
            base = "-base" if self.without_project and "base" not in self.variant.split("-") else ""
            return f"{version}{self.variant}{base}"
        if self.release.distribution is Distribution.CERTIFIED:
            onbuild = "-onbuild" if self.onbuild else ""
            return f"{version}{_system_suffix(self.system, version)}{self.variant}{onbuild}"
        variant = _RUNTIME_SUFFIX.sub("", self.variant)
        return f"{version}{_system_suffix('', version)}{variant}{'' if self.without_project else '-onbuild'}"

    def missing_suffixes(self, release: ReleaseId, airflow: AirflowVersion) -> list[str]:
        """Return notes on suffixes that do not exist for another release, with the tag that is written instead.

        Args:
            release: the other release.
            airflow: its Airflow version.
        """
        found = []
        if self.system and self.system not in self.for_release(release):
            found.append(
                f"{self.system}: the image of {release} is not tagged so, and {self.for_release(release)} is written"
            )
            if self.system.startswith("-alpine"):
                found[-1] += "; it is on Debian, so check the names in packages.txt"
        certified = release.distribution is Distribution.CERTIFIED
        foreign = (_RUNTIME_SUFFIX if certified else _CERTIFIED_SUFFIX).findall(self.variant)
        if self.release.distribution is Distribution.RUNTIME and certified:
            foreign = [suffix for suffix in foreign if suffix != "-base"]
        name = "Certified" if certified else "Astro Runtime"
        found += [
            f"{suffix}: no image of {name} has it, and {self.for_release(release)} is written" for suffix in foreign
        ]
        for python in _PYTHON.finditer(self.variant):
            dropped = _PYTHON_DROPPED.get(python["version"])
            if dropped and airflow >= dropped:
                found.append(
                    f"-{python['suffix']}: Airflow {airflow} does not run on Python {python['version']}, so there is "
                    f"no image {self.for_release(release)}; write another Python"
                )
        return found

"""The version labels of an image, derived from its name.

A real image carries the labels ``io.astronomer.docker.airflow.version`` and ``io.astronomer.docker.runtime.version``.
The sandbox has no images, so it derives them from the last part of the repository and the tag:

1. ``ap-airflow`` is Certified; ``astro-runtime`` and ``runtime`` are Runtime.
2. In any other repository a tag ``certified-...`` or ``runtime-...`` decides.
3. In any other repository a bare version is Runtime from major 3 on, else Certified (Certified ended with 2.4.3).

The rest of the tag after the version does not count: a hot-fix build (``2.2.3-2``), ``-onbuild``, ``-base``,
``-python-3.9``, a commit that begins with a letter.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from sandbox import versions

_CERTIFIED_TAG = re.compile(r"(\d+\.\d+\.\d+)(?:-\d+)?(?:-[A-Za-z].*)?")
_RUNTIME_TAG = re.compile(r"(\d+\.\d+(?:\.\d+|-\d+))(?:-[A-Za-z].*)?")
_REPOSITORIES = {"ap-airflow": "certified", "astro-runtime": "runtime", "runtime": "runtime"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Labels:
    """The two version labels of an image; a missing one is empty. An image with a Runtime label is a Runtime image."""

    airflow: str = ""
    runtime: str = ""

    def __bool__(self) -> bool:
        """Return whether the image has a version at all."""
        return bool(self.airflow or self.runtime)

    def __str__(self) -> str:
        """Return the distribution and version for people."""
        return f"Runtime {self.runtime}" if self.runtime else f"AC {self.airflow}"


def tag_of(image: str) -> str:
    """Return the tag of an image reference, ``""`` without one; a registry's port or a digest is not a tag."""
    return image.partition("@")[0].rpartition("/")[2].partition(":")[2]


def labels_of(image: str) -> Labels:
    """Derive the labels from the reference by the rules above; empty labels if no rule applies."""
    repository = image.partition("@")[0].rpartition("/")[2].partition(":")[0]
    tag = tag_of(image)
    distribution = _REPOSITORIES.get(repository, "")
    if not distribution:
        prefix, separator, rest = tag.partition("-")
        if separator and prefix in ("certified", "runtime"):
            distribution, tag = prefix, rest
        else:
            distribution = (
                "runtime"
                if _RUNTIME_TAG.fullmatch(tag) and _major(tag) >= versions.FIRST_RUNTIME_MAJOR
                else "certified"
            )
    match = (_RUNTIME_TAG if distribution == "runtime" else _CERTIFIED_TAG).fullmatch(tag)
    if match is None:
        return Labels()
    return Labels(runtime=match[1]) if distribution == "runtime" else Labels(airflow=match[1])


def _major(tag: str) -> int:
    return int(tag.partition(".")[0])

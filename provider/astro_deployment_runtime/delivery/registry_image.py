"""Images in a registry: the user's template names the image of each hop, and the platform deploys it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Protocol

from astro_deployment_runtime.errors import InvalidImageError
from astro_deployment_runtime.planning.base_images import REPOSITORY, VENDORS

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from astro_deployment_runtime.planning.accepted_risks import AcceptedRisks
    from astro_deployment_runtime.planning.base_images import BaseImages
    from astro_deployment_runtime.planning.catalog import Release
    from astro_deployment_runtime.planning.plan_model import Deployment, Hop
    from astro_deployment_runtime.planning.platform_version import Platform
    from astro_deployment_runtime.planning.versions import ReleaseId

PLACEHOLDERS: Final = ("base", "distribution", "version", "airflow")
"""Placeholders of a template: the vendor's base image, ``certified`` or ``runtime``, and the two versions."""

_PLACEHOLDER: Final = re.compile(r"\{([^{}]*)\}")
_REFERENCE: Final = re.compile(
    rf"(?P<repository>{REPOSITORY})(?::[\w][\w.-]{{0,127}})?(?P<digest>@sha256:[0-9a-f]{{64}})?", re.ASCII
)


@dataclass(frozen=True, slots=True)
class ImageTemplate:
    """A user's template for the images of a path: ``registry.example.com/airflow:{distribution}-{version}``."""

    text: str
    base_images: BaseImages = VENDORS
    """Repositories of the images that ``{base}`` names."""

    def check(self) -> None:
        """Refuse unknown placeholders.

        Raises:
            InvalidImageError: an unknown placeholder, or a brace that belongs to none.
        """
        for name in _PLACEHOLDER.findall(self.text):
            if name not in PLACEHOLDERS:
                known = ", ".join(f"{{{placeholder}}}" for placeholder in PLACEHOLDERS)
                raise InvalidImageError(f"unknown placeholder {{{name}}} in image: use {known}")
        rest = _PLACEHOLDER.sub("", self.text)
        if "{" in rest or "}" in rest:
            raise InvalidImageError(f"image {self.text!r} has a brace that belongs to no placeholder")

    def image(self, release: Release) -> str:
        """Return the image that is built on a release.

        Raises:
            InvalidImageError: the template is invalid, or the result is not an image reference.
        """
        self.check()
        values = {
            "base": self.base_images.image(release.id),
            "distribution": release.id.distribution.value,
            "version": str(release.id.version),
            "airflow": str(release.airflow),
        }
        image = _PLACEHOLDER.sub(lambda match: values[match[1]], self.text)
        if _REFERENCE.fullmatch(image) is None:
            raise InvalidImageError(
                f"image {self.text!r} becomes {image!r} for {release.id}, which is not an image reference"
            )
        return image

    def images(
        self, hops: Sequence[Hop], deployment: Deployment, platform: Platform, accepted: AcceptedRisks
    ) -> list[str]:
        """Return the image of every hop, and refuse a wrong one before the first hop starts.

        Raises:
            InvalidImageError: the template is invalid or gives several hops the same image; the platform does not
                deploy images by name, or overwrites environment variables when it does; an image has none of the
                user's DAGs. The user may accept the last two.
        """
        self.check()
        images = [self.image(hop.target) for hop in hops]
        if len({_digest(image) or image for image in images}) < len(images):
            pinned = any(map(_digest, images))
            raise InvalidImageError(
                f"image {self.text!r} is the same for several hops, and no image is built on two releases"
                + (
                    "; a digest names one image, whatever the tag before it: leave the digest out and"
                    if pinned
                    else ":"
                )
                + " name each hop's own with {version}, together with {distribution} or {airflow}"
            )
        if hops and not platform.takes_images:
            raise InvalidImageError(
                f"platform {platform.version} cannot deploy an image by its name; platforms from 0.29.2 on can. Leave "
                "image out, and deploy each image with the vendor's CLI while the run waits for it"
            )
        if hops and platform.overwrites_environment and not accepted.overwrite_environment:
            raise InvalidImageError(
                f"platform {platform.version} deploys an image by its name with upsertDeployment, which overwrites the "
                f"environment variables that {deployment.release_name} has in Houston: leave image out, and deploy "
                "each image with the vendor's CLI while the run waits for it; or accept it with accept: "
                "[overwrite-environment]"
            )
        bare = next((image for image in images if is_base_image(image, self.base_images)), None)
        if bare and deployment.dag_deployment == "image" and not accepted.base_image:
            mirror = "" if is_base_image(bare) else "a mirror of "
            raise InvalidImageError(
                f"{bare} is {mirror}the vendor's bare base image and holds none of your DAGs, which "
                f"{deployment.release_name} takes from its image: name an image of your project, or accept it with "
                "accept: [base-image]"
            )
        return images


def is_base_image(image: str, base_images: BaseImages = VENDORS) -> bool:
    """Return whether this is a bare base image, the vendor's or a mirror's. It has none of the user's DAGs."""
    match = _REFERENCE.fullmatch(image)
    return match is not None and base_images.distribution(match["repository"]) is not None


def _digest(image: str) -> str:
    """Return the digest of an image, which counts before its tag. Empty: it has none."""
    match = _REFERENCE.fullmatch(image)
    return (match["digest"] or "") if match else ""


class ImageDeployer(Protocol):
    """The part of Houston's client that deploys an image."""

    def deliver(self, deployment: Deployment, image: str, target: ReleaseId) -> None:
        """Deploy an image."""


@dataclass(frozen=True, slots=True)
class ImageDelivery:
    """Delivers a hop by naming its image to the platform."""

    template: ImageTemplate
    client: ImageDeployer

    def announce(self, hop: Hop) -> str:
        """Name the image."""
        return f"deploying the image {self.template.image(hop.target)}"

    def deliver(self, deployment: Deployment, hop: Hop, *, seconds: float, say: Callable[[str], None]) -> None:
        """Send one request, which has its own timeout and no progress to report."""
        del seconds, say
        self.client.deliver(deployment, self.template.image(hop.target), hop.target.id)

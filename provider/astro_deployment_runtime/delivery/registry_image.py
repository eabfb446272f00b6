"""Which image a hop is delivered with: a user's template, rendered and checked; and its delivery."""

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
    from astro_deployment_runtime.planning.model import Deployment, Hop
    from astro_deployment_runtime.planning.platform_version import Platform
    from astro_deployment_runtime.planning.versions import ReleaseId

PLACEHOLDERS: Final = ("base", "distribution", "version", "airflow")
"""What a template may name: the vendor's base image, ``certified`` or ``runtime``, and the two versions."""

_PLACEHOLDER: Final = re.compile(r"\{([^{}]*)\}")
_REFERENCE: Final = re.compile(
    rf"(?P<repository>{REPOSITORY})(?::[\w][\w.-]{{0,127}})?(?P<digest>@sha256:[0-9a-f]{{64}})?", re.ASCII
)


def check_template(template: str) -> None:
    """Refuse a template that names what there is not.

    Raises:
        InvalidImageError: an unknown placeholder, or a brace that belongs to none.
    """
    for name in _PLACEHOLDER.findall(template):
        if name not in PLACEHOLDERS:
            known = ", ".join(f"{{{placeholder}}}" for placeholder in PLACEHOLDERS)
            raise InvalidImageError(f"image names {{{name}}}, which there is not: use {known}")
    rest = _PLACEHOLDER.sub("", template)
    if "{" in rest or "}" in rest:
        raise InvalidImageError(f"image {template!r} has a brace that belongs to no placeholder")


def render(template: str, release: Release, base_images: BaseImages = VENDORS) -> str:
    """Name the image for a release.

    Args:
        template: the user's.
        release: what the image is built on.
        base_images: the repositories that ``{base}`` names.

    Raises:
        InvalidImageError: the template is wrong, or what comes out is no image reference.
    """
    check_template(template)
    values = {
        "base": base_images.image(release.id),
        "distribution": release.id.distribution.value,
        "version": str(release.id.version),
        "airflow": str(release.airflow),
    }
    image = _PLACEHOLDER.sub(lambda match: values[match[1]], template)
    if _REFERENCE.fullmatch(image) is None:
        raise InvalidImageError(f"image {template!r} becomes {image!r} for {release.id}, which is no image reference")
    return image


def of_hops(  # noqa: PLR0913, PLR0917 - each is one fact that the images depend on
    template: str,
    hops: Sequence[Hop],
    deployment: Deployment,
    platform: Platform,
    accepted: AcceptedRisks,
    base_images: BaseImages = VENDORS,
) -> list[str]:
    """Name the image of every hop before the first, so that none is found wrong half of the way.

    Raises:
        InvalidImageError: the template is wrong, an image holds none of the user's DAGs, or the platform takes no
            image by its name, or only at a price; unless the last two are accepted.
    """
    check_template(template)
    rendered = [render(template, hop.target, base_images) for hop in hops]
    if len({_pulled(image) for image in rendered}) < len(rendered):
        pinned = any(_digest(image) for image in rendered)
        raise InvalidImageError(
            f"image {template!r} is the same for several hops, and no image is built on two releases"
            + ("; a digest names one image, whatever tag stands before it: leave the digest out and" if pinned else ":")
            + " name each hop's own with {version}, together with {distribution} or {airflow}"
        )
    if hops and not platform.takes_images:
        raise InvalidImageError(
            f"platform {platform.version} cannot be told to deploy an image by its name, which is possible from 0.29.2 "
            "on: leave image out, and deploy each image with the vendor's CLI while the run waits for it"
        )
    if hops and platform.overwrites_environment and not accepted.overwrite_environment:
        raise InvalidImageError(
            f"platform {platform.version} deploys an image by its name with upsertDeployment, which overwrites the "
            f"environment variables that {deployment.release_name} has in Houston: leave image out, and deploy each "
            "image with the vendor's CLI while the run waits for it, or accept it with accept: [overwrite-environment]"
        )
    bare = next((image for image in rendered if is_base(image, base_images)), None)
    if bare and deployment.dag_deployment == "image" and not accepted.base_image:
        mirror = "" if is_base(bare) else "a mirror of "
        raise InvalidImageError(
            f"{bare} is {mirror}the vendor's bare base image and holds none of your DAGs, which "
            f"{deployment.release_name} takes from its image: name an image of your project, or accept it with accept: "
            "[base-image]"
        )
    return rendered


def _digest(image: str) -> str:
    match = _REFERENCE.fullmatch(image)
    return (match["digest"] or "") if match else ""


def _pulled(image: str) -> str:
    """Return what tells one image from another: the digest, which counts before the tag, else the reference."""
    return _digest(image) or image


def is_base(image: str, base_images: BaseImages = VENDORS) -> bool:
    """Return whether this is a bare base image, the vendor's or a mirror's, which holds none of the user's DAGs."""
    match = _REFERENCE.fullmatch(image)
    return match is not None and base_images.distribution(match["repository"]) is not None


class Deployer(Protocol):
    """What is asked of the platform here."""

    def deliver(self, deployment: Deployment, image: str, target: ReleaseId) -> None:
        """Deploy an image."""


@dataclass(frozen=True, slots=True)
class ImageDelivery:
    """Names the image of each hop, which is in a registry already, to the platform."""

    template: str
    client: Deployer
    base_images: BaseImages = VENDORS

    def announce(self, hop: Hop) -> str:
        """Say which image it is."""
        return f"deploying the image {render(self.template, hop.target, self.base_images)}"

    def deliver(self, deployment: Deployment, hop: Hop, *, seconds: float, say: Callable[[str], None]) -> None:
        """Name it. That takes one request, so there is nothing to say meanwhile, and the time is the transport's."""
        del seconds, say
        self.client.deliver(deployment, render(self.template, hop.target, self.base_images), hop.target.id)

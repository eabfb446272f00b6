"""Templates of images: their placeholders, and the references that they give."""

from __future__ import annotations

import pytest

from astro_deployment_runtime.delivery.registry_image import ImageTemplate, is_base_image
from astro_deployment_runtime.errors import InvalidImageError
from astro_deployment_runtime.planning.accepted_risks import AcceptedRisks
from astro_deployment_runtime.planning.base_images import BaseImages
from astro_deployment_runtime.planning.catalog import Release
from astro_deployment_runtime.planning.plan_model import Deployment, Hop, RuleId
from astro_deployment_runtime.planning.platform_version import Platform
from astro_deployment_runtime.planning.versions import AirflowVersion, ReleaseId

CERTIFIED = Release(id=ReleaseId.parse("AC 2.3.0"), airflow=AirflowVersion(2, 3, 0))
RUNTIME = Release(id=ReleaseId.parse("Runtime 5.0.4"), airflow=AirflowVersion(2, 3, 0))
AIRFLOW_3 = Release(id=ReleaseId.parse("Runtime 3.0-1"), airflow=AirflowVersion(3, 0, 0))


@pytest.mark.parametrize(
    ("template", "release", "image"),
    [
        ("{base}", CERTIFIED, "quay.io/astronomer/ap-airflow:2.3.0-onbuild"),
        ("{base}", RUNTIME, "quay.io/astronomer/astro-runtime:5.0.4"),
        ("{base}", AIRFLOW_3, "astrocrpublic.azurecr.io/runtime:3.0-1"),
        (
            "registry.example.com/data-eng/airflow:{distribution}-{version}",
            CERTIFIED,
            "registry.example.com/data-eng/airflow:certified-2.3.0",
        ),
        (
            "registry.example.com:5000/{distribution}/airflow:{version}_{airflow}",
            RUNTIME,
            "registry.example.com:5000/runtime/airflow:5.0.4_2.3.0",
        ),
        ("airflow:{version}", AIRFLOW_3, "airflow:3.0-1"),
        ("airflow", RUNTIME, "airflow"),
        (f"a/b@sha256:{'0' * 64}", RUNTIME, f"a/b@sha256:{'0' * 64}"),
        (f"a/b:1@sha256:{'0' * 64}", RUNTIME, f"a/b:1@sha256:{'0' * 64}"),
    ],
)
def test_a_template_names_the_image_of_each_release(template: str, release: Release, image: str) -> None:
    """With the vendor's base image, the distribution and the versions."""
    assert ImageTemplate(template).image(release) == image


@pytest.mark.parametrize(
    ("template", "message"),
    [
        (
            "a:{tag}",
            r"unknown placeholder \{tag\} in image: use \{base\}, \{distribution\}, \{version\}, \{airflow\}",
        ),
        ("a:{}", r"unknown placeholder \{\} in image"),
        ("a:{version!r}", "unknown placeholder"),
        ("a:{version.__class__}", "unknown placeholder"),
        ("a:{0}", "unknown placeholder"),
        ("a:{{version}}", "a brace that belongs to no placeholder"),
        ("a:{version", "a brace that belongs to no placeholder"),
        ("a:version}", "a brace that belongs to no placeholder"),
    ],
)
def test_an_unknown_placeholder_is_refused(template: str, message: str) -> None:
    """The message lists the known ones. Rendering refuses it too."""
    with pytest.raises(InvalidImageError, match=message):
        ImageTemplate(template).check()
    with pytest.raises(InvalidImageError, match=message):
        ImageTemplate(template).image(RUNTIME)


@pytest.mark.parametrize(
    "template",
    [
        "",
        "a b:{version}",
        "registry.example.com/Data-Eng/airflow:{version}",
        "registry.example.com/:{version}",
        "a:{version}\n",
        "a:{version}; rm -rf",
        "https://registry.example.com/a:{version}",
        "a:b:{version}",
        "a@sha256:{version}",
        f"a:{'x' * 129}",
        "ä:{version}",
    ],
)
def test_an_invalid_image_reference_is_refused(template: str) -> None:
    """The message names the release."""
    with pytest.raises(InvalidImageError, match=r"for Astro Runtime 5\.0\.4, which is not an image reference"):
        ImageTemplate(template).image(RUNTIME)


@pytest.mark.parametrize(
    ("image", "base"),
    [
        ("quay.io/astronomer/ap-airflow:2.3.0-onbuild", True),
        ("Quay.io/astronomer/ap-airflow:2.3.0", True),
        ("quay.io/astronomer/astro-runtime:5.0.4-base", True),
        ("quay.io/astronomer/astro-runtime", True),
        (f"quay.io/astronomer/astro-runtime@sha256:{'0' * 64}", True),
        ("astrocrpublic.azurecr.io/runtime:3.0-1", True),
        ("astronomerinc/ap-airflow:1.10.12-alpine3.10", True),
        ("docker.io/astronomerinc/ap-airflow:1.10.12", True),
        ("registry.example.com/astronomer/astro-runtime:5.0.4", False),
        ("quay.io/astronomer/astro-runtime-ours:5.0.4", False),
        ("no reference", False),
    ],
)
def test_the_vendors_bare_images_are_known(image: str, base: bool) -> None:
    """They contain none of the user's DAGs. A copy in another registry is not checked."""
    assert is_base_image(image) is base


MIRRORS = BaseImages(certified="registry.example.com/ap-airflow", runtime="localhost:5000/astronomer/astro-runtime")


def test_images_of_mirrors_are_bare_too() -> None:
    """Every mirror counts beside the vendor's repositories, with any tag or digest."""
    assert ImageTemplate("{base}", MIRRORS).image(CERTIFIED) == "registry.example.com/ap-airflow:2.3.0-onbuild"
    assert ImageTemplate("{base}", MIRRORS).image(RUNTIME) == "localhost:5000/astronomer/astro-runtime:5.0.4"
    assert ImageTemplate("{base}", MIRRORS).image(AIRFLOW_3) == "astrocrpublic.azurecr.io/runtime:3.0-1"
    for image in (
        "localhost:5000/astronomer/astro-runtime:5.0.4-base",
        f"registry.example.com/ap-airflow@sha256:{'0' * 64}",
        "Registry.Example.com/ap-airflow:2.3.0",
        "quay.io/astronomer/astro-runtime:5.0.4",
    ):
        assert is_base_image(image, MIRRORS)
    assert not is_base_image("localhost:5000/astronomer/astro-runtime:5.0.4")
    assert not is_base_image("localhost:5000/team/astro-runtime:5.0.4", MIRRORS)


DEPLOYMENT = Deployment(id="a", release_name="stars-1", label="Stars", workspace_id="w", current=CERTIFIED)
PLATFORM = Platform(version="0.30.4")
HOPS = [
    Hop(rule=RuleId.MIGRATE_EQUAL, source=CERTIFIED, target=RUNTIME),
    Hop(rule=RuleId.RUNTIME_UPGRADE, source=RUNTIME, target=AIRFLOW_3),
]
DIGEST = f"@sha256:{'0' * 64}"


@pytest.mark.parametrize(
    "template", [f"a:{{version}}{DIGEST}", f"a/{{distribution}}:{{airflow}}{DIGEST}", f"a{DIGEST}", "a:latest"]
)
def test_one_image_for_several_hops_is_refused(template: str) -> None:
    """A digest names one image, with any tag or repository before it."""
    with pytest.raises(InvalidImageError, match="is the same for several hops") as refused:
        ImageTemplate(template).images(HOPS, DEPLOYMENT, PLATFORM, AcceptedRisks())
    assert ("leave the digest out" in str(refused.value)) == ("@" in template)
    assert len(ImageTemplate(template).images(HOPS[:1], DEPLOYMENT, PLATFORM, AcceptedRisks())) == 1


def test_a_mirror_of_the_bare_image_is_refused_unless_accepted() -> None:
    """It contains no DAGs, like the vendor's image. The refusal has its name."""
    with pytest.raises(
        InvalidImageError,
        match=r"^localhost:5000/astronomer/astro-runtime:5\.0\.4 is a mirror of the vendor's bare",
    ):
        ImageTemplate("{base}", MIRRORS).images(HOPS[:1], DEPLOYMENT, PLATFORM, AcceptedRisks())
    accepted = ImageTemplate("{base}", MIRRORS).images(HOPS[:1], DEPLOYMENT, PLATFORM, AcceptedRisks(base_image=True))
    assert accepted == ["localhost:5000/astronomer/astro-runtime:5.0.4"]


def test_a_long_text_is_checked_quickly() -> None:
    """The pattern does not backtrack."""
    for part in ("a-", "a.", "a/", "a--", "a.b/"):
        assert not is_base_image(part * 20_000 + "!")

"""Names of base images: repositories, mirrors, tags and variants."""

from __future__ import annotations

import json

import pytest

from astro_deployment_runtime.errors import InvalidSettingsError, InvalidVersionError
from astro_deployment_runtime.planning.base_images import VENDORS, BaseImages, Tag
from astro_deployment_runtime.planning.versions import AirflowVersion, Distribution, ReleaseId


@pytest.mark.parametrize(
    ("release", "image"),
    [
        ("AC 2.3.0", "quay.io/astronomer/ap-airflow:2.3.0-onbuild"),
        ("AC 2.2.1", "quay.io/astronomer/ap-airflow:2.2.1-onbuild"),
        ("AC 2.2.0", "quay.io/astronomer/ap-airflow:2.2.0-buster-onbuild"),
        ("Runtime 5.0.4", "quay.io/astronomer/astro-runtime:5.0.4"),
        ("Runtime 3.1-12", "astrocrpublic.azurecr.io/runtime:3.1-12"),
    ],
)
def test_the_default_image_is_the_vendors(release: str, image: str) -> None:
    """The FROM line has the vendor's repository and tag."""
    assert VENDORS.image(ReleaseId.parse(release)) == image


def test_single_families_can_have_a_mirror() -> None:
    """The other families keep the vendor's repository."""
    images = BaseImages.load('{"runtime": "localhost:5000/astronomer/astro-runtime"}')
    assert images.image(ReleaseId.parse("Runtime 5.0.4")) == "localhost:5000/astronomer/astro-runtime:5.0.4"
    assert images.image(ReleaseId.parse("AC 2.3.0")) == VENDORS.image(ReleaseId.parse("AC 2.3.0"))
    assert BaseImages.load("") == VENDORS


@pytest.mark.parametrize(
    ("repository", "distribution"),
    [
        ("quay.io/astronomer/ap-airflow", "certified"),
        ("Quay.io/astronomer/astro-runtime", "runtime"),
        ("docker.io/astronomerinc/ap-airflow", "certified"),
        ("index.docker.io/astronomerinc/ap-airflow", "certified"),
        ("astronomerinc/ap-airflow", "certified"),
        ("Index.corp.example/runtime", "runtime"),
        ("corp/airflow", "certified"),
        ("docker.io/corp/airflow", "certified"),
        ("corp.example/runtime", None),
        ("registry.example.com/astronomer/astro-runtime", None),
    ],
)
def test_the_distribution_of_a_repository_is_recognized(repository: str, distribution: str | None) -> None:
    """Docker Hub's host and the case do not matter."""
    images = BaseImages(certified="docker.io/corp/airflow", runtime_airflow_3="index.corp.example/runtime")
    assert images.distribution(repository) == distribution


@pytest.mark.parametrize(
    ("setting", "why"),
    [
        ("quay.io/astronomer/astro-runtime", "write a mapping with a repository for some of"),
        ("[]", "write a mapping"),
        ("null", "write a mapping"),
        ('{"runtim": "a/b"}', "has the key 'runtim': known are certified, runtime, runtimeAirflow3"),
        ('{"runtime": "a/b:5.0.4"}', "astro:baseImages.runtime is 'a/b:5.0.4': write a repository without tag"),
        ('{"runtime": "https://a/b"}', "write a repository without tag"),
        ('{"runtime": ""}', "astro:baseImages.runtime is ''"),
        ('{"runtime": 5}', "astro:baseImages.runtime is 5"),
        ('{"runtime": {"a": "b"}}', "write a repository without tag"),
        ('{"runtime": "Corp.example/astro"}', None),
        ('{"certified": "a/b", "runtime": "a/b"}', "for Certified and for Runtime: give each a repository of its own"),
        ('{"certified": "a/b", "runtimeAirflow3": "a/b"}', "give each a repository of its own"),
        ('{"certified": "quay.io/astronomer/astro-runtime"}', "which holds the images of runtime: name another"),
        ('{"runtime": "astronomerinc/ap-airflow"}', "which holds the images of certified: name another"),
    ],
)
def test_an_invalid_setting_is_refused(setting: str, why: str | None) -> None:
    """The message has the key, the value and the correction. A host may have capitals."""
    if why is None:
        assert BaseImages.load(setting).runtime == json.loads(setting)["runtime"]
        return
    with pytest.raises(InvalidSettingsError) as refused:
        BaseImages.load(setting)
    assert why in str(refused.value)


def test_every_mistake_of_a_setting_is_reported_at_once() -> None:
    """One error lists all three mistakes."""
    with pytest.raises(InvalidSettingsError) as refused:
        BaseImages.load('{"x": 1, "certified": "a b", "runtime": ":1"}')
    assert str(refused.value).count("astro:baseImages") == 3


@pytest.mark.parametrize(
    ("tag", "release", "airflow", "found"),
    [
        ("1.10.12-alpine3.10-onbuild", "AC 1.10.15", "1.10.15", []),
        ("1.10.12-alpine3.10-onbuild", "AC 2.0.0", "2.0.0", ["-alpine3.10: "]),
        ("2.2.0-buster-onbuild", "AC 2.2.0", "2.2.0", []),
        ("2.2.0-buster-onbuild", "AC 2.2.1", "2.2.1", ["-buster: "]),
        ("2.2.0-buster", "Runtime 4.0.0", "2.2.0", ["-buster: "]),
        ("2.3.0-onbuild", "Runtime 5.0.4", "2.3.2", []),
        ("2.3.0-base", "AC 2.4.3", "2.4.3", ["-base: "]),
    ],
)
def test_a_missing_suffix_of_a_certified_tag_is_reported(
    tag: str, release: str, airflow: str, found: list[str]
) -> None:
    """The note names the suffix and the tag that is written instead."""
    current = Tag.read(Distribution.CERTIFIED, tag)
    target = ReleaseId.parse(release)
    missing = current.missing_suffixes(target, AirflowVersion.parse(airflow))
    assert [text[: len(start)] for text, start in zip(missing, found, strict=True)] == found
    assert all(current.for_release(target) in text for text in missing)


@pytest.mark.parametrize(
    ("tag", "airflow", "found"),
    [
        ("5.0.4", "2.11.0", []),
        ("8.8.0-python-3.7-base", "2.6.3", []),
        ("8.8.0-python-3.7-base", "2.7.0", ["-python-3.7: "]),
        ("12.0.0-ubi9-python-3.8", "2.11.0", ["-python-3.8: "]),
        ("12.0.0-python-3.8-slim", "2.10.5", []),
        ("13.0.0-python-3.9-slim-base", "3.1.0", ["-python-3.9: "]),
        ("13.0.0-python-3.9", "3.0.6", []),
        ("13.0.0-python-3.12", "3.1.0", []),
        ("5.0.4-onbuild", "2.3.3", ["-onbuild: "]),
        ("5.0.4-buster-base", "2.3.3", ["-buster: "]),
    ],
)
def test_a_missing_suffix_of_a_runtime_tag_is_reported(tag: str, airflow: str, found: list[str]) -> None:
    """For example a Python version that the new Airflow does not support."""
    missing = Tag.read(Distribution.RUNTIME, tag).missing_suffixes(
        ReleaseId.parse("Runtime 99.0.0"), AirflowVersion.parse(airflow)
    )
    assert [text[: len(start)] for text, start in zip(missing, found, strict=True)] == found


@pytest.mark.parametrize(
    "tag",
    [
        "latest",
        "5",
        "5.0",
        "5.0.4-",
        "5.0.4base",
        "5.0.4-base-beta.2",
        "x5.0.4",
    ],
)
def test_a_tag_without_a_release_is_refused(tag: str) -> None:
    """Also a tag with a prerelease mark after a suffix."""
    with pytest.raises(InvalidVersionError):
        Tag.read(Distribution.RUNTIME, tag)


@pytest.mark.parametrize("tag", ["5.0.4-alpha1", "5.0.4.rc1", "5.0.4rc1", "5.0.4-dev", "5.0.4-beta.2-base"])
def test_a_prerelease_mark_is_not_part_of_the_variant(tag: str) -> None:
    """The tag names a prerelease, and the next tag drops the mark."""
    read = Tag.read(Distribution.RUNTIME, tag)
    assert read.release != ReleaseId.parse("Runtime 5.0.4")
    assert read.for_release(ReleaseId.parse("Runtime 5.0.5")) == f"5.0.5{'-base' if read.without_project else ''}"


def test_a_long_tag_is_parsed_fast() -> None:
    """The pattern does not try every way to split the tag."""
    for part in ("-a", "-a.", "-alpha", "-1", "-python-3.9"):
        with pytest.raises(InvalidVersionError):
            Tag.read(Distribution.CERTIFIED, f"2.3.0{part * 5_000}!")

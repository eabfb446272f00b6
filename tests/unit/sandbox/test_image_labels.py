"""The labels that an image's name decides."""

from __future__ import annotations

import pytest

from sandbox.image_labels import Labels, labels_of, tag_of


@pytest.mark.parametrize(
    ("image", "runtime"),
    [
        ("quay.io/astronomer/astro-runtime:5.0.4", "5.0.4"),
        ("quay.io/astronomer/astro-runtime:5.0.4-base", "5.0.4"),
        ("quay.io/astronomer/astro-runtime:11.3.0-python-3.9-slim-base", "11.3.0"),
        ("astrocrpublic.azurecr.io/runtime:3.0-1", "3.0-1"),
        ("astrocrpublic.azurecr.io/runtime:3.1-12-base", "3.1-12"),
        ("localhost:5000/astro-runtime:4.2.5@sha256:0123", "4.2.5"),
        ("my/airflow:runtime-5.0.4", "5.0.4"),
        ("my/airflow:runtime-3.1-12-a1b2c3", "3.1-12"),
        ("my/airflow:5.0.4", "5.0.4"),
        ("my/airflow:3.1-12", "3.1-12"),
    ],
)
def test_runtime_images_have_the_runtime_label(image: str, runtime: str) -> None:
    """The repository decides, else the tag's prefix, else the major from 3 on."""
    assert labels_of(image) == Labels(runtime=runtime)


@pytest.mark.parametrize(
    ("image", "airflow"),
    [
        ("quay.io/astronomer/ap-airflow:2.3.0", "2.3.0"),
        ("quay.io/astronomer/ap-airflow:2.2.3-2-onbuild", "2.2.3"),
        ("quay.io/astronomer/ap-airflow:2.2.0-buster-onbuild", "2.2.0"),
        ("astronomerinc/ap-airflow:1.10.12-1-alpine3.10-onbuild", "1.10.12"),
        ("my/airflow:certified-2.3.0", "2.3.0"),
        ("my/airflow:certified-2.3.0-4-onbuild", "2.3.0"),
        ("my/airflow:2.3.0", "2.3.0"),
    ],
)
def test_certified_images_have_the_plain_airflow_label(image: str, airflow: str) -> None:
    """The hot-fix build and what follows it are no part of the label."""
    assert labels_of(image) == Labels(airflow=airflow)


@pytest.mark.parametrize(
    "image",
    [
        "my/airflow",
        "my/airflow:latest",
        "my/airflow:deploy-42",
        "localhost:5000/airflow",
        "astro-runtime:latest",
        "x@sha256:1",
    ],
)
def test_other_names_tell_nothing(image: str) -> None:
    """No label is guessed."""
    assert not labels_of(image)


@pytest.mark.parametrize(
    ("image", "tag"),
    [("a/b:cli-3", "cli-3"), ("a/b", ""), ("localhost:5000/b", ""), ("a/b:1@sha256:2", "1"), ("", "")],
)
def test_a_tag_is_neither_a_port_nor_a_digest(image: str, tag: str) -> None:
    """Only what follows the repository's last part counts."""
    assert tag_of(image) == tag


def test_labels_name_the_distribution() -> None:
    """The Runtime label wins where an image has both."""
    assert str(Labels(airflow="2.3.0")) == "AC 2.3.0"
    assert str(Labels(airflow="2.3.0", runtime="5.0.4")) == "Runtime 5.0.4"

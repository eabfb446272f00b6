"""Masks for secrets in texts, and which arguments may be secret."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from astro_deployment_runtime.support import secret_masks
from astro_deployment_runtime.support.secret_masks import Masks

if TYPE_CHECKING:
    from pathlib import Path


def masked(text: str, *secrets: str, where: str = "strategy") -> str:
    """Mask these secrets in a text."""
    masks = Masks()
    for secret in secrets:
        masks.add(where, secret)
    return masks.mask(text)


@pytest.mark.parametrize(
    ("secret", "text", "expected"),
    [
        ("canary", "a canary, 'canary' and acanaryb", "a [secret], '[secret]' and a[secret]b"),
        ("canary-long", "canary canary-long", "canary [secret]"),
        (" canary ", "it is 'canary'", "it is '[secret]'"),
        ("cana\nry-two", "cana ry-two: cana\\nry-two, and ry-two alone", "[secret]: [secret], and [secret] alone"),
        ("can'ary", """"can'ary" and 'can'"'"'ary'""", "\"[secret]\" and '[secret]'"),
        ("canäry\u200b", "can\\xe4ry\\u200b and canäry\u200b", "[secret] and [secret]"),
        ("can[a]ry.*", "can[a]ry.* and canary", "[secret] and canary"),
        ("ab", "ab, cab and 'ab'", "[secret], cab and '[secret]'"),
        ("", "nothing", "nothing"),
        ("  ", "a  b", "a  b"),
    ],
)
def test_a_secret_is_masked_in_every_form(secret: str, text: str, expected: str) -> None:
    """Alone, in a longer word, stripped, escaped, quoted, and line by line. A short one only as a whole word."""
    assert masked(text, secret) == expected


def test_the_longer_of_two_secrets_is_masked_first() -> None:
    """Otherwise the rest of it would stay readable."""
    assert masked("canary-two", "canary", "canary-two") == "[secret]"
    assert masked("nothing is known yet") == "nothing is known yet"


@pytest.mark.parametrize(
    ("template", "text", "expected"),
    [
        (
            "registry.corp/canary/airflow:{distribution}-{version}",
            "delivers registry.corp/canary/airflow:runtime-5.0.4 now",
            "delivers [secret] now",
        ),
        (
            "registry.corp/canary/airflow:{distribution}-{version}",
            "no repository registry.corp/canary/airflow, nor canary/airflow on the mirror",
            "no repository [secret], nor [secret] on the mirror",
        ),
        ("registry.corp/canary:5.0.4", "registry.corp/canary is private", "[secret] is private"),
        ("{base}-canary", "quay.io/astronomer/astro-runtime:5.0.4-canary", "[secret]"),
        ("registry.corp/canary:5.0.4", "GET https://registry.corp/canary/v2", "GET https://[secret]/v2"),
        ("{base}", "FROM quay.io/astronomer/astro-runtime:5.0.4", "FROM quay.io/astronomer/astro-runtime:5.0.4"),
        ("airflow:{version}", "FROM quay.io/astronomer/ap-airflow:2.3.0", "FROM quay.io/astronomer/ap-airflow:2.3.0"),
    ],
)
def test_the_images_of_a_secret_template_are_masked(template: str, text: str, expected: str) -> None:
    """The image of each hop, and the repository alone. The vendor's own images stay readable."""
    assert masked(text, template, where="image") == expected


def test_the_resolved_form_of_a_secret_path_is_masked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The path may be a link, relative, or below the user's home."""
    (tmp_path / "real-canary").mkdir()
    (tmp_path / "link").symlink_to("real-canary")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    for path in ("link", "~/link", "./link/../link"):
        text = masked(f"no file in {tmp_path}/real-canary/x", path, where="project.path")
        assert text == "no file in [secret]/x"
    assert masked("in a\0bad", "a\0bad", where="project.path") == "in [secret]"


@pytest.mark.parametrize(
    ("secret", "given", "refused"),
    [
        ({"image", "project.path"}, {}, []),
        ({"project"}, {"project": {"path": "a"}}, []),
        ({"project"}, {"project": {"path": "a", "deploy": "b"}}, ["project.deploy is a secret, and every user"]),
        ({"project.test"}, {}, ["project.test is a secret, and every user"]),
        ({"release_name", "runtime_version"}, {}, ["release_name is a secret, which", "runtime_version is a secret"]),
        ({"deployment_id"}, {}, ["deployment_id is a secret, which cannot be kept because the URN, the id and"]),
        ({"accept", "timeout"}, {}, ["accept is a secret", "timeout is a secret, which cannot be kept because plans"]),
    ],
)
def test_only_an_image_and_a_project_path_may_be_secret(
    secret: set[str], given: dict[str, Any], refused: list[str]
) -> None:
    """Any other argument is visible somewhere, so it is refused, in one sentence each."""
    lines = (secret_masks.refused_secrets(secret, given) or "").splitlines()
    assert len(lines) == len(refused)
    assert all(line.startswith(start) for line, start in zip(lines, refused, strict=True))

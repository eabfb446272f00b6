"""The first FROM of a Dockerfile: read, and rewritten with everything else kept."""

from __future__ import annotations

import pytest

from astro_deployment_runtime import dockerfile
from astro_deployment_runtime.errors import InvalidDeclarationError
from astro_deployment_runtime.versions import ReleaseId

AC = "quay.io/astronomer/ap-airflow"
RUNTIME = "quay.io/astronomer/astro-runtime"
AIRFLOW_3 = "astrocrpublic.azurecr.io/runtime"


def rewritten(text: str, release: str) -> str:
    """The text for another release."""
    return dockerfile.rewrite(text, ReleaseId.parse(release))


@pytest.mark.parametrize(
    ("image", "release"),
    [
        (f"{AC}:2.2.3-onbuild", "AC 2.2.3"),
        (f"{AC}:2.2.3", "AC 2.2.3"),
        (f"{AC}:2.2.3-2-onbuild", "AC 2.2.3"),
        (f"{AC}:2.2.0-buster-onbuild", "AC 2.2.0"),
        (f"{AC}:1.10.12-1-alpine3.10", "AC 1.10.12"),
        ("astronomerinc/ap-airflow:2.0.0-buster", "AC 2.0.0"),
        ("docker.io/astronomerinc/ap-airflow:2.0.0-buster", "AC 2.0.0"),
        ("index.docker.io/astronomerinc/ap-airflow:2.0.0-buster", "AC 2.0.0"),
        (f"{RUNTIME}:5.0.4", "Astro Runtime 5.0.4"),
        (f"{RUNTIME}:9.1.0-python-3.9-base", "Astro Runtime 9.1.0"),
        (f"{RUNTIME}:12.1.0-slim", "Astro Runtime 12.1.0"),
        (f"{AIRFLOW_3}:3.0-1-base", "Astro Runtime 3.0-1"),
        ("astrocrpublic.azurecr.io/astronomer/astro-runtime:12.1.0", "Astro Runtime 12.1.0"),
    ],
)
def test_reads_the_release_of_each_of_the_vendors_images(image: str, release: str) -> None:
    """Repository and tag tell the release, whatever its variant."""
    base = dockerfile.parse(f"FROM {image}\n")
    assert (str(base.release), base.image, base.line) == (release, image, f"FROM {image}")


@pytest.mark.parametrize(
    ("image", "release", "expected"),
    [
        (f"{AC}:2.2.3-onbuild", "AC 2.3.0", f"{AC}:2.3.0-onbuild"),
        (f"{AC}:2.2.3", "AC 2.3.0", f"{AC}:2.3.0"),
        (f"{AC}:2.2.3-2-onbuild", "AC 2.3.0", f"{AC}:2.3.0-onbuild"),
        (f"{AC}:2.2.3-2-onbuild", "AC 2.2.3", f"{AC}:2.2.3-2-onbuild"),
        (f"{AC}:2.1.0-buster-onbuild", "AC 2.2.0", f"{AC}:2.2.0-buster-onbuild"),
        (f"{AC}:2.2.0-buster-onbuild", "AC 2.2.1", f"{AC}:2.2.1-onbuild"),
        (f"{AC}:1.10.10-alpine3.10-onbuild", "AC 1.10.12", f"{AC}:1.10.12-alpine3.10-onbuild"),
        (f"{AC}:1.10.10-5-alpine3.10", "AC 2.0.0", f"{AC}:2.0.0-buster"),
        ("astronomerinc/ap-airflow:2.0.0-buster", "AC 2.3.0", f"{AC}:2.3.0"),
        ("docker.io/astronomerinc/ap-airflow:2.0.0-buster", "AC 2.3.0", f"{AC}:2.3.0"),
        (f"{AC}:2.3.0-onbuild", "Runtime 5.0.4", f"{RUNTIME}:5.0.4"),
        (f"{AC}:2.3.0", "Runtime 5.0.4", f"{RUNTIME}:5.0.4-base"),
        (f"{RUNTIME}:5.0.4", "AC 2.3.0", f"{AC}:2.3.0-onbuild"),
        (f"{RUNTIME}:5.0.4-base", "AC 2.3.0", f"{AC}:2.3.0"),
        (f"{RUNTIME}:9.1.0-python-3.9-base", "Runtime 9.2.0", f"{RUNTIME}:9.2.0-python-3.9-base"),
        (f"{RUNTIME}:12.1.0-slim", "Runtime 3.0-1", f"{AIRFLOW_3}:3.0-1-slim"),
        (f"{AIRFLOW_3}:3.0-1-base", "Runtime 3.1-2", f"{AIRFLOW_3}:3.1-2-base"),
        (
            "astrocrpublic.azurecr.io/astronomer/astro-runtime:12.1.0",
            "Runtime 12.2.0",
            "astrocrpublic.azurecr.io/astronomer/astro-runtime:12.2.0",
        ),
    ],
)
def test_names_another_release_in_the_same_variant(image: str, release: str, expected: str) -> None:
    """Suffixes follow the rules of both distributions; the repository changes only where it has to."""
    assert rewritten(f"FROM {image}\n", release) == f"FROM {expected}\n"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("FROM {}", "FROM {}"),
        ("from {} as base\r\nRUN x\r\n", "from {} as base\r\nRUN x\r\n"),
        ("# syntax=docker/dockerfile:1\n\n# FROM scratch\nFROM --platform=linux/amd64  {}\tAS base # no\n", None),
        ("\ufeffFROM {}\n", None),
        ("FROM \\\n  # why\n\n  {} \\\n  AS base\nFROM base\n", None),
        ("# escape=`\nFROM `\r\n {}\r\n", None),
        ("FROM {} AS base\nRUN <<EOF\nFROM quay.io/astronomer/astro-runtime:4.2.5\nEOF\nFROM scratch\n", None),
        ("FROM {}\nRUN echo $((1<<2)) \\", None),
        ("FROM {}\nFROM quay.io/astronomer/astro-runtime:latest\n", None),
    ],
)
def test_everything_else_is_kept(before: str, after: str | None) -> None:
    """Flags, aliases, comments, directives, continued lines, line ends and later stages stay byte for byte."""
    found = rewritten(before.replace("{}", f"{RUNTIME}:5.0.4-base"), "Runtime 5.0.5")
    assert found == (after or before).replace("{}", f"{RUNTIME}:5.0.5-base")


def test_a_reference_that_is_broken_over_lines_is_written_in_one() -> None:
    """The builder joins what a backslash breaks, and so does this."""
    found = rewritten("FROM quay.io/astronomer/astro-\\\nruntime:5.0.4 AS base\n", "Runtime 5.0.5")
    assert found == f"FROM {RUNTIME}:5.0.5 AS base\n"


@pytest.mark.parametrize(
    ("before", "release", "after"),
    [
        (f"ARG V=5.0.4\nFROM {RUNTIME}:${{V}}\n", "Runtime 5.0.5", f"ARG V=5.0.5\nFROM {RUNTIME}:${{V}}\n"),
        (f"ARG V=5.0.4\nFROM {RUNTIME}:$V-base\n", "Runtime 5.0.5", f"ARG V=5.0.5\nFROM {RUNTIME}:$V-base\n"),
        (f'ARG A B="5.0.4"\nFROM {RUNTIME}:$B\n', "Runtime 5.0.5", f'ARG A B="5.0.5"\nFROM {RUNTIME}:$B\n'),
        (f"ARG V=2.3.0\nFROM {AC}:$V-onbuild\n", "Runtime 5.0.4", f"ARG V=5.0.4\nFROM {RUNTIME}:$V\n"),
        (f"ARG V=2.3.0\nFROM {AC}:$V\n", "Runtime 5.0.4", f"ARG V=5.0.4-base\nFROM {RUNTIME}:$V\n"),
        (f"ARG V=2.2.3-onbuild\nFROM {AC}:$V\n", "AC 2.3.0", f"ARG V=2.3.0-onbuild\nFROM {AC}:$V\n"),
        (f"ARG I={RUNTIME}:5.0.4\nFROM ${{I}}\n", "Runtime 5.0.5", f"ARG I={RUNTIME}:5.0.5\nFROM ${{I}}\n"),
        ("ARG R=quay.io\nFROM $R/astronomer/astro-runtime:5.0.4\n", "Runtime 5.0.5", None),
        (
            f"ARG V=5.0.4\nFROM {RUNTIME}:$V AS one\nFROM {RUNTIME}:$V-base\n",
            "Runtime 5.0.5",
            f"ARG V=5.0.5\nFROM {RUNTIME}:$V AS one\nFROM {RUNTIME}:$V-base\n",
        ),
        (f"ARG V=4.2.5\nARG V=5.0.4\nFROM {RUNTIME}:$V\n", "Runtime 5.0.5", None),
        (f"FROM {RUNTIME}:${{V:-5.0.4}}\n", "Runtime 5.0.5", f"FROM {RUNTIME}:5.0.5\n"),
        (f"ARG V=\nFROM {RUNTIME}:${{V:-5.0.4}}\n", "Runtime 5.0.5", f"ARG V=\nFROM {RUNTIME}:5.0.5\n"),
        (f"ARG M=5\nFROM {RUNTIME}:$M.0.4\n", "Runtime 6.0.0", f"ARG M=5\nFROM {RUNTIME}:6.0.0\n"),
        (
            f"ARG A=5.0.4\nARG B=${{A}}-base\nFROM {RUNTIME}:$B\n",
            "Runtime 5.0.5",
            f"ARG A=5.0.4\nARG B=${{A}}-base\nFROM {RUNTIME}:5.0.5-base\n",
        ),
        (
            f"ARG R={RUNTIME} V=5.0.4\nFROM $R:$V\n",
            "Runtime 3.0-1",
            f"ARG R={RUNTIME} V=3.0-1\nFROM {AIRFLOW_3}:$V\n",
        ),
        (f"ARG A=5.0.4 B=-base\nFROM {RUNTIME}:$A$B\n", "Runtime 5.0.5", None),
    ],
)
def test_follows_the_defaults_of_arguments(before: str, release: str, after: str | None) -> None:
    """The default is rewritten where it stands for the version or the whole reference; else the FROM is."""
    found = rewritten(before, release)
    assert str(dockerfile.parse(found).release).endswith(release)
    if after is not None:
        assert found == after
    else:
        assert found.count("\n") == before.count("\n")
    assert rewritten(found, release) == found


def test_shows_what_arguments_come_to() -> None:
    """The line of a preview tells the values that it does not hold itself."""
    base = dockerfile.parse(f"ARG V=5.0.4\nFROM --platform=linux/amd64 {RUNTIME}:${{V}} AS base\n")
    assert base.line == f"FROM --platform=linux/amd64 {RUNTIME}:${{V}} AS base (V=5.0.4)"
    assert base.image == f"{RUNTIME}:5.0.4"


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "has no FROM line"),
        ("# FROM x\nRUN x\n", "has no FROM line"),
        ("FROM --platform=linux/amd64\n", "names no image"),
        ("FROM python:3.9\n", "'python:3.9', is none of the vendor's images"),
        ("FROM scratch\n", "is none of the vendor's images"),
        ("FROM localhost:5000/astro-runtime:5.0.4\n", "is none of the vendor's images"),
        (f"FROM {RUNTIME}@sha256:{'0' * 64}\n", "pinned by its digest"),
        (f"FROM {RUNTIME}:5.0.4@sha256:{'0' * 64}\n", "pinned by its digest"),
        (f"FROM {RUNTIME}\n", "has no tag"),
        (f"FROM {RUNTIME}:latest\n", "has the tag 'latest', which is no release's"),
        (f"FROM {RUNTIME}:5.0.4-onbuild\n", "which is no release's"),
        (f"FROM {RUNTIME}:05.0.4\n", "which is no release's"),
        (f"FROM {AC}:2.2.3-base\n", "which is no release's"),
        (f"ARG V\nFROM {RUNTIME}:$V\n", "names an ARG without a default"),
        (f"FROM {RUNTIME}:$V\nARG V=5.0.4\n", "names an ARG without a default"),
        (f"ARG V=5.0.4\nFROM {RUNTIME}:${{V#5}}\n", "names an ARG without a default"),
    ],
)
def test_refuses_what_names_no_release(text: str, why: str) -> None:
    """Digests, unknown bases and tags that tell no version are refused with the reason and a way out."""
    with pytest.raises(InvalidDeclarationError) as refused:
        dockerfile.parse(text)
    assert why in str(refused.value)
    assert "FROM" in str(refused.value).rpartition(":")[0]


def test_refuses_to_leave_a_later_stage_behind() -> None:
    """The last stage names the image's release, so a later FROM of the vendor's has to follow."""
    text = f"FROM {RUNTIME}:5.0.4 AS one\n\nFROM {RUNTIME}:5.0.4-base\n"
    with pytest.raises(InvalidDeclarationError, match="line 3 of the Dockerfile") as refused:
        rewritten(text, "Runtime 5.0.5")
    assert "names Astro Runtime 5.0.4" in str(refused.value)
    assert rewritten(text, "Runtime 5.0.4") == text

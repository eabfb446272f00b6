"""The FROM line that a Dockerfile's last stage builds on: parsing, and rewriting without any other change."""

from __future__ import annotations

import pytest

from astro_deployment_runtime.delivery import dockerfile
from astro_deployment_runtime.errors import InvalidProjectError
from astro_deployment_runtime.planning.base_images import BaseImages
from astro_deployment_runtime.planning.versions import ReleaseId

AC = "quay.io/astronomer/ap-airflow"
RUNTIME = "quay.io/astronomer/astro-runtime"
AIRFLOW_3 = "astrocrpublic.azurecr.io/runtime"


def rewritten(text: str, release: str) -> str:
    """Return the text for another release."""
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
        (f"{RUNTIME}:12.6.0-ubi9-python-3.12-slim-base", "Astro Runtime 12.6.0"),
        (f"{RUNTIME}:5.0.4-onbuild", "Astro Runtime 5.0.4"),
        (f"{AC}:2.2.3-base", "AC 2.2.3"),
        (f"{AIRFLOW_3}:3.0-1-base", "Astro Runtime 3.0-1"),
        ("astrocrpublic.azurecr.io/astronomer/astro-runtime:12.1.0", "Astro Runtime 12.1.0"),
    ],
)
def test_reads_the_release_of_each_of_the_vendors_images(image: str, release: str) -> None:
    """Repository and tag determine the release, in every variant."""
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
        (f"{AC}:1.10.12-alpine3.10", "AC 1.10.15", f"{AC}:1.10.15-alpine3.10"),
        (f"{AC}:1.10.10-5-alpine3.10", "AC 2.0.0", f"{AC}:2.0.0-buster"),
        (f"{AC}:2.3.0-fips-onbuild", "AC 2.4.3", f"{AC}:2.4.3-fips-onbuild"),
        (f"{AC}:2.3.0-fips-onbuild", "Runtime 5.0.4", f"{RUNTIME}:5.0.4-fips"),
        (f"{AC}:2.3.0-base", "Runtime 5.0.4", f"{RUNTIME}:5.0.4-base"),
        (
            f"{RUNTIME}:12.6.0-ubi9-python-3.12-slim-base",
            "Runtime 12.7.1",
            f"{RUNTIME}:12.7.1-ubi9-python-3.12-slim-base",
        ),
        (f"{RUNTIME}:11.20.0-ubi9-python-3.11-slim", "Runtime 3.1-12", f"{AIRFLOW_3}:3.1-12-ubi9-python-3.11-slim"),
        (f"{RUNTIME}:5.0.4-1-base", "Runtime 5.0.5", f"{RUNTIME}:5.0.5-base"),
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
    """Suffixes follow the rules of each distribution. The repository changes only if it must."""
    assert rewritten(f"FROM {image}\n", release) == f"FROM {expected}\n"


@pytest.mark.parametrize(
    "before",
    [
        "FROM {}",
        "from {} as base\r\nRUN x\r\n",
        "# syntax=docker/dockerfile:1\n\n# FROM scratch\nFROM --platform=linux/amd64  {}\tAS base\n",
        "\ufeffFROM {}\n",
        "\ufeff# escape=`\nFROM `\n {}\n",
        "FROM \\\n  # why\n\n  {} \\\n  AS base\nFROM base\n",
        "# escape=`\nFROM `\r\n {}\r\n",
        " # escape=`\nFROM \\\n {}\n",
        "\n# escape=`\nFROM \\\n {}\n",
        "#Syntax = docker/dockerfile:1\r\n# ESCAPE =`\r\nFROM `\t\r\n{} \r\n",
        "FROM {} AS base\nRUN <<EOF\nFROM quay.io/astronomer/astro-runtime:4.2.5\nEOF\nFROM base\n",
        "FROM {}\nRUN echo $((1<<2)) \\",
        "FROM {}\nRUN echo \\\\\nLABEL a=b",
        "FROM quay.io/astronomer/astro-runtime:latest AS old\nFROM {}\n",
    ],
)
def test_everything_else_is_kept(before: str) -> None:
    """Flags, aliases, comments, directives, continued lines, line ends and other stages stay byte for byte."""
    found = rewritten(before.replace("{}", f"{RUNTIME}:5.0.4-base"), "Runtime 5.0.5")
    assert found == before.replace("{}", f"{RUNTIME}:5.0.5-base")


def test_a_reference_over_several_lines_is_written_on_one() -> None:
    """The builder joins lines that end in a backslash, and so does the parser."""
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
        (f"ARG N='a b' V='5.0.4'\nFROM {RUNTIME}:$V\n", "Runtime 5.0.5", f"ARG N='a b' V='5.0.5'\nFROM {RUNTIME}:$V\n"),
        (f"ARG V=\nFROM {RUNTIME}:5.0.4${{V-base}}\n", "Runtime 5.0.5", f"ARG V=\nFROM {RUNTIME}:5.0.5\n"),
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
def test_follows_the_defaults_of_args(before: str, release: str, after: str | None) -> None:
    """A default that is the version or the whole reference is rewritten, otherwise the FROM line."""
    found = rewritten(before, release)
    assert str(dockerfile.parse(found).release).endswith(release)
    if after is not None:
        assert found == after
    else:
        assert found.count("\n") == before.count("\n")
    assert rewritten(found, release) == found


def test_shows_the_values_of_args() -> None:
    """The line in a preview adds the values that the FROM line does not contain."""
    base = dockerfile.parse(f"ARG V=5.0.4\nFROM --platform=linux/amd64 {RUNTIME}:${{V}} AS base\n")
    assert base.line == f"FROM --platform=linux/amd64 {RUNTIME}:${{V}} AS base (V=5.0.4)"
    assert base.image == f"{RUNTIME}:5.0.4"


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "has no FROM line"),
        ("# FROM x\nRUN x\n", "has no FROM line"),
        ("FROM --platform=linux/amd64\n", "line 1 of the Dockerfile names no image"),
        ("FROM python:3.9\n", "names 'python:3.9', and the last stage builds on it: it is none of the vendor's images"),
        ("FROM scratch\n", "it is none of the vendor's images"),
        ("FROM localhost:5000/astro-runtime:5.0.4\n", "it is none of the vendor's images"),
        ("# 1\n\nFROM a/b:1\n", "line 3 of the Dockerfile names 'a/b:1'"),
        (f"FROM {RUNTIME}:5.0.4 AS one\nFROM scratch\nCOPY --from=0 / /\n", "line 2 of the Dockerfile names 'scratch'"),
        (f"FROM {RUNTIME}:5.0.4\nFROM 0\n", "line 2 of the Dockerfile names '0'"),
        (
            f"FROM later\nFROM {RUNTIME}:5.0.4 AS later\nFROM python:3.9\n",
            "line 3 of the Dockerfile names 'python:3.9'",
        ),
        (f"FROM {RUNTIME}@sha256:{'0' * 64}\n", "pinned by its digest"),
        (f"FROM {RUNTIME}:5.0.4@sha256:{'0' * 64}\n", "pinned by its digest"),
        (f"FROM {RUNTIME}\n", "which has no tag"),
        (f"FROM {RUNTIME}:latest\n", "whose tag 'latest' names no release"),
        (f"FROM {RUNTIME}:5.0\n", "whose tag '5.0' names no release"),
        (f"FROM {RUNTIME}:05.0.4\n", "names no release"),
        (f"FROM {RUNTIME}:5.0.4-base-rc1\n", "names no release"),
        (f"FROM {RUNTIME}:5.0.4_base\n", "names no release"),
        (f"ARG V\nFROM {RUNTIME}:$V\n", "no ARG before the first FROM gives that a default"),
        (f"ARG V\nFROM {RUNTIME}:${{V-5.0.4}}\n", "no ARG before the first FROM"),
        (f"ARG V='\nFROM {RUNTIME}:${{V:-5.0.4}}\n", "no ARG before the first FROM"),
        (f"ARG V=5.0.4\nARG V\nFROM {RUNTIME}:${{V:-5.0.4}}\n", "no ARG before the first FROM"),
        (f"FROM {RUNTIME}:$V\nARG V=5.0.4\n", "no ARG before the first FROM"),
        (f"ARG V=5.0.4\nFROM {RUNTIME}:${{V#5}}\n", "no ARG before the first FROM"),
        (f"ARG V='$W' W=5.0.4\nFROM {RUNTIME}:$V\n", "no ARG before the first FROM"),
        (f'ARG V="5.0.4\nFROM {RUNTIME}:$V\n', "no ARG before the first FROM"),
        (f"ARG V=5.0\\.4\nFROM {RUNTIME}:$V\n", "no ARG before the first FROM"),
        (f'FROM "{RUNTIME}:5.0.4"\n', "write the reference without quotes and escapes"),
        (f"FROM '{RUNTIME}':5.0.4\n", "write the reference without quotes and escapes"),
        (f"FROM {RUNTIME}:5.0.4 # ours\n", "has '#' after the image: write FROM IMAGE, or FROM IMAGE AS NAME"),
        (f"FROM {RUNTIME}:5.0.4 AS\n", "has 'AS' after the image"),
        (f"FROM --platform linux/amd64 {RUNTIME}:5.0.4\n", "after the image"),
        (f"# escape=x\nFROM {RUNTIME}:5.0.4\n", "line 1 of the Dockerfile has the directive '# escape=x'"),
        (f"# x=y\n# escape=`\nFROM {RUNTIME}:5.0.4\n", "line 2 of the Dockerfile has the directive"),
        (f"FROM {RUNTIME}:5.0.4\rRUN x\r", "after the image"),
    ],
)
def test_refuses_a_from_line_without_a_release(text: str, why: str) -> None:
    """With the line, the reason and what to write instead, before anything is written."""
    with pytest.raises(InvalidProjectError) as refused:
        dockerfile.parse(text)
    assert why in str(refused.value)
    with pytest.raises(InvalidProjectError):
        rewritten(text, "Runtime 5.0.5")


@pytest.mark.parametrize(
    "line",
    [
        "RUN bash -c 'cat <<EOF\nFROM x\nEOF'",
        'RUN bash -c "cat <<EOF\nFROM x\nEOF"',
        "RUN cat <<EOF\nFROM x\n",
        "RUN cat <<EOF\nFROM x\n EOF\n",
        "RUN cat <<EOF\nFROM x\n\tEOF\n",
        "RUN cat <<A <<B\nFROM x\nA\n",
        "RUN cat<<EOF\nFROM x\nEOF\n",
        "RUN cat << EOF\nFROM x\nEOF\n",
        "RUN cat << 'EOF'\nFROM x\nEOF\n",
        "RUN cat <<EOF|sh\nFROM x\nEOF\n",
        "RUN cat <<EOF>f\nFROM x\nEOF\n",
        "RUN cat <<E'O'F\nFROM x\nEOF\n",
        "RUN cat <<$X\nFROM x\n$X\n",
        "RUN (cat <<EOF)\nFROM x\nEOF\n",
        "RUN \\<<EOF true",
        "COPY <<EOF /x\nFROM x\n",
        "ONBUILD RUN <<EOF\nFROM x\n",
    ],
)
def test_refuses_an_ambiguous_here_document(line: str) -> None:
    """In an open quote, without its end, or not a word of its own. The message has its line."""
    with pytest.raises(InvalidProjectError, match="line 2 of the Dockerfile"):
        rewritten(f"FROM {RUNTIME}:5.0.4\n{line}\nFROM {RUNTIME}:5.0.4\n", "Runtime 5.0.5")


@pytest.mark.parametrize(
    "lines",
    [
        "RUN bash -c 'cat <<EOF > /x'",
        'RUN ["bash", "-c", "cat <<EOF"]',
        "RUN <<END-1\nFROM x\nEND-1",
        "RUN <<-EOF\nFROM x\n\t\tEOF",
        "RUN 3<<EOF cat\nFROM x\nEOF",
        "COPY <<\"A\" <<'B' /x/\nFROM a\nB\nA\nFROM b\nB",
        "RUN python3 <<EOF > /x && echo 'it is'\nFROM x\n EOF\nEOF \nEOF",
        "RUN echo $((1<<2)) $((1 << 2)) <<<x",
        "RUN cat <<'EOF' \\\n  && true\nFROM x\nEOF",
        "LABEL x=<<EOF",
        "CMD cat << EOF",
        "# RUN <<EOF",
        "ADD <<EOF /x\r\nFROM x\r\nEOF\r",
        "ONBUILD RUN <<EOF\nFROM x\nEOF",
    ],
)
def test_reads_a_here_document_as_the_builder_does(lines: str) -> None:
    """Its text is not an instruction, and the line after it is."""
    text = f"FROM python:3.11 AS builder\n{lines}\nFROM {RUNTIME}:5.0.4\n"
    assert rewritten(text, "Runtime 5.0.5") == text.replace("5.0.4", "5.0.5")


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (f"FROM python:3.11 AS builder\nRUN x\nFROM {RUNTIME}:5.0.4\nCOPY --from=builder /a /a\n", 3),
        (f"FROM {RUNTIME}:5.0.4 AS Base\nFROM node AS web\nFROM base as final\nFROM FINAL\n", 1),
        (f"ARG WHICH=base\nFROM {RUNTIME}:5.0.4 AS base\nFROM ${{WHICH}} AS final\n", 2),
        (f"FROM --platform=$BUILDPLATFORM golang AS go\nFROM --platform=linux/amd64 {RUNTIME}:5.0.4\n", 2),
        (f"FROM {RUNTIME}:4.2.5 AS one\nFROM {RUNTIME}:5.0.4 AS one\nFROM one\n", 2),
        (f"FROM {RUNTIME}:5.0.4 AS a\nFROM a AS a\nFROM a\n", 1),
        (f"FROM {AC}:2.3.0 AS docs\nFROM {RUNTIME}:5.0.4\n", 2),
    ],
)
def test_follows_the_last_stage_through_names_of_earlier_stages(text: str, line: int) -> None:
    """Names ignore case, the latest stage of a name counts, and no other line changes."""
    assert dockerfile.parse(text).number == line
    found = rewritten(text, "Runtime 5.0.5")
    changed = [n for n, (a, b) in enumerate(zip(text.split("\n"), found.split("\n"), strict=True), start=1) if a != b]
    assert changed == [line]
    assert str(dockerfile.parse(found).release) == "Astro Runtime 5.0.5"


def test_other_stages_with_the_vendors_images_are_reported() -> None:
    """With their lines. Stages that build on the deployed one do not count."""
    text = f"FROM {AC}:2.3.0 AS a\nFROM python AS b\nFROM {RUNTIME}:5.0.4 AS c\nFROM a\nFROM c\n"
    assert [(base.number, base.image) for base in dockerfile.other_stages(text)] == [(1, f"{AC}:2.3.0")]
    assert dockerfile.other_stages(f"FROM {RUNTIME}:5.0.4\n") == []


@pytest.mark.parametrize(
    "readers",
    [
        "ARG AIRFLOW_VERSION\nRUN pip install apache-airflow==${AIRFLOW_VERSION}\n",
        "ARG OTHER AIRFLOW_VERSION\nRUN ./install.sh\n",
        "LABEL airflow=$AIRFLOW_VERSION\n",
        "ENV A=${AIRFLOW_VERSION:-1}\n",
        "ARG AIRFLOW_VERSION\nRUN <<EOF\npip install apache-airflow==$AIRFLOW_VERSION\nEOF\n",
    ],
)
def test_a_migration_keeps_an_arg_that_others_read(readers: str) -> None:
    """A migration writes the reference out. Within a distribution, the ARG changes for all its readers."""
    text = f"ARG AIRFLOW_VERSION=2.2.3\nFROM {AC}:${{AIRFLOW_VERSION}}-onbuild\n{readers}"
    upgraded = rewritten(text, "AC 2.3.0")
    assert upgraded == text.replace("2.2.3", "2.3.0")
    migrated = rewritten(upgraded, "Runtime 5.0.4")
    assert migrated == f"ARG AIRFLOW_VERSION=2.3.0\nFROM {RUNTIME}:5.0.4\n{readers}"


def test_other_stages_count_as_readers_of_an_arg() -> None:
    """Also for an ARG that is the whole reference, or part of another ARG."""
    text = f"ARG V=2.3.0\nFROM {AC}:$V AS one\nFROM {AC}:$V-onbuild\n"
    assert rewritten(text, "Runtime 5.0.4") == f"ARG V=2.3.0\nFROM {AC}:$V AS one\nFROM {RUNTIME}:5.0.4\n"
    whole = f"ARG I={AC}:2.3.0\nFROM $I\nARG I\nLABEL base=$I\n"
    assert rewritten(whole, "Runtime 5.0.4") == whole.replace("FROM $I", f"FROM {RUNTIME}:5.0.4-base")
    made = f"ARG V=2.3.0\nARG T=${{V}}-onbuild\nFROM {AC}:$V\nRUN echo $T\n"
    assert rewritten(made, "Runtime 5.0.4") == made.replace(f"{AC}:$V", f"{RUNTIME}:5.0.4-base")


def test_an_arg_that_others_read_gets_no_suffix() -> None:
    """It was a number, and stays one."""
    text = f"ARG V=2.2.1\nFROM {AC}:$V-onbuild\nARG V\n"
    assert rewritten(text, "AC 2.2.0") == f"ARG V=2.2.1\nFROM {AC}:2.2.0-buster-onbuild\nARG V\n"


MIRRORS = BaseImages(
    certified="registry.corp.example/astronomer/ap-airflow",
    runtime="localhost:5000/astronomer/astro-runtime",
    runtime_airflow_3="registry.corp.example:8443/airflow3",
)


@pytest.mark.parametrize(
    ("before", "release", "after"),
    [
        (f"{MIRRORS.certified}:2.2.3-2-onbuild", "AC 2.3.0", f"{MIRRORS.certified}:2.3.0-onbuild"),
        (f"{MIRRORS.certified}:2.3.0", "Runtime 5.0.4", f"{MIRRORS.runtime}:5.0.4-base"),
        (f"{MIRRORS.runtime}:5.0.4-base", "Runtime 5.0.5", f"{MIRRORS.runtime}:5.0.5-base"),
        (f"{MIRRORS.runtime}:13.0.0", "Runtime 3.1-12", f"{MIRRORS.runtime_airflow_3}:3.1-12"),
        (f"{MIRRORS.runtime_airflow_3}:3.1-11", "Runtime 3.1-12", f"{MIRRORS.runtime_airflow_3}:3.1-12"),
        (f"{RUNTIME}:5.0.4", "Runtime 5.0.5", f"{RUNTIME}:5.0.5"),
        (f"{AC}:2.3.0-onbuild", "Runtime 5.0.4", f"{MIRRORS.runtime}:5.0.4"),
        ("astronomerinc/ap-airflow:2.0.0-buster-onbuild", "AC 2.3.0", f"{MIRRORS.certified}:2.3.0-onbuild"),
        (f"{AIRFLOW_3}:12.1.0", "Runtime 12.2.0", f"{AIRFLOW_3}:12.2.0"),
    ],
)
def test_mirrors_are_read_and_named(before: str, release: str, after: str) -> None:
    """Within a distribution, the file's own repository stays. A new one is the mirror's."""
    text = f"FROM {before} AS x\n"
    assert dockerfile.rewrite(text, ReleaseId.parse(release), MIRRORS) == f"FROM {after} AS x\n"


def test_a_mirror_that_is_not_configured_is_refused_with_the_setting() -> None:
    """Without the setting, its images are not known as the vendor's."""
    text = "ARG REGISTRY=localhost:5000\nFROM ${REGISTRY}/astronomer/astro-runtime:5.0.4\n"
    with pytest.raises(InvalidProjectError, match="If it is a mirror of them, name its repository in astro:baseImages"):
        dockerfile.parse(text)
    found = dockerfile.rewrite(text, ReleaseId.parse("Runtime 5.0.5"), MIRRORS)
    assert found == text.replace("5.0.4", "5.0.5")


def test_one_mirror_of_all_runtime_images_stays_for_airflow_3() -> None:
    """The file's own repository has the images for Airflow 3 too."""
    one = BaseImages(runtime="r.example/astro", runtime_airflow_3="r.example/astro")
    assert dockerfile.rewrite("FROM r.example/astro:13.0.0", ReleaseId.parse("Runtime 3.0-1"), one) == (
        "FROM r.example/astro:3.0-1"
    )


def test_a_comment_within_a_reference_is_not_lost() -> None:
    """A reference over several lines with a comment in between is refused."""
    text = "FROM quay.io/astronomer/astro-\\\n# why\nruntime:5.0.4\n"
    with pytest.raises(InvalidProjectError, match="has a comment within the reference"):
        rewritten(text, "Runtime 5.0.5")

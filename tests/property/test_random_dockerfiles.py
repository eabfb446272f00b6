"""Random Dockerfiles with Astronomer's images, rewritten along any path: only the reference changes."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st

from astro_deployment_runtime.delivery import dockerfile
from astro_deployment_runtime.errors import InvalidProjectError
from astro_deployment_runtime.planning.versions import Distribution, ReleaseId

if TYPE_CHECKING:
    from collections.abc import Sequence

CERTIFIED = ["2.2.1", "2.2.3", "2.2.4", "2.3.0", "2.4.3"]
RUNTIMES = ["4.2.5", "5.0.4", "6.0.0", "12.1.1"]

certified_images = st.builds(
    lambda version, onbuild: f"quay.io/astronomer/ap-airflow:{version}{onbuild}",
    st.sampled_from(CERTIFIED),
    st.sampled_from(["", "-onbuild", "-fips-onbuild"]),
)
variants = st.lists(
    st.sampled_from(["ubi9", "python-3.9", "python-3.12", "slim", "base", "Fips_2", "x.y"]), max_size=4
).map(lambda words: "".join(f"-{word}" for word in words))
runtime_images = st.builds(
    lambda version, variant: f"quay.io/astronomer/astro-runtime:{version}{variant}",
    st.sampled_from(RUNTIMES),
    variants,
)
releases = st.sampled_from([*(f"AC {v}" for v in CERTIFIED), *(f"Runtime {v}" for v in RUNTIMES)]).map(ReleaseId.parse)
runtime_releases = st.sampled_from(RUNTIMES).map(lambda version: ReleaseId.parse(f"Runtime {version}"))

heads = st.lists(
    st.sampled_from(["# syntax=docker/dockerfile:1", "# FROM scratch", "", "ARG OTHER=5.0.4", "  # é", "\t"]),
    max_size=4,
)
befores = st.sampled_from(["FROM ", "from\t", "  FROM --platform=linux/amd64 ", "FROM \\\n  # here\n  "])
afters = st.sampled_from([" AS base", "  as base \t", " \\\n AS base", " As BASE"])
tails = st.lists(
    st.sampled_from(
        [
            "RUN pip install \\\n  x",
            "COPY --from=builder . .",
            "",
            "# FROM x",
            "RUN <<EOF\nFROM scratch\nEOF",
            "RUN bash -c 'cat <<EOF'",
            "LABEL x='it",
            "FROM base",
            "FROM Base AS base",
            "FROM base AS final",
        ]
    ),
    max_size=4,
)
builders = st.sampled_from(
    ["", "FROM python:3.11 AS builder\n", "FROM quay.io/astronomer/astro-runtime:4.2.4 AS old\nRUN <<X\nFROM y\nX\n"]
)
line_ends = st.sampled_from(["\n", "\r\n"])


def _around(  # noqa: PLR0917 - in the order of the file
    head: Sequence[str], builder: str, before: str, after: str, tail: Sequence[str], end: str
) -> tuple[str, str]:
    """Return the text before and after the reference."""
    first = "".join(f"{line}\n" for line in head) + builder + before
    last = after + "".join(f"\n{line}" for line in tail)
    return first.replace("\n", end), last.replace("\n", end)


surroundings = st.builds(_around, heads, builders, befores, afters, tails, line_ends)


@given(surroundings, certified_images | runtime_images, releases)
def test_only_the_reference_changes(around: tuple[str, str], image: str, release: ReleaseId) -> None:
    """The bytes around the reference stay, and the reference names the requested release."""
    first, last = around
    found = dockerfile.rewrite(first + image + last, release)
    assert found.startswith(first)
    assert found.endswith(last)
    assert dockerfile.parse(found).release == release
    assert dockerfile.parse(found).image == found[len(first) : len(found) - len(last)]


@given(surroundings, certified_images | runtime_images, releases)
def test_rewriting_twice_is_rewriting_once(around: tuple[str, str], image: str, release: ReleaseId) -> None:
    """A file that already names the release does not change."""
    once = dockerfile.rewrite(image.join(around), release)
    assert dockerfile.rewrite(once, release) == once


@given(surroundings, runtime_images, runtime_releases)
def test_rewriting_back_within_runtime_restores_the_file(
    around: tuple[str, str], image: str, release: ReleaseId
) -> None:
    """Within Runtime no suffix gets lost, so restoring gives the original file."""
    text = image.join(around)
    assert dockerfile.rewrite(dockerfile.rewrite(text, release), dockerfile.parse(text).release) == text


@given(surroundings, certified_images, runtime_releases)
def test_rewriting_back_after_a_migration_restores_the_file(
    around: tuple[str, str], image: str, release: ReleaseId
) -> None:
    """A failed deployment of a migration leaves the original file."""
    text = image.join(around)
    assert dockerfile.rewrite(dockerfile.rewrite(text, release), dockerfile.parse(text).release) == text


pieces = st.sampled_from(
    [
        "FROM",
        "ARG",
        " ",
        "\\",
        "\n",
        "\r\n",
        "#",
        "${V}",
        "$V",
        "${V:-5.0.4}",
        "V=5.0.4",
        'V="',
        "--platform=x",
        "AS a",
        "a",
        "RUN ",
        "'",
        '"',
        "<<-EOF",
        "<<",
        "ARG V",
        "quay.io/astronomer/astro-runtime",
        ":5.0.4",
        ":",
        "@",
        "-base",
        "<<EOF",
        "EOF",
        "`",
        "\ufeff",
    ]
)


@given(st.lists(pieces | st.text(max_size=3), max_size=30).map("".join), releases)
def test_any_text_is_rewritten_or_refused(text: str, release: ReleaseId) -> None:
    """A file names the release afterwards, with few bytes changed, or the project is refused."""
    with suppress(InvalidProjectError):
        before = dockerfile.parse(text)
        found = dockerfile.rewrite(text, release)
        after = dockerfile.parse(found)
        assert (after.release, after.number) == (release, before.number)
        assert after.image == (before.image if before.release == release else before.reference(release))
        assert dockerfile.rewrite(found, release) == found
        assert dockerfile.other_stages(found) or not dockerfile.other_stages(text)


argument_lines = st.sampled_from(
    [
        "ARG V={n}",
        "ARG V='{n}'",
        'ARG A="x y" V={n}',
        "ARG V=1.2.3\nARG V={n}",
        "ARG N={n}\nARG V=$N",
        "ARG V={n}-onbuild",
        "ARG V={n} R=quay.io/astronomer/ap-airflow",
        "ARG R=quay.io/astronomer/ap-airflow\nARG V=$R:{n}-onbuild",
        "ARG V=quay.io/astronomer/ap-airflow:{n}",
        "ARG V",
        "ARG V={n}\nARG V",
    ]
)
references = st.sampled_from(
    [
        "quay.io/astronomer/ap-airflow:$V",
        "quay.io/astronomer/ap-airflow:${V}-onbuild",
        "quay.io/astronomer/ap-airflow:${V:-2.2.3}",
        "$R:$V",
        "${V}",
        "quay.io/astronomer/ap-airflow:2.2.3",
        "python:$V",
    ]
)
readers = st.lists(
    st.sampled_from(
        ["ARG V", "ARG V\nRUN pip install apache-airflow==${V}", "RUN echo $VV", "# ${V}", "LABEL a=$V", "ARG OTHER V"]
    ),
    max_size=2,
)


@given(argument_lines, references, readers, st.sampled_from(CERTIFIED), releases, line_ends)
def test_an_argument_never_gives_its_readers_a_runtime_number(  # noqa: PLR0917 - hypothesis hands them in
    argument: str, reference: str, reading: list[str], number: str, release: ReleaseId, end: str
) -> None:
    """If other instructions read the ARG, a migration changes only the reference, or the file is refused."""
    text = "\n".join([argument.replace("{n}", number), f"FROM {reference}", *reading]).replace("\n", end)
    with suppress(InvalidProjectError):
        found = dockerfile.rewrite(text, release)
        after = dockerfile.parse(found)
        assert after.release == release
        assert dockerfile.rewrite(found, release) == found
        before_lines, after_lines = text.split("\n"), found.split("\n")
        changed = [n for n, (a, b) in enumerate(zip(before_lines, after_lines, strict=True), start=1) if a != b]
        assert all(line.startswith(("ARG", "FROM")) for line in (after_lines[n - 1] for n in changed))
        read = any(line.startswith(("ARG V", "ARG OTHER V", "LABEL")) for line in reading)
        if read and release.distribution is Distribution.RUNTIME:
            assert changed == [after.number]

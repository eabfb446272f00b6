"""Dockerfiles in all shapes of Astro projects, rewritten for another release: the changed bytes, or the refusal.

A row has the file, the target, and either the replaced and the new text, or a part of the refusal.
"""

from __future__ import annotations

from typing import Final

import pytest

from astro_deployment_runtime.delivery import dockerfile
from astro_deployment_runtime.errors import InvalidProjectError
from astro_deployment_runtime.planning.base_images import BaseImages
from astro_deployment_runtime.planning.versions import ReleaseId

AC: Final = "quay.io/astronomer/ap-airflow"
RUNTIME: Final = "quay.io/astronomer/astro-runtime"
AIRFLOW_3: Final = "astrocrpublic.azurecr.io/runtime"
CORP: Final = "registry.corp.example:5000/astronomer"
MIRRORS: Final = BaseImages(certified=f"{CORP}/ap-airflow", runtime=f"{CORP}/astro-runtime")

Outcome = tuple[str, str] | str

TABLE: Final[dict[str, tuple[str, str, Outcome]]] = {
    "as astro dev init writes it": (f"FROM {RUNTIME}:5.0.4\n", "Runtime 5.0.5", (":5.0.4", ":5.0.5")),
    "without a line end": (f"FROM {RUNTIME}:7.3.0", "Runtime 8.0.0", (":7.3.0", ":8.0.0")),
    "on Windows": (
        f"FROM {AC}:2.2.3-onbuild\r\n\r\nENV AIRFLOW__CORE__LOAD_EXAMPLES=False\r\n",
        "AC 2.3.0",
        (":2.2.3-onbuild", ":2.3.0-onbuild"),
    ),
    "saved by Notepad": (f"\ufeffFROM {RUNTIME}:5.0.4\r\n", "Runtime 5.0.5", (":5.0.4", ":5.0.5")),
    "of 2019": (
        "FROM astronomerinc/ap-airflow:1.10.5-9-alpine3.10-onbuild\nUSER root\nRUN apk add curl\n",
        "AC 1.10.15",
        ("astronomerinc/ap-airflow:1.10.5-9-", f"{AC}:1.10.15-"),
    ),
    "of 2020": (
        f"FROM {AC}:1.10.10-buster-onbuild\nENV AIRFLOW__WEBSERVER__RBAC=True\n",
        "AC 2.2.1",
        (":1.10.10-buster-onbuild", ":2.2.1-onbuild"),
    ),
    "with a hot-fix build": (f"FROM {AC}:2.2.5-4-onbuild\n", "AC 2.3.0", (":2.2.5-4-", ":2.3.0-")),
    "migrated": (
        f"FROM {AC}:2.3.0-onbuild\nUSER root\nRUN apt-get update\nUSER astro\n",
        "Runtime 5.0.4",
        (f"{AC}:2.3.0-onbuild", f"{RUNTIME}:5.0.4"),
    ),
    "migrated, with its own steps": (
        f"FROM {AC}:2.3.0\nCOPY requirements.txt .\nRUN pip install -r requirements.txt\nCOPY . .\n",
        "Runtime 5.0.4",
        (f"{AC}:2.3.0", f"{RUNTIME}:5.0.4-base"),
    ),
    "base with its own steps": (
        f"FROM {RUNTIME}:6.0.4-base\nUSER root\nCOPY packages.txt .\nRUN cat packages.txt | xargs apt-get install -y\n",
        "Runtime 7.0.0",
        (":6.0.4-base", ":7.0.0-base"),
    ),
    "another Python": (f"FROM {RUNTIME}:9.1.0-python-3.9\n", "Runtime 9.2.0", (":9.1.0-", ":9.2.0-")),
    "UBI, slim and base": (
        f"FROM {RUNTIME}:12.6.0-ubi9-python-3.12-slim-base\n",
        "Runtime 13.0.0",
        (":12.6.0-ubi9", ":13.0.0-ubi9"),
    ),
    "to Airflow 3": (
        f"FROM {RUNTIME}:13.1.0-base\n",
        "Runtime 3.0-4",
        (f"{RUNTIME}:13.1.0-base", f"{AIRFLOW_3}:3.0-4-base"),
    ),
    "Airflow 3": (f"FROM {AIRFLOW_3}:3.0-4\n", "Runtime 3.1-2", (":3.0-4", ":3.1-2")),
    "Airflow 3 on a Mac": (
        f"FROM --platform=linux/amd64 {AIRFLOW_3}:3.0-4-base AS base\n",
        "Runtime 3.1-2",
        (":3.0-4-base", ":3.1-2-base"),
    ),
    "dbt in a virtual environment": (
        (
            f"FROM {RUNTIME}:8.8.0\n\n# install dbt into a virtual environment\nRUN python -m venv dbt_venv && \\\n"
            "    . dbt_venv/bin/activate && pip install --no-cache-dir dbt-snowflake && deactivate\n"
        ),
        "Runtime 9.1.0",
        (":8.8.0", ":9.1.0"),
    ),
    "the vendor's own syntax": (
        (
            f"# syntax=quay.io/astronomer/airflow-extensions:v1\n\nFROM {RUNTIME}:7.2.0-base\n\n"
            "PYENV 3.8 snowpark requirements.txt\n"
        ),
        "Runtime 7.3.0",
        (":7.2.0-base", ":7.3.0-base"),
    ),
    "wheels from a builder": (
        (
            f"FROM python:3.11-slim AS builder\nRUN pip wheel -w /wheels ours\n\nFROM {RUNTIME}:9.1.0\n"
            "COPY --from=builder /wheels /wheels\n"
        ),
        "Runtime 9.2.0",
        (":9.1.0", ":9.2.0"),
    ),
    "stages that build on each other": (
        f"FROM {RUNTIME}:9.1.0-base AS Base\nRUN a\nFROM base AS tests\nRUN pytest\nFROM BASE\nCOPY . .\n",
        "Runtime 9.2.0",
        (":9.1.0-base", ":9.2.0-base"),
    ),
    "development below production": (
        f"FROM {RUNTIME}:9.1.0 AS prod\nFROM prod AS dev\nRUN pip install pytest\n",
        "Runtime 9.2.0",
        (":9.1.0", ":9.2.0"),
    ),
    "two of the vendor's": (
        f"FROM {RUNTIME}:9.1.0-base AS deps\nFROM {RUNTIME}:9.1.0\nCOPY --from=deps /x /x\n",
        "Runtime 9.2.0",
        (f"FROM {RUNTIME}:9.1.0\n", f"FROM {RUNTIME}:9.2.0\n"),
    ),
    "a secret in the build": (
        (
            f"# syntax=docker/dockerfile:1.4\nFROM {RUNTIME}:7.0.0-base\nRUN --mount=type=secret,id=pip \\\n"
            "    pip install -r <(cat /run/secrets/pip)\n"
        ),
        "Runtime 7.1.0",
        (":7.0.0-base", ":7.1.0-base"),
    ),
    "SSH in the build": (
        (
            f'FROM {RUNTIME}:5.0.4-base AS stage1\nLABEL maintainer="Astronomer <humans@astronomer.io>"\n'
            "RUN mkdir -p -m 0600 ~/.ssh\nFROM stage1 AS stage2\n"
            "RUN --mount=type=ssh pip install -r requirements.txt\nFROM stage1 AS stage3\n"
            "COPY --from=stage2 /usr/lib /usr/lib\n"
        ),
        "Runtime 5.0.5",
        (":5.0.4-base", ":5.0.5-base"),
    ),
    "files in here-documents": (
        (
            f"# syntax=docker/dockerfile:1\nFROM {RUNTIME}:7.0.0\nCOPY <<EOF <<'END' /x/\nFROM nowhere\nEOF\n"
            "RUN x\nEND\nRUN <<-EOF\n\tset -e\n\tFROM=x\n\tEOF\n"
        ),
        "Runtime 7.1.0",
        (":7.0.0", ":7.1.0"),
    ),
    "a script in a here-document": (
        f"FROM {RUNTIME}:7.0.0\nRUN <<EOF\nset -e\ncat > /x <<'IN'\nFROM y\nIN\nEOF\nENV A=1\n",
        "Runtime 7.1.0",
        (":7.0.0", ":7.1.0"),
    ),
    "a version by ARG": (
        (
            f"ARG ASTRO_RUNTIME_VERSION=7.3.0\nFROM {RUNTIME}:${{ASTRO_RUNTIME_VERSION}}-base\n"
            "ARG ASTRO_RUNTIME_VERSION\nLABEL v=$ASTRO_RUNTIME_VERSION\n"
        ),
        "Runtime 8.0.0",
        ("=7.3.0", "=8.0.0"),
    ),
    "an image by ARG": (
        f'ARG BASE_IMAGE="{RUNTIME}:7.3.0"\nFROM ${{BASE_IMAGE}}\n',
        "Runtime 8.0.0",
        (":7.3.0", ":8.0.0"),
    ),
    "an ARG with constraints": (
        (
            f"ARG AIRFLOW_VERSION=2.3.0\nFROM {AC}:${{AIRFLOW_VERSION}}-onbuild\nARG AIRFLOW_VERSION\n"
            f"RUN pip install apache-airflow[google]==${{AIRFLOW_VERSION}}\n"
        ),
        "Runtime 5.0.4",
        (f"{AC}:${{AIRFLOW_VERSION}}-onbuild", f"{RUNTIME}:5.0.4"),
    ),
    "a default in the FROM": (
        f"ARG TAG\nFROM {RUNTIME}:${{TAG:-7.3.0}}\n",
        "Runtime 8.0.0",
        ("${TAG:-7.3.0}", "8.0.0"),
    ),
    "a default in the FROM, not declared": (
        f"FROM {RUNTIME}:${{TAG:-7.3.0}}\n",
        "Runtime 8.0.0",
        ("${TAG:-7.3.0}", "8.0.0"),
    ),
    "registry and version by ARG": (
        "ARG REGISTRY=quay.io VERSION='7.3.0'\nFROM $REGISTRY/astronomer/astro-runtime:$VERSION\n",
        "Runtime 8.0.0",
        ("'7.3.0'", "'8.0.0'"),
    ),
    "declared twice": (
        f"ARG V=7.0.0\nARG V=7.3.0\nFROM {RUNTIME}:$V\n",
        "Runtime 8.0.0",
        ("V=7.3.0", "V=8.0.0"),
    ),
    "from a mirror": (f"FROM {CORP}/astro-runtime:5.0.4-base\n", "Runtime 5.0.5", (":5.0.4-", ":5.0.5-")),
    "migrated within mirrors": (
        f"FROM {CORP}/ap-airflow:2.3.0-onbuild\n",
        "Runtime 5.0.4",
        ("ap-airflow:2.3.0-onbuild", "astro-runtime:5.0.4"),
    ),
    "a comment in a continued RUN": (
        f"FROM {RUNTIME}:7.0.0\nRUN a && \\\n# FROM x\n\n  b \\\n  # it's <<EOF\n  && c\n",
        "Runtime 7.1.0",
        (":7.0.0", ":7.1.0"),
    ),
    "backticks continue": (
        f"# escape=`\r\nFROM `\r\n  {RUNTIME}:7.0.0\r\nRUN dir C:\\\r\nENV A=1\r\n",
        "Runtime 7.1.0",
        (":7.0.0", ":7.1.0"),
    ),
    "a key in one line": (
        f"FROM {RUNTIME}:7.0.0\nRUN echo 'it''s' && bash -c \"cat <<EOF > /x\\nFROM y\\nEOF\"\n",
        "Runtime 7.1.0",
        (":7.0.0", ":7.1.0"),
    ),
    "pinned": (f"FROM {RUNTIME}:5.0.4@sha256:{'0' * 64}\n", "Runtime 5.0.5", "pinned by its digest"),
    "pinned on a mirror": (f"FROM {CORP}/astro-runtime@sha256:{'0' * 64}\n", "Runtime 5.0.5", "pinned by its digest"),
    "latest": (f"FROM {RUNTIME}:latest\n", "Runtime 5.0.5", "whose tag 'latest' names no release"),
    "no tag at a port": (f"FROM {CORP}/astro-runtime\n", "Runtime 5.0.5", "which has no tag"),
    "a line of releases": (f"FROM {RUNTIME}:5\n", "Runtime 5.0.5", "whose tag '5' names no release"),
    "Apache's own": ("FROM apache/airflow:2.3.0\n", "Runtime 5.0.4", "none of the vendor's images"),
    "the team's own": (
        "FROM 123456789012.dkr.ecr.eu-west-1.amazonaws.com/airflow-base:1.2\n",
        "Runtime 5.0.4",
        "name its repository in astro:baseImages",
    ),
    "deployed from scratch": (
        f"FROM {RUNTIME}:5.0.4 AS a\nFROM scratch\nCOPY --from=a / /\n",
        "Runtime 5.0.5",
        "line 2 of the Dockerfile names 'scratch'",
    ),
    "quoted": (f'FROM "{RUNTIME}:5.0.4"\n', "Runtime 5.0.5", "without quotes"),
    "a comment after it": (f"FROM {RUNTIME}:5.0.4 # LTS\n", "Runtime 5.0.5", "has '#' after the image"),
    "a version from outside": (f"ARG VERSION\nFROM {RUNTIME}:$VERSION\n", "Runtime 5.0.5", "no ARG before the first"),
    "an endless here-document": (
        f"FROM {RUNTIME}:5.0.4\nRUN cat <<EOF\nhello\n EOF\n",
        "Runtime 5.0.5",
        "line 2 of the Dockerfile begins a here-document that no line 'EOF' ends",
    ),
    "a here-document in a quote": (
        f"FROM {RUNTIME}:5.0.4\nRUN bash -c 'cat <<EOF\nFROM x\nEOF'\n",
        "Runtime 5.0.5",
        "line 2 of the Dockerfile has '<<'",
    ),
}


@pytest.mark.parametrize(("text", "target", "outcome"), TABLE.values(), ids=TABLE)
def test_a_dockerfile_is_rewritten_or_refused(text: str, target: str, outcome: Outcome) -> None:
    """One place changes and the file names the new release, or nothing changes and the refusal has the reason."""
    release = ReleaseId.parse(target)
    if isinstance(outcome, str):
        with pytest.raises(InvalidProjectError) as refused:
            dockerfile.rewrite(text, release, MIRRORS)
        assert outcome in str(refused.value)
        assert "of the Dockerfile" in str(refused.value)
        return
    before, after = outcome
    assert text.count(before) == 1
    images = MIRRORS if CORP in text else BaseImages()
    found = dockerfile.rewrite(text, release, images)
    assert found == text.replace(before, after)
    assert dockerfile.parse(found, images).release == release
    assert dockerfile.rewrite(found, release, images) == found

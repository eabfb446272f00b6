"""Reports of recorded previews, byte for byte; tests/e2e/test_report.py records them."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import Final
from xml.etree import ElementTree as ET

import jsonschema
import pytest

from astro_deployment_runtime.cli.main import main
from astro_deployment_runtime.reports.preview import Status

_FOLDER: Final = Path(__file__).parent / "previews"
_KEPT: Final = sorted(path for path in _FOLDER.glob("*.json") if not path.name.endswith(".report.json"))
_SUFFIXES: Final = {"markdown": "md", "json": "report.json", "junit": "xml"}
_PAGE: Final = Path(__file__).parents[2] / "docs" / "pull-requests.md"
_SCHEMAS: Final = Path(__file__).parents[2] / "provider" / "astro_deployment_runtime" / "reports" / "schemas"


@pytest.mark.parametrize("form", _SUFFIXES)
@pytest.mark.parametrize("path", _KEPT, ids=lambda path: path.stem)
def test_a_kept_preview_gives_the_report_beside_it(
    path: Path, form: str, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    """In each format; ``REGENERATE=1`` writes it again."""
    assert main(["report", str(path), "--format", form]) == 0
    report = capfdbinary.readouterr().out
    kept = path.with_suffix(f".{_SUFFIXES[form]}")
    if os.environ.get("REGENERATE"):
        kept.write_bytes(report)
    assert report == kept.read_bytes()


def test_the_schema_is_one() -> None:
    """By the draft that it names."""
    schema = json.loads((_SCHEMAS / "preview-1.json").read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator.check_schema(schema)


@pytest.mark.parametrize("path", _KEPT, ids=lambda path: path.stem)
def test_the_json_is_by_the_schema(path: Path) -> None:
    """It has every required key of the schema, and no other keys."""
    schema = json.loads((_SCHEMAS / "preview-1.json").read_text(encoding="utf-8"))
    report = json.loads(path.with_suffix(".report.json").read_text(encoding="utf-8"))
    jsonschema.validate(report, schema)
    assert list(report) == list(schema["properties"])
    deployment = schema["$defs"]["deployment"]["properties"]
    assert all(list(row) == list(deployment) for row in report["deployments"])


@pytest.mark.parametrize("path", _KEPT, ids=lambda path: path.stem)
def test_the_counts_of_junit_are_those_of_its_cases(path: Path) -> None:
    """So that a pipeline shows as many as there are."""
    (suite,) = ET.parse(path.with_suffix(".xml")).getroot()  # noqa: S314 - our own
    found = {
        "tests": len(suite.findall("testcase")),
        "failures": len(suite.findall("testcase/failure")),
        "errors": len(suite.findall("testcase/error")),
        "skipped": len(suite.findall("testcase/skipped")),
    }
    assert {name: int(suite.attrib[name]) for name in found} == found


def test_the_page_shows_what_is_kept() -> None:
    """Every report on it, and every status."""
    page = _PAGE.read_text(encoding="utf-8")
    shown = re.findall(r"^<!-- report: (\S+) -->\n", page, re.MULTILINE)
    assert shown
    for name in shown:
        below = page.partition(f"<!-- report: {name} -->\n")[2].removeprefix("```xml\n")
        assert below.startswith((_FOLDER / name).read_text(encoding="utf-8"))
    table = page.partition("| in the comment |")[2].partition("\n\n")[0]
    assert list(dict.fromkeys(re.findall(r"\| `(\w+)` \|", table))) == list(Status)

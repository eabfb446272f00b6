"""The texts that a user reads, word for word.

``REGENERATE=1 pytest tests/golden`` writes them again; read the difference before you commit it.
"""

from __future__ import annotations

import json
import os
from datetime import date
from pathlib import Path

import pytest

from astro_deployment_runtime.catalogs import vendor_feed
from astro_deployment_runtime.cli.options import parse_current, parse_target
from astro_deployment_runtime.planning.accepted_risks import AcceptedRisks, read_denied
from astro_deployment_runtime.planning.pending_hop import Ownership
from astro_deployment_runtime.planning.plan_json import plan_json
from astro_deployment_runtime.planning.plan_messages import path_line, plan_lines, refusal_lines
from astro_deployment_runtime.planning.plan_model import Plan, Strategy
from astro_deployment_runtime.planning.plan_request import PlanRequest
from astro_deployment_runtime.planning.planner import plan
from astro_deployment_runtime.planning.platform_version import Platform
from astro_deployment_runtime.planning.versions import ReleaseId

FOLDER = Path(__file__).parent
CASES = json.loads((FOLDER / "cases.json").read_text())


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("form", ["txt", "json"])
def test_the_text_is_as_before(name: str, form: str) -> None:
    """A plan or a refusal reads as it did when somebody last looked at it."""
    case = CASES[name]
    catalog = vendor_feed.load(case.get("catalog", "published"))
    outcome = plan(
        PlanRequest(
            current=parse_current(case["from"], catalog),
            target=parse_target(case["to"]),
            catalog=catalog,
            strategy=Strategy(case.get("strategy", "certified-first")),
            accepted=AcceptedRisks.parse(case.get("accept", [])),
            denied=read_denied(case.get("deny", [])),
            today=date.fromisoformat(case["today"]) if "today" in case else None,
            platform=Platform(version=case["platform"]) if "platform" in case else None,
            pending=ReleaseId.parse(case["pending"]) if "pending" in case else None,
            pending_owner=Ownership.OURS if case.get("ours", False) else Ownership.FOREIGN,
        )
    )
    if form == "json":
        text = json.dumps(plan_json(outcome), indent=2) + "\n"
    else:
        label = {"name": case.get("name"), "release_name": case.get("release_name")}
        if isinstance(outcome, Plan):
            lines = [path_line(outcome), "", *plan_lines(outcome, **label)]
        else:
            lines = refusal_lines(outcome, **label)
        text = "\n".join(lines) + "\n"
    file = FOLDER / f"{name}.{form}"
    if os.environ.get("REGENERATE"):
        file.write_text(text)
    assert file.read_text() == text


def test_every_golden_file_has_a_case() -> None:
    """No file is left of a case that is gone."""
    files = {file.name for file in FOLDER.iterdir() if file.suffix in {".txt", ".json"}} - {"cases.json"}
    assert files == {f"{name}.{form}" for name in CASES for form in ("txt", "json")}

"""Targets other than versions, and denied warnings, on the real engine."""

from __future__ import annotations

import functools
import json
import shutil
import threading
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Final

import pytest

from tests.e2e.pulumi_project import IMAGE
from tests.e2e.sandbox_process import ROOT, deployment

if TYPE_CHECKING:
    from pathlib import Path

    from tests.e2e.conftest import MakeProject, StartSandbox
    from tests.e2e.sandbox_process import Sandbox

_GUIDE: Final = ROOT / "provider" / "astro_deployment_runtime" / "catalogs" / "guide"
_PROGRAM: Final = """
import pulumi
from astro_deployment_runtime import AstroDeploymentRuntime

made = AstroDeploymentRuntime("stars-1", release_name="stars-1", runtime_version="4.x", image={image!r})
pulumi.export("target", made.target)
"""


class QuietHandler(SimpleHTTPRequestHandler):
    """Serves a folder."""

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class names it
        """Print nothing."""


def offer(folder: Path, *gone: str) -> Path:
    """Write the guide's catalog without these releases of Runtime."""
    shutil.copytree(_GUIDE, folder, dirs_exist_ok=True)
    file = folder / "astronomer-runtime.json"
    feed = json.loads(file.read_text(encoding="utf-8"))
    feed["runtimeVersions"] = {key: row for key, row in feed["runtimeVersions"].items() if key not in gone}
    file.write_text(json.dumps(feed), encoding="utf-8")
    return folder


def publish(sandbox: Sandbox, folder: Path, *gone: str) -> None:
    """Let the platform offer another catalog from now on."""
    offer(folder, *gone)
    sandbox.stop()
    sandbox.start()


@pytest.mark.parametrize("program", [None, _PROGRAM.format(image=IMAGE)], ids=["fleet", "resource alone"])
def test_a_resolved_line_is_held_when_the_offer_changes(
    platform: StartSandbox, project: MakeProject, tmp_path: Path, program: str | None
) -> None:
    """Preview shows the version; a newer one is only mentioned, until the user asks for it."""
    catalog = offer(tmp_path / "catalog", "4.2.5")
    sandbox = platform(deployment("stars-1", "2.2.5"), catalog=str(catalog))
    stack = project(sandbox)
    if program:
        stack.program(program)
    stack.declare({"releaseName": "stars-1", "runtimeVersion": "4.x", "image": IMAGE})
    first = stack.preview()
    assert "4.x resolves to Astro Runtime 4.2.4." in first.lines("stars-1")
    stack.up()
    assert stack.outputs("stars-1")["target"] == "4.2.4"
    publish(sandbox, catalog)
    moved = stack.preview("--expect-no-changes")
    told = "warning: warning newer-target: 4.x stays at Astro Runtime 4.2.4, and Astro Runtime 4.2.5 is on offer; set "
    assert moved.lines("stars-1") == [f"{told}ASTRO_RESOLVE=newest to take it"]
    stack.up("--expect-no-changes")
    stack.environment["ASTRO_RESOLVE"] = "newest"
    assert "4.x resolves to Astro Runtime 4.2.5." in stack.preview().lines("stars-1")
    stack.up()
    assert sandbox.show("stars-1")["version"] == "4.2.5"
    del stack.environment["ASTRO_RESOLVE"]
    assert stack.preview("--expect-no-changes").lines("stars-1") == []
    assert stack.outputs("stars-1")["target"] == "4.2.5"


def test_the_summary_of_a_fleet_has_the_held_versions(
    platform: StartSandbox, project: MakeProject, tmp_path: Path
) -> None:
    """The program plans with the versions of the state, also after an interrupted run."""
    catalog = offer(tmp_path / "catalog", "4.2.5")
    fleet = [deployment("stars-1", "2.2.5"), deployment("dust-2", "2.2.5")]
    sandbox = platform(*fleet, catalog=str(catalog))
    stack = project(sandbox)
    stack.declare(
        {"releaseName": "stars-1", "image": IMAGE},
        {"releaseName": "dust-2", "wait": False},
        defaults={"runtimeVersion": "4.x"},
    )
    stack.up(code=1)
    publish(sandbox, catalog)
    preview = stack.preview()
    assert "fleet: 2 Deployments, 1 hop, 1 at its target" in preview.text
    assert "1 x AC 2.2.5 > Astro Runtime 4.2.4" in preview.text
    assert "Hop 1 is already pending. This run adopts it and does not start it again." in preview.lines("dust-2")
    sandbox.deploy("dust-2", "quay.io/astronomer/astro-runtime:4.2.4")
    stack.up()
    assert {sandbox.show(name)["version"] for name in ("stars-1", "dust-2")} == {"4.2.4"}


def test_denied_warnings_are_refused_before_any_change(platform: StartSandbox, project: MakeProject) -> None:
    """For a whole fleet in its defaults; an entry that accepts it continues."""
    sandbox = platform(deployment("stars-1", "2.2.3"), deployment("dust-2", "2.2.5"))
    stack = project(sandbox)
    stack.environment["ASTRO_CATALOG"] = "published"
    stack.declare(
        {"releaseName": "stars-1"},
        {"releaseName": "dust-2", "accept": ["deprecated"]},
        defaults={"runtimeVersion": "4.2.5", "image": IMAGE, "deny": ["deprecated"]},
    )
    refused = stack.up(code=1)
    assert "1 of 2 Deployments is refused; nothing was changed." in refused.text
    assert "DENIED: deprecated: the vendor has deprecated Astro Runtime 4.2.5" in refused.text
    assert "remove deprecated from deny" in refused.text
    assert sandbox.mutations() == []
    stack.environment["ASTRO_ON_REFUSAL"] = "skip"
    up = stack.up(code=1)
    assert sandbox.show("dust-2")["version"] == "4.2.5"
    assert sandbox.show("stars-1")["version"] == "2.2.3"
    assert "warning deprecated" not in "\n".join(up.lines("dust-2"))


def test_a_catalog_comes_from_a_url_and_is_kept(platform: StartSandbox, project: MakeProject, tmp_path: Path) -> None:
    """Denied warnings depend on it; if the URL fails, a copy is used with a warning, which can be denied too."""
    served = tmp_path / "served"
    served.mkdir()
    for kind in ("certified", "runtime"):
        shutil.copy(_GUIDE.parent / "published" / f"astronomer-{kind}.json", served / f"astronomer-{kind}")
    sandbox = platform(deployment("stars-1", "2.2.5"))
    stack = project(sandbox)
    stack.environment["XDG_CACHE_HOME"] = str(tmp_path / "cache")
    handler = functools.partial(QuietHandler, directory=str(served))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever).start()
        stack.environment["ASTRO_CATALOG"] = f"http://127.0.0.1:{server.server_port}"
        entry = {"releaseName": "stars-1", "runtimeVersion": "4.2.5", "image": IMAGE}
        stack.declare(entry)
        known = "  warning deprecated: the vendor has deprecated Astro Runtime 4.2.5"
        assert known in stack.preview().lines("stars-1")
        server.shutdown()
    (copy,) = (path for path in (tmp_path / "cache" / "astro-deployment-runtime").rglob("*.json"))
    kept = json.loads(copy.read_text(encoding="utf-8"))
    copy.write_text(json.dumps(kept | {"fetched": 1_700_000_000}), encoding="utf-8")
    shown = stack.preview().lines("stars-1")
    assert known in shown
    stale = (
        f"stale-catalog: the catalog {stack.environment['ASTRO_CATALOG']} cannot be fetched, so a copy of 2023-11-14"
    )
    assert f"  warning {stale} is used" in shown
    stack.declare({**entry, "deny": ["stale-catalog"]})
    assert f"DENIED: {stale}" in stack.up(code=1).text
    assert sandbox.mutations() == []

"""``report`` on the engine's real output: each kind of fresh preview gives the golden reports.

Beside each report is the engine's output, without values that differ between machines and runs; the tests without an
engine read it. ``REGENERATE=1`` writes all of it again.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
from typing import TYPE_CHECKING, Any, Final

import yaml

from astro_deployment_runtime.cli.main import main
from tests.e2e.pulumi_project import IMAGE, PLUGIN
from tests.e2e.sandbox_process import ROOT, START_AIRFLOW, TOKEN, deployment

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    import pytest

    from tests.e2e.conftest import MakeProject, StartSandbox
    from tests.e2e.pulumi_project import Project
    from tests.e2e.sandbox_process import Sandbox

_KEPT: Final = ROOT / "tests" / "golden" / "previews"
_FORMATS: Final = {"markdown": "md", "json": "report.json", "junit": "xml"}
_OF_ONE_RUN: Final = {"sourcePosition", "stackTrace", "created", "modified", "duration"}
_DEFAULTS: Final[dict[str, Any]] = {"runtimeVersion": "5.0.4", "image": IMAGE}
_ALONE: Final = f"""
from astro_deployment_runtime import AstroDeploymentRuntime
AstroDeploymentRuntime("pend-6", release_name="pend-6", runtime_version="4.0.11", image={IMAGE!r})
"""
_UNPLANNED: Final = """
from astro_deployment_runtime import AstroDeploymentRuntime
first = AstroDeploymentRuntime("first", release_name="canary-1", runtime_version="5.0.4")
AstroDeploymentRuntime("second", release_name=first.current_version, runtime_version="5.0.4")
"""


def native(release: str, version: str, *after: str, **more: Any) -> dict[str, Any]:
    """Return a native resource as YAML declares it."""
    properties = {"releaseName": release, "runtimeVersion": version, **more}
    return {
        "type": "astro:DeploymentRuntime",
        "properties": properties,
        "options": {"dependsOn": [f"${{{name}}}" for name in after]},
    }


_NATIVE: Final = {
    "data-eng": native("canary-1", "5.0.4", image=IMAGE),
    "canaries": {
        "type": "astro:Wave",
        "properties": {
            "deployments": [{"id": "${data-eng.deploymentId}", "currentVersion": "${data-eng.currentVersion}"}],
            "soak": "30m",
        },
    },
    "pend-6": native("pend-6", "5.0.4", "canaries", image=IMAGE),
    "rest-2": native("rest-2", "5.0.4", "canaries"),
    "rest-3": native("rest-3", "5.0.4", "canaries", image=IMAGE),
}


def declare_in_yaml(stack: Project, resources: Mapping[str, Any]) -> None:
    """Replace the program by one in YAML, with native resources. The plugin of the dynamic ones stays."""
    settings = yaml.safe_load((ROOT / "Pulumi.yaml").read_text(encoding="utf-8"))
    providers = [{"name": "pulumi-python", "path": str(PLUGIN)}, {"name": "astro", "path": str(ROOT / "native")}]
    written = {
        "name": settings["name"],
        "runtime": "yaml",
        "stackConfigDir": settings["stackConfigDir"],
        "plugins": {"providers": providers},
        "resources": resources,
    }
    (stack.folder / "Pulumi.yaml").write_text(yaml.safe_dump(written), encoding="utf-8")


def previewed(stack: Project, *words: str) -> bytes:
    """Run ``pulumi preview --json``, and return its standard output."""
    command = ["pulumi", "preview", "--json", "--non-interactive", *words]
    return subprocess.run(command, cwd=stack.folder, env=stack.environment, check=False, capture_output=True).stdout


def scenes(sandbox: Sandbox, stack: Project) -> Iterator[tuple[str, bytes]]:
    """Bring a stack into each situation in turn, and preview it."""
    known = [{"releaseName": "old-5"}, {"releaseName": "rest-3"}]
    stack.declare(*known, defaults=_DEFAULTS)
    stack.up()
    yield "nothing-to-do", previewed(stack, "--show-sames")

    sandbox.ask(START_AIRFLOW, id="ckwpend6", v="2.3.0")
    fleet: list[dict[str, Any]] = [
        {"name": "data-eng", "releaseName": "canary-1", "wave": "canaries"},
        {"releaseName": "rest-2", "image": None},
        {"releaseName": "rest-3"},
        {"releaseName": "pend-6"},
    ]
    waves = [{"name": "canaries", "soak": "30m"}, {"name": "rest", "maxParallel": 20}]
    stack.declare(*fleet, defaults=_DEFAULTS, waves=waves)
    yield "waves", previewed(stack, "--show-sames")

    lower = {"runtimeVersion": "4.0.11"}
    bad = [fleet[0] | {"wave": None}, fleet[2] | lower, {"releaseName": "none-9"}]
    stack.declare(*bad, defaults=_DEFAULTS)
    yield "refused", previewed(stack, "--show-sames")
    stack.environment["ASTRO_ON_REFUSAL"] = "skip"
    yield "skipped", previewed(stack, "--show-sames")
    yield "skipped-briefly", previewed(stack)
    del stack.environment["ASTRO_ON_REFUSAL"]

    # declare_fleet refuses before its first resource, so this program declares the resource itself.
    stack.program(_ALONE)
    yield "ended-early", previewed(stack, "--show-sames")
    stack.program((ROOT / "__main__.py").read_text(encoding="utf-8"))
    newer = {"releaseName": "rest-3", "accept": ["newer"], **lower}
    stack.declare({"name": "old-5", "releaseName": "rest-2"}, newer, defaults=_DEFAULTS)
    yield "replaced", previewed(stack, "--show-sames")
    stack.declare({"releaseName": "rest-3"})
    yield "mistaken", previewed(stack, "--show-sames")
    stack.declare({"name": "a|b <b>`c`</b> @d\n# e", "releaseName": "canary-1"}, *known, defaults=_DEFAULTS)
    yield "hostile", previewed(stack, "--show-sames")
    stack.program(_UNPLANNED)
    yield "unplanned", previewed(stack, "--show-sames")
    stack.on_the_stock_host()
    yield "stock-host", previewed(stack, "--show-sames")

    # The state has the dynamic resources of the first run: one is taken over, and the other is forgotten.
    declare_in_yaml(stack, _NATIVE)
    yield "native", previewed(stack, "--show-sames")
    declare_in_yaml(stack, {"rest-3": native("rest-3", "4.0.11")})
    yield "native-refused", previewed(stack, "--show-sames")


def kept(written: bytes, url: str) -> str:
    """Leave out values that differ between machines and runs."""

    def general(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: general(each) for key, each in value.items() if key not in _OF_ONE_RUN}
        if isinstance(value, list):
            return [general(each) for each in value]
        return value

    text = json.dumps(general(json.loads(written)), indent=1)
    text = text.replace(url.removesuffix("/v1"), "https://houston.example.com")
    return re.sub(r"(pulumi-python::default::)[0-9a-f-]+", r"\1id", text) + "\n"


def test_a_fresh_preview_gives_the_reports_that_are_kept(
    platform: StartSandbox, project: MakeProject, tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    """Every kind, byte for byte; and no report holds the token."""
    sandbox = platform(
        *(deployment(name, "2.2.3") for name in ("canary-1", "pend-6")),
        deployment("rest-2", "4.2.5"),
        *(deployment(name, "5.0.4") for name in ("rest-3", "old-5")),
    )
    stack = project(sandbox)
    fresh = tmp_path / "preview.json"
    regenerate, names = bool(os.environ.get("REGENERATE")), []
    for name, written in scenes(sandbox, stack):
        names.append(name)
        if regenerate:
            (_KEPT / f"{name}.json").write_text(kept(written, sandbox.url), encoding="utf-8")
        for form, suffix in _FORMATS.items():
            fresh.write_bytes(written)
            assert main(["report", str(fresh), "--format", form]) == 0
            report = capfdbinary.readouterr().out
            if regenerate:
                (_KEPT / f"{name}.{suffix}").write_bytes(report)
            assert report == (_KEPT / f"{name}.{suffix}").read_bytes(), name
            assert TOKEN.encode() not in report
    assert sorted({path.name.partition(".")[0] for path in _KEPT.iterdir()}) == sorted(names)

"""States of the dynamic resource, taken over by the native one: one update rewrites them and changes no Deployment.

The engine finds them by the aliases in the schema. The saved states are those of the first release.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from tests.e2e.native_project import TYPE
from tests.e2e.pulumi_project import IMAGE

if TYPE_CHECKING:
    from tests.e2e.conftest import MakeNativeProject, StartSandbox
    from tests.e2e.native_project import NativeProject
    from tests.e2e.sandbox_process import Sandbox

_STATES: Final = Path(__file__).parent / "states" / "0.1.0"
_PLATFORM: Final = "https://platform.example.com"
"""Placeholder in a saved state for the sandbox's address."""
_RUNTIME: Final = "quay.io/astronomer/astro-runtime:5.0.4"


def restored(
    platform: StartSandbox, native: MakeNativeProject, name: str, **options: str
) -> tuple[Sandbox, NativeProject]:
    """Start a platform as a saved state left it, and import the state into a YAML project."""
    saved = json.loads((_STATES / f"{name}.json").read_text(encoding="utf-8"))
    sandbox = platform(*saved["platform"], **options)
    stack = native(sandbox)
    exported = json.dumps(saved["export"]).replace(_PLATFORM, sandbox.url.removesuffix("/v1"))
    (stack.folder / "export.json").write_text(exported, encoding="utf-8")
    stack.run("stack", "import", "--file", "export.json", code=0)
    return sandbox, stack


def one(**properties: Any) -> dict[str, Any]:
    """Return a resource of a program."""
    return {"type": TYPE, "properties": properties}


def test_an_arrived_fleet_is_taken_over(platform: StartSandbox, native: MakeNativeProject) -> None:
    """A held ``4.x`` keeps its version although the platform offers a newer one, and the wave soaks once more."""
    sandbox, stack = restored(platform, native, "arrived", catalog="published")
    common = {"timeout": "90m", "deny": ["out-of-support"], "image": IMAGE}
    members = [{"id": "${stars-1.deploymentId}", "currentVersion": "${stars-1.currentVersion}"}]
    stack.write(
        {
            "resources": {
                "stars-1": one(releaseName="stars-1", runtimeVersion="5.0.4", **common),
                "canaries": {"type": "astro:Wave", "properties": {"deployments": members, "soak": "1s"}},
                "wind-3": one(deploymentId="ckwwind3", runtimeVersion="4.x", verify="houston", **common),
            }
        }
    )
    preview = stack.preview()
    assert " ~  astro:index:DeploymentRuntime stars-1 update [diff: ~provider]" in preview.text, preview.text
    assert preview.lines("stars-1") == [
        "taken over from the dynamic resource: this update rewrites the state and changes nothing on the platform"
    ]
    assert "~ 3 to update" in preview.text
    stack.up()
    assert sandbox.mutations() == []
    assert {resource["type"] for resource in stack.state()} == {"astro:index:DeploymentRuntime"}
    wind = stack.outputs("wind-3")
    assert (wind["target"], wind["currentVersion"], wind["deploymentId"]) == (
        "4.2.5",
        "Astro Runtime 4.2.5",
        "ckwwind3",
    )
    assert not {name for name in wind if "_" in name}
    stack.preview("--expect-no-changes")


def test_a_pending_hop_is_taken_over(platform: StartSandbox, native: MakeNativeProject) -> None:
    """It stays ours and does not start again."""
    sandbox, stack = restored(platform, native, "under-way")
    stack.write(
        {
            "resources": {
                "stars-1": one(releaseName="stars-1", runtimeVersion="5.0.4", wait=False),
                "map-4": one(releaseName="map-4", runtimeVersion="5.0.4"),
            }
        }
    )
    assert "Hop 1 is already pending" in stack.preview().text
    stack.up(code=1)
    assert stack.outputs("stars-1")["pending"] == "Astro Runtime 5.0.4"
    assert "__provider" not in stack.outputs("stars-1")
    sandbox.deploy("stars-1", _RUNTIME)
    stack.up()
    assert stack.outputs("stars-1")["currentVersion"] == "Astro Runtime 5.0.4"
    assert stack.outputs("stars-1").get("pending") is None
    assert [name for name in sandbox.mutations() if name != "upsertDeployment"] == []

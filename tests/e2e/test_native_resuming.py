"""Stopping, resuming and taking over a state with the native package: nothing is lost, and no hop starts twice."""

from __future__ import annotations

import signal
import time
from typing import TYPE_CHECKING

from tests.e2e.pulumi_project import IMAGE
from tests.e2e.sandbox_process import deployment

if TYPE_CHECKING:
    from tests.e2e.conftest import MakeNativeProject, StartSandbox


def test_a_time_limit_and_ctrl_c_save_the_pending_hop(platform: StartSandbox, native: MakeNativeProject) -> None:
    """``customTimeouts`` end the operation, then Ctrl-C does. The third run adopts the hop of the first one."""
    sandbox = platform(deployment("stars-1", "2.2.3"))
    stack = native(sandbox)
    stack.one({"customTimeouts": {"create": "2s"}}, image=None)
    limited = stack.up(code=1)
    assert "customTimeouts allow 2s for this operation" in "\n".join(limited.lines("data-eng"))
    assert (stack.outputs("data-eng")["pending"], stack.outputs("data-eng")["currentVersion"]) == (
        "AC 2.3.0",
        "AC 2.2.3",
    )
    stack.one(image=None, runtimeVersion="4.0.11")
    assert "cancel AC 2.3.0, then " in stack.preview().text
    stack.one(image=None)
    assert "Hop 1 is already pending. This run adopts it" in stack.preview().text
    process = stack.start("up", "--yes", "--skip-preview")
    seen = len(sandbox.requests())
    while len(sandbox.requests()) < seen + 6:  # the plan, and some looks at the Deployment
        time.sleep(0.1)
    began = time.monotonic()
    process.send_signal(signal.SIGINT)
    printed, _ = process.communicate(timeout=20)
    assert time.monotonic() - began < 15
    assert process.returncode != 0
    assert "the hop to AC 2.3.0 stays started" in printed
    assert "Traceback" not in printed
    assert stack.outputs("data-eng")["pending"] == "AC 2.3.0"
    stack.one(image=IMAGE)
    stack.up()
    assert sandbox.show("stars-1")["version"] == "5.0.4"
    assert sandbox.mutations().count("updateDeploymentAirflow") == 1
    assert stack.outputs("data-eng").get("pending") is None

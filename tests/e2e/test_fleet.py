"""A fleet on the real engine: refused as a whole, skipped, selected, and upgraded wave by wave."""

from __future__ import annotations

import os
import re
import signal
import threading
import time
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest
import yaml

from astro_deployment_runtime.execution.health_confirmation import HEALTHY_READS
from tests.e2e.pulumi_project import IMAGE
from tests.e2e.sandbox_process import ROOT, START_AIRFLOW, deployment

if TYPE_CHECKING:
    from tests.e2e.conftest import MakeProject, StartSandbox
    from tests.e2e.sandbox_process import Sandbox

_STACKS: Final = ROOT / "stacks"
_GOLDEN: Final = Path(__file__).parent / "golden" / "fleet-refused.txt"
DEFAULTS: Final = {"runtimeVersion": "5.0.4", "image": IMAGE}


def begun(sandbox: Sandbox) -> dict[str, float]:
    """Return the time of the first hop of each Deployment, by release name, in order."""
    found: dict[str, float] = {}
    for request in sandbox.requests():
        if request["fields"] == ["updateDeploymentRuntime"]:
            when = datetime.fromisoformat(request["time"]).timestamp()
            found.setdefault(request["variables"]["deploymentUuid"].removeprefix("ckw"), when)
    return found


def test_all_refusals_of_a_fleet_are_shown_at_once(platform: StartSandbox, project: MakeProject) -> None:
    """Preview and up list all three of the ten, exit with an error, and change nothing."""
    names = [f"release-{number}" for number in range(10)]
    sandbox = platform(
        *(deployment(name, "5.0.4" if name in {"release-2", "release-7"} else "2.2.3") for name in names)
    )
    stack = project(sandbox)
    targets = {"release-2": "4.2.5", "release-7": "4.0.11", "release-8": "9.9.9"}
    entries = [{"releaseName": name, "runtimeVersion": targets.get(name, "5.0.4")} for name in names]
    stack.declare(*entries, defaults={"image": IMAGE})
    sandbox.forget_requests()
    preview = stack.preview(code=1)
    assert len(sandbox.requests()) == 2
    block = preview.text.partition("Diagnostics:\n")[2].partition("    error: an unhandled")[0]
    shown = re.sub(r"^ {1,4}", "", block.partition("\n")[2], flags=re.MULTILINE).rstrip() + "\n"
    if os.environ.get("REGENERATE"):
        _GOLDEN.write_text(shown, encoding="utf-8")
    assert shown == _GOLDEN.read_text(encoding="utf-8")
    up = stack.up(code=1)
    assert all(f"Deployment {name} is refused:\n" in up.text for name in targets)
    assert sandbox.mutations() == []
    assert stack.state() == []


def test_a_targeted_deployment_is_upgraded_although_another_is_refused(
    platform: StartSandbox, project: MakeProject
) -> None:
    """The refusal says how; the others stay unchanged, and the run ends with an error for the refused one."""
    sandbox = platform(*(deployment(f"release-{number}", "4.2.5") for number in range(3)))
    stack = project(sandbox)
    entries = [{"releaseName": f"release-{number}"} for number in range(3)]
    stack.declare(*entries[:2], entries[2] | {"runtimeVersion": "4.0.11"}, defaults=DEFAULTS)
    targeted = "--target=urn:pulumi:test::astro::pulumi-python:dynamic/astro:DeploymentRuntime::release-0"
    stopped = stack.preview(targeted, code=1)
    assert "even with --target. ASTRO_ON_REFUSAL=skip lets the targets continue" in stopped.text
    stack.environment["ASTRO_ON_REFUSAL"] = "skip"
    up = stack.up(targeted, code=1)
    assert "1 of 3 Deployments was refused and left as before: release-2" in up.text
    assert [sandbox.show(f"release-{number}")["version"] for number in range(3)] == ["5.0.4", "4.2.5", "4.2.5"]
    assert len(stack.state()) == 1


def test_skipped_deployments_keep_their_last_state(platform: StartSandbox, project: MakeProject) -> None:
    """The others arrive, the run ends with an error, and the saved outputs of the refused one do not change."""
    sandbox = platform(*(deployment(f"release-{number}", "4.2.5") for number in range(4)))
    stack = project(sandbox)
    entries = [{"releaseName": f"release-{number}"} for number in range(4)]
    stack.declare(*entries[:2], defaults={**DEFAULTS, "runtimeVersion": "4.2.5"})
    stack.up()
    before = stack.outputs("release-0")
    # One refused Deployment is in the state, one is new, one does not exist.
    bad = {"runtimeVersion": "4.0.11"}
    stack.declare(entries[0] | bad, *entries[1:3], entries[3] | bad, {"releaseName": "none-9"}, defaults=DEFAULTS)
    stack.environment["ASTRO_ON_REFUSAL"] = "skip"
    preview = stack.preview(code=1)
    assert "fleet: 5 Deployments, 2 hops, 3 refused" in preview.text
    assert any("NO-REVERT: " in line for line in preview.lines("release-0"))
    up = stack.up(code=1)
    assert "3 of 5 Deployments were refused and left as before: release-0, release-3, none-9" in up.text
    assert {sandbox.show(f"release-{number}")["version"] for number in (1, 2)} == {"5.0.4"}
    assert stack.outputs("release-0") == before
    assert stack.outputs("release-3")["current_version"] == "Astro Runtime 4.2.5"
    assert stack.up(code=1).text.count("NO-REVERT") == 2
    stack.declare(*entries, defaults=DEFAULTS)
    stack.up()
    assert {sandbox.show(f"release-{number}")["version"] for number in range(4)} == {"5.0.4"}
    stack.preview("--expect-no-changes")


def test_pending_hops_of_a_fleet_are_ours_or_foreign_by_the_state(platform: StartSandbox, project: MakeProject) -> None:
    """The state decides: foreign hops off the path are refused together, our own is cancelled, and skip leaves them."""
    names = ["release-0", "release-1", "release-2"]
    sandbox = platform(*(deployment(name, "2.2.3") for name in names))
    stack = project(sandbox)
    entries = [{"releaseName": name} for name in names]
    stack.declare(*entries, defaults={"runtimeVersion": "5.0.4", "wait": False})
    stack.up("--continue-on-error", code=1)
    assert [stack.outputs(name)["pending"] for name in names] == ["AC 2.3.0"] * 3
    for name in names[:2]:
        sandbox.ask(START_AIRFLOW, id=f"ckw{name.replace('-', '')}", v="2.2.4")
    before = stack.outputs("release-0")
    stack.declare(*entries, defaults=DEFAULTS | {"runtimeVersion": "4.0.11"})
    sandbox.forget_requests()
    preview = stack.preview(code=1)
    assert "2 of 3 Deployments are refused; nothing was changed." in preview.text
    assert preview.text.count("PENDING: AC 2.2.4 is pending and not on the path; someone else started it") == 2
    assert len(sandbox.requests()) == 2
    stack.environment["ASTRO_ON_REFUSAL"] = "skip"
    assert "2 of 3 Deployments were refused and left as before: release-0, release-1" in stack.up(code=1).text
    assert sandbox.show("release-2")["version"] == "4.0.11"
    assert [sandbox.show(name)["pending"] for name in names[:2]] == ["2.2.4"] * 2
    assert stack.outputs("release-0") == before


def test_selectors_pick_from_the_platform(platform: StartSandbox, project: MakeProject) -> None:
    """By workspace, pattern, label, distribution and version, without the excluded ones."""
    sandbox = platform(
        deployment("team-a-1", "4.2.5", workspace="ckw0one"),
        deployment("team-b-2", "4.2.5", workspace="ckw0two"),
        deployment("old-3", "2.3.0", workspace="ckw0three"),
        deployment("old-4", "2.3.0", workspace="ckw0three"),
        deployment("new-5", "4.2.4", workspace="ckw0three", label="Team C, production"),
        deployment("left-6", "4.2.5", workspace="ckw0three"),
    )
    stack = project(sandbox)
    stack.declare(
        defaults=DEFAULTS,
        selectors=[
            {"workspace": "ckw0one"},
            {"releaseName": "team-b-*", "runtimeVersion": "4.2.5"},
            {"distribution": "certified"},
            {"label": "production$", "below": "4.2.5"},
        ],
        exclude=["old-4"],
    )
    sandbox.forget_requests()
    preview = stack.preview()
    assert "fleet: 4 Deployments, 3 hops, 1 at its target" in preview.text
    assert len(sandbox.requests()) == 2
    stack.up()
    assert {resource["urn"].rpartition("::")[2] for resource in stack.state()} == {
        *("team-a-1", "team-b-2", "old-3", "new-5")
    }
    assert [sandbox.show(name)["version"] for name in ("team-a-1", "old-3", "left-6")] == ["5.0.4", "5.0.4", "4.2.5"]


def test_a_wave_begins_when_the_one_before_was_healthy_long_enough(
    platform: StartSandbox, project: MakeProject
) -> None:
    """In order, with the allowed parallelism and a summary; a wave with nothing to do has no soak."""
    names = ["canary-1", "canary-2", "rest-3", "rest-4", "rest-5"]
    sandbox = platform(*(deployment(name, "4.2.5") for name in names), rollout_seconds="1")
    stack = project(sandbox)
    waves = [{"name": "canaries", "soak": "4s"}, {"name": "rest", "maxParallel": 1}]
    entries = [{"releaseName": name, **({"wave": "canaries"} if "canary" in name else {})} for name in names]
    stack.declare(*entries, defaults=DEFAULTS, waves=waves)
    preview = stack.preview()
    assert "wave 1 of 2, canaries: 2 Deployments, 2 hops; then healthy for 4s" in preview.text
    assert "wave 2 of 2, rest: 3 Deployments, 3 hops; at most 1 side by side" in preview.text
    sandbox.forget_requests()
    up = stack.up()
    times = begun(sandbox)
    assert set(list(times)[:2]) == {"canary1", "canary2"}
    assert times["rest3"] - times["canary1"] >= 5
    # One hop takes at least a second here.
    assert times["rest5"] - times["rest4"] >= 1
    assert times["rest4"] - times["rest3"] >= 1
    assert any("begins when this wave has arrived" in line for line in up.lines("canaries"))
    stack.preview("--expect-no-changes")
    stack.up("--expect-no-changes")


def test_a_failure_stops_what_has_not_begun(platform: StartSandbox, project: MakeProject) -> None:
    """In its wave and in later ones; --continue-on-error continues the wave. The next run resumes."""
    names = ["canary-1", "canary-2", "canary-3", "rest-4"]
    sandbox = platform(*(deployment(name, "4.2.5") for name in names))
    stack = project(sandbox)
    waves = [{"name": "canaries", "soak": "1s", "maxParallel": 1}, {"name": "rest"}]
    late = {"image": None, "timeout": "2s"}
    entries = [{"releaseName": name, **({"wave": "canaries"} if "canary" in name else {})} for name in names]
    stack.declare(entries[0] | late, *entries[1:], defaults=DEFAULTS, waves=waves)
    stack.up(code=1)
    assert list(begun(sandbox)) == ["canary1"]
    stack.up("--continue-on-error", code=1)
    assert list(begun(sandbox)) == ["canary1", "canary2", "canary3"]
    assert sandbox.show("canary-3")["version"] == "5.0.4"
    assert sandbox.show("rest-4")["version"] == "4.2.5"
    stack.declare(*entries, defaults=DEFAULTS, waves=waves)
    stack.up()
    assert {sandbox.show(name)["version"] for name in names} == {"5.0.4"}


def test_an_interrupted_soak_starts_over(platform: StartSandbox, project: MakeProject) -> None:
    """Ctrl-C ends the wait immediately, and the next wave waits until this one was healthy for the soak time."""
    sandbox = platform(deployment("canary-1", "4.2.5"), deployment("rest-2", "4.2.5"))
    stack = project(sandbox)
    entries = [{"releaseName": "canary-1", "wave": "canaries"}, {"releaseName": "rest-2"}]
    waves: list[dict[str, Any]] = [{"name": "canaries", "soak": "1h"}, {"name": "rest"}]
    stack.declare(*entries, defaults=DEFAULTS, waves=waves)
    process = stack.start("up", "--yes", "--skip-preview")
    assert process.stdout is not None
    assert any("waiting until this wave" in line for line in process.stdout), "the soak did not begin"
    process.send_signal(signal.SIGINT)
    printed, _ = process.communicate(timeout=20)
    assert process.returncode != 0
    assert "interrupted while the wave soaked for 1h" in printed
    waves[0]["soak"] = "3s"
    stack.declare(*entries, defaults=DEFAULTS, waves=waves)
    time_before = time.time()
    stack.up()
    assert begun(sandbox)["rest2"] - time_before >= 3
    assert sandbox.show("rest-2")["version"] == "5.0.4"
    stack.preview("--expect-no-changes")


def test_a_wave_that_had_arrived_when_the_run_was_interrupted_is_soaked(
    platform: StartSandbox, project: MakeProject
) -> None:
    """After Ctrl-C during its last health check, the next run confirms that hop and soaks before the next wave."""
    sandbox = platform(deployment("canary-1", "4.2.5"), deployment("rest-2", "4.2.5"), heartbeat_seconds="3600")
    stack = project(sandbox)
    entries = [{"releaseName": "canary-1", "wave": "canaries"}, {"releaseName": "rest-2"}]
    stack.declare(*entries, defaults=DEFAULTS, waves=[{"name": "canaries", "soak": "3s"}, {"name": "rest"}])
    process = stack.start("up", "--yes", "--skip-preview")
    while sum(request["path"].endswith("/health") for request in sandbox.requests()) <= HEALTHY_READS:
        time.sleep(0.2)
    process.send_signal(signal.SIGINT)
    printed, _ = process.communicate(timeout=20)
    assert process.returncode != 0
    assert "runs Astro Runtime 5.0.4, its Airflow is healthy" not in printed
    sandbox.beat_every("0.2")
    time_before = time.time()
    up = stack.up()
    assert "waiting until this wave has been healthy for 3s" in up.text
    assert begun(sandbox)["rest2"] - time_before >= 3
    stack.preview("--expect-no-changes")


def test_another_program_declares_a_fleet(platform: StartSandbox, project: MakeProject) -> None:
    """With arguments instead of the config."""
    sandbox = platform(deployment("stars-1", "4.2.5"))
    stack = project(sandbox)
    stack.program(
        "import pulumi\nfrom astro_deployment_runtime import declare_fleet\n"
        "(found,) = declare_fleet(selectors=[{'releaseName': 'stars-*', 'runtimeVersion': '5.0.4'}],\n"
        "    defaults={'image': 'registry.example.com/team/airflow:{distribution}-{version}'})\n"
        "pulumi.export('runs', found.current_version)\n"
    )
    assert 'runs: "Astro Runtime 5.0.4"' in stack.up().text


def deploying(sandbox: Sandbox, release: str, *images: str) -> threading.Thread:
    """Push one image after another, each as soon as a hop is pending."""

    def run() -> None:
        for image in images:
            sandbox.deploy_when_pending(release, image).join()

    thread = threading.Thread(target=run)
    thread.start()
    return thread


@pytest.mark.parametrize(
    ("name", "arrived"),
    [
        pytest.param("sandbox", ["5.0.4"] * 5, id="sandbox"),
        pytest.param("platform", ["5.0.4", "5.0.4", "4.2.5"], id="platform"),
        pytest.param("waves", [*(["5.0.4"] * 8), "2.2.3", "2.2.3"], id="waves"),
    ],
)
def test_an_example_works(platform: StartSandbox, project: MakeProject, name: str, arrived: list[str]) -> None:
    """Every stack in stacks/ with its fleet file plans, upgrades, and then finds nothing to do."""
    fleet = yaml.safe_load((_STACKS / f"{name}-fleet.yaml").read_text(encoding="utf-8"))
    sandbox = platform(*fleet)
    stack = project(sandbox)
    config = yaml.safe_load((_STACKS / f"Pulumi.{name}.yaml").read_text(encoding="utf-8"))["config"]
    for wave in config.get("astro:waves", ()):
        # A soak of half an hour is too long for a test.
        wave.update({"soak": "1s"} if "soak" in wave else {})
    (stack.folder / "stacks" / "Pulumi.test.yaml").write_text(yaml.safe_dump({"config": config}), encoding="utf-8")
    stack.preview()
    if name == "sandbox":
        bases = ("ap-airflow:2.3.0-onbuild", "astro-runtime:5.0.4")
        helper = deploying(sandbox, "lunar-tides-3456", *(f"quay.io/astronomer/{base}" for base in bases))
        stack.up()
        helper.join()
    else:
        stack.up()
    assert [sandbox.show(each["releaseName"])["version"] for each in fleet] == arrived
    stack.preview("--expect-no-changes")


def test_every_stack_is_an_example() -> None:
    """Each has a fleet file."""
    assert sorted(path.name for path in _STACKS.iterdir()) == [
        *("Pulumi.platform.yaml", "Pulumi.sandbox.yaml", "Pulumi.waves.yaml"),
        *("platform-fleet.yaml", "sandbox-fleet.yaml", "waves-fleet.yaml"),
    ]

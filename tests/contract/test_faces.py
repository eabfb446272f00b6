"""The same scenarios through both faces: the same plans, refusals, mutations and outputs, names apart."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pprint import pformat
from typing import TYPE_CHECKING, Any, Final

import pytest

from astro_deployment_runtime.planning.versions import ReleaseId
from astro_deployment_runtime.plugin.properties import UNKNOWN
from tests.contract import sandbox_server
from tests.contract.faces import DynamicStack, Event, NativeStack, Stack, forget_secrets, secret
from tests.contract.in_process_engine import IMAGE
from tests.contract.sandbox_server import STARS, VIEWER, WIND
from tests.contract.test_runs import row
from tests.quick_retries import quick_retries

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.contract.sandbox_server import Served


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name in ("ASTRO_HOUSTON_URL", "ASTRO_HOUSTON_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    with quick_retries():
        yield
    forget_secrets()


def preview(**declared: Any) -> Callable[[Stack], object]:
    """Preview a declaration."""
    return lambda stack: stack.preview(**declared)


def up(interrupt_at: str = "", **declared: Any) -> Callable[[Stack], object]:
    """Preview a declaration and run it."""
    return lambda stack: stack.up(interrupt_at, **declared)


def start(release: str) -> Callable[[Stack], object]:
    """Start a hop, as somebody in the Software UI does."""
    return lambda stack: stack.platform.client.start(stack.platform.client.observe(STARS)[0], ReleaseId.parse(release))


def deploy(release: str) -> Callable[[Stack], object]:
    """Deploy the image of a hop, as somebody in a pipeline does."""

    def deliver(stack: Stack) -> None:
        client, parsed = stack.platform.client, ReleaseId.parse(release)
        image = IMAGE.format(distribution=parsed.distribution.value, version=parsed.version)
        client.deliver(client.observe(STARS)[0], image, parsed)

    return deliver


def refresh(stack: Stack) -> object:
    """Read the resource."""
    return stack.refresh()


def destroy(stack: Stack) -> object:
    """Delete the resource."""
    return stack.destroy()


@dataclass(frozen=True, kw_only=True)
class Scenario:
    """A sequence of operations on a stack."""

    runs: str
    """Version of the Deployment at the start."""
    steps: tuple[Callable[[Stack], object], ...]
    catalog: str = "guide"
    token: str = sandbox_server.TOKEN
    problem: str = ""
    """Text that the last problem or refusal has; empty: there is none."""


SCENARIOS: Final = {
    "the guide's migration, and nothing to do": Scenario(
        runs="2.2.3", steps=(up(runtime_version="5.0.4"), up(runtime_version="5.0.4"))
    ),
    "adopted at the target": Scenario(runs="5.0.4", steps=(up(runtime_version="5.0.4"), up(runtime_version="5.0.4"))),
    "by its id": Scenario(runs="2.3.0", steps=(up(release_name=None, deployment_id=STARS, runtime_version="5.0.4"),)),
    "the newest release of a line is held": Scenario(
        runs="4.2.5", steps=(up(runtime_version="5.x"), up(runtime_version="5.x"), up(runtime_version="5.0.4"))
    ),
    "fewest hops": Scenario(runs="2.2.3", steps=(up(runtime_version="5.0.4", strategy="fewest-hops"),)),
    "a downgrade": Scenario(runs="5.0.4", steps=(up(runtime_version="4.2.5"),), problem="NO-REVERT"),
    "not on offer": Scenario(runs="2.2.3", steps=(up(runtime_version="9.9.9"),), problem="OFFERED"),
    "yanked": Scenario(runs="2.2.3", catalog="published", steps=(up(runtime_version="9.6.0"),), problem="YANKED"),
    "mistakes in the arguments": Scenario(
        runs="2.2.3", steps=(up(runtime_version="5.0.4", timeout="soon", strategy="quick"),), problem="quick"
    ),
    "no such Deployment": Scenario(
        runs="2.2.3", steps=(up(release_name="starz-1", runtime_version="5.0.4"),), problem="starz-1"
    ),
    "a mistyped target is taken back": Scenario(
        runs="4.2.5",
        steps=(up(runtime_version="4.2.5"), up(runtime_version="4.2.4"), up(runtime_version="4.2.5")),
    ),
    "a token that may only read": Scenario(
        runs="2.3.0", token=VIEWER, steps=(up(runtime_version="5.0.4"),), problem="Deployment Editor"
    ),
    "a wrong token": Scenario(runs="2.3.0", token="wrong", steps=(up(runtime_version="5.0.4"),), problem="token"),
    "somebody else deploys": Scenario(
        runs="2.3.0",
        steps=(
            up(runtime_version="5.0.4", image=None, wait=False),
            up(runtime_version="5.0.4", image=None, wait=False),
            refresh,
            deploy("Astro Runtime 5.0.4"),
            up(runtime_version="5.0.4", image=None),
            up(runtime_version="5.0.4", image=None),
        ),
    ),
    "a hop of ours is cancelled": Scenario(
        runs="2.2.3",
        steps=(
            up(runtime_version="5.0.4", image=None, wait=False),
            preview(runtime_version="equivalent"),
            up(runtime_version="equivalent"),
        ),
    ),
    "a foreign hop at the target": Scenario(
        runs="4.2.5",
        steps=(up(runtime_version="4.2.5"), start("Astro Runtime 5.0.4"), refresh, up(runtime_version="4.2.5")),
    ),
    "a foreign hop off the path": Scenario(
        runs="4.0.11",
        steps=(up(runtime_version="4.0.11"), start("Astro Runtime 4.2.5"), up(runtime_version="5.0.4")),
        problem="PENDING",
    ),
    "a foreign hop of a new resource": Scenario(
        runs="2.2.3", steps=(start("AC 2.2.4"), up(runtime_version="5.0.4")), problem="PENDING"
    ),
    "a foreign hop whose cancelling is accepted": Scenario(
        runs="2.2.3", steps=(start("AC 2.2.4"), up(runtime_version="5.0.4", accept=["cancel-pending"]))
    ),
    "an interrupted run is resumed": Scenario(
        runs="2.2.3", steps=(up("hop 2/2", runtime_version="5.0.4"), up(runtime_version="5.0.4"))
    ),
    "unknown arguments": Scenario(
        runs="2.2.3",
        steps=(
            preview(runtime_version="5.0.4", image=UNKNOWN),
            preview(runtime_version=UNKNOWN),
            preview(release_name=UNKNOWN, runtime_version="5.0.4"),
            preview(runtime_version="5.0.4", strategy=UNKNOWN),
            preview(runtime_version="5.0.4", accept=["newer", UNKNOWN]),
            preview(runtime_version="5.0.4", project={"path": UNKNOWN}, image=None),
        ),
    ),
    "unknown arguments of a saved resource": Scenario(
        runs="2.3.0",
        steps=(
            up(runtime_version="5.0.4"),
            preview(runtime_version="5.0.4", image=UNKNOWN),
            preview(runtime_version=UNKNOWN),
        ),
    ),
    "a secret image": Scenario(
        runs="2.3.0",
        steps=(
            up(runtime_version="5.0.4", image=secret(IMAGE.replace("team", "hidden"))),
            up(runtime_version="5.0.4", image=IMAGE.replace("team", "hidden")),
        ),
    ),
    "an image that becomes a secret": Scenario(
        runs="2.3.0",
        steps=(up(runtime_version="5.0.4"), up(runtime_version="5.0.4", image=secret(IMAGE)), refresh),
    ),
    "a secret release name": Scenario(
        runs="2.3.0",
        steps=(up(release_name=secret("stars-1"), runtime_version="5.0.4"),),
        problem="release_name is a secret",
    ),
    "another Deployment": Scenario(
        runs="2.3.0",
        steps=(up(runtime_version="5.0.4"), preview(release_name="wind-3", runtime_version="5.0.4")),
        problem="deployment_id",
    ),
    "a refresh and a destroy": Scenario(
        runs="2.3.0",
        steps=(
            up(runtime_version="5.0.4"),
            start("Astro Runtime 5.0.5"),
            refresh,
            destroy,
        ),
        catalog="published",
    ),
}


def world(scenario: Scenario, folder: Path) -> Any:
    """Start a platform for a scenario. Another Deployment beside the one of the stack stays as it is."""
    folder.mkdir()
    wind = row("4.2.5") | {"id": WIND, "releaseName": "wind-3"}
    return sandbox_server.serving(folder, rows=[row(scenario.runs), wind], catalog=scenario.catalog)


def walked(kind: type[Stack], scenario: Scenario, platform: Served) -> Stack:
    """Take a stack through a scenario."""
    stack = kind(platform, catalog=scenario.catalog, token=scenario.token)
    for step in scenario.steps:
        step(stack)
    return stack


@pytest.mark.slow
@pytest.mark.parametrize("scenario", SCENARIOS.values(), ids=SCENARIOS)
def test_both_faces_do_the_same(scenario: Scenario, tmp_path: Path) -> None:
    """Lines, refusals, mutations and outputs agree at every step, and a preview sends no mutation."""
    with world(scenario, tmp_path / "dynamic") as platform:
        expected = walked(DynamicStack, scenario, platform)
    with world(scenario, tmp_path / "native") as platform:
        found = walked(NativeStack, scenario, platform)
    roots = [(stack.platform.url.removesuffix("/v1"), "ROOT") for stack in (expected, found)]
    shown = [
        [_without(event, root) for event in stack.events] for stack, root in zip((expected, found), roots, strict=True)
    ]
    assert "\n".join(shown[1]) == "\n".join(shown[0])
    told = [*(event.problem or "" for event in found.events), *(str(event.refusals) for event in found.events)]
    assert scenario.problem in "\n".join(told)
    assert sandbox_server.TOKEN not in repr(found.events)
    assert "hidden" not in repr([event.lines for event in found.events])


def _without(event: Event, root: tuple[str, str]) -> str:
    """Return an event as text, without the address of its sandbox."""
    return pformat({**asdict(event), "secrets": sorted(event.secrets)}, width=200).replace(*root)


def test_preview_shows_the_end_that_the_run_reaches(tmp_path: Path) -> None:
    """Outputs that other resources use are known in a preview, as far as the plan tells them."""
    with world(Scenario(runs="2.2.3", steps=()), tmp_path / "native") as platform:
        stack = NativeStack(platform)
        stack.preview(runtime_version="5.0.4")
        planned = stack.planned
        saved = stack.up(runtime_version="5.0.4").outputs
        assert saved is not None
        unknown = {name for name, value in planned.items() if value is UNKNOWN}
        assert unknown == {"airflow_version", "airflow_url"}
        assert {name: value for name, value in saved.items() if name not in unknown} == {
            name: value for name, value in planned.items() if name not in unknown
        }


@pytest.mark.parametrize("kind", [DynamicStack, NativeStack])
def test_refresh_after_a_run_shows_no_change(kind: type[Stack], tmp_path: Path) -> None:
    """The plan of the last run is done."""
    with world(Scenario(runs="2.3.0", steps=(), catalog="published"), tmp_path / "one") as platform:
        stack = kind(platform, catalog="published")
        assert stack.up(runtime_version="5.0.0").outputs
        assert stack.refresh().changes is False


TAKEN_OVER: Final = {
    "arrived": (up(runtime_version="5.0.4"),),
    "held at a line": (up(runtime_version="5.x"),),
    "with a hop of ours pending": (up(runtime_version="5.0.4", image=None, wait=False),),
}


@pytest.mark.slow
@pytest.mark.parametrize("steps", TAKEN_OVER.values(), ids=TAKEN_OVER)
def test_state_of_the_dynamic_resource_is_taken_over(
    steps: tuple[Callable[[Stack], object], ...], tmp_path: Path
) -> None:
    """One update rewrites it and keeps ``pending`` and ``target``; then both faces agree again."""
    with world(Scenario(runs="2.2.3", steps=()), tmp_path / "both") as platform:
        old = walked(DynamicStack, Scenario(runs="2.2.3", steps=steps), platform)
        last = old.events[-1].outputs
        assert last is not None
        declared = {"runtime_version": last["runtime_version"]} | (
            {"image": None, "wait": False} if last.get("pending") else {}
        )
        expected = old.preview(**declared)
        new = NativeStack(platform)
        new.take_over(old)
        found = new.preview(**declared)
        why = [] if expected.changes else ["taken over from the dynamic resource: this update rewrites the state"]
        assert (found.changes, found.refusals) == (True, expected.refusals)
        assert [line.partition(" and changes")[0] for line in found.lines] == [*expected.lines, *why]
        assert set(new.details) <= {"path"}
        moved = new.up(**declared)
        assert moved.outputs is not None
        assert new.state is not None
        assert "__provider" not in new.state.outputs
        assert "runtimeVersion" in new.state.outputs
        assert moved.outputs.get("target") == last.get("target")
        if last.get("pending"):
            assert moved.outputs["pending"] == last["pending"]
            assert moved.mutations == []
        else:
            assert new.preview(**declared).changes is False
            assert moved.outputs["current_version"] == "Astro Runtime 5.0.4"

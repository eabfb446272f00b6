"""Random walks: declarations, runs, crashes, lost answers, people, yanks, withdrawn releases and other platforms.

After each walk: no request broke a rule (:meth:`~tests.random_walks.simulated_engine.SimulatedEngine.check_mutation`)
and every saved state was observed. Once all disturbances end, one more run reaches the target or says why it cannot.
"""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING, Any, ClassVar, Final

import pytest
from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from sandbox import catalog as offers
from sandbox.errors import RefusedError
from sandbox.image_labels import Labels
from sandbox.platform_quirks import Quirks
from sandbox.platform_version import Generation
from tests.quick_retries import quick_retries
from tests.random_walks.simulated_engine import (
    CERTIFIED,
    PLATFORMS,
    RUNTIME,
    Fault,
    Result,
    SimulatedEngine,
    write_catalog,
)
from tests.simulation import ID, RELEASE
from tests.soak_measurements import note

if TYPE_CHECKING:
    from pathlib import Path

STEPS: Final = 30
PHASES: Final = (Phase.generate,)
"""No shrinking: it would take many times as long as the walks."""
RUNS: Final = 15
SOAKED_PARTS: Final = 10
SOAKED_RUNS: Final = 200
_LASTING: Final = re.compile(r"^  (NO-REVERT|MIGRATE-EQUAL|PENDING): ", re.MULTILINE)
ANY: Final = (*CERTIFIED, *RUNTIME)
_starts = st.sampled_from(("2.2.3", "2.2.5", "2.3.0", "4.2.5", "5.0.4"))
_far = st.sampled_from(("5.4.0", "6.10.0", "7.6.0", "8.8.0"))
_versions = st.sampled_from(ANY)


class RandomWalk(RuleBasedStateMachine):
    """One Deployment and everything that can happen to it."""

    catalog: ClassVar[Path]
    counts: ClassVar[Counter[str]]

    def __init__(self) -> None:
        super().__init__()
        self.engine = SimulatedEngine(self.catalog)
        self.declared: dict[str, Any] = {"runtime_version": "5.0.4"}
        self.delivers = True
        self.last: Result | None = None
        self.idle = False
        """Whether the last run had nothing to do or was refused."""
        self.counts["runs"] += 1

    @initialize(version=_starts)
    def begin(self, version: str) -> None:
        """Start with a Deployment on some version."""
        self.engine.add_deployment(version)

    @rule(
        wanted=st.sampled_from((*RUNTIME, "equivalent")),
        delivers=st.booleans(),
        wait=st.booleans(),
        accept=st.sets(st.sampled_from(("newer", "cancel-pending"))),
    )
    def declare(self, wanted: str, delivers: bool, wait: bool, accept: set[str]) -> None:
        """Declare another target."""
        self.declared = {"runtime_version": wanted, "wait": wait, "accept": sorted(accept)}
        self.delivers = delivers

    def up(self, **more: Any) -> Result:
        """Run `pulumi up`, and count its result."""
        image = {"image": "registry.example.com/team/airflow:{distribution}-{version}"} if self.delivers else {}
        before = self.engine.faults_hit
        self.last = self.engine.up(**self.declared, **image, **more)
        self.idle = self.last.kind in {"nothing", "refused"}
        self.counts["ups"] += 1
        self.counts[self.last.kind] += 1
        self.counts["struck"] += self.engine.faults_hit - before
        if self.last.kind in {"refused", "stopped", "failed"}:
            assert self.last.reason, "a run failed without a reason"
        return self.last

    @rule()
    def up_undisturbed(self) -> None:
        """Run without a disturbance."""
        self.up()

    def begin_again(self, version: str, wanted: str) -> None:
        """If there is nothing to do, continue with another Deployment that the stack does not know."""
        if not self.idle:
            return
        self.engine.add_deployment(version)
        self.engine.saved, self.engine.unfinished, self.idle = None, False, False
        self.engine.requested.clear()
        self.declared["runtime_version"] = wanted

    @rule(at=st.integers(1, 40), acted=st.booleans(), kills=st.booleans(), version=_starts, wanted=_far)
    def up_with_a_fault(self, at: int, acted: bool, kills: bool, version: str, wanted: str) -> None:
        """Run with a plugin crash or a lost answer at a request. A shorter run leaves the fault to the next."""
        self.begin_again(version, wanted)
        self.engine.fault = Fault(at=at, acted=acted, kills=kills)
        self.up()

    @rule(seconds=st.floats(0, 30), version=_starts, wanted=_far)
    def up_interrupted(self, seconds: float, version: str, wanted: str) -> None:
        """Run until the user stops it."""
        self.begin_again(version, wanted)
        self.engine.clock.cancel_at = self.engine.clock.time + seconds
        self.up()

    @rule(
        seconds=st.floats(0, 30), version=_versions, action=st.sampled_from(("push", "push pending", "start", "cancel"))
    )
    def up_with_another_user(self, seconds: float, version: str, action: str) -> None:
        """Run while another user acts."""
        actions = {
            "push": lambda: self.push(version),
            "push pending": lambda: self.push(self.engine.deployment().pending or version),
            "start": lambda: self.start(version),
            "cancel": self.other_user_cancels,
        }
        self.engine.clock.at(seconds, actions[action])
        self.up()
        self.engine.clock.events.clear()

    def push(self, version: str) -> None:
        """Push an image as another user."""
        self.engine.sandbox.deploy(RELEASE, self.engine.image(version), Labels())

    def start(self, version: str) -> None:
        """Start an upward hop as another user. Nobody else is expected to downgrade."""
        platform, now = self.engine.sandbox.platform, self.engine.deployment()
        if not self.engine._is_higher(version, now):
            return
        try:
            self.engine.sandbox.change(
                ID,
                lambda each: (
                    platform.start_runtime(each, version)
                    if version in RUNTIME
                    else platform.start_airflow(each, version)
                ),
            )
        except RefusedError:
            return

    @precondition(lambda self: self.engine.deployment().pending)
    @rule()
    def deploy_pending_image(self) -> None:
        """Deploy the image of the pending hop as another user."""
        self.push(self.engine.deployment().pending)

    @rule(version=_versions)
    def deploy_any_image(self, version: str) -> None:
        """Deploy an image as another user."""
        self.push(version)

    @rule(version=_versions)
    def other_user_starts(self, version: str) -> None:
        """Start a hop in the UI as another user."""
        self.start(version)

    @rule()
    def other_user_cancels(self) -> None:
        """Cancel a hop in the UI as another user."""
        self.engine.sandbox.change(ID, self.engine.sandbox.platform.cancel)

    @rule(version=_versions)
    def other_user_upgrades(self, version: str) -> None:
        """Start and deploy a hop as another user."""
        self.start(version)
        if self.engine.deployment().pending == version:
            self.push(version)

    @rule(versions=st.sets(st.sampled_from(tuple(RUNTIME)), max_size=2))
    def yank(self, versions: set[str]) -> None:
        """Yank these releases, and no others."""
        self.engine.yanked = frozenset(versions)

    @rule(versions=st.sets(_versions, max_size=3))
    def withdraw(self, versions: set[str]) -> None:
        """Withdraw these releases from the platform's offer, and no others."""
        whole = offers.load(str(self.catalog))
        self.engine.change_platform(
            catalog=offers.Catalog(
                certified=tuple(each for each in whole.certified if each.version not in versions),
                runtime=tuple(each for each in whole.runtime if each.version not in versions),
            )
        )

    @rule(version=st.sampled_from(PLATFORMS))
    def platform_upgraded(self, version: str) -> None:
        """Change the platform's version, among those whose upgrades have two phases."""
        self.engine.change_platform(generation=Generation.of(version))

    @rule(
        reverts=st.sampled_from((None, None, 0.5, 2.0, 8.0, 20.0)),
        clears=st.sampled_from((0.0, 2.0, 6.0)),
        keeps=st.booleans(),
    )
    def platform_changes_its_behaviour(self, reverts: float | None, clears: float, keeps: bool) -> None:
        """Revert hops, clear the desired version early, keep the old Airflow version, or behave normally."""
        self.engine.change_platform(quirks=Quirks(reverts_after=reverts, clears_desired=clears, keeps_airflow=keeps))

    @rule(seconds=st.floats(1, 100))
    def time_passes(self, seconds: float) -> None:
        """Let time pass."""
        self.engine.clock.wait(seconds)

    @invariant()
    def finished_run_is_at_its_target(self) -> None:
        """A finished run is at its target, or at a newer release if that is accepted."""
        last, self.last = self.last, None
        if last is None or last.kind not in {"done", "nothing"}:
            return
        now, target = self.engine.deployment(), self.declared["runtime_version"]
        if target == "equivalent":
            assert now.on_runtime
        elif now.version != target:
            assert "newer" in self.declared["accept"]
            assert now.on_runtime

    def teardown(self) -> None:
        """End the walk with one run that nothing disturbs."""
        try:
            if self.engine.sandbox.store.deployments():
                self.end()
        finally:
            self.engine.close()

    def end(self) -> None:
        """Remove all disturbances: one more run arrives, has nothing to do or is refused, and the next run agrees."""
        self.yank(set())
        self.withdraw(set())
        self.platform_upgraded("0.30.4")
        self.platform_changes_its_behaviour(None, 0.0, keeps=False)
        self.engine.clock.wait(100)
        self.delivers, self.declared["wait"], self.engine.fault = True, True, None
        first = self.up()
        self.finished_run_is_at_its_target()
        assert first.kind in {"done", "nothing"} or _is_refusal(first), first
        again = self.up()
        assert again.kind == ("nothing" if first.kind == "done" else first.kind), (first, again)
        self.counts["ended: " + ("refused" if _is_refusal(again) else "at the target")] += 1


def _is_refusal(result: Result) -> bool:
    """Return whether a run ended with a refusal that stays without disturbances."""
    return result.kind in {"refused", "failed"} and _LASTING.search(result.reason) is not None


def run(number: int, runs: int, folder: Path) -> Counter[str]:
    """Run that many walks, and return the counts."""

    class Numbered(RandomWalk):
        catalog: ClassVar = write_catalog(folder / "catalog")
        counts: ClassVar = Counter()

    chosen = settings(
        max_examples=runs,
        stateful_step_count=STEPS,
        deadline=None,
        database=None,
        print_blob=False,
        phases=PHASES,
        suppress_health_check=list(HealthCheck),
    )
    with quick_retries(2):
        run_state_machine_as_test(seed(number)(Numbered), settings=chosen, _min_steps=STEPS)
    return Numbered.counts


def test_random_walks_keep_every_rule(tmp_path: Path) -> None:
    """A few short walks."""
    counts = run(0, RUNS, tmp_path)
    assert counts["runs"] >= RUNS


@pytest.mark.soak
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("part", range(SOAKED_PARTS))
def test_two_thousand_random_walks_keep_every_rule(part: int, tmp_path: Path) -> None:
    """Two thousand walks in all, with a different seed in each part."""
    counts = run(part + 1, SOAKED_RUNS, tmp_path)
    note("machine", counts)
    assert counts["runs"] >= SOAKED_RUNS

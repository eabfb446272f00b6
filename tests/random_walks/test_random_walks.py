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
"""A failing walk is told as it was: to shorten it takes many times as long as to find it."""
RUNS: Final = 15
SOAKED_PARTS: Final = 10
SOAKED_RUNS: Final = 200
_LASTING: Final = re.compile(r"^  (NO-REVERT|MIGRATE-EQUAL|PENDING): ", re.MULTILINE)
ANY: Final = (*CERTIFIED, *RUNTIME)
_starts = st.sampled_from(("2.2.3", "2.2.5", "2.3.0", "4.2.5", "5.0.4"))
_far = st.sampled_from(("5.4.0", "6.10.0", "7.6.0", "8.8.0"))
_versions = st.sampled_from(ANY)


class RandomWalk(RuleBasedStateMachine):
    """One Deployment and everybody who has to do with it."""

    catalog: ClassVar[Path]
    counts: ClassVar[Counter[str]]

    def __init__(self) -> None:
        super().__init__()
        self.engine = SimulatedEngine(self.catalog)
        self.declared: dict[str, Any] = {"runtime_version": "5.0.4"}
        self.delivers = True
        self.last: Result | None = None
        self.idle = False
        """There was nothing to do."""
        self.counts["runs"] += 1

    @initialize(version=_starts)
    def begin(self, version: str) -> None:
        """Some version runs."""
        self.engine.add_deployment(version)

    @rule(
        wanted=st.sampled_from((*RUNTIME, "equivalent")),
        delivers=st.booleans(),
        wait=st.booleans(),
        accept=st.sets(st.sampled_from(("newer", "cancel-pending"))),
    )
    def declare(self, wanted: str, delivers: bool, wait: bool, accept: set[str]) -> None:
        """Another declaration."""
        self.declared = {"runtime_version": wanted, "wait": wait, "accept": sorted(accept)}
        self.delivers = delivers

    def up(self, **more: Any) -> Result:
        """Run, and count."""
        image = {"image": "registry.example.com/team/airflow:{distribution}-{version}"} if self.delivers else {}
        before = self.engine.faults_hit
        self.last = self.engine.up(**self.declared, **image, **more)
        self.idle = self.last.kind in {"nothing", "refused"}
        self.counts["ups"] += 1
        self.counts[self.last.kind] += 1
        self.counts["struck"] += self.engine.faults_hit - before
        if self.last.kind in {"refused", "stopped", "failed"}:
            assert self.last.reason, "no reason is told"
        return self.last

    @rule()
    def up_undisturbed(self) -> None:
        """A run."""
        self.up()

    def begin_again(self, version: str, wanted: str) -> None:
        """Where there is nothing to do: another Deployment, of which the stack knows nothing."""
        if not self.idle:
            return
        self.engine.add_deployment(version)
        self.engine.saved, self.engine.unfinished, self.idle = None, False, False
        self.engine.requested.clear()
        self.declared["runtime_version"] = wanted

    @rule(at=st.integers(1, 40), acted=st.booleans(), kills=st.booleans(), version=_starts, wanted=_far)
    def up_struck(self, at: int, acted: bool, kills: bool, version: str, wanted: str) -> None:
        """A run whose plugin dies at a request, or that loses its answer; else the next run that comes so far."""
        self.begin_again(version, wanted)
        self.engine.fault = Fault(at=at, acted=acted, kills=kills)
        self.up()

    @rule(seconds=st.floats(0, 30), version=_starts, wanted=_far)
    def up_interrupted(self, seconds: float, version: str, wanted: str) -> None:
        """A run that the user stops."""
        self.begin_again(version, wanted)
        self.engine.clock.cancel_at = self.engine.clock.time + seconds
        self.up()

    @rule(seconds=st.floats(0, 30), version=_versions, deed=st.sampled_from(("push", "right", "start", "cancel")))
    def up_with_a_human(self, seconds: float, version: str, deed: str) -> None:
        """A run while somebody else does something."""
        deeds = {
            "push": lambda: self.push(version),
            "right": lambda: self.push(self.engine.deployment().pending or version),
            "start": lambda: self.start(version),
            "cancel": self.human_cancels,
        }
        self.engine.clock.at(seconds, deeds[deed])
        self.up()
        self.engine.clock.events.clear()

    def push(self, version: str) -> None:
        """Somebody pushes an image."""
        self.engine.sandbox.deploy(RELEASE, self.engine.image(version), Labels())

    def start(self, version: str) -> None:
        """Somebody starts a hop, upwards: whoever goes down goes alone."""
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
    def right_image(self) -> None:
        """Somebody deploys what is waited for."""
        self.push(self.engine.deployment().pending)

    @rule(version=_versions)
    def any_image(self, version: str) -> None:
        """Somebody deploys something."""
        self.push(version)

    @rule(version=_versions)
    def human_starts(self, version: str) -> None:
        """Somebody clicks."""
        self.start(version)

    @rule()
    def human_cancels(self) -> None:
        """Somebody clicks again."""
        self.engine.sandbox.change(ID, self.engine.sandbox.platform.cancel)

    @rule(version=_versions)
    def human_upgrades(self, version: str) -> None:
        """Somebody goes a hop on his own."""
        self.start(version)
        if self.engine.deployment().pending == version:
            self.push(version)

    @rule(versions=st.sets(st.sampled_from(tuple(RUNTIME)), max_size=2))
    def yank(self, versions: set[str]) -> None:
        """The vendor yanks releases, and takes it back."""
        self.engine.yanked = frozenset(versions)

    @rule(versions=st.sets(_versions, max_size=3))
    def withdraw(self, versions: set[str]) -> None:
        """The platform offers less, or all again."""
        whole = offers.load(str(self.catalog))
        self.engine.change_platform(
            catalog=offers.Catalog(
                certified=tuple(each for each in whole.certified if each.version not in versions),
                runtime=tuple(each for each in whole.runtime if each.version not in versions),
            )
        )

    @rule(version=st.sampled_from(PLATFORMS))
    def platform_upgraded(self, version: str) -> None:
        """Within the generations of two phases."""
        self.engine.change_platform(generation=Generation.of(version))

    @rule(
        reverts=st.sampled_from((None, None, 0.5, 2.0, 8.0, 20.0)),
        clears=st.sampled_from((0.0, 2.0, 6.0)),
        keeps=st.booleans(),
    )
    def platform_changes_its_manners(self, reverts: float | None, clears: float, keeps: bool) -> None:
        """It takes hops back, clears the desired version early, keeps the Airflow of before, or behaves again."""
        self.engine.change_platform(quirks=Quirks(reverts_after=reverts, clears_desired=clears, keeps_airflow=keeps))

    @rule(seconds=st.floats(1, 100))
    def time_passes(self, seconds: float) -> None:
        """Nothing happens."""
        self.engine.clock.wait(seconds)

    @invariant()
    def arrived_where_it_says(self) -> None:
        """A run that is done is at its target, or keeps what is newer because that is accepted."""
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
        """Peace: everything is on offer again, images are delivered, and nobody interferes."""
        try:
            if self.engine.sandbox.store.deployments():
                self.end()
        finally:
            self.engine.close()

    def end(self) -> None:
        """One more run arrives, or nothing is to be done, or it is refused; and then it stays so."""
        self.yank(set())
        self.withdraw(set())
        self.platform_upgraded("0.30.4")
        self.platform_changes_its_manners(None, 0.0, keeps=False)
        self.engine.clock.wait(100)
        self.delivers, self.declared["wait"], self.engine.fault = True, True, None
        first = self.up()
        self.arrived_where_it_says()
        assert first.kind in {"done", "nothing"} or _is_refusal(first), first
        again = self.up()
        assert again.kind == ("nothing" if first.kind == "done" else first.kind), (first, again)
        self.counts["ended: " + ("refused" if _is_refusal(again) else "at the target")] += 1


def _is_refusal(result: Result) -> bool:
    """A reason that stays when the world is at peace."""
    return result.kind in {"refused", "failed"} and _LASTING.search(result.reason) is not None


def run(number: int, runs: int, folder: Path) -> Counter[str]:
    """Run the machine so often; gives what was counted."""

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
    """A short walk through everything that can happen."""
    counts = run(0, RUNS, tmp_path)
    assert counts["runs"] >= RUNS


@pytest.mark.soak
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("part", range(SOAKED_PARTS))
def test_two_thousand_random_walks_keep_every_rule(part: int, tmp_path: Path) -> None:
    """Two thousand walks in all, each with other dice."""
    counts = run(part + 1, SOAKED_RUNS, tmp_path)
    note("machine", counts)
    assert counts["runs"] >= SOAKED_RUNS

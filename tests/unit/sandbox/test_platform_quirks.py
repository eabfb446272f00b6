"""Quirks of a platform: reverted hops, missing desired versions, a former Airflow version, a lagging replica."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from sandbox.houston import Houston, Tokens
from sandbox.image_labels import Labels
from sandbox.platform_quirks import Quirks
from sandbox.store import Store
from tests.unit.sandbox.sample_platforms import Clock, certified, platform

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sandbox.deployment import Deployment


@pytest.fixture
def clock() -> Clock:
    """Time that the test moves."""
    return Clock()


@pytest.fixture
def store() -> Iterator[Store]:
    """AC 2.2.4, with AC 2.3.0 pending."""
    with Store() as opened:
        opened.add([replace(certified("2.2.4"), desired_airflow_version="2.3.0")])
        yield opened


def houston(store: Store, clock: Clock, **quirks: float | bool) -> Houston:
    """A Houston with these quirks."""
    odd = replace(platform(clock=clock), quirks=Quirks(**quirks), rollout_seconds=4.0)  # type: ignore[arg-type]
    return Houston(store=store, platform=odd, tokens=Tokens(admin="t"), base_url="")


def read(served: Houston) -> tuple[str, str]:
    """Return Houston's version and pending version of the Deployment."""
    found = served.find(deployment_id="ckw1")
    assert found is not None
    return found.version, found.pending


def deploy(served: Houston, version: str = "2.3.0") -> Deployment:
    """Deploy the image of an AC."""
    return served.deploy(certified("2.2.4").release_name, "registry/some:image", Labels(airflow=version))


def test_a_hop_is_taken_back_after_a_while(store: Store, clock: Clock) -> None:
    """The old version shows again, nothing is pending, and the pods restart once more."""
    served = houston(store, clock, reverts_after=10.0)
    deploy(served)
    clock.now += 9.0
    assert read(served) == ("2.3.0", "")
    clock.now += 1.0
    assert read(served) == ("2.2.4", "")
    found = served.find(deployment_id="ckw1")
    assert found is not None
    assert found.rollout == (clock.now, clock.now + 4.0)


def test_the_desired_version_is_gone_before_the_new_one_shows(store: Store, clock: Clock) -> None:
    """In between Houston reports what ran, and nothing pending."""
    served = houston(store, clock, clears_desired=3.0)
    deploy(served)
    assert read(served) == ("2.2.4", "")
    clock.now += 3.0
    assert read(served) == ("2.3.0", "")


def test_an_image_that_is_ignored_schedules_nothing(store: Store, clock: Clock) -> None:
    """Only a hop can be taken back."""
    served = houston(store, clock, reverts_after=1.0, clears_desired=1.0)
    assert deploy(served, "2.2.9").ahead == ()
    assert read(served) == ("2.2.4", "2.3.0")


def test_the_airflow_of_before_is_kept(store: Store, clock: Clock) -> None:
    """Houston reports the new Runtime with the old Airflow."""
    served = houston(store, clock, keeps_airflow=True)
    deployed = served.change("ckw1", lambda each: served.platform.start_runtime(each, "4.1.0"))
    served.deploy(deployed.release_name, "registry/some:image", Labels(runtime="4.1.0"))
    served.change("ckw1", lambda each: served.platform.start_runtime(each, "4.2.5"))
    last = served.deploy(deployed.release_name, "registry/some:image", Labels(runtime="4.2.5"))
    assert (last.version, last.airflow) == ("4.2.5", "2.2.4")


def test_a_replica_answers_every_second_reading_with_what_was(store: Store, clock: Clock) -> None:
    """It is some seconds behind, and no more."""
    served = houston(store, clock, stale_seconds=5.0)
    clock.now += 100.0
    deploy(served)
    assert [read(served), read(served)] == [("2.3.0", ""), ("2.2.4", "2.3.0")]
    clock.now += 5.0
    assert [read(served), read(served)] == [("2.3.0", ""), ("2.3.0", "")]


def test_what_is_ahead_outlives_the_process(store: Store, clock: Clock) -> None:
    """It is stored with the Deployment."""
    deploy(houston(store, clock, reverts_after=10.0))
    clock.now += 10.0
    assert read(houston(store, clock)) == ("2.2.4", "")

"""Invariants of a Deployment under any sequence of actions."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from sandbox.deployment import Deployment, Outcome
from sandbox.errors import RefusedError
from sandbox.image_labels import Labels
from sandbox.versions import numbers, runtime_key
from tests.unit.sandbox.sample_platforms import CATALOG, certified, platform, runtime

CERTIFIED = [release.version for release in CATALOG.certified]
RUNTIME = [release.version for release in CATALOG.runtime]

ACTIONS = st.one_of(
    st.tuples(st.just("airflow"), st.sampled_from([*CERTIFIED, "2.4.0"])),
    st.tuples(st.just("runtime"), st.sampled_from([*RUNTIME, "4.9.9"])),
    st.tuples(st.just("image"), st.sampled_from([*CERTIFIED, *RUNTIME])),
    st.tuples(st.just("cancel"), st.just("")),
)
STARTS = st.sampled_from(
    [certified("2.2.3"), certified("2.2.5"), runtime("4.1.0", "2.2.4"), runtime("12.12.0", "2.11.0")]
)
PLATFORMS = st.sampled_from(["0.29.0", "0.33.2", "0.36.0"])


def done(version: str, deployment: Deployment, kind: str, value: str) -> Deployment:
    """Do one action; a refused one changes nothing."""
    world = platform(version)
    try:
        match kind:
            case "airflow":
                return world.start_airflow(deployment, value)
            case "runtime":
                return world.start_runtime(deployment, value)
            case "cancel":
                return world.cancel(deployment)
            case _:
                labels = Labels(runtime=value) if value in RUNTIME else Labels(airflow=value)
                return world.deploy(deployment, "registry/some:image", labels)
    except RefusedError:
        return deployment


def height(deployment: Deployment) -> tuple[object, ...]:
    """Give a key that rises with the version; every Runtime is above every Certified of its Airflow."""
    if deployment.on_runtime:
        return (numbers(deployment.airflow), 1, runtime_key(deployment.version, deployment.airflow))
    return (numbers(deployment.airflow), 0, ())


@given(PLATFORMS, STARTS, st.lists(ACTIONS, max_size=20))
def test_versions_never_go_down_and_change_by_an_applied_image_only(
    version: str, deployment: Deployment, actions: list[tuple[str, str]]
) -> None:
    """No sequence of requests lowers a version, leaves Runtime, or migrates and upgrades at once."""
    for kind, value in actions:
        after = done(version, deployment, kind, value)
        if after.version != deployment.version:
            assert kind == "image"
            assert after.last_push is not None
            assert after.last_push.outcome is Outcome.APPLIED
            assert after.pending == ""
            assert height(after) > height(deployment)
            if after.on_runtime and not deployment.on_runtime:
                assert after.airflow == deployment.airflow
        assert after.on_runtime or not deployment.on_runtime
        deployment = after


@given(PLATFORMS, STARTS, st.lists(ACTIONS, max_size=10))
def test_cancelling_always_leads_to_idle(version: str, deployment: Deployment, actions: list[tuple[str, str]]) -> None:
    """Desired equals current for both distributions, and the version is what it was."""
    for kind, value in actions:
        deployment = done(version, deployment, kind, value)
    after = platform(version).cancel(deployment)
    assert (after.version, after.airflow) == (deployment.version, deployment.airflow)
    assert after.desired_airflow_version == after.airflow_version
    assert after.desired_runtime_version == after.runtime_version

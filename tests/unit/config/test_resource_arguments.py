"""What a user may declare, and how mistakes are told: all at once, each with its key."""

from __future__ import annotations

from typing import Any

import pytest

from astro_deployment_runtime.config.resource_arguments import ResourceArguments, read_arguments
from astro_deployment_runtime.errors import InvalidConfigError

LEAST = {"release_name": "galactic-stars-1234", "runtime_version": "5.0.4"}


def refused(**arguments: Any) -> str:
    """Give the message for arguments that cannot be used."""
    with pytest.raises(InvalidConfigError) as raised:
        read_arguments(LEAST | arguments)
    return str(raised.value)


def test_the_least_that_can_be_declared() -> None:
    """A Deployment and a version; the rest has defaults."""
    assert read_arguments(LEAST) == ResourceArguments(
        release_name="galactic-stars-1234",
        deployment_id=None,
        runtime_version="5.0.4",
        image=None,
        strategy="certified-first",
        accept=(),
        timeout=3600.0,
        wait=True,
    )


def test_everything_that_can_be_declared() -> None:
    """As the resource names it and as a stack's config does."""
    values: dict[str, Any] = {
        "image": "registry.example.com/a:{version}",
        "strategy": "fewest-hops",
        "accept": ["newer"],
        "timeout": "90m",
        "wait": False,
    }
    python = read_arguments(values | {"deployment_id": "ckw1", "runtime_version": " equivalent "})
    assert read_arguments(values | {"deploymentId": "ckw1", "runtimeVersion": "equivalent"}) == python
    assert (python.deployment_id, python.runtime_version, python.timeout) == ("ckw1", "equivalent", 5400.0)


def test_none_counts_as_not_given() -> None:
    """So that a resource can pass on all of its arguments."""
    assert read_arguments(LEAST | {"deployment_id": None, "image": None, "timeout": None}).timeout == 3600.0


@pytest.mark.parametrize("version", ["5.0.4", "3.1-12", "12.12.0", "equivalent"])
def test_a_target_is_a_version_or_equivalent(version: str) -> None:
    """In both of the vendor's schemes."""
    assert read_arguments(LEAST | {"runtime_version": version}).runtime_version == version


@pytest.mark.parametrize(
    ("version", "message"),
    [
        (5.0, "runtime_version: 5.0 is not a text: put the version in quotes"),
        (True, "runtime_version: true is not a text"),
        (["5.0.4"], "is not a text"),
        ("5.0", "runtime_version: '5.0' is not an Astro Runtime version"),
        ("5.0.4-base", "or 'equivalent'"),
        ("latest", "or 'equivalent'"),
        ("", "or 'equivalent'"),
    ],
)
def test_what_is_no_target_is_told(version: object, message: str) -> None:
    """YAML makes numbers of versions: the message says what to do."""
    assert message in refused(runtime_version=version)


@pytest.mark.parametrize(
    ("written", "seconds"),
    [
        ("1h", 3600),
        ("90m", 5400),
        ("1h30m", 5400),
        ("45s", 45),
        ("2h0m1s", 7201),
        ("168h", 604800),
        (90, 90),
        (0.5, 0.5),
        (90.0, 90),
    ],
)
def test_a_timeout_is_a_duration(written: object, seconds: float) -> None:
    """With units, or a number of seconds, as Pulumi hands numbers over."""
    assert read_arguments(LEAST | {"timeout": written}).timeout == seconds


@pytest.mark.parametrize(
    ("written", "message"),
    [
        ("", "'' is not a duration: write 1h, 90m, 1h30m or 45s"),
        ("1 hour", "is not a duration"),
        ("30m1h", "is not a duration"),
        ("-1h", "is not a duration"),
        ("1.5h", "is not a duration"),
        ("\u0661h", "is not a duration"),
        ("9" * 400 + "h", "is not a duration"),
        (True, "true is not a duration"),
        ([1], "is not a duration"),
        ("0s", "'0s' is out of range: more than nothing, at most 7 days"),
        ("169h", "'169h' is out of range"),
        (0, "0 is out of range"),
        (-1, "-1 is out of range"),
        (604801, "604801 is out of range"),
        (10**400, "is out of range"),
        (float("nan"), "nan is out of range"),
        (float("inf"), "inf is out of range"),
    ],
)
def test_what_is_no_duration_is_told(written: object, message: str) -> None:
    """With what to write."""
    assert message in refused(timeout=written)
    assert refused(timeout=written).startswith("timeout: ")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"release_name": None}, "name the Deployment by exactly one of releaseName and deploymentId"),
        ({"deployment_id": "ckw1"}, "name the Deployment by exactly one of releaseName and deploymentId"),
        ({"release_name": "Galactic Stars"}, "release_name: "),
        ({"release_name": "-a"}, "release_name: "),
        ({"release_name": "a" * 64}, "release_name: "),
        ({"release_name": None, "deployment_id": "a b"}, "deployment_id: "),
        ({"release_name": None, "deployment_id": '"}'}, "deployment_id: "),
        ({"image": ""}, "image: "),
        ({"image": "  "}, "image: "),
        ({"strategy": "slow"}, "strategy: "),
        ({"accept": "newer"}, "accept: "),
        ({"accept": [1]}, "accept[0]: "),
        ({"accept": ["all"]}, "accept: 'all' cannot be accepted: known are yanked:VERSION, "),
        ({"wait": "perhaps"}, "wait: "),
        ({"releaseName": "A", "release_name": None}, "releaseName: "),
        ({"colour": "red"}, "colour: "),
    ],
)
def test_each_mistake_names_its_key(arguments: dict[str, Any], message: str) -> None:
    """As the user wrote it; nothing is asked of the platform."""
    assert refused(**arguments).startswith(message)


def test_a_missing_version_is_told() -> None:
    """There is no default for what this is about."""
    with pytest.raises(InvalidConfigError, match="runtimeVersion: is missing"):
        read_arguments({"release_name": "a"})

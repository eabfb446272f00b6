"""Arguments of the resource: forms, defaults, and mistakes."""

from __future__ import annotations

from typing import Any

import pytest

from astro_deployment_runtime.config.resource_arguments import ResourceArguments, read_arguments
from astro_deployment_runtime.errors import InvalidConfigError

MINIMAL = {"release_name": "galactic-stars-1234", "runtime_version": "5.0.4"}


def refused(**arguments: Any) -> str:
    """Return the message for invalid arguments."""
    with pytest.raises(InvalidConfigError) as raised:
        read_arguments(MINIMAL | arguments)
    return str(raised.value)


def test_only_the_deployment_and_the_version_are_required() -> None:
    """The other arguments have defaults."""
    assert read_arguments(MINIMAL) == ResourceArguments(
        release_name="galactic-stars-1234",
        deployment_id=None,
        runtime_version="5.0.4",
        image=None,
        strategy="certified-first",
        accept=(),
        timeout=3600.0,
        wait=True,
    )


def test_arguments_are_accepted_in_snake_case_and_in_camel_case() -> None:
    """A program writes the first, a stack's config the second."""
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
    """A resource passes on all of its arguments."""
    assert read_arguments(MINIMAL | {"deployment_id": None, "image": None, "timeout": None}).timeout == 3600.0


@pytest.mark.parametrize("version", ["5.0.4", "3.1-12", "12.12.0", "equivalent"])
def test_a_target_is_a_version_or_equivalent(version: str) -> None:
    """Versions have two schemes."""
    assert read_arguments(MINIMAL | {"runtime_version": version}).runtime_version == version


@pytest.mark.parametrize(
    ("version", "message"),
    [
        (5.0, "runtime_version: 5.0 is not a string: put the version in quotes"),
        (True, "runtime_version: true is not a string"),
        (["5.0.4"], "is not a string"),
        ("5.0", "runtime_version: '5.0' is not an Astro Runtime version"),
        ("5.0.4-base", "or 'equivalent'"),
        ("latest", "or 'equivalent'"),
        ("", "or 'equivalent'"),
    ],
)
def test_the_message_about_a_wrong_target_says_what_to_write(version: object, message: str) -> None:
    """YAML reads an unquoted 5.0 as a number."""
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
    """With units, or a number of seconds."""
    assert read_arguments(MINIMAL | {"timeout": written}).timeout == seconds


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
        ("0s", "'0s' is out of range: write more than 0s and at most 168h (7 days)"),
        ("169h", "'169h' is out of range"),
        (0, "0 is out of range"),
        (-1, "-1 is out of range"),
        (604801, "604801 is out of range"),
        (10**400, "is out of range"),
        (float("nan"), "nan is out of range"),
        (float("inf"), "inf is out of range"),
    ],
)
def test_the_message_about_a_wrong_duration_says_what_to_write(written: object, message: str) -> None:
    """It starts with the key."""
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
        ({"accept": ["all"]}, "accept: 'all' cannot be accepted; use one of: yanked:VERSION, "),
        ({"wait": "perhaps"}, "wait: "),
        ({"releaseName": "A", "release_name": None}, "releaseName: "),
        ({"colour": "red"}, "colour: "),
    ],
)
def test_the_message_about_a_mistake_starts_with_its_key(arguments: dict[str, Any], message: str) -> None:
    """In the spelling that the user wrote."""
    assert refused(**arguments).startswith(message)


def test_a_missing_version_is_a_mistake() -> None:
    """It has no default."""
    with pytest.raises(InvalidConfigError, match="runtimeVersion: is missing"):
        read_arguments({"release_name": "a"})

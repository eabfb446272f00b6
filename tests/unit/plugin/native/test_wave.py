"""The native gate between two waves: when it is due, and what an interrupted soak saves."""

from __future__ import annotations

from typing import Any, Final

import pytest
from google.protobuf.struct_pb2 import Struct
from pulumi.runtime import rpc
from pulumi.runtime.proto import provider_pb2

from astro_deployment_runtime.errors import SoakFailedError
from astro_deployment_runtime.execution import wave_soak
from astro_deployment_runtime.plugin import properties
from astro_deployment_runtime.plugin.native.servicer import NativeServicer
from astro_deployment_runtime.plugin.server import EngineCalls
from tests.contract.faces import Context, Log, RequestEndedError

URN: Final = "urn:pulumi:dev::astro::astro:index:Wave::first"
OLD: Final = {"id": "ckw1", "currentVersion": "AC 2.3.0"}
NEW: Final = {"id": "ckw1", "currentVersion": "Astro Runtime 5.0.4"}
OTHER: Final = {"id": "ckw2", "currentVersion": "AC 2.3.0"}
GIVEN: Final = {"deployments": [NEW], "soak": "1m", "timeout": "90s"}
SOAKED: Final = {**GIVEN, "soaked": True}


@pytest.fixture
def soaks(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The soaks so far. The next soak raises an exception that a test appends."""
    told: list[Any] = []

    def soak(deployments: list[str], **more: Any) -> None:
        if told and isinstance(told[-1], Exception):
            raise told.pop()
        told.append((deployments, more["seconds"], more["timeout"]))

    monkeypatch.setattr(wave_soak, "soak", soak)
    return told


@pytest.fixture
def log() -> Log:
    """The engine's log."""
    return Log()


@pytest.fixture
def plugin(log: Log, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A servicer that is configured."""
    monkeypatch.delenv("ASTRO_HOUSTON_URL", raising=False)
    made: Any = NativeServicer(EngineCalls(log))  # type: ignore[arg-type]
    config = struct({"houstonUrl": "https://houston.example.com/v1", "token": "canary", "catalog": "guide"})
    made.Configure(provider_pb2.ConfigureRequest(args=config), Context())
    return made


def struct(values: dict[str, Any]) -> Struct:
    """Make properties."""
    made = Struct()
    made.update(values)
    return made


def diff(plugin: Any, saved: dict[str, Any], news: dict[str, Any]) -> Any:
    """Compare."""
    old = struct(saved)
    return plugin.Diff(
        provider_pb2.DiffRequest(id="first", urn=URN, olds=old, old_inputs=old, news=struct(news)), Context()
    )


def update(plugin: Any, saved: dict[str, Any], news: dict[str, Any], *, preview: bool = False) -> dict[str, Any]:
    """Update."""
    request = provider_pb2.UpdateRequest(id="first", urn=URN, olds=struct(saved), news=struct(news), preview=preview)
    return properties.read(plugin.Update(request, Context()).properties)


DYNAMIC: Final = {
    "__provider": "pickled",
    "wave": "first",
    "deployments": ["ckw1"],
    "moves": 1.0,
    "soak": 60.0,
    "timeout": 90.0,
    "walked": {"a": "AC 2.3.0 > Astro Runtime 5.0.4"},
    "soaked": True,
}


@pytest.mark.parametrize(
    ("saved", "changes", "due"),
    [
        pytest.param(SOAKED, False, False, id="soaked"),
        pytest.param({**SOAKED, "soaked": False}, True, True, id="not finished"),
        pytest.param({**SOAKED, "deployments": [OLD]}, True, True, id="another version"),
        pytest.param({**SOAKED, "deployments": [OTHER]}, True, True, id="another Deployment"),
        pytest.param({**SOAKED, "deployments": [NEW, OTHER]}, True, False, id="one fewer"),
        pytest.param({**SOAKED, "soak": "2m"}, True, False, id="another soak time"),
        pytest.param(DYNAMIC, True, False, id="soaked by the dynamic resource"),
        pytest.param({**DYNAMIC, "walked": {"a": "AC 2.3.0"}}, True, True, id="the dynamic one at another version"),
        pytest.param({**DYNAMIC, "soaked": False}, True, True, id="not finished by the dynamic resource"),
    ],
)
def test_wave_is_due_when_something_changed_since_its_last_soak(
    plugin: Any, soaks: list[Any], saved: dict[str, Any], changes: bool, due: bool
) -> None:
    """Another soak time alone is only saved."""
    answer = diff(plugin, saved, dict(GIVEN))
    assert (answer.changes == provider_pb2.DiffResponse.DIFF_SOME) is changes
    assert update(plugin, saved, dict(GIVEN)) == properties.read(struct(SOAKED))
    assert soaks == ([(["ckw1"], 60.0, 90.0)] if due else [])


def test_new_wave_soaks(plugin: Any, soaks: list[Any]) -> None:
    """A preview of it shows the end, and waits for nothing."""
    for preview in (True, False):
        request = provider_pb2.CreateRequest(urn=URN, properties=struct(dict(GIVEN)), preview=preview)
        created = plugin.Create(request, Context())
        assert properties.read(created.properties) == properties.read(struct(SOAKED))
        assert len(soaks) == (not preview)
    assert created.id == "first"
    update(plugin, {**SOAKED, "soaked": False}, dict(GIVEN), preview=True)
    assert len(soaks) == 1


def test_wave_without_soak_keeps_the_order_only(plugin: Any, soaks: list[Any]) -> None:
    """The Deployments of the next wave depend on it."""
    given = {"deployments": [NEW]}
    assert update(plugin, {"deployments": [OLD], "soaked": True}, given)["soaked"] is True
    assert soaks == []


def test_unfinished_soak_is_saved(plugin: Any, soaks: list[Any]) -> None:
    """The next run repeats it."""
    soaks.append(SoakFailedError("not healthy"))
    with pytest.raises(RequestEndedError, match="not healthy") as raised:
        update(plugin, {**SOAKED, "deployments": [OLD]}, dict(GIVEN))
    assert raised.value.saved is not None
    assert properties.read(raised.value.saved.properties) == properties.read(struct({**SOAKED, "soaked": False}))


@pytest.mark.parametrize(
    ("olds", "news", "shown"),
    [
        ({}, GIVEN, True),
        (GIVEN, GIVEN, False),
        ({**GIVEN, "deployments": [OLD]}, GIVEN, True),
        (GIVEN, {**GIVEN, "deployments": [{**NEW, "currentVersion": rpc.UNKNOWN}]}, True),
        (GIVEN, {**GIVEN, "deployments": rpc.UNKNOWN}, True),
        (GIVEN, {**GIVEN, "deployments": [rpc.UNKNOWN]}, True),
        ({}, {**GIVEN, "soak": rpc.UNKNOWN}, False),
        ({}, {"deployments": [NEW]}, False),
    ],
)
def test_check_shows_the_soak_ahead(
    plugin: Any, log: Log, olds: dict[str, Any], news: dict[str, Any], shown: bool
) -> None:
    """Also if a version is known only after this run."""
    answer = plugin.Check(provider_pb2.CheckRequest(urn=URN, olds=struct(olds), news=struct(news)), Context())
    assert (list(answer.failures), answer.inputs) == ([], struct(news))
    text = "the next wave begins when this wave has arrived and stayed healthy for 1m, "
    assert [line.startswith(text) for line in log.lines] == ([True] if shown else [])


def test_diff_shows_a_soak_that_an_earlier_run_did_not_finish(plugin: Any, log: Log) -> None:
    """And an unknown version is a change."""
    answer = diff(plugin, {**SOAKED, "soaked": False}, dict(GIVEN))
    assert list(answer.detailedDiff) == ["soaked"]
    assert log.lines[0].startswith("the last run did not finish the soak of this wave")
    unknown = {**GIVEN, "deployments": [{**NEW, "currentVersion": rpc.UNKNOWN}]}
    assert diff(plugin, SOAKED, unknown).changes == provider_pb2.DiffResponse.DIFF_SOME


@pytest.mark.parametrize(
    ("news", "reason"),
    [
        ({}, "deployments: is missing"),
        ({**GIVEN, "soak": "long"}, "soak: 'long' is not a duration"),
        (
            {**GIVEN, "deployments": [{**NEW, "currentVersion": 5}]},
            "deployments[0].currentVersion: 5.0 is not a string",
        ),
        ({**GIVEN, "deployments": ["ckw1"]}, "deployments[0]: "),
        ({**GIVEN, "deployments": [{**NEW, "colour": "red"}]}, "deployments[0].colour: unknown key"),
        ({**GIVEN, "moves": 1}, "moves: unknown key"),
    ],
)
def test_mistakes_are_refused(plugin: Any, news: dict[str, Any], reason: str) -> None:
    """With the path of the key."""
    (failure,) = plugin.Check(provider_pb2.CheckRequest(urn=URN, news=struct(news)), Context()).failures
    assert reason in failure.reason


def test_read_keeps_what_is_saved(plugin: Any) -> None:
    """A wave has no state on the platform, so it cannot be imported."""
    saved = struct(dict(SOAKED))
    found = plugin.Read(provider_pb2.ReadRequest(id="first", urn=URN, properties=saved, inputs=saved), Context())
    assert (found.id, found.properties) == ("first", saved)
    with pytest.raises(RequestEndedError, match="cannot be imported"):
        plugin.Read(provider_pb2.ReadRequest(id="first", urn=URN), Context())
    plugin.Delete(provider_pb2.DeleteRequest(id="first", urn=URN, properties=saved), Context())

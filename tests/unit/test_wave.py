"""The resource between two waves: when it waits, and what it keeps of a wait that was cut short."""

from __future__ import annotations

import pickletools
from typing import TYPE_CHECKING, Any

import pytest
from pulumi import dynamic
from pulumi.dynamic.dynamic import serialize_provider
from pulumi.runtime import rpc

from astro_deployment_runtime import wave
from astro_deployment_runtime.errors import SoakFailedError
from astro_deployment_runtime.execution import wave_soak
from astro_deployment_runtime.lifecycle import deployment
from astro_deployment_runtime.plugin import engine_call
from astro_deployment_runtime.plugin.engine_call import Call, PartialProgressError
from astro_deployment_runtime.wave import WaveProvider

if TYPE_CHECKING:
    from collections.abc import Iterator

PROPS: dict[str, Any] = {"wave": "first", "deployments": ["ckw1"], "moves": 1.0, "soak": 60.0, "timeout": 90.0}
SOAKED = PROPS | {"soaked": True}
IDLE = PROPS | {"moves": 0.0}


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What was waited for; an exception in it is raised by the next wait."""
    told: list[Any] = []

    def soak(deployments: list[str], **more: Any) -> None:
        if told and isinstance(told[-1], Exception):
            raise told.pop()
        told.append((deployments, more["seconds"], more["timeout"]))

    def connect(config: Any, _: object) -> Any:
        assert config("houstonUrl") == "https://houston.example.com/v1"
        import types  # noqa: PLC0415 - only here

        return types.SimpleNamespace(houston=None)

    monkeypatch.setattr(wave_soak, "soak", soak)
    monkeypatch.setattr(deployment, "connect", connect)
    return told


@pytest.fixture
def provider() -> WaveProvider:
    """A provider as the plugin has it."""
    made = WaveProvider()
    config = {"astro:houstonUrl": "https://houston.example.com/v1"}
    made.configure(dynamic.ConfigureRequest(config=config))  # type: ignore[arg-type]
    return made


@pytest.fixture
def called() -> Iterator[None]:
    """A call on our host."""
    token = engine_call._current_call.set(Call("urn::first", None))
    yield
    engine_call._current_call.reset(token)


def test_a_wave_that_moves_is_waited_for(provider: WaveProvider, waits: list[Any]) -> None:
    """In the first run and in later ones."""
    assert provider.create(dict(PROPS)).outs == SOAKED
    assert provider.update("first", dict(SOAKED), dict(PROPS)).outs == SOAKED
    assert waits == [(["ckw1"], 60.0, 90.0)] * 2
    assert provider.diff("first", dict(SOAKED), dict(PROPS)).changes is True


def test_a_wave_with_nothing_to_do_is_not(provider: WaveProvider, waits: list[Any]) -> None:
    """Nor one that has no soak: then it is there to keep the order."""
    assert provider.diff("first", dict(SOAKED), dict(IDLE)).changes is False
    assert provider.diff("first", dict(SOAKED), PROPS | {"soak": 0.0}).changes is False
    assert provider.create(dict(IDLE)).id == "first"
    assert waits == []


@pytest.mark.usefixtures("called")
def test_a_wait_that_was_cut_short_is_made_up_for(provider: WaveProvider, waits: list[Any]) -> None:
    """By the next run, though the wave has nothing to do by then."""
    waits.append(SoakFailedError("not healthy"))
    with pytest.raises(PartialProgressError, match="not healthy") as raised:
        provider.create(dict(PROPS))
    assert (raised.value.resource_id, raised.value.outputs) == ("first", PROPS | {"soaked": False})
    assert provider.diff("first", raised.value.outputs, dict(IDLE)).changes is True
    assert provider.update("first", raised.value.outputs, dict(IDLE)).outs == IDLE | {"soaked": True}
    assert len(waits) == 1


WALKED = {"walked": {"a": "AC 2.2.3 > AC 2.3.0", "b": None}}
LATER = {"walked": {"a": "AC 2.3.0 > Astro Runtime 5.0.4", "b": None}}


@pytest.mark.parametrize(
    ("saved", "now", "due"),
    [
        ({}, WALKED, True),
        ({}, {"walked": {"a": None}}, False),
        ({}, {"walked": {}}, False),
        (SOAKED | WALKED, WALKED, False),
        (SOAKED | WALKED, LATER, True),
        (SOAKED | WALKED, {"walked": {"b": None}}, False),
        (SOAKED | WALKED, {"walked": {"a": None, "b": "AC 2.2.3 > AC 2.3.0"}}, True),
        (SOAKED | {"walked": {}}, WALKED, True),
        (SOAKED, WALKED, False),
        (SOAKED | WALKED, LATER | {"soak": 0.0}, False),
        ({}, LATER | {"soak": 0.0}, False),
    ],
)
def test_a_wave_that_arrived_in_an_earlier_run_is_soaked_once(
    provider: WaveProvider, waits: list[Any], saved: dict[str, Any], now: dict[str, Any], due: bool
) -> None:
    """Ctrl-C came after the last hop and before the soak: nothing moves in this run. A state of 0.1.0 was soaked."""
    news = IDLE | now
    if saved:
        assert provider.diff("first", saved, news).changes is due
        outs = provider.update("first", saved, news).outs
    else:
        outs = provider.create(news).outs
    assert outs is not None
    assert outs == news | {"soaked": True}
    assert len(waits) == due
    assert provider.diff("first", outs, news).changes is False


def test_a_preview_cannot_tell_what_is_confirmed_in_this_run(
    provider: WaveProvider, capsys: pytest.CaptureFixture[str]
) -> None:
    """So it shows the soak, and how long it may take."""
    unknown = IDLE | {"walked": {"a": rpc.UNKNOWN}}
    assert provider.check({}, dict(unknown)).failures == []
    assert provider.diff("first", SOAKED | WALKED, unknown).changes is True
    assert "this wave was not soaked to the end; the next one begins" in capsys.readouterr().out


def test_on_pulumis_own_host_the_reason_is_raised(provider: WaveProvider, waits: list[Any]) -> None:
    """It cannot save partial progress."""
    waits.append(SoakFailedError("not healthy"))
    with pytest.raises(SoakFailedError):
        provider.create(dict(PROPS))


def test_preview_tells_of_the_wait(provider: WaveProvider, capsys: pytest.CaptureFixture[str]) -> None:
    """Where there is one."""
    assert provider.check({}, PROPS | {"soaked": None}).inputs == PROPS
    assert "been healthy for 1m, which may take 2m30s at most (soak plus timeout)" in capsys.readouterr().out
    provider.check({}, dict(IDLE))
    assert capsys.readouterr().out == ""


def test_refresh_and_destroy_change_nothing(provider: WaveProvider) -> None:
    """There is nothing on the platform."""
    assert provider.read("first", dict(SOAKED)).outs == SOAKED
    provider.delete("first", dict(SOAKED))


def test_the_state_holds_only_the_providers_name() -> None:
    """So that newer code serves older states."""
    import base64  # noqa: PLC0415 - only here

    pickled = base64.b64decode(serialize_provider(WaveProvider()))
    names = [argument for _, argument, _ in pickletools.genops(pickled) if isinstance(argument, str)]
    assert names == [wave.__name__, "WaveProvider"]

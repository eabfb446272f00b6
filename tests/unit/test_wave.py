"""The gate between two waves: when it waits, and what an interrupted soak saves."""

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
    """The soaks so far. The next soak raises an exception that a test appends."""
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
    """A provider with a config."""
    made = WaveProvider()
    config = {"astro:houstonUrl": "https://houston.example.com/v1"}
    made.configure(dynamic.ConfigureRequest(config=config))  # type: ignore[arg-type]
    return made


@pytest.fixture
def called() -> Iterator[None]:
    """A current request, as on our host."""
    token = engine_call._current_call.set(Call("urn::first", None))
    yield
    engine_call._current_call.reset(token)


def test_changing_wave_soaks(provider: WaveProvider, waits: list[Any]) -> None:
    """In the first run and in later ones."""
    assert provider.create(dict(PROPS)).outs == SOAKED
    assert provider.update("first", dict(SOAKED), dict(PROPS)).outs == SOAKED
    assert waits == [(["ckw1"], 60.0, 90.0)] * 2
    assert provider.diff("first", dict(SOAKED), dict(PROPS)).changes is True


def test_unchanged_wave_does_not_soak(provider: WaveProvider, waits: list[Any]) -> None:
    """Nor a wave without a soak time, which only keeps the order."""
    assert provider.diff("first", dict(SOAKED), dict(IDLE)).changes is False
    assert provider.diff("first", dict(SOAKED), PROPS | {"soak": 0.0}).changes is False
    assert provider.create(dict(IDLE)).id == "first"
    assert waits == []


@pytest.mark.usefixtures("called")
def test_unfinished_soak_is_repeated(provider: WaveProvider, waits: list[Any]) -> None:
    """By the next run, although the wave does not change in it."""
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
def test_wave_that_arrived_in_an_earlier_run_soaks_once(
    provider: WaveProvider, waits: list[Any], saved: dict[str, Any], now: dict[str, Any], due: bool
) -> None:
    """Ctrl-C came between the last hop and the soak. A state of 0.1.0 has finished its soak."""
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


def test_preview_shows_a_soak_that_depends_on_this_run(
    provider: WaveProvider, capsys: pytest.CaptureFixture[str]
) -> None:
    """The walked path is unknown until this run confirms it."""
    unknown = IDLE | {"walked": {"a": rpc.UNKNOWN}}
    assert provider.check({}, dict(unknown)).failures == []
    assert provider.diff("first", SOAKED | WALKED, unknown).changes is True
    assert "the last run did not finish the soak of this wave; the next wave begins" in capsys.readouterr().out


def test_pulumis_own_host_gets_the_error(provider: WaveProvider, waits: list[Any]) -> None:
    """It cannot save partial progress."""
    waits.append(SoakFailedError("not healthy"))
    with pytest.raises(SoakFailedError):
        provider.create(dict(PROPS))


def test_preview_shows_the_soak(provider: WaveProvider, capsys: pytest.CaptureFixture[str]) -> None:
    """With its longest duration."""
    assert provider.check({}, PROPS | {"soaked": None}).inputs == PROPS
    assert "stayed healthy for 1m, which may take 2m30s at most (soak plus timeout)" in capsys.readouterr().out
    provider.check({}, dict(IDLE))
    assert capsys.readouterr().out == ""


def test_refresh_and_destroy_change_nothing(provider: WaveProvider) -> None:
    """A gate does not exist on the platform."""
    assert provider.read("first", dict(SOAKED)).outs == SOAKED
    provider.delete("first", dict(SOAKED))


def test_state_holds_the_name_of_the_provider_class() -> None:
    """So that a newer release serves older states."""
    import base64  # noqa: PLC0415 - only here

    pickled = base64.b64decode(serialize_provider(WaveProvider()))
    names = [argument for _, argument, _ in pickletools.genops(pickled) if isinstance(argument, str)]
    assert names == [wave.__name__, "WaveProvider"]

"""The connection to the platform, shared by everything in the plugin process."""

from __future__ import annotations

import pytest
from pulumi import dynamic

from astro_deployment_runtime.errors import InvalidSettingsError
from astro_deployment_runtime.plugin.connection import PlatformConnection
from astro_deployment_runtime.plugin.engine_call import Call, serving
from astro_deployment_runtime.resource import RuntimeProvider
from astro_deployment_runtime.wave import WaveProvider

CONFIG = {
    "astro:houstonUrl": "https://houston.example.com/v1",
    "astro:token": "astro-test-token",
    "astro:catalog": "guide",
}
REQUEST = dynamic.ConfigureRequest(dynamic.Config(CONFIG, "astro"))


def test_providers_share_the_connection_of_the_process() -> None:
    """So they share its cache and its rate limit."""
    connection = PlatformConnection(CONFIG)
    runtime, wave = RuntimeProvider(), WaveProvider()
    with serving(Call("", None, connection=connection)):
        runtime.configure(REQUEST)
        wave.configure(REQUEST)
    assert runtime._connection is wave._connection is connection
    assert connection.lifecycle() is connection.lifecycle()
    connection.close()


def test_providers_connect_by_themselves_on_pulumis_own_host() -> None:
    """With the config that the host gives them."""
    for provider in (RuntimeProvider(), WaveProvider()):
        provider.configure(REQUEST)
        settings = provider._connection.lifecycle().settings
        assert settings is not None
        assert settings.url == CONFIG["astro:houstonUrl"]
        provider._connection.close()


def test_mistake_in_the_config_fails_each_request_that_needs_the_platform(monkeypatch: pytest.MonkeyPatch) -> None:
    """The connection itself is made without an error."""
    monkeypatch.delenv("ASTRO_HOUSTON_URL", raising=False)
    connection = PlatformConnection({})
    for _ in range(2):
        with pytest.raises(InvalidSettingsError, match="address is not configured"):
            connection.lifecycle()
    connection.close()

"""The config of a provider: its check at the provider's row, and the token that goes with an address."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import pytest
from google.protobuf.struct_pb2 import Struct
from pulumi.runtime import rpc
from pulumi.runtime.proto import provider_pb2

from astro_deployment_runtime.errors import InvalidSettingsError
from astro_deployment_runtime.plugin import secret_marks
from astro_deployment_runtime.plugin.native.servicer import NativeServicer
from astro_deployment_runtime.plugin.server import EngineCalls
from tests.contract.faces import Context, Log, secret

if TYPE_CHECKING:
    from collections.abc import Mapping

URN: Final = "urn:pulumi:dev::astro::pulumi:providers:astro::default"
URL: Final = "https://houston.example.com/v1"
GIVEN: Final = {"houstonUrl": URL, "token": "canary"}


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("ASTRO_HOUSTON_URL", "ASTRO_HOUSTON_TOKEN"):
        monkeypatch.delenv(name, raising=False)


def struct(values: Mapping[str, Any]) -> Struct:
    """Make the config of a provider."""
    made = Struct()
    made.update(values)
    return made


def checked(**config: Any) -> provider_pb2.CheckResponse:
    """Check a config."""
    request = provider_pb2.CheckRequest(urn=URN, news=struct(config))
    return NativeServicer(EngineCalls(None)).CheckConfig(request, Context())  # type: ignore[arg-type]


def problem(**config: Any) -> str:
    """Check a config that has a mistake. The engine never prints a value."""
    (failure,) = checked(**config).failures
    assert failure.property == ""
    return failure.reason


def test_settings_are_kept_and_other_keys_belong_to_the_stack() -> None:
    """The stack's config has the fleet below the same namespace."""
    found = checked(**GIVEN, deployments="[]", colour="red", version="0.1.0")
    assert not found.failures
    assert set(found.inputs.fields) == {"houstonUrl", "token", "version"}


def test_unread_key_of_the_stack_is_warned_about() -> None:
    """It may be a misspelt setting, or belong to the program."""
    log = Log()
    request = provider_pb2.CheckRequest(urn=URN, news=struct({**GIVEN, "waves": "[]", "chatalog": "guide"}))
    answer = NativeServicer(EngineCalls(log)).CheckConfig(request, Context())  # type: ignore[arg-type]
    assert not answer.failures
    (line,) = log.lines
    assert line.startswith("astro:chatalog is not read: did you mean astro:catalog?")


def test_unknown_setting_of_a_declared_provider_is_refused() -> None:
    """Nothing else reads its settings, so a misspelt one would be lost."""
    declared = URN.replace("::default", "::staging")
    config = {**GIVEN, "chatalog": "guide", "deployments": "[]", "version": "0.1.0", "__internal": {}}
    request = provider_pb2.CheckRequest(urn=declared, news=struct(config))
    answer = NativeServicer(EngineCalls(None)).CheckConfig(request, Context())  # type: ignore[arg-type]
    known = "houstonUrl, token, caFile, allowHttp, catalog, resolve, maxRequestsPerSecond, baseImages"
    assert [each.reason for each in answer.failures] == [
        "chatalog: unknown setting: did you mean catalog?",
        f"deployments: unknown setting: known settings: {known}",
    ]


def test_token_is_saved_as_a_secret() -> None:
    """Also a token that the program gives in plain text."""
    for token in ("canary", secret("canary")):
        found = checked(houstonUrl=URL, token=token)
        assert [path for path, _ in secret_marks.secrets(found.inputs)] == ["token"]
        assert found == checked(**GIVEN)


@pytest.mark.parametrize(
    ("config", "reason"),
    [
        ({}, "address is not configured"),
        ({"houstonUrl": URL}, "no token for Houston is configured"),
        ({**GIVEN, "houstonUrl": "http://houston.example.com/v1"}, "unencrypted"),
        ({**GIVEN, "resolve": "never"}, "astro:resolve is 'never'"),
        ({**GIVEN, "allowHttp": "perhaps"}, "astro:allowHttp is 'perhaps'"),
        ({**GIVEN, "maxRequestsPerSecond": 0}, "astro:maxRequestsPerSecond is '0'"),
        ({**GIVEN, "baseImages": {"other": "mirror"}}, "other"),
        ({**GIVEN, "caFile": "/nowhere.pem"}, "/nowhere.pem"),
        ({"houstonUrl": rpc.UNKNOWN, "token": "canary", "resolve": "never"}, "astro:resolve is 'never'"),
    ],
)
def test_mistakes_are_refused(config: dict[str, Any], reason: str) -> None:
    """At the provider's row, before any resource is checked."""
    assert reason in problem(**config)


@pytest.mark.parametrize(
    "config",
    [
        GIVEN | {"houstonUrl": "http://houston.example.com/v1", "allowHttp": True},
        GIVEN | {"houstonUrl": "http://houston.example.com/v1", "allowHttp": "true"},
        GIVEN | {"maxRequestsPerSecond": 12.5, "baseImages": {"runtime": "mirror.example.com/runtime"}},
        GIVEN | {"maxRequestsPerSecond": "12.5", "baseImages": '{"runtime": "mirror.example.com/runtime"}'},
        {"houstonUrl": rpc.UNKNOWN, "token": rpc.UNKNOWN},
        GIVEN | {"caFile": rpc.UNKNOWN, "baseImages": {"runtime": rpc.UNKNOWN}},
    ],
)
def test_every_way_to_write_a_setting_is_read(config: dict[str, Any]) -> None:
    """A setting may be a text, a value of JSON, or not known yet."""
    assert not checked(**config).failures


def test_environment_gives_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    """They do not reach the state."""
    monkeypatch.setenv("ASTRO_HOUSTON_URL", URL)
    monkeypatch.setenv("ASTRO_HOUSTON_TOKEN", "canary")
    found = checked()
    assert (list(found.failures), dict(found.inputs.fields)) == ([], {})
    assert not checked(houstonUrl=URL).failures


def test_token_of_the_environment_goes_only_to_its_own_address(monkeypatch: pytest.MonkeyPatch) -> None:
    """A config that names another address has to give the token too."""
    monkeypatch.setenv("ASTRO_HOUSTON_URL", URL)
    monkeypatch.setenv("ASTRO_HOUSTON_TOKEN", "canary")
    elsewhere = {"houstonUrl": "https://elsewhere.example.com/v1"}
    assert "goes only to the address in ASTRO_HOUSTON_URL" in problem(**elsewhere)
    assert not checked(**elsewhere, token="another").failures
    with pytest.raises(InvalidSettingsError, match="no token"):
        configured(**elsewhere).connection.lifecycle()
    calls = configured(**elsewhere, token="another")
    settings = calls.connection.lifecycle().settings
    assert settings is not None
    assert settings.token.get_secret_value() == "another"
    calls.connection.close()


def configured(**config: Any) -> EngineCalls:
    """Configure a provider."""
    calls = EngineCalls(None)
    request = provider_pb2.ConfigureRequest(args=struct(config))
    answer = NativeServicer(calls).Configure(request, Context())  # type: ignore[arg-type]
    assert (answer.acceptSecrets, answer.supportsPreview) == (True, True)
    return calls


def test_unknown_settings_count_as_not_given() -> None:
    """The engine does not use a provider whose config is unknown."""
    with pytest.raises(InvalidSettingsError, match="address is not configured"):
        configured(houstonUrl=rpc.UNKNOWN).connection.lifecycle()


def test_changed_settings_never_replace_the_provider() -> None:
    """A replaced provider would replace its resources."""
    servicer = NativeServicer(EngineCalls(None))
    news = struct({**GIVEN, "token": secret("other")})
    for olds, kind in ((news, "DIFF_NONE"), (struct(GIVEN), "DIFF_SOME")):
        request = provider_pb2.DiffRequest(urn=URN, olds=olds, news=news)
        answer = servicer.DiffConfig(request, Context())  # type: ignore[arg-type]
        assert provider_pb2.DiffResponse.DiffChanges.Name(answer.changes) == kind
        assert list(answer.replaces) == []

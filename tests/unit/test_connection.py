"""Clients of a server: used again, never by two at a time, and closed in the end."""

from __future__ import annotations

from pathlib import Path

import pytest

from astro_deployment_runtime.connection import Clients
from astro_deployment_runtime.errors import InvalidSettingsError

URL = "https://houston.example.com/v1"


def test_a_client_is_used_again_and_never_by_two() -> None:
    """The one that was used last comes first."""
    clients = Clients(URL, ca_file=None)
    with clients.one() as first:
        with clients.one() as second:
            assert first is not second
        with clients.one() as third:
            assert third is second
    with clients.one() as again:
        assert again is first
    clients.close()
    assert first.is_closed
    assert second.is_closed


def test_a_client_in_use_is_closed_when_it_comes_back() -> None:
    """Whatever comes of its use."""
    clients = Clients(URL, ca_file=None)

    def broken() -> None:
        with clients.one() as client:
            used.append(client)
            clients.close()
            assert not client.is_closed
            raise KeyError

    used: list[object] = []
    with pytest.raises(KeyError):
        broken()
    assert getattr(used[0], "is_closed", None) is True


def test_certificates_that_cannot_be_used_are_told_at_once() -> None:
    """Not when the first request is made."""
    with pytest.raises(InvalidSettingsError, match=r"astro:caFile .* holds no CA certificates"):
        Clients(URL, ca_file=Path(__file__))

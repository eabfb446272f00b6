"""Network faults: delayed answers, and answers lost before or after the request took effect."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

import httpx
import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from sandbox.network_faults import NetworkFaults
from tests.contract.sandbox.sandbox_client import TOKEN
from tests.contract.sandbox.test_command_line import serving

if TYPE_CHECKING:
    from starlette.requests import Request


def statuses(count: int, *, failing_percent: float) -> tuple[list[int], int]:
    """Ask an app repeatedly through these faults; return the statuses, and how often the app acted."""
    acted: list[int] = []

    async def act(_: Request) -> PlainTextResponse:
        acted.append(1)
        return PlainTextResponse("done")

    async def ask() -> list[int]:
        faults = Middleware(NetworkFaults, delay_seconds=0.0, failing_percent=failing_percent)
        app = Starlette(routes=[Route("/", act)], middleware=[faults])
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://sandbox") as client:
            answers = [await client.get("/") for _ in range(count)]
        assert all(("<html>" in answer.text) is (answer.status_code == 502) for answer in answers)
        return [answer.status_code for answer in answers]

    return asyncio.run(ask()), len(acted)


def test_some_answers_get_lost_and_half_of_them_took_effect() -> None:
    """A page that is not JSON replaces each lost answer; each run loses the same ones."""
    answers, acted = statuses(500, failing_percent=20)
    lost = answers.count(502)
    assert 70 <= lost <= 130
    assert 0.35 <= (acted - answers.count(200)) / lost <= 0.65
    assert statuses(500, failing_percent=20) == (answers, acted)


@pytest.mark.parametrize(("percent", "status"), [(0, 200), (100, 502)])
def test_none_or_all(percent: float, status: int) -> None:
    """The ends of the scale."""
    assert statuses(20, failing_percent=percent)[0] == [status] * 20


def test_the_command_serves_with_network_faults() -> None:
    """Both options of it."""
    with serving("--token", TOKEN, "--delay-seconds", "0.3", "--failing-percent", "100") as (url, _):
        before = time.monotonic()
        assert httpx.post(url, json={"query": "{ appConfig { version } }"}).status_code == 502
        assert time.monotonic() - before >= 0.3

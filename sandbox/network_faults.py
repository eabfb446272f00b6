"""Network faults between a client and Houston: delayed and lost answers."""

from __future__ import annotations

import asyncio
import random
from typing import TYPE_CHECKING

from starlette.responses import HTMLResponse

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

_PAGE = "<html><body><h1>502 Bad Gateway</h1></body></html>"


class NetworkFaults:
    """Middleware that delays every answer and replaces some with a proxy's error page.

    Half of the lost requests took effect, so that a client cannot know. Each run loses the same ones, in the order of
    the requests.
    """

    def __init__(self, app: ASGIApp, *, delay_seconds: float, failing_percent: float) -> None:
        """Wrap an app."""
        self._app = app
        self._delay = delay_seconds
        self._failing = failing_percent / 100
        self._random = random.Random(0)  # noqa: S311  no secret

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or lose it before or after it took effect."""
        await asyncio.sleep(self._delay)
        lost, acted = self._random.random() < self._failing, self._random.random() < 1 / 2
        if not lost:
            await self._app(scope, receive, send)
            return

        async def dropped(_: Message) -> None:
            return

        if acted:
            await self._app(scope, receive, dropped)
        await HTMLResponse(_PAGE, status_code=502)(scope, receive, send)

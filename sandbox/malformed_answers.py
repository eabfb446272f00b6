"""Malformed answers: values in Houston's answers that its schema does not allow."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from sandbox.errors import SandboxError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from starlette.types import ASGIApp, Message, Receive, Scope, Send

Put = tuple[list[str], Any]
"""A path in an answer, and the value to put there."""


class MalformedAnswers:
    """Middleware that puts values into the data of Houston's answers that have the path.

    A path has dots, for example ``runtimeReleases.0.version`` or, by alias, ``w0.1.label``.
    """

    def __init__(self, app: ASGIApp, *, put: Sequence[Put]) -> None:
        """Wrap an app."""
        self._app = app
        self._put = put

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        messages: list[Message] = []

        async def keep(message: Message) -> None:
            messages.append(message)

        if scope["type"] != "http" or scope["path"] != "/v1":
            await self._app(scope, receive, send)
            return
        await self._app(scope, receive, keep)
        start, *parts = messages
        body = self.changed(b"".join(part.get("body", b"") for part in parts))
        headers = [(name, value) for name, value in start["headers"] if name != b"content-length"]
        await send({**start, "headers": [*headers, (b"content-length", str(len(body)).encode())]})
        await send({"type": "http.response.body", "body": body})

    def changed(self, body: bytes) -> bytes:
        """Put the values into an answer. An answer without data stays unchanged."""
        answer = json.loads(body) if body else None
        if not isinstance(answer, dict) or not isinstance(answer.get("data"), dict):
            return body
        for place, value in self._put:
            _set(answer["data"], place, value)
        return json.dumps(answer).encode()


def places(texts: Iterable[str]) -> list[Put]:
    """Parse ``PATH=JSON`` words.

    Raises:
        SandboxError: a word has another form.
    """
    found = []
    for text in texts:
        place, _, value = text.partition("=")
        try:
            found.append((place.split("."), json.loads(value)))
        except ValueError as error:
            raise SandboxError(f"{text!r} is not PATH=JSON, for example w0.0.label=42: {error}") from error
    return found


def _set(container: Any, place: list[str], value: Any) -> None:  # noqa: ANN401  JSON
    """Replace a value that exists; add nothing."""
    *way, last = place
    for step in way:
        container = _at(container, step)
    if isinstance(container, dict) and last in container:
        container[last] = value
    elif isinstance(container, list) and last.isdecimal() and int(last) < len(container):
        container[int(last)] = value


def _at(container: Any, step: str) -> Any:  # noqa: ANN401  JSON
    if isinstance(container, dict):
        return container.get(step)
    if isinstance(container, list) and step.isdecimal() and int(step) < len(container):
        return container[int(step)]
    return None

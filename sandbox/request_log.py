"""The request log: one line of JSON for each HTTP request, so that a test can count requests."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from graphql import GraphQLError
from graphql.language import FieldNode, OperationDefinitionNode

from sandbox.document_cache import parsed
from sandbox.timestamps import moment

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TextIO

    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from sandbox.houston import Tokens

#: Key under which a handler stores the request's GraphQL body for the log.
BODY = "sandbox.body"


class RequestLog:
    """Middleware that writes time, method, path, root fields, variables and status before the answer leaves.

    Headers are never written.
    """

    def __init__(self, app: ASGIApp, *, stream: TextIO, tokens: Tokens, clock: Callable[[], float]) -> None:
        """Wrap an app; ``stream`` is flushed after each line, and tokens are replaced with stars."""
        self._app = app
        self._stream = stream
        self._tokens = tokens
        self._clock = clock

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request and write its line."""

        async def noting(message: Message) -> None:
            if message["type"] == "http.response.start":
                self._write(scope, message["status"])
            await send(message)

        await self._app(scope, receive, noting)

    def _write(self, scope: Scope, status: int) -> None:
        body: dict[str, Any] = scope.get(BODY, {})
        line = {
            "time": moment(self._clock()),
            "method": scope["method"],
            "path": scope["path"],
            "fields": root_fields(body.get("query")),
            "variables": body.get("variables") or {},
            "status": status,
        }
        self._stream.write(self._tokens.masked(json.dumps(line)) + "\n")
        self._stream.flush()


def root_fields(document: object) -> list[str]:
    """List the root fields of a document's operations, aliases resolved; empty for a text that is not GraphQL."""
    try:
        definitions = parsed(document).definitions if isinstance(document, str) else ()
    except GraphQLError:
        return []
    return [
        selection.name.value
        for definition in definitions
        if isinstance(definition, OperationDefinitionNode)
        for selection in definition.selection_set.selections
        if isinstance(selection, FieldNode)
    ]

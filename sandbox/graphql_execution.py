"""The executable schema of a platform version, and the strict execution of documents."""

from __future__ import annotations

import functools
import logging
import re
from typing import TYPE_CHECKING, Any

from ariadne import ObjectType, ScalarType, graphql_sync, make_executable_schema
from graphql import GraphQLError, GraphQLObjectType, GraphQLSyntaxError, build_schema

from sandbox import document_cache
from sandbox.errors import RefusedError
from sandbox.mutations import MUTATIONS
from sandbox.queries import DEPLOYMENT, QUERIES, RUNTIME_RELEASE, WORKSPACE, Context
from sandbox.schema import sdl, without
from sandbox.timestamps import moment

if TYPE_CHECKING:
    from graphql import GraphQLSchema

    from sandbox.platform_version import Generation

_RESOLVERS = {
    "Query": QUERIES,
    "Mutation": MUTATIONS,
    "Workspace": WORKSPACE,
    "Deployment": DEPLOYMENT,
    "ChangedDeployment": DEPLOYMENT,
    "RuntimeRelease": RUNTIME_RELEASE,
}
_QUOTED = re.compile(r"'([^']*)'")

_log = logging.getLogger("sandbox")
_silent = logging.Logger("sandbox.graphql")  # noqa: LOG001  ariadne logs every error, a client's mistakes too: not into the tree of loggers
_silent.addHandler(logging.NullHandler())


@functools.cache
def executable(generation: Generation, lacking: tuple[str, ...] = ()) -> GraphQLSchema:
    """Make the executable schema of a platform version, with only the fields of that version.

    ``lacking`` names fields, as ``Type.field``, that this platform lacks although its version should have them.
    """
    text = without(sdl(generation), lacking) if lacking else sdl(generation)
    known = build_schema(text).type_map
    objects = []
    for name, resolvers in _RESOLVERS.items():
        kind = known.get(name)
        if isinstance(kind, GraphQLObjectType):
            bound = ObjectType(name)
            for field in sorted(resolvers.keys() & kind.fields.keys()):
                bound.set_field(field, resolvers[field])
            objects.append(bound)
    scalars = [ScalarType("Uuid", value_parser=_parse_uuid), ScalarType("DateTime", serializer=moment)]
    return make_executable_schema(text, *scalars, *objects, convert_names_case=True)


def run(schema: GraphQLSchema, body: dict[str, Any], context: Context) -> tuple[int, dict[str, Any]]:
    """Execute a request's body; return the HTTP status and the answer.

    An invalid document or variable gives 400; a resolver's error gives 200 and the remaining data (inferred).
    """
    executed, answer = graphql_sync(
        schema,
        body,
        context_value=context,
        query_parser=lambda _, data: document_cache.parsed(data["query"]),
        query_validator=lambda *_, **__: list(document_cache.mistakes(schema, body["query"])),
        error_formatter=_formatted,
        logger=_silent,
    )
    resolved = executed and (answer.get("data") is not None or any("path" in error for error in answer["errors"]))
    if not resolved:
        answer = {"errors": answer["errors"]}
    return (200 if resolved else 400), answer


def _parse_uuid(value: object) -> str:
    """Accept any id without blanks: a real one is a cuid such as ``ckw...``, not a UUID."""
    if isinstance(value, str) and value and not any(character.isspace() for character in value):
        return value
    raise GraphQLError(f"Uuid cannot represent value: {value!r}")


def _formatted(error: GraphQLError, debug: bool = False) -> dict[str, Any]:  # noqa: ARG001, FBT001, FBT002  ariadne's signature
    cause = error.original_error
    formatted: dict[str, Any] = {**error.formatted}
    if isinstance(cause, RefusedError):
        code = cause.code
    elif error.path and cause is not None:
        _log.error("the sandbox failed in %s", error.path, exc_info=cause)
        formatted["message"], code = "Internal server error", "INTERNAL_SERVER_ERROR"
    elif isinstance(error, GraphQLSyntaxError):
        code = "GRAPHQL_PARSE_FAILED"
    else:
        code = "GRAPHQL_VALIDATION_FAILED"
        formatted["message"] = _QUOTED.sub(r'"\1"', error.message)
    return {**formatted, "extensions": {"code": code}}

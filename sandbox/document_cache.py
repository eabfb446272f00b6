"""GraphQL documents, each read and judged once: clients repeat them, and real servers remember them (inferred)."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

from graphql import parse, validate

if TYPE_CHECKING:
    from graphql import DocumentNode, GraphQLError, GraphQLSchema

_REMEMBERED = 512


@functools.lru_cache(_REMEMBERED)
def parsed(text: str) -> DocumentNode:
    """Read a document.

    Raises:
        GraphQLSyntaxError: it is none.
    """
    return parse(text)


@functools.lru_cache(_REMEMBERED)
def mistakes(schema: GraphQLSchema, text: str) -> tuple[GraphQLError, ...]:
    """List what is wrong with a document under a schema, by all rules of the specification."""
    return tuple(validate(schema, parsed(text)))

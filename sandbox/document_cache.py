"""A cache of parsed and validated GraphQL documents: clients repeat them, and real servers cache them (inferred)."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

from graphql import parse, validate

if TYPE_CHECKING:
    from graphql import DocumentNode, GraphQLError, GraphQLSchema

_REMEMBERED = 512


@functools.lru_cache(_REMEMBERED)
def parsed(text: str) -> DocumentNode:
    """Parse a document.

    Raises:
        GraphQLSyntaxError: the text is not a document.
    """
    return parse(text)


@functools.lru_cache(_REMEMBERED)
def mistakes(schema: GraphQLSchema, text: str) -> tuple[GraphQLError, ...]:
    """List the mistakes in a document under a schema, by all rules of the specification."""
    return tuple(validate(schema, parsed(text)))

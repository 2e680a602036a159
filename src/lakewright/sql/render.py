"""Writes a query for an engine, so that its answer is the one that Spark would give."""

from collections.abc import Mapping
from types import MappingProxyType

from lakewright.errors import Place
from lakewright.sql import as_written, types
from lakewright.sql.quoting import Dialect, known
from lakewright.sql.resolve import bind


def render(
    text: str,
    schemas: Mapping[str, types.Schema],
    dialect: Dialect,
    variables: Mapping[str, types.Type] = MappingProxyType({}),
) -> str:
    """The query for a dialect; every column has its type.

    Tables are named `"layer"."table"`, for Spark as `as_written.view` says. Parameters are named as
    they were written there, and are variables of the connection elsewhere.

    The engine's time zone must be UTC.

    Raises:
        SqlRefused: the query is not portable SQL or does not fit the tables.
    """
    bound = bind(text, Place(file="query"), schemas, variables)
    if dialect == "spark":
        return as_written.text(text, variables)
    known(dialect)
    return bound.text

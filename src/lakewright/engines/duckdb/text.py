"""Names, values and types as DuckDB's SQL writes them; `sql.quoting` knows how, this says what."""

from collections.abc import Iterable

from lakewright.sql.quoting import duckdb_type as type_name
from lakewright.sql.quoting import identifier as name
from lakewright.sql.quoting import table
from lakewright.sql.quoting import text as literal

__all__ = ["literal", "literals", "name", "names", "table", "type_name"]


def names(identifiers: Iterable[str]) -> str:
    """The identifiers in double quotes, with commas between them."""
    return ", ".join(name(identifier) for identifier in identifiers)


def literals(values: Iterable[str]) -> str:
    """The texts as a SQL list."""
    return "[" + ", ".join(literal(value) for value in values) + "]"

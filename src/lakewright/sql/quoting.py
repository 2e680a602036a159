"""Names, values and types as an engine's text: the one place that quotes."""

from datetime import date, datetime
from decimal import Decimal as Number
from typing import Literal, TypeAlias

from lakewright.sql import types

Dialect: TypeAlias = Literal["duckdb", "spark"]
"""Of these, Spark takes queries as they were written, and nothing is quoted for it here."""
Value: TypeAlias = bool | int | float | Number | str | bytes | date | datetime | None

_DUCKDB_PRIMITIVES = {
    types.BOOLEAN: "BOOLEAN",
    types.INT: "INTEGER",
    types.BIGINT: "BIGINT",
    types.FLOAT: "FLOAT",
    types.DOUBLE: "DOUBLE",
    types.STRING: "VARCHAR",
    types.BINARY: "BLOB",
    types.DATE: "DATE",
    types.TIMESTAMP: "TIMESTAMPTZ",
    types.TIMESTAMP_NTZ: "TIMESTAMP",
    types.UNKNOWN: '"NULL"',
    types.INTERVAL: "INTERVAL",
}


def identifier(name: str, dialect: Dialect = "duckdb") -> str:
    """One name, quoted whatever it holds."""
    known(dialect)
    return '"' + name.replace('"', '""') + '"'


def table(name: str, dialect: Dialect = "duckdb") -> str:
    """A table's `layer.name`, each part quoted."""
    layer, _, rest = name.partition(".")
    return f"{identifier(layer, dialect)}.{identifier(rest, dialect)}"


def text(value: str) -> str:
    """A string as a literal; DuckDB knows no escapes but the doubled quote.

    Raises:
        ValueError: it holds a NUL character, which ends a query's text.
    """
    if "\0" in value:
        raise ValueError("a text in a query cannot hold a NUL character")
    return "'" + value.replace("'", "''") + "'"


def literal(value: Value, kind: types.Type, dialect: Dialect = "duckdb") -> str:
    """A value of a type as an expression that has exactly that type.

    Raises:
        ValueError: a text with a NUL character, or a datetime that does not fit the type.
    """
    if value is None:
        return f"CAST(NULL AS {duckdb_type(kind)})"
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, str) and kind == types.STRING:
        return text(value)
    if isinstance(value, bytes):
        return f"unhex('{value.hex()}')"
    if isinstance(value, datetime) and (value.tzinfo is None) != (kind == types.TIMESTAMP_NTZ):
        raise ValueError(f"{value!r} is not a {kind}: one of them has a zone")
    known(dialect)
    shown = value.isoformat(" ") if isinstance(value, datetime) else str(value)
    return f"CAST({text(shown)} AS {duckdb_type(kind)})"


def duckdb_type(kind: types.Type) -> str:
    """The name of a type in DuckDB. A column that was always empty has DuckDB's type of NULL."""
    if isinstance(kind, types.Primitive):
        return _DUCKDB_PRIMITIVES[kind]
    if isinstance(kind, types.Decimal):
        return f"DECIMAL({kind.precision},{kind.scale})"
    if isinstance(kind, types.Array):
        return f"{duckdb_type(kind.element)}[]"
    if isinstance(kind, types.Map):
        return f"MAP({duckdb_type(kind.key)}, {duckdb_type(kind.value)})"
    fields = ", ".join(f"{identifier(name)} {duckdb_type(inner)}" for name, inner in kind.fields)
    return f"STRUCT({fields})"


def known(dialect: Dialect) -> None:
    """Refuse a dialect that nothing is written for here."""
    if dialect != "duckdb":
        raise ValueError(f"{dialect!r} is not a dialect to write; the dialects are duckdb")

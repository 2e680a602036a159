"""Names, values and types as DuckDB's SQL writes them."""

from collections.abc import Iterable

from lakewright.sql import types

_PRIMITIVES = {
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
}


def name(identifier: str) -> str:
    """The identifier in double quotes."""
    return '"' + identifier.replace('"', '""') + '"'


def names(identifiers: Iterable[str]) -> str:
    """The identifiers in double quotes, with commas between them."""
    return ", ".join(name(identifier) for identifier in identifiers)


def table(full_name: str) -> str:
    """`layer.table` with each part in double quotes."""
    return ".".join(name(part) for part in full_name.split("."))


def literal(value: str) -> str:
    """The text as a SQL literal."""
    return "'" + value.replace("'", "''") + "'"


def literals(values: Iterable[str]) -> str:
    """The texts as a SQL list."""
    return "[" + ", ".join(literal(value) for value in values) + "]"


def type_name(kind: types.Type) -> str:
    """DuckDB's name of a type.

    Raises:
        ValueError: the type is `unknown`, which no file can hold.
    """
    if isinstance(kind, types.Decimal):
        return f"DECIMAL({kind.precision},{kind.scale})"
    if isinstance(kind, types.Array):
        return f"{type_name(kind.element)}[]"
    if isinstance(kind, types.Map):
        return f"MAP({type_name(kind.key)}, {type_name(kind.value)})"
    if isinstance(kind, types.Struct):
        inner = ", ".join(f"{name(field)} {type_name(inner)}" for field, inner in kind.fields)
        return f"STRUCT({inner})"
    if kind not in _PRIMITIVES:
        raise ValueError(f"a column of type {kind} cannot be stored")
    return _PRIMITIVES[kind]

"""Columns that arrived into the columns of a contract: one SELECT over one relation.

The work is laid out in layers of projections, each naming what the next one uses, because DuckDB
computes an expression once for each place that mentions it. For the same reason whether a record is
accepted is a column of the SELECT and its filter must not be pushed below: see `unmoved`.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from lakewright.engines.duckdb import text
from lakewright.engines.duckdb.casting import Cast, reason
from lakewright.sql import types

ACCEPTED = "__accepted"


@dataclass(frozen=True, kw_only=True, slots=True)
class Field:
    """One column of the contract, and where its values come from."""

    name: str
    kind: types.Type
    source: str
    """SQL over the relation: null where the value is missing."""
    cast: Cast
    is_required: bool
    arrived: str | None = None
    """The one column of the relation that `source` mentions; None: it mentions none."""
    is_cast_as_arrived: bool = False
    """Whether casting `arrived` gives what casting `source` does: then `source`, which looks for
    null words, is asked for few records only."""


def typed(
    relation: str, fields: Sequence[Field], condition: str = "true", first_number: int = 0
) -> str:
    """A SELECT of everything in the relation, typed values and whether the record is accepted.

    Args:
        relation: a SELECT.
        fields: their values are named by `value_name`, their sources by `source_name`.
        condition: what else a record must meet, over the relation's columns.
        first_number: of the first field, for those names.
    """
    numbered = tuple(enumerate(fields, start=first_number))
    layers = (
        [(source_name(i), field.source) for i, field in numbered],
        [(_candidate(i), field.cast.candidate(_read(i, field))) for i, field in numbered],
        [(_exact(i), field.cast.is_exact(_read(i, field), _candidate(i))) for i, field in numbered],
        [
            (value_name(i), field.cast.value(_read(i, field), _candidate(i), _exact(i)))
            for i, field in numbered
        ],
        [(f"__ok{i}", _is_accepted(i, field)) for i, field in numbered],
    )
    query = relation
    for layer in layers:
        columns = "".join(f", {sql} AS {name}" for name, sql in layer)
        query = f"SELECT *{columns} FROM ({query})"
    oks = "".join(f" AND __ok{i}" for i, _ in numbered)
    return f"SELECT *, ({condition}){oks} AS {ACCEPTED} FROM ({query})"


def unmoved(condition: str) -> str:
    """A condition that the optimizer leaves where it stands; it must never be null.

    Pushed below the projection that computes it, a filter computes every cast twice, 1.5 times the
    whole load. Filters that mention what is volatile are not pushed. It is in a branch for the few
    rows without the condition, as a random number costs as much as a cast; it is never below 0.
    """
    return f"CASE WHEN {condition} THEN true ELSE random() < 0 END"


def reasons(fields: Sequence[Field], first_number: int = 0) -> str:
    """Every reason of a record of `typed`'s SELECT, in the shape of the quarantine's column."""
    listed = ", ".join(_reason(i, field) for i, field in enumerate(fields, start=first_number))
    return f"list_filter([{listed}], lambda entry: entry IS NOT NULL)"


def reason_struct(column: str, found: str, value: str) -> str:
    """One reason in the quarantine's shape, from SQL of a column's name, a reason, and a value."""
    return (
        f'struct_pack("column" := {column}, code := ({found}).code,'
        f" message := ({found}).message, value := {value})"
    )


def source_name(number: int) -> str:
    """The name of a field's untyped value in `typed`'s SELECT."""
    return f"__source{number}"


def value_name(number: int) -> str:
    """The name of a field's typed value in `typed`'s SELECT."""
    return f"__value{number}"


def _read(number: int, field: Field) -> str:
    """What is cast."""
    return field.arrived if field.is_cast_as_arrived and field.arrived else source_name(number)


def _candidate(number: int) -> str:
    return f"__candidate{number}"


def _exact(number: int) -> str:
    return f"__exact{number}"


def _is_accepted(number: int, field: Field) -> str:
    # In a branch for few records, an expression is computed for those alone; a column never is.
    source = field.source if field.is_cast_as_arrived else source_name(number)
    value = value_name(number)
    may_be_missing = "false" if field.is_required else "true"
    if field.cast.is_lenient:
        return f"{source} IS NOT NULL" if field.is_required else "true"
    return (
        f"CASE WHEN {_exact(number)} THEN true WHEN {source} IS NULL THEN {may_be_missing}"
        f" WHEN {value} IS NULL THEN false ELSE {field.cast.is_sound(source, value)} END"
    )


def _reason(number: int, field: Field) -> str:
    source = source_name(number)
    missing = reason("missing_required", "has no value, but is required")
    found = f"CASE WHEN {source} IS NULL THEN {missing} ELSE {field.cast.reason(source)} END"
    shown = f"CAST({source} AS VARCHAR)"
    entry = reason_struct(text.literal(field.name), found, shown)
    return f"CASE WHEN NOT __ok{number} THEN {entry} END"

"""A file's columns as SQL: which values go where, which rows are accepted, what refuses the others.

Every kind of part is first made a relation of one shape: the arrived columns as `column_name(i)`,
each as text or with a type of its own, and `_record`, `_byte`, `_raw`, `_problem` (why the record
as a whole cannot be read; null for a sound one). A part of several files has `FILE` too, which says
of which each record is; several uploads together have `UPLOAD`. What follows is the same for all.

A value is never dropped: a column that the contract does not have, or whose type is unknown as it
has only ever been empty, refuses the records that have a value there.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC

import duckdb

from lakewright.engines.duckdb import conversion, nesting, text, typing, wide
from lakewright.engines.duckdb.casting import Cast, reason
from lakewright.errors import ContractBroken
from lakewright.plan import matching, steps
from lakewright.plan.landed import Landed
from lakewright.project.contract import Column, Contract
from lakewright.project.source import Csv, Format, decimal_separator
from lakewright.sql import types

TEXT = "VARCHAR"
FILE = "__file"
UPLOAD = "__upload"

CONSTANT_TEXTS = ("_upload_id", "_source_file")
"""Metadata columns with one text for all rows. They are enums of that text, which Parquet holds as
a text all the same: a dictionary that is known costs nothing, one that is looked for 0.1 us a row.
"""


def column_name(place: int) -> str:
    """The name of the arrived column of that place, from 0, in a part's relation."""
    return f"__arrived{place}"


@dataclass(frozen=True, kw_only=True, slots=True)
class Arrival:
    """How the columns of one upload's parts become rows."""

    width: int
    """How many columns arrived."""
    columns: tuple[typing.Field, ...]
    """Those of the table."""
    strangers: tuple[typing.Field, ...]
    """What arrived and has no place in the table; any value there refuses its record."""
    constants: str
    """SQL of the metadata columns that are the same for every row, with their names."""
    has_quotes: bool
    """Whether a record may be unreadable because of where its quotes stand."""

    def accepted(
        self, cursor: duckdb.DuckDBPyConnection, relation: str, or_else: str = "false"
    ) -> str:
        """A SELECT of bronze's rows: the records that the contract accepts.

        Args:
            cursor: runs the SELECT; holds its temporary tables if there are very many columns.
            relation: a SELECT in the shape that this module asks for.
            or_else: which other records to return nevertheless.
        """
        typed = wide.typed(cursor, relation, self._fields, _IS_WHOLE)
        columns = "".join(
            f"{typing.value_name(number)} AS {text.name(field.name)}, "
            for number, field in enumerate(self._fields)
            if number >= len(self.strangers)
        )
        return (
            f"SELECT {columns}_record, {self.constants} FROM ({typed})"
            f" WHERE {typing.ACCEPTED} OR ({or_else})"
        )

    def refused(self, cursor: duckdb.DuckDBPyConnection, relation: str) -> str:
        """A SELECT of the quarantine's rows: the other records, with every reason.

        Where a record as a whole cannot be read, that is its only reason: nobody knows which of
        its fields belongs to which column.
        """
        found = _problem_reason(self.width, has_quotes=self.has_quotes)
        whole = typing.reason_struct("NULL::VARCHAR", found, "NULL::VARCHAR")
        judged = wide.judged(cursor, relation, self._fields, _IS_WHOLE)
        return (
            f"SELECT _record, {self.constants}, _byte AS byte_position, _raw AS raw,"
            f" CASE WHEN _problem IS NOT NULL THEN [{whole}] ELSE {wide.REASONS} END AS reasons"
            f" FROM ({judged}) WHERE NOT {typing.ACCEPTED}"
        )

    def given(self, cursor: duckdb.DuckDBPyConnection, relation: str) -> Iterator[tuple[str, int]]:
        """In how many records of a relation each column of the table has a value, good or bad.

        Records that cannot be read as a whole are left out.
        """
        for fields in wide.slices(self.columns):
            arrived = sorted({field.arrived for field in fields if field.arrived is not None})
            narrow = ", ".join([*arrived, "_problem"])
            counts = ", ".join(f"count({field.source})" for field in fields)
            (row,) = cursor.execute(
                f"SELECT {counts} FROM (SELECT {narrow} FROM ({relation})) WHERE _problem IS NULL"
            ).fetchall()
            yield from zip((field.name for field in fields), row, strict=True)

    @property
    def _fields(self) -> tuple[typing.Field, ...]:
        return (*self.strangers, *self.columns)


_IS_WHOLE = typing.unmoved("_problem IS NULL")

_STRANGER = Cast(
    candidate=lambda _: "NULL::VARCHAR",
    is_exact=lambda _name, _candidate: "false",
    reason=lambda _: reason(
        "unexpected_column", "a value in a column that the contract does not have"
    ),
)
"""Takes no value at all."""


def of(
    step: steps.Bronze,
    landed: Landed,
    kinds: Sequence[str] | None = None,
    *,
    has_files: bool = False,
    has_uploads: bool = False,
) -> Arrival:
    """Match a file's columns with the step's contract.

    Args:
        step: says the contract and the time.
        landed: the file.
        kinds: DuckDB's type of each arrived column; None: all are text.
        has_files: whether the relation says of which file each record is.
        has_uploads: whether it says of which upload, too; all are like this one.

    Raises:
        ContractBroken: a column's format or default cannot be read.
    """
    known = tuple(column for column in step.contract.columns if column.type != types.UNKNOWN)
    match = matching.match(step.contract.columns, landed)
    places = {id(arrived): place for place, arrived in enumerate(landed.columns)}
    names = kinds or [TEXT] * len(landed.columns)
    columns = tuple(
        _field(
            column,
            places.get(id(match.columns.get(column.name))),
            names,
            step.contract,
            landed.format,
        )
        for column in known
    )
    taken = {id(match.columns[column.name]) for column in known if column.name in match.columns}
    strangers = tuple(
        _stranger(arrived.name, column_name(place), names[place], step.contract)
        for place, arrived in enumerate(landed.columns)
        if id(arrived) not in taken
    )
    return Arrival(
        width=len(landed.columns),
        columns=columns,
        strangers=strangers,
        constants=_constants(
            step,
            UPLOAD if has_uploads else _constant_text(landed.upload_id),
            FILE if has_files or has_uploads else _constant_text(landed.file_name),
        ),
        has_quotes=isinstance(landed.format, Csv),
    )


def check_defaults(
    connection: duckdb.DuckDBPyConnection, contract: Contract, file_format: Format
) -> None:
    """Try every default as the value that it would become in a file of this format.

    Raises:
        ContractBroken: one of them is not a value of its column's type.
    """
    fields = tuple(
        _field(column, None, (), contract, file_format)
        for column in contract.columns
        if column.default is not None and column.type != types.UNKNOWN
    )
    if not fields:
        return
    query = f"SELECT {typing.reasons(fields)} FROM ({typing.typed('SELECT 1', fields)})"
    found = connection.execute(query).fetchall()[0][0]
    if found:
        raise ContractBroken(
            f"the default {found[0]['value']!r} of column {found[0]['column']} cannot be used",
            why=found[0]["message"],
            hint="write the default as a file would write the value",
        )


def _field(
    column: Column, place: int | None, kinds: Sequence[str], contract: Contract, file_format: Format
) -> typing.Field:
    kind = TEXT if place is None else kinds[place]
    source = "NULL::VARCHAR" if place is None else column_name(place)
    words: tuple[str, ...] = ()
    if kind == TEXT and place is not None:
        words = _null_words(column, contract, file_format)
        source = _without(source, words)
    if kind == TEXT and column.default is not None:
        source = f"coalesce({source}, {text.literal(column.default)})"
    cast = _cast(column, kind, file_format)
    return typing.Field(
        name=column.name,
        kind=column.type,
        source=source,
        cast=cast,
        is_required=column.is_required or column.name in contract.key,
        arrived=None if place is None else column_name(place),
        is_cast_as_arrived=cast.refuses_empty and words == ("",) and column.default is None,
    )


def _cast(column: Column, kind: str, file_format: Format) -> Cast:
    separator = decimal_separator(file_format)
    try:
        from_text = conversion.from_text(column.type, pattern=column.format, separator=separator)
        if kind == TEXT:
            return from_text
        cast = conversion.from_value(kind, column.type)
    except ValueError as error:
        raise ContractBroken(
            f"column {column.name} cannot be read as its contract says",
            why=str(error),
            hint="correct the column's type or format",
        ) from error
    if column.default is None:
        return cast
    return conversion.with_default(cast, from_text, column.default)


def _null_words(column: Column, contract: Contract, file_format: Format) -> tuple[str, ...]:
    """The texts that mean null in a column.

    JSON and Parquet have a null of their own: there, an empty text in a column of texts is one,
    unless the column itself says otherwise.
    """
    words = contract.null_words if column.null_words is None else column.null_words
    if (
        column.null_words is None
        and column.type == types.STRING
        and not isinstance(file_format, Csv)
    ):
        words = tuple(word for word in words if word)
    return (*words, "null") if nesting.is_nested(column.type) else words


def _without(source: str, words: Sequence[str]) -> str:
    if not words:
        return source
    if len(words) == 1:
        return f"nullif({source}, {text.literal(words[0])})"
    listed = ", ".join(text.literal(word) for word in words)
    return f"CASE WHEN {source} IN ({listed}) THEN NULL ELSE {source} END"


def _stranger(name: str, arrived: str, kind: str, contract: Contract) -> typing.Field:
    return typing.Field(
        name=name,
        kind=types.STRING,
        source=_without(arrived, contract.null_words) if kind == TEXT else arrived,
        cast=_STRANGER,
        is_required=False,
        arrived=arrived,
    )


def _constants(step: steps.Bronze, upload_id: str, file_name: str) -> str:
    loaded_at = step.loaded_at.astimezone(UTC).isoformat(sep=" ")
    values = {
        "_upload_id": upload_id,
        "_source_file": file_name,
        "_loaded_at": f"TIMESTAMPTZ {text.literal(loaded_at)}",
    }
    return ", ".join(f"{value} AS {name}" for name, value in values.items())


def _constant_text(value: str) -> str:
    return f"{text.literal(value)}::ENUM({text.literal(value)})"


def _problem_reason(width: int, *, has_quotes: bool) -> str:
    """A reason for a record that cannot be read as a whole, from the words of its problem."""
    count = (
        "TRY_CAST(replace(regexp_extract(_problem, '^([0-9,]+) fields?', 1), ',', '') AS BIGINT)"
    )
    bad_quoting = " WHEN regexp_matches(_problem, 'quote|escape') THEN 'bad_quoting'"
    code = (
        f"CASE WHEN {count} > {width} THEN 'too_many_fields'"
        f" WHEN {count} < {width} THEN 'too_few_fields'"
        " WHEN contains(_problem, 'UTF-8') THEN 'bad_encoding'"
        f"{bad_quoting if has_quotes else ''} ELSE 'unreadable_record' END"
    )
    return f"{{'code': {code}, 'message': _problem}}"

"""A person's question: one portable SELECT over tables as they are, answered in batches."""

from collections.abc import Iterator, Mapping

import duckdb
import pyarrow

from lakewright.engines.duckdb import failures, reading
from lakewright.errors import Place
from lakewright.lake.staged import FileSet
from lakewright.sql import parse, render, resolve, types

_BATCH_ROWS = 65_536
"""Rows of one batch: some megabytes for usual rows."""


def query(
    connection: duckdb.DuckDBPyConnection, sql: str, tables: Mapping[str, FileSet]
) -> tuple[types.Schema, pyarrow.RecordBatchReader]:
    """Run one portable SELECT.

    The reader computes as it is read; until then it holds a connection of its own.

    Raises:
        SqlRefused: the query is not portable SQL or does not fit the tables.
        RunFailed: a row cannot be computed; also while the reader is read.
    """
    schemas = {name: table.schema for name, table in tables.items()}
    parsed = parse.parse(sql, Place(file="query"), ad_hoc=True)
    schema = resolve.resolve(parsed, schemas).schema
    select = render.render(sql, schemas, "duckdb")
    relations = {name: reading.relation_sql(tables[name]) for name in parsed.tables}
    cursor = connection.cursor()
    with failures.of("the query"), reading.registered(connection, relations):
        answer = cursor.execute(select).to_arrow_reader(_BATCH_ROWS)
    return schema, pyarrow.RecordBatchReader.from_batches(answer.schema, _batches(cursor, answer))


def _batches(
    cursor: duckdb.DuckDBPyConnection, answer: pyarrow.RecordBatchReader
) -> Iterator[pyarrow.RecordBatch]:
    with cursor:
        try:
            yield from answer
        except OSError as error:  # How Arrow passes on every error of the stream's maker.
            raise failures.uncomputable("the query", str(error)) from error

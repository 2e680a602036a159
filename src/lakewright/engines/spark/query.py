"""A person's question: one portable SELECT over tables as they are."""

from collections.abc import Mapping

import pyarrow
from pyspark.sql import SparkSession

from lakewright.engines.spark import failures, reading
from lakewright.errors import Place
from lakewright.lake.staged import FileSet
from lakewright.sql import parse, render, resolve, types


def query(
    spark: SparkSession, sql: str, tables: Mapping[str, FileSet]
) -> tuple[types.Schema, pyarrow.RecordBatchReader]:
    """Run one portable SELECT. The answer is whole, in this process, before the reader is read.

    Raises:
        SqlRefused: the query is not portable SQL or does not fit the tables.
        RunFailed: a row cannot be computed.
    """
    schemas = {name: table.schema for name, table in tables.items()}
    parsed = parse.parse(sql, Place(file="query"), ad_hoc=True)
    schema = resolve.resolve(parsed, schemas).schema
    select = render.render(sql, schemas, "spark")
    frames = {name: reading.frame(spark, tables[name]) for name in parsed.tables}
    with failures.of("the query"), reading.registered(frames):
        answer = spark.sql(select).toArrow()
    return schema, answer.to_reader()

"""Rows leave a table only with their whole files: find these, and write their other rows anew.

Small files become few by being written anew too.
"""

from collections.abc import Sequence
from dataclasses import replace

from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F  # noqa: N812

from lakewright.engines.engine import Remainder
from lakewright.engines.spark import names, reading, writing
from lakewright.lake.staged import DataFile, FileSet, Target

_FILE_BYTES = 128 * 1024 * 1024
"""Big enough that opening a file costs nothing beside reading it; as large as a task reads."""

GONE = "gone"
PRESENT = "present"
"""What the two sides of a condition are called: `F.col("gone.a") == F.col("present.a")`."""


def touched(table: FileSet, columns: Sequence[str], gone: DataFrame, condition: Column) -> FileSet:
    """The table with only those of its files that hold a row which a row of `gone` matches.

    Args:
        table: the side called `PRESENT`.
        columns: those that the condition needs; no others are read.
        gone: the side called `GONE`.
        condition: when they match.
    """
    if not table.files:
        return table
    rows = reading.frame(gone.sparkSession, table, (*columns, reading.FILE)).alias(PRESENT)
    hit = rows.join(gone.alias(GONE), condition, "left_semi").select(names.column(reading.FILE))
    paths = {reading.path_of(row[0]) for row in hit.distinct().collect()}
    return replace(table, files=tuple(file for file in table.files if file.path in paths))


def without(
    table: FileSet, columns: Sequence[str], gone: DataFrame, condition: Column, target: Target
) -> Remainder:
    """Take the rows that match out of a table; the arguments are those of `touched`."""
    hit = touched(table, columns, gone, condition)
    writing.remove_leftovers(target, "rest")
    rewritten: tuple[DataFile, ...] = ()
    if hit.files:
        rows = reading.frame(gone.sparkSession, hit).alias(PRESENT)
        rest = rows.join(gone.alias(GONE), condition, "left_anti")
        rewritten = writing.write(_with_new_columns(rest, target), target, "rest")
    return Remainder(removed=tuple(file.path for file in hit.files), rewritten=rewritten)


def remove_uploads(
    spark: SparkSession, table: FileSet, upload_ids: Sequence[str], target: Target
) -> Remainder:
    """Find the files that hold rows of these uploads, and rewrite what else they hold."""
    if not upload_ids:
        return Remainder(removed=(), rewritten=())
    ids = F.array(*(F.lit(one) for one in upload_ids))
    gone = spark.range(1).select(F.explode(ids).alias("id"))
    condition = F.col(f"{PRESENT}._upload_id") == F.col(f"{GONE}.id")
    return without(table, ("_upload_id",), gone, condition, target)


def compact(spark: SparkSession, files: FileSet, target: Target) -> tuple[DataFile, ...]:
    """Write the rows of these files again, as few files as their partitions allow."""
    rows = _with_new_columns(reading.frame(spark, files), target)
    if not target.partitioning:  # Otherwise the rows of a partition come together anyway.
        size_bytes = sum(file.size_bytes for file in files.files)
        rows = rows.coalesce(max(1, round(size_bytes / _FILE_BYTES)))
    return writing.write(rows, target, "compact")


def _with_new_columns(rows: DataFrame, target: Target) -> DataFrame:
    """Columns that the table does not have yet are null."""
    for field in target.schema.fields:
        if field.name not in rows.columns:
            rows = rows.withColumn(field.name, F.lit(None).cast(reading.of_type(field.type)))
    return rows

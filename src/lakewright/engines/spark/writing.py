"""Rows into Parquet files as Iceberg wants them, by Iceberg's own writer.

What is written lies in the target's folder under names that begin with its prefix, so that a
repeated step finds and overwrites what an earlier attempt left.
"""

import glob
import shutil
from pathlib import Path

from pyspark.sql import DataFrame

from lakewright.engines.spark import names, reading
from lakewright.lake import unlisted
from lakewright.lake.staged import DataFile, Target
from lakewright.sql import types


def write(rows: DataFrame, target: Target, suffix: str) -> tuple[DataFile, ...]:
    """Write the target's columns of these rows, by name; no rows give no file.

    `suffix` tells these files from others of the same step.
    """
    remove_leftovers(target, suffix)
    folder = _draft(target, suffix)
    unlisted.make(folder, target)
    typed(rows, target.schema).write.format("iceberg").mode("append").option(
        "check-nullability", "false"
    ).save(str(folder))
    return unlisted.take(folder, _stem(target, suffix))


def typed(rows: DataFrame, schema: types.Schema) -> DataFrame:
    """The columns of a schema, in its order, with exactly its types."""
    return rows.select(
        [
            names.column(field.name).cast(reading.of_type(field.type)).alias(field.name)
            for field in schema.fields
        ]
    )


def remove_leftovers(target: Target, suffix: str) -> None:
    """Delete what an earlier attempt to write the same has left behind."""
    shutil.rmtree(_draft(target, suffix), ignore_errors=True)
    stem = _stem(target, suffix)
    for path in stem.parent.glob(f"{glob.escape(stem.name)}-[0-9]*.parquet"):
        path.unlink()


def _stem(target: Target, suffix: str) -> Path:
    return Path(target.folder, f"{target.file_prefix}-{suffix}")


def _draft(target: Target, suffix: str) -> Path:
    stem = _stem(target, suffix)
    return stem.with_name(f"{stem.name}.partial")

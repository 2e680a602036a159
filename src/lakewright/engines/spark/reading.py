"""Tables as frames: the columns of Parquet files, found by their field ids.

An older file may lack a column, name it otherwise or hold a narrower type: its rows read as if it
had been written today. Fields inside structs are found by their names, as nothing in a project
renames them.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from urllib.parse import unquote

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F  # noqa: N812
from pyspark.sql.types import DataType, StructField, StructType

from lakewright.engines.spark import names
from lakewright.lake import metadata
from lakewright.lake.staged import FileSet
from lakewright.sql import as_written, types

FILE = "path of the file"
"""The column that tells a row's file, as a URI; no table has one of this name."""

_FIELD_ID = "parquet.field.id"


def frame(
    spark: SparkSession, file_set: FileSet, columns: Sequence[str] | None = None
) -> DataFrame:
    """The table's rows.

    Args:
        spark: reads them.
        file_set: the table; without files the result has no rows but the right types.
        columns: which columns, in which order; None: all. `FILE` may be among them.
    """
    kinds = {field.name: field.type for field in file_set.schema.fields}
    wanted = file_set.schema.names if columns is None else tuple(columns)
    if not file_set.files:
        nothing = spark.range(0)
        return nothing.select([_null(name, kinds.get(name, types.STRING)) for name in wanted])
    held = StructType(
        [
            StructField(
                _scanned(file_set, name),
                of_type(kind),
                True,  # noqa: FBT003
                {_FIELD_ID: file_set.field_ids[name]},
            )
            for name, kind in kinds.items()
            if kind != types.UNKNOWN
        ]
    )
    reader = spark.read.schema(held).option("__globPaths__", "false")
    scanned = reader.parquet(*(file.path for file in file_set.files))
    return scanned.select(
        [
            F.col("_metadata.file_path").alias(FILE)
            if name == FILE
            else _null(name, types.UNKNOWN)
            if kinds[name] == types.UNKNOWN
            else names.column(_scanned(file_set, name)).alias(name)
            for name in wanted
        ]
    )


def _scanned(file_set: FileSet, column: str) -> str:
    """What the scan calls a column: as no file calls any.

    Under a name that a file has for another column, Spark 4.1.4's vectorized reader takes that one
    if it is read too; and a filter would be tried on that one's statistics.
    """
    return f"{file_set.field_ids[column]} of the table"


def path_of(uri: str) -> str:
    """The path, as a file set has it, of a file that `FILE` names."""
    return metadata.local_path(unquote(uri))


def _null(name: str, kind: types.Type) -> "F.Column":
    return F.lit(None).cast(of_type(kind)).alias(name)


def of_type(kind: types.Type) -> DataType:
    """A type as Spark has it."""
    return DataType.fromDDL("void" if kind == types.UNKNOWN else str(kind))


@contextmanager
def registered(frames: Mapping[str, DataFrame]) -> Iterator[None]:
    """Make each frame readable by queries as its `layer.table`, for a while."""
    for name, rows in frames.items():
        rows.createOrReplaceTempView(as_written.view(name))
    try:
        yield
    finally:
        for name, rows in frames.items():
            rows.sparkSession.catalog.dropTempView(name)

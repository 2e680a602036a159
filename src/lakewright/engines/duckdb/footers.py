"""What the footers of a table's Parquet files prove, without reading a row."""

from collections.abc import Collection

import duckdb

from lakewright.engines.duckdb import text
from lakewright.lake.staged import FileSet


def columns_without_null(
    connection: duckdb.DuckDBPyConnection, table: FileSet, columns: Collection[str]
) -> frozenset[str]:
    """Those of the columns that have a value in every row, as every row group says.

    The others may have one too: a file may lack the column or its statistics, or hold it under
    another field id, and a column that holds others counts nothing by itself.
    """
    named = {name: table.field_ids[name] for name in columns if name in table.field_ids}
    if not (named and table.files):
        return frozenset()
    paths = text.literals(file.path for file in table.files)
    # A path of several names has commas; it must not pass for one name that has them, too.
    counted = (
        "SELECT file_name, path_in_schema AS name, sum(num_values) AS held,"
        f" sum(stats_null_count) AS nulls FROM parquet_metadata({paths})"
        " WHERE NOT contains(path_in_schema, ',')"
        " GROUP BY ALL HAVING count(*) = count(stats_null_count)"
    )
    found = connection.execute(
        f"SELECT name, field_id, sum(held) FROM ({counted}) JOIN (SELECT file_name, name, field_id"
        f" FROM parquet_schema({paths}) WHERE type IS NOT NULL) USING (file_name, name)"
        " WHERE nulls = 0 GROUP BY ALL"
    ).fetchall()
    return frozenset(
        name for name, field_id, held in found if named.get(name) == field_id and held == table.rows
    )

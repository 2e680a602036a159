"""Readers of Iceberg tables that are not ours, by the location of a table's metadata."""

import importlib.metadata

import duckdb
import polars
import pyarrow


def with_duckdb(location: str) -> pyarrow.Table:
    """DuckDB's own Iceberg reader, from the installed package."""
    connection = duckdb.connect()
    for name in ("avro", "iceberg"):
        files = importlib.metadata.files(f"duckdb-extension-{name}") or []
        [extension] = [one for one in files if one.suffix == ".duckdb_extension"]
        connection.execute(f"LOAD '{extension.locate()}'")
    connection.execute("SET TimeZone = 'UTC'")
    return connection.execute(f"SELECT * FROM iceberg_scan('{location}')").to_arrow_table()


def with_polars(location: str) -> pyarrow.Table:
    """Polars, whose own planner or PyIceberg finds the files."""
    return polars.scan_iceberg(location).collect().to_arrow()

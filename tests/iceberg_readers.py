"""Readers of Iceberg tables that are not ours, by the location of a table's metadata."""

import importlib.metadata

import duckdb
import polars
import pyarrow


def with_duckdb(location: str) -> pyarrow.Table:
    """DuckDB's own Iceberg reader, from the installed package."""
    query = f"SELECT * FROM iceberg_scan('{location}')"
    return duckdb_with_iceberg().execute(query).to_arrow_table()


def duckdb_with_iceberg() -> duckdb.DuckDBPyConnection:
    """DuckDB with `iceberg_scan`. That the extensions are DuckDB's own is known from the lock file:
    to see it again by their signatures takes a third of a second."""
    connection = duckdb.connect(config={"allow_unsigned_extensions": "true"})
    for name in ("avro", "iceberg"):
        files = importlib.metadata.files(f"duckdb-extension-{name}") or []
        [extension] = [one for one in files if one.suffix == ".duckdb_extension"]
        connection.execute(f"LOAD '{extension.locate()}'")
    connection.execute("SET TimeZone = 'UTC'")
    return connection


def with_polars(location: str) -> pyarrow.Table:
    """Polars, whose own planner or PyIceberg finds the files."""
    return polars.scan_iceberg(location).collect().to_arrow()

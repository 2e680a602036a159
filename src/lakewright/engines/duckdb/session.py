"""A DuckDB connection with limits: offline, in UTC, and blind to files outside named folders.

SQL of users reaches it only through the renderer, whose allow-list has no table functions. Should a
query ever get past that, the connection still reads and writes nothing outside its folders, loads
no extension, and cannot lift its own limits. json, icu and parquet are part of DuckDB's wheel.
"""

from collections.abc import Sequence
from pathlib import Path

import duckdb

from lakewright.engines.duckdb import text

_CONFIGURATION: dict[str, str | bool | int | float | list[str]] = {
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
    "allow_community_extensions": "false",
    "allow_persistent_secrets": "false",
    "enable_external_file_cache": "false",
    "python_enable_replacements": "false",  # A table's name never means a Python variable.
}


def connect(
    *, folders: Sequence[str], temp_folder: str, threads: int, memory_limit_bytes: int
) -> duckdb.DuckDBPyConnection:
    """Open an in-memory database.

    Args:
        folders: absolute paths; files below them may be read and written, no others.
        temp_folder: where the engine spills what exceeds its memory; made if it does not exist.
        threads: how many cores it uses.
        memory_limit_bytes: what it holds before it spills.
    """
    Path(temp_folder).mkdir(parents=True, exist_ok=True)
    connection = duckdb.connect(
        ":memory:",
        config=_CONFIGURATION
        | {
            "threads": str(threads),
            "memory_limit": f"{memory_limit_bytes}B",
            "temp_directory": temp_folder,
        },
    )
    allowed = ", ".join(text.literal(folder) for folder in (*folders, temp_folder))
    for statement in (
        "SET GLOBAL TimeZone = 'UTC'",  # Global, as cursors do not inherit what a session sets.
        f"SET allowed_directories = [{allowed}]",
        "SET enable_external_access = false",
        "SET lock_configuration = true",
    ):
        connection.execute(statement)
    return connection

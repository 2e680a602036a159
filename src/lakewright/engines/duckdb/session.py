"""A DuckDB connection with limits: offline, in UTC, and blind to files outside named folders.

SQL of users reaches it only through the renderer, whose allow-list has no table functions. Should a
query ever get past that, the connection still reads and writes nothing outside its folders, loads
no extension, and cannot lift its own limits. json, icu and parquet are part of DuckDB's wheel.
"""

from collections.abc import Sequence
from pathlib import Path

import duckdb

from lakewright.engines.duckdb import fitting, text

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
    return _open([*folders, temp_folder], temp_folder, threads, f"{memory_limit_bytes}B")


def single_threaded(connection: duckdb.DuckDBPyConnection) -> duckdb.DuckDBPyConnection:
    """Open another in-memory database with the same folders and limits, but without threads.

    Each of its cursors works on the thread that calls it, and only there. Queries that several of
    our threads run on one database of several threads take each other's work and wait in circles,
    which was measured to cost half as much again. Open one at a time: it spills to a folder of its
    own, as databases that share one overwrite each other's files.
    """
    allowed, temp_folder, memory_limit = connection.execute(
        "SELECT current_setting('allowed_directories'), current_setting('temp_directory'),"
        " current_setting('memory_limit')"
    ).fetchall()[0]
    return _open(allowed, f"{temp_folder}/single-threaded", 1, memory_limit)


def _open(
    allowed_folders: Sequence[str], temp_folder: str, threads: int, memory_limit: str
) -> duckdb.DuckDBPyConnection:
    Path(temp_folder).mkdir(parents=True, exist_ok=True)
    connection = duckdb.connect(
        ":memory:",
        config=_CONFIGURATION
        | {
            "threads": str(threads),
            "memory_limit": memory_limit,
            "temp_directory": temp_folder,
        },
    )
    for statement in (
        "SET GLOBAL TimeZone = 'UTC'",  # Global, as cursors do not inherit what a session sets.
        f"SET allowed_directories = {text.literals(allowed_folders)}",
        "SET enable_external_access = false",
        "SET lock_configuration = true",
    ):
        connection.execute(statement)
    fitting.create(connection)
    return connection

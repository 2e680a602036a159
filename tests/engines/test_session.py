"""A connection reaches its own folders and nothing else, and nobody can change that."""

from pathlib import Path

import duckdb
import pytest

from lakewright.engines.duckdb import session


def connect(folder: Path) -> duckdb.DuckDBPyConnection:
    return session.connect(
        folders=[str(folder)],
        temp_folder=str(folder / "temp"),
        threads=2,
        memory_limit_bytes=100_000_000,
    )


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT * FROM read_text('{outside}/secret.txt')",
        "SELECT * FROM read_csv('{inside}/../outside/secret.txt')",
        "COPY (SELECT 1) TO '{outside}/x.parquet'",
        "ATTACH '{outside}/x.db'",
        "SELECT * FROM read_csv('https://example.invalid/x.csv')",
        "INSTALL httpfs",
        "LOAD httpfs",
        "SET threads = 64",
        "SET enable_external_access = true",
        "SET allowed_directories = ['/']",
        "SELECT * FROM outside",
    ],
)
def test_nothing_outside_its_folders_can_be_reached(tmp_path: Path, statement: str) -> None:
    outside, inside = tmp_path / "outside", tmp_path / "inside"
    for folder in (outside, inside):
        folder.mkdir()
    (outside / "secret.txt").write_text("secret", encoding="utf-8")
    with connect(inside) as connection, pytest.raises(duckdb.Error):
        connection.execute(statement.format(outside=outside, inside=inside)).fetchall()


def test_its_limits_hold_and_every_cursor_is_in_utc(tmp_path: Path) -> None:
    with connect(tmp_path) as connection:
        settings = "SELECT current_setting('threads'), current_setting('memory_limit')"
        assert connection.execute(settings).fetchall() == [(2, "95.3 MiB")]
        zone = "SELECT current_setting('TimeZone')"
        assert connection.cursor().execute(zone).fetchall() == [("UTC",)]


def test_time_zones_and_json_are_part_of_it(tmp_path: Path) -> None:
    with connect(tmp_path) as connection:
        query = "SELECT json_valid('{}'), timezone('Asia/Tokyo', TIMESTAMPTZ '2024-01-01')::VARCHAR"
        assert connection.execute(query).fetchall() == [(True, "2024-01-01 09:00:00")]


def test_what_exceeds_its_memory_is_spilled(tmp_path: Path) -> None:
    connection = session.connect(
        folders=[str(tmp_path)],
        temp_folder=str(tmp_path / "work" / "spill"),
        threads=1,
        memory_limit_bytes=24_000_000,
    )
    with connection:
        connection.execute("CREATE TEMP TABLE t AS SELECT hash(i) AS h FROM range(4000000) AS t(i)")
        assert list((tmp_path / "work" / "spill").iterdir())
        assert connection.execute("SELECT count(*) FROM t").fetchall() == [(4_000_000,)]


def test_a_single_threaded_session_keeps_the_limits_of_the_one_it_stands_beside(
    tmp_path: Path,
) -> None:
    inside, outside = tmp_path / "inside", tmp_path / "outside"
    inside.mkdir()
    outside.mkdir()
    with (
        session.connect(
            folders=[str(inside)],
            temp_folder=str(tmp_path / "spill"),
            threads=2,
            memory_limit_bytes=64 * 2**20,
        ) as connection,
        session.single_threaded(connection) as beside,
    ):
        settings = "SELECT current_setting('memory_limit'), current_setting('TimeZone')"
        assert beside.execute(settings).fetchall() == connection.execute(settings).fetchall()
        assert beside.execute("SELECT current_setting('threads')").fetchall() == [(1,)]
        beside.execute(f"COPY (SELECT 1) TO '{inside}/x.csv'")
        with pytest.raises(duckdb.PermissionException):
            beside.execute(f"COPY (SELECT 1) TO '{outside}/x.csv'")

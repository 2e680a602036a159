"""The catalog's file is PyIceberg's own: each reads and writes what the other made."""

import sqlite3
from pathlib import Path

import pyarrow as pa
import pytest
from pyiceberg.catalog.sql import SqlCatalog
from pyiceberg.exceptions import CommitFailedException

from lakewright import errors
from lakewright.lake.sqlite_catalog import Move, SqliteCatalog
from lakewright.sql import types
from tests.lake.conftest import Workshop

ORDERS = "bronze.orders"
SCHEMA = types.Schema(
    (types.Field(name="id", type=types.BIGINT), types.Field(name="v", type=types.STRING))
)


def stock(path: Path) -> SqlCatalog:
    return SqlCatalog("lakewright", uri=f"sqlite:///{path}", warehouse=str(path.parent / "other"))


def tables_of(path: Path) -> dict[str, list[tuple[str, str, int, int]]]:
    """Name, type, whether it must be there, and place in the key, of each column."""
    connection = sqlite3.connect(path)
    names = [row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE sql > ''")]
    found = {
        name: [
            (column[1], column[2], column[3], column[5])
            for column in connection.execute(f"PRAGMA table_info({name})")
        ]
        for name in names
    }
    connection.close()
    return found


def test_it_has_the_tables_that_pyiceberg_makes(tmp_path: Path) -> None:
    stock(tmp_path / "theirs.sqlite").close()
    SqliteCatalog(tmp_path / "ours.sqlite").move([])
    assert tables_of(tmp_path / "ours.sqlite") == tables_of(tmp_path / "theirs.sqlite")


def test_a_file_that_cannot_be_opened_is_let_go_of(tmp_path: Path) -> None:
    (tmp_path / "catalog.sqlite").write_bytes(b"no database " * 1000)
    catalog = SqliteCatalog(tmp_path / "catalog.sqlite")
    before = len(list(Path("/dev/fd").iterdir()))
    kept = []
    for _ in range(3):  # As whoever tries again and again.
        with pytest.raises(errors.LakewrightError) as refused:
            catalog.pointers()
        kept.append(refused)
    assert len(list(Path("/dev/fd").iterdir())) == before


def test_pyiceberg_sees_our_tables_and_namespaces(workshop: Workshop) -> None:
    workshop.append(ORDERS, SCHEMA, [{"id": 1, "v": "a"}], "run1")
    workshop.append("gold.sums", SCHEMA, [], "run1")
    catalog = stock(workshop.sqlite.path)
    assert sorted(catalog.list_namespaces()) == [("bronze",), ("gold",)]
    assert catalog.list_tables("bronze") == [("bronze", "orders")]
    table = catalog.load_table(ORDERS)
    assert table.scan().to_arrow().to_pylist() == [{"id": 1, "v": "a"}]
    assert table.metadata_location == workshop.lake.describe(ORDERS).metadata_location
    catalog.close()


def test_what_pyiceberg_appends_to_our_table_is_seen_and_kept(workshop: Workshop) -> None:
    staged = workshop.stage(
        ORDERS, SCHEMA, [{"id": 1, "v": "a"}], consumed={"bronze.x": 3},
        table_properties={"fingerprint": "abc"},
    )  # fmt: skip
    workshop.publish(staged)
    catalog = stock(workshop.sqlite.path)
    table = catalog.load_table(ORDERS)
    table.append(pa.table({"id": [2], "v": ["b"]}))
    catalog.close()
    seen = workshop.lake.observe()[ORDERS]
    assert (seen.rows, seen.consumed, seen.fingerprint) == (2, {"bronze.x": 3}, "abc")
    assert workshop.lake.history(ORDERS)[0].run_id is None
    workshop.append(ORDERS, SCHEMA, [{"id": 3, "v": "c"}], "run3")
    assert sorted(row["id"] for row in workshop.rows(ORDERS)) == [1, 2, 3]
    assert workshop.lake.describe(ORDERS).rows == 3


def test_what_pyiceberg_deletes_from_our_table_is_gone(workshop: Workshop) -> None:
    workshop.append(ORDERS, SCHEMA, [{"id": 1, "v": "a"}, {"id": 2, "v": "b"}], "run1")
    catalog = stock(workshop.sqlite.path)
    catalog.load_table(ORDERS).delete("id = 1")
    catalog.close()
    assert [row["id"] for row in workshop.rows(ORDERS)] == [2]
    assert not workshop.lake.observe()[ORDERS].ancestors[0].is_append


def test_pyiceberg_cannot_overwrite_what_we_published_meanwhile(workshop: Workshop) -> None:
    workshop.append(ORDERS, SCHEMA, [{"id": 1, "v": "a"}], "run1")
    catalog = stock(workshop.sqlite.path)
    table = catalog.load_table(ORDERS)
    workshop.append(ORDERS, SCHEMA, [{"id": 2, "v": "b"}], "run2")
    with pytest.raises(CommitFailedException):
        table.append(pa.table({"id": [3], "v": ["c"]}))
    catalog.close()
    assert sorted(row["id"] for row in workshop.rows(ORDERS)) == [1, 2]


def test_a_table_that_pyiceberg_made_in_our_storage_can_be_read_and_published_to(
    workshop: Workshop,
) -> None:
    root = workshop.lake.storage.root
    root.mkdir(parents=True)
    uri = f"sqlite:///{root / 'catalog.sqlite'}"
    catalog = SqlCatalog("lakewright", uri=uri, warehouse=f"file://{root}/warehouse")
    catalog.create_namespace("bronze")
    table = catalog.create_table(ORDERS, pa.schema([("id", pa.int64()), ("v", pa.string())]))
    table.append(pa.table({"id": [1], "v": ["a"]}))
    catalog.close()
    assert workshop.lake.describe(ORDERS).rows == 1
    workshop.append(ORDERS, SCHEMA, [{"id": 2, "v": "b"}], "run1")
    assert sorted(row["id"] for row in workshop.rows(ORDERS)) == [1, 2]


def test_all_pointers_move_or_none(tmp_path: Path) -> None:
    catalog = SqliteCatalog(tmp_path / "catalog.sqlite")
    catalog.move([Move(table="a.x", before=None, after="/x1")])
    moves = [
        Move(table="a.new", before=None, after="/new1"),
        Move(table="a.x", before="/elsewhere", after="/x2"),
    ]
    with pytest.raises(errors.CommitConflict, match=r"a\.x"):
        catalog.move(moves)
    assert catalog.pointers() == {"a.x": "/x1"}


@pytest.mark.parametrize(
    "late",
    [
        Move(table="a.x", before=None, after="/x9"),
        Move(table="a.x", before="/x0", after="/x9"),
        Move(table="a.x", before="/x0", after=None),
        Move(table="a.y", before="/y1", after="/y2"),
    ],
    ids=str,
)
def test_a_move_from_where_the_pointer_is_not_is_a_conflict(tmp_path: Path, late: Move) -> None:
    catalog = SqliteCatalog(tmp_path / "catalog.sqlite")
    catalog.move([Move(table="a.x", before=None, after="/x1")])
    with pytest.raises(errors.CommitConflict):
        catalog.move([late])
    assert catalog.pointers() == {"a.x": "/x1"}

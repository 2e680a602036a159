"""Tables after several uploads, upkeep, a removal and a rollback read alike in other programs."""

from collections.abc import Callable, Mapping
from pathlib import Path

import pyarrow
import pytest

from lakewright.ingest import sample
from lakewright.lake import upkeep
from tests.iceberg_readers import with_duckdb, with_polars
from tests.system.conftest import House, digest, of_example


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> House:
    house = of_example("shop", tmp_path_factory.mktemp("readers") / "project")
    folder = tmp_path_factory.mktemp("files")
    uploads = []
    for seed, rows in enumerate((2000, 1000, 500)):
        delivery = sample.write_shop(folder / str(seed), rows=rows, seed=seed)
        uploads += house.load(delivery.customers, delivery.orders)
    small = [sample.write_shop(folder / f"small{n}", rows=4, seed=100 + n).orders
             for n in range(upkeep.SMALL_FILES_MIN)]  # fmt: skip
    for file in small:  # A file with a record that is refused shares no file of the table's.
        with file.open("a", encoding="utf-8") as more:
            more.write("no,record\n")
    house.load(*small)
    house.close()
    assert house.do("tables", "upkeep").code == 0
    operations = [entry["operation"] for entry in house.ask("tables", "history", "bronze.orders")]
    assert operations[0] == "replace"
    assert house.do("uploads", "remove", uploads[3].upload_id).code == 0
    assert house.do("tables", "rollback", "gold.daily_revenue").code == 0
    return house


READERS: Mapping[str, Callable[[str], pyarrow.Table]] = {
    "duckdb": with_duckdb,
    "polars": with_polars,
}


@pytest.mark.parametrize("reader", READERS)
def test_another_program_reads_what_pyiceberg_reads(
    shop: House, reader: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # polars warns when a planner of its own is not installed, unless it is told not to look.
    monkeypatch.setenv("POLARS_ICEBERG_PLANNER", "pyiceberg")
    locations = {each["table"]: each["metadata_location"] for each in shop.ask("tables", "list")}
    assert list(locations) == shop.table_names()
    for name, location in locations.items():
        assert Path(location).is_file()
        found = READERS[reader](location)
        wanted = shop.table(name)
        assert found.num_rows == wanted.num_rows, name
        if not name.startswith("quarantine."):
            assert digest(found) == digest(wanted), name


def test_sql_answers_what_pyiceberg_reads(shop: House) -> None:
    names = shop.table_names()
    counts = [f"SELECT '{name}' AS name, count(*) AS n FROM {name}" for name in names]
    found = shop.ask("sql", " UNION ALL ".join(counts))
    assert sorted(found["rows"]) == sorted([name, shop.count(name)] for name in names)

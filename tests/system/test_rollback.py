"""A table is rolled back: what it held is recognised as gone, and can come again."""

from pathlib import Path

from lakewright.ingest import sample
from tests.system.conftest import of_example, of_tables


def test_a_file_whose_load_was_rolled_back_is_loaded_when_it_comes_again(tmp_path: Path) -> None:
    house = of_example("shop", tmp_path / "project")
    first = sample.write_shop(tmp_path / "files", rows=300)
    second = sample.write_shop(tmp_path / "more", rows=200, seed=8)
    house.upload(first.customers, first.orders)
    house.upload(second.orders)
    wanted = of_tables(house)
    assert house.do("tables", "rollback", "bronze.orders").code == 0
    assert house.do("tables", "rollback", "quarantine.orders").code == 0
    assert house.count("bronze.orders") == 300
    [known] = house.upload(first.orders)
    assert known["status"] == "already_loaded"
    [again] = house.upload(second.orders)
    assert again["status"] == "loaded"
    assert of_tables(house) == wanted

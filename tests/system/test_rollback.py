"""A table is rolled back: what it held is recognised as gone, and can come again."""

import json
from pathlib import Path

from lakewright.ingest import sample
from tests.system.conftest import House, of_example, of_tables


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
    assert of_statuses(house) == ["rolled_back", "loaded", "loaded"]
    assert house.do("uploads", "list").out.count("rolled back") == 1
    [known] = house.upload(first.orders)
    assert known["status"] == "already_loaded"
    [again] = house.upload(second.orders)
    assert again["status"] == "loaded"
    assert of_statuses(house) == ["loaded"] * 3
    assert of_tables(house) == wanted


def test_a_rollback_says_what_the_next_run_does(tmp_path: Path) -> None:
    house = of_example("shop", tmp_path / "project")
    first = sample.write_shop(tmp_path / "files", rows=30)
    house.upload(first.customers, first.orders)
    house.upload(sample.write_shop(tmp_path / "more", rows=20, seed=8).orders)
    wanted = of_tables(house)
    said = house.do("tables", "rollback", "gold.daily_revenue")
    assert "builds it again" in said.err
    assert of_tables(house) != wanted
    assert house.do("run").code == 0
    assert of_tables(house) == wanted
    said = house.do("tables", "rollback", "bronze.orders")
    assert "uploaded again" in said.err
    assert "builds it" not in said.err
    assert house.do("run").code == 0
    assert house.count("bronze.orders") == 30


def of_statuses(house: House) -> list[object]:
    """Of all uploads, the newest first."""
    listed = json.loads(house.do("uploads", "list", "--json").out)
    return [upload["status"] for upload in listed]


def test_files_are_known_after_the_snapshots_that_loaded_them_were_forgotten(
    tmp_path: Path,
) -> None:
    house = House(tmp_path / "project").write(
        {"lakewright.yaml": "name: x\nenvironments: {local: {snapshots_kept: 1}}\n"}
    )
    files = [house.file(f"things_{n}.csv", f"id,name\n{n},a{n}\n") for n in range(5)]
    house.load(*files[:2], source="things")
    house.load(files[2], source="things")
    assert house.do("tables", "rollback", "bronze.things").code == 0
    house.load(files[3], source="things")
    house.load(files[4], source="things")
    assert house.do("tables", "upkeep").code == 0
    assert len(house.ask("tables", "history", "bronze.things")) == 1
    assert of_statuses(house) == ["loaded", "loaded", "rolled_back", "loaded", "loaded"]
    before = house.count("bronze.things")
    statuses = [
        house.upload(file, "--source", "things")[0]["status"] for file in (files[0], files[3])
    ]
    assert statuses == ["already_loaded"] * 2
    assert house.count("bronze.things") == before == 4
    house.load(files[2], source="things")
    assert house.count("bronze.things") == 5
    house.close()

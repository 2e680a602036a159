"""A project's folder is moved: a clear error, one command, and everything works again."""

from pathlib import Path

from lakewright.ingest import sample
from tests.system.conftest import House, of_example, of_tables


def test_a_moved_project_says_so_and_works_again_after_relocate(tmp_path: Path) -> None:
    house = of_example("shop", tmp_path / "before" / "project")
    delivery = sample.write_shop(tmp_path / "files", rows=1000)
    house.upload(delivery.customers, delivery.orders)
    wanted, snapshots = of_tables(house), house.snapshots()
    (tmp_path / "before").rename(tmp_path / "after")
    moved = House(tmp_path / "after" / "project")
    for words in (("sql", "SELECT * FROM gold.daily_revenue"), ("tables", "list"), ("run",)):
        answer = moved.do(*words)
        assert answer.code not in (0, 70), words
        assert "lakewright relocate" in answer.err, words
        assert "Traceback" not in answer.err
    assert moved.do("relocate").code == 0
    assert of_tables(moved) == wanted
    assert {name: each[: len(snapshots[name])] for name, each in moved.snapshots().items()} == (
        snapshots
    )
    [known] = moved.upload(delivery.orders)
    assert known["status"] == "already_loaded"
    again = sample.write_shop(tmp_path / "more", rows=500, seed=8)
    [loaded] = moved.upload(again.orders)
    assert loaded["status"] == "loaded"
    assert moved.count("bronze.orders") == 1500 - delivery.malformed_orders - again.malformed_orders
    assert moved.do("relocate").out.strip() == "every table already refers to this folder"
    [first, *_] = moved.ask("uploads", "list", "--source", "orders")
    assert moved.do("uploads", "remove", first["upload_id"]).code == 0
    assert of_tables(moved) == wanted

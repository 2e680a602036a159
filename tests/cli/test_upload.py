import json
from pathlib import Path

import pytest

from tests.cli.conftest import ORDERS, RETURN, Shop, Type

FIELDS = {
    "file", "status", "upload_id", "sha256", "source", "records_in", "rows_loaded",
    "records_quarantined", "snapshot_id", "run_id", "suspicions", "differences", "reasons",
    "tables", "warnings", "error", "format",
}  # fmt: skip


def test_every_file_ends_with_the_line_that_accounts_for_its_records(shop: Shop) -> None:
    assert shop.uploaded.code == 0
    assert shop.uploaded.out == (
        "customers.csv: loaded (source customers)\n"
        "  2 in = 2 loaded + 0 quarantined\n"
        "orders.csv: loaded (source orders)\n"
        "  4 in = 3 loaded + 1 quarantined\n"
        "published\n"
        "  bronze.customers       2 rows\n"
        "  bronze.orders          3 rows\n"
        "  quarantine.customers   0 rows\n"
        "  quarantine.orders      1 row\n"
        "  silver.customers       2 rows\n"
        "  silver.orders          3 rows\n"
        "  gold.customer_metrics  3 rows\n"
        "  gold.daily_revenue     2 rows\n"
    )


def test_what_checks_warn_of_is_told_and_where_to_look_for_refused_records(shop: Shop) -> None:
    assert "warning: silver.orders: the check referential does not hold\n" in shop.uploaded.err
    assert "  why: 1 row whose customer_id is not in" in shop.uploaded.err
    assert "\n       such as customer_id = 9, order_id = 103, " in shop.uploaded.err
    assert "order_id = 103" in shop.uploaded.err
    assert "lakewright quarantine show orders" in shop.uploaded.err


def test_the_same_bytes_are_known_and_strict_minds_what_was_quarantined(shop: Shop) -> None:
    orders = str(shop.folder / "orders.csv")
    said = shop.say("upload", orders, "--json", "--strict")
    assert said.code == 3
    (answer,) = said.jsons
    assert set(answer) == FIELDS
    assert answer["status"] == "already_loaded"
    assert (answer["records_in"], answer["rows_loaded"], answer["records_quarantined"]) == (4, 3, 1)
    assert answer["error"] is None


def test_a_new_delivery_changes_gold_and_says_what_it_warns_of(own_shop: Shop) -> None:
    file = own_shop.file("orders_2.csv", RETURN)
    said = own_shop.say("upload", file, "--json")
    assert said.code == 0
    (answer,) = said.jsons
    assert answer["status"] == "loaded"
    assert "gold.daily_revenue" in json.dumps(answer["tables"])
    warnings = answer["warnings"]
    assert isinstance(warnings, list)
    assert [each["code"] for each in warnings] == ["check-warned"]
    assert own_shop.ask("SELECT revenue FROM gold.daily_revenue ORDER BY day") == [
        ["39.80"], ["5.00"],
    ]  # fmt: skip


def test_many_files_make_a_table_with_their_sum(lakewright: Type, tmp_path: Path) -> None:
    lakewright("init", "lake")
    for number in range(11):
        (tmp_path / f"day_{number}.csv").write_text(f"day,number\n1,{number}\n2,{number}\n")
    files = sorted(str(path) for path in tmp_path.glob("day_*.csv"))
    said = lakewright("upload", *files, "--source", "days", "--project", "lake")
    assert said.code == 0, said.err
    lines = said.out.splitlines()
    assert lines[0].split() == ["file", "status", "source", "in", "loaded", "quarantined"]
    assert lines[1].split() == ["day_0.csv", "loaded", "days", "2", "2", "0"]
    assert lines[12] == "11 files: 22 in = 22 loaded + 0 quarantined"


def test_one_file_that_is_not_there_keeps_no_other_from_being_loaded(
    lakewright: Type, tmp_path: Path
) -> None:
    lakewright("init", "lake")
    (tmp_path / "days.csv").write_text("day,number\n1,2\n")
    said = lakewright("upload", "days.csv", "gone.csv", "--project", "lake")
    assert said.code == 5
    assert "days.csv: loaded (source days)" in said.out
    assert "gone.csv: failed" in said.out
    assert "error[not-found]: there is no file gone.csv" in said.err


def test_a_file_that_cannot_be_read_fails_with_its_reason(lakewright: Type, tmp_path: Path) -> None:
    lakewright("init", "lake")
    (tmp_path / "empty.csv").write_bytes(b"")
    said = lakewright("upload", "empty.csv", "--json", "--project", "lake")
    assert said.code == 1
    (answer,) = said.jsons
    assert answer["status"] == "failed"
    assert isinstance(answer["error"], dict)
    assert answer["error"]["code"] == "file-unreadable"


def test_a_model_may_read_a_source_whose_columns_nobody_knows_before_its_first_file(
    lakewright: Type, tmp_path: Path
) -> None:
    lakewright("init", "lake")
    (tmp_path / "lake" / "sources").mkdir()
    (tmp_path / "lake" / "sources" / "visits.yaml").write_text("match: visits*.csv\n")
    models = tmp_path / "lake" / "models" / "silver"
    models.mkdir(parents=True)
    (models / "visits.sql").write_text("SELECT page, hits FROM bronze.visits\n")
    (tmp_path / "visits.csv").write_text("page,hits\nhome,3\nabout,1\n")
    said = lakewright("upload", "visits.csv", "--project", "lake")
    assert said.code == 0, said.err
    assert "silver.visits" in said.out


@pytest.mark.parametrize("words", [["upload"], ["upload", "--json"]])
def test_an_upload_of_nothing_is_a_mistake(words: list[str], shop: Shop) -> None:
    assert shop.say(*words).code == 2


def test_orders_may_come_before_the_customers_whom_a_check_asks_for(
    lakewright: Type, tmp_path: Path
) -> None:
    lakewright("init", "lake", "--example", "shop")
    (tmp_path / "orders.csv").write_text(ORDERS)
    said = lakewright("upload", "orders.csv", "--project", "lake")
    assert said.code == 0, said.err
    assert "3 rows whose customer_id is not in customer_id of silver.customers" in said.err


def test_a_source_that_nobody_declared_is_told_once_with_the_nearest(own_shop: Shop) -> None:
    said = own_shop.say("upload", own_shop.file("order_1.csv", "a,b\n1,2\n"), "--source", "order")
    assert said.code == 0
    assert "new source order: inferred" in said.err
    assert "did you mean orders? then give --source orders" in said.err
    more = own_shop.say("upload", own_shop.file("order_2.csv", "a,b\n3,4\n"), "--source", "order")
    assert "new source" not in more.err
    declared = own_shop.say("upload", own_shop.file("orders_2.csv", RETURN))
    assert "new source" not in declared.err


def test_bytes_that_another_source_holds_are_told(own_shop: Shop) -> None:
    own_shop.say("upload", own_shop.file("orders_2.csv", RETURN))
    said = own_shop.say("upload", own_shop.file("backs.csv", RETURN))
    assert "the same bytes are loaded in the source orders too, as orders_2.csv" in said.err

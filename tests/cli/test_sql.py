from pathlib import Path

import pytest

from tests.cli.conftest import Shop


def test_numbers_stand_to_the_right_and_null_is_told(shop: Shop) -> None:
    said = shop.say("sql", "SELECT order_id, note FROM silver.orders ORDER BY order_id")
    assert said.out == (
        "order_id  note\n     100  null\n     101  gift, please wrap\n     103  null\n"
    )


def test_json_has_columns_with_types_and_exact_decimals(shop: Shop) -> None:
    query = "SELECT day, revenue FROM gold.daily_revenue ORDER BY day LIMIT 1"
    assert shop.say("sql", query, "--json").json == {
        "columns": [{"name": "day", "type": "date"}, {"name": "revenue", "type": "decimal(24,2)"}],
        "rows": [["2025-01-02", "289.80"]],
    }


@pytest.mark.parametrize("suffix", [".csv", ".json", ".jsonl", ".parquet"])
def test_an_answer_may_go_to_a_file(suffix: str, shop: Shop, tmp_path: Path) -> None:
    path = tmp_path / f"answer{suffix}"
    said = shop.say("sql", "SELECT order_id FROM silver.orders", "--output", str(path), "--json")
    assert said.json == {"rows_written": 3, "file": str(path)}
    assert path.stat().st_size > 0


def test_what_is_not_portable_sql_is_refused_at_its_place(shop: Shop) -> None:
    said = shop.say("sql", "SELECT nope FROM silver.orders")
    assert said.code == 2
    assert "--> query:1:8" in said.err
    assert "^^^^" in said.err


def test_a_moment_that_is_none_is_a_mistake(shop: Shop) -> None:
    query = "SELECT 1 AS a FROM silver.orders"
    assert shop.say("sql", query, "--at", "yesterday-ish").code == 2
    assert shop.say("sql", query, "--at", "1").code == 5


def test_an_empty_query_is_refused_before_anything_is_asked(shop: Shop) -> None:
    said = shop.say("sql", " ")
    assert said.code == 2
    assert "the query is empty" in said.err
    assert "^" not in said.err

from tests.cli.conftest import RETURN, Shop

TABLE = {
    "table", "description", "schema", "partitioning", "rows", "files", "size_bytes", "snapshot_id",
    "snapshots", "changed_at", "location", "metadata_location",
}  # fmt: skip


def test_tables_are_listed_as_rows_flow(shop: Shop) -> None:
    lines = [line.split()[:2] for line in shop.say("tables", "list").out.splitlines()[1:]]
    assert lines == [
        ["bronze.customers", "2"],
        ["bronze.orders", "3"],
        ["quarantine.customers", "0"],
        ["quarantine.orders", "1"],
        ["silver.customers", "2"],
        ["silver.orders", "3"],
        ["gold.customer_metrics", "3"],
        ["gold.daily_revenue", "2"],
    ]


def test_a_table_tells_its_columns_and_where_its_metadata_lies(shop: Shop) -> None:
    found = shop.say("tables", "show", "silver.orders", "--json").json
    assert isinstance(found, dict)
    assert set(found) == TABLE
    assert found["rows"] == 3
    assert str(found["metadata_location"]).endswith(".metadata.json")
    assert "The order's number." in shop.say("tables", "show", "silver.orders").out


def test_nothing_follows_the_last_letter_of_a_line_in_a_pipe(shop: Shop) -> None:
    for words in (["tables", "list"], ["tables", "show", "silver.orders"], ["runs", "show"]):
        said = shop.say(*words)
        assert [line for line in said.out.splitlines() if line != line.rstrip()] == []


def test_an_unknown_table_is_not_found(shop: Shop) -> None:
    assert shop.say("tables", "show", "silver.nothing").code == 5
    assert shop.say("tables", "history", "silver.nothing").code == 5
    assert shop.say("tables", "rollback", "gold.daily_revenue").code == 5


def test_a_rollback_brings_the_rows_back_and_loses_no_snapshot(own_shop: Shop) -> None:
    before = own_shop.ask("SELECT day, revenue FROM gold.daily_revenue ORDER BY day")
    own_shop.say("upload", own_shop.file("orders_2.csv", RETURN))
    query = "SELECT day, revenue FROM gold.daily_revenue ORDER BY day"
    assert own_shop.ask(query) != before
    history = own_shop.say("tables", "history", "gold.daily_revenue", "--json").json
    assert isinstance(history, list)
    first = history[-1]["snapshot_id"]
    then = own_shop.say("sql", query, "--at", str(first), "--json").json
    assert isinstance(then, dict)
    assert then["rows"] == before
    said = own_shop.say("tables", "rollback", "gold.daily_revenue")
    assert said.code == 0, said.err
    assert own_shop.ask(query) == before
    after = own_shop.say("tables", "history", "gold.daily_revenue").out
    assert "rolled back" in after


def test_an_unknown_table_is_told_with_the_nearest_and_never_with_all(shop: Shop) -> None:
    said = shop.say("tables", "show", "silver.order")
    assert said.code == 5
    assert "hint: did you mean silver.orders" in said.err
    assert shop.say("tables", "show", "zzz").err.rstrip().endswith(" and 2 more")

from tests.cli.conftest import Shop


def test_the_whole_project_is_a_tree_from_bronze_to_gold(shop: Shop) -> None:
    lines = shop.say("lineage").out.splitlines()
    assert lines[:3] == ["bronze.customers", "└─ silver.customers", "   └─ gold.customer_metrics"]


def test_a_column_is_traced_to_the_columns_that_it_comes_from(shop: Shop) -> None:
    said = shop.say("lineage", "gold.daily_revenue.revenue", "--json").json
    assert isinstance(said, dict)
    upstream = said["upstream"]
    assert isinstance(upstream, list)
    assert "bronze.orders.unit_price" in upstream
    assert "bronze.orders.note" not in upstream


def test_down_shows_what_depends_on_it(shop: Shop) -> None:
    assert "gold.daily_revenue" in shop.say("lineage", "bronze.orders", "--down").out


def test_an_unknown_name_is_not_found(shop: Shop) -> None:
    assert shop.say("lineage", "gold.nothing").code == 5
    said = shop.say("lineage", "gold.daily_revenues")
    assert "hint: did you mean gold.daily_revenue?" in said.err
    far = shop.say("lineage", "zzz")
    assert "hint: the tables are bronze.customers, bronze.orders, " in far.err
    assert far.err.rstrip().endswith(" and 2 more")

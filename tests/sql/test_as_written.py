import pytest

from lakewright.errors import SqlRefused
from lakewright.sql import as_written, render, types

CASES = {
    "SELECT a FROM bronze.orders": "SELECT a FROM `bronze.orders` AS `orders`",
    "SELECT o.a FROM Bronze.orders AS o": "SELECT o.a FROM `bronze.orders` AS o",
    "SELECT bronze.orders.a, orders.b.c FROM bronze.`orders`": (
        "SELECT `orders`.a, orders.b.c FROM `bronze.orders` AS `orders`"
    ),
    "SELECT bronze.orders.a, silver.orders.* FROM bronze.orders JOIN silver.orders USING(i)": (
        "SELECT `bronze.orders`.a, `silver.orders`.* FROM `bronze.orders` AS `bronze.orders`"
        " JOIN `silver.orders` AS `silver.orders` USING(i)"
    ),
    "WITH orders AS (SELECT 'bronze.orders' AS t FROM bronze.orders) -- bronze.orders\n"
    "SELECT t FROM orders": (
        "WITH orders AS (SELECT 'bronze.orders' AS t FROM `bronze.orders` AS `orders`)"
        " -- bronze.orders\nSELECT t FROM orders"
    ),
    "SELECT a FROM bronze.b WHERE a IN (SELECT a FROM gold.c) AND a < :logical_time": (
        "SELECT a FROM `bronze.b` AS `b` WHERE a IN"
        " (SELECT a FROM `gold.c` AS `c`) AND a < :logical_time"
    ),
    "SELECT ':rate', :rate AS r FROM bronze.b": (
        "SELECT ':rate', CAST(:rate AS decimal(9,2)) AS r FROM `bronze.b` AS `b`"
    ),
}


@pytest.mark.parametrize("query", CASES)
def test_only_the_names_of_tables_and_the_types_of_variables_change(query: str) -> None:
    assert as_written.text(query, {"rate": types.Decimal(9, 2)}) == CASES[query]


def test_a_name_that_two_tables_have_is_refused() -> None:
    with pytest.raises(SqlRefused) as caught:
        as_written.text("SELECT orders.a FROM bronze.orders CROSS JOIN silver.orders", {})
    assert "AS" in caught.value.hint


def test_what_is_not_portable_is_refused_for_spark_too() -> None:
    schema = types.Schema((types.Field(name="a", type=types.INT),))
    with pytest.raises(SqlRefused):
        render.render("SELECT b FROM bronze.orders", {"bronze.orders": schema}, "spark")

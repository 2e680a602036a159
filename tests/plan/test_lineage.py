import pytest

from lakewright import errors
from lakewright.plan import lineage
from lakewright.project.model import Model, Referential
from lakewright.sql import parse, types

SCHEMAS = {
    "bronze.orders": types.Schema(
        (
            types.Field(name="order_id", type=types.BIGINT),
            types.Field(name="customer_id", type=types.BIGINT),
            types.Field(name="amount", type=types.BIGINT),
        )
    ),
    "bronze.customers": types.Schema((types.Field(name="customer_id", type=types.BIGINT),)),
}


def model(name: str, sql: str, asks: str = "") -> Model:
    where = errors.Place(file=f"models/{name}.sql", line=1, column=1)
    checks = (Referential(column="x", to_table=asks, to_column="x"),) if asks else ()
    return Model(name=name, query=parse.parse(sql, where), where=where, checks=checks)


def models(*each: Model) -> dict[str, Model]:
    return {one.name: one for one in each}


SHOP = models(
    model(
        "gold.spent", "SELECT customer_id, max(most) AS spent FROM silver.a GROUP BY customer_id"
    ),
    model(
        "silver.a",
        "SELECT customer_id, amount + order_id AS most, 1 AS one FROM bronze.orders",
    ),
    model(
        "gold.both",
        "SELECT c.customer_id, s.spent FROM bronze.customers AS c"
        " LEFT JOIN gold.spent AS s ON c.customer_id = s.customer_id",
    ),
)
LINEAGE = lineage.lineage(SHOP, SCHEMAS)


def test_tables_are_known_with_what_they_are_made_from() -> None:
    assert LINEAGE.tables == {
        "bronze.customers": (),
        "bronze.orders": (),
        "silver.a": ("bronze.orders",),
        "gold.spent": ("silver.a",),
        "gold.both": ("bronze.customers", "gold.spent"),
    }


@pytest.mark.parametrize(
    ("name", "upstream", "downstream"),
    [
        ("silver.a", ("bronze.orders",), ("gold.both", "gold.spent")),
        ("bronze.orders", (), ("gold.both", "gold.spent", "silver.a")),
        (
            "gold.spent.spent",
            ("bronze.orders.amount", "bronze.orders.order_id", "silver.a.most"),
            ("gold.both.spent",),
        ),
        ("silver.a.one", (), ()),
    ],
)
def test_tables_and_columns_are_followed_as_far_as_they_go(
    name: str, upstream: tuple[str, ...], downstream: tuple[str, ...]
) -> None:
    assert (LINEAGE.upstream(name), LINEAGE.downstream(name)) == (upstream, downstream)


def test_the_graph_is_a_tree_of_text_in_which_a_repeat_is_not_unfolded() -> None:
    assert LINEAGE.lines() == (
        "bronze.customers",
        "└─ gold.both",
        "bronze.orders",
        "└─ silver.a",
        "   └─ gold.spent",
        "      └─ gold.both",
    )
    diamond = lineage.lineage(
        models(
            model("silver.a", "SELECT amount FROM bronze.orders"),
            model(
                "silver.b", "SELECT amount FROM bronze.orders UNION ALL SELECT amount FROM silver.a"
            ),
            model("silver.c", "SELECT amount FROM silver.b"),
        ),
        SCHEMAS,
    )
    assert diamond.downstream_lines("bronze.orders") == (
        "bronze.orders",
        "├─ silver.a",
        "│  └─ silver.b",
        "│     └─ silver.c",
        "└─ silver.b (see above)",
    )


def test_the_tree_of_a_column_leads_to_the_files() -> None:
    assert LINEAGE.upstream_lines("gold.spent.spent") == (
        "gold.spent.spent",
        "└─ silver.a.most",
        "   ├─ bronze.orders.amount",
        "   └─ bronze.orders.order_id",
    )
    assert LINEAGE.downstream_lines("bronze.orders.amount")[-1] == "      └─ gold.both.spent"


def test_a_model_whose_input_is_not_known_has_its_table_but_no_columns() -> None:
    found = lineage.lineage(models(model("silver.x", "SELECT a FROM bronze.later")), SCHEMAS)
    assert found.tables["silver.x"] == ("bronze.later",)
    assert found.tables["bronze.later"] == ()
    assert not any(name.startswith("silver.x.") for name in found.columns)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        (
            "silver.b",
            r"no table silver.b\nhint: the tables are bronze.customers, bronze.orders, gold",
        ),
        (
            "silver.a.b",
            r"no column silver.a.b\nhint: the columns are silver.a.customer_id, silver.a.most",
        ),
    ],
)
def test_what_does_not_exist_is_told_with_what_does(name: str, message: str) -> None:
    with pytest.raises(errors.NotFound, match=message):
        LINEAGE.upstream(name)


def test_models_are_built_after_all_that_they_read_whatever_order_they_come_in() -> None:
    expected = ("silver.a", "gold.spent", "gold.both")
    assert lineage.build_order(SHOP) == expected
    assert lineage.build_order(dict(reversed(SHOP.items()))) == expected


def test_a_check_asks_about_what_the_run_has_built_unless_models_ask_each_other() -> None:
    asking = models(
        model("silver.a", "SELECT amount FROM bronze.orders", asks="silver.c"),
        model("silver.b", "SELECT amount FROM silver.a"),
        model("silver.c", "SELECT amount FROM bronze.orders"),
    )
    assert lineage.build_order(asking) == ("silver.c", "silver.a", "silver.b")
    each_other = models(
        model("silver.a", "SELECT amount FROM bronze.orders", asks="silver.b"),
        model("silver.b", "SELECT amount FROM silver.a", asks="silver.a"),
    )
    assert lineage.build_order(each_other) == ("silver.a", "silver.b")


def test_models_that_read_each_other_have_no_order() -> None:
    circle = models(
        model("silver.a", "SELECT x FROM silver.b"), model("silver.b", "SELECT x FROM silver.a")
    )
    with pytest.raises(ValueError, match=r"read each other: silver.a, silver.b"):
        lineage.build_order(circle)

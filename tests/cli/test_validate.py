from pathlib import Path

from tests.cli.conftest import Shop, Type


def test_a_sound_project_is_told_so(shop: Shop) -> None:
    assert shop.say("validate").out == "shop: 2 sources, 4 models and 7 tests are in order\n"
    assert shop.say("validate", "--json").json == {
        "name": "shop",
        "sources": ["customers", "orders"],
        "models": [
            "gold.customer_metrics", "gold.daily_revenue", "silver.customers", "silver.orders",
        ],
        "schedules": [],
        "tests": [
            "customer_metrics::customer_who_never_ordered_is_left_out",
            "customer_metrics::customer_without_a_record_still_counts",
            "customer_metrics::returned_orders_earn_nothing",
            "orders::amount_is_the_price_of_all_pieces",
            "orders::newest_version_of_an_order_wins",
            "orders::order_of_nobody_is_only_warned_of",
            "orders::unknown_status_is_not_published",
        ],
        "pending": {},
        "unfit": {},
        "problems": [],
    }  # fmt: skip


def test_every_mistake_is_told_at_once_with_its_place(lakewright: Type, tmp_path: Path) -> None:
    lakewright("init", "lake", "--example", "shop")
    orders = tmp_path / "lake" / "sources" / "orders.yaml"
    orders.write_text(orders.read_text("utf-8").replace("format:", "fromat:"), "utf-8")
    model = tmp_path / "lake" / "models" / "silver" / "customers.sql"
    model.write_text("SELECT customer_idd FROM bronze.customers\n", "utf-8")
    said = lakewright("validate", "--project", "lake")
    assert said.code == 2
    assert "sources/orders.yaml:" in said.err
    assert "models/silver/customers.sql:1:8" in said.err
    assert "the project has 2 mistakes in" in said.err
    problems = lakewright("validate", "--json", "--project", "lake").json
    assert isinstance(problems, dict)
    assert isinstance(problems["error"], dict)
    assert len(problems["error"]["problems"]) == 2


def test_a_model_that_waits_for_a_file_is_told_and_fails_nothing(
    lakewright: Type, tmp_path: Path
) -> None:
    lakewright("init", "lake")
    model = tmp_path / "lake" / "models" / "silver" / "later.sql"
    model.parent.mkdir(parents=True, exist_ok=True)
    model.write_text("SELECT a FROM bronze.elsewhere\n", "utf-8")
    said = lakewright("validate", "--project", "lake")
    assert said.code == 0
    why = "waits for the first file of source elsewhere; upload one or declare it"
    assert f"warning: silver.later {why}" in " ".join(said.err.split())
    told = lakewright("validate", "--json", "--project", "lake").json
    assert isinstance(told, dict)
    assert told["pending"] == {"silver.later": why}


def test_a_project_file_of_the_wrong_size_says_how_large_it_is(
    lakewright: Type, tmp_path: Path
) -> None:
    lakewright("init", "lake")
    (tmp_path / "lake" / "lakewright.yaml").write_bytes(b"#" * 1_100_000)
    said = lakewright("validate", "--project", "lake")
    assert said.code == 2
    assert "lakewright.yaml is too large for a project file" in said.err
    assert "it has 1,100,000 bytes; at most 1,048,576 are read" in said.err

from pathlib import Path

from tests.cli.conftest import Shop, Type


def test_a_sound_project_is_told_so(shop: Shop) -> None:
    assert shop.say("validate").out == "shop: 2 sources and 4 models are in order\n"
    assert shop.say("validate", "--json").json == {
        "name": "shop",
        "sources": ["customers", "orders"],
        "models": [
            "gold.customer_metrics", "gold.daily_revenue", "silver.customers", "silver.orders",
        ],
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
    assert "2 problems" in said.err
    problems = lakewright("validate", "--json", "--project", "lake").json
    assert isinstance(problems, dict)
    assert isinstance(problems["error"], dict)
    assert len(problems["error"]["problems"]) == 2

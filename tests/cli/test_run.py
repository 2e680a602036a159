from tests.cli.conftest import Shop


def test_an_edited_model_is_planned_and_then_built(own_shop: Shop) -> None:
    model = own_shop.folder / "models" / "gold" / "daily_revenue.sql"
    model.write_text("SELECT order_date AS day, count(*) AS n FROM silver.orders GROUP BY 1\n")
    planned = own_shop.say("plan")
    assert "model:gold.daily_revenue" in planned.out
    said = own_shop.say("run")
    assert said.code == 0, said.err
    assert said.out.splitlines()[1].split() == ["gold.daily_revenue", "2", "rows"]
    assert own_shop.ask("SELECT sum(n) AS n FROM gold.daily_revenue") == [[3]]


def test_full_builds_even_what_is_up_to_date(own_shop: Shop) -> None:
    (run,) = own_shop.say("run", "silver.orders", "--full", "--json").jsons
    assert run["status"] == "succeeded"
    assert isinstance(run["result"], dict)
    assert "silver.orders" in run["result"]["tables"]


def test_an_unknown_model_is_not_found_with_the_nearest(shop: Shop) -> None:
    said = shop.say("run", "silver.order")
    assert said.code == 5
    assert "silver.orders" in said.err


def test_without_anything_that_waits_pending_does_nothing(shop: Shop) -> None:
    said = shop.say("run", "--pending")
    assert (said.code, said.out) == (0, "")
    assert "no run is waiting" in said.err

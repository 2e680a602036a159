from tests.cli.conftest import RETURN, Shop


def test_what_an_upload_would_cause_is_shown_and_nothing_is_changed(shop: Shop) -> None:
    before = shop.say("uploads", "list").out
    file = shop.file("orders_2.csv", RETURN)
    lines = [line.split() for line in shop.say("plan", file).out.splitlines()]
    steps = [line[1] for line in lines if line and line[0].isdigit()]
    assert steps[0].startswith("land:")
    assert steps[1:] == [
        "bronze:orders", "model:silver.orders", "model:gold.customer_metrics",
        "model:gold.daily_revenue", "publish",
    ]  # fmt: skip
    assert shop.say("uploads", "list").out == before


def test_a_plan_as_json_has_steps_and_what_is_skipped_or_refused(shop: Shop) -> None:
    plan = shop.say("plan", "--json").json
    assert isinstance(plan, dict)
    assert set(plan) == {"steps", "skipped", "refused", "blocked", "differences"}
    assert plan["steps"] == []


def test_files_and_models_are_not_planned_together(shop: Shop) -> None:
    assert shop.say("plan", "a.csv", "--full").code == 2

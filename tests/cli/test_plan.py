from pathlib import Path

from lakewright import wiring
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
    assert set(plan) == {"steps", "skipped", "refused", "blocked", "differences", "waiting"}
    assert plan["steps"] == plan["waiting"] == []


def test_runs_that_wait_are_told_before_the_steps(own_shop: Shop) -> None:
    with wiring.open_lakehouse(own_shop.folder) as house:
        file = Path(own_shop.file("orders_2.csv", RETURN))
        waiting = house.accept(file, None, is_again=False).run_id
    assert own_shop.say("plan").out.startswith(f"first: finish run {waiting} (upload orders)\n")
    planned = own_shop.say("plan", "--json").json
    assert isinstance(planned, dict)
    assert planned["waiting"] == [waiting]


def test_files_and_models_are_not_planned_together(shop: Shop) -> None:
    assert shop.say("plan", "a.csv", "--full").code == 2

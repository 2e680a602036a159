from pathlib import Path

from tests.cli.conftest import ORDERS, Shop, Type


def test_the_newest_run_is_shown_with_how_and_why_each_table_was_built(shop: Shop) -> None:
    said = shop.say("runs", "show")
    assert said.code == 0
    lines = [" ".join(line.split()) for line in said.out.splitlines()]
    assert any(line.endswith("3 loaded + 1 quarantined") for line in lines)
    assert any(
        line.startswith("model:silver.orders succeeded")
        and line.endswith("full: the table does not exist yet; 1 of 6 checks warn")
        for line in lines
    )
    assert "warning: silver.orders: the check referential" in said.err


def test_runs_are_listed_newest_first(shop: Shop) -> None:
    listed = shop.say("runs", "list", "--json").json
    assert isinstance(listed, list)
    assert [each["request"]["source"] for each in listed] == ["orders", "customers"]
    assert {each["status"] for each in listed} == {"succeeded"}


def test_a_run_as_json_has_its_uploads_steps_attempts_and_warnings(shop: Shop) -> None:
    run = shop.say("runs", "show", "--json").json
    assert isinstance(run, dict)
    assert {"uploads", "steps", "attempts", "warnings", "status", "request"} <= set(run)
    steps = run["steps"]
    assert isinstance(steps, list)
    assert [each["status"] for each in steps] == ["succeeded"] * len(steps)


def test_a_run_that_failed_by_a_check_goes_on_once_the_model_is_mended(
    lakewright: Type, tmp_path: Path
) -> None:
    lakewright("init", "shop", "--example", "shop")
    model = tmp_path / "shop" / "models" / "silver" / "orders.sql"
    sound = model.read_text("utf-8")
    model.write_text(sound.replace("amount >= 0", "amount > 10"), "utf-8")
    (tmp_path / "orders.csv").write_text(ORDERS)
    failed = lakewright("upload", "orders.csv", "--project", "shop")
    assert failed.code == 1
    assert "error[check-failed]" in failed.err
    assert "bronze.orders" in failed.out
    shown = lakewright("runs", "show", "--project", "shop")
    assert "skipped" in shown.out
    assert shown.err.count("error[check-failed]") == 1
    model.write_text(sound, "utf-8")
    run = lakewright("runs", "list", "--json", "--project", "shop").json
    assert isinstance(run, list)
    retried = lakewright("runs", "retry", str(run[0]["run_id"]), "--project", "shop")
    assert retried.code == 0, retried.err
    assert "gold.daily_revenue" in retried.out
    assert lakewright("runs", "retry", str(run[0]["run_id"]), "--project", "shop").code == 6


def test_where_nothing_has_run_the_next_command_is_named(lakewright: Type) -> None:
    lakewright("init", "lake")
    said = lakewright("runs", "list", "--project", "lake")
    assert (said.code, said.out) == (0, "")
    assert "lakewright upload FILE" in said.err
    assert lakewright("runs", "show", "--project", "lake").code == 5


def test_what_is_old_is_forgotten_and_what_a_file_is_known_by_is_not(own_shop: Shop) -> None:
    kept = own_shop.say("runs", "prune")
    assert (kept.code, kept.out) == (0, "deleted the steps of 0 runs, and 0 events\n")
    pruned = own_shop.say("runs", "prune", "--days", "0", "--keep", "0", "--json").json
    assert isinstance(pruned, dict)
    assert pruned["runs"] == 2
    assert own_shop.say("events", "list", "--json").json == []
    for look in (("runs", "list"), ("runs", "show"), ("uploads", "list")):
        assert own_shop.say(*look).code == 0
    uploads = own_shop.say("uploads", "list", "--json").json
    assert isinstance(uploads, list)
    assert own_shop.say("uploads", "show", str(uploads[0]["upload_id"])).code == 0
    again = own_shop.say("upload", own_shop.file("orders.csv", ORDERS), "--json").json
    assert isinstance(again, dict)
    assert again["status"] == "already_loaded"

from pathlib import Path

import pytest

from tests.cli.conftest import Shop, Type


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


def test_a_run_that_failed_in_part_says_what_is_new_what_stayed_and_what_can_be_done(
    own_shop: Shop,
) -> None:
    models = own_shop.folder / "models"
    stopped = "SELECT CAST(name AS int) AS n FROM silver.customers\n"
    (models / "gold" / "a.sql").write_text(stopped)
    (models / "gold" / "b.sql").write_text("SELECT n FROM gold.a\n")
    (models / "gold" / "c.sql").write_text("SELECT name FROM silver.customers\n")
    said = own_shop.say("run")
    assert said.code == 1
    lines = said.out.splitlines()
    assert lines[1].split() == ["published"]
    assert lines[2].split() == ["gold.c", "2", "rows"]
    assert lines[3] == "not changed: gold.a, gold.b"
    assert "mend the model, then `lakewright run`" in said.err
    again = own_shop.say("quarantine", "replay", "orders")
    assert again.code == 0, again.err
    assert "published" not in again.out


def test_a_replay_that_a_model_stops_names_the_upload_to_take_out(own_shop: Shop) -> None:
    model = own_shop.folder / "models" / "gold" / "a.sql"
    model.write_text("SELECT CAST(status AS int) AS n FROM bronze.orders\n")
    said = own_shop.say("quarantine", "replay", "orders")
    assert said.code == 1
    assert "published" in said.out
    assert "not changed: gold.a" in said.out
    listed = own_shop.say("uploads", "list", "--source", "orders").out.splitlines()
    assert f"lakewright uploads remove {listed[1].split()[0]}`" in said.err


def test_a_run_without_anything_to_do_says_so(own_shop: Shop) -> None:
    said = own_shop.say("run")
    assert said.code == 0
    assert said.out.splitlines()[1:] == ["  nothing to do: every model is up to date"]
    (own_shop.folder / "models" / "gold" / "late.sql").write_text("SELECT a FROM bronze.pets\n")
    left = own_shop.say("run").out.splitlines()[1:]
    assert len(left) == 1
    assert left[0].startswith("  gold.late was left out: ")


def test_a_variable_has_its_environments_value_unless_the_run_says_another(
    lakewright: Type, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lakewright("init", "lake", "--example", "shop")
    folder = tmp_path / "lake"
    with (folder / "lakewright.yaml").open("a") as file:
        file.write(
            "environments: {dev: {storage: .dev}}\n"
            "variables:\n  least: {type: int, value: 2, environments: {dev: 1}}\n"
        )
    (folder / "models" / "gold" / "numbered.sql").write_text(
        "SELECT customer_id, :least AS least FROM silver.customers WHERE customer_id >= :least\n"
    )
    path = folder / "customers.csv"
    path.write_text("customer_id,name,email,country,signed_up_at\n1,A,a@b.c,DE,2024-11-02\n"
                    "2,B,b@b.c,DE,2024-11-02\n")  # fmt: skip

    def rows() -> object:
        query = "SELECT customer_id, least FROM gold.numbered ORDER BY customer_id"
        answer = lakewright("sql", query, "--json", "--project", "lake").json
        assert isinstance(answer, dict)
        return answer["rows"]

    lakewright("upload", str(path), "--project", "lake")
    assert rows() == [[2, 2]]
    said = lakewright("run", "gold.numbered", "--var", "least=1", "--project", "lake")
    assert said.code == 0
    assert rows() == [[1, 1], [2, 1]]
    assert "a variable" in lakewright("plan", "--project", "lake").out
    lakewright("run", "--project", "lake")
    assert rows() == [[2, 2]]
    assert "gold.numbered          up to date" in lakewright("plan", "--project", "lake").out
    assert lakewright("run", "--var", "least=x", "--project", "lake").code == 2
    monkeypatch.setenv("LAKEWRIGHT_ENVIRONMENT", "dev")
    lakewright("upload", str(path), "--project", "lake")
    assert rows() == [[1, 1], [2, 1]]

"""Plans that take a table to another of its snapshots."""

from dataclasses import replace

from lakewright.plan import planner, steps
from lakewright.plan.observed import Snapshot, Table
from tests.plan.test_planner import WHEN, builds, loaded_state, project

STATE = loaded_state()


def earlier(table: str) -> Table:
    """The table as it was one snapshot before."""
    before = Snapshot(snapshot_id=7, parent_id=None, is_append=True)
    return replace(STATE.tables[table], snapshot_id=7, ancestors=(before,))


def test_all_that_depends_on_a_table_is_built_in_full_in_the_same_run() -> None:
    plan = planner.plan_rollback(project(), STATE, earlier("bronze.orders"), WHEN)
    first, *models, publish = plan.steps
    assert first == steps.Rollback(
        table="bronze.orders",
        snapshot_id=7,
        base_snapshot_id=STATE.tables["bronze.orders"].snapshot_id,
    )
    assert {model.name.partition(":")[2] for model in models} == set(project().models)
    assert all(isinstance(model, steps.BuildModel) for model in models)
    assert all(isinstance(model.build, steps.Full) for model in models)  # type: ignore[union-attr]
    assert isinstance(publish, steps.Publish)
    assert publish.tables[0] == "bronze.orders"


def test_a_model_that_is_rolled_back_is_not_built_again_and_nothing_that_it_reads() -> None:
    plan = planner.plan_rollback(project(), STATE, earlier("silver.orders"), WHEN)
    assert set(builds(plan)) == {"gold.customers", "gold.total"}
    assert "silver.orders" not in plan.skipped
    assert plan.skipped["silver.events"]


def test_what_depends_on_a_table_stays_as_it_is_if_that_is_asked() -> None:
    plan = planner.plan_rollback(project(), STATE, earlier("silver.orders"), WHEN, is_alone=True)
    assert [step.name for step in plan.steps] == ["rollback:silver.orders", "publish"]
    assert plan.skipped["gold.total"] == "it is to stay as it is"


def test_a_table_that_is_there_already_leaves_only_what_has_not_followed() -> None:
    table = STATE.tables["bronze.orders"]
    plan = planner.plan_rollback(project(), STATE, table, WHEN)
    assert plan.steps == ()
    moved = replace(STATE, tables={**STATE.tables, "bronze.orders": earlier("bronze.orders")})
    plan = planner.plan_rollback(project(), moved, earlier("bronze.orders"), WHEN)
    assert "rollback:bronze.orders" not in [step.name for step in plan.steps]
    assert "was rolled back" in builds(plan)["silver.orders"]


def test_a_model_that_does_not_fit_the_earlier_columns_is_held_back() -> None:
    table = earlier("bronze.orders")
    kept = tuple(field for field in table.schema.fields if field.name != "ordered_on")
    returned = replace(table, schema=replace(table.schema, fields=kept))
    plan = planner.plan_rollback(project(), STATE, returned, WHEN)
    held = [step.table for step in plan.steps if isinstance(step, steps.HoldBack)]
    assert held == ["silver.orders", "gold.customers", "gold.total"]
    assert set(builds(plan)) == {"silver.events", "silver.named_orders"}

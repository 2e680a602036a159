"""What does not fit the columns that files brought is left as it was, and all else goes on."""

from collections.abc import Mapping

import pytest

from lakewright.plan import codec, describe, planner, steps
from lakewright.project.contract import PartitionField
from lakewright.project.model import Expression, NotNull, Range, Write
from tests.plan.test_planner import MODELS, WHEN, loaded_state, model, project


def held_back(plan: steps.Plan) -> dict[str, steps.HoldBack]:
    return {step.table: step for step in plan.steps if isinstance(step, steps.HoldBack)}


@pytest.mark.parametrize(
    "settings",
    [
        {"write": Write.MERGE, "key": ("town",)},
        {"partitioning": (PartitionField(column="town"),)},
        {"checks": (NotNull(columns=("name", "town")),)},
        {"checks": (Range(column="town"),)},
        {"column_descriptions": (("town", "where they live"),)},
    ],
)
def test_a_model_whose_settings_do_not_fit_a_new_table_is_held_back_with_the_reason(
    settings: Mapping[str, object],
) -> None:
    named = model("silver.names", "SELECT name FROM bronze.customers", **settings)
    plan = planner.plan_models(project(*MODELS, named), loaded_state(), None, WHEN)
    (problem,) = held_back(plan)["silver.names"].problems
    assert (problem.code, problem.what, problem.hint) == (
        "model-unfit",
        "silver.names cannot be built: its settings name `town`, which its query does not return",
        "it returns `name`",
    )


def test_a_model_that_does_not_fit_what_files_brought_is_held_back_with_what_needs_it() -> None:
    wrong = model("silver.cities", "SELECT city FROM bronze.customers")
    after = model("gold.cities", "SELECT city FROM silver.cities")
    shop = project(*MODELS, wrong, after)
    plan = planner.plan_models(shop, loaded_state(), None, WHEN)
    held = held_back(plan)
    assert list(held) == ["silver.cities", "gold.cities"]
    assert plan.skipped == dict.fromkeys((each.name for each in MODELS), "up to date")
    (problem,) = held["silver.cities"].problems
    assert problem.what == "silver.cities cannot be built: there is no column 'city'"
    assert str(problem.where).endswith(":1:8")
    assert held["gold.cities"].behind == ("silver.cities",)
    told = "\n".join(describe.lines(plan))
    assert "held back, models/silver/cities.sql:1:8: there is no column 'city'" in told
    assert "held back: it needs silver.cities" in told
    assert codec.from_json(steps.Plan, codec.to_json(plan)) == plan


def test_a_condition_that_does_not_fit_what_files_brought_holds_its_model_back() -> None:
    named = model(
        "silver.names", "SELECT name FROM bronze.customers", checks=(Expression(sql="name > 3"),)
    )
    plan = planner.plan_models(project(named), loaded_state(), None, WHEN)
    (problem,) = held_back(plan)["silver.names"].problems
    assert problem.what == (
        "silver.names cannot be built: in a check of it, > does not fit: string and int do not meet"
    )
    assert (str(problem.where), problem.excerpt) == (
        "models/silver/names.sql",
        "name > 3\n^^^^",
    )


def test_a_plan_may_hold_a_model_back_and_do_nothing_else() -> None:
    wrong = model("silver.cities", "SELECT city FROM bronze.customers")
    plan = planner.plan_models(project(wrong), loaded_state(), ["silver.cities"], WHEN)
    assert [step.name for step in plan.steps] == ["model:silver.cities"]

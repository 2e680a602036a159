from datetime import date
from decimal import Decimal

import pytest

from lakewright.errors import ProjectInvalid, UsageError
from lakewright.project import load, variable_file
from lakewright.project.project import Project
from lakewright.sql import types
from tests.project.conftest import SOUND, CheckRefusal

HEAD = "name: shop\nenvironments: {dev: {}}\nvariables:\n"
MODEL = "SELECT order_id FROM bronze.orders WHERE price >= :minimum\n"
MINIMUM = "  minimum: {type: 'decimal(12,2)', value: 10, environments: {dev: 0.5}}\n"


def project_with(variables: str, model: str = MODEL) -> Project:
    files = {"lakewright.yaml": HEAD + variables, "models/silver/large.sql": model}
    return load.load({**SOUND, **files})


def test_a_variable_is_a_typed_value_that_differs_by_environment_and_run() -> None:
    project = project_with(MINIMUM + "  since: {type: date, value: 2026-01-31}\n")
    assert project.models["silver.large"].query.variables == (("minimum", types.Decimal(12, 2)),)

    def values(environment: str, **given: str) -> list[object]:
        found = project.with_values(environment, given).variables
        return [each.value for each in found.values()]

    assert values("local") == [Decimal("10.00"), date(2026, 1, 31)]
    assert values("dev") == [Decimal("0.50"), date(2026, 1, 31)]
    assert values("dev", minimum="7") == [Decimal("7.00"), date(2026, 1, 31)]


@pytest.mark.parametrize(
    ("variables", "code", "words"),
    [
        ("  minimum: {type: «many», value: 1}\n", "bad-type", "many"),
        ("  minimum: {type: «array<int>», value: 1}\n", "bad-type", "one value"),
        ("  minimum: {type: int, value: «x»}\n", "wrong-value", "no value of type int"),
        ("  minimum: {type: int, value: 1, environments: {dev: «x»}}\n", "wrong-value", "int"),
        ("  minimum: {type: int, value: 1, environments: {«deb»: 1}}\n", "wrong-value", "`dev`"),
        ("  minimum: {type: int, value: 1}\n  «Big»: {type: int, value: 1}\n", "bad-name", "big"),
        ("  minimum: {type: int, value: 1}\n  «logical_time»: {type: int, value: 1}\n",
         "reserved-name", "logical_time"),
    ],
)  # fmt: skip
def test_a_mistake_in_a_variable_is_told_with_its_place(
    check_refusal: CheckRefusal, variables: str, code: str, words: str
) -> None:
    check_refusal({"lakewright.yaml": HEAD + variables}, code, words)


@pytest.mark.parametrize(
    ("model", "words"),
    [
        (MODEL.replace(":minimum", "«:minimun»"), "minimum"),
        ("SELECT order_id FROM bronze.orders WHERE tags «=» :minimum\n", ""),
    ],
)
def test_a_query_that_reads_a_variable_wrongly_is_refused(
    check_refusal: CheckRefusal, model: str, words: str
) -> None:
    files = {"lakewright.yaml": HEAD + MINIMUM, "models/silver/large.sql": model}
    if words:
        check_refusal(files, "sql-refused", words)
    else:
        with pytest.raises(ProjectInvalid):
            load.load(
                {**SOUND, **{k: v.replace("«", "").replace("»", "") for k, v in files.items()}}
            )


def test_what_is_said_for_one_run_has_to_be_a_value_of_a_variable() -> None:
    variables = project_with(MINIMUM).variables
    assert variable_file.overrides(variables, ["minimum=2.5"]) == {"minimum": "2.5"}
    for word, told in (("minimum", "sets no"), ("minimun=1", "minimum"), ("minimum=x", "decimal")):
        with pytest.raises(UsageError, match=told):
            variable_file.overrides(variables, [word])

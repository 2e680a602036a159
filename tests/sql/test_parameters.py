import pytest

from lakewright.errors import Place, SqlRefused
from lakewright.sql import condition, parse, render, resolve, types
from lakewright.sql.query import WholeShape

WHERE = Place(file="models/gold/a.sql", line=3, column=1)
SCHEMAS = {"bronze.t": types.Schema((types.Field(name="at", type=types.TIMESTAMP),))}


def test_a_parameter_is_a_typed_value_of_the_run() -> None:
    text = "SELECT at, :logical_time AS built FROM bronze.t WHERE at >= :interval_start"
    query = parse.parse(text, WHERE)
    assert query.parameters == ("logical_time", "interval_start")
    resolved = resolve.resolve(query, SCHEMAS)
    assert resolved.schema.get("built") == types.Field(name="built", type=types.TIMESTAMP)
    assert resolved.lineage["built"] == ()
    shape = resolved.shape
    assert isinstance(shape, WholeShape)
    assert shape.reason == "it reads :logical_time, which differs from run to run"
    assert "getvariable('logical_time')" in render.render(text, SCHEMAS, "duckdb")


def test_a_query_without_parameters_has_the_shape_that_it_had() -> None:
    query = parse.parse("SELECT at FROM bronze.t WHERE at > '2026-01-01 :interval_start'", WHERE)
    assert query.parameters == ()


@pytest.mark.parametrize(
    ("text", "words", "column"),
    [
        ("SELECT :logical_tim AS a FROM bronze.t", "did you mean logical_time?", 8),
        ("SELECT at, :x AS a FROM bronze.t", "there are :logical_time, :interval_start", 12),
        ("SELECT at FROM bronze.t WHERE at > ?", "a parameter has a name", None),
    ],
)
def test_a_parameter_that_does_not_exist_is_refused_at_its_place(
    text: str, words: str, column: int | None
) -> None:
    with pytest.raises(SqlRefused) as refused:
        parse.parse(text, WHERE)
    problem = refused.value.problems[0]
    assert words in f"{problem.what}\n{problem.why}\n{problem.hint}"
    assert column is None or str(problem.where) == f"models/gold/a.sql:3:{column}"


def test_parameters_have_no_value_in_a_question_and_in_a_check() -> None:
    with pytest.raises(SqlRefused, match="no value here"):
        parse.parse("SELECT :logical_time AS a", Place(file="query"), ad_hoc=True)
    with pytest.raises(SqlRefused, match="no value here"):
        condition.resolve_condition("at < :logical_time", WHERE, SCHEMAS["bronze.t"])


def test_a_parameter_meets_what_its_type_meets() -> None:
    query = parse.parse("SELECT at FROM bronze.t WHERE :logical_time > 1", WHERE)
    with pytest.raises(SqlRefused, match="does not fit"):
        resolve.resolve(query, SCHEMAS)

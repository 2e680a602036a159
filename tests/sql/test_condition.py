import pytest

from lakewright.errors import Place, SqlRefused
from lakewright.sql import types
from lakewright.sql.condition import render_condition, resolve_condition

WHERE = Place(file="m.sql", line=4, column=18)
SCHEMA = types.Schema(
    (
        types.Field(name="quantity", type=types.INT),
        types.Field(name="price", type=types.Decimal(10, 2)),
        types.Field(name="Sold on", type=types.DATE),
    )
)


def test_a_condition_tells_the_columns_that_it_looks_at() -> None:
    text = "quantity * PRICE >= 0 OR `sold on` < '2024-01-01'"
    assert resolve_condition(text, WHERE, SCHEMA) == ("Sold on", "price", "quantity")


def test_a_rendered_condition_names_its_columns_without_a_table() -> None:
    assert render_condition("`sold on` IS NULL", SCHEMA, "duckdb") == '("Sold on" IS NULL)'


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("quantity > rand()", "m.sql:4:29: rand is not portable SQL"),
        ("quantity >", "m.sql:4:27: this is not SQL: unexpected '>'"),
        ("quantity > 1 quantity", "m.sql:4:31: this is not SQL: unexpected 'quantity'"),
    ],
)
def test_what_is_not_portable_is_refused_without_looking_at_the_table(text: str, what: str) -> None:
    with pytest.raises(SqlRefused) as raised:
        resolve_condition(text, WHERE, types.Schema(()))
    (problem,) = raised.value.as_problems()
    assert f"{problem.where}: {problem.what}" == what


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("quantity", "this is no condition: int is not a condition"),
        ("quantty > 1", "there is no column 'quantty'"),
        ("price > '1'", "> does not fit: decimal(10,2) and string do not meet"),
        ("sum(quantity) > 1", "an aggregate cannot stand in a condition"),
        ("rank() OVER (ORDER BY price) = 1", "a window function cannot stand in a condition"),
        ("quantity IN (SELECT 1)", "IN (SELECT ...) stands where its answer could be null"),
        ("EXISTS (SELECT 1)", "a condition sees one row only"),
    ],
)
def test_what_does_not_fit_the_table_is_refused(text: str, what: str) -> None:
    with pytest.raises(SqlRefused) as raised:
        resolve_condition(text, WHERE, SCHEMA)
    assert [problem.what for problem in raised.value.as_problems()] == [what]

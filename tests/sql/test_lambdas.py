import pytest

from lakewright.errors import Place, SqlRefused
from lakewright.sql import types
from lakewright.sql.parse import parse
from lakewright.sql.render import render
from lakewright.sql.resolve import resolve

SCHEMAS = {
    "bronze.t": types.Schema(
        (
            types.Field(name="a", type=types.Array(types.INT)),
            types.Field(name="n", type=types.Array(types.Array(types.INT))),
            types.Field(name="k", type=types.INT),
        )
    )
}


def resolved(text: str) -> object:
    return resolve(parse(text, Place(file="m.sql")), SCHEMAS).lineage


def test_a_lambda_function_is_named_so_that_it_hides_no_column_and_no_other() -> None:
    text = render(
        "SELECT transform(n, x -> transform(x, y -> y + size(x) + k)) AS v FROM bronze.t",
        SCHEMAS,
        "duckdb",
    )
    assert 'lambda "lambda 1":' in text
    assert 'lambda "lambda 3":' in text


def test_what_a_lambda_function_looks_at_is_in_the_lineage() -> None:
    assert resolved("SELECT transform(a, x -> x + k) AS v FROM bronze.t") == {
        "v": ("bronze.t.a", "bronze.t.k")
    }


def test_a_text_with_braces_stays_as_it_is_in_a_lambda_function() -> None:
    text = render("SELECT filter(a, x -> '{x}{0}' = '{1}') AS v FROM bronze.t", SCHEMAS, "duckdb")
    assert "('{x}{0}' = '{1}')" in text


@pytest.mark.parametrize(
    "text",
    [
        "SELECT size(x -> x) AS v FROM bronze.t",
        "SELECT transform(a, k) AS v FROM bronze.t",
        "SELECT transform(a, (x, y, z) -> x) AS v FROM bronze.t",
        "SELECT transform(a, x -> x + b) AS v FROM bronze.t",
        "SELECT transform(a, x -> sum(x)) AS v FROM bronze.t",
        "SELECT transform(a, x -> (SELECT max(k) FROM bronze.t)) AS v FROM bronze.t",
        "SELECT x -> x AS v FROM bronze.t",
        "SELECT upper(k AS b) AS v FROM bronze.t",
    ],
)
def test_a_lambda_function_or_a_name_in_a_wrong_place_is_refused(text: str) -> None:
    with pytest.raises(SqlRefused):
        resolved(text)

import pytest

from lakewright.errors import Place, SqlRefused
from lakewright.sql import types
from lakewright.sql.parse import parse
from lakewright.sql.query import Resolved
from lakewright.sql.resolve import resolve

WHERE = Place(file="m.sql", line=1, column=1)


def schema(**columns: str) -> types.Schema:
    return types.Schema(
        tuple(types.Field(name=name, type=types.parse(kind)) for name, kind in columns.items())
    )


SCHEMAS = {
    "bronze.orders": schema(
        order_id="bigint",
        customer_id="int",
        status="string",
        price="decimal(10,2)",
        ordered_at="timestamp",
        weight="double",
        extra="unknown",
        address="struct<city:string,zip:int>",
        tags="array<string>",
        _upload_id="string",
        _loaded_at="timestamp",
    ),
    "silver.customers": schema(customer_id="int", name="string", country="string"),
}


def resolved(text: str) -> Resolved:
    return resolve(parse(text, WHERE, ad_hoc=True), SCHEMAS)


def columns(text: str) -> dict[str, str]:
    return {field.name: str(field.type) for field in resolved(text).schema.fields}


def mistakes(text: str) -> list[tuple[str, str]]:
    """What is wrong, and the way out."""
    with pytest.raises(SqlRefused) as raised:
        resolved(text)
    return [(one.what, one.hint) for one in raised.value.as_problems()]


def test_star_leaves_out_columns_that_start_with_an_underscore() -> None:
    assert list(columns("SELECT * FROM bronze.orders"))[-1] == "tags"
    assert list(columns("SELECT *, _upload_id FROM bronze.orders"))[-1] == "_upload_id"


def test_star_over_a_query_has_all_that_the_query_names() -> None:
    text = "WITH o AS (SELECT order_id, _upload_id FROM bronze.orders) SELECT * FROM o"
    assert columns(text) == {"order_id": "bigint", "_upload_id": "string"}


def test_star_may_leave_columns_out_by_name() -> None:
    text = "SELECT c.* EXCEPT (Country) FROM silver.customers c"
    assert list(columns(text)) == ["customer_id", "name"]


def test_a_column_is_named_as_it_is_written() -> None:
    assert columns("SELECT ORDER_ID, o.Status AS S FROM bronze.orders o") == {
        "ORDER_ID": "bigint",
        "S": "string",
    }


def test_a_question_names_its_columns_by_their_text() -> None:
    assert list(columns("SELECT count(*), 1 + 1 FROM bronze.orders")) == ["count(*)", "1 + 1"]


def test_a_column_that_was_always_empty_takes_the_type_that_is_needed() -> None:
    text = "SELECT extra, coalesce(extra, 1) AS a, upper(extra) AS b, extra = 'x' AS c"
    assert columns(f"{text} FROM bronze.orders") == {
        "extra": "unknown",
        "a": "int",
        "b": "string",
        "c": "boolean",
    }


def test_fields_of_a_struct_are_reached_by_a_point() -> None:
    text = "SELECT address.city, o.address.zip AS z FROM bronze.orders o"
    assert columns(text) == {"city": "string", "z": "int"}


def test_lineage_goes_through_ctes_subqueries_and_unions() -> None:
    text = """
      WITH o AS (SELECT order_id, price * 2 AS double_price, status FROM bronze.orders),
           u AS (SELECT order_id AS k, double_price AS p FROM o
                 UNION ALL SELECT customer_id, NULL FROM silver.customers)
      SELECT u.k, u.p + o.order_id AS p, (SELECT max(name) FROM silver.customers) AS n,
             CASE WHEN o.status = 'x' THEN 1 END AS c
      FROM u JOIN o ON o.order_id = u.k
    """
    assert dict(resolved(text).lineage) == {
        "k": ("bronze.orders.order_id", "silver.customers.customer_id"),
        "p": ("bronze.orders.order_id", "bronze.orders.price"),
        "n": ("silver.customers.name",),
        "c": ("bronze.orders.status",),
    }


@pytest.mark.parametrize(
    ("text", "what", "hint"),
    [
        ("SELECT a FROM bronze.ordrs", "there is no table 'bronze.ordrs'",
         "did you mean bronze.orders?"),
        ("SELECT ordr_id FROM bronze.orders", "there is no column 'ordr_id'",
         "did you mean order_id?"),
        ("SELECT o.nme FROM silver.customers o", "o has no column 'nme'", "did you mean name?"),
        ("SELECT x.name FROM silver.customers o", "no table here is named 'x'", "there are o"),
        ("SELECT customer_id FROM bronze.orders o JOIN silver.customers c ON o.status = c.name",
         "the column 'customer_id' is in more than one table",
         "write o.customer_id or c.customer_id"),
        ("SELECT current_date FROM bronze.orders", "current_date is not portable SQL",
         "use a column such as _loaded_at"),
        ("SELECT name AS a, country AS A FROM silver.customers", "two columns are named 'A'",
         "give one of them another name with AS"),
        ("SELECT order_id = status AS a FROM bronze.orders",
         "= does not fit: bigint and string do not meet",
         "cast one side, for example CAST(... AS bigint)"),
        ("SELECT order_id FROM bronze.orders WHERE price > '5'",
         "> does not fit: decimal(10,2) and string do not meet",
         "cast one side, for example CAST(... AS decimal(10,2))"),
        ("SELECT order_id FROM bronze.orders WHERE ordered_at > '2024-13-01'",
         ("> does not fit: '2024-13-01' is not a timestamp: '2024-13-01' is not a date:"
         " month must be in 1..12"), ""),
        ("SELECT status + 1 AS a FROM bronze.orders", "+ does not fit: string is not a number",
         "join texts with ||, or cast to a number"),
        ("SELECT CAST(weight AS string) AS a FROM bronze.orders",
         "a cast from double to string is not portable SQL",
         "cast to a decimal first: CAST(CAST(x AS DECIMAL(18,2)) AS STRING)"),
        ("SELECT CAST(order_id AS timestamp) AS a FROM bronze.orders",
         "a cast from bigint to timestamp is not portable SQL", "use timestamp_seconds(x)"),
        ("SELECT CAST(order_id AS smallint) AS a FROM bronze.orders",
         "a cast to SMALLINT is not portable SQL", ("the types are bigint, binary, boolean, date,"
         " decimal, double, float, int, string, timestamp, timestamp_ntz")),
        ("SELECT upper(order_id) AS a FROM bronze.orders", "upper(bigint) is not portable SQL",
         "it is upper(string) -> string"),
        ("SELECT status, count(*) AS n FROM bronze.orders",
         "orders.status is neither grouped nor aggregated",
         "add it to GROUP BY, or put an aggregate such as max(...) around it"),
        ("SELECT status FROM bronze.orders WHERE count(*) > 1",
         "an aggregate cannot stand in WHERE", "use HAVING to filter groups"),
        ("SELECT sum(count(*)) AS a FROM bronze.orders",
         "an aggregate cannot stand in an aggregate", ""),
        ("SELECT status FROM bronze.orders WHERE rank() OVER (ORDER BY price) = 1",
         "a window function cannot stand in WHERE",
         "compute it in a subquery and use its column in the query around it"),
        ("SELECT row_number() OVER (PARTITION BY status) AS a FROM bronze.orders",
         "row_number needs an ORDER BY in its window", ""),
        ("SELECT o.order_id FROM bronze.orders o JOIN silver.customers c",
         "this join has no condition", "add ON ..., or write CROSS JOIN"),
        ("SELECT o.status FROM bronze.orders o JOIN silver.customers o ON 1 = 1",
         "two tables are named 'o'", "give one an alias with AS"),
        ("SELECT order_id FROM bronze.orders WHERE order_id", ("WHERE needs a condition: bigint is"
         " not a condition"), "compare it with something"),
        ("SELECT order_id FROM bronze.orders UNION SELECT name FROM silver.customers",
         "UNION has bigint and string in column 'order_id'", "cast one of them"),
        ("SELECT order_id FROM bronze.orders UNION SELECT name, country FROM silver.customers",
         "the two sides of UNION have 1 and 2 columns", ""),
        ("SELECT NULL AS a FROM bronze.orders", "this column has no type",
         "cast it, such as CAST(NULL AS STRING)"),
        ("SELECT tags = tags AS b FROM bronze.orders",
         "= does not fit: array<string> cannot be compared here", "compare its fields"),
        (("SELECT order_id, customer_id IN (SELECT customer_id FROM silver.customers) AS a"
         " FROM bronze.orders"), "IN (SELECT ...) stands where its answer could be null",
         "make it a condition of WHERE by itself or under AND, or use EXISTS"),
        ("SELECT ordered_at - ordered_at AS a FROM bronze.orders",
         "- does not fit: timestamp is not a number", "use timestampdiff(SECOND, start, end)"),
        ("SELECT date_trunc('decade', ordered_at) AS a FROM bronze.orders",
         ("this expression is refused: 'decade' is not a unit; the units are year, quarter, month,"
         " week, day, hour, minute, second, millisecond, microsecond"), ""),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_refused_with_the_way_out(text: str, what: str, hint: str) -> None:
    assert mistakes(text) == [(what, hint)]


def test_all_mistakes_are_told_and_none_twice() -> None:
    text = """
      WITH o AS (SELECT ordr_id, status FROM bronze.orders)
      SELECT ordr_id, statu, nme AS n FROM o WHERE stats = 1
    """
    assert [what for what, _ in mistakes(text)] == [
        "there is no column 'ordr_id'",
        "there is no column 'statu'",
        "there is no column 'nme'",
        "there is no column 'stats'",
    ]


def test_a_mistake_is_told_at_its_place() -> None:
    with pytest.raises(SqlRefused) as raised:
        resolve(
            parse("SELECT name,\n  nme FROM silver.customers", Place(file="m.sql", line=9)),
            SCHEMAS,
        )
    (problem,) = raised.value.as_problems()
    assert str(problem.where) == "m.sql:10:3"
    assert problem.excerpt == "  nme FROM silver.customers\n  ^^^"


def test_a_text_in_double_quotes_is_refused_where_it_may_be_meant_for_a_column() -> None:
    schemas = {"silver.x": types.Schema((types.Field(name="ort", type=types.STRING),))}
    place = Place(file="query")
    for clean in (
        'SELECT ort FROM silver.x WHERE ort = "Ort 1"',
        "SELECT 'ort' AS a FROM silver.x",
    ):
        resolve(parse(clean, place), schemas)
    with pytest.raises(SqlRefused, match="is a text, and a column has that name") as caught:
        resolve(parse("SELECT ort FROM silver.x WHERE \"Ort\" = 'x'", place), schemas)
    assert caught.value.hint == "write `Ort` in backticks for the column, or 'Ort' for the text"

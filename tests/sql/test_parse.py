import pytest

from lakewright.errors import Place, SqlRefused
from lakewright.sql.parse import fingerprint, parse

WHERE = Place(file="models/silver/orders.sql", line=5, column=1)


def problems(text: str, *, ad_hoc: bool = False) -> list[str]:
    """Each problem's place and what it says."""
    with pytest.raises(SqlRefused) as raised:
        parse(text, WHERE, ad_hoc=ad_hoc)
    return [f"{one.where}: {one.what}" for one in raised.value.as_problems()]


def test_a_query_names_its_tables_in_the_order_of_the_text() -> None:
    query = parse(
        "WITH c AS (SELECT a FROM silver.customers)"
        " SELECT o.a FROM bronze.orders o JOIN c ON o.a = c.a JOIN Bronze.items i ON i.a = c.a"
        " WHERE o.a IN (SELECT a FROM bronze.orders)",
        WHERE,
    )
    assert query.tables == ("silver.customers", "bronze.orders", "bronze.items")


def test_every_mistake_is_told_at_once_each_at_its_place() -> None:
    text = "SELECT uper(a) AS b,\n  rand() AS c\nFROM bronze.orders\nLIMIT 3"
    assert problems(text) == [
        "models/silver/orders.sql:5:8: the function 'uper' is not portable SQL",
        "models/silver/orders.sql:6:3: rand is not portable SQL",
        "models/silver/orders.sql:8:7: LIMIT without ORDER BY",
    ]


def test_a_mistake_shows_its_line_with_carets_below() -> None:
    with pytest.raises(SqlRefused) as raised:
        parse("SELECT a,\n\tuper(a) AS b FROM bronze.orders", WHERE)
    (problem,) = raised.value.as_problems()
    assert problem.excerpt == " uper(a) AS b FROM bronze.orders\n ^^^^"
    assert problem.hint == "did you mean upper or power?"


def test_a_query_that_starts_behind_a_comment_counts_columns_from_the_line() -> None:
    with pytest.raises(SqlRefused) as raised:
        parse("SELECT uper(a) AS b FROM bronze.orders", Place(file="m.sql", line=2, column=4))
    (problem,) = raised.value.as_problems()
    assert (problem.where, problem.excerpt.splitlines()[1]) == (
        Place(file="m.sql", line=2, column=11),
        " " * 10 + "^^^^",
    )


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("", "there is no SELECT"),
        ("SELECT a FROM bronze.t; SELECT b FROM bronze.t", "there is more than one statement"),
        ("DROP TABLE bronze.t", "only a SELECT is allowed here"),
        ("SELECT 1 +", "this is not SQL: unexpected '+'"),
        ("SELECT 'a FROM bronze.t", "this is not SQL"),
        ("SELECT a, FROM bronze.t", "a comma with nothing after it"),
        ("SELECT --3 AS a FROM bronze.t", "this SELECT names no column"),
        ("SELECT FROM bronze.t", "this SELECT names no column"),
        ("SELECT a FROM t", "the table 't' has no layer"),
        ("SELECT a FROM gld.t", "there is no layer 'gld'"),
        ("SELECT a + 1 FROM bronze.t", "this column has no name"),
        ("WITH c AS (SELECT a + 1 FROM bronze.t) SELECT * FROM c", "this column has no name"),
        ("SELECT a FROM bronze.t LIMIT 1", "LIMIT without ORDER BY"),
        ("SELECT a FROM bronze.t QUALIFY a = 1", "QUALIFY is not portable SQL"),
        ("SELECT a FROM bronze.t NATURAL JOIN bronze.u", "NATURAL JOIN is not portable SQL"),
        ("SELECT a FROM bronze.t TABLESAMPLE (10 PERCENT)", "TABLESAMPLE is not portable SQL"),
        ("SELECT /*+ BROADCAST(t) */ a FROM bronze.t", "hints are not portable SQL"),
        ("SELECT a FROM bronze.t ORDER BY a LIMIT 1 OFFSET 2", "OFFSET is not portable SQL yet"),
        ("SELECT a FROM bronze.t VERSION AS OF 3", "a version of a table"),
        ("SELECT a, sum(b) AS s FROM bronze.t GROUP BY ALL", "GROUP BY ALL is not portable SQL"),
        ("SELECT a FROM bronze.t GROUP BY a WITH CUBE", "WITH CUBE is not portable SQL"),
        ("SELECT a FROM bronze.t WHERE a ILIKE 'x'", "ILIKE is not portable SQL"),
        ("SELECT a FROM bronze.t WHERE a LIKE ANY ('x', 'y')", "ANY is not portable SQL"),
        ("SELECT a FROM bronze.t WHERE a NOT LIKE ALL ('x', 'y')", "ALL is not portable SQL"),
        ("SELECT :x AS b FROM bronze.t", "there is no parameter :x"),
        ("SELECT ? AS b FROM bronze.t", "a parameter has a name"),
        ("SELECT ${x} AS b FROM bronze.t", "parameters have no value here"),
        ("SELECT a = b IN (c) AS d FROM bronze.t", "this condition is an operand"),
        ("SELECT a = b = c AS d FROM bronze.t", "this condition is an operand"),
        ("SELECT a || b + c AS d FROM bronze.t", "|| stands beside + or -"),
        ("SELECT 'a' 'b' AS d FROM bronze.t", "two texts stand side by side"),
        ("SELECT now() AS d FROM bronze.t", "now is not portable SQL"),
        ("SELECT first(a) AS d FROM bronze.t", "first is not portable SQL"),
        ("SELECT collect_list(a) AS d FROM bronze.t", "collect_list is not portable SQL"),
        ("WITH RECURSIVE r AS (SELECT 1 AS a) SELECT a FROM r", "WITH RECURSIVE"),
        ("SELECT a IS DISTINCT FROM b AS c FROM bronze.t", "IS DISTINCT FROM"),
        ("SELECT a FROM a.b.c", "a table's name has two parts"),
        ("SELECT a FROM bronze.t PIVOT (sum(b) FOR c IN (1, 2))", "PIVOT is not portable SQL"),
        ("SELECT X'1F' AS b FROM bronze.t", "binary literals"),
        ("SELECT sum(a) OVER w AS b FROM bronze.t WINDOW w AS (PARTITION BY c)", "named windows"),
        ("VALUES (1, 2)", "only a SELECT is allowed here"),
        ("INSERT INTO bronze.t SELECT 1", "only a SELECT is allowed here"),
        ("SELECT a FROM VALUES (1) AS t(a)", "VALUES is not portable SQL"),
    ],
)
def test_what_is_not_portable_is_refused(text: str, what: str) -> None:
    assert any(what in problem for problem in problems(text)), problems(text)


def test_a_persons_question_needs_no_names_and_may_limit_without_order() -> None:
    query = parse("SELECT count(*), a + 1 FROM bronze.t LIMIT 10", WHERE, ad_hoc=True)
    assert query.tables == ("bronze.t",)


def test_the_fingerprint_ignores_layout_comments_and_case_of_names_only() -> None:
    text = "SELECT a AS b FROM bronze.t WHERE c = 'X' -- why\n"
    assert fingerprint(text) == fingerprint("select A as B\n from Bronze.T where c='X'")
    assert fingerprint(text) != fingerprint("SELECT a AS b FROM bronze.t WHERE c = 'x'")
    assert fingerprint(text) != fingerprint("SELECT a AS b FROM bronze.t WHERE c = x")
    assert fingerprint("SELECT `a b` AS c") != fingerprint("SELECT a b AS c")


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("SELECT * EXCLUDE (b) FROM silver.x", "write * EXCEPT (...)"),
        ("SELECT x.* EXCLUDE (b) FROM silver.x", "write * EXCEPT (...)"),
        ('SELECT a AS "Net Amount" FROM silver.x', "write `Net Amount`"),
        ("SELECT a AS 'b' FROM silver.x", "write `b`"),
        ('SELECT t.a FROM silver.x AS "t"', "write `t`"),
    ],
)
def test_what_spark_takes_for_no_name_is_refused_with_the_way_out(text: str, hint: str) -> None:
    with pytest.raises(SqlRefused) as caught:
        parse(text, Place(file="query"), ad_hoc=True)
    assert caught.value.problems[0].hint == hint


def test_a_name_in_backticks_may_hold_anything() -> None:
    parse("SELECT a AS `Net Amount` FROM silver.x", Place(file="query"))

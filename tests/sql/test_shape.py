import pytest

from lakewright.errors import Place
from lakewright.sql import types
from lakewright.sql.parse import parse
from lakewright.sql.query import GroupedShape, RowWiseShape, Shape, WholeShape
from lakewright.sql.resolve import resolve


def _schema(**columns: str) -> types.Schema:
    return types.Schema(
        tuple(types.Field(name=name, type=types.parse(kind)) for name, kind in columns.items())
    )


SCHEMAS = {
    "bronze.o": _schema(id="bigint", k="int", s="string", x="double", at="timestamp"),
    "bronze.c": _schema(k="int", name="string"),
}


def shape(text: str) -> Shape:
    return resolve(parse(text, Place(file="m.sql")), SCHEMAS).shape


@pytest.mark.parametrize(
    "text",
    [
        "SELECT * FROM bronze.o",
        "SELECT id + 1 AS a FROM bronze.o WHERE s LIKE 'x%' ORDER BY a",
        "SELECT o.id, c.name FROM bronze.o o JOIN bronze.c c ON c.k = o.k",
        "SELECT o.id, c.name FROM bronze.o o LEFT JOIN bronze.c c USING (k)",
        "SELECT o.id FROM bronze.o o CROSS JOIN bronze.c c LEFT ANTI JOIN bronze.c d ON d.k = o.k",
        "WITH a AS (SELECT id, k FROM bronze.o WHERE x > 1) SELECT id FROM a WHERE k = 1",
        "SELECT t.id FROM (SELECT id FROM bronze.o) AS t",
        "SELECT id FROM bronze.o WHERE k IN (SELECT k FROM bronze.c)",
        "SELECT id, (SELECT max(name) FROM bronze.c) AS m FROM bronze.o",
        "SELECT id FROM bronze.o o WHERE NOT EXISTS (SELECT 1 FROM bronze.c c WHERE c.k = o.k)",
        (
            "WITH n AS (SELECT k, max(name) AS n FROM bronze.c GROUP BY k)"
            " SELECT o.id, n.n FROM bronze.o o LEFT JOIN n ON n.k = o.k"
        ),
        "WITH b AS (SELECT * FROM bronze.o), a AS (SELECT 1 AS one) SELECT id FROM b",
    ],
)
def test_projections_filters_and_lookups_are_row_wise(text: str) -> None:
    assert shape(text) == RowWiseShape(driving="bronze.o")


@pytest.mark.parametrize(
    ("text", "keys"),
    [
        ("SELECT k, count(*) AS n FROM bronze.o GROUP BY k", (("k", "k"),)),
        ("SELECT s AS b, k AS a, sum(x) AS n FROM bronze.o GROUP BY k, s HAVING sum(x) > 1",
         (("b", "s"), ("a", "k"))),
        ("SELECT k, upper(s) AS u, count(*) AS n FROM bronze.o GROUP BY k, upper(s)",
         (("k", "k"),)),
        (("WITH a AS (SELECT id AS i, k AS j FROM bronze.o WHERE x > 0)"
         " SELECT j AS key, count(*) AS n FROM a GROUP BY j"), (("key", "k"),)),
        (("SELECT o.k, c.name, count(*) AS n FROM bronze.o o JOIN bronze.c c ON c.k = o.k"
         " GROUP BY o.k, c.name"), (("k", "k"),)),
        (("WITH g AS (SELECT k, s, count(*) AS n FROM bronze.o GROUP BY k, s)"
         " SELECT k, max(n) AS m FROM g GROUP BY k"), (("k", "k"),)),
        (("WITH g AS (SELECT k, count(*) AS n FROM bronze.o GROUP BY k)"
         " SELECT g.k, g.n, c.name FROM g LEFT JOIN bronze.c c ON c.k = g.k WHERE g.n > 1"),
         (("k", "k"),)),
        ("SELECT id, k, row_number() OVER (PARTITION BY k ORDER BY at) AS r FROM bronze.o",
         (("k", "k"),)),
        (("SELECT t.id, t.s FROM (SELECT *, row_number() OVER (PARTITION BY id ORDER BY at DESC)"
         " AS r FROM bronze.o) AS t WHERE t.r = 1"), (("id", "id"),)),
        (("SELECT id, k, sum(x) OVER (PARTITION BY k, s) AS a, max(x) OVER (PARTITION BY k) AS b"
         " FROM bronze.o"), (("k", "k"),)),
    ],
)  # fmt: skip
def test_groups_and_partitions_by_a_plain_column_are_grouped(
    text: str, keys: tuple[tuple[str, str], ...]
) -> None:
    assert shape(text) == GroupedShape(driving="bronze.o", keys=keys)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("SELECT 1 AS a", "it reads no table"),
        ("SELECT DISTINCT k FROM bronze.o", "DISTINCT compares all rows"),
        ("SELECT k FROM bronze.o ORDER BY k LIMIT 3", "LIMIT compares all rows"),
        ("SELECT k FROM bronze.o UNION ALL SELECT k FROM bronze.c",
         "UNION joins two queries' rows"),
        ("SELECT t.k FROM (SELECT k FROM bronze.o UNION SELECT k FROM bronze.c) AS t",
         "UNION joins two queries' rows"),
        ("SELECT count(*) AS n FROM bronze.o", "it is one total over all rows"),
        ("SELECT upper(s) AS u, count(*) AS n FROM bronze.o GROUP BY upper(s)",
         "its GROUP BY has no column that is one of bronze.o's as it is"),
        ("SELECT c.name, count(*) AS n FROM bronze.o o JOIN bronze.c c ON c.k = o.k GROUP BY name",
         "its GROUP BY has no column that is one of bronze.o's as it is"),
        ("SELECT count(*) AS n FROM bronze.o GROUP BY k",
         "no grouping column of bronze.o is among the columns that it returns"),
        ("SELECT x, count(*) AS n FROM bronze.o GROUP BY x",
         "no grouping column of bronze.o is among the columns that it returns"),
        ("SELECT id, rank() OVER (ORDER BY x) AS r FROM bronze.o",
         "a window's PARTITION BY has no column that is one of bronze.o's as it is"),
        (("SELECT id, k, s, max(x) OVER (PARTITION BY k) AS a, max(x) OVER (PARTITION BY s) AS b"
         " FROM bronze.o"),
         "a window's PARTITION BY has no column that is one of bronze.o's as it is"),
        ("SELECT k, count(*) AS n, rank() OVER (ORDER BY count(*)) AS r FROM bronze.o GROUP BY k",
         "a window's PARTITION BY has no column that is one of bronze.o's as it is"),
        ("SELECT o.id FROM bronze.o o JOIN bronze.o p ON o.k = p.id",
         "it reads bronze.o more than once"),
        ("SELECT id FROM bronze.o WHERE x > (SELECT avg(x) FROM bronze.o)",
         "it reads bronze.o more than once"),
        ("WITH a AS (SELECT k FROM bronze.o) SELECT a.k FROM a JOIN a b ON a.k = b.k",
         "it reads bronze.o more than once"),
        ("SELECT o.id FROM bronze.c c RIGHT JOIN bronze.o o ON c.k = o.k",
         "a RIGHT JOIN returns rows of the other table too"),
        ("SELECT o.id FROM bronze.o o FULL JOIN bronze.c c ON c.k = o.k",
         "a FULL JOIN returns rows of the other table too"),
        (("WITH g AS (SELECT k, s, count(*) AS n FROM bronze.o GROUP BY k, s)"
         " SELECT n, count(*) AS m FROM g GROUP BY n"),
         "its GROUP BY has no column that is one of bronze.o's as it is"),
    ],
)  # fmt: skip
def test_everything_else_is_whole_with_the_reason(text: str, reason: str) -> None:
    assert shape(text) == WholeShape(reason=reason)


def test_rows_made_of_one_row_depend_on_it_alone() -> None:
    query = "SELECT id, c FROM bronze.o LATERAL VIEW explode(sequence(1, k)) e AS c"
    assert shape(query) == RowWiseShape(driving="bronze.o")


def test_totals_of_grouping_sets_depend_on_all_rows() -> None:
    found = shape("SELECT k, count(*) AS n FROM bronze.o GROUP BY ROLLUP (k)")
    assert found == WholeShape(reason="its GROUP BY has totals over other rows")

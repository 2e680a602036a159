"""Writes docs/reference/portable-sql.md from the catalogue, the casts and the grammar."""

from collections.abc import Iterable, Iterator, Sequence

from lakewright.sql import calls, casts, catalogue, expression, grammar
from lakewright.sql.function import Function
from lakewright.sql.functions.refused import REFUSED

NOTE = (
    "<!-- Written by tools/reference.py: change the code, then run `python tools/reference.py`. -->"
)


def portable_sql() -> str:
    """docs/reference/portable-sql.md: what may be written, and what is refused and why."""
    parts = [
        "# Portable SQL",
        NOTE,
        _INTRODUCTION,
        "## Queries",
        _QUERIES,
        "## Names and values",
        _VALUES,
        _PARAMETERS,
        "## Operators",
        _OPERATORS,
        f"An interval is a whole number of {_words(calls.UNITS)}.",
        "## Functions",
        _FUNCTIONS,
        *_topics(),
        f"`EXTRACT(field FROM x)` takes the fields {_words(calls.EXTRACTED)}.",
        "## Casts",
        _CASTS,
        _table(("from", "to", "note"), [(c.source, c.target, c.note) for c in casts.CASTS]),
        f"A cast may name the types {_words(sorted(set(expression.TYPES.values())))}.",
        "## What may stop a query here and not in Spark",
        _STOPS,
        "## Refused functions",
        _table(
            ("functions", "why", "write instead"),
            [(_words(entry.names), entry.why, entry.hint) for entry in REFUSED],
        ),
        "## Refused syntax",
        _table(("what", "why", "write instead"), list(_refused_syntax())),
    ]
    return "\n\n".join(parts) + "\n"


_INTRODUCTION = """\
The SELECTs of models, the conditions of checks and the questions of `lakewright sql` are written
in portable SQL: a part of Apache Spark's SQL, in its ANSI mode with the time zone UTC, that every
engine answers alike. Everything listed here has been run on Apache Spark 4.1 and compared with the
embedded engine, value by value and type by type; the cases and Spark's answers lie in the
repository in `tests/sql`. Whatever is not listed is refused when the project is loaded, with its
place and the way out. Nothing is translated silently into something almost the same."""

_QUERIES = """\
One `SELECT`, which may have `WITH`, `FROM`, `WHERE`, `GROUP BY`, `HAVING`, `ORDER BY`, `LIMIT` and
`DISTINCT`, or several joined by `UNION`, `INTERSECT` and `EXCEPT`, each with or without `ALL`.

- Tables are named `layer.table`, such as `bronze.orders`.
- Joins are `INNER`, `LEFT`, `RIGHT`, `FULL`, `CROSS`, `LEFT SEMI` and `LEFT ANTI`, with `ON` or
  `USING`; a join without a condition must say `CROSS`.
- `*` over a table leaves out its columns that start with an underscore: they tell where a row came
  from, and must be named to be taken along. `* EXCEPT (a, b)` leaves out others.
- Every column of a model has a name: its own, or one given by `AS`. A name given by `AS` may be
  used in the items after it, in `GROUP BY`, `HAVING` and `ORDER BY`.
- A subquery may stand in `FROM` (with a name), as a value, in `EXISTS` and in `IN`. In `WHERE` it
  may look at the query around in its own `WHERE`; as a value it must then be one aggregate. `IN
  (SELECT ...)` must be a condition of `WHERE` by itself or under `AND`: elsewhere Spark takes null
  for false.
- `LATERAL VIEW [OUTER] explode(...) view AS column` follows the joins; one generator may also be an
  item of a `SELECT` without `GROUP BY`. `posexplode(...) AS (position, item)` names two columns.
- `GROUP BY` may have `ROLLUP (...)`, `CUBE (...)` and `GROUPING SETS (...)`, and `grouping_id()`
  beside them.
- Aggregates may have `FILTER (WHERE ...)` and, where the table says so, `DISTINCT`. Window
  functions have `OVER (PARTITION BY ... ORDER BY ...)`, with frames of `ROWS` by constants, or of
  `RANGE` by `UNBOUNDED` and `CURRENT ROW`.
- Nulls come first in ascending order and last in descending order, unless `NULLS FIRST` or `NULLS
  LAST` says otherwise. Texts are ordered by their bytes.
- In a model, `LIMIT` needs an `ORDER BY`. Rows that tie in an `ORDER BY` come in any order: add
  columns until none tie, above all with `row_number()`."""

_VALUES = """\
Numbers are int where they fit, else bigint, else decimal (`12`, `3000000000`); with a point they
are decimal (`1.50` is decimal(3,2)), with an exponent double (`1e3`). `12L` is a bigint, `1.5D` a
double. Texts stand in single or double quotes, with `\\` before special characters. `DATE
'2024-02-29'`, `TIMESTAMP '2024-02-29 12:00:00'` (an instant, in UTC unless it ends in `Z` or
`+02:00`) and `TIMESTAMP_NTZ '...'` are constants. A constant text beside a date or timestamp is
read as one: `ordered_at >= '2024-02-29'`. Names with other characters than letters, digits and `_`
stand in backticks; upper and lower case do not matter in names."""

_PARAMETERS = """\
In models, `:logical_time`, `:interval_start` and `:interval_end` stand for values of type
`timestamp`: when the run is for, and from when to when the interval goes that it builds
([schedules](../guides/schedules.md))."""

_OPERATORS = """\
`+ - * / % DIV`, `& | ^ ~`, `a[position]` from 0, `m[key]`, unary `-`, `||`, `= <> != < <= > >=
<=>`, `AND OR NOT`, `IS [NOT] NULL | TRUE | FALSE`, `[NOT] IN`, `[NOT] BETWEEN`, `[NOT] LIKE` with a
constant pattern and `ESCAPE`, `CASE`, `IF`.

- `/` gives a double, or a decimal where one side is a decimal and none is a double. Decimals are
  exact, rounded half up, with the digits that Spark gives them.
- Overflow and division by zero stop the query; `try_divide` and `TRY_CAST` give null.
- Text never becomes a number, nor a number text, without a cast.
- A date plus or minus a whole number is days; dates and timestamps plus or minus an interval."""

_FUNCTIONS = """\
A capital letter stands for any type, the same one wherever it occurs after the arguments have met
in their common type; `T` is not nested. `(E) -> R` is a lambda function such as `x -> x + 1`.
`number` stands for any number; `#x` for a constant whole number; `'x'` for a constant text;
and `UNIT` for a word such as `HOUR`. A narrower number is widened where a wider one is asked
for."""

_CASTS = """\
`CAST(x AS type)` stops the query where the value does not fit, `TRY_CAST` gives null. `integer`
stands for int and bigint, `fraction` for float and double."""

_STOPS = """\
Never a different answer, but now and then a stop:

- a product, sum or remainder of decimals whose exact digits do not fit 38, though the rounded
  answer would (numbers beyond about 10^20);
- `upper` and `lower` of a few letters, and dates outside the years 1 to 9999 as text;
- texts cast to dates and numbers in forms that only Java knows, such as `10:00` for today's ten
  o'clock, hexadecimal floats or digits of other scripts;
- an error in one operand of an operator whose other operand is null: Spark may not look at it.

The other way round, a comparison with a constant may be answered though Spark would stop at an
overflow on the way to it. The sign of a zero (`-0.0`) may get lost, and the last binary digit of
doubles that are added up or come out of functions such as `exp` may differ, as between two runs of
Spark."""


def _topics() -> Iterator[str]:
    for topic, functions in catalogue.TOPICS.items():
        yield f"### {topic}"
        yield _table(
            ("function", "also named", "note"),
            [
                (
                    "<br>".join(f"`{signature.text}`" for signature in function.signatures),
                    _words(function.aliases),
                    _note(function),
                )
                for function in functions
            ],
        )


def _note(function: Function) -> str:
    distinct = "Takes DISTINCT." if function.takes_distinct else ""
    nulls = "Takes IGNORE NULLS." if function.may_ignore_nulls else ""
    return " ".join(part for part in (function.note, distinct, nulls) if part)


def _refused_syntax() -> Iterator[tuple[str, str, str]]:
    ways = [*grammar.REFUSED_NODES.values(), *grammar.REFUSED_PARTS.values()]
    for way in dict.fromkeys(ways):
        yield way.what, way.why, way.hint


def _words(words: Iterable[str]) -> str:
    return ", ".join(f"`{word}`" for word in words)


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    escaped = ([cell.replace("|", "\\|") for cell in line] for line in lines)
    return "\n".join(f"| {' | '.join(line)} |" for line in escaped)

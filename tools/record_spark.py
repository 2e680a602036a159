"""Records what Apache Spark answers to the cases in tests/sql/cases, for the tests to compare with.

    make spark                                            fetches Spark
    make parity                                           asks it everything again, and compares
    .venv/bin/python tools/record_spark.py [--all]        records what is new

It needs Java 17 and two cores for a few minutes. Cases that are recorded already are kept unless
`--all` is given or their table has changed. Nothing else in the project needs Spark: the answers
lie in tests/sql/spark_answers.json, and are compared with what DuckDB answers through `sql.render`.

An expression case is answered row by row of its table, a query case as a whole. A row whose
evaluation fails is recorded as `{"error": <Spark's error condition>}`; a case that Spark's analyser
refuses has `refused` in the place of a type.
"""

import argparse
import datetime
import decimal
import hashlib
import json
import logging
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

import yaml

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

Answer: TypeAlias = dict[str, object]

HERE = Path(__file__).resolve().parent.parent / "tests" / "sql"
CASES, ANSWERS = HERE / "cases", HERE / "spark_answers.json"
SETTINGS = {
    "spark.ui.enabled": "false",
    "spark.sql.ansi.enabled": "true",
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.shuffle.partitions": "1",
    "spark.driver.extraJavaOptions": "-Duser.timezone=UTC -Duser.language=en",
}
QUERIED = ("orders", "customers", "empty", "lists", "one")
"""The tables that query cases read."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--all", action="store_true", help="record every case anew")
    parser.add_argument("--check", action="store_true", help="ask again, and write nothing")
    asked = parser.parse_args()
    tables = yaml.safe_load((CASES / "tables.yaml").read_text("utf-8"))
    digests = {
        name: hashlib.sha256(json.dumps(table).encode()).hexdigest()[:16]
        for name, table in tables.items()
    }
    recorded = json.loads(ANSWERS.read_text("utf-8")) if ANSWERS.exists() else {}
    known = {} if asked.all or asked.check else recorded.get("answers", {})
    changed = {name for name in digests if recorded.get("tables", {}).get(name) != digests[name]}
    session = spark_session()
    create_tables(session, tables)
    answers: dict[str, Answer] = {}
    for table, case in cases():
        key = f"{table}: {case}" if table else case
        is_stale = table in changed if table else changed.intersection(QUERIED)
        if key in known and not is_stale:
            answers[key] = known[key]
        elif table:
            answers[key] = answer_expression(session, table, case)
        else:
            answers[key] = answer_query(session, case)
    if asked.check:
        compare(recorded["answers"], answers)
        return
    write(session.version, digests, answers)
    print(f"{len(answers)} cases answered by Spark {session.version}")


def compare(recorded: Mapping[str, Answer], answers: Mapping[str, Answer]) -> None:
    """Stop at answers that are not the recorded ones. Rows of a query come in any order."""
    wrong = [key for key in answers if ordered(recorded.get(key, {})) != ordered(answers[key])]
    for key in wrong:
        print(f"{key}\n  recorded {recorded.get(key)}\n  now      {answers[key]}")
    print(f"{len(answers)} cases answered, {len(wrong)} of them otherwise than recorded")
    raise SystemExit(1 if wrong else 0)


def ordered(answer: Answer) -> Answer:
    """An answer with its rows in one order."""
    rows = answer.get("rows")
    return {**answer, "rows": sorted(map(str, rows))} if isinstance(rows, list) else answer


def spark_session() -> "SparkSession":
    """A Spark of this process, in ANSI mode and UTC."""
    os.environ["TZ"] = "UTC"  # Python's side of Spark turns instants into this zone.
    from pyspark.sql import SparkSession

    builder = SparkSession.builder.master("local[2]")
    for name, value in SETTINGS.items():
        builder = builder.config(name, value)
    session = builder.getOrCreate()
    session.sparkContext.setLogLevel("OFF")
    logging.getLogger("SQLQueryContextLogger").disabled = True
    return session


def create_tables(session: "SparkSession", tables: Mapping[str, Mapping[str, object]]) -> None:
    """The tables of the cases, as views over constants."""
    session.sql("CREATE DATABASE IF NOT EXISTS bronze")
    for name, table in tables.items():
        columns, rows = table["columns"], table["rows"]
        assert isinstance(columns, Mapping)
        assert isinstance(rows, Sequence)
        values = ", ".join(
            "(" + ", ".join(literal(v, k) for v, k in zip(row, columns.values(), strict=True)) + ")"
            for row in rows or [[None] * len(columns)]
        )
        where = "" if rows else " WHERE false"
        session.sql(
            f"CREATE OR REPLACE VIEW bronze.{name} AS"
            f" SELECT * FROM VALUES {values} AS t({', '.join(columns)}){where}"
        )


def literal(value: object, kind: str) -> str:
    """A value of a table as Spark SQL; strings as bytes, so that nothing needs escaping."""
    if value is None:
        return f"CAST(NULL AS {kind})"
    if isinstance(value, list):
        _, _, element = kind[:-1].partition("<")
        return f"CAST(array({', '.join(literal(one, element) for one in value)}) AS {kind})"
    if isinstance(value, dict):
        return f"CAST({keyed(value, kind)} AS {kind})"
    if kind == "string":
        return f"CAST(X'{str(value).encode().hex()}' AS STRING)"
    return f"CAST('{value}' AS {kind})"


def keyed(value: Mapping[str, object], kind: str) -> str:
    """A map or struct of a table as Spark SQL; a map's keys are texts."""
    word, _, inner = kind[:-1].partition("<")
    if word == "map":
        element = inner.partition(",")[2]
        pairs = (f"{literal(k, 'string')}, {literal(v, element)}" for k, v in value.items())
        return f"map({', '.join(pairs)})"
    fields = dict(part.split(":", 1) for part in inner.split(","))
    parts = (f"'{name}', {literal(v, fields[name])}" for name, v in value.items())
    return f"named_struct({', '.join(parts)})"


def cases() -> Iterator[tuple[str, str]]:
    """Every case: its table (empty for a whole query) and its text."""
    for path in sorted(CASES.glob("*.yaml")):
        if path.name == "tables.yaml":
            continue
        for group in yaml.safe_load(path.read_text("utf-8")):
            for expression in group.get("each", ()):
                yield group["table"], expression
            for query in group.get("queries", ()):
                yield "", query


def answer_expression(session: "SparkSession", table: str, expression: str) -> Answer:
    """An expression's type, and its value for each row of a table."""
    from pyspark.errors import AnalysisException, ParseException

    try:
        frame = session.sql(f"SELECT {expression} AS v FROM bronze.{table}")
    except (AnalysisException, ParseException) as error:
        return {"refused": condition(error)}
    kind = frame.schema.fields[0].dataType.simpleString()
    try:
        rows = session.sql(f"SELECT id, {expression} AS v FROM bronze.{table}").collect()
    except Exception:  # noqa: BLE001 -- whatever stops a query is what is to be recorded
        return {"type": kind, "values": list(answer_rows(session, table, expression))}
    return {"type": kind, "values": [text(row.v) for row in sorted(rows, key=lambda row: row.id)]}


def answer_rows(session: "SparkSession", table: str, expression: str) -> Iterator[object]:
    """The value for each row, where some rows fail."""
    ids = sorted(row.id for row in session.sql(f"SELECT id FROM bronze.{table}").collect())
    for one in ids:
        query = f"SELECT {expression} AS v FROM bronze.{table} WHERE id = {one}"
        try:
            yield text(session.sql(query).collect()[0].v)
        except Exception as error:  # noqa: BLE001
            yield {"error": condition(error)}


def answer_query(session: "SparkSession", query: str) -> Answer:
    """A query's columns and rows."""
    from pyspark.errors import AnalysisException, ParseException

    try:
        frame = session.sql(query)
    except (AnalysisException, ParseException) as error:
        return {"refused": condition(error)}
    columns = [[field.name, field.dataType.simpleString()] for field in frame.schema.fields]
    try:
        rows = [[text(value) for value in row] for row in frame.collect()]
    except Exception as error:  # noqa: BLE001
        return {"columns": columns, "error": condition(error)}
    return {"columns": columns, "rows": rows}


def condition(error: Exception) -> str:
    """Spark's name for what went wrong."""
    found = re.search(r"\[([A-Z_.0-9]+)\]", str(error))
    return found.group(1) if found else type(error).__name__


def text(value: object) -> object:
    """A value as the answers hold it."""
    if value is None:
        return None
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        return repr(value)
    if isinstance(value, decimal.Decimal):
        return format(value, "f")
    if isinstance(value, datetime.datetime):
        return value.isoformat(" ")
    if isinstance(value, datetime.date):
        return value.isoformat()
    if isinstance(value, bytearray | bytes):
        return value.hex()
    if isinstance(value, dict):
        return {"map": [[text(key), text(inner)] for key, inner in value.items()]}
    if isinstance(value, list | tuple):  # A struct comes as a tuple.
        return [text(inner) for inner in value]
    return str(value)


def write(version: str, digests: Mapping[str, str], answers: Mapping[str, Answer]) -> None:
    """The answers, a line for each, so that a difference reads well."""
    lines = [
        f"  {json.dumps(key, ensure_ascii=False)}: {json.dumps(value, ensure_ascii=False)}"
        for key, value in answers.items()
    ]
    head = f'{{"spark": {json.dumps(version)},\n"tables": {json.dumps(digests)},\n"answers": {{\n'
    ANSWERS.write_text(head + ",\n".join(lines) + "\n}}\n", "utf-8")


if __name__ == "__main__":
    main()

"""Records what Apache Spark answers to the cases in tests/sql/cases, for the tests to compare with.

    python3 -m venv <elsewhere> && <elsewhere>/bin/pip install pyspark==4.1.4 pyyaml
    <elsewhere>/bin/python tools/record_spark.py [--all]

It needs Java 17 and two cores for a few minutes. Cases that are recorded already are kept unless
`--all` is given or the tables have changed. Nothing else in the project needs Spark: the answers lie
in tests/sql/spark_answers.json, and are compared with what DuckDB answers through `sql.render`.

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
from collections.abc import Iterator
from pathlib import Path

import yaml

HERE = Path(__file__).resolve().parent.parent / "tests" / "sql"
CASES, ANSWERS = HERE / "cases", HERE / "spark_answers.json"


def spark_session():
    os.environ["TZ"] = "UTC"
    from pyspark.sql import SparkSession  # type: ignore[import-not-found,unused-ignore]

    settings = {
        "spark.ui.enabled": "false",
        "spark.sql.ansi.enabled": "true",
        "spark.sql.session.timeZone": "UTC",
        "spark.sql.shuffle.partitions": "1",
        "spark.driver.extraJavaOptions": "-Duser.timezone=UTC -Duser.language=en",
    }
    builder = SparkSession.builder.master("local[2]")
    for name, value in settings.items():
        builder = builder.config(name, value)
    session = builder.getOrCreate()
    session.sparkContext.setLogLevel("OFF")
    logging.getLogger("SQLQueryContextLogger").disabled = True
    return session


def literal(value, kind):
    """A value of a table as Spark SQL; strings as bytes, so that nothing needs escaping."""
    if value is None:
        return f"CAST(NULL AS {kind})"
    if kind == "string":
        return f"CAST(X'{str(value).encode().hex()}' AS STRING)"
    return f"CAST('{value}' AS {kind})"


def create_tables(session, tables):
    session.sql("CREATE DATABASE IF NOT EXISTS bronze")
    for name, table in tables.items():
        columns = table["columns"]
        rows = table["rows"] or [[None] * len(columns)]
        values = ", ".join(
            "(" + ", ".join(literal(v, k) for v, k in zip(row, columns.values(), strict=True)) + ")"
            for row in rows
        )
        where = "" if table["rows"] else " WHERE false"
        session.sql(
            f"CREATE OR REPLACE VIEW bronze.{name} AS"
            f" SELECT * FROM VALUES {values} AS t({', '.join(columns)}){where}"
        )


def text(value):
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
    if isinstance(value, bytes | bytearray):
        return bytes(value).hex()
    if isinstance(value, list):
        return [text(one) for one in value]
    return str(value)


def condition(error):
    found = re.search(r"\[([A-Z_.0-9]+)\]", str(error))
    return found.group(1) if found else type(error).__name__


def answer_expression(session, table, expression):
    from pyspark.errors import AnalysisException, ParseException  # type: ignore

    every = f"SELECT {expression} AS v FROM bronze.{table}"
    try:
        frame = session.sql(every)
        kind = frame.schema.fields[0].dataType.simpleString()
    except (AnalysisException, ParseException) as error:
        return {"refused": condition(error)}
    try:
        ordered = session.sql(f"SELECT id, {expression} AS v FROM bronze.{table}").collect()
        values = [text(row.v) for row in sorted(ordered, key=lambda row: row.id)]
    except Exception:
        values = list(answer_rows(session, table, expression))
    return {"type": kind, "values": values}


def answer_rows(session, table, expression) -> Iterator[object]:
    ids = sorted(row.id for row in session.sql(f"SELECT id FROM bronze.{table}").collect())
    for one in ids:
        try:
            row = session.sql(f"SELECT {expression} AS v FROM bronze.{table} WHERE id = {one}")
            yield text(row.collect()[0].v)
        except Exception as error:
            yield {"error": condition(error)}


def answer_query(session, query):
    from pyspark.errors import AnalysisException, ParseException

    try:
        frame = session.sql(query)
    except (AnalysisException, ParseException) as error:
        return {"refused": condition(error)}
    columns = [[field.name, field.dataType.simpleString()] for field in frame.schema.fields]
    try:
        rows = [[text(value) for value in row] for row in frame.collect()]
    except Exception as error:
        return {"columns": columns, "error": condition(error)}
    return {"columns": columns, "rows": rows}


def cases() -> Iterator[tuple[str, str, str]]:
    """Every case: `expression` or `query`, its table, its text."""
    for path in sorted(CASES.glob("*.yaml")):
        if path.name == "tables.yaml":
            continue
        for group in yaml.safe_load(path.read_text("utf-8")):
            for expression in group.get("each", ()):
                yield "expression", group["table"], expression
            for query in group.get("queries", ()):
                yield "query", "", query


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--all", action="store_true", help="record every case anew")
    is_all = parser.parse_args().all
    tables_text = (CASES / "tables.yaml").read_text("utf-8")
    tables = yaml.safe_load(tables_text)
    digests = {
        name: hashlib.sha256(json.dumps(table).encode()).hexdigest()[:16]
        for name, table in tables.items()
    }
    known = json.loads(ANSWERS.read_text("utf-8")) if ANSWERS.exists() and not is_all else {}
    session = spark_session()
    create_tables(session, tables)
    answers = {"spark": session.version, "tables": digests, "answers": {}}
    same = {name for name in digests if known.get("tables", {}).get(name) == digests[name]}
    for kind, table, case in cases():
        key = f"{table}: {case}" if kind == "expression" else case
        is_known = (
            table in same if kind == "expression" else {"orders", "customers", "empty"} <= same
        )
        if is_known and key in known.get("answers", {}):
            answers["answers"][key] = known["answers"][key]
        elif kind == "expression":
            answers["answers"][key] = answer_expression(session, table, case)
        else:
            answers["answers"][key] = answer_query(session, case)
    lines = [
        f"  {json.dumps(key, ensure_ascii=False)}: {json.dumps(value, ensure_ascii=False)}"
        for key, value in answers["answers"].items()
    ]
    head = f'{{"spark": {json.dumps(answers["spark"])},\n"tables": {json.dumps(digests)},\n'
    body = ",\n".join(lines)
    ANSWERS.write_text(f'{head}"answers": {{\n{body}\n}}}}\n', "utf-8")
    print(f"{len(lines)} cases answered by Spark {session.version}")


if __name__ == "__main__":
    main()

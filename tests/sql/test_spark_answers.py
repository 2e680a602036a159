"""What DuckDB answers through `render` is what Apache Spark was recorded to answer.

tools/record_spark.py made the answers; a case without an answer fails here until it is recorded.
Both raising an error counts as equal, whichever error it is. A case may be refused by us: then it
must be marked `refused`, so that what portable SQL leaves out is written down too.
"""

import hashlib
import json
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pyarrow
import pytest
import yaml

from lakewright.errors import Place, SqlRefused
from lakewright.sql import coercion, types
from lakewright.sql.parse import parse
from lakewright.sql.query import Resolved
from lakewright.sql.quoting import duckdb_type, identifier
from lakewright.sql.render import render
from lakewright.sql.resolve import resolve

HERE = Path(__file__).parent
TABLES = yaml.safe_load((HERE / "cases" / "tables.yaml").read_text("utf-8"))
RECORDED = json.loads((HERE / "spark_answers.json").read_text("utf-8"))
SCHEMAS = {
    f"bronze.{name}": types.Schema(
        tuple(
            types.Field(name=column, type=types.parse(kind))
            for column, kind in table["columns"].items()
        )
    )
    for name, table in TABLES.items()
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Case:
    """One expression over each row of a table, or one whole query (`table` is empty)."""

    table: str
    sql: str
    is_approximate: bool
    is_refused: bool
    may_stop: bool
    """Whether rows may stop the query here though Spark answers: loud, and documented."""

    @property
    def key(self) -> str:
        return f"{self.table}: {self.sql}" if self.table else self.sql

    @property
    def query(self) -> str:
        return f"SELECT {self.sql} AS v FROM bronze.{self.table}" if self.table else self.sql


def _cases() -> Iterator[Case]:
    for path in sorted((HERE / "cases").glob("*.yaml")):
        if path.name == "tables.yaml":
            continue
        for group in yaml.safe_load(path.read_text("utf-8")):
            for sql in (*group.get("each", ()), *group.get("queries", ())):
                yield Case(
                    table=group.get("table", ""),
                    sql=sql,
                    is_approximate=group.get("approximate", False),
                    is_refused=group.get("refused", False),
                    may_stop=group.get("stops", False),
                )


CASES = tuple(_cases())


def _value(written: object, kind: types.Type) -> object:
    if written is None:
        return None
    if isinstance(kind, types.Array):
        return [_value(one, kind.element) for one in _listed(written)]
    if isinstance(kind, types.Map):
        assert isinstance(written, dict)
        return [(_value(k, kind.key), _value(v, kind.value)) for k, v in written.items()]
    if isinstance(kind, types.Struct):
        assert isinstance(written, dict)
        return {name: _value(written[name], inner) for name, inner in kind.fields}
    text = str(written)
    if kind == types.BOOLEAN:
        return text.lower() == "true"
    if kind in (types.INT, types.BIGINT):
        return int(text)
    if kind in (types.FLOAT, types.DOUBLE):
        return float(text)
    if kind == types.DATE:
        return date.fromisoformat(text)
    if kind == types.TIMESTAMP:
        return datetime.fromisoformat(text + "+00:00")
    if kind == types.TIMESTAMP_NTZ:
        return datetime.fromisoformat(text)
    return Decimal(text) if isinstance(kind, types.Decimal) else text


def _listed(value: object) -> list[Any]:
    assert isinstance(value, list)
    return value


@pytest.fixture(scope="module")
def lake() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone='UTC'; SET threads=1; CREATE SCHEMA bronze")
        for name, table in TABLES.items():
            schema = SCHEMAS[f"bronze.{name}"]
            columns = ", ".join(
                f"{identifier(field.name)} {duckdb_type(field.type)}" for field in schema.fields
            )
            connection.execute(f"CREATE TABLE bronze.{name} ({columns})")
            rows = pyarrow.table(
                [
                    pyarrow.array([_value(row[i], f.type) for row in table["rows"]],
                                  _arrow_type(f.type))
                    for i, f in enumerate(schema.fields)
                ],
                names=list(schema.names),
            )  # fmt: skip
            connection.register("rows", rows)
            connection.execute(f"INSERT INTO bronze.{name} SELECT * FROM rows")
            connection.unregister("rows")
        yield connection


def _text(value: object) -> object:
    """A value as the answers hold it."""
    if value is None:
        return None
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        return repr(value)
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, datetime):
        return value.replace(tzinfo=None).isoformat(" ")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, list):
        return [_text(one) for one in value]
    return str(value)


def _answer(value: object, kind: types.Type) -> object:
    """A value of a type as the answers hold it."""
    if value is None:
        return None
    if isinstance(kind, types.Array):
        return [_answer(one, kind.element) for one in _listed(value)]
    if isinstance(kind, types.Map):
        entry = types.Struct((("key", kind.key), ("value", kind.value)))
        pairs = (dict(zip(("key", "value"), pair, strict=True)) for pair in _listed(value))
        return {"map": [_answer(pair, entry) for pair in pairs]}
    if isinstance(kind, types.Struct):
        assert isinstance(value, dict)
        return [_answer(value[name], inner) for name, inner in kind.fields]
    return _text(value)


_ARROW = {
    types.BOOLEAN: pyarrow.bool_(),
    types.INT: pyarrow.int32(),
    types.BIGINT: pyarrow.int64(),
    types.FLOAT: pyarrow.float32(),
    types.DOUBLE: pyarrow.float64(),
    types.STRING: pyarrow.string(),
    types.BINARY: pyarrow.binary(),
    types.DATE: pyarrow.date32(),
    types.TIMESTAMP: pyarrow.timestamp("us", tz="UTC"),
    types.TIMESTAMP_NTZ: pyarrow.timestamp("us"),
}


def _arrow_type(kind: types.Type) -> pyarrow.DataType:
    if isinstance(kind, types.Array):
        return pyarrow.list_(_arrow_type(kind.element))
    if isinstance(kind, types.Map):
        return pyarrow.map_(_arrow_type(kind.key), _arrow_type(kind.value))
    if isinstance(kind, types.Struct):
        return pyarrow.struct([(name, _arrow_type(inner)) for name, inner in kind.fields])
    if isinstance(kind, types.Decimal):
        return pyarrow.decimal128(kind.precision, kind.scale)
    assert isinstance(kind, types.Primitive)
    return _ARROW[kind]


def _run(lake: duckdb.DuckDBPyConnection, sql: str, schema: types.Schema) -> list[list[object]]:
    table = lake.execute(sql).to_arrow_table()
    found = [(column.name, column.type) for column in table.schema]
    assert found == [(field.name, _arrow_type(field.type)) for field in schema.fields], sql
    return [
        [
            _answer(value, field.type)
            for value, field in zip(row.values(), schema.fields, strict=True)
        ]
        for row in table.to_pylist()
    ]


def _rows_of_expression(
    lake: duckdb.DuckDBPyConnection, case: Case, resolved: Resolved
) -> list[object]:
    sql = render(case.query, SCHEMAS, "duckdb")
    try:
        ordered = f'{sql} ORDER BY "{case.table}"."id"'
        return [row[0] for row in _run(lake, ordered, resolved.schema)]
    except duckdb.Error:
        pass
    values: list[object] = []
    for (number,) in lake.execute(f"SELECT id FROM bronze.{case.table} ORDER BY id").fetchall():
        try:
            one = f'{sql} WHERE "{case.table}"."id" = {number}'
            values.append(_run(lake, one, resolved.schema)[0][0])
        except duckdb.Error as error:
            values.append({"error": str(error)})
    return values


def _is_error(value: object) -> bool:
    return isinstance(value, dict) and "error" in value


def _is_same_nested(
    ours: object, theirs: object, kind: types.Type, *, is_approximate: bool
) -> bool:
    if isinstance(kind, types.Map):
        assert isinstance(ours, dict)
        assert isinstance(theirs, dict)
        entry = types.Struct((("key", kind.key), ("value", kind.value)))
        one, other = (sorted(side["map"], key=str) for side in (ours, theirs))
        return _is_same_nested(one, other, types.Array(entry), is_approximate=is_approximate)
    one, other = _listed(ours), _listed(theirs)
    if isinstance(kind, types.Array):
        parts = [kind.element] * len(one)
    else:
        assert isinstance(kind, types.Struct)
        parts = [field for _, field in kind.fields]
    return len(one) == len(other) and all(
        _is_same(a, b, part, is_approximate=is_approximate)
        for a, b, part in zip(one, other, parts, strict=True)
    )


def _is_same(ours: object, theirs: object, kind: types.Type, *, is_approximate: bool) -> bool:
    """Equal as SQL has it: 0.0 is -0.0, NaN is NaN, and 1.50 is 1.5 (the types are compared)."""
    if _is_error(ours) or _is_error(theirs):
        return _is_error(ours) and _is_error(theirs)
    if ours is None or theirs is None:
        return ours is theirs
    if coercion.is_nested(kind):
        return _is_same_nested(ours, theirs, kind, is_approximate=is_approximate)
    if isinstance(kind, types.Decimal):
        return Decimal(str(ours)) == Decimal(str(theirs))
    if kind in (types.FLOAT, types.DOUBLE):
        one, other = float(str(ours)), float(str(theirs))
        if math.isnan(one) or math.isnan(other):
            return math.isnan(one) and math.isnan(other)
        return math.isclose(one, other, rel_tol=1e-12 if is_approximate else 0.0)
    return ours == theirs


def _sorted(rows: Sequence[Sequence[object]]) -> list[Sequence[object]]:
    """In any one order that takes -0.0 for 0.0 and doubles that differ at the end for equal."""

    def key(value: object) -> tuple[bool, str]:
        text = "0.0" if value == "-0.0" else str(value)
        return (value is not None, text[:14] if "." in text else text)

    return sorted(rows, key=lambda row: [key(value) for value in row])


def _compare_expression(
    lake: duckdb.DuckDBPyConnection, case: Case, resolved: Resolved, answer: dict[str, object]
) -> None:
    assert str(resolved.schema.fields[0].type) == answer["type"]
    ours, theirs = _rows_of_expression(lake, case, resolved), answer["values"]
    assert isinstance(theirs, list)
    rows, kind = TABLES[case.table]["rows"], resolved.schema.fields[0].type
    wrong = [
        f"{row}: Spark {b}, DuckDB {a}"
        for row, a, b in zip(rows, ours, theirs, strict=True)
        if not (case.may_stop and _is_error(a))
        and not _is_same(a, b, kind, is_approximate=case.is_approximate)
    ]
    assert not wrong, "\n".join(wrong)


def _compare_query(
    lake: duckdb.DuckDBPyConnection, case: Case, resolved: Resolved, answer: dict[str, object]
) -> None:
    columns = [[field.name, str(field.type)] for field in resolved.schema.fields]
    assert columns == answer["columns"]
    sql = render(case.query, SCHEMAS, "duckdb")
    if "error" in answer:
        with pytest.raises(duckdb.Error):
            _run(lake, sql, resolved.schema)
        return
    ours, theirs = _run(lake, sql, resolved.schema), answer["rows"]
    assert isinstance(theirs, list)
    if " ORDER BY " not in case.sql.rpartition(")")[2]:
        ours, theirs = list(map(list, _sorted(ours))), list(map(list, _sorted(theirs)))
    assert len(ours) == len(theirs)
    for one, other in zip(ours, theirs, strict=True):
        for a, b, field in zip(one, other, resolved.schema.fields, strict=True):
            assert _is_same(a, b, field.type, is_approximate=case.is_approximate), (
                f"Spark {other}, DuckDB {one}"
            )


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.key)
def test_duckdb_answers_as_spark_does(case: Case, lake: duckdb.DuckDBPyConnection) -> None:
    answer = RECORDED["answers"].get(case.key)
    assert answer is not None, "not recorded yet: run tools/record_spark.py"
    try:
        query = parse(case.query, Place(file="case.sql"))
        resolved = resolve(query, SCHEMAS)
    except SqlRefused:
        assert case.is_refused or "refused" in answer, "we refuse what is not marked as refused"
        return
    assert not case.is_refused, "we take what is marked as refused"
    assert "refused" not in answer, "Spark refuses what we take"
    if case.table:
        _compare_expression(lake, case, resolved, answer)
    else:
        _compare_query(lake, case, resolved, answer)


def test_the_answers_belong_to_the_tables() -> None:
    digests = {
        name: hashlib.sha256(json.dumps(table).encode()).hexdigest()[:16]
        for name, table in TABLES.items()
    }
    assert RECORDED["tables"] == digests, "the tables have changed: run tools/record_spark.py"

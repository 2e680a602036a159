"""What a contract is inferred from meets that contract: no JSON file refuses its own records.

And whatever bytes a file holds, it is refused as a whole or each of its records is accounted for.
"""

import datetime as dt
import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeAlias

import duckdb
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from lakewright.errors import FileUnreadable
from lakewright.ingest import landing, preview
from lakewright.plan import steps
from lakewright.plan.landed import Landed
from lakewright.project.contract import Column, Contract
from lakewright.project.source import Json, JsonMode
from lakewright.sql import types
from tests.engines.test_bronze import Loaded, load

JsonValue: TypeAlias = Any


def land(
    folder: Path, text: str | bytes, mode: JsonMode, contract: Contract | None = None
) -> Landed:
    folder.mkdir()
    raw = folder / "x.json"
    raw.write_bytes(text.encode() if isinstance(text, str) else text)
    step = steps.Land(
        upload_id="0123456789abcdef",
        source="orders",
        file_name="x.json",
        sha256="0" * 64,
        format=Json(mode=mode),
        contract=contract,
    )
    return landing.land(step, raw, folder / "work", lambda _: None)


def land_or_refusal(folder: Path, text: bytes, mode: JsonMode) -> Landed | FileUnreadable:
    try:
        return land(folder, text, mode)
    except FileUnreadable as refused:
        return refused


def inferred(landed: Landed) -> Contract:
    contract = preview.infer_source(landed, "orders").contract
    assert contract is not None
    return contract


def holds(found: JsonValue, given_: JsonValue, kind: types.Type) -> bool:
    """Whether a value of the table is the file's, as its type shows it."""
    if given_ is None:
        return found is None
    if kind == types.STRING:
        return bool(found == given_ if isinstance(given_, str) else json.loads(found) == given_)
    if isinstance(kind, types.Array):
        return len(found) == len(given_) and all(
            holds(one, other, kind.element) for one, other in zip(found, given_, strict=True)
        )
    if isinstance(kind, types.Struct):
        return given_.keys() <= found.keys() and all(
            holds(found[name], given_.get(name), inner) for name, inner in kind.fields
        )
    if kind in (types.DATE, types.TIMESTAMP, types.TIMESTAMP_NTZ):
        if given_ == "":
            return found is None
        return bool(dt.datetime.fromisoformat(str(found)) == dt.datetime.fromisoformat(given_))
    return bool(found == given_ and isinstance(found, bool) == isinstance(given_, bool))


def check(records: Sequence[JsonValue], landed: Landed, loaded: Loaded) -> None:
    contract = inferred(landed)
    assert loaded.refused == []
    names = {
        arrived.name: own for arrived, own in zip(landed.columns, contract.columns, strict=True)
    }
    for record, row in zip(records, loaded.rows, strict=True):
        for key, value in (record if isinstance(record, dict) else {"value": record}).items():
            column = names[key]
            if column.type == types.UNKNOWN:
                assert value is None
            else:
                assert holds(row[column.name], value, column.type), (column, value, row)


NUMBERS = st.one_of(
    st.integers(-3, 300),
    st.integers(),
    st.sampled_from([2**53 + 1, 2**63 - 1, -(2**63), 2**63, 10**17, -(10**30)]),
    st.floats(allow_nan=False, allow_infinity=False, width=32),
    st.sampled_from([0.1, 1e300, -1e-300, 123456789.25, 1e17]),
)
WORDS = st.one_of(
    st.text(max_size=3),
    st.sampled_from(
        ["", "null", "1", "2024-01-31", "2024-01-31T10:00:00+02:00", 'a"b\\', "\0", "\ud7ff"]
    ),
)
KEYS = st.one_of(st.sampled_from("abA"), st.sampled_from(["", " ", "a b", "a/~b", '"', "`", "\0"]))
VALUES = st.recursive(
    st.one_of(st.none(), st.booleans(), NUMBERS, WORDS),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(KEYS, inner, max_size=3)),
    max_leaves=8,
)
RECORDS = st.lists(
    st.one_of(
        st.dictionaries(st.sampled_from(["a", "b", "c d"]), VALUES, max_size=3),
        VALUES.filter(lambda v: not isinstance(v, dict)),
    ),
    min_size=1,
    max_size=5,
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(
    records=RECORDS, mode=st.sampled_from([JsonMode.LINES, JsonMode.ARRAY, JsonMode.CONCATENATED])
)
@example(records=[{"a": [None, 1, "1", {}]}], mode=JsonMode.LINES)
@example(records=[{"a": [[]]}, {"a": [""]}], mode=JsonMode.LINES)
@example(records=[{"a": {"x": 1}}, {"a": {"x": {"y": [1.5]}}}], mode=JsonMode.ARRAY)
@example(records=[{"a": [1]}, {"a": {"x": 1}}, {"a": "x"}, {"a": 1}], mode=JsonMode.LINES)
@example(records=[{"a": 2**63}, {"a": -1.5}], mode=JsonMode.LINES)
@example(records=[{"a": {"x": "null"}}, {"a": "null"}], mode=JsonMode.LINES)
@example(records=[{"a": [[[[[[[[1]]]]]]]]}], mode=JsonMode.LINES)
def test_a_file_meets_the_contract_that_is_inferred_from_it_and_is_read_again_alike(
    connection: duckdb.DuckDBPyConnection,
    tmp_path_factory: pytest.TempPathFactory,
    records: list[JsonValue],
    mode: JsonMode,
) -> None:
    folder = tmp_path_factory.mktemp("json")
    texts = [json.dumps(record, ensure_ascii=False) for record in records]
    text = "[" + ", ".join(texts) + "]" if mode is JsonMode.ARRAY else "\n".join(texts)
    landed = land(folder / "first", text, mode)
    contract = inferred(landed)
    loaded = load(connection, folder / "first", contract, landed)
    check(records, landed, loaded)
    adopted = replace(contract, is_adopted=True)
    again = land(folder / "second", text, mode, adopted)
    assert load(connection, folder / "second", adopted, again).rows == loaded.rows


def test_the_sign_of_a_zero_is_kept_where_the_type_can_have_one(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    contract = Contract(
        columns=tuple(
            Column(name=name, type=types.parse(kind))
            for name, kind in {
                "text": "string",
                "real": "double",
                "whole": "bigint",
                "inner": "struct<text: string, real: double, whole: bigint>",
            }.items()
        )
    )
    record = '{"text":-0,"real":-0,"whole":-0,"inner":{"text":-0,"real":-0,"whole":-0}}\n'
    landed = land(tmp_path / "zeros", record * 50, JsonMode.LINES, contract)
    loaded = load(connection, tmp_path / "zeros", contract, landed)
    assert not loaded.refused
    for row in loaded.rows:
        for found in (row, row["inner"]):
            assert (found["text"], str(found["real"]), found["whole"]) == ("-0", "-0.0", 0)
    inferred_types = [
        column.type
        for column in land(tmp_path / "found", '{"a":-0}\n{"a":7}\n', JsonMode.LINES).columns
    ]
    assert inferred_types == [types.DOUBLE]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(
    records=RECORDS,
    mode=st.sampled_from([mode for mode in JsonMode if mode is not JsonMode.AUTO]),
    changes=st.lists(
        st.tuples(st.integers(0, 400), st.sampled_from(b'{}[]",:\\ \n0e\xff\0')), max_size=3
    ),
)
def test_damaged_json_is_refused_or_every_record_is_accounted_for(
    connection: duckdb.DuckDBPyConnection,
    tmp_path_factory: pytest.TempPathFactory,
    records: list[JsonValue],
    mode: JsonMode,
    changes: list[tuple[int, int]],
) -> None:
    folder = tmp_path_factory.mktemp("json")
    texts = [json.dumps(record, ensure_ascii=False) for record in records]
    data = bytearray(
        ("[" + ", ".join(texts) + "]" if mode is JsonMode.ARRAY else "\n".join(texts)).encode()
    )
    for place, byte in changes:
        data[place % len(data)] = byte
    landed = land_or_refusal(folder / "x", bytes(data), mode)
    if isinstance(landed, FileUnreadable):
        assert "at byte " in landed.why
        return
    loaded = load(connection, folder / "x", inferred(landed), landed)
    found = [row["_record"] for row in (*loaded.rows, *loaded.refused)]
    assert sorted(found) == list(range(1, landed.records + 1))
    for row in loaded.refused:
        assert {reason["code"] for reason in row["reasons"]} <= {
            "unreadable_record",
            "bad_encoding",
        }

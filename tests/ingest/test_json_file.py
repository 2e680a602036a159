import json
from contextlib import suppress
from pathlib import Path

import pyarrow.parquet
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lakewright import errors
from lakewright.ingest import encoding, json_file
from lakewright.project.source import JsonMode


class Read:
    """A JSON text, landed."""

    def __init__(self, folder: Path, text: str | bytes, mode: JsonMode = JsonMode.AUTO) -> None:
        data = text.encode() if isinstance(text, str) else text
        path = folder / "data.json"
        path.write_bytes(data)
        if mode is JsonMode.AUTO:
            mode, _ = json_file.decide_mode(data)
        self.mode = mode
        output = json_file.Output(folder, lambda _: True, lambda _: None)
        decoded = encoding.as_json_text(path, folder, "data.json")
        self.columns, self.parts = json_file.read(decoded, mode, "data.json", output)
        self.types = {column.name: str(column.type) for column in self.columns}
        tables = [pyarrow.parquet.read_table(part.path) for part in self.parts]
        self.rows = [row for table in tables for row in table.to_pylist()]

    def fields(self) -> list[dict[str, str | None]]:
        return [
            {name: value for name, value in row.items() if not name.startswith("_")}
            for row in self.rows
        ]


@pytest.mark.parametrize(
    ("text", "mode"),
    [
        ('{"a":1}\n{"a":2}\n', JsonMode.LINES),
        ('{"a":1}\n\n{"a":2,}\n{"a":3}\n', JsonMode.LINES),
        ('{"a":1}', JsonMode.LINES),
        ("[1,2]\n[3,4]\n[5,6]\n", JsonMode.LINES),
        ('[{"a":1},{"a":2}]', JsonMode.ARRAY),
        ('[\n{"a":1},\n{"a":2}\n]\n', JsonMode.ARRAY),
        ('{\n  "a": 1\n}\n', JsonMode.DOCUMENT),
        ('{"a":1}{"a":2}', JsonMode.CONCATENATED),
        ('{\n  "a": 1\n}\n{\n  "a": 2\n}\n', JsonMode.CONCATENATED),
        ("[1] [2]", JsonMode.CONCATENATED),
        ("[\n" + '{"a": "' + "x" * 2_000_000 + '"}, {"a": 1}]', JsonMode.ARRAY),
    ],
)
def test_the_mode_is_found(tmp_path: Path, text: str, mode: JsonMode) -> None:
    assert Read(tmp_path, text).mode is mode


def test_keys_become_columns_in_the_order_of_their_first_sight(tmp_path: Path) -> None:
    read = Read(tmp_path, '{"b":"x","a":null}\n{"c":true,"b":""}\n7\n')
    assert read.fields() == [
        {"b": "x", "a": None, "c": None, "value": None},
        {"b": "", "a": None, "c": "true", "value": None},
        {"b": None, "a": None, "c": None, "value": "7"},
    ]


def test_columns_that_come_late_are_in_every_part(tmp_path: Path) -> None:
    text = "".join(f'{{"a":{number}}}\n' for number in range(40_000)) + '{"b":1}\n'
    read = Read(tmp_path, text)
    assert len(read.rows) == 40_001
    assert read.rows[0]["b"] is None
    assert [row["_record"] for row in read.rows] == list(range(1, 40_002))


def test_numbers_keep_their_digits(tmp_path: Path) -> None:
    numbers = ["1.10", "1E40", "12345678901234567890123", "0.1", "-0.0", "9007199254740993"]
    text = "".join(f'{{"a":{number},"n":{{"x":[{number}]}}}}\n' for number in numbers)
    read = Read(tmp_path, text)
    assert [row["a"] for row in read.rows] == numbers
    assert [row["n"] for row in read.rows] == [f'{{"x":[{number}]}}' for number in numbers]


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (["1", "2", "null"], "bigint"),
        (["1", "2.5"], "double"),
        (["18446744073709551616"], "string"),
        (["true", "false"], "boolean"),
        (['"1"', '"2"'], "string"),
        (['"2024-01-31"', '""'], "date"),
        (['"2024-01-31T10:00:00Z"'], "timestamp"),
        (['""'], "string"),
        (["null"], "unknown"),
        (["1", '"a"'], "string"),
        (["1", "true"], "string"),
        (['{"x":1}', '{"y":"a"}'], "struct<x:bigint,y:string>"),
        (['{"x":1}', '{"x":1.5}'], "struct<x:double>"),
        (['{"x":1}', '{"x":"a"}'], "struct<x:string>"),
        (['{"x":null}'], "struct<x:string>"),
        (["{}"], "string"),
        (['{"x":1,"X":2}'], "string"),
        (["[1,2]", "[]"], "array<bigint>"),
        (["[]"], "array<string>"),
        (['[{"x":[1.5]}]'], "array<struct<x:array<double>>>"),
        (["[1]", '{"x":1}'], "string"),
        (['[null,1,"1",{}]'], "array<string>"),
        (["[[]]", '[""]'], "array<string>"),
        (["[[[[[[[1]]]]]]]"], "array<array<array<array<array<array<string>>>>>>"),
        (['{"x":{"a":1,"A":2}}'], "struct<x:string>"),
        (['{"x\\u0000":1}'], "string"),
        (["[9223372036854775807]", "[-9223372036854775808]"], "array<bigint>"),
        (["[9223372036854775808]"], "array<string>"),
        (["[1e17]", "[1]"], "array<double>"),
        (["[1e300]", "[9007199254740992]"], "array<double>"),
        (["[1.5]", "[9007199254740993]"], "array<string>"),
        (["1.5", "9007199254740993"], "string"),
        (["1.50", "9007199254740992"], "double"),
        (["[1234567890123456789.5]"], "array<string>"),
        (["[1e400]"], "array<string>"),
    ],
)
def test_types_are_what_json_says_they_are(
    tmp_path: Path, values: list[str], expected: str
) -> None:
    text = "".join(f'{{"a":{value}}}\n' for value in values)
    assert Read(tmp_path, text, JsonMode.LINES).types == {"a": expected}


def test_an_object_of_more_fields_than_a_table_can_hold_is_text(tmp_path: Path) -> None:
    names = ",".join(f'"{number}":{{"x":1,"y":2}}' for number in range(170))
    assert Read(tmp_path, f'{{"a":{{{names}}}}}').types == {"a": "string"}


def test_a_bad_line_is_a_refused_record_with_the_byte_and_its_exact_text(tmp_path: Path) -> None:
    data = b'{"a":1}\n {"\xc3\xa4":tru} \r\n{"a":"\xff"}\n\n{"a":2}\n[1, 2\n"x"'
    read = Read(tmp_path, data, JsonMode.LINES)
    problems = [row["_problem"] for row in read.rows]
    assert problems == [
        None,
        "no JSON at byte 6: invalid literal, expected 'true'",
        "no JSON at byte 6: byte 0xff is not UTF-8",
        None,
        "no JSON at byte 5: unexpected end of data",
        None,
    ]
    assert [row["_byte"] for row in read.rows] == [0, 9, 22, 33, 41, 47]
    raws = [row["_raw"] for row in read.rows]
    assert raws == ['{"a":1}', '{"ä":tru}', '{"a":"\ufffd"}', '{"a":2}', "[1, 2", '"x"']


@pytest.mark.parametrize("mode", [mode for mode in JsonMode if mode is not JsonMode.AUTO])
def test_a_record_with_a_key_twice_is_refused_alone(tmp_path: Path, mode: JsonMode) -> None:
    text = {
        JsonMode.LINES: '{"a":1}\n{"a":2,"b":1.50,"a":3}\n{"a":4}',
        JsonMode.ARRAY: '[{"a":1}, {"a":2,"b":1.50,"a":3}, {"a":4}]',
        JsonMode.CONCATENATED: '{"a":1} {"a":2,"b":1.50,"a":3} {"a":4}',
        JsonMode.DOCUMENT: '{"a":2,"b":1.50,"a":3}',
    }[mode]
    rows = Read(tmp_path, text, mode).rows
    problems: list[str | None] = ['the key "a" stands twice']
    if mode is not JsonMode.DOCUMENT:
        problems = [None, *problems, None]
    assert [row["_problem"] for row in rows] == problems
    assert '{"a":2,"b":1.50,"a":3}' in [row["_raw"] for row in rows]


@pytest.mark.parametrize(
    ("text", "mode", "byte"),
    [
        ('[{"ä":1},{"a":}]', JsonMode.ARRAY, 15),
        ("[1,2", JsonMode.ARRAY, 4),
        ("[1,]", JsonMode.ARRAY, 3),
        ("[1 2]", JsonMode.ARRAY, 3),
        ("[1] x", JsonMode.ARRAY, 4),
        ("[NaN]", JsonMode.ARRAY, 1),
        ('[{"a":1},{"a":2},{"a":3,}]', JsonMode.ARRAY, 24),
        (b'[{"a":1},{"a":2},{"a":"\xff"}]', JsonMode.ARRAY, 23),
        (b'["\xc3', JsonMode.ARRAY, 1),
        ("{} {} }", JsonMode.CONCATENATED, 6),
        ('{"a":1}{"a":', JsonMode.CONCATENATED, 12),
        ("[1", JsonMode.CONCATENATED, 2),
        ("{} 01", JsonMode.CONCATENATED, 4),
        ("1true", JsonMode.CONCATENATED, 1),
        ('{"ä":tru}', JsonMode.DOCUMENT, 6),
        ("", JsonMode.DOCUMENT, 0),
    ],
)
def test_a_bad_array_or_document_makes_the_file_unreadable(
    tmp_path: Path, text: str | bytes, mode: JsonMode, byte: int
) -> None:
    with pytest.raises(errors.FileUnreadable) as caught:
        Read(tmp_path, text, mode)
    assert caught.value.why.endswith(f"at byte {byte:,}")


@pytest.mark.parametrize("style", ["compact", "nested", "pretty", "odd"])
@pytest.mark.parametrize("mode", [JsonMode.ARRAY, JsonMode.CONCATENATED])
def test_values_are_read_across_blocks(tmp_path: Path, style: str, mode: JsonMode) -> None:
    values: list[object] = [
        {"n": number, "t": "ä" * (number % 50), "l": [{"x": number}, {"x": 1.5}]}
        for number in range(20_000)
    ]
    if style == "compact":  # Nothing in a value looks like what stands between two of them.
        values = [{"n": number, "t": "},{" * (number % 9)} for number in range(40_000)]
    if style == "odd":
        values[7_000:] = [7, [1], "x},{", None, *values[7_000:], {"t": "x" * 3_000_000}, 12.5]
    indent = 2 if style == "pretty" else None
    marks = (",", ":") if style == "compact" else None
    texts = [json.dumps(each, ensure_ascii=False, indent=indent, separators=marks)
             for each in values]  # fmt: skip
    between = {"compact": "", "nested": "\n", "pretty": "\n\t", "odd": " "}[style]
    if mode is JsonMode.ARRAY:
        text = "[\n" + f",{between}".join(texts) + "\n] \n"
    else:
        text = between.join(texts)
    read = Read(tmp_path, text, mode)
    assert [row["_raw"] for row in read.rows] == texts
    assert not any(row["_problem"] for row in read.rows)
    data = text.encode()
    for row in [*read.rows[::997], *read.rows[-3:]]:
        assert data[row["_byte"] :].startswith(row["_raw"].encode())


@pytest.mark.parametrize("left", range(9))
def test_a_number_is_whole_wherever_a_block_cuts_it(tmp_path: Path, left: int) -> None:
    size = 1 << 23  # So much is read before the first record, a long one, is known to end.
    text = f'"{"x" * (size - 3 - left)}" -1.5e-7 12'
    read = Read(tmp_path, text, JsonMode.CONCATENATED)
    assert [row["_raw"] for row in read.rows][1:] == ["-1.5e-7", "12"]


@pytest.mark.parametrize("mode", [JsonMode.ARRAY, JsonMode.CONCATENATED, JsonMode.DOCUMENT])
def test_numbers_of_very_many_digits_are_kept(tmp_path: Path, mode: JsonMode) -> None:
    number = "1" + "0" * 9999
    text = f'{{"a": {number}, "b": "x:y"}}'
    read = Read(tmp_path, f"[{text}]" if mode is JsonMode.ARRAY else text, mode)
    assert [row["a"] for row in read.rows] == [number]
    assert read.types == {"a": "string", "b": "string"}
    assert json_file.looks_like_json(text.encode())


@pytest.mark.parametrize("mode", [JsonMode.ARRAY, JsonMode.CONCATENATED, JsonMode.DOCUMENT])
def test_values_without_bottom_are_refused(tmp_path: Path, mode: JsonMode) -> None:
    with pytest.raises(errors.FileUnreadable):
        Read(tmp_path, "[" * 1_000_000, mode)


def test_keys_that_differ_in_case_only_or_are_ours_get_names_of_their_own(tmp_path: Path) -> None:
    read = Read(tmp_path, '{"id":1,"ID":2,"_raw":3,"":4}\n')
    assert [column.name for column in read.columns] == ["id", "ID_2", "_raw_2", "column_4"]


def test_a_zero_character_in_a_key_is_shown_by_a_mark(tmp_path: Path) -> None:
    read = Read(tmp_path, '{"a\\u0000b":1,"a\ufffdb":2,"\\u0000":3}\n')
    assert [column.name for column in read.columns] == ["a\ufffdb", "a\ufffdb_2", "\ufffd"]
    assert read.fields() == [{"a\ufffdb": "1", "a\ufffdb_2": "2", "\ufffd": "3"}]


def test_keys_without_number_are_refused(tmp_path: Path) -> None:
    text = "".join(f'{{"key {number}":1}}\n' for number in range(10_001))
    with pytest.raises(errors.FileUnreadable, match="different keys"):
        Read(tmp_path, text)


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3)
    ),
    max_leaves=10,
)


@given(
    records=st.lists(st.dictionaries(st.sampled_from("abc"), VALUES, min_size=1), min_size=1),
    mode=st.sampled_from([JsonMode.LINES, JsonMode.ARRAY, JsonMode.CONCATENATED]),
)
def test_what_is_written_is_read_back(
    tmp_path_factory: pytest.TempPathFactory,
    records: list[dict[str, object]],
    mode: JsonMode,
) -> None:
    texts = [json.dumps(record, ensure_ascii=False) for record in records]
    text = {
        JsonMode.LINES: "\n".join(texts),
        JsonMode.ARRAY: "[" + ",\n ".join(texts) + "]",
        JsonMode.CONCATENATED: "".join(texts),
    }[mode]
    read = Read(tmp_path_factory.mktemp("json"), text, mode)
    for record, row in zip(records, read.rows, strict=True):
        assert row["_problem"] is None
        for key, value in record.items():
            found = row[key]
            assert (
                found == value
                if isinstance(value, str) or value is None
                else (json.loads(found) == value)
            )


@given(data=st.binary(max_size=60) | st.text(alphabet='[]{}",:1e.-tnul \n\\', max_size=60))
@pytest.mark.parametrize("mode", [mode for mode in JsonMode if mode is not JsonMode.AUTO])
def test_any_bytes_are_read_or_refused(
    tmp_path_factory: pytest.TempPathFactory, mode: JsonMode, data: bytes | str
) -> None:
    with suppress(errors.FileUnreadable):
        read = Read(tmp_path_factory.mktemp("json"), data, mode)
        assert [row["_record"] for row in read.rows] == list(range(1, len(read.rows) + 1))

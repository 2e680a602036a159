import datetime as dt
from decimal import Decimal
from pathlib import Path

import pyarrow
import pyarrow.parquet
import pytest

from lakewright import errors
from lakewright.ingest import packing, parquet_file


def write(path: Path, table: pyarrow.Table) -> Path:
    pyarrow.parquet.write_table(table, path)
    return path


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        (pyarrow.bool_(), "boolean"),
        (pyarrow.null(), "unknown"),
        (pyarrow.list_(pyarrow.null()), "array<string>"),
        (pyarrow.struct([("x", pyarrow.null())]), "struct<x:string>"),
        (pyarrow.int8(), "int"),
        (pyarrow.uint16(), "int"),
        (pyarrow.int32(), "int"),
        (pyarrow.uint32(), "bigint"),
        (pyarrow.int64(), "bigint"),
        (pyarrow.uint64(), "decimal(20,0)"),
        (pyarrow.float16(), "float"),
        (pyarrow.float32(), "float"),
        (pyarrow.float64(), "double"),
        (pyarrow.decimal128(12, 3), "decimal(12,3)"),
        (pyarrow.string(), "string"),
        (pyarrow.large_string(), "string"),
        (pyarrow.dictionary(pyarrow.int32(), pyarrow.string()), "string"),
        (pyarrow.binary(), "binary"),
        (pyarrow.binary(4), "binary"),
        (pyarrow.date32(), "date"),
        (pyarrow.time64("us"), "string"),
        (pyarrow.timestamp("us"), "timestamp_ntz"),
        (pyarrow.timestamp("ms", "Europe/Berlin"), "timestamp"),
        (pyarrow.list_(pyarrow.int64()), "array<bigint>"),
        (pyarrow.map_(pyarrow.string(), pyarrow.float64()), "map<string,double>"),
        (
            pyarrow.struct([("a b", pyarrow.int32()), ("c", pyarrow.list_(pyarrow.date32()))]),
            "struct<`a b`:int,c:array<date>>",
        ),
    ],
)
def test_every_type_has_its_counterpart(
    tmp_path: Path, kind: pyarrow.DataType, expected: str
) -> None:
    table = pyarrow.table({"c": pyarrow.nulls(3, kind)})
    columns, part = parquet_file.read(write(tmp_path / "x", table), tmp_path, "x.parquet")
    assert [(column.name, str(column.type)) for column in columns] == [("c", expected)]
    assert part.records == 3


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        (Decimal(1), pyarrow.decimal256(50, 2)),
        (dt.timedelta(1), pyarrow.duration("us")),
    ],
)
def test_a_type_without_counterpart_is_refused_by_the_columns_name(
    tmp_path: Path, value: object, kind: pyarrow.DataType
) -> None:
    table = pyarrow.table({"odd": pyarrow.array([[value]], pyarrow.list_(kind))})
    with pytest.raises(errors.FileUnreadable, match=r"odd\.element"):
        parquet_file.read(write(tmp_path / "x", table), tmp_path, "x.parquet")


def test_two_columns_of_one_name_are_refused(tmp_path: Path) -> None:
    table = pyarrow.table({"id": [1], "ID": [2]})
    with pytest.raises(errors.FileUnreadable, match="one name"):
        parquet_file.read(write(tmp_path / "x", table), tmp_path, "x.parquet")


def test_a_file_that_few_readers_understand_is_written_anew(tmp_path: Path) -> None:
    table = pyarrow.table({"n": pyarrow.array([1, 2], pyarrow.int64())})
    path = tmp_path / "x"
    pyarrow.parquet.write_table(
        table, path, use_dictionary=False, column_encoding={"n": "BYTE_STREAM_SPLIT"}
    )
    columns, part = parquet_file.read(path, tmp_path, "x.parquet")
    assert part.path != str(path)
    assert pyarrow.parquet.read_table(part.path).equals(table)
    assert [str(column.type) for column in columns] == ["bigint"]


def test_a_file_of_far_more_values_than_bytes_is_refused_as_a_bomb(tmp_path: Path) -> None:
    path = write(tmp_path / "x", pyarrow.table({"n": pyarrow.nulls(20_000_000, pyarrow.int8())}))
    columns, part = parquet_file.read(path, tmp_path, "x.parquet")
    assert (len(columns), part.records) == (1, 20_000_000)
    with pytest.raises(errors.FileUnreadable, match="looks like a bomb") as refused:
        parquet_file.read(path, tmp_path, "x.parquet", packing.Limits(ratio_max=20))
    assert "unpack to 20,000,000 bytes or more" in refused.value.why
    small = write(tmp_path / "y", pyarrow.table({"n": pyarrow.nulls(1_000_000, pyarrow.int8())}))
    parquet_file.read(small, tmp_path, "y.parquet", packing.Limits(ratio_max=1))


def test_a_damaged_footer_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "x", pyarrow.table({"n": [1, 2]}))
    data = path.read_bytes()
    path.write_bytes(data[:-40] + b"\xff" * 32 + data[-8:])
    with pytest.raises(errors.FileUnreadable, match="no readable Parquet"):
        parquet_file.read(path, tmp_path, "x.parquet")
    path.write_bytes(data[:-1])
    with pytest.raises(errors.FileUnreadable, match="cut short"):
        parquet_file.check_ends(path, "x.parquet")


@pytest.mark.parametrize(
    "options",
    [
        {"use_dictionary": True},
        {"use_dictionary": False, "column_encoding": {"a": "DELTA_BYTE_ARRAY"}},
    ],
)
def test_a_text_that_is_written_once_and_meant_very_often_is_a_bomb(
    tmp_path: Path, options: dict[str, object]
) -> None:
    path = tmp_path / "a.parquet"
    texts = pyarrow.DictionaryArray.from_arrays(
        pyarrow.array([0] * 2_000, pyarrow.int32()), pyarrow.array(["x" * 100_000])
    )
    table = pyarrow.table({"a": texts if options["use_dictionary"] else texts.cast("string")})
    pyarrow.parquet.write_table(table, path, compression="zstd", store_schema=False, **options)
    assert path.stat().st_size < 100_000
    with pytest.raises(errors.FileUnreadable, match="looks like a bomb"):
        parquet_file.read(path, tmp_path, "a.parquet")


@pytest.mark.parametrize("encoding", [None, "DELTA_BYTE_ARRAY"])
def test_long_texts_that_few_rows_have_are_no_bomb(tmp_path: Path, encoding: str | None) -> None:
    path = tmp_path / "a.parquet"
    table = pyarrow.table({"a": ["x" * 500_000] + ["y"] * 100_000})
    pyarrow.parquet.write_table(
        table,
        path,
        compression="zstd",
        use_dictionary=encoding is None,
        column_encoding={"a": encoding} if encoding else None,
    )
    _, part = parquet_file.read(path, tmp_path, "a.parquet")
    assert part.records == 100_001

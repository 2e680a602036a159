"""Buckets are those that Iceberg's own library computes."""

from decimal import Decimal

import pyarrow
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyiceberg import transforms
from pyiceberg import types as iceberg

from lakewright.engines.duckdb import murmur

LONGS = st.integers(-(2**63), 2**63 - 1)


def hashes(values: list[object], kind: pyarrow.DataType) -> list[int | None]:
    column = pyarrow.chunked_array([pyarrow.array(values, type=kind)])
    return [
        None if value is None else value & 0x7FFFFFFF
        for value in murmur.hash_column(column).to_pylist()
    ]


def expected(values: list[object], kind: iceberg.PrimitiveType) -> list[int | None]:
    # 2**31 - 1 buckets: of the hash, all but one value in two billion is left to see.
    buckets = transforms.BucketTransform(2**31 - 1).transform(kind, bucket=True)
    return [None if value is None else buckets(value) for value in values]


def compare(values: list[object], kind: pyarrow.DataType, other: iceberg.PrimitiveType) -> None:
    found = hashes(values, kind)
    assert [None if value is None else value % (2**31 - 1) for value in found] == expected(
        values, other
    )


@given(st.lists(st.none() | LONGS))
def test_whole_numbers_hash_as_in_iceberg(values: list[object]) -> None:
    compare(values, pyarrow.int64(), iceberg.LongType())


@given(st.lists(st.none() | st.text()))
def test_texts_hash_as_in_iceberg(values: list[object]) -> None:
    compare(values, pyarrow.string(), iceberg.StringType())


@given(st.lists(st.none() | st.binary()))
def test_bytes_hash_as_in_iceberg(values: list[object]) -> None:
    compare(values, pyarrow.binary(), iceberg.BinaryType())


@pytest.mark.parametrize("scale", [0, 2, 38])
@given(st.lists(st.none() | st.integers(-(10**38) + 1, 10**38 - 1)))
def test_decimals_hash_as_in_iceberg(scale: int, unscaled: list[int | None]) -> None:
    values = [
        None
        if number is None
        else Decimal((int(number < 0), tuple(map(int, str(abs(number)))), -scale))
        for number in unscaled
    ]
    compare(list(values), pyarrow.decimal128(38, scale), iceberg.DecimalType(38, scale))


def test_a_slice_of_a_column_hashes_as_its_values_do() -> None:
    column = pyarrow.array(["a", None, "bcdef", "g"])
    whole = murmur.hash_column(pyarrow.chunked_array([column])).to_pylist()
    part = murmur.hash_column(pyarrow.chunked_array([column.slice(1, 2)])).to_pylist()
    assert part == whole[1:3]

"""Partition values: one text for each stored value, and only transforms that Iceberg defines."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis.strategies import integers

from lakewright import errors
from lakewright.lake import metadata, partitioning, schema
from lakewright.lake.partitioning import Codec, Value
from lakewright.project.contract import PartitionField, Transform
from lakewright.sql import types

# The stored values are those of the Iceberg specification: units since 1970-01-01.
TEXTS: list[tuple[str, types.Type, str | None, Value]] = [
    ("identity", types.STRING, "a/b=ü", "a/b=ü"),
    ("identity", types.STRING, "", ""),
    ("identity", types.STRING, None, None),
    ("identity", types.INT, "-7", -7),
    ("identity", types.BOOLEAN, "true", True),
    ("identity", types.BINARY, "/wA=", b"\xff\x00"),
    ("identity", types.DOUBLE, "0.5", 0.5),
    ("identity", types.Decimal(9, 2), "-1.50", Decimal("-1.50")),
    ("identity", types.DATE, "1969-12-31", -1),
    ("identity", types.TIMESTAMP, "1970-01-01T00:00:01.000002+00:00", 1_000_002),
    ("identity", types.TIMESTAMP_NTZ, "1969-12-31T23:59:59", -1_000_000),
    ("year", types.DATE, "1969", -1),
    ("year", types.TIMESTAMP, "2024", 54),
    ("month", types.DATE, "1969-12", -1),
    ("month", types.TIMESTAMP, "2024-03", 650),
    ("day", types.TIMESTAMP, "1970-02-01", 31),
    ("hour", types.TIMESTAMP, "1969-12-31-23", -1),
    ("hour", types.TIMESTAMP, "1970-01-02-03", 27),
    ("bucket[16]", types.STRING, "7", 7),
    ("bucket[16]", types.DATE, "7", 7),
    ("truncate[3]", types.STRING, "ice", "ice"),
    ("truncate[10]", types.BIGINT, "-10", -10),
]


@pytest.mark.parametrize(("transform", "source", "text", "value"), TEXTS)
def test_a_text_and_its_stored_value_belong_together(
    transform: str, source: types.Type, text: str | None, value: Value
) -> None:
    codec = Codec(name="p", transform=transform, source=source)
    assert codec.parse(text) == value
    assert codec.format(value) == text


@given(integers(-20_000, 900_000))
@pytest.mark.parametrize("transform", ["day", "hour", "month"])
def test_every_unit_of_time_has_its_own_text(transform: str, value: int) -> None:
    value = value % 95_000 - 20_000 if transform == "month" else value
    codec = Codec(name="p", transform=transform, source=types.TIMESTAMP)
    assert codec.parse(codec.format(value)) == value


@pytest.mark.parametrize(
    ("transform", "source", "text"),
    [
        ("month", types.DATE, "2024"),
        ("month", types.DATE, "2024-13"),
        ("hour", types.TIMESTAMP, "2024-03-31-24"),
        ("day", types.DATE, "31.3.2024"),
        ("identity", types.BOOLEAN, "True"),
        ("identity", types.INT, "seven"),
        ("identity", types.BINARY, "?"),
        ("identity", types.Decimal(9, 2), "one"),
    ],
)
def test_a_text_that_is_no_value_is_refused(transform: str, source: types.Type, text: str) -> None:
    codec = Codec(name="the_part", transform=transform, source=source)
    with pytest.raises(errors.LakewrightError, match="the_part"):
        codec.parse(text)


COLUMNS = types.Schema(
    (
        types.Field(name="at", type=types.TIMESTAMP),
        types.Field(name="at_month", type=types.STRING),
        types.Field(name="code", type=types.STRING),
        types.Field(name="price", type=types.DOUBLE),
    )
)
FIELDS = schema.assign(COLUMNS, None, 0).fields


def specify(*parts: PartitionField, document: metadata.Document | None = None) -> metadata.SpecJson:
    return partitioning.specify(
        parts, FIELDS, COLUMNS, document or metadata.new("id", "/lake/t", 0)
    )


def part(column: str, transform: Transform, width: int | None = None) -> PartitionField:
    return PartitionField(column=column, transform=transform, width=width)


def test_a_specification_names_its_fields_as_iceberg_does_and_unlike_any_column() -> None:
    spec = specify(
        part("code", Transform.IDENTITY),
        part("code", Transform.BUCKET, 16),
        part("code", Transform.TRUNCATE, 4),
        part("at", Transform.MONTH),
    )
    assert [(field["name"], field["transform"], field["field-id"]) for field in spec["fields"]] == [
        ("code", "identity", 1000),
        ("code_bucket_16", "bucket[16]", 1001),
        ("code_trunc_4", "truncate[4]", 1002),
        ("at_month_partition", "month", 1003),
    ]


def test_a_partition_field_that_comes_back_keeps_its_id() -> None:
    document = metadata.new("id", "/lake/t", 0)
    first = specify(part("code", Transform.IDENTITY), document=document)
    document = metadata.apply(document, [metadata.AddSpec(first)])
    second = specify(part("at", Transform.DAY), part("code", Transform.IDENTITY), document=document)
    assert second["spec-id"] == first["spec-id"] + 1
    assert [field["field-id"] for field in second["fields"]] == [1001, 1000]
    document = metadata.apply(document, [metadata.AddSpec(second)])
    assert specify(part("code", Transform.IDENTITY), document=document) == first


@pytest.mark.parametrize(
    "wrong",
    [
        part("price", Transform.BUCKET, 4),
        part("price", Transform.YEAR),
        part("code", Transform.DAY),
        part("at", Transform.TRUNCATE, 4),
        part("nowhere", Transform.IDENTITY),
    ],
    ids=str,
)
def test_what_iceberg_does_not_define_is_refused(wrong: PartitionField) -> None:
    with pytest.raises(errors.LakewrightError, match="cannot be partitioned by"):
        specify(wrong)

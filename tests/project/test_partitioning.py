import pytest
from hypothesis import given
from hypothesis import strategies as st

from lakewright.project import partitioning
from lakewright.project.contract import PartitionField, Transform
from lakewright.sql import types

FIELDS = st.one_of(
    st.builds(
        PartitionField,
        column=st.sampled_from(["a", "größe", "日本", "_record"]),
        transform=st.sampled_from([each for each in Transform if each.value[0] not in "bt"]),
    ),
    st.builds(
        PartitionField,
        column=st.just("a"),
        transform=st.sampled_from([Transform.BUCKET, Transform.TRUNCATE]),
        width=st.integers(1, 2**31),
    ),
)


@given(FIELDS)
def test_a_partition_is_read_as_it_is_written(field: PartitionField) -> None:
    assert partitioning.parse(partitioning.text_of(field)) == field


@pytest.mark.parametrize("text", [" month( at ) ", "MONTH(at)", "month(at)"])
def test_blanks_and_case_do_not_matter(text: str) -> None:
    assert partitioning.parse(text) == PartitionField(column="at", transform=Transform.MONTH)


@pytest.mark.parametrize(
    ("text", "fits", "unfit"),
    [
        ("a", (types.STRING, types.Decimal(3, 1), types.DOUBLE), (types.Array(types.INT),)),
        ("month(a)", (types.DATE, types.TIMESTAMP), (types.STRING, types.Decimal(3, 1))),
        ("hour(a)", (types.TIMESTAMP_NTZ,), (types.DATE,)),
        ("bucket(2, a)", (types.DATE, types.Decimal(3, 1)), (types.DOUBLE, types.BOOLEAN)),
        ("truncate(2, a)", (types.STRING, types.Decimal(3, 1)), (types.DATE, types.FLOAT)),
        ("a", (), (types.UNKNOWN, types.Struct(()))),
    ],
)
def test_a_transform_takes_the_types_of_the_iceberg_specification(
    text: str, fits: tuple[types.Type, ...], unfit: tuple[types.Type, ...]
) -> None:
    field = partitioning.parse(text)
    assert all(partitioning.is_fit(field, kind) for kind in fits)
    assert not any(partitioning.is_fit(field, kind) for kind in unfit)

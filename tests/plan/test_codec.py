import json
from dataclasses import dataclass
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lakewright import errors
from lakewright.engines import engine
from lakewright.lake import staged
from lakewright.plan import codec, landed, observed, steps
from lakewright.project import contract, model, source
from lakewright.sql import types

NAMES = st.text(st.characters(codec="utf-8"), min_size=1, max_size=6)
LEAVES = st.sampled_from(types.PRIMITIVES) | st.just(types.Decimal(10, 2))
TYPES: st.SearchStrategy[types.Type] = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.builds(types.Array, inner),
        st.builds(types.Map, inner, inner),
        st.builds(
            types.Struct,
            st.lists(st.tuples(NAMES, inner), max_size=3, unique_by=lambda pair: pair[0]).map(
                tuple
            ),
        ),
    ),
    max_leaves=4,
)
for kind in (types.Primitive, types.Decimal, types.Array, types.Map, types.Struct):
    st.register_type_strategy(kind, TYPES)
st.register_type_strategy(float, st.floats(allow_nan=False, allow_infinity=False))
st.register_type_strategy(datetime, st.datetimes(timezones=st.just(UTC)))

VALUES = (
    landed.Landed,
    steps.Plan,
    steps.Bronze,
    steps.BuildModel,
    observed.Observed,
    staged.Staged,
    staged.FileSet,
    staged.Target,
    staged.Published,
    engine.UploadStaged,
    engine.Remainder,
    engine.Change,
    engine.CheckResult,
    source.Source,
    contract.Contract,
    errors.Problem,
)


@pytest.mark.parametrize("cls", VALUES, ids=lambda cls: cls.__name__)
def test_what_was_written_is_read_back_equal(cls: type[object]) -> None:
    values: st.SearchStrategy[object] = st.from_type(cls)

    @settings(max_examples=20)
    @given(values)
    def round_trip(value: object) -> None:
        text = codec.to_json(value)
        again = codec.from_json(cls, text)
        assert (again, codec.to_json(again)) == (value, text)

    round_trip()


def test_the_order_of_a_mapping_does_not_show_in_the_text() -> None:
    one = steps.Plan(steps=(), skipped={"a": "1", "b": "2"})
    other = steps.Plan(steps=(), skipped={"b": "2", "a": "1"})
    assert codec.to_json(one) == codec.to_json(other)


def test_types_travel_in_their_text_form() -> None:
    field = types.Field(name="a", type=types.Array(types.Decimal(9, 2)))
    assert codec.encode(field) == {
        "name": "a",
        "type": "array<decimal(9,2)>",
        "is_required": False,
        "description": "",
    }


def test_an_older_text_without_a_newer_field_is_read_with_its_default() -> None:
    assert codec.from_json(types.Field, '{"name": "a", "type": "int"}') == types.Field(
        name="a", type=types.INT
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class Sample:
    check: model.Check | None
    share: float
    pair: tuple[str, int]
    when: datetime


SOUND: dict[str, object] = {
    "check": {"kind": "unique", "columns": ["a"], "severity": "warn"},
    "share": 1,
    "pair": ["a", 1],
    "when": "2024-01-01T00:00:00+00:00",
}


def test_a_whole_number_is_read_as_the_fraction_that_it_stands_for() -> None:
    assert codec.decode(Sample, SOUND).share == 1.0


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"check": {"kind": "sound"}}, "Sample.check is .* not an object whose kind is one of"),
        ({"check": {"kind": "unique"}}, "Sample.check.columns is missing"),
        ({"check": {"kind": "unique", "columns": [1]}}, "columns.0. is '1', not str"),
        ({"share": "much"}, "Sample.share is 'much', not a number"),
        ({"pair": ["a"]}, "Sample.pair is .* not a list of 2"),
        ({"pair": ["a", True]}, "pair.1. is 'True', not int"),
        ({"when": "soon"}, "Sample.when is 'soon', not an ISO 8601 time"),
        ({"newer": 1}, "Sample.newer is unknown to this version"),
    ],
)
def test_what_does_not_fit_is_refused_with_its_path(
    change: dict[str, object], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        codec.from_json(Sample, json.dumps(SOUND | change))


def test_a_value_that_is_none_of_ours_is_refused() -> None:
    with pytest.raises(TypeError, match="a set has no JSON form"):
        codec.to_json({"a": {1}})

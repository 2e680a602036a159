"""Field ids: kept while a column keeps its name and meaning, never used twice."""

import orjson
import pytest
from hypothesis import given, settings
from hypothesis.strategies import (
    SearchStrategy,
    builds,
    integers,
    lists,
    recursive,
    sampled_from,
    text,
    tuples,
)
from pyiceberg.schema import Schema as IcebergSchema

from lakewright import errors
from lakewright.lake import metadata, schema
from lakewright.lake.metadata import SchemaJson
from lakewright.sql import types

PLACE = types.Struct((("city", types.STRING), ("floor", types.INT)))
NESTED = types.Schema(
    (
        types.Field(name="id", type=types.BIGINT, is_required=True, description="The number."),
        types.Field(name="place", type=PLACE),
        types.Field(name="stops", type=types.Array(PLACE)),
        types.Field(name="counts", type=types.Map(types.STRING, types.INT)),
    )
)


def of(*columns: tuple[str, types.Type]) -> types.Schema:
    return types.Schema(tuple(types.Field(name=name, type=kind) for name, kind in columns))


def json_of(assigned: schema.Assigned) -> SchemaJson:
    return {"type": "struct", "schema-id": 0, "fields": list(assigned.fields)}


PLAIN: list[types.Type] = [kind for kind in types.PRIMITIVES if kind != types.UNKNOWN]
DECIMALS = integers(1, 38).flatmap(
    lambda precision: builds(types.Decimal, sampled_from([precision]), integers(0, precision))
)
NAMES = text("abcxyz_", min_size=1, max_size=4)


def structs(inner: SearchStrategy[types.Type]) -> SearchStrategy[types.Type]:
    fields = lists(tuples(NAMES, inner), min_size=1, max_size=3, unique_by=lambda field: field[0])
    return fields.map(lambda found: types.Struct(tuple(found)))


def containers(inner: SearchStrategy[types.Type]) -> SearchStrategy[types.Type]:
    maps = builds(types.Map, sampled_from(PLAIN), inner)
    return builds(types.Array, inner) | maps | structs(inner)


def kinds() -> SearchStrategy[types.Type]:
    return recursive(sampled_from(PLAIN) | DECIMALS, containers, max_leaves=5)


SCHEMAS = lists(
    tuples(text("abcde", min_size=1, max_size=2), kinds()), unique_by=lambda column: column[0]
).map(lambda columns: of(*columns))


@settings(max_examples=40)
@given(SCHEMAS)
def test_a_schema_comes_back_from_iceberg_as_it_was(wanted: types.Schema) -> None:
    assert schema.of_json(json_of(schema.assign(wanted, None, 0))) == wanted


@settings(max_examples=40)
@given(SCHEMAS)
def test_pyiceberg_reads_every_schema(wanted: types.Schema) -> None:
    assigned = schema.assign(wanted, None, 0)
    read = IcebergSchema.model_validate_json(orjson.dumps(json_of(assigned)))
    assert read.highest_field_id == assigned.last_column_id
    ids = schema.field_ids(assigned.fields)
    assert {name: read.find_field(field_id).field_id for name, field_id in ids.items()} == ids


@settings(max_examples=40)
@given(SCHEMAS, SCHEMAS)
def test_ids_are_unique_and_new_ones_were_never_used(
    first: types.Schema, second: types.Schema
) -> None:
    base = schema.assign(first, None, 0)
    following = schema.assign(second, json_of(base), base.last_column_id)
    before = schema.field_ids(base.fields)
    after = schema.field_ids(following.fields)
    assert len(set(after.values())) == len(after)
    for name, field_id in after.items():
        assert before.get(name) == field_id or field_id > base.last_column_id
    assert schema.assign(second, json_of(base), base.last_column_id) == following


@settings(max_examples=40)
@given(SCHEMAS)
def test_an_equal_schema_keeps_every_id(wanted: types.Schema) -> None:
    base = schema.assign(wanted, None, 0)
    again = schema.assign(wanted, json_of(base), base.last_column_id)
    assert again == base


def test_nested_fields_have_ids_by_their_paths() -> None:
    assigned = schema.assign(NESTED, None, 0)
    assert list(schema.field_ids(assigned.fields)) == [
        "id",
        "place", "place.city", "place.floor",
        "stops", "stops.element", "stops.element.city", "stops.element.floor",
        "counts", "counts.key", "counts.value",
    ]  # fmt: skip


COMPATIBLE: list[tuple[types.Type, types.Type]] = [
    (types.INT, types.BIGINT),
    (types.FLOAT, types.DOUBLE),
    (types.Decimal(5, 2), types.Decimal(9, 2)),
    (types.Array(types.INT), types.Array(types.BIGINT)),
    (types.Map(types.STRING, types.INT), types.Map(types.STRING, types.BIGINT)),
    (types.Struct((("a", types.INT),)), types.Struct((("b", types.DATE), ("a", types.BIGINT)))),
]
INCOMPATIBLE: list[tuple[types.Type, types.Type]] = [
    (types.BIGINT, types.INT),
    (types.BIGINT, types.DOUBLE),
    (types.INT, types.STRING),
    (types.DATE, types.TIMESTAMP),
    (types.TIMESTAMP, types.TIMESTAMP_NTZ),
    (types.Decimal(9, 2), types.Decimal(9, 3)),
    (types.Array(types.BIGINT), types.Array(types.STRING)),
    (types.Map(types.INT, types.INT), types.Map(types.BIGINT, types.INT)),
    (types.Struct((("a", types.BIGINT),)), types.Struct((("a", types.STRING),))),
    (types.STRING, types.Array(types.STRING)),
]


@pytest.mark.parametrize(("old", "new"), COMPATIBLE, ids=str)
def test_a_column_that_is_widened_keeps_its_id(old: types.Type, new: types.Type) -> None:
    base = schema.assign(of(("c", old)), None, 0)
    wider = schema.assign(of(("c", new)), json_of(base), base.last_column_id)
    assert wider.incompatible == ()
    kept = schema.field_ids(base.fields)
    assert {name: schema.field_ids(wider.fields)[name] for name in kept} == kept


@pytest.mark.parametrize(("old", "new"), INCOMPATIBLE, ids=str)
def test_a_column_of_another_type_gets_new_ids_throughout(old: types.Type, new: types.Type) -> None:
    base = schema.assign(of(("c", old)), None, 0)
    other = schema.assign(of(("c", new)), json_of(base), base.last_column_id)
    assert other.incompatible == ("c",)
    assert min(schema.field_ids(other.fields).values()) > base.last_column_id


def test_a_type_of_another_program_is_refused_by_name() -> None:
    found: SchemaJson = {
        "type": "struct",
        "schema-id": 0,
        "fields": [{"id": 1, "name": "c", "required": False, "type": "uuid"}],
    }
    with pytest.raises(errors.LakewrightError, match="uuid is not supported"):
        schema.of_json(found)


def test_the_schema_of_a_partitioning_is_the_newest_that_has_its_columns() -> None:
    document = metadata.new("id", "/lake/t", 0)
    first = schema.assign(of(("a", types.INT), ("b", types.INT)), None, 0)
    second = schema.assign(of(("b", types.INT)), json_of(first), 2)
    with_both = metadata.apply(
        document,
        [
            metadata.AddSchema({**json_of(first), "schema-id": 0}, 2),
            metadata.AddSchema({**json_of(second), "schema-id": 1}, 2),
            metadata.AddSpec(
                {"spec-id": 0, "fields": [
                    {"source-id": 1, "field-id": 1000, "transform": "identity", "name": "a"}
                ]}
            ),
        ],
    )  # fmt: skip
    assert metadata.schema(with_both)["schema-id"] == 1
    assert metadata.schema_of_spec(with_both, 0)["schema-id"] == 0

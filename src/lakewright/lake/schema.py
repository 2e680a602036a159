"""Our schemas and Iceberg's: the same columns, with field ids that never change their meaning.

A column keeps its id as long as it keeps its name and what its files hold stays readable as its
type; any other column gets an id that the table never had, so old files can't show up in it. Ids
depend on nothing but the table and the schema wanted. A column of unknown type is not in the table.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from lakewright import errors
from lakewright.lake.metadata import FieldJson, SchemaJson, StructJson, TypeJson
from lakewright.sql import types

_NAMES = {
    types.BOOLEAN: "boolean",
    types.INT: "int",
    types.BIGINT: "long",
    types.FLOAT: "float",
    types.DOUBLE: "double",
    types.STRING: "string",
    types.BINARY: "binary",
    types.DATE: "date",
    types.TIMESTAMP: "timestamptz",
    types.TIMESTAMP_NTZ: "timestamp",
}
_OF_NAME = {name: kind for kind, name in _NAMES.items()}
_DECIMAL = re.compile(r"decimal\(\s*(\d+)\s*,\s*(\d+)\s*\)")


@dataclass(frozen=True, kw_only=True, slots=True)
class Assigned:
    """A wanted schema with its field ids."""

    fields: tuple[FieldJson, ...]
    last_column_id: int
    incompatible: tuple[str, ...]
    """Columns that exist with a type that cannot become the wanted one in place: they have new
    ids, so rows that stay in the table would lose their values."""


def of_json(schema: SchemaJson) -> types.Schema:
    """An Iceberg schema as ours; see `of_fields`."""
    return of_fields(schema["fields"])


def of_fields(fields: Sequence[FieldJson]) -> types.Schema:
    """An Iceberg schema's columns as ours.

    Raises:
        LakewrightError: a column has a type that we do not have (someone else made the table).
    """
    return types.Schema(
        tuple(
            types.Field(
                name=field["name"],
                type=_type_of_json(field["type"]),
                is_required=field["required"],
                description=field.get("doc", ""),
            )
            for field in fields
        )
    )


def field_ids(fields: Sequence[FieldJson]) -> Mapping[str, int]:
    """Every field's id by its dotted path (`a`, `a.b`, `a.element`, `a.key`, `a.value`)."""
    return dict(_ids_of_fields("", fields))


def assign(
    wanted: types.Schema,
    base: SchemaJson | None,
    last_column_id: int,
    descriptions: Mapping[str, str] | None = None,
) -> Assigned:
    """Give every column of the wanted schema its field id.

    `base` is the table's present schema; `descriptions` go before a field's own description.
    """
    present = {field["name"]: field for field in base["fields"]} if base else {}
    ids = _Ids(last_column_id)
    fields: list[FieldJson] = []
    incompatible: list[str] = []
    for column in wanted.fields:
        if column.type == types.UNKNOWN:
            continue
        old = present.get(column.name)
        if old is not None and not _is_evolvable(_type_of_json(old["type"]), column.type):
            incompatible.append(column.name)
            old = None
        field_id = old["id"] if old else ids.take()
        field: FieldJson = {
            "id": field_id,
            "name": column.name,
            "required": column.is_required,
            "type": _type_to_json(column.type, old["type"] if old else None, ids),
        }
        doc = (descriptions or {}).get(column.name) or column.description
        if doc:
            field["doc"] = doc
        fields.append(field)
    return Assigned(fields=tuple(fields), last_column_id=ids.last, incompatible=tuple(incompatible))


def relax(fields: tuple[FieldJson, ...], base: SchemaJson) -> tuple[FieldJson, ...]:
    """The fields, required only where the present rows' columns are required already.

    Rows that stay in a table were written under its present schema: a column that is new to them,
    or that may be null in them, cannot become required.
    """
    required = {field["id"] for field in base["fields"] if field["required"]}
    return tuple(
        {**field, "required": field["required"] and field["id"] in required} for field in fields
    )


class _Ids:
    """Hands out field ids that the table never had."""

    def __init__(self, last: int) -> None:
        self.last = last

    def take(self) -> int:
        self.last += 1
        return self.last


def _is_evolvable(old: types.Type, new: types.Type) -> bool:
    """Whether files of type `old` can be read as `new`, nested types by their parts."""
    if isinstance(old, types.Struct) and isinstance(new, types.Struct):
        fields = dict(old.fields)
        return all(
            name not in fields or _is_evolvable(fields[name], kind) for name, kind in new.fields
        )
    if isinstance(old, types.Array) and isinstance(new, types.Array):
        return _is_evolvable(old.element, new.element)
    if isinstance(old, types.Map) and isinstance(new, types.Map):
        # Iceberg lets a map's key not change at all.
        return old.key == new.key and _is_evolvable(old.value, new.value)
    return types.is_promotion(old, new)


def _type_to_json(kind: types.Type, old: TypeJson | None, ids: _Ids) -> TypeJson:
    """The type in Iceberg's JSON; ids of nested fields come from `old` where it has them."""
    if isinstance(kind, types.Primitive):
        return _NAMES[kind]
    if isinstance(kind, types.Decimal):
        return f"decimal({kind.precision}, {kind.scale})"
    if isinstance(kind, types.Array):
        old_list = old if isinstance(old, dict) and old["type"] == "list" else None
        element_id = old_list["element-id"] if old_list else ids.take()
        return {
            "type": "list",
            "element-id": element_id,
            "element": _type_to_json(kind.element, old_list and old_list["element"], ids),
            "element-required": False,
        }
    if isinstance(kind, types.Map):
        old_map = old if isinstance(old, dict) and old["type"] == "map" else None
        key_id = old_map["key-id"] if old_map else ids.take()
        value_id = old_map["value-id"] if old_map else ids.take()
        return {
            "type": "map",
            "key-id": key_id,
            "key": _type_to_json(kind.key, old_map and old_map["key"], ids),
            "value-id": value_id,
            "value": _type_to_json(kind.value, old_map and old_map["value"], ids),
            "value-required": False,
        }
    return _struct_to_json(kind, old, ids)


def _struct_to_json(kind: types.Struct, old: TypeJson | None, ids: _Ids) -> StructJson:
    present: dict[str, FieldJson] = {}
    if isinstance(old, dict) and old["type"] == "struct":
        present = {field["name"]: field for field in old["fields"]}
    fields: list[FieldJson] = []
    for name, inner in kind.fields:
        before = present.get(name)
        field_id = before["id"] if before else ids.take()
        inner_json = _type_to_json(inner, before["type"] if before else None, ids)
        fields.append({"id": field_id, "name": name, "required": False, "type": inner_json})
    return {"type": "struct", "fields": fields}


def _type_of_json(json: TypeJson) -> types.Type:
    if isinstance(json, str):
        return _primitive_of_name(json)
    if json["type"] == "list":
        return types.Array(_type_of_json(json["element"]))
    if json["type"] == "map":
        return types.Map(_type_of_json(json["key"]), _type_of_json(json["value"]))
    return types.Struct(
        tuple((field["name"], _type_of_json(field["type"])) for field in json["fields"])
    )


def _primitive_of_name(name: str) -> types.Type:
    found = _OF_NAME.get(name)
    if found is not None:
        return found
    decimal = _DECIMAL.fullmatch(name)
    if decimal:
        return types.Decimal(int(decimal[1]), int(decimal[2]))
    raise errors.LakewrightError(
        f"the Iceberg type {name} is not supported",
        why="the table was made or changed by another program",
        hint=f"use one of {', '.join(types.names())}",
    )


def _ids_of_fields(prefix: str, fields: Sequence[FieldJson]) -> Iterator[tuple[str, int]]:
    for field in fields:
        path = prefix + field["name"]
        yield path, field["id"]
        yield from _ids_of_type(path, field["type"])


def _ids_of_type(path: str, json: TypeJson) -> Iterator[tuple[str, int]]:
    if isinstance(json, str):
        return
    if json["type"] == "struct":
        yield from _ids_of_fields(f"{path}.", json["fields"])
    elif json["type"] == "list":
        yield f"{path}.element", json["element-id"]
        yield from _ids_of_type(f"{path}.element", json["element"])
    else:
        yield f"{path}.key", json["key-id"]
        yield from _ids_of_type(f"{path}.key", json["key"])
        yield f"{path}.value", json["value-id"]
        yield from _ids_of_type(f"{path}.value", json["value"])

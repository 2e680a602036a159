"""Find the types of JSON columns from every value: what JSON itself distinguishes stays distinct.

A string that holds digits is text, because whoever wrote it in quotes meant text; only dates and
timestamps, for which JSON has no form, are recognised in strings. Values of different kinds in
one place have no common type but text.
"""

from collections.abc import Mapping, Sequence
from itertools import chain

import pyarrow

from lakewright.ingest.inference import ColumnType
from lakewright.ingest.json_values import Number, Value
from lakewright.sql import types

_MOMENTS = (types.DATE, types.TIMESTAMP, types.TIMESTAMP_NTZ)
_FIELDS_MAX = 1000
"""An object with more keys than this is a dictionary, whose keys are data."""
_LONG_DIGITS = 18


class JsonColumnType:
    """The type of one column, as far as its values have been seen."""

    def __init__(self, null_words: Sequence[str] = ("",)) -> None:
        self._strings = ColumnType(null_words)
        self._numbers = ColumnType(())
        self._nested: types.Type = types.UNKNOWN
        self._kinds: set[type] = set()

    def see(self, values: Sequence[Value], texts: pyarrow.Array) -> None:
        """Take more values into account, with their texts beside them."""
        kinds = {_kind(kind) for kind in set(map(type, values))} - {type(None)}
        self._kinds |= kinds
        if len(self._kinds) != 1:
            return
        (kind,) = self._kinds
        if kind is str:
            self._strings.see(texts)
        elif kind is Number:
            self._numbers.see(texts)
        elif kind in (dict, list):
            for value in values:
                self._nested = merged(self._nested, nested_type(value))
                if self._nested == types.STRING:
                    return

    @property
    def kind(self) -> types.Type:
        """What all values fit."""
        if not self._kinds:
            return types.UNKNOWN
        if len(self._kinds) > 1:
            return types.STRING
        (kind,) = self._kinds
        if kind is bool:
            return types.BOOLEAN
        if kind is Number:
            return self._numbers.kind
        if kind is str:
            found = self._strings.kind  # Unknown, if all are empty: still they are texts.
            return found if found in _MOMENTS else types.STRING
        return settled(self._nested)


def _kind(kind: type) -> type:
    return Number if kind in (int, Number) else kind


def nested_type(value: Value) -> types.Type:
    """The type of one value; `unknown` stands wherever it has none."""
    if value is None:
        return types.UNKNOWN
    if isinstance(value, bool):
        return types.BOOLEAN
    if isinstance(value, int):
        return types.BIGINT if -(2**63) <= value < 2**63 else types.STRING
    if isinstance(value, Number):
        whole = value.lstrip("-").split(".")[0].split("e")[0].split("E")[0]
        is_double = len(whole) <= _LONG_DIGITS and abs(float(value)) < float("inf")
        return types.DOUBLE if is_double else types.STRING
    if isinstance(value, str):
        return types.STRING
    if isinstance(value, Mapping):
        return types.Struct(tuple((name, nested_type(inner)) for name, inner in value.items()))
    element: types.Type = types.UNKNOWN
    for inner in value:
        element = merged(element, nested_type(inner))
    return types.Array(element)


def merged(left: types.Type, right: types.Type) -> types.Type:
    """What the values of both fit; text if nothing else."""
    if left in (right, types.UNKNOWN):
        return right
    if right == types.UNKNOWN:
        return left
    if isinstance(left, types.Array) and isinstance(right, types.Array):
        return types.Array(merged(left.element, right.element))
    if isinstance(left, types.Struct) and isinstance(right, types.Struct):
        fields = dict(left.fields)
        for name, kind in right.fields:
            fields[name] = merged(fields.get(name, types.UNKNOWN), kind)
        return types.Struct(tuple(fields.items())) if len(fields) <= _FIELDS_MAX else types.STRING
    if {left, right} == {types.BIGINT, types.DOUBLE}:
        return types.DOUBLE
    return types.STRING


def settled(kind: types.Type) -> types.Type:
    """The type with nothing unknown inside, in a form that every table can have."""
    if isinstance(kind, types.Array):
        return types.Array(_inner(kind.element))
    if isinstance(kind, types.Struct):
        names = [name.lower() for name, _ in kind.fields]
        is_possible = names and len(set(names)) == len(names) and all(chain(names))
        if not is_possible:
            return types.STRING
        return types.Struct(tuple((name, _inner(inner)) for name, inner in kind.fields))
    return kind


def _inner(kind: types.Type) -> types.Type:
    return types.STRING if kind == types.UNKNOWN else settled(kind)

"""Find the types of JSON columns from every value: what JSON itself distinguishes stays distinct.

A string that holds digits is text, because whoever wrote it in quotes meant text; only dates and
timestamps, for which JSON has no form, are recognised in strings. Values of different kinds in
one place have no common type but text: numbers by their digits, lists and objects as JSON.
"""

import re
from collections.abc import Collection, Mapping, Sequence
from itertools import chain
from operator import itemgetter
from typing import cast

import pyarrow

from lakewright.ingest import json_values
from lakewright.ingest.inference import ColumnType
from lakewright.ingest.json_values import Number, Value
from lakewright.sql import types

_MOMENTS = (types.DATE, types.TIMESTAMP, types.TIMESTAMP_NTZ)
_FIELDS_MAX = 500
"""An object with more keys than this is a dictionary, whose keys are data. One column has no more
fields in all its structs: engines take milliseconds to make ready for each."""
_DEPTH_MAX = 6
"""What lies deeper is text. Engines take twice the time for each list within a list."""
_WHOLE = re.compile(rb"-?([0-9]+)")


class JsonColumnType:
    """The type of one column, as far as its values have been seen."""

    def __init__(self, null_words: Sequence[str] = ("",)) -> None:
        self._strings = ColumnType(null_words)
        self._numbers = ColumnType(())
        self._place = _Place(0)

    def see(self, values: Sequence[Value], texts: pyarrow.Array) -> None:
        """Take more values into account, with their texts beside them."""
        self._place.see(values)
        if self._place.kinds == {str}:
            self._strings.see(texts)
        elif self._place.kinds == {float}:
            self._numbers.see(texts)

    @property
    def kind(self) -> types.Type:
        """What all values fit."""
        if self._place.kinds == {float}:
            found = self._numbers.kind
            return found if found != types.DOUBLE else self._place.kind
        if self._place.kinds == {str}:
            found = self._strings.kind  # Unknown, if all are empty: still they are texts.
            return found if found in _MOMENTS else types.STRING
        if self._place.fields_count > _FIELDS_MAX:
            return types.STRING
        return self._place.kind


class _Place:
    """One place within the values of a column: the column itself, a field, or a list's elements."""

    __slots__ = ("_depth", "_element", "_fields", "_number_types", "kinds")

    def __init__(self, depth: int) -> None:
        self.kinds: set[type] = set()
        """Of `bool`, `float` for any number, `str`, `list` and `dict`."""
        self._depth = depth
        self._number_types: set[types.Type] = set()
        self._fields: dict[str, _Place] = {}
        self._element: _Place | None = None

    def see(self, values: Sequence[Value]) -> None:
        """Take the place's value in some more records into account."""
        if len(self.kinds) > 1:
            return
        kinds = set(map(type, values))
        self.kinds |= {float if kind in (int, Number) else kind for kind in kinds - {type(None)}}
        if len(self.kinds) != 1:
            return
        (kind,) = self.kinds
        if kind is float:
            self._see_numbers(cast("Sequence[int | float | Number | None]", values), kinds)
        elif kind is list and self._may_be_nested:
            self._see_lists(cast("Sequence[Sequence[Value] | None]", values))
        elif kind is dict and self._may_be_nested:
            self._see_objects(cast("Sequence[Mapping[str, Value] | None]", values))

    @property
    def _may_be_nested(self) -> bool:
        return self._depth < _DEPTH_MAX

    def _see_numbers(self, values: Sequence[int | float | Number | None], kinds: set[type]) -> None:
        if int in kinds:
            whole = values if kinds == {int} else [each for each in values if type(each) is int]
            present = cast("Sequence[int]", whole)
            self._number_types |= {_whole_type(min(present)), _whole_type(max(present))}
        if float in kinds:
            found = values if kinds == {float} else [each for each in values if type(each) is float]
            floats = cast("Sequence[float]", found)
            least, most = min(floats), max(floats)
            self._number_types.add(_fraction_type(json_values.written([max(-least, most)])))
        if Number in kinds:
            self._see_digits([each for each in values if type(each) is Number])

    def _see_digits(self, numbers: list[Value]) -> None:
        written = json_values.written(numbers)
        if json_values.may_hold_long_wholes(written):
            found = written.split(b",")
        else:  # One of them stands for all that have no exponent.
            found = written.split(b",", 1)[:1]
            if b"e" in written or b"E" in written:
                found += [each for each in written.split(b",") if b"e" in each or b"E" in each]
        self._number_types |= set(map(_fraction_type, found))

    def _see_lists(self, lists: Sequence[Sequence[Value] | None]) -> None:
        if self._element is None:
            self._element = _Place(self._depth + 1)
        self._element.see(list(chain.from_iterable(filter(None, lists))))

    def _see_objects(self, objects: Sequence[Mapping[str, Value] | None]) -> None:
        present = [each for each in objects if each]
        for name in dict.fromkeys(chain.from_iterable(present)):
            if len(self._fields) > _FIELDS_MAX:
                return
            if name not in self._fields:
                self._fields[name] = _Place(self._depth + 1)
            self._fields[name].see(_values(present, name))

    @property
    def fields_count(self) -> int:
        """How many fields all structs within have."""
        inner = self._element.fields_count if self._element is not None else 0
        return inner + sum(1 + place.fields_count for place in self._fields.values())

    @property
    def kind(self) -> types.Type:
        """What all values fit, in a form that every table can have."""
        if not self.kinds:
            return types.STRING if self._depth else types.UNKNOWN
        (kind, *others) = self.kinds
        if others or kind is str:
            return types.STRING
        if kind is bool:
            return types.BOOLEAN
        if kind is float:
            return _number_type(self._number_types)
        if kind is list and self._element is not None:
            return types.Array(self._element.kind)
        if kind is dict and _may_name_fields(self._fields):
            return types.Struct(tuple((name, place.kind) for name, place in self._fields.items()))
        return types.STRING


def _values(objects: Sequence[Mapping[str, Value]], name: str) -> list[Value]:
    try:
        return list(map(itemgetter(name), objects))
    except KeyError:
        return [each[name] for each in objects if name in each]


_LONG = types.Decimal(19, 0)
"""Stands for whole numbers that a bigint holds, and a double would round."""


def _whole_type(number: int) -> types.Type:
    if -(2**53) <= number <= 2**53:
        return types.BIGINT
    return _LONG if -(2**63) <= number < 2**63 else types.STRING


def _fraction_type(number: bytes) -> types.Type:
    whole = _WHOLE.match(number)
    is_short = whole is not None and len(whole[1]) <= json_values.SAFE_DIGITS
    return types.DOUBLE if is_short and abs(float(number)) < float("inf") else types.STRING


def _number_type(found: Collection[types.Type]) -> types.Type:
    if types.DOUBLE not in found:
        return types.STRING if types.STRING in found else types.BIGINT
    return types.STRING if _LONG in found or types.STRING in found else types.DOUBLE


def _may_name_fields(names: Collection[str]) -> bool:
    """Whether a struct can have these fields: engines tell no letters' cases apart."""
    is_named = all(names) and not any("\0" in name for name in names)
    return bool(names) and is_named and len({name.lower() for name in names}) == len(names)

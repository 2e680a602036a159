"""What can be said of a value by its type and text alone, before any engine looks at it."""

import re
from collections.abc import Callable, Mapping
from datetime import date, datetime
from decimal import Decimal, InvalidOperation

from lakewright.sql import types

MOMENTS = (types.DATE, types.TIMESTAMP, types.TIMESTAMP_NTZ)
"""The types of dates and timestamps."""

_NESTED = (types.Array, types.Map, types.Struct)
_BOOLEAN = re.compile(r"(?i)t(rue)?|f(alse)?|y(es)?|no?|[01]")
_READERS: Mapping[types.Type, Callable[[str], object]] = {
    types.INT: int,
    types.BIGINT: int,
    types.FLOAT: float,
    types.DOUBLE: float,
    types.DATE: date.fromisoformat,
    types.TIMESTAMP: datetime.fromisoformat,
    types.TIMESTAMP_NTZ: datetime.fromisoformat,
}


_NUMBERS = (types.INT, types.BIGINT, types.FLOAT, types.DOUBLE)


def is_number(kind: types.Type) -> bool:
    """Whether the type's values are numbers."""
    return isinstance(kind, types.Decimal) or kind in _NUMBERS


def is_orderable(kind: types.Type) -> bool:
    """Whether values of the type are equal, less or greater in a way that everyone agrees on."""
    return kind != types.UNKNOWN and not isinstance(kind, _NESTED)


def is_value(text: str, kind: types.Type) -> bool:
    """Whether a text can be a value of the type; true where only an engine can tell."""
    if kind == types.BOOLEAN:
        return _BOOLEAN.fullmatch(text) is not None
    try:
        if isinstance(kind, types.Decimal):
            Decimal(text)
        elif kind in _READERS:
            _READERS[kind](text)
    except (ValueError, InvalidOperation):
        return False
    return True


def is_comparable(left: types.Type, right: types.Type) -> bool:
    """Whether values of the two types can be equal without a conversion that loses something."""
    if types.STRING in (left, right):
        return left == right
    return types.widest(left, right) != types.STRING

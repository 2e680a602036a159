"""One value as people write it in a project's file, read as exactly its column's type.

Nothing is rounded, cut or guessed: a text that is no value of the type is refused, with the reason.
"""

import base64
import binascii
import math
import re
import struct
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from typing import TypeAlias

from lakewright.project.yaml import Plain
from lakewright.sql import types

Cell: TypeAlias = (
    bool
    | int
    | float
    | Decimal
    | str
    | bytes
    | date
    | datetime
    | Sequence["Cell"]
    | Mapping[str, "Cell"]
    | Sequence[tuple["Cell", "Cell"]]
    | None
)
"""A value as Python has it; a map is a list of pairs, as Arrow has it."""


class NoValueError(Exception):
    """What was written is no value of the column's type; the message says why."""


_INTEGER = re.compile(r"[+-]?\d+")
_INTEGER_LETTERS_MAX = 40
"""Of what can be meant, zeros ahead of it included."""
_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?")
_NOT_FINITE = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}
_BOOLEANS = {"true": True, "false": False}
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")


def read(plain: Plain, kind: types.Type) -> Cell:
    """The value that was written for a column of a type.

    A binary value is base64. A timestamp without a zone is in UTC.

    Raises:
        NoValueError: it is no value of the type; the message says why.
    """
    if plain is None:
        return None
    if isinstance(kind, types.Array):
        if isinstance(plain, str) or not isinstance(plain, Sequence):
            raise NoValueError("a list is written [a, b]")
        return [read(each, kind.element) for each in plain]
    if isinstance(kind, types.Map):
        if not isinstance(plain, Mapping):
            raise NoValueError("a map is written {key: value}")
        return [(read(key, kind.key), read(each, kind.value)) for key, each in plain.items()]
    if isinstance(kind, types.Struct):
        return _struct(plain, kind)
    if not isinstance(plain, str):
        raise NoValueError(f"a value of type {kind} is one word or text")
    if isinstance(kind, types.Decimal):
        return _decimal(plain, kind)
    return _READERS[kind](plain)


def _struct(plain: Plain, kind: types.Struct) -> Cell:
    if not isinstance(plain, Mapping):
        raise NoValueError("a struct is written {field: value}")
    fields = dict(kind.fields)
    unknown = [name for name in plain if name not in fields]
    if unknown:
        raise NoValueError(f"it has no field {unknown[0]}; its fields are {', '.join(fields)}")
    return {name: read(plain.get(name), inner) for name, inner in kind.fields}


def _decimal(text: str, kind: types.Decimal) -> Decimal:
    if not _NUMBER.fullmatch(text):
        raise NoValueError("it is no number")
    try:
        number = Decimal(text)
    except InvalidOperation as error:
        raise NoValueError("it is no number") from error
    sign, digits, exponent = number.as_tuple()
    assert isinstance(exponent, int)  # noqa: S101 -- the text is no NaN
    while len(digits) > 1 and not digits[-1]:
        digits, exponent = digits[:-1], exponent + 1
    if not number:
        digits, exponent = (0,), 0
    if -exponent > kind.scale:
        raise NoValueError(f"it has more than {kind.scale} decimal places")
    if number and len(digits) + exponent > kind.precision - kind.scale:
        raise NoValueError(
            f"it has more than {kind.precision - kind.scale} digits before the point"
        )
    shifted = "".join(map(str, digits)) + "0" * (exponent + kind.scale)
    return Decimal((sign, tuple(map(int, shifted)), -kind.scale))


def _boolean(text: str) -> bool:
    found = _BOOLEANS.get(text.lower())
    if found is None:
        raise NoValueError("it takes true or false")
    return found


def _integer(bits: int) -> Callable[[str], int]:
    def read_integer(text: str) -> int:
        if not _INTEGER.fullmatch(text):
            raise NoValueError("it is no whole number")
        number = int(text) if len(text) <= _INTEGER_LETTERS_MAX else 2**bits
        if not -(2 ** (bits - 1)) <= number < 2 ** (bits - 1):
            raise NoValueError(f"it does not fit {bits} bits")
        return number

    return read_integer


def _double(text: str) -> float:
    if text in _NOT_FINITE:
        return _NOT_FINITE[text]
    if not _NUMBER.fullmatch(text):
        raise NoValueError(f"it is no number; {', '.join(_NOT_FINITE)} are written so")
    number = float(text)
    if math.isinf(number):
        raise NoValueError("it does not fit 64 bits")
    return number


def _float(text: str) -> float:
    number = _double(text)
    try:
        return float(struct.unpack("<f", struct.pack("<f", number))[0])
    except OverflowError as error:
        raise NoValueError("it does not fit 32 bits") from error


def _binary(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except binascii.Error as error:
        raise NoValueError("bytes are written in base64") from error


def _date(text: str) -> date:
    if not _DATE.fullmatch(text):
        raise NoValueError("a date is written 2026-01-31")
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise NoValueError("there is no such day") from error


def _moment(text: str) -> datetime:
    try:
        return datetime.fromisoformat(text)
    except ValueError as error:
        raise NoValueError("a time is written 2026-01-31T08:30:00") from error


def _timestamp(text: str) -> datetime:
    found = _moment(text)
    return found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)


def _timestamp_ntz(text: str) -> datetime:
    found = _moment(text)
    if found.tzinfo is not None:
        raise NoValueError("it has a zone, and a timestamp_ntz has none")
    return found


def _unknown(text: str) -> None:
    del text
    raise NoValueError("the column has only ever been empty, so it has no type yet")


_READERS: Mapping[types.Type, Callable[[str], Cell]] = {
    types.BOOLEAN: _boolean,
    types.INT: _integer(32),
    types.BIGINT: _integer(64),
    types.FLOAT: _float,
    types.DOUBLE: _double,
    types.STRING: str,
    types.BINARY: _binary,
    types.DATE: _date,
    types.TIMESTAMP: _timestamp,
    types.TIMESTAMP_NTZ: _timestamp_ntz,
    types.UNKNOWN: _unknown,
}


def shown(cell: Cell) -> str | None:
    """The value as a person reads it, and as it could be written; None stays None."""
    if cell is None or isinstance(cell, str):
        return cell
    if isinstance(cell, bool):
        return "true" if cell else "false"
    if isinstance(cell, float):
        return _float_shown(cell)
    if isinstance(cell, Decimal):
        return format(cell, "f")
    if isinstance(cell, datetime):
        text = cell.replace(tzinfo=None).isoformat()
        return f"{text}Z" if cell.tzinfo else text
    if isinstance(cell, date):
        return cell.isoformat()
    if isinstance(cell, bytes):
        return base64.b64encode(cell).decode("ascii")
    if isinstance(cell, Mapping):
        return _braced((name, each) for name, each in cell.items())
    if isinstance(cell, Sequence):
        if cell and all(isinstance(each, tuple) for each in cell):
            return _braced(cell)  # type: ignore[arg-type]
        return f"[{', '.join(_inner(each) for each in cell)}]"
    return str(cell)


def _float_shown(number: float) -> str:
    if math.isnan(number):
        return "NaN"
    if math.isinf(number):
        return "Infinity" if number > 0 else "-Infinity"
    return repr(number)


def _braced(pairs: Iterable[tuple[Cell, Cell]]) -> str:
    return "{" + ", ".join(f"{_inner(key)}: {_inner(each)}" for key, each in pairs) + "}"


def _inner(cell: Cell) -> str:
    return shown(cell) or ("~" if cell is None else "''")

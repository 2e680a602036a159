"""Whether JSON texts hold nothing but what a type holds, so that a lenient cast reads them rightly.

DuckDB's own JSON casts drop a field that the type does not have, and make null or another number of
what does not fit. Of a text in which every field is known, stands once and has a value of the very
kind, they can lose nothing, in whatever order its keys stand and whichever of them it lacks. That
is proved here for many texts at once. What is not proved may be right all the same.
"""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from itertools import chain
from operator import itemgetter
from typing import TypeAlias, cast

import duckdb
import orjson
import pyarrow
from duckdb import func

from lakewright.engines.duckdb import text
from lakewright.sql import types

_FUNCTION = "lakewright_fits"
_FAULT = "lakewright_json_fault"
_PARTS = 32
"""Texts that do not all fit are tried in so many parts, and in parts of those."""

Value: TypeAlias = "bool | int | float | str | Sequence[Value] | Mapping[str, Value] | None"


def create(connection: duckdb.DuckDBPyConnection) -> None:
    """Make the functions of `fits` and `fault` known to a database."""
    written, kind = duckdb.sqltype("VARCHAR"), duckdb.sqltype("VARCHAR")
    arrow, boolean = func.PythonUDFType.ARROW, duckdb.sqltype("BOOLEAN")
    connection.create_function(_FUNCTION, _fitting, [written, kind], boolean, type=arrow)
    connection.create_function(_FAULT, _faulty, [written], written, type=arrow)


def fits(name: str, kind: types.Type) -> str:
    """SQL that is true only where a JSON text holds nothing but what the type holds."""
    return f"{_FUNCTION}({name}, {text.literal(str(kind))})"


def fault(name: str) -> str:
    """SQL of why a text is no JSON by RFC 8259, to the letter; the empty text where it is."""
    return f"{_FAULT}({name})"


def may_fit(kind: types.Type) -> bool:
    """Whether a text may be proved to fit a type."""
    if isinstance(kind, types.Array):
        return may_fit(kind.element)
    if isinstance(kind, types.Map):
        return kind.key == types.STRING and may_fit(kind.value)
    if isinstance(kind, types.Struct):
        return all(may_fit(inner) for _, inner in kind.fields)
    return kind in _SCALARS or isinstance(kind, types.Decimal)


def _fitting(given: pyarrow.ChunkedArray, kinds: pyarrow.ChunkedArray) -> pyarrow.Array:
    texts: list[str] = given.to_pylist()
    if not texts:
        return pyarrow.array([], pyarrow.bool_())
    kind = _parsed(kinds[0].as_py())
    values = _loaded(texts)
    if "decimal" in str(kind):
        values = [
            None if _LONG_NUMBER.search(each) else value
            for each, value in zip(texts, values, strict=True)
        ]
    if any("-0" in each for each in texts):
        values = [
            None if _MINUS_ZERO.search(each) else value
            for each, value in zip(texts, values, strict=True)
        ]
    return pyarrow.array(_are_fit(kind, texts, values), pyarrow.bool_())


_parsed = cache(types.parse)


def _faulty(given: pyarrow.ChunkedArray) -> pyarrow.Array:
    return pyarrow.array(map(_fault_of, given.to_pylist()), pyarrow.string())


def _fault_of(written: str) -> str:
    try:
        orjson.loads(written)
    except orjson.JSONDecodeError as refusal:
        if "infinity" not in refusal.msg:
            return str(refusal)
    else:
        return ""
    try:  # A number that no double holds is JSON all the same.
        json.dumps(_NUMBERS_KEPT.decode(written), ensure_ascii=False).encode()
    except (ValueError, RecursionError) as refusal:
        return str(refusal)
    return ""


def _no_number(word: str) -> None:
    raise ValueError(f"{word} is no number in JSON")


_NUMBERS_KEPT = json.JSONDecoder(parse_float=str, parse_int=str, parse_constant=_no_number)


def _loaded(texts: Sequence[str]) -> Sequence[Value]:
    """What the texts are; null, which never fits, stands for what is no JSON."""
    try:
        return list(map(orjson.loads, texts))
    except orjson.JSONDecodeError:
        return [None] if len(texts) == 1 else [_loaded([each])[0] for each in texts]


def _are_fit(kind: types.Type, texts: Sequence[str], values: Sequence[Value]) -> list[bool]:
    try:
        if None not in values and _have_keys("".join(texts), _keys(kind, values)):
            return [True] * len(values)
    except _MisfitError:
        pass
    if len(values) == 1:
        return [False]
    size = -(-len(values) // _PARTS)
    starts = range(0, len(values), size)
    parts = [
        _are_fit(kind, texts[start : start + size], values[start : start + size])
        for start in starts
    ]
    return list(chain.from_iterable(parts))


def _have_keys(texts: str, count: int) -> bool:
    """Whether JSON texts have surely no more keys than their values: none of them stands twice.

    Every key ends with a quote and a colon, and maybe blanks between them.
    """
    if texts.count(":") == count:
        return True
    has_blanks = any(blank in texts for blank in (" :", "\n:", "\t:", "\r:"))
    return not has_blanks and texts.count('":') == count


class _MisfitError(Exception):
    """Some value is not of the kind that its place has."""


def _keys(kind: types.Type, values: Sequence[Value]) -> int:
    """How many keys all objects in some values of one place have.

    Raises:
        _MisfitError: a value does not fit its place.
    """
    kinds = set(map(type, values)) - {type(None)}
    if not kinds:
        return 0
    if isinstance(kind, types.Array):
        _need(kinds == {list})
        lists = cast("Sequence[Sequence[Value] | None]", values)
        return _keys(kind.element, list(chain.from_iterable(filter(None, lists))))
    if isinstance(kind, types.Struct | types.Map):
        _need(kinds == {dict})
        objects = cast("Sequence[Mapping[str, Value]]", list(filter(None, values)))
        count = sum(map(len, objects))
        if isinstance(kind, types.Map):
            return count + _keys(kind.value, [each for some in objects for each in some.values()])
        _need(set(chain.from_iterable(objects)) <= {name for name, _ in kind.fields})
        return count + sum(_keys(inner, _under(objects, name)) for name, inner in kind.fields)
    if isinstance(kind, types.Decimal):
        _need(kinds <= {int, float} and all(_is_decimal(kind, value) for value in values))
    else:
        allowed, is_good = _SCALARS[kind]
        _need(kinds <= allowed and is_good(values))
    return 0


def _need(condition: object) -> None:
    if not condition:
        raise _MisfitError


def _under(objects: Sequence[Mapping[str, Value]], name: str) -> Sequence[Value]:
    try:
        return list(map(itemgetter(name), objects))
    except KeyError:
        return [each[name] for each in objects if name in each]


def _are_within(least: int, most: int) -> Callable[[Sequence[Value]], bool]:
    def are_within(values: Sequence[Value]) -> bool:
        present = [value for value in values if isinstance(value, int)]
        return least <= min(present) and max(present) <= most

    return are_within


def _is_decimal(kind: types.Decimal, value: Value) -> bool:
    """Whether a number of few digits is one of these; both its readers pass it through a double."""
    if not isinstance(value, int | float):
        return value is None
    digits = min(kind.precision, _DOUBLE_DIGITS) - kind.scale
    return digits >= 0 and abs(value) < 10**digits and round(value, kind.scale) == value


_DOUBLE_DIGITS = 15
"""Doubles tell all numbers of so many digits apart."""
_LONG_NUMBER = re.compile(rf"[0-9.]{{{_DOUBLE_DIGITS + 2}}}")

_MINUS_ZERO = re.compile(r"-0(?![.0-9eE])")
"""A whole zero with a sign, which both DuckDB and orjson drop."""


def _is_any(_: Sequence[Value]) -> bool:
    return True


_SCALARS: Mapping[types.Type, tuple[set[type], Callable[[Sequence[Value]], bool]]] = {
    types.BOOLEAN: ({bool}, _is_any),
    types.INT: ({int}, _are_within(-(2**31), 2**31 - 1)),
    types.BIGINT: ({int}, _are_within(-(2**63), 2**63 - 1)),
    types.DOUBLE: ({int, float}, _is_any),
    types.STRING: ({str, bool, int}, _is_any),
}
"""What kinds of JSON's values each type takes, and what else they must meet."""

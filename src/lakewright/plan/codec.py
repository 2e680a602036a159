"""Our values as JSON and back: what crosses a process border or is kept in the journal.

One codec for every frozen dataclass of ours, driven by its annotations, so that a new field needs
no second description. Alternatives of a union are told apart by their `kind`; column types travel
in their text form. A field that is missing takes its default, so that an older journal can be
read; a field that is unknown, or a value of another type, is refused with its path.
"""

import json
import types as python_types
from collections.abc import Callable, Mapping, Sequence
from dataclasses import MISSING, fields, is_dataclass
from datetime import datetime
from enum import Enum
from functools import cache
from typing import Literal, TypeAlias, TypeVar, Union, cast, get_args, get_origin, get_type_hints

from lakewright.sql import types

Json: TypeAlias = bool | int | float | str | Sequence["Json"] | Mapping[str, "Json"] | None

_Decoder: TypeAlias = Callable[[object, str], object]
_T = TypeVar("_T")

_SCALARS = (str, int, float, bool)
_SQL_TYPES = get_args(types.Type)


def to_json(value: object) -> str:
    """The value as ASCII JSON text; equal values give equal text, however mappings are ordered."""
    return json.dumps(encode(value), allow_nan=False, separators=(",", ":"), sort_keys=True)


def from_json(kind: type[_T], text: str | bytes) -> _T:
    """The value of this class that `to_json` wrote.

    Raises:
        ValueError: the text is no JSON, or no value of the class; the message has the path.
    """
    return decode(kind, json.loads(text))


def encode(value: object) -> Json:
    """The value as what `json.dumps` takes."""
    if isinstance(value, Enum):
        return encode(value.value)
    if value is None or isinstance(value, _SCALARS):
        return value
    if isinstance(value, _SQL_TYPES):
        return str(value)
    if isinstance(value, datetime):
        return value.isoformat()
    if is_dataclass(value):
        return {each.name: encode(getattr(value, each.name)) for each in fields(value)}
    if isinstance(value, Mapping):
        return {str(key): encode(item) for key, item in value.items()}
    if isinstance(value, Sequence):
        return [encode(item) for item in value]
    raise TypeError(f"a {type(value).__name__} has no JSON form here")


def decode(kind: type[_T], value: object) -> _T:
    """The value of this class from what `encode` gave.

    Raises:
        ValueError: as `from_json`.
    """
    return cast("_T", _decoder(cast("object", kind))(value, kind.__name__))


@cache
def _decoder(hint: object) -> _Decoder:
    """What reads a value of this annotation; made once for each annotation."""
    origin, arguments = get_origin(hint), get_args(hint)
    if origin in (Union, python_types.UnionType):
        return _union(arguments)
    if origin is Literal:
        return _checked(lambda value: value in arguments, f"one of {list(arguments)}")
    if origin is tuple:
        return _tuple(arguments)
    if isinstance(origin, type) and issubclass(origin, Mapping):
        return _mapping(*arguments)
    if not isinstance(hint, type):
        raise TypeError(f"{hint} has no JSON form here")
    if is_dataclass(hint):
        return _dataclass(hint)
    if issubclass(hint, Enum):
        return _parsed(hint, f"one of {[member.value for member in hint]}")
    if hint is datetime:
        return _parsed(datetime.fromisoformat, "an ISO 8601 time")
    if hint is float:
        return _parsed(float, "a number")
    if hint in _SCALARS or hint is type(None):
        return _checked(lambda value: type(value) is hint, f"{hint.__name__}")
    raise TypeError(f"{hint} has no JSON form here")


def _refuse(value: object, path: str, wanted: str) -> ValueError:
    return ValueError(f"{path} is {str(value)[:80]!r}, not {wanted}")


def _checked(is_right: Callable[[object], bool], wanted: str) -> _Decoder:
    def read(value: object, path: str) -> object:
        if not is_right(value):
            raise _refuse(value, path, wanted)
        return value

    return read


def _parsed(parse: Callable[[str], object], wanted: str) -> _Decoder:
    def read(value: object, path: str) -> object:
        try:
            return parse(cast("str", value))
        except (TypeError, ValueError) as error:
            raise _refuse(value, path, wanted) from error

    return read


def _tuple(arguments: tuple[object, ...]) -> _Decoder:
    is_open = len(arguments) == 2 and arguments[1] is Ellipsis
    decoders = [_decoder(each) for each in (arguments[:1] if is_open else arguments)]

    def read(value: object, path: str) -> object:
        if not isinstance(value, list) or not (is_open or len(value) == len(decoders)):
            raise _refuse(value, path, "a list" if is_open else f"a list of {len(decoders)}")
        each = decoders * len(value) if is_open else decoders
        return tuple(each[i](item, f"{path}[{i}]") for i, item in enumerate(value))

    return read


def _mapping(key_hint: object, value_hint: object) -> _Decoder:
    key_decoder, value_decoder = _decoder(key_hint), _decoder(value_hint)

    def read(value: object, path: str) -> object:
        if not isinstance(value, dict):
            raise _refuse(value, path, "an object")
        return {
            key_decoder(key, path): value_decoder(item, f"{path}.{key}")
            for key, item in value.items()
        }

    return read


def _union(arguments: tuple[object, ...]) -> _Decoder:
    others = tuple(each for each in arguments if each is not type(None))
    is_optional = len(others) < len(arguments)
    if others == _SQL_TYPES:
        inner = _parsed(types.parse, "a column type")
    elif len(others) == 1:
        inner = _decoder(others[0])
    else:
        inner = _alternatives(others)
    return lambda value, path: None if value is None and is_optional else inner(value, path)


def _alternatives(classes: tuple[object, ...]) -> _Decoder:
    """Classes told apart by the one text that their field `kind` may hold."""
    by_kind = {get_args(get_type_hints(each)["kind"])[0]: _decoder(each) for each in classes}

    def read(value: object, path: str) -> object:
        kind = value.get("kind") if isinstance(value, dict) else None
        if kind not in by_kind:
            raise _refuse(value, path, f"an object whose kind is one of {list(by_kind)}")
        return by_kind[kind](value, path)

    return read


def _dataclass(cls: type) -> _Decoder:
    hints = get_type_hints(cls)
    decoders = {each.name: _decoder(hints[each.name]) for each in fields(cls)}
    required = {
        each.name
        for each in fields(cls)
        if each.default is MISSING and each.default_factory is MISSING
    }

    def read(value: object, path: str) -> object:
        if not isinstance(value, dict):
            raise _refuse(value, path, f"a {cls.__name__}")
        if wrong := sorted(set(value) - set(decoders)) or sorted(required - set(value)):
            state = "missing" if wrong[0] in required else "unknown to this version"
            raise ValueError(f"{path}.{wrong[0]} is {state}")
        return cls(**{key: decoders[key](item, f"{path}.{key}") for key, item in value.items()})

    return read

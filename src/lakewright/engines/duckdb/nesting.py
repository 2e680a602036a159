"""JSON text into arrays, structs and maps, strictly: no value and no field is dropped silently.

DuckDB's own JSON casts make null of what does not fit and leave out fields that the type does not
have. What such a cast makes is taken only if it prints as the very text that it was made of, or if
that text is proved to fit (see `fitting`). Any other value is built piece by piece, and only from
JSON that fits the type everywhere; else the reason names every path that does not. Scalars inside
are read as text is everywhere else, so that `"5"` and `5` are both a bigint; a string takes
anything, lists and objects as their JSON text.
"""

from collections.abc import Callable

from lakewright.engines.duckdb import casting, fitting, text
from lakewright.engines.duckdb.casting import Cast
from lakewright.sql import types

_PATHS_SHOWN_MAX = 5
_LISTS_MAX = 8
"""DuckDB takes twice the time to make a query ready for each list or map within another."""


def from_json(kind: types.Type) -> Cast:
    """The strict cast from JSON text to a type that holds other types.

    Raises:
        ValueError: a type within it cannot be read from text.
    """
    if _lists_within(kind) > _LISTS_MAX:
        raise ValueError(f"{kind} holds lists within lists, more than {_LISTS_MAX} deep")
    _misfits("", kind, "", 0)  # Raises for what cannot be read.
    type_name = text.type_name(kind)

    def candidate(name: str) -> str:
        if fitting.may_fit(kind):
            return f"TRY_CAST(TRY_CAST({name} AS JSON) AS {type_name})"
        return f"CAST(NULL AS {type_name})"

    def is_exact(name: str, candidate: str) -> str:
        if not fitting.may_fit(kind):
            return "false"
        fits = fitting.fits(name, kind)
        if not _prints_what_it_read(kind):
            return fits
        is_printed = f"CAST(to_json({candidate}) AS VARCHAR) = {name}"
        if "double" in str(kind):  # DuckDB prints as it reads them what JSON does not have.
            is_printed += "".join(f" AND NOT contains({name}, '{word}')" for word in _NO_NUMBERS)
        return f"CASE WHEN {is_printed} THEN true ELSE {fits} END"

    def value(name: str, candidate: str, exact: str) -> str:
        fits = f"len({_misfits('json', kind, _quoted('$'), 0)}) = 0"
        built = _in(name, kind, f"CASE WHEN {fits} THEN {_built('json', kind, 0)} END")
        return f"CASE WHEN {exact} THEN {candidate} WHEN {_is_json(name)} THEN {built} END"

    def refused(name: str) -> str:
        paths = _misfits("json", kind, _quoted("$"), 0)
        told = _in(name, kind, f"array_to_string(list_slice({paths}, 1, {_PATHS_SHOWN_MAX}), '; ')")
        misfit = f"{{'code': 'wrong_nested_value', 'message': {told}}}"
        said = (
            f"concat({_quoted(f'not JSON, as a value of type {kind} is: ')}, {fitting.fault(name)})"
        )
        broken = f"{{'code': 'not_json', 'message': {said}}}"
        return f"CASE WHEN {_is_json(name)} THEN {misfit} ELSE {broken} END"

    return Cast(
        candidate=candidate,
        is_exact=is_exact,
        value=value,
        is_sound=lambda _name, _value: "true",
        reason=refused,
    )


def is_nested(kind: types.Type) -> bool:
    """Whether values of the type hold other values."""
    return isinstance(kind, types.Array | types.Map | types.Struct)


def _lists_within(kind: types.Type) -> int:
    if isinstance(kind, types.Array):
        return 1 + _lists_within(kind.element)
    if isinstance(kind, types.Map):
        return 1 + _lists_within(kind.value)
    if isinstance(kind, types.Struct):
        return max((_lists_within(inner) for _, inner in kind.fields), default=0)
    return 0


def _prints_what_it_read(kind: types.Type) -> bool:
    """Whether a value that DuckDB's lenient cast makes is right if it prints as the text it is of.

    Bytes, moments and decimals are not printed as a file writes them, or after being rounded.
    """
    if isinstance(kind, types.Array):
        return _prints_what_it_read(kind.element)
    if isinstance(kind, types.Struct):
        return all(_prints_what_it_read(inner) for _, inner in kind.fields)
    return kind in (types.BOOLEAN, types.INT, types.BIGINT, types.DOUBLE, types.STRING)


def _rounded_numbers(digits: int) -> str:
    """A pattern of numbers with a fraction of so many digits, or beyond what a double holds, or of
    a whole zero with a sign, which DuckDB drops.
    """
    long = "|".join(f"[0-9]{{{whole}}}[.][0-9]{{{digits - whole}}}" for whole in range(1, digits))
    large = "[eE][+-]?(?:30[89]|3[1-9][0-9]|[4-9][0-9]{2}|[0-9]{4})"
    return f"{long}|{large}|-0(?:[^.0-9eE]|$)"


_NO_NUMBERS = ("NaN", "Infinity")

# A double of 17 digits prints as it is written; by decimals the writers of 16 already differ.
_ROUNDED = _rounded_numbers(18)
_ROUNDED_DECIMALS = _rounded_numbers(16)
# As texts, DuckDB would print 1.10 as 1.1, 1e5 as 100000.0 and 0.00001 as 1e-5.
_REWRITTEN = rf"{_ROUNDED_DECIMALS}|[0-9][eE][+-]?[0-9]|[.][0-9]*0(?:[^0-9]|$)|0[.]000"
_TEXT_OR_NUMBER = r'("(?:[^"\\]|\\.)*")|(-?[0-9][0-9.eE+-]*)'
_DIGITS = "\x01number:"
"""Stands before the digits of a number that is written as a text for DuckDB."""
_IN_TEXT = r'"\\u0001number:([^"]*)"'


def _in(name: str, kind: types.Type, body: str) -> str:
    """An expression over `json`, which is the text as JSON, computed once.

    Numbers are made texts of where DuckDB would change the digits of one.
    """
    either = r"'\1' || chr(1) || '\2' || chr(2)"  # No JSON text has such characters as they are.
    marked = f"regexp_replace({name}, {_quoted(_TEXT_OR_NUMBER)}, {either}, 'g')"
    opening = _quoted('"\\u0001number:')
    bare = f"replace({marked}, chr(1) || chr(2), '')"
    quoted = f"replace(replace({bare}, chr(1), {opening}), chr(2), chr(34))"
    changed = _ROUNDED_DECIMALS if "decimal" in str(kind) else _ROUNDED
    if "string" in str(kind):
        changed = _REWRITTEN
    is_changed = f"regexp_matches({name}, {_quoted(changed)})"
    exact = f"TRY_CAST(CASE WHEN {is_changed} THEN {quoted} ELSE {name} END AS JSON)"
    return f"list_transform([{exact}], lambda json: {body})[1]"


def _is_json(name: str) -> str:
    """Whether both readers take it for JSON: DuckDB's passes over `[1,]` and `NaN`."""
    return f"(TRY_CAST({name} AS JSON) IS NOT NULL AND {fitting.fault(name)} = '')"


def _word(kind: types.Type) -> str:
    return type(kind).__name__.lower()


def _quoted(value: str) -> str:
    return text.literal(value)


def _child(json: str, name: str) -> str:
    pointer = "/" + name.replace("~", "~0").replace("/", "~1")
    return f"json_extract({json}, {_quoted(pointer)})"


def _is_null(json: str) -> str:
    return f"coalesce(json_type({json}), 'NULL') = 'NULL'"


def _scalar(json: str) -> str:
    return f"replace(json_extract_string({json}, '$'), {_quoted(_DIGITS)}, '')"


def _any_text(json: str) -> str:
    """What a string takes: anything, lists and objects as their JSON text."""
    nested = f"regexp_replace(CAST({json} AS VARCHAR), {_quoted(_IN_TEXT)}, '\\1', 'g')"
    is_nested = f"json_type({json}) IN ('ARRAY', 'OBJECT')"
    return f"CASE WHEN {is_nested} THEN {nested} ELSE {_scalar(json)} END"


def _elements(json: str) -> str:
    return f"json_extract({json}, '$[*]')"


def _values(json: str) -> str:
    return f"json_extract({json}, '$.*')"


def _map(items: str, depth: int, body: Callable[[str], str]) -> str:
    name = f"x{depth}"
    return f"list_transform({items}, lambda {name}: {body(name)})"


def _built(json: str, kind: types.Type, depth: int) -> str:
    """The value; only for JSON that fits."""
    sql = text.type_name(kind)
    if isinstance(kind, types.Array):
        value = _map(_elements(json), depth, lambda x: _built(x, kind.element, depth + 1))
    elif isinstance(kind, types.Map):
        keys = _map(f"json_keys({json})", depth, lambda x: _read(x, kind.key))
        values = _map(_values(json), depth, lambda x: _built(x, kind.value, depth + 1))
        value = f"map({keys}, {values})"
    elif isinstance(kind, types.Struct):
        fields = ", ".join(
            f"{text.name(name)} := {_built(_child(json, name), inner, depth)}"
            for name, inner in kind.fields
        )
        value = f"struct_pack({fields})"
    else:
        return _any_text(json) if kind == types.STRING else _read(_scalar(json), kind)
    return f"CASE WHEN {_is_null(json)} THEN NULL ELSE CAST({value} AS {sql}) END"


def _read(name: str, kind: types.Type) -> str:
    cast = casting.from_text(kind)
    candidate = cast.candidate(name)
    return cast.value(name, candidate, f"({cast.is_exact(name, candidate)})")


def _is_read(name: str, kind: types.Type) -> str:
    cast = casting.from_text(kind)
    value = _read(name, kind)
    exact = cast.is_exact(name, cast.candidate(name))
    return (
        f"CASE WHEN {exact} THEN true WHEN {value} IS NULL THEN false"
        f" ELSE {cast.is_sound(name, value)} END"
    )


def _misfits(json: str, kind: types.Type, path: str, depth: int) -> str:
    """A list of texts: each a path within the value, and what is wrong there."""
    if isinstance(kind, types.Array):
        told = _each(_elements(json), depth, path, kind.element)
        wanted, inner = "ARRAY", told
    elif isinstance(kind, types.Map):
        wanted, inner = "OBJECT", _map_misfits(json, kind, path, depth)
    elif isinstance(kind, types.Struct):
        wanted, inner = "OBJECT", _struct_misfits(json, kind, path, depth)
    else:
        return _scalar_misfits(json, kind, path)
    other = f"[{path} || ' is no {_word(kind)}: a JSON {wanted.lower()} is needed']"
    nothing = "[]::VARCHAR[]"
    return (
        f"CASE WHEN {_is_null(json)} THEN {nothing}"
        f" WHEN json_type({json}) <> '{wanted}' THEN {other} ELSE {inner} END"
    )


def _scalar_misfits(json: str, kind: types.Type, path: str) -> str:
    if kind == types.STRING:
        return "[]::VARCHAR[]"
    value = _scalar(json)
    told = f"({casting.from_text(kind).reason(value)}).message"
    return (
        f"CASE WHEN {_is_null(json)} THEN []::VARCHAR[]"
        f" WHEN json_type({json}) IN ('ARRAY', 'OBJECT')"
        f" THEN [{path} || ' holds other values, not a {kind}']"
        f" WHEN {_is_read(value, kind)} THEN []::VARCHAR[]"
        f" ELSE [{path} || ': ' || {told}] END"
    )


def _each(items: str, depth: int, path: str, kind: types.Type) -> str:
    name, index = f"x{depth}", f"i{depth}"
    here = f"{path} || '[' || ({index} - 1) || ']'"
    inner = _misfits(name, kind, f"({here})", depth + 1)
    return f"flatten(list_transform({items}, lambda {name}, {index}: {inner}))"


def _map_misfits(json: str, kind: types.Map, path: str, depth: int) -> str:
    keys = f"json_keys({json})"
    name, index = f"k{depth}", f"i{depth}"
    here = f"({path} || '.' || {keys}[{index}])"
    values = (
        f"flatten(list_transform({_values(json)}, lambda {name}, {index}:"
        f" {_misfits(name, kind.value, here, depth + 1)}))"
    )
    bad_keys = (
        f"list_transform(list_filter({keys}, lambda {name}: NOT ({_is_read(name, kind.key)})),"
        f" lambda {name}: {path} || ' has the key ' || {name} || ', not a {kind.key}')"
    )
    return f"list_concat(list_concat({bad_keys}, {values}), {_doubles(keys, path)})"


def _doubles(keys: str, path: str) -> str:
    told = f"[{path} || ' has a key twice']"
    return f"CASE WHEN len({keys}) > list_unique({keys}) THEN {told} ELSE []::VARCHAR[] END"


def _struct_misfits(json: str, kind: types.Struct, path: str, depth: int) -> str:
    keys = f"json_keys({json})"
    known = text.literals(name for name, _ in kind.fields)
    name = f"k{depth}"
    unknown = (
        f"list_transform(list_filter({keys}, lambda {name}: NOT list_contains({known}, {name})),"
        f" lambda {name}: {path} || '.' || {name} || ' is not in the contract')"
    )
    told = [unknown, _doubles(keys, path)]
    for field, inner in kind.fields:
        here = f"({path} || {_quoted('.' + field)})"
        told.append(_misfits(_child(json, field), inner, here, depth))
    return f"flatten([{', '.join(told)}])"

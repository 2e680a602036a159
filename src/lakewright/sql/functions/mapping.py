"""Functions of maps and structs."""

from collections.abc import Sequence

from lakewright.sql import types
from lakewright.sql.function import Function, Kind, scalar
from lakewright.sql.lambdas import ENTRY, let
from lakewright.sql.quoting import identifier, text
from lakewright.sql.signature import way
from lakewright.sql.term import Term, combine

_SPECIAL = "\\^$.|?*+()[]{}"


def _map(arguments: Sequence[Term]) -> str:
    keys, values = (", ".join(term.text for term in arguments[side::2]) for side in (0, 1))
    return f"map([{keys}], [{values}])"


def _struct(arguments: Sequence[Term]) -> Term:
    names, values = [str(term.value) for term in arguments[::2]], arguments[1::2]
    if len({name.lower() for name in names}) != len(names):
        raise ValueError("two of its fields have one name")
    kind = types.Struct(tuple(zip(names, (term.type for term in values), strict=True)))
    fields = ", ".join(
        f"{identifier(name)} := {term.text}" for name, term in zip(names, values, strict=True)
    )
    return combine(kind, f"struct_pack({fields})", values)


def _of_arrays(arguments: Sequence[Term]) -> str:
    keys, values = (term.text for term in arguments)
    return (
        f"(CASE WHEN len({keys}) <> len({values})"
        f" THEN error('there are not as many keys as values') ELSE map({keys}, {values}) END)"
    )


def _entries_type(arguments: Sequence[Term]) -> types.Type:
    kind = arguments[0].type
    assert isinstance(kind, types.Map)  # noqa: S101 -- the signature asks for one
    return types.Array(types.Struct((("key", kind.key), ("value", kind.value))))


def _of_entries(arguments: Sequence[Term]) -> Term:
    """Null where an entry is null."""
    given = arguments[0]
    entry = given.type.element if isinstance(given.type, types.Array) else None
    if not isinstance(entry, types.Struct) or len(entry.fields) != 2:
        raise ValueError("map_from_entries takes an array of structs with two fields")
    kind = types.Map(entry.fields[0][1], entry.fields[1][1])

    def built(x: str) -> str:
        keys, values = (
            f'list_transform({x}, lambda "our e": "our e".{identifier(name)})'
            for name, _ in entry.fields
        )
        return f"CASE WHEN len({x}) = list_aggregate({x}, 'count') THEN map({keys}, {values}) END"

    return combine(kind, let(given.text, built), arguments)


def _joined(arguments: Sequence[Term]) -> str:
    """A key that is in two of them stops the query."""
    keys, values = (
        " || ".join(f"{name}({term.text})" for term in arguments)
        for name in ("map_keys", "map_values")
    )
    known = " AND ".join(f"{term.text} IS NOT NULL" for term in arguments)
    return f"(CASE WHEN {known} THEN map({keys}, {values}) END)"


def _zipped(arguments: Sequence[Term]) -> str:
    """Each key of both, in order of first mention, with the values that both have for it."""
    left, right, merge = arguments
    more = (
        f"list_filter(map_keys({right.text}),"
        f' lambda "our k": NOT list_contains(map_keys({left.text}), "our k"))'
    )
    triple = (
        f'struct_pack(key := "our k", one := {left.text}["our k"], other := {right.text}["our k"])'
    )
    triples = f'list_transform(map_keys({left.text}) || {more}, lambda "our k": {triple})'
    keys = 'lambda "our e": "our e".key'
    merged = let(
        triples,
        lambda x: f"map(list_transform({x}, {keys}), list_transform({x}, {merge.text}))",
    )
    return f"(CASE WHEN {left.text} IS NOT NULL AND {right.text} IS NOT NULL THEN {merged} END)"


def _of_text(arguments: Sequence[Term]) -> str:
    """Spark's separators are patterns: constants without special characters are plain text."""
    pair, key = [str(term.value) for term in arguments[1:]] + [",", ":"][len(arguments) - 1 :]
    if not pair or not key or any(character in _SPECIAL for character in pair + key):
        raise ValueError("a separator is a constant text without special characters")
    at = f'instr("our e", {text(key)})'
    first = f'CASE WHEN {at} > 0 THEN left("our e", {at} - 1) ELSE "our e" END'
    rest = f'CASE WHEN {at} > 0 THEN substr("our e", {at} + {len(key)}) END'

    def mapped(x: str) -> str:
        sides = (f'list_transform({x}, lambda "our e": {side})' for side in (first, rest))
        return f"map({', '.join(sides)})"

    return let(f"string_split({arguments[0].text}, {text(pair)})", mapped)


def _by_entry(key: str, value: str) -> str:
    """A map made of another's entries; `{0}` is the map, `{1}` the lambda function."""
    entries = "map_entries({0})"
    keys, values = (
        f"list_transform({entries}, {side})" if side.startswith("{") else side
        for side in (key, value)
    )
    return f"(CASE WHEN {{0}} IS NOT NULL THEN map({keys}, {values}) END)"


FUNCTIONS: tuple[Function, ...] = (
    scalar(
        way("map(K, E, ...) -> map<K, E>", _map),
        note="Keys and values in turn. A key twice, or a null as key, stops the query.",
    ),
    scalar(way("map_from_arrays(array<K>, array<E>) -> map<K, E>", _of_arrays)),
    scalar(way("map_from_entries(any) -> map", build=_of_entries), note="Of structs of two."),
    scalar(
        way("str_to_map(string) -> map<string, string>", _of_text),
        way("str_to_map(string, 'between') -> map<string, string>", _of_text),
        way("str_to_map(string, 'between', 'after key') -> map<string, string>", _of_text),
        note="The separators are plain text; `,` and `:` unless given.",
    ),
    scalar(way("map_keys(map<K, E>) -> array<K>", "map_keys({0})")),
    scalar(way("map_values(map<K, E>) -> array<E>", "map_values({0})")),
    scalar(way("map_entries(map<K, E>) -> array", "map_entries({0})", _entries_type)),
    scalar(
        way("map_contains_key(map<K, E>, K) -> boolean", "list_contains(map_keys({0}), {1})"),
    ),
    scalar(
        way("map_concat(map<K, E>...) -> map<K, E>", _joined),
        note="A key that is in two of them stops the query.",
    ),
    scalar(
        way(
            "map_filter(map<K, E>, (K, E) -> boolean) -> map<K, E>",
            "map_from_entries(list_filter(map_entries({0}), {1}))",
            places=ENTRY,
        ),
    ),
    scalar(
        way(
            "transform_keys(map<K, E>, (K, E) -> R) -> map<R, E>",
            _by_entry("{1}", "map_values({0})"),
            places=ENTRY,
        ),
        note="Two keys that become one stop the query.",
    ),
    scalar(
        way(
            "transform_values(map<K, E>, (K, E) -> R) -> map<K, R>",
            _by_entry("map_keys({0})", "{1}"),
            places=ENTRY,
        ),
    ),
    scalar(
        way(
            "map_zip_with(map<K, E>, map<K, F>, (K, E, F) -> R) -> map<K, R>",
            _zipped,
            places=("{0}.key", "{0}.one", "{0}.other"),
        ),
        note="The values of both for each key; null where one has none.",
    ),
    scalar(way("named_struct('name', any, ...) -> struct", build=_struct)),
    Function(
        name="struct",
        kind=Kind.SCALAR,
        signatures=(way("struct('name', any, ...) -> struct", build=_struct),),
        names=lambda position: f"col{position + 1}",
        note="Fields are named as the columns are, by AS, or col1, col2, ...",
    ),
)

"""Values that a file brings with types of its own into a contract's types, without loss.

A value is accepted if it survives the way there and back: 2.0 as a bigint, midnight as a date,
a nanosecond timestamp of whole microseconds. As a float or double any number is accepted that stays
finite, rounded as text would be. An instant and a wall-clock time convert in UTC.
"""

from lakewright.engines.duckdb import casting, nesting, text
from lakewright.engines.duckdb.casting import Cast, reason
from lakewright.sql import types

_MOMENTS = {types.DATE: "DATE", types.TIMESTAMP: "TIMESTAMPTZ", types.TIMESTAMP_NTZ: "TIMESTAMP"}


def from_value(source: str, kind: types.Type, *, pattern: str | None = None) -> Cast:
    """The strict cast from one of DuckDB's types.

    Args:
        source: the type's name, as DuckDB prints it.
        kind: the contract's type.
        pattern: how dates and timestamps are written, for a source of texts.
    """
    if source == "VARCHAR":
        return from_text(kind, pattern=pattern)
    if kind == types.STRING:
        return _to_text(source)
    if source.startswith("GEOMETRY") and kind == types.BINARY:
        return _to_well_known_binary(source)
    target = text.type_name(kind)

    def candidate(name: str) -> str:
        return f"TRY_CAST({name} AS {target})"

    def is_exact(name: str, value: str) -> str:
        if kind in (types.FLOAT, types.DOUBLE):
            return f"isfinite({value}) = isfinite(TRY_CAST({name} AS DOUBLE))"
        back = f"TRY_CAST({value} AS {source})"
        survives = f"{value} IS NOT NULL AND {back} IS NOT DISTINCT FROM {name}"
        if kind in _MOMENTS:
            return f"{survives} AND {casting.is_in_years(value, _MOMENTS[kind])}"
        return survives

    def refused(name: str) -> str:
        outside = reason("out_of_range", f"beyond what a {kind} holds")
        if not _is_number(source):
            outside = reason("wrong_type", f"a {source}, which cannot become a {kind}")
        lossy = reason("lossy_conversion", f"a {source} that a {kind} cannot hold without loss")
        return f"CASE WHEN {candidate(name)} IS NULL THEN {outside} ELSE {lossy} END"

    return Cast(candidate=candidate, is_exact=is_exact, reason=refused)


def from_text(
    kind: types.Type,
    *,
    pattern: str | None = None,
    separator: str = ".",
) -> Cast:
    """The strict cast from text to any type; to one that holds other types, from JSON text.

    Raises:
        ValueError: the pattern cannot be read, or the type not from text.
    """
    if nesting.is_nested(kind):
        return nesting.from_json(kind)
    return casting.from_text(kind, pattern=pattern, separator=separator)


def with_default(cast: Cast, from_text: Cast, default: str) -> Cast:
    """The cast, but null becomes what a text is read as."""
    word = text.literal(default)
    candidate = from_text.candidate(word)
    value = from_text.value(word, candidate, from_text.is_exact(word, candidate))
    return Cast(
        candidate=lambda name: (
            f"CASE WHEN {name} IS NULL THEN {value} ELSE {cast.candidate(name)} END"
        ),
        is_exact=lambda name, value: f"{name} IS NULL OR ({cast.is_exact(name, value)})",
        reason=cast.reason,
    )


def _to_text(source: str) -> Cast:
    """Numbers and times as DuckDB prints them, bytes as the UTF-8 that they are, others as JSON."""
    if source == "BLOB":

        def candidate(name: str) -> str:
            return f"TRY(decode({name}))"

    elif source.endswith("]") or source.startswith(("STRUCT", "MAP")):

        def candidate(name: str) -> str:
            return f"CAST(to_json({name}) AS VARCHAR)"

    else:

        def candidate(name: str) -> str:
            return f"CAST({name} AS VARCHAR)"

    return Cast(
        candidate=candidate,
        is_exact=lambda _, value: f"{value} IS NOT NULL",
        reason=lambda _: reason("not_a_string", "bytes that are no UTF-8 text"),
    )


def _to_well_known_binary(source: str) -> Cast:
    """A shape as the bytes in which Parquet holds it: ISO 19125's well-known binary."""
    return Cast(
        candidate=lambda name: f"TRY(ST_AsWKB({name}))",
        is_exact=lambda _, value: f"{value} IS NOT NULL",
        reason=lambda _: reason("wrong_type", f"a {source}, which cannot become a binary"),
    )


def _is_number(source: str) -> bool:
    return source.startswith(("DECIMAL", "FLOAT", "DOUBLE")) or source.endswith(("INT", "INTEGER"))

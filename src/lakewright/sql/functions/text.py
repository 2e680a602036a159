"""Functions of text. A character is a Unicode code point; order and equality are those of bytes."""

from collections.abc import Sequence

from lakewright.sql.function import scalar
from lakewright.sql.quoting import text
from lakewright.sql.signature import way
from lakewright.sql.term import Term

_INT_MAX = 2**31 - 1

# Where Java's upper case has more letters than one, or knows a newer Unicode than DuckDB: found by
# comparing every code point on both. The first few are common enough to be mapped, the others stop
# the query.
_UPPER = (("ß", "SS"), ("ﬀ", "FF"), ("ﬁ", "FI"), ("ﬂ", "FL"), ("ﬃ", "FFI"), ("ﬄ", "FFL"),
          ("ﬅ", "ST"), ("ﬆ", "ST"))  # fmt: skip
_UPPER_ODD = (
    r"[ŉƛǰɤΐΰև\x{1c8a}ẖ-ẚὐὒὔὖ\x{1f80}-\x{1faf}\x{1fb2}-\x{1fb4}\x{1fb6}\x{1fb7}\x{1fbc}"
    r"\x{1fc2}-\x{1fc4}\x{1fc6}\x{1fc7}\x{1fcc}\x{1fd2}\x{1fd3}\x{1fd6}\x{1fd7}\x{1fe2}-\x{1fe4}"
    r"\x{1fe6}\x{1fe7}\x{1ff2}-\x{1ff4}\x{1ff6}\x{1ff7}\x{1ffc}\x{a7cd}\x{a7db}\x{fb13}-\x{fb17}"
    r"\x{10d70}-\x{10d85}]"
)
# A capital sigma at a word's end has a lower case of its own.
_LOWER = (("İ", "i̇"),)
_LOWER_ODD = r"[Σ\x{1c89}\x{a7cb}\x{a7cc}\x{a7da}\x{a7dc}\x{10d50}-\x{10d65}]"


def _cased(name: str, mapped: Sequence[tuple[str, str]], odd: str) -> str:
    """A change of case; most texts are ASCII, which takes one look at their lengths."""
    inner = "{0}"
    for letter, letters in mapped:
        inner = f"replace({inner}, {text(letter)}, {text(letters)})"
    pattern = text(odd).replace("{", "{{").replace("}", "}}")
    return (
        f"(CASE WHEN strlen({{0}}) = length({{0}}) THEN {name}({{0}})"
        f" WHEN regexp_matches({{0}}, {pattern}) THEN"
        f" error('{name}() of this text is not portable: ' || {{0}}) ELSE {name}({inner}) END)"
    )


def substring(arguments: Sequence[Term]) -> str:
    """A part of a text, from 1, from the end below 0, and 0 is 1.

    Source: Spark's `UTF8String.substringSQL`.
    """
    x, start = arguments[0].text, arguments[1]
    length = arguments[2] if len(arguments) > 2 else None
    if isinstance(start.value, int) and start.value >= 0:
        begin_at = max(start.value, 1)
        if length is None:
            return f"substring({x}, {begin_at})"
        if isinstance(length.value, int) and length.value >= 0:
            return f"substring({x}, {begin_at}, {length.value})"
    s, n = start.text, length.text if length is not None else str(_INT_MAX)
    first = (
        f"(CASE WHEN {s} > 0 THEN CAST({s} AS BIGINT) - 1 WHEN {s} < 0"
        f" THEN CAST(length({x}) AS BIGINT) + {s} WHEN {s} = 0 THEN 0 END)"
    )
    end = f"least({first} + {n}, {_INT_MAX})"
    begin = f"(CASE WHEN {first} < 0 THEN 0 ELSE {first} END)"
    return (
        f"(CASE WHEN {first} IS NULL OR {n} IS NULL THEN NULL"
        f" WHEN {end} <= {begin} THEN left({x}, 0)"
        f" ELSE substring({x}, {begin} + 1, {end} - {begin}) END)"
    )


def _count(term: Term) -> str:
    """A number of characters: at least zero, null if it is null (DuckDB's greatest skips nulls)."""
    if isinstance(term.value, int):
        return str(max(term.value, 0))
    return f"(CASE WHEN {term.text} < 0 THEN 0 ELSE {term.text} END)"


def _end(name: str, arguments: Sequence[Term]) -> str:
    return f"{name}({arguments[0].text}, {_count(arguments[1])})"


def _pad(name: str, arguments: Sequence[Term]) -> str:
    """Spark pads nothing with an empty text; DuckDB raises."""
    x, length = arguments[0].text, _count(arguments[1])
    if len(arguments) == 2:
        return f"{name}({x}, {length}, ' ')"
    pad = arguments[2]
    padded = f"{name}({x}, {length}, {pad.text})"
    if pad.value:
        return padded
    return f"(CASE WHEN {pad.text} = '' THEN left({x}, {length}) ELSE {padded} END)"


def _split_part(arguments: Sequence[Term]) -> str:
    """An empty separator separates nothing; there is no part 0."""
    x, separator, part = arguments
    plain = f"split_part({x.text}, {separator.text}, {part.text})"
    if separator.value and part.value:
        return plain
    return (
        f"(CASE WHEN {part.text} = 0 AND {x.text} IS NOT NULL AND {separator.text} IS NOT NULL"
        f" THEN error('split_part counts from 1') WHEN {separator.text} = '' THEN"
        f" (CASE WHEN {part.text} IN (1, -1) THEN {x.text} ELSE left({x.text}, 0) END)"
        f" ELSE {plain} END)"
    )


def _substring_index(arguments: Sequence[Term]) -> str:
    """All before the separator's nth occurrence, or after it from the end."""
    x, separator, count = arguments
    if not separator.value:
        raise ValueError("the separator must be a constant text that is not empty")
    value = count.value
    assert isinstance(value, int)  # noqa: S101 -- the signature asks for a constant
    if value == 0:
        return f"left({x.text}, 0)"
    parts = f"string_split({x.text}, {separator.text})"
    chosen = f"{parts}[1:{value}]" if value > 0 else f"{parts}[{value}:]"
    return f"array_to_string({chosen}, {separator.text})"


def _joined(arguments: Sequence[Term]) -> str:
    return f"CAST({' || '.join(term.text for term in arguments)} AS VARCHAR)"


def _joined_arrays(arguments: Sequence[Term]) -> str:
    known = " AND ".join(f"{term.text} IS NOT NULL" for term in arguments)
    return f"(CASE WHEN {known} THEN {' || '.join(term.text for term in arguments)} END)"


def _replace(arguments: Sequence[Term]) -> str:
    new = arguments[2].text if len(arguments) > 2 else "''"
    return f"replace({arguments[0].text}, {arguments[1].text}, {new})"


FUNCTIONS = (
    scalar(
        way("length(string) -> int", "CAST(length({0}) AS INTEGER)"),
        way("length(binary) -> int", "CAST(octet_length({0}) AS INTEGER)"),
        aliases=("char_length", "character_length", "len"),
        note="In characters; of binary in bytes.",
    ),
    scalar(way("octet_length(string) -> int", "CAST(strlen({0}) AS INTEGER)"), note="In bytes."),
    scalar(way("bit_length(string) -> int", "CAST(strlen({0}) * 8 AS INTEGER)")),
    scalar(
        way("upper(string) -> string", _cased("upper", _UPPER, _UPPER_ODD)),
        aliases=("ucase",),
        note="A few rare letters whose capitals are several letters stop the query.",
    ),
    scalar(
        way("lower(string) -> string", _cased("lower", _LOWER, _LOWER_ODD)),
        aliases=("lcase",),
        note="A capital sigma stops the query: its lower case depends on its place in the word.",
    ),
    scalar(
        way("trim(string) -> string", "trim({0}, ' ')"), note="Spaces only, no other white space."
    ),
    scalar(way("ltrim(string) -> string", "ltrim({0}, ' ')"), note="Spaces only."),
    scalar(way("rtrim(string) -> string", "rtrim({0}, ' ')"), note="Spaces only."),
    scalar(
        way("btrim(string) -> string", "trim({0}, ' ')"),
        way("btrim(string, string) -> string", "trim({0}, {1})"),
        note="The second argument's characters, at both ends.",
    ),
    scalar(
        way("substring(string, int) -> string", substring),
        way("substring(string, int, int) -> string", substring),
        aliases=("substr",),
        note="From 1; from the end below 0.",
    ),
    scalar(way("left(string, int) -> string", lambda given: _end("left", given))),
    scalar(way("right(string, int) -> string", lambda given: _end("right", given))),
    scalar(
        way("concat(string...) -> string", _joined),
        way("concat(binary...) -> binary", lambda given: " || ".join(term.text for term in given)),
        way("concat(array<E>...) -> array<E>", _joined_arrays),
        note="Null where any argument is null.",
    ),
    scalar(
        way("concat_ws(string, string...) -> string", "concat_ws({all})"),
        note="The first is the separator; nulls are passed over.",
    ),
    scalar(
        way("replace(string, string) -> string", _replace),
        way("replace(string, string, string) -> string", _replace),
        note="Plain text, not a pattern.",
    ),
    scalar(way("translate(string, string, string) -> string", "translate({0}, {1}, {2})")),
    scalar(way("repeat(string, int) -> string", lambda given: _end("repeat", given))),
    scalar(
        way(
            "reverse(string) -> string", "array_to_string(list_reverse(string_split({0}, '')), '')"
        ),
        way("reverse(array<E>) -> array<E>", "list_reverse({0})"),
    ),
    scalar(
        way("lpad(string, int) -> string", lambda given: _pad("lpad", given)),
        way("lpad(string, int, string) -> string", lambda given: _pad("lpad", given)),
        note="Cut to the length if it is longer.",
    ),
    scalar(
        way("rpad(string, int) -> string", lambda given: _pad("rpad", given)),
        way("rpad(string, int, string) -> string", lambda given: _pad("rpad", given)),
        note="Cut to the length if it is longer.",
    ),
    scalar(
        way("instr(string, string) -> int", "CAST(instr({0}, {1}) AS INTEGER)"),
        note="0 where the second does not occur in the first.",
    ),
    scalar(
        way("locate(string, string) -> int", "CAST(instr({1}, {0}) AS INTEGER)"),
        aliases=("position",),
        note="Where the first occurs in the second; 0: nowhere.",
    ),
    scalar(way("startswith(string, string) -> boolean", "starts_with({0}, {1})")),
    scalar(way("endswith(string, string) -> boolean", "ends_with({0}, {1})")),
    scalar(way("contains(string, string) -> boolean", "contains({0}, {1})")),
    scalar(
        way("split_part(string, string, int) -> string", _split_part),
        note="The separator is plain text; parts count from 1, from the end below 0.",
    ),
    scalar(
        way("substring_index(string, string, #count) -> string", _substring_index),
        note="The separator is a constant.",
    ),
    scalar(
        way("ascii(string) -> int", "(CASE WHEN {0} = '' THEN 0 ELSE unicode({0}) END)"),
        note="The first character's code point.",
    ),
    scalar(
        way(
            "chr(bigint) -> string",
            "(CASE WHEN {0} < 0 THEN '' ELSE chr(CAST({0} % 256 AS INTEGER)) END)",
        ),
        aliases=("char",),
    ),
    scalar(
        way("space(int) -> string", lambda given: f"repeat(' ', {_count(given[0])})"),
    ),
)

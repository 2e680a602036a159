"""Date and time patterns of Spark, those few letters that every engine reads and writes alike."""

import re

from lakewright.sql import types
from lakewright.sql.quoting import duckdb_type, text
from lakewright.sql.term import Term, combine

_TOKEN = re.compile(r"'((?:[^']|'')*)'|([A-Za-z])\2*|([^A-Za-z'])")
_READ = {
    "yyyy": ("year", "[0-9]{4}"),
    "MM": ("month", "[0-9]{2}"),
    "dd": ("day", "[0-9]{2}"),
    "HH": ("hour", "[0-9]{2}"),
    "mm": ("minute", "[0-9]{2}"),
    "ss": ("second", "[0-9]{2}"),
}
_WRITTEN = {
    "yyyy": "%Y",
    "yy": "%y",
    "MM": "%m",
    "MMM": "%b",
    "MMMM": "%B",
    "dd": "%d",
    "d": "%-d",
    "HH": "%H",
    "mm": "%M",
    "ss": "%S",
    "SSS": "%g",
    "SSSSSS": "%f",
    "E": "%a",
    "EEE": "%a",
    "EEEE": "%A",
}


def _tokens(pattern: str, known: tuple[str, ...]) -> list[tuple[bool, str]]:
    """The pattern's letters (true) and what stands between them (false).

    Raises:
        ValueError: a letter is not portable.
    """
    found: list[tuple[bool, str]] = []
    position = 0
    for match in _TOKEN.finditer(pattern):
        if match.start() != position:
            break
        position = match.end()
        quoted, letter, other = match.groups()
        word = match.group()
        if letter and word not in known:
            raise ValueError(f"{word!r} in a pattern is not portable; write {', '.join(known)}")
        if letter:
            found.append((True, word))
        else:
            found.append((False, (quoted or "").replace("''", "'") or other or "'"))
    if position != len(pattern) or not found:
        raise ValueError(f"{pattern!r} is not a pattern such as 'yyyy-MM-dd'")
    return found


def format_text(x: str, pattern: str) -> str:
    """A TIMESTAMP as text by a pattern, for years 1 to 9999.

    Raises:
        ValueError: the pattern is not portable.
    """
    parts = [
        _WRITTEN[word] if is_letter else word.replace("%", "%%")
        for is_letter, word in _tokens(pattern, tuple(_WRITTEN))
    ]
    return (
        f"(CASE WHEN year({x}) BETWEEN 1 AND 9999 THEN strftime({x}, {text(''.join(parts))})"
        f" WHEN {x} IS NOT NULL THEN error('a year outside 1 to 9999 is not portable as text') END)"
    )


def read_text(term: Term, pattern: str, kind: types.Type, *, is_try: bool) -> Term:
    """A text as a date or timestamp by a pattern.

    Raises:
        ValueError: the pattern is not portable, or names no day.
    """
    tokens = _tokens(pattern, tuple(_READ))
    names = [_READ[word][0] for is_letter, word in tokens if is_letter]
    if len(set(names)) != len(names) or not {"year", "month", "day"} <= set(names):
        raise ValueError(f"{pattern!r} must name yyyy, MM and dd, each once")
    whole = "".join(
        f"({_READ[word][1]})" if is_letter else re.escape(word) for is_letter, word in tokens
    )
    group = {name: f"\\{position}" for position, name in enumerate(names, 1)}
    iso = "{year}-{month}-{day}".format_map(group)
    if kind == types.TIMESTAMP:
        clock = {"hour": "00", "minute": "00", "second": "00"} | group
        iso += " {hour}:{minute}:{second}".format_map(clock)
    x = term.text
    hours = f" AND NOT regexp_matches({x}, {text(_hour_24(tokens))})" if "hour" in names else ""
    verb = "TRY_CAST" if is_try else "CAST"
    anchored = f"^{whole}$"
    prepared = (
        f"CASE WHEN regexp_full_match({x}, {text(whole)}){hours}"
        f" THEN regexp_replace({x}, {text(anchored)}, {text(iso)})"
        f" ELSE {text(f'not of the form {pattern}: ')} || {x} END"
    )
    return combine(kind, f"{verb}({prepared} AS {duckdb_type(kind)})", (term,))


def _hour_24(tokens: list[tuple[bool, str]]) -> str:
    """Matches the texts whose hour is 24, which DuckDB takes for the next day's midnight."""
    return "^" + "".join(
        ("24" if word == "HH" else _READ[word][1]) if is_letter else re.escape(word)
        for is_letter, word in tokens
    )

"""Functions of regular expressions; these are constants, read once for both engines."""

import re
from collections.abc import Callable, Sequence
from typing import TypeAlias

from lakewright.sql.expressions_read import Expression, read
from lakewright.sql.function import scalar
from lakewright.sql.quoting import text
from lakewright.sql.signature import way
from lakewright.sql.term import Term

_Write: TypeAlias = Callable[[str, Expression], str]
_REPLACED = re.compile(r"\$([1-9])|[^$\\]")


def _expression(arguments: Sequence[Term], *, is_repeated: bool) -> Expression:
    found = read(str(arguments[1].value))
    if is_repeated and found.may_be_empty:
        raise ValueError("the engines differ where a regular expression matches nothing at all")
    return found


def _guarded(x: str, found: Expression, written: str) -> str:
    """Java's `$` also matches before a line's end that ends the text; such a text stops."""
    if not found.has_end:
        return written
    ends = text(r"[\n\r\x{85}\x{2028}\x{2029}]\z")
    stop = f"error('$ before a line''s end is not portable: ' || {x})"
    return f"(CASE WHEN regexp_matches({x}, {ends}) THEN {stop} ELSE {written} END)"


def _found(write: _Write, *, is_repeated: bool = False) -> Callable[[Sequence[Term]], str]:
    def rewrite(arguments: Sequence[Term]) -> str:
        found = _expression(arguments, is_repeated=is_repeated)
        x = arguments[0].text
        return _guarded(x, found, write(x, found))

    return rewrite


def _group(arguments: Sequence[Term], found: Expression) -> int:
    group = arguments[2].value if len(arguments) > 2 else 1
    assert isinstance(group, int)  # noqa: S101 -- the signature asks for a constant
    if not 0 <= group <= found.groups:
        raise ValueError(f"the expression has {found.groups} groups, and no group {group}")
    return group


def _extracted(arguments: Sequence[Term]) -> str:
    found = _expression(arguments, is_repeated=False)
    x, group = arguments[0].text, _group(arguments, found)
    return _guarded(x, found, f"regexp_extract({x}, {text(found.text)}, {group})")


def _all_extracted(arguments: Sequence[Term]) -> str:
    found = _expression(arguments, is_repeated=True)
    x, group = arguments[0].text, _group(arguments, found)
    return _guarded(x, found, f"regexp_extract_all({x}, {text(found.text)}, {group})")


def _replaced(arguments: Sequence[Term]) -> str:
    found = _expression(arguments, is_repeated=True)
    x, new = arguments[0].text, str(arguments[2].value)
    if "".join(part[0] for part in _REPLACED.finditer(new)) != new:
        raise ValueError("a replacement is plain text with $1 to $9")
    if any(int(part[1] or 0) > found.groups for part in _REPLACED.finditer(new)):
        raise ValueError(f"the expression has {found.groups} groups")
    written = text(re.sub(r"\$([1-9])", r"\\\1", new))
    return _guarded(x, found, f"regexp_replace({x}, {text(found.text)}, {written}, 'g')")


def _position(x: str, found: Expression) -> str:
    before = text(f"^((?s:.)*?)(?:{found.text})")
    return (
        f"(CASE WHEN regexp_matches({x}, {text(found.text)}) THEN"
        f" CAST(length(regexp_extract({x}, {before}, 1)) + 1 AS INTEGER)"
        f" WHEN {x} IS NOT NULL THEN 0 END)"
    )


def _part(x: str, found: Expression) -> str:
    pattern = text(found.text)
    return f"(CASE WHEN regexp_matches({x}, {pattern}) THEN regexp_extract({x}, {pattern}) END)"


def _matches(x: str, found: Expression) -> str:
    return f"regexp_matches({x}, {text(found.text)})"


def _counted(x: str, found: Expression) -> str:
    return f"CAST(len(regexp_extract_all({x}, {text(found.text)})) AS INTEGER)"


def _split(x: str, found: Expression) -> str:
    return f"string_split_regex({x}, {text(found.text)})"


RLIKE = scalar(
    way("rlike(string, 'pattern') -> boolean", _found(_matches)),
    aliases=("regexp", "regexp_like"),
    note="Also as an operator: x RLIKE 'pattern'.",
)

FUNCTIONS = (
    RLIKE,
    scalar(
        way("regexp_extract(string, 'pattern') -> string", _extracted),
        way("regexp_extract(string, 'pattern', #group) -> string", _extracted),
        note="The first match's group, 1 unless given; empty where nothing matches.",
    ),
    scalar(
        way("regexp_extract_all(string, 'pattern') -> array<string>", _all_extracted),
        way("regexp_extract_all(string, 'pattern', #group) -> array<string>", _all_extracted),
    ),
    scalar(
        way("regexp_replace(string, 'pattern', 'new') -> string", _replaced),
        note="Every match, by a text with $1 to $9 for groups.",
    ),
    scalar(way("regexp_count(string, 'pattern') -> int", _found(_counted, is_repeated=True))),
    scalar(way("regexp_instr(string, 'pattern') -> int", _found(_position, is_repeated=True))),
    scalar(way("regexp_substr(string, 'pattern') -> string", _found(_part, is_repeated=True))),
    scalar(way("split(string, 'pattern') -> array<string>", _found(_split, is_repeated=True))),
)

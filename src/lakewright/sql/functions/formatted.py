"""Functions that put texts together: patterns with places, parts laid over others, initials."""

import re
from collections.abc import Sequence

from lakewright.sql import types
from lakewright.sql.function import scalar
from lakewright.sql.functions.text import substring
from lakewright.sql.quoting import text
from lakewright.sql.signature import way
from lakewright.sql.term import Term

_PLACE = re.compile(r"%(?:(%)|(-?)(0?)([1-9][0-9]*)?([sd]))")
_LEAST = -(2**31)
_PLACES = "%s, %d, %5s, %-5s, %5d, %-5d, %05d and %%"
# Letters whose capital or title case is not one other letter, or differs between the engines.
_TITLE_ODD = r"[^\x00-\x7fäöüéèàùâêîôûçñåøæœëïãõáíóúýšžčřěůďťňłśźżąęćńşğ]"


def _overlay(arguments: Sequence[Term]) -> str:
    """Source: Spark's `Overlay`: the part before the position, the new text, the rest."""
    x, new, at = (term.text for term in arguments[:3])
    length = f"length({new})"
    if len(arguments) > 3:
        given = arguments[3].text
        length = f"(CASE WHEN {given} >= 0 THEN {given} ELSE length({new}) END)"
    kept = f"WHEN {at} > 0 THEN {at} - 1 WHEN {at} = {_LEAST} THEN {-_LEAST - 1} ELSE 0"
    before = f"left({x}, CASE {kept} END)"
    begin = f"(CAST({at} AS BIGINT) + {length})"
    # Java's integers begin anew at the least one.
    wrapped = f"(CASE WHEN {begin} >= {-_LEAST} THEN {begin} + 2 * {_LEAST} ELSE {begin} END)"
    after = substring((arguments[0], Term(type=types.INT, text=wrapped)))
    known = " AND ".join(f"{term.text} IS NOT NULL" for term in arguments)
    return f"(CASE WHEN {known} THEN {before} || {new} || {after} END)"


def _chosen(arguments: Sequence[Term]) -> str:
    position, given = arguments[0].text, arguments[1:]
    branches = " ".join(f"WHEN {i} THEN {one.text}" for i, one in enumerate(given, 1))
    beyond = f"CASE WHEN {position} IS NOT NULL THEN error('elt has no text ' || {position}) END"
    return f"(CASE {position} {branches} ELSE {beyond} END)"


def _printed(arguments: Sequence[Term]) -> str:
    """Java's `%s` and `%d` with a width; a null is written as null."""
    pattern, given = str(arguments[0].value), list(arguments[1:])
    parts, end = [], 0
    for place in _PLACE.finditer(pattern):
        parts.append(_plain(pattern[end : place.start()]))
        end = place.end()
        if not place[1] and not given:
            raise ValueError("there are fewer arguments than places in the pattern")
        parts.append(text("%") if place[1] else _placed(given.pop(0), place))
    return f"({' || '.join([*parts, _plain(pattern[end:])])})"


def _plain(part: str) -> str:
    if "%" in part:
        raise ValueError(f"the portable places are {_PLACES}")
    return text(part)


def _placed(given: Term, place: re.Match[str]) -> str:
    _, left, zero, width, letter = place.groups()
    allowed = {types.INT, types.BIGINT} | ({types.STRING} if letter == "s" else set())
    is_misplaced = bool(zero) and (bool(left) or letter == "s" or not width)
    if given.type not in allowed or is_misplaced or (left and not width):
        raise ValueError(f"{place[0]} of {given.type} is not portable; write {_PLACES}")
    shown = f"CAST({given.text} AS VARCHAR)"
    if zero:
        sign = f"(CASE WHEN {given.text} < 0 THEN '-' ELSE '' END)"
        digits = f"ltrim({shown}, '-')"
        shown = f"({sign} || {_padded(digits, f'{width} - length({sign})', 'lpad', '0')})"
    shown = f"coalesce({shown}, 'null')"
    return _padded(shown, width, "rpad" if left else "lpad", " ") if width else shown


def _padded(shown: str, width: str, verb: str, pad: str) -> str:
    """Java counts a character beyond U+FFFF twice."""
    twice = f"length(regexp_replace({shown}, '[^\\x{{10000}}-\\x{{10FFFF}}]', '', 'g'))"
    count = f"greatest({width} - {twice}, length({shown}))"
    return f"{verb}({shown}, CAST({count} AS INTEGER), '{pad}')"


def _initials(arguments: Sequence[Term]) -> str:
    x = arguments[0].text
    raised = 'upper(left("our e", 1)) || substr("our e", 2)'
    words = f"list_transform(string_split(lower({x}), ' '), lambda \"our e\": {raised})"
    return (
        f"(CASE WHEN regexp_matches(lower({x}), {text(_TITLE_ODD)})"
        f" THEN error('initcap() of this text is not portable: ' || {x})"
        f" WHEN {x} IS NOT NULL THEN coalesce(array_to_string({words}, ' '), '') END)"
    )


_DISTANCE = (
    "(CASE WHEN strlen({0}) > length({0}) OR strlen({1}) > length({1})"
    " THEN error('levenshtein() of texts beyond ASCII is not portable: ' || {0})"
    " ELSE CAST(levenshtein({0}, {1}) AS INTEGER) END)"
)
_FIND = (
    "(CASE WHEN contains({0}, ',') AND {1} IS NOT NULL THEN 0 WHEN {0} IS NOT NULL AND"
    " {1} IS NOT NULL THEN CAST(coalesce(list_position(string_split({1}, ','), {0}), 0) AS INTEGER)"
    " END)"
)
_URL = "replace(replace(replace(url_encode({0}), '%20', '+'), '%2A', '*'), '~', '%7E')"

FUNCTIONS = (
    scalar(
        way("overlay(string, string, int) -> string", _overlay),
        way("overlay(string, string, int, int) -> string", _overlay),
        note="The second text over the first, from a position, for a length.",
    ),
    scalar(
        way("elt(int, string...) -> string", _chosen),
        note="The text of that number, from 1; another number stops the query.",
    ),
    scalar(
        way("find_in_set(string, string) -> int", _FIND),
        note="The position in a text of parts between commas; 0: nowhere.",
    ),
    scalar(
        way("format_string('pattern') -> string", _printed),
        way("format_string('pattern', any...) -> string", _printed),
        aliases=("printf",),
        note=f"The places are {_PLACES}, for texts and whole numbers.",
    ),
    scalar(
        way("initcap(string) -> string", _initials),
        note="Words are between spaces. Letters beyond those of Western Europe stop the query.",
    ),
    scalar(
        way("levenshtein(string, string) -> int", _DISTANCE),
        note="Texts beyond ASCII stop the query.",
    ),
    scalar(way("url_encode(string) -> string", _URL)),
)

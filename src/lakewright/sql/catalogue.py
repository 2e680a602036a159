"""The allow-list of functions, and of those that are refused with a reason.

Every function here has been compared with Apache Spark 4.1 under ANSI rules on recorded cases
(tests/sql/cases); one that has not been is not here. The reference page is written from this.
"""

from collections.abc import Iterable, Mapping
from difflib import get_close_matches

from sqlglot import exp

from lakewright.sql.function import Function, RefusedFunction
from lakewright.sql.functions import (
    aggregate,
    array,
    binary,
    bits,
    choice,
    conversion,
    formatted,
    generator,
    mapping,
    matching,
    number,
    text,
    time,
    window,
)
from lakewright.sql.functions.refused import REFUSED
from lakewright.sql.refusals import Refused

TOPICS: Mapping[str, tuple[Function, ...]] = {
    "Choice and null": choice.FUNCTIONS,
    "Types": conversion.FUNCTIONS,
    "Numbers": (*number.FUNCTIONS, *bits.FUNCTIONS),
    "Text": (*text.FUNCTIONS, *formatted.FUNCTIONS),
    "Regular expressions": matching.FUNCTIONS,
    "Hashes and encodings": binary.FUNCTIONS,
    "Dates and times": time.FUNCTIONS,
    "Arrays": array.FUNCTIONS,
    "Maps and structs": mapping.FUNCTIONS,
    "Rows from values": generator.FUNCTIONS,
    "Aggregates": aggregate.FUNCTIONS,
    "Windows": window.FUNCTIONS,
}


OF_OTHER_DIALECTS: Mapping[str, str] = {
    "strftime": "date_format",
    "to_char": "date_format",
    "format_date": "date_format",
    "strptime": "to_timestamp",
    "str_to_date": "to_date",
    "parse_date": "to_date",
    "datetrunc": "date_trunc",
    "date_part": "EXTRACT(... FROM ...)",
    "datepart": "EXTRACT(... FROM ...)",
    "week": "weekofyear",
    "to_number": "CAST(... AS DECIMAL(p, s))",
    "safe_cast": "try_cast",
    "convert": "CAST",
    "iif": "CASE WHEN",
    "iff": "CASE WHEN",
    "strpos": "locate",
    "charindex": "locate",
    "starts_with": "startswith",
    "ends_with": "endswith",
    "countif": "count_if",
    "logical_and": "bool_and",
    "logical_or": "bool_or",
    "safe_divide": "try_divide",
    "epoch": "unix_seconds",
    "epoch_ms": "timestamp_millis",
    "from_unixtime": "timestamp_seconds",
    "to_hex": "hex",
    "sha256": "sha2",
}
"""What people know from other engines, and what says the same here."""


def _by_name(found: Iterable[Function]) -> Mapping[str, Function]:
    names: dict[str, Function] = {}
    for function in found:
        for name in (function.name, *function.aliases):
            if name in names:
                raise ValueError(f"two functions are named {name}")
            names[name] = function
    return names


FUNCTIONS = _by_name(function for topic in TOPICS.values() for function in topic)
"""Every permitted function by each of its names, in lower case."""

_REFUSED: Mapping[str, RefusedFunction] = {name: entry for entry in REFUSED for name in entry.names}


def function(call: exp.Anonymous) -> Function:
    """The function that is called.

    Raises:
        Refused: it is not portable, with the reason or the nearest names that are.
    """
    name = call.name.lower()
    found = FUNCTIONS.get(name)
    if found:
        return found
    refused = _REFUSED.get(name)
    if refused:
        raise Refused(call, f"{name} is not portable SQL", why=refused.why, hint=refused.hint)
    same = OF_OTHER_DIALECTS.get(name)
    near = [same] if same else get_close_matches(name, FUNCTIONS, n=3)
    raise Refused(
        call,
        f"the function {name!r} is not portable SQL",
        why="it has not been proven to answer the same on every engine",
        hint=f"did you mean {' or '.join(near)}?"
        if near
        else "docs/reference/portable-sql.md lists every function that is",
    )

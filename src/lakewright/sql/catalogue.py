"""The allow-list of functions, and of those that are refused with a reason.

Every function here has been compared with Apache Spark 4.1 under ANSI rules on recorded cases
(tests/sql/cases); one that has not been is not here. The reference page is written from this.
"""

from collections.abc import Iterable, Mapping
from difflib import get_close_matches

from sqlglot import exp

from lakewright.sql.function import Function, RefusedFunction
from lakewright.sql.functions import aggregate, choice, number, text, time, window
from lakewright.sql.functions.refused import REFUSED
from lakewright.sql.refusals import Refused

TOPICS: Mapping[str, tuple[Function, ...]] = {
    "Choice and null": choice.FUNCTIONS,
    "Numbers": number.FUNCTIONS,
    "Text": text.FUNCTIONS,
    "Dates and times": time.FUNCTIONS,
    "Aggregates": aggregate.FUNCTIONS,
    "Windows": window.FUNCTIONS,
}


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
    near = get_close_matches(name, FUNCTIONS, n=3)
    raise Refused(
        call,
        f"the function {name!r} is not portable SQL",
        why="it has not been proven to answer the same on every engine",
        hint=f"did you mean {' or '.join(near)}?"
        if near
        else "docs/reference/portable-sql.md lists every function that is",
    )

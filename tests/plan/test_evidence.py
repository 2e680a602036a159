from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lakewright.plan import evidence
from lakewright.plan.evidence import Seen
from lakewright.project.contract import Evidence, Reading
from lakewright.sql import types


def date(*patterns: str) -> Seen:
    """Dates in one pattern, or texts that are dates in one of several."""
    readings = tuple(Reading(type=types.DATE, format=pattern) for pattern in patterns)
    if len(readings) == 1:
        return Seen(types.DATE, patterns[0])
    return Seen(types.STRING, evidence=Evidence(may_be=readings))


def number(kind: str, pattern: str | None = None, *, is_long: bool = False) -> Seen:
    return Seen(types.parse(kind), pattern, Evidence(has_long_numbers=is_long))


DAY_FIRST, MONTH_FIRST = date("dd/MM/yyyy"), date("MM/dd/yyyy")
EITHER = date("dd/MM/yyyy", "MM/dd/yyyy")
COMMA = number("double", "0,0")
MAYBE_COMMA = Seen(
    types.STRING, evidence=Evidence(may_be=(Reading(type=types.DOUBLE, format="0,0"),))
)
MAYBE_TRUTH = Seen(types.STRING, evidence=Evidence(may_be=(Reading(type=types.BOOLEAN),)))
TEXT = Seen(types.STRING)
DASHES = evidence.only_null_words(("-",))
WITH_WORD = Seen(types.BIGINT, evidence=Evidence(null_words=("NA",)))
BIGINT, LONG, DOUBLE = number("bigint"), number("bigint", is_long=True), number("double")
HUGE = number("decimal(25,0)", is_long=True)
ALL = (
    *(DAY_FIRST, MONTH_FIRST, EITHER, COMMA, MAYBE_COMMA, MAYBE_TRUTH, TEXT, DASHES, WITH_WORD),
    *(BIGINT, LONG, DOUBLE, HUGE, date("d/M/yyyy"), date("d/M/yyyy", "M/d/yyyy")),
    *(Seen(types.UNKNOWN), Seen(types.BOOLEAN), Seen(types.DATE), Seen(types.TIMESTAMP_NTZ)),
    Seen(types.TIMESTAMP_NTZ, "dd/MM/yyyy HH:mm"),
)


@pytest.mark.parametrize(
    ("left", "right", "kind", "pattern"),
    [
        (EITHER, DAY_FIRST, "date", "dd/MM/yyyy"),
        (EITHER, MONTH_FIRST, "date", "MM/dd/yyyy"),
        (EITHER, EITHER, "string", None),
        (DAY_FIRST, MONTH_FIRST, "string", None),
        (DAY_FIRST, date("d/M/yyyy"), "date", "d/M/yyyy"),
        (DAY_FIRST, Seen(types.DATE), "string", None),
        (Seen(types.DATE), Seen(types.TIMESTAMP_NTZ), "timestamp_ntz", None),
        (COMMA, BIGINT, "double", "0,0"),
        (COMMA, DOUBLE, "string", None),
        (MAYBE_COMMA, COMMA, "double", "0,0"),
        (MAYBE_COMMA, BIGINT, "string", None),
        (MAYBE_COMMA, DOUBLE, "string", None),
        (MAYBE_TRUTH, Seen(types.BOOLEAN), "boolean", None),
        (MAYBE_TRUTH, MAYBE_TRUTH, "string", None),
        (BIGINT, DOUBLE, "double", None),
        (LONG, DOUBLE, "string", None),
        (LONG, HUGE, "decimal(25,0)", None),
        (HUGE, DOUBLE, "string", None),
        (DASHES, BIGINT, "bigint", None),
        (DASHES, TEXT, "string", None),
        (DASHES, Seen(types.UNKNOWN), "string", None),
    ],
)
def test_files_decide_together_what_none_of_them_proves_alone(
    left: Seen, right: Seen, kind: str, pattern: str | None
) -> None:
    found = evidence.joined(left, right)
    assert (str(found.type), found.format) == (kind, pattern)


def test_null_words_are_gathered_and_those_of_a_text_are_none() -> None:
    found = evidence.joined(DASHES, WITH_WORD)
    assert evidence.null_words(found) == ("", "-", "NA")
    assert evidence.null_words(evidence.joined(found, TEXT)) is None
    assert evidence.null_words(evidence.joined(TEXT, DASHES)) is None


@given(seen=st.lists(st.sampled_from(ALL), min_size=2, max_size=4))
def test_no_order_and_no_batching_decides_otherwise(seen: list[Seen]) -> None:
    def text(found: Seen) -> str:
        readings = sorted(map(str, found.evidence.may_be))
        return f"{found.type} {found.format} {readings} {evidence.null_words(found)}"

    results = set()
    for first, *others in permutations(seen):
        chained = first
        for each in others:
            chained = evidence.joined(chained, each)
        results.add(text(chained))
    left, right = seen[: len(seen) // 2], seen[len(seen) // 2 :]
    halves = []
    for half in (left, right):
        found = half[0]
        for each in half[1:]:
            found = evidence.joined(found, each)
        halves.append(found)
    results.add(text(evidence.joined(*halves)))
    assert len(results) == 1

"""Find where a table starts in its file: lines before it, comment lines, and its header.

Works on records that were split already, so that a line end inside quotes misleads nobody.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from lakewright.ingest import cells
from lakewright.ingest.splitting import Record

_COMMENTS = ("#", "//", "--", "%")
_BODY_RECORDS_MAX = 200
_SAME_KIND_SHARE = 0.9
_TELLING = (cells.Kind.NUMBER, cells.Kind.MOMENT, cells.Kind.TOKEN)


@dataclass(frozen=True, kw_only=True, slots=True)
class Header:
    """Whether a table's first record names its columns, and why."""

    is_there: bool
    reason: str


def find_comment(records: Sequence[Record], width: int) -> str:
    """What starts comment lines among the records; the empty text if nothing does.

    A mark counts only if no line that starts with it has the table's width, and one of them comes
    after the table's first record: comments before it are lines before the table.
    """
    for mark in _COMMENTS:
        commented = [number for number, record in enumerate(records) if record.raw.startswith(mark)]
        if not commented or any(len(records[number].fields) == width for number in commented):
            continue
        if any(len(record.fields) == width for record in records[: commented[-1]]):
            return mark
    return ""


def find_first(records: Sequence[Record], width: int) -> int:
    """The index of the table's first record: what comes before has another width.

    A header may lack the name of a column or have one too many, so a record that is almost as wide,
    directly before the first one of the right width, is it. So is one that cannot be split: to pass
    it over would be to lose the header without a word. In a table of one column every line has the
    right width, so one that has more fields is a sign of trouble and is not passed over either.
    """
    if width == 1:
        return 0
    first = next((n for n, record in enumerate(records) if len(record.fields) == width), 0)
    if not first:
        return 0
    before = records[first - 1]
    is_close = len(before.fields) > 1 and abs(len(before.fields) - width) == 1
    has_values = any(cells.kind(cell) in _TELLING for cell in before.fields)
    return first - 1 if before.problem or (is_close and not has_values) else first


def judge(first: Sequence[str], body: Iterable[Sequence[str]]) -> Header:
    """Whether the first record is a header: whether it differs in kind from what is below it."""
    rows = [row for row, _ in zip(body, range(_BODY_RECORDS_MAX), strict=False)]
    votes = 0.0
    telling: list[str] = []
    for place, name in enumerate(first):
        vote = _vote(name, [row[place] for row in rows if place < len(row)])
        votes += vote
        if vote:
            telling.append(name.strip() or f"column {place + 1}")
    example = repr(telling[0][:40]) if telling else ""
    if votes > 0:
        return Header(is_there=True, reason=f"the fields below {example} are of another kind")
    if votes < 0:
        return Header(is_there=False, reason=f"{example} is of the same kind as the fields below")
    filled = [name.strip() for name in first if name.strip()]
    kinds = [cells.kind(name) for name in filled if not _is_year(name)]
    if not kinds or any(kind in _TELLING for kind in kinds):
        return Header(is_there=False, reason="the first record holds values, not names")
    if len(set(filled)) < len(filled):
        return Header(is_there=False, reason="the first record holds one text twice")
    return Header(is_there=True, reason="the first record holds names, and nothing contradicts it")


def _vote(name: str, values: Sequence[str]) -> float:
    """How much one column speaks for (positive) or against a header."""
    filled = [value for value in values if value.strip()]
    if not filled or not name.strip():
        return 0
    kinds = [cells.kind(value) for value in filled]
    main = max(_TELLING, key=kinds.count)
    head = cells.kind(name)
    if kinds.count(main) >= _SAME_KIND_SHARE * len(kinds):
        if head is main:
            return 0 if _is_year(name) else -1
        return 1 if head in (cells.Kind.WORDS, cells.Kind.OTHER) else 0
    if name in filled:
        return -0.5
    lengths = {len(value) for value in filled}
    if len(filled) > 2 and len(lengths) == 1:
        return -0.4 if len(name) in lengths else 0.4
    return 0


def _is_year(name: str) -> bool:
    text = name.strip()
    return text.isascii() and text.isdigit() and 1900 <= int(text[:9]) <= 2100

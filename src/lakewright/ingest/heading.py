"""Find where a table starts in its file: lines before it, comment lines, and its header.

Works on records that were split already, so that a line end inside quotes misleads nobody.
"""

import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import takewhile

from lakewright.ingest import cells
from lakewright.ingest.splitting import Record
from lakewright.project import naming

_COMMENTS = ("#", "//", "--", "%")
_BODY_RECORDS_MAX = 200
_SAME_KIND_SHARE = 0.9
_HEADER_ROWS_MAX = 4
_TYPED_COLUMNS_MIN = 2
_VOTES_MIN = 0.5  # Less says too little: fields of one length, such as codes have it.
_SPANNED_RECORDS_MIN = 3
_TITLE_RECORDS_MAX = 20
_NAMED_SHARE = 0.9
_TELLING = (cells.Kind.NUMBER, cells.Kind.MOMENT, cells.Kind.TOKEN)
_NO_NAMES = ("-", "--", "?", "unknown", "missing", "tbd", "tba", "n.a.", "not available")

_USUAL = re.compile(
    r"(?i)(?:^|[\W_])(?:id|no|nr|name|title|type|kind|code|key|date|time|year|month|day|city|country|"
    r"capital|state|region|address|street|zip|phone|e-?mail|price|amount|total|count|quantity|qty|"
    r"value|unit|status|category|group|class|description|comments?|notes?|remarks?|text|label|url|"
    r"link|language|nom|ville|pays|datum|stadt|land|nombre|fecha|ciudad|titel|betrag)(?:$|[\W_])"
)
"""Words that name columns far more often than they are values."""

_AROUND = " \t\"'`"  # A record in quotes of another kind has values nevertheless.

Row = Sequence[str]


@dataclass(frozen=True, kw_only=True, slots=True)
class Header:
    """Whether a table's first record names its columns, and why."""

    is_there: bool
    reason: str
    rows: int = 1
    """How many records it has, if it is there."""
    is_sure: bool = True
    """Whether the records below speak for it or against it; else only its own texts do."""


def find_comment(records: Sequence[Record], width: int) -> str:
    """What starts comment lines among the records; the empty text if nothing does.

    A mark counts only if no line that starts with it has the table's width, and one of them comes
    after the table's first record: comments before it are lines before the table.
    """
    for mark in _COMMENTS:
        commented = [number for number, record in enumerate(records) if record.raw.startswith(mark)]
        fitting = [n for n in commented if len(records[n].fields) == width]
        # Where blanks are delimiters a comment may have the width by chance.
        if not commented or any(records[n].fields[0] != mark for n in fitting):
            continue
        if len(fitting) * 2 > len(commented) > 1 or fitting[:1] == [0]:
            continue
        if any(len(record.fields) == width for record in records[: commented[-1]]):
            return mark
    return ""


def find_first(records: Sequence[Record], width: int, is_record: Callable[[Record], bool]) -> int:
    """The index of the table's first record: what comes before has another width, or is a title.

    A header may lack the name of a column or have one too many, so a line that may be a record,
    directly before the first one of the right width, is it, unless that is a header itself. So is
    one that cannot be split: to pass it over would be to lose it without a word. In a table of one
    column every line has the right width, so one that has more fields is a sign of trouble and is
    not passed over either.

    Args:
        records: of the file.
        width: of the table.
        is_record: whether a record of another width may be one of the table's.
    """
    if width == 1:
        return 0
    first = next((n for n, record in enumerate(records) if len(record.fields) == width), 0)
    rows = [record.fields for record in records[first:] if len(record.fields) == width]
    header = judge(rows)
    is_found = header.is_there and header.is_sure
    if first and not is_found and (records[first - 1].problem or is_record(records[first - 1])):
        return first - 1
    return _behind_titles(records, first, width)


def _behind_titles(records: Sequence[Record], first: int, width: int) -> int:
    """Where the table starts if titles come before it, filled up with delimiters, or empty rows.

    That is how spreadsheets are exported. Where most records fill less than three columns, a first
    record may well look like a title; then a row that names every column in use has to follow.
    """
    place = first
    lefts = 0  # Titles in the first column, where they usually are.
    aside = None  # The first one elsewhere, which may as well be a header's upper row.
    while place < min(first + _TITLE_RECORDS_MAX, len(records) - 1):
        row = records[place].fields
        filled = [bool(field.strip()) for field in row]
        if len(row) != width or sum(filled) > 1:
            break
        lefts += filled[0]
        if aside is None and any(filled[1:]):
            aside = place
        place += 1
    if aside is not None and (lefts or not _names_all(records[place:], width)):
        place, aside = aside, None
    if place == first or len(records[place].fields) != width:
        return first
    counts = [sum(map(bool, map(str.strip, record.fields))) for record in records[first:]]
    usual = sorted(counts)[len(counts) // 2]
    if aside is None and width > 2 and usual > 2:
        return place
    is_apart = 0 in counts[: place - first]
    is_headed = (is_apart or width > 2) and _names_all(records[place:], width)
    return place if is_headed else first


def _names_all(records: Sequence[Record], width: int) -> bool:
    """Whether the first record has words, and only words, over nearly all fields up to a gap."""
    fitting = [record.fields for record in records if len(record.fields) == width]
    if not fitting:
        return False
    names, *body = fitting
    rows = list(takewhile(lambda row: any(map(str.strip, row)), body))
    named = [bool(name.strip()) for name in names]
    used = [sum(bool(row[place].strip()) for row in rows) for place in range(width)]
    under = sum(count for count, is_named in zip(used, named, strict=True) if is_named)
    return (
        sum(named) > 1
        and under >= _NAMED_SHARE * sum(used)
        and not any(_name_kind(names, place) in _TELLING for place in range(width))
    )


def holds(row: Row, names: Sequence[str]) -> bool:
    """Whether a row holds most of these names of columns, however they are written, and no other.

    A file may lack a column or two of those that are declared.
    """
    known, found = set(names), {text for text in row if text.strip()}
    if not found <= known:
        known, found = set(map(naming.standardise, known)), set(map(naming.standardise, found))
    return bool(found) and found <= known and len(found) * 2 > len(known)


def judge(rows: Sequence[Row]) -> Header:
    """Whether the first record is a header: whether it differs in kind from what is below it."""
    if not rows:
        return Header(is_there=False, reason="there is no record to judge", is_sure=False)
    several = count_rows(rows)
    if several > 1:
        reason = f"{several} rows of names stand over fields of another kind"
        return Header(is_there=True, reason=reason, rows=several)
    first = rows[0]
    body = [row for row in rows[1 : _BODY_RECORDS_MAX + 1] if row != first]
    votes = 0.0
    telling: list[str] = []
    for place, name in enumerate(first):
        vote = _vote(name, [row[place] for row in body if place < len(row)])
        votes += vote
        if vote:
            telling.append(name.strip() or f"column {place + 1}")
    example = repr(telling[0][:40]) if telling else ""
    is_sure = abs(votes) >= _VOTES_MIN
    if votes > 0:
        reason = f"the fields below {example} are of another kind"
        return Header(is_there=True, reason=reason, is_sure=is_sure)
    if votes < 0:
        reason = f"{example} is of the same kind as the fields below"
        return Header(is_there=False, reason=reason, is_sure=is_sure)
    return _judge_alone(first, body)


def _judge_alone(first: Row, body: Sequence[Row]) -> Header:
    filled = [name.strip() for name in first if name.strip()]
    kinds = [cells.kind(name) for name in filled if not _is_year(name)]
    if not kinds or any(kind in _TELLING for kind in kinds):
        return Header(is_there=False, reason="the first record holds values, not names")
    if len(set(filled)) < len(filled):
        reason = "the first record holds one text twice"
        return Header(is_there=False, reason=reason, is_sure=False)
    usual = [name for name in filled if _USUAL.search(name) or not _is_styled_alike(name, body)]
    if usual or not body:
        return Header(
            is_there=True, reason="the first record holds names, and nothing contradicts it"
        )
    reason = "the first record may hold names or values: nothing tells"
    return Header(is_there=True, reason=reason, is_sure=False)


def _is_styled_alike(name: str, body: Sequence[Row]) -> bool:
    """Whether fields below are written as the name is: as to capitals and underscores."""
    style = _style(name)
    return any(_style(field) == style for row in body for field in row if field.strip())


def _style(text: str) -> tuple[bool, bool, bool]:
    return text[:1].islower(), text.isupper(), "_" in text


def joined(rows: Sequence[Row]) -> list[str]:
    """The names that several header rows give: see `project.source.Dialect.header_rows`."""
    width = max(map(len, rows), default=0)
    names: list[list[str]] = [[] for _ in range(width)]
    for number, row in enumerate(rows, start=1):
        above = ""
        for place, text in enumerate([*row, *[""] * (width - len(row))]):
            above = text.strip() or (above if number < len(rows) else "")
            if above and above not in names[place]:
                names[place].append(above)
    return (
        [" ".join(parts) for parts in names]
        if len(rows) > 1
        else [name for row in rows for name in row]
    )


def fitted(names: Sequence[str], width: int) -> list[str]:
    """The names without the empty ones, if just these are too many for so many columns."""
    filled = [name for name in names if name.strip()]
    return filled if len(names) > len(filled) == width else list(names)


def is_names(row: Row, body: Sequence[Row]) -> bool:
    """Whether a row certainly names the columns of the rows below it.

    None of its fields is a number or date, and in most columns that hold such values it has words.
    """
    typed = typed_columns(body)
    kinds = [_name_kind(row, place) for place in typed]
    words = kinds.count(cells.Kind.WORDS)
    is_enough = len(typed) >= _TYPED_COLUMNS_MIN and words * 2 >= len(typed)
    return is_enough and not any(_name_kind(row, n) in _TELLING for n in range(len(row)))


def is_name(text: str) -> bool:
    """Whether a text may name a column: it is no number, date or the like."""
    return _name_kind([text], 0) is cells.Kind.WORDS


def is_usual(text: str) -> bool:
    """Whether a text names columns far more often than it is a value."""
    return _USUAL.fullmatch(text.strip()) is not None


def typed_columns(body: Sequence[Row]) -> list[int]:
    """The columns that hold values of a telling kind, by place."""
    columns = []
    rows = body[:_BODY_RECORDS_MAX]
    for place in range(max(map(len, rows), default=0)):
        kinds = [cells.kind(row[place]) for row in rows if place < len(row) and row[place].strip()]
        if kinds and sum(kind in _TELLING for kind in kinds) >= _SAME_KIND_SHARE * len(kinds):
            columns.append(place)
    return columns


def is_of_words(column: Sequence[str]) -> bool:
    """Whether there are texts in a column, and hardly any of a telling kind."""
    telling = sum(cells.kind(text) in _TELLING for text in column)
    return bool(column) and telling <= (1 - _SAME_KIND_SHARE) * len(column)


def count_rows(rows: Sequence[Row]) -> int:
    """How many rows of names there are; 1 where there is no sign of a second."""
    for count in range(min(_HEADER_ROWS_MAX, len(rows) - 1), 1, -1):
        upper, last, body = rows[: count - 1], rows[count - 1], rows[count:]
        # A header may lack a separator, or have one too many; a record that is torn is none.
        if any(abs(len(row) - _usual_width(body)) > 1 for row in rows[1:count]):
            continue
        if _is_completed(rows[:count], body):
            return count
        if any(_is_title(row) for row in upper):
            continue
        if is_names(last, body) and not any(_has_values(row, body) for row in upper):
            return count
        if all(map(_is_spanning, upper)) and _is_full(last) and _is_begun(body):
            return count
    return 1


def _usual_width(rows: Sequence[Row]) -> int:
    return Counter(map(len, rows)).most_common(1)[0][0]


def _has_values(row: Row, body: Sequence[Row]) -> bool:
    """Whether a row holds a value in a column of values, or nothing at all."""
    kinds = [_name_kind(row, place) for place in typed_columns(body)]
    return any(kind in _TELLING for kind in kinds) or not any(map(str.strip, row))


def _name_kind(row: Row, place: int) -> cells.Kind:
    text = row[place].strip(_AROUND) if place < len(row) else ""
    if text.lower() in _NO_NAMES:
        return cells.Kind.EMPTY
    kind = cells.kind(text)
    return cells.Kind.WORDS if kind is cells.Kind.OTHER or _is_year(text) else kind


def _is_title(row: Row) -> bool:
    """Whether a row holds nothing but a text in its first field."""
    return len(row) > 2 and bool(row[0].strip()) and not any(map(str.strip, row[1:]))


def _is_completed(rows: Sequence[Row], body: Sequence[Row]) -> bool:
    """Whether lower rows of a header add names just where the first row has none, or a wide one.

    A wide name stands over empty fields. One of the columns that get a name so has to hold values.
    """
    first, *lower = rows
    width = len(first)
    named = [bool(text.strip()) for text in first]
    is_open = [not named[n] or not all(named[n + 1 : n + 2]) for n in range(width)]
    if not named[0] or sum(named) < 2 or not any(map(str.strip, lower[-1])):
        return False
    if any(len(row) != width or row[0].strip() for row in lower):
        return False
    if any(_name_kind(row, place) in _TELLING for row in rows for place in range(width)):
        return False
    added = [any(row[place].strip() for row in lower) for place in range(width)]
    new = {place for place in range(width) if added[place] and not named[place]}
    is_fitting = all(map(int.__ge__, is_open, added))
    return is_fitting and any(place in new for place in typed_columns(body))


def _is_spanning(row: Row) -> bool:
    """Whether a row may stand over a header: its first field and at least half are empty."""
    filled = [text for text in row if text.strip()]
    is_named = not any(cells.kind(text) in _TELLING and not _is_year(text) for text in filled)
    return len(row) > 2 and not row[0].strip() and 0 < len(filled) <= len(row) / 2 and is_named


def _is_begun(body: Sequence[Row]) -> bool:
    """Whether enough rows follow, all with something in their first field."""
    return len(body) >= _SPANNED_RECORDS_MIN and all(row[:1] and row[0].strip() for row in body)


def _is_full(row: Row) -> bool:
    names = {text.strip() for text in row if text.strip()}
    return len(names) == len(row) and not any(cells.kind(text) in _TELLING for text in row)


def _vote(name: str, values: Sequence[str]) -> float:
    """How much one column speaks for (positive) or against a header."""
    filled = [value for value in values if value.strip()]
    if not filled or not name.strip():
        return 0
    kinds = [cells.kind(value) for value in filled]
    main = max(_TELLING, key=kinds.count)
    head = cells.kind(name.strip(_AROUND))
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

"""Find where a table ends before its file does: at a footer, or where another table starts.

Looks at records that were split already, and only where the whole file is before it; of a larger
one, for empty rows at its end. What stands behind a table's end is kept for quarantine: it is no
record, but nobody else has it.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from io import SEEK_END
from typing import BinaryIO

from lakewright.ingest import heading
from lakewright.ingest.splitting import Record
from lakewright.project.source import Dialect

_OTHER_RECORDS_MIN = 2
_CLOSE_RECORDS_MIN = 4  # A few records of another width may as well be damaged.
_CLOSE_SHARE = 0.9
_TAIL_BYTES = 1 << 12


@dataclass(frozen=True, kw_only=True, slots=True)
class End:
    """Where a table ends."""

    byte: int
    """Position of the first record behind it."""
    records: int
    """How many stand there."""
    what: str
    """What they are, as the problem with which they are refused."""
    is_table: bool
    """Whether they are another table, which somebody may miss."""


IsRecord = Callable[[str], bool]


def find(
    records: Sequence[Record], width: int, sample: bytes, is_record: IsRecord, header_rows: int = 1
) -> End | None:
    """Where the table ends, if that is before the last of its file's records.

    Args:
        records: of the file, from the table's header or else its first record on.
        width: of the table.
        sample: the file, in which the records lie.
        is_record: whether a text may be a record after all, though it has too few fields.
        header_rows: how many records may be the header; the table does not end among them.
    """
    if width < 2:
        return None
    places = range(header_rows + 1, len(records))
    gaps = [n for n in places if _is_apart(records[n - 1], records[n], sample)]
    for gap in gaps:
        block = _block(records, gap)
        rest = records[gap:]
        is_over = len(block[0].fields) == width or not _is_common(rest, width)
        if is_over and _is_other_table(block, records[1:gap], width):
            return _end(records, gap, "another table starts here", is_table=True)
        if all(_is_note(record, width, is_record) for record in rest):
            what = "an empty row" if all(map(_is_empty, rest)) else "a footer"
            return _end(records, gap, what, is_table=False)
    place = _other_width(records, width)
    if place is not None:
        return _end(records, place, "another table starts here", is_table=True)
    last = len(records)
    while last > 1 and (_is_note_line(records[last - 1], width, is_record)):
        last -= 1
    if last == len(records):
        return None
    what = "an empty row" if all(map(_is_empty, records[last:])) else "a footer"
    return _end(records, last, what, is_table=False)


def find_empty_rows(file: BinaryIO, start: int, dialect: Dialect) -> End | None:
    """Where the rows of nothing but delimiters start that end a file of any size.

    Args:
        file: UTF-8 text.
        start: of the table's body.
        dialect: pinned.
    """
    blanks = b"\r\n" + (dialect.delimiter or ",").encode()
    size = file.seek(0, SEEK_END)
    length = _TAIL_BYTES
    while True:
        length = min(length, size - start)
        file.seek(size - length)
        tail = file.read(length)
        content = len(tail.rstrip(blanks))
        if content or length == size - start:
            break
        length *= 2
    # The first of them is the end of the last record.
    rows = tail[content:].splitlines(keepends=True)
    empty = [row for row in rows[1:] if row.rstrip(b"\r\n")]
    if not content or not empty:
        return None
    byte = size - sum(map(len, rows[1:]))
    return End(byte=byte, records=len(empty), what="an empty row", is_table=False)


def _other_width(records: Sequence[Record], width: int) -> int | None:
    """Where a table of another width starts without a gap before it; it goes on to the end."""
    widths = [len(record.fields) for record in records]
    behind = Counter(widths[1:])
    for place in range(1, len(widths) - _CLOSE_RECORDS_MIN + 1):
        other, rest = widths[place], len(widths) - place
        is_over = (
            behind[other] >= _CLOSE_SHARE * rest and behind[width] <= (1 - _CLOSE_SHARE) * rest
        )
        if 1 < other != width and is_over:
            block = [record.fields for record in records[place:]]
            if heading.is_names(block[0], block[1:]):
                return place
        behind[other] -= 1
    return None


def _is_note_line(record: Record, width: int, is_record: IsRecord) -> bool:
    """Whether a record may be left out at a file's very end."""
    return _is_empty(record) or (_is_short(record, width) and not is_record(record.raw))


def _end(records: Sequence[Record], place: int, what: str, *, is_table: bool) -> End:
    while place > 1 and _is_empty(records[place - 1]):
        place -= 1
    return End(byte=records[place].byte, records=len(records) - place, what=what, is_table=is_table)


def _is_apart(before: Record, record: Record, sample: bytes) -> bool:
    """Whether a blank line, or a record of empty fields, stands between two records."""
    between = sample[before.byte + len(before.raw.encode()) : record.byte]
    ends = between.count(b"\n") or between.count(b"\r")  # A line may end with LF CR, too.
    return ends > 1 or (_is_empty(before) and not _is_empty(record))


def _is_empty(record: Record) -> bool:
    return bool(record.fields) and not any(field.strip() for field in record.fields)


def _is_common(records: Sequence[Record], width: int) -> bool:
    return sum(len(record.fields) == width for record in records) * 10 > len(records)


def _block(records: Sequence[Record], start: int) -> Sequence[Record]:
    """The records from one on that have as many fields as it."""
    width = len(records[start].fields)
    end = start
    while end < len(records) and len(records[end].fields) == width:
        end += 1
    return records[start:end]


def _is_other_table(block: Sequence[Record], before: Sequence[Record], width: int) -> bool:
    """Whether a block has a header of its own, over records unlike those before it."""
    fields = [record.fields for record in block]
    if len(block) < _OTHER_RECORDS_MIN or len(fields[0]) < 2:
        return False
    if len(fields[0]) != width:
        return True
    if not heading.is_names(fields[0], fields[1:]):
        return False
    # A record with words in place of numbers has its like before it; a header has not.
    rows = [record.fields for record in before if len(record.fields) == width]
    return not any(heading.is_names(row, fields[1:]) for row in rows) or _is_unlike(rows, fields)


def _is_unlike(rows: Sequence[Sequence[str]], others: Sequence[Sequence[str]]) -> bool:
    """Whether the columns of values are others in the one table than in the other."""
    return heading.typed_columns(rows) != heading.typed_columns(others[1:])


def _is_note(record: Record, width: int, is_record: IsRecord) -> bool:
    """Whether a record is a line of text, perhaps filled up with delimiters."""
    if len(record.fields) == width:
        return sum(bool(field.strip()) for field in record.fields) <= (width > 2)
    return _is_short(record, width) and not is_record(record.raw)


def _is_short(record: Record, width: int) -> bool:
    return 0 < len(record.fields) <= max(1, (width - 1) // 2)

"""Say which of the records that were split all at once are none of their table's, and why.

A record becomes an object, and is judged by itself, only where the bytes of its block say that
something may be wrong with it: almost none is.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy

from lakewright.ingest import marks, salvage, splitting
from lakewright.ingest.block import Found
from lakewright.ingest.marks import Flags, Places
from lakewright.project.source import Dialect


@dataclass(frozen=True, kw_only=True, slots=True)
class Table:
    """What is known of a table before it is read."""

    dialect: Dialect
    """Pinned."""
    names: Sequence[str]
    """Of its columns."""
    headers: Sequence[Sequence[str]]
    """The header's records, which are none of the table's where they stand again."""
    end: int | None
    """The first byte of the file that is not the table's, if there is one."""
    problem: Callable[[splitting.Record], str | None]
    """Why a record is none of the table's, or cannot be read."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Stretch:
    """Some bytes of a file, and the records in them."""

    data: bytes
    position: int
    """Of its first byte, in the file."""
    found: Found

    def record(self, row: int) -> splitting.Record:
        """One of the records that were found."""
        found = self.found
        start, first = int(found.starts[row]), int(found.firsts[row])
        fields = slice(first, first + int(found.counts[row]))
        places = zip(
            found.field_starts[fields].tolist(), found.field_ends[fields].tolist(), strict=True
        )
        return splitting.Record(
            byte=self.position + start,
            raw=self.data[start : int(found.ends[row])].decode(),
            fields=[found.content[begin:end].tobytes().decode() for begin, end in places],
        )


def problems(table: Table, stretch: Stretch) -> dict[int, str]:
    """Why records are refused: first of those that were found, then of those that were read."""
    found, width = stretch.found, len(table.names)
    refused: dict[int, str] = {}
    for count in set(found.counts[found.counts != width].tolist()):
        rows = numpy.flatnonzero(found.counts == count).tolist()
        refused |= dict.fromkeys(rows, splitting.width_problem(count, width) or "")
    suspects = numpy.flatnonzero(_suspects(table, stretch)).tolist()
    doubtful = [(row, stretch.record(row)) for row in suspects]
    for row, record in (*doubtful, *enumerate(found.read, len(found.starts))):
        problem = table.problem(record)
        if problem:
            refused[row] = problem
    return refused


def _suspects(table: Table, stretch: Stretch) -> Flags:
    """The records that were found, but may be none of the table's, be their width right or not."""
    found, quote = stretch.found, (table.dialect.quote or "").encode()
    suspects = numpy.zeros(len(found.starts), dtype=numpy.bool_)
    if not len(suspects):
        return suspects
    if table.end is not None:
        suspects |= found.starts + stretch.position >= table.end
    for header in table.headers:
        suspects[_of_sizes(found, [len(name.encode()) for name in header])] = True
    for other in salvage.QUOTES:
        if other != table.dialect.quote and other.encode() in stretch.data:
            suspects |= _in_quotes(found, ord(other))
    if quote and quote in stretch.data:
        suspects[_torn(table.dialect, stretch)] = True
    return suspects


def _of_sizes(found: Found, sizes: Sequence[int]) -> Places:
    """The records that have just so many fields, of these sizes."""
    rows = numpy.flatnonzero(found.counts == len(sizes))
    for place, size in enumerate(sizes):
        fields = found.firsts[rows] + place
        rows = rows[found.field_ends[fields] - found.field_starts[fields] == size]
        if not len(rows):
            break
    return rows


def _in_quotes(found: Found, quote: int) -> Flags:
    """The records with such a quote around all fields, and before the last one."""
    behind = found.firsts + found.counts - 1
    opens = found.content.take(numpy.minimum(found.field_starts, len(found.content) - 1)) == quote
    is_quoted: Flags = opens[behind] & (found.counts > 1)
    if is_quoted.any():
        closes = found.content.take(found.field_ends - 1) == quote
        closes[behind] = True
        is_quoted &= numpy.logical_and.reduceat(opens & closes, found.firsts)
    return is_quoted


def _torn(dialect: Dialect, stretch: Stretch) -> Places:
    """The records with a quote as a character of a field, and one that two texts touch."""
    found, quote = stretch.found, (dialect.quote or "").encode()
    rows = _touched(dialect, stretch)
    counts = found.counts[rows]
    firsts = numpy.cumsum(counts) - counts
    fields = numpy.arange(counts.sum()) + numpy.repeat(found.firsts[rows] - firsts, counts)
    starts, ends = found.field_starts[fields], found.field_ends[fields]
    quotes = numpy.flatnonzero(found.content == quote[0]) if len(rows) else rows
    is_stray = numpy.searchsorted(quotes, starts) < numpy.searchsorted(quotes, ends)
    if not _has_escaped(dialect, stretch, rows):  # Else the text in quotes is another one.
        before = starts - len(quote)
        is_quoted = marks.starting(quote, found.content, numpy.maximum(before, 0))
        is_stray &= ~is_quoted | (before < 0)
    return numpy.unique(numpy.repeat(rows, counts)[is_stray])


def _touched(dialect: Dialect, stretch: Stretch) -> Places:
    """The records with a quote, or two, between texts that it touches."""
    quote, delimiter = (dialect.quote or "").encode(), (dialect.delimiter or ",").encode()
    is_text = numpy.ones(256, dtype=numpy.bool_)
    is_text[list(b" \t\r\n\v\f")] = False
    for mark in (delimiter, quote):
        is_text[mark[0]] = len(mark) > 1  # Its bytes may stand alone, or for something else.
    count = len(stretch.data)
    padded = b"\n%b%b" % (stretch.data, b"\n" * 8)
    is_quote = numpy.frombuffer(padded, dtype=numpy.uint8) == quote[0]
    texts = numpy.frombuffer(padded.translate(is_text.tobytes()), dtype=numpy.bool_)
    behind = slice(1 + len(quote), 1 + len(quote) + count)
    is_touched = texts[behind] | (is_quote[behind] & texts[3 : 3 + count])
    places = numpy.flatnonzero(is_quote[1 : 1 + count] & texts[:count] & is_touched)
    rows = numpy.searchsorted(stretch.found.starts, places, side="right") - 1
    return numpy.unique(rows[rows >= 0])


def _has_escaped(dialect: Dialect, stretch: Stretch, rows: Places) -> bool:
    """Whether some of these records may hold what is not written as it would be now."""
    escape, found = marks.escape_of(dialect).encode(), stretch.found
    if not escape or found.has_doubled:
        return bool(escape)
    others = (escape, (dialect.delimiter or ",").encode())
    values = numpy.frombuffer(stretch.data, dtype=numpy.uint8)
    behind = values[len(escape) :]
    is_escape = values[: len(behind)] == escape[0]
    if not any((is_escape & (behind == other[0])).any() for other in others):
        return False
    places = zip(found.starts[rows].tolist(), found.ends[rows].tolist(), strict=True)
    raws = b"\n".join(stretch.data[start:end] for start, end in places)
    return any(escape + other in raws for other in others)

"""Split delimited text into records and fields, exactly, by rules of our own.

These rules say what a delimited file means; the fast path is only taken where it gives the same.

- A line ends at CR LF, LF or CR. A blank line is no record, unless the table has one column.
- A field that starts with the quote is quoted: up to the closing quote everything is its text, line
  ends too. Two quotes there stand for one, whatever the escape is.
- A quote anywhere else in an unquoted field is a character like any other.
- After a closing quote comes a delimiter or the line's end. Anything else, or no closing quote at
  all, spoils the record: its first line is refused, and what follows is read anew, so that one
  stray quote costs one line and never the rest of the file.
- Where there is no escape, a quote closes its field only where the field may end, and any other
  inside it is a character; a quote that looks like the start of another field spoils the record.
- A backslash, where it is the escape, makes a quote, delimiter, line end or backslash literal, in
  and outside quotes; before any other character it is itself.
- Where blanks are dropped around fields and the delimiter is a blank, a run of blanks is one.
- A record whose bytes are no UTF-8 is refused.
"""

import csv
import re
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import BinaryIO, NamedTuple

from lakewright.project.source import Dialect

BLOCK_BYTES = 1 << 20
RECORD_BYTES_MAX = 1 << 27
"""A quote that is not closed within 128 MiB is taken as stray: it would swallow the whole file."""
RECORD_LINES_MAX = 1 << 18
"""The same for some 260,000 lines, each of which costs memory however short it is."""


OUTSIDE = "outside the table: "
"""What the problem of a record starts with that is sound but none of the table's: a footer, a
header once more, another table."""


class Record(NamedTuple):
    """One record as it stands in the file."""

    byte: int
    """Position of its first byte."""
    raw: str
    """Its text, without the line's end."""
    fields: list[str]
    """Empty where the record has a problem."""
    problem: str | None = None


class Splitter:
    """Reads the records of one range of a file.

    Args:
        file: UTF-8 text; read from `start`, which must be the start of a record.
        dialect: pinned; `header` and `skip_lines` are the caller's concern.
        start: in bytes.
        stop: records that start here or behind are left alone; None: read to the end.
        keeps_blank: whether a blank line is a record of one empty field.
    """

    def __init__(
        self,
        file: BinaryIO,
        dialect: Dialect,
        *,
        start: int = 0,
        stop: int | None = None,
        keeps_blank: bool = False,
    ) -> None:
        self.position = start
        """Where the next record would start; after the last one, where reading stopped."""
        self._stop = stop
        self._keeps_blank = keeps_blank
        self._lines = _lines(file, start)
        self._returned: deque[bytes] = deque()
        self._delimiter = dialect.delimiter or ","
        self._quote = dialect.quote or ""
        self._is_trimmed = dialect.is_trimmed
        self._comment = (dialect.comment or "").encode()
        self._escape = dialect.escape if dialect.escape and dialect.escape != dialect.quote else ""
        self._has_escape = dialect.escape != "" or not self._quote
        self._blanks = "".join(blank for blank in " \t" if blank not in self._delimiter)
        self._joins_blanks = self._is_trimmed and self._delimiter == " "
        self._inside = _any_of(self._quote, self._escape)
        self._outside = _any_of(self._delimiter, self._escape)

    def __iter__(self) -> Iterator[Record]:
        """Every record, in order."""
        is_simple = len(self._delimiter) == 1 and len(self._quote) <= 1 and self._has_escape
        if is_simple and not self._is_trimmed:
            return self._by_library()
        return self.by_hand()

    def _by_library(self) -> Iterator[Record]:
        """The same with Python's means; its csv in strict mode has our rules for what it takes."""
        csv.field_size_limit(RECORD_BYTES_MAX)
        quote, escape, delimiter = self._quote.encode(), self._escape.encode(), self._delimiter
        feed = _Feed(self, escape)
        reader = csv.reader(
            feed,
            delimiter=self._delimiter,
            quotechar=self._quote or None,
            quoting=csv.QUOTE_MINIMAL if self._quote else csv.QUOTE_NONE,
            strict=True,
        )
        while self.may_start():
            line = self.take()
            if line is None:
                return
            byte = self.position
            content = line.rstrip(b"\r\n")
            if (not content and not self._keeps_blank) or self.is_comment(line):
                self.position += len(line)
                continue
            if quote and quote in line and not (escape and escape in line):
                fields = feed.split(reader, line)
                if fields:
                    self.position = byte + feed.size_bytes
                    yield Record(byte, "".join(feed.texts).rstrip("\r\n"), fields)
                    continue
            elif not (escape and escape in line):
                with suppress(UnicodeDecodeError):
                    text = content.decode()
                    self.position += len(line)
                    yield Record(byte, text, text.split(delimiter))
                    continue
            self.give_back([line])
            record = self._next_by_hand()
            if record is not None:
                yield record

    def by_hand(self) -> Iterator[Record]:
        """Every record, in order, without the help of Python's csv: the rules themselves."""
        while self.may_start():
            record = self._next_by_hand()
            if record is None:
                return
            yield record

    def read_one(self, position: int, lines: Iterator[bytes]) -> Record:
        """The record that starts with the first of these lines, by the rules themselves.

        Args:
            position: of that line; the line is not to be ignored.
            lines: from that one on, as many as are asked for.
        """
        self.position = position
        self._lines = lines
        self._returned.clear()
        record = self._next_by_hand()
        if record is None:
            raise ValueError(f"no record starts at byte {position}")
        return record

    def may_start(self) -> bool:
        """Whether a record may start where reading stands."""
        return self._stop is None or self.position < self._stop

    def take(self) -> bytes | None:
        """The next line of the file with its end."""
        return self._returned.popleft() if self._returned else next(self._lines, None)

    def give_back(self, lines: Sequence[bytes]) -> None:
        """Lines that were taken and are to be read anew."""
        self._returned.extendleft(reversed(lines))

    def is_comment(self, line: bytes) -> bool:
        """Whether a line that would start a record is to be ignored."""
        return bool(self._comment) and line.startswith(self._comment)

    def _next_by_hand(self) -> Record | None:
        while (line := self.take()) is not None:
            byte = self.position
            self.position += len(line)
            content = line.rstrip(b"\r\n")
            if self.is_comment(line) or not (content or self._keeps_blank):
                if not self.may_start():
                    return None
                continue
            try:
                text = content.decode()
            except UnicodeDecodeError as error:
                problem = f"byte 0x{content[error.start]:02x} is not UTF-8"
                return Record(byte, content.decode(errors="replace"), [], problem)
            if (self._quote and self._quote in text) or (self._escape and self._escape in text):
                return self._quoted(byte, text, line)
            fields = text.split(self._delimiter)
            return Record(byte, text, self._trimmed(fields) if self._is_trimmed else fields)
        return None

    def _trimmed(self, fields: list[str]) -> list[str]:
        if self._joins_blanks:
            return [field for field in fields if field] or [""]
        return [field.strip(self._blanks) for field in fields]

    def _quoted(self, byte: int, text: str, line: bytes) -> Record:
        """A record with quotes or escapes in it; it may go on for several lines."""
        cursor = _Cursor(text, line)
        fields: list[str] = []
        try:
            self._join_blanks(cursor)
            while True:
                start = self._behind_blanks(cursor) if self._is_trimmed else cursor.at
                if self._quote and cursor.text.startswith(self._quote, start):
                    cursor.at = start + len(self._quote)
                    fields.append(self._inside_quotes(cursor, len(fields) + 1))
                else:
                    fields.append(self._without_quotes(cursor))
                if cursor.at >= len(cursor.text):
                    break
                cursor.at += len(self._delimiter)
                self._join_blanks(cursor)
                if self._joins_blanks and cursor.at >= len(cursor.text):
                    break
                # Any other delimiter at the very end is followed by one more, empty field.
        except _SpoiltError as error:
            self.give_back(cursor.taken[1:])
            return Record(byte, text, [], str(error))
        if len(cursor.taken) == 1:
            return Record(byte, text, fields)
        self.position = byte + cursor.size_bytes
        raw = b"".join(cursor.taken).decode()
        return Record(byte, raw[: len(raw) - cursor.ending_length], fields)

    def _inside_quotes(self, cursor: "_Cursor", number: int) -> str:
        pieces: list[str] = []
        quote = self._quote
        while True:
            found = self._inside.search(cursor.text, cursor.at)
            if found is None:
                pieces.append(cursor.text[cursor.at :])
                pieces.append(self._next_line(cursor, f"the quote that opens field {number}"))
                continue
            pieces.append(cursor.text[cursor.at : found.start()])
            cursor.at = found.end()
            if not self._has_escape and not self._closes(cursor, found.start(), number):
                pieces.append(quote)
            elif found.group() == self._escape:
                pieces.append(self._escaped(cursor))
            elif self._has_escape and cursor.text.startswith(quote, cursor.at):
                pieces.append(quote)
                cursor.at += len(quote)
            else:
                break
        if self._is_trimmed:
            cursor.at = self._behind_blanks(cursor)
        if cursor.at < len(cursor.text) and not cursor.text.startswith(self._delimiter, cursor.at):
            raise _SpoiltError(f"text follows the closing quote of field {number}")
        return "".join(pieces)

    def _closes(self, cursor: "_Cursor", at: int, number: int) -> bool:
        """Whether a quote inside a field closes it, where there is no escape."""
        text, end = cursor.text, at + len(self._quote)
        if end >= len(text) or text.startswith(self._delimiter, end):
            return True
        before = text[:at].rstrip(self._blanks) if self._is_trimmed else text[:at]
        is_opening = not before or before.endswith(self._delimiter)
        if is_opening and text[end] not in self._blanks + " ":
            raise _SpoiltError(f"a quote opens inside field {number}, which is not closed")
        return False

    def _join_blanks(self, cursor: "_Cursor") -> None:
        while self._joins_blanks and cursor.text.startswith(" ", cursor.at):
            cursor.at += 1

    def _behind_blanks(self, cursor: "_Cursor") -> int:
        at = cursor.at
        while at < len(cursor.text) and cursor.text[at] in self._blanks:
            at += 1
        return at

    def _without_quotes(self, cursor: "_Cursor") -> str:
        if not self._escape:
            start, text = cursor.at, cursor.text
            end = text.find(self._delimiter, start)
            cursor.at = len(text) if end < 0 else end
            field = text[start : cursor.at]
            return field.strip(self._blanks) if self._is_trimmed else field
        pieces: list[str] = []
        while True:
            found = self._outside.search(cursor.text, cursor.at)
            if found is None:
                pieces.append(cursor.text[cursor.at :])
                cursor.at = len(cursor.text)
                break
            pieces.append(cursor.text[cursor.at : found.start()])
            cursor.at = found.start()
            if found.group() != self._escape:
                break
            cursor.at = found.end()
            pieces.append(self._escaped(cursor))
        field = "".join(pieces)
        return field.strip(self._blanks) if self._is_trimmed else field

    def _escaped(self, cursor: "_Cursor") -> str:
        """What the escape that was just passed stands for, together with what follows it."""
        if cursor.at >= len(cursor.text):
            return self._next_line(cursor, "the escape at the line's end")
        for mark in (self._quote, self._delimiter, self._escape):
            if mark and cursor.text.startswith(mark, cursor.at):
                cursor.at += len(mark)
                return mark
        return self._escape

    def _next_line(self, cursor: "_Cursor", what: str) -> str:
        """Go on to the next line; what ended the present one is part of the field."""
        line = self.take()
        if line is None:
            raise _SpoiltError(f"{what} is never closed")
        cursor.taken.append(line)
        cursor.size_bytes += len(line)
        if cursor.size_bytes > RECORD_BYTES_MAX or len(cursor.taken) > RECORD_LINES_MAX:
            limits = f"{RECORD_LINES_MAX:,} lines and {RECORD_BYTES_MAX:,} bytes"
            raise _SpoiltError(f"{what} is not closed within {limits}")
        ending = cursor.ending
        content = line.rstrip(b"\r\n")
        try:
            cursor.text = content.decode()
        except UnicodeDecodeError as error:
            problem = f"{what} is closed behind byte 0x{content[error.start]:02x}, no UTF-8"
            raise _SpoiltError(problem) from error
        cursor.at = 0
        cursor.ending = line[len(content) :].decode()
        return ending


class _Feed:
    """Gives a splitter's lines to Python's csv, record by record."""

    def __init__(self, splitter: Splitter, escape: bytes) -> None:
        self.texts: list[str] = []
        """The lines of the present record."""
        self.size_bytes = 0
        self._splitter = splitter
        self._escape = escape
        self._lines: list[bytes] = []
        self._first: bytes | None = None

    def split(self, reader: Iterator[list[str]], line: bytes) -> list[str] | None:
        """The fields of the record that starts with this line.

        None: csv cannot split it by our rules; the lines behind the first one are given back.
        """
        self.texts.clear()
        self._lines.clear()
        self.size_bytes = 0
        self._first = line
        try:
            return next(reader)
        except (csv.Error, UnicodeDecodeError):
            self._splitter.give_back(self._lines[1:])
            return None

    def __iter__(self) -> "_Feed":
        return self

    def __next__(self) -> str:
        line, self._first = self._first, None
        if line is None:
            line = self._splitter.take()
        if line is None:
            raise StopIteration
        self._lines.append(line)
        self.size_bytes += len(line)
        if self.size_bytes > RECORD_BYTES_MAX or len(self._lines) > RECORD_LINES_MAX:
            raise csv.Error("the record is too long")
        if self._escape and self._escape in line:
            raise csv.Error("our rule for escapes is another one")
        text = line.decode()
        self.texts.append(text)
        return text


class _Cursor:
    """Where a record is being read."""

    __slots__ = ("at", "ending", "size_bytes", "taken", "text")

    def __init__(self, text: str, line: bytes) -> None:
        self.text = text
        self.at = 0
        self.taken = [line]
        self.size_bytes = len(line)
        self.ending = line[len(line.rstrip(b"\r\n")) :].decode()

    @property
    def ending_length(self) -> int:
        return len(self.ending)


def _any_of(*marks: str) -> re.Pattern[str]:
    return re.compile("|".join(re.escape(mark) for mark in marks if mark) or r"(?!)")


class _SpoiltError(Exception):
    """A record cannot be split; the message says why."""


def _lines(file: BinaryIO, start: int) -> Iterator[bytes]:
    """The lines from a position on, each with its end."""
    file.seek(start)
    pieces: list[bytes] = []  # Of a line that is longer than a block.
    while block := file.read(BLOCK_BYTES):
        if pieces and pieces[-1].endswith(b"\r"):
            pieces[-1] += block[:1]
            block = block[1:]
        lines = block.splitlines(keepends=True)
        if not lines:
            continue
        pieces.append(lines[0])
        if len(lines) == 1 and not lines[0].endswith(b"\n"):
            continue
        last = lines.pop() if not lines[-1].endswith(b"\n") else b""
        yield from b"".join(pieces).splitlines(keepends=True)
        yield from lines[1:]
        pieces = [last] if last else []
    yield from b"".join(pieces).splitlines(keepends=True)


def width_problem(fields: int, width: int) -> str | None:
    """Why a record of so many fields is refused in a table of `width` columns, if it is."""
    if fields == width:
        return None
    return f"{fields:,} {'field' if fields == 1 else 'fields'} where {width:,} are expected"


def skip_lines(file: BinaryIO, start: int, count: int) -> int:
    """Where the line behind the next `count` lines starts."""
    position = start
    for _, line in zip(range(count), _lines(file, start), strict=False):
        position += len(line)
    return position

"""Read a record that the rules refuse, as well as a person would.

Loading never does this: there such a record goes to quarantine, as it stands in the file. But who
wants the whole file as text, or the names in a damaged header, is better served by what is most
likely meant than by nothing.

- A quote ends a field only where a delimiter or the record's end follows; any other is a character
  like all others. So is one that opens a field but would then leave too few fields.
- Text behind a closing quote belongs to the field where nothing else gives enough fields.
- A record in another delimiter than its file's, or in other quotes, is read so if it then has the
  table's width.
- A record with too few or too many fields is left as it is: what is missing is empty, what is too
  much stands behind the last column. One with less than half of the fields is none of the table's.
"""

import io
from collections.abc import Iterator, Sequence
from dataclasses import replace
from enum import IntEnum

from lakewright.ingest import splitting
from lakewright.project.source import Dialect

_DELIMITERS = (",", ";", "\t", "|", " ")
_QUOTES = ('"', "'", "`")
_TRIES_MAX = 4000
"""Each stray quote doubles the ways to read a record; beyond so many steps it is left as it is."""
LINES_MAX = 16
"""A spoilt record is refused line by line; so many lines are tried together."""


def records(raws: Sequence[str], dialect: Dialect, width: int) -> Iterator[list[str] | None]:
    """The fields of successive refused records, or None for each that is none of the table's.

    Args:
        raws: their texts as they stand in the file, without the lines' ends.
        dialect: pinned, of their file.
        width: of their table.

    Yields:
        As many fields as the table has, or more. One record for several texts where they are its
        lines: a record that is spoilt by a quote is refused line by line.
    """
    place = 0
    while place < len(raws):
        found, lines = _of_lines(raws[place : place + LINES_MAX], dialect, width)
        yield found or fields(raws[place], dialect, width)
        place += lines


def _of_lines(raws: Sequence[str], dialect: Dialect, width: int) -> tuple[list[str] | None, int]:
    """A record that starts with the first text and has closed all its quotes, and its lines."""
    if _strict(raws[0], dialect) is None:
        for lines in range(1, len(raws) + 1):
            for reading in _Reader("\n".join(raws[:lines]), dialect, _Leniency.CLOSING).read():
                if len(reading) == width:
                    return reading, lines
    return None, 1


def fields(raw: str, dialect: Dialect, width: int) -> list[str] | None:
    """The fields of one refused record; None if it is none of the table's."""
    found = whole(raw, dialect, width) or _strict(raw, dialect) or _likeliest(raw, dialect)
    if len(found) * 2 < width or (len(found) == 1 and width > 1):
        return None
    return found + [""] * (width - len(found))


def whole(
    raw: str, dialect: Dialect, width: int, delimiters: Sequence[str] = _DELIMITERS
) -> list[str] | None:
    """The fields if there is a way to read the record with exactly so many."""
    strict = _strict(raw, dialect)
    if strict is None:
        quote = dialect.quote or ""
        is_odd = bool(quote) and raw.count(quote) % 2 == 1
        leniency = _Leniency.OPEN if is_odd else _Leniency.MERGED
        for reading in _Reader(raw, dialect, leniency).read():
            if len(reading) == width:
                return reading
    elif len(strict) == width and not is_in_other_quotes(strict, dialect):
        return strict
    for other in _others(raw, dialect, width, delimiters):
        is_torn = strict is not None and len(strict) >= width - 1  # Rather a separator too few.
        if not is_torn or other.delimiter == dialect.delimiter:
            found = _strict(raw, other)
            if found is not None and len(found) == width:
                return found
    return None


def is_in_other_quotes(found: Sequence[str], dialect: Dialect) -> bool:
    """Whether all fields of a record stand in quotes that are none in its file."""
    return (
        len(found) > 1
        and any(
            mark != dialect.quote
            and found[-1].startswith(mark)  # The last one may go on in the next line.
            and all(len(text) > 1 and text[0] == mark == text[-1] for text in found[:-1])
            for mark in _QUOTES
        )
    )


def _others(raw: str, dialect: Dialect, width: int, delimiters: Sequence[str]) -> Iterator[Dialect]:
    """Dialects in which a single record may be written."""
    for delimiter in (dialect.delimiter or ",", *delimiters):
        for quote in (dialect.quote or "", *_QUOTES):
            is_same = (delimiter, quote) == (dialect.delimiter, dialect.quote)
            if (
                width > 1
                and delimiter in raw
                and not is_same
                and (quote == dialect.quote or quote in raw)
            ):
                yield replace(dialect, delimiter=delimiter, quote=quote, escape=quote)


def _strict(raw: str, dialect: Dialect) -> list[str] | None:
    """The fields by the rules of `splitting`, if they take the text as one record."""
    splitter = splitting.Splitter(io.BytesIO(raw.encode()), replace(dialect, comment=""))
    found = next(iter(splitter), None)
    is_all = found is not None and found.raw == raw and found.problem is None
    return found.fields if found is not None and is_all else None


def _likeliest(raw: str, dialect: Dialect) -> list[str]:
    for leniency in _Leniency:
        for reading in _Reader(raw, dialect, leniency).read():
            return reading
    return raw.split(dialect.delimiter or ",")


class _Leniency(IntEnum):
    """What a reading may take for granted, each with all before it."""

    CLOSING = 0
    """A quote closes a field only where the field may end."""
    MERGED = 1
    """Text may stand behind a closing quote."""
    OPEN = 2
    """A quote that opens a field may be a character."""


class _Reader:
    """Tries one reading after the other, field by field."""

    def __init__(self, raw: str, dialect: Dialect, leniency: _Leniency) -> None:
        self._raw = raw
        self._leniency = leniency
        self._delimiter = dialect.delimiter or ","
        self._quote = dialect.quote or ""
        self._escape = dialect.escape or self._quote
        self._is_trimmed = dialect.is_trimmed
        self._tries = _TRIES_MAX + 2 * raw.count(self._delimiter)

    def read(self) -> Iterator[list[str]]:
        """Every reading, as long as there are tries left."""
        choices = [self._fields(0)]
        texts: list[str] = []
        while choices and self._tries:
            self._tries -= 1
            del texts[len(choices) - 1 :]
            found = next(choices[-1], None)
            if found is None:
                choices.pop()
                continue
            text, end = found
            texts.append(text)
            if end >= len(self._raw):
                yield list(texts)
            else:
                choices.append(self._fields(end + len(self._delimiter)))

    def _fields(self, start: int) -> Iterator[tuple[str, int]]:
        """The ways to read the field that starts at a place, each with its end."""
        raw, quote = self._raw, self._quote
        at = start
        while self._is_trimmed and raw.startswith(" ", at):
            at += 1
        if quote and raw.startswith(quote, at):
            at += len(quote)
            for closing in self._closings(at):
                yield self._unescaped(raw[at:closing]), self._behind(closing + len(quote))
            if self._leniency >= _Leniency.MERGED:
                yield from self._merged(at)
            if self._leniency < _Leniency.OPEN:
                return
            # No quote after all: a character of the field.
        end = raw.find(self._delimiter, start)
        end = len(raw) if end < 0 else end
        if "\n" not in raw[start:end] and "\r" not in raw[start:end]:
            text = raw[start:end]
            yield (text.strip(" ") if self._is_trimmed else text), end

    def _merged(self, start: int) -> Iterator[tuple[str, int]]:
        """A field in quotes with text behind them: the delimiter between the two is missing."""
        closing = self._raw.find(self._quote, start)
        end = self._raw.find(self._delimiter, closing) if closing >= 0 else -1
        end = len(self._raw) if end < 0 else end
        behind = self._raw[closing + len(self._quote) : end]
        if closing > start and behind and self._quote not in behind:
            yield self._raw[start:closing] + behind, end

    def _closings(self, start: int) -> Iterator[int]:
        """Where quotes stand that may close the field: first where the strict rule has it."""
        strict = self._first(start)
        if strict is not None:
            yield strict
        at = self._raw.find(self._quote, start)
        while at >= 0:
            if at != strict and self._is_end(at + len(self._quote)):
                yield at
            at = self._raw.find(self._quote, at + 1)

    def _first(self, start: int) -> int | None:
        """The closing quote by the rules of `splitting`, if a field ends there."""
        quote, escape = self._quote, self._escape
        at = start
        while (at := self._raw.find(quote, at)) >= 0:
            if escape != quote and self._raw.endswith(escape, start, at):
                at += len(quote)
            elif self._raw.startswith(quote, at + len(quote)):
                at += 2 * len(quote)
            else:
                return at if self._is_end(at + len(quote)) else None
        return None

    def _is_end(self, at: int) -> bool:
        at = self._behind(at)
        return at >= len(self._raw) or self._raw.startswith(self._delimiter, at)

    def _behind(self, at: int) -> int:
        while self._is_trimmed and self._delimiter != " " and self._raw.startswith(" ", at):
            at += 1
        return at

    def _unescaped(self, text: str) -> str:
        return text.replace(self._escape + self._quote, self._quote)

"""Read a record that the rules refuse, as well as a person would.

Loading never does this: there such a record goes to quarantine, as it stands in the file. But who
wants the whole file as text, or the names in a damaged header, is better served by what is most
likely meant than by nothing.

- A quote ends a field only where a delimiter or the record's end follows; any other is a character
  like all others. So is one that opens a field but would then leave too few fields.
- Where one separator beside a quote, put where two fields touch, mends all, it is missing there.
- Of several readings with the right number of fields, the one with the fewest stray quotes counts.
- Text behind a closing quote belongs to the field where nothing else gives enough fields.
- A record in another delimiter than its file's, or in other quotes, is read so if it then has the
  table's width.
- A record with too few or too many fields is left as it is: what is missing is empty, what is too
  much stands behind the last column. One with less than half of the fields is none of the table's.
"""

import io
import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from enum import IntEnum
from itertools import islice

from lakewright.ingest import splitting
from lakewright.project.source import Dialect

_DELIMITERS = (",", ";", "\t", "|", " ")
QUOTES = ('"', "'", "`")
"""What a record may stand in where its file has other quotes, or none."""
_TRIES_MAX = 4000
"""Each stray quote doubles the ways to read a record; beyond so many steps it is left as it is."""
_GAPS_MAX = 32
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
        found = _lenient(raw, dialect, width) or _separated(raw, dialect, width)
    elif len(strict) == width - 1 or _has_stray(raw, strict, dialect):
        found = _separated(raw, dialect, width)
    else:
        found = None
    if found is not None:
        return found
    if strict and len(strict) == width and not is_in_other_quotes(strict, dialect):
        return strict
    for other in _others(raw, dialect, width, delimiters):
        is_torn = strict is not None and len(strict) >= width - 1  # Rather a separator too few.
        if not is_torn or other.delimiter == dialect.delimiter:
            found = _strict(raw, other)
            if found is not None and len(found) == width:
                return found
    return None


def _lenient(raw: str, dialect: Dialect, width: int) -> list[str] | None:
    """The reading of the right width with the fewest stray quotes."""
    quote = dialect.quote or ""
    is_odd = bool(quote) and raw.count(quote) % 2 == 1
    leniency = _Leniency.OPEN if is_odd else _Leniency.MERGED
    best: list[str] | None = None
    fewest = len(raw)
    reader = _Reader(raw, dialect, leniency)
    for reading in reader.read():
        if len(reading) == width and reader.stray < fewest:
            best, fewest = reading, reader.stray
            if reader.stray <= is_odd:
                break
    return best


def is_torn(record: splitting.Record, dialect: Dialect, width: int) -> bool:
    """Whether a record has the right width by accident: a separator is missing beside a quote.

    `1,shoes"warm, dry",9` has four fields by the rules, and four other ones as it was meant.
    """
    is_stray = len(record.fields) == width and _has_stray(record.raw, record.fields, dialect)
    return is_stray and _separated(record.raw, dialect, width) is not None


def _separated(raw: str, dialect: Dialect, width: int) -> list[str] | None:
    """The fields if there is just one way to put one separator beside a quote that mends all."""
    found: list[list[str]] = []
    for place in _gaps(raw, dialect):
        text = f"{raw[:place]}{dialect.delimiter}{raw[place:]}"
        reading = _strict(text, dialect)
        if reading and len(reading) == width and not _has_stray(text, reading, dialect):
            found.append(reading)
    return found[0] if len(found) == 1 else None


def _gaps(raw: str, dialect: Dialect) -> Iterator[int]:
    """Where a separator may be missing: two fields touch, one of them or both in quotes."""
    if not dialect.quote or dialect.quote not in raw:
        return
    mark, delimiter = re.escape(dialect.quote), re.escape(dialect.delimiter or ",")
    text = rf"(?:(?!{delimiter}|{mark})\S)"
    touching = rf"(?<={text})(?={mark}{text})|(?<={text}{mark})(?={mark}?{text})"
    for found in islice(re.finditer(touching, raw), _GAPS_MAX):
        yield found.start()


def _has_stray(raw: str, found: Sequence[str], dialect: Dialect) -> bool:
    """Whether a field holds a quote and does not stand in quotes itself."""
    quote = dialect.quote or ""
    inside = (dialect.escape or "") + quote
    return bool(quote) and any(
        quote in text and f"{quote}{text.replace(quote, inside)}{quote}" not in raw
        for text in found
    )


def is_in_other_quotes(found: Sequence[str], dialect: Dialect) -> bool:
    """Whether all fields of a record stand in quotes that are none in its file."""
    return (
        len(found) > 1
        and any(
            mark != dialect.quote
            and found[-1].startswith(mark)  # The last one may go on in the next line.
            and all(len(text) > 1 and text[0] == mark == text[-1] for text in found[:-1])
            for mark in QUOTES
        )
    )


def _others(raw: str, dialect: Dialect, width: int, delimiters: Sequence[str]) -> Iterator[Dialect]:
    """Dialects in which a single record may be written."""
    for delimiter in (dialect.delimiter or ",", *delimiters):
        for quote in (dialect.quote or "", *QUOTES):
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
        self.stray = 0
        """How many quotes of the present reading neither open nor close a field, nor stand in one
        as they should."""

    def read(self) -> Iterator[list[str]]:
        """Every reading, as long as there are tries left."""
        choices = [self._fields(0)]
        texts: list[str] = []
        strays: list[int] = []
        while choices and self._tries:
            self._tries -= 1
            del texts[len(choices) - 1 :], strays[len(choices) - 1 :]
            found = next(choices[-1], None)
            if found is None:
                choices.pop()
                continue
            text, end, stray = found
            texts.append(text)
            strays.append(stray)
            if end >= len(self._raw):
                self.stray = sum(strays)
                yield list(texts)
            else:
                choices.append(self._fields(end + len(self._delimiter)))

    def _fields(self, start: int) -> Iterator[tuple[str, int, int]]:
        """The ways to read the field that starts at a place: its text, its end, stray quotes."""
        raw, quote = self._raw, self._quote
        at = start
        while self._is_trimmed and raw.startswith(" ", at):
            at += 1
        if quote and raw.startswith(quote, at):
            at += len(quote)
            strict = self._first(at)
            for closing in self._closings(at, strict):
                stray = 0 if closing == strict else raw.count(quote, at, closing)
                yield self._unescaped(raw[at:closing]), self._behind(closing + len(quote)), stray
            if self._leniency >= _Leniency.MERGED:
                yield from self._merged(at)
            if self._leniency < _Leniency.OPEN:
                return
            # No quote after all: a character of the field.
        end = raw.find(self._delimiter, start)
        end = len(raw) if end < 0 else end
        if "\n" not in raw[start:end] and "\r" not in raw[start:end]:
            text = raw[start:end]
            stray = text.count(quote) if quote else 0
            yield (text.strip(" ") if self._is_trimmed else text), end, stray

    def _merged(self, start: int) -> Iterator[tuple[str, int, int]]:
        """A field in quotes with text behind them: the delimiter between the two is missing."""
        closing = self._raw.find(self._quote, start)
        end = self._raw.find(self._delimiter, closing) if closing >= 0 else -1
        end = len(self._raw) if end < 0 else end
        behind = self._raw[closing + len(self._quote) : end]
        if closing > start and behind and self._quote not in behind:
            yield self._raw[start:closing] + behind, end, 2

    def _closings(self, start: int, strict: int | None) -> Iterator[int]:
        """Where quotes stand that may close the field: first where the strict rule has it."""
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

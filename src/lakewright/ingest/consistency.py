"""Choose delimiter, quote and escape: those under which the text makes the most regular table.

Each candidate splits a sample by the exact rules of `splitting`. Its score is how many of the
records agree about the number of fields, times how much of a table that is, times how many of the
fields look like one thing each. This is the measure of van den Burg, Nazabal and Sutton,
"Wrangling messy CSV files by detecting row and type patterns" (2019), with the share of agreeing
records in place of their penalty for each pattern, so that a few ragged records do not outweigh
a thousand sound ones.
"""

import io
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from lakewright.ingest import cells, splitting
from lakewright.project.source import Dialect

COMMON = (",", ";", "\t", "|")
_RARE = (":", "^", "~", "\x1f", "\x01", "§", "¦", "¬", " ", "#", "*", "!", "&", "@", "=", "/", "+")
_RARE_WEIGHT = 0.4  # They stand inside ordinary fields too: clock times, dates, sentences.
_RARE_TYPED_SHARE_MIN = 0.3
_RECORDS_MAX = 1000
_TYPED_RECORDS_MAX = 100
AGREEMENT_MIN = 0.5
"""Less than half of the records agree: the text is no table in that dialect."""

_TYPED = (cells.Kind.NUMBER, cells.Kind.MOMENT, cells.Kind.TOKEN)


@dataclass(frozen=True, kw_only=True, slots=True)
class Fit:
    """How well a dialect fits a sample."""

    dialect: Dialect
    width: int
    """The number of fields that most records have."""
    agreement: float
    """The share of records that have it."""
    clean_share: float
    """The share of fields that look like one thing each."""
    typed_share: float
    """The share of filled fields that are numbers, moments or identifiers."""
    score: float
    records: tuple[splitting.Record, ...]


def best(sample: bytes, declared: Dialect) -> tuple[Fit, Fit | None]:
    """The dialect that fits best, with what is declared kept, and the best with another delimiter.

    Args:
        sample: UTF-8 text from where the file's first line starts.
        declared: what is not None is not up for choice.
    """
    text = sample.decode(errors="replace")
    fits = [fit(sample, dialect) for dialect in _candidates(text, declared)]
    winner = max(
        fits, key=lambda found: found.score
    )  # Of equals, the first: candidates are sorted.
    doubled = _doubled(winner, declared)
    if doubled is not None:
        winner = fit(sample, doubled)
    others = [found for found in fits if found.dialect.delimiter != winner.dialect.delimiter]
    return winner, max(others, key=lambda found: found.score, default=None)


def fit(sample: bytes, dialect: Dialect) -> Fit:
    """How well one dialect fits."""
    records = tuple(_first(iter(splitting.Splitter(io.BytesIO(sample), dialect))))
    widths = Counter(len(record.fields) for record in records)
    spoilt = widths.pop(0, 0)
    width, agreeing = max(widths.items(), key=lambda item: item[1], default=(1, 0))
    agreement = agreeing / max(spoilt + sum(widths.values()), 1)
    rows = [record for record in records if len(record.fields) == width]
    clean, typed = _shares(rows[1:] or rows, dialect.quote)  # The first may be a header.
    score = agreement**2 * (1 - 1 / width) * (0.1 + 0.9 * clean)
    is_rare = dialect.delimiter in _RARE
    if width == 1:
        score = agreement * (0.45 if typed > 0.9 else 0.05)
    elif agreement < AGREEMENT_MIN or (is_rare and typed < _RARE_TYPED_SHARE_MIN):
        score = 0.0
    elif is_rare:
        score *= _RARE_WEIGHT
    return Fit(
        dialect=dialect,
        width=width,
        agreement=agreement,
        clean_share=clean,
        typed_share=typed,
        score=score,
        records=records,
    )


def _first(records: Iterator[splitting.Record]) -> Iterator[splitting.Record]:
    for _, record in zip(range(_RECORDS_MAX), records, strict=False):
        yield record


def _shares(records: Sequence[splitting.Record], quote: str | None) -> tuple[float, float]:
    """The shares of clean and of typed fields."""
    kinds: Counter[cells.Kind] = Counter()
    for record in records[:_TYPED_RECORDS_MAX]:
        for field in record.fields:
            kind = cells.kind(field)
            # Whatever stands in quotes may hold any mark: that is what they are for.
            if kind is cells.Kind.OTHER and quote and quote + field[:20] in record.raw:
                kind = cells.Kind.WORDS
            kinds[kind] += 1
    filled = kinds.total() - kinds[cells.Kind.EMPTY]
    clean = 1 - kinds[cells.Kind.OTHER] / max(kinds.total(), 1)
    return clean, sum(kinds[kind] for kind in _TYPED) / max(filled, 1)


def _candidates(text: str, declared: Dialect) -> Iterator[Dialect]:
    for delimiter in _delimiters(text, declared):
        for quote in _quotes(text, delimiter, declared):
            for escape in _escapes(text, quote, declared):
                known = replace(
                    declared,
                    delimiter=delimiter,
                    quote=quote,
                    escape=escape,
                    comment=declared.comment or "",
                )
                yield known
                if not declared.is_trimmed and _has_blanks_before_quotes(text, delimiter, quote):
                    yield replace(known, is_trimmed=True)


def _has_blanks_before_quotes(text: str, delimiter: str, quote: str) -> bool:
    if not quote or delimiter == " ":
        return False
    return re.search(rf"{re.escape(delimiter)} +{re.escape(quote)}", text) is not None


def _delimiters(text: str, declared: Dialect) -> Sequence[str]:
    if declared.delimiter is not None:
        return (declared.delimiter,)
    lines = [line for line in re.split(r"[\r\n]+", text) if line][:_RECORDS_MAX]
    often = len(lines) * AGREEMENT_MIN / 2  # A record may stand on several lines.
    common = [mark for mark in COMMON if mark in text]
    rare = [mark for mark in _RARE if sum(mark in line for line in lines) > often]
    return [*(common or COMMON[:1]), *rare]


def _quotes(text: str, delimiter: str, declared: Dialect) -> Sequence[str]:
    if declared.quote is not None:
        return (declared.quote,)
    found = [
        mark
        for mark in ('"', "'")
        if re.search(rf"(?:^|[\r\n]|{re.escape(delimiter)}) *{mark}", text)
    ]
    if not found:
        return ['"']
    # One field that is quoted as it should be proves that the mark is a quote.
    edge = rf"(?:{re.escape(delimiter)}|[\r\n]|$)"
    is_proven = any(
        re.search(rf"(?:^|[\r\n]|{re.escape(delimiter)}) *{mark}[^{mark}]*{mark} *{edge}", text)
        for mark in found
    )
    return found if is_proven else [*found, ""]


def _escapes(text: str, quote: str, declared: Dialect) -> Sequence[str]:
    if declared.escape is not None:
        return (declared.escape,)
    return (quote, "\\") if quote and "\\" + quote in text else (quote,)


def _doubled(found: Fit, declared: Dialect) -> Dialect | None:
    """The dialect with the delimiter twice, where every other field is empty in every record."""
    delimiter = found.dialect.delimiter or ""
    rows = [record.fields for record in found.records if len(record.fields) == found.width]
    if declared.delimiter is not None or found.width < 3 or found.width % 2 == 0 or not rows:
        return None
    if any(any(row[1::2]) for row in rows) or not any(any(row[2::2]) for row in rows):
        return None
    return replace(found.dialect, delimiter=delimiter * 2)

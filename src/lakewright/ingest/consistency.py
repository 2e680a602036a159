"""Choose delimiter, quote and escape: those under which the text makes the most regular table.

Each candidate splits a sample by the exact rules of `splitting`. Its score is how many of the
records agree about the number of fields, times how much of a table that is, times how many of the
fields look like one thing each. This is the measure of van den Burg, Nazabal and Sutton,
"Wrangling messy CSV files by detecting row and type patterns" (2019), with the share of agreeing
records in place of their penalty for each pattern, so that a few ragged records do not outweigh
a thousand sound ones, and what stands before or after the table weighs half.
"""

import io
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from lakewright.ingest import cells, heading, splitting
from lakewright.project.source import Dialect

COMMON = (",", ";", "\t", "|")
_NAMES = {",": "comma", ";": "semicolon", "\t": "tab", "|": "pipe", " ": "space", ":": "colon",
          ", ": "comma and blank"}  # fmt: skip
_ODD = ("^", "~", "\x1f", "\x01", "\x14", "§", "¦", "¬", "¶")
_ODD_WEIGHT = 0.8  # They hardly ever stand inside fields, but a common mark is likelier still.
_PROSE = (":", " ", "#", "*", "!", "&", "@", "=", "/", "+")
_RARE = ("#", "*", "!", "&", "@", "=", "+")
_PROSE_WEIGHT = 0.4  # They stand inside ordinary fields too: clock times, dates, sentences.
_PROSE_TYPED_SHARE_MIN = 0.3
_PROSE_SAME_RECORDS_MIN = 5
_ALIKE_RECORDS_MIN = 50  # So many records with so many marks, rare in sentences, are no chance.
_ALIKE_WIDTH_MIN = 4
_MARK_COLUMN_PENALTY = 0.5  # Where a column holds one mark and nothing else, that is the delimiter.
_QUOTES = ('"', "'", "`", "|", "þ")
_ESCAPES = ("^", "~", "`", "!")
_NO_ESCAPE_WEIGHT = 0.98  # One stray quote among a hundred records is a fault, not a habit.
_MIXED_BLANKS_WEIGHT = 0.9  # Who writes a blank behind one delimiter does so behind the next.
_EMPTY_COLUMNS_PENALTY = 0.3  # A table has columns that hold something.
_HEADLESS_WEIGHT = 0.85  # Usually the first line is part of the table.
_BLANK_WEIGHT = 0.2  # A blank that starts a field is part of the delimiter, more often than not.
_RECORDS_MAX = 1000
_TYPED_RECORDS_MAX = 100
AGREEMENT_MIN = 0.5
"""Less than half of the records agree: the text may be no table in that dialect."""
_AGREEMENT_LEAST = 0.3  # Then it certainly is none.

_TYPED = (cells.Kind.NUMBER, cells.Kind.MOMENT, cells.Kind.TOKEN)


@dataclass(frozen=True, kw_only=True, slots=True)
class Fit:
    """How well a dialect fits a sample."""

    dialect: Dialect
    width: int
    """The number of fields that most records have."""
    agreement: float
    """The share of records that have it; those before the first or behind the last count half."""
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
    # Of equals the first wins: candidates are sorted.
    winner = max(fits, key=lambda found: found.score)
    mark = winner.dialect.delimiter or ""
    others = [found for found in fits if (found.dialect.delimiter or "")[:1] != mark[:1]]
    return winner, max(others, key=lambda found: found.score, default=None)


def name(mark: str | None) -> str:
    """A delimiter as people call it."""
    return _NAMES.get(mark or "", repr(mark))


def fit(sample: bytes, dialect: Dialect) -> Fit:
    """How well one dialect fits."""
    records = tuple(_first(iter(splitting.Splitter(io.BytesIO(sample), dialect))))
    width, agreement = agreed_width(records)
    rows = [record for record in records if len(record.fields) == width]
    clean, typed = _shares(rows[1:] or rows, dialect.quote)  # The first may be a header.
    columns = _filled_columns(rows)
    score = agreement**2 * (1 - 1 / max(columns, 1)) * (0.1 + 0.9 * clean)
    if dialect.quote and not dialect.escape:
        score *= _NO_ESCAPE_WEIGHT
    if dialect.is_trimmed and not _has_blanks_everywhere(rows, dialect, width):
        score *= _MIXED_BLANKS_WEIGHT
    score *= 1 - _EMPTY_COLUMNS_PENALTY * (1 - columns / width)
    is_headed = bool(rows) and _is_headed(records, rows)
    if not is_headed:
        score *= _HEADLESS_WEIGHT
    if _has_mark_column(rows):
        score *= _MARK_COLUMN_PENALTY
    if width == 1:
        score = agreement * (0.45 if typed > 0.9 else 0.05)
    elif agreement < _AGREEMENT_LEAST:
        score = 0.0
    elif dialect.delimiter in _ODD:
        score *= _ODD_WEIGHT
    elif not is_headed and _is_doubtful(dialect.delimiter or ""):
        score = 0.0
    elif dialect.delimiter in _PROSE:
        score *= _prose_weight(records, dialect, width, typed)
    return Fit(
        dialect=dialect,
        width=width,
        agreement=agreement,
        clean_share=clean,
        typed_share=typed,
        score=score,
        records=records,
    )


def agreed_width(records: Sequence[splitting.Record]) -> tuple[int, float]:
    """The number of fields that makes most of a table of the records, and the share that has it.

    Returns:
        1 and 0 where no record could be split.
    """
    widths = Counter(len(record.fields) for record in records if record.fields)
    if not widths:
        return 1, 0.0
    width = max(widths, key=lambda each: widths[each] * (1.05 - 1 / each))
    places = [place for place, record in enumerate(records) if len(record.fields) == width]
    inner = places[-1] - places[0] + 1
    agreement = widths[width] / (inner + (len(records) - inner) / 2)
    if agreement < AGREEMENT_MIN and widths[1] > widths[width]:
        return 1, widths[1] / len(records)
    return width, agreement


def _is_doubtful(delimiter: str) -> bool:
    """Whether a delimiter stands inside ordinary fields too."""
    return delimiter in _PROSE or (len(delimiter) > 1 and delimiter[0] != delimiter[1])


def _is_headed(records: Sequence[splitting.Record], rows: Sequence[splitting.Record]) -> bool:
    """Whether the table starts with the first line, or lower down with what can only be a header.

    A mark inside dates, numbers or names makes a table too, but of the body without its header. A
    header may lack a separator, or have one too many.
    """
    first, width = records[0].fields, len(rows[0].fields)
    if records[0] is rows[0] or heading.is_names(rows[0].fields, [row.fields for row in rows[1:]]):
        return True
    is_close = len(first) > 2 and abs(len(first) - width) == 1
    return is_close and not any(cells.kind(name) in _TYPED for name in first)


def _has_blanks_everywhere(rows: Sequence[splitting.Record], dialect: Dialect, width: int) -> bool:
    """Whether a blank stands behind most delimiters."""
    if dialect.delimiter == " ":
        return True
    marks = [record.raw.count(f"{dialect.delimiter} ") for record in rows]
    return sum(min(count, width - 1) for count in marks) >= 0.9 * len(rows) * (width - 1)


def _has_mark_column(rows: Sequence[splitting.Record]) -> bool:
    """Whether a column holds the same mark in every record."""
    first = rows[0].fields if len(rows) > 2 else []
    return any(
        len(mark) == 1
        and not mark.isalnum()
        and all(record.fields[place] == mark for record in rows[:_TYPED_RECORDS_MAX])
        for place, mark in enumerate(first)
    )


def _filled_columns(rows: Sequence[splitting.Record]) -> int:
    """How many columns hold anything."""
    columns = zip(*(record.fields for record in rows[:_TYPED_RECORDS_MAX]), strict=True)
    return sum(any(map(str.strip, column)) for column in columns)


def _prose_weight(
    records: Sequence[splitting.Record], dialect: Dialect, width: int, typed: float
) -> float:
    """How likely it is that a mark which is common in sentences stands between fields.

    Quotes around fields that hold it, the kinds of the fields, or many records that are alike by no
    chance have to speak for it.
    """
    mark, quote = dialect.delimiter or "", dialect.quote or ""
    rows = [record for record in records if len(record.fields) == width]
    if quote and any(
        mark in field and f"{quote}{field}{quote}" in record.raw
        for record in rows for field in record.fields
    ):  # fmt: skip
        return _ODD_WEIGHT
    is_alike = len(rows) == len(records) >= _PROSE_SAME_RECORDS_MIN and width > 2
    if is_alike and mark in _RARE and len(rows) >= _ALIKE_RECORDS_MIN and width >= _ALIKE_WIDTH_MIN:
        return _ODD_WEIGHT
    return _PROSE_WEIGHT if typed >= _PROSE_TYPED_SHARE_MIN or is_alike else 0


def _first(records: Iterator[splitting.Record]) -> Iterator[splitting.Record]:
    for _, record in zip(range(_RECORDS_MAX), records, strict=False):
        yield record


def _shares(records: Sequence[splitting.Record], quote: str | None) -> tuple[float, float]:
    """The shares of clean and of typed fields."""
    kinds: Counter[cells.Kind] = Counter()
    blanks = 0
    for record in records[:_TYPED_RECORDS_MAX]:
        for field in record.fields:
            kind = cells.kind(field)
            # Whatever stands in quotes may hold any mark: that is what they are for.
            if kind is cells.Kind.OTHER and quote and quote + field.split(quote)[0] in record.raw:
                kind = cells.Kind.WORDS
            # A delimiter that tears brackets apart is none.
            elif kind is cells.Kind.WORDS and field.count("(") != field.count(")"):
                kind = cells.Kind.OTHER
            kinds[kind] += 1
        blanks += sum(field.startswith(" ") for field in record.fields)
    filled = kinds.total() - kinds[cells.Kind.EMPTY]
    unclean = kinds[cells.Kind.OTHER] + _BLANK_WEIGHT * blanks
    clean = max(0.0, 1 - unclean / max(filled, 1))
    return clean, sum(kinds[kind] for kind in _TYPED) / max(filled, 1)


def _candidates(text: str, declared: Dialect) -> Iterator[Dialect]:
    for delimiter in _delimiters(text, declared):
        for quote in _quotes(text, delimiter, declared):
            for escape in _escapes(text, delimiter, quote, declared):
                known = replace(
                    declared,
                    delimiter=delimiter,
                    quote=quote,
                    escape=escape,
                    comment=declared.comment or "",
                )
                yield known
                if not declared.is_trimmed and _has_blanks_to_trim(text, delimiter, quote):
                    yield replace(known, is_trimmed=True)


def _has_blanks_to_trim(text: str, delimiter: str, quote: str) -> bool:
    if delimiter == " ":
        return "  " in text  # Trimmed, a run of blanks is one delimiter.
    return (
        bool(quote) and re.search(rf"{re.escape(delimiter)} +{re.escape(quote)}", text) is not None
    )


def _delimiters(text: str, declared: Dialect) -> Sequence[str]:
    if declared.delimiter is not None:
        return (declared.delimiter,)
    lines = [line for line in re.split(r"[\r\n]+", text) if line][:_RECORDS_MAX]
    often = len(lines) * AGREEMENT_MIN / 2  # A record may stand on several lines.
    common = [mark for mark in COMMON if mark in text]
    rare = [mark for mark in (*_ODD, *_PROSE) if sum(mark in line for line in lines) > often]
    single = [*(common or COMMON[:1]), *rare]
    # Two marks in a row may be one delimiter, and quotes are only seen behind the whole of it.
    marks = [mark for mark in single if mark != " "]
    longer = [longer for mark in marks for longer in (mark + mark, f"{mark} ", f" {mark} ")]
    return [*single, *(mark for mark in longer if sum(mark in line for line in lines) > often)]


def _quotes(text: str, delimiter: str, declared: Dialect) -> Sequence[str]:
    if declared.quote is not None:
        return (declared.quote,)
    before = rf"(?:^|[\r\n]|{re.escape(delimiter)}) *"
    after = rf" *(?:{re.escape(delimiter)}|[\r\n]|$)"
    found = []
    is_proven = False
    for mark in _QUOTES:
        if mark not in text or mark in delimiter:
            continue
        quoted = re.escape(mark)
        # Two marks alone may also be how somebody writes nothing, unless they are the usual quotes.
        opening = quoted if mark == _QUOTES[0] else rf"{quoted}(?!{quoted})"
        # One field that is quoted as it should be proves that the mark is a quote.
        inside = rf"(?:[^{quoted}]*|(?:(?!{re.escape(delimiter)})[^\r\n])*)"
        has_proof = re.search(rf"{before}{opening}{inside}{quoted}{after}", text) is not None
        if has_proof or (mark in _QUOTES[:2] and re.search(before + opening, text)):
            found.append(mark)
        is_proven = is_proven or has_proof
    if not found:
        return ['"']
    return found if is_proven else [*found, ""]


def _escapes(text: str, delimiter: str, quote: str, declared: Dialect) -> Sequence[str]:
    if declared.escape is not None:
        return (declared.escape,)
    if not quote:
        return (quote,)
    mark, edge = re.escape(quote), rf"(?:{re.escape(delimiter)}|[\r\n]|$)"
    before = rf"(?<![\r\n])([^\r\n{mark}])(?<!{re.escape(delimiter)})"
    inside = re.findall(rf"{before}{mark}(?:{mark}(?={edge})|(?!{edge}|{mark}))", text)
    found = [quote]
    if "\\" + quote in text:
        found.append("\\")
    # Another character is an escape only if it stands before every quote inside a field.
    if len(inside) > 1 and len(set(inside)) == 1 and inside[0] in _ESCAPES:
        found.append(inside[0])
    # Who doubles quotes does so everywhere, so pairs inside fields tell, unless they are fewer.
    doubled = doubled_quotes(text, delimiter, quote)
    if len(inside) > doubled and len(found) == 1:
        found.append("")
    return found


def doubled_quotes(text: str, delimiter: str, quote: str) -> int:
    """How many pairs of quotes stand inside fields, neither around an empty one nor at an end."""
    mark, edge = re.escape(quote), rf"(?:{re.escape(delimiter)}|[\r\n]|$)"
    pair = rf"[^\r\n]{mark}{mark}(?!{edge})(?<!{re.escape(delimiter)}{mark}{mark})"
    return sum(1 for _ in re.finditer(pair, text))

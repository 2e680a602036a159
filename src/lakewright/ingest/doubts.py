"""What speaks against a dialect that was found: each doubt lowers the confidence and is told.

A file that is misread without a word is the worst that can happen, a flag on a sound one is cheap:
so whatever would be as good a table when read in another way is doubtful.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from lakewright.ingest import consistency, ending, heading, trackers
from lakewright.ingest.inference import ColumnType
from lakewright.ingest.splitting import Record
from lakewright.project.source import Dialect

# What is left of the confidence: little where another reading would be as good, most where only
# names may be wrong. The shares were set so that no file of the tests' generator is misread unseen.
_RIVAL = 0.4
_ONE_COLUMN = 0.3
_GUESS = 0.9

_AGREEMENT_USUAL = 0.75  # Damaged records are few; where they are many the dialect is another one.
_CLOSE = 0.9
_ABOUND = 0.3
_SPOILT_MIN = 2
_SPOILT_SHARE_MAX = 0.1  # So many stray quotes are a habit that was not understood.
_OTHER_LINE_ENDS = (*map(chr, range(9)), *map(chr, (11, 12, *range(14, 32), 0x85, 0x2028, 0x2029)))
_ENDED_RECORDS_MIN = 3
_ENDED_SHARE_MIN = 0.9
_BLANK_LINES_SHARE = 0.4
_CHANGED_MIN = 2  # One column of values may well become one of remarks.
_SINGLE_RECORDS_MIN = 20  # In a short table a single column of values proves too little.
_SHOWN_MAX = 3
_SHOWN_LENGTH = 40
_ONE_LINE_BYTES = 1 << 13  # One line may hold many marks, each of which is tried on so much of it.
_ONE_LINE_WIDTH_MIN = 4
_IN_NAMES = " _-./:'\r\n\ufffd"  # They stand inside ordinary fields, or end lines in any case.
_COMMENTS = ("#", "//", "--", "%")


@dataclass(frozen=True, kw_only=True, slots=True)
class Doubt:
    """One thing that may be wrong."""

    factor: float
    """What the confidence is multiplied by."""
    text: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Seen:
    """What was looked at, and what was decided about the table."""

    sample: bytes
    """The file's start, from its first line that is not declared to be skipped."""
    later: Sequence[bytes]
    """From further on."""
    skipped: Sequence[Record]
    """What was found to stand before the table."""
    table: Sequence[Record]
    header: heading.Header
    end: ending.End | None


def of_dialect(
    found: consistency.Fit, rival: consistency.Fit | None, seen: Seen
) -> Iterator[Doubt]:
    """What speaks against the delimiter, the quotes and the line ends.

    Args:
        found: how well the chosen dialect fits.
        rival: the same of the best one with another delimiter.
        seen: what it was chosen for.
    """
    yield from _of_line_ends(found, seen.sample)
    yield from _of_quotes(found, seen.sample)
    if found.width == 1:
        yield from _of_one_column(found, seen.sample)
        return
    if found.agreement < _AGREEMENT_USUAL:
        same = sum(len(record.fields) == found.width for record in found.records)
        share = same / max(len(found.records), 1)
        text = f"only {share:.0%} of its records have {found.width} fields"
        yield Doubt(factor=found.agreement, text=text)
    elif rival is not None and rival.width > 1 and _is_close(found, rival):
        other = consistency.name(rival.dialect.delimiter)
        name = consistency.name(found.dialect.delimiter)
        text = f"it was split at each {name}, but each {other} makes almost as good a table"
        yield Doubt(factor=_RIVAL, text=text)
    for sample in seen.later:
        records = consistency.fit(sample, found.dialect).records
        width, agreement = consistency.agreed_width(records)
        if width != found.width:
            text = f"further on most of its records have {width} fields, not {found.width}"
            yield Doubt(factor=1 - agreement / 2, text=text)
        elif _is_unlike(found.records, records, width):
            text = "further on its columns hold values of other kinds: another table may follow"
            yield Doubt(factor=_GUESS, text=text)
            return


def _is_unlike(records: Sequence[Record], later: Sequence[Record], width: int) -> bool:
    """Whether columns of values hold hardly any of them in records from further on."""
    rows = [record.fields for record in records if len(record.fields) == width]
    others = [record.fields for record in later if len(record.fields) == width]
    typed = heading.typed_columns(rows[1:])
    columns = [[row[place] for row in others if row[place].strip()] for place in typed]
    changed = sum(heading.is_of_words(column) for column in columns)
    return changed >= _CHANGED_MIN


def _is_close(found: consistency.Fit, rival: consistency.Fit) -> bool:
    """Whether another delimiter is nearly as good; of a single record any may be the right one."""
    is_common = (rival.dialect.delimiter or "") in consistency.COMMON
    return rival.score > _CLOSE * found.score or (len(found.records) == 1 and is_common)


def of_table(found: consistency.Fit, seen: Seen) -> Iterator[Doubt]:
    """What speaks against the header, and which records may have been misread."""
    header, table = seen.header, seen.table
    if not header.is_sure:
        yield Doubt(factor=_GUESS, text=f"its header is a guess: {header.reason}")
    names = [record.fields for record in table[: header.rows]] if header.is_there else []
    if any(len(row) != found.width for row in names):
        text = "its header does not have as many fields as its records: names may be wrong"
        yield Doubt(factor=_GUESS, text=text)
    elif names and found.width > 1 and not any(map(_names_most, names)):
        text = "at least half of its columns have no name: its header may be another record"
        yield Doubt(factor=_GUESS, text=text)
    remarks = [record for record in seen.skipped if record.raw.strip()]
    if not (header.is_there or all(record.raw.startswith(_COMMENTS) for record in remarks)):
        text = "it has no header, but one may be among the lines before it that were left out"
        yield Doubt(factor=_GUESS, text=text)
    if seen.end is not None and seen.end.is_table:
        text = f"it holds more than one table: {seen.end.records:,} records follow the first"
        yield Doubt(factor=1, text=text)


def of_values(columns: Mapping[str, ColumnType]) -> Iterator[str]:
    """What speaks against one table all through, once every value has been seen.

    A record of words in columns that held numbers and dates up to it is the header of another
    table, or is split at the wrong marks. One odd value in a column is just that.

    Args:
        columns: those whose types were looked for, by name.
    """
    turned = {name: column.turn for name, column in columns.items() if column.turn is not None}
    kept = sum(
        column.tracker is not None and not isinstance(column.tracker, trackers.Words)
        for column in columns.values()
    )
    for record in sorted({turn.record for turn in turned.values()}):
        texts = {
            name: turn.text
            for name, turn in turned.items()
            if turn.record == record and heading.is_name(turn.text)
        }
        values = kept + sum(turn.record >= record for turn in turned.values())
        is_telling = len(set(texts.values())) > 1 and len(texts) * 2 >= values
        is_only = len(texts) == values and record >= _SINGLE_RECORDS_MIN
        if is_telling or (is_only and any(map(heading.is_usual, texts.values()))):
            names = ", ".join([*texts][:_SHOWN_MAX])
            said = ", ".join(repr(text[:_SHOWN_LENGTH]) for text in [*texts.values()][:_SHOWN_MAX])
            yield (
                f"{names}: numbers or dates up to a record that has {said} there: another table may"
                " start with it, or the file go on in another dialect"
            )
            return


def _names_most(row: Sequence[str]) -> bool:
    return sum(bool(name.strip()) for name in row) * 2 > len(row)


def _of_line_ends(found: consistency.Fit, sample: bytes) -> Iterator[Doubt]:
    """Whether a mark that ends no line here makes as good a table if it does."""
    text = sample.decode(errors="replace")
    marks = [mark for mark in _OTHER_LINE_ENDS if mark in text]
    is_one = len(found.records) == 1
    if is_one and (found.width >= _ONE_LINE_WIDTH_MIN or found.records[0].problem):
        text = text[:_ONE_LINE_BYTES]
        quotes = {found.dialect.quote, '"'}
        marks += sorted({mark for mark in text if not mark.isalnum()} - quotes - {*_IN_NAMES})
    for mark in dict.fromkeys(marks):
        if _ends_records(mark, text, found):
            yield Doubt(factor=_RIVAL, text=f"each {mark!r} in it seems to end a record")


def _ends_records(mark: str, text: str, found: consistency.Fit) -> bool:
    other, _ = consistency.best(text.replace(mark, "\n").encode(), Dialect())
    records = other.records
    if other.width < 2 or len(records) < _ENDED_RECORDS_MIN or other.agreement < _ENDED_SHARE_MIN:
        return False
    # Inside quotes the mark stays what it is: then nothing has changed but the mark itself.
    kept = [[field.replace(mark, "\n") for field in record.fields] for record in found.records]
    is_common = text.count(mark) * 2 > len(records)
    return is_common and kept != [record.fields for record in records]


def _of_one_column(found: consistency.Fit, sample: bytes) -> Iterator[Doubt]:
    inside = sum(field.count('"') > 1 for record in found.records for field in record.fields)
    if inside > _ABOUND * len(found.records):
        text = "it was read as one column, but quotes stand inside its fields"
        yield Doubt(factor=_ONE_COLUMN, text=text)
    ends = sample.splitlines()
    blank = sum(not line for line in ends)
    if blank >= _ENDED_RECORDS_MIN and blank > _BLANK_LINES_SHARE * len(ends):
        yield Doubt(factor=_ONE_COLUMN, text="it has about as many blank lines as others")
    lines = [line for line in re.split(rb"[\r\n]+", sample) if line]
    for mark in consistency.COMMON:
        share = sum(mark.encode() in line for line in lines) / max(len(lines), 1)
        if share > _ABOUND:
            name = consistency.name(mark)
            text = f"it was read as one column, but {share:.0%} of its lines hold a {name}"
            yield Doubt(factor=_ONE_COLUMN, text=text)
            return


def _of_quotes(found: consistency.Fit, sample: bytes) -> Iterator[Doubt]:
    """Whether quotes seem to be written in more ways than one, or in one that was not found."""
    spoilt = sum(record.problem is not None for record in found.records)
    if spoilt >= _SPOILT_MIN and spoilt > _SPOILT_SHARE_MAX * len(found.records):
        share = spoilt / len(found.records)
        text = f"{share:.0%} of its records cannot be split: their quotes may mean something else"
        yield Doubt(factor=1 - share, text=text)
    delimiter, quote = found.dialect.delimiter or "", found.dialect.quote or ""
    is_single = bool(quote) and found.dialect.escape == ""
    if is_single and consistency.doubled_quotes(sample.decode(errors="replace"), delimiter, quote):
        yield Doubt(factor=_GUESS, text="only some of the quotes inside its fields are doubled")
    quoted = _in_other_quotes(found)
    if quoted:
        text = f"quotes that are none in its dialect stand around {quoted[:40]!r}"
        yield Doubt(factor=_RIVAL, text=text)


def _in_other_quotes(found: consistency.Fit) -> str | None:
    """A text in double quotes that starts a field, where they were not taken for quotes."""
    if found.dialect.quote == '"':
        return None
    starting = (
        record.raw[record.raw.index(text) :]
        for record in found.records
        for text in record.fields
        if text.startswith('"') and record.raw.count('"') > 1 and text in record.raw
    )
    return next((text for text in starting if text.count('"') > 1), None)

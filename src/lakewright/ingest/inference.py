"""Find the narrowest type that all values of a text column fit, looking at every value.

A guess from a sample breaks on the record behind it, so nothing is guessed: the first value
proposes how to read the column, every value tests it, and the first that does not fit makes it
wider, in the end text. Only what cannot mean anything else gets a type: `007` stays text, because
as a number it would lose its zeros. What nothing proves stays text too, and the evidence says what
to declare. The rules, value by value, are in `trackers` and `moments`, and for people in
docs/reference/values.md.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal, NamedTuple

import numpy
import orjson
import pyarrow
import pyarrow.compute
import pyarrow.csv

from lakewright.ingest import moments, splitting, trackers
from lakewright.ingest.arrays import is_all
from lakewright.ingest.moments import Dates
from lakewright.plan import evidence
from lakewright.plan.evidence import Seen
from lakewright.plan.landed import ArrivedColumn, CsvPart
from lakewright.project.source import Dialect
from lakewright.sql import types

_LOOKED_AT = 1000
"""How many of a column's first values a remark on them is based on. Types are based on all."""
_HEAD = 1000
"""Records of a part that are read before the rest of it."""
_NAMES_MAX = 5
"""How many columns a remark names."""


class Turn(NamedTuple):
    """Where a column of numbers or moments holds a text for the first time."""

    record: int
    """Of those that were looked at, in their order, from 0."""
    text: str


class ColumnType:
    """The type of one column, as far as its values have been seen.

    Args:
        null_words: texts that mean null.
        decimal_separator: what the source says stands before fractions; a point says nothing.
        more_null_words: texts that mean null if all others are of a type that is not text.
    """

    def __init__(
        self,
        null_words: Sequence[str] = ("",),
        decimal_separator: Literal[".", ","] = ".",
        more_null_words: Sequence[str] = (),
    ) -> None:
        self._null_words = frozenset(null_words)
        self._absent = pyarrow.array([*null_words, *more_null_words], pyarrow.string())
        self._longest_absent = max(
            (len(word.encode()) for word in (*null_words, *more_null_words)), default=-1
        )
        self._separator = decimal_separator
        self._words: set[str] = set()
        self._tracker: trackers.Tracker | None = None
        self._is_text = False
        self._count = 0
        self.turn: Turn | None = None
        """Where its values, which were numbers or moments, became text."""
        self.sample: pyarrow.Array = pyarrow.array([], pyarrow.string())
        """The first values."""

    @property
    def tracker(self) -> trackers.Tracker | None:
        """What reads all values so far; None: there are none, or nothing but text."""
        return self._tracker

    @property
    def is_settled(self) -> bool:
        """Whether no further value can change the type."""
        return self._is_text

    @property
    def kind(self) -> types.Type:
        """The type in its plain form; text where values would need a format of their own."""
        seen = self.seen()
        is_plain = seen.format is None and not isinstance(seen.type, types.Decimal)
        return seen.type if is_plain else types.STRING

    def see(self, values: pyarrow.Array) -> None:
        """Take some more of the column's values into account; nulls say nothing."""
        if self._is_text:
            return
        present = self._present(values.drop_null())
        if len(present):
            self._see(values, present)
        self._count += len(values)

    def _see(self, values: pyarrow.Array, present: pyarrow.Array) -> None:
        if not len(self.sample):
            self.sample = present[:_LOOKED_AT]
            self._tracker = trackers.first(present[0].as_py(), self._separator)
        before = self._tracker
        if before is not None:
            self._tracker = before.see(present)
            if self._tracker is None and not isinstance(before, trackers.Words):
                self.turn = self._turn(values, present)
        self._is_text = self._tracker is None

    def _turn(self, values: pyarrow.Array, present: pyarrow.Array) -> "Turn":
        """Where the first of these values is that cannot be read as those before it."""
        low, high = 0, len(present)
        while high - low > 1:
            middle = (low + high) // 2
            if self._are_read(present[low:middle]):
                low = middle
            else:
                high = middle
        text = present[low].as_py()
        return Turn(self._count + pyarrow.compute.index(values, text).as_py(), text)

    def _are_read(self, values: pyarrow.Array) -> bool:
        tracker = trackers.first(self.sample[0].as_py(), self._separator)
        return tracker is not None and tracker.see(values) is not None

    def _present(self, values: pyarrow.Array) -> pyarrow.Array:
        """The values that are no null words. Only short texts are looked up, most are longer."""
        lengths = pyarrow.compute.binary_length(values)
        is_short = pyarrow.compute.less_equal(lengths, self._longest_absent)
        short = pyarrow.compute.sum(is_short).as_py() or 0
        if short < len(values) / 2:
            some = values.filter(is_short)
            found = pyarrow.compute.is_in(some, value_set=self._absent)
            if not pyarrow.compute.any(found).as_py():
                return values
        is_absent = pyarrow.compute.is_in(values, value_set=self._absent)
        if not pyarrow.compute.any(is_absent).as_py():
            return values
        absent = values.filter(is_absent).unique().to_pylist()
        self._words |= set(map(str, absent)) - self._null_words
        return values.filter(pyarrow.compute.invert(is_absent))

    def seen(self) -> Seen:
        """What the values say."""
        if self._is_text:
            return Seen(types.STRING)
        words = tuple(sorted(self._words))
        if self._tracker is None:
            return evidence.only_null_words(words) if words else Seen(types.UNKNOWN)
        seen = self._tracker.seen()
        return replace(seen, evidence=replace(seen.evidence, null_words=words))


@dataclass(frozen=True, kw_only=True, slots=True)
class Inferred:
    """The columns of a file with their types."""

    columns: tuple[ArrivedColumn, ...]
    evidence: tuple[str, ...]
    """What is not plain about them, for people."""


def infer(columns: Sequence[ArrivedColumn], found: Mapping[int, ColumnType]) -> Inferred:
    """Decide the types, once every value has been seen: some by what other columns prove.

    Args:
        columns: of the file.
        found: those whose types were looked for, by place.
    """
    proven = _Proven.of(found.values())
    typed = list(columns)
    said: dict[str, list[str]] = {}
    for place, column in found.items():
        seen = proven.decide(column)
        typed[place] = replace(
            columns[place], type=seen.type, format=seen.format, evidence=seen.evidence
        )
        for remark in _remarks(column, seen):
            said.setdefault(remark, []).append(columns[place].name)
    return Inferred(
        columns=tuple(typed),
        evidence=tuple(f"{_named(names)}: {remark}" for remark, names in said.items()),
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class _Proven:
    """What some columns of a file prove about how all of it is written."""

    orders: Mapping[str, str]
    """Of days and months, by what separates them, where columns prove one and none the other."""
    has_commas: bool
    """Whether numbers have a comma before their fraction."""

    @classmethod
    def of(cls, columns: Iterable[ColumnType]) -> "_Proven":
        found = [column.tracker for column in columns if column.tracker is not None]
        orders: dict[str, set[str]] = {}
        for each in found:
            if isinstance(each, Dates) and len(each.form.orders) > 1 and not each.is_ambiguous:
                orders.setdefault(each.form.separator, set()).add(each.orders[0])
        return cls(
            orders={sign: order for sign, (order, *others) in orders.items() if not others},
            has_commas=any(each.seen().format == trackers.COMMA for each in found),
        )

    def decide(self, column: ColumnType) -> Seen:
        """What a column is in this file."""
        seen, tracker = column.seen(), column.tracker
        if isinstance(tracker, Dates) and tracker.is_ambiguous:
            order = self.orders.get(tracker.form.separator)
            if order is not None:
                reading = seen.evidence.may_be[tracker.orders.index(order)]
                return Seen(reading.type, reading.format, replace(seen.evidence, may_be=()))
        if isinstance(tracker, trackers.Numbers) and self.has_commas and tracker.may_be_thousands:
            return Seen(types.STRING)
        return seen


def _remarks(column: ColumnType, seen: Seen) -> Iterator[str]:
    """What a person should know about a column, if it is not what it looks like."""
    words = seen.evidence.null_words
    readings = [each for each in seen.evidence.may_be if each.type != types.UNKNOWN]
    if seen.type != types.STRING:
        if seen.format is not None:
            by = " (as other columns prove)" if column.seen() != seen else ""
            yield f"{seen.type}, written as {seen.format}{by}"
        if words:
            yield f"{', '.join(words)} is null here, as all other values are {seen.type}"
        if isinstance(column.tracker, trackers.Numbers):
            yield from _number_remarks(column, seen)
    elif isinstance(column.tracker, trackers.Numbers) and column.seen() != seen:
        yield ("stays text: a point may stand before fractions or between thousands, as other"
               " columns have a comma before fractions; declare a type and a format")  # fmt: skip
    elif readings:
        which = " or ".join(str(each) for each in readings)
        yield f"stays text: may be {which}, and no value decides; declare a type and a format"
    elif words:
        yield f"stays text: holds nothing but {', '.join(words)}"
    else:
        yield from _looks(column.sample)


def _number_remarks(column: ColumnType, seen: Seen) -> Iterator[str]:
    if isinstance(seen.type, types.Decimal):
        yield f"whole numbers beyond 64 bits, so {seen.type}"
    elif seen.type == types.BIGINT and moments.is_eight_digits(column.sample):
        yield "bigint, though the values look like dates; declare `type: date, format: yyyyMMdd`"


_LOOKS = (
    (r"[+-]?[0-9]+",
     "whole numbers, but some have leading zeros, a plus, or more digits than a number keeps"),
    (r"[0-9]{1,2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]+)?)?", "times without a date"),
    (r"[0-9]{1,2}[./-][0-9]{1,2}[./-][0-9]{2}",
     "dates with two digits for the year; declare a format such as dd.MM.yy"),
    (r"[0-9]{1,4}[./-][0-9]{1,2}[./-][0-9]{1,4}.*",
     "dates, but some do not exist or are written in another way"),
    (r"[+-]?[0-9.,' ]+ ?%", "percent; declare a number and a format such as 0.0%"),
    (r"[+-]?(?:\p{Sc}|[A-Z]{3} ?) ?[0-9.,' ]+|[+-]?[0-9.,' ]+ ?(?:\p{Sc}|[A-Z]{3})",
     "amounts with a currency; declare a number and a format such as $#,##0.00 or 0,0 €"),
    (r"[+-]?[0-9]{1,3}(?:,[0-9]{3})+(?:\.[0-9]+)?|[+-]?[0-9]{1,3}(?:\.[0-9]+)?",
     "numbers with separated thousands; declare a number and the format #,##0.0"),
    (r"[+-]?[0-9]{1,3}(?:\.[0-9]{3})+(?:,[0-9]+)?|[+-]?[0-9]{1,3}(?:,[0-9]+)?",
     "numbers with separated thousands; declare a number and the format #.##0,0"),
    ("[+-]?[0-9]{1,3}(?:[ \u00a0\u2009\u202f'\u2019][0-9]{3})*(?:[.,][0-9]+)?",
     "numbers with separated thousands; declare a number and a format such as # ##0,0"),
    (r"[+-]?[0-9.]+(?:[eE][+-]?[0-9]+)?|[+-]?[0-9]+,[0-9]+",
     "numbers in more than one form, or with more digits than a number keeps"),
)  # fmt: skip
"""What texts may look like, most telling first, and what is to be said then."""


def _looks(sample: pyarrow.Array) -> Iterator[str]:
    """Why a column of texts that look like something else is text all the same."""
    if not len(sample):
        return
    for pattern, what in _LOOKS:
        if is_all(sample, pattern):
            yield f"stays text: the first values look like {what}"
            return
    if _is_json(sample):
        yield ("stays text: the first values are JSON; declare a struct, an array or a map"
               " to have them read")  # fmt: skip


def _is_json(sample: pyarrow.Array) -> bool:
    if not is_all(sample, r"(?s)\s*[\[{].*[\]}]\s*"):
        return False
    try:
        for text in sample.to_pylist():
            orjson.loads(text)
    except orjson.JSONDecodeError:
        return False
    return True


def _named(names: Sequence[str]) -> str:
    listed = ", ".join(names[:_NAMES_MAX])
    noun = "column" if len(names) == 1 else "columns"
    more = f" and {len(names) - _NAMES_MAX:,} more" if len(names) > _NAMES_MAX else ""
    return f"{noun} {listed}{more}"


def see_part(
    part: CsvPart, dialect: Dialect, width: int, columns: Mapping[int, ColumnType]
) -> None:
    """Show every value of a regular part to the columns that still need it.

    Records with too few or too many fields are passed over: they are refused anyway.

    Args:
        part: of a delimited file.
        dialect: of that file.
        width: how many fields its records have.
        columns: by their place in the file.
    """
    head = int(numpy.fromfile(
        part.offsets_path, "<u4", 1, offset=4 * (part.offsets_start + min(part.records, _HEAD))
    )[0])  # fmt: skip
    with pyarrow.memory_map(part.path) as source:
        # Most texts are settled by the first records, and need not be read any further.
        for start, stop in ((0, head), (head, part.byte_end - part.byte_start)):
            wanted = {str(place): each for place, each in columns.items() if not each.is_settled}
            if not wanted or start == stop:
                continue
            source.seek(part.byte_start + start)
            table = _table(source.read_buffer(stop - start), dialect, width, list(wanted))
            for name, column in wanted.items():
                for chunk in table.column(name).chunks:
                    column.see(chunk)


def _table(
    data: pyarrow.Buffer, dialect: Dialect, width: int, wanted: Sequence[str]
) -> pyarrow.Table:
    return pyarrow.csv.read_csv(
        pyarrow.BufferReader(data),
        read_options=pyarrow.csv.ReadOptions(
            column_names=[str(place) for place in range(width)],
            block_size=len(data) + splitting.BLOCK_BYTES,
        ),
        parse_options=pyarrow.csv.ParseOptions(
            delimiter=dialect.delimiter,
            quote_char=dialect.quote or False,
            newlines_in_values=True,
            invalid_row_handler=lambda _: "skip",
        ),
        convert_options=pyarrow.csv.ConvertOptions(
            include_columns=wanted,
            column_types=dict.fromkeys(wanted, pyarrow.string()),
        ),
    )

"""Find the narrowest type that all values of a text column fit, looking at every value.

A guess from a sample breaks on the record behind it, so nothing is guessed: the first value
proposes a type, every value tests it, and the first that does not fit widens it. Only what cannot
mean anything else gets a type: `007` stays text, because as a number it would lose its zeros.

    unknown -> boolean ------------------------------+
            -> bigint -> double ---------------------+-> string
            -> date -> timestamp_ntz ----------------+
            -> timestamp ----------------------------+
"""

import re
from collections.abc import Mapping, Sequence
from typing import Literal

import pyarrow
import pyarrow.compute
import pyarrow.csv

from lakewright.ingest import splitting
from lakewright.plan.landed import CsvPart
from lakewright.project.source import Dialect
from lakewright.sql import types

_YEAR = r"(?:[1-9]\d{3}|0[1-9]\d{2}|00[1-9]\d|000[1-9])"  # Arrow would take the year 0 as well.
_DAY = rf"{_YEAR}-\d{{2}}-\d{{2}}"
_TIME = r"\d{2}:\d{2}(?::\d{2}(?:\.\d{1,6})?)?"
_OFFSET = r"(?:Z|[+-]\d{2}(?::?\d{2})?)"
_PATTERNS: Mapping[types.Type, str] = {
    types.BOOLEAN: "(?:true|false|True|False|TRUE|FALSE)",
    types.BIGINT: r"-?(?:0|[1-9]\d{0,18})",
    # Whole numbers of more than 18 digits are identifiers: a double would change them.
    types.DOUBLE: r"-?(?:(?:0|[1-9]\d{0,17})(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d{1,3})?",
    types.DATE: _DAY,
    types.TIMESTAMP_NTZ: f"{_DAY}(?:[T ]{_TIME})?",
    types.TIMESTAMP: f"{_DAY}[T ]{_TIME}{_OFFSET}",
}
_WIDER: Mapping[types.Type, types.Type] = {
    types.BIGINT: types.DOUBLE,
    types.DATE: types.TIMESTAMP_NTZ,
}
_CASTS: Mapping[types.Type, pyarrow.DataType] = {
    types.BIGINT: pyarrow.int64(),
    types.DOUBLE: pyarrow.float64(),
    types.DATE: pyarrow.date32(),
    types.TIMESTAMP_NTZ: pyarrow.timestamp("us"),
    types.TIMESTAMP: pyarrow.timestamp("us", "UTC"),
}
_ORDER = (types.BOOLEAN, types.BIGINT, types.DOUBLE, types.DATE, types.TIMESTAMP_NTZ,
          types.TIMESTAMP)  # fmt: skip


class ColumnType:
    """The type of one column, as far as its values have been seen."""

    def __init__(
        self, null_words: Sequence[str] = ("",), decimal_separator: Literal[".", ","] = "."
    ) -> None:
        self.kind: types.Type = types.UNKNOWN
        self._null_words = pyarrow.array(null_words, pyarrow.string())
        self._separator = decimal_separator

    @property
    def is_settled(self) -> bool:
        """Whether no further value can change the type."""
        return self.kind == types.STRING

    def see(self, values: pyarrow.Array) -> None:
        """Take some more of the column's values into account; nulls say nothing."""
        if self.kind == types.STRING:
            return
        is_null = pyarrow.compute.is_in(values, value_set=self._null_words)
        present = values.filter(pyarrow.compute.invert(is_null)).drop_null()
        if not len(present):
            return
        if self.kind == types.UNKNOWN:
            self.kind = self._proposed(present[0].as_py())
        while self.kind != types.STRING and not self._fits(present):
            self.kind = _WIDER.get(self.kind, types.STRING)

    def _proposed(self, text: str) -> types.Type:
        for kind in _ORDER:
            if re.fullmatch(self._pattern(kind), text, re.ASCII):
                return kind
        return types.STRING

    def _pattern(self, kind: types.Type) -> str:
        pattern = _PATTERNS[kind]
        is_comma = kind == types.DOUBLE and self._separator == ","
        return pattern.replace(r"\.", ",") if is_comma else pattern

    def _fits(self, values: pyarrow.Array) -> bool:
        kind = self.kind
        if kind == types.BIGINT:
            # A whole number that is printed as it was written has no sign, zero or blank too many.
            cast = _try_cast(values, _CASTS[kind])
            return cast is not None and cast.cast(pyarrow.string()).equals(values)
        pattern = f"^(?:{self._pattern(kind)})$"
        if not _all(pyarrow.compute.match_substring_regex(values, pattern)):
            return False
        if kind == types.BOOLEAN:
            return True
        if kind == types.DOUBLE and self._separator == ",":
            values = pyarrow.compute.replace_substring(values, ",", ".")
        cast = _try_cast(values, _CASTS[kind])
        if cast is None:
            return False
        return kind != types.DOUBLE or _all(pyarrow.compute.is_finite(cast))


def _all(values: pyarrow.Array) -> bool:
    return bool(pyarrow.compute.all(values).as_py())


def _try_cast(values: pyarrow.Array, kind: pyarrow.DataType) -> pyarrow.Array | None:
    try:
        return values.cast(kind)
    except pyarrow.ArrowInvalid:
        return None


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
    wanted = {str(place): column for place, column in columns.items() if not column.is_settled}
    if not wanted:
        return
    with pyarrow.memory_map(part.path) as source:
        source.seek(part.byte_start)
        data = source.read_buffer(part.byte_end - part.byte_start)
        table = pyarrow.csv.read_csv(
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
                include_columns=list(wanted),
                column_types=dict.fromkeys(wanted, pyarrow.string()),
            ),
        )
    for name, column in wanted.items():
        for chunk in table.column(name).chunks:
            column.see(chunk)

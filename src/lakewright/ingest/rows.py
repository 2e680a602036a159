"""Write records that a reader of ours gives one by one, as texts, and show them to the types."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import pyarrow

from lakewright.ingest import cells, texts
from lakewright.ingest.inference import ColumnType
from lakewright.plan.landed import TextPart

_TELLING = (cells.Kind.NUMBER, cells.Kind.MOMENT, cells.Kind.TOKEN)


class Row(NamedTuple):
    """One record."""

    byte: int | None
    """Position of its first byte, where there is such a thing."""
    raw: str
    """Its text."""
    fields: Sequence[str | None]
    """One for each column; not looked at where there is a problem."""
    problem: str | None = None
    """Why the record as a whole is refused."""


class Rows:
    """The records of one file, numbered one after the other.

    Args:
        names: of the columns, unique and non-empty.
        work_folder: for the parts.
        columns: those whose types are to be found, by place.
        on_written: is called whenever records have been written.
    """

    def __init__(
        self,
        names: Sequence[str],
        work_folder: Path,
        columns: Mapping[int, ColumnType],
        on_written: Callable[[], None],
    ) -> None:
        self.count = 0
        self._names = names
        self._columns = columns
        self._on_written = on_written
        self._writer = texts.Writer(work_folder)
        self._at_once = texts.records_at_once(len(names))
        self._rows: list[Row] = []
        self._size = 0

    def add(self, row: Row) -> None:
        """Take one more record."""
        self._rows.append(row)
        self._size += len(row.raw)
        if len(self._rows) >= self._at_once or self._size > texts.BATCH_BYTES:
            self._write()

    def close(self) -> tuple[TextPart, ...]:
        """The parts that were written, once they hold everything."""
        self._write()
        return self._writer.close(self._names)

    def _write(self) -> None:
        if not self._rows:
            return
        nothing = (None,) * len(self._names)
        found = [nothing if row.problem else row.fields for row in self._rows]
        arrays = [pyarrow.array(column, pyarrow.string()) for column in zip(*found, strict=True)]
        for place, column in self._columns.items():
            column.see(arrays[place])
        first = 1 + self.count
        self.count += len(self._rows)
        batch = texts.Batch(
            range(first, first + len(self._rows)),
            [row.byte for row in self._rows],
            [row.raw for row in self._rows],
            [row.problem for row in self._rows],
        )
        self._writer.write(dict(zip(self._names, arrays, strict=True)), batch)
        self._rows, self._size = [], 0
        self._on_written()


def judge_header(sample: Sequence[Mapping[int, str]]) -> tuple[bool, str]:
    """Whether the first of these rows, texts by column, names the columns; and why."""
    first, body = sample[0], sample[1:]
    values = [text for text in first.values() if cells.kind(text) in _TELLING]
    for text in values:
        if not _is_year(text):
            return False, f"{text[:40]!r} is a value, no name"
    for column, text in first.items():
        below = Counter(cells.kind(row[column]) for row in body if column in row)
        kind = below.most_common(1)[0][0] if below else None
        if kind in _TELLING and text not in values:
            return True, f"the values below {text[:40]!r} are of another kind"
    if not values and len({text.strip().lower() for text in first.values()}) == len(first):
        return True, "the first row holds names, and nothing contradicts it"
    return False, "the first row is like the rows below it"


def _is_year(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) == 4 and 1900 <= int(text) <= 2100

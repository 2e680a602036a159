"""The same orders in every layout that only the exact reader takes, to measure its speed."""

import csv
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from itertools import cycle, islice
from pathlib import Path

from lakewright.project.source import Dialect

Row = Sequence[str]
_PLAIN = Dialect(
    delimiter=",", quote='"', escape='"', comment="", has_header=True, skip_lines=0, header_rows=1
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Layout:
    """One way to write a table."""

    record: Callable[[int, Row], str]
    """A record's text with its line's end, from its number and its fields."""
    dialect: Dialect = field(default=_PLAIN)
    encoding: str = "utf-8"
    columns: int | None = None
    """So many, by repeating those that there are."""

    def write(self, rows: Iterable[Row], path: Path, size_bytes: int) -> None:
        """Write the header, and the rows again and again until the file is as large."""
        header, *body = ([*islice(cycle(row), self.columns or len(row))] for row in rows)
        written = 0
        with path.open("w", encoding=self.encoding, newline="") as file:
            written += file.write(self.record(0, header))
            for number, row in enumerate(cycle(body), start=1):
                if written >= size_bytes:
                    return
                written += file.write(self.record(number, row))


def read(path: Path, count: int) -> list[list[str]]:
    """The header and the first rows of the shop's orders."""
    with path.open(encoding="utf-8", newline="") as file:
        return [row for row in islice(csv.reader(file), count + 1) if len(row) == 8]


def _doubled(text: str) -> str:
    needs = any(mark in text for mark in ',"\r\n')
    return '"' + text.replace('"', '""') + '"' if needs else text


def _quoted(text: str) -> str:
    return '"' + text.replace('"', '""') + '"'


def _backslashed(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _flat(text: str) -> str:
    """A text that needs no quotes in any layout."""
    return " ".join(text.replace('"', "").replace(",", "").split()) or "-"


def _plain(row: Row, end: str = "\n") -> str:
    return ",".join(map(_doubled, row)) + end


def _every(count: int, number: int) -> bool:
    return number > 0 and number % count == 0


def _with_stray_quote(number: int, row: Row) -> str:
    if _every(20, number):
        return ",".join(map(_flat, row)) + ' 5" pipe\n'
    return ",".join(map(_flat, row)) + "\n"


def _with_spoilt_quote(number: int, row: Row) -> str:
    if _every(20, number):
        return ",".join(map(_flat, row[:-1])) + ',"open\n'
    return _plain(row)


LAYOUTS = {
    "commas, a tenth quoted": Layout(record=lambda _, row: _plain(row)),
    "no quotes at all": Layout(record=lambda _, row: ",".join(map(_flat, row)) + "\n"),
    "every field quoted": Layout(record=lambda _, row: ",".join(map(_quoted, row)) + "\n"),
    "delimiter ||": Layout(
        record=lambda _, row: "||".join(map(_doubled, row)) + "\n",
        dialect=Dialect(delimiter="||", quote='"', escape='"', comment="", has_header=True),
    ),
    "delimiter ¦": Layout(
        record=lambda _, row: "¦".join(map(_doubled, row)) + "\n",
        dialect=Dialect(delimiter="¦", quote='"', escape='"', comment="", has_header=True),
    ),
    "backslash, every field quoted": Layout(
        record=lambda _, row: ",".join(map(_backslashed, row)) + "\n",
        dialect=Dialect(delimiter=",", quote='"', escape="\\", comment="", has_header=True),
    ),
    "backslash in every record": Layout(
        record=lambda _, row: ",".join(map(_flat, row)) + "\\, or \\N\n",
        dialect=Dialect(delimiter=",", quote='"', escape="\\", comment="", has_header=True),
    ),
    "blanks around fields": Layout(
        record=lambda _, row: " , ".join(map(_flat, row)) + "\n",
        dialect=Dialect(
            delimiter=",", quote='"', escape='"', comment="", has_header=True, is_trimmed=True
        ),
    ),
    "blanks around quoted fields": Layout(
        record=lambda _, row: ", ".join(map(_quoted, row)) + "\n",
        dialect=Dialect(
            delimiter=",", quote='"', escape='"', comment="", has_header=True, is_trimmed=True
        ),
    ),
    "runs of blanks": Layout(
        record=lambda _, row: (
            " ".join(f"{_flat(text).replace(' ', '_'):<12}" for text in row) + "\n"
        ),
        dialect=Dialect(
            delimiter=" ", quote='"', escape='"', comment="", has_header=True, is_trimmed=True
        ),
    ),
    "quotes that nothing escapes": Layout(
        record=lambda _, row: ",".join(f'"{_flat(text)}"' for text in row[:-1]) + ',"5" pipe"\n',
        dialect=Dialect(delimiter=",", quote='"', escape="", comment="", has_header=True),
    ),
    "stray quotes": Layout(record=_with_stray_quote),
    "quotes never closed": Layout(record=_with_spoilt_quote),
    "mixed line ends": Layout(
        record=lambda number, row: _plain(row, ("\n", "\r\n", "\r")[number % 3])
    ),
    "line ends CR": Layout(record=lambda _, row: _plain(row, "\r")),
    "a line end in every record": Layout(
        record=lambda _, row: _plain([*row[:-1], f"two\nlines {row[-1]}"])
    ),
    "comment lines": Layout(
        record=lambda number, row: ("# note\n" if _every(10, number) else "") + _plain(row),
        dialect=Dialect(delimiter=",", quote='"', escape='"', comment="#", has_header=True),
    ),
    "zero bytes": Layout(record=lambda _, row: _plain([*row[:-1], row[-1] + "\0"])),
    "bytes that are no UTF-8": Layout(
        record=lambda number, row: (
            ",".join(map(_flat, row)).encode().decode("latin-1")
            + ("\xff\n" if _every(100, number) else "\n")
        ),
        encoding="latin-1",
    ),
    "a field too few in every tenth": Layout(
        record=lambda number, row: _plain(row[: len(row) - _every(10, number)])
    ),
    "one column": Layout(record=lambda _, row: _doubled(" ".join(row)) + "\n"),
    "1,000 columns": Layout(record=lambda _, row: _plain(row), columns=1000),
}
"""By what is particular about them."""

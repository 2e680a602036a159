"""Land one sheet of an Excel workbook: find its table, name its columns, write its rows as texts.

A row without any value is no record. A row is refused, and the rest of the sheet read on, where a
cell holds an error, a formula without a result, or a value outside of the table's columns. What a
refused row looked like is kept as JSON, with its sheet and its number.
"""

import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from statistics import median

from lakewright import errors
from lakewright.ingest import cell_values, delimited, rows, workbook
from lakewright.ingest.inference import ColumnType
from lakewright.ingest.packing import Limits
from lakewright.plan.landed import TextPart
from lakewright.project.source import Excel
from lakewright.wording import counted

_SAMPLE_ROWS = 500
"""Rows from which the table's place is decided; they are read twice."""
_TABLE_ROWS = 20
"""Rows that are looked at in every sheet that is not read, to say whether it holds a table too."""
_SHEETS_SHOWN_MAX = 20
_EMPTY_FIELDS_MAX = 1 << 20
"""Fields without a value, beyond a thousand for each cell: a wide table of one cell in each row
would make records of gigabytes from a file of kilobytes."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Table:
    """A sheet, understood but not yet read."""

    sheet: workbook.Sheet
    format: Excel
    """Pinned."""
    names: tuple[str, ...]
    """Of the columns, unique and non-empty."""
    left: int
    """The sheet's column that is the table's first, from 0."""
    first_row: int
    """Rows above this one are passed over."""
    evidence: tuple[str, ...]
    suspicions: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Source:
    """A workbook, and what is said about it."""

    path: Path
    file_name: str
    limits: Limits
    null_words: frozenset[str]
    """Errors such as `#N/A` among them are null rather than a reason to refuse a row."""

    def opened(self) -> "workbook.OpenedWorkbook":
        """The workbook, for as long as the context lasts."""
        return workbook.opened(self.path, self.file_name, self.limits)


def understand(source: Source, declared: Excel) -> Table:
    """Decide everything about a workbook but its types.

    Raises:
        FileUnreadable: there is no table in it, or no such sheet.
    """
    with source.opened() as book:
        sheet, evidence, suspicions = _choose(book, source, declared)
        skipped = declared.skip_lines or 0
        found = (row for row in book.rows(sheet, source.null_words) if row.number > skipped)
        sample = list(islice(found, _SAMPLE_ROWS))
    if not sample:
        raise errors.FileUnreadable(
            f"{source.file_name} has nothing in the sheet {sheet.name}",
            why="no cell below the rows to be skipped has a value",
            hint=f"its sheets are {_names(book.sheets)}: declare `sheet`",
        )
    first, header, reason = _header(sample, declared)
    extent = _extent(sample[first:], is_named=header)
    skip_lines = sample[first].number - 1
    if declared.skip_lines is None and first:
        above, have = counted(first, "row"), "has" if first == 1 else "have"
        evidence.append(f"skip_lines {skip_lines}: {above} above the table {have} few cells")
    evidence.append(f"header {'yes' if header else 'no'}: {reason}")
    given = [sample[first].cells.get(column, "") if header else "" for column in extent]
    return Table(
        sheet=sheet,
        format=replace(
            declared,
            sheet=sheet.name,
            has_header=header,
            skip_lines=skip_lines if declared.skip_lines is None else declared.skip_lines,
        ),
        names=delimited.column_names(given),
        left=extent.start,
        first_row=sample[first].number + header,
        evidence=tuple(evidence),
        suspicions=tuple(suspicions),
    )


def read(
    source: Source,
    table: Table,
    work_folder: Path,
    columns: Mapping[int, ColumnType],
    report: Callable[[int], None],
) -> tuple[tuple[TextPart, ...], tuple[str, ...]]:
    """Write the table's records; the parts, and what is suspicious about them.

    `report` is told how many of the file's bytes have been read: the share of the sheet.
    """
    width = len(table.names)
    size_bytes = source.path.stat().st_size
    merged: list[workbook.Merged] = []
    filled = 0
    with source.opened() as book:
        written = rows.Rows(
            table.names, work_folder, columns, lambda: report(int(book.parsed * size_bytes))
        )
        for row in book.rows(table.sheet, source.null_words, merged):
            if row.number < table.first_row:
                continue
            filled += len(row.cells)
            if written.count * width > _EMPTY_FIELDS_MAX + 1000 * filled:
                raise errors.FileUnreadable(
                    f"{source.file_name}: the sheet {table.sheet.name} is almost empty",
                    why=f"its {written.count:,} rows of {width:,} columns have {filled:,} values",
                    hint="delete stray cells far outside of the table",
                )
            written.add(_record(row, table, width))
        parts = written.close()
    return parts, tuple(_merged_suspicions(merged, table))


def _record(row: workbook.Row, table: Table, width: int) -> rows.Row:
    fields: list[str | None] = [None] * width
    problem = row.problem
    for column, text in row.cells.items():
        if 0 <= column - table.left < width:
            fields[column - table.left] = text
        elif problem is None:
            name = cell_values.letters(column)
            problem = f"cell {name}{row.number} has a value, but stands outside of the table"
    named = {cell_values.letters(column): text for column, text in row.cells.items()}
    place = {"sheet": table.sheet.name, "row": row.number, "cells": named}
    return rows.Row(None, json.dumps(place, ensure_ascii=False), fields, problem)


def _choose(
    book: workbook.Workbook, source: Source, declared: Excel
) -> tuple[workbook.Sheet, list[str], list[str]]:
    """The sheet to read, the evidence, and what is suspicious about the choice."""
    if declared.sheet is not None:
        sheet = _declared(book.sheets, declared.sheet, source.file_name)
        return sheet, [f"sheet {sheet.name}: declared"], []
    heads = {
        sheet.name: list(islice(book.rows(sheet, source.null_words), _TABLE_ROWS))
        for sheet in book.sheets[:_SHEETS_SHOWN_MAX]
    }
    filled = [sheet for sheet in book.sheets[:_SHEETS_SHOWN_MAX] if heads[sheet.name]]
    visible = [sheet for sheet in filled if not sheet.is_hidden]
    chosen = next(iter(visible or filled), None)
    if chosen is None:
        raise errors.FileUnreadable(
            f"{source.file_name} is a workbook without content",
            why=f"no cell has a value in its sheets {_names(book.sheets)}",
            hint="deliver the file again once it has content",
        )
    why = "the only one with content"
    if len(filled) > 1:
        what = "visible one" if visible else "one"
        why = f"the first {what} with content, of {_names(filled)}"
    others = [sheet for sheet in visible if sheet != chosen and _is_table(heads[sheet.name])]
    suspicions = []
    if others:
        verb = "looks like a table too" if len(others) == 1 else "look like tables too"
        what = f"only the sheet {chosen.name} was read, but {_names(others)} {verb}"
        suspicions = [f"{what}: declare `sheet` to say which is meant"]
    return chosen, [f"sheet {chosen.name}: {why}"], suspicions


def _declared(sheets: Sequence[workbook.Sheet], wanted: str, file_name: str) -> workbook.Sheet:
    by_name = [sheet for sheet in sheets if sheet.name == wanted]
    by_place = [sheet for sheet in sheets if str(sheet.place) == wanted]
    by_case = [sheet for sheet in sheets if sheet.name.lower() == wanted.lower()]
    found = next(iter([*by_name, *by_place, *by_case]), None)
    if found is None:
        raise errors.FileUnreadable(
            f"{file_name} has no sheet {wanted}",
            why=f"its sheets are {_names(sheets)}",
            hint="correct `sheet` in the source's format: a name, or a number from 1",
        )
    return found


def _names(sheets: Sequence[workbook.Sheet]) -> str:
    names = [sheet.name for sheet in sheets[:_SHEETS_SHOWN_MAX]]
    more = len(sheets) - len(names)
    return ", ".join(names) + (f" and {more:,} more" if more else "")


def _is_table(head: Sequence[workbook.Row]) -> bool:
    return sum(len(row.cells) > 1 for row in head) > 1


def _header(sample: Sequence[workbook.Row], declared: Excel) -> tuple[int, bool, str]:
    """The place of the table's first row in the sample, whether it is a header, and why.

    Rows are passed over only above a header: titles and notes have few cells, and stand over one
    that names the columns of what is below.
    """
    if declared.has_header is False:
        return 0, False, "declared"
    usual = median(len(row.cells) for row in sample)
    wide = next(place for place, row in enumerate(sample) if 2 * len(row.cells) > usual)
    places = (wide, 0) if declared.skip_lines is None else (0,)
    if declared.has_header:
        return places[0], True, "declared"
    reason = ""
    for place in places:
        is_header, reason = rows.judge_header([row.cells for row in sample[place:]])
        if is_header:
            return place, True, reason
    return 0, False, reason


def _extent(sample: Sequence[workbook.Row], *, is_named: bool) -> range:
    """The columns of the table: those of the header, and beside them those that are filled.

    A note far to the right is no column; a column of numbers without a name is one.
    """
    counts = Counter(column for row in sample for column in row.cells)
    named: AbstractSet[int] = sample[0].cells.keys() if is_named else set()
    body = max(len(sample) - is_named, 1)
    known = {column for column, count in counts.items() if column in named or 2 * count > body}
    if not is_named:
        known = set(counts)
    return range(min(known), max(known) + 1)


def _merged_suspicions(merged: Sequence[workbook.Merged], table: Table) -> Iterator[str]:
    right = table.left + len(table.names)
    inside = [
        each
        for each in merged
        if each.last_row >= table.first_row
        and each.last_row > each.first_row
        and each.first_column < right
        and each.last_column >= table.left
    ]
    if inside:
        first = inside[0]
        name = f"{cell_values.letters(first.first_column)}{first.first_row}"
        yield (
            f"{len(inside):,} times, cells of several rows are merged, first at {name}: only the"
            " first row of them has the value"
        )

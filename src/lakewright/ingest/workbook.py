"""Read an Excel workbook (ECMA-376, Office Open XML) as it is stored, row by row.

A reader of our own, on Python's `zipfile` and expat: of the libraries, some drop rows or errors
without a word and some hold a sheet as large as its farthest cell, so that a file of a kilobyte
ends the process (docs/decisions/excel-is-read-by-our-own-reader.md). It refuses document types,
tags and texts without end, more rows and columns than a sheet has, and more elements than belong in
a file of its size.
"""

import posixpath
import zipfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, TypeAlias
from xml.parsers import expat

from lakewright import errors
from lakewright.ingest import cell_values, signature, zip_file
from lakewright.ingest.cell_values import Look
from lakewright.ingest.packing import Allowance, Limits

ROWS_MAX = 1 << 20
"""Rows of a sheet, by the limits of Excel itself."""
COLUMNS_MAX = 1 << 14
"""Columns of a sheet, by the same."""
SHEETS_MAX = 10_000
STYLES_MAX = 1 << 16
"""Cell formats of a workbook; Excel stops at 65,490."""
TEXT_LENGTH_MAX = 1 << 20
"""Characters of one text. A cell of Excel holds 32,767; other programs write longer ones."""
TEXTS_BYTES_MAX = 1 << 28
"""What the texts that cells share may take in memory; all of them are needed at any time."""
MERGED_MAX = 1 << 18
"""Merged areas of a sheet."""
ELEMENTS_MAX = 1 << 20
"""XML elements that are read of a workbook, beyond two for each byte of the file: a hundredth of a
byte can ask for one, and each takes some microseconds. Excel writes its place into every cell, so
that an element takes two thirds of a byte or more, however often a sheet repeats itself."""

_TAG_BYTES_MAX = 1 << 20
_ATTRIBUTES_USUAL = 4  # An element of more is counted once for each so many.
_DEPTH_MAX = 64  # A sheet has about ten levels, extensions included.
_RATIO_USUAL = Limits().ratio_max  # Whoever allows more of it allows more elements, too.
_LIST_ENTRY_BYTES = 60  # What a short text takes in a list.

Attributes = Mapping[str, str]


class Row(NamedTuple):
    """One row of a sheet that has any content."""

    number: int
    """From 1, as Excel shows it."""
    cells: Mapping[int, str]
    """The text of each cell that has one, by its column, from 0."""
    problem: str | None
    """Why not every cell can be read."""


class Merged(NamedTuple):
    """Cells that were merged into one."""

    first_row: int
    last_row: int
    first_column: int
    last_column: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Sheet:
    """One sheet with cells."""

    name: str
    place: int
    """Among the sheets, from 1."""
    is_hidden: bool
    part: str
    """Its path in the workbook's ZIP file."""


class Workbook:
    """An open workbook.

    Args:
        archive: the file.
        file_name: for refusals.
        allow: how much of it may be unpacked at each reading of a part.
        elements_max: how many XML elements may be read of it.
    """

    def __init__(
        self,
        archive: zipfile.ZipFile,
        file_name: str,
        allow: Callable[[], Allowance],
        elements_max: int,
    ) -> None:
        self._archive = archive
        self._file_name = file_name
        self._allow = allow
        self._elements_max = elements_max
        self._elements = 0
        self._parts = {info.filename.lower(): info for info in archive.infolist()}
        self._texts: list[str] | None = None
        self._looks: list[Look] | None = None
        root = self._related("")
        self._main = next((target for kind, target in root.values() if kind == "officeDocument"),
                          "xl/workbook.xml")  # fmt: skip
        self._relations = self._related(self._main)
        self.parsed = 0.0
        """How much of the part that is being read has been, from 0 to 1."""
        self.has_1904_dates = False
        self.sheets: tuple[Sheet, ...] = ()
        """In their order; charts and macros are none."""
        self._read_main()

    def rows(
        self, sheet: Sheet, null_words: Iterable[str] = (), merged: list[Merged] | None = None
    ) -> Iterator[Row]:
        """The rows of a sheet that have any content, in the file's order.

        Args:
            sheet: which.
            null_words: errors such as `#N/A` that are to be read as this text.
            merged: is filled with the merged cells by the time that the last row was given.
        """
        if self._texts is None:
            self._texts = self._read_texts()
        if self._looks is None:
            self._looks = self._read_looks()
        values = cell_values.Values(
            texts=self._texts,
            looks=self._looks,
            has_1904_dates=self.has_1904_dates,
            errors_kept=frozenset(null_words),
        )
        handler = _SheetHandler(values, self._refusal, [] if merged is None else merged)
        for _ in self._parse(sheet.part, handler.start, handler.end, handler.text):
            yield from handler.taken()
        yield from handler.taken()

    def _read_main(self) -> None:
        found: list[Sheet] = []
        places = 0

        def start(name: str, attributes: Attributes) -> None:
            nonlocal places
            if name == "workbookPr":
                self.has_1904_dates = attributes.get("date1904") in ("1", "true")
            elif name == "sheet":
                places += 1
                if places > SHEETS_MAX:
                    raise self._refusal(f"it has more than {SHEETS_MAX:,} sheets")
                own = next((value for key, value in attributes.items() if key.endswith(":id")), "")
                kind, target = self._relations.get(own, ("", ""))
                if kind == "worksheet":
                    found.append(
                        Sheet(
                            name=attributes.get("name", ""),
                            place=places,
                            is_hidden=attributes.get("state", "visible") != "visible",
                            part=target,
                        )
                    )

        self._read_all(self._main, start)
        self.sheets = tuple(found)

    def _related(self, part: str) -> dict[str, tuple[str, str]]:
        """What a part refers to: by id, the last word of the kind, and the path."""
        folder, name = posixpath.split(part)
        found: dict[str, tuple[str, str]] = {}

        def start(name: str, attributes: Attributes) -> None:
            if name == "Relationship" and attributes.get("TargetMode") != "External":
                target = posixpath.join("/", folder, attributes.get("Target", ""))
                kind = attributes.get("Type", "").rpartition("/")[2]
                path = posixpath.normpath(target).lstrip("/")
                found[attributes.get("Id", "")] = (kind, path)
                if len(found) > 2 * SHEETS_MAX:
                    raise self._refusal(f"{part or 'it'} refers to too many parts")

        relations = posixpath.join(folder, "_rels", f"{name}.rels")
        if relations.lower() in self._parts:
            self._read_all(relations, start)
        return found

    def _part_of_kind(self, kind: str) -> str | None:
        parts = (target for found, target in self._relations.values() if found == kind)
        return next((part for part in parts if part.lower() in self._parts), None)

    def _read_texts(self) -> list[str]:
        part = self._part_of_kind("sharedStrings")
        found: list[str] = []
        if part is None:
            return found
        text = _Text(self._refusal)
        size = 0

        def start(name: str, attributes: Attributes) -> None:  # noqa: ARG001
            text.start(name)

        def end(name: str) -> None:
            nonlocal size
            text.end(name)
            if name == "si":
                found.append(cell_values.unescaped(text.take()))
                size += len(found[-1]) + _LIST_ENTRY_BYTES
                if size > TEXTS_BYTES_MAX:
                    raise self._refusal(f"its texts take more than {TEXTS_BYTES_MAX:,} bytes")

        self._read_all(part, start, end, text.add)
        return found

    def _read_looks(self) -> list[Look]:
        part = self._part_of_kind("styles")
        looks: list[Look] = []
        if part is None:
            return looks
        codes: dict[str, Look] = {}
        is_of_cells = False

        def start(name: str, attributes: Attributes) -> None:
            nonlocal is_of_cells
            if name == "numFmt":
                code = attributes.get("formatCode", "")
                codes[attributes.get("numFmtId", "")] = cell_values.look_of(code)
            elif name == "cellXfs":
                is_of_cells = True
            elif name == "xf" and is_of_cells:
                number = attributes.get("numFmtId", "0")
                looks.append(codes.get(number) or cell_values.BUILT_IN.get(number, Look.NUMBER))
            if len(looks) + len(codes) > 2 * STYLES_MAX:
                raise self._refusal(f"it has more than {STYLES_MAX:,} cell formats")

        def end(name: str) -> None:
            nonlocal is_of_cells
            is_of_cells = is_of_cells and name != "cellXfs"

        self._read_all(part, start, end)
        return looks

    def _read_all(
        self,
        part: str,
        start: Callable[[str, Attributes], None],
        end: Callable[[str], None] = lambda _: None,
        text: Callable[[str], None] = lambda _: None,
    ) -> None:
        for _ in self._parse(part, start, end, text):
            pass

    def _parse(
        self,
        part: str,
        start: Callable[[str, Attributes], None],
        end: Callable[[str], None],
        text: Callable[[str], None],
    ) -> Iterator[None]:
        """Parse a part piece by piece; handlers are told names without prefix."""
        member = self._parts.get(part.lower())
        if member is None:
            raise self._refusal(f"it has no part {part}")
        parser = expat.ParserCreate()
        parser.buffer_text = True
        depth = 0

        def started(name: str, attributes: Attributes) -> None:
            nonlocal depth
            depth += 1
            if depth > _DEPTH_MAX:
                raise self._refusal(f"{part} is nested more than {_DEPTH_MAX} deep")
            self._count(part, attributes)
            start(name.rpartition(":")[2] if ":" in name else name, attributes)

        def ended(name: str) -> None:
            nonlocal depth
            depth -= 1
            end(name.rpartition(":")[2] if ":" in name else name)

        def refuse_entities(*_: object) -> None:
            raise self._refusal(f"{part} declares a document type, which no workbook needs")

        parser.StartElementHandler = started
        parser.EndElementHandler = ended
        parser.CharacterDataHandler = text
        parser.StartDoctypeDeclHandler = refuse_entities
        fed = 0
        try:
            for piece in zip_file.pieces(
                self._archive, member, f"{part} in {self._file_name}", self._allow()
            ):
                parser.Parse(piece, False)  # noqa: FBT003 (it takes no keywords)
                fed += len(piece)
                self.parsed = fed / max(member.file_size, 1)
                if fed - parser.CurrentByteIndex > _TAG_BYTES_MAX:
                    raise self._refusal(f"{part} has a tag of more than {_TAG_BYTES_MAX:,} bytes")
                yield
            parser.Parse(b"", True)  # noqa: FBT003
        except expat.ExpatError as error:
            raise self._refusal(f"{part}: {error}") from error
        finally:
            # Handlers refer to the parser's owner; without them it goes at once.
            parser.StartElementHandler = parser.EndElementHandler = None
            parser.CharacterDataHandler = None

    def _count(self, part: str, attributes: Attributes) -> None:
        self._elements += 1 + len(attributes) // _ATTRIBUTES_USUAL
        if self._elements > self._elements_max:
            most = f"{self._elements_max:,} XML elements"
            raise self._refusal(f"{part} goes on after {most}, in a file of too few bytes for more")

    def _refusal(self, why: str) -> errors.FileUnreadable:
        return errors.FileUnreadable(
            f"{self._file_name} cannot be read as an Excel workbook",
            why=why,
            hint="open it in Excel or LibreOffice and save it anew as .xlsx",
        )


OpenedWorkbook: TypeAlias = AbstractContextManager["Workbook"]


@contextmanager
def opened(path: Path, file_name: str, limits: Limits) -> Iterator[Workbook]:
    """The workbook in a file.

    Raises:
        FileUnreadable: it is damaged or made to harm. Reading its rows may raise the same.
    """
    with zip_file.opened(path, file_name) as archive:
        signature.refuse_other_office(archive.namelist(), file_name)
        by_size = 2 * path.stat().st_size * limits.ratio_max // _RATIO_USUAL
        elements_max = ELEMENTS_MAX + by_size
        yield Workbook(archive, file_name, lambda: Allowance(path, file_name, limits), elements_max)


class _Text:
    """The text inside an element: of its runs, without what only says how to pronounce it."""

    def __init__(self, refusal: Callable[[str], errors.FileUnreadable]) -> None:
        self._refusal = refusal
        self._pieces: list[str] = []
        self._length = 0
        self._is_open = False
        self._is_phonetic = False

    def start(self, name: str) -> None:
        if name == "t":
            self._is_open = not self._is_phonetic
        elif name == "rPh":
            self._is_phonetic = True

    def end(self, name: str) -> None:
        if name == "t":
            self._is_open = False
        elif name == "rPh":
            self._is_phonetic = False

    def add(self, text: str) -> None:
        if self._is_open:
            self.keep(text)

    def keep(self, text: str) -> None:
        self._pieces.append(text)
        self._length += len(text)
        if self._length > TEXT_LENGTH_MAX:
            raise self._refusal(f"a text has more than {TEXT_LENGTH_MAX:,} characters")

    def take(self) -> str:
        if not self._pieces:
            return ""
        found = self._pieces[0] if len(self._pieces) == 1 else "".join(self._pieces)
        self._pieces.clear()
        self._length = 0
        return found


class _SheetHandler:
    """Collects the rows of a sheet while it is parsed."""

    def __init__(
        self,
        values: cell_values.Values,
        refusal: Callable[[str], errors.FileUnreadable],
        merged: list[Merged],
    ) -> None:
        self._values = values
        self._refusal = refusal
        self._merged = merged
        self._rows: list[Row] = []
        self._text = _Text(refusal)
        self._is_value = False
        self._has_formula = False
        self._row = 0
        self._rows_seen = 0
        self._is_in_row = False
        self._cells: dict[int, str] = {}
        self._cells_seen = 0
        self._problem: str | None = None
        self._attributes: Attributes | None = None
        self._column = -1

    def taken(self) -> list[Row]:
        """The rows since the last time."""
        found, self._rows = self._rows, []
        return found

    def start(self, name: str, attributes: Attributes) -> None:
        if self._attributes is not None:  # Inside a cell.
            if name == "v":
                self._is_value = True
            elif name == "f":
                self._has_formula = True
            else:
                self._text.start(name)
        elif name == "c" and self._is_in_row:
            self._start_cell(attributes)
        elif name == "row":
            self._start_row(attributes)
        elif name == "mergeCell":
            self._merge(attributes.get("ref", ""))

    def text(self, text: str) -> None:
        if self._is_value:
            self._text.keep(text)
        else:
            self._text.add(text)

    def end(self, name: str) -> None:
        if self._attributes is not None:
            if name == "v":
                self._is_value = False
            elif name == "c":
                self._end_cell(self._attributes)
                self._attributes = None
            else:
                self._text.end(name)
        elif name == "row" and self._is_in_row:
            self._is_in_row = False
            if self._cells or self._problem:
                self._rows.append(Row(self._row, self._cells, self._problem))

    def _start_row(self, attributes: Attributes) -> None:
        given = attributes.get("r")
        self._row = self._row + 1 if given is None else _whole(given)
        self._rows_seen += 1
        if not 1 <= self._row <= ROWS_MAX or self._rows_seen > ROWS_MAX:
            raise self._refusal(f"a sheet has more than {ROWS_MAX:,} rows")
        self._is_in_row = True
        self._cells = {}
        self._cells_seen = 0
        self._problem = None
        self._column = -1

    def _start_cell(self, attributes: Attributes) -> None:
        given = attributes.get("r")
        self._column = self._column + 1 if given is None else cell_values.column_of(given)
        self._cells_seen += 1
        if not 0 <= self._column < COLUMNS_MAX or self._cells_seen > COLUMNS_MAX:
            raise self._refusal(f"row {self._row:,} has more than {COLUMNS_MAX:,} columns")
        self._attributes = attributes
        self._has_formula = False

    def _end_cell(self, attributes: Attributes) -> None:
        stored = self._text.take()
        if not stored and not self._has_formula:
            return
        text, problem = self._values.read(attributes.get("t", "n"), attributes.get("s"), stored)
        if self._column in self._cells:
            problem = "it stands there twice"
        if problem is not None and self._problem is None:
            self._problem = f"cell {cell_values.letters(self._column)}{self._row}: {problem}"
        if text or problem:
            self._cells[self._column] = text

    def _merge(self, reference: str) -> None:
        first, _, last = reference.partition(":")
        last = last or first
        found = Merged(
            cell_values.row_of(first),
            cell_values.row_of(last),
            cell_values.column_of(first),
            cell_values.column_of(last),
        )
        self._merged.append(found)
        if len(self._merged) > MERGED_MAX:
            raise self._refusal(f"it has more than {MERGED_MAX:,} merged areas")


def _whole(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else 0

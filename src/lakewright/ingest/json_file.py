"""Land a JSON file: decide its mode, make one column of each key, write its records as texts.

A record is an object, whose keys are the columns, or any other value, which is the only column,
`value`. Nested values stay JSON text.
"""

import gc
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain
from operator import itemgetter
from pathlib import Path
from typing import cast

import numpy
import orjson
import pyarrow
import pyarrow.compute

from lakewright import errors
from lakewright.ingest import encoding, json_records, json_values, texts
from lakewright.ingest.json_records import Records
from lakewright.ingest.json_types import JsonColumnType
from lakewright.ingest.json_values import Number, Value
from lakewright.plan.landed import ArrivedColumn, TextPart
from lakewright.project.source import JsonMode
from lakewright.sql import types

VALUE = "value"
COLUMNS_MAX = 10_000
"""More distinct keys than this are data: names of things rather than of columns."""

_BLANKS = b" \t\r\n"
_SAMPLE_LINES = 20
_DECODER = json.JSONDecoder(parse_int=len)  # Python refuses to make numbers of very many digits.


def looks_like_json(head: bytes) -> bool:
    """Whether a file that starts like this is JSON: it starts so, and goes on so.

    Args:
        head: the first bytes, without a byte order mark; 64 KiB where the file has them.
    """
    content = head.strip(_BLANKS)
    if content[:1] not in (b"{", b"["):
        return False
    if _share_of_values(content) >= 0.5:
        return True
    text = content.decode(errors="ignore")
    try:
        _DECODER.raw_decode(text)
    except json.JSONDecodeError as error:
        # A long text that is cut is wrong only where the cut is.
        return error.pos > len(text) * 0.9 or error.msg.startswith("Unterminated")
    except RecursionError:
        return True
    return True


def decide_mode(head: bytes) -> tuple[JsonMode, str]:
    """How the values stand in a file that starts like this, and the evidence."""
    content = head.strip(_BLANKS)
    if b"\n" in content and _share_of_values(content) >= 0.5:
        return JsonMode.LINES, "JSON lines: each line is a value"
    if _is_followed(content):
        return JsonMode.CONCATENATED, "JSON values one after another: the first is followed by more"
    if content.startswith(b"["):
        return JsonMode.ARRAY, "JSON array: the file starts with ["
    if b"\n" not in content and _is_value(content):
        return JsonMode.LINES, "JSON lines: the only line is a value"
    return JsonMode.DOCUMENT, "JSON document: no line is a value of its own"


def _is_followed(content: bytes) -> bool:
    """Whether another object or array stands behind the first one."""
    text = content.decode(errors="replace")
    try:
        _, end = _DECODER.raw_decode(text)
    except (json.JSONDecodeError, RecursionError):
        return False
    return text[end:].lstrip(_BLANKS.decode())[:1] in ("{", "[")


def _share_of_values(content: bytes) -> float:
    """How many of the first lines are values; the last one may be cut."""
    lines = [line for line in content.split(b"\n")[: _SAMPLE_LINES + 1] if line.strip(_BLANKS)]
    lines = lines[:-1] if len(lines) > 1 else lines
    # An array that is written with one element on each line has no comma after the last one only.
    return sum(map(_is_value, lines)) / max(len(lines), 1)


def _is_value(line: bytes) -> bool:
    line = line.strip(_BLANKS)
    if line[:1] not in (b"{", b"["):
        return False
    try:
        orjson.loads(line)
    except orjson.JSONDecodeError:
        return False
    return True


@dataclass(frozen=True, slots=True)
class Output:
    """Where a file's records go."""

    work_folder: Path
    is_wanted: Callable[[str], bool]
    """Whether the type of a key's column is to be found."""
    report: Callable[[int], None]
    """Is told which byte of the text has been reached."""


def read(
    text: encoding.Text, mode: JsonMode, file_name: str, output: Output
) -> tuple[tuple[ArrivedColumn, ...], tuple[TextPart, ...]]:
    """Write a file's records as texts: its columns and its parts.

    Raises:
        FileUnreadable: it is no JSON in this mode, or has keys without number.
    """
    table = _Table(output, file_name)
    with _collector_at_rest():
        table.add_all(json_records.read(text.path, text.start, mode, file_name))
    return table.close()


@contextmanager
def _collector_at_rest() -> Iterator[None]:
    """No search for cycles: JSON has none, and to go through all values again and again costs a
    third of the time.
    """
    is_at_work = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if is_at_work:
            gc.enable()


class _Table:
    """The records so far, in columns in the order of their first sight."""

    def __init__(self, output: Output, file_name: str) -> None:
        self._records = 0
        self._output = output
        self._file_name = file_name
        self._writer = texts.Writer(output.work_folder)
        self._names: dict[str, str] = {}
        self._taken = set(texts.RESERVED)
        self._types: dict[str, JsonColumnType] = {}

    def add_all(self, found: Iterable[Records]) -> None:
        """Write all records; none of them is left for the collector to look through."""
        for records in found:
            self.add(records)

    def add(self, found: Records) -> None:
        """Write records, so many at once that their cells are held with ease."""
        start = 0
        while start < len(found.values):
            stop = start + texts.records_at_once(len(self._names))
            rows = _rows(found, start, stop)
            for key in dict.fromkeys(chain.from_iterable(rows)):
                if key not in self._names:
                    self._name(key)
            rows = rows[: texts.records_at_once(len(self._names))]
            self._write(rows, found, start)
            start += len(rows)

    def close(self) -> tuple[tuple[ArrivedColumn, ...], tuple[TextPart, ...]]:
        columns = tuple(
            ArrivedColumn(
                name=name, type=self._types[key].kind if key in self._types else types.UNKNOWN
            )
            for key, name in self._names.items()
        )
        return columns, self._writer.close(tuple(self._names.values()))

    def _write(self, rows: Sequence[Mapping[str, Value]], found: Records, start: int) -> None:
        columns: dict[str, pyarrow.Array] = {}
        for key, name in self._names.items():
            values = _values(rows, key)
            columns[name] = _as_texts(values)
            if key in self._types:
                self._types[key].see(values, columns[name])
        stop = start + len(rows)
        batch = texts.Batch(
            range(self._records + 1, self._records + len(rows) + 1),
            found.places[start:stop],
            _decoded(found.raws[start:stop]),
            _problems(found, start, stop),
        )
        self._writer.write(columns, batch)
        self._records += len(rows)
        self._output.report(found.places[stop - 1] + len(found.raws[stop - 1]))

    def _name(self, key: str) -> None:
        if len(self._names) >= COLUMNS_MAX:
            raise errors.FileUnreadable(
                f"{self._file_name} has more than {COLUMNS_MAX:,} different keys",
                why="every key of a record's object becomes a column, and so many are data",
                hint="deliver such an object inside a record, as the value of one key",
            )
        # No engine's SQL can hold a zero character; the mark of what cannot be shown stands for it.
        name = unique = key.replace("\0", "\ufffd")
        if not key.strip():
            name = unique = f"column_{len(self._names) + 1}"
        number = 2
        while unique.lower() in self._taken:
            unique = f"{name}_{number}"
            number += 1
        self._taken.add(unique.lower())
        self._names[key] = unique
        if self._output.is_wanted(key):
            self._types[key] = JsonColumnType()


def _rows(found: Records, start: int, stop: int) -> list[Mapping[str, Value]]:
    """The fields of these records; one with a problem has none."""
    values = found.values[start:stop]
    if not found.problems and set(map(type, values)) == {dict}:
        return list(cast("Sequence[Mapping[str, Value]]", values))
    return [
        {} if place in found.problems else value if isinstance(value, dict) else {VALUE: value}
        for place, value in enumerate(values, start)
    ]


def _values(rows: Sequence[Mapping[str, Value]], key: str) -> list[Value]:
    try:
        return list(map(itemgetter(key), rows))
    except KeyError:
        return [row.get(key) for row in rows]


def _decoded(raws: Sequence[bytes]) -> pyarrow.StringArray:
    try:
        return pyarrow.array(raws, pyarrow.string())
    except pyarrow.ArrowInvalid:
        return pyarrow.array([raw.decode(errors="replace") for raw in raws], pyarrow.string())


def _problems(found: Records, start: int, stop: int) -> pyarrow.StringArray:
    if not found.problems:
        return pyarrow.nulls(stop - start, pyarrow.string())
    return pyarrow.array(map(found.problems.get, range(start, stop)), pyarrow.string())


def _as_texts(values: list[Value]) -> pyarrow.Array:
    kinds = set(map(type, values))
    if kinds <= {str, type(None)}:
        return pyarrow.array(values, pyarrow.string())
    if kinds <= {bool, int, float, Number, type(None)}:
        return _scalar_texts(values, may_be_null=type(None) in kinds)
    if kinds <= {list, dict, type(None)}:
        written: list[bytes | None] = [*json_values.texts(values)]
        if type(None) in kinds:
            written = [None if each == b"null" else each for each in written]
        return pyarrow.array(written, pyarrow.string())
    return pyarrow.array(list(map(json_values.text, values)), pyarrow.string())


def _scalar_texts(values: list[Value], *, may_be_null: bool) -> pyarrow.Array:
    """Booleans and numbers by what JSON writes of all of them, cut at the commas."""
    written = json_values.written(values)
    commas = numpy.flatnonzero(numpy.frombuffer(written, numpy.uint8) == ord(","))
    ends = numpy.append(commas, len(written)) - numpy.arange(len(values))
    offsets = numpy.concatenate(([0], ends)).astype(numpy.int32)
    data = written.translate(None, b",")
    texts = pyarrow.StringArray.from_buffers(
        len(values), pyarrow.py_buffer(offsets), pyarrow.py_buffer(data)
    )
    if not may_be_null:
        return texts
    is_null = pyarrow.compute.equal(texts, "null")
    return pyarrow.compute.if_else(is_null, pyarrow.scalar(None, pyarrow.string()), texts)

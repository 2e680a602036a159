"""Land a JSON file: decide its mode, make one column of each key, write its records as texts.

A record is an object, whose keys are the columns, or any other value, which is the only column,
`value`. Nested values stay JSON text.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import orjson
import pyarrow

from lakewright import errors
from lakewright.ingest import encoding, json_values, texts
from lakewright.ingest.json_types import JsonColumnType
from lakewright.ingest.json_values import Found, Number, Value
from lakewright.plan.landed import ArrivedColumn, TextPart
from lakewright.project.source import JsonMode
from lakewright.sql import types

VALUE = "value"
COLUMNS_MAX = 10_000
"""More distinct keys than this are data: names of things rather than of columns."""

_BLANKS = b" \t\r\n"
_SAMPLE_LINES = 20


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
        json.JSONDecoder().raw_decode(text)
    except json.JSONDecodeError as error:
        # A long text that is cut is wrong only where the cut is.
        return error.pos > len(text) * 0.9 or error.msg.startswith("Unterminated")
    except RecursionError:
        return True
    return True


def decide_mode(head: bytes) -> tuple[JsonMode, str]:
    """How the values stand in a file that starts like this, and the evidence."""
    content = head.strip(_BLANKS)
    first, _, rest = content.partition(b"\n")
    count = content.count(b"\n")
    if count and _share_of_values(content) >= 0.5:
        return JsonMode.LINES, "JSON lines: each line is a value"
    if content.startswith(b"["):
        return JsonMode.ARRAY, "JSON array: the file starts with ["
    if not rest and _is_value(first):
        return JsonMode.LINES, "JSON lines: the only line is a value"
    return JsonMode.DOCUMENT, "JSON document: no line is a value of its own"


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
    """Is told how many records have been passed."""


def read(
    text: encoding.Text, mode: JsonMode, file_name: str, output: Output
) -> tuple[tuple[ArrivedColumn, ...], tuple[TextPart, ...]]:
    """Write a file's records as texts: its columns and its parts.

    Raises:
        FileUnreadable: an array or document is not valid JSON, or keys are without number.
    """
    readers: Mapping[JsonMode, Callable[[Path, int, str], Iterator[Found]]] = {
        JsonMode.LINES: json_values.lines,
        JsonMode.ARRAY: json_values.array,
        JsonMode.DOCUMENT: json_values.document,
    }
    table = _Table(output, file_name)
    for found in readers[mode](text.path, text.start, file_name):
        if table.add(found):
            output.report(table.records)
    return table.close()


class _Table:
    """The records so far, in columns in the order of their first sight."""

    def __init__(self, output: Output, file_name: str) -> None:
        self.records = 0
        self._output = output
        self._file_name = file_name
        self._writer = texts.Writer(output.work_folder)
        self._names: dict[str, str] = {}
        self._taken = set(texts.RESERVED)
        self._types: dict[str, JsonColumnType] = {}
        self._found: list[Found] = []
        self._written = 0

    def add(self, found: Found) -> bool:
        """Take one record; whether a batch was written."""
        self._found.append(found)
        is_large = found.byte - self._written > texts.BATCH_BYTES
        if not is_large and len(self._found) < texts.records_at_once(len(self._names)):
            return False
        self._write()
        self._written = found.byte
        return True

    def close(self) -> tuple[tuple[ArrivedColumn, ...], tuple[TextPart, ...]]:
        self._write()
        columns = tuple(
            ArrivedColumn(
                name=name, type=self._types[key].kind if key in self._types else types.UNKNOWN
            )
            for key, name in self._names.items()
        )
        return columns, self._writer.close(tuple(self._names.values()))

    def _write(self) -> None:
        rows = [_fields(found) for found in self._found]
        keys: dict[str, None] = {}
        for row in rows:
            keys.update(dict.fromkeys(row))
        for key in keys:
            if key not in self._names:
                self._name(key)
        columns: dict[str, pyarrow.Array] = {}
        for key, name in self._names.items():
            values = [row.get(key) for row in rows]
            columns[name] = _as_texts(values)
            if key in self._types:
                self._types[key].see(values, columns[name])
        batch = texts.Batch(
            range(self.records + 1, self.records + len(rows) + 1),
            [found.byte for found in self._found],
            [found.raw for found in self._found],
            [found.problem for found in self._found],
        )
        self._writer.write(columns, batch)
        self.records += len(rows)
        self._found = []

    def _name(self, key: str) -> None:
        if len(self._names) >= COLUMNS_MAX:
            raise errors.FileUnreadable(
                f"{self._file_name} has more than {COLUMNS_MAX:,} different keys",
                why="every key of a record's object becomes a column, and so many are data",
                hint="deliver such an object inside a record, as the value of one key",
            )
        name = unique = key if key.strip() else f"column_{len(self._names) + 1}"
        number = 2
        while unique.lower() in self._taken:
            unique = f"{name}_{number}"
            number += 1
        self._taken.add(unique.lower())
        self._names[key] = unique
        if self._output.is_wanted(key):
            self._types[key] = JsonColumnType()


def _fields(found: Found) -> Mapping[str, Value]:
    if found.problem is not None:
        return {}
    return found.value if isinstance(found.value, dict) else {VALUE: found.value}


def _as_texts(values: list[Value]) -> pyarrow.Array:
    kinds = set(map(type, values)) - {type(None)}
    if kinds <= {str, Number}:
        return pyarrow.array(values, pyarrow.string())
    if kinds == {bool}:
        return pyarrow.array(values, pyarrow.bool_()).cast(pyarrow.string())
    if kinds == {int}:
        texts_of = [None if value is None else str(value) for value in values]
        return pyarrow.array(texts_of, pyarrow.string())
    return pyarrow.array(list(map(json_values.text, values)), pyarrow.string())

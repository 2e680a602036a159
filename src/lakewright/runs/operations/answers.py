"""A query's answer as JSON values or as a file.

JSON has one kind of number, which many readers take as a double: decimals, and integers beyond
2^53, are texts. Moments are ISO 8601 (with `Z` where they are instants), bytes are base64.
"""

import base64
import json
import math
import re
import secrets
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING

from lakewright import errors
from lakewright.runs.records import Json
from lakewright.sql import types

if TYPE_CHECKING:
    import pyarrow

__all__ = ["UTC", "rows", "write"]

_EXACT_INTEGER_MAX = 2**53
_CSV_QUOTED = re.compile(r'[",\r\n]|^\s|\s$')
"""What is quoted: what RFC 4180 demands, and blanks at an end, which some readers drop."""

_SUFFIXES = (".csv", ".json", ".jsonl", ".parquet")


def rows(
    reader: "pyarrow.RecordBatchReader", schema: types.Schema, rows_max: int | None
) -> tuple[list[Json], bool]:
    """Rows as JSON values, no more than `rows_max`, and whether there would be more."""
    found: list[Json] = []
    for row in _rows(reader, schema):
        if rows_max is not None and len(found) == rows_max:
            return found, True
        found.append(row)
    return found, False


def write(
    reader: "pyarrow.RecordBatchReader",
    schema: types.Schema,
    path: Path,
    report: Callable[[int], None],
) -> int:
    """Write the answer as the file's name says; how many rows it has.

    The file has its name only when it is complete.

    Raises:
        UsageError: the name ends in none of the formats.
    """
    writers = {".csv": _csv, ".json": _json, ".jsonl": _lines, ".parquet": _parquet}
    writer = writers.get(path.suffix.lower())
    if writer is None:
        raise errors.UsageError(
            f"{path.name} names no format that a query's answer can be written in",
            hint=f"end its name with one of {', '.join(_SUFFIXES)}",
        )
    # A name of its own, not one made from the file's: that may be as long as names can be.
    part = path.with_name(f".lakewright-{secrets.token_hex(8)}.part")
    try:
        written = writer(reader, schema, part, report)
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
    return written


def _rows(reader: "pyarrow.RecordBatchReader", schema: types.Schema) -> Iterator[list[Json]]:
    kinds = [field.type for field in schema.fields]
    for batch in reader:
        columns = [column.to_pylist() for column in batch.columns]
        for row in zip(*columns, strict=True):
            yield [_plain(value, kind) for value, kind in zip(row, kinds, strict=True)]


def _plain(value: object, kind: types.Type) -> Json:
    if value is None or isinstance(value, bool | str):
        return value
    if isinstance(value, int):
        return value if abs(value) <= _EXACT_INTEGER_MAX else str(value)
    if isinstance(value, float):
        return value if math.isfinite(value) else _non_finite(value)
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, datetime):
        return _moment(value, is_instant=kind == types.TIMESTAMP)
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, bytes):
        return base64.b64encode(value).decode("ascii")
    return _nested(value, kind)


def _nested(value: object, kind: types.Type) -> Json:
    if isinstance(kind, types.Struct) and isinstance(value, Mapping):
        return {name: _plain(value.get(name), inner) for name, inner in kind.fields}
    if isinstance(kind, types.Array) and isinstance(value, Sequence):
        return [_plain(each, kind.element) for each in value]
    if isinstance(kind, types.Map) and isinstance(value, Sequence):
        return [[_plain(key, kind.key), _plain(each, kind.value)] for key, each in value]
    raise TypeError(f"a {type(value).__name__} is no value of {kind}")


def _non_finite(value: float) -> str:
    """As Spark writes them: JSON has no such numbers."""
    return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"


def _moment(value: datetime, *, is_instant: bool) -> str:
    if not is_instant:
        return value.replace(tzinfo=None).isoformat()
    return value.astimezone(UTC).replace(tzinfo=None).isoformat() + "Z"


def _text(value: Json) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return value
    return json.dumps(value, ensure_ascii=False)


def _csv(
    reader: "pyarrow.RecordBatchReader",
    schema: types.Schema,
    path: Path,
    report: Callable[[int], None],
) -> int:
    count = 0
    with path.open("w", encoding="utf-8", newline="") as file:
        file.write(_csv_line(schema.names))
        for count, row in enumerate(_rows(reader, schema), start=1):
            file.write(_csv_line(row))
            report(count)
    return count


def _csv_line(row: Sequence[Json]) -> str:
    """A line of RFC 4180. Null is nothing at all, the empty text is a pair of quotes; but a line
    is never blank, as readers skip blank lines."""
    line = ",".join("" if value is None else _csv_field(_text(value)) for value in row)
    return (line or '""') + "\r\n"


def _csv_field(text: str) -> str:
    if text and not _CSV_QUOTED.search(text):
        return text
    return '"' + text.replace('"', '""') + '"'


def _lines(
    reader: "pyarrow.RecordBatchReader",
    schema: types.Schema,
    path: Path,
    report: Callable[[int], None],
) -> int:
    count = 0
    with path.open("w", encoding="utf-8") as file:
        for count, row in enumerate(_rows(reader, schema), start=1):
            values = dict(zip(schema.names, row, strict=True))
            file.write(json.dumps(values, ensure_ascii=False) + "\n")
            report(count)
    return count


def _json(
    reader: "pyarrow.RecordBatchReader",
    schema: types.Schema,
    path: Path,
    report: Callable[[int], None],
) -> int:
    found, _ = rows(reader, schema, None)
    report(len(found))
    columns = [{"name": field.name, "type": str(field.type)} for field in schema.fields]
    text = json.dumps({"columns": columns, "rows": found}, ensure_ascii=False)
    path.write_text(text + "\n", encoding="utf-8")
    return len(found)


def _parquet(
    reader: "pyarrow.RecordBatchReader",
    schema: types.Schema,
    path: Path,
    report: Callable[[int], None],
) -> int:
    import pyarrow.parquet

    del schema  # The batches carry it.
    count = 0
    with pyarrow.parquet.ParquetWriter(path, reader.schema, compression="zstd") as writer:
        for batch in reader:
            writer.write_batch(batch)
            count += batch.num_rows
            report(count)
    return count

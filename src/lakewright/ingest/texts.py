"""Write records as Parquet files of texts, which every engine reads alike.

What our own readers read exactly ends here: one text column for each column of the file, and
`_record`, `_byte`, `_raw` and `_problem` beside them (see `plan.landed.TextPart`).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy
import pyarrow
import pyarrow.parquet

from lakewright.plan.landed import TextPart

RESERVED = ("_record", "_byte", "_raw", "_problem")
"""Names of our own columns; no column of a file may have them."""

_BATCH_RECORDS = 1 << 14
_BATCH_CELLS = 1 << 20
BATCH_BYTES = 1 << 24
"""A batch of so much text is written: an Arrow column holds 2 GiB, and a record up to 128 MiB."""


@dataclass(frozen=True, slots=True)
class Batch:
    """What is known of some records beside their fields, in columns of one length."""

    numbers: range
    bytes: Sequence[int | None] | pyarrow.Int64Array
    raws: Sequence[str] | pyarrow.StringArray
    problems: Sequence[str | None] | pyarrow.StringArray

    def columns(self) -> dict[str, pyarrow.Array]:
        """The columns that are ours."""
        return {
            "_record": pyarrow.array(
                numpy.arange(self.numbers.start, self.numbers.stop, dtype=numpy.int64)
            ),
            "_byte": _array(self.bytes, pyarrow.int64()),
            "_raw": _array(self.raws, pyarrow.string()),
            "_problem": _array(self.problems, pyarrow.string()),
        }


def _array(
    values: Sequence[int | None] | Sequence[str | None] | pyarrow.Array, kind: pyarrow.DataType
) -> pyarrow.Array:
    return values if isinstance(values, pyarrow.Array) else pyarrow.array(values, kind)


def records_at_once(width: int) -> int:
    """How many records of so many fields make a batch."""
    return min(_BATCH_RECORDS, _BATCH_CELLS // max(width, 1) + 1)


class Writer:
    """Writes batches to files `text-1.parquet`, `text-2.parquet` ... of a folder.

    Columns may come up late, as keys of JSON objects do: then a new file is begun, and at the end
    the earlier ones are given the columns that they lack.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._names: tuple[str, ...] = ()
        self._writer: pyarrow.parquet.ParquetWriter | None = None
        self._files: list[tuple[Path, tuple[str, ...], int]] = []

    def write(self, columns: Mapping[str, pyarrow.Array], batch: Batch) -> None:
        """Write a batch with its fields, all of the same length."""
        count = len(batch.numbers)
        if not count:
            return
        names = tuple(columns)
        if self._writer is None or names != self._names:
            self._begin(names)
        arrays = {**columns, **batch.columns()}
        record_batch = pyarrow.record_batch(list(arrays.values()), schema=schema(names))
        if self._writer is not None:
            self._writer.write_batch(record_batch, row_group_size=count)
        path, _, before = self._files[-1]
        self._files[-1] = (path, names, before + count)

    def close(self, names: Sequence[str]) -> tuple[TextPart, ...]:
        """Finish, with all of these columns in every file."""
        if self._writer is not None:
            self._writer.close()
            self._writer = None
        wanted = tuple(names)
        for path, present, _ in self._files:
            if present != wanted:
                _widen(path, wanted)
        return tuple(
            TextPart(path=str(path), records=count) for path, _, count in self._files if count
        )

    def _begin(self, names: tuple[str, ...]) -> None:
        if self._writer is not None:
            self._writer.close()
        path = self._folder / f"text-{len(self._files) + 1}.parquet"
        self._files.append((path, names, 0))
        self._names = names
        self._writer = opened(path, schema(names))


def schema(names: Sequence[str]) -> pyarrow.Schema:
    """What a file with these columns holds."""
    fields = [pyarrow.field(name, pyarrow.string()) for name in names]
    own = [
        pyarrow.field("_record", pyarrow.int64()),
        pyarrow.field("_byte", pyarrow.int64()),
        pyarrow.field("_raw", pyarrow.string()),
        pyarrow.field("_problem", pyarrow.string()),
    ]
    return pyarrow.schema(fields + own)


def opened(path: Path, wanted: pyarrow.Schema) -> pyarrow.parquet.ParquetWriter:
    """A new file to write to."""
    # Read once and thrown away: what costs time to write and saves only space is left out.
    return pyarrow.parquet.ParquetWriter(
        path,
        wanted,
        compression="lz4",
        use_dictionary=False,
        write_statistics=False,
        store_schema=False,
    )


def _widen(path: Path, names: Sequence[str]) -> None:
    """Write a file anew with null columns for the names that it lacks."""
    temporary = path.with_suffix(".wider")
    wanted = schema(names)
    with pyarrow.parquet.ParquetFile(path) as source, opened(temporary, wanted) as target:
        for batch in source.iter_batches(batch_size=_BATCH_RECORDS):
            arrays = [
                batch.column(field.name)
                if field.name in batch.schema.names
                else pyarrow.nulls(len(batch), field.type)
                for field in wanted
            ]
            target.write_batch(pyarrow.record_batch(arrays, schema=wanted))
    temporary.replace(path)

"""Write records as Parquet files of texts, which every engine reads alike.

What our own readers read exactly ends here: one text column for each column of the file, and
`_record`, `_byte`, `_raw` and `_problem` beside them (see `plan.landed.TextPart`).
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

import pyarrow
import pyarrow.parquet

from lakewright.plan.landed import TextPart

RESERVED = ("_record", "_byte", "_raw", "_problem")
"""Names of our own columns; no column of a file may have them."""

_BATCH_RECORDS = 1 << 14
_BATCH_CELLS = 1 << 20
_BATCH_CHARACTERS = 1 << 24  # An Arrow text column holds 2 GiB; a record holds up to 128 MiB.


class Batch:
    """Some records, column by column, before they are written."""

    def __init__(self) -> None:
        self.numbers: list[int] = []
        self.bytes: list[int] = []
        self.raws: list[str] = []
        self.problems: list[str | None] = []
        self.characters = 0

    def add(self, number: int, byte: int, raw: str, problem: str | None) -> None:
        """One record, apart from its fields."""
        self.numbers.append(number)
        self.bytes.append(byte)
        self.raws.append(raw)
        self.problems.append(problem)
        self.characters += len(raw)

    def __len__(self) -> int:
        """How many records it holds."""
        return len(self.numbers)

    def is_full(self, width: int) -> bool:
        """Whether it is time to write it."""
        count = len(self.numbers)
        return (
            count >= _BATCH_RECORDS
            or count * width >= _BATCH_CELLS
            or self.characters >= _BATCH_CHARACTERS
        )

    def own_columns(self) -> dict[str, pyarrow.Array]:
        """The columns that are ours."""
        return {
            "_record": pyarrow.array(self.numbers, pyarrow.int64()),
            "_byte": pyarrow.array(self.bytes, pyarrow.int64()),
            "_raw": pyarrow.array(self.raws, pyarrow.string()),
            "_problem": pyarrow.array(self.problems, pyarrow.string()),
        }


class Writer:
    """Writes batches to files `text-1.parquet`, `text-2.parquet` ... of a folder.

    Columns may come up late, as keys of JSON objects do: then a new file is begun, and at the end
    the earlier ones are given the columns that they lack.
    """

    def __init__(self, folder: Path) -> None:
        self.records = 0
        self._folder = folder
        self._names: tuple[str, ...] = ()
        self._writer: pyarrow.parquet.ParquetWriter | None = None
        self._files: list[tuple[Path, tuple[str, ...], int]] = []

    def write(self, columns: Mapping[str, pyarrow.Array], batch: Batch) -> None:
        """Write a batch with its fields, all of the same length."""
        if not len(batch):
            return
        names = tuple(columns)
        if self._writer is None or names != self._names:
            self._begin(names)
        arrays = {**columns, **batch.own_columns()}
        record_batch = pyarrow.record_batch(list(arrays.values()), schema=_schema(names))
        if self._writer is not None:
            self._writer.write_batch(record_batch, row_group_size=max(len(batch), 1))
        path, _, count = self._files[-1]
        self._files[-1] = (path, names, count + len(batch))
        self.records += len(batch)

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
        self._writer = _open(path, names)


def _schema(names: Sequence[str]) -> pyarrow.Schema:
    fields = [pyarrow.field(name, pyarrow.string()) for name in names]
    own = [
        pyarrow.field("_record", pyarrow.int64()),
        pyarrow.field("_byte", pyarrow.int64()),
        pyarrow.field("_raw", pyarrow.string()),
        pyarrow.field("_problem", pyarrow.string()),
    ]
    return pyarrow.schema(fields + own)


def _open(path: Path, names: Sequence[str]) -> pyarrow.parquet.ParquetWriter:
    # Read once and thrown away: what costs time to write and saves only space is left out.
    return pyarrow.parquet.ParquetWriter(
        path,
        _schema(names),
        compression="lz4",
        use_dictionary=False,
        write_statistics=False,
        store_schema=False,
    )


def _widen(path: Path, names: Sequence[str]) -> None:
    """Write a file anew with null columns for the names that it lacks."""
    temporary = path.with_suffix(".wider")
    schema = _schema(names)
    with pyarrow.parquet.ParquetFile(path) as source, _open(temporary, names) as target:
        for batch in source.iter_batches(batch_size=_BATCH_RECORDS):
            arrays = [
                batch.column(field.name)
                if field.name in batch.schema.names
                else pyarrow.nulls(len(batch), field.type)
                for field in schema
            ]
            target.write_batch(pyarrow.record_batch(arrays, schema=schema))
    temporary.replace(path)

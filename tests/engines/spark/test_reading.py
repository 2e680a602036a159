import shutil
from dataclasses import replace
from typing import TYPE_CHECKING

from lakewright.lake.staged import FileSet
from lakewright.sql import types

if TYPE_CHECKING:
    from tests.engines.spark.conftest import Pair


def test_older_files_read_as_if_they_had_been_written_today(pair: "Pair") -> None:
    from lakewright.engines.spark import reading

    old = pair.bench.table("bronze.t", "n int, f float, d decimal(9,2)", [(1, 1.5, 2)])
    present = replace(
        old,
        schema=types.Schema(
            (
                types.Field(name="amount", type=types.Decimal(12, 2)),
                types.Field(name="number", type=types.BIGINT),
                types.Field(name="share", type=types.DOUBLE),
                types.Field(name="n", type=types.STRING),
                types.Field(name="empty", type=types.UNKNOWN),
            )
        ),
        field_ids={"number": 1, "share": 2, "amount": 3, "n": 4, "empty": 5},
    )
    found = reading.frame(pair.spark, present)
    assert [tuple(map(str, row)) for row in found.collect()] == [
        ("2.00", "1", "1.5", "None", "None")
    ]
    assert [kind for _, kind in found.dtypes][:4] == ["decimal(12,2)", "bigint", "double", "string"]


def test_a_path_is_taken_to_the_letter(pair: "Pair") -> None:
    from lakewright.engines.spark import reading

    folder = pair.bench.folder / "a=7" / "[b] {c,d}*%20 é"
    folder.mkdir(parents=True)
    written = pair.bench.table("bronze.t", "a int", [(1,)])
    moved = folder / "f?.parquet"
    shutil.copy(written.files[0].path, moved)
    table: FileSet = replace(written, files=(replace(written.files[0], path=str(moved)),))
    assert [row[0] for row in reading.frame(pair.spark, table).collect()] == [1]
    uri = reading.frame(pair.spark, table, [reading.FILE]).collect()[0][0]
    assert reading.path_of(uri) == str(moved)

import io
from functools import partial
from pathlib import Path

import pyarrow.parquet
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from lakewright.ingest import exact, judging, salvage, splitting
from lakewright.project.source import Dialect

PLAIN = Dialect(delimiter=",", quote='"', escape='"', comment="#")
BACKSLASH = Dialect(delimiter=",", quote='"', escape="\\", comment="#")
TRIMMED = Dialect(delimiter=",", quote='"', escape='"', comment="#", is_trimmed=True)
CONFUSABLE = Dialect(delimiter='"|"', quote='"', escape='"', comment="")
Row = tuple[int, int, str, str | None, list[str | None]]


def problem(record: splitting.Record, dialect: Dialect = PLAIN) -> str | None:
    if record.fields == ["id", "name"]:
        return "the header once more"
    if salvage.is_in_other_quotes(record.fields, dialect):
        return "other quotes"
    if salvage.is_torn(record, dialect, 2):
        return "torn"
    return record.problem or splitting.width_problem(len(record.fields), 2)


def table(dialect: Dialect, names: tuple[str, ...] = ("id", "name")) -> judging.Table:
    headers = [["id", "name"]] if len(names) == 2 else []
    judge = partial(problem, dialect=dialect)
    return judging.Table(dialect=dialect, names=names, headers=headers, end=None, problem=judge)


def rows(folder: Path, data: bytes, dialect: Dialect, *, block: int, cut: int) -> list[Row]:
    """The records as they are written, read in two stretches, in blocks of a size."""
    reader = exact.Reader(table(dialect), io.BytesIO(data), folder, {}, block)
    position, number = reader.read(0, cut, 1, lambda _: None)
    reader.read(position, None, number, lambda _: None)
    found: list[Row] = []
    for part in reader.close():
        for row in pyarrow.parquet.ParquetFile(part.path).read().to_pylist():
            own = (row["_record"], row["_byte"], row["_raw"], row["_problem"])
            found.append((*own, [row["id"], row["name"]]))
    return found


def expected(data: bytes, dialect: Dialect) -> list[Row]:
    found: list[Row] = []
    for number, record in enumerate(splitting.Splitter(io.BytesIO(data), dialect).by_hand(), 1):
        why = problem(record, dialect)
        fields: list[str | None] = [None, None] if why else [*record.fields]
        found.append((number, record.byte, record.raw, why, fields))
    return found


@given(
    lines=st.lists(
        st.sampled_from(
            ["id,name", "1,a", '2,"b, ""c"""', '3,"two', 'lines"', '4,5" pipe', '5,"x"y', "6", "",
             "# note", "7,a,b", 'a"b",c', 'shoes"warm, dry",',
             "'x','y", "'x','y','z'", 'a,b"c"', 'a,b"c",d', "8,é", "9,\udcff", "id", "a\\,b,c"]
        ),
        max_size=12,
    ),
    end=st.sampled_from(["\n", "\r\n", "\r"]),
    block=st.integers(4, 60),
    cut=st.integers(0, 60),
    dialect=st.sampled_from([PLAIN, BACKSLASH, TRIMMED, CONFUSABLE]),
)  # fmt: skip
def test_records_are_those_of_the_rules_wherever_blocks_and_stretches_end(
    tmp_path_factory: pytest.TempPathFactory,
    lines: list[str],
    end: str,
    block: int,
    cut: int,
    dialect: Dialect,
) -> None:
    data = end.join(lines).encode(errors="surrogateescape")
    folder = tmp_path_factory.mktemp("exact")
    assert rows(folder, data, dialect, block=block, cut=cut) == expected(data, dialect)


PIECES = st.sampled_from([",", ",", '"', '"', '"', "'", "þ", "¾", "¾", "\\", "a", " ", "\t", "\n"])


@given(
    text=st.lists(PIECES, max_size=14).map("".join),
    dialect=st.sampled_from(
        [
            PLAIN,
            Dialect(delimiter=",", quote='"', escape="", comment=""),
            Dialect(delimiter=",", quote='"', escape="\\", comment=""),
            Dialect(delimiter=",", quote='"', escape='"', comment="", is_trimmed=True),
            Dialect(delimiter="þ", quote="¾", escape="¾", comment=""),
        ]
    ),
)
@example(text='a"b,"\t"', dialect=Dialect(delimiter=",", quote='"', escape="", comment=""))
@example(text="a¾xþ z¾", dialect=Dialect(delimiter="þ", quote="¾", escape="¾", comment=""))
def test_no_record_that_the_rules_refuse_is_taken_for_one_that_is_plain(
    tmp_path_factory: pytest.TempPathFactory, text: str, dialect: Dialect
) -> None:
    folder = tmp_path_factory.mktemp("exact")
    assert rows(folder, text.encode(), dialect, block=100, cut=100) == expected(
        text.encode(), dialect
    )


def test_a_field_larger_than_a_block_is_read(tmp_path: Path) -> None:
    text = "x" * 3_000_000
    data = f'1,a\n2,"{text}\n{text}"\n3,b\n'.encode()
    found = rows(tmp_path, data, PLAIN, block=1 << 18, cut=1)
    assert found == expected(data, PLAIN)


def test_ten_thousand_columns_are_read(tmp_path: Path) -> None:
    names = tuple(f"c{place}" for place in range(10_000))
    wide = judging.Table(
        dialect=PLAIN, names=names, headers=[], end=None,
        problem=lambda record: splitting.width_problem(len(record.fields), len(names)),
    )  # fmt: skip
    line = ",".join(str(place) for place in range(10_000))
    reader = exact.Reader(wide, io.BytesIO(f"{line}\n1,2\n{line}\n".encode()), tmp_path, {})
    assert reader.read(0, None, 1, lambda _: None)[1] == 4
    (part,) = reader.close()
    found = pyarrow.parquet.ParquetFile(part.path).read(["c0", "c9999", "_problem"])
    assert found.column("c9999").to_pylist() == ["9999", None, "9999"]
    assert found.column("_problem").to_pylist() == [
        None, "2 fields where 10,000 are expected", None
    ]  # fmt: skip

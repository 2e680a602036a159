"""The index must find exactly the records that the exact reader finds, and so must the engine."""

import csv
import io
from collections.abc import Iterable
from pathlib import Path

import duckdb
import numpy
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from lakewright.ingest import regular, splitting
from lakewright.plan.landed import CsvPart
from lakewright.project.source import Dialect

PLAIN = Dialect(delimiter=",", quote='"', escape='"', comment="")


class Cut:
    """A text cut into parts as far as it is regular."""

    def __init__(
        self,
        folder: Path,
        data: bytes,
        dialect: Dialect = PLAIN,
        sizes: tuple[int, int] = (64, 96),
        threads: int = 1,
        record_bytes_max: int = 1 << 19,
    ) -> None:
        self.path = folder / "data.csv"
        self.path.write_bytes(data)
        offsets = folder / "offsets"
        first_line = data.partition(b"\n")[0]
        layout = regular.Layout(
            dialect=dialect, has_returns=first_line.endswith(b"\r"), is_sound=False
        )
        with self.path.open("rb") as file:
            divided = regular.Sizes(
                block_bytes=sizes[0],
                record_bytes_max=record_bytes_max,
                part_bytes=sizes[1],
                thread_bytes_min=sizes[0] // 2,
            )
            index = regular.Index(file, self.path, layout, offsets, divided, threads)
            self.end, self.next_record = 0, 1
            for self.end, self.next_record in index.read(0, 1):
                pass
        self.parts = index.parts


def starts(part: CsvPart) -> list[int]:
    found = numpy.fromfile(
        part.offsets_path, "<u4", count=part.records + 1, offset=4 * part.offsets_start
    )
    return [part.byte_start + int(offset) for offset in found]


def exact(data: bytes, dialect: Dialect = PLAIN) -> list[splitting.Record]:
    return list(splitting.Splitter(io.BytesIO(data), dialect))


def check(cut: Cut, data: bytes, dialect: Dialect = PLAIN) -> None:
    """What was cut are the exact reader's records up to there, and the rest starts at a record."""
    expected = exact(data, dialect)
    found = [start for part in cut.parts for start in starts(part)[:-1]]
    whole = [record.byte for record in expected if record.byte < cut.end]
    assert found == whole
    assert cut.next_record == len(whole) + 1
    assert not any(record.problem for record in expected[: len(whole)])
    numbers = [(part.first_record, part.records) for part in cut.parts]
    assert numbers == list(_numbered(part.records for part in cut.parts))
    for part in cut.parts:
        assert starts(part)[-1] == part.byte_end
        assert part.byte_start == starts(part)[0]


def _numbered(counts: Iterable[int]) -> Iterable[tuple[int, int]]:
    first = 1
    for count in counts:
        yield first, count
        first += count


FIELDS = st.text(alphabet="ab,;|\t \"'\n\réπ𝄞#", max_size=6)
TABLES = st.lists(st.lists(FIELDS, min_size=2, max_size=2), min_size=1, max_size=30)


@given(
    rows=TABLES,
    delimiter=st.sampled_from([",", ";", "\t", "|"]),
    quote=st.sampled_from(['"', "'"]),
    line_end=st.sampled_from(["\n", "\r\n"]),
    sizes=st.sampled_from([(64, 96), (200, 100), (100_000, 100_000)]),
)
@example(rows=[["''", "'"]], delimiter=",", quote='"', line_end="\n", sizes=(64, 96))
def test_index_exact_reader_and_engine_find_the_same_records(
    tmp_path_factory: pytest.TempPathFactory,
    rows: list[list[str]],
    delimiter: str,
    quote: str,
    line_end: str,
    sizes: tuple[int, int],
) -> None:
    stray = str.maketrans("", "", "\r" if line_end == "\n" else "\r\n")
    rows = [[field.translate(stray) for field in row] for row in rows]
    stream = io.StringIO(newline="")
    csv.writer(stream, delimiter=delimiter, quotechar=quote, lineterminator=line_end).writerows(
        rows
    )
    data = stream.getvalue().encode()
    dialect = Dialect(delimiter=delimiter, quote=quote, escape=quote, comment="")
    folder = tmp_path_factory.mktemp("cut")
    cut = Cut(folder, data, dialect, sizes)
    check(cut, data, dialect)
    assert [record.fields for record in exact(data, dialect)] == rows
    other = "'" if quote == '"' else '"'
    may_be_in_other_quotes = any(all(text.startswith(other) for text in row) for row in rows)
    if sizes[0] > len(data) and not may_be_in_other_quotes:
        assert cut.end == len(data)
        by_engine = [row for part in cut.parts for row in _by_duckdb(folder, part, dialect)]
        assert by_engine == rows


def _by_duckdb(folder: Path, part: CsvPart, dialect: Dialect) -> list[list[str]]:
    path = folder / "part.csv"
    path.write_bytes(Path(part.path).read_bytes()[part.byte_start : part.byte_end])
    with duckdb.connect() as connection:
        found = connection.execute(
            "FROM read_csv(?, auto_detect = false, header = false, delim = ?, quote = ?,"
            " escape = ?, columns = {'a': 'VARCHAR', 'b': 'VARCHAR'}, nullstr = chr(0))",
            [str(path), dialect.delimiter, dialect.quote, dialect.escape],
        ).fetchall()
    return [list(row) for row in found]


@given(
    data=st.text(alphabet='ab,"\n\r \0é', max_size=150).map(str.encode),
    sizes=st.sampled_from([(16, 24), (64, 96)]),
    threads=st.sampled_from([1, 2, 5]),
)
def test_whatever_the_text_only_regular_records_are_cut(
    tmp_path_factory: pytest.TempPathFactory, data: bytes, sizes: tuple[int, int], threads: int
) -> None:
    check(Cut(tmp_path_factory.mktemp("cut"), data, sizes=sizes, threads=threads), data)


@pytest.mark.parametrize("threads", [1, 2, 3, 8])
@pytest.mark.parametrize("field", ["plain", '"quoted, twice\n\n"', '"a\nb","c\nd"'])
def test_any_number_of_threads_finds_the_same_records(
    tmp_path: Path, threads: int, field: str
) -> None:
    data = "".join(f"{number},{field}\n" for number in range(200)).encode()
    cut = Cut(tmp_path, data, threads=threads)
    check(cut, data)
    assert (cut.end, cut.next_record) == (len(data), 201)


@pytest.mark.parametrize(
    "strange",
    [
        b'x"y,1\n',
        b'"x"y,1\n',
        b'"x" ,1\n',
        b'1, "x"\n',
        b"x\0,1\n",
        b"x\r,1\n",
        b"x,1\r\n",
        b"x\xff,1\n",
        b"x,1\ry,2\n",
        b'"x,1\n',
        b"#x,1\n",
        b"x" * 70 + b",1\n",
    ],
)
def test_a_record_that_readers_differ_about_ends_the_regular_stretch(
    tmp_path: Path, strange: bytes
) -> None:
    dialect = Dialect(delimiter=",", quote='"', escape='"', comment="#")
    before = b'a,"b\nc"\n\nd,e\n'
    cut = Cut(tmp_path, before + strange + b"f,g\n", dialect)
    assert cut.end == len(before)
    assert cut.next_record == 3


@pytest.mark.parametrize(
    ("dialect", "columns", "expected"),
    [
        (PLAIN, 2, True),
        (PLAIN, 1, False),
        (Dialect(delimiter=",", quote="", escape=""), 2, True),
        (Dialect(delimiter="||", quote='"', escape='"'), 2, False),
        (Dialect(delimiter="§", quote='"', escape='"'), 2, False),
        (Dialect(delimiter=",", quote='"', escape="\\"), 2, False),
        (Dialect(delimiter=",", quote='"', escape='"', is_trimmed=True), 2, False),
    ],
)
def test_only_dialects_that_engines_read_alike_have_regular_stretches(
    dialect: Dialect, columns: int, expected: bool
) -> None:
    assert regular.is_possible(dialect, columns) is expected


@pytest.mark.parametrize("line_end", [b"\n", b"\r\n"])
@pytest.mark.parametrize("is_last", [True, False])
def test_the_header_once_more_ends_the_regular_stretch(
    tmp_path: Path, line_end: bytes, is_last: bool
) -> None:
    before = b"a,b" + line_end + b"a,bc" + line_end + b'a,"a,b"' + line_end
    after = b"" if is_last else line_end + b"c,d" + line_end
    path = tmp_path / "data.csv"
    path.write_bytes(before + b"a,bb" + after)
    layout = regular.Layout(
        dialect=PLAIN, has_returns=line_end != b"\n", is_sound=True, headers=frozenset({b"a,bb"})
    )
    with path.open("rb") as file:
        index = regular.Index(file, path, layout, tmp_path / "offsets")
        assert list(index.read(0, 1)) == [(len(before), 4)]


@pytest.mark.parametrize(
    "strange",
    [b"\xef\xbb\xbfc,d", b"'c','d'", b"`c`,`d", b"a,b", b'"a","b"'],
    ids=["byte order mark", "quotes", "other quotes", "header", "quoted header"],
)
def test_a_record_that_engines_or_the_rules_read_otherwise_is_not_regular(
    tmp_path: Path, strange: bytes
) -> None:
    before = b"a,bc\n'c,d\n'c',d\n'c,'d\n"
    path = tmp_path / "data.csv"
    path.write_bytes(before + strange + b"\n'e','f'\n")
    layout = regular.Layout(
        dialect=PLAIN, has_returns=False, is_sound=True, headers=frozenset({b"a,b", b'"a","b"'})
    )
    with path.open("rb") as file:
        index = regular.Index(file, path, layout, tmp_path / "offsets")
        assert list(index.read(0, 1)) == [(len(before), 5)]


def test_a_record_longer_than_an_engine_takes_is_left_to_the_exact_reader(tmp_path: Path) -> None:
    data = b"a,b\n1,2\n" + b"x" * 14 + b",3\n4,5\n"
    assert Cut(tmp_path, data, record_bytes_max=17).end == len(data)
    cut = Cut(tmp_path, data, record_bytes_max=16)
    assert (cut.end, cut.next_record) == (8, 3)
    assert data[cut.end :].startswith(b"x" * 14)

"""The files of an archive are one upload: each is read, or left out and told, or all refused."""

import gzip
import io
import tarfile
import zipfile
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import pyarrow
import pyarrow.parquet
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lakewright import errors
from lakewright.ingest import members, packing, preview
from lakewright.plan.landed import CsvPart, Landed, ParquetPart, TextPart
from lakewright.project.contract import Column, Contract, Evolution, Policy
from lakewright.project.source import Compression, Csv, Dialect, FixedField, FixedWidth, Json
from lakewright.sql import types
from tests.ingest import bombs
from tests.ingest.delivered import book, land, names, problems, rows, sheet, tarred, zipped

A = b"id,name\n1,Ada\n2,Bob\n"
B = b"id,name\n3,Cy\n"


def places(landed: Landed) -> list[tuple[str | None, int]]:
    """Of each file, its name and how many records it has, in their order."""
    return list(Counter(record.file_name for record in preview.records(landed)).items())


def large(first: int) -> bytes:
    """A file that is large enough to stay as it is; the number of its first record."""
    count = members.OWN_PART_BYTES_MIN // 100 + 1
    return b"id,name\n" + b"".join(b"%d,%s\n" % (first + n, b"x" * 100) for n in range(count))


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("two.zip", zipped({"a.csv": A, "b.csv": B})),
        ("two.tar", tarred({"a.csv": A, "b.csv": B})),
        ("two.tar.gz", gzip.compress(tarred({"a.csv": A, "b.csv": B}), mtime=0)),
        ("two.tgz", tarred({"./a.csv": A, "./b.csv": B}, mode="w:gz")),
    ],
)
def test_the_files_of_an_archive_are_one_upload(tmp_path: Path, name: str, data: bytes) -> None:
    landed = land(tmp_path, data, name)
    assert rows(landed) == [["1", "Ada"], ["2", "Bob"], ["3", "Cy"]]
    assert places(landed) == [(f"{name}/a.csv", 2), (f"{name}/b.csv", 1)]
    assert landed.file_name == name
    assert [str(column.type) for column in landed.columns] == ["bigint", "string"]
    assert landed.suspicions == ()


def test_large_files_alike_stay_where_an_engine_reads_them_fast(tmp_path: Path) -> None:
    data = zipped({"a.csv": A, "b.csv": large(3) + b"more,than,two\n", "c.csv": B})
    landed = land(tmp_path, data, "three.zip")
    kept = [part for part in landed.parts if isinstance(part, CsvPart)]
    assert {part.file_name for part in kept} == {"three.zip/b.csv"}
    assert kept[0].first_record == 3
    assert len(problems(landed)) == 1
    assert places(landed)[0] == ("three.zip/a.csv", 2)
    assert places(landed)[2] == ("three.zip/c.csv", 1)


def test_however_many_files_there_are_they_become_few_parts(tmp_path: Path) -> None:
    files = {f"{n}.csv": A if n % 3 else A + b'1,2,3\n"x' for n in range(60)}
    files |= {f"{n}.csv": b'name;id\n"B;b";7\n' for n in range(60, 80)}
    landed = land(tmp_path, zipped(files), "many.zip")
    assert len(landed.parts) == 2
    assert len(rows(landed)) == 140
    assert rows(landed)[-1] == ["7", "B;b"]
    assert places(landed)[0] == ("many.zip/0.csv", 4)
    assert places(landed)[79] == ("many.zip/79.csv", 1)


def test_a_column_that_is_called_as_ours_is_another_one(tmp_path: Path) -> None:
    data = zipped({"a.csv": b"id,_file\n1,x\n", "b.csv": b"id,_FILE\n2,y\n"})
    landed = land(tmp_path, data, "a.zip")
    assert rows(landed) == [["1", "x"], ["2", "y"]]
    assert names(landed)[1].lower() == "_file"


def test_records_are_numbered_on_from_file_to_file_whatever_reads_them(tmp_path: Path) -> None:
    ragged = b"id,name\n3,Cy,more\n4,Di\n"
    landed = land(tmp_path, zipped({"a.csv": A, "b.csv": ragged, "c.csv": B}), "three.zip")
    found = {record.number: list(record.fields) for record in preview.records(landed)}
    assert found[1] == ["1", "Ada"]
    assert found[5] == ["3", "Cy"]
    assert list(problems(landed)) == [3]
    assert places(landed) == [
        ("three.zip/a.csv", 2), ("three.zip/b.csv", 2), ("three.zip/c.csv", 1)
    ]  # fmt: skip


def test_files_with_other_columns_in_another_order_are_matched_by_name(tmp_path: Path) -> None:
    members = {
        "1.csv": b"id,name\n1,Ada\n",
        "2.csv": b"Name;ID;born\nBob;2;1999-01-01\n",
        "3.csv": b"id\n3.5\n",
    }
    landed = land(tmp_path, zipped(members), "days.zip")
    assert names(landed) == ["id", "name", "born"]
    assert rows(landed) == [["1", "Ada", None], ["2", "Bob", "1999-01-01"], ["3.5", None, None]]
    assert [str(column.type) for column in landed.columns] == ["double", "string", "date"]
    assert all(isinstance(part, TextPart) for part in landed.parts)


def test_what_differs_from_file_to_file_is_decided_for_none_and_told(tmp_path: Path) -> None:
    files = {"a.csv": A, "b.csv": b"id;name\n3;Cy\n", "c.csv": b'id,name\n4,"D,i"\n'}
    landed = land(tmp_path, zipped(files), "a.zip")
    alone = [land(tmp_path / name, data, name) for name, data in files.items()]
    assert isinstance(landed.format, Csv)
    assert landed.format.dialect.delimiter is None
    assert landed.header is None
    assert landed.confidence == min(each.confidence for each in alone)
    assert "delimiter decided file by file: ',' in a.csv, ';' in b.csv" in landed.evidence
    source = preview.infer_source(landed, "a")
    assert isinstance(source.format, Csv)
    assert source.format.dialect.delimiter is None


def test_the_least_sure_file_of_many_is_named_with_its_evidence(tmp_path: Path) -> None:
    doubtful = b"a,b;c|d\n1,2;3|4\n"
    files = {f"{n}.csv": b"a,b\n" + b"1,2.5\n" * 30 for n in range(40)} | {"x.csv": doubtful}
    landed = land(tmp_path / "all", zipped(files), "a.zip")
    least = land(tmp_path / "one", doubtful, "x.csv")
    assert landed.confidence == least.confidence < 1
    named = f"confidence {least.confidence:.2f}: that of x.csv, the lowest"
    assert named in landed.evidence
    assert any(line.startswith("x.csv: delimiter") for line in landed.evidence)


def test_files_of_two_kinds_make_the_upload_suspect(tmp_path: Path) -> None:
    members = {"orders.csv": b"id,amount\n1,2.5\n", "people.csv": b"name,born\nAda,1815\n"}
    landed = land(tmp_path, zipped(members), "all.zip")
    assert landed.suspicions == (
        "people.csv shares 0 of its 2 columns with orders.csv: they may be of two kinds",
    )


def test_other_formats_lie_in_archives_too(tmp_path: Path) -> None:
    lines = {"a.json": b'{"a": 1}\n{"a": 2}\n', "b.json": b'{"a": 3, "b": [1]}\n'}
    assert rows(land(tmp_path / "1", zipped(lines), "lines.zip")) == [
        ["1", None], ["2", None], ["3", "[1]"]
    ]  # fmt: skip
    cell = sheet('<row><c t="str"><v>a</v></c></row><row><c><v>7</v></c></row>')
    books = {"1.xlsx": book(cell), "2.xlsx": book(cell)}
    landed = land(tmp_path / "2", zipped(books), "books.zip")
    assert rows(landed) == [["7"], ["7"]]
    declared = FixedWidth(fields=(FixedField(start=0, width=2, name="a"),), has_header=False)
    found = land(tmp_path / "3", zipped({"a.txt": b"1 \n"}), "a.zip", format=declared)
    assert rows(found) == [["1"]]


def parquet(**columns: object) -> bytes:
    stream = io.BytesIO()
    pyarrow.parquet.write_table(pyarrow.table(columns), stream)
    return stream.getvalue()


def test_parquet_files_keep_their_own_types(tmp_path: Path) -> None:
    files = {
        "1.parquet": parquet(id=pyarrow.array([1, 2], pyarrow.int32()), name=["Ada", None]),
        "2.parquet": parquet(Name=["Cy"], ID=[2**40], born=["1815"]),
        "3.parquet": parquet(id=[1.5]),
    }
    landed = land(tmp_path, zipped(files), "three.zip")
    assert names(landed) == ["id", "name", "born"]
    assert [str(column.type) for column in landed.columns] == ["double", "string", "string"]
    assert rows(landed) == [
        ["1", "Ada", None], ["2", None, None], ["1099511627776", "Cy", "1815"], ["1.5", None, None]
    ]  # fmt: skip
    assert places(landed) == [
        ("three.zip/1.parquet", 2), ("three.zip/2.parquet", 1), ("three.zip/3.parquet", 1)
    ]  # fmt: skip
    found = [part for part in landed.parts if isinstance(part, ParquetPart)]
    assert [part.first_record for part in found] == [1, 3, 4]
    assert [part.places for part in found] == [(0, 1, None), (1, 0, 2), (0, None, None)]


def test_a_parquet_file_that_the_contract_does_not_allow_is_refused_with_the_difference(
    tmp_path: Path,
) -> None:
    data = zipped({"a.parquet": parquet(id=[1], name=["x"]), "b.parquet": parquet(id=[2], age=[3])})
    told = raised(tmp_path, data, contract=contract(new_columns=Policy.FREEZE))
    assert "a.zip/b.parquet breaks the contract of source things" in told
    assert "the file has the column age" in told


def test_packed_files_and_archives_inside_are_unpacked(tmp_path: Path) -> None:
    inner = zipped({"deep/b.csv": B})
    members = {"a.csv.gz": gzip.compress(A, mtime=0), "more.zip": inner}
    landed = land(tmp_path, zipped(members), "nest.zip")
    assert rows(landed) == [["1", "Ada"], ["2", "Bob"], ["3", "Cy"]]
    assert places(landed)[1] == ("nest.zip/more.zip/deep/b.csv", 1)


def test_archives_nested_too_deep_are_refused(tmp_path: Path) -> None:
    data = zipped({"a.zip": zipped({"b.zip": zipped({"c.csv": A})})})
    with pytest.raises(errors.FileUnreadable, match="archives more than 2 deep") as caught:
        land(tmp_path, data, "nest.zip")
    assert caught.value.why == "a.zip/b.zip is one more"


def test_what_holds_no_data_is_left_out_and_told(tmp_path: Path) -> None:
    members = {
        "d/": b"", "d/a.csv": A, "__MACOSX/d/._a.csv": b"x", "d/.DS_Store": b"x",
        "README.txt": b"Read me", "notes.md": b"# Notes", "Thumbs.db": b"x", "_SUCCESS": b"",
    }  # fmt: skip
    landed = land(tmp_path, zipped(members), "d.zip")
    assert rows(landed) == [["1", "Ada"], ["2", "Bob"]]
    assert [line for line in landed.evidence if line.startswith("left out")] == [
        "left out __MACOSX/d/._a.csv: hidden",
        "left out d/.DS_Store: hidden",
        "left out README.txt: a document about the data",
        "left out notes.md: a document about the data",
        "left out Thumbs.db: a mark of some program",
        "left out _SUCCESS: a mark of some program",
    ]
    assert landed.suspicions == ()


def test_links_and_empty_files_are_left_out_and_make_the_upload_suspect(tmp_path: Path) -> None:
    data = tarred({"a.csv": A, "b.csv": b""}, links={"c.csv": "/etc/passwd"})
    landed = land(tmp_path, data, "a.tar")
    assert rows(landed) == [["1", "Ada"], ["2", "Bob"]]
    assert set(landed.suspicions) == {
        "c.csv was left out: a link, which holds nothing itself", "b.csv is empty"
    }  # fmt: skip


@pytest.mark.parametrize(
    ("wanted", "found"),
    [(("*.csv",), ["1", "2"]), (("b.txt",), ["3"]), (("x/*",), ["1", "2"]), (("*",), None)],
)
def test_a_source_says_which_members_are_its_own(
    tmp_path: Path, wanted: tuple[str, ...], found: list[str] | None
) -> None:
    data = zipped({"x/a.csv": A, "b.txt": B})
    landed = land(tmp_path, data, "a.zip", format=Csv(members=wanted))
    assert [row[0] for row in rows(landed)] == (found or ["1", "2", "3"])


def raised(folder: Path, data: bytes, name: str = "a.zip", **options: object) -> str:
    with pytest.raises(errors.LakewrightError) as caught:
        land(folder, data, name, **options)  # type: ignore[arg-type]
    return str(caught.value)


@pytest.mark.parametrize(
    "name", ["/etc/a.csv", "../a.csv", "x/../../a.csv", "C:\\a.csv", "..\\a.csv"]
)
def test_a_path_that_leads_out_of_the_archive_is_refused(tmp_path: Path, name: str) -> None:
    assert "holds a file with the" in raised(tmp_path / "1", zipped({name: A}))
    assert "holds a file with the" in raised(tmp_path / "2", tarred({name: A}), "a.tar")
    assert {path.name for path in tmp_path.iterdir()} == {"1", "2"}


def encrypted() -> bytes:
    data = bytearray(zipped({"a.csv": A}))
    for magic, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        data[data.index(magic) + offset] |= 1
    return bytes(data)


def by_method(method: int) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", method) as archive:
        archive.writestr(zipfile.ZipInfo("a.csv"), A, method)
    return stream.getvalue()


CASES: Mapping[str, tuple[bytes, str]] = {
    "encrypted": (encrypted(), "a.zip/a.csv is encrypted"),
    "another method": (by_method(zipfile.ZIP_LZMA), "packed by method 14"),
    "twice the same name": (zipped({"a.csv": A, "./a.csv": B}), "two files 'a.csv'"),
    "nothing": (zipped({}), "holds no file with data"),
    "only folders": (zipped({"d/": b""}), "holds no file with data"),
    "several endings": (zipped({"a.csv": A, "b.json": b"{}"}), "files of several kinds"),
    "several formats": (zipped({"a.txt": A, "b.txt": b'{"a": 1}\n'}), "a.zip/b.txt json"),
    "with and without header": (
        zipped({"a.csv": A, "b.csv": b"1,2\n3,4\n"}),
        "a.zip/a.csv has a header, a.zip/b.csv has none",
    ),
    "a member that is no data": (zipped({"a.csv": A, "b.csv": b"%PDF-1.7"}), "a.zip/b.csv looks"),
    "cut short": (zipped({"a.csv": A})[:-10], "a.zip is damaged"),
}


@pytest.mark.parametrize("case", CASES)
def test_an_archive_that_nobody_can_read_whole_is_refused_whole(tmp_path: Path, case: str) -> None:
    data, what = CASES[case]
    assert what in raised(tmp_path, data)


def test_a_member_with_a_wrong_checksum_fails_the_upload(tmp_path: Path) -> None:
    stored = by_method(zipfile.ZIP_STORED)
    assert "a.zip/a.csv is damaged" in raised(tmp_path, stored.replace(A, A[:-2] + b"x\n"))


def test_a_damaged_tar_archive_never_ends_early_in_silence(tmp_path: Path) -> None:
    data = tarred({"a.csv": A, "b.csv": B})
    second = data.index(b"b.csv")
    broken = data[:second] + b"\xff" * 300 + data[second + 300 :]
    assert "the tar archive is damaged" in raised(tmp_path / "1", broken, "a.tar")
    assert "damaged" in raised(tmp_path / "2", data[: second + 600], "a.tar")
    assert "more behind its end" in raised(tmp_path / "3", data + data, "a.tar")


def contract(**policies: Policy) -> Contract:
    columns = (
        Column(name="id", type=types.BIGINT, is_required=True),
        Column(name="name", type=types.STRING),
    )
    return Contract(columns=columns, evolution=Evolution(**policies))


@pytest.mark.parametrize(
    ("member", "policies", "why"),
    [
        (b"id,name,x\n3,Cy,1\n", {"new_columns": Policy.FREEZE}, "the file has the column x"),
        (b"id\n3\n", {"missing_columns": Policy.FREEZE}, "the file lacks the column name"),
        (b"name\nCy\n", {}, "the file lacks the column id, which is required"),
        (b"name,id\nCy,3\n", {"reordered_columns": Policy.FREEZE}, "in another order"),
    ],
)
def test_each_file_is_held_to_the_contract_as_if_it_came_alone(
    tmp_path: Path, member: bytes, policies: dict[str, Policy], why: str
) -> None:
    data = zipped({"a.csv": A, "b.csv": member})
    told = raised(tmp_path, data, contract=contract(**policies))
    assert "a.zip/b.csv breaks the contract of source things" in told
    assert why in told


def test_a_contract_that_allows_it_takes_files_that_differ(tmp_path: Path) -> None:
    data = zipped({"a.csv": A, "b.csv": b"Name,extra,ID\nCy,1,3\n"})
    landed = land(tmp_path, data, "a.zip", contract=contract(new_columns=Policy.QUARANTINE))
    assert names(landed) == ["id", "name", "extra"]
    assert rows(landed)[2] == ["3", "Cy", "1"]


def test_files_without_headers_go_together_by_place(tmp_path: Path) -> None:
    declared = Csv(dialect=Dialect(has_header=False))
    data = zipped({"a.csv": b"1,x\n", "b.csv": b"2,y\n"})
    assert rows(land(tmp_path, data, "a.zip", format=declared)) == [["1", "x"], ["2", "y"]]


def test_an_archive_of_json_is_not_read_as_csv(tmp_path: Path) -> None:
    landed = land(tmp_path, zipped({"a.json": b'{"a": 1}'}), "a.zip", format=Json())
    assert landed.format.kind == "json"
    assert landed.format.compression is Compression.NONE


@pytest.mark.parametrize("name", bombs.ARCHIVES)
def test_an_archive_that_is_made_to_do_harm_is_refused(tmp_path: Path, name: str) -> None:
    make, what = bombs.ARCHIVES[name]
    with pytest.raises(errors.FileUnreadable, match=what):
        land(tmp_path, make(), "bomb")


def test_a_bomb_that_says_what_it_becomes_is_refused_unpacked(tmp_path: Path) -> None:
    data = zipped({"a.csv": A, "b.csv": b"1,2\n" * 30_000_000})
    assert "looks like a bomb" in raised(tmp_path, data)
    assert [path for path in (tmp_path / "work").rglob("*") if path.is_file()] == []
    many = zipped({f"{n}.csv": A for n in range(20)})
    raised(tmp_path / "many", many, limits=packing.Limits(members_max=19))
    assert [path for path in (tmp_path / "many/work").rglob("*") if path.is_file()] == []


def test_archives_of_every_make_are_read(tmp_path: Path) -> None:
    large, piped = io.BytesIO(), io.BytesIO()
    with zipfile.ZipFile(large, "w") as archive, archive.open("a.csv", "w", force_zip64=True) as to:
        to.write(A)
    with zipfile.ZipFile(Unseekable(piped), "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.csv", A)
    for number, stream in enumerate((large, piped)):
        landed = land(tmp_path / str(number), stream.getvalue(), "a.zip")
        assert rows(landed) == [["1", "Ada"], ["2", "Bob"]]


class Unseekable:
    """A stream to which sizes cannot be written afterwards, so that they follow the data."""

    def __init__(self, stream: io.BytesIO) -> None:
        self._stream = stream

    def write(self, data: bytes) -> int:
        return self._stream.write(data)

    def flush(self) -> None:
        self._stream.flush()

    def close(self) -> None:
        self._stream.close()


def test_names_of_any_kind_are_data(tmp_path: Path) -> None:
    strange = ["a\x1b[2J\n.csv", "q'\"; DROP TABLE x;--.csv", "\u202evsc.csv", "$(rm -rf).csv"]
    landed = land(tmp_path, zipped(dict.fromkeys(strange, A)), "a.zip")
    assert places(landed) == [(f"a.zip/{name}", 2) for name in strange]


def test_limits_are_those_of_the_caller(tmp_path: Path) -> None:
    data = zipped({f"{n}.csv": A for n in range(5)})
    for limits, what in (
        (packing.Limits(members_max=4), "more than 4 files"),
        (packing.Limits(size_bytes_max=90), "unpacks to more than 90 bytes"),
        (packing.Limits(nesting_max=0), "more than 0 deep"),
    ):
        assert what in raised(tmp_path, data, limits=limits)
    assert len(rows(land(tmp_path, data, "a.zip", limits=packing.Limits(members_max=5)))) == 10


_NAMES = st.text(st.characters(codec="utf-8", exclude_categories=["Cs", "Cc"],
                               exclude_characters='/\\:."'), min_size=1, max_size=8)  # fmt: skip
_CELLS = st.text("abc é\"',;\n", max_size=6)
_FILES = st.dictionaries(
    _NAMES.map(lambda name: f"{name}.csv"),
    st.lists(st.tuples(st.integers(0, 99), _CELLS), min_size=1, max_size=5),
    min_size=1,
    max_size=4,
)


@settings(max_examples=40)
@given(_FILES, st.sampled_from(["zip", "tar", "tar.gz"]))
def test_what_was_packed_comes_back(
    files: Mapping[str, Sequence[tuple[int, str]]], kind: str
) -> None:
    def quoted(text: str) -> str:
        return '"' + text.replace('"', '""') + '"'

    members = {
        name: ("id,t\n" + "".join(f"{n},{quoted(t)}\n" for n, t in table)).encode()
        for name, table in files.items()
    }
    data = zipped(members) if kind == "zip" else tarred(members, "w:gz" if "gz" in kind else "w")
    declared = Csv(
        dialect=Dialect(delimiter=",", quote='"', escape='"', has_header=True, skip_lines=0),
        members=("*",),
    )
    with TemporaryDirectory() as folder:
        landed = land(Path(folder), data, f"a.{kind}", format=declared)
        assert rows(landed) == [[str(n), t] for table in files.values() for n, t in table]


@settings(max_examples=60)
@given(st.binary(max_size=30), st.integers(0, 5000), st.integers(0, 60), st.booleans())
def test_a_damaged_archive_is_read_right_or_refused(
    junk: bytes, at: int, cut: int, is_zip: bool
) -> None:
    sound = zipped({"a.csv": A, "b.csv": B}) if is_zip else tarred({"a.csv": A, "b.csv": B})
    place = at % len(sound)
    data = sound[:place] + junk + sound[place + cut :]
    with TemporaryDirectory() as folder:
        try:
            landed = land(Path(folder), data, "a", format=Csv(members=("*",)))
        except errors.LakewrightError:
            return
        if is_zip:  # tar has no checksum of what members hold.
            assert rows(landed) == [["1", "Ada"], ["2", "Bob"], ["3", "Cy"]]


def test_tar_members_that_are_no_files_are_told(tmp_path: Path) -> None:
    stream = io.BytesIO(tarred({"a.csv": A}))
    with tarfile.open(fileobj=stream, mode="a") as archive:
        info = tarfile.TarInfo("pipe")
        info.type = tarfile.FIFOTYPE
        archive.addfile(info)
    landed = land(tmp_path, stream.getvalue(), "a.tar")
    assert landed.suspicions == ("pipe was left out: neither a file nor a folder",)

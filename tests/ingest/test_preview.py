import io
from pathlib import Path

import pyarrow
import pyarrow.parquet
import pytest

from lakewright.ingest import landing, preview
from lakewright.plan import steps
from lakewright.plan.landed import Landed
from lakewright.project.source import Compression
from tests.ingest.delivered import book, sheet, zipped


def land(folder: Path, data: bytes, name: str = "Orders_2024-01-31.csv") -> Landed:
    folder.mkdir(exist_ok=True)
    path = folder / name
    path.write_bytes(data)
    step = steps.Land(
        upload_id="u", source="orders", file_name=name, sha256="", format=None, contract=None
    )
    return landing.land(step, path, folder / "work", lambda _: None)


def written(landed: Landed) -> tuple[str, preview.Written]:
    stream = io.StringIO(newline="")
    counts = preview.write_csv(landed, stream)
    return stream.getvalue(), counts


def test_records_are_written_as_csv_with_as_few_quotes_as_possible(tmp_path: Path) -> None:
    data = b'id;name\n1;"a;b"\n2;"c,d"\n3;""\n'
    text, counts = written(land(tmp_path, data))
    assert text == 'id,name\r\n1,a;b\r\n2,"c,d"\r\n3,\r\n'
    assert counts == preview.Written(records=3, refused=0)


def test_a_file_without_header_is_written_without(tmp_path: Path) -> None:
    assert written(land(tmp_path, b"1,a\n2,b\n"))[0] == "1,a\r\n2,b\r\n"


def test_refused_records_are_written_as_far_as_they_can_be_read(tmp_path: Path) -> None:
    data = b'id,name,n\n0,w,1\n1,"a, ""b""",5\n2,x\n3,"b"x,6\n4,y,7,8\n5;z;9\nend\n'
    text, counts = written(land(tmp_path, data))
    assert text == (
        'id,name,n\r\n0,w,1\r\n1,"a, ""b""",5\r\n2,x,\r\n3,bx,6\r\n4,y,7,8\r\n5,z,9\r\n'
    )
    assert counts == preview.Written(records=7, mended=4, refused=1)


def test_the_header_is_written_as_the_file_has_it(tmp_path: Path) -> None:
    text, _ = written(land(tmp_path, b"id,,name,name\n1,2,a,b\n2,3,c,d\n"))
    assert text.startswith("id,,name,name\r\n")


def test_what_stands_behind_the_table_is_left_out_and_counted(tmp_path: Path) -> None:
    data = b"id,name\n1,a\n2,b\nid,name\n3,c\n\nsum,of,all\n1,2,3\n4,5,6\n"
    text, counts = written(land(tmp_path, data))
    assert text == "id,name\r\n1,a\r\n2,b\r\n3,c\r\n"
    assert counts == preview.Written(records=7, refused=4)


def test_json_and_parquet_are_written_as_text(tmp_path: Path) -> None:
    text, _ = written(land(tmp_path, b'{"a":1.10,"b":[1,"x"],"c":null}\n', "x.json"))
    assert text == 'a,b,c\r\n1.10,"[1,""x""]",\r\n'
    stream = io.BytesIO()
    table = pyarrow.table({
        "a": [True, None], "b": [[1, 2], None], "m": [b"\xff", b"a"], "s": [{"x": b"\xfe"}, None],
    })  # fmt: skip
    pyarrow.parquet.write_table(table, stream)
    text, counts = written(land(tmp_path, stream.getvalue(), "x.parquet"))
    assert text.splitlines()[0] == "a,b,m,s"
    assert text.splitlines()[1].startswith('true,"[1,2]",')
    assert counts.records == 2


def test_only_what_has_the_columns_in_their_order_is_mended(tmp_path: Path) -> None:
    alike = {
        "1.csv": b'id,name,age\n"a,1",x,1\n"b",x,2\nc,x\n',
        "2.csv": b'id,name,age\nd,y\n"e,5",y,3\n',
    }
    text, counts = written(land(tmp_path / "1", zipped(alike), "a.zip"))
    assert text.splitlines()[1:] == ['"a,1",x,1', "b,x,2", "c,x,", "d,y,", '"e,5",y,3']
    assert (counts.mended, counts.refused) == (2, 0)
    other = {"1.csv": b"id,name\n1,a\n2\n", "2.csv": b"name;id\nb;3\nc\n"}
    text, counts = written(land(tmp_path / "2", zipped(other), "a.zip"))
    assert text.splitlines() == ["id,name", "1,a", "3,b"]
    assert (counts.records, counts.mended, counts.refused) == (4, 0, 2)
    cells = "<row><c><v>7</v></c></row><row><c t='e'><v>#REF!</v></c></row>"
    header = "<row><c t='str'><v>a</v></c></row>"
    text, counts = written(land(tmp_path / "3", book(sheet(header + cells)), "a.xlsx"))
    assert text.splitlines() == ["a", "7"]
    assert (counts.mended, counts.refused) == (0, 1)


def test_the_suggested_source_has_standard_names_and_remembers_the_files(tmp_path: Path) -> None:
    landed = land(tmp_path, b"Order ID,name,Name\n1,a,b\n2,c,d\n")
    source = preview.infer_source(landed, "orders")
    assert source.contract is not None
    assert not source.contract.is_adopted
    assert [(c.name, c.source_name, str(c.type)) for c in source.contract.columns] == [
        ("order_id", "Order ID", "bigint"),
        ("name", None, "string"),
        ("name_2", "Name_2", "string"),
    ]
    assert source.format is not None
    assert source.format.compression is Compression.AUTO


@pytest.mark.parametrize(
    ("file_name", "pattern"),
    [
        ("orders.csv", "orders*.csv"),
        ("Orders_2024-01-31.csv", "Orders*.csv"),
        ("orders-3.csv.gz", "orders*.csv.gz"),
        ("orders.2024.csv", "orders*.csv"),
        ("what[1].csv", "what[[]1].csv"),
    ],
)
def test_the_suggested_pattern_takes_the_file_and_its_successors(
    tmp_path: Path, file_name: str, pattern: str
) -> None:
    landed = land(tmp_path, b"a,b\n1,2\n", file_name)
    source = preview.infer_source(landed, "orders")
    assert source.match == (pattern,)
    assert source.is_match(file_name)


def test_a_preview_shows_the_first_records_and_the_evidence(tmp_path: Path) -> None:
    data = b"id,name\n" + b"1,a\n" * 50 + b"2\n"
    shown = preview.preview(land(tmp_path, data), "orders", records_max=3)
    assert shown.records == 51
    assert [record.number for record in shown.sample] == [1, 2, 3]
    assert any("delimiter comma" in line for line in shown.evidence)


def test_long_fields_are_cut_where_they_are_shown_and_whole_where_they_are_written(
    tmp_path: Path,
) -> None:
    words = {"text": ["x" * 300, "short"], "list": [["y" * 300], None]}
    path = tmp_path / "long.parquet"
    pyarrow.parquet.write_table(pyarrow.table(words), path)
    landed = land(tmp_path, path.read_bytes(), "long.parquet")
    first, second = preview.preview(landed, "long").sample
    assert first.fields == ["x" * 256 + "…", '["' + "y" * 254 + "…"]
    assert second.fields == ["short", None]
    stream = io.StringIO(newline="")
    preview.write_csv(landed, stream)
    assert "x" * 300 in stream.getvalue()

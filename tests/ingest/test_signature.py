import pytest

from lakewright import errors
from lakewright.ingest import signature


@pytest.mark.parametrize(
    ("head", "look"),
    [
        (b"", "is empty"),
        (b"\xef\xbb\xbf\r\n \n", "is empty"),
        (b"%PDF-1.7\nstream", "a PDF document"),
        (b"PK\x03\x04\x14\0\0\0xl/workbook.xml", "an Excel workbook"),
        (b"PK\x03\x04\x14\0\0\0data.csv", "a ZIP file"),
        (b"\n<!DOCTYPE html><html>", "an HTML page"),
        (b'<?xml version="1.0"?>', "an XML document"),
        (b'<svg viewBox="0 0 1 1">\n<style>a, b {c}</style>\n</svg>', "an XML document"),
        (b"SQLite format 3\x00", "a SQLite database"),
        (b"ORC" + bytes(range(32)) * 20, "an ORC file"),
        (bytes(range(256)) * 20, "binary data"),
    ],
)
def test_a_file_that_nothing_reads_is_refused_by_what_it_looks_like(head: bytes, look: str) -> None:
    with pytest.raises(errors.FileUnreadable, match=look):
        signature.refuse_foreign(head, "orders.csv")


@pytest.mark.parametrize(
    "head",
    [
        b"ORCID,name\n1,a\n",
        b"<b>name</b>,<i>n</i>\n<br/>,1\n",
        b"a,b\n1,\0\n" + b"2,x\n" * 20,
        b"a\x1fb\x1e1\x1f2",
        "a,b\nz\u00e9,1\n".encode("utf-16"),
        "a,b\nzebra,1\n".encode("utf-16-le"),
        "a,b\nzebra,1\n".encode("utf-32-be"),
        "имя,город\n".encode("cp1251"),
    ],
)
def test_text_in_any_encoding_is_let_through(head: bytes) -> None:
    signature.refuse_foreign(head, "orders.csv")

"""Files that are made to do harm: each is small, and what it would become is not."""

import gzip
import struct
import tarfile
from collections.abc import Callable

from tests.ingest.delivered import book, sheet, zipped

Bombs = dict[str, tuple[Callable[[], bytes], str]]
"""By name: what makes the bytes, and what their refusal says."""

_CELL = '<row r="1"><c r="A1"><v>1</v></c></row>'
_ATTRIBUTES = " ".join(f'a{number}="1"' for number in range(50))
_SHARED = sheet('<row><c t="s"><v>0</v></c></row>')
WORKBOOKS: Bombs = {
    "a document type": (
        lambda: book(_SHARED, texts='<!DOCTYPE x [<!ENTITY a "b">]><sst><si><t>&a;</t></si></sst>'),
        "declares a document type",
    ),
    "rows without end": (lambda: book(sheet("<row/>" * 1_100_000)), "more than 1,048,576 rows"),
    "a row beyond all": (lambda: book(sheet('<row r="1048577"/>')), "more than 1,048,576 rows"),
    "cells without end": (lambda: book(sheet(f"<row>{'<c/>' * 20_000}</row>")), "16,384 columns"),
    "a column beyond all": (lambda: book(sheet('<row><c r="XFE1"/></row>')), "16,384 columns"),
    "empty cells": (
        lambda: book(sheet(_CELL + f"<row>{'<c/>' * 16_000}</row>" * 140)),
        "XML elements",
    ),
    "a wide table of nothing": (
        lambda: book(
            sheet(
                '<row><c r="A1" t="str"><v>a</v></c><c r="XFD1" t="str"><v>b</v></c></row>'
                + "<row><c><v>1</v></c></row>" * 500
            )
        ),
        "is almost empty",
    ),
    "a text without end": (
        lambda: book(sheet(f'<row><c t="str"><v>{"a" * 5_000_000}</v></c></row>')),
        "a text has more than",
    ),
    "a tag without end": (
        lambda: book(sheet(f'<row><c r="{"A" * 5_000_000}"/></row>')),
        "a tag of more than",
    ),
    "nesting without end": (lambda: book("<a>" * 100_000), "nested more than 64 deep"),
    "elements without end": (lambda: book(sheet("<x/>" * 1_100_000)), "XML elements"),
    "attributes without end": (
        lambda: book(sheet(f"<row><c {_ATTRIBUTES}/></row>" * 250_000)),
        "XML elements",
    ),
    "shared texts without end": (
        lambda: book(_SHARED, texts=f"<sst>{'<si><t>a</t></si>' * 3_000_000}</sst>"),
        "XML elements",
    ),
    "one cell very often": (
        lambda: book(sheet(f"<row>{'<c><v>1</v></c>' * 1_000}</row>" * 3_000)),
        "XML elements",
    ),
    "formats without end": (
        lambda: book(sheet(_CELL), styles=f"<styleSheet><cellXfs>{'<xf/>' * 140_000}"),
        "cell formats",
    ),
    "sheets without end": (
        lambda: book(sheet(_CELL), main=f"<workbook>{'<sheet/>' * 10_001}</workbook>"),
        "more than 10,000 sheets",
    ),
    "merged areas without end": (
        lambda: book(sheet(_CELL, f"<mergeCells>{'<mergeCell/>' * 270_000}</mergeCells>")),
        "merged areas",
    ),
}


def _nested(levels: int, width: int) -> bytes:
    """Archives in archives, each of the same one several times, as 42.zip has it."""
    data = zipped({"0.csv": b"0" * 1_000_000})
    for _ in range(levels):
        data = zipped({f"{number}.zip": data for number in range(width)})
    return data


def _large_book() -> bytes:
    """A workbook that is within all limits by itself."""
    return book(sheet("<row><c><v>1</v></c></row>" * 300_000))


def _headers(count: int) -> bytes:
    return b"".join(tarfile.TarInfo(f"{number}.csv").tobuf() for number in range(count))


def _long_header(size: int) -> bytes:
    """A tar header that says that the next one's names take so many bytes."""
    info = tarfile.TarInfo("names")
    info.type, info.size = tarfile.XHDTYPE, size
    return info.tobuf() + b"a" * size + bytes(-size % 512 + 1024)


def _listed(count: int) -> bytes:
    """A ZIP file of nothing but a list of so many members."""
    entries = b"".join(
        struct.pack("<4s6H3L5H2L", b"PK\1\2", *[0] * 9, 7, *[0] * 6) + b"%07d" % number
        for number in range(count)
    )
    end = struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, 65535, 65535, len(entries), 0, 0)
    return b"PK\3\4" + entries + end


def _sparse() -> bytes:
    """A tar archive of one file that is nothing but a hole of 8 GB."""
    header = bytearray(tarfile.TarInfo("a.csv").tobuf(tarfile.GNU_FORMAT))
    header[156:157] = tarfile.GNUTYPE_SPARSE
    header[124:136] = b"%011o\0" % 4
    header[386:410] = b"%011o\0%011o\0" % (8 * 10**9 - 4, 4)
    header[483:495] = b"%011o\0" % (8 * 10**9)
    header[148:156] = b" " * 8
    header[148:156] = b"%06o\0 " % sum(header)
    return bytes(header) + b"1,2\n" + bytes(508 + 1024)


ARCHIVES: Bombs = {
    "a file of holes": (_sparse, "looks like a bomb"),
    "archives in archives": (lambda: _nested(5, 16), "archives more than 2 deep"),
    "a million members": (lambda: _listed(1_000_000), "too many members"),
    "a file without end": (
        lambda: zipped({"a.csv": b"a,b\n" + b"1,2\n" * 30_000_000}),
        "looks like a bomb",
    ),
    "packed files that are large together": (
        lambda: zipped({f"{n}.csv.gz": gzip.compress(b"1,2\n" * 3_000_000) for n in range(3)}),
        "is too large|looks like a bomb",
    ),
    "workbooks that are large together": (
        lambda: zipped(dict.fromkeys((f"{n}.xlsx" for n in range(100)), _large_book())),
        "is too large|looks like a bomb",
    ),
    "a tar of many members": (lambda: _headers(10_001) + bytes(1024), "more than 10,000 files"),
    "a tar header without end": (lambda: _long_header(5_000_000), "takes more than"),
}

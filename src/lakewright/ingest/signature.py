"""What a file's first bytes say that it is, for files that no reader of ours takes.

A file of the wrong kind is refused by the name of what it looks like: that tells a person at once
what went wrong, where a parser's complaint would not.
"""

import re
from collections.abc import Collection

from lakewright import errors

PARQUET_MAGIC = b"PAR1"
ENCRYPTED_PARQUET_MAGIC = b"PARE"

_HEAD_BYTES = 1 << 16
_BINARY_DATA = "binary data"
_CONTROL_SHARE_MAX = 0.05  # Text has next to none; compressed or binary data has about a tenth.
_CONTROLS = bytes(set(range(32)) - {9, 10, 12, 13, 27, 28, 29, 30, 31})
_NO_CONTROLS = bytes(set(range(256)) - set(_CONTROLS))

_BINARY = (
    (b"%PDF-", "a PDF document"),
    (
        b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1",
        "an old Microsoft Office document (.xls or .doc), or one with a password",
    ),
    (b"\x1f\x8b", "a gzip file"),
    (b"\x28\xb5\x2f\xfd", "a zstd file"),
    (b"\xfd7zXZ\x00", "an xz file"),
    (b"7z\xbc\xaf\x27\x1c", "a 7-Zip archive"),
    (b"Rar!\x1a\x07", "a RAR archive"),
    (b"\x89PNG\r\n\x1a\n", "a PNG image"),
    (b"\xff\xd8\xff", "a JPEG image"),
    (b"\x7fELF", "a Linux program"),
    (b"SQLite format 3\x00", "a SQLite database"),
    (b"Obj\x01", "an Avro file"),
    (ENCRYPTED_PARQUET_MAGIC, "an encrypted Parquet file"),
)
# These start like words, so they count only where control bytes follow.
_BINARY_IF_CONTROLS = (
    (b"BZh", "a bzip2 file"),
    (b"ORC", "an ORC file"),
    (b"GIF8", "a GIF image"),
    (b"ARROW1", "an Arrow file"),
)
_MARKUP = (
    (b"<!doctype html", "an HTML page"),
    (b"<html", "an HTML page"),
    (b"<?xml", "an XML document"),
)
_ELEMENT = re.compile(rb"<([A-Za-z_][A-Za-z0-9_.:-]*)[\s>]")
_UTF_MARKS = (b"\xff\xfe", b"\xfe\xff", b"\x00\x00\xfe\xff")


def refuse_foreign(head: bytes, file_name: str) -> None:
    """Raise for a file that is empty, binary, or of a kind that no reader takes.

    Args:
        head: the unpacked file's first bytes, 64 KiB where it has them.
        file_name: for the message.

    Raises:
        FileUnreadable: naming what the file looks like.
    """
    if not head.strip(b"\xef\xbb\xbf \t\r\n"):
        raise errors.FileUnreadable(
            f"{file_name} is empty",
            why=f"it has no records and no header up to its end, at byte {len(head):,}",
            hint="deliver the file again once it has content",
        )
    look = _looks_like(head)
    if look == _BINARY_DATA:
        place = len(head) - len(head.lstrip(_NO_CONTROLS))
        raise errors.FileUnreadable(
            f"{file_name} looks like {look}",
            why=f"no text has so many control bytes; the first is 0x{head[place]:02x}, at byte"
            f" {place:,}",
            hint="export the data as CSV, JSON or Parquet and upload that file",
        )
    if look:
        raise errors.FileUnreadable(
            f"{file_name} looks like {look}",
            why="delimited text (CSV), JSON, Parquet and Excel workbooks (.xlsx) can be read, each"
            " also packed with gzip or zstd, or in a ZIP or tar archive",
            hint="export the data as one of these and upload that file",
        )


def refuse_other_office(parts: Collection[str], file_name: str) -> None:
    """Raise for an Office document that is no workbook of ours, by the names of its parts.

    Raises:
        FileUnreadable: naming what the file looks like.
    """
    folders = {part.partition("/")[0] for part in parts}
    look = next((name for folder, name in _OFFICE if folder in folders), None)
    if "xl/workbook.bin" in parts:
        look = "an Excel workbook in the binary form (.xlsb)"
    if look:
        raise errors.FileUnreadable(
            f"{file_name} looks like {look}",
            why="of Office documents, Excel workbooks in the form .xlsx can be read",
            hint="open it, and save the sheet as .xlsx or CSV",
        )


_OFFICE = (
    ("word", "a Word document"),
    ("ppt", "a PowerPoint presentation"),
    ("mimetype", "an OpenDocument file (.ods or .odt)"),
)


def _looks_like(head: bytes) -> str | None:
    for magic, name in _BINARY:
        if head.startswith(magic):
            return name
    if head.startswith(b"PK\x03\x04"):
        return "an Excel workbook" if b"xl/" in head or b"[Content_Types]" in head else "a ZIP file"
    start = head.lstrip(b"\xef\xbb\xbf \t\r\n")[:20].lower()
    for magic, name in _MARKUP:
        if start.startswith(magic):
            return name
    if _is_element(head.strip(b"\xef\xbb\xbf \t\r\n")):
        return "an XML document"
    if not _is_binary(head):
        return None
    for magic, name in _BINARY_IF_CONTROLS:
        if head.startswith(magic):
            return name
    return _BINARY_DATA


def _is_element(text: bytes) -> bool:
    """Whether an element opens a text that closes others first: a cell of markup does not."""
    found = _ELEMENT.match(text)
    if found is None:
        return False
    first_line = text.partition(b"\n")[0]
    return b"</" + found[1] not in first_line and re.search(rb"</[A-Za-z_]|/>", text) is not None


def _is_binary(head: bytes) -> bool:
    if head.startswith(_UTF_MARKS) or looks_like_wide_text(head):
        return False
    head = head[:_HEAD_BYTES]
    controls = len(head) - len(head.translate(None, _CONTROLS))
    return controls > len(head) * _CONTROL_SHARE_MAX


def looks_like_wide_text(head: bytes) -> str | None:
    """The UTF-16 or UTF-32 codec that text without a byte order mark was written with, if any.

    In such text most characters are below U+0100, so nearly all zero bytes stand at the same
    places of each unit.
    """
    whole = len(head) // 4 * 4
    if whole < 4:
        return None
    zeros = [head[place:whole:4].count(0) / (whole // 4) for place in range(4)]
    first, second, third, fourth = (share > 0.7 for share in zeros)  # A few are beyond U+00FF.
    wide = (first, second, third, fourth)
    rare = max(
        (share for share, is_wide in zip(zeros, wide, strict=True) if not is_wide), default=1
    )
    if rare > 0.1:
        return None
    return {
        (False, True, False, True): "utf-16-le",
        (True, False, True, False): "utf-16-be",
        (False, True, True, True): "utf-32-le",
        (True, True, True, False): "utf-32-be",
    }.get(wide)

"""Open a ZIP file that nobody vouches for: archives, and the workbooks that are ZIP files inside.

Python's `zipfile` reads the list of members at once and believes it, so that is where limits stand:
no single read may be larger than a list of members that a person could have. Everything that it
may raise over damaged bytes becomes one refusal that names the place.
"""

import os
import struct
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from lakewright import errors
from lakewright.ingest.packing import Allowance

MAGIC = b"PK\x03\x04"
EMPTY_MAGIC = b"PK\x05\x06"

READ_BYTES_MAX = 1 << 22
"""The largest single read: the list of members comes in one. 10,000 members with long names take
some 2 MiB; a list of a million would take 10 s and 500 MB to look at."""
PIECE_BYTES = 1 << 16
"""Read at once of a member; what it unpacks to is bounded by that too."""

_NO_LIST = "the list of members is missing, with which a ZIP file ends"
"""Why a file cannot be opened that begins as a ZIP file does."""

_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_ENCRYPTED = 0x1
_FAULTS = (
    zipfile.BadZipFile, zlib.error, struct.error, NotImplementedError, RuntimeError, EOFError,
    ValueError, IndexError, OverflowError,
)  # fmt: skip


@contextmanager
def opened(path: Path, file_name: str) -> Iterator[zipfile.ZipFile]:
    """The ZIP file, with its list of members read.

    Raises:
        FileUnreadable: it is damaged, cut short, or its list of members is too long.
    """
    with path.open("rb") as file:
        try:
            archive = zipfile.ZipFile(Bounded(file, file_name))
        except _FAULTS as error:
            is_without_list = str(error) == "File is not a zip file"
            raise damaged(file_name, _NO_LIST if is_without_list else str(error)) from error
        with archive:
            yield archive


def pieces(
    archive: zipfile.ZipFile, member: zipfile.ZipInfo, name: str, allowance: Allowance
) -> Iterator[bytes]:
    """A member's content in pieces of bounded size; its checksum is compared at the end.

    Args:
        archive: holds the member.
        member: which one.
        name: what to call it in a refusal.
        allowance: what may still be unpacked.

    Raises:
        FileUnreadable: the member is encrypted, damaged, packed in a way that is not read, or
            larger than is allowed.
    """
    if member.flag_bits & _ENCRYPTED:
        raise errors.FileUnreadable(
            f"{name} is encrypted",
            why="it takes a password, which an upload has no place for",
            hint="deliver the file without a password",
        )
    if member.compress_type not in _METHODS:
        raise errors.FileUnreadable(
            f"{name} is packed by method {member.compress_type}",
            why="of ZIP files, members that are stored or deflated can be read",
            hint="pack it with the usual method: `zip` does so unless it is told otherwise",
        )
    allowance.expect(member.file_size)
    try:
        with archive.open(member) as stream:
            while piece := stream.read(PIECE_BYTES):
                allowance.take(len(piece))
                yield piece
    except _FAULTS as error:
        raise damaged(name, str(error)) from error


def damaged(name: str, why: str) -> errors.FileUnreadable:
    """The refusal of a ZIP file that makes no sense."""
    return errors.FileUnreadable(
        f"{name} is damaged",
        why=why or "the ZIP file ends too early",
        hint="deliver the file again; `unzip -t` tests it before it is sent",
    )


class Bounded:
    """A file of which no read returns more than `READ_BYTES_MAX`."""

    def __init__(self, file: BinaryIO, file_name: str) -> None:
        self._file = file
        self._file_name = file_name
        self.tell = file.tell
        self.seekable = file.seekable
        self.close = file.close

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Go to a place; one before the file's start is a fault of what is in the file.

        Raises:
            ValueError: it is that.
        """
        if whence == os.SEEK_SET and offset < 0:
            raise ValueError("it points before its own start")
        return self._file.seek(offset, whence)

    def read(self, count: int = -1) -> bytes:
        """Up to so many bytes; -1: all that is left.

        Raises:
            FileUnreadable: they are more than any list of members has.
        """
        data = self._file.read(READ_BYTES_MAX + 1 if count < 0 else min(count, READ_BYTES_MAX + 1))
        if len(data) > READ_BYTES_MAX:
            raise errors.FileUnreadable(
                f"{self._file_name} has too many members",
                why=f"the list of what it holds takes more than {READ_BYTES_MAX:,} bytes",
                hint="deliver fewer files in one archive",
            )
        return data

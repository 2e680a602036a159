"""Unpack a delivered file: gzip and zstd, with limits against files made to fill a disk.

What an archive or workbook holds is taken out elsewhere, within the same limits.

A packed stream that is damaged or cut short is refused with the place where it stopped; nothing of
it is read as if it were whole.
"""

import zlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO

import zstandard

from lakewright import errors
from lakewright.project.source import Compression

GZIP_MAGIC = b"\x1f\x8b"
ZSTD_MAGIC = b"\x28\xb5\x2f\xfd"
_ZSTD_SKIPPABLE = tuple(bytes([low]) + b"\x2a\x4d\x18" for low in range(0x50, 0x60))

_PIECE_BYTES = 1 << 22  # What one call to zlib may unpack; bounds memory, whatever the input says.
_CHUNK_BYTES = {
    Compression.GZIP: 1 << 16,
    # One call to zstd unpacks all that it is given. A block of up to 128 KiB packs to 4 bytes or
    # more, so 4 KiB unpack to 128 MiB at the very worst.
    Compression.ZSTD: 1 << 12,
}
_RATIO_GRACE_BYTES = 16 << 20  # Small files of one repeated line pack very well and harm nobody.
_ZSTD_WINDOW_BYTES = 1 << 27  # zstd's own limit for decoders that are not told otherwise.


@dataclass(frozen=True, kw_only=True, slots=True)
class Limits:
    """What a packed file may become."""

    size_bytes_max: int = 1 << 40
    ratio_max: int = 1000
    """Unpacked to packed size; counts only from 16 MiB on."""
    members_max: int = 10_000
    """Files of one archive, those in archives inside it counted. Each costs some milliseconds
    however small it is, so that so many take a minute; a year of hours has 8,760."""
    nesting_max: int = 2
    """Archives in one another: one that holds archives of files is common, more levels are not."""


class Allowance:
    """What a delivered file may still unpack to: all that is taken out of it counts together.

    Members that are packed once more would otherwise multiply their ratios.
    """

    def __init__(self, path: Path, file_name: str, limits: Limits) -> None:
        self._file_name = file_name
        self._limits = limits
        self._delivered = path.stat().st_size
        self._taken = 0
        by_ratio = max(_RATIO_GRACE_BYTES, limits.ratio_max * self._delivered)
        self._most = min(limits.size_bytes_max, by_ratio)

    def take(self, count: int) -> None:
        """Note that so many bytes were unpacked.

        Raises:
            FileUnreadable: they are more than the file may become.
        """
        self._taken += count
        self.expect(0)

    def expect(self, count: int) -> None:
        """Refuse at once what says itself that it unpacks to so many bytes, if they are too many.

        Raises:
            FileUnreadable: they are, together with what was unpacked.
        """
        size_bytes = self._taken + count
        if size_bytes <= self._most:
            return
        if size_bytes > self._limits.size_bytes_max:
            what = "is too large"
            why = f"it unpacks to more than {self._limits.size_bytes_max:,} bytes"
        else:
            what = "looks like a bomb"
            ratio = self._limits.ratio_max
            why = f"{self._delivered:,} bytes unpack to more than {ratio:,} times that"
        raise errors.FileUnreadable(
            f"{self._file_name} {what}", why=why, hint="deliver what it holds in several files"
        )

    @property
    def left(self) -> Limits:
        """The limits of a packed file inside."""
        return replace(self._limits, size_bytes_max=max(self._most - self._taken, 0))


@dataclass(frozen=True, kw_only=True, slots=True)
class Unpacked:
    """A file's content as it is to be read."""

    path: Path
    compression: Compression
    """`none`, `gzip` or `zstd`: what was found or declared."""
    size_bytes: int


def detect(head: bytes) -> Compression:
    """How a file that starts with these bytes is packed."""
    if head.startswith(GZIP_MAGIC):
        return Compression.GZIP
    if head.startswith((ZSTD_MAGIC, *_ZSTD_SKIPPABLE)):
        return Compression.ZSTD
    return Compression.NONE


def unpack(
    path: Path, declared: Compression, work_folder: Path, file_name: str, limits: Limits
) -> Unpacked:
    """The file itself if it is not packed, else its content as `unpacked` in the work folder.

    Raises:
        FileUnreadable: the stream is damaged, cut short, not what was declared, or too large.
    """
    with path.open("rb") as file:
        found = detect(file.read(4))
        compression = found if declared is Compression.AUTO else declared
        if compression is Compression.NONE:
            return Unpacked(path=path, compression=Compression.NONE, size_bytes=path.stat().st_size)
        if found is not compression:
            raise errors.FileUnreadable(
                f"{file_name} is not packed with {compression}",
                why=f"the source declares it, but the file starts like {_words(found)}",
                hint="remove `compression` from the source's format: it is found by looking",
            )
        file.seek(0)
        stream = _Stream(file, file_name, compression, limits)
        target = work_folder / "unpacked"
        with target.open("wb") as output:
            for piece in stream.pieces():
                output.write(piece)
    return Unpacked(path=target, compression=compression, size_bytes=stream.written)


def _words(compression: Compression) -> str:
    return "no packed file" if compression is Compression.NONE else f"a {compression} file"


class _Stream:
    """Unpacks one file, member after member, and counts what went in and out."""

    def __init__(
        self, file: BinaryIO, file_name: str, compression: Compression, limits: Limits
    ) -> None:
        self.file = file
        self.file_name = file_name
        self.compression = compression
        self.limits = limits
        self.taken = 0
        self.written = 0

    def pieces(self) -> Iterator[bytes]:
        """The content in pieces of bounded size."""
        make = _GzipMember if self.compression is Compression.GZIP else _ZstdFrame
        member = make()
        rest = self._take()
        while True:
            if member.is_finished:
                rest = rest or self._take()
                if not rest or self._is_padding(rest):
                    return
                member = make()
            try:
                piece, rest = member.feed(rest)
            except (zlib.error, zstandard.ZstdError) as error:
                start = self.taken - len(rest)
                why = f"{error}, between bytes {start:,} and {self.taken:,}"
                raise self._refusal("is damaged", why) from error
            if piece:
                self._count(piece)
                yield piece
            elif not rest and not member.is_finished:
                rest = self._take()
                if not rest:
                    raise self._refusal(
                        "is cut short", f"it ends at byte {self.taken:,} in the middle of its data"
                    )

    def _take(self) -> bytes:
        chunk = self.file.read(_CHUNK_BYTES[self.compression])
        self.taken += len(chunk)
        return chunk

    def _is_padding(self, rest: bytes) -> bool:
        """Zero bytes may follow the last gzip member: tape blocks, as gzip itself allows."""
        if self.compression is not Compression.GZIP or rest.strip(b"\0"):
            return False
        while chunk := self._take():
            if chunk.strip(b"\0"):
                raise self._refusal("is damaged", f"data follows padding near byte {self.taken:,}")
        return True

    def _count(self, piece: bytes) -> None:
        self.written += len(piece)
        if self.written > self.limits.size_bytes_max:
            raise self._refusal(
                "is too large", f"it unpacks to more than {self.limits.size_bytes_max:,} bytes"
            )
        ratio = self.written / max(self.taken, 1)
        if self.written > _RATIO_GRACE_BYTES and ratio > self.limits.ratio_max:
            raise self._refusal(
                "looks like a bomb",
                f"{self.taken:,} bytes unpacked to more than {self.limits.ratio_max:,} times that",
            )

    def _refusal(self, what: str, why: str) -> errors.FileUnreadable:
        return errors.FileUnreadable(
            f"{self.file_name}: the {self.compression} file {what}",
            why=why,
            hint="deliver the file again; `gzip -t` or `zstd -t` tests it before it is sent",
        )


class _GzipMember:
    """One member of a gzip file; zlib checks its length and checksum."""

    def __init__(self) -> None:
        self._unpacker = zlib.decompressobj(wbits=31)

    @property
    def is_finished(self) -> bool:
        return self._unpacker.eof

    def feed(self, packed: bytes) -> tuple[bytes, bytes]:
        """Some content, and what of the input is left over."""
        piece = self._unpacker.decompress(packed, _PIECE_BYTES)
        return piece, self._unpacker.unused_data or self._unpacker.unconsumed_tail


class _ZstdFrame:
    """One frame of a zstd file."""

    def __init__(self) -> None:
        unpacker = zstandard.ZstdDecompressor(max_window_size=_ZSTD_WINDOW_BYTES)
        self._unpacker = unpacker.decompressobj(read_across_frames=False)

    @property
    def is_finished(self) -> bool:
        return self._unpacker.eof

    def feed(self, packed: bytes) -> tuple[bytes, bytes]:
        """Some content, and what of the input is left over."""
        return self._unpacker.decompress(packed), self._unpacker.unused_data

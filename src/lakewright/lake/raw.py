"""The raw store: every delivered file, byte for byte, under the hash of its content.

What is stored is never changed: the same content has the same place, whoever delivers it and
however often. A file has its final name only when all of its bytes are on the disk; a reception
that ends early, by an error or by a crash, leaves nothing under a final name. This module is used
by the process that owns the journal, so it imports nothing but the standard library.

    raw/.receiving/<random>.part    being received; its receiver holds a lock on it
    raw/<source>/<sha256[:2]>/<sha256>
"""

import errno
import hashlib
import os
import re
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from io import FileIO
from pathlib import Path
from typing import BinaryIO, Protocol, TypeAlias

from lakewright import errors
from lakewright.lake import durable, lock_file

CHUNK_BYTES = 1024 * 1024
"""What is read, hashed and written at a time: hashing and writing run at full speed from about
64 KiB on; a mebibyte keeps progress reports rare and memory small."""

Report: TypeAlias = Callable[[int], None]
"""Called with the number of bytes received so far."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Received:
    """One delivered file, safely stored."""

    source: str
    sha256: str
    size_bytes: int
    is_new: bool
    """False: the store already held this content for this source."""


class RawStore(Protocol):
    """Keeps delivered bytes for good. Sources are plain words; hashes are 64 hex digits."""

    def receive(
        self, chunks: Iterable[bytes], source: str, report: Report | None = None
    ) -> Received:
        """Store the bytes; when this returns, no loss of power can lose them.

        Raises:
            LakewrightError: the store cannot take them (such as a full disk); nothing is left.
        """

    def exists(self, source: str, sha256: str) -> bool:
        """Whether this content was received for this source."""

    def is_known(self, sha256: str) -> bool:
        """Whether this content was received for any source."""

    def path(self, source: str, sha256: str) -> Path:
        """A local file with exactly this content, only to be read.

        Raises:
            NotFound: no such content was received.
        """

    def open(self, source: str, sha256: str) -> BinaryIO:
        """The content, to be read from its start.

        Raises:
            NotFound: no such content was received.
        """

    def clean(self) -> int:
        """Remove what receptions that died have left; answer how many there were.

        Receptions that are under way, in whatever process, are not touched.
        """


class LocalRawStore:
    """The raw store in a local folder."""

    def __init__(self, root: Path) -> None:
        self.root = root.absolute()

    def receive(
        self, chunks: Iterable[bytes], source: str, report: Report | None = None
    ) -> Received:
        """Store the bytes; see `RawStore.receive`."""
        _check_source(source)
        with _translated(self.root):
            part, descriptor = self._new_part()
        try:
            with FileIO(descriptor, "wb") as file, durable.HeadStart(file.fileno()) as disk:
                sha256, size_bytes = _copy(chunks, self._writer(file, disk), report)
                with _translated(self.root):
                    disk.finish()
                    os.fchmod(file.fileno(), 0o444)
                    durable.sync_descriptor(file.fileno())
                    is_new = self._place(part, source, sha256, size_bytes)
        finally:
            part.unlink(missing_ok=True)
        return Received(source=source, sha256=sha256, size_bytes=size_bytes, is_new=is_new)

    def _new_part(self) -> tuple[Path, int]:
        """A file to receive into, locked until its descriptor is closed."""
        receiving = self.root / ".receiving"
        durable.make_folder(receiving)
        return lock_file.new(receiving, ".part")

    def _writer(self, file: FileIO, disk: durable.HeadStart) -> Callable[[bytes], None]:
        def write(chunk: bytes) -> None:
            rest = memoryview(chunk)
            with _translated(self.root):
                while rest:
                    rest = rest[file.write(rest) :]
                disk.wrote(len(chunk))

        return write

    def _place(self, part: Path, source: str, sha256: str, size_bytes: int) -> bool:
        """Give the synced file its final name; whether it was not there before."""
        final = self._place_of(source, sha256)
        durable.make_folder(final.parent)
        is_new = not final.exists()
        # A file of another size was damaged after it was stored: sound bytes take its place.
        if is_new or final.stat().st_size != size_bytes:
            part.rename(final)
        # An earlier reception may have died between its rename and its sync: sync in any case.
        durable.sync_all([final], self.root)
        return is_new

    def exists(self, source: str, sha256: str) -> bool:
        """Whether this content was received for this source."""
        return self._place_of(source, sha256).is_file()

    def is_known(self, sha256: str) -> bool:
        """Whether this content was received for any source."""
        _check_sha256(sha256)
        return any(path.is_file() for path in self.root.glob(f"*/{sha256[:2]}/{sha256}"))

    def path(self, source: str, sha256: str) -> Path:
        """The stored file; see `RawStore.path`."""
        place = self._place_of(source, sha256)
        if not place.is_file():
            raise _absent(source, sha256, str(place))
        return place

    def open(self, source: str, sha256: str) -> BinaryIO:
        """The stored file, opened; see `RawStore.open`."""
        return self.path(source, sha256).open("rb")

    def clean(self) -> int:
        """Remove what dead receptions have left; see `RawStore.clean`."""
        parts = sorted((self.root / ".receiving").glob("*.part"))
        return sum(lock_file.remove_abandoned(part) for part in parts)

    def _place_of(self, source: str, sha256: str) -> Path:
        _check_source(source)
        _check_sha256(sha256)
        return self.root / source / sha256[:2] / sha256


def read_chunks(file: BinaryIO) -> Iterator[bytes]:
    """A file's bytes, from where it stands to its end, as `receive` takes them."""
    while chunk := file.read(CHUNK_BYTES):
        yield chunk


def _copy(
    chunks: Iterable[bytes], write: Callable[[bytes], object], report: Report | None
) -> tuple[str, int]:
    """Write the chunks; the hash and the number of their bytes.

    Each chunk is hashed by a thread beside, while it is written and the next one is read.
    """
    digest = hashlib.sha256()
    size_bytes = 0
    with ThreadPoolExecutor(1) as hasher:
        hashing: Future[None] | None = None
        for chunk in chunks:
            if hashing is not None:
                hashing.result()
            hashing = hasher.submit(digest.update, chunk)
            write(chunk)
            size_bytes += len(chunk)
            if report is not None:
                report(size_bytes)
    return digest.hexdigest(), size_bytes


def _check_source(source: str) -> None:
    """Refuse what is no plain word: it would become part of a path."""
    if not re.fullmatch(r"[a-z0-9_]{1,128}", source):
        raise errors.UsageError(
            f"{source!r} cannot name a source",
            why="a source's name is 1 to 128 lower-case letters, digits and underscores",
            hint="rename the source",
        )


def _check_sha256(sha256: str) -> None:
    if not re.fullmatch(r"[0-9a-f]{64}", sha256):
        raise errors.UsageError(
            f"{sha256!r} is no SHA-256",
            why="it must be 64 lower-case hexadecimal digits",
            hint="copy it from `lakewright uploads list`",
        )


def _absent(source: str, sha256: str, looked_in: str) -> errors.NotFound:
    return errors.NotFound(
        f"no upload of source {source} has the SHA-256 {sha256}",
        why=f"looked in {looked_in}",
        hint="`lakewright uploads list` shows what was received",
    )


@contextmanager
def _translated(root: Path) -> Iterator[None]:
    """Around the store's own use of the disk: what goes wrong becomes an error of ours."""
    try:
        yield
    except OSError as error:
        full = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
        raise errors.LakewrightError(
            f"the upload could not be stored in {root}",
            why=error.strerror or str(error),
            hint="free some space and upload again"
            if error.errno in full
            else "make sure that the folder can be written to, and upload again",
        ) from error

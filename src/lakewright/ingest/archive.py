"""Take the files out of a ZIP or tar archive, with limits against archives made to do harm.

No member is ever written under its own name: names are data, and what is written lies in the work
folder under numbers. What an archive holds is either read, or left out with the reason told, or the
archive is refused as a whole; nothing is passed over in silence.
"""

import stat
import tarfile
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import Enum
from fnmatch import fnmatchcase
from functools import partial
from pathlib import Path
from typing import NamedTuple

from lakewright import errors
from lakewright.ingest import packing, zip_file
from lakewright.project.source import Compression

SHOWN_MAX = 20
"""Members that a message names."""

_HEAD_BYTES = 1 << 16
_NO_DATA = ("thumbs.db", "desktop.ini", "_success")
_DOCUMENTS = ("readme", "license", "licence", "copying", "changelog", "notice")
_DOCUMENT_ENDINGS = ("", "txt", "md", "rst", "html", "pdf")
_PACKINGS = ("gz", "gzip", "zst", "zstd")
_TAR_FAULTS = (
    tarfile.TarError, EOFError, ValueError, IndexError, OverflowError, RecursionError,
)  # fmt: skip


class Kind(Enum):
    """What an archive is."""

    ZIP = "ZIP"
    TAR = "tar"


class Member(NamedTuple):
    """A file that was taken out, unpacked."""

    name: str
    """Its path in the archive; behind that of the archive inside which it lies, if it does."""
    path: Path
    size_bytes: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Extracted:
    """What was in an archive."""

    members: tuple[Member, ...]
    """In the archive's order; at least one."""
    evidence: tuple[str, ...]
    suspicions: tuple[str, ...]


def kind_of(path: Path, head: bytes, file_name: str) -> Kind | None:
    """Which archive a file is; Office documents, which are ZIP files too, are none.

    Raises:
        FileUnreadable: it starts as a ZIP file, and is damaged.
    """
    if head.startswith((zip_file.MAGIC, zip_file.EMPTY_MAGIC)):
        with zip_file.opened(path, file_name) as archive:
            names = archive.namelist()
        return None if {"[Content_Types].xml", "mimetype"}.intersection(names) else Kind.ZIP
    try:
        tarfile.TarInfo.frombuf(head[:512], "utf-8", "surrogateescape")
    except _TAR_FAULTS:
        return None
    return Kind.TAR


def extract(
    path: Path,
    file_name: str,
    wanted: Sequence[str],
    work_folder: Path,
    budget: tuple[packing.Allowance, packing.Limits],
) -> Extracted:
    """Take out what is to be read.

    Args:
        path: the archive, unpacked.
        file_name: of the upload, for refusals.
        wanted: patterns for members; none: all that hold data.
        work_folder: for the members.
        budget: what may be unpacked, and the other limits.

    Raises:
        FileUnreadable: it is damaged, made to do harm, or nobody can say what it means.
    """
    taking = _Taking(file_name, wanted, work_folder, budget)
    with path.open("rb") as file:
        head = file.read(_HEAD_BYTES)
    kind = kind_of(path, head, file_name)
    taking.take(path, kind or Kind.TAR, "", 1)
    if not taking.members:
        what = "holds no file with data" if not wanted else "holds no such file"
        raise errors.FileUnreadable(
            f"{file_name} {what}",
            why="; ".join(taking.left_out[:SHOWN_MAX]) or "it is empty",
            hint="deliver the archive again once it has content"
            if not wanted
            else f"correct `members` in the source's format: {', '.join(wanted)}",
        )
    if not wanted:
        _check_endings(file_name, taking.members)
    named = "it holds one file" if len(taking.members) == 1 else (
        f"it holds {len(taking.members):,} files"
    )  # fmt: skip
    evidence = [f"archive {(kind or Kind.TAR).value}: {named}", *taking.left_out[:SHOWN_MAX]]
    if len(taking.left_out) > SHOWN_MAX:
        evidence.append(f"{len(taking.left_out) - SHOWN_MAX:,} more were left out")
    return Extracted(
        members=tuple(taking.members),
        evidence=tuple(evidence),
        suspicions=tuple(taking.suspicions[:SHOWN_MAX]),
    )


class _Entry(NamedTuple):
    """One line of an archive's list."""

    name: str
    is_folder: bool
    is_link: bool
    is_file: bool
    pieces: Callable[[], Iterator[bytes]]


class _Taking:
    """What was taken out so far, of an archive and of those inside it."""

    def __init__(
        self,
        file_name: str,
        wanted: Sequence[str],
        folder: Path,
        budget: tuple[packing.Allowance, packing.Limits],
    ) -> None:
        self.members: list[Member] = []
        self.left_out: list[str] = []
        self.suspicions: list[str] = []
        self._file_name = file_name
        self._wanted = wanted
        self._folder = folder
        self._allowance, self._limits = budget
        self._entries = 0
        self._names: set[str] = set()

    def take(self, path: Path, kind: Kind, prefix: str, level: int) -> None:
        """Take out what an archive holds; its members' names get the prefix."""
        if level > self._limits.nesting_max:
            raise errors.FileUnreadable(
                f"{self._file_name} holds archives more than {self._limits.nesting_max} deep",
                why=f"{prefix.rstrip('/')} is one more",
                hint="deliver the files in it in one archive",
            )
        read = self._zip if kind is Kind.ZIP else self._tar
        for entry in read(path, prefix):
            self._entries += 1
            self._check_count(0)
            name = prefix + self._checked(entry.name)
            if entry.is_folder or not self._is_read(name, entry):
                continue
            if name in self._names:
                raise self._refusal(f"two files {name!r}", "nobody can say which of them counts")
            self._names.add(name)
            self._take_file(name, entry, level)

    def _check_count(self, more: int) -> None:
        if self._entries + more > self._limits.members_max:
            raise errors.FileUnreadable(
                f"{self._file_name} holds more than {self._limits.members_max:,} files",
                why="each of them is read by itself, however small it is",
                hint="deliver them in several archives, or join them",
            )

    def _take_file(self, name: str, entry: _Entry, level: int) -> None:
        number = len(self._names)
        target = self._folder / f"{number}.member"
        with target.open("wb") as file:
            for piece in entry.pieces():
                file.write(piece)
        folder = self._folder / f"{number}.unpacked"
        folder.mkdir(exist_ok=True)
        shown = f"{self._file_name}/{name}"
        found = packing.unpack(target, Compression.AUTO, folder, shown, self._allowance.left)
        if found.compression is not Compression.NONE:
            self._allowance.take(found.size_bytes)
        with found.path.open("rb") as file:
            head = file.read(_HEAD_BYTES)
        kind = kind_of(found.path, head, shown)
        if kind is not None:
            self.take(found.path, kind, f"{name}/", level + 1)
        elif head:
            self.members.append(Member(name, found.path, found.size_bytes))
        else:
            self.left_out.append(f"left out {name}: it is empty")
            self.suspicions.append(f"{name} is empty")

    def _is_read(self, name: str, entry: _Entry) -> bool:
        """Whether a member is read; if not, that is noted."""
        why = None
        if entry.is_link:
            why = "a link, which holds nothing itself"
        elif not entry.is_file:
            why = "neither a file nor a folder"
        elif self._wanted:
            if not any(_is_match(name, pattern) for pattern in self._wanted):
                why = "`members` does not name it"
        else:
            why = _no_data(name)
        if why is None:
            return True
        self.left_out.append(f"left out {name}: {why}")
        if entry.is_link or not entry.is_file:
            self.suspicions.append(f"{name} was left out: {why}")
        return False

    def _checked(self, name: str) -> str:
        """A member's path in one form, with no way out of its archive."""
        text = name.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
        parts = text.replace("\\", "/").split("/")
        if text.startswith(("/", "\\")) or text[1:2] == ":":
            raise self._refusal(f"a file with the absolute path {text!r}", "it leads elsewhere")
        if ".." in parts:
            raise self._refusal(f"a file with the path {text!r}", "`..` leads out of the archive")
        return "/".join(part for part in parts if part not in ("", "."))

    def _refusal(self, what: str, why: str) -> errors.FileUnreadable:
        return errors.FileUnreadable(
            f"{self._file_name} holds {what}",
            why=why,
            hint="pack the files anew, from inside their folder",
        )

    def _zip(self, path: Path, prefix: str) -> Iterator[_Entry]:
        shown = f"{self._file_name}/{prefix}".rstrip("/")
        with zip_file.opened(path, shown) as archive:
            self._check_count(len(archive.infolist()))
            self._allowance.expect(sum(info.file_size for info in archive.infolist()))
            for info in archive.infolist():
                mode = info.external_attr >> 16
                yield _Entry(
                    name=info.filename,
                    is_folder=info.is_dir(),
                    is_link=stat.S_ISLNK(mode),
                    is_file=stat.S_IFMT(mode) in (0, stat.S_IFREG),
                    pieces=partial(
                        zip_file.pieces, archive, info, f"{shown}/{info.filename}", self._allowance
                    ),
                )

    def _tar(self, path: Path, prefix: str) -> Iterator[_Entry]:
        shown = f"{self._file_name}/{prefix}".rstrip("/")
        with path.open("rb") as file:
            bounded = zip_file.Bounded(file, shown)
            try:
                with tarfile.open(fileobj=bounded, mode="r:", errorlevel=2) as archive:  # type: ignore[call-overload]
                    for info in archive:
                        yield _Entry(
                            name=info.name,
                            is_folder=info.isdir(),
                            is_link=info.islnk() or info.issym(),
                            is_file=info.isreg(),
                            pieces=partial(self._tar_pieces, archive, info, f"{shown}/{info.name}"),
                        )
                    end = archive.offset
            except _TAR_FAULTS as error:
                raise _damaged_tar(shown, str(error)) from error
            # Where a header makes no sense, tarfile takes it for the archive's end.
            file.seek(end)
            while block := file.read(zip_file.PIECE_BYTES):
                if block.strip(b"\0"):
                    raise _damaged_tar(shown, f"there is more behind its end at byte {end:,}")

    def _tar_pieces(
        self, archive: tarfile.TarFile, info: tarfile.TarInfo, name: str
    ) -> Iterator[bytes]:
        self._allowance.expect(info.size)  # A sparse file says how large it is.
        try:
            stream = archive.extractfile(info)
            while stream is not None and (piece := stream.read(zip_file.PIECE_BYTES)):
                self._allowance.take(len(piece))
                yield piece
        except _TAR_FAULTS as error:
            raise _damaged_tar(name, str(error)) from error


def _damaged_tar(name: str, why: str) -> errors.FileUnreadable:
    return errors.FileUnreadable(
        f"{name}: the tar archive is damaged",
        why=why,
        hint="deliver the file again; `tar -tf` tests it before it is sent",
    )


def _no_data(name: str) -> str | None:
    """Why a member holds no data, by its name."""
    parts = name.lower().split("/")
    stem, _, ending = parts[-1].partition(".")
    if "__macosx" in parts or any(part.startswith(".") for part in parts):
        return "hidden"
    if parts[-1] in _NO_DATA:
        return "a mark of some program"
    if (stem in _DOCUMENTS and ending in _DOCUMENT_ENDINGS) or ending == "md":
        return "a document about the data"
    return None


def _is_match(name: str, pattern: str) -> bool:
    return fnmatchcase(name, pattern) or fnmatchcase(name.rpartition("/")[2], pattern)


def _check_endings(file_name: str, members: Sequence[Member]) -> None:
    """Refuse files of several kinds: somebody has to say which of them are the source's.

    Raises:
        FileUnreadable: there are several.
    """
    endings = Counter(_ending(member.name) for member in members)
    if len(endings) < 2:
        return
    listed = ", ".join(f"{count:,} {ending or 'without ending'}"
                       for ending, count in endings.most_common(SHOWN_MAX))  # fmt: skip
    main = endings.most_common(1)[0][0]
    raise errors.FileUnreadable(
        f"{file_name} holds files of several kinds",
        why=f"by their endings: {listed}",
        hint=f'say in the source\'s format which are meant, such as `members: "*{main}"`',
    )


def _ending(name: str) -> str:
    parts = name.rpartition("/")[2].lower().split(".")[1:]
    if parts and parts[-1] in _PACKINGS:
        parts = parts[:-1]
    return f".{parts[-1]}" if parts else ""

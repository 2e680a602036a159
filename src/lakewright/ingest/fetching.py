"""Fetch the files at a place that are new: the one door of fsspec, and of what it reaches them by.

Runs in a process of its own, the only one of ours that may use the network. What is known by its
mark (size, time of change, checksum, as far as the place tells them) is not read again. Refused are
places that cannot be listed; a file that changes while it is read is left for the next time.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, Protocol, TypeAlias, cast
from urllib.parse import unquote, urlsplit

import fsspec

from lakewright import errors
from lakewright.lake import raw

FILES_MAX = 200
"""Files that are fetched at a time, before they are acknowledged."""

BYTES_MAX = 2**30
"""Once a batch holds so much it ends: what is fetched is loaded while the rest comes."""

TIMEOUT_SECONDS = 60.0
"""How long a server may say nothing."""

_MAGIC = frozenset("*?[")

_MARKS = ("size", "ETag", "etag", "Content-MD5", "Digest", "LastModified", "Last-Modified", "mtime",
          "created", "ino")  # fmt: skip
"""What tells that a file has changed, by the names that fsspec's places have for it."""

_TELLING = frozenset(_MARKS) - {"size", "created", "ino"}
"""Without one of these a file is read each time, and known by its content only."""

Info: TypeAlias = Mapping[str, object]


class _Place(Protocol):
    """What we use of `fsspec.AbstractFileSystem`."""

    def info(self, path: str) -> Info: ...
    def ls(self, path: str, detail: bool) -> list[Info]: ...  # noqa: FBT001
    def glob(self, path: str, detail: bool) -> Mapping[str, Info]: ...  # noqa: FBT001
    def open(self, path: str, mode: str, **options: object) -> BinaryIO: ...
    def unstrip_protocol(self, name: str) -> str: ...
    def invalidate_cache(self) -> None: ...


@dataclass(frozen=True, kw_only=True, slots=True)
class Order:
    """What is to be fetched."""

    source: str
    location: str
    """As `project.schedule.Fetch.location` says."""
    folder: Path
    """What a path that is no URL is relative to."""
    marks: Mapping[str, str] = field(default_factory=dict)
    """Of files that were read before, by name."""
    after: str = ""
    """Where an earlier batch ended: names up to this are passed over."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Fetched:
    """One file that is in the raw store now."""

    name: str
    """Its path or URL."""
    file_name: str
    mark: str
    """Empty: its place tells nothing by which a change could be seen."""
    sha256: str
    size_bytes: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Batch:
    """What came of fetching."""

    files: tuple[Fetched, ...]
    seen: int
    """Files that were there, as far as the batch has looked."""
    changing: tuple[str, ...]
    """Files that changed while they were read."""
    unreadable: tuple[str, ...]
    """Files that may not be read, each with the reason."""
    after: str | None
    """Where the next batch begins; None: there is none."""


def fetch(order: Order, store: raw.RawStore, report: Callable[[int], None]) -> Batch:
    """Store the files that are new, and say what they are.

    `report` is told the number of bytes received so far.

    Raises:
        NotFound: there is nothing at the place.
        UsageError: what reaches places of this kind is not installed.
        FetchFailed: the place does not answer, or refuses.
    """
    place, path = _reach(order)
    with _translated(order.location):
        place.invalidate_cache()
        found = _list(place, path)
    return _Fetching(order, place, store, report).fetch(found)


@dataclass(slots=True)
class _Fetching:
    """One batch under way."""

    order: Order
    place: _Place
    store: raw.RawStore
    report: Callable[[int], None]
    files: list[Fetched] = field(default_factory=list)
    changing: list[str] = field(default_factory=list)
    unreadable: list[str] = field(default_factory=list)
    seen: int = 0

    def fetch(self, found: Mapping[str, Info]) -> Batch:
        """Fetch of these files, by their paths, what is new."""
        last = self.order.after
        for path in sorted(found):
            name = self.place.unstrip_protocol(path)
            if name <= self.order.after:
                continue
            if self._is_full():
                return self._batch(last)
            self.seen += 1
            try:
                self._take(path, name, found[path])
            except errors.FetchFailed:
                if not self.files:
                    raise
                return self._batch(last)  # What came is kept; the next batch meets it again.
            last = name
        return self._batch(None)

    def _is_full(self) -> bool:
        size_bytes = sum(file.size_bytes for file in self.files)
        return len(self.files) >= FILES_MAX or size_bytes >= BYTES_MAX

    def _take(self, path: str, name: str, listed: Info) -> None:
        with _translated(name):
            # A listing and a look at one file may tell the same in two ways: what is remembered is
            # what the listing tells, if it tells enough.
            mark = _mark(listed) or _mark(self.place.info(path))
            if mark and self.order.marks.get(name) == mark:
                return
            try:
                before = self.place.info(path)
                received = self._receive(path, before)
            except PermissionError as error:
                self.unreadable.append(f"{name}: {error.strerror or error}")
                return
            except FileNotFoundError:
                return  # It was taken away since it was listed.
            self.place.invalidate_cache()
            size = before.get("size")
            is_short = isinstance(size, int) and size != received.size_bytes
            if is_short or _mark(self.place.info(path)) != _mark(before):
                self.changing.append(name)
                return
        self.files.append(
            Fetched(
                name=name,
                file_name=_file_name(name),
                mark=mark,
                sha256=received.sha256,
                size_bytes=received.size_bytes,
            )
        )

    def _receive(self, path: str, info: Info) -> raw.Received:
        before = sum(file.size_bytes for file in self.files)
        # Of a web server a file is had whole, since the parts might be of two versions.
        options: dict[str, object] = {"block_size": 0} if _is_web(path) else {}
        with self.place.open(path, "rb", **options) as file:
            prefetch = getattr(file, "prefetch", None)
            if callable(prefetch):
                prefetch(info.get("size"))  # Over SFTP, each block else waits for the one before.
            return self.store.receive(
                _chunks(file, info.get("size")),
                self.order.source,
                lambda done: self.report(before + done),
            )

    def _batch(self, after: str | None) -> Batch:
        return Batch(
            files=tuple(self.files),
            seen=self.seen,
            changing=tuple(self.changing),
            unreadable=tuple(self.unreadable),
            after=after,
        )


def _chunks(file: BinaryIO, size: object) -> Iterator[bytes]:
    """A file's bytes, up to a little more than it had: one that goes on growing has no end."""
    done = 0
    for chunk in raw.read_chunks(file):
        yield chunk
        done += len(chunk)
        if isinstance(size, int) and done > size:
            return


def _is_web(path: str) -> bool:
    return path.startswith("https://")


def _list(place: _Place, path: str) -> Mapping[str, Info]:
    """The files that a location means, by their paths."""
    if _MAGIC.intersection(urlsplit(path).path if _is_web(path) else path):
        found = place.glob(path, detail=True)
    else:
        info = place.info(path)
        listed = [info] if info.get("type") == "file" else place.ls(path, detail=True)
        found = {str(each["name"]): each for each in listed}
    return {
        name: info
        for name, info in found.items()
        if info.get("type") == "file" and not _file_name(name).startswith(".")
    }


def _mark(info: Info) -> str:
    if not any(info.get(name) for name in _TELLING):
        return ""
    return " ".join(f"{name}={info[name]}" for name in _MARKS if info.get(name) is not None)


def _file_name(name: str) -> str:
    path = unquote(urlsplit(name).path) if _is_web(name) else name
    return path.rstrip("/").rpartition("/")[2] or "file"


def _reach(order: Order) -> tuple[_Place, str]:
    """Whom to ask about a location, and its path there."""
    scheme, is_remote, _ = order.location.partition("://")
    if not is_remote:
        path = str(order.folder / Path(order.location).expanduser())
        return cast("_Place", fsspec.filesystem("file")), path
    with _translated(order.location):
        try:
            found = _open(scheme, order.location)
        except ImportError as cause:
            raise errors.UsageError(
                f"nothing can be fetched from {scheme}:// places",
                why=str(cause),
                hint="install what it takes with `pip install 'lakewright[fetch]'`",
            ) from cause
    place, path = found
    return cast("_Place", place), path


def _open(scheme: str, location: str) -> tuple[object, str]:
    if scheme == "https":
        import aiohttp

        timeout = aiohttp.ClientTimeout(
            total=None, sock_connect=TIMEOUT_SECONDS, sock_read=TIMEOUT_SECONDS
        )
        return fsspec.filesystem("https", client_kwargs={"timeout": timeout}), location
    if scheme == "s3":
        place, path = fsspec.core.url_to_fs(location, use_listings_cache=False)
        return place, str(path)
    from lakewright.ingest.secure_shell import Places

    return Places.of(location, TIMEOUT_SECONDS), urlsplit(location).path or "/"


@contextmanager
def _translated(name: str) -> Iterator[None]:
    """Around the use of a place: what goes wrong becomes an error of ours."""
    try:
        yield
    except errors.LakewrightError:
        raise
    except FileNotFoundError as cause:
        if _is_web(name):  # So fsspec says of whatever a web server answers, and if none does.
            raise _failed(name, cause.__cause__ or cause) from cause
        raise errors.NotFound(
            f"there is nothing to fetch at {name}",
            why="no file or folder has this name there",
            hint="check `from` in the schedule; a path on this machine is relative to the"
            " project's folder",
        ) from cause
    except Exception as cause:
        raise _failed(name, cause) from cause


def _failed(name: str, cause: BaseException) -> errors.FetchFailed:
    told = " ".join(str(cause).split())
    return errors.FetchFailed(
        f"{name} cannot be fetched",
        why=f"{type(cause).__name__}: {told}" if told else type(cause).__name__,
        hint="it is tried again at the schedule's next tick; `lakewright runs retry RUN` does so"
        " at once",
    )

"""A project's folder on this machine: find it, read its files, and know where its lake lies."""

import os
import time
from collections.abc import Hashable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

from lakewright import errors, settings
from lakewright.project.files import PROJECT_FILE, PROJECT_FILES

if TYPE_CHECKING:
    from lakewright.project.environment import CatalogServer, Environment

_FILE_BYTES_MAX = 1024 * 1024
"""A project file is written by people: one that is larger is something else."""

_TICK_NS = 100_000_000
"""Linux dates files by a clock that ticks every 1 to 10 ms; a network disk's may be slower."""


def find_folder(start: Path) -> Path:
    """The nearest folder upwards that holds a project.

    Raises:
        NotFound: there is none.
    """
    for folder in (start.absolute(), *start.absolute().parents):
        if (folder / PROJECT_FILE).is_file():
            return folder
    raise errors.NotFound(
        f"there is no project in {start.absolute()} or above",
        why=f"no folder there holds a {PROJECT_FILE}",
        hint="make one with `lakewright init`, or name one with --project DIR",
    )


def named_folder(folder: Path) -> Path:
    """A folder that somebody named as a project's: it has to be one itself.

    Raises:
        NotFound: it holds no project.
    """
    if (folder / PROJECT_FILE).is_file():
        return folder.absolute()
    raise errors.NotFound(
        f"there is no project in {folder.absolute()}",
        why=f"it holds no {PROJECT_FILE}" if folder.is_dir() else "there is no such folder",
        hint=f"make one with `lakewright init {folder}`, or name another folder",
    )


def is_found_from(start: Path, folder: Path) -> bool:
    """Whether a command that is typed in `start` finds the project in `folder` by itself."""
    try:
        return find_folder(start) == folder
    except errors.NotFound:
        return False


def read_files(folder: Path, patterns: Sequence[str] = PROJECT_FILES) -> dict[str, str]:
    """The text of every file that may be part of the project, by its path in the folder.

    Raises:
        ProjectInvalid: a file is not UTF-8 text, too large, or cannot be read.
    """
    return {path.relative_to(folder).as_posix(): _text(path) for path in _paths(folder, patterns)}


def signature(folder: Path, patterns: Sequence[str] = PROJECT_FILES) -> Hashable:
    """What differs once a file of the project was written, added, removed or replaced.

    A file may be written again before the clock that dates files has ticked: shortly after a change
    no two signatures are alike.
    """
    found = sorted(_dated(folder, patterns))
    now_ns = time.time_ns()
    changed_ns = max((changed for *_, changed in found), default=0)
    return tuple(found), 0 if now_ns - changed_ns > _TICK_NS else now_ns


def _dated(folder: Path, patterns: Sequence[str]) -> Iterator[tuple[str, int, int, int, int]]:
    """Each file that may be part of the project, and others beside it, with what tells its state.

    Looking at all files of a folder takes a fifth of looking for the patterns of some.
    """
    ahead = sorted({str(folder / Path(pattern).parts[0]) for pattern in patterns})
    while ahead:
        path = ahead.pop()
        with suppress(OSError):  # Absent, or just removed: then others will see other files.
            if os.path.isdir(path):  # noqa: PTH112 - a path object takes longer than the look
                with os.scandir(path) as entries:
                    ahead += [
                        each.path for each in entries if each.is_file() or not each.is_symlink()
                    ]
                continue
            one = os.stat(path)  # noqa: PTH116 - the same
            yield path, one.st_ino, one.st_size, one.st_mtime_ns, one.st_ctime_ns


def _paths(folder: Path, patterns: Sequence[str]) -> list[Path]:
    """The files that may be part of the project."""
    found = {path for pattern in patterns for path in folder.glob(pattern) if path.is_file()}
    return sorted(found)


def _text(path: Path) -> str:
    where = errors.Place(file=str(path))
    try:
        if path.stat().st_size > _FILE_BYTES_MAX:
            raise errors.ProjectInvalid(
                f"{path.name} is too large for a project file",
                where=where,
                why=f"it has {path.stat().st_size:,} bytes; at most {_FILE_BYTES_MAX:,} are read",
                hint="if it is data, keep it outside of sources/ and models/; else shorten it",
            )
        return path.read_bytes().decode("utf-8")
    except UnicodeDecodeError as error:
        raise errors.ProjectInvalid(
            f"{path.name} is not UTF-8 text",
            where=where,
            why=f"byte {error.start} cannot be decoded",
            hint="save it as UTF-8",
        ) from error
    except OSError as error:
        raise errors.ProjectInvalid(
            f"{path.name} cannot be read", where=where, why=str(error.strerror)
        ) from error


@dataclass(frozen=True, kw_only=True, slots=True)
class Place:
    """A project's folder and the environment to work in."""

    folder: Path
    environment: str
    storage: Path
    journal: str | None = None
    """The URL of the journal's database; None: a file in `storage`."""
    catalog: "CatalogServer | None" = None
    """The server that says where the tables are; None: a file in `storage`."""

    @classmethod
    def of(cls, folder: Path, configured: settings.Settings) -> "Place":
        """Read just what `lakewright.yaml` says of the environment.

        Raises:
            ProjectInvalid: lakewright.yaml holds mistakes.
            NotFound: it has no such environment.
        """
        environment = environment_of(folder, configured.environment)
        return cls(
            folder=folder,
            environment=environment.name,
            storage=(folder / environment.storage).absolute(),
            journal=_journal(environment),
            catalog=_catalog(environment),
        )


def _catalog(environment: "Environment") -> "CatalogServer | None":
    """The server of the environment's catalog. Its URL is not repeated where it is refused."""
    server = environment.catalog
    if server is not None and any(
        "@" in urlsplit(url).netloc for url in (server.uri, server.oauth2_uri)
    ):
        raise errors.ProjectInvalid(
            f"the catalog of the environment {environment.name} has a user or password in its URL",
            where=errors.Place(file=PROJECT_FILE),
            why="a project's files are shared, and kept in Git",
            hint="take it out, change it, and set the environment variable"
            " LAKEWRIGHT_CATALOG_CREDENTIAL",
        )
    return server


def _journal(environment: "Environment") -> str | None:
    """The URL of the environment's journal. It is not repeated where it is refused: it may hold a
    password."""
    if environment.journal is None:
        return None
    where = errors.Place(file=PROJECT_FILE)
    parts = urlsplit(environment.journal)
    if parts.scheme not in ("postgresql", "postgres"):
        raise errors.ProjectInvalid(
            f"the journal of the environment {environment.name} is no URL of PostgreSQL",
            where=where,
            why="a journal is kept there, or in a file of `storage`",
            hint="write postgresql://USER@HOST/DATABASE, or leave `journal` out",
        )
    if parts.password is not None or "password" in parse_qs(parts.query):
        raise errors.ProjectInvalid(
            f"the journal of the environment {environment.name} has a password in its URL",
            where=where,
            why="a project's files are shared, and kept in Git",
            hint="take it out, change it, and set the environment variable PGPASSWORD",
        )
    return environment.journal


def name_of(folder: Path) -> str:
    """What the project in a folder is called.

    Raises:
        ProjectInvalid: its lakewright.yaml cannot be read.
    """
    from lakewright.project import project_file

    document = project_file.read(_text(folder / PROJECT_FILE)).document
    return folder.name if document is None else document.name


def environment_of(folder: Path, name: str) -> "Environment":
    """What the project says of an environment.

    Raises:
        ProjectInvalid: lakewright.yaml holds mistakes.
        NotFound: it has no such environment.
    """
    from lakewright.project import project_file

    return project_file.environment(_text(folder / PROJECT_FILE), name)

"""Receive a file: decide which source it belongs to, and stream its bytes into the raw store.

Runs in the process that owns the journal, so it reads no content and imports nothing heavy. Only
regular files are taken: a pipe has no end to rely on, and a device none at all.
"""

import os
import stat
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from lakewright import errors
from lakewright.lake import raw
from lakewright.project import naming

if TYPE_CHECKING:
    from lakewright.project.project import Project


def receive(
    path: Path,
    project: "Project",
    store: raw.RawStore,
    source: str | None = None,
    report: Callable[[int], None] | None = None,
) -> raw.Received:
    """Store a file's bytes under its source.

    Args:
        path: the file as delivered.
        project: knows the declared sources.
        store: where the bytes go.
        source: the source's name where the caller knows it; else see `source_of`.
        report: is told the number of bytes received so far.

    Raises:
        UsageError: it is not clear which source the file belongs to, or it is no regular file.
        NotFound: there is no such file.
        LakewrightError: the file cannot be read, or the store cannot take it.
    """
    name = source_of(path.name, project, source)
    check_regular(path)
    try:
        file = path.open("rb")
    except OSError as error:
        raise _unreadable(path, error) from error
    with file:
        try:
            size_before = os.fstat(file.fileno()).st_size
            received = store.receive(raw.read_chunks(file), name, report)
        except OSError as error:
            raise _unreadable(path, error) from error
    if received.size_bytes < size_before:
        raise errors.LakewrightError(
            f"{path} became shorter while it was read",
            why=f"it had {size_before:,} bytes, of which {received.size_bytes:,} came",
            hint="upload it again when nothing writes to it any more",
        )
    return received


def source_of(file_name: str, project: "Project", given: str | None = None) -> str:
    """The name of the source that a file belongs to.

    That is the one given; else the declared one whose pattern matches; else the one that the file's
    name suggests, declared or not.

    Raises:
        UsageError: the given name cannot be a source's, several patterns match, or the name
            suggests a declared source whose patterns do not match.
    """
    if given is not None:
        check_name(given)
        return given
    declared = project.source_for(file_name)
    if declared is not None:
        return declared.name
    name = naming.source_name_for(file_name)
    same = project.sources.get(name)
    if same is not None and same.match:
        raise errors.UsageError(
            f"{file_name} belongs to no source",
            why=f"its name suggests {name}, but that takes only {', '.join(same.match)}",
            hint=f"give --source {name}, or add a pattern to `match` in {same.file or name}",
        )
    return name


def check_name(source: str) -> None:
    """Refuse a name that no source can have.

    Raises:
        UsageError: the name is not in the style of names.
    """
    if not naming.is_standard(source):
        raise errors.UsageError(
            f"{source!r} cannot name a source",
            why="a source's name is lower-case words joined by underscores",
            hint=f"use {naming.standardise(source)}",
        )


def name_of(path: Path) -> str:
    """The file's name as a text that can be kept; bytes of it that are no UTF-8 are escaped."""
    return os.fsencode(path.name).decode("utf-8", "backslashreplace")


def check_regular(path: Path) -> None:
    """Refuse what is no regular file that is there.

    Raises:
        UsageError: it is a folder, a pipe, a socket or a device.
        NotFound: there is nothing.
    """
    try:
        mode = path.stat().st_mode
    except OSError as error:
        raise _unreadable(path, error) from error
    if stat.S_ISREG(mode):
        return
    what = "a folder" if stat.S_ISDIR(mode) else "a pipe, socket or device"
    raise errors.UsageError(
        f"{path} is {what}",
        why="only a regular file has an end that can be relied on",
        hint=f"name the files in it: {path}/*" if stat.S_ISDIR(mode) else "save it as a file first",
    )


def _unreadable(path: Path, error: OSError) -> errors.LakewrightError:
    if isinstance(error, FileNotFoundError | NotADirectoryError):
        return errors.NotFound(
            f"there is no file {path}",
            why=f"looked in {path.absolute().parent}",
            hint="check the path; relative paths start at the present folder",
        )
    return errors.LakewrightError(
        f"{path} cannot be read",
        why=error.strerror or str(error),
        hint="make sure that you may read the file",
    )

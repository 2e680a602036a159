"""The folder of a demo: which files in it are the demo's own, and whether anybody touched them.

A demo writes down what it made. It makes a folder anew only while everything is as it left it:
whatever a person wrote, changed or uploaded there is never deleted unasked, and what no demo made
is never deleted at all.
"""

import hashlib
import json
import shutil
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from lakewright import errors, wiring
from lakewright.wording import counted

_RECORD = ".demo"
"""In it stand the demo's files, each with its SHA-256."""

_STORAGE = ".lakewright"
"""What the examples' lakewright.yaml says."""

_PROJECT_FILE = "lakewright.yaml"
_TOLD_MAX = 5
"""So many differences are listed one by one."""


def make(folder: Path, write: Callable[[], None], *, is_overwriting: bool) -> None:
    """Have an empty folder filled, or the folder of an untouched demo made anew.

    `is_overwriting`: changes to a demo's files, and what was uploaded to it, are given up; files
    that are not the demo's stay also then.

    Raises:
        Conflict: the folder holds something that no demo made, or that was changed since.
    """
    if (folder / _RECORD).is_file():
        made = _recorded(folder)
        if not is_overwriting:
            _check_untouched(folder, made)
        _remove(folder, made)
    elif folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise errors.Conflict(
            f"{folder} is not empty, and no demo made it",
            why="a demo writes only into a folder of its own, so that no file is lost",
            hint="name a new or an empty folder with --into",
        )
    present = set(_files(folder))
    try:
        write()
    except BaseException:
        for name in set(_files(folder)) - present:
            (folder / name).unlink()
        _remove_empty(folder)
        raise
    files = {name: _sha256(folder / name) for name in _files(folder) if name not in present}
    (folder / _RECORD).write_text(json.dumps({"files": files}, indent=1) + "\n", "utf-8")


def _check_untouched(folder: Path, made: Mapping[str, str]) -> None:
    differences = list(_differences(folder, made))
    if not differences:
        return
    told = differences[:_TOLD_MAX]
    if len(differences) > _TOLD_MAX:
        told.append(f"and {counted(len(differences) - _TOLD_MAX, 'more difference')}")
    raise errors.Conflict(
        f"{folder} is not as the demo left it, so it is not made anew",
        why="\n".join(told),
        hint="name another folder with --into, or give up what was changed and uploaded there with"
        " --overwrite (files that are not the demo's stay)",
    )


def _recorded(folder: Path) -> Mapping[str, str]:
    """The demo's files, each with its SHA-256."""
    try:
        files = json.loads((folder / _RECORD).read_text("utf-8"))["files"]
        return {str(name): str(digest) for name, digest in files.items()}
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise errors.Conflict(
            f"{folder} is not made anew, as nobody knows which files in it are the demo's",
            why=f"its {_RECORD} is not as this version of Lakewright writes it",
            hint="name another folder with --into, or remove this one yourself",
        ) from error


def _differences(folder: Path, made: Mapping[str, str]) -> Iterator[str]:
    present = _files(folder)
    for name in present:
        if name not in made:
            yield f"{name} is not the demo's"
        elif not _is_intact(folder, name, made):
            yield f"{name} was changed"
    yield from (f"{name} was removed" for name in made if name not in present)
    if (folder / _STORAGE).is_symlink():
        yield f"{_STORAGE} was moved elsewhere"
    elif (folder / _STORAGE).exists() and _is_intact(folder, _PROJECT_FILE, made):
        with wiring.open_lakehouse(folder) as house:
            for upload in house.journal.reading.uploads():
                if upload.sha256 not in made.values():
                    yield f"{upload.file_name} was uploaded to it"


def _files(folder: Path) -> list[str]:
    """Every file but what Lakewright stores and the record, by its path in the folder."""
    if not folder.is_dir():
        return []
    inner = (path.relative_to(folder) for path in folder.rglob("*")
             if path.is_symlink() or not path.is_dir())  # fmt: skip
    return sorted(path.as_posix() for path in inner if path.parts[0] not in (_STORAGE, _RECORD))


def _is_intact(folder: Path, name: str, made: Mapping[str, str]) -> bool:
    path = folder / name
    is_regular = path.is_file() and not path.is_symlink()
    return is_regular and _sha256(path) == made.get(name)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _remove(folder: Path, made: Mapping[str, str]) -> None:
    """Delete what the demo made, and nothing else."""
    storage = folder / _STORAGE
    if storage.is_symlink():
        storage.unlink()
    elif storage.exists():
        shutil.rmtree(storage)
    for name in _files(folder):
        if name in made:
            (folder / name).unlink()
    (folder / _RECORD).unlink()
    _remove_empty(folder)


def _remove_empty(folder: Path) -> None:
    """Delete the folders in which nothing is left."""
    for path in sorted(folder.rglob("*"), reverse=True):
        if path.is_dir() and not path.is_symlink() and not any(path.iterdir()):
            path.rmdir()

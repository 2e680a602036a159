"""Where the example projects lie, in a checkout as in an installed package."""

import shutil
from pathlib import Path

import lakewright
from lakewright import errors


def folder() -> Path:
    """The folder that holds one folder for each example.

    Raises:
        NotFound: this installation came without them.
    """
    package = Path(lakewright.__file__).parent
    for place in (package / "examples", package.parent.parent / "examples"):
        if (place / "shop" / "lakewright.yaml").is_file():
            return place
    raise errors.NotFound(
        "the example projects are not part of this installation",
        hint="install the lakewright package anew",
    )


def names() -> tuple[str, ...]:
    """The examples' names."""
    return tuple(sorted(path.parent.name for path in folder().glob("*/lakewright.yaml")))


def copy(name: str, destination: Path) -> None:
    """Copy an example's files into a folder, which is made if need be.

    Raises:
        NotFound: there is no such example.
        Conflict: the folder already holds a project, or a file that the example has too.
    """
    if name not in names():
        raise errors.NotFound(
            f"there is no example {name!r}", hint=f"the examples are {', '.join(names())}"
        )
    if (destination / "lakewright.yaml").exists():
        raise errors.Conflict(
            f"{destination} already holds a project",
            hint="choose an empty folder, or remove its lakewright.yaml",
        )
    for path in (folder() / name).rglob("*"):
        inner = path.relative_to(folder() / name)
        if path.is_file() and ".lakewright" not in inner.parts and (destination / inner).exists():
            raise errors.Conflict(
                f"{destination} already holds {inner.as_posix()}",
                why="an example does not overwrite files",
                hint="choose an empty folder, or remove this file first",
            )
    shutil.copytree(
        folder() / name,
        destination,
        dirs_exist_ok=True,
        ignore=shutil.ignore_patterns(".lakewright", "__pycache__"),
    )

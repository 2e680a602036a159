"""What loading a large project has found out, kept in a file beside its lake for the next process.

    reader <signature of the code that found it out>
    <key> <crc32> <JSON>

A line is added for each thing that is found out, in one write, so that processes may do so side by
side. A line that is torn, damaged or of other code is as good as none: what it said is found out
again. Nothing depends on the file, so nothing fails where it cannot be read or written.
"""

import hashlib
import json
import os
import secrets
import zlib
from collections.abc import Iterator, Mapping
from contextlib import suppress
from functools import lru_cache
from pathlib import Path
from typing import cast

import lakewright
from lakewright import version
from lakewright.plan import codec
from lakewright.project.memory import Found
from lakewright.project.model import Model
from lakewright.sql import types
from lakewright.sql.query import GroupedShape, Resolved, RowWiseShape, Shape, WholeShape

_READ_BY = ("sql", "project", "plan/codec.py")
"""The code that decides what is found out, and how it is written down."""

_LINES_SPARE = 1000
"""So many lines that nobody asks for, and as many as are asked for, are left in the file."""


class ProjectMemory(Mapping[str, Found]):
    """What a file has kept, read as far as it is asked for."""

    def __init__(self, path: Path) -> None:
        """Read a file, which need not be there."""
        self._path = path
        self._header = f"reader {signature()}\n".encode()
        self._lines: dict[str, bytes] = {}
        self._is_whole = False
        """Whether lines may be added to the file as it is."""
        with suppress(OSError):
            data = path.read_bytes()
            if data.startswith(self._header):
                lines = data[len(self._header) :].split(b"\n")
                # What follows the last line end was torn while it was written.
                self._lines = {line[:64].decode("ascii", "replace"): line for line in lines[:-1]}
                self._is_whole = not lines[-1]

    def __getitem__(self, key: str) -> Found:
        """What is kept under a key.

        Raises:
            KeyError: nothing, or nothing that can be read.
        """
        _, checksum, text = (*self._lines[key].split(b" ", 2), b"", b"")[:3]
        try:
            if int(checksum) != zlib.crc32(text):
                raise KeyError(key)
            return _decoded(json.loads(text))
        except (ValueError, KeyError, TypeError, IndexError) as error:
            raise KeyError(key) from error

    def __iter__(self) -> Iterator[str]:
        return iter(self._lines)

    def __len__(self) -> int:
        return len(self._lines)

    def keep(self, found: Mapping[str, Found]) -> None:
        """Keep all of this; what else was kept may go."""
        new = {key: _line(key, each) for key, each in found.items() if not self._is_sound(key)}
        self._lines |= new
        is_long = len(self._lines) > 2 * len(found) + _LINES_SPARE
        if is_long:
            self._lines = {key: line for key, line in self._lines.items() if key in found}
        with suppress(OSError):
            if is_long or not self._is_whole:
                self._rewrite()
                self._is_whole = True
            else:
                with self._path.open("ab", buffering=0) as file:
                    file.write(b"".join(line + b"\n" for line in new.values()))

    def _is_sound(self, key: str) -> bool:
        line = self._lines.get(key, b"").split(b" ", 2)
        return len(line) == 3 and line[1] == str(zlib.crc32(line[2])).encode()

    def _rewrite(self) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        part = self._path.with_name(f"{self._path.name}.{secrets.token_hex(8)}")
        try:
            part.write_bytes(
                self._header + b"".join(b"%s\n" % line for line in self._lines.values())
            )
            part.replace(self._path)
        finally:
            part.unlink(missing_ok=True)


@lru_cache(maxsize=1)
def signature() -> str:
    """What differs where other code might find out something else."""
    package = Path(lakewright.__file__).parent
    found = hashlib.sha256(version.VERSION.encode())
    for name in _READ_BY:
        place = package / name
        for path in sorted(place.rglob("*.py")) if place.is_dir() else (place,):
            one = os.stat(path)  # noqa: PTH116 - a hundred of them
            found.update(f"{path.name} {one.st_size} {one.st_mtime_ns}\n".encode())
    return found.hexdigest()


def _line(key: str, found: Found) -> bytes:
    text = json.dumps(_encoded(found), separators=(",", ":")).encode()
    return b"%s %d %s" % (key.encode(), zlib.crc32(text), text)


def _encoded(found: Found) -> codec.Json:
    if isinstance(found, Model):
        return ["model", codec.encode(found)]
    columns: list[codec.Json] = [
        [each.name, str(each.type), each.is_required, each.description]
        for each in found.schema.fields
    ]
    shape: list[codec.Json] = [type(found.shape).__name__, codec.encode(found.shape)]
    lineage = {name: list(each) for name, each in found.lineage.items()}
    return ["resolved", columns, lineage, shape]


def _decoded(value: codec.Json) -> Found:
    kind, *parts = cast("list[codec.Json]", value)
    if kind == "model":
        return codec.decode(Model, parts[0])
    columns = cast("list[tuple[str, str, bool, str]]", parts[0])
    lineage = cast("Mapping[str, list[str]]", parts[1])
    name, shape = cast("tuple[str, codec.Json]", parts[2])
    return Resolved(
        schema=types.Schema(
            tuple(
                types.Field(
                    name=each[0], type=_type(each[1]), is_required=each[2], description=each[3]
                )
                for each in columns
            )
        ),
        lineage={column: tuple(each) for column, each in lineage.items()},
        shape=codec.decode(_SHAPES[name], shape),
    )


_SHAPES: Mapping[str, type[Shape]] = {
    each.__name__: each for each in (RowWiseShape, GroupedShape, WholeShape)
}


@lru_cache(maxsize=4096)
def _type(text: str) -> types.Type:
    return types.parse(text) if text != str(types.UNKNOWN) else types.UNKNOWN

"""A table that no catalog lists: where an engine stages files that can only write whole tables.

It lies in a folder of its own, with the field ids and partitions of the table that its files are
for, and nobody reads it. Its files are moved out of it, and it is deleted. Refuses structs whose
field names Iceberg's writer would change in the files, as other readers find them by their names.
"""

import re
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import cast

from lakewright import errors
from lakewright.lake import drafts, filing, manifests, metadata, partitioning
from lakewright.lake import schema as schemas
from lakewright.lake.metadata import Document, FieldJson
from lakewright.lake.staged import DataFile, Target
from lakewright.sql import types

_IDS = ("id", "element-id", "key-id", "value-id")
_FIRST = "v1.metadata.json"
_HINT = "version-hint.text"
"""Both names are those of Iceberg's tables that are nothing but a folder."""


def make(folder: Path, target: Target) -> None:
    """Make an empty table of the target's columns in a folder that is not there yet.

    Raises:
        LakewrightError: a field of a struct has a name that the files cannot hold.
    """
    for field in target.schema.fields:
        _check(target.table, field.name, field.type)
    document = drafts.new_table(str(folder), 0)
    fields = _fields(target)
    last = max(target.field_ids.values(), default=0)
    document = metadata.apply(
        document,
        [metadata.AddSchema({"type": "struct", "schema-id": 0, "fields": list(fields)}, last)],
    )
    spec = partitioning.specify(target.partitioning, fields, target.schema, document)
    document = metadata.apply(document, [metadata.AddSpec(spec)])
    place = folder / "metadata"
    place.mkdir(parents=True)
    (place / _FIRST).write_bytes(metadata.dump(document))
    (place / _HINT).write_text("1", "ascii")


def take(folder: Path, stem: Path) -> tuple[DataFile, ...]:
    """Move every file of the table to `<stem>-<number>.parquet`, and delete the table."""
    newest = (folder / "metadata" / _HINT).read_text("ascii").strip()
    document = metadata.read(str(folder / "metadata" / f"v{newest}.metadata.json"))
    taken = []
    for number, file in enumerate(sorted(_files(document), key=_order)):
        final = stem.with_name(f"{stem.name}-{number:05d}.parquet")
        Path(file.path).rename(final)
        taken.append(replace(file, path=str(final)))
    shutil.rmtree(folder)
    return tuple(taken)


def _files(document: Document) -> Iterator[DataFile]:
    current = metadata.current_snapshot(document)
    if current is not None:
        found = filing.live_files(document, current["snapshot-id"], manifests.Reader())
        yield from (one.file for one in found if one.file.rows)


def _order(file: DataFile) -> tuple[tuple[str, ...], str, str]:
    """By partition, then by the task that wrote the file: a name has it first, then random words,
    and which of the task's files it is last."""
    name = Path(file.path).stem
    partition = tuple(value or "" for value in file.partition)
    return partition, name.partition("-")[0], name.rpartition("-")[2]


def _fields(target: Target) -> tuple[FieldJson, ...]:
    """The columns as Iceberg has them. None is required: that is asked when they are published."""
    assigned = schemas.assign(target.schema, None, 0).fields
    ids = {number: target.field_ids[path] for path, number in schemas.field_ids(assigned).items()}
    return tuple(cast("FieldJson", _renumbered(field, ids)) for field in assigned)


def _renumbered(json: object, ids: Mapping[int, int]) -> object:
    if isinstance(json, list):
        return [_renumbered(one, ids) for one in json]
    if not isinstance(json, dict):
        return json
    return {
        key: ids[value] if key in _IDS else key != "required" and _renumbered(value, ids)
        for key, value in json.items()
    }


def _check(table: str, path: str, kind: types.Type) -> None:
    inner: tuple[tuple[str, types.Type], ...] = ()
    if isinstance(kind, types.Array):
        inner = (("element", kind.element),)
    elif isinstance(kind, types.Map):
        inner = (("key", kind.key), ("value", kind.value))
    elif isinstance(kind, types.Struct):
        inner = kind.fields
    for name, child in inner:
        if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name):
            raise errors.LakewrightError(
                f"the table {table} cannot be written by Iceberg's own writer",
                why=f"the struct {path} has a field named {name!r}, which it would rename",
                hint="give the field a name of letters, digits and underscores, or build the table"
                " with the embedded engine",
            )
        _check(table, f"{path}.{name}", child)

"""Tables as they would be if what a run has staged were published: checked and built upon before.

Pure. What is staged for a table lies over the table's base: the base's files without those that it
removes, and the files that it adds.
"""

from collections.abc import Sequence
from dataclasses import replace

from lakewright.engines.engine import Change
from lakewright.lake.staged import DataFile, FileSet, Staged, Target


def file_set(staged: Staged, target: Target) -> FileSet:
    """The table as it would be. `target` is where the table's next files would be written."""
    removed = set(staged.removed)
    base = () if target.base is None or staged.is_replaced else target.base.files
    kept = tuple(file for file in base if file.path not in removed)
    return _files(target, (*kept, *staged.rewritten, *staged.added))


def added(files: FileSet) -> Change:
    """The change of a table that only gained these files."""
    nothing = replace(files, files=())
    return Change(added=files, removed=nothing, rewritten=nothing)


def change(staged: Staged, target: Target, earlier: Sequence[DataFile] = ()) -> Change:
    """What a table gains and loses by what is staged, and by `earlier` files that it had gained."""
    gone = set(staged.removed)
    base = () if target.base is None else target.base.files
    removed = tuple(file for file in base if staged.is_replaced or file.path in gone)
    return Change(
        added=_files(target, (*earlier, *staged.added)),
        removed=_files(target, removed),
        rewritten=_files(target, staged.rewritten),
    )


def _files(target: Target, files: Sequence[DataFile]) -> FileSet:
    return FileSet(
        table=target.table,
        snapshot_id=None,
        schema=target.schema,
        field_ids=target.field_ids,
        files=tuple(files),
    )

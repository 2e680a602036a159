"""Open the journal that a project's environment names, and see that it belongs to the tables.

Only runs make our tables. A journal that knows of no run beside tables that runs have made is not
the one that they were written with: it was emptied, deleted or confused with another. Whoever went
on with it would load files again that are loaded, and could not rebuild a table from what it holds.
"""

from pathlib import Path
from typing import TYPE_CHECKING

from lakewright import errors
from lakewright.runs.journal import Journal, Reading
from lakewright.wiring import catalogs
from lakewright.wording import counted

if TYPE_CHECKING:
    from lakewright.project.environment import CatalogServer


def open_journal(storage: Path, url: str | None, server: "CatalogServer | None" = None) -> Journal:
    """The journal in a file of this folder, or in a database that several machines share.

    `server` says where the tables are that it is about; None: a file in the folder.

    Raises:
        StorageFailed: it is damaged, or knows nothing of the tables in the folder.
        UsageError: what speaks with PostgreSQL is not installed.
    """
    found = _in_file(storage) if url is None else _in_postgres(url)
    try:
        _refuse_forgetful(found.reading, storage, server)
    except errors.LakewrightError:
        found.close()
        raise
    return found


def _in_file(storage: Path) -> Journal:
    from lakewright.runs.journals import sqlite

    return sqlite.open_journal(storage / "journal.sqlite")


def _in_postgres(url: str) -> Journal:
    try:
        from lakewright.runs.journals import postgres
    except ImportError as cause:
        raise errors.UsageError(
            "the journal is in PostgreSQL, and what speaks with it is not installed",
            why=str(cause),
            hint="install it with `pip install 'lakewright[postgres]'`",
        ) from cause
    return postgres.open_journal(url)


def _refuse_forgetful(reading: Reading, storage: Path, server: "CatalogServer | None") -> None:
    if reading.runs(limit=1) or reading.uploads(limit=1):
        return
    made = _made_by_runs(storage, server)
    if made:
        raise errors.StorageFailed(
            "the journal knows of no run",
            why=f"runs have made {counted(len(made), 'table')} in {storage}, {made[0]} among them:"
            " the journal was emptied or deleted, or is another one",
            hint="put back a copy of the journal; the tables and the delivered files are whole",
        )


def _made_by_runs(storage: Path, server: "CatalogServer | None") -> list[str]:
    from lakewright.lake import metadata, provenance
    from lakewright.lake.sqlite_catalog import SqliteCatalog

    catalog = catalogs.open_catalog(server) or SqliteCatalog(storage / "catalog.sqlite")
    try:
        return [
            table
            for table, pointer in catalog.pointers().items()
            if any(map(provenance.is_own, metadata.snapshots(metadata.read(pointer))))
        ]
    finally:
        catalog.close()

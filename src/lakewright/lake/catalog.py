"""The port of catalogs: for each table, where its current metadata file is, and how that changes.

A catalog is asked for pointers and given changes. It refuses a change to a table that is not as the
change says it was; a change that is refused changes nothing. All else is the same for every
catalog: what a table's metadata says, which files it has, what a run may do to it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from lakewright.lake.metadata import Document, Update


@dataclass(frozen=True, kw_only=True, slots=True)
class Change:
    """One table, as it is and as it shall be."""

    table: str
    pointer: str | None
    """The table's present metadata file; None: the table is not in the catalog."""
    before: Document | None
    """What that file says; None: the new state does not follow it."""
    updates: tuple[Update, ...]
    """What makes the new state of it, or of a blank table."""
    after: Document
    """The new state, as these updates make it."""


class Catalog(Protocol):
    """Where the tables of one environment are found."""

    @property
    def place(self) -> str:
        """What to call it in a message: the path of a file, or a URL."""

    @property
    def is_in_folder(self) -> bool:
        """Whether it lies in the lake's folder, and goes where that is moved or copied to."""

    def pointers(self) -> Mapping[str, str]:
        """The metadata file of every table, by `layer.table`, in order of name.

        Raises:
            CatalogUnavailable: its server does not answer.
        """

    def pointer(self, table: str) -> str | None:
        """The metadata file of one table; None: there is no such table.

        Raises:
            CatalogUnavailable: its server does not answer.
        """

    def blank(self, table: Document) -> Document:
        """A table that is about to be made, with the layout that this catalog gives every new one;
        the change that makes it adds its columns to that."""

    def commit(self, changes: Sequence[Change], written: Sequence[Path], root: Path) -> None:
        """Make all changes, or none: where the catalog cannot, one after the other, in their order.

        Args:
            changes: the tables.
            written: files below `root` that the changes refer to; they are synced first.
            root: the folder of the lake.

        Raises:
            CommitConflict: a table is not as its change says that it was. Nothing has changed, or
                a `PublishedInPart` says what has.
            CommitUnknown: there is no telling whether the changes were made.
            CatalogUnavailable: its server does not answer; nothing has changed.
            LakewrightError: the catalog refuses.
            OSError: the disk refuses.
        """

    def close(self) -> None:
        """Let go of what is open; the next use opens it again."""

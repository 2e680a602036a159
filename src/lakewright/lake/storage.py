"""A lake's place on this machine: its folder, its catalog, and whether both still belong together.

    <root>/catalog.sqlite                                 unless a server is the catalog
    <root>/warehouse/<layer>/<table>/{data,metadata}/

Iceberg's metadata holds absolute paths. A lake whose folder has moved, or was copied, would read
and write the folder that it came from: it is refused until its paths are rewritten.
"""

from collections.abc import Mapping
from pathlib import Path

from lakewright import errors, wording
from lakewright.lake import manifests, metadata
from lakewright.lake.catalog import Catalog
from lakewright.lake.sqlite_catalog import SqliteCatalog

FILE = "catalog.sqlite"


class Storage:
    """A lake's folder and what is needed to read it."""

    def __init__(self, root: Path, catalog: Catalog | None = None) -> None:
        """`catalog`: where the tables are found; None: a file in the folder."""
        self.root = root.resolve()
        self.catalog = catalog or SqliteCatalog(self.root / FILE)
        self.reader = manifests.Reader()

    def pointers(self) -> Mapping[str, str]:
        """The metadata file of every table, by `layer.table`, in order of name.

        Raises:
            Conflict: the lake has moved.
        """
        pointers = self.catalog.pointers()
        for table, pointer in pointers.items():
            self._check_inside(table, pointer)
        return pointers

    def pointer(self, table: str) -> str:
        """The metadata file of a table.

        Raises:
            NotFound: there is no such table.
            Conflict: the lake has moved.
        """
        pointer = self.catalog.pointer(table)
        if pointer is None:
            raise errors.NotFound(
                f"there is no table {table}",
                why=f"looked in {self.catalog.place}",
                hint=wording.suggestion(table, self.pointers(), "tables"),
            )
        self._check_inside(table, pointer)
        return pointer

    def _check_inside(self, table: str, pointer: str) -> None:
        if metadata.local_path(pointer).startswith(f"{self.root}/"):
            return
        if self.catalog.is_in_folder:
            raise errors.Conflict(
                f"the lake in {self.root} has moved",
                why=f"its table {table} still refers to {pointer}",
                hint="run `lakewright relocate` to make its tables refer to this folder",
            )
        raise errors.Conflict(
            f"the table {table} of the catalog {self.catalog.place} is not in {self.root}",
            why=f"its metadata is {pointer}: it belongs to another project or environment",
            hint="give each environment a `namespace` of its own in its `catalog`",
        )

    def location(self, table: str) -> Path:
        """The folder of a table that is about to be made."""
        return self.root / "warehouse" / Path(*table.split(".", 1))

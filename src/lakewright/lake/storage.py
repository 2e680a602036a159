"""A lake's place on this machine: its folder, its catalog, and whether both still belong together.

    <root>/catalog.sqlite
    <root>/warehouse/<layer>/<table>/{data,metadata}/

Iceberg's metadata holds absolute paths. A lake whose folder has moved, or was copied, would read
and write the folder that it came from: it is refused until its paths are rewritten.
"""

from collections.abc import Mapping
from pathlib import Path

from lakewright import errors, wording
from lakewright.lake import manifests, metadata
from lakewright.lake.catalog import Catalog


class Storage:
    """A lake's folder and what is needed to read it."""

    def __init__(self, root: Path) -> None:
        self.root = root.resolve()
        self.catalog = Catalog(self.root / "catalog.sqlite")
        self.reader = manifests.Reader()

    def pointers(self) -> Mapping[str, str]:
        """The metadata file of every table, by `layer.table`, in order of name.

        Raises:
            Conflict: the lake has moved.
        """
        pointers = self.catalog.pointers()
        inside = f"{self.root}/"
        for table, pointer in pointers.items():
            if not metadata.local_path(pointer).startswith(inside):
                raise errors.Conflict(
                    f"the lake in {self.root} has moved",
                    why=f"its table {table} still refers to {pointer}",
                    hint="run `lakewright relocate` to make its tables refer to this folder",
                )
        return pointers

    def pointer(self, table: str) -> str:
        """The metadata file of a table.

        Raises:
            NotFound: there is no such table.
            Conflict: the lake has moved.
        """
        pointers = self.pointers()
        if table not in pointers:
            raise errors.NotFound(
                f"there is no table {table}",
                why=f"looked in {self.catalog.path}",
                hint=wording.suggestion(table, pointers, "tables"),
            )
        return pointers[table]

    def location(self, table: str) -> Path:
        """The folder of a table that is about to be made."""
        return self.root / "warehouse" / Path(*table.split(".", 1))

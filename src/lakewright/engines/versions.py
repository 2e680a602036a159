"""Which of the rows with one key is the newest: a total order, so that any order of files and any
engine give the same table. Pure.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from lakewright.errors import RunFailed
from lakewright.wording import counted

PLACE = ("_source_file", "_record")
"""The columns that tell where a row came from."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Versions:
    """Which rows of a table are versions of one another, and which of them is the newest."""

    table: str
    columns: tuple[str, ...]
    """All that the rows have."""
    key: tuple[str, ...]
    """Rows with the same values here are versions of one another."""
    latest_by: tuple[str, ...]
    """The greatest values here are the newest; null is older than any."""

    @property
    def by_value(self) -> tuple[str, ...]:
        """The greatest is first, nulls are last: what is the newest, then every other column."""
        own = (column for column in self.columns if not _is_metadata(column))
        rest = (column for column in own if column not in (*self.latest_by, *self.key))
        return (*self.latest_by, *rest)

    @property
    def by_origin(self) -> tuple[str, ...]:
        """Of rows that say the same the smallest is first here, nulls last: the first loaded."""
        return tuple(sorted(column for column in self.columns if _is_metadata(column)))

    @property
    def has_places(self) -> bool:
        """Whether the rows tell where they came from."""
        return set(PLACE) <= set(self.columns)

    def check_types(self) -> None:
        """Refuse a key column that has no type.

        Raises:
            RunFailed: the column has only ever been empty.
        """
        absent = [column for column in self.key if column not in self.columns]
        if absent:
            raise RunFailed(
                f"the model {self.table} returns no value at all in its key column {absent[0]}",
                why="the column has only ever been empty, so it is not even known what type it has",
                hint="give the column a type with CAST, or take another key",
            )

    def without_key(
        self, missing: Mapping[str, int], places: Sequence[tuple[object, ...]]
    ) -> RunFailed:
        """The refusal of rows without a key: nothing says which row of the table they are.

        Args:
            missing: how many rows have no value, by key column.
            places: where the first of them come from, as `PLACE`.
        """
        found = ", ".join(
            f"{name} is null in {counted(count, 'row')}" for name, count in missing.items()
        )
        shown = ", ".join(f"record {record} of {file}" for file, record in places)
        column = next(iter(missing))
        return RunFailed(
            f"the model {self.table} returns rows without a key",
            why=found + (f"; such as {shown}" if shown else ""),
            hint=f"leave such rows out (WHERE {column} IS NOT NULL), or make the column required in"
            " its source, which sends them to quarantine",
        )


def _is_metadata(column: str) -> bool:
    """Whether a column tells where a row comes from, and not what it says."""
    return column.startswith("_")

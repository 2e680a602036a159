"""Which column of a file is which column of a contract.

One answer for all who ask: evolution, which looks for differences, and the engines, which read. A
file with headers is matched by name, whatever the order; a file without is matched by position.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from lakewright.plan.landed import ArrivedColumn, Landed
from lakewright.project import naming
from lakewright.project.contract import Column
from lakewright.project.source import names_columns


@dataclass(frozen=True, kw_only=True, slots=True)
class Match:
    """A file's columns beside a contract's."""

    columns: Mapping[str, ArrivedColumn]
    """Contract column to the file's column; those that the file lacks are absent."""
    unexpected: tuple[ArrivedColumn, ...]
    """The file's columns that the contract does not have, in the file's order."""

    def missing(self, columns: Sequence[Column]) -> tuple[Column, ...]:
        """Those of the contract's columns that the file lacks."""
        return tuple(column for column in columns if column.name not in self.columns)


def match(columns: Sequence[Column], landed: Landed) -> Match:
    """Match a landed file to a contract's columns.

    A header is, in this order of preference: to the letter a column's `source_name` (where it has
    none, its `name`); once standardised, a column's `name`; what its `source_name` is by then.
    """
    if not has_names(landed):
        pairs = dict(zip((column.name for column in columns), landed.columns, strict=False))
        return Match(columns=pairs, unexpected=landed.columns[len(columns) :])
    free = dict(enumerate(landed.columns))
    names = naming.unique_names([arrived.name for arrived in landed.columns])
    found: dict[str, ArrivedColumn] = {}
    for wanted, offered in (
        ({column.name: column.header for column in columns},
         [arrived.name for arrived in landed.columns]),
        ({column.name: column.name for column in columns}, names),
        ({column.name: naming.standardise(column.header) for column in columns}, names),
    ):  # fmt: skip
        places = {offered[place]: place for place in free}
        for name, header in wanted.items():
            if name not in found and header in places:
                found[name] = free.pop(places.pop(header))
    ordered = {column.name: found[column.name] for column in columns if column.name in found}
    return Match(columns=ordered, unexpected=tuple(free.values()))


def has_names(landed: Landed) -> bool:
    """Whether the file itself names its columns."""
    return names_columns(landed.format)

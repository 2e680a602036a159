"""A query, parsed once: what it reads, what it returns, where each column comes from.

Portable SQL is a checked subset of Spark SQL under ANSI rules. What an engine would answer
differently is refused here, with its place and a way out; it is never rewritten silently.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

from lakewright.errors import Place
from lakewright.sql import types


@dataclass(frozen=True, kw_only=True, slots=True)
class Query:
    """One SELECT that has been parsed and found to be portable."""

    text: str
    where: Place
    """Of the text's first character; places inside the query count from there."""
    tables: tuple[str, ...]
    """The tables that it reads, `layer.table`, in order of first mention."""
    fingerprint: str
    """Hash of the query without its layout and comments."""
    parameters: tuple[str, ...] = ()
    """What it reads of the run that builds it, in order of first mention."""
    variables: tuple[tuple[str, types.Type], ...] = ()
    """What it reads of its project's variables, each with its type."""


@dataclass(frozen=True, kw_only=True, slots=True)
class RowWiseShape:
    """Each result row depends on one row of the driving table (and on the others as lookups)."""

    driving: str


@dataclass(frozen=True, kw_only=True, slots=True)
class GroupedShape:
    """The rows of one result group depend only on the driving table's rows with the same keys.

    A group is that of a GROUP BY or of a window's PARTITION BY. A null key is a key like any other.
    """

    driving: str
    keys: tuple[tuple[str, str], ...]
    """Pairs of an output column and the driving table's column that it is, unchanged; never a
    float."""


@dataclass(frozen=True, kw_only=True, slots=True)
class WholeShape:
    """Any result row may depend on any input row."""

    reason: str


Shape: TypeAlias = RowWiseShape | GroupedShape | WholeShape


@dataclass(frozen=True, kw_only=True, slots=True)
class Resolved:
    """A query resolved against the tables that it reads."""

    schema: types.Schema
    lineage: Mapping[str, tuple[str, ...]]
    """Output column to the `layer.table.column`s that its values are computed from."""
    shape: Shape

"""A unit test of a model: given rows of what it reads, the rows that it must give."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from lakewright.errors import Place
from lakewright.project.cell import Cell
from lakewright.sql import types


@dataclass(frozen=True, kw_only=True, slots=True)
class Rows:
    """Some rows, each with a value for every column."""

    schema: types.Schema
    rows: tuple[tuple[Cell, ...], ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Expectation:
    """What must come of a test: of the first two exactly one is said."""

    rows: Rows | None = None
    """These rows, in any order, as far as these columns go."""
    error: str | None = None
    """The model cannot be computed, for a reason in which this text stands."""
    failed_checks: tuple[str, ...] | None = None
    """Of the model's checks these fail and no others, by `project.model.label` or by their kind;
    None: none is tried."""


@dataclass(frozen=True, kw_only=True, slots=True)
class UnitTest:
    """One test of one model."""

    name: str
    """`<file>::<test>`, unique in its project."""
    model: str
    where: Place
    description: str = ""
    given: Mapping[str, Rows]
    """Every table that the model reads, and those of its checks' that are given."""
    parameters: Mapping[str, Cell] = field(default_factory=dict)
    """Values that the model's query reads, by name."""
    expect: Expectation

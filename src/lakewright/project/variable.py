"""A project's variable: a typed value that models read as `:name`, and that may differ from one
environment, or one run, to another.

It reaches a query as a value beside its text, so no value can change what a query means.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from lakewright.project.cell import Cell
from lakewright.sql import types


@dataclass(frozen=True, kw_only=True, slots=True)
class Variable:
    """One variable of a project."""

    name: str
    type: types.Type
    value: Cell
    environments: Mapping[str, Cell] = field(default_factory=dict)
    """Where it has another value: by environment."""
    description: str = ""

    def value_in(self, environment: str) -> Cell:
        """What it is in an environment."""
        return self.environments.get(environment, self.value)

"""What a Python model declares, as nothing of it can be seen without running it: what it reads, and
the columns that it returns.
"""

from dataclasses import dataclass
from enum import StrEnum

from lakewright.sql import types
from lakewright.sql.query import Resolved, WholeShape


class RunsOn(StrEnum):
    """Where a function can be run."""

    EMBEDDED = "embedded"
    """On one machine: it takes and returns Arrow tables or DuckDB relations."""
    SPARK = "spark"
    """On Spark: it takes and returns data frames."""


@dataclass(frozen=True, kw_only=True, slots=True)
class PythonFunction:
    """A function from tables to one table."""

    columns: types.Schema
    """What it has to return."""
    engines: tuple[RunsOn, ...]

    def resolved(self) -> Resolved:
        """What is known of its table: the columns, but not what each is computed from."""
        return Resolved(
            schema=self.columns,
            lineage=dict.fromkeys(self.columns.names, ()),
            shape=WholeShape(
                reason="a Python function makes it, so any row may depend on any other"
            ),
        )

"""A model: a SELECT or a Python function that makes one silver or gold table, and its settings."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Literal, TypeAlias

from lakewright.errors import Place
from lakewright.project.contract import PartitionField
from lakewright.project.python_model import PythonFunction
from lakewright.sql import query


class Write(StrEnum):
    """How a model's rows become its table's rows."""

    REPLACE = "replace"
    """The table is exactly what the SELECT returns."""
    APPEND = "append"
    """Rows that new input gives are added; the SELECT must be row-wise over one input."""
    MERGE = "merge"
    """One row for each key: of all rows that the SELECT returns, the newest by `latest_by`."""


class Severity(StrEnum):
    """What a failed check does."""

    ERROR = "error"
    """Nothing of the model, nor of what depends on it, is published."""
    WARN = "warn"
    """It is recorded and shown."""


@dataclass(frozen=True, kw_only=True, slots=True)
class NotNull:
    """No row has a null in any of these columns."""

    kind: Literal["not_null"] = "not_null"
    columns: tuple[str, ...]
    severity: Severity = Severity.ERROR


@dataclass(frozen=True, kw_only=True, slots=True)
class Unique:
    """No two rows have the same values in these columns together."""

    kind: Literal["unique"] = "unique"
    columns: tuple[str, ...]
    severity: Severity = Severity.ERROR


@dataclass(frozen=True, kw_only=True, slots=True)
class AcceptedValues:
    """Every value that is not null, read as text, is one of these."""

    kind: Literal["accepted_values"] = "accepted_values"
    column: str
    values: tuple[str, ...]
    severity: Severity = Severity.ERROR


@dataclass(frozen=True, kw_only=True, slots=True)
class Range:
    """Every value that is not null lies between these, both included."""

    kind: Literal["range"] = "range"
    column: str
    minimum: str | None = None
    maximum: str | None = None
    severity: Severity = Severity.ERROR


@dataclass(frozen=True, kw_only=True, slots=True)
class Expression:
    """The condition, in portable SQL over the table's columns, is true or null for every row."""

    kind: Literal["expression"] = "expression"
    sql: str
    severity: Severity = Severity.ERROR


@dataclass(frozen=True, kw_only=True, slots=True)
class RowCount:
    """The table has at least and at most this many rows."""

    kind: Literal["row_count"] = "row_count"
    minimum: int | None = None
    maximum: int | None = None
    severity: Severity = Severity.ERROR


@dataclass(frozen=True, kw_only=True, slots=True)
class Freshness:
    """The newest value of a date or timestamp column is at most this old when the run starts."""

    kind: Literal["freshness"] = "freshness"
    column: str
    age_max_seconds: int
    severity: Severity = Severity.ERROR


@dataclass(frozen=True, kw_only=True, slots=True)
class Referential:
    """Every value that is not null stands in a column of another table."""

    kind: Literal["referential"] = "referential"
    column: str
    to_table: str
    to_column: str
    severity: Severity = Severity.ERROR


Check: TypeAlias = (
    NotNull | Unique | AcceptedValues | Range | Expression | RowCount | Freshness | Referential
)


def label(check: Check) -> str:
    """A check in a few letters: its kind, and what tells it from others of its kind."""
    match check:
        case NotNull() | Unique():
            about = ", ".join(check.columns)
        case Expression():
            about = check.sql
        case RowCount():
            return check.kind
        case _:
            about = check.column
    return f"{check.kind}({about})"


@dataclass(frozen=True, kw_only=True, slots=True)
class Model:
    """What makes rows, and what becomes of them."""

    name: str
    """`silver.<table>` or `gold.<table>`, from the file's path."""
    query: query.Query
    """Of a Python model: its text, and the tables that it declares to read."""
    where: Place
    """Where the SELECT starts in its file."""
    function: PythonFunction | None = None
    """What a Python model declares; None: the query is a SELECT."""
    write: Write = Write.REPLACE
    key: tuple[str, ...] = ()
    latest_by: tuple[str, ...] = ()
    partitioning: tuple[PartitionField, ...] = ()
    interval: PartitionField | None = None
    """The column, and the hour, day or month of it, by which the table is built; None: as a
    whole."""
    checks: tuple[Check, ...] = ()
    description: str = ""
    column_descriptions: tuple[tuple[str, str], ...] = ()

    @property
    def layer(self) -> str:
        """`silver` or `gold`."""
        return self.name.partition(".")[0]

    @property
    def columns_named(self) -> tuple[str, ...]:
        """The columns of its own table that its settings name, each once."""
        found = [*self.key, *self.latest_by, *(field.column for field in self.partitioning)]
        found += [self.interval.column] if self.interval else []
        for check in self.checks:
            if isinstance(check, NotNull | Unique):
                found += check.columns
            elif not isinstance(check, Expression | RowCount):
                found.append(check.column)
        return tuple(dict.fromkeys([*found, *(name for name, _ in self.column_descriptions)]))

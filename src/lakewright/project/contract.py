"""What a source promises about its files: columns, key, layout, and what a difference does."""

from dataclasses import dataclass, field
from enum import StrEnum

from lakewright.sql import types

NULL_WORDS = ("",)
"""Fields that mean null unless a source says otherwise: only the empty field.

`NA`, `null` and their like are words first; a source or a column names them where they mean null.
"""

INFERRED_NULL_WORDS = (
    *("NA", "N/A", "n/a", "#N/A", "NULL", "null", "None", "NaN", "nan"),
    *("-", r"\N"),
)
"""Texts that mean null in a column that nobody declared, where all its other values are of a type
that is not text. In a column of texts they are texts: Namibia is `NA`."""

METADATA_COLUMNS = types.Schema(
    (
        types.Field(name="_upload_id", type=types.STRING, is_required=True),
        types.Field(name="_source_file", type=types.STRING, is_required=True),
        types.Field(name="_record", type=types.BIGINT, is_required=True),
        types.Field(name="_loaded_at", type=types.TIMESTAMP, is_required=True),
    )
)
"""What bronze adds to every row. Records count from 1 in each file, headers not counted."""

QUARANTINE_SCHEMA = types.Schema(
    (
        types.Field(name="_upload_id", type=types.STRING, is_required=True),
        types.Field(name="_source_file", type=types.STRING, is_required=True),
        types.Field(name="_record", type=types.BIGINT, is_required=True),
        types.Field(name="_loaded_at", type=types.TIMESTAMP, is_required=True),
        types.Field(
            name="byte_position", type=types.BIGINT, description="offset of the record's first byte"
        ),
        types.Field(name="raw", type=types.STRING, description="the record's text as delivered"),
        types.Field(
            name="reasons",
            type=types.Array(
                types.Struct(
                    (
                        ("column", types.STRING),
                        ("code", types.STRING),
                        ("message", types.STRING),
                        ("value", types.STRING),
                    )
                )
            ),
            description="every reason why the record was refused",
        ),
    )
)
"""One quarantine table stands beside every bronze table and always has these columns."""


class Policy(StrEnum):
    """What to do when a file differs from its contract."""

    EVOLVE = "evolve"
    """Change the table so that it fits."""
    FREEZE = "freeze"
    """Refuse the file."""
    QUARANTINE = "quarantine"
    """Keep the table; records that do not fit go to quarantine."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Evolution:
    """One policy for each way in which a file may differ."""

    new_columns: Policy = Policy.EVOLVE
    missing_columns: Policy = Policy.EVOLVE
    reordered_columns: Policy = Policy.EVOLVE
    wider_types: Policy = Policy.QUARANTINE


class Transform(StrEnum):
    """How a column's value becomes a partition; the meanings are the Iceberg specification's."""

    IDENTITY = "identity"
    YEAR = "year"
    MONTH = "month"
    DAY = "day"
    HOUR = "hour"
    BUCKET = "bucket"
    TRUNCATE = "truncate"


@dataclass(frozen=True, kw_only=True, slots=True)
class PartitionField:
    """One part of a table's partitioning."""

    column: str
    transform: Transform = Transform.IDENTITY
    width: int | None = None
    """Number of buckets, or the width to truncate to; only for `bucket` and `truncate`."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Reading:
    """A way to read a column's texts: a type, and how its values are written."""

    type: types.Type
    format: str | None = None

    def __str__(self) -> str:
        """`date written as dd/MM/yyyy`."""
        return f"{self.type} written as {self.format}" if self.format else str(self.type)


@dataclass(frozen=True, kw_only=True, slots=True)
class Evidence:
    """What the values of a column that nobody declared have shown, beside its type."""

    may_be: tuple[Reading, ...] = ()
    """Of texts: what else all of them can be read as, though nothing proves which it is. `unknown`
    stands for anything: there were only null words."""
    has_long_numbers: bool = False
    """Whether there are whole numbers that a double would round."""
    null_words: tuple[str, ...] = ()
    """The `INFERRED_NULL_WORDS` that there are, sorted."""


NO_EVIDENCE = Evidence()


@dataclass(frozen=True, kw_only=True, slots=True)
class Column:
    """One column of a contract."""

    name: str
    """The name in the table: lower-case words joined by underscores."""
    type: types.Type
    is_required: bool = False
    """Whether a record without a value is refused. Key columns are always required."""
    default: str | None = None
    """The text that stands in for a missing value; read as the file's own text would be."""
    null_words: tuple[str, ...] | None = None
    """Texts that mean null in this column; None: the source's."""
    source_name: str | None = None
    """The name in the file; None: any header whose standardised form is `name`."""
    format: str | None = None
    """How dates and timestamps are written, in Spark's pattern letters; None: ISO 8601. How numbers
    are written, such as `#.##0,00 €`, see `project.numerals`; None: as programs write them."""
    description: str = ""
    is_declared: bool = True
    """False: files brought the column, and its type follows what they hold."""
    declared_type: types.Type | None = None
    """What the project declares, where files made `type` wider than that."""
    evidence: Evidence = NO_EVIDENCE
    """Of a column that is not declared: what later files may decide."""

    @property
    def header(self) -> str:
        """The name in the file, as far as it is known."""
        return self.source_name or self.name


@dataclass(frozen=True, kw_only=True, slots=True)
class Contract:
    """A source's columns and rules."""

    columns: tuple[Column, ...]
    key: tuple[str, ...] = ()
    partitioning: tuple[PartitionField, ...] = ()
    evolution: Evolution = field(default_factory=Evolution)
    null_words: tuple[str, ...] = NULL_WORDS
    is_adopted: bool = True
    """False while the contract was only inferred from files and nobody has saved it."""

    def schema(self) -> types.Schema:
        """Bronze's columns: the contract's with a known type, then the metadata columns."""
        own = tuple(
            types.Field(
                name=column.name,
                type=column.type,
                is_required=column.is_required,
                description=column.description,
            )
            for column in self.columns
            if column.type != types.UNKNOWN
        )
        return types.Schema(own + METADATA_COLUMNS.fields)

    def column(self, name: str) -> Column | None:
        """The column of that name."""
        return next((column for column in self.columns if column.name == name), None)

    def is_settled(self, column: Column) -> bool:
        """Whether the column's type stands whatever files hold, so that nobody needs to look."""
        is_kept = self.evolution.wider_types is Policy.QUARANTINE
        return self.is_adopted and column.is_declared and is_kept

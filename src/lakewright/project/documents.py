"""The project's files as their authors write them: every key, what it takes, and what it means.

The docstrings below are what editors show, through the JSON Schemas, and what the reference page
says. A short form is expanded before it is checked. Whether columns and tables exist is not asked
here: that takes more than one key, and is asked where documents become values.
"""

from typing import Annotated, ClassVar, Literal, TypeAlias

from annotated_types import Ge, Le, Len
from pydantic import AfterValidator, ConfigDict, Field, model_validator
from pydantic.json_schema import JsonSchemaValue

from lakewright.project import partitioning
from lakewright.project.contract import Policy
from lakewright.project.document import (
    CharacterOrNone,
    Document,
    Duration,
    Encoding,
    Mark,
    MarkOrNone,
    Members,
    Names,
    NonEmpty,
    Short,
    Word,
    Words,
    as_list,
    under,
)
from lakewright.project.environment_documents import EnvironmentDocument
from lakewright.project.model import Severity, Write
from lakewright.project.source import Compression, JsonMode, Suspects
from lakewright.project.variable_documents import VariableDocument

FIELDS_MAX = 10_000
"""Fields of a fixed width file: each of them is written down in the project, or found in a line."""
LINE_LENGTH_MAX = 1_000_000
"""Characters of one field of a fixed width file; a longer one is a slip of the pen."""


def _all_policies(value: object) -> object:
    names = EvolutionDocument.model_fields
    return dict.fromkeys(names, value) if isinstance(value, str) else value


def _pattern(text: str) -> str:
    if "/" in text or "\\" in text:
        raise ValueError("a pattern is compared with the file's name alone, without its folder")
    return text


def _interval(text: str) -> str:
    if partitioning.parse(text).transform not in partitioning.INTERVALS:
        raise ValueError("an interval is hour(column), day(column) or month(column)")
    return text


_STRING: JsonSchemaValue = {"type": "string"}
Patterns: TypeAlias = Annotated[
    tuple[Annotated[NonEmpty, AfterValidator(_pattern)], ...],
    Len(min_length=1),
    Short(as_list, {"type": "string", "minLength": 1}),
]
Partitions: TypeAlias = Annotated[
    tuple[Annotated[NonEmpty, Field(examples=["month(ordered_at)", "bucket(16, id)"])], ...],
    Short(as_list, _STRING),
]


class ProjectDocument(Document):
    """The file `lakewright.yaml`: the project's name and its environments."""

    noun: ClassVar[str] = "a project"

    name: NonEmpty
    """The project's name."""
    description: str = ""
    """What the project is for."""
    environments: dict[str, EnvironmentDocument] = Field(default_factory=dict)
    """Settings for each place where the project runs, by name. `local` exists anyway."""
    variables: dict[str, VariableDocument] = Field(default_factory=dict)
    """Typed values that models read as `:name`, by name."""


class CsvDocument(Document):
    """Delimited text. What is not given is decided by looking at each file."""

    noun: ClassVar[str] = "the format `csv`"

    type: Literal["csv"]
    """The format's name."""
    delimiter: Mark | None = None
    """What stands between fields, one character or more; a tab is written `"\\t"`, in double
    quotes."""
    quote: CharacterOrNone | None = None
    """What stands around fields that hold a delimiter or line end; `""`: nothing does."""
    escape: CharacterOrNone | None = None
    """What makes a quote inside quotes literal: the quote itself, by doubling, or a character such
    as a backslash; `""`: nothing does, a quote ends a field only where the field may end."""
    header: bool | None = None
    """Whether the first line holds the columns' names."""
    header_rows: Annotated[int, Ge(1)] | None = None
    """How many rows the header has. Several become one: each column's texts from top to bottom,
    joined by blanks; a text in an upper row spans the empty ones to its right."""
    skip_lines: Annotated[int, Ge(0)] | None = None
    """How many lines before the header are no part of the table."""
    comment: MarkOrNone | None = None
    """What starts a line that is to be ignored; `""`: nothing does."""
    encoding: Encoding | None = None
    """How characters are written as bytes, such as `utf-8` or `windows-1252`."""
    decimal_separator: Literal[".", ","] = "."
    """What stands before a number's decimal places."""
    trim: bool = False
    """Whether blanks around unquoted fields are dropped. If the delimiter is a blank, a run of them
    is one delimiter then."""
    compression: Compression = Compression.AUTO
    """How the file is packed; `auto` looks at its first bytes."""
    members: Members = ()
    """Which members of an archive are read, as patterns for their paths in it. By default all that
    hold data."""

    @model_validator(mode="after")
    def _distinct(self) -> "CsvDocument":
        if self.delimiter and self.delimiter in (self.quote, self.comment, self.escape):
            raise ValueError(f"{self.delimiter!r} cannot be the delimiter and something else too")
        return self


class JsonDocument(Document):
    """JSON text (RFC 8259)."""

    noun: ClassVar[str] = "the format `json`"

    type: Literal["json"]
    """The format's name."""
    mode: JsonMode = JsonMode.AUTO
    """How values stand in the file: one on each line (`lines`), one array whose elements are the
    records (`array`), one after another (`concatenated`), or one value that is the only record
    (`document`). `auto` looks at the file's start."""
    compression: Compression = Compression.AUTO
    """How the file is packed; `auto` looks at its first bytes."""
    members: Members = ()
    """Which members of an archive are read, as for `csv`."""


class ParquetDocument(Document):
    """Apache Parquet."""

    noun: ClassVar[str] = "the format `parquet`"

    type: Literal["parquet"]
    """The format's name."""
    compression: Compression = Compression.AUTO
    """How the file as a whole is packed; `auto` looks at its first bytes."""
    members: Members = ()
    """Which members of an archive are read, as for `csv`."""


class ExcelDocument(Document):
    """One sheet of an Excel workbook (`.xlsx`). Numbers, dates and truth values are read as they
    are stored, formulas by their stored results."""

    noun: ClassVar[str] = "the format `excel`"

    type: Literal["excel"]
    """The format's name."""
    sheet: Annotated[Word, Len(min_length=1)] | None = None
    """The sheet's name, or its place among the sheets, from 1. By default the first visible one
    that holds anything."""
    header: bool | None = None
    """Whether the table's first row holds the columns' names. By default decided by looking."""
    skip_lines: Annotated[int, Ge(0)] | None = None
    """How many rows above the header are no part of the table, empty rows counted. By default
    decided by looking."""
    compression: Compression = Compression.AUTO
    """How the file as a whole is packed; `auto` looks at its first bytes."""
    members: Members = ()
    """Which members of an archive are read, as for `csv`."""


class FixedFieldDocument(Document):
    """One field of a fixed width file."""

    noun: ClassVar[str] = "a field"

    name: NonEmpty | None = None
    """The column's name in the file; then no line holds names, and all fields have one."""
    start: Annotated[int, Ge(1)] | None = None
    """Where it starts in the line, from 1. By default behind the field before it."""
    width: Annotated[int, Ge(1), Le(LINE_LENGTH_MAX)]
    """How many characters it has."""


class FixedWidthDocument(Document):
    """Lines whose fields stand at fixed places, blanks around them dropped. Nothing looks like this
    format by itself: a source says that its files have it."""

    noun: ClassVar[str] = "the format `fixed_width`"

    type: Literal["fixed_width"]
    """The format's name."""
    widths: (
        Annotated[tuple[Annotated[int, Ge(1), Le(LINE_LENGTH_MAX)], ...], Len(1, FIELDS_MAX)] | None
    ) = None
    """How many characters each field has, one behind the other. Without `widths` and `fields` they
    are found by a ruler under the header (`---- ------`), or by columns that are blank in all
    lines."""
    fields: Annotated[tuple[FixedFieldDocument, ...], Len(1, FIELDS_MAX)] | None = None
    """The same, field by field; characters between fields are passed over."""
    header: bool | None = None
    """Whether the first line holds the columns' names. By default decided by looking, or `false`
    where `fields` names them."""
    skip_lines: Annotated[int, Ge(0)] | None = None
    """How many lines before the header are no part of the table. By default none."""
    comment: CharacterOrNone | None = None
    """What starts a line that is to be ignored. By default nothing does."""
    encoding: Encoding | None = None
    """How characters are written as bytes, such as `utf-8` or `windows-1252`. By default decided by
    looking."""
    padded: bool | None = None
    """Whether each line is filled up with blanks to its full length, so that a shorter one was cut
    and is refused. By default decided by looking."""
    decimal_separator: Literal[".", ","] = "."
    """What stands before a number's decimal places."""
    compression: Compression = Compression.AUTO
    """How the file is packed; `auto` looks at its first bytes."""
    members: Members = ()
    """Which members of an archive are read, as for `csv`."""

    @model_validator(mode="after")
    def _consistent(self) -> "FixedWidthDocument":
        if self.widths is not None and self.fields is not None:
            raise ValueError("`widths` and `fields` say the same thing: keep one of them")
        named = [each.name for each in self.fields or ()]
        if any(named) and not all(named):
            raise ValueError("some of `fields` have a name: either all of them do or none")
        if any(named) and self.header:
            raise ValueError("`fields` names the columns, so `header` cannot be true")
        end = 0
        for number, each in enumerate(self.fields or (), start=1):
            start = end if each.start is None else each.start - 1
            if start < end:
                raise ValueError(f"field {number} starts at {start + 1}, before the end of the one"
                                 f" before it, {end}")  # fmt: skip
            end = start + each.width
        return self


AnyFormatDocument: TypeAlias = (
    CsvDocument | JsonDocument | ParquetDocument | ExcelDocument | FixedWidthDocument
)
FormatDocument: TypeAlias = Annotated[
    Annotated[AnyFormatDocument, Field(discriminator="type")],
    Short(
        under("type"),
        {"type": "string", "enum": ["csv", "json", "parquet", "excel", "fixed_width"]},
    ),
]


class ColumnDocument(Document):
    """One column of a source's files and of its bronze table."""

    noun: ClassVar[str] = "a column"

    name: NonEmpty
    """The name in the table: lower-case words joined by underscores."""
    type: Annotated[NonEmpty, Field(examples=["bigint", "decimal(12,2)", "timestamp_ntz"])]
    """The type in the table, in the words of Spark SQL. `unknown`: it has only ever been empty."""
    required: bool = False
    """Whether a record without a value is refused. Key columns are always required."""
    default: Word | None = None
    """What stands in for a missing value, written as the file would write it."""
    null_words: Words | None = None
    """Texts that mean null in this column. By default the source's."""
    source_name: str | None = None
    """The name in the file. By default any header that reads the same as `name` once it is in
    lower-case words joined by underscores."""
    format: NonEmpty | None = None
    """How dates and timestamps are written, in Spark's pattern letters, such as `dd/MM/yyyy`; by
    default ISO 8601. How numbers are written, such as `0,0`, `#,##0.00`, `#.##0,00 €` or `0.0%`
    (percent are hundredths); by default without separators of thousands, units and percent."""
    description: str = ""
    """What the column means."""


class EvolutionDocument(Document):
    """What happens when a file differs from the contract, for each way in which it may differ.

    `evolve` changes the table so that it fits, `freeze` refuses the file, `quarantine` keeps the
    table and puts the records that do not fit into quarantine.
    """

    noun: ClassVar[str] = "`evolution`"

    new_columns: Policy = Policy.EVOLVE
    """The file has columns that the contract does not know."""
    missing_columns: Policy = Policy.EVOLVE
    """The file lacks columns of the contract."""
    reordered_columns: Policy = Policy.EVOLVE
    """The file has the contract's columns in another order."""
    wider_types: Policy = Policy.QUARANTINE
    """The file has values that only a wider type holds."""


class BadRecordsDocument(Document):
    """How many records of a file may be refused before the file as a whole fails."""

    noun: ClassVar[str] = "`bad_records`"

    share_max: Annotated[float, Ge(0), Le(1)] = 0.5
    """The largest share of the file's records, from 0 to 1."""
    count_max: Annotated[int, Ge(0)] | None = None
    """The largest number of records. By default there is no such limit."""


class ContractDocument(Document):
    """What a source promises about its files."""

    columns: Annotated[tuple[ColumnDocument, ...], Len(min_length=1)] | None = None
    """The columns, in the file's order. By default they are inferred from the first file."""
    key: Names | None = None
    """The columns that identify a record together."""
    partitioning: Partitions | None = None
    """How the bronze table is cut: a column, `year(c)`, `month(c)`, `day(c)`, `hour(c)`,
    `bucket(16, c)` or `truncate(4, c)`, of the contract's or the metadata columns."""
    evolution: (
        Annotated[
            EvolutionDocument, Short(_all_policies, {"enum": [each.value for each in Policy]})
        ]
        | None
    ) = None
    """What happens when a file differs from the contract; one word stands for all four ways."""
    null_words: Words | None = None
    """Texts that mean null. By default only the empty field: `NA` is a word unless named here."""


class SourceDocument(ContractDocument):
    """A file `sources/<name>.yaml`: one kind of file that may arrive, and its contract."""

    noun: ClassVar[str] = "a source"

    description: str = ""
    """What the files hold and where they come from."""
    match: Patterns | None = None
    """File name patterns, with `*`, `?` and `[...]`; the case of letters counts. Without any, files
    reach the source only by its name."""
    format: FormatDocument | None = None
    """How the files are written. By default decided by looking at each file."""
    bad_records: BadRecordsDocument = BadRecordsDocument()
    """How many of a file's records may be refused; one more, and the file fails as a whole."""
    suspects: Suspects = Suspects.LOAD
    """What becomes of a file that may have been misread, such as one whose fields cannot be told
    apart: it is loaded and shown as suspect (`load`), or its upload fails (`refuse`)."""


class Check(Document):
    """What all checks share."""

    severity: Severity = Severity.ERROR
    """Whether a failure keeps the table from being published (`error`) or is only shown
    (`warn`)."""


class NotNullCheck(Check):
    """No row has a null in any of these columns."""

    noun: ClassVar[str] = "the check `not_null`"

    columns: Names
    """The columns."""


class UniqueCheck(Check):
    """No two rows have the same values in these columns together."""

    noun: ClassVar[str] = "the check `unique`"

    columns: Names
    """The columns."""


class AcceptedValuesCheck(Check):
    """Every value that is not null, read as text, is one of these."""

    noun: ClassVar[str] = "the check `accepted_values`"

    column: NonEmpty
    """The column."""
    values: Annotated[Words, Len(min_length=1)]
    """The values."""


class RangeCheck(Check):
    """Every value that is not null lies between these, both included."""

    noun: ClassVar[str] = "the check `range`"

    column: NonEmpty
    """The column."""
    min: Word | None = None
    """The smallest value that is accepted."""
    max: Word | None = None
    """The largest value that is accepted."""

    @model_validator(mode="after")
    def _bounded(self) -> "RangeCheck":
        if self.min is None and self.max is None:
            raise ValueError("a range needs `min`, `max` or both")
        return self


class ExpressionCheck(Check):
    """A condition in portable SQL over the table's columns is true or null for every row."""

    noun: ClassVar[str] = "the check `expression`"

    sql: NonEmpty
    """The condition."""


class RowCountCheck(Check):
    """The table has at least and at most this many rows."""

    noun: ClassVar[str] = "the check `row_count`"

    min: Annotated[int, Ge(0)] | None = None
    """The smallest number of rows that is accepted."""
    max: Annotated[int, Ge(0)] | None = None
    """The largest number of rows that is accepted."""

    @model_validator(mode="after")
    def _bounded(self) -> "RowCountCheck":
        if self.min is None and self.max is None:
            raise ValueError("a row count needs `min`, `max` or both")
        if self.min is not None and self.max is not None and self.min > self.max:
            raise ValueError(f"`min` ({self.min}) is above `max` ({self.max})")
        return self


class FreshnessCheck(Check):
    """The newest value of a date or timestamp column is at most this old when the run starts."""

    noun: ClassVar[str] = "the check `freshness`"

    column: NonEmpty
    """The column."""
    within: Annotated[Duration, Field(examples=["7d", "12h"])]
    """The age: a number and one of `s`, `m`, `h`, `d` and `w`."""


class ReferentialCheck(Check):
    """Every value that is not null stands in a column of another table."""

    noun: ClassVar[str] = "the check `referential`"

    column: NonEmpty
    """The column."""
    to: Annotated[NonEmpty, Field(examples=["silver.customers.customer_id"])]
    """The other column, as `layer.table.column`."""


class CheckDocument(Document):
    """A condition that the model's table must meet before it is published: exactly one key."""

    model_config = ConfigDict(json_schema_extra={"minProperties": 1, "maxProperties": 1})
    noun: ClassVar[str] = "a check"

    not_null: (
        Annotated[
            NotNullCheck, Short(under("columns"), {"type": ["string", "array"], "items": _STRING})
        ]
        | None
    ) = None
    """No row has a null in any of these columns."""
    unique: (
        Annotated[
            UniqueCheck, Short(under("columns"), {"type": ["string", "array"], "items": _STRING})
        ]
        | None
    ) = None
    """No two rows have the same values in these columns together."""
    accepted_values: AcceptedValuesCheck | None = None
    """Every value of a column that is not null is one of these."""
    range: RangeCheck | None = None
    """Every value of a column that is not null lies between these, both included."""
    expression: Annotated[ExpressionCheck, Short(under("sql"), _STRING)] | None = None
    """A condition in portable SQL over the table's columns is true or null for every row."""
    row_count: RowCountCheck | None = None
    """The table has at least and at most this many rows."""
    freshness: FreshnessCheck | None = None
    """The newest value of a column is at most this old when the run starts."""
    referential: ReferentialCheck | None = None
    """Every value of a column that is not null stands in a column of another table."""

    @model_validator(mode="after")
    def _exactly_one(self) -> "CheckDocument":
        given = sorted(self.model_fields_set)
        if len(given) != 1:
            found = f"it has {' and '.join(given)}" if given else "it has none"
            raise ValueError(f"a check has exactly one key, the condition's name; {found}")
        return self


class ModelDocument(Document):
    """The settings of a model: the leading comment block of a file `models/<layer>/<name>.sql`."""

    noun: ClassVar[str] = "a model"

    description: str = ""
    """What the table holds; best begun with what one row is."""
    write: Write = Write.REPLACE
    """How rows become the table's: `replace` makes it exactly what the SELECT returns, `append`
    adds the rows that new input gives, `merge` keeps one row for each key, the newest."""
    key: Names | None = None
    """For `merge`: the columns that identify a row together."""
    latest_by: Names | None = None
    """For `merge`: the columns whose largest value makes a row the newest of its key."""
    partitioning: Partitions | None = None
    """How the table is cut: a column, `year(c)`, `month(c)`, `day(c)`, `hour(c)`, `bucket(16, c)`
    or `truncate(4, c)`."""
    interval: (
        Annotated[NonEmpty, AfterValidator(_interval), Field(examples=["day(sold_at)"])] | None
    ) = None
    """That the table is built hour by hour, day by day or month by month, in UTC: `hour(c)`,
    `day(c)` or `month(c)` of one of its columns. Each build replaces the rows of one interval. By
    default the table is partitioned by it."""
    checks: tuple[CheckDocument, ...] = ()
    """What the table must meet before it is published."""
    columns: dict[str, str] = Field(default_factory=dict)
    """What columns mean, by name."""

    @property
    def interval_field(self) -> tuple[str, ...]:
        """The interval, as partitions are written."""
        return () if self.interval is None else (self.interval,)

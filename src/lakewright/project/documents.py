"""The project's files as their authors write them: every key, what it takes, and what it means.

The docstrings below are what editors show, through the JSON Schemas, and what the reference page
says. A short form is expanded before it is checked. Whether columns and tables exist is not asked
here: that takes more than one key, and is asked where documents become values.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal, TypeAlias

from annotated_types import Ge, Le, Len
from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    WithJsonSchema,
    model_validator,
)
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import core_schema

from lakewright.project import quantity
from lakewright.project.contract import Policy
from lakewright.project.environment import DEFAULT_STORAGE, Engine
from lakewright.project.model import Severity, Write
from lakewright.project.source import Compression, JsonMode, Suspects


@dataclass(frozen=True, eq=False)
class Short:
    """Lets a value be written in a shorter form, and tells editors so."""

    expand: Callable[[object], object]
    schema: JsonSchemaValue

    def __get_pydantic_core_schema__(
        self, source: object, handler: GetCoreSchemaHandler
    ) -> core_schema.CoreSchema:
        return core_schema.no_info_before_validator_function(self.expand, handler(source))

    def __get_pydantic_json_schema__(
        self, schema: core_schema.CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        return {"anyOf": [self.schema, handler(schema)]}


def _as_list(value: object) -> object:
    return [value] if isinstance(value, str) else value


def _under(key: str) -> Callable[[object], object]:
    """Expands anything but a mapping to a mapping with this one key."""
    return lambda value: value if value is None or isinstance(value, Mapping) else {key: value}


def _all_policies(value: object) -> object:
    names = EvolutionDocument.model_fields
    return dict.fromkeys(names, value) if isinstance(value, str) else value


def _one_character(text: str) -> str:
    if len(text) != 1:
        raise ValueError('it takes one character; a tab is written "\\t", in double quotes')
    return text


def _at_most_one_character(text: str) -> str:
    return _one_character(text) if text else text


def _encoding(text: str) -> str:
    try:
        "".encode(text)
    except LookupError as error:
        raise ValueError(
            f"{text!r} is no encoding; usual ones are utf-8, utf-16, windows-1252, iso-8859-1"
        ) from error
    return text


def _pattern(text: str) -> str:
    if "/" in text or "\\" in text:
        raise ValueError("a pattern is compared with the file's name alone, without its folder")
    return text


def _memory(text: str) -> str:
    quantity.bytes_of(text)
    return text


def _duration(text: str) -> str:
    quantity.seconds_of(text)
    return text


_STRING: JsonSchemaValue = {"type": "string"}
_WORD: JsonSchemaValue = {"type": ["string", "number", "boolean", "null"]}

NonEmpty: TypeAlias = Annotated[str, Len(min_length=1)]
Word: TypeAlias = Annotated[str, WithJsonSchema(_WORD)]
"""A scalar that is taken as it is written, quotes aside."""
Words: TypeAlias = Annotated[tuple[Word, ...], Short(_as_list, _WORD)]
Names: TypeAlias = Annotated[
    tuple[NonEmpty, ...], Len(min_length=1), Short(_as_list, {"type": "string", "minLength": 1})
]
Patterns: TypeAlias = Annotated[
    tuple[Annotated[NonEmpty, AfterValidator(_pattern)], ...],
    Len(min_length=1),
    Short(_as_list, {"type": "string", "minLength": 1}),
]
Partitions: TypeAlias = Annotated[
    tuple[Annotated[NonEmpty, Field(examples=["month(ordered_at)", "bucket(16, id)"])], ...],
    Short(_as_list, _STRING),
]
Character: TypeAlias = Annotated[
    str, AfterValidator(_one_character), Field(json_schema_extra={"minLength": 1, "maxLength": 1})
]
CharacterOrNone: TypeAlias = Annotated[
    str, AfterValidator(_at_most_one_character), Field(json_schema_extra={"maxLength": 1})
]


class Document(BaseModel):
    """What all documents share: unknown keys are refused, docstrings are descriptions."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)
    noun: ClassVar[str] = "this"
    """What the document is called in a message."""


class EnvironmentDocument(Document):
    """A named set of settings for running the project."""

    noun: ClassVar[str] = "an environment"

    storage: NonEmpty = DEFAULT_STORAGE
    """The folder of the journal, the catalog, raw files and tables; relative to the project."""
    engine: Engine = Engine.DUCKDB
    """What executes the steps."""
    threads: Annotated[int, Ge(1)] | None = None
    """How many threads a step may use. By default one for each core."""
    memory_limit: Annotated[str, AfterValidator(_memory), Field(examples=["2GB"])] | None = None
    """How much memory a step may use, such as `2GB`, before it spills to disk. By default the
    engine's own share of the machine's memory."""


class ProjectDocument(Document):
    """The file `lakewright.yaml`: the project's name and its environments."""

    noun: ClassVar[str] = "a project"

    name: NonEmpty
    """The project's name."""
    description: str = ""
    """What the project is for."""
    environments: dict[str, EnvironmentDocument] = {}
    """Settings for each place where the project runs, by name. `local` exists anyway."""


class CsvDocument(Document):
    """Delimited text. What is not given is decided by looking at each file."""

    noun: ClassVar[str] = "the format `csv`"

    type: Literal["csv"]
    """The format's name."""
    delimiter: Character | None = None
    """What stands between fields; a tab is written `"\\t"`, in double quotes."""
    quote: CharacterOrNone | None = None
    """What stands around fields that hold a delimiter or line end; `""`: nothing does."""
    escape: CharacterOrNone | None = None
    """What makes a quote inside quotes literal: the quote itself, by doubling, or a backslash."""
    header: bool | None = None
    """Whether the first line holds the columns' names."""
    skip_lines: Annotated[int, Ge(0)] | None = None
    """How many lines before the header are no part of the table."""
    comment: CharacterOrNone | None = None
    """What starts a line that is to be ignored; `""`: nothing does."""
    encoding: Annotated[str, AfterValidator(_encoding)] | None = None
    """How characters are written as bytes, such as `utf-8` or `windows-1252`."""
    decimal_separator: Literal[".", ","] = "."
    """What stands before a number's decimal places."""
    trim: bool = False
    """Whether blanks around unquoted fields are dropped."""
    compression: Compression = Compression.AUTO
    """How the file is packed; `auto` looks at its first bytes."""

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


class ParquetDocument(Document):
    """Apache Parquet."""

    noun: ClassVar[str] = "the format `parquet`"

    type: Literal["parquet"]
    """The format's name."""
    compression: Compression = Compression.AUTO
    """How the file as a whole is packed; `auto` looks at its first bytes."""


FormatDocument: TypeAlias = Annotated[
    Annotated[CsvDocument | JsonDocument | ParquetDocument, Field(discriminator="type")],
    Short(_under("type"), {"type": "string", "enum": ["csv", "json", "parquet"]}),
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
    """How dates and timestamps are written, in Spark's pattern letters, such as `dd/MM/yyyy`. By
    default ISO 8601."""
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
    within: Annotated[str, AfterValidator(_duration), Field(examples=["7d", "12h"])]
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
            NotNullCheck, Short(_under("columns"), {"type": ["string", "array"], "items": _STRING})
        ]
        | None
    ) = None
    """No row has a null in any of these columns."""
    unique: (
        Annotated[
            UniqueCheck, Short(_under("columns"), {"type": ["string", "array"], "items": _STRING})
        ]
        | None
    ) = None
    """No two rows have the same values in these columns together."""
    accepted_values: AcceptedValuesCheck | None = None
    """Every value of a column that is not null is one of these."""
    range: RangeCheck | None = None
    """Every value of a column that is not null lies between these, both included."""
    expression: Annotated[ExpressionCheck, Short(_under("sql"), _STRING)] | None = None
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
    checks: tuple[CheckDocument, ...] = ()
    """What the table must meet before it is published."""
    columns: dict[str, str] = {}
    """What columns mean, by name."""

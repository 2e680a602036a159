"""A file of unit tests as its author writes it. The docstrings are what editors show."""

from typing import Annotated, ClassVar, TypeAlias

from annotated_types import Len
from pydantic import Field, JsonValue, WithJsonSchema, model_validator

from lakewright.project.document import Document, Names, NonEmpty, Short, Word, under

_ROW = WithJsonSchema({"type": "object"})
Row: TypeAlias = Annotated[dict[str, JsonValue], _ROW]


class ExpectDocument(Document):
    """What must come of a test: a list of rows, or one of these."""

    noun: ClassVar[str] = "`expect`"

    rows: tuple[Row, ...] | None = None
    """The rows that the model must give, in any order, as a table has none. A column that a row
    does not name is null there; one that no row names is not compared."""
    columns: Names | None = None
    """The columns that are compared. By default those that the rows name."""
    error: NonEmpty | None = None
    """A text that must stand in the reason why the model cannot be computed."""
    failed_checks: tuple[NonEmpty, ...] | None = None
    """Which of the model's checks must fail, and no others: by their kind, such as `unique`, or by
    kind and columns, such as `unique(order_id)`. An empty list: all hold. By default none is
    tried."""

    @model_validator(mode="after")
    def _one_outcome(self) -> "ExpectDocument":
        if self.error is not None and len(self.model_fields_set) > 1:
            raise ValueError("with `error` there are no rows: take out what stands beside it")
        if not self.model_fields_set & {"rows", "error", "failed_checks"}:
            raise ValueError("it says neither `rows` nor `error` nor `failed_checks`")
        return self


class UnitTestDocument(Document):
    """One test: rows of what the model reads, and the rows that it must give."""

    noun: ClassVar[str] = "a test"

    description: str = ""
    """What the test shows."""
    given: dict[str, tuple[Row, ...]] = Field(default_factory=dict)
    """The rows of each table that the model reads, by `layer.name`; `[]`: it has none. A column
    that a row does not name is null there. For `failed_checks`, tables that checks look at too."""
    parameters: dict[str, Word] = Field(default_factory=dict)
    """The values of the parameters that the query reads, by their names: `logical_time`,
    `interval_start` (its interval's end follows from it), and the project's variables, which have
    their own values unless they stand here."""
    expect: Annotated[
        ExpectDocument, Short(under("rows"), {"type": "array", "items": {"type": "object"}})
    ]
    """The rows that must come out, or what else must happen."""


class UnitTestsDocument(Document):
    """A file `tests/<name>.yaml`: tests of one model."""

    noun: ClassVar[str] = "a file of tests"

    model: NonEmpty
    """The model, as `layer.name`."""
    tests: Annotated[dict[NonEmpty, UnitTestDocument], Len(min_length=1)]
    """The tests, by name: lower-case words joined by underscores that say what is shown."""

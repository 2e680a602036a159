"""The ports that engines implement: execute one step, change no table.

An engine reads parts and file sets, writes Parquet files where its target says, and returns what
it staged. It never commits, never deletes a file that a table may use, and may be asked to repeat a
step: it then overwrites its own files of the earlier attempt.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, TypeAlias

from lakewright.lake.staged import DataFile, FileSet, Staged, Target
from lakewright.plan import steps
from lakewright.plan.landed import Landed
from lakewright.project.model import Check, Severity
from lakewright.sql import types

if TYPE_CHECKING:
    import pyarrow

Report: TypeAlias = Callable[[int], None]
"""Called with the number of records done so far, a few times a second at the most."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Reason:
    """One reason why records of an upload were refused."""

    column: str | None
    """None: the record as a whole."""
    code: str
    message: str
    """As the first such record has it."""
    records: int
    """How many were refused for it, maybe for others too."""
    first_record: int
    first_byte: int | None
    """Where that record starts in the file, where it is known."""


@dataclass(frozen=True, kw_only=True, slots=True)
class UploadCounts:
    """What became of one upload's records; `records == rows + quarantined`, always."""

    upload_id: str
    records: int
    rows: int
    quarantined: int
    suspicions: tuple[str, ...] = ()
    """Such as a column in which every value was refused."""
    reasons: tuple[Reason, ...] = ()
    """Why records were refused, the most frequent reason first."""


@dataclass(frozen=True, kw_only=True, slots=True)
class UploadStaged:
    """One upload's rows and refused records, as files, and the counts that prove them complete."""

    rows: tuple[DataFile, ...]
    quarantine: tuple[DataFile, ...]
    counts: UploadCounts


@dataclass(frozen=True, kw_only=True, slots=True)
class TogetherStaged:
    """Several uploads' rows in the same files; every record of each became a row."""

    rows: tuple[DataFile, ...]
    upload_ids: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Remainder:
    """What taking some uploads' rows out of a table means for its files."""

    removed: tuple[str, ...]
    """Paths of the files that hold any of those rows."""
    rewritten: tuple[DataFile, ...]
    """The other rows of those files."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Change:
    """What the same run changed in an input: enough to recompute only what it affects."""

    added: FileSet
    """New rows and new versions of changed rows."""
    removed: FileSet
    """The files that were replaced, whole."""
    rewritten: FileSet
    """The rows of `removed` that did not change."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ModelInput:
    """One input of a model, as it would be once everything staged so far is published."""

    table: FileSet
    change: Change | None = None
    """Since the cursor; given for the driving input of an incremental build."""


@dataclass(frozen=True, kw_only=True, slots=True)
class CheckResult:
    """What a check found in a staged table."""

    check: Check
    severity: Severity
    is_passed: bool
    failing_rows: int
    message: str
    samples: tuple[Mapping[str, str | None], ...] = ()
    """Up to ten of the offending rows, every value as text."""


class TableEngine(Protocol):
    """Makes tables from tables, and answers questions about them."""

    def remove_uploads(
        self, table: FileSet, upload_ids: Sequence[str], target: Target
    ) -> Remainder:
        """Find the files that hold rows of these uploads, and rewrite what else they hold."""

    def compact(self, files: FileSet, target: Target) -> tuple[DataFile, ...]:
        """Write the rows of these files again, as few files as their partitions allow."""

    def model(
        self, step: steps.BuildModel, inputs: Mapping[str, ModelInput], target: Target
    ) -> Staged:
        """Run the query and stage the table.

        Raises:
            RunFailed: a row cannot be computed (an ANSI error such as overflow or a bad cast).
        """

    def check(
        self, checks: Sequence[Check], table: FileSet, others: Mapping[str, FileSet]
    ) -> tuple[CheckResult, ...]:
        """Try each check on a table as it would be; `others` are what referential checks name."""

    def query(
        self, sql: str, tables: Mapping[str, FileSet]
    ) -> tuple[types.Schema, "pyarrow.RecordBatchReader"]:
        """Run one portable SELECT over these tables.

        Raises:
            SqlRefused: the query is not portable SQL or does not fit the tables.
        """


class Engine(TableEngine, Protocol):
    """Executes every step: it makes tables from uploads too."""

    def bronze(
        self,
        step: steps.Bronze,
        landed: Landed,
        bronze: Target,
        quarantine: Target,
        report: Report,
    ) -> UploadStaged:
        """Type one upload's records by the step's contract; write rows and refused records.

        Every file holds records of this upload only. `Bronze.loaded_at` is every row's
        `_loaded_at`, so that a repeat writes the same rows.

        Raises:
            CountsDiffer: records counted at landing are not rows plus quarantined records.
        """

    def bronze_together(
        self, step: steps.Bronze, uploads: Sequence[Landed], bronze: Target
    ) -> tuple[TogetherStaged, ...]:
        """Type small uploads with as few queries and files as they allow.

        Each upload is in one result or in none. It is in none if a record of it is refused, or if
        there is nothing to be saved: such uploads are for `bronze`.

        Raises:
            CountsDiffer: records counted at landing are not those that the engine reads.
        """

"""The engine of one machine: every step through one DuckDB connection in this process."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

import duckdb
import pyarrow

from lakewright.engines.duckdb import bronze as bronze_steps
from lakewright.engines.duckdb import checks as table_checks
from lakewright.engines.duckdb import models, rewriting, together
from lakewright.engines.duckdb import query as queries
from lakewright.engines.engine import (
    CheckResult,
    ModelInput,
    Remainder,
    Report,
    TogetherStaged,
    UploadStaged,
)
from lakewright.lake.staged import DataFile, FileSet, Staged, Target
from lakewright.plan import steps
from lakewright.plan.landed import Landed
from lakewright.project.model import Check
from lakewright.sql import types


class DuckDbEngine:
    """Implements `engines.engine.Engine`. One step at a time: steps name their inputs alike."""

    def __init__(
        self, connection: duckdb.DuckDBPyConnection, clock: Callable[[], datetime]
    ) -> None:
        """Work on a connection of `session.connect`; the clock (with a zone) is for freshness."""
        self._connection = connection
        self._clock = clock

    def at(self, clock: Callable[[], datetime]) -> "DuckDbEngine":
        """An engine on the same connection to which it is another time."""
        return DuckDbEngine(self._connection, clock)

    def bronze(
        self,
        step: steps.Bronze,
        landed: Landed,
        bronze: Target,
        quarantine: Target,
        report: Report,
    ) -> UploadStaged:
        """Type one upload's records by the step's contract; see the port."""
        return bronze_steps.bronze(self._connection, step, landed, bronze, quarantine, report)

    def bronze_together(
        self, step: steps.Bronze, uploads: Sequence[Landed], bronze: Target
    ) -> tuple[TogetherStaged, ...]:
        """Type small uploads with as few queries and files as they allow; see the port."""
        return together.staged(self._connection, step, uploads, bronze)

    def remove_uploads(
        self, table: FileSet, upload_ids: Sequence[str], target: Target
    ) -> Remainder:
        """Find the files that hold rows of these uploads, and rewrite what else they hold."""
        return rewriting.remove_uploads(self._connection, table, upload_ids, target)

    def compact(self, files: FileSet, target: Target) -> tuple[DataFile, ...]:
        """Write the rows of these files again; see the port."""
        return rewriting.compact(self._connection, files, target)

    def model(
        self, step: steps.BuildModel, inputs: Mapping[str, ModelInput], target: Target
    ) -> Staged:
        """Run the query and stage the table; see the port."""
        return models.model(self._connection, step, inputs, target)

    def check(
        self, checks: Sequence[Check], table: FileSet, others: Mapping[str, FileSet]
    ) -> tuple[CheckResult, ...]:
        """Try each check on a table as it would be; see the port."""
        return table_checks.check(self._connection, checks, table, others, self._clock())

    def query(
        self, sql: str, tables: Mapping[str, FileSet]
    ) -> tuple[types.Schema, pyarrow.RecordBatchReader]:
        """Run one portable SELECT over these tables; see the port."""
        return queries.query(self._connection, sql, tables)

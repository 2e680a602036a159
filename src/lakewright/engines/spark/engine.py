"""The engine on Apache Spark: every step that makes tables from tables."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

import pyarrow
from pyspark.sql import SparkSession

from lakewright.engines.engine import CheckResult, ModelInput, Remainder
from lakewright.engines.spark import checks as table_checks
from lakewright.engines.spark import models, rewriting
from lakewright.engines.spark import query as queries
from lakewright.lake.staged import DataFile, FileSet, Staged, Target
from lakewright.plan import steps
from lakewright.project.model import Check
from lakewright.sql import types


class SparkEngine:
    """Implements `engines.engine.TableEngine`. One step at a time: steps name inputs alike."""

    def __init__(self, spark: SparkSession, clock: Callable[[], datetime]) -> None:
        """Work on a Spark of `session.session`; the clock (with a zone) is for freshness."""
        self._spark = spark
        self._clock = clock

    def remove_uploads(
        self, table: FileSet, upload_ids: Sequence[str], target: Target
    ) -> Remainder:
        """Find the files that hold rows of these uploads, and rewrite what else they hold."""
        return rewriting.remove_uploads(self._spark, table, upload_ids, target)

    def compact(self, files: FileSet, target: Target) -> tuple[DataFile, ...]:
        """Write the rows of these files again; see the port."""
        return rewriting.compact(self._spark, files, target)

    def model(
        self, step: steps.BuildModel, inputs: Mapping[str, ModelInput], target: Target
    ) -> Staged:
        """Run the query and stage the table; see the port."""
        return models.model(self._spark, step, inputs, target)

    def check(
        self, checks: Sequence[Check], table: FileSet, others: Mapping[str, FileSet]
    ) -> tuple[CheckResult, ...]:
        """Try each check on a table as it would be; see the port."""
        return table_checks.check(self._spark, checks, table, others, self._clock())

    def query(
        self, sql: str, tables: Mapping[str, FileSet]
    ) -> tuple[types.Schema, pyarrow.RecordBatchReader]:
        """Run one portable SELECT over these tables; see the port."""
        return queries.query(self._spark, sql, tables)

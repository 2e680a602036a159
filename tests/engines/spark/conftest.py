"""A bench on which tests run a step on Spark and on the embedded engine, and compare.

The embedded engine reads what Spark wrote, so equal rows also say that it can.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from lakewright.engines.duckdb import models as embedded
from lakewright.engines.duckdb import reading
from lakewright.engines.engine import Change, ModelInput
from lakewright.lake.staged import FileSet, Staged
from lakewright.plan import steps
from lakewright.project.contract import PartitionField
from tests.engines.conftest import Bench, Row

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


@dataclass(kw_only=True)
class Pair:
    """Both engines."""

    spark: "SparkSession"
    bench: Bench

    def on_spark(
        self,
        step: steps.BuildModel,
        *inputs: FileSet,
        change: Change | None = None,
        base: FileSet | None = None,
        partitioning: Sequence[PartitionField] = (),
    ) -> tuple[FileSet, Staged]:
        """Build a model on Spark: the table as it would be, and what the step staged."""
        from lakewright.engines.spark import models

        driving = getattr(step.build, "driving", None)
        given = {
            table.table: ModelInput(table=table, change=change if table.table == driving else None)
            for table in inputs
        }
        target = self.bench.target(step.table, step.schema, base, tuple(partitioning))
        staged = models.model(self.spark, step, given, target)
        return self.bench.published(target, staged), staged

    def embedded(
        self, step: steps.BuildModel, *inputs: FileSet, partitioning: Sequence[PartitionField] = ()
    ) -> tuple[FileSet, Staged]:
        """Build a model with the embedded engine."""
        given = {table.table: ModelInput(table=table) for table in inputs}
        target = self.bench.target(step.table, step.schema, None, tuple(partitioning))
        staged = embedded.model(self.bench.connection, step, given, target)
        return self.bench.published(target, staged), staged

    def rows(self, table: FileSet) -> list[Row]:
        """The table's rows without their metadata columns, which equality ignores."""
        own = [name for name in table.schema.names if not name.startswith("_")]
        found = self.bench.connection.execute(reading.relation_sql(table, own)).to_arrow_table()
        return sorted((tuple(row.values()) for row in found.to_pylist()), key=repr)


@pytest.fixture
def pair(spark: "SparkSession", bench: Bench) -> Pair:
    return Pair(spark=spark, bench=bench)

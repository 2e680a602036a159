"""One build of one model on Spark."""

from collections.abc import Mapping
from dataclasses import dataclass

from pyspark.sql import DataFrame, SparkSession

from lakewright.engines.building import Build
from lakewright.engines.spark import reading, writing
from lakewright.plan import steps
from lakewright.project import cell
from lakewright.project.cell import Cell
from lakewright.sql import run_values, types


@dataclass(frozen=True, kw_only=True, slots=True)
class Job(Build):
    """A build, and the Spark that it takes place on."""

    spark: SparkSession

    def answer(self, others: Mapping[str, DataFrame] | None = None) -> DataFrame:
        """What the query returns: the target's columns with the target's types.

        `others`: rows that inputs have instead of their own.
        """
        instead = others or {}
        frames = {
            name: instead[name] if name in instead else reading.frame(self.spark, given.table)
            for name, given in self.inputs.items()
        }
        with reading.registered(frames):
            answer = self.spark.sql(self.query, args=self._values())
            return writing.typed(answer, self.target.schema)

    def _values(self) -> dict[str, Cell]:
        """What the parameters of the query are."""
        values: dict[str, Cell] = {}
        if self.step.logical_time is not None:
            values[run_values.LOGICAL_TIME] = self.step.logical_time
        if isinstance(self.step.build, steps.OneInterval):
            values[run_values.INTERVAL_START] = self.step.build.start
            values[run_values.INTERVAL_END] = self.step.build.end
        for one in self.step.variables:
            is_text = one.type in (types.DATE, types.TIMESTAMP_NTZ)  # Python's are of its zone.
            values[one.name] = one.value if is_text else cell.read(one.value, one.type)
        return values

"""What the ways to build a model share: the query, its inputs, its target, and what comes out."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from pyspark.sql import DataFrame, SparkSession

from lakewright.engines.engine import Change, ModelInput
from lakewright.engines.spark import reading, writing
from lakewright.engines.versions import Versions
from lakewright.lake.staged import DataFile, FileSet, Target
from lakewright.plan import steps
from lakewright.project import cell
from lakewright.project.cell import Cell
from lakewright.sql import run_values, types


@dataclass(frozen=True, kw_only=True, slots=True)
class Files:
    """What a build does to its table's files; the fields are those of `Staged`."""

    added: tuple[DataFile, ...] = ()
    rewritten: tuple[DataFile, ...] = ()
    removed: tuple[str, ...] = ()
    is_replaced: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Job:
    """One build of one model."""

    spark: SparkSession
    step: steps.BuildModel
    query: str
    """As Spark takes it."""
    inputs: Mapping[str, ModelInput]
    target: Target

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

    @property
    def base(self) -> FileSet:
        """The table as it stands, with the columns that it will have; no files if it is new."""
        files = self.target.base.files if self.target.base is not None else ()
        return FileSet(
            table=self.target.table,
            snapshot_id=self.target.base.snapshot_id if self.target.base is not None else None,
            schema=self.target.schema,
            field_ids=self.target.field_ids,
            files=files,
        )

    @property
    def versions(self) -> Versions:
        """What a merge keeps. Columns that have only ever been empty are not in the table."""
        columns = self.target.schema.names
        return Versions(
            table=self.step.table,
            columns=columns,
            key=self.step.key,
            latest_by=tuple(column for column in self.step.latest_by if column in columns),
        )

    def change(self, driving: str) -> Change:
        """What changed in the driving input, with the columns that it has now.

        Raises:
            ValueError: the caller has not said it.
        """
        given = self.inputs[driving]
        if given.change is None:
            raise ValueError(f"{self.step.name}: what changed in {driving} is not given")
        return Change(
            added=replace(given.table, files=given.change.added.files),
            removed=replace(given.table, files=given.change.removed.files),
            rewritten=replace(given.table, files=given.change.rewritten.files),
        )

"""A model's table, built in full or only where its input changed; the rows are the same.

In full: run the query, keep one row for each key where the model merges. Row by row: the query over
the new rows; merged, they replace what they beat. By affected keys: the groups that changed rows
belong to are computed again. Files that hold rows which go are replaced by files with the rest.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F  # noqa: N812

from lakewright.engines import building
from lakewright.engines.building import Files
from lakewright.engines.engine import ModelInput
from lakewright.engines.spark import failures, names, newest, reading, rewriting, writing
from lakewright.engines.spark.job import Job
from lakewright.engines.spark.rewriting import GONE, PRESENT
from lakewright.errors import RunFailed
from lakewright.lake.staged import Staged, Target
from lakewright.plan import steps
from lakewright.project.model import Write
from lakewright.sql import render
from lakewright.wording import counted

_IS_NEW = "whether the row is new"
_SIDE = "side of the change"


def model(
    spark: SparkSession,
    step: steps.BuildModel,
    inputs: Mapping[str, ModelInput],
    target: Target,
) -> Staged:
    """Run the query and stage the table. `Staged.consumed` is left to who knows the snapshots.

    Raises:
        RunFailed: a row cannot be computed, or a row of a merged table has no key, or the model is
            a function.
    """
    if step.python is not None:
        raise RunFailed(
            f"the model {step.table} cannot be built on Spark",
            why="it is a function, and this engine runs queries only",
            hint="build it with the embedded engine",
        )
    schemas = {name: given.table.schema for name, given in inputs.items()}
    kinds = {each.name: each.type for each in step.variables}
    query = render.render(step.sql, schemas, "spark", kinds)
    with failures.of(f"the model {step.table}"):
        files = _build(Job(spark=spark, step=step, query=query, inputs=inputs, target=target))
    return building.staged(step, target, files)


def _build(job: Job) -> Files:
    build = job.step.build
    if isinstance(build, steps.Full):
        with _one_version(job, job.answer()) as rows:
            added = writing.write(rows, job.target, "rows")
        return Files(added=added, is_replaced=job.target.base is not None)
    if isinstance(build, steps.OneInterval):
        return _interval(job, build)
    if isinstance(build, steps.AffectedKeys):
        return _recompute(job, build)
    new = reading.frame(job.spark, job.change(build.driving).added)
    answer = job.answer({build.driving: new})
    if job.step.write is Write.MERGE:
        return _merge(job, answer)
    return Files(added=writing.write(answer, job.target, "rows"))


@contextmanager
def _kept(rows: DataFrame) -> Iterator[DataFrame]:
    """Rows that are read more than once, computed once."""
    kept = rows.persist()
    try:
        yield kept
    finally:
        kept.unpersist()


@contextmanager
def _one_version(job: Job, answer: DataFrame) -> Iterator[DataFrame]:
    """The answer; where the model merges, the newest row of each key."""
    if job.step.write is not Write.MERGE:
        yield answer
        return
    with _kept(answer) as rows:
        newest.check_keys(rows, job.versions)
        yield newest.newest(rows, job.versions)


def _interval(job: Job, build: steps.OneInterval) -> Files:
    """The rows of one interval take the place of those that the table has of it."""
    start, end = F.lit(build.start), F.lit(build.end)
    column = names.column(build.column)
    with _kept(job.answer()) as rows:
        within = F.coalesce((column >= start) & (column < end), F.lit(False))  # noqa: FBT003
        outside = rows.where(~within).count()
        if outside:
            raise RunFailed(
                f"{counted(outside, 'row')} of {job.step.table} lie outside of the interval",
                why=f"{build.column} is not within {build.start:%Y-%m-%dT%H:%M:%SZ} (included) and"
                f" {build.end:%Y-%m-%dT%H:%M:%SZ} (not included) there, or is null",
                hint=f"filter by it: WHERE {build.column} >= :interval_start AND"
                f" {build.column} < :interval_end",
            )
        added = writing.write(rows, job.target, "rows")
    if build.is_anew:
        return Files(added=added, is_replaced=job.target.base is not None)
    gone = job.spark.range(1).select(start.alias("first"), end.alias("last"))
    present = _of(PRESENT, build.column)
    condition = (present >= _of(GONE, "first")) & (present < _of(GONE, "last"))
    left = rewriting.without(job.base, (build.column,), gone, condition, job.target)
    return Files(added=added, rewritten=left.rewritten, removed=left.removed)


def _merge(job: Job, answer: DataFrame) -> Files:
    """New rows replace the rows of the same keys that they beat.

    The table holds the newest row of each key among all rows so far, and "newest" is a total order,
    so the newest among the table's and the new rows is the newest of all. A row that is there
    already wins against one that differs at most in its metadata columns.
    """
    key = list(job.step.key)
    match = _equal(key, key)
    with _kept(answer) as rows:
        newest.check_keys(rows, job.versions)
        with _kept(newest.newest(rows, job.versions)) as delta:
            table = rewriting.touched(job.base, key, delta, match)
            present = reading.frame(job.spark, table).alias(PRESENT)
            with _kept(present.join(delta.alias(GONE), match, "left_semi")) as met:
                rivals = met.withColumn(_IS_NEW, F.lit(0)).unionByName(
                    delta.join(met, key, "left_semi").withColumn(_IS_NEW, F.lit(1))
                )
                winners = newest.newest(rivals, job.versions, tie_breaker=_IS_NEW)
                won = winners.where(names.column(_IS_NEW) == 1).select(names.columns(key))
                with _kept(won) as beaten:
                    left = rewriting.without(table, key, beaten, match, job.target)
                    changed = delta.join(met, key, "left_anti").unionByName(
                        delta.join(beaten, key, "left_semi")
                    )
                    added = writing.write(changed, job.target, "rows")
    return Files(added=added, rewritten=left.rewritten, removed=left.removed)


def _recompute(job: Job, build: steps.AffectedKeys) -> Files:
    """Run the query over the rows of the affected groups, and replace these groups' rows."""
    outputs = [output for output, _ in build.keys]
    columns = [column for _, column in build.keys]
    with _kept(_affected(job, build)) as affected:
        left = rewriting.without(job.base, outputs, affected, _equal(outputs, outputs), job.target)
        driving = reading.frame(job.spark, job.inputs[build.driving].table).alias(PRESENT)
        rows = driving.join(affected.alias(GONE), _equal(columns, outputs), "left_semi")
        with _one_version(job, job.answer({build.driving: rows})) as answer:
            added = writing.write(answer, job.target, "rows")
    return Files(added=added, rewritten=left.rewritten, removed=left.removed)


def _affected(job: Job, build: steps.AffectedKeys) -> DataFrame:
    """The keys of rows that came, went or changed.

    What is rewritten repeats rows of what is removed. So a group lost or changed a row exactly if
    it has fewer rows among the rewritten than among the removed: counting is enough.
    """
    change = job.change(build.driving)
    sides = [
        reading.frame(job.spark, files, list(dict.fromkeys(column for _, column in build.keys)))
        .select([names.column(column).alias(output) for output, column in build.keys])
        .withColumn(_SIDE, F.lit(side))
        for files, side in ((change.added, None), (change.removed, 1), (change.rewritten, -1))
    ]
    outputs = [output for output, _ in build.keys]
    added = sides[0].select(names.columns(outputs))
    lost = (
        sides[1]
        .unionAll(sides[2])
        .groupBy(names.columns(outputs))
        .agg(F.sum(names.column(_SIDE)).alias(_SIDE))
        .where(names.column(_SIDE) != 0)
        .select(names.columns(outputs))
    )
    return added.unionAll(lost).distinct()


def _equal(present: Sequence[str], gone: Sequence[str]) -> Column:
    """When a row of a table has a key; null is a key too."""
    condition = F.lit(True)  # noqa: FBT003
    for one, other in zip(present, gone, strict=True):
        condition = condition & _of(PRESENT, one).eqNullSafe(_of(GONE, other))
    return condition


def _of(side: str, column: str) -> Column:
    return F.col(f"{side}.{names.quoted(column)}")

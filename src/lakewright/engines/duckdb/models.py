"""A model's table, built in full or only where its input changed; the rows are the same.

In full: run the query, keep one row for each key where the model merges. Row by row: the query over
the new rows; merged, they replace what they beat. By affected keys: the groups that changed rows
belong to are computed again. Files that hold rows which go are replaced by files with the rest.
"""

from collections.abc import Mapping

import duckdb

from lakewright.engines import building
from lakewright.engines.building import Files
from lakewright.engines.duckdb import (
    affected_keys,
    deduplication,
    failures,
    merging,
    python_models,
    reading,
    rewriting,
    text,
    writing,
)
from lakewright.engines.duckdb.job import Job
from lakewright.engines.engine import ModelInput
from lakewright.errors import RunFailed
from lakewright.lake.staged import Staged, Target
from lakewright.plan import steps
from lakewright.project import cell
from lakewright.project.cell import Cell
from lakewright.project.model import Write
from lakewright.sql import render, run_values
from lakewright.wording import counted


def model(
    connection: duckdb.DuckDBPyConnection,
    step: steps.BuildModel,
    inputs: Mapping[str, ModelInput],
    target: Target,
) -> Staged:
    """Run the query and stage the table. `Staged.consumed` is left to who knows the snapshots.

    Raises:
        RunFailed: a row cannot be computed, or a row of a merged table has no key, or a function
            fails or returns something else than it declares.
    """
    query = "" if step.python is not None else _query(step, inputs, target)
    with connection.cursor() as cursor, failures.of(f"the model {step.table}"):
        _set_parameters(cursor, step)
        job = Job(connection=cursor, step=step, query=query, inputs=inputs, target=target)
        files = _build(job)
    return building.staged(step, target, files)


def _query(step: steps.BuildModel, inputs: Mapping[str, ModelInput], target: Target) -> str:
    schemas = {name: given.table.schema for name, given in inputs.items()}
    kinds = {each.name: each.type for each in step.variables}
    return writing.typed_sql(render.render(step.sql, schemas, "duckdb", kinds), target.schema)


def _set_parameters(cursor: duckdb.DuckDBPyConnection, step: steps.BuildModel) -> None:
    """Give the build's connection the values that its query may read, each as a value."""
    values: dict[str, Cell] = {run_values.LOGICAL_TIME: step.logical_time}
    values |= {each.name: cell.read(each.value, each.type) for each in step.variables}
    if isinstance(step.build, steps.OneInterval):
        values[run_values.INTERVAL_START] = step.build.start
        values[run_values.INTERVAL_END] = step.build.end
    for name, value in values.items():
        # A null is what a variable is that nobody has set.
        if value is not None:
            cursor.execute(f"SET VARIABLE {text.name(name)} = $1", [value])


def _build(job: Job) -> Files:
    build = job.step.build
    if job.step.python is not None:
        return python_models.build(job, job.step.python)
    if isinstance(build, steps.Full):
        return _full(job)
    if isinstance(build, steps.OneInterval):
        return _interval(job, build)
    if isinstance(build, steps.AffectedKeys):
        return affected_keys.recompute(job, build)
    change = job.change(build.driving)
    relations = job.relations | {build.driving: reading.relation_sql(change.added)}
    with reading.registered(job.connection, relations):
        if job.step.write is Write.MERGE:
            return merging.merge(job, change.added.rows)
        return Files(added=writing.copy(job.connection, job.query, job.target, "rows"))


_START, _END = (
    f"getvariable('{name}')" for name in (run_values.INTERVAL_START, run_values.INTERVAL_END)
)


def _interval(job: Job, build: steps.OneInterval) -> Files:
    """The rows of one interval take the place of those that the table has of it."""
    column = text.name(build.column)
    with reading.registered(job.connection, job.relations):
        outside = job.connection.execute(
            f"SELECT count(*) FROM ({job.query})"
            f" WHERE NOT coalesce({column} >= {_START} AND {column} < {_END}, false)"
        ).fetchall()[0][0]
        if outside:
            raise RunFailed(
                f"{counted(int(outside), 'row')} of {job.step.table} lie outside of the interval",
                why=f"{build.column} is not within {build.start:%Y-%m-%dT%H:%M:%SZ} (included) and"
                f" {build.end:%Y-%m-%dT%H:%M:%SZ} (not included) there, or is null",
                hint=f"filter by it: WHERE {build.column} >= :interval_start AND"
                f" {build.column} < :interval_end",
            )
        added = writing.copy(job.connection, job.query, job.target, "rows")
    if build.is_anew:
        return Files(added=added, is_replaced=job.target.base is not None)
    join = (
        f"JOIN (SELECT {_START} AS first, {_END} AS last) AS gone"
        f" ON present.{column} >= gone.first AND present.{column} < gone.last"
    )
    left = rewriting.without(job.connection, job.base, (build.column,), join, job.target)
    return Files(added=added, rewritten=left.rewritten, removed=left.removed)


def _full(job: Job) -> Files:
    with reading.registered(job.connection, job.relations):
        if job.step.write is Write.MERGE:
            rows_max = max((given.table.rows for given in job.inputs.values()), default=0)
            newest = deduplication.newest_sql(job.connection, job.query, job.versions, rows_max)
            file_rows = writing.merged_file_rows(rows_max)
            added = writing.copy(job.connection, newest, job.target, "rows", file_rows)
        else:
            added = writing.copy(job.connection, job.query, job.target, "rows")
    return Files(added=added, is_replaced=job.target.base is not None)

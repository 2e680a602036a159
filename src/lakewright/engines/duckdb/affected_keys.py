"""Groups that changed rows belong to are computed again; all others stay as they are."""

from lakewright.engines.building import Files
from lakewright.engines.duckdb import deduplication, reading, rewriting, text, writing
from lakewright.engines.duckdb.job import Job
from lakewright.engines.engine import Change
from lakewright.lake.staged import FileSet
from lakewright.plan import steps
from lakewright.project.model import Write

_AFFECTED = "lakewright_affected"


def recompute(job: Job, build: steps.AffectedKeys) -> Files:
    """Run the query over the rows of the affected groups, and replace these groups' rows."""
    job.connection.execute(
        f"CREATE OR REPLACE TEMP TABLE {_AFFECTED} AS {_keys_sql(job.change(build.driving), build)}"
    )
    outputs = [output for output, _ in build.keys]
    equals = {output: _equality(job, output) for output in outputs}
    remainder = rewriting.without(
        job.connection,
        job.base,
        outputs,
        f"JOIN {_AFFECTED} ON "
        + " AND ".join(_condition("present", name, equals[name], name) for name in outputs),
        job.target,
    )
    driving = job.inputs[build.driving].table
    rows = (
        f"SELECT driving.* FROM ({reading.relation_sql(driving)}) AS driving"
        f" SEMI JOIN {_AFFECTED} ON "
        + " AND ".join(
            _condition("driving", column, equals[output], output) for output, column in build.keys
        )
    )
    with reading.registered(job.connection, job.relations | {build.driving: rows}):
        query = job.query
        if job.step.write is Write.MERGE:
            query = deduplication.newest_sql(job.connection, query, job.versions, driving.rows)
        added = writing.copy(job.connection, query, job.target, "rows", _file_rows(job))
    return Files(added=added, rewritten=remainder.rewritten, removed=remainder.removed)


def _file_rows(job: Job) -> int:
    if job.step.write is Write.MERGE:
        return writing.merged_file_rows(job.base.rows)
    return writing.FILE_ROWS


def _keys_sql(change: Change, build: steps.AffectedKeys) -> str:
    """The keys of rows that came, went or changed.

    What is rewritten repeats rows of what is removed. So a group lost or changed a row exactly if
    it has fewer rows among the rewritten than among the removed: counting is enough.
    """
    added = f"SELECT {_keys(build)} FROM ({_rows(change.added, build)})"
    if not change.removed.files:
        return f"SELECT DISTINCT * FROM ({added})"
    sides = " UNION ALL ".join(
        f"SELECT {_keys(build)}, {sign} AS __side FROM ({_rows(files, build)})"
        for files, sign in ((change.removed, 1), (change.rewritten, -1))
    )
    outputs = text.names(output for output, _ in build.keys)
    lost = f"SELECT {outputs} FROM ({sides}) GROUP BY {outputs} HAVING sum(__side) <> 0"
    return f"{added} UNION {lost}"


def _rows(files: FileSet, build: steps.AffectedKeys) -> str:
    return reading.relation_sql(files, list(dict.fromkeys(column for _, column in build.keys)))


def _keys(build: steps.AffectedKeys) -> str:
    return ", ".join(f"{text.name(column)} AS {text.name(output)}" for output, column in build.keys)


def _equality(job: Job, output: str) -> str:
    """The operator that finds the affected keys: a plain one, which prunes, if none is null."""
    row = job.connection.execute(
        f"SELECT count(*) > count({text.name(output)}) FROM {_AFFECTED}"
    ).fetchone()
    return "IS NOT DISTINCT FROM" if row is not None and row[0] else "="


def _condition(side: str, column: str, operator: str, output: str) -> str:
    return f"{side}.{text.name(column)} {operator} {_AFFECTED}.{text.name(output)}"

"""New rows into a merged table: they replace the rows of the same keys that they beat.

The table holds the newest row of each key among all rows so far, and "newest" is a total order, so
the newest among the table's and the new rows is the newest of all: what a full build would give.
"""

from lakewright.engines.building import Files
from lakewright.engines.duckdb import deduplication, reading, rewriting, text, writing
from lakewright.engines.duckdb.job import Job

_DELTA = "lakewright_delta"
_MET = "lakewright_met"
_BEATEN = "lakewright_beaten"
_IS_NEW = "__lakewright_is_new"


def merge(job: Job, rows_max: int) -> Files:
    """Merge what the query returns now, at most about `rows_max` rows, into the table."""
    newest = deduplication.newest_sql(job.connection, job.query, job.versions, rows_max)
    job.connection.execute(f"CREATE OR REPLACE TEMP TABLE {_DELTA} AS {newest}")
    key = job.step.key
    table = rewriting.touched(job.connection, job.base, key, f"JOIN {_DELTA} {_using(job)}")
    _compare(job, reading.relation_sql(table))
    remainder = rewriting.without(
        job.connection, table, key, f"JOIN {_BEATEN} {_using(job)}", job.target
    )
    changed = (
        f"SELECT * FROM {_DELTA} ANTI JOIN {_MET} {_using(job)}"
        f" UNION ALL SELECT * FROM {_DELTA} SEMI JOIN {_BEATEN} {_using(job)}"
    )
    file_rows = writing.merged_file_rows(job.base.rows)
    return Files(
        added=writing.copy(job.connection, changed, job.target, "rows", file_rows),
        rewritten=remainder.rewritten,
        removed=remainder.removed,
    )


def _using(job: Job) -> str:
    return f"USING ({text.names(job.step.key)})"


def _compare(job: Job, present: str) -> None:
    """Find the table's rows that new rows meet, and the keys of those that they beat.

    A row that is there already wins against one that differs at most in its metadata columns.
    """
    job.connection.execute(
        f"CREATE OR REPLACE TEMP TABLE {_MET} AS"
        f" SELECT * FROM ({present}) SEMI JOIN {_DELTA} {_using(job)}"
    )
    rivals = (
        f"SELECT *, 0 AS {_IS_NEW} FROM {_MET}"
        f" UNION ALL SELECT *, 1 FROM {_DELTA} SEMI JOIN {_MET} {_using(job)}"
    )
    winners = deduplication.newest_window_sql(rivals, job.versions, tie_breaker=_IS_NEW)
    job.connection.execute(
        f"CREATE OR REPLACE TEMP TABLE {_BEATEN} AS"
        f" SELECT {text.names(job.step.key)} FROM ({winners}) WHERE {_IS_NEW} = 1"
    )

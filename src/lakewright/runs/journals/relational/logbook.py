"""The logbook of a journal in a relational database. See `logbook`."""

from datetime import datetime

from lakewright.runs.journals.relational.database import Database
from lakewright.runs.journals.relational.rows import to_line, to_text, to_time
from lakewright.runs.logbook import LINES_MAX, Entry, Line
from lakewright.runs.records import Claim


class Logbook:
    """See `runs.logbook.Logbook`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def progress(self, claim: Claim, step: str, done: int, total: int | None) -> None:
        with self._database.writing(is_synced=False) as transaction:
            transaction.change(
                "progress_step",
                run_id=claim.run_id,
                fence=claim.fence,
                name=step,
                done=done,
                total=total,
            )

    def write(self, claim: Claim, entry: Entry, now: datetime) -> None:
        line = entry.bounded()
        with self._database.writing(is_synced=False) as transaction:
            transaction.change(
                "add_line",
                run_id=claim.run_id,
                fence=claim.fence,
                now=to_time(now),
                level=line.level.value,
                message=line.message,
                facts=to_text(line.facts),
            )
            transaction.change("remove_oldest_lines", run_id=claim.run_id, kept=LINES_MAX)

    def lines(self, run_id: str, *, after: int = 0) -> tuple[Line, ...]:
        with self._database.reading() as transaction:
            rows = transaction.every("lines", run_id=run_id, after=after)
        return tuple(to_line(row) for row in rows)

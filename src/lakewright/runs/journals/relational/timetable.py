"""What is done by itself, in a relational journal."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from lakewright.runs.journals.relational.database import Database, Transaction
from lakewright.runs.journals.relational.endings import hold_source
from lakewright.runs.journals.relational.requests import add_run
from lakewright.runs.journals.relational.rows import text, to_moment, to_tick, to_time
from lakewright.runs.records import Request
from lakewright.runs.timetable import Sighting, Tick


class Timetable:
    """See `runs.timetable.Timetable`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def begin(self, subject: str, rhythm: str, now: datetime) -> datetime:
        key = {"subject": subject, "rhythm": rhythm}
        with self._database.writing(is_synced=True) as transaction:
            transaction.change("begin_rhythm", **key, now=to_time(now))
            row = transaction.first("rhythm", **key)
        return now if row is None else to_moment(row["position"])

    def fire(
        self,
        subject: str,
        at: datetime,
        request: Request,
        *,
        run_id: str,
        now: datetime,
        rhythm: str | None = None,
    ) -> Tick | None:
        with self._database.writing(is_synced=True) as transaction:
            hold_source(transaction, request.source)
            if rhythm is None or _advance(transaction, subject, rhythm, at):
                key = {"subject": subject, "at": to_time(at)}
                if transaction.change("add_tick", **key, run_id=run_id):
                    add_run(transaction, request, run_id, now)
            row = transaction.first("tick", subject=subject, at=to_time(at))
        return None if row is None else to_tick(row)

    def pass_over(self, subject: str, rhythm: str, at: datetime) -> None:
        with self._database.writing(is_synced=True) as transaction:
            _advance(transaction, subject, rhythm, at)

    def rhythms(self) -> tuple[tuple[str, str], ...]:
        with self._database.reading() as transaction:
            rows = transaction.every("rhythms")
            return tuple(sorted((text(row, "subject"), text(row, "rhythm")) for row in rows))

    def forget(self, subject: str, rhythm: str) -> None:
        with self._database.writing(is_synced=True) as transaction:
            transaction.change("forget_rhythm", subject=subject, rhythm=rhythm)

    def ticks(self, subject: str, *, limit: int | None = None) -> tuple[Tick, ...]:
        with self._database.reading() as transaction:
            return tuple(map(to_tick, transaction.every("ticks", subject=subject, limit=limit)))

    def sight(self, source: str, sightings: Sequence[Sighting]) -> None:
        values = [
            {
                "source": source,
                "name": each.name,
                "mark": each.mark,
                "sha256": each.sha256,
            }
            for each in sightings
        ]
        with self._database.writing(is_synced=True) as transaction:
            transaction.change_each("put_sighting", values)

    def marks(self, source: str) -> Mapping[str, str]:
        with self._database.reading() as transaction:
            rows = transaction.every("sightings", source=source)
            return {text(row, "name"): text(row, "mark") for row in rows}


def _advance(transaction: Transaction, subject: str, rhythm: str, at: datetime) -> bool:
    """Move a rhythm's position forwards; whether it was before."""
    values = {"subject": subject, "rhythm": rhythm, "at": to_time(at)}
    return transaction.change("advance_rhythm", **values) > 0

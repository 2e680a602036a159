"""Control of the runs in a relational journal."""

from collections.abc import Mapping
from datetime import datetime

from lakewright.runs import failure, rules
from lakewright.runs.control import Pause
from lakewright.runs.journals.relational.database import Database
from lakewright.runs.journals.relational.endings import finish_run, hold_source
from lakewright.runs.journals.relational.requests import find_run, find_steps
from lakewright.runs.journals.relational.rows import to_pause, to_time
from lakewright.runs.records import Claim, Outcome, Run, RunStatus


class Control:
    """See `runs.control.Control`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def cancel(self, run_id: str, now: datetime) -> Run:
        with self._database.writing(is_synced=True) as transaction:
            hold_source(transaction, find_run(transaction, run_id).request.source)
            transaction.first("hold_run", run_id=run_id)
            run = find_run(transaction, run_id)
            rules.check_cancel(run)
            steps = find_steps(transaction, run_id)
            if run.status is RunStatus.QUEUED and not rules.may_be_published(steps):
                error = failure.to_json(rules.cancelled(run_id))
                outcome = Outcome(status=RunStatus.FAILED, error=error)
                finish_run(transaction, run, outcome, now)
            else:
                transaction.change("ask_to_cancel", run_id=run_id, now=to_time(now))
            return find_run(transaction, run_id)

    def is_cancelled(self, claim: Claim) -> bool:
        with self._database.reading() as transaction:
            row = transaction.first("is_held", run_id=claim.run_id, fence=claim.fence)
        if row is None:
            raise rules.lost(claim.run_id, claim.owner_id)
        return bool(row["is_cancelled"])

    def pause(self, source: str, reason: str, now: datetime) -> None:
        with self._database.writing(is_synced=True) as transaction:
            transaction.change("pause", source=source, reason=reason, now=to_time(now))

    def resume(self, source: str) -> bool:
        with self._database.writing(is_synced=True) as transaction:
            transaction.wake()
            return transaction.change("resume", source=source) > 0

    def pauses(self) -> Mapping[str, Pause]:
        with self._database.reading() as transaction:
            found = map(to_pause, transaction.every("pauses"))
            return {pause.source: pause for pause in found}

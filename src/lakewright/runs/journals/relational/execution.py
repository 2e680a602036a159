"""What the owner of a run writes, in a relational journal. See `journal.Execution`."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from functools import partial

from lakewright.runs import failure, rules
from lakewright.runs.journals.relational.database import Database, Transaction
from lakewright.runs.journals.relational.endings import finish_run, hold_source, tell
from lakewright.runs.journals.relational.requests import (
    add_tables,
    find_run,
)
from lakewright.runs.journals.relational.rows import (
    number,
    to_run,
    to_standing,
    to_step,
    to_text,
    to_time,
)
from lakewright.runs.records import (
    Attempt,
    Claim,
    Ending,
    IsAlive,
    Outcome,
    Run,
    RunStatus,
    StepStatus,
)

_TURNS = "turns"


class Execution:
    """See `journal.Execution`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def claim(
        self,
        owner_id: str,
        is_alive: IsAlive,
        now: datetime,
        *,
        gathered_before: datetime | None = None,
    ) -> Claim | None:
        choose = partial(
            rules.next_run,
            owner_id=owner_id,
            is_alive=is_alive,
            now=now,
            gathered_before=gathered_before,
        )
        # Waiting processes ask often: they must not keep others out to hear "nothing".
        with self._database.reading() as transaction:
            unfinished = _unfinished(transaction)
        if choose(unfinished) is None:
            return None
        with self._database.writing(is_synced=False) as transaction:
            transaction.hold(_TURNS)
            found = self._hold_next(transaction, choose)
            if found is None:
                return None
            fence = _next_fence(transaction)
            transaction.change(
                "claim_run", run_id=found.run_id, owner_id=owner_id, fence=fence, now=to_time(now)
            )
            return Claim(
                run_id=found.run_id,
                owner_id=owner_id,
                fence=fence,
                token=find_run(transaction, found.run_id).token,
                previous_owner_id=found.owner_id,
            )

    def _hold_next(
        self, transaction: Transaction, choose: Callable[..., rules.Standing | None]
    ) -> rules.Standing | None:
        unfinished = _unfinished(transaction)
        busy: set[str] = set()
        while True:
            found = choose(unfinished, busy=busy)
            if found is None:
                return None
            key = {"run_id": found.run_id, "status": found.status.value}
            if transaction.first("hold_free_run", **key) is not None:
                return found
            busy.add(found.run_id)

    @contextmanager
    def _holding(
        self, claim: Claim, *, is_synced: bool = False
    ) -> Iterator[tuple[Transaction, Run]]:
        with self._database.writing(is_synced=is_synced) as transaction:
            yield transaction, _hold_run(transaction, claim)

    def lock(self, claim: Claim, tables: Sequence[str]) -> bool:
        with self._database.writing(is_synced=False) as transaction:
            transaction.hold(_TURNS)
            _hold_run(transaction, claim)
            add_tables(transaction, claim.run_id, tables)
            is_free = transaction.first("taken_table", run_id=claim.run_id) is None
            if not is_free:
                _put_back(transaction, claim.run_id)
            return is_free

    def prepare(self, claim: Claim, steps: Sequence[str]) -> None:
        with self._holding(claim) as (transaction, run):
            transaction.change_each("add_step", [_step_key(run, step) for step in steps])

    def discard(self, claim: Claim, steps: Sequence[str]) -> None:
        with self._holding(claim) as (transaction, run):
            transaction.change_each("remove_step", [_step_key(run, step) for step in steps])

    def start(self, claim: Claim, step: str, now: datetime, *, is_synced: bool = False) -> Attempt:
        with self._holding(claim, is_synced=is_synced) as (transaction, run):
            key, at = _step_key(run, step), to_time(now)
            left = Ending(status=StepStatus.PENDING)
            _end_attempt(transaction, run, step, left, now)
            row = transaction.first("add_attempt", **key, fence=claim.fence, now=at)
            if row is None or not transaction.change("start_step", **key, now=at):
                raise rules.missing_step(claim.run_id, step)
            return Attempt(
                run_id=run.run_id,
                round=run.round,
                step=step,
                number=number(row, "number"),
                fence=claim.fence,
                status=StepStatus.RUNNING,
                started_at=now,
            )

    def end(
        self, claim: Claim, step: str, ending: Ending, now: datetime, *, is_synced: bool = False
    ) -> None:
        with self._holding(claim, is_synced=is_synced) as (transaction, run):
            _end_step(transaction, run, step, ending, now)
            for upload_id, facts in ending.ready.items():
                tell(transaction, rules.raw_data_ready(run, upload_id, facts), now)

    def finish(self, claim: Claim, outcome: Outcome, now: datetime) -> None:
        with self._database.writing(is_synced=True) as transaction:
            hold_source(transaction, find_run(transaction, claim.run_id).request.source)
            run = _hold_run(transaction, claim)
            finish_run(transaction, run, outcome, now)

    def release(self, claim: Claim, now: datetime) -> None:
        with self._holding(claim) as (transaction, run):
            for row in transaction.every("steps", run_id=run.run_id):
                if (step := to_step(row)).status is StepStatus.RUNNING:
                    error = failure.to_json(rules.released(step.name))
                    left = Ending(status=StepStatus.PENDING, error=error)
                    _end_step(transaction, run, step.name, left, now)
            _put_back(transaction, run.run_id)


def _put_back(transaction: Transaction, run_id: str) -> None:
    transaction.change("put_back", run_id=run_id)
    transaction.wake()


def _next_fence(transaction: Transaction) -> int:
    row = transaction.first("next_fence")
    if row is None:
        raise ValueError("a journal has a fence")
    return number(row, "value")


def _unfinished(transaction: Transaction) -> list[rules.Standing]:
    return [to_standing(row) for row in transaction.every("standing")]


def _hold_run(transaction: Transaction, claim: Claim) -> Run:
    """The claimed run, which nobody else writes to until the transaction has ended."""
    row = transaction.first("hold_run", run_id=claim.run_id)
    if row is None:
        raise rules.missing_run(claim.run_id)
    run = to_run(row)
    if run.fence != claim.fence or run.status is not RunStatus.RUNNING:
        raise rules.lost(claim.run_id, claim.owner_id)
    return run


def _step_key(run: Run, name: str) -> dict[str, str | int]:
    return {"run_id": run.run_id, "round": run.round, "name": name}


def _end_step(transaction: Transaction, run: Run, step: str, ending: Ending, now: datetime) -> None:
    changed = transaction.change(
        "end_step",
        **_step_key(run, step),
        status=ending.status.value,
        finished_at=to_time(now) if ending.status.is_finished else None,
        result=to_text(ending.result),
        error=to_text(ending.error),
    )
    if not changed:
        raise rules.missing_step(run.run_id, step)
    _end_attempt(transaction, run, step, ending, now)


def _end_attempt(
    transaction: Transaction, run: Run, step: str, ending: Ending, now: datetime
) -> None:
    """End the attempt that is under way, if one is."""
    transaction.change(
        "end_attempt",
        **_step_key(run, step),
        status=ending.status.value,
        now=to_time(now),
        error=to_text(ending.error),
        milliseconds=None if ending.spent is None else ending.spent.milliseconds,
        cpu_milliseconds=None if ending.spent is None else ending.spent.cpu_milliseconds,
    )

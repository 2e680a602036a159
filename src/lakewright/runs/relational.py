"""The journal in a relational database: the same transactions, whichever database it is.

What is acknowledged to somebody (acceptance, the moment before a publish, the end of a run) is
synced to disk; the steps between are not, since a step may be repeated: a power failure loses some
of them, a killed process none.

Where transactions go on side by side, each holds what must stay as it has seen it, always in this
order, so that no two wait for each other:

    source ──▶ turns ──▶ the run's row ──▶ events

- `source`: what was delivered to one source, and what became of it. So its runs are in the order of
  their acceptance, and a delivery never meets an upload whose fate is just being written.
- `turns`: who carries out what, and so who has which table.
- `events`: their order. Whoever tells one commits before anybody else tells the next, so a reader
  that has seen a sequence never meets a lower one later.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from functools import partial

from lakewright.runs import journal, ownership, rules
from lakewright.runs.database import Database, Transaction
from lakewright.runs.journal import (
    Accepted,
    Answer,
    Attempt,
    Claim,
    Delivery,
    Ending,
    FormatOverride,
    Outcome,
    Request,
    RequestKind,
    Run,
    RunStatus,
    RunUpload,
    Step,
    StepStatus,
    Upload,
    UploadStatus,
)
from lakewright.runs.outbox import Event
from lakewright.runs.relational_control import RelationalControl
from lakewright.runs.relational_endings import finish_run, hold_source, tell
from lakewright.runs.relational_logbook import RelationalLogbook
from lakewright.runs.relational_outbox import RelationalOutbox
from lakewright.runs.relational_requests import (
    add_run,
    add_tables,
    add_upload,
    find_run,
    find_steps,
)
from lakewright.runs.relational_timetable import RelationalTimetable
from lakewright.runs.rows import (
    number,
    text,
    to_attempt,
    to_event,
    to_format,
    to_run,
    to_run_upload,
    to_standing,
    to_text,
    to_time,
    to_upload,
)

_TURNS = "turns"


def open_journal(database: Database, owners: ownership.Owners) -> journal.Journal:
    """The journal that lies in this database, and those who own its runs."""
    return journal.Journal(
        acceptance=_Acceptance(database),
        execution=_Execution(database),
        reading=_Reading(database),
        control=RelationalControl(database),
        logbook=RelationalLogbook(database),
        outbox=RelationalOutbox(database),
        timetable=RelationalTimetable(database),
        owners=owners,
        close=database.close,
    )


def _find_upload(transaction: Transaction, upload_id: str) -> Upload | None:
    row = transaction.first("upload", upload_id=upload_id)
    return None if row is None else to_upload(row)


class _Acceptance:
    """See `journal.Acceptance`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def accept(
        self, delivery: Delivery, *, tables: Sequence[str], run_id: str, now: datetime
    ) -> Accepted:
        upload_id = rules.upload_id(delivery.source, delivery.sha256)
        with self._database.writing(is_synced=True) as transaction:
            hold_source(transaction, delivery.source)
            upload = _find_upload(transaction, upload_id)
            waiting = transaction.first("waiting_run", upload_id=upload_id)
            kind = None if waiting is None else RequestKind(text(waiting, "kind"))
            answer = rules.answer(upload, is_again=delivery.is_again, waiting=kind)
            if upload is not None and answer is not Answer.QUEUED:
                of = upload.run_id if waiting is None else text(waiting, "run_id")
                said = None if waiting is None else to_format(waiting)
                look = upload.format if said is None else said
                return Accepted(answer=answer, upload=upload, run_id=of, format=look)
            joined = self._join(transaction, delivery.source)
            if joined is None:
                request = Request(
                    kind=RequestKind.UPLOAD,
                    source=delivery.source,
                    tables=tuple(tables),
                    priority=delivery.priority,
                )
                add_run(transaction, request, run_id, now)
            of = joined or run_id
            transaction.change("raise_priority", run_id=of, priority=delivery.priority.rank)
            look = rules.format_of(upload, delivery)
            is_again = upload is not None and upload.status.is_in_bronze
            if not is_again:
                self._put(transaction, delivery, look, of, now)
            add_upload(transaction, of, upload_id, is_again=is_again, look=look)
            stored = _find_upload(transaction, upload_id)
            if stored is None:
                raise rules.missing_upload(upload_id)
            tell(transaction, rules.file_uploaded(stored, of), now)
            return Accepted(answer=answer, upload=stored, run_id=of, format=look)

    def _join(self, transaction: Transaction, source: str) -> str | None:
        """The source's last unfinished run, if it is one that has never begun to load files."""
        row = transaction.first("last_unfinished_run_of_source", source=source)
        if row is None or not rules.is_open(
            text(row, "kind"),
            has_begun=row["started_at"] is not None,
            uploads=number(row, "uploads"),
            size_bytes=number(row, "bytes"),
        ):
            return None
        held = transaction.first("hold_queued_run", run_id=text(row, "run_id"))
        return None if held is None else text(held, "run_id")

    def _put(
        self,
        transaction: Transaction,
        delivery: Delivery,
        look: FormatOverride,
        run_id: str,
        now: datetime,
    ) -> None:
        transaction.change(
            "put_upload",
            upload_id=rules.upload_id(delivery.source, delivery.sha256),
            source=delivery.source,
            sha256=delivery.sha256,
            file_name=delivery.file_name,
            size_bytes=delivery.size_bytes,
            media_type=delivery.media_type,
            delivered_by=delivery.delivered_by,
            now=to_time(now),
            run_id=run_id,
            format=to_text(look),
        )

    def request(self, request: Request, *, run_id: str, now: datetime) -> Run:
        with self._database.writing(is_synced=True) as transaction:
            hold_source(transaction, request.source)
            for upload_id in request.upload_ids:
                if _find_upload(transaction, upload_id) is None:
                    raise rules.missing_upload(upload_id)
            add_run(transaction, request, run_id, now)
            return find_run(transaction, run_id)

    def retry(self, run_id: str, now: datetime) -> Run:
        with self._database.writing(is_synced=True) as transaction:
            hold_source(transaction, find_run(transaction, run_id).request.source)
            transaction.first("hold_run", run_id=run_id)
            run = find_run(transaction, run_id)
            rules.check_retry(run)
            if rules.may_continue(find_steps(transaction, run_id)):
                transaction.change("carry_steps_over", run_id=run_id, round=run.round)
            for row in transaction.every("failed_parts", run_id=run_id):
                self._take_up(transaction, to_run_upload(row))
            transaction.change("queue_next_round", run_id=run_id, now=to_time(now))
            return find_run(transaction, run_id)

    def _take_up(self, transaction: Transaction, part: RunUpload) -> None:
        upload = _find_upload(transaction, part.upload_id)
        if upload is None or not rules.is_retried(upload, is_again=part.is_again):
            return
        key = {"run_id": part.run_id, "upload_id": part.upload_id}
        transaction.change("take_up_part", **key)
        look = None if part.format is None else to_text(part.format)
        transaction.change("take_up_upload", **key, format=look)


class _Execution:
    """See `journal.Execution`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def claim(
        self,
        owner_id: str,
        is_alive: journal.IsAlive,
        now: datetime,
        *,
        gathered_before: datetime | None = None,
    ) -> Claim | None:
        choose = partial(
            rules.next_run, owner_id=owner_id, is_alive=is_alive, gathered_before=gathered_before
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
                transaction.change("put_back", run_id=claim.run_id)
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
            changed = transaction.change(
                "end_step",
                **_step_key(run, step),
                status=ending.status.value,
                finished_at=to_time(now) if ending.status.is_finished else None,
                result=to_text(ending.result),
                error=to_text(ending.error),
            )
            if not changed:
                raise rules.missing_step(claim.run_id, step)
            _end_attempt(transaction, run, step, ending, now)
            for upload_id, facts in ending.ready.items():
                tell(transaction, rules.raw_data_ready(run, upload_id, facts), now)

    def finish(self, claim: Claim, outcome: Outcome, now: datetime) -> None:
        with self._database.writing(is_synced=True) as transaction:
            hold_source(transaction, find_run(transaction, claim.run_id).request.source)
            run = _hold_run(transaction, claim)
            finish_run(transaction, run, outcome, now)

    def release(self, claim: Claim) -> None:
        with self._holding(claim) as (transaction, _):
            transaction.change("put_back", run_id=claim.run_id)


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


class _Reading:
    """See `journal.Reading`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def upload(self, upload_id: str) -> Upload:
        with self._database.reading() as transaction:
            found = _find_upload(transaction, upload_id)
        if found is None:
            raise rules.missing_upload(upload_id)
        return found

    def uploads(
        self,
        *,
        source: str | None = None,
        statuses: Sequence[UploadStatus] = (),
        limit: int | None = None,
    ) -> tuple[Upload, ...]:
        with self._database.reading() as transaction:
            rows = transaction.every(
                "uploads", source=source, statuses=_names(statuses), limit=limit
            )
        return tuple(to_upload(row) for row in rows)

    def run(self, run_id: str) -> Run:
        with self._database.reading() as transaction:
            return find_run(transaction, run_id)

    def runs(
        self, *, statuses: Sequence[RunStatus] = (), limit: int | None = None
    ) -> tuple[Run, ...]:
        is_of_few = statuses and not any(status.is_finished for status in statuses)
        statement = "unfinished_runs" if is_of_few else "runs"
        with self._database.reading() as transaction:
            rows = transaction.every(statement, statuses=_names(statuses), limit=limit)
        return tuple(to_run(row) for row in rows)

    def run_uploads(self, run_id: str) -> tuple[RunUpload, ...]:
        with self._database.reading() as transaction:
            rows = transaction.every("run_uploads", run_id=run_id)
        return tuple(to_run_upload(row) for row in rows)

    def steps(self, run_id: str) -> tuple[Step, ...]:
        with self._database.reading() as transaction:
            return find_steps(transaction, find_run(transaction, run_id).run_id)

    def attempts(self, run_id: str) -> tuple[Attempt, ...]:
        with self._database.reading() as transaction:
            rows = transaction.every("attempts", run_id=run_id)
        return tuple(to_attempt(row) for row in rows)

    def events(self, *, after: int = 0, limit: int = 1000) -> tuple[Event, ...]:
        with self._database.reading() as transaction:
            rows = transaction.every("events", after=after, limit=limit)
        return tuple(to_event(row) for row in rows)


def _names(statuses: Sequence[UploadStatus | RunStatus]) -> str:
    """Names between commas, as statements take them."""
    return "".join(f",{status.value}" for status in statuses) + "," if statuses else ""

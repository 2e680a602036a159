"""The outbox of a journal in a relational database. See `outbox`."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from lakewright.runs import rules
from lakewright.runs.journals.relational.database import Database, Transaction
from lakewright.runs.journals.relational.rows import (
    number,
    text,
    to_event,
    to_subscription,
    to_text,
    to_time,
)
from lakewright.runs.outbox import Event, Pruned, Retention, Subscription
from lakewright.runs.records import Json

EVENTS = "events"
"""What is held by whoever writes events, or deletes them."""

BATCH_RUNS = 200
"""Runs that are deleted in one transaction: others wait for milliseconds only."""

BATCH_EVENTS = 5000
"""Events that are, for the same reason."""


class Outbox:
    """See `runs.outbox.Outbox`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def subscribe(self, name: str, now: datetime, *, is_from_now: bool = False) -> Subscription:
        with self._database.writing(is_synced=True) as transaction:
            # No event that is just being written may come to lie before the position.
            transaction.hold(EVENTS)
            transaction.change(
                "add_subscription", name=name, is_from_now=int(is_from_now), now=to_time(now)
            )
            return _find(transaction, name)

    def unsubscribe(self, name: str) -> None:
        with self._database.writing(is_synced=True) as transaction:
            _find(transaction, name)
            transaction.change("remove_subscription", name=name)

    def subscriptions(self) -> tuple[Subscription, ...]:
        with self._database.reading() as transaction:
            return tuple(to_subscription(row) for row in transaction.every("subscriptions"))

    def read(self, name: str, *, limit: int = 100) -> tuple[Event, ...]:
        with self._database.reading() as transaction:
            after = _find(transaction, name).position
            rows = transaction.every("events", after=after, limit=limit)
        if rows:
            self._database.settle()
        return tuple(to_event(row) for row in rows)

    def acknowledge(self, name: str, sequence: int) -> None:
        with self._database.writing(is_synced=False) as transaction:
            position = _find(transaction, name).position
            rules.check_told(sequence, max(position, _newest_but(transaction, 0)))
            transaction.change("acknowledge", name=name, sequence=sequence)

    def advance(self, name: str, *, after: int, to: int, memo: Json) -> bool:
        with self._database.writing(is_synced=False) as transaction:
            position = _find(transaction, name).position
            rules.check_told(to, max(position, _newest_but(transaction, 0)))
            moved = transaction.change(
                "advance", name=name, after=after, sequence=to, memo=to_text(memo)
            )
            return moved == 1

    def prune(self, retention: Retention, now: datetime) -> Pruned:
        runs = 0
        while batch := self._prune_runs(retention, now):
            runs += len(batch)
        return Pruned(runs=runs, events=self._prune_events(retention, now))

    def _prune_runs(self, retention: Retention, now: datetime) -> Sequence[str]:
        before = now - timedelta(seconds=retention.run_age_seconds)
        with self._database.writing(is_synced=False) as transaction:
            last = transaction.first("first_kept_run", kept=retention.runs_min)
            if last is None:
                return ()
            rows = transaction.every(
                "hold_old_runs",
                before=to_time(before),
                last=number(last, "sequence"),
                limit=BATCH_RUNS,
            )
            run_ids = [text(row, "run_id") for row in rows]
            for run_id in run_ids:
                _remove(transaction, run_id)
            return run_ids

    def _prune_events(self, retention: Retention, now: datetime) -> int:
        removed, is_done = 0, False
        while not is_done:
            with self._database.writing(is_synced=False) as transaction:
                transaction.hold(EVENTS)
                last = _last_event(transaction, retention, now)
                oldest = transaction.first("oldest_event")
                first = last if oldest is None else number(oldest, "sequence")
                until = min(last, first + BATCH_EVENTS - 1)
                transaction.change("pass_over", last=until)
                removed += transaction.change("remove_events", last=until)
                is_done = until == last
        return removed


def _find(transaction: Transaction, name: str) -> Subscription:
    row = transaction.first("subscription", name=name)
    if row is None:
        raise rules.missing_subscription(name)
    return to_subscription(row)


def _remove(transaction: Transaction, run_id: str) -> None:
    """Delete a run's steps and attempts, and the rest unless an upload names it."""
    transaction.change("remove_lines_of_run", run_id=run_id)
    transaction.change("remove_attempts_of_run", run_id=run_id)
    transaction.change("remove_steps_of_run", run_id=run_id)
    if transaction.first("unnamed_run", run_id=run_id) is not None:
        transaction.change("remove_parts_of_run", run_id=run_id)
        transaction.change("remove_tables_of_run", run_id=run_id)
        transaction.change("remove_ticks_of_run", run_id=run_id)
        transaction.change("remove_run", run_id=run_id)


def _last_event(transaction: Transaction, retention: Retention, now: datetime) -> int:
    """The sequence of the last event that need not be kept; 0: all must be."""
    since = now - timedelta(seconds=retention.event_age_seconds)
    young = transaction.first("first_young_event", since=to_time(since))
    old = _newest_but(transaction, 0) if young is None else number(young, "sequence") - 1
    found = transaction.first("lowest_position")
    read = None if found is None else found["position"]
    limits = [old, _newest_but(transaction, retention.events_min)]
    if isinstance(read, int):
        limits.append(max(read, _newest_but(transaction, retention.unacknowledged_max)))
    return min(limits)


def _newest_but(transaction: Transaction, kept: int) -> int:
    row = transaction.first("newest_event_but", kept=kept)
    return 0 if row is None else number(row, "sequence")

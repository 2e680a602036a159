"""The outbox of the journal in memory. See `outbox`."""

from dataclasses import replace
from datetime import datetime, timedelta

from lakewright.runs import rules
from lakewright.runs.journals.memory.state import State, copied
from lakewright.runs.outbox import Event, Pruned, Retention, Subscription
from lakewright.runs.records import Json
from lakewright.runs.timetable import is_schedule


class Outbox:
    """See `runs.outbox.Outbox`."""

    def __init__(self, state: State) -> None:
        self._state = state

    def _find(self, name: str) -> Subscription:
        if name not in self._state.subscriptions:
            raise rules.missing_subscription(name)
        return self._state.subscriptions[name]

    def subscribe(self, name: str, now: datetime, *, is_from_now: bool = False) -> Subscription:
        with self._state.lock:
            position = self._newest_but(0) if is_from_now else 0
            return self._state.subscriptions.setdefault(
                name, Subscription(name=name, position=position, missed=0, subscribed_at=now)
            )

    def unsubscribe(self, name: str) -> None:
        with self._state.lock:
            del self._state.subscriptions[self._find(name).name]

    def subscriptions(self) -> tuple[Subscription, ...]:
        with self._state.lock:
            return tuple(found for _, found in sorted(self._state.subscriptions.items()))

    def read(self, name: str, *, limit: int = 100) -> tuple[Event, ...]:
        with self._state.lock:
            after = self._find(name).position
            events = [event for event in self._state.events.values() if event.sequence > after]
        return tuple(events[:limit])

    def acknowledge(self, name: str, sequence: int) -> None:
        with self._state.lock:
            found = self._find(name)
            rules.check_told(sequence, max(found.position, self._newest_but(0)))
            position = max(found.position, sequence)
            self._state.subscriptions[name] = replace(found, position=position)

    def advance(self, name: str, *, after: int, to: int, memo: Json) -> bool:
        with self._state.lock:
            found = self._find(name)
            rules.check_told(to, max(found.position, self._newest_but(0)))
            is_mine = found.position == after
            if is_mine:
                moved = replace(found, position=to, memo=copied(memo))
                self._state.subscriptions[name] = moved
            return is_mine

    def prune(self, retention: Retention, now: datetime) -> Pruned:
        with self._state.lock:
            return Pruned(
                runs=self._prune_runs(retention, now), events=self._prune_events(retention, now)
            )

    def _prune_runs(self, retention: Retention, now: datetime) -> int:
        before = now - timedelta(seconds=retention.run_age_seconds)
        count = len(self._state.runs) - retention.runs_min
        old = [
            run.run_id
            for run in list(self._state.runs.values())[: max(count, 0)]
            if run.finished_at is not None and run.finished_at < before
        ]
        return sum(self._remove(run_id) for run_id in old)

    def _remove(self, run_id: str) -> bool:
        state = self._state
        whole = len(state.steps), len(state.attempts), len(state.runs)
        state.steps = {key: steps for key, steps in state.steps.items() if key[0] != run_id}
        state.attempts = [found for found in state.attempts if found.run_id != run_id]
        state.lines.pop(run_id, None)
        if all(upload.run_id != run_id for upload in state.uploads.values()):
            state.run_uploads.pop(run_id, None)
            state.ticks = {
                key: tick
                for key, tick in state.ticks.items()
                if tick.run_id != run_id or not is_schedule(tick.subject)
            }
            del state.runs[run_id]
        return whole != (len(state.steps), len(state.attempts), len(state.runs))

    def _prune_events(self, retention: Retention, now: datetime) -> int:
        state = self._state
        last = self._last_event(retention, now)
        for name, found in state.subscriptions.items():
            behind = [event for event in state.events.values() if event.sequence > found.position]
            missed = sum(event.sequence <= last for event in behind)
            state.subscriptions[name] = replace(
                found, position=max(found.position, last), missed=found.missed + missed
            )
        before = len(state.events)
        state.events = {key: event for key, event in state.events.items() if event.sequence > last}
        return before - len(state.events)

    def _last_event(self, retention: Retention, now: datetime) -> int:
        """The sequence of the last event that need not be kept; 0: all must be."""
        since = now - timedelta(seconds=retention.event_age_seconds)
        young = [event.sequence for event in self._state.events.values() if event.at >= since]
        old = young[0] - 1 if young else self._newest_but(0)
        limits = [old, self._newest_but(retention.events_min)]
        positions = [found.position for found in self._state.subscriptions.values()]
        if positions:
            waiting = self._newest_but(retention.unacknowledged_max)
            limits.append(max(min(positions), waiting))
        return min(limits)

    def _newest_but(self, kept: int) -> int:
        events = list(self._state.events.values())
        return events[-1 - kept].sequence if len(events) > kept else 0

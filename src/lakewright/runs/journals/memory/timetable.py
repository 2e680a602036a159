"""What is done by itself, in the journal in memory."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from lakewright.runs.journals.memory.state import State
from lakewright.runs.records import Request
from lakewright.runs.timetable import Sighting, Tick


class Timetable:
    """See `runs.timetable.Timetable`."""

    def __init__(self, state: State) -> None:
        self._state = state

    def begin(self, subject: str, rhythm: str, now: datetime) -> datetime:
        with self._state.lock:
            return self._state.positions.setdefault((subject, rhythm), now)

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
        with self._state.lock:
            found = self._state.ticks.get((subject, at))
            if rhythm is not None and not self._advance(subject, rhythm, at):
                return found
            if found is not None:
                return found
            self._state.add_run(request, run_id, now)
            tick = Tick(subject=subject, at=at, run_id=run_id)
            self._state.ticks[subject, at] = tick
            return tick

    def _advance(self, subject: str, rhythm: str, at: datetime) -> bool:
        before = self._state.positions.get((subject, rhythm))
        if before is None or before >= at:
            return False
        self._state.positions[subject, rhythm] = at
        return True

    def pass_over(self, subject: str, rhythm: str, at: datetime) -> None:
        with self._state.lock:
            self._advance(subject, rhythm, at)

    def rhythms(self) -> tuple[tuple[str, str], ...]:
        with self._state.lock:
            return tuple(sorted(self._state.positions))

    def forget(self, subject: str, rhythm: str) -> None:
        with self._state.lock:
            self._state.positions.pop((subject, rhythm), None)

    def ticks(self, subject: str, *, limit: int | None = None) -> tuple[Tick, ...]:
        with self._state.lock:
            found = [tick for tick in self._state.ticks.values() if tick.subject == subject]
        return tuple(sorted(found, key=lambda tick: tick.at, reverse=True)[:limit])

    def sight(self, source: str, sightings: Sequence[Sighting]) -> None:
        with self._state.lock:
            for each in sightings:
                self._state.marks.setdefault(source, {})[each.name] = each.mark

    def marks(self, source: str) -> Mapping[str, str]:
        with self._state.lock:
            return dict(self._state.marks.get(source, {}))

"""Fire what the project's schedules say is due; what a worker does beside its lanes.

A schedule begins to count when a worker first sees it, or sees it with another rhythm: nothing is
made up for from before. From then on the journal keeps how far its ticks are past, so that several
workers, and those that come after a time without any, agree. Each tick is queued as a run, which
the lanes carry out; the clock never waits for one.

    tick ──jitter──▶ due ──within a minute──▶ fired
                      ╰──── later ──────────▶ missed: as the schedule's `missed` has it
"""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from lakewright.project import cron
from lakewright.project.schedule import Fetch, Missed, Refresh, Schedule
from lakewright.project.schedule_file import ScheduleFile
from lakewright.runs import accept, timetable
from lakewright.runs.journal import Journal
from lakewright.runs.records import Json, Request, RequestKind

MISSED_AFTER = timedelta(minutes=1)
"""A tick that is due for longer was missed: nobody was there. Enough for one worker to die and
another to be started in its place."""

_IDLE = timedelta(days=1)
"""How long nothing is asked of a schedule that will never fire again."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True)
class Due:
    """What is to be done for a schedule at one moment."""

    fired: tuple[datetime, ...]
    """The ticks to fire, the oldest first."""
    past: datetime | None
    """Up to where ticks are over with then; None: nothing is due."""
    next_at: datetime
    """When to look again, as far as this schedule goes."""


def judge(schedule: Schedule, position: datetime, now: datetime) -> Due:
    """What is due of a schedule whose ticks are past up to a position. Pure."""
    is_all = schedule.missed is Missed.ALL
    limit = schedule.missed_max if is_all else 1
    # Besides those that were missed, there are at most so many: ticks are a minute apart.
    in_time = schedule.jitter_seconds // 60 + 3
    rhythm = (schedule.cron, schedule.time_zone)
    ready: list[datetime] = []
    missed: list[datetime] = []
    # One whose jitter is less than that of the one before it waits for that, and is not late.
    latest = due_at(schedule, position)
    for tick in cron.newest(*rhythm, position, now, limit + in_time):
        latest = max(latest, due_at(schedule, tick))
        if latest > now:
            break
        ready.append(tick)
        missed += [tick] if now - latest > MISSED_AFTER else []
    fired = ready[len(missed) :]
    if is_all:
        fired = missed[-limit:] + fired
    elif schedule.missed is Missed.LATEST and not fired:
        fired = missed[-1:]
    past = ready[-1] if ready else None
    following = next(cron.ticks(*rhythm, past or position), None)
    next_at = now + _IDLE if following is None else max(latest, due_at(schedule, following))
    return Due(fired=tuple(fired), past=past, next_at=next_at)


def due_at(schedule: Schedule, tick: datetime) -> datetime:
    """When a tick of a schedule is to fire."""
    return tick + cron.jitter(schedule.name, tick, schedule.jitter_seconds)


def next_tick(schedule: Schedule, after: datetime) -> datetime | None:
    """The first tick of a schedule after a moment, without its jitter."""
    return next(cron.ticks(schedule.cron, schedule.time_zone, after), None)


def request_of(schedule: Schedule, at: datetime) -> Request:
    """What a schedule asks for at a tick."""
    common: Mapping[str, Json] = {
        "schedule": schedule.name,
        "logical_time": at.astimezone(UTC).isoformat(),
    }
    match schedule.action:
        case Refresh(models=models):
            return Request(
                kind=RequestKind.MODELS,
                payload={**common, "models": list(models), "is_full": False},
                tables=models,
            )
        case Fetch(source=source, location=location):
            return Request(
                kind=RequestKind.FETCH,
                payload={**common, "location": location},
                source=source,
                # No table, but what others that fetch for the same source have to wait for.
                tables=(f"raw.{source}",),
            )


def fire_now(journal: Journal, schedule: Schedule, now: datetime) -> timetable.Tick:
    """Fire a schedule by hand, whatever its rhythm."""
    fired = journal.timetable.fire(
        timetable.subject_of(schedule.name),
        now,
        request_of(schedule, now),
        run_id=accept.run_id(now),
        now=now,
    )
    if fired is None:
        raise ValueError("a tick without a rhythm always fires")
    return fired


class Scheduler:
    """Fires schedules, for as long as somebody has it look at the clock."""

    def __init__(
        self,
        journal: Journal,
        read: Callable[[], Mapping[str, ScheduleFile]],
        clock: Callable[[], datetime],
    ) -> None:
        """`read` gives the project's schedules as their files are now."""
        self._journal = journal
        self._read = read
        self._clock = clock
        self._next: dict[tuple[str, str], datetime] = {}
        """Of every rhythm that is followed, when to look again."""
        self._known: set[tuple[str, str]] | None = None
        self._told: dict[str, str] = {}

    def look(self) -> None:
        """Fire what is due now.

        Raises:
            LakewrightError: the journal, or the project's folder, is out of reach.
        """
        files = self._read()
        self._tell_mistakes(files)
        self._follow(files)
        for file in files.values():
            if file.schedule is not None:
                self._fire(file.schedule)

    def _tell_mistakes(self, files: Mapping[str, ScheduleFile]) -> None:
        """Log what is wrong with a file, once."""
        told = {
            name: "; ".join(f"{each.where}: {each.what}" for each in file.mistakes.problems)
            for name, file in files.items()
        }
        for name, text in told.items():
            if text and self._told.get(name) != text:
                _log.error("a schedule holds a mistake", extra={"schedule": name, "error": text})
        self._told = told

    def _follow(self, files: Mapping[str, ScheduleFile]) -> None:
        """Forget the rhythms that this project had and has no longer.

        While a file holds a mistake, its schedule is kept as it was. Rhythms of another worker's
        project, which may be a newer one, are only taken away at the start.
        """
        broken = {timetable.subject_of(name) for name, file in files.items() if not file.schedule}
        present = {_key(file.schedule) for file in files.values() if file.schedule}
        before = self._known
        if before is None:
            rhythms = self._journal.timetable.rhythms()
            before = {each for each in rhythms if timetable.is_schedule(each[0])}
        for subject, rhythm in sorted(before - present):
            if subject in broken:
                present.add((subject, rhythm))
                continue
            self._journal.timetable.forget(subject, rhythm)
            self._next.pop((subject, rhythm), None)
        self._known = present

    def _fire(self, schedule: Schedule) -> None:
        now = self._clock()
        key = subject, rhythm = _key(schedule)
        if now < self._next.get(key, now):
            return
        kept = self._journal.timetable
        due = judge(schedule, kept.begin(subject, rhythm, now), now)
        for tick in due.fired:
            request, run_id = request_of(schedule, tick), accept.run_id(now)
            fired = kept.fire(subject, tick, request, run_id=run_id, now=now, rhythm=rhythm)
            if fired is not None and fired.run_id == run_id:
                facts = {"schedule": schedule.name, "tick": tick.isoformat(), "run": run_id}
                _log.info("schedule fired", extra=facts)
        if due.past is not None:
            kept.pass_over(subject, rhythm, due.past)
        self._next[key] = due.next_at


def _key(schedule: Schedule) -> tuple[str, str]:
    return timetable.subject_of(schedule.name), schedule.rhythm

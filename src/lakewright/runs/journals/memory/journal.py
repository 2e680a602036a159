"""The journal in memory: the twin of the one on disk, for tests and for trying things out.

It keeps the same promises but durability: what it holds ends with its process.
"""

import time
from contextlib import AbstractContextManager

from lakewright.runs import journal, ownership
from lakewright.runs.journals.memory import (
    acceptance,
    control,
    execution,
    logbook,
    outbox,
    reading,
    timetable,
)
from lakewright.runs.journals.memory.state import State

_LISTEN_SECONDS = 0.01


def open_journal() -> journal.Journal:
    """A new, empty journal."""
    state = State()
    return journal.Journal(
        acceptance=acceptance.Acceptance(state),
        execution=execution.Execution(state),
        reading=reading.Reading(state),
        control=control.Control(state),
        logbook=logbook.Logbook(state),
        outbox=outbox.Outbox(state),
        timetable=timetable.Timetable(state),
        owners=_Owners(),
        listen=lambda: _Listener(state),
        close=lambda: None,
    )


class _Listener:
    """See `journal.Listener`."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._heard = state.wakes

    def wait(self, seconds: float) -> bool:
        ends_at = time.monotonic() + seconds
        while self._state.wakes == self._heard and time.monotonic() < ends_at:
            time.sleep(_LISTEN_SECONDS)
        found, self._heard = self._state.wakes != self._heard, self._state.wakes
        return found

    def close(self) -> None:
        """There is nothing to close."""


class _Owners:
    """See `ownership.Owners`."""

    def __init__(self) -> None:
        self._living: set[str] = set()

    def hold(self) -> ownership.Owner:
        return _Owner(self._living)

    def is_alive(self, owner_id: str) -> bool:
        return owner_id in self._living


class _Owner(AbstractContextManager["_Owner"]):
    """See `ownership.Owner`."""

    def __init__(self, living: set[str]) -> None:
        self.owner_id = ownership.new_id()
        self._living = living
        living.add(self.owner_id)

    def beat(self) -> None:
        """It lives as long as the journal does, and never sleeps."""

    def close(self) -> None:
        self._living.discard(self.owner_id)

    def __exit__(self, *_: object) -> None:
        self.close()

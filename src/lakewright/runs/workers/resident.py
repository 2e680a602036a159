"""A resident worker: lanes side by side in one process, each of which carries out runs in turn.

    claim ──▶ carry out ──▶ claim ...             nothing to do: wait until somebody rings
      ╰── what goes wrong outside of a run (a locked journal, a full disk): wait, try again

A lane is a thread with an owner's lock, a connection to the journal and a child of its own, so the
journal alone decides who does what: lanes of one worker and of several meet there alike. Runs on
one table are carried out in order; runs on different tables side by side.
"""

import logging
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, closing, suppress
from pathlib import Path
from typing import Protocol, TypeAlias

from lakewright import errors
from lakewright.runs import ownership
from lakewright.runs.journal import Listener
from lakewright.runs.workers.bell import Bell
from lakewright.runs.workers.round import Hands
from lakewright.runs.workers.worker import Worker

SWEEP_SECONDS = 3600.0
"""How often what dead and old runs have left is looked for."""

_LOOK_SECONDS = 0.25
"""How often it is looked whether the lanes live, and whether to stop listening."""

TROUBLE_SECONDS_MAX = 30.0
"""The longest pause of a lane that meets one error after the other."""

_DOUBLINGS_MAX = 10
"""Pauses reach their longest before; trouble may last for days."""

Watch: TypeAlias = Callable[[], None]

OpenHands: TypeAlias = Callable[[Watch], AbstractContextManager[Hands]]
"""What a lane works with, for as long as the context lasts; `Hands.watch` is the one given."""

CLOCK_SECONDS = 0.5
"""How often the clock is looked at. What fires does so at whole minutes."""


class Clock(Protocol):
    """What is done by itself: `scheduler.Scheduler`, `pruning.Pruner`."""

    def look(self) -> None:
        """Do what is due now."""


OpenClock: TypeAlias = Callable[[], AbstractContextManager[Clock]]
"""What looks at the clock, for as long as the context lasts."""

_log = logging.getLogger(__name__)


def pause_seconds(troubles: int) -> float:
    """How long to wait after so many troubles, one after the other."""
    return min(2.0 ** min(troubles, _DOUBLINGS_MAX) / 2, TROUBLE_SECONDS_MAX)


class Stopped(BaseException):
    """No error: the worker is to stop now, and the run in hand goes back into the queue."""


class Resident:
    """Carries out every run that is queued until it is told to stop.

    While a lane of it is well and takes runs it holds a lock in `presence`, so that commands leave
    the work to it.
    """

    def __init__(
        self,
        open_hands: OpenHands,
        *,
        lanes: int,
        presence: Path,
        open_clocks: Mapping[str, OpenClock] | None = None,
    ) -> None:
        """`open_clocks`: what is done by itself, each on a thread of its own, by name."""
        if lanes < 1:
            raise ValueError("a worker needs a lane")
        self._open_hands = open_hands
        self._open_clocks = open_clocks or {}
        self._lanes = lanes
        self._presence = presence
        self._stopping = threading.Event()
        self._break_off_at = float("inf")
        self._breaks: Counter[str] = Counter()
        self._well: set[str] = set()
        """The lanes that have not met trouble, or have worked since."""
        self._bell = Bell()
        self._listen_to: Callable[[], Listener] | None = None
        """What a lane has opened a journal with, for the one listener of all."""

    def serve(self) -> None:
        """Work until `stop`; returns when every lane has ended."""
        lanes = [
            threading.Thread(target=self._serve_lane, name=f"lane-{number}")
            for number in range(1, self._lanes + 1)
        ]
        self._well.update(lane.name for lane in lanes)
        for lane in lanes:
            lane.start()
        others = [threading.Thread(target=self._listen, name="listener")]
        for name, open_clock in self._open_clocks.items():
            others.append(
                threading.Thread(target=self._watch_clock, args=(name, open_clock), name=name)
            )
        for other in others:
            other.start()
        try:
            self._attend(lanes)
        finally:
            self._leave_off()
            for other in others:
                other.join()

    def _attend(self, lanes: Sequence[threading.Thread]) -> None:
        while any(lane.is_alive() for lane in lanes):
            try:
                self._show_presence(lanes)
            except OSError as error:
                _log.error("commands cannot be told of this worker: %s", error)
                self._join(lanes, TROUBLE_SECONDS_MAX)
            # Whoever waits for a run does it himself, or meets the same trouble and is told.
            self._join(lanes, _LOOK_SECONDS)

    def _show_presence(self, lanes: Sequence[threading.Thread]) -> None:
        """Hold the lock for as long as runs are taken."""
        if not self._is_taking(lanes):
            return
        with ownership.FileOwner(self._presence) as present:
            while self._is_taking(lanes):
                present.beat()
                self._join(lanes, _LOOK_SECONDS)

    def _is_taking(self, lanes: Sequence[threading.Thread]) -> bool:
        is_well = any(lane.is_alive() and lane.name in self._well for lane in lanes)
        return is_well and not self._stopping.is_set()

    def _join(self, lanes: Sequence[threading.Thread], seconds: float) -> None:
        ends_at = time.monotonic() + seconds
        for lane in lanes:
            lane.join(max(0.0, ends_at - time.monotonic()))

    def stop(self, grace_seconds: float) -> None:
        """Take no further run. What is under way may end within the grace; then it goes back into
        the queue, its finished steps done. May be called from a signal handler, and again."""
        self._break_off_at = min(self._break_off_at, time.monotonic() + grace_seconds)
        self._leave_off()

    def _leave_off(self) -> None:
        # A signal may come while the event is being set: to set it within that would wait for ever.
        if not self._stopping.is_set():
            self._stopping.set()
        self._bell.ring()

    def _watch(self) -> None:
        if time.monotonic() > self._break_off_at:
            raise Stopped

    def _serve_lane(self) -> None:
        troubles = 0
        while not self._stopping.is_set():
            began_at = time.monotonic()
            try:
                with self._open_hands(self._watch) as hands:
                    self._listen_to = hands.journal.listen
                    hands.launcher.start()
                    _log.info("lane ready")
                    self._work(Worker(hands, self._breaks))
            except Stopped:
                break
            except Exception as error:  # noqa: BLE001 - whatever it is, the lane lives on
                was_well = time.monotonic() - began_at > 2 * TROUBLE_SECONDS_MAX
                troubles = 1 if was_well else troubles + 1
                self._well.discard(threading.current_thread().name)
                self._rest("lane", error, troubles)
        self._well.discard(threading.current_thread().name)

    def _listen(self) -> None:
        """Ring when there may be work."""
        while not self._stopping.is_set():
            # The lanes meet the same trouble, and tell of it; they look now and then by themselves.
            with suppress(errors.LakewrightError):
                self._ring_when_heard()
            self._stopping.wait(_LOOK_SECONDS)

    def _ring_when_heard(self) -> None:
        if self._listen_to is None:
            return
        with closing(self._listen_to()) as listener:
            self._bell.ring()
            while not self._stopping.is_set():
                if listener.wait(_LOOK_SECONDS):
                    self._bell.ring()

    def _watch_clock(self, name: str, open_clock: OpenClock) -> None:
        troubles = 0
        while not self._stopping.is_set():
            try:
                with open_clock() as clock:
                    while not self._stopping.is_set():
                        clock.look()
                        troubles = 0
                        self._stopping.wait(CLOCK_SECONDS)
            except Exception as error:  # noqa: BLE001 - whatever it is, the clock goes on
                troubles += 1
                self._rest(name, error, troubles)

    def _rest(self, who: str, error: Exception, troubles: int) -> None:
        """Tell of a trouble, and wait a while before all is tried again."""
        seconds = pause_seconds(troubles)
        trace = None if isinstance(error, errors.LakewrightError) else error
        facts = {"pause_seconds": seconds}
        _log.error("%s in trouble: %s", who, error, exc_info=trace, extra=facts)
        self._stopping.wait(seconds)

    def _work(self, worker: Worker) -> None:
        swept_at = float("-inf")
        while not self._stopping.is_set():
            if time.monotonic() - swept_at > SWEEP_SECONDS:
                swept_at = time.monotonic()
                worker.sweep()
            heard = self._bell.rings
            has_worked = worker.work_once()
            self._well.add(threading.current_thread().name)
            if not has_worked:
                self._bell.wait(heard)


def is_present(presence: Path) -> bool:
    """Whether a resident worker lives and is awake."""
    return any(ownership.is_alive(presence, path.stem) for path in presence.glob("*.lock"))

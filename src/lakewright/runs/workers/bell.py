"""The bell that wakes the lanes of a worker: one listens to the journal for all, and rings.

What nobody rings for is found by looking now and then: a dead owner's run, files that have gathered
for long enough. Whoever waits looks the more rarely the longer nothing has happened.
"""

import threading
import time

LOOK_SECONDS = 0.025
"""How soon to look again when something has just happened."""

LOOK_SECONDS_MAX = 0.5
"""How soon at the latest: so long a dead worker's run may lie before it is taken up."""

_SHARE = 0.1
"""What is due some time after a ring is found late by a tenth of that time."""


class Bell:
    """Rung by anybody, a signal's handler too, and waited for by many."""

    def __init__(self) -> None:
        self.rings = 0
        """How often it was rung; to be read before looking, and given to `wait`."""
        self._rung_at = time.monotonic()
        self._condition = threading.Condition()

    def ring(self) -> None:
        """Wake all who wait."""
        with self._condition:
            self.rings += 1
            self._rung_at = time.monotonic()
            self._condition.notify_all()

    def wait(self, heard: int) -> None:
        """Wait until it is time to look again: at once, if it was rung since `heard`."""
        with self._condition:
            if self.rings == heard:
                quiet = time.monotonic() - self._rung_at
                self._condition.wait(min(max(LOOK_SECONDS, _SHARE * quiet), LOOK_SECONDS_MAX))

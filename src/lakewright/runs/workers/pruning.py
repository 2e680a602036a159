"""Delete once a day what a journal need not keep; what a worker does beside its lanes.

Several workers may do so: whoever comes later finds nothing left.
"""

import logging
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import datetime, timedelta

from lakewright.runs.journal import Journal
from lakewright.runs.outbox import Retention

PAUSE = timedelta(days=1)

_log = logging.getLogger(__name__)


class Pruner:
    """Prunes a journal, for as long as somebody has it look at the clock."""

    def __init__(
        self,
        open_journal: Callable[[], AbstractContextManager[Journal]],
        retention: Retention,
        clock: Callable[[], datetime],
    ) -> None:
        """`open_journal` is asked once a day, so that no connection is held in between."""
        self._open_journal = open_journal
        self._retention = retention
        self._clock = clock
        self._next_at: datetime | None = None

    def look(self) -> None:
        """Prune if it is time: at first, and a day after each time.

        Raises:
            LakewrightError: the journal is out of reach; the next look tries again.
        """
        now = self._clock()
        if self._next_at is not None and now < self._next_at:
            return
        with self._open_journal() as journal:
            pruned = journal.outbox.prune(self._retention, now)
        self._next_at = now + PAUSE
        if pruned.runs or pruned.events:
            facts = {"runs": pruned.runs, "events": pruned.events}
            _log.info("old runs and events deleted", extra=facts)

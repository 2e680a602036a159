"""What the journal keeps for those who watch a run: how far each step is, and a short log.

No decision rests on it and nobody is promised it, so nothing here waits for the disk: after a power
failure the last of it may be missing. A step that simply succeeds is told by its times; the log has
what is out of the ordinary: what died and what it last said, what is tried again and why, who took
a run over, which table was waited for. An owner that has lost its run writes nothing.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from lakewright.plan import codec
from lakewright.runs.records import Claim

LINES_MAX = 500
"""So many of a run's newest lines are kept; with the limits below, at most some 5 MB."""

MESSAGE_CHARACTERS_MAX = 500

FACTS_BYTES_MAX = 8192
"""As JSON. What a dead child printed has 2,000 bytes at most."""


class Level(StrEnum):
    """How much a line matters."""

    INFO = "info"
    WARNING = "warning"
    """Something came to nothing, and is dealt with."""
    ERROR = "error"


@dataclass(frozen=True, kw_only=True, slots=True)
class Entry:
    """What is to be written."""

    level: Level
    message: str
    facts: Mapping[str, codec.Json]

    def bounded(self) -> "Entry":
        """The entry within its limits: facts that are too many become one text, cut."""
        text = json.dumps(self.facts, ensure_ascii=False)
        facts = self.facts
        if len(text.encode()) > FACTS_BYTES_MAX:
            cut = text.encode()[: FACTS_BYTES_MAX // 2].decode(errors="ignore")
            facts = {"cut": cut}
        # PostgreSQL has no text with this character; what was read from a file may have it.
        message = self.message.replace("\0", "\N{REPLACEMENT CHARACTER}")
        if len(message) > MESSAGE_CHARACTERS_MAX:
            message = f"{message[: MESSAGE_CHARACTERS_MAX - 2]} …"
        return Entry(level=self.level, message=message, facts=facts)


@dataclass(frozen=True, kw_only=True, slots=True)
class Line:
    """One line of a run's log."""

    sequence: int
    """Rises within a run."""
    run_id: str
    at: datetime
    level: Level
    message: str
    facts: Mapping[str, codec.Json]


class Logbook(Protocol):
    """Written by the owner of a run, and read by anybody."""

    def progress(self, claim: Claim, step: str, done: int, total: int | None) -> None:
        """Say how many units of a running step are done; `total` None: nobody knows of how many."""

    def write(self, claim: Claim, entry: Entry, now: datetime) -> None:
        """Add a line, cut to its limits; the oldest beyond `LINES_MAX` goes."""

    def lines(self, run_id: str, *, after: int = 0) -> tuple[Line, ...]:
        """A run's lines with a higher sequence than `after`, oldest first."""

"""What people say of work that is under way or waits: stop it, let it wait, let it go on."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from lakewright.runs.records import Claim, Run


@dataclass(frozen=True, kw_only=True, slots=True)
class Pause:
    """A source whose runs wait. What is delivered to it meanwhile is accepted, and waits too."""

    source: str
    reason: str
    paused_at: datetime


class Control(Protocol):
    """Orders to whoever carries out runs. Every write is on disk before its call returns."""

    def cancel(self, run_id: str, now: datetime) -> Run:
        """End a run: at once if it is queued; if it runs, its owner is told to. So is whoever takes
        it up next if its owner stopped while it was published: that may have come through.

        It fails with the error `run-cancelled`, and so do its uploads that bronze does not hold. A
        retry takes it up again.

        Raises:
            NotFound: there is no such run.
            Conflict: it has finished.
        """

    def is_cancelled(self, claim: Claim) -> bool:
        """Whether somebody wants the run of this claim to end; cheap enough to be asked often.

        Raises:
            RunLost: the claim is lost.
        """

    def pause(self, source: str, reason: str, now: datetime) -> None:
        """Let no further run on this source begin; one that runs comes to its end."""

    def resume(self, source: str) -> bool:
        """Let the source's runs go on. False: it was not paused."""

    def pauses(self) -> Mapping[str, Pause]:
        """The sources that are paused, by name."""

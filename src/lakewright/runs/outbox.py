"""The journal's events for those who subscribe to them, and how long what is past is kept.

An event is written in the transaction that makes it true; sequences rise in the order of those
transactions' ends. A subscriber reads on from its position and moves it when it has dealt with what
it read: whoever dies between the two reads the same events again, and knows them by their ids.

Before events are shown, they are on disk: so after a power failure, no other event has the sequence
of one that somebody has seen. Those that tell of a step (`raw-data-ready`) are not synced when they
are written. One that is lost unseen is lost with its step, which is done and told again.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from lakewright.plan import codec

_DAY_SECONDS = 24 * 3600.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Event:
    """A record that something happened, written in the transaction that made it so."""

    event_id: str
    """The same for the same occurrence, however often it is told."""
    sequence: int
    kind: str
    """`file-uploaded`, `raw-data-ready` or `run-finished`."""
    at: datetime
    payload: codec.Json


@dataclass(frozen=True, kw_only=True, slots=True)
class Subscription:
    """One subscriber's place among the events."""

    name: str
    position: int
    """The sequence of the last event that was acknowledged; 0: none."""
    missed: int
    """Events that were deleted before they were acknowledged, since too many had gathered."""
    subscribed_at: datetime
    memo: codec.Json = None
    """What the subscriber made of the events up to its position, if it keeps that here."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Retention:
    """What is kept. What is needed to know a file again is kept for good."""

    run_age_seconds: float = 90 * _DAY_SECONDS
    runs_min: int = 1000
    """So many of the newest runs are kept whole, however old they are."""
    event_age_seconds: float = 30 * _DAY_SECONDS
    events_min: int = 1000
    """So many of the newest events are kept, however old they are."""
    unacknowledged_max: int = 1_000_000
    """So many events wait for a subscriber, however old they are; some 500 MB. One who never
    comes back must not fill the disk."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Pruned:
    """What was deleted."""

    runs: int
    """Runs of which the steps and attempts are gone; those that uploads name are still listed."""
    events: int


class Outbox(Protocol):
    """Events for subscribers: each at least once, in order."""

    def subscribe(self, name: str, now: datetime, *, is_from_now: bool = False) -> Subscription:
        """Keep a position from now on, at the oldest event or behind the newest; a subscriber
        that is known keeps its own."""

    def unsubscribe(self, name: str) -> None:
        """Forget a subscriber. Raises `NotFound`."""

    def subscriptions(self) -> tuple[Subscription, ...]:
        """Every subscriber, by name."""

    def read(self, name: str, *, limit: int = 100) -> tuple[Event, ...]:
        """The events behind a subscriber's position, oldest first. Raises `NotFound`."""

    def acknowledge(self, name: str, sequence: int) -> None:
        """Have dealt with all events up to this one; a position never goes back.

        Raises:
            NotFound: nobody has subscribed by this name.
        """

    def advance(self, name: str, *, after: int, to: int, memo: codec.Json) -> bool:
        """Move the position from `after` to `to` and keep a memo with it, in one transaction.

        So that what is made of events counts each once, whoever reads them and whenever it dies.

        Returns:
            False: the position is not `after` any more, so nothing was written.

        Raises:
            NotFound: nobody has subscribed by this name.
        """

    def prune(self, retention: Retention, now: datetime) -> Pruned:
        """Delete what need not be kept: old runs' steps and attempts, and old events.

        A run that an upload names is still listed, and no upload is forgotten: so the same bytes
        are known for good.
        """

"""`lakewright events`: what happened, for programs that act on it and must miss nothing."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated

from lakewright import wiring
from lakewright.cli import output, show
from lakewright.cli.app import FLAG, Common
from lakewright.runs import outbox


def list_(*, after: int = 0, limit: int = 30, common: Common = Common()) -> None:
    """List events, oldest first.

    Parameters
    ----------
    after
        The sequence of the event after which to begin.
    limit
        How many.
    """
    with wiring.open_lakehouse(common.project) as house:
        events = house.journal.reading.events(after=after, limit=limit)
    _print(events, as_json=common.json)


def subscribers(*, common: Common = Common()) -> None:
    """List who has subscribed, and how far each has come."""
    with wiring.open_lakehouse(common.project) as house:
        found = house.journal.outbox.subscriptions()
    if common.json:
        output.print_json([show.value_json(each) for each in found])
        return
    if not found:
        output.print_note("nobody has subscribed; try `lakewright events subscribe NAME`")
        return
    output.print_table(
        ["subscriber", "acknowledged", "missed", "since"],
        [
            (each.name, each.position, each.missed, show.moment(each.subscribed_at))
            for each in found
        ],
        right=["acknowledged", "missed"],
    )


def subscribe(
    name: str, /, *, from_now: Annotated[bool, FLAG] = False, common: Common = Common()
) -> None:
    """Keep a place among the events for a program; one that has a place keeps it.

    Parameters
    ----------
    name
        What the program is called here.
    from_now
        Begin behind the newest event, not at the oldest.
    """
    with wiring.open_lakehouse(common.project) as house:
        found = house.journal.outbox.subscribe(name, datetime.now(UTC), is_from_now=from_now)
    if common.json:
        output.print_json(show.value_json(found))
        return
    output.print_line(f"{name} reads on behind event {found.position}")
    output.print_note(f"next: lakewright events read {name} --json")


def read(name: str, /, *, limit: int = 100, common: Common = Common()) -> None:
    """Show the events that a subscriber has not acknowledged, oldest first.

    The same events come again until they are acknowledged; each has an id, by which they are known.

    Parameters
    ----------
    name
        As it was subscribed.
    limit
        How many.
    """
    with wiring.open_lakehouse(common.project) as house:
        events = house.journal.outbox.read(name, limit=limit)
    _print(events, as_json=common.json)


def acknowledge(name: str, sequence: int, /, *, common: Common = Common()) -> None:
    """Say that all events up to one have been dealt with.

    Parameters
    ----------
    name
        As it was subscribed.
    sequence
        The sequence of the last event that was dealt with.
    """
    with wiring.open_lakehouse(common.project) as house:
        house.journal.outbox.acknowledge(name, sequence)
        found = next(each for each in house.journal.outbox.subscriptions() if each.name == name)
    if common.json:
        output.print_json(show.value_json(found))
        return
    output.print_line(f"{name} reads on behind event {found.position}")


def unsubscribe(name: str, /, *, common: Common = Common()) -> None:
    """Forget a subscriber and its place.

    Parameters
    ----------
    name
        As it was subscribed.
    """
    with wiring.open_lakehouse(common.project) as house:
        house.journal.outbox.unsubscribe(name)
    if common.json:
        output.print_json({"unsubscribed": name})
        return
    output.print_line(f"{name} is forgotten")


def _print(events: Sequence[outbox.Event], *, as_json: bool) -> None:
    if as_json:
        output.print_json([show.value_json(event) for event in events])
        return
    if not events:
        output.print_note("there are no events here")
        return
    output.print_table(
        ["event", "kind", "at", "id"],
        [(event.sequence, event.kind, show.moment(event.at), event.event_id) for event in events],
        right=["event"],
        spare=["at"],
    )

"""The stretches of time that a model is built by: hours, days and months, in UTC. Pure."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from lakewright.project.contract import Transform


def start_of(kind: Transform, moment: datetime) -> datetime:
    """When the interval began that a moment lies in."""
    hour = moment.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
    if kind is Transform.HOUR:
        return hour
    day = hour.replace(hour=0)
    return day if kind is Transform.DAY else day.replace(day=1)


def end_of(kind: Transform, start: datetime) -> datetime:
    """When the interval ends that begins then: the first moment that is no part of it."""
    if kind is Transform.MONTH:
        return (start + timedelta(days=32)).replace(day=1)
    return start + timedelta(**{f"{kind.value}s": 1})


def last_before(kind: Transform, moment: datetime) -> datetime:
    """The start of the last interval that is over at a moment."""
    return start_of(kind, start_of(kind, moment) - timedelta(microseconds=1))


def starts(kind: Transform, first: datetime, last: datetime) -> Iterator[datetime]:
    """The starts of all intervals, from the one that a moment lies in to that of another."""
    start = start_of(kind, first)
    while start <= last:
        yield start
        start = end_of(kind, start)

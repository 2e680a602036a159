"""When a cron expression fires, as Debian's cron would: pure, and the one door of cronsim.

Over a change to daylight saving time, what is set for a time of day fires once each day: at the end
of the gap if its time falls into it, at the first of the two if its time comes twice. What fires
every so many minutes or hours goes on with real time.
"""

import hashlib
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from cronsim import CronSim, CronSimError

_FIELDS = ("minute", "hour", "day of the month", "month", "day of the week")

_FIRST_LOOK_BACK = timedelta(hours=1)


def check(expression: str) -> None:
    """See that an expression says when to fire.

    Raises:
        ValueError: it does not; the message says what is wrong.
    """
    parts = expression.split()
    if len(parts) != len(_FIELDS):
        raise ValueError(
            f"it has {len(parts)} fields, not {len(_FIELDS)}: {', '.join(_FIELDS)};"
            ' every day at a quarter past six is "15 6 * * *"'
        )
    try:
        found = next(CronSim(expression, datetime(2024, 1, 1, tzinfo=UTC)), None)
    except CronSimError as error:
        field = str(error).removeprefix("Bad ").replace("-of-", " of the ")
        raise ValueError(f"the {field} cannot be understood; the fields are {_listed()}") from error
    if found is None:
        raise ValueError("there is no such day")


def _listed() -> str:
    return ", ".join(_FIELDS)


def check_zone(name: str) -> None:
    """See that there is a time zone of this name.

    Raises:
        ValueError: there is none.
    """
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError) as error:  # ZoneInfoNotFoundError is a KeyError
        raise ValueError(
            f"there is no time zone {name!r}; they are called as in Europe/Berlin or UTC"
        ) from error


def ticks(expression: str, time_zone: str, after: datetime) -> Iterator[datetime]:
    """The moments at which an expression fires after a moment, in order, in UTC."""
    last = after.astimezone(UTC)
    for found in CronSim(expression, after.astimezone(ZoneInfo(time_zone))):
        moment = found.astimezone(UTC)
        # Within an hour that comes twice, the clock alone does not say what has passed.
        if moment > last:
            last = moment
            yield moment


def newest(
    expression: str, time_zone: str, after: datetime, until: datetime, count: int
) -> list[datetime]:
    """The last moments, at most so many, at which it fires after one moment and up to another.

    What it costs does not grow with the time between them.
    """
    look_back = _FIRST_LOOK_BACK
    while True:
        is_all = until - after <= look_back
        start = after if is_all else until - look_back
        found: list[datetime] = []
        for tick in ticks(expression, time_zone, start):
            if tick > until:
                break
            found.append(tick)
        if is_all or len(found) >= count:
            return found[-count:]
        look_back *= 2


def jitter(name: str, tick: datetime, seconds_max: int) -> timedelta:
    """How much later than its tick a schedule fires: the same whoever asks, and evenly spread."""
    if seconds_max <= 0:
        return timedelta()
    seed = f"{name} {tick.astimezone(UTC).isoformat()}".encode()
    number = int.from_bytes(hashlib.sha256(seed).digest()[:8])
    return timedelta(seconds=number % (seconds_max + 1))

"""Dates and times written in a query, as constants."""

import re
from datetime import UTC, date, datetime, time, timedelta, timezone

from lakewright.sql import term, types
from lakewright.sql.quoting import Value

_DATE = re.compile(r"(\d{4})-(\d{1,2})-(\d{1,2})")
_MOMENT = re.compile(
    r"(\d{4}-\d{1,2}-\d{1,2})(?:[ T](\d{1,2}):(\d{1,2}):(\d{1,2})(?:\.(\d{1,6}))?)?"
    r"(?:(Z)|([+-])(\d{2}):(\d{2}))?"
)


def constant(written: str, kind: types.Type) -> term.Term:
    """The constant of a date or timestamp type that a text means.

    Raises:
        ValueError: it means none; the message says what does.
    """
    if kind == types.DATE:
        return term.constant(_date(written), kind)
    return term.constant(_moment(written, kind), kind)


def _date(written: str) -> date:
    found = _DATE.fullmatch(written.strip())
    if not found:
        raise ValueError(f"{written!r} is not a date: write yyyy-MM-dd")
    try:
        return date(*(int(part) for part in found.groups()))
    except ValueError as error:
        raise ValueError(f"{written!r} is not a date: {error}") from error


def _moment(written: str, kind: types.Type) -> Value:
    found = _MOMENT.fullmatch(written.strip())
    if not found:
        raise ValueError(f"{written!r} is not a timestamp: write yyyy-MM-dd HH:mm:ss[.ffffff]")
    day, hour, minute, second, fraction, zulu, sign, zone_hours, zone_minutes = found.groups()
    try:
        clock = time(
            int(hour or 0), int(minute or 0), int(second or 0), int((fraction or "").ljust(6, "0"))
        )
        wall = datetime.combine(_date(day), clock)
    except ValueError as error:
        raise ValueError(f"{written!r} is not a timestamp: {error}") from error
    if kind == types.TIMESTAMP_NTZ:
        if zulu or sign:
            raise ValueError(f"{written!r} has a zone, and a timestamp_ntz has none")
        return wall
    offset = timedelta(hours=int(zone_hours or 0), minutes=int(zone_minutes or 0))
    zone = timezone(-offset if sign == "-" else offset)
    return wall.replace(tzinfo=zone).astimezone(UTC)

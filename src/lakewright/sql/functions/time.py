"""Functions of dates and times. An instant is read in UTC."""

from collections.abc import Sequence

from lakewright.sql import casts, moments, types
from lakewright.sql.function import Function, scalar
from lakewright.sql.patterns import format_text, read_text
from lakewright.sql.signature import Signature, way
from lakewright.sql.term import Term

_KINDS = ("date", "timestamp", "timestamp_ntz")
_WALL = casts.wall_clock("{0}")
_UNITS = {
    "YEAR": "year", "YYYY": "year", "YY": "year",
    "QUARTER": "quarter",
    "MONTH": "month", "MON": "month", "MM": "month",
    "WEEK": "week",
    "DAY": "day", "DD": "day",
    "HOUR": "hour", "MINUTE": "minute", "SECOND": "second",
    "MILLISECOND": "millisecond", "MICROSECOND": "microsecond",
}  # fmt: skip
_MONTHS_IN = {"year": 12, "quarter": 3, "month": 1}
_DATE_UNITS = ("year", "quarter", "month", "week")
_SHIFTED = ("year", "month", "week", "day", "hour", "minute", "second")
_WEEKDAYS = {
    name: position
    for position, names in enumerate(
        (("MO", "MON", "MONDAY"), ("TU", "TUE", "TUESDAY"), ("WE", "WED", "WEDNESDAY"),
         ("TH", "THU", "THURSDAY"), ("FR", "FRI", "FRIDAY"), ("SA", "SAT", "SATURDAY"),
         ("SU", "SUN", "SUNDAY")), 1)
    for name in names
}  # fmt: skip


def _field(name: str, rewrite: str, note: str = "", aliases: tuple[str, ...] = ()) -> Function:
    """An integer taken from a date or timestamp; `{x}` is its wall clock."""
    ways = (
        way(
            f"{name}({kind}) -> int",
            f"CAST({rewrite.replace('{x}', _WALL if kind == 'timestamp' else '{0}')} AS INTEGER)",
        )
        for kind in _KINDS
        if name not in ("hour", "minute", "second") or kind != "date"
    )
    return scalar(*ways, note=note, aliases=aliases)


def _word(term: Term) -> str:
    assert isinstance(term.value, str)  # noqa: S101 -- the signature asks for a constant
    return term.value


def _unit(term: Term, allowed: Sequence[str]) -> str:
    """A unit's one name.

    Raises:
        ValueError: it is none; the message lists them.
    """
    unit = _UNITS.get(_word(term).upper())
    if unit is None or unit not in allowed:
        raise ValueError(f"{_word(term)!r} is not a unit; the units are {', '.join(allowed)}")
    return unit


def _date_trunc(arguments: Sequence[Term]) -> str:
    unit = _unit(arguments[0], tuple(dict.fromkeys(_UNITS.values())))
    wall = _as_wall(arguments[1])
    return casts.instant(f"CAST(date_trunc('{unit}', {wall}) AS TIMESTAMP)")


def _as_wall(term: Term) -> str:
    if term.type == types.TIMESTAMP:
        return casts.wall_clock(term.text)
    return f"CAST({term.text} AS TIMESTAMP)"


def _trunc(arguments: Sequence[Term]) -> str:
    unit = _unit(arguments[1], _DATE_UNITS)
    return f"CAST(date_trunc('{unit}', {arguments[0].text}) AS DATE)"


def _difference(arguments: Sequence[Term]) -> str:
    unit = _unit(arguments[0], (*_SHIFTED, "quarter"))
    start, end = _as_wall(arguments[1]), _as_wall(arguments[2])
    if unit in _MONTHS_IN:
        return f"({_months(start, end)} // {_MONTHS_IN[unit]})"
    return f"datesub('{unit}', {start}, {end})"


def _months(start: str, end: str) -> str:
    """Whole months between two TIMESTAMPs; DuckDB counts month ends otherwise.

    Source: Java's `LocalDateTime.until` and `LocalDate.monthsUntil`.
    """
    first, last = f"CAST({start} AS DATE)", f"CAST({end} AS DATE)"
    clocks = f"CAST({start} AS TIME)", f"CAST({end} AS TIME)"
    day = (
        f"(CASE WHEN {last} > {first} AND {clocks[1]} < {clocks[0]} THEN {last} - 1"
        f" WHEN {last} < {first} AND {clocks[1]} > {clocks[0]} THEN {last} + 1 ELSE {last} END)"
    )
    return f"(({_packed(day)} - {_packed(first)}) // 32)"


def _packed(day: str) -> str:
    return f"((year({day}) * 12 + month({day})) * 32 + day({day}))"


def _shifted(arguments: Sequence[Term]) -> str:
    unit = _unit(arguments[0], _SHIFTED)
    moved = f"({_as_wall(arguments[2])} + to_{unit}s({arguments[1].text}))"
    return casts.instant(moved) if arguments[2].type == types.TIMESTAMP else moved


def _next_day(arguments: Sequence[Term]) -> str:
    """The first such weekday after the date. Source: Spark's `getNextDateForDayOfWeek`."""
    target = _WEEKDAYS.get(_word(arguments[1]).upper())
    if target is None:
        raise ValueError(f"{_word(arguments[1])!r} is not a day of the week, such as 'MON'")
    day = arguments[0].text
    return f"({day} + CAST((({target} - isodow({day})) + 6) % 7 + 1 AS INTEGER))"


def _parsed(kind: types.Type, *, is_try: bool) -> "Sequence[Signature]":
    """The ways to read a text as a date or timestamp, by itself or by a pattern."""

    def plain(arguments: Sequence[Term]) -> Term:
        found = casts.apply(arguments[0], kind, is_try=is_try)
        assert found is not None  # noqa: S101 -- a text has a cast to every type
        return found

    def by_pattern(arguments: Sequence[Term]) -> Term:
        return read_text(arguments[0], _word(arguments[1]), kind, is_try=is_try)

    word = "date" if kind == types.DATE else "timestamp"
    name = f"{'try_' if is_try else ''}to_{word}"
    return (
        way(f"{name}(string) -> {word}", build=plain),
        way(f"{name}(string, 'pattern') -> {word}", build=by_pattern),
    )


def _as_date(arguments: Sequence[Term]) -> Term:
    given = arguments[0]
    if isinstance(given.value, str):
        return moments.constant(given.value, types.DATE)
    found = casts.apply(given, types.DATE)
    assert found is not None  # noqa: S101 -- the signature names types that have the cast
    return found


def _formatted(arguments: Sequence[Term]) -> str:
    return format_text(_as_wall(arguments[0]), _word(arguments[1]))


_PATTERN = "The pattern is a constant of yyyy, MM, dd, HH, mm, ss, and what stands between."

FUNCTIONS = (
    _field("year", "year({x})"),
    _field("quarter", "quarter({x})"),
    _field("month", "month({x})"),
    _field("day", "day({x})", aliases=("dayofmonth",)),
    _field("dayofweek", "(dayofweek({x}) + 1)", note="1 is Sunday, 7 Saturday."),
    _field("weekday", "(isodow({x}) - 1)", note="0 is Monday, 6 Sunday."),
    _field("dayofyear", "dayofyear({x})"),
    _field("weekofyear", "weekofyear({x})", note="ISO 8601 weeks."),
    _field("hour", "hour({x})"),
    _field("minute", "minute({x})"),
    _field("second", "second({x})"),
    scalar(way("dayname(date) -> string", "strftime({0}, '%a')"), note="In English: Mon, Tue, ..."),
    scalar(
        way("monthname(date) -> string", "strftime({0}, '%b')"), note="In English: Jan, Feb, ..."
    ),
    scalar(way("date_add(date, int) -> date", "({0} + {1})")),
    scalar(way("date_sub(date, int) -> date", "({0} - {1})")),
    scalar(
        way("datediff(date, date) -> int", "CAST({0} - {1} AS INTEGER)"),
        aliases=("date_diff",),
        note="Days from the second to the first.",
    ),
    scalar(
        way("add_months(date, int) -> date", "CAST({0} + to_months({1}) AS DATE)"),
        note="The day is kept, or the month's last.",
    ),
    scalar(way("last_day(date) -> date", "last_day({0})"), note="Of the month."),
    scalar(
        way("next_day(date, 'weekday') -> date", _next_day),
        note="The first such day of the week after the date.",
    ),
    scalar(
        way("trunc(date, 'unit') -> date", _trunc),
        note="To 'year', 'quarter', 'month' or 'week' (Monday).",
    ),
    scalar(
        *(
            way(f"date_trunc('unit', {kind}) -> timestamp", _date_trunc)
            for kind in ("timestamp", "date", "timestamp_ntz")
        ),
        note="Down to 'year', 'quarter', 'month', 'week', 'day', 'hour', 'minute', 'second'.",
    ),
    scalar(
        way("timestampdiff(UNIT, timestamp, timestamp) -> bigint", _difference),
        way("timestampdiff(UNIT, timestamp_ntz, timestamp_ntz) -> bigint", _difference),
        way("timestampdiff(UNIT, date, date) -> bigint", _difference),
        note="Whole units from the second argument to the third.",
    ),
    scalar(
        way("timestampadd(UNIT, int, timestamp) -> timestamp", _shifted),
        way("timestampadd(UNIT, int, timestamp_ntz) -> timestamp_ntz", _shifted),
        aliases=("dateadd",),
    ),
    scalar(
        *_parsed(types.DATE, is_try=False),
        way("to_date(timestamp) -> date", build=_as_date),
        way("to_date(timestamp_ntz) -> date", build=_as_date),
        way("to_date(date) -> date", build=_as_date),
        note=f"As a cast, or by a pattern. {_PATTERN}",
    ),
    scalar(*_parsed(types.DATE, is_try=True), note="Null where to_date would stop."),
    scalar(*_parsed(types.TIMESTAMP, is_try=False), note=f"As a cast, or by a pattern. {_PATTERN}"),
    scalar(*_parsed(types.TIMESTAMP, is_try=True), note="Null where to_timestamp would stop."),
    scalar(
        *(way(f"date_format({kind}, 'pattern') -> string", _formatted) for kind in _KINDS),
        note=f"{_PATTERN} Also yy, MMM, MMMM, EEE, EEEE, SSS, SSSSSS.",
    ),
    scalar(
        way("make_date(int, int, int) -> date", "make_date({0}, {1}, {2})"),
        note="From year, month and day.",
    ),
    scalar(
        way("unix_date(date) -> int", "CAST({0} - DATE '1970-01-01' AS INTEGER)"),
        note="Days since 1970-01-01.",
    ),
    scalar(way("date_from_unix_date(int) -> date", "(DATE '1970-01-01' + {0})")),
    scalar(
        way(
            "unix_seconds(timestamp) -> bigint",
            "((epoch_us({0}) - ((epoch_us({0}) % 1000000) + 1000000) % 1000000) // 1000000)",
        ),
        note="Since 1970-01-01 00:00:00 UTC, rounded down.",
    ),
    scalar(
        way(
            "unix_millis(timestamp) -> bigint",
            "((epoch_us({0}) - ((epoch_us({0}) % 1000) + 1000) % 1000) // 1000)",
        ),
    ),
    scalar(way("unix_micros(timestamp) -> bigint", "epoch_us({0})")),
    scalar(way("timestamp_seconds(bigint) -> timestamp", "make_timestamptz({0} * 1000000)")),
    scalar(way("timestamp_millis(bigint) -> timestamp", "make_timestamptz({0} * 1000)")),
    scalar(way("timestamp_micros(bigint) -> timestamp", "make_timestamptz({0})")),
)

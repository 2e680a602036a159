"""Functions of dates and times. An instant is read in UTC."""

from lakewright.sql.function import Function, scalar
from lakewright.sql.signature import way


def _field(name: str, rewrite: str, note: str = "", aliases: tuple[str, ...] = ()) -> Function:
    """An integer taken from a date or timestamp."""
    return scalar(
        way(f"{name}(date) -> int", f"CAST({rewrite} AS INTEGER)"),
        way(f"{name}(timestamp) -> int", f"CAST({rewrite} AS INTEGER)"),
        way(f"{name}(timestamp_ntz) -> int", f"CAST({rewrite} AS INTEGER)"),
        note=note,
        aliases=aliases,
    )


def _time_field(name: str) -> Function:
    return scalar(
        way(f"{name}(timestamp) -> int", f"CAST({name}({{0}}) AS INTEGER)"),
        way(f"{name}(timestamp_ntz) -> int", f"CAST({name}({{0}}) AS INTEGER)"),
    )


FUNCTIONS = (
    _field("year", "year({0})"),
    _field("quarter", "quarter({0})"),
    _field("month", "month({0})"),
    _field("day", "day({0})", aliases=("dayofmonth",)),
    _field("dayofweek", "(dayofweek({0}) + 1)", note="1 is Sunday, 7 Saturday."),
    _field("weekday", "(isodow({0}) - 1)", note="0 is Monday, 6 Sunday."),
    _field("dayofyear", "dayofyear({0})"),
    _field("weekofyear", "weekofyear({0})", note="ISO 8601 weeks."),
    _time_field("hour"),
    _time_field("minute"),
    _time_field("second"),
    scalar(way("date_add(date, int) -> date", "CAST({0} + {1} AS DATE)")),
    scalar(way("date_sub(date, int) -> date", "CAST({0} - {1} AS DATE)")),
    scalar(
        way("datediff(date, date) -> int", "CAST({0} - {1} AS INTEGER)"),
        aliases=("date_diff",),
        note="Days from the second to the first.",
    ),
    scalar(
        way("add_months(date, int) -> date", "CAST({0} + to_months({1}) AS DATE)"),
        note="The day is kept, or the month's last.",
    ),
    scalar(way("last_day(date) -> date", "last_day({0})")),
    scalar(way("make_date(int, int, int) -> date", "make_date({0}, {1}, {2})")),
    scalar(way("unix_date(date) -> int", "CAST({0} - DATE '1970-01-01' AS INTEGER)")),
    scalar(way("date_from_unix_date(int) -> date", "CAST(DATE '1970-01-01' + {0} AS DATE)")),
    scalar(
        way("unix_seconds(timestamp) -> bigint", "CAST(floor(epoch_us({0}) / 1e6) AS BIGINT)"),
    ),
    scalar(way("unix_micros(timestamp) -> bigint", "epoch_us({0})")),
)

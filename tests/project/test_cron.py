"""Ticks over everything that a calendar and a clock can do to them."""

from datetime import UTC, datetime, timedelta
from itertools import islice, takewhile
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lakewright.project import cron

BERLIN = "Europe/Berlin"
EXPRESSIONS = ["30 2 * * *", "15 6 * * 1-5", "*/20 * * * *", "0 0 31 * *", "5 */3 1,15 * *"]
MOMENTS = st.datetimes(
    min_value=datetime(2026, 1, 1),  # noqa: DTZ001 - the zone is the next line's
    max_value=datetime(2027, 1, 1),  # noqa: DTZ001
    timezones=st.just(UTC),
)


def utc(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)  # type: ignore[arg-type,misc]


def first(expression: str, zone: str, after: datetime, count: int) -> list[datetime]:
    return list(islice(cron.ticks(expression, zone, after), count))


def test_a_time_of_day_is_the_zones_own_in_winter_and_in_summer() -> None:
    found = first("15 6 * * *", BERLIN, utc(2026, 3, 27, 12), 3)
    assert found == [utc(2026, 3, 28, 5, 15), utc(2026, 3, 29, 4, 15), utc(2026, 3, 30, 4, 15)]


def test_a_time_that_the_clock_leaves_out_fires_at_the_end_of_the_gap() -> None:
    found = first("30 2 * * *", BERLIN, utc(2026, 3, 28, 12), 2)
    assert found == [utc(2026, 3, 29, 1, 0), utc(2026, 3, 30, 0, 30)]


def test_several_times_in_the_gap_fire_once() -> None:
    found = first("0,30 2 * * *", BERLIN, utc(2026, 3, 28, 12), 2)
    assert found == [utc(2026, 3, 29, 1, 0), utc(2026, 3, 30, 0, 0)]


def test_a_time_that_comes_twice_fires_the_first_time_only() -> None:
    found = first("30 2 * * *", BERLIN, utc(2026, 10, 24, 12), 2)
    assert found == [utc(2026, 10, 25, 0, 30), utc(2026, 10, 26, 1, 30)]


@pytest.mark.parametrize("minute", range(0, 120, 15))
def test_asked_in_the_hour_that_comes_twice_nothing_fires_again(minute: int) -> None:
    asked = utc(2026, 10, 25, 0, 30) + timedelta(minutes=minute)
    assert first("30 2 * * *", BERLIN, asked, 1) == [utc(2026, 10, 26, 1, 30)]


@pytest.mark.parametrize("day", [utc(2026, 3, 28, 23), utc(2026, 10, 24, 22)])
def test_every_so_many_minutes_goes_on_with_real_time(day: datetime) -> None:
    found = first("*/30 * * * *", BERLIN, day, 12)
    assert found == [day + timedelta(minutes=30 * number) for number in range(1, 13)]


def test_leap_days_and_days_that_only_some_months_have_are_waited_for() -> None:
    assert first("0 0 29 2 *", "UTC", utc(2026, 1, 1), 2) == [utc(2028, 2, 29), utc(2032, 2, 29)]
    found = first("0 0 31 * *", "UTC", utc(2026, 1, 31), 3)
    assert found == [utc(2026, 3, 31), utc(2026, 5, 31), utc(2026, 7, 31)]
    assert first("0 0 L * *", "UTC", utc(2026, 2, 1), 1) == [utc(2026, 2, 28)]


def test_a_zone_far_from_ours_has_its_own_days() -> None:
    found = first("0 0 * * 1", "Pacific/Auckland", utc(2026, 6, 1), 1)
    assert found == [utc(2026, 6, 7, 12)]
    assert found[0].astimezone(ZoneInfo("Pacific/Auckland")).weekday() == 0


@given(MOMENTS, st.sampled_from(EXPRESSIONS), st.sampled_from(["UTC", BERLIN, "America/New_York"]))
def test_the_next_tick_is_the_same_from_wherever_it_is_asked(
    moment: datetime, expression: str, zone: str
) -> None:
    one, two, three = first(expression, zone, moment, 3)
    assert moment < one < two < three
    assert first(expression, zone, one, 2) == [two, three]
    between = one + (two - one) / 2
    assert first(expression, zone, between, 1) == [two]


@given(MOMENTS, st.sampled_from(EXPRESSIONS), st.integers(0, 60), st.integers(1, 5))
def test_the_newest_are_the_end_of_all(
    moment: datetime, expression: str, days: int, count: int
) -> None:
    until = moment + timedelta(days=days)
    every = list(takewhile(lambda tick: tick <= until, cron.ticks(expression, BERLIN, moment)))
    assert cron.newest(expression, BERLIN, moment, until, count) == every[-count:]


def test_the_newest_after_years_cost_no_more_than_after_days() -> None:
    found = cron.newest("* * * * *", "UTC", utc(1990, 1, 1), utc(2026, 1, 1), 2)
    assert found == [utc(2025, 12, 31, 23, 59), utc(2026, 1, 1)]


@pytest.mark.parametrize(
    ("expression", "words"),
    [
        ("* * * *", "4 fields, not 5"),
        ("0 * * * * *", "6 fields, not 5"),
        ("61 * * * *", "the minute cannot be understood"),
        ("0 0 * * MOON", "the day of the week cannot be understood"),
        ("0 0 30 2 *", "the day of the month cannot be understood"),
    ],
)
def test_an_expression_that_never_fires_is_refused(expression: str, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        cron.check(expression)


@pytest.mark.parametrize("name", ["Europe/Berlni", "../etc/passwd", "", "berlin"])
def test_a_zone_that_does_not_exist_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="no time zone"):
        cron.check_zone(name)


def test_jitter_differs_between_ticks_and_schedules_and_never_between_machines() -> None:
    tick = utc(2026, 5, 1, 6, 15)
    same = {cron.jitter("daily", tick, 300), cron.jitter("daily", tick.astimezone(), 300)}
    assert len(same) == 1
    spread = {cron.jitter("daily", tick + timedelta(days=day), 300) for day in range(60)}
    assert len(spread) > 40
    assert all(timedelta() <= each <= timedelta(minutes=5) for each in spread)
    assert cron.jitter("daily", tick, 300) != cron.jitter("weekly", tick, 300)
    assert cron.jitter("daily", tick, 0) == timedelta()

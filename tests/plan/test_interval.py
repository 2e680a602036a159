from datetime import UTC, datetime, timedelta, timezone

import pytest

from lakewright.plan import interval
from lakewright.project.contract import Transform
from lakewright.project.partitioning import INTERVALS


def utc(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)  # type: ignore[arg-type,misc]


@pytest.mark.parametrize(
    ("kind", "start", "end"),
    [
        (Transform.HOUR, utc(2028, 2, 29, 23), utc(2028, 3, 1)),
        (Transform.DAY, utc(2028, 2, 29), utc(2028, 3, 1)),
        (Transform.MONTH, utc(2028, 2, 1), utc(2028, 3, 1)),
    ],
)
def test_an_interval_has_a_start_that_is_in_it_and_an_end_that_is_not(
    kind: Transform, start: datetime, end: datetime
) -> None:
    moment = utc(2028, 2, 29, 23, 59, 59)
    assert interval.start_of(kind, moment) == start
    assert interval.start_of(kind, moment.astimezone(timezone(timedelta(hours=9)))) == start
    assert interval.end_of(kind, start) == end
    assert interval.last_before(kind, end) == start
    assert interval.last_before(kind, end + timedelta(minutes=1)) == start


@pytest.mark.parametrize("kind", INTERVALS)
def test_intervals_follow_each_other_without_gaps(kind: Transform) -> None:
    first, last = utc(2027, 12, 30, 5), utc(2028, 3, 2, 7)
    found = list(interval.starts(kind, first, last))
    assert found[0] <= first < interval.end_of(kind, found[0])
    assert found[-1] <= last < interval.end_of(kind, found[-1])
    ends = [interval.end_of(kind, start) for start in found]
    assert ends[:-1] == found[1:]


def test_there_is_one_interval_from_a_moment_to_itself() -> None:
    moment = utc(2026, 1, 1)
    assert list(interval.starts(Transform.DAY, moment, moment)) == [moment]

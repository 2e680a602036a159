"""`lakewright backfill`: build a model for intervals that are past."""

import itertools
from datetime import UTC, date, datetime, time, timedelta
from typing import Annotated

from cyclopts import Parameter

from lakewright import errors, wiring
from lakewright.cli import output, progress
from lakewright.cli.app import FLAG, Common
from lakewright.runs import backfill as asking
from lakewright.wording import count, counted

INTERVALS_MAX = 10_000
"""More than a year of hours; whoever wants more asks again for the rest."""


def backfill(
    model: str,
    /,
    *,
    from_: Annotated[str, Parameter(name="--from")],
    to: str,
    again: Annotated[bool, FLAG] = False,
    common: Common = Common(),
) -> int:
    """Build a model for each hour, day or month from one date to another, with one run for each.

    What was asked for before is not built twice: asking again goes on with what is left.

    Parameters
    ----------
    model
        A model with the setting `interval`, such as `gold.daily`.
    from_
        The first date, such as 2026-01-01; or a time, such as 2026-01-01T06:00Z.
    to
        The last date, which is built too.
    again
        Build also what was built before.
    """
    first, last = _moment(from_, "--from", is_end=False), _moment(to, "--to", is_end=True)
    if last < first:
        raise errors.UsageError(
            "--to is before --from", hint="the first date is --from, the last is --to"
        )
    with wiring.open_lakehouse(common.project) as house:
        intervals = _intervals(house, model, first, last)
        asked = asking.ask(house.journal, model, intervals, datetime.now(UTC), is_again=again)
        if not common.json:
            output.print_note(_told(asked))
        runs = asked.unfinished
        return progress.carry_out(house, runs, as_json=common.json) if runs else 0


def _intervals(
    house: wiring.Lakehouse, model: str, first: datetime, last: datetime
) -> list[tuple[datetime, datetime]]:
    """The model's intervals from one moment to another, each with its start and its end."""
    from lakewright.plan import interval

    field = house.project().model(model).interval
    if field is None:
        raise errors.UsageError(
            f"{model} is not built by intervals",
            why="it has no `interval`, so a run builds all that it holds",
            hint=f"`lakewright run {model}` builds it",
        )
    starts = interval.starts(field.transform, first, last)
    found = list(itertools.islice(starts, INTERVALS_MAX + 1))
    if len(found) > INTERVALS_MAX:
        raise errors.UsageError(
            f"these are more than {INTERVALS_MAX:,} intervals",
            hint="ask for a part of them, and for the rest when that is done",
        )
    return [(start, interval.end_of(field.transform, start)) for start in found]


def _told(asked: asking.Asked) -> str:
    parts = [counted(len(asked.new), "new run")]
    parts += [f"{count(len(asked.waiting))} waiting"] if asked.waiting else []
    parts += [f"{count(len(asked.retried))} tried again"] if asked.retried else []
    parts += [f"{count(len(asked.done))} done before"] if asked.done else []
    return ", ".join(parts)


def _moment(text: str, option: str, *, is_end: bool) -> datetime:
    """The moment that a text means; a date as the end means its last moment."""
    try:
        if len(text) <= len("2026-01-01"):
            day = datetime.combine(date.fromisoformat(text), time(), UTC)
            return day + timedelta(days=1, microseconds=-1) if is_end else day
        found = datetime.fromisoformat(text)
    except ValueError as error:
        raise errors.UsageError(
            f"{option} {text!r} is no date",
            why=str(error),
            hint="write one such as 2026-01-31, or a time such as 2026-01-31T08:00Z",
        ) from error
    return found if found.tzinfo else found.replace(tzinfo=UTC)

"""How long a run took, as every command tells it."""

from datetime import UTC, datetime, timedelta

import pytest

from lakewright.cli import show
from lakewright.runs.journals import memory
from lakewright.runs.records import Ending, Outcome, Request, RequestKind, RunStatus, StepStatus

START = datetime(2026, 1, 1, tzinfo=UTC)


def _took(*, pause_seconds: int, is_dead: bool) -> str:
    """Of a run that worked for three seconds, then failed or died, and later for two more."""
    journal = memory.open_journal()
    now = START
    run = journal.acceptance.request(
        Request(kind=RequestKind.MODELS, tables=("silver.a",)), run_id="r1", now=now
    )
    claim = journal.execution.claim("one", lambda _: True, now)
    assert claim is not None
    journal.execution.prepare(claim, ["plan", "publish"])
    journal.execution.start(claim, "plan", now)
    now += timedelta(seconds=3)
    journal.execution.end(claim, "plan", Ending(status=StepStatus.SUCCEEDED, result={}), now)
    journal.execution.start(claim, "publish", now)
    if not is_dead:
        journal.execution.end(claim, "publish", Ending(status=StepStatus.FAILED, error={}), now)
        journal.execution.finish(claim, Outcome(status=RunStatus.FAILED, error={}), now)
    assert is_dead or show.took(journal.reading.run(run.run_id), journal.reading) == "3.00 s"
    now += timedelta(seconds=pause_seconds)
    if not is_dead:
        journal.acceptance.retry(run.run_id, now)
    claim = journal.execution.claim("two", lambda _: False, now)
    assert claim is not None
    journal.execution.prepare(claim, ["plan", "publish"])
    journal.execution.start(claim, "publish", now)
    now += timedelta(seconds=2)
    journal.execution.end(claim, "publish", Ending(status=StepStatus.SUCCEEDED, result={}), now)
    journal.execution.finish(claim, Outcome(status=RunStatus.SUCCEEDED), now)
    return show.took(journal.reading.run(run.run_id), journal.reading)


@pytest.mark.parametrize("is_dead", [True, False])
def test_a_run_took_as_long_as_it_was_worked_on_not_as_long_as_it_lay_idle(is_dead: bool) -> None:
    assert _took(pause_seconds=500, is_dead=is_dead) == "5.00 s"

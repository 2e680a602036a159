"""The parent's side of upkeep: who asks for it, and whose files it leaves alone.

Upkeep deletes nothing that a run has staged, or may look for: the runs that are not over are named
to it. It is asked for after a publish, once for each table at a time.
"""

from collections.abc import Collection, Mapping
from contextlib import suppress
from pathlib import Path
from typing import cast

from lakewright import errors
from lakewright.runs import accept, rules
from lakewright.runs.journal import Reading
from lakewright.runs.records import Json, Run, RunStatus
from lakewright.runs.workers.round import Hands

PAUSE_SECONDS = 3600.0
"""After upkeep of a table failed: what is wrong is seldom gone with the next publish."""

_UNFINISHED = (RunStatus.QUEUED, RunStatus.RUNNING)
_FAILED_SEEN_MAX = 50
"""Failed runs that are looked at for upkeep."""


def tokens(reading: Reading, storage: Path) -> list[str]:
    """The tokens of all runs that are not over: unfinished, or a retry goes on with what they did.

    `storage` is the environment's folder.
    """
    found = {run.token for run in reading.runs(statuses=_UNFINISHED)}
    work = storage / "work"
    for folder in work.iterdir() if work.exists() else ():
        if not accept.is_run_id(folder.name):
            continue
        with suppress(errors.NotFound):
            run = reading.run(folder.name)
            if not run.status.is_finished or rules.may_continue(reading.steps(run.run_id)):
                found.add(run.token)
    return sorted(found)


def ask(hands: Hands, tables: Collection[str]) -> None:
    """Ask for upkeep of those tables, which were just published, that need it.

    The run that published them is over, and well: what goes wrong here is not its error, and the
    next publish asks again.
    """
    if not tables:
        return
    with suppress(errors.LakewrightError):
        _ask(hands, sorted(tables))


def _ask(hands: Hands, tables: list[str]) -> None:
    answer = hands.launcher.call(
        "due",
        {"tables": tables},
        timeout_seconds=hands.terms.step_timeout_seconds,
        on_wait=hands.on_wait,
    )
    due = cast("Mapping[str, Json]", answer)
    named = cast("list[str]", due["tables"])
    taken = _taken_care_of(hands) if named else set[str]()
    left = [table for table in named if table not in taken]
    if left:
        is_quick = bool(due["is_quick"])
        accept.request_upkeep(hands.journal, left, hands.clock(), is_quick=is_quick)


def _taken_care_of(hands: Hands) -> set[str]:
    """The tables whose upkeep is under way, or has just failed."""
    reading = hands.journal.reading
    failed = reading.runs(statuses=(RunStatus.FAILED,), limit=_FAILED_SEEN_MAX)
    runs = [*reading.runs(statuses=_UNFINISHED), *(run for run in failed if _is_recent(run, hands))]
    return {table for run in runs if rules.is_upkeep(run) for table in run.request.tables}


def _is_recent(run: Run, hands: Hands) -> bool:
    ended_at = run.finished_at
    return ended_at is not None and (hands.clock() - ended_at).total_seconds() < PAUSE_SECONDS

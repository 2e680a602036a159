"""`lakewright runs watch`: what goes on, as it goes on, whoever carries it out."""

import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Annotated, TypeAlias

from cyclopts import Parameter
from rich.console import Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from lakewright import wiring
from lakewright.cli import output, progress, show
from lakewright.cli.app import Common
from lakewright.runs import finding
from lakewright.runs.records import Run, RunStatus, Step, StepStatus
from lakewright.runs.watching import Change, Sight, Watch
from lakewright.wording import count, counted

LOOK_SECONDS = 0.25
"""How often the journal is looked at: workers tell it twice a second how far they are."""

PLAIN_SECONDS = 5.0
"""Where nobody looks at a terminal, a step tells how far it is at most this often."""

_STEPS_MAX = 12
"""Steps of one run that a screen shows; the rest is counted."""

_Tell: TypeAlias = Callable[[Sequence[Change], Watch], None]


def watch(
    run_id: str | None = None,
    /,
    *,
    idle_seconds: Annotated[float | None, Parameter(show_default=False)] = None,
    common: Common = Common(),
) -> int:
    """Watch one run to its end, or all that go on and begin, until Ctrl-C.

    Parameters
    ----------
    run_id
        As `lakewright runs list` prints it; its first letters are enough. By default every run.
    idle_seconds
        End once nothing has gone on for so long.
    """
    with wiring.open_lakehouse(common.project) as house:
        asked = None if run_id is None else [finding.find_run(house.journal.reading, run_id).run_id]
        found = Watch(house.journal, asked)
        with _teller(house, as_json=common.json) as tell:
            try:
                _follow(found, tell, float("inf") if idle_seconds is None else idle_seconds)
            except KeyboardInterrupt:
                # Whoever watches ends it so; what is watched goes on.
                return 0
        if asked is None:
            return 0
        run = house.journal.reading.run(asked[0])
        return 0 if run.status is RunStatus.SUCCEEDED else 1


def _follow(found: Watch, tell: _Tell, idle_seconds: float) -> None:
    idle_since = time.monotonic()
    while True:
        changes = found.look()
        tell(changes, found)
        if changes or found.sights():
            idle_since = time.monotonic()
        if found.is_over() or time.monotonic() - idle_since >= idle_seconds:
            return
        time.sleep(LOOK_SECONDS)


@contextmanager
def _teller(house: wiring.Lakehouse, *, as_json: bool) -> Iterator[_Tell]:
    if as_json:
        yield _tell_json
    elif sys.stdout.isatty():
        with Live(console=output.console(), transient=True, auto_refresh=False) as live:
            yield _Screen(house, live).tell
    else:
        yield _Lines(house).tell


def _tell_json(changes: Sequence[Change], found: Watch) -> None:
    del found
    for change in changes:
        output.print_json(_as_json(change))


def _as_json(change: Change) -> dict[str, output.Json]:
    """One change as the object that `--json` prints."""
    of = {"run_id": change.run.run_id}
    if change.line is not None:
        return {"kind": "line", **show.value_json(change.line)}
    error = show.error_of(change.error)
    ending: dict[str, output.Json] = {
        "status": change.status,
        "error": None if error is None else show.error_json(error),
    }
    if not change.step:
        return {"kind": "run", **of, "for": show.purpose(change.run.request), **ending}
    units: dict[str, output.Json] = {"done": change.done, "total": change.total}
    return {"kind": "step", **of, "step": change.step, **ending, **units}


class _Lines:
    """A line for each change, for files and pipes."""

    def __init__(self, house: wiring.Lakehouse) -> None:
        self._house = house
        self._told_at: dict[tuple[str, str], float] = {}

    def tell(self, changes: Sequence[Change], found: Watch) -> None:
        """Print what has changed."""
        del found
        for change in changes:
            if change.done is None or self._is_due(change):
                output.print_line(f"{show.moment(datetime.now(UTC))} {_words(change)}")
            if not change.step and change.run.status.is_finished and change.line is None:
                progress.print_run(self._house, change.run)

    def _is_due(self, change: Change) -> bool:
        key, now = (change.run.run_id, change.step), time.monotonic()
        if now - self._told_at.get(key, now - PLAIN_SECONDS) < PLAIN_SECONDS:
            return False
        self._told_at[key] = now
        return True


def _words(change: Change) -> str:
    run = change.run
    if change.line is not None:
        return f"{run.run_id} {change.line.level}: {change.line.message}"
    if not change.step:
        return f"{run.run_id} {show.purpose(run.request)}: {change.status}"
    if change.done is not None:
        return f"{run.run_id} {change.step}: {_amount(change.step, change.done, change.total)}"
    words = show.first_words(change.error)
    return f"{run.run_id} {change.step}: {change.status}{': ' * bool(words)}{words}"


def _amount(step: str, done: int, total: int | None) -> str:
    if step.startswith("land:"):
        return output.size(done) + (f" of {output.size(total)}" if total else "")
    return count(done) + (f" of {count(total)}" if total else "") + " records"


class _Screen:
    """The runs that go on, drawn again and again; what is out of the ordinary stays above."""

    def __init__(self, house: wiring.Lakehouse, live: Live) -> None:
        self._house = house
        self._live = live

    def tell(self, changes: Sequence[Change], found: Watch) -> None:
        """Draw what is there now."""
        for change in changes:
            if change.line is not None:
                style = "bold red" if change.line.level == "error" else "yellow"
                self._live.console.print(Text(output.printable(_words(change)), style=style))
            elif not change.step and change.run.status.is_finished:
                progress.print_run(self._house, change.run)
        now = datetime.now(UTC)
        parts = [_drawn(sight, now) for sight in found.sights()]
        nothing = Text("nothing goes on; Ctrl-C ends this", style="dim")
        self._live.update(Group(*(parts or [nothing])), refresh=True)


def _drawn(sight: Sight, now: datetime) -> RenderableType:
    run = sight.run
    head = Text(output.printable(f"{run.run_id} {show.purpose(run.request)} "), style="bold")
    head.append(run.status, style=show.STYLES.get(run.status, ""))
    head.append(f" {show.seconds(_began(run), now)}", style="dim")
    table = Table.grid(padding=(0, 2))
    done = [step for step in sight.steps if step.status is StepStatus.SUCCEEDED]
    others = [step for step in sight.steps if step.status is not StepStatus.SUCCEEDED]
    room = max(_STEPS_MAX - len(others), 0)
    hidden = len(done) - len(done[-room:] if room else [])
    if hidden:
        table.add_row("", Text(f"{counted(hidden, 'step')} done", style="dim"))
    for step in (*(done[-room:] if room else ()), *others[:_STEPS_MAX]):
        table.add_row("", *_row(step, now))
    if len(others) > _STEPS_MAX:
        table.add_row("", Text(f"{counted(len(others) - _STEPS_MAX, 'step')} more", style="dim"))
    return Group(head, table)


def _began(run: Run) -> datetime:
    return run.started_at or run.queued_at


def _row(step: Step, now: datetime) -> tuple[RenderableType, ...]:
    name = Text(output.printable(step.name))
    status = Text(step.status, style=show.STYLES.get(step.status, ""))
    is_running = step.status is StepStatus.RUNNING
    ended_at = now if is_running else step.finished_at
    took = Text(show.seconds(step.started_at, ended_at), style="dim")
    if not is_running or step.done is None:
        return (name, status, took, Text(output.printable(show.step_result(step)), style="dim"))
    amount = Text(_amount(step.name, step.done, step.total), style="dim")
    bar = ProgressBar(total=step.total, completed=step.done, width=24, pulse=step.total is None)
    return (name, status, took, Group(amount, bar))

"""What a person sees, on stderr, while a run goes on: bytes, then records, rate and time left."""

import sys
from collections.abc import Collection, Iterator
from contextlib import contextmanager

from rich.progress import (
    BarColumn,
    Progress,
    ProgressColumn,
    SpinnerColumn,
    Task,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.text import Text

from lakewright import wiring
from lakewright.cli import output, show
from lakewright.runs.journal import Json, Run, RunStatus, StepStatus


class _Amount(ProgressColumn):
    """How much is done, and how fast."""

    def render(self, task: Task) -> Text:
        if not task.completed:
            return Text("")
        is_bytes = task.fields["unit"] == "bytes"
        amount = output.size if is_bytes else output.count
        text = amount(int(task.completed))
        if task.total:
            text += f" of {amount(int(task.total))}"
        if task.speed:
            text += f", {amount(int(task.speed))}/s"
        return Text(f"{text} {'' if is_bytes else task.fields['unit']}".rstrip(), style="dim")


class Bars:
    """Implements `runs.progress.Progress` on a terminal; use `bars` to make one."""

    def __init__(self, screen: Progress) -> None:
        self._screen = screen
        self._task: TaskID | None = None

    def receiving(self, name: str, size_bytes: int) -> None:
        """Bytes of a file begin to arrive."""
        self._begin(f"receive {name}", size_bytes, "bytes")

    def received(self, done: int) -> None:
        """So many bytes are there."""
        if self._task is not None:
            self._screen.update(self._task, completed=done)

    def clear(self) -> None:
        """Nothing is under way."""
        if self._task is not None:
            self._screen.remove_task(self._task)
            self._task = None

    def run_started(self, run: Run) -> None:
        """See `runs.progress.Progress`."""

    def step_started(self, run: Run, step: str, total: int | None) -> None:
        """See `runs.progress.Progress`."""
        del run
        unit = "bytes" if step.startswith("land:") else "records"
        self._begin(step.replace(":", " ", 1), total, unit)

    def step_progressed(self, run: Run, step: str, done: int) -> None:
        """See `runs.progress.Progress`."""
        del run, step
        self.received(done)

    def step_ended(self, run: Run, step: str, status: StepStatus, error: Json) -> None:
        """See `runs.progress.Progress`."""
        del run, error
        self.clear()
        if status is StepStatus.PENDING:
            output.print_note(f"{step} was interrupted and is tried again", style="yellow")

    def run_ended(self, run: Run) -> None:
        """See `runs.progress.Progress`."""

    def _begin(self, what: str, total: int | None, unit: str) -> None:
        self.clear()
        self._task = self._screen.add_task(output.printable(what), total=total, unit=unit)


@contextmanager
def bars() -> Iterator[Bars]:
    """Bars on stderr where it is a terminal; elsewhere they stay unseen."""
    screen = Progress(
        SpinnerColumn(),
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=24),
        _Amount(),
        TimeElapsedColumn(),
        TimeRemainingColumn(elapsed_when_finished=True),
        console=output.error_console(),
        transient=True,
        disable=not sys.stderr.isatty(),
    )
    with screen:
        yield Bars(screen)


def carry_out(house: wiring.Lakehouse, run_ids: Collection[str], *, as_json: bool) -> int:
    """Have runs carried out and print what became of them; the command's exit code."""
    with bars() as shown:
        runs = house.work(run_ids, shown)
    for run in runs:
        if as_json:
            output.print_json(show.value_json(run))
        else:
            print_run(run)
    return 0 if all(run.status is RunStatus.SUCCEEDED for run in runs) else 1


def print_run(run: Run) -> None:
    """One line for a finished run, one for each table that it published, and its errors."""
    took = show.seconds(run.started_at, run.finished_at)
    style = show.STYLES.get(run.status, "")
    output.print_line(f"run {run.run_id} {run.status} in {took}", style=style)
    for table, facts in sorted(show.published(run).items()):
        output.print_line(f"  {table:<32} {output.count(int(str(facts['rows']))):>12} rows")
    show.print_recorded_error(run.error)

"""What a person sees, on stderr, while a run goes on: bytes, then records, rate and time left."""

import shlex
import sys
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from rich.console import RenderableType
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
from rich.table import Column
from rich.text import Text

from lakewright import wiring
from lakewright.cli import output, show
from lakewright.plan.steps import landed_upload_id
from lakewright.runs import failure
from lakewright.runs.records import Json, Run, RunStatus, Step, StepStatus
from lakewright.wording import count

_LABELS = {
    "bronze": "load bronze.",
    "model": "build ",
    "check": "check ",
    "rollback": "roll back ",
    "compact": "compact ",
    "tidy": "tidy ",
}
"""What the kinds of step do to a table, as people say it."""


_WIDE = 110
"""Terminals of so many columns show all that is known on one line; others leave out the rate and
the time that has passed."""


class Amount(ProgressColumn):
    """How much is done, and, where there is room, how fast."""

    def __init__(self, *, is_wide: bool = True) -> None:
        super().__init__(table_column=Column(no_wrap=True))
        self._is_wide = is_wide

    def render(self, task: Task) -> Text:
        """See `rich.progress.ProgressColumn`."""
        done = int(task.completed)
        if not done:
            return Text("")
        is_bytes = task.fields["unit"] == "bytes"
        amount = output.size if is_bytes else count
        text = amount(done)
        if task.total:
            text += f" of {amount(int(task.total))}"
        if not is_bytes:
            text += f" {task.fields['unit']}"
        if task.speed and self._is_wide:
            text += f", {amount(int(task.speed))}/s"
        return Text(text, style="dim")


class Bars:
    """Implements `runs.progress.Progress` on a terminal; use `bars` to make one."""

    def __init__(self, screen: Progress, house: wiring.Lakehouse) -> None:
        self._screen = screen
        self._house = house
        self._task: TaskID | None = None
        self._total: int | None = None

    def receiving(self, name: str, size_bytes: int) -> None:
        """Bytes of a file begin to arrive."""
        self._begin(f"receive {name}", size_bytes, "bytes")

    def received(self, done: int) -> None:
        """So many bytes are there."""
        if self._task is not None:
            self._screen.update(self._task, completed=done, total=self._total)

    def shown(self) -> RenderableType:
        """What stands on the screen now."""
        return self._screen.get_renderable()

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
        kind, _, subject = step.partition(":")
        if kind == "fetch":
            self._begin("fetch files", None, "bytes")
            return
        if kind != "land":
            self._begin(_LABELS.get(kind, kind) + subject, total, "records")
            return
        upload = self._house.journal.reading.upload(landed_upload_id(step))
        self._begin(f"read {upload.file_name}", None, "bytes")
        # The bar is told it with the first bytes: who follows another process hears of none.
        self._total = upload.size_bytes

    def step_progressed(self, run: Run, step: str, done: int) -> None:
        """See `runs.progress.Progress`."""
        del run, step
        self.received(done)

    def step_ended(self, run: Run, step: str, status: StepStatus, error: Json) -> None:
        """See `runs.progress.Progress`."""
        del run
        self.clear()
        if status is not StepStatus.PENDING:
            return
        if failure.is_conflict(error):
            moved = failure.from_json(error)
            output.print_note(f"{moved.what}: the run is planned again", style="yellow")
        else:
            output.print_note(f"{step} was interrupted and is tried again", style="yellow")

    def run_ended(self, run: Run) -> None:
        """See `runs.progress.Progress`."""

    def _begin(self, what: str, total: int | None, unit: str) -> None:
        self.clear()
        self._total = total
        self._task = self._screen.add_task(output.printable(what), total=total, unit=unit)


@contextmanager
def bars(house: wiring.Lakehouse) -> Iterator[Bars]:
    """Bars on stderr where it is a terminal; elsewhere they stay unseen."""
    console = output.error_console()
    name = Column(no_wrap=True, overflow="ellipsis", max_width=max(console.width // 3, 10))
    columns: list[ProgressColumn] = [
        SpinnerColumn(),
        TextColumn("{task.description}", markup=False, table_column=name),
        BarColumn(bar_width=24 if console.width >= _WIDE else 8),
        Amount(is_wide=console.width >= _WIDE),
    ]
    if console.width >= _WIDE:
        columns.append(TimeElapsedColumn(table_column=Column(no_wrap=True)))
    screen = Progress(
        *columns,
        TimeRemainingColumn(elapsed_when_finished=True, table_column=Column(no_wrap=True)),
        console=console,
        transient=True,
        disable=not sys.stderr.isatty(),
    )
    with screen:
        yield Bars(screen, house)


def carry_out(house: wiring.Lakehouse, run_ids: Collection[str], *, as_json: bool) -> int:
    """Have runs carried out and print what became of them; the command's exit code."""
    with bars(house) as shown, resumable(house), wiring.lineage_after(house):
        runs = work(house, run_ids, shown)
    for run in runs:
        if as_json:
            output.print_json(show.value_json(run))
        else:
            print_run(house, run)
    wiring.tend(house)
    return 0 if all(run.status is RunStatus.SUCCEEDED for run in runs) else 1


def work(house: wiring.Lakehouse, run_ids: Collection[str], shown: Bars) -> tuple[Run, ...]:
    """Have runs carried out, and traced where that is wanted; what became of them."""
    with wiring.tracing() as trace:
        return house.work(run_ids, trace(shown, house.journal.reading))


@contextmanager
def resumable(house: wiring.Lakehouse) -> Iterator[None]:
    """Ctrl-C in here leaves runs that `lakewright run --pending` finishes."""
    try:
        yield
    except output.Interrupted:
        raise
    except KeyboardInterrupt:
        is_here = wiring.is_found_from(Path.cwd(), house.folder)
        where = [] if is_here else ["--project", str(house.folder)]
        raise output.Interrupted(shlex.join(["lakewright", "run", "--pending", *where])) from None


def print_run(house: wiring.Lakehouse, run: Run) -> None:
    """One line for a finished run, one for each table that it published, and its errors.

    Of a failed run it is said which tables are new, which stayed, and what can be done.
    """
    took = show.took(run, house.journal.reading)
    parts = house.journal.reading.run_uploads(run.run_id)
    status = show.run_status(run, parts)
    style = show.STYLES.get(status, "")
    output.print_line(f"run {run.run_id} {status} in {took}", style=style)
    show.print_suspicions(house.journal.reading.upload(each.upload_id) for each in parts)
    steps = house.journal.reading.steps(run.run_id)
    published, kept = show.published(run), kept_tables(steps)
    if published and run.status is RunStatus.FAILED:
        output.print_line("published")
    print_tables(published)
    print_kept(kept)
    show.print_recorded_error(run.error)
    if has_failed_model(steps):
        print_remedies([each.upload_id for each in parts])
    for warning in show.warnings(steps):
        output.print_warning(warning.what, warning.why)


def kept_tables(steps: Iterable[Step]) -> list[str]:
    """The tables that a run was to change and did not, as rows flow."""
    kept = [
        f"bronze.{subject}" if kind == "bronze" else subject
        for step in steps
        if step.status in (StepStatus.FAILED, StepStatus.SKIPPED)
        for kind, _, subject in [step.name.partition(":")]
        if kind in ("bronze", "model")
    ]
    return sorted(kept, key=show.layer_order)


def print_kept(tables: Sequence[str]) -> None:
    """The tables that a failed run left alone."""
    if tables:
        output.print_line(f"not changed: {', '.join(tables)}")


def has_failed_model(steps: Iterable[Step]) -> bool:
    """Whether a model's step failed, or a check of it."""
    return any(
        step.status is StepStatus.FAILED and step.name.startswith("model:") for step in steps
    )


def print_remedies(upload_ids: Sequence[str]) -> None:
    """What can be done where bronze is loaded, but a model failed on it."""
    note = "mend the model, then `lakewright run`"
    if upload_ids:
        note += f"; or take the rows out: `lakewright uploads remove {' '.join(upload_ids[:3])}`"
    output.print_note(note)


def print_tables(tables: Mapping[str, Mapping[str, Json]]) -> None:
    """The tables that were published, each with its rows, as rows flow."""
    names = sorted(tables, key=show.layer_order)
    rows = {name: count(int(str(tables[name]["rows"]))) for name in names}
    wide = max(map(len, names), default=0)
    long = max(map(len, rows.values()), default=0)
    for name in names:
        noun = "row" if rows[name] == "1" else "rows"
        output.print_line(f"  {name:<{wide}}  {rows[name]:>{long}} {noun}")

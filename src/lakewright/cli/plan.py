"""`lakewright plan`: what an upload or an edited model would cause, before anything runs."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from lakewright import errors, wiring
from lakewright.cli import format_option, output, show
from lakewright.cli.app import FLAG, Common
from lakewright.cli.format_option import FormatWords


def plan(
    files: Annotated[Sequence[Path], Parameter(show_default=False)] = (),
    /,
    *,
    source: str | None = None,
    format: FormatWords = (),  # noqa: A002 - it is the option's name
    model: Annotated[Sequence[str], Parameter(negative=(), show_default=False)] = (),
    full: Annotated[bool, FLAG] = False,
    common: Common = Common(),
) -> None:
    """Show the steps that uploading files, or running models, would cause. Nothing is changed.

    Runs that wait or were broken off would be finished first, and may make steps needless.

    Parameters
    ----------
    files
        Files that might be uploaded, all of one source; none: plan what `lakewright run` would do.
    source
        The source that they belong to. By default their names decide.
    model
        Only these models and what depends on them.
    full
        As if `lakewright run --full`.
    """
    from lakewright.plan import describe

    if files and (model or full):
        raise errors.UsageError(
            "files and models cannot be planned together",
            hint="leave out the files, or --model and --full",
        )
    if format and not files:
        raise errors.UsageError("--format says how files are written", hint="name the files")
    look = format_option.parse(format)
    with wiring.open_lakehouse(common.project) as house:
        made = (
            house.plan_files(files, source, look)
            if files
            else house.plan_models(model, is_full=full)
        )
        waiting = house.unfinished_runs()
    if common.json:
        output.print_json(show.value_json(made) | {"waiting": [run.run_id for run in waiting]})
        return
    for run in waiting:
        output.print_line(f"first: finish run {run.run_id} ({show.purpose(run.request)})")
    for line in describe.lines(made):
        output.print_line(line)

"""`lakewright run`: bring models up to date, or finish what was broken off."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated

from cyclopts import Parameter

from lakewright import wiring
from lakewright.cli import output, progress, show
from lakewright.cli.app import FLAG, Common
from lakewright.cli.variable_option import VariableWords
from lakewright.runs import accept, records, rules


def run(
    models: Annotated[Sequence[str], Parameter(show_default=False)] = (),
    /,
    *,
    full: Annotated[bool, FLAG] = False,
    var: VariableWords = (),
    pending: Annotated[bool, FLAG] = False,
    priority: records.Priority = records.Priority.NORMAL,
    common: Common = Common(),
) -> int:
    """Bring models, and what depends on them, up to date. Waiting runs are finished first.

    Parameters
    ----------
    models
        Such as `silver.orders`; none: all of them.
    full
        Build from all that the inputs hold, even where less would do.
    var
        A value of a project's variable for this run alone, as NAME=VALUE.
    pending
        Only finish runs that wait or were broken off.
    priority
        Which of the runs that wait for a worker goes first.
    """
    with wiring.open_lakehouse(common.project) as house:
        unfinished = house.unfinished_runs()
        waiting = [each.run_id for each in unfinished if pending or not rules.is_upkeep(each)]
        if pending and not waiting:
            output.print_note("no run is waiting")
        if not pending:
            house.check_models(models)
            now = datetime.now(UTC)
            asked = accept.request_models(
                house.journal,
                models,
                now,
                is_full=full,
                priority=priority,
                variables=house.variables(var),
            )
            waiting.append(asked.run_id)
        code = progress.carry_out(house, waiting, as_json=common.json)
        if not pending and not common.json:
            _say_if_idle(house, asked.run_id)
        return code


def _say_if_idle(house: wiring.Lakehouse, run_id: str) -> None:
    """Why a run has built nothing."""
    run = house.journal.reading.run(run_id)
    if run.status is not records.RunStatus.SUCCEEDED or show.published(run):
        return
    skipped = show.skipped(house.journal.reading.steps(run_id))
    skipped = {name: reason for name, reason in skipped.items() if reason != "up to date"}
    if not skipped:
        output.print_line("  nothing to do: every model is up to date")
    for name, reason in skipped.items():
        output.print_line(f"  {name} was left out: {reason}")

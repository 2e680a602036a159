"""Upkeep as faces want it: on the side, after a command's own result; or just what it would do."""

from collections.abc import Sequence
from contextlib import suppress

from lakewright import errors
from lakewright.runs import rules
from lakewright.runs.records import Json
from lakewright.runs.workers import caretaking
from lakewright.wiring.lakehouse import Lakehouse


def tend(house: Lakehouse) -> None:
    """Carry out the upkeep that the last runs asked for, if it is quick and all there is to do.

    What is not quick waits for a worker that stays, or for a person to ask for it. Nobody has
    asked for this, so an error of it, or Ctrl-C, is nobody's: the run says what became of it.
    """
    waiting = house.unfinished_runs()
    if waiting and all(map(rules.is_quick, waiting)) and not house.is_served():
        with suppress(errors.LakewrightError, KeyboardInterrupt):
            house.work([run.run_id for run in waiting])


def preview_upkeep(house: Lakehouse, tables: Sequence[str]) -> Json:
    """What upkeep of these tables would do, one by one."""
    kept = caretaking.tokens(house.journal.reading, house.storage)
    return house.ask("upkeep_preview", {"tables": list(tables), "tokens": kept})

"""The journal in a relational database: the same transactions, whichever database it is.

What is acknowledged to somebody (acceptance, the moment before a publish, the end of a run) is
synced to disk; the steps between are not, since a step may be repeated: a power failure loses some
of them, a killed process none.

Where transactions go on side by side, each holds what must stay as it has seen it, always in this
order, so that no two wait for each other:

    source ──▶ turns ──▶ the run's row ──▶ events

- `source`: what was delivered to one source, and what became of it. So its runs are in the order of
  their acceptance, and a delivery never meets an upload whose fate is just being written.
- `turns`: who carries out what, and so who has which table.
- `events`: their order. Whoever tells one commits before anybody else tells the next, so a reader
  that has seen a sequence never meets a lower one later.
"""

from lakewright.runs import journal, ownership
from lakewright.runs.journals.relational import (
    acceptance,
    control,
    execution,
    logbook,
    outbox,
    reading,
    timetable,
)
from lakewright.runs.journals.relational.database import Database


def open_journal(database: Database, owners: ownership.Owners) -> journal.Journal:
    """The journal that lies in this database, and those who own its runs."""
    return journal.Journal(
        acceptance=acceptance.Acceptance(database),
        execution=execution.Execution(database),
        reading=reading.Reading(database),
        control=control.Control(database),
        logbook=logbook.Logbook(database),
        outbox=outbox.Outbox(database),
        timetable=timetable.Timetable(database),
        owners=owners,
        listen=database.listen,
        close=database.close,
    )

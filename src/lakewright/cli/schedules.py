"""`lakewright schedules`: what is done by itself, when next, and once by hand."""

from datetime import UTC, datetime

from lakewright import errors, wiring
from lakewright.cli import output, progress, show
from lakewright.cli.app import Common
from lakewright.project.mistake import listing, suggestion
from lakewright.project.schedule import Fetch, Schedule
from lakewright.runs import timetable
from lakewright.runs.journal import Journal
from lakewright.runs.records import Run
from lakewright.wiring.schedules import check


def list_(*, common: Common = Common()) -> None:
    """List the schedules: when each fires next, when it last did, and what became of it."""
    from lakewright.runs.workers import scheduler

    now = datetime.now(UTC)
    with wiring.open_lakehouse(common.project) as house:
        files = house.schedules.files()
        check(files)
        found = [
            (file.schedule, scheduler.next_tick(file.schedule, now), *_last(house.journal, name))
            for name, file in files.items()
            if file.schedule is not None
        ]
        is_served = house.is_served()
    if common.json:
        output.print_json([_as_json(*each) for each in found])
        return
    if not found:
        output.print_note("there are no schedules; one is a file schedules/<name>.yaml")
        return
    output.print_table(
        ["schedule", "does", "cron", "zone", "next", "last", "run", "status"],
        [
            (
                schedule.name,
                _purpose(schedule),
                schedule.cron,
                schedule.time_zone,
                show.moment(following) if following else "never",
                show.moment(tick.at) if tick else "",
                tick.run_id if tick else "",
                run.status if run else "",
            )
            for schedule, following, tick, run in found
        ],
        spare=["zone", "does"],
        styles=show.STYLES,
    )
    if not is_served:
        output.print_note("no worker is there to fire them; start one with `lakewright worker`")


def _last(journal: Journal, name: str) -> tuple[timetable.Tick | None, Run | None]:
    """A schedule's last firing and its run, unless that is forgotten."""
    ticks = journal.timetable.ticks(timetable.subject_of(name), limit=1)
    if not ticks:
        return None, None
    try:
        return ticks[0], journal.reading.run(ticks[0].run_id)
    except errors.NotFound:
        return ticks[0], None


def _as_json(
    schedule: Schedule, following: datetime | None, tick: timetable.Tick | None, run: Run | None
) -> output.Json:
    return {
        **show.value_json(schedule),
        "next_at": following.isoformat() if following else None,
        "last_at": tick.at.isoformat() if tick else None,
        "run_id": tick.run_id if tick else None,
        "status": run.status.value if run else None,
    }


def _purpose(schedule: Schedule) -> str:
    if isinstance(schedule.action, Fetch):
        return f"fetch {schedule.action.source} from {schedule.action.location}"
    return f"run {', '.join(schedule.action.models)}"


def fire(name: str, /, *, common: Common = Common()) -> int:
    """Do now what a schedule does, whatever its time; it goes on as it would.

    Parameters
    ----------
    name
        The schedule's name: its file's, without `.yaml`.
    """
    from lakewright.runs.workers import fetching, scheduler

    with wiring.open_lakehouse(common.project) as house:
        files = house.schedules.files()
        file = files.get(name)
        if file is None:
            raise errors.NotFound(
                f"there is no schedule `{name}`",
                why=f"there are {listing(files)}" if files else "the project has no schedules",
                hint=suggestion(name, files, otherwise=f"write schedules/{name}.yaml"),
            )
        check({name: file})
        assert file.schedule is not None  # noqa: S101 -- a mistake has been raised
        tick = scheduler.fire_now(house.journal, file.schedule, datetime.now(UTC))
        code = progress.carry_out(house, [tick.run_id], as_json=common.json)
        loads = fetching.load_runs(house.journal.reading, tick.run_id)
        return max(code, progress.carry_out(house, loads, as_json=common.json)) if loads else code

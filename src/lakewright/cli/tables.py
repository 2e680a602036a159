"""`lakewright tables`: bronze, silver, gold and quarantine as they stand, and their history."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, cast

from cyclopts import Parameter

from lakewright import wiring
from lakewright.cli import output, progress, show
from lakewright.cli.app import FLAG, Common
from lakewright.runs import accept
from lakewright.runs.records import Step, StepStatus
from lakewright.wording import count


def list_(*, common: Common = Common()) -> None:
    """List the tables with their rows, files and sizes."""
    with wiring.open_lakehouse(common.project) as house:
        tables = [house.lake.describe(name) for name in house.lake.tables()]
    if common.json:
        output.print_json([show.value_json(table) for table in tables])
        return
    if not tables:
        output.print_note("there are no tables yet; try `lakewright upload FILE`")
        return
    output.print_table(
        ["table", "rows", "files", "size", "snapshots", "changed"],
        [
            (
                table.table,
                show.number(table.rows),
                show.number(table.files),
                output.size(table.size_bytes),
                show.number(table.snapshots),
                show.moment(table.changed_at),
            )
            for table in sorted(tables, key=lambda table: show.layer_order(table.table))
        ],
        right=["rows", "files", "size", "snapshots"],
        spare=["snapshots", "files", "changed"],
    )


def show_(table: str, /, *, common: Common = Common()) -> None:
    """Show one table: its columns, rows, files, bytes, snapshots and where it lies.

    Parameters
    ----------
    table
        Its name, such as `silver.orders`.
    """
    with wiring.open_lakehouse(common.project) as house:
        found = house.lake.describe(table)
    if common.json:
        output.print_json(show.value_json(found))
        return
    output.print_line(found.table, style="bold")
    if found.description:
        output.print_line(found.description)
    output.print_fields(
        [
            ("rows", count(found.rows)),
            ("files", f"{count(found.files)}, {output.size(found.size_bytes)}"),
            ("snapshot", f"{found.snapshot_id}, the newest of {found.snapshots}"),
            ("changed", show.moment(found.changed_at)),
            ("partitioning", ", ".join(found.partitioning) or "none"),
            ("location", found.location),
            ("metadata", found.metadata_location),
        ]
    )
    output.print_line()
    output.print_table(
        ["column", "type", "required", "description"],
        [
            (field.name, field.type, "yes" if field.is_required else "", field.description)
            for field in found.schema.fields
        ],
    )


def history(table: str, /, *, common: Common = Common()) -> None:
    """List a table's snapshots, newest first: each is a state to query or to go back to.

    Parameters
    ----------
    table
        Its name, such as `silver.orders`.
    """
    with wiring.open_lakehouse(common.project) as house:
        entries = house.lake.history(table)
    if common.json:
        output.print_json([show.value_json(entry) for entry in entries])
        return
    output.print_table(
        ["", "snapshot", "made", "operation", "rows", "added", "removed", "run"],
        [
            (
                "now" if entry.is_current else "" if entry.is_ancestor else "rolled back",
                entry.snapshot_id,
                show.moment(entry.made_at),
                entry.operation,
                show.number(entry.rows),
                show.number(entry.rows_added),
                show.number(entry.rows_removed),
                entry.run_id,
            )
            for entry in entries
        ],
        right=["rows", "added", "removed"],
        spare=["operation", "removed", "run"],
    )


def rollback(
    table: str,
    /,
    *,
    to: Annotated[int | None, Parameter(help="A snapshot id; the one before by default.")] = None,
    only: Annotated[bool, FLAG] = False,
    common: Common = Common(),
) -> int:
    """Make an earlier snapshot the table's present state. No snapshot is lost by it.

    What is made from the table is built in full in the same run, and published with it.

    Parameters
    ----------
    table
        Its name, such as `silver.orders`.
    only
        Leave what is made from the table as it is, until it runs again.
    """
    with wiring.open_lakehouse(common.project) as house:
        wanted = house.lake.earlier(table) if to is None else to
        house.lake.observe_at(table, wanted)
        now = datetime.now(UTC)
        asked = accept.request_rollback(house.journal, table, wanted, now, is_alone=only)
        code = progress.carry_out(house, [asked.run_id], as_json=common.json)
        if not common.json and house.lake.describe(table).snapshot_id == wanted:
            output.print_line(f"{table} is at snapshot {wanted} again")
            output.print_note(_what_follows(table, house.folder / "models", is_alone=only))
    return code


def upkeep(
    tables: Annotated[Sequence[str], Parameter(show_default=False)] = (),
    /,
    *,
    dry_run: Annotated[bool, FLAG] = False,
    common: Common = Common(),
) -> int:
    """Write small files again as few, forget old snapshots, delete files that nobody needs.

    Runs ask for it themselves where it is worth its while. No row changes by it.

    Parameters
    ----------
    tables
        Such as `silver.orders`; none: all of them.
    dry_run
        Only say what would be done.
    """
    with wiring.open_lakehouse(common.project) as house:
        for table in tables:
            house.lake.history(table)
        chosen = list(dict.fromkeys(tables or house.lake.tables()))
        if not chosen:
            output.print_note("there are no tables yet; try `lakewright upload FILE`")
            return 0
        if dry_run:
            _print_preview(wiring.preview_upkeep(house, chosen), as_json=common.json)
            return 0
        asked = accept.request_upkeep(house.journal, chosen, datetime.now(UTC))
        code = progress.carry_out(house, [asked.run_id], as_json=common.json)
        if not common.json:
            _print_upkeep(house.journal.reading.steps(asked.run_id))
        return code


def _print_preview(answer: output.Json, *, as_json: bool) -> None:
    """What upkeep would do to each table."""
    if as_json:
        output.print_json(answer)
        return
    columns = ["files to compact", "snapshots to forget", "files to delete", "size"]
    output.print_table(
        ["table", *columns],
        [
            (
                str(each["table"]),
                show.number(cast("int", each["files_compacted"])),
                show.number(cast("int", each["snapshots_forgotten"])),
                show.number(len(cast("list[str]", each["files_deleted"]))),
                output.size(cast("int", each["size_bytes_deleted"])),
            )
            for each in cast("list[Mapping[str, output.Json]]", answer)
        ],
        right=columns,
    )


def _print_upkeep(steps: Sequence[Step]) -> None:
    """What was done to each table."""
    done = [
        (table, show.step_result(step))
        for step in steps
        for kind, _, table in [step.name.partition(":")]
        if kind in ("compact", "tidy") and step.status is StepStatus.SUCCEEDED
    ]
    wide = max((len(table) for table, _ in done), default=0)
    for table, words in sorted(done, key=lambda each: show.layer_order(each[0])):
        output.print_line(f"  {table:<{wide}}  {words}")


def _what_follows(table: str, models: Path, *, is_alone: bool) -> str:
    """What runs will do to a table that was rolled back, and to what reads it."""
    layer, _, name = table.partition(".")
    follows = "what reads it was built from there"
    if is_alone:
        follows = "what reads it stays as it was until `lakewright run`"
    if layer == "bronze":
        return (
            f"{follows}; the rows that went come back when their file is uploaded again, or by"
            f" `lakewright sources rebuild {name}`; `lakewright uploads list` shows whose they were"
        )
    if (models / layer / f"{name}.sql").is_file():
        return (
            f"{table} stays so until the next run that reaches it, such as `lakewright run`: if its"
            " query or what it reads is another than this snapshot was built from, that builds it"
            " again from the present state; to keep it, change the model or roll back what it reads"
        )
    return follows

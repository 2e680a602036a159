"""`lakewright sql`: ask one question of the tables, as of now or of any moment before."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, cast

from cyclopts import Parameter

from lakewright import errors, wiring
from lakewright.cli import output, show
from lakewright.cli.app import Common
from lakewright.wording import counted

_ROWS_SHOWN = 200


def sql(
    query: str,
    /,
    *,
    at: str | None = None,
    output_file: Annotated[Path | None, Parameter(name="--output")] = None,
    common: Common = Common(),
) -> None:
    """Run one SELECT of portable SQL over the tables.

    Parameters
    ----------
    query
        Such as `SELECT count(*) FROM silver.orders`.
    at
        A snapshot id, or a time such as 2026-01-31T08:30:00Z: the tables as they were then.
    output_file
        Write the whole answer to this file: .csv, .json, .jsonl or .parquet.
    """
    if not query.strip():
        raise errors.UsageError(
            "the query is empty", hint="lakewright sql 'SELECT count(*) FROM LAYER.TABLE'"
        )
    rows_max = None if common.json else _ROWS_SHOWN
    payload = {
        "sql": query,
        "at": at,
        "rows_max": rows_max,
        "output": str(output_file.absolute()) if output_file else None,
    }
    with wiring.open_lakehouse(common.project) as house:
        answer = cast("Mapping[str, output.Json]", house.ask("query", payload))
    if output_file is not None:
        written = cast("int", answer["rows_written"])
        if common.json:
            output.print_json({"rows_written": written, "file": str(output_file)})
        else:
            output.print_line(f"{counted(written, 'row')} written to {output_file}")
        return
    if common.json:
        output.print_json({"columns": answer["columns"], "rows": answer["rows"]})
        return
    columns = cast("list[Mapping[str, str]]", answer["columns"])
    rows = cast("list[list[output.Json]]", answer["rows"])
    _print(columns, [[show.cell(value) for value in row] for row in rows])
    if answer["has_more"]:
        output.print_note(
            f"the first {_ROWS_SHOWN} rows; --output FILE writes all, LIMIT asks for fewer"
        )


def _print(columns: Sequence[Mapping[str, str]], rows: Sequence[Sequence[str]]) -> None:
    """The answer as a table, or, where the screen is too narrow for that, one value to a line."""
    names = [column["name"] for column in columns]
    if output.fits(names, rows) or not rows:
        right = [column["name"] for column in columns if show.is_number(column["type"])]
        output.print_table(names, rows, right=right)
        return
    for number, row in enumerate(rows, start=1):
        output.print_line(f"row {number}", style="bold")
        output.print_fields(list(zip(names, row, strict=True)))

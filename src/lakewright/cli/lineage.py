"""`lakewright lineage`: where tables and columns come from, and what depends on them."""

from typing import Annotated

from lakewright import wiring
from lakewright.cli import output
from lakewright.cli.app import FLAG, Common


def lineage(
    name: str | None = None,
    /,
    *,
    down: Annotated[bool, FLAG] = False,
    common: Common = Common(),
) -> None:
    """Draw the lineage of the project, or of one table or column.

    Parameters
    ----------
    name
        A table, such as `gold.daily_revenue`, or a column, such as
        `gold.daily_revenue.revenue`. By default the whole project.
    down
        Show what depends on it rather than what it comes from.
    """
    from lakewright.plan.lineage import lineage as trace

    with wiring.open_lakehouse(common.project) as house:
        project = house.project()
        schemas = house.source_schemas(project)
    found = trace(project.models, schemas)
    if common.json:
        if name is None:
            output.print_json(
                {
                    "tables": {key: list(value) for key, value in found.tables.items()},
                    "columns": {key: list(value) for key, value in found.columns.items()},
                }
            )
        else:
            output.print_json(
                {
                    "name": name,
                    "upstream": list(found.upstream(name)),
                    "downstream": list(found.downstream(name)),
                }
            )
        return
    if name is None:
        lines = found.lines()
    else:
        lines = found.downstream_lines(name) if down else found.upstream_lines(name)
    for line in lines:
        output.print_line(line)
    if not lines:
        output.print_note("the project has no tables yet")

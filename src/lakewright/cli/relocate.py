"""`lakewright relocate`: make tables readable again after their folder has moved."""

from lakewright import wiring
from lakewright.cli import output
from lakewright.cli.app import Common
from lakewright.wording import counted


def relocate(*, common: Common = Common()) -> None:
    """Rewrite the paths in the tables' metadata after the project's folder was moved or copied."""
    with wiring.open_lakehouse(common.project) as house:
        tables = house.lake.relocate()
    if common.json:
        output.print_json({"relocated": list(tables)})
    elif tables:
        verb = "refers" if len(tables) == 1 else "refer"
        output.print_line(f"{counted(len(tables), 'table')} now {verb} to {house.storage}")
    else:
        output.print_line("every table already refers to this folder")

"""`lakewright validate`: check a project without touching data."""

from lakewright import wiring
from lakewright.cli import output
from lakewright.cli.app import Common
from lakewright.wording import counted


def validate(*, common: Common = Common()) -> None:
    """Check every file of the project; all mistakes are shown at once, each with its place."""
    with wiring.open_lakehouse(common.project) as house:
        project = house.project()
    if common.json:
        output.print_json(
            {
                "name": project.name,
                "sources": sorted(project.sources),
                "models": sorted(project.models),
                "pending": dict(project.pending),
                "problems": [],
            }
        )
        return
    output.print_line(
        f"{project.name}: {counted(len(project.sources), 'source')} and"
        f" {counted(len(project.models), 'model')} are in order",
        style="green",
    )
    for model, reason in project.pending.items():
        output.print_warning(f"{model} {reason}")

"""`lakewright validate`: check a project without touching data."""

from lakewright import wiring
from lakewright.cli import output
from lakewright.cli.app import Common
from lakewright.wording import counted


def validate(*, common: Common = Common()) -> None:
    """Check every file of the project; all mistakes are shown at once, each with its place."""
    with wiring.open_lakehouse(common.project) as house:
        project = house.project(with_tests=True)
    if common.json:
        output.print_json(
            {
                "name": project.name,
                "sources": sorted(project.sources),
                "models": sorted(project.models),
                "schedules": sorted(project.schedules),
                "tests": list(project.select_tests(())),
                "pending": dict(project.pending),
                "unfit": {
                    model: [output.problem_json(problem) for problem in problems]
                    for model, problems in project.unfit.items()
                },
                "problems": [],
            }
        )
        return
    parts = [counted(len(project.sources), "source"), counted(len(project.models), "model")]
    parts += [counted(len(project.schedules), "schedule")] if project.schedules else []
    tests = len(project.select_tests(()))
    parts += [counted(tests, "test")] if tests else []
    text = f"{project.name}: {', '.join(parts[:-1])} and {parts[-1]} are in order"
    if project.unfit:
        text += f", but what files have brought does not fit {counted(len(project.unfit), 'model')}"
    output.print_line(text, style="yellow" if project.unfit else "green")
    for model, reason in project.pending.items():
        for problem in project.unfit.get(model, ()):
            output.print_held_back(problem)
        if model not in project.unfit:
            output.print_warning(f"{model} {reason}")

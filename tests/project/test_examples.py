from pathlib import Path

import pytest

from lakewright.project import files, load
from lakewright.project.project import Project

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
TABLES = {
    "shop": ("gold.customer_metrics", "gold.daily_revenue", "silver.customers", "silver.orders"),
    "flights": (
        "gold.delay_by_carrier_month",
        "gold.delay_by_weather",
        "gold.worst_routes",
        "silver.airports",
        "silver.carriers",
        "silver.flights",
        "silver.planes",
        "silver.weather",
    ),
}


def project_of(name: str) -> Project:
    folder = EXAMPLES / name
    return load.load(
        {
            path.relative_to(folder).as_posix(): path.read_text(encoding="utf-8")
            for pattern in files.PROJECT_FILES
            for path in folder.glob(pattern)
        }
    )


def test_every_example_is_named_here() -> None:
    assert {path.parent.name for path in EXAMPLES.glob("*/lakewright.yaml")} == set(TABLES)


@pytest.mark.parametrize("name", TABLES)
def test_an_example_is_a_sound_project_with_a_tutorial(name: str) -> None:
    project = project_of(name)
    assert tuple(sorted(project.models)) == TABLES[name]
    assert set(project.resolved) == set(project.models)
    assert (EXAMPLES / name / "README.md").is_file()
    for model in project.models.values():
        assert model.description
        assert model.checks


def test_every_file_of_the_flights_package_belongs_to_one_source() -> None:
    project = project_of("flights")
    for name in ("flights", "weather", "planes", "airports", "airlines"):
        source = project.source_for(f"{name}.csv")
        assert source is not None
        assert source.name == name
        assert project.source_for(f"{name}.csv.gz") == source

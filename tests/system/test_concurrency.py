"""Several processes upload at once: every row is there once, and each table's history is a line."""

from collections.abc import Mapping
from pathlib import Path

import pytest
from pyiceberg.table import StaticTable

from tests.system.conftest import House, Json

SECONDS_MAX = 900
ROWS = 50
SOURCE = "columns: [{name: id, type: bigint}, {name: n, type: int}]\n"


def content(number: int) -> str:
    lines = [f"{number * ROWS + place},{number}" for place in range(ROWS)]
    return "\n".join(["id,n", *lines]) + "\n"


def upload_at_once(house: House, files: Mapping[str, list[Path]]) -> list[Json]:
    """One process for each; what they printed."""
    started = [house.start("upload", *paths, "--source", source, "--json")
               for source, paths in files.items()]  # fmt: skip
    return finished(started)


def finished(processes: list[Json]) -> list[Json]:
    """What each process printed; all of them must have succeeded."""
    answers = []
    for process in processes:
        with process:
            answers.append((*process.communicate(timeout=SECONDS_MAX), process.returncode))
    assert all(code == 0 for _, _, code in answers), answers
    return [[House.parse(line) for line in out.splitlines()] for out, _, _ in answers]


def is_linear(house: House, name: str) -> bool:
    """Whether every snapshot's parent is the one before it; the first one's may be gone."""
    table = StaticTable.from_metadata(house.ask("tables", "show", name)["metadata_location"])
    snapshots = sorted(table.metadata.snapshots, key=lambda each: each.sequence_number or 0)
    parents = [each.parent_snapshot_id for each in snapshots]
    return parents[1:] == [each.snapshot_id for each in snapshots[:-1]]


def ids(house: House, name: str) -> list[int]:
    found: list[int] = house.table(name).column("id").to_pylist()
    return sorted(found)


@pytest.mark.parametrize(
    ("writers", "each"), [(4, 10), pytest.param(16, 200, marks=pytest.mark.slow)]
)
def test_processes_that_upload_to_one_source_add_every_row_once(
    house: House, writers: int, each: int
) -> None:
    model = "/*\nwrite: append\n*/\nSELECT id FROM bronze.events"
    house.write({"sources/events.yaml": SOURCE, "models/silver/events.sql": model})
    count = writers * each
    files = [house.file(f"events_{number}.csv", content(number)) for number in range(count)]
    started = [house.start("upload", *files[writer::writers], "--source", "events", "--json")
               for writer in range(writers)]  # fmt: skip
    uploads = [upload for printed in finished(started) for upload in printed]
    assert [upload["status"] for upload in uploads] == ["loaded"] * count
    assert [upload["rows_loaded"] for upload in uploads] == [ROWS] * count
    assert ids(house, "bronze.events") == list(range(count * ROWS))
    assert ids(house, "silver.events") == list(range(count * ROWS))
    for name in house.table_names():
        assert is_linear(house, name), name


def test_processes_that_upload_the_same_file_load_it_once(house: House) -> None:
    file = house.file("events.csv", content(0))
    started = [house.start("upload", file, "--json") for _ in range(3)]
    uploads = [each for printed in finished(started) for each in printed]
    assert {each["status"] for each in uploads} <= {"loaded", "already_loaded"}
    assert len({each["upload_id"] for each in uploads}) == 1
    assert ids(house, "bronze.events") == list(range(ROWS))
    assert len(house.snapshots()["bronze.events"]) == 1


def test_processes_that_upload_to_sources_of_one_model_all_reach_it(house: House) -> None:
    names = ("first", "second", "third")
    union = " UNION ALL ".join(f"SELECT id FROM bronze.{name}" for name in names)
    house.write({"models/gold/all.sql": union})
    house.write({f"sources/{name}.yaml": SOURCE for name in names})
    files = {
        name: [house.file(f"{name}.csv", content(number))] for number, name in enumerate(names)
    }
    upload_at_once(house, files)
    assert ids(house, "gold.all") == list(range(3 * ROWS))
    for name in house.table_names():
        assert is_linear(house, name), name

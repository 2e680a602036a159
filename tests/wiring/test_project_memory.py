from pathlib import Path

import pytest

from lakewright.project import load
from lakewright.project.memory import Memory
from lakewright.wiring.project_memory import ProjectMemory
from lakewright.wiring.projects import Projects

FILES = {
    "lakewright.yaml": "name: shop\n",
    "sources/orders.yaml": (
        "columns:\n  - {name: id, type: bigint}\n  - {name: tags, type: array<string>}\n"
        "  - {name: extra, type: 'struct<a:int,b:map<string,decimal(9,2)>>'}\n"
    ),
    "models/silver/orders.sql": (
        "/*\nchecks:\n  - unique: id\n  - range: {column: id, min: 1}\n"
        "partitioning: bucket(4, id)\n"
        "columns: {id: Its number.}\n*/\nSELECT id, tags, extra FROM bronze.orders\n"
    ),
    "models/silver/counts.sql": "SELECT id, count(*) AS n FROM silver.orders GROUP BY id\n",
    "models/gold/totals.sql": "SELECT sum(n) AS n FROM silver.counts\n",
    "models/gold/scored.py": (
        '"""\nreads: silver.orders\ncolumns: [{name: score, type: int, description: How.}]\n"""\n'
        "def model(inputs):\n    return inputs\n"
    ),
}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "cache" / "project.txt"


def learned(path: Path) -> Memory:
    memory = Memory(ProjectMemory(path))
    load.load(FILES, None, memory)
    return memory


def test_what_is_kept_comes_back_as_it_was(path: Path) -> None:
    found = learned(path).found
    ProjectMemory(path).keep(found)
    again = ProjectMemory(path)
    assert dict(again) == dict(found)
    memory = learned(path)
    assert not memory.is_changed
    assert load.load(FILES, None, memory) == load.load(FILES)


@pytest.mark.parametrize("place", [0, 40, 300, -1, -200])
def test_a_damaged_file_is_as_good_as_none(path: Path, place: int) -> None:
    ProjectMemory(path).keep(learned(path).found)
    data = bytearray(path.read_bytes())
    data[place] ^= 1
    path.write_bytes(data)
    memory = learned(path)
    assert memory.is_changed
    assert load.load(FILES, None, memory) == load.load(FILES)
    ProjectMemory(path).keep(memory.found)
    assert not learned(path).is_changed


def test_a_file_that_was_torn_is_mended(path: Path) -> None:
    ProjectMemory(path).keep(learned(path).found)
    path.write_bytes(path.read_bytes()[:-100])
    memory = learned(path)
    assert memory.is_changed
    assert load.load(FILES, None, memory) == load.load(FILES)


def test_two_processes_keep_what_both_have_found_out(path: Path) -> None:
    found = dict(learned(path).found)
    half = len(found) // 2
    first, second = dict(list(found.items())[:half]), dict(list(found.items())[half:])
    ProjectMemory(path).keep({})
    one, other = ProjectMemory(path), ProjectMemory(path)
    one.keep({})
    other.keep(first)
    one = ProjectMemory(path)
    other.keep({**first, **second})
    one.keep(second)
    assert dict(ProjectMemory(path)) == found


def test_a_file_that_cannot_be_written_fails_nothing(tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("a file stands where the folder should be")
    path = tmp_path / "cache" / "project.txt"
    ProjectMemory(path).keep(learned(path).found)
    assert learned(path).is_changed


def test_only_a_large_project_is_remembered_in_its_storage(tmp_path: Path) -> None:
    folder, storage = tmp_path / "lake", tmp_path / "state"
    for name, text in FILES.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, "utf-8")
    assert Projects(folder, storage).load({}) == load.load(FILES)
    assert not storage.exists()
    for number in range(100):
        (folder / "models" / "gold" / f"m_{number}.sql").write_text("SELECT id FROM silver.orders")
    first = Projects(folder, storage).load({})
    assert (storage / "cache" / "project.txt").is_file()
    assert Projects(folder, storage).load({}) == first

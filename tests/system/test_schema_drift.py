"""128 daily files of a real feed, whose columns grow from 24 to 30: any order, the same table."""

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import duckdb
import pytest

from tests.system.conftest import Digest, House, of_data

SEED = 2020
SOURCE = """
description: Daily figures of Italy's regions.
match: "dpc-covid19-ita-regioni-*.csv"
columns:
  - {name: data, type: timestamp_ntz, required: true}
  - {name: codice_regione, type: int, required: true}
  - {name: totale_casi, type: bigint}
"""


def every(step: int) -> Sequence[Path]:
    """Every so manieth file, from the newest, which has all the columns."""
    found = sorted(of_data("schema-drift").glob("*.csv"))
    assert len(found) == 128
    return found[::-step][::-1]


def project(folder: Path, *, is_declared: bool) -> House:
    files = {"lakewright.yaml": "name: drift\n"}
    if is_declared:
        files["sources/regioni.yaml"] = SOURCE
    return House(folder).write(files)


def comparable(house: House) -> tuple[dict[str, str], Digest]:
    """The columns as a set, with their types, and the rows."""
    fields = house.warm.lake.describe("bronze.regioni").schema.fields
    house.close()
    columns = {each.name: str(each.type) for each in fields}
    return columns, house.digest("bronze.regioni")


@dataclass(frozen=True, kw_only=True)
class Feed:
    """Files, and the project into which they were loaded in one delivery, by their days."""

    files: Sequence[Path]
    is_declared: bool
    house: House


FEEDS = [
    pytest.param((4, False), id="inferred"),
    pytest.param((4, True), id="declared"),
    pytest.param((1, False), id="inferred, all", marks=pytest.mark.slow),
    pytest.param((1, True), id="declared, all", marks=pytest.mark.slow),
]


@pytest.fixture(scope="module", params=FEEDS)
def feed(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Feed:
    step, is_declared = request.param
    house = project(tmp_path_factory.mktemp("drift") / "project", is_declared=is_declared)
    files = every(step)
    house.load(*files, source="regioni")
    house.close()
    return Feed(files=files, is_declared=is_declared, house=house)


def test_every_row_and_every_column_of_every_day_is_there(
    feed: Feed,
) -> None:
    house = feed.house
    connection = duckdb.connect()
    paths = [str(file) for file in feed.files]
    connection.execute(
        f"CREATE VIEW f AS FROM read_csv({paths}, union_by_name = true, all_varchar = true)"
    )
    query = (
        "SELECT count(*), sum(totale_casi::BIGINT), sum(deceduti::BIGINT),"
        " count(DISTINCT data), sum(casi_testati::BIGINT) FROM {}"
    )
    wanted = connection.execute(query.format("f")).fetchall()
    columns = {name for name, *_ in connection.execute("DESCRIBE f").fetchall()}
    table = house.table("bronze.regioni")
    connection.register("t", table)
    assert connection.execute(query.format("t")).fetchall() == wanted
    assert {name for name in table.column_names if not name.startswith("_")} == columns
    assert len(columns) == 30
    assert house.count("quarantine.regioni") == 0


def shuffled(files: Sequence[Path]) -> list[Path]:
    chosen = list(files)
    random.Random(SEED).shuffle(chosen)
    return chosen


def groups(files: Sequence[Path]) -> list[Sequence[Path]]:
    """In groups of several sizes."""
    ends = (0, 1, len(files) // 16, len(files) // 4, len(files) // 2, len(files))
    return [files[start:end] for start, end in pairwise(ends)]


def twice(files: Sequence[Path]) -> list[Sequence[Path]]:
    mixed = shuffled(files)
    return [*groups(mixed), mixed[: len(mixed) // 3]]


def backwards(files: Sequence[Path]) -> list[Sequence[Path]]:
    return groups(files[::-1])


@pytest.mark.parametrize("deliver", [twice, backwards])
def test_any_order_and_grouping_gives_the_same_table(
    feed: Feed, tmp_path: Path, deliver: Callable[[Sequence[Path]], list[Sequence[Path]]]
) -> None:
    house = project(tmp_path / "project", is_declared=feed.is_declared)
    for group in deliver(feed.files):
        house.load(*group, source="regioni")
    assert comparable(house) == comparable(feed.house)


def test_a_few_files_one_by_one_equal_the_same_at_once(tmp_path: Path) -> None:
    chosen = shuffled(every(16))
    together = project(tmp_path / "together", is_declared=False)
    together.load(*chosen, source="regioni")
    alone = project(tmp_path / "alone", is_declared=False)
    for file in chosen[::-1]:
        alone.load(file, source="regioni")
    assert comparable(alone) == comparable(together)


@pytest.mark.slow
def test_all_files_one_by_one_shuffled_and_twice_give_the_same_table(tmp_path: Path) -> None:
    together = project(tmp_path / "together", is_declared=False)
    together.load(*every(1), source="regioni")
    alone = project(tmp_path / "alone", is_declared=False)
    for file in [*shuffled(every(1)), *every(1)]:
        alone.load(file, source="regioni")
    assert comparable(alone) == comparable(together)

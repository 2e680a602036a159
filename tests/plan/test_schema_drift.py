"""A real feed whose columns grow from 24 to 30, through the real reader."""

import random
from pathlib import Path

import pytest

from lakewright.ingest import landing
from lakewright.plan import evolution, steps
from lakewright.plan.landed import Landed
from lakewright.project.contract import Contract
from lakewright.project.source import Source

FOLDER = Path(__file__).resolve().parents[3] / "shared" / "data" / "schema-drift"


@pytest.fixture(scope="module")
def arrivals(tmp_path_factory: pytest.TempPathFactory) -> list[Landed]:
    files = sorted(FOLDER.glob("*.csv"))
    if not files:
        pytest.skip(f"THE PUBLIC TEST DATA IS ABSENT: no files in {FOLDER}")
    folder = tmp_path_factory.mktemp("parts")
    return [
        landing.land(
            steps.Land(
                upload_id=file.stem,
                source="feed",
                file_name=file.name,
                sha256="",
                format=None,
                contract=None,
            ),
            file,
            folder / file.stem,
            lambda _: None,
        )
        for file in files
    ]


def contract(arrivals: list[Landed], batch: int) -> Contract:
    """The contract after the files in this order, so many at a time."""
    present: Contract | None = None
    for start in range(0, len(arrivals), batch):
        evolved = evolution.evolve(Source(name="feed"), present, arrivals[start : start + batch])
        assert evolved.rebuild_reasons == ()
        present = evolved.contract
    assert present is not None
    return present


def test_in_order_shuffled_and_twice_a_growing_feed_has_the_same_thirty_columns(
    arrivals: list[Landed],
) -> None:
    in_order = contract(arrivals, batch=1)
    assert len(in_order.columns) == 30
    twice = arrivals * 2
    random.Random(7).shuffle(twice)
    assert contract(arrivals, batch=len(arrivals)) == in_order
    assert contract(twice, batch=1) == in_order
    assert contract(twice, batch=10) == in_order

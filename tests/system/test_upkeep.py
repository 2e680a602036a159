"""Tables are kept up on the side, by whoever has just loaded them, or because a person asks."""

import json
from pathlib import Path

import pytest

from tests.system.conftest import House

KEPT = "name: x\nenvironments: {local: {snapshots_kept: 2, orphans_kept: 12h}}\n"


@pytest.fixture
def house(tmp_path: Path) -> House:
    return House(tmp_path / "project").write({"lakewright.yaml": KEPT})


def load(house: House, numbers: range) -> None:
    for number in numbers:
        house.upload(house.file(f"things_{number}.csv", f"id\n{number}\n"), "--source", "things")


def test_a_command_keeps_tables_up_after_its_own_result(house: House) -> None:
    load(house, range(2))
    assert {run["request"]["kind"] for run in house.ask("runs", "list")} == {"upload"}
    load(house, range(2, 6))
    runs = house.ask("runs", "list")
    upkeep = [run for run in runs if run["request"]["kind"] == "upkeep"]
    assert upkeep
    assert {run["status"] for run in runs} == {"succeeded"}
    assert len(house.ask("tables", "history", "bronze.things")) <= 3
    assert house.count("bronze.things") == 6
    # What a person looks at is what a person asked for.
    assert house.ask("runs", "show")["request"]["kind"] == "upload"


def test_a_person_sees_what_upkeep_would_do_and_what_it_did(house: House) -> None:
    load(house, range(2))
    house.write({"lakewright.yaml": KEPT.replace("snapshots_kept: 2", "snapshots_kept: 1")})
    would = house.ask("tables", "upkeep", "bronze.things", "--dry-run")
    assert [(each["table"], each["snapshots_forgotten"]) for each in would] == [
        ("bronze.things", 1)
    ]
    assert len(house.ask("tables", "history", "bronze.things")) == 2
    said = house.do("tables", "upkeep", "bronze.things")
    assert said.code == 0
    assert "bronze.things  1 snapshot forgotten" in said.out
    assert len(house.ask("tables", "history", "bronze.things")) == 1
    assert house.do("tables", "upkeep", "bronze.nothing").code == 5
    assert house.do("tables", "upkeep", "--dry-run").code == 0


@pytest.mark.parametrize(
    ("setting", "why"), [("snapshots_kept: 0", "snapshots_kept"), ("orphans_kept: soon", "soon")]
)
def test_a_setting_that_keeps_nothing_or_no_time_is_refused(
    house: House, setting: str, why: str
) -> None:
    house.write({"lakewright.yaml": f"name: x\nenvironments: {{local: {{{setting}}}}}\n"})
    said = house.do("tables", "list", "--json")
    assert said.code != 0
    assert why in json.dumps(said.json) + said.err

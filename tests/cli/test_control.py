"""People stop, hurry and hold back what is carried out."""

from pathlib import Path

import pytest

from tests.cli.conftest import Type


@pytest.fixture
def lake(lakewright: Type, tmp_path: Path) -> Path:
    assert lakewright("init", "lake").code == 0
    (tmp_path / "visits.csv").write_text("id,n\n1,2\n", "utf-8")
    (tmp_path / "orders.csv").write_text("id,n\n1,2\n", "utf-8")
    return tmp_path / "lake"


def test_a_file_for_a_paused_source_waits_until_it_is_resumed(lakewright: Type, lake: Path) -> None:
    there = ("--project", str(lake))
    said = lakewright("sources", "pause", "visits", "--reason", "half a file", *there)
    assert said.out == "visits is paused: what is delivered to it waits\n"
    said = lakewright("upload", "visits.csv", "orders.csv", *there)
    assert said.code == 0, said.err
    assert "visits.csv: accepted (source visits)" in said.out
    assert "orders.csv: loaded (source orders)" in said.out
    assert "visits is paused (half a file)" in said.err
    listed = lakewright("sources", "list", "--json", *there).json
    assert isinstance(listed, list)
    assert {each["source"]: each["paused"] for each in listed}["orders"] is False
    resumed = lakewright("sources", "resume", "visits", *there)
    assert resumed.code == 0, resumed.err
    assert "bronze.visits" in resumed.out
    assert lakewright("sources", "resume", "visits", *there).out == "visits was not paused\n"


def test_a_run_that_waits_is_cancelled_and_taken_up_again(lakewright: Type, lake: Path) -> None:
    there = ("--project", str(lake))
    accepted = lakewright("upload", "visits.csv", "--no-wait", "--json", *there).jsons[0]
    assert accepted["status"] == "accepted"
    run_id = str(accepted["run_id"])
    said = lakewright("runs", "cancel", run_id, *there)
    assert (said.code, said.out) == (0, f"run {run_id} is cancelled\n")
    listed = lakewright("runs", "list", *there)
    assert "cancelled" in listed.out
    assert lakewright("runs", "cancel", run_id, *there).code == 6
    retried = lakewright("runs", "retry", run_id, *there)
    assert retried.code == 0, retried.err
    assert "bronze.visits" in retried.out


def test_a_run_is_asked_for_once_more(lakewright: Type, lake: Path) -> None:
    there = ("--project", str(lake))
    loaded = lakewright("upload", "visits.csv", "--json", *there).jsons[0]
    again = lakewright("runs", "rerun", str(loaded["run_id"]), "--json", *there)
    assert again.code == 0, again.err
    (run,) = again.jsons
    assert run["run_id"] != loaded["run_id"]
    rows = lakewright("sql", "select count(*) as n from bronze.visits", "--json", *there).json
    assert isinstance(rows, dict)
    assert rows["rows"] == [[1]]


def test_what_is_accepted_without_waiting_is_loaded_by_the_next_command(
    lakewright: Type, lake: Path
) -> None:
    there = ("--project", str(lake))
    said = lakewright("upload", "visits.csv", "--no-wait", "--priority", "high", *there)
    assert "it waits for a worker" in said.err
    assert lakewright("run", "--pending", *there).code == 0
    listed = lakewright("uploads", "list", "--json", *there).json
    assert isinstance(listed, list)
    assert [each["status"] for each in listed] == ["loaded"]

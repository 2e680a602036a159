import time
from datetime import UTC, datetime
from pathlib import Path

import pytest

from lakewright import wiring
from lakewright.runs.records import RequestKind, RunStatus
from lakewright.runs.timetable import subject_of
from lakewright.runs.workers import scheduler
from tests.cli.conftest import Said, say
from tests.cli.test_worker import SECONDS_MAX, lines_until, worker

FETCH = "cron: '* * * * *'\nmissed: all\nfetch: {source: orders, from: 'in/*.csv'}\n"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "lake"
    for name in ("in", "schedules", "models/gold"):
        (folder / name).mkdir(parents=True)
    (folder / "lakewright.yaml").write_text("name: lake\n", "utf-8")
    (folder / "schedules/inbox.yaml").write_text(FETCH, "utf-8")
    (folder / "schedules/nightly.yaml").write_text(
        "cron: 15 6 * * *\ntime_zone: Europe/Berlin\nrun: gold.count\n", "utf-8"
    )
    (folder / "models/gold/count.sql").write_text(
        "SELECT count(*) AS n FROM bronze.orders\n", "utf-8"
    )
    (folder / "in/a.csv").write_text("id\n1\n2\n", "utf-8")
    return folder


def at(project: Path, *words: str) -> Said:
    return say(*words, "--project", str(project))


def test_schedules_are_listed_with_their_next_and_their_last_firing(project: Path) -> None:
    first = at(project, "schedules", "list", "--json").json
    assert isinstance(first, list)
    inbox, nightly = first
    assert inbox["action"] == {"source": "orders", "location": "in/*.csv"}
    assert (inbox["last_at"], inbox["run_id"], inbox["status"]) == (None, None, None)
    assert nightly["action"] == {"models": ["gold.count"]}
    assert nightly["next_at"] > datetime.now(UTC).isoformat()
    fired, _ = at(project, "schedules", "fire", "inbox", "--json").jsons
    again = at(project, "schedules", "list", "--json").json
    assert isinstance(again, list)
    assert (again[0]["run_id"], again[0]["status"]) == (fired["run_id"], "succeeded")
    text = at(project, "schedules", "list").out
    assert "fetch orders from in/*.csv" in text
    assert "Europe/Berlin" in text


def test_a_fetch_uploads_what_is_new_and_loads_it(project: Path) -> None:
    assert at(project, "schedules", "fire", "inbox").code == 0
    assert at(project, "sql", "SELECT n FROM gold.count", "--json").code == 0
    (project / "in/b.csv").write_text("id\n3\n", "utf-8")
    (project / "in/copy.csv").write_text("id\n1\n2\n", "utf-8")
    fetched, loaded = at(project, "schedules", "fire", "inbox", "--json").jsons
    assert (fetched["status"], loaded["status"]) == ("succeeded", "succeeded")
    (nothing,) = at(project, "schedules", "fire", "inbox", "--json").jsons
    with wiring.open_lakehouse(project) as house:
        (step,) = house.journal.reading.steps(str(nothing["run_id"]))
        assert isinstance(step.result, dict)
        assert (step.result["files"], step.result["seen"]) == ([], 3)
        uploads = house.journal.reading.uploads()
    assert [upload.file_name for upload in uploads] == ["b.csv", "a.csv"]
    assert {upload.delivered_by for upload in uploads} == {"schedule inbox"}


def test_a_fetch_of_nothing_that_is_there_fails_and_says_so(project: Path) -> None:
    text = FETCH.replace("in/*.csv", "nowhere/")
    (project / "schedules/inbox.yaml").write_text(text, "utf-8")
    said = at(project, "schedules", "fire", "inbox")
    assert said.code == 1
    assert "there is nothing to fetch at nowhere/" in said.err


def test_a_paused_sources_fetch_waits(project: Path) -> None:
    with wiring.open_lakehouse(project) as house:
        schedule = house.schedules.files()["inbox"].schedule
        assert schedule is not None
        now = datetime.now(UTC)
        house.journal.control.pause("orders", "", now)
        scheduler.fire_now(house.journal, schedule, now)
        assert house.journal.execution.claim("me", lambda _: True, now) is None
        house.journal.control.resume("orders")
        assert house.journal.execution.claim("me", lambda _: True, now) is not None


def test_a_schedule_that_does_not_exist_or_holds_a_mistake_is_told(project: Path) -> None:
    said = at(project, "schedules", "fire", "inbx")
    assert (said.code, "did you mean `inbox`?" in said.err) == (5, True)
    (project / "schedules/nightly.yaml").write_text("cron: 15 6\nrun: gold.count\n", "utf-8")
    for words in (("list",), ("fire", "nightly")):
        said = at(project, "schedules", *words)
        assert (said.code, "schedules/nightly.yaml:1:7" in said.err) == (2, True)


def test_a_worker_makes_up_for_what_was_missed_and_loads_what_it_fetched(project: Path) -> None:
    with wiring.open_lakehouse(project) as house:
        file = house.schedules.files()["inbox"]
        assert file.schedule is not None
        minutes_ago = datetime.fromtimestamp(time.time() - 150, UTC)
        house.journal.timetable.begin(subject_of("inbox"), file.schedule.rhythm, minutes_ago)
        with worker(project, "--json", "--lanes", "1") as process:
            assert process.stderr is not None
            lines_until(process.stderr, "schedule fired")
            ends_at = time.monotonic() + SECONDS_MAX
            while not (runs := house.journal.reading.runs(statuses=[RunStatus.SUCCEEDED])) or (
                RequestKind.UPLOAD not in {run.request.kind for run in runs}
            ):
                assert time.monotonic() < ends_at, "waited in vain"
                time.sleep(0.05)
        assert len(house.journal.timetable.ticks(subject_of("inbox"))) >= 2
        assert len(house.journal.reading.uploads()) == 1

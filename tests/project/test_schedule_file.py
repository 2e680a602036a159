import pytest

from lakewright.project import load, schedule_file
from lakewright.project.schedule import Fetch, Missed, Refresh, Schedule

BASE = {
    "lakewright.yaml": "name: x\n",
    "sources/a.yaml": "match: a.csv\ncolumns: [{name: id, type: int}]\n",
    "models/gold/daily.sql": "SELECT id FROM bronze.a\n",
}


def test_a_schedule_says_when_and_what() -> None:
    text = (
        "cron: 15 6 * * *\ntime_zone: Europe/Berlin\nmissed: all\nmissed_max: 7\n"
        "jitter: 5m\nrun: gold.daily\n"
    )
    fetch = "cron: '*/10 * * * *'\nfetch: {source: a, from: 's3://bucket/a/*.csv'}\n"
    files = {**BASE, "schedules/nightly.yaml": text, "schedules/inbox.yaml": fetch}
    assert dict(load.load(files).schedules) == {
        "inbox": Schedule(
            name="inbox",
            cron="*/10 * * * *",
            action=Fetch(source="a", location="s3://bucket/a/*.csv"),
            file="schedules/inbox.yaml",
        ),
        "nightly": Schedule(
            name="nightly",
            cron="15 6 * * *",
            time_zone="Europe/Berlin",
            missed=Missed.ALL,
            missed_max=7,
            jitter_seconds=300,
            action=Refresh(models=("gold.daily",)),
            file="schedules/nightly.yaml",
        ),
    }


REFUSED = [
    ("cron: «61 * * * *»\nrun: gold.daily\n", "wrong-value", "the minute"),
    ("cron: «0 6 * *»\nrun: gold.daily\n", "wrong-value", "4 fields"),
    ("cron: 0 6 * * *\ntime_zone: «Berlin»\nrun: gold.daily\n", "wrong-value", "Europe/Berlin"),
    ("cron: 0 6 * * *\nrun: [«gold.dayly»]\n", "unknown-table", "did you mean `gold.daily`?"),
    ("cron: 0 6 * * *\nrun: «gold.dayly»\n", "unknown-table", "did you mean `gold.daily`?"),
    ("«»cron: 0 6 * * *\n", "wrong-value", "either `run` or `fetch`; it has neither"),
    ("«»run: gold.daily\n", "missing-key", "`cron` is missing"),
    ("cron: 0 6 * * *\nfetch: «{»source: a}\n", "missing-key", "`from` is missing"),
    (
        "cron: 0 6 * * *\nfetch: {source: a, «form»: in/}\n",
        "unknown-key",
        "did you mean `from`?",
    ),
    ("cron: 0 6 * * *\nfetch: {source: «A b», from: in/}\n", "bad-name", "write `a_b`"),
    ("cron: 0 6 * * *\nfetch: {source: a, from: «ftp://x/y»}\n", "wrong-value", "sftp://"),
    (
        "cron: 0 6 * * *\nfetch: {source: a, from: «sftp://me:word@x/y»}\n",
        "wrong-value",
        "it has a password",
    ),
    ("cron: 0 6 * * *\nmissed: «lastest»\nrun: gold.daily\n", "wrong-value", "`latest`"),
    (
        "cron: 0 6 * * *\n«missed_max»: 3\nrun: gold.daily\n",
        "conflicting-keys",
        "does nothing with `missed: latest`",
    ),
    ("cron: 0 6 * * *\njitter: «2d»\nrun: gold.daily\n", "wrong-value", "longer than a day"),
    ("cron: 0 6 * * *\njitter: «soon»\nrun: gold.daily\n", "wrong-value", "length of time"),
]


@pytest.mark.parametrize(("text", "code", "words"), REFUSED)
def test_a_mistake_in_a_schedule_is_told_at_its_place(
    check_refusal: object, text: str, code: str, words: str
) -> None:
    assert callable(check_refusal)
    check_refusal({**BASE, "schedules/nightly.yaml": text}, code, words)


def test_a_worker_goes_on_with_the_sound_schedules() -> None:
    files = {
        "schedules/good.yaml": "cron: 0 6 * * *\nrun: gold.any\n",
        "schedules/bad.yaml": "cron: 0 6\nrun: gold.any\n",
        "sources/a.yaml": "nonsense",
    }
    found = schedule_file.read_all(files)
    assert {name: file.schedule is not None for name, file in found.items()} == {
        "good": True,
        "bad": False,
    }
    (problem,) = found["bad"].mistakes.problems
    assert str(problem.where) == "schedules/bad.yaml:1:7"


def test_a_schedule_with_the_same_ticks_has_the_same_rhythm() -> None:
    def rhythm(text: str) -> str:
        files = {"schedules/a.yaml": text}
        schedule = schedule_file.read_all(files)["a"].schedule
        assert schedule is not None
        return schedule.rhythm

    plain = rhythm("cron: 0 6 * * *\nrun: gold.a\n")
    assert plain == rhythm("cron: '0  6 * * *'\nrun: gold.b\nmissed: skip\n")
    assert plain != rhythm("cron: 0 6 * * *\ntime_zone: Europe/Berlin\nrun: gold.a\n")

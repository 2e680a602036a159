"""What a journal promises to those who use it at the same time, each on a connection of its own."""

import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TypeAlias

import pytest

from lakewright.runs.journal import Journal
from lakewright.runs.journals import postgres, sqlite
from lakewright.runs.records import (
    Outcome,
    Request,
    RequestKind,
    RunStatus,
    UploadOutcome,
    UploadStatus,
)
from tests.contracts.conftest import LATER, NOW, accept, everybody_lives

Open: TypeAlias = Callable[[], Journal]

Log: TypeAlias = list[tuple[str, str]]
"""Each run's beginning and end, in the order in which they happened."""

SECONDS_MAX = 60


@pytest.fixture(params=["sqlite", "postgres"])
def open_journal(request: pytest.FixtureRequest, tmp_path: Path) -> Open:
    if request.param == "sqlite":
        return partial(sqlite.open_journal, tmp_path / "journal.sqlite")
    return partial(postgres.open_journal, request.getfixturevalue("postgres_url"))


@contextmanager
def opened(open_journal: Open) -> Iterator[Journal]:
    journal = open_journal()
    try:
        yield journal
    finally:
        journal.close()


def together(works: Sequence[Callable[[], object]]) -> None:
    with ThreadPoolExecutor(len(works)) as threads:
        for done in [threads.submit(work) for work in works]:
            done.result()


def deliver(open_journal: Open, contents: Sequence[str], source: str = "orders") -> None:
    with opened(open_journal) as journal:
        for content in contents:
            accept(journal, content, run=f"{source}-{content}", source=source)


def work(open_journal: Open, owner: str, log: Log, uploads: int) -> None:
    """Carry out whatever may go on, until so many uploads are loaded."""
    deadline = time.monotonic() + SECONDS_MAX
    with opened(open_journal) as journal:
        while len(journal.reading.uploads(statuses=(UploadStatus.LOADED,))) < uploads:
            assert time.monotonic() < deadline, log
            carry_out_next(journal, owner, log)


def carry_out_next(journal: Journal, owner: str, log: Log) -> None:
    claim = journal.execution.claim(owner, everybody_lives, NOW)
    if claim is None:
        return
    log.append(("began", claim.run_id))
    journal.execution.prepare(claim, ["land"])
    journal.execution.start(claim, "land", NOW)
    uploads = tuple(
        UploadOutcome(upload_id=part.upload_id, status=UploadStatus.LOADED)
        for part in journal.reading.run_uploads(claim.run_id)
    )
    log.append(("ended", claim.run_id))
    outcome = Outcome(status=RunStatus.SUCCEEDED, uploads=uploads)
    journal.execution.finish(claim, outcome, LATER)


def test_those_who_open_a_new_journal_at_once_make_one(open_journal: Open) -> None:
    together([partial(deliver, open_journal, [content, "same"]) for content in "abcd"])
    with opened(open_journal) as journal:
        assert len(journal.reading.uploads()) == len(journal.reading.events()) == 5
        assert len(journal.reading.runs()) == 1


def test_runs_on_a_table_go_in_order_and_one_at_a_time_whoever_carries_them_out(
    open_journal: Open,
) -> None:
    with opened(open_journal) as journal:
        for number in range(12):
            source = f"s{number % 3}"
            last = accept(journal, str(number), run=f"{source}-{number:02}", source=source)
            # What comes next may not join a run that has been asked for something else.
            request = Request(
                kind=RequestKind.REMOVE, source=source, tables=(f"bronze.{source}",),
                upload_ids=(last.upload.upload_id,),
            )  # fmt: skip
            journal.acceptance.request(request, run_id=f"{source}-{number:02}-x", now=NOW)
    log: Log = []
    together([partial(work, open_journal, owner, log, 12) for owner in "abcd"])
    for source in ("s0", "s1", "s2"):
        told = [entry for entry in log if entry[1].startswith(source)]
        runs = sorted({run for _, run in told})
        assert told == [(word, run) for run in runs for word in ("began", "ended")]
    with opened(open_journal) as journal:
        fences = [run.fence for run in journal.reading.runs() if run.fence]
        assert len(set(fences)) == len(fences) == len(log) // 2


def test_rapid_uploads_are_loaded_in_the_order_of_their_acceptance(open_journal: Open) -> None:
    contents = [f"{number:02}" for number in range(20)]
    log: Log = []
    workers = [partial(work, open_journal, owner, log, len(contents)) for owner in "abc"]
    together([partial(deliver, open_journal, contents), *workers])
    with opened(open_journal) as journal:
        loaded = [
            journal.reading.upload(part.upload_id).file_name
            for word, run_id in log
            if word == "ended"
            for part in journal.reading.run_uploads(run_id)
        ]
        assert loaded == [f"{content}.csv" for content in contents]


def test_a_reader_of_events_misses_none_while_others_write(open_journal: Open) -> None:
    seen: list[int] = []
    contents = [str(number) for number in range(25)]

    def read() -> None:
        deadline = time.monotonic() + SECONDS_MAX
        with opened(open_journal) as journal:
            while len(seen) < 4 * len(contents):
                assert time.monotonic() < deadline, seen
                found = journal.reading.events(after=seen[-1] if seen else 0, limit=3)
                seen.extend(event.sequence for event in found)

    together([read, *(partial(deliver, open_journal, contents, source) for source in "abcd")])
    with opened(open_journal) as journal:
        assert seen == [event.sequence for event in journal.reading.events()]

"""What only the journal in PostgreSQL has: connections that are lost, and owners on any machine."""

import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

import psycopg
import pytest

from lakewright import errors
from lakewright.runs import accept, ownership
from lakewright.runs.journal import Journal
from lakewright.runs.journals import postgres, relational
from lakewright.runs.journals.relational import statements
from lakewright.runs.journals.relational.database import Value
from lakewright.runs.records import (
    Claim,
    Delivery,
    Ending,
    Outcome,
    Request,
    RequestKind,
    RunStatus,
    StepStatus,
    UploadOutcome,
    UploadStatus,
)
from tests.postgres_server import PostgresServer

NOW = datetime(2026, 11, 21, tzinfo=UTC)
DELIVERY = Delivery(source="orders", sha256="a" * 64, file_name="a.csv", size_bytes=1)

T = TypeVar("T")


@contextmanager
def opened(url: str) -> Iterator[Journal]:
    journal = postgres.open_journal(url)
    try:
        yield journal
    finally:
        journal.close()


def end_backend(url: str, pid: int) -> None:
    """End the server's side of a connection, and wait until it has gone."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("SELECT pg_terminate_backend(%s, 10000)", (pid,))


class Doomed(postgres.Database):
    """Loses its connection at one of its statements: before it, or before its answer is there."""

    fatal = 0
    is_late = False
    count = 0

    def _execute(
        self, sql: bytes, values: Mapping[str, Value] | None = None
    ) -> psycopg.Cursor[dict[str, object]]:
        self.count += 1
        if self.count != self.fatal:
            return super()._execute(sql, values)
        pid = self._connection.info.backend_pid
        if self.is_late:
            super()._execute(sql, values)
        end_backend(self.url, pid)
        return super()._execute(b"SELECT 1")

    url = ""


def insist(work: Callable[[], T]) -> T:
    """Do as whoever works does: once more, if the journal could not be reached."""
    try:
        return work()
    except errors.JournalUnavailable:
        return work()


def load(journal: Journal, delivery: Delivery) -> None:
    """Take a file from its acceptance to its end, come what may."""
    execution = journal.execution
    insist(lambda: accept.accept(journal, delivery, NOW))

    def take() -> Claim:
        claim = execution.claim("me", lambda _: True, NOW)
        assert claim is not None
        return claim

    claim = insist(take)
    insist(lambda: execution.lock(claim, ["gold.x"]))
    insist(lambda: execution.prepare(claim, ["land", "publish"]))
    insist(lambda: execution.start(claim, "land", NOW))
    upload, *_ = insist(journal.reading.uploads)
    landed = Ending(status=StepStatus.SUCCEEDED, ready={upload.upload_id: {"records": 1}})
    insist(lambda: execution.end(claim, "land", landed, NOW))
    outcome = UploadOutcome(upload_id=upload.upload_id, status=UploadStatus.LOADED, rows=1)
    finished = Outcome(status=RunStatus.SUCCEEDED, uploads=(outcome,))
    try:
        insist(lambda: execution.finish(claim, finished, NOW))
    except errors.RunLost:
        assert journal.reading.run(claim.run_id).status is RunStatus.SUCCEEDED


def check_loaded(journal: Journal, sha256: str, after: int) -> int:
    """Check that the last file was loaded, and told of once; the sequence of its last event."""
    upload, *_ = journal.reading.uploads()
    assert (upload.sha256, upload.status, upload.rows) == (sha256, UploadStatus.LOADED, 1)
    run, *_ = journal.reading.runs()
    assert (run.run_id, run.status) == (upload.run_id, RunStatus.SUCCEEDED)
    events = journal.reading.events(after=after)
    kinds = [event.kind for event in events]
    assert kinds == ["file-uploaded", "raw-data-ready", "run-finished"]
    attempts = journal.reading.attempts(run.run_id)
    assert attempts[-1].status is StepStatus.SUCCEEDED
    assert len(attempts) <= 2
    return events[-1].sequence


@pytest.mark.parametrize("is_late", [False, True], ids=["before", "after"])
def test_a_connection_that_is_lost_at_any_statement_loses_nothing_and_repeats_nothing(
    postgres_url: str, is_late: bool
) -> None:
    database = Doomed(postgres_url)
    database.url, database.is_late = postgres_url, is_late
    journal = relational.open_journal(database, postgres.Owners(database))
    sequence, statement = 0, 0
    while database.count >= database.fatal:
        statement += 1
        database.count, database.fatal = 0, statement
        sha256 = f"{statement:064}"
        load(journal, replace(DELIVERY, sha256=sha256))
        # What is checked is no part of what is counted.
        reached, database.count = database.count, statement
        sequence = check_loaded(journal, sha256, sequence)
        database.count = reached
    assert statement > 40
    journal.close()


def test_a_connection_that_was_lost_meanwhile_is_made_anew_and_nobody_hears_of_it(
    postgres_url: str,
) -> None:
    database = postgres.Database(postgres_url)
    journal = relational.open_journal(database, postgres.Owners(database))
    for work in (
        lambda: accept.accept(journal, DELIVERY, NOW),
        journal.reading.uploads,
        lambda: journal.execution.claim("me", lambda _: True, NOW),
    ):
        end_backend(postgres_url, database._connection.info.backend_pid)
        assert work()
    journal.close()


def deliver(journal: Journal, source: str) -> str:
    delivery = replace(DELIVERY, source=source)
    return accept.accept(journal, delivery, NOW).run_id


def test_who_stalls_while_it_adds_to_a_run_delays_no_other_run(postgres_url: str) -> None:
    stalled = postgres.Database(postgres_url)
    with opened(postgres_url) as journal:
        first, second = deliver(journal, "orders"), deliver(journal, "customers")
        request = Request(kind=RequestKind.REBUILD, source="orders", tables=("bronze.orders",))
        journal.acceptance.request(request, run_id="behind", now=NOW)
        with stalled.writing(is_synced=True) as transaction:
            assert transaction.first("hold_queued_run", run_id=first)
            claim = journal.execution.claim("me", lambda _: True, NOW)
            assert claim is not None
            assert claim.run_id == second
            # What waits behind it for its table is not taken in its place.
            assert journal.execution.claim("you", lambda _: True, NOW) is None
        claim = journal.execution.claim("you", lambda _: True, NOW)
        assert claim is not None
        assert claim.run_id == first
    stalled.close()


def test_what_ends_while_somebody_is_about_to_take_it_is_not_taken(postgres_url: str) -> None:
    with opened(postgres_url) as journal, opened(postgres_url) as other:
        first, second = deliver(journal, "orders"), deliver(journal, "customers")
        asleep = journal.execution.claim("asleep", lambda _: True, NOW)
        assert asleep is not None

        def while_looked_at(work: Callable[[], object], *, is_alive: bool) -> Claim | None:
            looks = iter([lambda: None, work])

            def look(_: str) -> bool:
                next(looks, lambda: None)()
                return is_alive

            return journal.execution.claim("me", look, NOW)

        taken = while_looked_at(lambda: other.control.cancel(second, NOW), is_alive=True)
        assert taken is None
        ended = Outcome(status=RunStatus.SUCCEEDED)
        taken = while_looked_at(lambda: other.execution.finish(asleep, ended, NOW), is_alive=False)
        assert taken is None
        statuses = [journal.reading.run(run_id).status for run_id in (first, second)]
        assert statuses == [RunStatus.SUCCEEDED, RunStatus.FAILED]


def test_no_event_becomes_visible_behind_one_that_is_still_being_written(
    postgres_url: str,
) -> None:
    slow = postgres.Database(postgres_url)
    event = {"kind": "file-uploaded", "now": "2026-11-21T00:00:00Z", "payload": "{}"}
    with opened(postgres_url) as journal, ThreadPoolExecutor() as threads:
        with slow.writing(is_synced=True) as transaction:
            transaction.hold("events")
            transaction.change("tell", event_id="slow", **event)
            fast = threads.submit(deliver, journal, "orders")
            wait_for_waiting(postgres_url)
            with opened(postgres_url) as reader:
                assert reader.reading.events() == ()
        fast.result()
        told = [found.event_id.partition(":")[0] for found in journal.reading.events()]
        assert told == ["slow", "file-uploaded"]
    slow.close()


def wait_for_waiting(url: str) -> None:
    """Wait until somebody waits for an advisory lock."""
    deadline = time.monotonic() + 30
    waiting = b"SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
    with psycopg.connect(url, autocommit=True) as connection:
        while connection.execute(waiting).fetchone() is None:
            assert time.monotonic() < deadline


def test_a_server_that_is_not_there_is_told_without_the_password() -> None:
    url = "postgresql://me:secret@127.0.0.1:1/shop?connect_timeout=2"
    with pytest.raises(errors.JournalUnavailable, match="shop") as refused:
        postgres.open_journal(url)
    assert "secret" not in str(refused.value)
    with pytest.raises(errors.UsageError, match="URL") as wrong:
        postgres.open_journal("mysql://me:secret@there")
    assert "secret" not in str(wrong.value)


def test_a_newer_journal_is_refused_and_left_alone(postgres_url: str) -> None:
    postgres.open_journal(postgres_url).close()
    with psycopg.connect(postgres_url) as connection:
        connection.execute("UPDATE journal_version SET value = value + 1")
    with pytest.raises(errors.Conflict, match=f"has version {statements.VERSION + 1}"):
        postgres.open_journal(postgres_url)


def test_a_migration_that_fails_leaves_the_journal_as_it_was(
    postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    postgres.open_journal(postgres_url).close()
    monkeypatch.setattr(statements, "VERSION", statements.VERSION + 1)
    script = "CREATE TABLE later (a TEXT); INSERT INTO later VALUES ('x; 100 %'); BROKEN;"
    monkeypatch.setattr(statements, "scripts", lambda database, version: [script])
    with pytest.raises(errors.LakewrightError, match="cannot be read or written"):
        postgres.open_journal(postgres_url)
    script = script.removesuffix(" BROKEN;")
    postgres.open_journal(postgres_url).close()
    with psycopg.connect(postgres_url) as connection:
        assert connection.execute("SELECT a FROM later").fetchall() == [("x; 100 %",)]
        assert connection.execute("SELECT value FROM journal_version").fetchall() == [
            (statements.VERSION,)
        ]


VERSIONS = range(2, max(statements.VERSION, 3))
"""Every version before the present one, and the first, with which PostgreSQL began."""


def old_journal(url: str, version: int) -> None:
    """A journal as the Lakewright that knew this version left it: loaded, suspect, failed and
    waiting uploads, and runs of which three wait."""
    script = Path(__file__).with_name(f"journal_postgres_version_{version}.sql").read_text("utf-8")
    with psycopg.connect(url) as connection:
        connection.execute(script.encode())


LOOKS = """
SELECT table_name, column_name, data_type, is_nullable, column_default, is_identity
FROM information_schema.columns WHERE table_schema = current_schema();
SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid)
FROM pg_constraint WHERE connamespace = current_schema()::regnamespace;
SELECT tablename, indexname, replace(indexdef, current_schema(), '')
FROM pg_indexes WHERE schemaname = current_schema();
SELECT viewname, regexp_split_to_table(definition, '[,;\\s]+')
FROM pg_views WHERE schemaname = current_schema()
"""


def look_of(url: str) -> list[list[str]]:
    """What a journal is made of, whatever the order in which it was made."""
    with psycopg.connect(url) as connection:
        return [sorted(map(str, connection.execute(look.encode()))) for look in LOOKS.split(";\n")]


@pytest.mark.parametrize("version", VERSIONS)
def test_a_journal_of_every_version_becomes_like_a_new_one(
    postgres_server: PostgresServer, version: int
) -> None:
    old, new = postgres_server.new_schema(), postgres_server.new_schema()
    old_journal(old, version)
    for url in (old, new):
        postgres.open_journal(url).close()
    assert look_of(old) == look_of(new)


@pytest.mark.parametrize("version", VERSIONS)
def test_a_journal_of_every_version_goes_on_where_it_was(postgres_url: str, version: int) -> None:
    old_journal(postgres_url, version)
    with opened(postgres_url) as journal:
        uploads = {upload.file_name: upload for upload in journal.reading.uploads()}
        statuses = {name: upload.status.value for name, upload in uploads.items()}
        assert statuses == {
            "a.csv": "loaded", "b.csv": "loaded", "c.csv": "suspect", "d.csv": "failed",
            "e.csv": "accepted",
        }  # fmt: skip
        assert uploads["b.csv"].format == {"delimiter": ";"}
        runs = [run.status.value for run in journal.reading.runs()]
        assert runs == ["queued", "queued", "queued", "failed", "succeeded", "succeeded"]
        claim = journal.execution.claim("me", lambda _: True, NOW)
        assert claim is not None
        (part,) = journal.reading.run_uploads(claim.run_id)
        assert (part.is_again, part.format) == (True, {})
        loaded = UploadOutcome(upload_id=part.upload_id, status=UploadStatus.LOADED, rows=4)
        outcome = Outcome(status=RunStatus.SUCCEEDED, uploads=(loaded,))
        journal.execution.finish(claim, outcome, NOW)
        assert journal.reading.upload(part.upload_id).rows == 4
        sequences = [event.sequence for event in journal.outbox.read("mail")]
        assert sequences[0] == 4
        assert sequences[-1] > 13


def test_acceptance_is_synced_and_steps_are_not(postgres_url: str) -> None:
    database = postgres.Database(postgres_url)
    for is_synced, mode in ((True, "on"), (False, "off")):
        with database.writing(is_synced=is_synced):
            (row,) = database._execute(b"SHOW synchronous_commit")
            assert row["synchronous_commit"] == mode
    database.close()


def test_an_event_is_on_disk_before_anybody_is_shown_it(postgres_url: str) -> None:
    with opened(postgres_url) as journal, psycopg.connect(postgres_url, autocommit=True) as other:
        upload = accept.accept(journal, DELIVERY, NOW).upload
        claim = journal.execution.claim("me", lambda _: True, NOW)
        assert claim is not None
        journal.execution.prepare(claim, ["land"])
        journal.execution.start(claim, "land", NOW)
        landed = Ending(status=StepStatus.SUCCEEDED, ready={upload.upload_id: {"records": 1}})
        journal.execution.end(claim, "land", landed, NOW)
        written = other.execute("SELECT pg_current_wal_insert_lsn()").fetchone()
        assert written is not None
        *_, event = journal.reading.events()
        assert event.kind == "raw-data-ready"
        flushed = "SELECT pg_current_wal_flush_lsn() >= %s::pg_lsn"
        assert other.execute(flushed, written).fetchone() == (True,)


def test_a_listener_whose_connection_is_lost_says_so(postgres_url: str) -> None:
    with opened(postgres_url) as journal:
        listener = journal.listen()
        assert isinstance(listener, postgres.Listener)
        end_backend(postgres_url, listener._connection.info.backend_pid)
        with pytest.raises(errors.JournalUnavailable):
            listener.wait(30)
        listener.close()


def test_a_listener_hears_nothing_of_another_journal_in_the_same_database(
    postgres_url: str, postgres_server: PostgresServer
) -> None:
    with opened(postgres_url) as journal, opened(postgres_server.new_schema()) as other:
        listener = journal.listen()
        accept.accept(other, DELIVERY, NOW)
        assert not listener.wait(0.1)
        accept.accept(journal, DELIVERY, NOW)
        assert listener.wait(30)
        listener.close()


def test_an_owner_lives_until_it_is_closed(postgres_url: str) -> None:
    with opened(postgres_url) as journal, opened(postgres_url) as other:
        with journal.owners.hold() as owner, journal.owners.hold() as second:
            assert owner.owner_id != second.owner_id
            assert ownership.is_of_this_boot(owner.owner_id)
            assert other.owners.is_alive(owner.owner_id)
        assert not other.owners.is_alive(owner.owner_id)
        assert not other.owners.is_alive("nobody")


OWNER = """
import sys, time
from lakewright.runs.journals import postgres
owner = postgres.open_journal(sys.argv[1]).owners.hold()
print(owner.owner_id, flush=True)
time.sleep(60)
"""


def test_a_killed_owners_run_is_adopted_at_once(postgres_url: str) -> None:
    process = subprocess.Popen(
        (sys.executable, "-c", OWNER, postgres_url), stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    owner_id = process.stdout.readline().strip()
    with opened(postgres_url) as journal:
        accept.accept(journal, DELIVERY, NOW)
        old = journal.execution.claim(owner_id, journal.owners.is_alive, NOW)
        assert old is not None
        assert journal.execution.claim("other", journal.owners.is_alive, NOW) is None
        process.send_signal(signal.SIGKILL)
        process.wait()
        process.stdout.close()
        deadline = time.monotonic() + 30
        while (new := journal.execution.claim("other", journal.owners.is_alive, NOW)) is None:
            assert time.monotonic() < deadline
        assert new.fence > old.fence
        with pytest.raises(errors.RunLost):
            journal.execution.prepare(old, ["land"])


def test_an_owner_that_sleeps_longer_than_the_lease_counts_as_dead(postgres_url: str) -> None:
    with opened(postgres_url) as journal, journal.owners.hold() as owner:
        with psycopg.connect(postgres_url) as connection:
            connection.execute("UPDATE owners SET beaten_at = beaten_at - interval '61 seconds'")
        assert not journal.owners.is_alive(owner.owner_id)
        owner.beat()


def test_an_owner_keeps_its_lock_while_the_server_is_too_slow_to_hear_it(
    postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ownership, "BEAT_SECONDS", 0)
    monkeypatch.setattr(postgres, "BEAT_SECONDS_MAX", 0.1)
    monkeypatch.setattr(postgres, "REST_SECONDS", 0)
    with opened(postgres_url) as journal, journal.owners.hold() as owner:
        with psycopg.connect(postgres_url) as busy:
            busy.execute("LOCK TABLE owners IN EXCLUSIVE MODE")
            owner.beat()
            assert journal.owners.is_alive(owner.owner_id)
        owner.beat()
        assert journal.owners.is_alive(owner.owner_id)


def test_an_owner_is_made_although_nobody_can_remove_the_old_ones(
    postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgres, "BEAT_SECONDS_MAX", 0.1)
    with opened(postgres_url) as journal, psycopg.connect(postgres_url) as busy:
        busy.execute("INSERT INTO owners VALUES ('old', now() - interval '2 days')")
        busy.commit()
        busy.execute("SELECT * FROM owners WHERE owner_id = 'old' FOR UPDATE")
        with journal.owners.hold() as owner:
            assert journal.owners.is_alive(owner.owner_id)


def test_a_connection_of_an_owner_that_cannot_take_its_lock_is_closed(
    postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgres, "BEAT_SECONDS_MAX", 0.1)
    count = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'lakewright'"
    with opened(postgres_url) as journal, psycopg.connect(postgres_url) as busy:
        before = busy.execute(count).fetchone()
        busy.execute("LOCK TABLE owners IN EXCLUSIVE MODE")
        with pytest.raises(errors.JournalUnavailable):
            journal.owners.hold()
        busy.rollback()
        deadline = time.monotonic() + 30
        while busy.execute(count).fetchone() != before:
            busy.rollback()
            assert time.monotonic() < deadline


def test_an_owner_whose_connection_is_lost_takes_its_lock_again(
    postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ownership, "BEAT_SECONDS", 0)
    with opened(postgres_url) as journal:
        owner = postgres.Owner(postgres.Server(postgres_url))
        end_backend(postgres_url, owner._connection.info.backend_pid)
        assert not journal.owners.is_alive(owner.owner_id)
        owner.beat()
        owner.beat()
        assert journal.owners.is_alive(owner.owner_id)
        end_backend(postgres_url, owner._connection.info.backend_pid)
        owner.close()

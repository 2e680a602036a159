import ctypes
import multiprocessing
import os
import re
import sqlite3
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from lakewright import errors
from lakewright.runs import accept
from lakewright.runs.journals import sqlite
from lakewright.runs.journals.relational import outbox, statements
from lakewright.runs.outbox import Event, Retention
from lakewright.runs.records import Delivery, Outcome, RunStatus, UploadOutcome, UploadStatus

NOW = datetime(2026, 11, 21, tzinfo=UTC)


def deliver(path: Path, contents: Sequence[str]) -> None:
    journal = sqlite.open_journal(path)
    for content in contents:
        delivery = Delivery(source="a", sha256=content * 64, file_name="a.csv", size_bytes=1)
        accept.accept(journal, delivery, NOW)
    journal.close()


def test_what_was_accepted_is_there_when_the_file_is_opened_again(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "journal.sqlite"
    deliver(path, ["a"])
    journal = sqlite.open_journal(path)
    assert [upload.sha256 for upload in journal.reading.uploads()] == ["a" * 64]
    journal.close()


def test_a_newer_journal_is_refused_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite"
    deliver(path, ["a"])
    with sqlite3.connect(path) as connection:
        connection.execute(f"PRAGMA user_version = {statements.VERSION + 1}")
    connection.close()
    with pytest.raises(errors.Conflict, match=f"has version {statements.VERSION + 1}"):
        sqlite.open_journal(path)


def test_a_journal_that_cannot_be_opened_is_let_go_of(tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite"
    deliver(path, ["a"])
    with sqlite3.connect(path) as connection:
        connection.execute(f"PRAGMA user_version = {statements.VERSION + 1}")
    connection.close()
    before = len(list(Path("/dev/fd").iterdir()))
    kept = []
    for _ in range(3):  # As a worker does that tries again and again.
        with pytest.raises(errors.Conflict) as refused:
            sqlite.open_journal(path)
        kept.append(refused)
    assert len(list(Path("/dev/fd").iterdir())) == before


def test_an_older_journal_is_brought_up_to_date_in_one_transaction(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "journal.sqlite"
    deliver(path, ["a"])
    monkeypatch.setattr(statements, "VERSION", statements.VERSION + 1)
    script = "CREATE TABLE later (a TEXT); INSERT INTO later VALUES ('x; y'); BROKEN;"
    monkeypatch.setattr(statements, "scripts", lambda database, version: [script])
    with pytest.raises(errors.LakewrightError, match="cannot be read or written"):
        sqlite.open_journal(path)
    script = script.removesuffix(" BROKEN;")
    journal = sqlite.open_journal(path)
    assert len(journal.reading.uploads()) == 1
    journal.close()
    connection = sqlite3.connect(path)
    assert connection.execute("SELECT a FROM later").fetchall() == [("x; y",)]
    connection.close()


def test_a_journal_that_is_up_to_date_is_opened_while_another_process_writes(
    tmp_path: Path,
) -> None:
    path = tmp_path / "journal.sqlite"
    deliver(path, ["a"])
    writer = sqlite3.connect(path, isolation_level=None)
    writer.execute("BEGIN IMMEDIATE")
    journal = sqlite.open_journal(path)
    assert len(journal.reading.uploads()) == 1
    journal.close()
    writer.close()


def test_many_events_are_deleted_a_few_at_a_time_so_that_nobody_waits_for_long(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outbox, "BATCH_EVENTS", 2)
    path = tmp_path / "journal.sqlite"
    journal = sqlite.open_journal(path)
    journal.outbox.subscribe("mail", NOW)
    deliver(path, ["a", "b", "c", "d", "e", "f"])
    held: list[str] = []
    writing = sqlite.Database.writing

    def counted(self: sqlite.Database, *, is_synced: bool) -> Any:
        held.append("a transaction")
        return writing(self, is_synced=is_synced)

    monkeypatch.setattr(sqlite.Database, "writing", counted)
    retention = Retention(event_age_seconds=1, events_min=1, unacknowledged_max=1)
    pruned = journal.outbox.prune(retention, NOW + timedelta(days=1))
    assert pruned.events == 5
    assert len(held) == 1 + 3
    (mail,) = journal.outbox.subscriptions()
    assert (mail.position, mail.missed) == (5, 5)
    assert len(journal.reading.events()) == 1
    journal.close()


def test_a_listener_hears_also_where_the_system_does_not_tell_of_writes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "journal.sqlite"
    deliver(path, ["a"])
    monkeypatch.setattr(ctypes, "CDLL", lambda *_, **__: object())
    journal = sqlite.open_journal(path)
    listener = journal.listen()
    assert not listener.wait(0.01)
    deliver(path, ["b"])
    assert listener.wait(30)
    listener.close()
    journal.close()


def test_an_event_is_on_disk_before_anybody_is_shown_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "journal.sqlite"
    journal = sqlite.open_journal(path)
    journal.outbox.subscribe("mail", NOW)
    synced: list[int] = []
    monkeypatch.setattr(os, "fsync", lambda descriptor: synced.append(os.fstat(descriptor).st_ino))
    assert not journal.reading.events()
    assert not journal.outbox.read("mail")
    assert not synced
    deliver(path, ["a"])
    log = path.with_name("journal.sqlite-wal").stat().st_ino
    reads: list[Callable[[], Sequence[Event]]] = [
        journal.reading.events, lambda: journal.outbox.read("mail"),
    ]  # fmt: skip
    for read in reads:
        synced.clear()
        assert len(read()) == 1
        assert synced == [log]
    journal.close()


def old_journal(folder: Path, version: int) -> Path:
    """A journal as the Lakewright that knew this version left it: loaded, suspect, failed and
    waiting uploads, and runs of which three wait."""
    path = folder / "journal.sqlite"
    connection = sqlite3.connect(path)
    script = Path(__file__).with_name(f"journal_version_{version}.sql").read_text("utf-8")
    connection.executescript(f"{script}\nPRAGMA user_version = {version};")
    connection.close()
    return path


@pytest.mark.parametrize("version", range(1, statements.VERSION))
def test_a_journal_of_every_earlier_version_goes_on_where_it_was(
    tmp_path: Path, version: int
) -> None:
    journal = sqlite.open_journal(old_journal(tmp_path, version))
    uploads = {upload.file_name: upload for upload in journal.reading.uploads()}
    statuses = {name: upload.status.value for name, upload in uploads.items()}
    assert statuses == {"a.csv": "loaded", "b.csv": "loaded", "c.csv": "suspect", "d.csv": "failed"}
    assert not any(upload.format for upload in uploads.values())
    assert uploads["c.csv"].suspicions == ("two delimiters fit",)
    runs = [run.status.value for run in journal.reading.runs()]
    assert runs == ["queued", "queued", "queued", "failed", "succeeded", "succeeded"]
    claim = journal.execution.claim("me", lambda _: True, NOW)
    assert claim is not None
    (part,) = journal.reading.run_uploads(claim.run_id)
    assert (part.is_again, part.format) == (True, None)
    loaded = UploadOutcome(upload_id=part.upload_id, status=UploadStatus.LOADED, rows=4)
    outcome = Outcome(status=RunStatus.SUCCEEDED, uploads=(loaded,))
    journal.execution.finish(claim, outcome, NOW)
    assert (journal.reading.upload(part.upload_id).rows, len(journal.reading.events())) == (4, 14)
    journal.close()


def look_of(path: Path) -> dict[str, object]:
    """What a journal is made of, whatever the order in which it was made."""
    connection = sqlite3.connect(path)

    def ask(sql: str) -> list[tuple[Any, ...]]:
        return connection.execute(sql).fetchall()

    found: dict[str, object] = {}
    for name, kind, sql in ask("SELECT name, type, sql FROM sqlite_schema"):
        words = " ".join(re.sub(r"--.*", "", sql or "").split())
        found[f"{kind} {name}"] = words if kind in ("view", "index") else None
        if kind == "table":
            found[f"columns of {name}"] = sorted(
                row[1:] for row in ask(f"PRAGMA table_xinfo({name})")
            )
            found[f"keys of {name}"] = sorted(
                row[2:] for row in ask(f"PRAGMA foreign_key_list({name})")
            )
            found[f"conditions of {name}"] = sorted(
                re.findall(r"CHECK \((?:[^()]|\([^()]*\))*\)", words)
            )
            found[f"indexes of {name}"] = sorted(
                (
                    unique,
                    origin,
                    partial,
                    tuple(column[2] for column in ask(f"PRAGMA index_info({index})")),
                )
                for _, index, unique, origin, partial in ask(f"PRAGMA index_list({name})")
            )
    found["kinds"] = sorted(
        row[1:] for row in ask("PRAGMA table_list") if row[1] != "sqlite_schema"
    )
    connection.close()
    return found


@pytest.mark.parametrize("version", range(1, statements.VERSION))
def test_a_journal_of_every_earlier_version_becomes_like_a_new_one(
    tmp_path: Path, version: int
) -> None:
    old, new = old_journal(tmp_path, version), tmp_path / "new.sqlite"
    for path in (old, new):
        sqlite.open_journal(path).close()
    assert look_of(old) == look_of(new)


def test_a_locked_journal_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "journal.sqlite"
    deliver(path, ["a"])
    monkeypatch.setattr(sqlite, "BUSY_TIMEOUT_SECONDS", 0.05)
    journal = sqlite.open_journal(path)
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    delivery = Delivery(source="b", sha256="b" * 64, file_name="b.csv", size_bytes=1)
    with pytest.raises(errors.Conflict, match="is locked"):
        accept.accept(journal, delivery, NOW)
    assert len(journal.reading.uploads()) == 1
    other.execute("ROLLBACK")
    accept.accept(journal, delivery, NOW)
    assert len(journal.reading.uploads()) == 2
    other.close()
    journal.close()


def test_a_file_that_is_no_journal_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite"
    path.write_bytes(b"not a database" * 100)
    with pytest.raises(errors.LakewrightError, match="is damaged") as refused:
        sqlite.open_journal(path)
    assert refused.value.why


def test_acceptance_is_synced_and_steps_are_not(tmp_path: Path) -> None:
    database = sqlite.Database(tmp_path / "journal.sqlite")
    for is_synced, level in ((True, 2), (False, 1)):
        with database.writing(is_synced=is_synced):
            assert database._pragma("synchronous") == level
    database.close()


def test_processes_that_accept_at_once_lose_nothing_and_share_a_run(tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite"
    context = multiprocessing.get_context("spawn")
    workers = [
        context.Process(target=deliver, args=(path, contents)) for contents in ("0123", "3456")
    ]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
        assert worker.exitcode == 0
    journal = sqlite.open_journal(path)
    assert {upload.sha256[0] for upload in journal.reading.uploads()} == set("0123456")
    assert len(journal.reading.runs()) == 1
    assert len(journal.reading.events()) == 7
    journal.close()


def test_a_damaged_journal_is_told_as_such_and_not_as_a_full_disk(tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite"
    deliver(path, ["a"])
    whole = path.read_bytes()
    for damaged in (b"no database " * 1000, whole[:4096] + b"\xff" * (len(whole) - 4096)):
        path.write_bytes(damaged)
        with pytest.raises(errors.StorageFailed, match="is damaged") as refused:
            sqlite.open_journal(path).reading.uploads()
        assert "put back a copy" in refused.value.hint

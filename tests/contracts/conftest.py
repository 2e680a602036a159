"""One journal of each kind, and the few words in which its tests speak."""

import hashlib
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from lakewright.runs.journal import Journal
from lakewright.runs.journals import memory, postgres, sqlite
from lakewright.runs.records import (
    Accepted,
    Claim,
    Delivery,
    FormatOverride,
    Outcome,
    RunStatus,
    UploadOutcome,
    UploadStatus,
)

NOW = datetime(2026, 11, 21, 12, 0, 0, 123456, tzinfo=UTC)
LATER = NOW + timedelta(minutes=5)


@pytest.fixture(params=["memory", "sqlite", "postgres"])
def journal(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Journal]:
    match request.param:
        case "sqlite":
            opened = sqlite.open_journal(tmp_path / "journal.sqlite")
        case "postgres":
            opened = postgres.open_journal(request.getfixturevalue("postgres_url"))
        case _:
            opened = memory.open_journal()
    yield opened
    opened.close()


def delivery(
    content: str,
    *,
    source: str = "orders",
    is_again: bool = False,
    look: FormatOverride | None = None,
) -> Delivery:
    return Delivery(
        source=source,
        sha256=hashlib.sha256(content.encode()).hexdigest(),
        file_name=f"{content}.csv",
        size_bytes=len(content),
        media_type="text/csv",
        delivered_by="someone",
        is_again=is_again,
        format=look,
    )


def accept(
    journal: Journal,
    content: str,
    *,
    run: str,
    source: str = "orders",
    is_again: bool = False,
    look: FormatOverride | None = None,
) -> Accepted:
    return journal.acceptance.accept(
        delivery(content, source=source, is_again=is_again, look=look),
        tables=[f"bronze.{source}"],
        run_id=run,
        now=NOW,
    )


def nobody_lives(owner_id: str) -> bool:
    return False


def everybody_lives(owner_id: str) -> bool:
    return True


def claim(journal: Journal, owner: str = "me", now: datetime = NOW) -> Claim:
    found = journal.execution.claim(owner, everybody_lives, now)
    assert found is not None
    return found


def load(journal: Journal, content: str, *, run: str, source: str = "orders") -> str:
    """Accept an upload and let a run load it."""
    accepted = accept(journal, content, run=run, source=source)
    conclude(journal, accepted.upload.upload_id, UploadStatus.LOADED)
    return accepted.upload.upload_id


def conclude(
    journal: Journal, upload_id: str, status: UploadStatus, run: RunStatus = RunStatus.SUCCEEDED
) -> None:
    error = {"code": "file-unreadable"} if status is UploadStatus.FAILED else None
    outcome = UploadOutcome(
        upload_id=upload_id, status=status, records=3, rows=2, quarantined=1, snapshot_id=7,
        error=error,
    )  # fmt: skip
    journal.execution.finish(claim(journal), Outcome(status=run, uploads=(outcome,)), LATER)

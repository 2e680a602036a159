from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from lakewright import errors
from lakewright.runs import accept
from lakewright.runs.journal import Journal
from lakewright.runs.journals import memory
from lakewright.runs.records import (
    Answer,
    Delivery,
    Outcome,
    Request,
    RequestKind,
    RunStatus,
    UploadOutcome,
    UploadStatus,
)

NOW = datetime(2026, 11, 21, 12, 30, tzinfo=UTC)


@pytest.fixture
def journal() -> Iterator[Journal]:
    opened = memory.open_journal()
    yield opened
    opened.close()


def deliver(journal: Journal, source: str, *, status: UploadStatus | None = None) -> str:
    accepted = accept.accept(
        journal,
        Delivery(source=source, sha256="ab" * 32, file_name="a.csv", size_bytes=1),
        NOW,
    )
    upload_id = accepted.upload.upload_id
    if status is not None:
        claim = journal.execution.claim("me", lambda _: True, NOW)
        assert claim is not None
        outcome = UploadOutcome(upload_id=upload_id, status=status)
        done = Outcome(status=RunStatus.SUCCEEDED, uploads=(outcome,))
        journal.execution.finish(claim, done, NOW)
    return upload_id


def test_run_ids_sort_by_time_and_differ() -> None:
    assert accept.run_id(NOW, b"\x01\x02\x03\x04") == "20261121-123000-01020304"
    assert accept.run_id(NOW) != accept.run_id(NOW)


def test_an_upload_locks_its_sources_tables(journal: Journal) -> None:
    deliver(journal, "orders")
    (run,) = journal.reading.runs()
    assert run.request.tables == ("bronze.orders", "quarantine.orders")


def test_removal_makes_one_run_for_each_source(journal: Journal) -> None:
    uploads = [deliver(journal, name, status=UploadStatus.LOADED) for name in ("a", "b")]
    runs = accept.request_removal(journal, [*uploads, uploads[0]], NOW)
    assert [(run.request.kind, run.request.source) for run in runs] == [
        (RequestKind.REMOVE, "a"),
        (RequestKind.REMOVE, "b"),
    ]
    assert [run.request.upload_ids for run in runs] == [(uploads[0],), (uploads[1],)]


@pytest.mark.parametrize("ask", [accept.request_removal, accept.request_replay])
@pytest.mark.parametrize("status", [None, UploadStatus.FAILED])
def test_what_is_not_in_bronze_is_neither_removed_nor_replayed(
    journal: Journal, ask: object, status: UploadStatus | None
) -> None:
    upload_id = deliver(journal, "a", status=status)
    runs = len(journal.reading.runs())
    assert callable(ask)
    with pytest.raises(errors.Conflict) as refused:
        ask(journal, [upload_id], NOW)
    assert "a's tables hold nothing of it" in refused.value.why
    assert len(journal.reading.runs()) == runs


def test_an_unknown_upload_is_not_found(journal: Journal) -> None:
    with pytest.raises(errors.NotFound):
        accept.request_removal(journal, ["nothing"], NOW)


def test_models_are_asked_for_by_name_or_all_together(journal: Journal) -> None:
    run = accept.request_models(journal, ["silver.a"], NOW, is_full=True)
    assert run.request.payload == {"models": ["silver.a"], "is_full": True}
    assert run.request.tables == ("silver.a",)
    assert accept.request_models(journal, [], NOW).request.tables == ()


def test_a_delivery_that_waits_answers_with_its_run(journal: Journal) -> None:
    delivery = Delivery(source="a", sha256="cd" * 32, file_name="a.csv", size_bytes=1)
    first = accept.accept(journal, delivery, NOW)
    second = accept.accept(journal, delivery, NOW)
    assert (second.answer, second.run_id) == (Answer.PENDING, first.run_id)


def test_a_fetch_that_is_asked_for_again_waits_for_other_fetches_and_no_table(
    journal: Journal,
) -> None:
    request = Request(
        kind=RequestKind.FETCH, source="orders", tables=("raw.orders",),
        payload={"schedule": "inbox", "location": "in/"},
    )  # fmt: skip
    journal.acceptance.request(request, run_id="r1", now=NOW)
    claim = journal.execution.claim("me", lambda _: True, NOW)
    assert claim is not None
    journal.execution.finish(claim, Outcome(status=RunStatus.SUCCEEDED), NOW)
    (again,) = accept.request_again(journal, journal.reading.run("r1"), NOW)
    assert again.request == request

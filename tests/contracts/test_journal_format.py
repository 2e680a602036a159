"""What every journal remembers of how a file is to be read, over what its source says."""

import pytest

from lakewright.runs.journal import Journal
from lakewright.runs.records import Answer, Request, RequestKind, RunStatus, UploadStatus
from tests.contracts.conftest import LATER, NOW, accept, conclude

SEMICOLON = {"delimiter": ";"}
COMMA = {"delimiter": ",", "header": "false"}


def test_what_is_said_of_a_files_format_is_kept_with_its_upload(journal: Journal) -> None:
    accepted = accept(journal, "a", run="r1", look=SEMICOLON)
    upload_id = accepted.upload.upload_id
    assert (accepted.format, accepted.upload.format) == (SEMICOLON, SEMICOLON)
    assert [part.format for part in journal.reading.run_uploads("r1")] == [SEMICOLON]
    conclude(journal, upload_id, UploadStatus.LOADED)
    assert journal.reading.upload(upload_id).format == SEMICOLON
    known = accept(journal, "a", run="r2", look=COMMA)
    assert (known.answer, known.format) == (Answer.ALREADY_LOADED, SEMICOLON)
    assert journal.reading.upload(upload_id).format == SEMICOLON


def test_a_file_that_waits_tells_what_it_is_to_be_read_with(journal: Journal) -> None:
    accept(journal, "a", run="r1", look=SEMICOLON)
    second = accept(journal, "a", run="r2", look=COMMA, is_again=True)
    assert (second.answer, second.format) == (Answer.PENDING, SEMICOLON)
    assert second.upload.format == SEMICOLON


def test_again_reads_as_before_unless_something_else_is_said(journal: Journal) -> None:
    upload_id = accept(journal, "a", run="r1", look=SEMICOLON).upload.upload_id
    conclude(journal, upload_id, UploadStatus.LOADED)
    for run, said, read in (("r2", None, SEMICOLON), ("r3", COMMA, COMMA), ("r4", {}, {})):
        accepted = accept(journal, "a", run=run, look=said, is_again=True)
        assert accepted.format == read
        assert [part.format for part in journal.reading.run_uploads(run)] == [read]
        conclude(journal, upload_id, UploadStatus.LOADED)
        assert journal.reading.upload(upload_id).format == read


def test_a_replacement_that_fails_leaves_what_the_rows_were_read_with(journal: Journal) -> None:
    upload_id = accept(journal, "a", run="r1", look=SEMICOLON).upload.upload_id
    conclude(journal, upload_id, UploadStatus.LOADED)
    accept(journal, "a", run="r2", look=COMMA, is_again=True)
    assert journal.reading.upload(upload_id).format == SEMICOLON
    conclude(journal, upload_id, UploadStatus.FAILED, RunStatus.FAILED)
    assert journal.reading.upload(upload_id).format == SEMICOLON
    journal.acceptance.retry("r2", LATER)
    assert [part.format for part in journal.reading.run_uploads("r2")] == [COMMA]
    conclude(journal, upload_id, UploadStatus.LOADED)
    assert journal.reading.upload(upload_id).format == COMMA


@pytest.mark.parametrize("status", [UploadStatus.FAILED, UploadStatus.REMOVED])
def test_what_was_said_of_a_load_that_came_to_nothing_is_not_taken_over(
    journal: Journal, status: UploadStatus
) -> None:
    upload_id = accept(journal, "a", run="r1", look=SEMICOLON).upload.upload_id
    conclude(journal, upload_id, status, RunStatus.FAILED)
    assert journal.reading.upload(upload_id).format == SEMICOLON
    assert accept(journal, "a", run="r2").format == {}
    assert journal.reading.upload(upload_id).format == {}


def test_a_retry_reads_as_its_run_was_asked_to(journal: Journal) -> None:
    upload_id = accept(journal, "a", run="r1", look=SEMICOLON).upload.upload_id
    conclude(journal, upload_id, UploadStatus.FAILED, RunStatus.FAILED)
    accept(journal, "a", run="r2", look=COMMA)
    conclude(journal, upload_id, UploadStatus.FAILED, RunStatus.FAILED)
    journal.acceptance.retry("r1", LATER)
    assert journal.reading.upload(upload_id).format == SEMICOLON


def test_a_replay_and_a_rebuild_keep_what_an_upload_is_read_with(journal: Journal) -> None:
    upload_id = accept(journal, "a", run="r1", look=SEMICOLON).upload.upload_id
    conclude(journal, upload_id, UploadStatus.LOADED)
    replay = Request(kind=RequestKind.REPLAY, source="orders", upload_ids=(upload_id,))
    journal.acceptance.request(replay, run_id="r2", now=NOW)
    assert [part.format for part in journal.reading.run_uploads("r2")] == [None]
    assert accept(journal, "a", run="r9", look=COMMA).format == SEMICOLON
    conclude(journal, upload_id, UploadStatus.LOADED)
    rebuild = Request(kind=RequestKind.REBUILD, source="orders")
    journal.acceptance.request(rebuild, run_id="r3", now=NOW)
    conclude(journal, upload_id, UploadStatus.LOADED)
    assert journal.reading.upload(upload_id).format == SEMICOLON

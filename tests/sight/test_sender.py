"""Lineage events: what they say, and that each arrives whatever happens on the way."""

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import ClassVar

import pytest

from lakewright import errors
from lakewright.plan.lineage import Lineage
from lakewright.runs.journal import Journal
from lakewright.runs.journals import memory
from lakewright.runs.records import Json, Outcome, RunStatus, UploadOutcome, UploadStatus
from lakewright.sight import openlineage, sender
from lakewright.sql import types
from tests.contracts.conftest import LATER, NOW, accept, claim

AROUND = openlineage.Surroundings(
    namespace=openlineage.namespace("shop", "local"),
    schemas={
        "bronze.orders": types.Schema(fields=(types.Field(name="id", type=types.parse("bigint")),)),
        "gold.totals": types.Schema(fields=(types.Field(name="n", type=types.parse("bigint")),)),
    },
    lineage=Lineage(
        tables={"bronze.orders": (), "gold.totals": ("bronze.orders", "silver.days")},
        columns={"bronze.orders.id": (), "gold.totals.n": ("bronze.orders.id",)},
    ),
)


class Receiver(HTTPServer):
    """A receiver on the loopback that keeps what it is sent, or answers otherwise."""

    received: ClassVar[list[dict[str, Json]]]
    answers: ClassVar[list[int]]


class _Handler(BaseHTTPRequestHandler):
    server: Receiver

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        code = self.server.answers.pop(0) if self.server.answers else 201
        if code < 300:
            told = json.loads(body)
            self.server.received.append(
                {**told, "path": self.path, "key": self.headers["Authorization"]}
            )
        self.send_response(code)
        self.send_header("Location", "/elsewhere")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def listening(port: int = 0, answers: tuple[int, ...] = ()) -> Iterator[Receiver]:
    server = Receiver(("127.0.0.1", port), _Handler)
    server.received, server.answers = [], list(answers)  # type: ignore[misc]
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def url(server: Receiver) -> str:
    return f"http://127.0.0.1:{server.server_port}"


@pytest.fixture
def journal() -> Journal:
    return memory.open_journal()


def run_once(journal: Journal, run: str, content: str = "a", *, is_good: bool = True) -> None:
    accepted = accept(journal, content, run=run)
    status = UploadStatus.LOADED if is_good else UploadStatus.FAILED
    error: Json = None if is_good else {"code": "file-unreadable", "what": "it cannot be read"}
    upload = UploadOutcome(
        upload_id=accepted.upload.upload_id, status=status, records=3, rows=3, quarantined=0,
        error=error,
    )  # fmt: skip
    tables: Json = {
        "bronze.orders": {"snapshot_id": 7, "rows": 3},
        "gold.totals": {"snapshot_id": 8, "rows": 1},
    }
    outcome = Outcome(
        status=RunStatus.SUCCEEDED if is_good else RunStatus.FAILED,
        uploads=(upload,),
        result={"tables": tables if is_good else {}},
        error=error,
    )
    journal.execution.finish(claim(journal), outcome, LATER)


def kinds(server: Receiver) -> list[Json]:
    return [event["eventType"] for event in server.received]


def test_a_run_is_told_with_what_it_read_and_made_column_by_column(journal: Journal) -> None:
    with listening() as server:
        sending = sender.Sender(journal, sender.receiver(url(server), "secret"), lambda: AROUND)
        run_once(journal, "r1")
        assert sending.send() == 2
        start, end = server.received
    assert (start["eventType"], start["eventTime"]) == ("START", NOW.isoformat())
    assert (end["eventType"], end["eventTime"]) == ("COMPLETE", LATER.isoformat())
    assert start["run"]["runId"] == end["run"]["runId"]  # type: ignore[index,call-overload]
    assert (end["path"], end["key"]) == ("/api/v1/lineage", "Bearer secret")
    job = end["job"]
    assert isinstance(job, dict)
    assert (job["namespace"], job["name"]) == ("lakewright://shop/local", "upload.orders")
    inputs, outputs = end["inputs"], end["outputs"]
    assert isinstance(inputs, list)
    assert isinstance(outputs, list)
    assert [each["name"] for each in inputs] == ["raw.orders", "silver.days"]
    assert inputs[0]["inputFacets"]["inputStatistics"]["rowCount"] == 3
    bronze, gold = outputs
    assert [field["type"] for field in bronze["facets"]["schema"]["fields"]] == ["bigint"]
    assert "columnLineage" not in bronze["facets"]
    assert gold["facets"]["columnLineage"]["fields"] == {
        "n": {
            "inputFields": [
                {"namespace": "lakewright://shop/local", "name": "bronze.orders", "field": "id"}
            ]
        }
    }
    assert gold["facets"]["version"]["datasetVersion"] == "8"
    assert gold["outputFacets"]["outputStatistics"]["rowCount"] == 1


def test_a_failed_run_is_told_with_why(journal: Journal) -> None:
    with listening() as server:
        sending = sender.Sender(journal, sender.receiver(url(server)), lambda: AROUND)
        run_once(journal, "r1", is_good=False)
        sending.send()
        (_, end) = server.received
    assert end["eventType"] == "FAIL"
    assert end["run"]["facets"]["errorMessage"]["message"] == "it cannot be read"  # type: ignore[index,call-overload]
    assert end["outputs"] == []


def test_every_facet_names_its_schema_and_its_producer(journal: Journal) -> None:
    with listening() as server:
        sending = sender.Sender(journal, sender.receiver(url(server)), lambda: AROUND)
        run_once(journal, "r1")
        sending.send()
        found = list(facets(server.received))
    assert len(found) > 5
    for name, facet in found:
        assert str(facet["_producer"]).startswith("urn:lakewright:")
        kind = str(facet["_schemaURL"]).rpartition("/")[2].lower()
        assert kind.removeprefix("dataset").startswith(name.replace("_", "").lower())


def facets(value: Json) -> Iterator[tuple[str, dict[str, Json]]]:
    if isinstance(value, list):
        for each in value:
            yield from facets(each)
    if isinstance(value, dict):
        for key, each in value.items():
            if key.lower().endswith("facets") and isinstance(each, dict):
                yield from (
                    (name, facet) for name, facet in each.items() if isinstance(facet, dict)
                )
            else:
                yield from facets(each)


def test_what_could_not_be_sent_is_sent_once_the_receiver_is_there(journal: Journal) -> None:
    with listening() as gone:
        port = gone.server_port
    target = sender.receiver(f"http://127.0.0.1:{port}/custom")
    sending = sender.Sender(journal, target, lambda: AROUND)
    run_once(journal, "r1")
    for _ in range(2):
        with pytest.raises(sender.OutOfReach):
            sending.send()
    run_once(journal, "r2", "b")
    with listening(port) as server:
        assert sender.Sender(journal, target, lambda: AROUND).send() == 3
        assert kinds(server) == ["START", "COMPLETE"] * 2
        assert {event["path"] for event in server.received} == {"/custom"}
        assert sending.send() == 0


@pytest.mark.parametrize("code", [301, 401, 404, 429, 500, 503])
def test_a_receiver_that_may_be_mended_gets_the_event_again(journal: Journal, code: int) -> None:
    with listening(answers=(201, code)) as server:
        sending = sender.Sender(journal, sender.receiver(url(server)), lambda: AROUND)
        run_once(journal, "r1")
        with pytest.raises(sender.OutOfReach, match=str(code)):
            sending.send()
        assert sending.send() == 1
        assert kinds(server) == ["START", "START", "COMPLETE"]
        assert server.received[0] == server.received[1]


def test_an_event_that_is_refused_keeps_no_other(
    journal: Journal, caplog: pytest.LogCaptureFixture
) -> None:
    with listening(answers=(422, 400)) as server:
        sending = sender.Sender(journal, sender.receiver(url(server)), lambda: AROUND)
        run_once(journal, "r1")
        run_once(journal, "r2", "b")
        sending.send()
        assert kinds(server) == ["START", "COMPLETE"]
    assert "refused" in caplog.text


def test_a_receiver_that_comes_late_stops_no_thread(journal: Journal) -> None:
    with listening() as gone:
        port = gone.server_port
    target = sender.receiver(f"http://127.0.0.1:{port}")
    sending = sender.Sender(journal, target, lambda: AROUND)
    stopping = threading.Event()
    thread = threading.Thread(target=sending.serve, args=(stopping,))
    run_once(journal, "r1")
    thread.start()
    with listening(port) as server:
        while len(server.received) < 2:
            time.sleep(0.01)
        stopping.set()
        thread.join()
        assert kinds(server) == ["START", "COMPLETE"]


def test_the_start_of_a_run_that_goes_on_is_told_once(journal: Journal, tmp_path: Path) -> None:
    target = sender.receiver(f"file://{tmp_path}/deep/lineage.jsonl")
    sending = sender.Sender(journal, target, lambda: AROUND)
    accept(journal, "a", run="r1")
    mine = claim(journal)
    sending.send_starts()
    sending.send_starts()
    (line,) = (tmp_path / "deep" / "lineage.jsonl").read_text("utf-8").splitlines()
    journal.execution.finish(mine, Outcome(status=RunStatus.SUCCEEDED), LATER)
    sending.send()
    lines = (tmp_path / "deep" / "lineage.jsonl").read_text("utf-8").splitlines()
    assert len(lines) == 3
    assert lines[0] == lines[1] == line


def test_a_run_that_was_forgotten_holds_nothing_up(
    journal: Journal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sending = sender.Sender(
        journal, sender.receiver(f"file://{tmp_path}/lineage.jsonl"), lambda: AROUND
    )
    run_once(journal, "r1")

    def gone(run_id: str) -> None:
        raise errors.NotFound(f"there is no run {run_id}")

    monkeypatch.setattr(type(journal.reading), "run", lambda self, run_id: gone(run_id))
    assert sending.send() == 2
    assert not (tmp_path / "lineage.jsonl").exists()


@pytest.mark.parametrize("wrong", ["", "nowhere", "ftp://host/a", "file://host/a", "http://"])
def test_a_url_that_leads_nowhere_is_refused(wrong: str) -> None:
    with pytest.raises(errors.UsageError, match="cannot be sent"):
        sender.receiver(wrong)

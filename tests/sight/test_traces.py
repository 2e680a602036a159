"""A run as spans, told to an exporter in memory."""

import threading
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import StatusCode

from lakewright import errors
from lakewright.runs.journal import Journal
from lakewright.runs.journals import memory
from lakewright.runs.progress import Silent
from lakewright.runs.records import (
    Ending,
    Json,
    Outcome,
    RunStatus,
    Spent,
    StepStatus,
    UploadOutcome,
    UploadStatus,
)
from lakewright.sight import traces
from tests.contracts.conftest import LATER, NOW, accept, claim

CRASH: Json = {"code": "step-crashed", "what": "it died"}


@pytest.fixture
def journal() -> Journal:
    return memory.open_journal()


def finish(journal: Journal) -> None:
    """One run: a crash, a load, and its end."""
    accepted = accept(journal, "a", run="r1")
    mine = claim(journal)
    journal.execution.prepare(mine, ["bronze:orders"])
    journal.execution.start(mine, "bronze:orders", NOW)
    journal.execution.end(
        mine, "bronze:orders", Ending(status=StepStatus.PENDING, error=CRASH), NOW
    )
    journal.execution.start(mine, "bronze:orders", NOW + timedelta(seconds=1))
    counts: Json = {"uploads": [{"records": 3, "rows": 2, "quarantined": 1}]}
    spent = Spent(milliseconds=1500, cpu_milliseconds=2500)
    done = Ending(status=StepStatus.SUCCEEDED, result=counts, spent=spent)
    journal.execution.end(mine, "bronze:orders", done, NOW + timedelta(seconds=3))
    upload = UploadOutcome(
        upload_id=accepted.upload.upload_id, status=UploadStatus.LOADED, records=3
    )
    outcome = Outcome(status=RunStatus.SUCCEEDED, uploads=(upload,))
    journal.execution.finish(mine, outcome, LATER)


def traced(journal: Journal) -> list[ReadableSpan]:
    exporter = InMemorySpanExporter()
    tracer = traces.Tracer(exporter, is_immediate=True)
    traces.Traced(tracer, journal.reading, Silent()).run_ended(journal.reading.run("r1"))
    tracer.close()
    return list(exporter.get_finished_spans())


def facts(span: ReadableSpan) -> dict[str, object]:
    return dict(span.attributes or {})


def test_a_run_is_a_trace_of_its_attempts_and_their_child_processes(journal: Journal) -> None:
    finish(journal)
    accepted, run, crashed, loaded, child = traced(journal)
    assert [span.name for span in (run, crashed, loaded, child)] == [
        "upload orders", "bronze", "bronze", "child process",
    ]  # fmt: skip
    assert run.parent is None
    assert crashed.parent is not None
    assert crashed.parent.span_id == run.get_span_context().span_id  # type: ignore[union-attr]
    assert child.parent.span_id == loaded.get_span_context().span_id  # type: ignore[union-attr]
    assert len({span.get_span_context().trace_id for span in (run, crashed, loaded, child)}) == 1  # type: ignore[union-attr]
    assert (child.end_time or 0) - (child.start_time or 0) == 1_500_000_000
    assert facts(child) == {"lakewright.cpu_seconds": 2.5}
    assert accepted.name == "accept orders"


def test_spans_say_what_they_are_about(journal: Journal) -> None:
    finish(journal)
    _, run, crashed, loaded, _ = traced(journal)
    found = facts(run)
    assert (found["lakewright.source"], found["lakewright.records"]) == ("orders", 3)
    assert found["lakewright.status"] == "succeeded"
    assert facts(crashed)["error.type"] == "step-crashed"
    assert crashed.status.status_code is StatusCode.ERROR
    assert facts(loaded)["lakewright.table"] == "bronze.orders"
    assert facts(loaded)["lakewright.quarantined"] == 1
    assert loaded.status.status_code is StatusCode.UNSET


def test_a_run_is_linked_with_the_acknowledgements_of_its_files(journal: Journal) -> None:
    finish(journal)
    accepted, run, *_ = traced(journal)
    (link,) = run.links
    assert link.context.trace_id == accepted.get_span_context().trace_id  # type: ignore[union-attr]
    assert link.context.trace_id != run.get_span_context().trace_id  # type: ignore[union-attr]
    assert accepted.start_time == int(NOW.timestamp()) * 10**9 + 123_456_000


def test_a_trace_that_is_told_twice_is_the_same(journal: Journal) -> None:
    finish(journal)

    def ids() -> list[tuple[int, int]]:
        contexts = [span.get_span_context() for span in traced(journal)]
        return [(each.trace_id, each.span_id) for each in contexts if each is not None]

    assert ids() == ids()
    assert len(set(ids())) == 5


def test_a_collector_on_the_network_gets_the_spans(
    journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    finish(journal)
    told: list[tuple[str, int]] = []

    class Collector(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            told.append((self.path, len(self.rfile.read(int(self.headers["Content-Length"])))))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Collector) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        endpoint = f"http://127.0.0.1:{server.server_port}"
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint)
        with traces.opened({"OTEL_EXPORTER_OTLP_ENDPOINT": endpoint}) as tracer:
            tracer.trace(journal.reading.run("r1"), journal.reading)
        server.shutdown()
        thread.join()
    (path, size_bytes), *_ = told
    assert path == "/v1/traces"
    assert size_bytes > 500


def test_an_exporter_that_we_do_not_have_is_refused() -> None:
    with (
        pytest.raises(errors.UsageError, match="zipkin"),
        traces.opened({"OTEL_TRACES_EXPORTER": "zipkin"}),
    ):
        pass

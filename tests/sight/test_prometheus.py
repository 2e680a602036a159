"""What Prometheus is answered, over HTTP."""

import urllib.request
from datetime import UTC, datetime
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from lakewright import errors, version
from lakewright.lake.tables import Lake
from lakewright.runs.journal import Journal
from lakewright.runs.journals import memory
from lakewright.runs.records import UploadStatus
from lakewright.sight import metrics, prometheus
from tests.contracts.conftest import accept, load


def ask(journal: Journal, lake: Lake) -> dict[str, float]:
    """Every sample that is told, by its name and labels."""
    gauge = metrics.Gauge(journal, lake, lambda: datetime(2026, 11, 21, 13, tzinfo=UTC))
    with (
        prometheus.serving(gauge.gather, 0) as port,
        urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=20) as answer,
    ):
        text = answer.read().decode()
    return {
        " ".join([sample.name, *sample.labels.values()]): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake(tmp_path)


def test_counts_queue_and_seconds_are_told(lake: Lake) -> None:
    journal = memory.open_journal()
    load(journal, "a", run="r1")
    accept(journal, "b", run="r2")
    found = ask(journal, lake)
    assert found["lakewright_uploads_accepted_total orders"] == 2
    assert found[f"lakewright_uploads_finished_total orders {UploadStatus.LOADED}"] == 1
    assert found["lakewright_runs_finished_total upload succeeded"] == 1
    assert found["lakewright_records_received_total orders"] == 3
    assert found["lakewright_records_quarantined_total orders"] == 1
    assert found["lakewright_commit_conflicts_total"] == 0
    assert found["lakewright_upload_to_gold_seconds_bucket 60"] == 0
    assert found["lakewright_upload_to_gold_seconds_bucket 900"] == 1
    assert found["lakewright_upload_to_gold_seconds_bucket +Inf"] == 1
    assert found["lakewright_upload_to_gold_seconds_count"] == 1
    assert found["lakewright_upload_to_gold_seconds_sum"] == 300
    assert found["lakewright_runs_queued"] == 1
    assert found["lakewright_runs_running"] == 0
    assert 3500 < found["lakewright_oldest_queued_run_age_seconds"] < 3600
    assert found["lakewright_journal_up"] == 1
    assert found[f"lakewright_build_info {version.VERSION}"] == 1
    assert found["process_resident_memory_bytes"] > 0


def test_every_metric_that_is_told_is_one_that_is_known(lake: Lake) -> None:
    known = {each.name for each in metrics.METRICS}
    told = {
        name.removesuffix("_bucket").removesuffix("_count").removesuffix("_sum")
        for name in (key.split(" ")[0] for key in ask(memory.open_journal(), lake))
        if name.startswith("lakewright_")
    }
    assert told <= known


def test_a_journal_that_is_not_there_is_told_as_such() -> None:
    class Away:
        def tables(self) -> tuple[str, ...]:
            raise errors.StorageFailed("the disk is gone")

    found = ask(memory.open_journal(), Away())  # type: ignore[arg-type]
    assert found["lakewright_journal_up"] == 0
    assert "lakewright_runs_queued" not in found


def test_a_port_that_is_taken_is_refused() -> None:
    with (
        prometheus.serving(dict, 0) as port,
        pytest.raises(errors.UsageError, match=f"port {port}"),
        prometheus.serving(dict, port),
    ):
        pass


def test_names_follow_the_conventions() -> None:
    for metric in metrics.METRICS:
        assert metric.name.startswith("lakewright_")
        assert metric.name.endswith("_total") == (metric.kind is metrics.Kind.COUNTER)
        assert metric.help.endswith(".")

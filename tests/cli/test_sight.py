"""What others see of commands and workers: metrics, traces and lineage events, as set up."""

import json
import re
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

from lakewright import errors, sight, wiring
from lakewright.runs.progress import Silent
from tests.cli.conftest import Type
from tests.cli.test_worker import lines_until, worker

SQL = "SELECT id, sum(n) AS total FROM bronze.visits GROUP BY id"


@pytest.fixture
def lake(lakewright: Type, tmp_path: Path) -> Path:
    lakewright("init", "lake")
    models = tmp_path / "lake" / "models" / "gold"
    models.mkdir(parents=True)
    (models / "totals.sql").write_text(SQL, "utf-8")
    (tmp_path / "visits.csv").write_text("id,n\n1,2\n1,3\n", "utf-8")
    return tmp_path / "lake"


def test_a_project_that_says_where_gets_lineage_events_of_every_run(
    lakewright: Type, lake: Path, tmp_path: Path
) -> None:
    events = tmp_path / "lineage.jsonl"
    (lake / "lakewright.yaml").write_text(
        f"name: shop\nenvironments:\n  local:\n    lineage: file://{events}\n", "utf-8"
    )
    said = lakewright("upload", "visits.csv", "--project", "lake")
    assert said.code == 0, said.err
    lines = [json.loads(line) for line in events.read_text("utf-8").splitlines()]
    told = {line["eventType"]: line for line in lines}
    assert {"START", "COMPLETE"} == set(told)
    end = told["COMPLETE"]
    assert end["job"] == {**end["job"], "namespace": "lakewright://shop/local"}
    assert [each["name"] for each in end["inputs"]] == ["raw.visits"]
    outputs = {each["name"]: each for each in end["outputs"]}
    assert {"bronze.visits", "gold.totals"} <= set(outputs)
    columns = outputs["gold.totals"]["facets"]["columnLineage"]["fields"]
    assert [each["field"] for each in columns["total"]["inputFields"]] == ["n"]


def test_a_variable_says_where_too_and_a_receiver_that_is_gone_fails_no_command(
    lakewright: Type, lake: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LAKEWRIGHT_OPENLINEAGE_URL", "http://127.0.0.1:9/")
    assert lakewright("upload", "visits.csv", "--project", "lake").code == 0
    events = tmp_path / "lineage.jsonl"
    monkeypatch.setenv("LAKEWRIGHT_OPENLINEAGE_URL", f"file://{events}")
    assert lakewright("run", "--project", "lake").code == 0
    kinds = [json.loads(line)["job"]["name"] for line in events.read_text("utf-8").splitlines()]
    assert "upload.visits" in kinds
    assert kinds[-1] == "models"


def test_a_place_for_lineage_events_that_is_none_is_refused_before_anything_is_done(
    lakewright: Type, lake: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LAKEWRIGHT_OPENLINEAGE_URL", "nowhere")
    said = lakewright("run", "--project", "lake")
    assert said.code == errors.UsageError.exit_code
    assert "file:///PATH.jsonl" in said.err


def test_runs_are_traced_where_the_standard_variables_say_so(
    lakewright: Type, lake: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_TRACES_EXPORTER", "console")
    said = lakewright("upload", "visits.csv", "--json", "--project", "lake")
    assert said.code == 0, said.err
    assert said.json
    names = re.findall(r'^    "name": "(.+)"', said.err, re.MULTILINE)
    assert {"accept visits", "upload visits", "land", "publish", "child process"} <= set(names)


def test_traces_that_cannot_be_made_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "lakewright.sight.traces", None)
    monkeypatch.delattr(sight, "traces", raising=False)
    wanted = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:4318"}
    with pytest.raises(errors.UsageError, match="not installed"), wiring.tracing(wanted):
        pass
    told = Silent()
    for variables in (
        {},
        {**wanted, "OTEL_SDK_DISABLED": "true"},
        {**wanted, "OTEL_TRACES_EXPORTER": "none"},
    ):
        with wiring.tracing(variables) as trace:
            assert trace(told, None) is told  # type: ignore[arg-type]


def test_what_nobody_asks_for_is_not_imported() -> None:
    code = (
        "import sys; from lakewright import wiring; from lakewright.cli import progress, worker\n"
        "with wiring.tracing({}): pass\n"
        "heavy = {'opentelemetry', 'prometheus_client', 'lakewright.sight', 'urllib.request'}\n"
        "sys.exit(', '.join(heavy & set(sys.modules)) or 0)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_worker_answers_prometheus(lakewright: Type, lake: Path) -> None:
    assert lakewright("upload", "visits.csv", "--project", "lake").code == 0
    with worker(lake, "--metrics-port", "0") as process:
        assert process.stderr is not None
        line = lines_until(process.stderr, "metrics ready")[-1]
        port = re.findall(r"port=(\d+)", line)[0]
        url = f"http://127.0.0.1:{port}/metrics"
        with urllib.request.urlopen(url, timeout=60) as answer:
            text = answer.read().decode()
    assert 'lakewright_records_loaded_total{source="visits"} 2.0' in text
    assert 'lakewright_table_rows{table="gold.totals"} 1.0' in text
    assert 'lakewright_table_snapshots{table="bronze.visits"} 1.0' in text
    assert 'lakewright_table_small_files{table="bronze.visits"} 1.0' in text
    assert 'lakewright_table_updated_timestamp_seconds{table="gold.totals"} 1' in text
    assert "lakewright_journal_up 1.0" in text

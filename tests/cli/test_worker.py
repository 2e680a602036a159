import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import pytest

from lakewright import wiring
from tests.cli.conftest import say

SECONDS_MAX = 60.0


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "lake"
    assert say("init", str(folder)).code == 0
    return folder


@contextmanager
def worker(folder: Path, *options: str) -> Iterator["subprocess.Popen[str]"]:
    command = [sys.executable, "-m", "lakewright", "worker", "--project", str(folder), *options]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


def lines_until(stream: IO[str], word: str) -> list[str]:
    lines: list[str] = []
    while not lines or word not in lines[-1]:
        lines.append(stream.readline())
        assert lines[-1], lines
    return lines


def test_a_worker_loads_what_is_uploaded_and_stops_when_it_is_told(project: Path) -> None:
    (project / "visits.csv").write_text("id,n\n1,2\n2,3\n", "utf-8")
    with worker(project, "--json", "--lanes", "1") as process:
        assert process.stderr is not None
        lines_until(process.stderr, "lane ready")
        answer = say("upload", str(project / "visits.csv"), "--project", str(project), "--json")
        assert json.loads(answer.out)["status"] == "loaded"
        process.send_signal(signal.SIGTERM)
        told = [json.loads(line) for line in lines_until(process.stderr, '"stopped"')]
        assert process.wait(SECONDS_MAX) == 0
    assert [each["message"] for each in told] == ["run started", "run ended", "stopping", "stopped"]
    assert told[1]["status"] == "succeeded"
    assert told[1]["source"] == "visits"


def test_a_command_takes_over_from_a_worker_that_was_killed(project: Path) -> None:
    (project / "visits.csv").write_text("id,n\n1,2\n", "utf-8")
    with worker(project) as process:
        assert process.stderr is not None
        lines_until(process.stderr, "lane ready")
        process.kill()
        process.wait(SECONDS_MAX)
    answer = say("upload", str(project / "visits.csv"), "--project", str(project), "--json")
    assert json.loads(answer.out)["status"] == "loaded"


def test_a_second_signal_ends_a_worker_at_once(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LAKEWRIGHT_WORKER_GRACE_SECONDS", "600")
    rows = "".join(f"{number},{number}\n" for number in range(200_000))
    (project / "visits.csv").write_text("id,n\n" + rows, "utf-8")
    with worker(project) as process, wiring.open_lakehouse(project) as house:
        assert process.stderr is not None
        lines_until(process.stderr, "lane ready")
        accepted = house.accept(project / "visits.csv", None, is_again=False)
        lines_until(process.stderr, "run started")
        process.send_signal(signal.SIGINT)
        lines_until(process.stderr, "stopping")
        process.send_signal(signal.SIGINT)
        began_at = time.monotonic()
        process.wait(SECONDS_MAX)
        assert time.monotonic() - began_at < SECONDS_MAX
        (finished,) = house.work([accepted.run_id])
    assert finished.status == "succeeded"

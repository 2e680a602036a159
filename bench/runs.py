"""What a run costs by itself: five steps that do nothing, from the request to the recorded end.

    python -m bench.runs [--runs 100]

A worker waits in a process of its own with one lane and a warm child; this process asks for a run
in the journal, and looks into it until the run has ended. The steps are a plan, three models and a
publish; each is written down before and after, and crosses to the child and back. Beside it the
same with other systems, as far as they are installed; see `bench.peers`.
"""

import argparse
import shutil
import signal
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType

from bench import empty_child, measuring, peers
from bench.projects import OUT
from bench.serving import cpu_seconds_of
from lakewright.runs import accept
from lakewright.runs.children.launcher import Launcher, Limits
from lakewright.runs.journal import Journal
from lakewright.runs.journals import sqlite
from lakewright.runs.progress import Silent
from lakewright.runs.records import RunStatus
from lakewright.runs.workers import resident
from lakewright.runs.workers.round import Hands, Terms

RUNS = 100
WARM_UP = 5
GOAL_MS = 60.0
IDLE_SECONDS = 5.0
_LOOK_SECONDS = 0.001
_SECONDS_MAX = 60.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Found:
    """What was measured."""

    p50_ms: float
    p99_ms: float
    taken_up_ms: float
    """From the request to the moment when the worker has the run in hand: half take less."""
    runs_per_second: float
    """Of runs that were all asked for at once."""
    memory_bytes: int
    """Of the worker and its child."""
    cpu_ms: float
    """Processor time of the worker and its child for one run."""
    idle_share: float
    """How much of one processor the worker takes while there is nothing to do."""


def measure(runs: int) -> Found:
    """Ask for so many runs one after the other, and for as many at once."""
    folder = OUT / "runs"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    journal = sqlite.open_journal(folder / "journal.sqlite")
    process = subprocess.Popen([sys.executable, "-m", "bench.runs", "--serve", str(folder)])
    try:
        waits = [_one(journal) for _ in range(runs + WARM_UP)][WARM_UP:]
        taken_up = [
            (run.started_at - run.queued_at).total_seconds()
            for run in journal.reading.runs(limit=runs)
            if run.started_at
        ]
        tree = measuring.tree(process.pid)
        began, before = time.perf_counter(), sum(map(cpu_seconds_of, tree))
        for run_id in [_ask(journal) for _ in range(runs)]:
            _wait(journal, run_id)
        at_once = runs / (time.perf_counter() - began)
        worked = sum(map(cpu_seconds_of, tree)) - before
        before = sum(map(cpu_seconds_of, tree))
        time.sleep(IDLE_SECONDS)
        idle = (sum(map(cpu_seconds_of, tree)) - before) / IDLE_SECONDS
        held = measuring.memory(tree)
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(_SECONDS_MAX)
        journal.close()
    shutil.rmtree(folder)
    return Found(
        p50_ms=1000 * statistics.median(waits),
        taken_up_ms=1000 * statistics.median(taken_up),
        p99_ms=1000 * sorted(waits)[len(waits) * 99 // 100],
        runs_per_second=at_once,
        memory_bytes=held,
        cpu_ms=1000 * worked / runs,
        idle_share=idle,
    )


def _one(journal: Journal) -> float:
    began = time.perf_counter()
    _wait(journal, _ask(journal))
    return time.perf_counter() - began


def _ask(journal: Journal) -> str:
    return accept.request_models(journal, empty_child.MODELS, datetime.now(UTC)).run_id


def _wait(journal: Journal, run_id: str) -> None:
    ends_at = time.monotonic() + _SECONDS_MAX
    while not (run := journal.reading.run(run_id)).status.is_finished:
        if time.monotonic() > ends_at:
            raise RuntimeError(f"run {run_id} does not end")
        time.sleep(_LOOK_SECONDS)
    if run.status is not RunStatus.SUCCEEDED:
        raise RuntimeError(f"run {run_id} failed: {run.error}")


def _serve(folder: Path) -> None:
    """What the worker's process does."""

    @contextmanager
    def open_hands(watch: Callable[[], None]) -> Iterator[Hands]:
        journal = sqlite.open_journal(folder / "journal.sqlite")
        command = (sys.executable, "-m", "bench.empty_child")
        with (
            Launcher(command, Limits(memory_max_bytes=2**30)) as launcher,
            journal.owners.hold() as owner,
        ):
            yield Hands(
                journal=journal,
                launcher=launcher,
                owner=owner,
                terms=Terms(
                    storage=folder,
                    step_timeout_seconds=_SECONDS_MAX,
                    step_attempts_max=3,
                    wait_max_seconds=_SECONDS_MAX,
                ),
                progress=Silent(),
                clock=lambda: datetime.now(UTC),
                watch=watch,
            )
        journal.close()

    worker = resident.Resident(open_hands, lanes=1, presence=folder / "workers")

    def stop(number: int, frame: FrameType | None) -> None:
        del number, frame
        worker.stop(0)

    signal.signal(signal.SIGTERM, stop)
    worker.serve()


def run(runs: int) -> dict[str, object]:
    """Measure, tell, and give it as facts, the peers too."""
    print("\nA run of five empty steps, from the request to its end")
    found = measure(runs)
    print(f"  {'':<14}{'p50 ms':>9}{'p99 ms':>9}{'runs/s':>9}{'MB':>7}")
    _tell("lakewright", found.p50_ms, found.p99_ms, found.runs_per_second, found.memory_bytes)
    print(
        f"  goal: p50 at most {GOAL_MS:.0f} ms; a run takes {found.cpu_ms:.1f} ms of processor time"
    )
    print(f"  in worker and child; a worker that waits takes {found.idle_share:.1%} of a processor")
    print(f"  and takes a run up within {found.taken_up_ms:.1f} ms")
    told: dict[str, object] = {"lakewright": asdict(found)}
    for name, other in peers.measure(runs):
        _tell(name, other.p50_ms, other.p99_ms, other.runs_per_second, other.memory_bytes)
        told[name] = asdict(other)
    return told


def _tell(name: str, p50_ms: float, p99_ms: float, per_second: float, held: int) -> None:
    print(f"  {name:<14}{p50_ms:>9.1f}{p99_ms:>9.1f}{per_second:>9.1f}{held / 1e6:>7.0f}")


def main() -> None:
    """Measure and tell; or be the worker."""
    options = argparse.ArgumentParser(prog="bench.runs", description=__doc__)
    options.add_argument("--runs", type=int, default=RUNS)
    options.add_argument("--serve", type=Path, help=argparse.SUPPRESS)
    given = options.parse_args()
    if given.serve is not None:
        _serve(given.serve)
        return
    run(given.runs)


if __name__ == "__main__":
    main()

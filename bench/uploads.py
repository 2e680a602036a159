"""Many small uploads: warm clients deliver, one worker loads to gold.

    python -m bench.uploads [--uploads 400] [--sources 20] [--clients 4] [--lanes 2]

Each file has ten rows; each source has a contract, a silver table that merges and a gold one that
counts. A client is a process of its own that only delivers: each upload is acknowledged once it is
synced. Time runs from the first delivery to the end of the last run. Before it, one file of each
source makes the tables. The measure counts only if every row is in every layer exactly once.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import duckdb

from bench.projects import OUT
from bench.serving import Worker
from lakewright import wiring
from lakewright.wiring.lakehouse import Lakehouse

UPLOADS = 400
ROWS = 10
GOAL_PER_SECOND = 40.0
MOMENTS = 11
"""So many times it is told what the worker holds: it is to stay the same."""


_SOURCE = """match: "s{number}_*.csv"
format: csv
columns:
  - name: id
    type: long
  - name: name
    type: string
  - name: amount
    type: decimal(10,2)
key: [id]
"""
_SILVER = """/*
write: merge
key: [id]
latest_by: [_loaded_at]
*/
select id, name, amount, _loaded_at from bronze.s{number}
"""
_GOLD = "select count(*) as n, sum(amount) as total from silver.s{number}\n"
_LOOK_SECONDS = 0.1
_WAIT_SECONDS_MAX = 3600.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Found:
    """What was measured."""

    uploads: int
    seconds: float
    accepted_seconds: float
    """From the first delivery to the last acknowledgement."""
    accept_ms_p50: float
    accept_ms_p99: float
    worker_cpu_seconds: float
    client_cpu_seconds: float
    runs: int
    memory_bytes: tuple[int, ...]
    """Of the worker and its children, at `MOMENTS` moments evenly from start to end."""

    @property
    def per_second(self) -> float:
        """Uploads that went from delivery to gold in a second."""
        return self.uploads / self.seconds


def measure(uploads: int, sources: int, clients: int, lanes: int) -> Found:
    """Deliver so many files and wait until they are in gold.

    Raises:
        RuntimeError: a row is missing, or is there twice.
    """
    folder = _project(OUT / "project-uploads", sources)
    first = [_file(folder, number, number % sources) for number in range(sources)]
    files = [_file(folder, sources + number, number % sources) for number in range(uploads)]
    with wiring.open_lakehouse(folder) as house, Worker(folder, lanes) as worker:
        for file in first:
            house.accept(file, None, is_again=False)
        _wait(house)
        runs = len(house.journal.reading.runs())
        shares = [_Client(folder, files[number::clients]) for number in range(clients)]
        for each in shares:
            each.wait_until_warm()
        cpu, began = worker.cpu_seconds(), time.monotonic()
        served_from = len(worker.samples)
        for each in shares:
            each.go()
        told = [each.result() for each in shares]
        accepted = time.monotonic() - began
        _wait(house)
        seconds = time.monotonic() - began
        waits = sorted(wait for waits, _ in told for wait in waits)
        held = [each.memory_bytes for each in worker.samples[served_from:]] or [0]
        found = Found(
            uploads=uploads,
            seconds=seconds,
            accepted_seconds=accepted,
            accept_ms_p50=1000 * waits[len(waits) // 2],
            accept_ms_p99=1000 * waits[len(waits) * 99 // 100],
            worker_cpu_seconds=worker.cpu_seconds() - cpu,
            client_cpu_seconds=sum(cpu for _, cpu in told),
            runs=len(house.journal.reading.runs()) - runs,
            memory_bytes=tuple(
                held[number * (len(held) - 1) // (MOMENTS - 1)] for number in range(MOMENTS)
            ),
        )
        _check(house, sources, uploads + sources)
    shutil.rmtree(folder, ignore_errors=True)
    return found


def _project(folder: Path, sources: int) -> Path:
    shutil.rmtree(folder, ignore_errors=True)
    for part in ("sources", "models/silver", "models/gold", "files"):
        (folder / part).mkdir(parents=True)
    (folder / "lakewright.yaml").write_text("name: uploads\n")
    for number in range(sources):
        (folder / f"sources/s{number}.yaml").write_text(_SOURCE.format(number=number))
        (folder / f"models/silver/s{number}.sql").write_text(_SILVER.format(number=number))
        (folder / f"models/gold/g{number}.sql").write_text(_GOLD.format(number=number))
    return folder


def _file(folder: Path, number: int, source: int) -> Path:
    path = folder / "files" / f"s{source}_{number}.csv"
    rows = (f"{number * ROWS + row},name {row},{row}.50\n" for row in range(ROWS))
    path.write_text("id,name,amount\n" + "".join(rows))
    return path


class _Client:
    """A process that delivers its share of the files as fast as it is acknowledged."""

    def __init__(self, folder: Path, files: Sequence[Path]) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "bench.uploads", "--client", str(folder)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self._files = files

    def wait_until_warm(self) -> None:
        """Return once it has loaded the project and knows its files."""
        self._say("\n".join(map(str, self._files)) + "\n\n")
        self._hear()

    def go(self) -> None:
        """Let it begin."""
        self._say("go\n")

    def result(self) -> tuple[list[float], float]:
        """How many seconds each delivery took, and the client's processor time."""
        told = json.loads(self._hear())
        self._process.wait()
        return told["waits"], told["cpu_seconds"]

    def _say(self, text: str) -> None:
        if self._process.stdin is None:
            raise RuntimeError("the client has no input")
        self._process.stdin.write(text)
        self._process.stdin.flush()

    def _hear(self) -> str:
        line = self._process.stdout.readline() if self._process.stdout else ""
        if not line:
            raise RuntimeError(f"a client ended with {self._process.wait()}")
        return line


def _deliver(folder: Path) -> None:
    """What a client does."""
    files = [Path(line.strip()) for line in iter(sys.stdin.readline, "\n")]
    with wiring.open_lakehouse(folder) as house:
        house.journal.reading.runs(limit=1)
        house.project()
        print("warm", flush=True)
        sys.stdin.readline()
        waits, cpu = [], time.process_time()
        for file in files:
            began = time.perf_counter()
            house.accept(file, None, is_again=False)
            waits.append(time.perf_counter() - began)
        told = {"waits": waits, "cpu_seconds": time.process_time() - cpu}
        print(json.dumps(told), flush=True)


def _wait(house: Lakehouse) -> None:
    ends_at = time.monotonic() + _WAIT_SECONDS_MAX
    while house.unfinished_runs():
        if time.monotonic() > ends_at:
            raise RuntimeError("the worker did not end its work")
        time.sleep(_LOOK_SECONDS)


def _check(house: Lakehouse, sources: int, uploads: int) -> None:
    """Raise unless every row is in every layer once."""
    bronze = silver = gold = ids = 0
    with duckdb.connect() as connection:

        def ask(sql: str, table: str) -> list[int]:
            paths = [file.path for file in house.lake.file_set(table).files]
            row = connection.execute(f"SELECT {sql} FROM read_parquet($1)", [paths]).fetchone()
            return [int(value) for value in row or ()]

        for number in range(sources):
            distinct, count = ask("count(DISTINCT (id, _upload_id)), count(*)", f"bronze.s{number}")
            ids, bronze = ids + distinct, bronze + count
            distinct, count = ask("count(DISTINCT id), count(*)", f"silver.s{number}")
            silver += count if count == distinct else 0
            gold += ask("sum(n)", f"gold.g{number}")[0]
    found = {"bronze": bronze, "distinct": ids, "silver": silver, "gold": gold}
    if set(found.values()) != {uploads * ROWS}:
        raise RuntimeError(f"{uploads * ROWS} rows were delivered, but there are {found}")


def tell(found: Found) -> None:
    """Print what was measured."""
    cpu = found.worker_cpu_seconds + found.client_cpu_seconds
    print(f"  {found.per_second:.1f} uploads/s to gold (goal {GOAL_PER_SECOND:.0f})")
    print(
        f"  {found.uploads:,} uploads in {found.seconds:.1f} s, {found.runs} runs; the last one was"
        f" acknowledged after {found.accepted_seconds:.1f} s"
    )
    print(f"  an acknowledgement: p50 {found.accept_ms_p50:.1f}, p99 {found.accept_ms_p99:.1f} ms")
    print(
        f"  processor time of an upload: {1000 * cpu / found.uploads:.1f} ms, of it"
        f" {1000 * found.client_cpu_seconds / found.uploads:.1f} in its client"
    )
    held = ", ".join(f"{each / 1e6:.0f}" for each in found.memory_bytes)
    print(f"  memory of worker and children from start to end: {held} MB")


def run(uploads: int, sources: int = 20, clients: int = 4, lanes: int = 2) -> dict[str, object]:
    """Measure, tell, and give it as facts."""
    print(f"\n{uploads:,} uploads of {ROWS} rows, {sources} sources, {clients} clients")
    found = measure(uploads, sources, clients, lanes)
    tell(found)
    return asdict(found)


def main() -> None:
    """Measure and tell; or be a client."""
    options = argparse.ArgumentParser(prog="bench.uploads", description=__doc__)
    options.add_argument("--uploads", type=int, default=UPLOADS)
    options.add_argument("--sources", type=int, default=20)
    options.add_argument("--clients", type=int, default=4)
    options.add_argument("--lanes", type=int, default=min(2, os.cpu_count() or 1))
    options.add_argument("--client", type=Path, help=argparse.SUPPRESS)
    given = options.parse_args()
    if given.client is not None:
        _deliver(given.client)
        return
    run(given.uploads, given.sources, given.clients, given.lanes)


if __name__ == "__main__":
    main()

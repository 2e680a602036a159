"""One trial: upload a file while a fault strikes, recover, and see that nothing is lost or doubled.

What must hold afterwards, whatever struck and wherever:

- every upload that the journal has acknowledged comes to be loaded, by the next command or a retry;
- `records in = rows + quarantined` for each, and the tables hold exactly these rows, once;
- silver and gold equal those of a project in which nothing went wrong;
- PyIceberg and DuckDB read every table, and both SQLite files are sound;
- the project is ready again within some seconds.
"""

import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from tests.faults.points import CALLS, Point, Role
from tests.iceberg_readers import with_duckdb
from tests.system.conftest import House, digest, of_tables

_SECONDS_MAX = 120.0
_INSIDE = Path(__file__).with_name("inside")

ROWS = 40
_PROJECT = {
    "lakewright.yaml": "name: faults\n",
    "sources/orders.yaml": """
columns:
  - {name: id, type: bigint, required: true}
  - {name: customer, type: string}
  - {name: quantity, type: int}
key: id
bad_records: {share_max: 0.5}
""",
    "models/silver/orders.sql": """/*
write: merge
key: id
latest_by: quantity
checks: [{unique: id}]
*/
SELECT id, customer, quantity FROM bronze.orders
""",
    "models/gold/customers.sql": """
SELECT customer, count(*) AS orders, sum(quantity) AS quantity FROM silver.orders GROUP BY customer
""",
}


class Broken(Exception):
    """Something that must hold does not."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Template:
    """A project with one upload, and what it comes to once the second is loaded."""

    folder: Path
    copy: Path
    """The project as it is before each trial. Tables hold absolute paths, so a trial takes place
    in `folder` itself."""
    file: Path
    expected: Mapping[str, tuple[int, int]]


def template(folder: Path, form: str) -> Template:
    """Make the project in an empty folder."""
    house = House(folder / "project").write(_PROJECT)
    first, second = (write(folder / f"orders_{number}.{form}", number) for number in range(2))
    house.load(first, source="orders")
    house.close()
    copy = folder / "copy"
    shutil.copytree(house.folder, copy)
    house.load(second, source="orders")
    house.close()
    expected = of_tables(house)
    return Template(folder=house.folder, copy=copy, file=second, expected=expected)


def write(path: Path, number: int) -> Path:
    """A file of `ROWS` records; some repeat keys of the one before, two of a text form are bad."""
    ids = [number * 20 + place for place in range(ROWS)]
    customers = ["abc"[identity % 3] for identity in ids]
    quantities = [number * 100 + place for place in range(ROWS)]
    if path.suffix == ".parquet":
        columns = {"id": pa.array(ids, pa.int64()), "customer": customers,
                   "quantity": pa.array(quantities, pa.int32())}  # fmt: skip
        pq.write_table(pa.table(columns), path)
        return path
    rows = list(zip(map(str, ids), customers, map(str, quantities), strict=True))
    rows += [("x", "a", "1"), (f"{number}", "b", "many")]
    if path.suffix == ".json":
        lines = [f'{{"id": "{i}", "customer": "{c}", "quantity": "{q}"}}' for i, c, q in rows]
    else:
        lines = ["id,customer,quantity", *(",".join(row) for row in rows)]
    path.write_text("\n".join(lines) + "\n", "utf-8")
    return path


def restore(made: Template) -> House:
    """The project as it was before any trial."""
    shutil.rmtree(made.folder)
    shutil.copytree(made.copy, made.folder)
    return House(made.folder)


def count(made: Template, role: Role, log: Path) -> None:
    """Upload in peace, with every call of a role written to strace's log."""
    with _upload(made, role, ["-o", str(log), "-e", f"trace={','.join(CALLS)}"]) as process:
        _, printed = process.communicate(timeout=_SECONDS_MAX)
        if process.returncode:
            raise Broken(f"an upload in peace failed: {printed}")


def run(made: Template, point: Point, ready_seconds_max: float) -> float:
    """Carry a trial out; the seconds that it took to be ready again.

    Raises:
        Broken: something that must hold does not.
    """
    house = restore(made)
    injection = point.fault.injection(point.call, point.number)
    options = ["-o", "/dev/null", "-e", f"trace={point.call}", "-e", injection]
    with _upload(made, point.role, options) as process:
        try:
            process.communicate(timeout=_SECONDS_MAX)
        except subprocess.TimeoutExpired:
            process.kill()
            raise Broken("the upload does not end") from None
    began_at = time.monotonic()
    try:
        _finish(house, made)
        ready_seconds = time.monotonic() - began_at
        _check(house, made)
    finally:
        house.close()
    if ready_seconds > ready_seconds_max:
        raise Broken(f"it was ready again only after {ready_seconds:.1f} s")
    return ready_seconds


def _finish(house: House, made: Template) -> None:
    """What a person does: finish what waits, retry what failed, give the command again."""
    reading = house.warm.journal.reading
    house.warm.work([each.run_id for each in house.warm.unfinished_runs()])
    for failed in reading.runs():
        if failed.status.value == "failed":
            queued = house.warm.journal.acceptance.retry(failed.run_id, failed.queued_at)
            house.warm.work([queued.run_id])
    waiting = [each for each in reading.uploads() if not each.status.is_in_bronze]
    if waiting:
        raise Broken(f"acknowledged, but not loaded: {waiting}")
    house.load(made.file, source="orders")


def _check(house: House, made: Template) -> None:
    for upload in house.warm.journal.reading.uploads():
        if upload.records != (upload.rows or 0) + (upload.quarantined or 0):
            raise Broken(f"records are not accounted for: {upload}")
    found = of_tables(house)
    if found != made.expected:
        raise Broken(f"the tables hold {found}, not {made.expected}")
    for name in house.table_names():
        location = house.warm.lake.storage.pointer(name)
        if digest(with_duckdb(location)) != made.expected[name]:
            raise Broken(f"DuckDB reads {name} otherwise than PyIceberg")
    for name in ("journal.sqlite", "catalog.sqlite"):
        with sqlite3.connect(house.storage / name) as connection:
            answer = connection.execute("PRAGMA integrity_check").fetchone()
        connection.close()
        if answer != ("ok",):
            raise Broken(f"{name} is damaged: {answer}")


@contextmanager
def _upload(
    made: Template, role: Role, options: Sequence[str]
) -> Iterator["subprocess.Popen[str]"]:
    """An upload of the second file, of which one process is traced."""
    strace = ["strace", "-D", "-f", "-qq", *options]
    words = ["-m", "lakewright", "upload", str(made.file), "--source", "orders"]
    if role is Role.COMMAND:
        with _start([*strace, "-b", "execve", sys.executable, *words], made) as process:
            yield process
        return
    wrapper = made.folder.parent / "interpreter"
    traced = " ".join(f"'{word}'" for word in [*strace, sys.executable])
    wrapper.write_text(f'#!/bin/sh\nexec {traced} "$@"\n', "utf-8")
    wrapper.chmod(0o755)
    if role is Role.CHILD:
        path = os.pathsep.join(filter(None, (str(_INSIDE), os.environ.get("PYTHONPATH"))))
        variables = {"FAULTS_INTERPRETER": str(wrapper), "PYTHONPATH": path}
        with _start([sys.executable, *words], made, variables) as process:
            yield process
        return
    worker = [*strace, "-b", "execve", sys.executable, "-m", "lakewright", "worker", "--lanes", "1"]
    with _start(worker, made) as resident:
        for line in resident.stderr or ():
            if "lane ready" in line:
                break
        with _start([sys.executable, *words], made) as process:
            yield process
        with suppress(ProcessLookupError):
            os.killpg(resident.pid, signal.SIGTERM)
        try:
            resident.communicate(timeout=_SECONDS_MAX)
        except subprocess.TimeoutExpired:
            raise Broken("the worker does not stop") from None


@contextmanager
def _start(
    command: Sequence[str],
    made: Template,
    variables: Mapping[str, str] | None = None,
) -> Iterator["subprocess.Popen[str]"]:
    process = subprocess.Popen(
        [*command, "--project", str(made.folder)],
        env={**os.environ, "LAKEWRIGHT_THREADS": "1", **(variables or {})},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        yield process
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()

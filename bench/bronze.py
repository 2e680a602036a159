"""What bronze costs beside the floor: DuckDB reading the same CSV typed and writing zstd Parquet.

Run `python bench/bronze.py [ROWS] [ROUNDS]`. Both run by turns in one process each time, with the
same threads and compression; medians are compared. Landing is measured beside, for the whole sum.
"""

import resource
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from lakewright.engines.duckdb import session, text
from lakewright.engines.duckdb.bronze import bronze
from lakewright.ingest import landing, sample
from lakewright.lake.staged import Target
from lakewright.plan import steps
from lakewright.plan.landed import Landed
from lakewright.project.contract import QUARANTINE_SCHEMA, Column, Contract, Evolution, Policy
from lakewright.project.source import BadRecordLimits, Csv
from lakewright.sql import types

THREADS = 2
MEMORY_BYTES = 2 * 2**30
ORDERS = Contract(
    columns=tuple(
        Column(name=name, type=types.parse(kind), is_required=name == "order_id")
        for name, kind in {
            "order_id": "bigint",
            "customer_id": "bigint",
            "ordered_at": "timestamp_ntz",
            "updated_at": "timestamp_ntz",
            "status": "string",
            "quantity": "int",
            "unit_price": "decimal(12,2)",
            "note": "string",
        }.items()
    ),
    evolution=Evolution(wider_types=Policy.QUARANTINE),
)


def measured(work: Callable[[], object]) -> tuple[float, float]:
    """CPU and wall seconds."""
    before, start = resource.getrusage(resource.RUSAGE_SELF), time.perf_counter()
    work()
    after = resource.getrusage(resource.RUSAGE_SELF)
    cpu = after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime
    return cpu, time.perf_counter() - start


def target(folder: Path, table: str, schema: types.Schema) -> Target:
    place = folder / table
    place.mkdir(parents=True, exist_ok=True)
    names = [field.name for field in schema.fields]
    if table == "quarantine":
        names += ["reasons.element"]
        names += [f"reasons.element.{name}" for name in ("column", "code", "message", "value")]
    return Target(
        table=table,
        schema=schema,
        field_ids={name: number for number, name in enumerate(names, start=1)},
        partitioning=(),
        folder=str(place),
        file_prefix="bench",
        base=None,
    )


def land(folder: Path, path: Path) -> Landed:
    step = steps.Land(
        upload_id="0123456789abcdef",
        source="orders",
        file_name=path.name,
        sha256="0" * 64,
        format=Csv(),
        contract=ORDERS,
    )
    return landing.land(step, path, folder / "work", lambda _: None)


def floor_sql(path: Path, out: Path) -> str:
    columns = ", ".join(
        f"{text.literal(column.name)}: {text.literal(text.type_name(column.type))}"
        for column in ORDERS.columns
    )
    read = (
        f"read_csv({text.literal(str(path))}, header = true, delim = ',', quote = '\"',"
        f" escape = '\"', auto_detect = false, columns = {{{columns}}}, store_rejects = true)"
    )
    return f"COPY (FROM {read}) TO {text.literal(str(out))} (FORMAT parquet, COMPRESSION zstd)"


def run(folder: Path, rows: int, rounds: int) -> None:
    delivery = sample.write_shop(folder / "data", rows=rows)
    path = delivery.orders
    connection = session.connect(
        folders=[str(folder)],
        temp_folder=str(folder / "spill"),
        threads=THREADS,
        memory_limit_bytes=MEMORY_BYTES,
    )
    step = steps.Bronze(
        source="orders",
        contract=ORDERS,
        upload_ids=("0123456789abcdef",),
        limits=BadRecordLimits(),
        loaded_at=datetime.now(tz=UTC),
    )
    landed = land(folder, path)
    ours = target(folder, "bronze", ORDERS.schema())
    quarantine = target(folder, "quarantine", QUARANTINE_SCHEMA)
    floor = floor_sql(path, folder / "floor.parquet")
    works: dict[str, Callable[[], object]] = {
        "floor": lambda: connection.execute(floor),
        "bronze": lambda: bronze(connection, step, landed, ours, quarantine, lambda _: None),
        "landing": lambda: land(folder, path),
    }
    found: dict[str, list[tuple[float, float]]] = {name: [] for name in works}
    for _ in range(rounds):
        for name, work in works.items():
            found[name].append(measured(work))
    staged = bronze(connection, step, landed, ours, quarantine, lambda _: None)
    print(f"{rows:,} records, {path.stat().st_size / 1e6:,.0f} MB, {THREADS} threads", end="; ")
    print(f"{staged.counts.rows:,} rows + {staged.counts.quarantined:,} quarantined", end="; ")
    print(f"{len(staged.rows)} files")
    medians = {
        name: tuple(statistics.median(pair[i] for pair in pairs) for i in (0, 1))
        for name, pairs in found.items()
    }
    base = medians["floor"]
    for name, (cpu, wall) in medians.items():
        ratios = f"{cpu / base[0]:5.2f}x CPU {wall / base[1]:5.2f}x wall"
        print(f"  {name:8} {cpu:7.2f} CPU-s {wall:7.2f} s  {ratios} of the floor")
    print(
        f"  peak memory of all: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:,.0f} MB"
    )


def main() -> None:
    rows = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    rounds = int(sys.argv[2]) if len(sys.argv) > 2 else 5
    with tempfile.TemporaryDirectory(prefix="lakewright-bench-") as folder:
        run(Path(folder), rows, rounds)


if __name__ == "__main__":
    main()

"""The bronze step by itself beside the floor, in one process: no start, no landing, no commit.

    python -m bench.bronze [ROWS] [ROUNDS]

Both read the shop's orders by turns with the same threads and compression; medians are compared.
Landing, which counts and cuts the file, is told beside them.
"""

import resource
import sys
import tempfile
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from bench import measuring
from bench.floor import COLUMNS
from bench.measuring import Cost
from lakewright.engines.duckdb import session, text
from lakewright.engines.duckdb.bronze import bronze
from lakewright.ingest import landing, sample
from lakewright.lake.staged import Target
from lakewright.plan import steps
from lakewright.plan.landed import Landed
from lakewright.project.contract import QUARANTINE_SCHEMA, Column, Contract
from lakewright.project.source import BadRecordLimits, Csv
from lakewright.sql import types

THREADS = 2
MEMORY_BYTES = 2 * 2**30
UPLOAD = "0123456789abcdef"
_KINDS = {"TIMESTAMP": "timestamp_ntz", "VARCHAR": "string"}
ORDERS = Contract(
    columns=tuple(
        Column(
            name=name,
            type=types.parse(_KINDS.get(kind, kind.lower())),
            is_required=name == "order_id",
        )
        for name, kind in COLUMNS.items()
    )
)


def target(folder: Path, table: str, schema: types.Schema, *nested: str) -> Target:
    place = folder / table
    place.mkdir(parents=True, exist_ok=True)
    return Target(
        table=table,
        schema=schema,
        field_ids={name: i for i, name in enumerate((*schema.names, *nested), start=1)},
        partitioning=(),
        folder=str(place),
        file_prefix="bench",
        base=None,
    )


def land(folder: Path, path: Path) -> Landed:
    step = steps.Land(
        upload_id=UPLOAD,
        source="orders",
        file_name=path.name,
        sha256="0" * 64,
        format=Csv(),
        contract=ORDERS,
    )
    return landing.land(step, path, folder / "work", lambda _: None)


def floor_sql(path: Path, out: Path) -> str:
    columns = ", ".join(f"'{name}': '{kind}'" for name, kind in COLUMNS.items())
    read = (
        f"read_csv({text.literal(str(path))}, header = true, delim = ',', quote = '\"',"
        f" escape = '\"', auto_detect = false, columns = {{{columns}}}, store_rejects = true)"
    )
    return f"COPY (FROM {read}) TO {text.literal(str(out))} (FORMAT parquet, COMPRESSION zstd)"


def run(folder: Path, rows: int, rounds: int) -> None:
    path = sample.write_shop(folder / "data", rows=rows).orders
    connection = session.connect(
        folders=[str(folder)],
        temp_folder=str(folder / "spill"),
        threads=THREADS,
        memory_limit_bytes=MEMORY_BYTES,
    )
    step = steps.Bronze(
        source="orders",
        contract=ORDERS,
        upload_ids=(UPLOAD,),
        limits=BadRecordLimits(),
        loaded_at=datetime.now(tz=UTC),
    )
    landed = land(folder, path)
    ours = target(folder, "bronze", ORDERS.schema())
    inner = ("", ".column", ".code", ".message", ".value")
    refused = target(
        folder, "quarantine", QUARANTINE_SCHEMA, *(f"reasons.element{name}" for name in inner)
    )
    floor = floor_sql(path, folder / "floor.parquet")
    works: dict[str, Callable[[], object]] = {
        "bronze": lambda: bronze(connection, step, landed, ours, refused, lambda _: None),
        "floor": lambda: connection.execute(floor),
        "landing": lambda: land(folder, path),
    }
    costs: dict[str, list[Cost]] = {name: [] for name in works}
    for _ in range(rounds):
        for name, work in works.items():
            costs[name].append(measuring.call(work))
            if not costs["floor"]:
                peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    staged = bronze(connection, step, landed, ours, refused, lambda _: None)
    counts = staged.counts
    print(f"{rows:,} records, {path.stat().st_size / 1e6:,.0f} MB, {THREADS} threads:", end=" ")
    print(f"{counts.rows:,} rows + {counts.quarantined:,} quarantined, {len(staged.rows)} files")
    base = measuring.median(costs["floor"])
    for name, each in costs.items():
        cost = measuring.median(each)
        print(
            f"  {name:8} {cost.cpu_seconds:7.2f} CPU-s {cost.wall_seconds:7.2f} s"
            f"  {cost.cpu_seconds / base.cpu_seconds:5.2f}x CPU"
            f" {cost.wall_seconds / base.wall_seconds:5.2f}x wall of the floor"
        )
    print(f"  peak memory after the first bronze: {peak / 1024:,.0f} MB")


def main() -> None:
    rows = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    rounds = int(sys.argv[2]) if len(sys.argv) > 2 else 5
    with tempfile.TemporaryDirectory(prefix="lakewright-bench-") as folder:
        run(Path(folder), rows, rounds)


if __name__ == "__main__":
    main()

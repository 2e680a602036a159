"""What a commit to one table costs at first and after thousands, while upkeep keeps the table up.

    python -m bench.upkeep [COMMITS]

Each commit adds a file of ten rows, as a small delivery does. Upkeep is done where a publish would
ask for it. Told is processor time, so that other work on the machine matters less. The very first
commit is told by itself: it loads the libraries and makes the catalog.
"""

import shutil
import statistics
import sys
import time
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from bench.projects import OUT
from lakewright.engines.duckdb import session
from lakewright.engines.duckdb.engine import DuckDbEngine
from lakewright.lake.staged import DataFile, Staged, Target
from lakewright.lake.tables import Lake
from lakewright.plan import codec
from lakewright.project.environment import Retention
from lakewright.runs.operations.tending import Tending, Tools
from lakewright.runs.records import Json
from lakewright.sql import types

COMMITS = 300
TABLE = "bronze.orders"
ROWS = 10
AROUND = 20
"""Commits at each end whose median is told."""

_SCHEMA = types.Schema(
    tuple(types.Field(name=f"column_{number}", type=types.STRING) for number in range(10))
)
_MEMORY_BYTES = 2**29


def main() -> None:
    """Commit again and again; tell what it costs."""
    commits = int(sys.argv[1]) if len(sys.argv) > 1 else COMMITS
    root = OUT / "upkeep"
    shutil.rmtree(root, ignore_errors=True)
    lake = Lake(root)
    (root / "temp").mkdir(parents=True)
    tending = _tending(lake, root)
    costs: list[float] = []
    upkeep: list[float] = []
    for number in range(commits):
        began = time.process_time()
        staged = _staged(lake, f"run{number}")
        lake.publish([staged], f"run{number}", datetime.now(UTC))
        costs.append(time.process_time() - began)
        began = time.process_time()
        if lake.due(Retention().snapshots_kept, [TABLE]):
            _keep_up(lake, tending, f"upkeep{number}")
            upkeep.append(time.process_time() - began)
    found = lake.describe(TABLE)
    very_first, *costs = costs
    first, last = (statistics.median(costs[part]) for part in (slice(AROUND), slice(-AROUND, None)))
    print(
        f"commits {commits}: {first * 1000:.0f} ms of processor time at first,"
        f" {last * 1000:.0f} ms at last (medians of {AROUND}), {max(costs) * 1000:.0f} ms at most;"
        f" the very first {very_first * 1000:.0f} ms, as it loads the libraries"
    )
    print(
        f"upkeep {len(upkeep)} times, {statistics.median(upkeep or [0]) * 1000:.0f} ms each,"
        f" {max(upkeep, default=0) * 1000:.0f} ms at most,"
        f" {sum(upkeep) / commits * 1000:.1f} ms for each commit"
    )
    print(f"{found.rows} rows in {found.files} files, {found.snapshots} snapshots")
    assert found.rows == commits * ROWS


def _tending(lake: Lake, root: Path) -> Tending:
    connection = session.connect(
        folders=[str(root)],
        temp_folder=str(root / "temp"),
        threads=1,
        memory_limit_bytes=_MEMORY_BYTES,
    )
    engine = DuckDbEngine(connection, lambda: datetime.now(UTC))
    return Tending(
        Tools(lake=lake, engine=engine, retention=Retention(), clock=lambda: datetime.now(UTC))
    )


def _staged(lake: Lake, run: str) -> Staged:
    target = lake.target(TABLE, _SCHEMA, (), run, "bronze:orders")
    return Staged(
        table=TABLE,
        step="bronze:orders",
        base_snapshot_id=target.base.snapshot_id if target.base else None,
        schema=_SCHEMA,
        partitioning=(),
        added=(_file(target),),
        consumed={},
        properties={},
        table_properties={},
        column_descriptions={},
    )


def _file(target: Target) -> DataFile:
    path = Path(target.folder) / f"{target.file_prefix}1.parquet"
    fields = [
        pa.field(name, pa.string(), metadata={"PARQUET:field_id": str(target.field_ids[name])})
        for name in target.schema.names
    ]
    values = {name: [f"value {number}" for number in range(ROWS)] for name in target.schema.names}
    pq.write_table(pa.table(values, schema=pa.schema(fields)), path, compression="zstd")
    return DataFile(path=str(path), rows=ROWS, size_bytes=path.stat().st_size)


def _keep_up(lake: Lake, tending: Tending, run: str) -> None:
    common: Mapping[str, Json] = {"token": run, "fence": 1, "attempt": 1, "tokens": [run]}
    step: Mapping[str, Json] = {"kind": "compact", "table": TABLE}
    answer = tending.compact({**common, "step": step}, _silent)
    staged = list(_decoded(answer))
    if staged:
        lake.publish(staged, run, datetime.now(UTC))
    tending.tidy({**common, "step": {"kind": "tidy", "table": TABLE}}, _silent)


def _decoded(answer: Json) -> Iterator[Staged]:
    if isinstance(answer, Mapping) and isinstance(answer["staged"], list):
        for each in answer["staged"]:
            yield codec.decode(Staged, each)


def _silent(_: int) -> None:
    """Nobody watches."""


if __name__ == "__main__":
    main()

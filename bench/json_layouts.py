"""What JSON costs in each usual layout, in MB for each second of one core, beside two floors.

    python -m bench.json_layouts [MEGABYTES] [ROUNDS] [LAYOUT ...]

`land` finds records and types and writes texts; `bronze` types them by the contract inferred from
the same file. The floors promise less: `json.loads` of each record keeps no digit of `1.10` and
tells no columns, DuckDB's `read_json` into Parquet drops the digits, and what it cannot read ends
it. Processor time is measured, on one thread; of all rounds the best counts.
"""

import json
import random
import sys
import tempfile
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import duckdb

from bench import measuring
from bench.bronze import MEMORY_BYTES, UPLOAD, target
from lakewright.engines.duckdb import session, text
from lakewright.engines.duckdb.bronze import bronze
from lakewright.ingest import landing, preview
from lakewright.plan import steps
from lakewright.plan.landed import Landed
from lakewright.project.contract import QUARANTINE_SCHEMA, Contract
from lakewright.project.source import BadRecordLimits
from lakewright.sql import types

MEGABYTES = 10
ROUNDS = 3
_BLOCK_RECORDS = 2000

Record = dict[str, object]
Dump = Callable[[Record], str]

_python = partial(json.dumps, ensure_ascii=False)
_compact = partial(json.dumps, ensure_ascii=False, separators=(",", ":"))
_pretty = partial(json.dumps, ensure_ascii=False, indent=2)


def flat(chance: random.Random) -> Record:
    """An order of eight plain fields."""
    day, minute = chance.randrange(1, 28), chance.randrange(60)
    return {
        "order_id": chance.randrange(10**6),
        "customer": f"C{chance.randrange(99999):05}",
        "city": chance.choice(["Berlin", "Köln", "Paris"]),
        "amount": round(chance.random() * 1000, 2),
        "quantity": chance.randrange(9),
        "is_paid": chance.random() < 0.5,
        "ordered_at": f"2024-01-{day:02}T10:{minute:02}:00Z",
        "note": "some words of text, größer",
    }


def nested(chance: random.Random) -> Record:
    """The same with an object of an object, and a list of objects."""
    address = {
        "street": f"Long Street {chance.randrange(999)}",
        "geo": {"lat": chance.random(), "lon": chance.random()},
    }
    return {**flat(chance), "address": address, "items": [_item(chance) for _ in range(2)]}


def uneven(chance: random.Random) -> Record:
    """The same, with keys that are missing and keys in another order."""
    record = nested(chance)
    items = [dict(sorted(_item(chance).items(), reverse=True)) for _ in range(2)]
    for item in items:
        if chance.random() < 0.3:
            del item["price"]
    return {**record, "items": items}


def _item(chance: random.Random) -> Record:
    price = round(chance.random() * 10, 2)
    return {"sku": f"A{chance.randrange(99)}", "n": chance.randrange(5), "price": price}


def _with_prices(record: Record) -> str:
    """Prices as tills write them: always two digits, in the record and in what lies within."""
    written = _compact(record)
    return written.replace('"quantity":', '"price":9.90,"tax":1.00,"quantity":').replace(
        '"price":0.', '"price":10.'
    )


LAYOUTS: Mapping[str, tuple[Callable[[random.Random], Record], Dump, tuple[str, str, str]]] = {
    "flat lines, compact": (flat, _compact, ("", "\n", "\n")),
    "flat lines, with blanks": (flat, _python, ("", "\n", "\n")),
    "flat lines, escapes": (flat, json.dumps, ("", "\n", "\n")),
    "flat lines, prices 1.10": (flat, _with_prices, ("", "\n", "\n")),
    "flat array": (flat, _python, ("[", ", ", "]")),
    "nested lines, compact": (nested, _compact, ("", "\n", "\n")),
    "nested lines, with blanks": (nested, _python, ("", "\n", "\n")),
    "nested lines, prices 1.10": (nested, _with_prices, ("", "\n", "\n")),
    "nested lines, keys differ": (uneven, _compact, ("", "\n", "\n")),
    "nested array, compact": (nested, _compact, ("[", ",", "]")),
    "nested array, pretty": (nested, _pretty, ("[\n", ",\n", "\n]\n")),
    "nested, concatenated": (nested, _pretty, ("", "\n", "\n")),
}


def write(path: Path, layout: str, megabytes: float) -> list[str]:
    """Write a file; the records in it."""
    make, dump, (start, between, end) = LAYOUTS[layout]
    chance = random.Random(7)
    records: list[str] = []
    size = 0
    while size < megabytes * 1e6:
        block = [dump(make(chance)) for _ in range(_BLOCK_RECORDS)]
        size += sum(map(len, block))
        records += block
    path.write_text(start + between.join(records) + end, encoding="utf-8")
    return records


def land(folder: Path, path: Path) -> Landed:
    """Land a file."""
    step = steps.Land(
        upload_id=UPLOAD,
        source="orders",
        file_name=path.name,
        sha256="0" * 64,
        format=None,
        contract=None,
    )
    return landing.land(step, path, folder / "work", lambda _: None)


def load(folder: Path, landed: Landed, contract: Contract) -> Callable[[], object]:
    """A call of the bronze step, on one thread."""
    connection = session.connect(
        folders=[str(folder)],
        temp_folder=str(folder / "spill"),
        threads=1,
        memory_limit_bytes=MEMORY_BYTES,
    )
    step = steps.Bronze(
        source="orders",
        contract=contract,
        upload_ids=(UPLOAD,),
        limits=BadRecordLimits(),
        loaded_at=datetime.now(tz=UTC),
    )
    inner = ("", ".column", ".code", ".message", ".value")
    refused = target(
        folder, "quarantine", QUARANTINE_SCHEMA, *(f"reasons.element{name}" for name in inner)
    )
    within = (
        name for column in contract.columns for name in _names_within(column.type, column.name)
    )
    ours = target(folder, "bronze", contract.schema(), *within)
    return lambda: bronze(connection, step, landed, ours, refused, lambda _: None)


def _names_within(kind: types.Type, name: str) -> list[str]:
    """The places within a nested column, as field ids name them."""
    if isinstance(kind, types.Array):
        return [f"{name}.element", *_names_within(kind.element, f"{name}.element")]
    if isinstance(kind, types.Struct):
        return [
            each
            for field, inner in kind.fields
            for each in (f"{name}.{field}", *_names_within(inner, f"{name}.{field}"))
        ]
    return []


def read_json(path: Path, out: Path) -> None:
    """DuckDB's own reader into Parquet, on one thread."""
    with duckdb.connect(config={"threads": 1}) as connection:
        connection.execute(
            f"COPY (FROM read_json({text.literal(str(path))}))"
            f" TO {text.literal(str(out))} (FORMAT parquet, COMPRESSION zstd)"
        )


def measure(folder: Path, layout: str, megabytes: float, rounds: int) -> Mapping[str, float]:
    """MB for each processor second of each work on one layout."""
    path = folder / "orders.json"
    records = write(path, layout, megabytes)
    landed = land(folder, path)
    contract = preview.infer_source(landed, "orders").contract
    if contract is None:
        raise RuntimeError(f"no contract was inferred for {layout}")
    works: dict[str, Callable[[], object]] = {
        "land": partial(land, folder, path),
        "bronze": load(folder, landed, contract),
        "json.loads": lambda: [json.loads(record) for record in records],
        "read_json": partial(read_json, path, folder / "floor.parquet"),
    }
    size = path.stat().st_size / 1e6
    return {
        name: size / min(measuring.call(work).cpu_seconds for _ in range(rounds))
        for name, work in works.items()
    }


def run(megabytes: float, rounds: int, layouts: list[str]) -> dict[str, Mapping[str, float]]:
    """Measure these layouts, or all, and tell."""
    print(f"\nJSON, MB for each second of one core ({megabytes:g} MB of each layout)")
    floors = f"{'json.loads':>12}{'read_json':>11}{'x loads':>9}"
    print(f"  {'':<28}{'land':>9}{'bronze':>9}{'both':>9}{floors}")
    found: dict[str, Mapping[str, float]] = {}
    for layout in layouts or LAYOUTS:
        with tempfile.TemporaryDirectory(prefix="lakewright-bench-") as folder:
            speeds = measure(Path(folder), layout, megabytes, rounds)
        both = 1 / (1 / speeds["land"] + 1 / speeds["bronze"])
        told = "".join(f"{speeds[name]:>9.1f}" for name in ("land", "bronze"))
        floors = f"{speeds['json.loads']:>12.1f}{speeds['read_json']:>11.1f}"
        floors += f"{speeds['json.loads'] / both:>9.1f}"
        print(f"  {layout:<28}{told}{both:>9.1f}{floors}", flush=True)
        found[layout] = speeds
    return found


def main() -> None:
    """Measure what the command line asks for."""
    megabytes = float(sys.argv[1]) if len(sys.argv) > 1 else MEGABYTES
    rounds = int(sys.argv[2]) if len(sys.argv) > 2 else ROUNDS
    run(megabytes, rounds, sys.argv[3:])


if __name__ == "__main__":
    main()

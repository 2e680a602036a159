"""Reading delimited files: what is found out about them, and how fast they are read exactly.

    python -m bench.ingest [--megabytes N] [--exact-megabytes N] [--rounds N]

Everything runs in this process and is told in processor seconds, which other programs on the
machine change little; every round measures each case once, and medians are compared.

- *Detection* beside the load of the same file with its dialect declared: both are landed.
- *Inference*: the bronze load of a file without a contract beside that with one.
- *Exactly*: each layout of `bench.layouts`, all of it by the exact reader, on one core.
- *Nothing is lost*: the same file with its dialect declared and found has the same records.
"""

import argparse
import os
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path

from bench import layouts, measuring
from bench.bronze import ORDERS, UPLOAD
from bench.measuring import Cost
from bench.projects import OUT, fresh_project
from bench.steps import InProcess
from lakewright import wiring
from lakewright.ingest import delimited, encoding, landing, sample
from lakewright.plan import steps
from lakewright.plan.landed import Landed
from lakewright.project.source import Csv, Dialect

MEGABYTES = 100
EXACT_MEGABYTES = 10
ROUNDS = 5
BYTES_PER_ORDER = 86
LAYOUT_ROWS = 20_000
DETECTION_MAX = 0.05
INFERENCE_MAX = 0.35
EXACT_MIN = 20.0
"""MB per second on one core."""
ORDERS_DIALECT = Dialect(
    delimiter=",", quote='"', escape='"', comment="", has_header=True, header_rows=1, skip_lines=0
)


def report(megabytes: int, exact_megabytes: int, rounds: int) -> dict[str, float]:
    """Measure and tell; the ratios and speeds by name."""
    told: dict[str, float] = {}
    path = _orders(megabytes)
    print(f"\nreading {path.stat().st_size / 1e6:,.0f} MB of orders")
    told |= _of_loading(path, rounds)
    print(
        f"\nexactly, {exact_megabytes:,} MB in each layout, one core (goal: {EXACT_MIN:.0f} MB/s)"
    )
    told |= _of_exact(exact_megabytes, rounds)
    return told


def _orders(megabytes: int) -> Path:
    rows = megabytes * 1_000_000 // BYTES_PER_ORDER
    folder = OUT / f"files-{rows}"
    if not (folder / "customers.csv").exists():
        sample.write_shop(folder, rows=rows)
    return folder / "orders.csv"


def _of_loading(path: Path, rounds: int) -> dict[str, float]:
    found: list[Landed] = []
    cases: dict[str, Callable[[], Cost]] = {
        "land, dialect declared": lambda: _land(path, ORDERS_DIALECT, found),
        "land, dialect found": lambda: _land(path, Dialect(), found),
        "detection alone": partial(measuring.call, partial(_detect, path)),
        "load with a contract": lambda: _load(path, with_contract=True),
        "load without a contract": lambda: _load(path, with_contract=False),
    }
    costs = _measured(cases, rounds)
    for name, cost in costs.items():
        print(f"  {name:<28}{cost.cpu_seconds:>9.3f} CPU-s{cost.wall_seconds:>9.3f} s")
    detection = costs["detection alone"].cpu_seconds / costs["load with a contract"].cpu_seconds
    with_contract = costs["load with a contract"].cpu_seconds
    inference = costs["load without a contract"].cpu_seconds / with_contract - 1
    print(f"  detection's share of the load{detection:>9.2%}  (goal: at most {DETECTION_MAX:.0%})")
    print(f"  more without a contract      {inference:>9.2%}  (goal: at most {INFERENCE_MAX:.0%})")
    _compare(*found[:2])
    return {"detection": detection, "inference": inference}


def _land(path: Path, dialect: Dialect, found: list[Landed]) -> Cost:
    """Landing with a contract, so that no type is looked for."""
    step = steps.Land(
        upload_id=UPLOAD,
        source="orders",
        file_name=path.name,
        sha256="0" * 64,
        format=Csv(dialect=dialect),
        contract=ORDERS,
    )
    work = OUT / "landing"

    def work_it() -> None:
        found.append(landing.land(step, path, work, lambda _: None))

    return measuring.call(work_it)


def _detect(path: Path) -> None:
    text = encoding.Text(path=path, encoding="utf-8", start=0, is_sound=True, evidence="")
    delimited.understand(text, Dialect(), path.name)


def _compare(declared: Landed, found: Landed) -> None:
    """Stop if not all records are where they were."""
    places = [
        [(part.kind, part.records, getattr(part, "byte_start", None)) for part in each.parts]
        for each in (declared, found)
    ]
    if declared.records != found.records or places[0] != places[1]:
        raise RuntimeError(f"{declared.records:,} records declared, {found.records:,} found")
    print(f"  with and without detection: the same {found.records:,} records in the same places")


def _load(path: Path, *, with_contract: bool) -> Cost:
    """Bronze in a fresh project, all steps in this process."""
    threads = os.cpu_count() or 1
    project = fresh_project(OUT / "project-ingest", threads, with_models=False)
    if not with_contract:
        (project / "sources" / "orders.yaml").write_text("format: {type: csv}\n")
    with wiring.open_lakehouse(project) as house:
        house.launcher = InProcess(project)

        def load() -> None:
            house.work([house.accept(path, "orders", is_again=False).run_id])

        return measuring.call(load)


def _of_exact(megabytes: int, rounds: int) -> dict[str, float]:
    files = OUT / f"layouts-{megabytes}"
    files.mkdir(parents=True, exist_ok=True)
    rows = layouts.read(_orders(EXACT_MEGABYTES), LAYOUT_ROWS)
    cases: dict[str, Callable[[], Cost]] = {}
    sizes: dict[str, int] = {}
    for number, (name, layout) in enumerate(layouts.LAYOUTS.items(), start=1):
        path = files / f"{number}.csv"
        if not path.exists():
            layout.write(rows, path, megabytes * 1_000_000)
        sizes[name] = path.stat().st_size
        cases[name] = partial(_read_exactly, path, layout.dialect)
    speeds: dict[str, float] = {}
    for name, cost in _measured(cases, rounds).items():
        speeds[name] = sizes[name] / 1e6 / cost.cpu_seconds
        print(f"  {name:<34}{speeds[name]:>7.1f} MB/s")
    return speeds


def _read_exactly(path: Path, dialect: Dialect) -> Cost:
    work = OUT / "landing"
    work.mkdir(exist_ok=True)
    text = encoding.as_utf8(path, "utf-8", work, path.name)
    table = replace(delimited.understand(text, dialect, path.name), is_strange=True)
    return measuring.call(lambda: delimited.read(table, work, {}, lambda _: None))


def _measured(cases: Mapping[str, Callable[[], Cost]], rounds: int) -> dict[str, Cost]:
    costs: dict[str, list[Cost]] = {name: [] for name in cases}
    for _ in range(rounds):
        for name, measure in cases.items():
            costs[name].append(measure())
    return {name: measuring.median(each) for name, each in costs.items()}


def main() -> None:
    """Measure and tell."""
    options = argparse.ArgumentParser(prog="bench.ingest", description=__doc__)
    options.add_argument("--megabytes", type=int, default=MEGABYTES)
    options.add_argument("--exact-megabytes", type=int, default=EXACT_MEGABYTES)
    options.add_argument("--rounds", type=int, default=ROUNDS)
    given = options.parse_args()
    OUT.mkdir(parents=True, exist_ok=True)
    report(given.megabytes, given.exact_megabytes, given.rounds)


if __name__ == "__main__":
    main()

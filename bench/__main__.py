"""`make bench`: what the main journey costs beside the floor, in one sitting.

Every round measures the floor and each case once, so that a machine whose speed wanders slows both;
the ratio of their medians is what counts. Results are printed and kept in bench/out/.

    bench [--rows N ...] [--rounds N] [--threads N] [--keep]
"""

import argparse
import json
import os
import platform
import shutil
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path

from bench import ingest, json_layouts, measuring, runs, uploads, warm
from bench.measuring import Cost
from bench.projects import OUT, fresh_project
from lakewright.ingest import sample

LAKEWRIGHT = Path(sys.executable).with_name("lakewright")
FLOOR = "floor"


def main() -> None:
    """Measure and tell."""
    options = argparse.ArgumentParser(prog="bench", description=__doc__)
    options.add_argument("--rows", type=int, nargs="+", default=[1_000_000, 10_000_000])
    options.add_argument("--rounds", type=int, default=5)
    options.add_argument("--threads", type=int, default=os.cpu_count() or 1)
    options.add_argument("--keep", action="store_true", help="keep the projects that were made")
    given = options.parse_args()
    results: dict[str, object] = {
        "machine": f"{platform.platform()}, {os.cpu_count()} cores, Python {sys.version.split()[0]}"
    }
    OUT.mkdir(parents=True, exist_ok=True)
    results["start"] = _tell("start", _start(given.rounds))
    for rows in given.rows:
        results[f"{rows}"] = _tell(f"{rows:,} orders", _sized(rows, given.rounds, given.threads))
    results["warm"] = _tell("10 records, warm process", _warm(given.rows[0], given.rounds))
    results["json"] = json_layouts.run(json_layouts.MEGABYTES, given.rounds, [])
    results["ingest"] = ingest.report(ingest.MEGABYTES, ingest.EXACT_MEGABYTES, given.rounds)
    results["runs"] = runs.run(runs.RUNS)
    results["uploads"] = uploads.run(uploads.UPLOADS)
    (OUT / "results.json").write_text(json.dumps(results, indent=1) + "\n")
    if not given.keep:
        for folder in OUT.glob("project-*"):
            shutil.rmtree(folder)


def _start(rounds: int) -> dict[str, Cost]:
    return _rounds(
        rounds,
        {
            word: partial(measuring.command, [LAKEWRIGHT, word], OUT / "output.txt")
            for word in ("version", "--help")
        },
    )


def _sized(rows: int, rounds: int, threads: int) -> dict[str, Cost]:
    """The floor, bronze alone, and the journey to gold, for this many orders."""
    files = OUT / f"files-{rows}"
    if not (files / "customers.csv").exists():
        sample.write_shop(files, rows=rows)
    orders, customers = files / "orders.csv", files / "customers.csv"

    def upload(name: str, *uploaded: Path, with_models: bool) -> Cost:
        project = fresh_project(OUT / f"project-{name}-{rows}", threads, with_models=with_models)
        arguments: list[str | Path] = [LAKEWRIGHT, "upload", *uploaded, "--project", project]
        return measuring.command(arguments, OUT / "output.txt")

    floor = [sys.executable, "-m", "bench.floor", str(orders), str(OUT / "floor.parquet")]
    return _rounds(
        rounds,
        {
            FLOOR: lambda: measuring.command([*floor, str(threads)], OUT / "output.txt"),
            "bronze": lambda: upload("bronze", orders, with_models=False),
            "gold": lambda: upload("gold", customers, orders, with_models=True),
        },
    )


def _warm(rows: int, rounds: int) -> dict[str, Cost]:
    """Ten records, in a process that has loaded everything, onto small and onto large tables."""
    small = fresh_project(OUT / "project-warm", os.cpu_count() or 1, with_models=True)
    large = OUT / f"project-gold-{rows}"
    return {
        "small tables": warm.cost(small, rounds),
        f"tables of {rows:,} orders": warm.cost(large, rounds),
    }


def _rounds(rounds: int, cases: Mapping[str, Callable[[], Cost]]) -> dict[str, Cost]:
    """Every case once a round; the medians."""
    costs: dict[str, list[Cost]] = {name: [] for name in cases}
    for _ in range(rounds):
        for name, measure in cases.items():
            costs[name].append(measure())
    return {name: measuring.median(each) for name, each in costs.items()}


def _tell(title: str, costs: Mapping[str, Cost]) -> dict[str, dict[str, float]]:
    print(f"\n{title}")
    for line in table(costs):
        print(line)
    return {name: asdict(cost) for name, cost in costs.items()}


def table(costs: Mapping[str, Cost]) -> Sequence[str]:
    """The costs as lines; beside the floor, where it is among them, as its multiples."""
    lines = [f"  {'':<28}{'wall s':>9}{'cpu s':>9}{'MB':>8}{'x wall':>8}{'x cpu':>8}"]
    floor = costs.get(FLOOR)
    for name, cost in costs.items():
        line = f"  {name:<28}{cost.wall_seconds:>9.3f}{cost.cpu_seconds:>9.3f}"
        line += f"{cost.memory_bytes / 1e6:>8.0f}" if cost.memory_bytes else f"{'':>8}"
        if floor and name != FLOOR:
            line += f"{cost.wall_seconds / floor.wall_seconds:>8.2f}"
            line += f"{cost.cpu_seconds / floor.cpu_seconds:>8.2f}"
        lines.append(line)
    return lines


if __name__ == "__main__":
    main()

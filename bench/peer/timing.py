"""Times a peer's runs and tells it as one line of JSON; uses nothing but the standard library."""

import json
import os
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

WARM_UP = 5


def tell(one: Callable[[], object], at_once: Callable[[int], object]) -> None:
    """Time `one` run after the other, then many `at_once`; memory is that of all processes."""
    runs = int(sys.argv[1])
    waits = []
    for _ in range(runs + WARM_UP):
        began = time.perf_counter()
        one()
        waits.append(time.perf_counter() - began)
    waits = waits[WARM_UP:]
    began = time.perf_counter()
    at_once(runs)
    seconds = time.perf_counter() - began
    held = sum(map(_held_bytes, _tree(os.getpid())))
    told = {
        "p50_ms": 1000 * statistics.median(waits),
        "p99_ms": 1000 * sorted(waits)[len(waits) * 99 // 100],
        "runs_per_second": runs / seconds,
        "memory_bytes": held,
    }
    print(json.dumps(told))


def _tree(process: int) -> list[int]:
    children = [
        int(child)
        for path in Path(f"/proc/{process}/task").glob("*/children")
        for child in path.read_text().split()
    ]
    return [process, *(found for child in children for found in _tree(child))]


def _held_bytes(process: int) -> int:
    text = Path(f"/proc/{process}/status").read_text()
    (line,) = [each for each in text.splitlines() if each.startswith("VmRSS:")]
    return int(line.split()[1]) * 1024

"""What a command costs: time on the wall, time on all processors, and memory of all its processes.

Memory is sampled, as no system tells the peak of a tree of processes: what each process holds by
itself, and of what files back (libraries, mostly the same in all) the largest part. Exact shares
would be told by walking through all pages, which slows the process that is measured. Peaks shorter
than the interval may be missed; the largest single process, which the kernel does record, is the
lower bound.
"""

import os
import resource
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

SAMPLE_SECONDS = 0.05
OUTPUT_BYTES_MAX = 4000
"""Of a failed command's output, from its end."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Cost:
    """What one thing cost."""

    wall_seconds: float
    cpu_seconds: float
    memory_bytes: int


def command(arguments: Sequence[str | Path], output: Path) -> Cost:
    """Run a command and measure it with all its children; its output goes to a file.

    Raises:
        RuntimeError: the command failed; the message ends with its output.
    """
    started = time.perf_counter()
    with output.open("wb") as file:
        process = subprocess.Popen(arguments, stdout=file, stderr=subprocess.STDOUT)
    with _Sampler(process.pid) as sampler:
        _, status, usage = os.wait4(process.pid, 0)
    wall = time.perf_counter() - started
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        text = output.read_bytes()[-OUTPUT_BYTES_MAX:].decode(errors="replace")
        raise RuntimeError(f"{arguments[0]} ended with {process.returncode}:\n{text}")
    unit = 1 if sys.platform == "darwin" else 1024
    return Cost(
        wall_seconds=wall,
        cpu_seconds=usage.ru_utime + usage.ru_stime,
        memory_bytes=max(sampler.peak_bytes, usage.ru_maxrss * unit),
    )


def call(function: Callable[[], object]) -> Cost:
    """Call a function of this process and measure it; memory is not told."""
    started, before = time.perf_counter(), time.process_time()
    function()
    return Cost(
        wall_seconds=time.perf_counter() - started,
        cpu_seconds=time.process_time() - before,
        memory_bytes=0,
    )


def median(costs: Sequence[Cost]) -> Cost:
    """The median of each measure by itself; of memory the highest."""
    return Cost(
        wall_seconds=statistics.median(cost.wall_seconds for cost in costs),
        cpu_seconds=statistics.median(cost.cpu_seconds for cost in costs),
        memory_bytes=max(cost.memory_bytes for cost in costs),
    )


class _Sampler:
    """Looks at a tree of processes again and again, in a thread, until it is left."""

    def __init__(self, root: int) -> None:
        self.peak_bytes = 0
        self._root = root
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._is_over.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._is_over.wait(SAMPLE_SECONDS):
            self.peak_bytes = max(self.peak_bytes, memory(tree(self._root)))


def tree(root: int) -> list[int]:
    """A process and all that descend from it, as far as this system tells (Linux does)."""
    found, ahead = [], [root]
    while ahead:
        process = ahead.pop()
        found.append(process)
        for path in Path(f"/proc/{process}/task").glob("*/children"):
            ahead += [int(child) for child in _read(path).split()]
    return found


def memory(processes: Sequence[int]) -> int:
    """What these processes hold by themselves, and the most that files back in one of them."""
    held, shared = 0, [0]
    for process in processes:
        pages = [int(field) for field in _read(Path(f"/proc/{process}/statm")).split()]
        if pages:
            held += pages[1] - pages[2]
            shared.append(pages[2])
    return (held + max(shared)) * resource.getpagesize()


def _read(path: Path) -> str:
    try:
        return path.read_text()
    except OSError:  # It ended meanwhile.
        return ""

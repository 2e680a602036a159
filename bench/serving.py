"""A resident worker as a process of its own, and what it and its children take while it serves."""

import os
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from bench import measuring

LAKEWRIGHT = Path(sys.executable).with_name("lakewright")
SAMPLE_SECONDS = 1.0
START_SECONDS_MAX = 60.0
END_SECONDS_MAX = 60.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Sample:
    """What the worker and its children held at one moment."""

    at_seconds: float
    """Since the worker was started."""
    memory_bytes: int


class Worker:
    """`lakewright worker` for one project, for as long as the context lasts."""

    def __init__(self, project: Path, lanes: int) -> None:
        self.samples: list[Sample] = []
        self._project = project
        self._log = project / "worker.log"
        self._lanes = lanes
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._sample, daemon=True)

    def __enter__(self) -> Self:
        self._started = time.monotonic()
        words: list[str | Path] = [
            "worker",
            "--lanes",
            str(self._lanes),
            "--project",
            self._project,
        ]
        with self._log.open("wb") as log:
            self._process = subprocess.Popen([LAKEWRIGHT, *words], stdout=log, stderr=log)
        self._thread.start()
        ends_at = time.monotonic() + START_SECONDS_MAX
        while self._log.read_bytes().count(b"lane ready") < self._lanes:
            if time.monotonic() > ends_at or self._process.poll() is not None:
                raise RuntimeError(f"the worker did not start:\n{self._log.read_text()}")
            time.sleep(0.05)
        return self

    def __exit__(self, *_: object) -> None:
        self._is_over.set()
        self._thread.join()
        self._process.terminate()
        self._process.wait(END_SECONDS_MAX)

    def cpu_seconds(self) -> float:
        """Processor time of the worker and of its children that live."""
        return sum(map(cpu_seconds_of, measuring.tree(self._process.pid)))

    def _sample(self) -> None:
        while not self._is_over.wait(SAMPLE_SECONDS):
            held = measuring.memory(measuring.tree(self._process.pid))
            at_seconds = time.monotonic() - self._started
            self.samples.append(Sample(at_seconds=at_seconds, memory_bytes=held))


def cpu_seconds_of(process: int) -> float:
    """Processor time of one process; 0 if it is no more."""
    try:
        text = Path(f"/proc/{process}/stat").read_text()
    except OSError:  # It ended meanwhile.
        return 0.0
    fields: Sequence[str] = text.rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

import os
import sys
from pathlib import Path

import pytest

from bench import measuring
from bench.measuring import Cost


def test_a_command_costs_what_it_and_its_children_take(tmp_path: Path) -> None:
    work = "sum(range(10**7))"
    child = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {work!r}])"
    cost = measuring.command([sys.executable, "-c", child], tmp_path / "output")
    alone = measuring.command([sys.executable, "-c", "pass"], tmp_path / "output")
    assert cost.cpu_seconds > alone.cpu_seconds
    assert cost.memory_bytes > 1_000_000


def test_a_command_that_fails_is_told_with_the_end_of_its_output(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="ended with 3:\nwrong"):
        measuring.command(
            [sys.executable, "-c", "print('wrong'); raise SystemExit(3)"], tmp_path / "output"
        )


def test_the_median_is_taken_of_each_measure_and_the_peak_of_memory() -> None:
    costs = [
        Cost(wall_seconds=wall, cpu_seconds=cpu, memory_bytes=memory)
        for wall, cpu, memory in ((1, 9, 5), (2, 8, 7), (3, 7, 6))
    ]
    assert measuring.median(costs) == Cost(wall_seconds=2, cpu_seconds=8, memory_bytes=7)


def test_a_process_is_part_of_its_own_tree() -> None:
    assert os.getpid() in measuring.tree(os.getpid())

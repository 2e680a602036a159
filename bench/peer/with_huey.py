"""huey: a pipeline of five tasks in SQLite with fsync, carried out by a consumer process."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from huey import SqliteHuey
from huey.api import ResultGroup
from timing import tell

_POLL_SECONDS = "0.025"

huey = SqliteHuey(filename=os.environ.get("BENCH_HUEY", ":memory:"), fsync=True)


@huey.task()
def step(number: int = 0) -> int:
    return number + 1


def pipeline() -> ResultGroup:
    found = step.s()
    for _ in range(4):
        found = found.then(step)
    return huey.enqueue(found)


def one() -> None:
    pipeline().get(blocking=True, backoff=1.0, max_delay=0.001)


def at_once(runs: int) -> None:
    for result in [pipeline() for _ in range(runs)]:
        result.get(blocking=True, backoff=1.0, max_delay=0.001)


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        environment = {**os.environ, "BENCH_HUEY": f"{folder}/huey.sqlite"}
        environment["PYTHONPATH"] = str(Path(__file__).parent)
        if "BENCH_HUEY" not in os.environ:
            os.execve(sys.executable, [sys.executable, *sys.argv], environment)
        command = [str(Path(sys.executable).with_name("huey_consumer")), "with_huey.huey"]
        command += ["-k", "thread", "-w", "2", "-d", _POLL_SECONDS, "-m", _POLL_SECONDS, "-q"]
        with subprocess.Popen(command, env=os.environ) as consumer:
            tell(one, at_once)
            consumer.terminate()


if __name__ == "__main__":
    # Tasks are known by their module: here it must not be `__main__`.
    import with_huey

    with_huey.main()

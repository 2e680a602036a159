"""Other systems doing the same run of five empty steps, each in a process of its own.

They are no part of the development environment, as they bring a hundred libraries along:

    python -m venv bench/out/peers
    bench/out/peers/bin/pip install --group peers

What is compared is not quite alike. DBOS and Prefect run the steps in the process that asks for
them; huey's worker, as ours, is another process. None of them runs a step in a process that may be
killed. Each keeps its records in SQLite, as it does by default.
"""

import json
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass

from bench.projects import OUT, ROOT

PYTHON = OUT / "peers" / "bin" / "python"
NAMES = ("dbos", "huey", "prefect")
_SECONDS_MAX = 600.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Found:
    """What was measured; as in `bench.runs`."""

    p50_ms: float
    p99_ms: float
    runs_per_second: float
    memory_bytes: int


def measure(runs: int) -> Iterator[tuple[str, Found]]:
    """What each peer that is installed takes; of the others it is said that they are not."""
    for name in NAMES:
        if not _is_installed(name):
            print(f"  {name} IS NOT MEASURED: it is not installed; bench/peers.py says how")
            continue
        script = ROOT / "bench" / "peer" / f"with_{name}.py"
        done = subprocess.run(
            [str(PYTHON), str(script), str(runs)],
            check=False,
            capture_output=True,
            text=True,
            timeout=_SECONDS_MAX,
        )
        if done.returncode:
            raise RuntimeError(f"{name} ended with {done.returncode}:\n{done.stderr[-4000:]}")
        yield name, Found(**json.loads(done.stdout.splitlines()[-1]))


def _is_installed(name: str) -> bool:
    if not PYTHON.exists():
        return False
    look = f"import importlib.util, sys; sys.exit(importlib.util.find_spec({name!r}) is None)"
    return subprocess.run([str(PYTHON), "-c", look], check=False).returncode == 0

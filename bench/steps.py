"""Where the time of one journey goes: each step's cost, in one process that does them all.

    python -m bench.steps [ROWS] [THREADS]

The child's operations are called directly, so that processor time can be told by step. What the two
processes cost to start is not in it; `python -m bench` measures the whole.
"""

import os
import shutil
import sys
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

from bench import measuring
from bench.measuring import Cost
from bench.projects import OUT, fresh_project
from lakewright import settings, wiring
from lakewright.ingest import sample
from lakewright.runs.children import launcher
from lakewright.runs.records import Json
from lakewright.wiring import hands


class InProcess(launcher.Launcher):
    """Calls the operations where a launcher would ask its child, and notes what they cost."""

    def __init__(self, folder: Path) -> None:
        super().__init__((), launcher.Limits(memory_max_bytes=0))
        self.costs: list[tuple[str, Cost]] = []
        self._hands = hands.Hands(folder, settings.read())

    def start(self) -> None:
        """There is no child."""

    def end(self) -> None:
        """There is no child."""

    def call(
        self,
        operation: str,
        payload: Json,
        *,
        timeout_seconds: float,  # noqa: ARG002
        on_progress: Callable[[int], None] = lambda _: None,
        on_wait: Callable[[], None] = lambda: None,  # noqa: ARG002
    ) -> Json:
        """Call it here."""
        answers: list[Json] = []

        def work() -> None:
            answers.append(self._hands[operation](payload, on_progress))

        cost = measuring.call(work)
        self.costs.append((f"{operation} {_subject(payload)}", cost))
        return answers[0]


def _subject(payload: Json) -> str:
    """The table or source that a request is about."""
    step = payload.get("step") if isinstance(payload, Mapping) else None
    if not isinstance(step, Mapping):
        return ""
    return str(step.get("table") or step.get("source") or "")


def main() -> None:
    """Load the shop's two files once, and tell what each step took."""
    rows = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    threads = int(sys.argv[2]) if len(sys.argv) > 2 else os.cpu_count() or 1
    files = OUT / f"files-{rows}"
    if not (files / "customers.csv").exists():
        sample.write_shop(files, rows=rows)
    project = fresh_project(OUT / f"project-steps-{rows}", threads, with_models=True)
    with wiring.open_lakehouse(project) as house:
        steps = InProcess(project)
        house.launcher = steps
        for file in (files / "customers.csv", files / "orders.csv"):
            accepted: list[str] = []

            def accept(file: Path, accepted: list[str]) -> None:
                accepted.append(house.accept(file, None, is_again=False).run_id)

            steps.costs.append(
                (f"receive {file.name}", measuring.call(partial(accept, file, accepted)))
            )
            house.work(accepted)
    for name, cost in steps.costs:
        print(f"  {name:<32}{cost.cpu_seconds:8.2f} CPU-s{cost.wall_seconds:8.2f} s")
    total = sum(cost.cpu_seconds for _, cost in steps.costs)
    print(f"  {'all':<32}{total:8.2f} CPU-s")
    shutil.rmtree(project)


if __name__ == "__main__":
    main()

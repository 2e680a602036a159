"""What a small upload costs in a process that has everything loaded: from the call to gold."""

from functools import partial
from pathlib import Path

from bench import measuring
from bench.measuring import Cost
from lakewright import wiring
from lakewright.ingest import sample

RECORDS = 10
SEED_FIRST = 1000


def cost(project: Path, rounds: int) -> Cost:
    """The median cost of delivering ten new orders and carrying their run out.

    The time is of the wall; the processor time is this process's alone, as the work is done in its
    child. One round before the first is not counted: it starts the child.
    """
    with wiring.open_lakehouse(project) as house:

        def upload(file: Path) -> None:
            accepted = house.accept(file, "orders", is_again=False)
            house.work([accepted.run_id])

        files = [_file(project, SEED_FIRST + number) for number in range(rounds + 1)]
        upload(files[0])
        return measuring.median([measuring.call(partial(upload, file)) for file in files[1:]])


def _file(project: Path, seed: int) -> Path:
    made = sample.write_shop(project / "files" / str(seed), rows=RECORDS, seed=seed)
    return made.orders

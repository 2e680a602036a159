"""Strike a fault at many points, one after another: see `make faults`.

    python -m tests.faults                            1,000 points, in the order of a seed
    python -m tests.faults --points 0                 all of them: many hours
    python -m tests.faults --shard 2/4                a quarter of them, the second
    python -m tests.faults --point csv:child:kill:pwrite64:3      this one, again

What was tried is written to `.faults/`, one JSON line each; the same command goes on after it. Ends
with 1 if something that must hold did not.
"""

import argparse
import json
import resource
import sys
import tempfile
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from tests.faults import deeds, points, trial
from tests.faults.points import Point, Role

RECORD = Path(__file__).parents[2] / ".faults"


def main(arguments: Sequence[str]) -> int:
    """Try the points that the arguments ask for."""
    asked = _parse(arguments)
    trial.prepare()
    with tempfile.TemporaryDirectory(prefix="lakewright-faults-") as name:
        made = {}
        for deed in deeds.ALL:
            (folder := Path(name, deed)).mkdir()
            made[deed] = trial.template(folder, deed)
        if asked.point:
            point = Point.parse(asked.point)
            found = trial.run(made[point.deed], point, asked.ready_seconds)
            struck = "struck" if found.has_struck else "did not strike"
            print(f"{point} {struck}, and held; ready again after {found.ready_seconds:.2f} s")
            return 0
        counts = {
            (deed, role): _count(made[deed], role, Path(name, "log"))
            for deed in deeds.ALL
            for role in Role
        }
        every = points.every(counts)
        chosen = points.shuffled(every, asked.seed, asked.shard)
        print(f"seed {asked.seed}: {len(chosen)} of {len(every)} points", flush=True)
        return _try_all(made, chosen[: asked.points or None], asked)


def _parse(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.faults")
    parser.add_argument("--seed", type=int, default=20_240_229)
    parser.add_argument("--points", type=int, default=1000, help="how many; 0: all")
    parser.add_argument("--shard", type=_shard, default=(1, 1), help="such as 2/4")
    parser.add_argument("--point", help="only this one, as it was printed")
    parser.add_argument("--ready-seconds", type=float, default=5.0,
                        help="how long it may take to be ready again")  # fmt: skip
    return parser.parse_args(arguments)


def _shard(text: str) -> tuple[int, int]:
    number, _, of = text.partition("/")
    return int(number), int(of)


def _record(asked: argparse.Namespace) -> Path:
    RECORD.mkdir(exist_ok=True)
    return RECORD / f"{asked.seed}-{asked.shard[0]}-of-{asked.shard[1]}.jsonl"


def _count(made: trial.Template, role: Role, log: Path) -> "dict[str, int]":
    trial.count(made, role, log)
    return dict(points.counted(log))


def _try_all(
    made: "dict[str, trial.Template]", chosen: Sequence[Point], asked: argparse.Namespace
) -> int:
    known, record = {}, _record(asked)
    if record.exists():
        lines = record.read_text("utf-8").splitlines()
        known = {each["point"]: each for each in map(json.loads, lines)}
    tally: Counter[str] = Counter()
    tried, cpu_seconds = 0, _cpu_seconds()
    with record.open("a", encoding="utf-8") as file:
        for place, point in enumerate(chosen, start=1):
            found = known.get(str(point))
            if found is None:
                found = _try(made[point.deed], point, asked.ready_seconds)
                file.write(json.dumps(found) + "\n")
                file.flush()
                tried += 1
            tally[found["outcome"]] += 1
            if found["outcome"] == "broken":
                print(f"BROKEN {point}: {found['why']}", flush=True)
            if place % 50 == 0:
                print(f"{place} of {len(chosen)}: {dict(tally)}", flush=True)
    print(
        f"{len(chosen)} points: {tally['held']} held, {tally['broken']} broken,"
        f" {tally['missed']} where no fault struck"
    )
    if tried:
        each = (_cpu_seconds() - cpu_seconds) / tried
        print(f"tried now: {tried}, for {each:.1f} s of processor time each")
    return 1 if tally["broken"] else 0


def _cpu_seconds() -> float:
    """Processor time of this process, and of all that have ended under it."""
    found = map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(each.ru_utime + each.ru_stime for each in found)


def _try(made: trial.Template, point: Point, ready_seconds_max: float) -> "dict[str, str]":
    try:
        found = trial.run(made, point, ready_seconds_max)
    except Exception as error:  # noqa: BLE001 - whatever it is, the point is broken
        return {"point": str(point), "outcome": "broken", "why": f"{type(error).__name__}: {error}"}
    outcome = "held" if found.has_struck else "missed"
    return {"point": str(point), "outcome": outcome, "seconds": f"{found.ready_seconds:.2f}"}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

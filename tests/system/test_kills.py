"""Kill the parent or the child anywhere between an upload and gold: nothing is lost or doubled.

One project lives through many kills. Each time another file is uploaded and a process is killed:
before its n-th change of the disk (see `deadly/sitecustomize.py`), or after a while, which also
finds the engine while it writes. Then the next command has to finish what was broken off. At the
end every table equals that of a project in which nobody was killed.
"""

import itertools
import os
import random
import signal
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

from lakewright.lake import upkeep
from tests.system.conftest import House, of_tables

DEADLY = Path(__file__).with_name("deadly")
SEED = 20_240_229
SECONDS_MAX = 120

PROJECT = {
    "lakewright.yaml": "name: shop\n",
    "sources/orders.yaml": """
match: "orders*.csv"
columns:
  - {name: id, type: bigint, required: true}
  - {name: customer, type: string}
  - {name: quantity, type: int}
key: id
partitioning: [customer]
bad_records: {share_max: 0.5}
""",
    "models/silver/orders.sql": """/*
write: merge
key: id
latest_by: quantity
checks: [{unique: id}]
*/
SELECT id, customer, quantity FROM bronze.orders
""",
    "models/silver/log.sql": """/*
write: append
*/
SELECT id, quantity FROM bronze.orders
""",
    "models/gold/customers.sql": """
SELECT customer, count(*) AS orders, sum(quantity) AS quantity FROM silver.orders GROUP BY customer
""",
}
RECORDS = 200
QUARANTINED = 2


def content(number: int) -> str:
    """A file: some orders are new, some change earlier ones, two are malformed."""
    lines = ["id,customer,quantity"]
    for place in range(RECORDS - QUARANTINED):
        identity = number * 100 + place
        lines.append(f"{identity},{'abc'[identity % 3]},{number * 1000 + place}")
    return "\n".join([*lines, "x,a,1", f"{number},b,many"]) + "\n"


@dataclass(frozen=True, kw_only=True)
class Kill:
    """Whom to kill, and when: before a change of the disk, or after some seconds."""

    role: str
    change: int = 0
    seconds: float = 0.0


class Scene:
    """A project that lives through kills."""

    def __init__(self, house: House) -> None:
        self.house = house
        self.killed = 0
        self._numbers = itertools.count()
        self._trials = itertools.count()

    def next_file(self) -> Path:
        number = next(self._numbers)
        return self.house.file(f"orders_{number}.csv", content(number))

    def changes(self, role: str, *words: object) -> int:
        """How many changes of the disk a process makes in one command; by default an upload."""
        variables = self._variables(Kill(role=role))
        self._wait(words or ("upload", self.next_file()), variables)
        return Path(variables["DEADLY_COUNT"]).stat().st_size

    def survive(self, kill: Kill) -> None:
        """Upload a file, kill, have the next command finish; all must be there."""
        file = self.next_file()
        code = self._wait(("upload", file), self._variables(kill), kill.seconds and kill)
        assert code in (0, -signal.SIGKILL), kill
        self.killed += code != 0
        waiting = [each["upload_id"] for each in self.uploads() if each["status"] == "accepted"]
        if self.killed % 2:
            assert self.house.do("run", "--pending").code == 0, kill
            after = {each["upload_id"]: each for each in self.uploads()}
            assert all(after[each]["status"] == "loaded" for each in waiting), kill
        self.house.load(file)
        self.check(kill)

    def check(self, kill: Kill) -> None:
        """Every record of every upload is in bronze or quarantine, once; reading them takes time,
        so the tables themselves are read after every fifth file, and in the end."""
        for upload in self.uploads():
            assert upload["status"] == "loaded", (kill, upload)
            facts = (upload["records"], upload["rows"], upload["quarantined"])
            assert facts == (RECORDS, RECORDS - QUARANTINED, QUARANTINED), kill
        files = len(self.uploads())
        if files % 5:
            return
        assert self.house.count("bronze.orders") == files * (RECORDS - QUARANTINED), kill
        assert self.house.count("quarantine.orders") == files * QUARANTINED, kill
        assert self.house.count("silver.log") == files * (RECORDS - QUARANTINED), kill

    def uploads(self) -> list[dict[str, object]]:
        found: list[dict[str, object]] = self.house.ask("uploads", "list", "--limit", 1000)
        return found

    def _variables(self, kill: Kill) -> Mapping[str, str]:
        if kill.seconds:
            return {}
        trial = self.house.folder.parent / f"trial-{next(self._trials)}"
        return {
            "PYTHONPATH": os.pathsep.join(
                filter(None, (str(DEADLY), os.environ.get("PYTHONPATH")))
            ),
            "DEADLY_ROLE": kill.role,
            "DEADLY_AT": str(kill.change),
            "DEADLY_COUNT": f"{trial}.count",
            "DEADLY_DONE": f"{trial}.done",
            "DEADLY_FOLDER": str(self.house.folder),
        }

    def strike(self, kill: Kill, *words: object) -> None:
        """Kill a command, and have the next one finish what it has begun."""
        self.killed += self._wait(words, self._variables(kill)) != 0
        assert self.house.do("run", "--pending").code == 0, kill

    def _wait(
        self, words: Sequence[object], variables: Mapping[str, str], kill: Kill | float = 0.0
    ) -> int:
        with self.house.start(*words, variables=variables) as process:
            if isinstance(kill, Kill):
                time.sleep(kill.seconds)
                pids = [process.pid] if kill.role == "parent" else children(process.pid)
                for pid in pids:
                    os.kill(pid, signal.SIGKILL)
            _, printed = process.communicate(timeout=SECONDS_MAX)
            assert process.returncode in (0, -signal.SIGKILL), (kill, printed)
            return process.returncode


def children(pid: int) -> list[int]:
    """The processes that a process has started."""
    found: list[int] = []
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        with suppress(FileNotFoundError, ProcessLookupError):  # Threads end meanwhile.
            found += [int(word) for word in task.read_text("ascii").split()]
    return found


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    house = House(tmp_path / "project").write(PROJECT)
    yield Scene(house)
    house.close()


def play(scene: Scene, kills: int, rng: random.Random) -> None:
    """Kill so many times, in every manner; then compare with a project that was left in peace."""
    changes = {role: scene.changes(role) for role in ("parent", "child")}
    assert min(changes.values()) > 20
    for number in range(kills):
        role = ("parent", "child")[number % 2]
        if number % 5 == 4:
            scene.survive(Kill(role=role, seconds=rng.uniform(0.3, 1.8)))
        else:
            scene.survive(Kill(role=role, change=rng.randint(1, changes[role])))
    assert scene.killed >= kills // 3
    peaceful = House(scene.house.folder.parent / "peaceful").write(PROJECT)
    files = sorted(scene.house.folder.parent.glob("project-files/*"))
    peaceful.load(*files)
    peaceful.close()
    assert of_tables(scene.house) == of_tables(peaceful)


def test_what_a_kill_broke_off_is_finished_once(scene: Scene) -> None:
    play(scene, 8, random.Random(SEED))


def test_a_rollback_that_a_kill_broke_off_is_done_once(scene: Scene) -> None:
    reached = ("bronze.orders", "silver.orders", "silver.log", "gold.customers")
    states = []
    for _ in range(2):
        scene.house.load(scene.next_file())
        found = of_tables(scene.house)
        states.append({name: found[name] for name in reached})
    history = scene.house.ask("tables", "history", "bronze.orders")
    ids = [entry["snapshot_id"] for entry in reversed(history)]
    roll_back = ("tables", "rollback", "bronze.orders", "--to")
    changes = {role: scene.changes(role, *roll_back, ids[0]) for role in ("parent", "child")}
    rng = random.Random(SEED)
    for number in range(6):
        there = (number + 1) % 2
        role = ("parent", "child")[number // 2 % 2]
        scene.strike(Kill(role=role, change=rng.randint(2, changes[role])), *roll_back, ids[there])
        if scene.house.count("bronze.orders") != (there + 1) * (RECORDS - QUARANTINED):
            assert scene.house.do(*roll_back, ids[there]).code == 0  # It was not asked for yet.
        found = of_tables(scene.house)
        assert {name: found[name] for name in reached} == states[there], (number, role)
        entries = scene.house.ask("tables", "history", "bronze.orders")
        assert [entry["snapshot_id"] for entry in reversed(entries)] == ids
    assert scene.killed >= 3


def test_upkeep_that_a_kill_broke_off_loses_no_row(tmp_path: Path) -> None:
    kept = "name: shop\nenvironments: {local: {snapshots_kept: 2, orphans_kept: 0s}}\n"
    house = House(tmp_path / "project").write({**PROJECT, "lakewright.yaml": kept})
    scene = Scene(house)
    small = house.folder.parent / "small"
    small.mkdir()

    def load_many(number: int) -> None:
        """So many files in each partition that they are worth being compacted: an upload with a
        record that is refused shares its files with no other."""
        files = [small / f"orders_{number}_{each}.csv" for each in range(upkeep.SMALL_FILES_MIN)]
        for each, file in enumerate(files):
            rows = [f"{number * 1000 + each * 3 + n},{'abc'[n]},{each}" for n in range(3)]
            file.write_text("\n".join(["id,customer,quantity", *rows, f"x,a,{file.name}"]) + "\n")
        house.load(*files)

    load_many(0)
    changes = scene.changes("child", "tables", "upkeep")
    rng = random.Random(SEED)
    for number in range(1, 5):
        load_many(number)
        wanted = of_tables(house)
        role, last = (("child", changes), ("parent", 30))[number == 3]
        scene.strike(Kill(role=role, change=rng.randint(1, last)), "tables", "upkeep")
        assert of_tables(house) == wanted, (number, role)
    assert house.do("tables", "upkeep").code == 0
    assert of_tables(house) == wanted
    tables = {each["table"]: each for each in house.ask("tables", "list")}
    assert tables["bronze.orders"]["files"] < upkeep.SMALL_FILES_MIN
    assert tables["bronze.orders"]["snapshots"] <= 3
    assert len(list(house.folder.parent.glob("trial-*.done"))) >= 3
    house.close()


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(4))
def test_what_many_kills_broke_off_is_finished_once(scene: Scene, seed: int) -> None:
    play(scene, 60, random.Random(seed))

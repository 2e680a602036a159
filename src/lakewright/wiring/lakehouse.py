"""One project, connected: what every face works with.

The process that holds this owns the journal. It stays light: heavy libraries come in only where
something needs them, and a user's bytes are parsed in its child.
"""

import getpass
import hashlib
import shlex
import sys
from collections.abc import Callable, Collection, Hashable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

from lakewright import errors, settings
from lakewright.plan import codec
from lakewright.project.files import PROJECT_FILES, TEST_FILES
from lakewright.project.source import said
from lakewright.runs import accept, rules
from lakewright.runs.children import launcher
from lakewright.runs.journal import Journal
from lakewright.runs.progress import Progress, Silent
from lakewright.runs.records import (
    Accepted,
    Answer,
    Delivery,
    FormatOverride,
    Json,
    Priority,
    Run,
    RunStatus,
    Upload,
    UploadStatus,
)
from lakewright.runs.workers import resident, worker
from lakewright.runs.workers.round import Hands, Terms
from lakewright.wiring import catalogs, journals
from lakewright.wiring.folder import Place, find_folder, named_folder, signature
from lakewright.wiring.schedules import Schedules

if TYPE_CHECKING:
    from lakewright.lake.raw import RawStore
    from lakewright.lake.tables import Lake
    from lakewright.plan.steps import Plan
    from lakewright.project.project import Project
    from lakewright.sql import types
    from lakewright.wiring.projects import Projects

_LOOKED_AT_BYTES_MAX = 4 * 2**20
"""Up to this size, hashing a file costs less than the start of a child that has nothing to do."""

_CALL_TIMEOUT_SECONDS = 3600.0
"""For what a person asks of the child directly; Ctrl-C ends it sooner."""


def _nothing() -> None:
    pass


class Lakehouse:
    """One project, connected: what faces work with. Use it as a context."""

    def __init__(self, place: Place, configured: settings.Settings) -> None:
        self.folder = place.folder
        self.storage = place.storage
        self._journal = place.journal
        self._catalog = place.catalog
        self.settings = configured
        self.schedules = Schedules(place.folder)
        self._known: tuple[Hashable, Project] | None = None

    def project(self, *, with_tests: bool = False) -> "Project":
        """The project's files, loaded against the tables that exist; its unit tests if asked for.

        Raises:
            ProjectInvalid: the files hold mistakes; all of them are told.
        """
        schemas = {name: table.schema for name, table in self.lake.observe().items()}
        patterns = (*PROJECT_FILES, *TEST_FILES) if with_tests else PROJECT_FILES
        return self._projects.load(schemas, patterns)

    @cached_property
    def _projects(self) -> "Projects":
        from lakewright.wiring.projects import Projects

        return Projects(self.folder, self.storage)

    @cached_property
    def journal(self) -> Journal:
        """The durable record of uploads and runs."""
        self.storage.mkdir(parents=True, exist_ok=True)
        return journals.open_journal(self.storage, self._journal, self._catalog)

    @cached_property
    def raw(self) -> "RawStore":
        """Every delivered file; what killed receptions have left is removed first."""
        from lakewright.lake.raw import LocalRawStore

        store = LocalRawStore(self.storage / "raw")
        store.clean()
        return store

    @cached_property
    def lake(self) -> "Lake":
        """The tables."""
        from lakewright.lake.tables import Lake

        return Lake(self.storage, catalogs.open_catalog(self._catalog))

    @cached_property
    def launcher(self) -> launcher.Launcher:
        """The child process, which is started when it is first needed, or a little before."""
        return _launcher(self.settings, str(self.folder), relay=self._relay)

    @cached_property
    def _relay(self) -> catalogs.Relay | None:
        """What sends to the catalog's server for the child."""
        return None if self._catalog is None else catalogs.Relay(self._catalog)

    def accept(
        self,
        file: Path,
        source: str | None,
        *,
        is_again: bool,
        look: FormatOverride | None = None,
        priority: Priority = Priority.NORMAL,
        report: Callable[[int], None] | None = None,
    ) -> Accepted:
        """Store a file's bytes and acknowledge them.

        The child that will load the file is started before, unless there is nothing to load.
        `look` is what is said of the file's format; None: nothing.

        Raises:
            LakewrightError: the file cannot be read or stored, or its source is not clear; or it is
                loaded, or waits to be, and read another way than `look` says.
        """
        from lakewright.ingest import receiving

        receiving.check_regular(file)
        if look:
            _check_format(self._present_project(), file, source, look)
        if (is_again or not self._is_stored(file)) and not self.is_served():
            self.launcher.start()
        received = receiving.receive(file, self._present_project(), self.raw, source, report)
        delivery = Delivery(
            source=received.source,
            sha256=received.sha256,
            file_name=receiving.name_of(file),
            size_bytes=received.size_bytes,
            delivered_by=_user(),
            is_again=is_again,
            format=look,
            priority=priority,
        )
        accepted = accept.accept(self.journal, delivery, datetime.now(UTC))
        if accepted.answer is Answer.ALREADY_LOADED and not _is_in_bronze(
            self.lake, accepted.upload
        ):
            # Its table was rolled back to before it: the rows come again, not the old answer.
            delivery = replace(delivery, is_again=True)
            accepted = accept.accept(self.journal, delivery, datetime.now(UTC))
        if look is not None and look != accepted.format:
            raise _read_otherwise(file, source, look, accepted)
        return accepted

    def rolled_back(self, uploads: Iterable[Upload]) -> frozenset[str]:
        """The ids of those uploads whose rows a rollback of their bronze table took away.

        In doubt it is none: what a rebuild wrote again may stand in an earlier state as well.
        """
        held = [upload for upload in uploads if upload.status.is_in_bronze]
        return frozenset(_rolled_back(self.lake, held)) if held else frozenset()

    def _is_stored(self, file: Path) -> bool:
        """Whether a file is small enough to look, and its bytes were delivered before."""
        if file.stat().st_size > _LOOKED_AT_BYTES_MAX:
            return False
        try:
            return self.raw.is_known(hashlib.sha256(file.read_bytes()).hexdigest())
        except OSError:
            return True  # It cannot be read: there is nothing to load.

    def _present_project(self) -> "Project":
        """The project as its files are now. They are loaded anew only once they have changed, so
        that a process which stays takes small files fast."""
        present = signature(self.folder)
        if self._known is None or self._known[0] != present:
            self._known = (present, self.project())
        return self._known[1]

    def work(self, run_ids: Collection[str], progress: Progress | None = None) -> tuple[Run, ...]:
        """Carry these runs out, or wait for whoever does.

        Raises:
            Conflict: another process holds one of them for too long.
        """
        if not run_ids:
            return ()
        with self.hands(progress or Silent()) as hands:
            return worker.Worker(hands).drain(run_ids, is_served=self.is_served)

    def is_served(self) -> bool:
        """Whether a resident worker lives, which carries out what is queued."""
        return resident.is_present(self.storage / "workers")

    @contextmanager
    def hands(self, progress: Progress, watch: Callable[[], None] = _nothing) -> Iterator[Hands]:
        """What a worker of this process carries out runs with; see `Hands.watch`."""
        terms = Terms(
            storage=self.storage,
            step_timeout_seconds=self.settings.step_timeout_seconds,
            step_attempts_max=self.settings.step_attempts_max,
            wait_max_seconds=self.settings.wait_max_seconds,
        )
        with self.journal.owners.hold() as owner:
            yield Hands(
                journal=self.journal,
                launcher=self.launcher,
                fetcher=_fetcher(self.settings, str(self.folder)),
                owner=owner,
                terms=terms,
                progress=progress,
                clock=lambda: datetime.now(UTC),
                watch=watch,
            )

    def unfinished_runs(self) -> tuple[Run, ...]:
        """Runs that wait or were broken off, oldest first."""
        statuses = (RunStatus.QUEUED, RunStatus.RUNNING)
        return tuple(reversed(self.journal.reading.runs(statuses=statuses)))

    def source_schemas(self, project: "Project") -> "dict[str, types.Schema]":
        """The columns of every bronze and quarantine table, declared or there."""
        from lakewright.project.contract import QUARANTINE_SCHEMA

        found = {
            name: table.schema
            for name, table in self.lake.observe().items()
            if name.startswith(("bronze.", "quarantine."))
        }
        for source in project.sources.values():
            if source.contract is not None:
                found.setdefault(source.bronze, source.contract.schema())
                found.setdefault(source.quarantine, QUARANTINE_SCHEMA)
        return found

    def plan_files(
        self, files: Sequence[Path], source: str | None, look: FormatOverride | None = None
    ) -> "Plan":
        """The plan of the run that uploading these files, of one source, would make.

        `look` is what is said of their format; None: nothing.

        Raises:
            UsageError: the files belong to more than one source, or do not have what is said.
            LakewrightError: a file cannot be read.
        """
        from lakewright.ingest import receiving

        project = self.project()
        names = {receiving.source_of(file.name, project, source) for file in files}
        if len(names) > 1:
            raise errors.UsageError(
                f"the files belong to {len(names)} sources: {', '.join(sorted(names))}",
                why="each source has a run of its own",
                hint="plan the files of one source at a time",
            )
        for file in files:
            receiving.check_regular(file)
            _check_format(project, file, source, look or {})
        paths = [str(file.absolute()) for file in files]
        payload: Mapping[str, Json] = {"source": names.pop(), "paths": paths, "format": look or {}}
        return self._plan("plan_files", payload)

    def plan_models(self, models: Sequence[str], *, is_full: bool) -> "Plan":
        """The plan of the run that `lakewright run` would make.

        Raises:
            NotFound: there is no such model.
        """
        return self._plan("plan_models", {"models": list(models), "is_full": is_full})

    def _plan(self, operation: str, payload: Mapping[str, Json]) -> "Plan":
        from lakewright.plan.steps import Plan

        answer = self.ask(operation, {**payload, "loaded": self._loaded()})
        return codec.decode(Plan, answer)

    def _loaded(self) -> Json:
        """What each source's bronze table holds, oldest first, as planning takes it."""
        statuses = (UploadStatus.LOADED, UploadStatus.SUSPECT)
        return rules.raw_uploads(self.journal.reading.uploads(statuses=statuses)[::-1])

    def ask(self, operation: str, payload: Mapping[str, Json]) -> Json:
        """Have the child answer a question that changes nothing.

        Raises:
            LakewrightError: what the operation raises.
        """
        return self.launcher.call(operation, payload, timeout_seconds=_CALL_TIMEOUT_SECONDS)

    def variables(self, words: Sequence[str]) -> Mapping[str, str]:
        """What `NAME=VALUE` words say of the project's variables.

        Raises:
            UsageError: a word names no variable, or no value of its type.
            ProjectInvalid: the project's files hold mistakes.
        """
        from lakewright.project import variable_file

        return variable_file.overrides(self.project().variables, words) if words else {}

    def check_models(self, names: Sequence[str]) -> None:
        """See that models of these names exist.

        Raises:
            NotFound: one does not; the hint names the nearest.
            ProjectInvalid: the project's files hold mistakes.
        """
        project = self.project()
        for name in names:
            project.model(name)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for name in ("launcher", "_relay", "journal", "lake"):
            opened = self.__dict__.pop(name, None)
            if isinstance(opened, launcher.Launcher):
                opened.end()
            elif opened is not None:
                opened.close()


def open_lakehouse(folder: Path | None, configured: settings.Settings | None = None) -> Lakehouse:
    """Connect the project in a folder; None: the one that this process stands in.

    Raises:
        NotFound: there is no project.
        ProjectInvalid: its lakewright.yaml holds mistakes.
    """
    known = configured or settings.read()
    found = find_folder(Path.cwd()) if folder is None else named_folder(folder)
    return Lakehouse(Place.of(found, known), known)


class Reader:
    """A child that reads files, and belongs to no project. Use it as a context."""

    def __init__(self, configured: settings.Settings) -> None:
        self._launcher = _launcher(configured)

    def ask(self, operation: str, payload: Mapping[str, Json]) -> Json:
        """Have the child answer a question about a file.

        Raises:
            LakewrightError: what the operation raises.
        """
        return self._launcher.call(operation, payload, timeout_seconds=_CALL_TIMEOUT_SECONDS)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._launcher.end()


def open_reader(configured: settings.Settings | None = None) -> Reader:
    """A reader of files, for which no project is needed."""
    return Reader(configured or settings.read())


def _launcher(
    configured: settings.Settings, *arguments: str, relay: Callable[[Json], Json] | None = None
) -> launcher.Launcher:
    command = (sys.executable, "-m", "lakewright.wiring.child", *arguments)
    limits = launcher.Limits(memory_max_bytes=configured.child_memory_max_bytes)
    return launcher.Launcher(command, limits, settings.to_variables(configured), relay)


def _fetcher(configured: settings.Settings, folder: str) -> launcher.Launcher:
    """The child that fetches files, and so may use the network. It never sees what is in them."""
    command = (sys.executable, "-m", "lakewright.wiring.fetcher", folder)
    limits = launcher.Limits(memory_max_bytes=configured.child_memory_max_bytes, is_offline=False)
    return launcher.Launcher(command, limits, settings.to_variables(configured))


def _user() -> str:
    """Who works here; empty where the system has no name for them, as in some containers."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return ""


def _is_in_bronze(lake: "Lake", upload: Upload) -> bool:
    """Whether the present state of the upload's table descends from the load of the upload.

    Of a snapshot that is not there any more it does if the upload is older than all that are: then
    it was forgotten. Otherwise the lake is another than the journal's.
    """
    table = f"bronze.{upload.source}"
    if table not in lake.tables() or upload.snapshot_id in lake.left_behind(table):
        return False
    history = lake.history(table)
    is_kept = any(entry.snapshot_id == upload.snapshot_id for entry in history)
    return is_kept or upload.accepted_at < history[-1].made_at


def _check_format(project: "Project", file: Path, source: str | None, look: FormatOverride) -> None:
    """Refuse what does not go with what the file's source declares, before anything is kept."""
    from lakewright.ingest import receiving
    from lakewright.project import format_override

    declared = project.sources.get(receiving.source_of(file.name, project, source))
    format_override.settled(declared.format if declared else None, look)


def _read_otherwise(
    file: Path, source: str | None, look: FormatOverride, accepted: Accepted
) -> errors.Conflict:
    """The refusal to pass over in silence what is said of a file that is read another way."""
    words = ["lakewright", "upload", str(file), "--again"]
    words += ["--source", source] if source else []
    again = shlex.join([*words, *(f"--format={word}" for word in said(look) or ("auto",))])
    before = " ".join(said(accepted.format)) or "as its source has it"
    wanted = " ".join(said(look)) or "as its source has it"
    if accepted.answer is Answer.PENDING:
        return errors.Conflict(
            f"{file.name} waits to be read another way",
            why=f"run {accepted.run_id} is to read its bytes {before}, not {wanted}",
            hint=f"let that run end (`lakewright run`), then `{again}` reads it anew",
        )
    return errors.Conflict(
        f"{file.name} is loaded already, and was read another way",
        why=f"its bytes were read {before}, not {wanted}; its rows stay as they are",
        hint=f"`{again}` reads it anew and replaces its rows",
    )


def _rolled_back(lake: "Lake", held: Sequence[Upload]) -> Iterator[str]:
    tables = lake.tables()
    for source in {one.source for one in held if f"bronze.{one.source}" in tables}:
        history = lake.history(f"bronze.{source}")
        gone = lake.left_behind(f"bronze.{source}")
        made_at = next(one.made_at for one in history if one.is_current)
        for upload in held:
            operation = gone.get(upload.snapshot_id or 0)
            if upload.source != source or operation is None:
                continue
            if operation == "append" or upload.accepted_at > made_at:
                yield upload.upload_id

"""A project's files, as text, become one sound value, or all their mistakes at once.

Nothing is read from disk here, and nothing of the world is known but the columns of the tables that
exist, where the caller passes them.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import PurePosixPath

from lakewright.errors import Place, Problem
from lakewright.project import (
    fitting,
    layers,
    model_file,
    naming,
    order,
    project_file,
    python_file,
    schedule_file,
    source_file,
    unit_test_file,
)
from lakewright.project.contract import METADATA_COLUMNS, QUARANTINE_SCHEMA, Contract, Policy
from lakewright.project.file import TextFile, invalid
from lakewright.project.files import PROJECT_FILE
from lakewright.project.memory import Memory, file_key
from lakewright.project.mistake import Mistake, listing, nearest, slip, suggestion
from lakewright.project.model_file import ModelFile
from lakewright.project.project import Project, unfit, waiting
from lakewright.project.project_file import ProjectFile
from lakewright.project.schedule_file import ScheduleFile
from lakewright.project.source_file import SourceFile
from lakewright.project.unit_test_file import UnitTestFile
from lakewright.project.variable import Variable
from lakewright.sql import run_values, types
from lakewright.sql.query import Resolved

_UNFIT = "does not fit the columns that files have brought"


def load(
    files: Mapping[str, str],
    tables: Mapping[str, types.Schema] | None = None,
    memory: Memory | None = None,
) -> Project:
    """The project that these files make up.

    Args:
        files: text by path, relative to the project's folder, with `/` between folders. Files that
            are no part of a project are passed over.
        tables: columns of the tables that exist. They tell of sources that nobody has declared,
            and of columns that files have added to bronze tables. Nothing that they hold makes a
            project invalid: a model that does not fit them is pending, and told in `unfit`.
        memory: what earlier loads have found out; this one adds to it.

    Raises:
        ProjectInvalid: the files hold mistakes; every one is in its `problems`.
    """
    remembered = memory or Memory()
    remembered.begin()
    return _Loading(files=files, tables=tables or {}, memory=remembered).project()


@dataclass(kw_only=True)
class _Loading:
    files: Mapping[str, str]
    tables: Mapping[str, types.Schema]
    memory: Memory
    problems: list[Problem] = field(default_factory=list)
    sources: dict[str, SourceFile] = field(default_factory=dict)
    variables: Mapping[str, Variable] = field(default_factory=dict)
    models: dict[str, ModelFile] = field(default_factory=dict)
    schedules: list[ScheduleFile] = field(default_factory=list)
    unit_tests: list[UnitTestFile] = field(default_factory=list)
    schemas: dict[str, types.Schema] = field(default_factory=dict)
    """Of every table whose columns are known."""
    broken: set[str] = field(default_factory=set)
    """Tables about which there is something wrong already, so nothing is said of their columns."""
    pending: dict[str, str] = field(default_factory=dict)
    resolved: dict[str, Resolved] = field(default_factory=dict)
    unfit: dict[str, tuple[Problem, ...]] = field(default_factory=dict)

    def project(self) -> Project:
        file = self._project_file()
        self.variables = file.variables if file else {}
        self._read_files()
        self._check_patterns()
        for schedule in self.schedules:
            schedule.check_models(self.models)
        self._describe_bronze()
        names = self._sort()
        self._fit([self.models[name] for name in names])
        self._fit_tests()
        self._raise()
        assert file is not None  # noqa: S101 -- a missing file has been raised
        assert file.document is not None  # noqa: S101
        return Project(
            name=file.document.name,
            description=file.document.description,
            environments=file.environments,
            sources={each.name: each.source for each in self.sources.values() if each.source},
            models={name: self.models[name].model() for name in names},
            resolved=self.resolved,
            pending={name: self.pending[name] for name in names if name in self.pending},
            unfit=self.unfit,
            variables=self.variables,
            schedules={each.name: each.schedule for each in self.schedules if each.schedule},
            tests={each.name: each for file in self.unit_tests for each in file.tests},
            waiting_tests=_waiting_tests(self.unit_tests, self.pending),
        )

    def _raise(self) -> None:
        found = list(self.problems)
        for source in self.sources.values():
            found += source.mistakes.problems
        for model in self.models.values():
            found += model.mistakes.problems
        for schedule in self.schedules:
            found += schedule.mistakes.problems
        for test in self.unit_tests:
            found += test.mistakes.problems
        if found:
            raise invalid(found)

    def _project_file(self) -> ProjectFile | None:
        text = self.files.get(PROJECT_FILE)
        if text is None:
            self._note(
                PROJECT_FILE,
                Mistake.MISSING_FILE,
                f"there is no {PROJECT_FILE}",
                why="a project is a folder with this file",
                hint="`lakewright init` writes one; it needs a single line, `name: ...`",
            )
            return None
        found = project_file.read(text)
        self.problems += found.mistakes.problems
        return found

    def _note(self, path: str, code: Mistake, what: str, *, why: str = "", hint: str = "") -> None:
        where = Place(file=path)
        self.problems.append(Problem(code=code.value, what=what, where=where, why=why, hint=hint))

    def _read_files(self) -> None:
        for path in sorted(self.files):
            parts = PurePosixPath(path).parts
            stem, suffix = PurePosixPath(path).stem, PurePosixPath(path).suffix
            match parts:
                case ("sources", _) if suffix == ".yaml":
                    self._check_name(path, stem, "source")
                    file = TextFile.read(path, self.files[path])
                    self.sources[stem] = source_file.read(file, stem)
                case (schedule_file.FOLDER, _) if suffix == ".yaml":
                    self._check_name(path, stem, "schedule")
                    file = TextFile.read(path, self.files[path])
                    self.schedules.append(schedule_file.read(file, stem))
                case (unit_test_file.FOLDER, _) if suffix == ".yaml":
                    self._check_name(path, stem, "file of tests")
                    file = TextFile.read(path, self.files[path])
                    self.unit_tests.append(unit_test_file.read(file, stem))
                case ("models", layer, _) if suffix == ".sql" and layer in layers.MODEL_LAYERS:
                    kinds = {name: each.type for name, each in self.variables.items()}
                    reading = partial(model_file.read, variables=kinds)
                    self._add_model(path, f"{layer}.{stem}", reading)
                case ("models", layer, _) if suffix == ".py" and layer in layers.MODEL_LAYERS:
                    self._add_model(path, f"{layer}.{stem}", python_file.read)
                case _:
                    self._check_misplaced(path)

    def _add_model(self, path: str, name: str, read: Callable[[TextFile, str], ModelFile]) -> None:
        self._check_name(path, PurePosixPath(path).stem, "model")
        text = TextFile.read(path, self.files[path])
        kinds = [f"{each.name} {each.type}" for each in self.variables.values()]
        key = file_key(path, text.text, kinds)
        known = self.memory.model(key)
        if known is None:
            file = read(text, name)
        else:
            file = model_file.remembered(text, known, partial(read, text, name))
        file.key = key
        other = self.models.setdefault(file.name, file)
        if other is not file:
            file.mistakes.add(
                Mistake.AMBIGUOUS_MATCH,
                None,
                f"`{file.name}` is made by {other.mistakes.file.path} already",
                why="a table has one model",
                hint="rename one of the two files",
            )
            self.problems += file.mistakes.problems

    def _check_name(self, path: str, stem: str, noun: str) -> None:
        if not naming.is_standard(stem):
            self._note(
                path,
                Mistake.BAD_NAME,
                f"`{stem}` is no name of a {noun}",
                why=f"a {noun} is named by its file: lower-case words joined by underscores",
                hint=f"rename the file to {naming.standardise(stem)}{PurePosixPath(path).suffix}",
            )

    def _check_misplaced(self, path: str) -> None:
        pure = PurePosixPath(path)
        suffix = pure.suffix.lower()
        if path == "lakewright.yml":
            hint = f"rename it to {PROJECT_FILE}"
        elif pure.parts[0] in ("sources", "schedules", "tests") and suffix in (".yaml", ".yml"):
            hint = f"name it {pure.parts[0]}/{pure.stem}.yaml"
        elif pure.parts[0] == "models" and suffix in (".sql", ".py"):
            folder = pure.parts[1] if len(pure.parts) > 2 else ""
            layer = nearest(folder, layers.MODEL_LAYERS) or layers.MODEL_LAYERS[0]
            hint = f"name it models/{layer}/{pure.stem}{suffix}"
            if folder not in layers.MODEL_LAYERS:
                hint += f"; the layers of models are {listing(layers.MODEL_LAYERS)}"
        else:
            return
        self._note(
            path,
            Mistake.MISPLACED_FILE,
            "nothing reads a file at this place",
            why="sources are sources/<name>.yaml, schedules are schedules/<name>.yaml, tests are"
            " tests/<name>.yaml, models are models/<layer>/<name>.sql"
            " or .py",
            hint=hint,
        )

    def _check_patterns(self) -> None:
        owners: dict[str, str] = {}
        for source in self.sources.values():
            for pattern, span in source.patterns.items():
                owner = owners.setdefault(pattern, source.name)
                if owner != source.name:
                    source.mistakes.add(
                        Mistake.AMBIGUOUS_MATCH,
                        span,
                        f"the source `{owner}` has the pattern `{pattern}` already",
                        why="a file must belong to one source",
                        hint="make one of the patterns narrower",
                    )

    def _describe_bronze(self) -> None:
        """Fill in what is known of the tables that files make."""
        for table, schema in self.tables.items():
            if layers.layer_of(table) in (layers.BRONZE, layers.QUARANTINE):
                self.schemas[table] = schema
        for each in self.sources.values():
            table = f"{layers.BRONZE}.{each.name}"
            self.schemas[f"{layers.QUARANTINE}.{each.name}"] = QUARANTINE_SCHEMA
            if each.source is None:
                self.broken.add(table)
            elif each.source.contract is not None:
                self.schemas[table] = _evolved(each.source.contract, self.tables.get(table))
            elif table not in self.tables:
                self.pending[table] = waiting(each.name, is_declared=True)
        self._await_sources()

    def _await_sources(self) -> None:
        """Take it that sources which nobody has declared or loaded are still to come, unless the
        name is a slip of the pen for one that is declared."""
        known = {*self.schemas, *self.pending, *self.broken}
        names = sorted({table.partition(".")[2] for table in known})
        needed = {table for file in self.models.values() for table in file.needs}
        for table in sorted(needed - known):
            layer, _, name = table.partition(".")
            is_source = layer in (layers.BRONZE, layers.QUARANTINE) and naming.is_standard(name)
            if is_source and not slip(name, sorted(self.sources)):
                near = suggestion(name, names)
                self.pending[table] = waiting(name, is_declared=False) + (near and f"; {near}")

    def _sort(self) -> tuple[str, ...]:
        """The models in building order; circles are noted and left out."""
        found = order.sort({name: each.needs for name, each in self.models.items()})
        for cycle in found.cycles:
            self.broken.update(cycle)
            first, second = cycle[0], cycle[1 % len(cycle)]
            file = self.models[first]
            file.mistakes.add(
                Mistake.MODEL_CYCLE,
                file.mention(second),
                f"`{first}` needs itself" + (" in a circle" if len(cycle) > 1 else ""),
                why=" → ".join((*cycle, first)),
                hint="take one of these reads or `referential` checks out",
            )
        return found.names

    def _fit(self, files: Sequence[ModelFile]) -> None:
        """Fit the models to the tables; what only deliveries make unfit is no mistake of theirs."""
        unknown = {*self.broken, *self.pending}
        seen = fitting.fit(files, self.schemas, unknown, self.memory)
        declared = self._fit_declared(files) if seen.problems else seen
        for file in files:
            found = seen.problems.get(file.name, ())
            file.mistakes.extend(declared.own(file.name, found))
            if found:
                self.unfit[file.name] = unfit(file.name, found)
                self.pending[file.name] = f"{_UNFIT}: {found[0].what}"
            elif (reason := self._waits_for(file)) is not None:
                self.pending[file.name] = reason
            elif file.name in seen.resolved:
                self.resolved[file.name] = seen.resolved[file.name]
        self.schemas = seen.schemas

    def _fit_declared(self, files: Sequence[ModelFile]) -> fitting.Fitting:
        """Fit the models to what the project's files say, and nothing else."""
        known = {table: self._declared(table) for table in self.schemas}
        declared = {table: schema for table, schema in known.items() if schema is not None}
        unknown = {*self.broken, *self.pending, *(known.keys() - declared)}
        return fitting.fit(files, declared, unknown)

    def _declared(self, table: str) -> types.Schema | None:
        """What the project's files say of the columns of a table that files make."""
        if layers.layer_of(table) == layers.QUARANTINE:
            return QUARANTINE_SCHEMA
        source = self.sources.get(table.partition(".")[2])
        contract = source.source.contract if source and source.source else None
        return contract.schema() if contract is not None else None

    def _fit_tests(self) -> None:
        """Type the rows of unit tests. Nothing is said of those of a model that holds mistakes."""
        for file in self.unit_tests:
            if file.model is not None and file.model not in self.models:
                file.note_no_model(self.models)
            elif file.model in self.resolved and self.models[file.model].mistakes.is_empty:
                self._fit_test(file, self.models[file.model])

    def _fit_test(self, file: UnitTestFile, model: ModelFile) -> None:
        known = {**run_values.TYPES, **{each.name: each.type for each in self.variables.values()}}
        del known[run_values.INTERVAL_END]
        subject = unit_test_file.Subject(
            model=model.model(),
            columns=self.resolved[model.name].schema,
            schemas=self.schemas,
            parameters=known,
        )
        file.fit(subject, is_binding=self._rests_on_files_alone(model.name))

    def _rests_on_files_alone(self, model: str) -> bool:
        """Whether deliveries have no part in the columns of what a model is made from."""
        ahead, seen = [model], {model}
        while ahead:
            file = self.models.get(ahead.pop())
            new = (file.needs if file else frozenset()) - seen
            seen |= new
            ahead += new
        return all(
            self.schemas.get(table) == self._declared(table)
            for table in seen
            if layers.layer_of(table) in (layers.BRONZE, layers.QUARANTINE)
        )

    def _waits_for(self, file: ModelFile) -> str | None:
        """Why a model has to wait, if it reads a table that is not there yet."""
        reads = file.query.tables if file.query else ()
        for table in reads:
            if table in self.unfit:
                return f"waits for {table}, which {_UNFIT}"
            if table in self.pending:
                return self.pending[table]
        return None


def _waiting_tests(files: Sequence[UnitTestFile], pending: Mapping[str, str]) -> dict[str, str]:
    """Tests that cannot be run as things are, each with the reason."""
    found: dict[str, str] = {}
    for file in files:
        found |= file.unfit
        if file.model is not None and file.model in pending:
            found |= dict.fromkeys(file.test_names, f"{file.model} {pending[file.model]}")
    return found


def _evolved(contract: Contract, table: types.Schema | None) -> types.Schema:
    """What a contract declares, with what files have added to its table and made wider."""
    declared_schema = contract.schema()
    may_be_text = contract.evolution.wider_types is Policy.EVOLVE
    if table is None:
        return declared_schema
    metadata = METADATA_COLUMNS.names
    own: list[types.Field] = []
    for each in declared_schema.fields:
        there = table.get(each.name)
        is_wider = there is not None and (
            types.is_promotion(each.type, there.type)
            or (may_be_text and there.type == types.STRING)
        )
        own.append(there if there is not None and is_wider else each)
    added = [
        each
        for each in table.fields
        if declared_schema.get(each.name) is None and each.name not in metadata
    ]
    split = len(own) - len(metadata)
    return types.Schema((*own[:split], *added, *own[split:]))

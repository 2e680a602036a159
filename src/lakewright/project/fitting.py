"""Fits models to the columns of the tables that they read, whoever says what these are.

What a project declares is in its files; what deliveries have brought is not. So the same models may
be fitted twice: to what is known by now, and to what the files alone say. Only a mistake that is
found both times is the project's own.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace

from lakewright.errors import Place, Problem, SqlRefused
from lakewright.project import layers, memory, model_rules
from lakewright.project.file import Mistakes
from lakewright.project.memory import Memory
from lakewright.project.mistake import Mistake, suggestion
from lakewright.project.model_file import ModelFile
from lakewright.sql import resolve, types
from lakewright.sql.query import Query, Resolved


@dataclass(kw_only=True)
class Fitting:
    """What came of fitting some models."""

    schemas: dict[str, types.Schema]
    """Of every table whose columns are known, models included."""
    unknown: set[str]
    """Tables that are there, or will be, and whose columns are not known."""
    resolved: dict[str, Resolved] = field(default_factory=dict)
    problems: dict[str, tuple[Problem, ...]] = field(default_factory=dict)
    """Why a model's query or its settings do not fit, for each that does not."""
    memory: Memory = field(default_factory=Memory)
    columns: dict[str, str] = field(default_factory=dict)
    """The key of each table's columns, once it was asked for."""

    def own(self, name: str, problems: Iterable[Problem]) -> tuple[Problem, ...]:
        """Those of a model's problems that were found here too."""
        here = {_identity(each) for each in self.problems.get(name, ())}
        return tuple(each for each in problems if _identity(each) in here)

    def add(self, file: ModelFile) -> None:
        """Fit one more model."""
        if file.query is None or self.unknown.intersection(file.query.tables):
            self.unknown.add(file.name)
            return
        key = self._key(file)
        known = self.memory.resolved(key) if key else None
        if known is not None:
            if file.known is None:
                self.memory.learn(file.key, file.model())
            self.resolved[file.name] = known
            self.schemas[file.name] = known.schema
            return
        readable = layers.READABLE[layers.layer_of(file.name)]
        visible = {
            table: schema
            for table, schema in self.schemas.items()
            if layers.layer_of(table) in readable
        }
        try:
            found = _resolved(file, file.query, visible)
        except SqlRefused as refused:
            self.problems[file.name] = refused.as_problems()
            self.unknown.add(file.name)
            return
        self.resolved[file.name] = found
        self.schemas[file.name] = found.schema
        trial = replace(file.whole, mistakes=Mistakes(file=file.mistakes.file))
        world = model_rules.World(schemas=self.schemas, unknown=frozenset(self.unknown))
        model_rules.check(trial, found, world)
        if not trial.mistakes.is_empty:
            self.problems[file.name] = tuple(trial.mistakes.problems)
        elif key:
            self.memory.learn(file.key, file.model())
            self.memory.learn(key, found)

    def _key(self, file: ModelFile) -> str:
        """What the fitted model is remembered by; empty: it holds mistakes already."""
        if not file.key or not file.mistakes.is_empty:
            return ""
        return memory.fit_key(file.key, {table: self._columns(table) for table in file.needs})

    def _columns(self, table: str) -> str:
        if table not in self.columns:
            is_known = table not in self.unknown
            schema = self.schemas.get(table) if is_known else None
            self.columns[table] = memory.columns_key(schema) if is_known else "unknown"
        return self.columns[table]


def _resolved(file: ModelFile, query: Query, visible: Mapping[str, types.Schema]) -> Resolved:
    """What is known of a model's table.

    Raises:
        SqlRefused: the query does not fit what it reads, or a function reads what is not there.
    """
    if file.function is None:
        return resolve.resolve(query, visible)
    trial = Mistakes(file=file.mistakes.file)
    for table in query.tables:
        if table not in visible:
            trial.add(
                Mistake.UNKNOWN_TABLE,
                file.mention(table),
                f"there is no table `{table}`",
                why="the function is to read it",
                hint=suggestion(table, visible),
            )
    if not trial.is_empty:
        raise SqlRefused("it reads tables that are not there", problems=trial.problems)
    return file.function.resolved()


def fit(
    files: Iterable[ModelFile],
    schemas: Mapping[str, types.Schema],
    unknown: Collection[str],
    remembered: Memory | None = None,
) -> Fitting:
    """Fit models, each after those that it needs, to tables; what reads an unknown table is passed
    over, and unknown in turn."""
    found = Fitting(schemas=dict(schemas), unknown=set(unknown), memory=remembered or Memory())
    for file in files:
        found.add(file)
    return found


def _identity(problem: Problem) -> tuple[str, Place | None]:
    """What makes a mistake the same one although other columns stand around it."""
    return problem.what, problem.where

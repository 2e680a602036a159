"""A project as everyone else sees it: sources, models and environments, known to be sound."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import TypeVar

from lakewright.errors import ModelUnfit, NotFound, Problem, UsageError
from lakewright.project import cell
from lakewright.project.environment import DEFAULT_NAME, Environment
from lakewright.project.mistake import listing, suggestion
from lakewright.project.model import Model
from lakewright.project.schedule import Schedule
from lakewright.project.source import Source
from lakewright.project.unit_test import UnitTest
from lakewright.project.variable import Variable
from lakewright.sql.query import Resolved

_T = TypeVar("_T")


@dataclass(frozen=True, kw_only=True, slots=True)
class Project:
    """A folder of declarative files, loaded. Nobody changes the mappings."""

    name: str
    description: str = ""
    environments: Mapping[str, Environment] = field(
        default_factory=lambda: {DEFAULT_NAME: Environment()}
    )
    sources: Mapping[str, Source] = field(default_factory=dict)
    """The declared ones, by name."""
    models: Mapping[str, Model] = field(default_factory=dict)
    """By `layer.name`, in an order in which they can be built."""
    resolved: Mapping[str, Resolved] = field(default_factory=dict)
    """Each model's schema, lineage and shape; without the pending ones."""
    pending: Mapping[str, str] = field(default_factory=dict)
    """Models that cannot be built as things are, each with the reason: a file has to arrive first,
    or what has arrived does not fit."""
    unfit: Mapping[str, tuple[Problem, ...]] = field(default_factory=dict)
    """Of the pending models, those that do not fit the columns that files have brought, each with
    all that is wrong."""
    schedules: Mapping[str, Schedule] = field(default_factory=dict)
    """By name."""
    variables: Mapping[str, Variable] = field(default_factory=dict)
    """By name."""
    tests: Mapping[str, UnitTest] = field(default_factory=dict)
    """By `<file>::<test>`; there are none where their files were not read."""
    waiting_tests: Mapping[str, str] = field(default_factory=dict)
    """Tests that cannot be run as things are, each with the reason."""

    def source_for(self, file_name: str) -> Source | None:
        """The source that a file of this name belongs to, if any claims it.

        Raises:
            UsageError: more than one source claims it.
        """
        found = [source for source in self.sources.values() if source.is_match(file_name)]
        if len(found) > 1:
            names = [source.name for source in found]
            raise UsageError(
                f"{file_name} may belong to more than one source",
                why=f"the patterns of {listing(names)} all match",
                hint=f"name one with --source, such as --source {names[0]}, or make the patterns"
                " narrower",
            )
        return found[0] if found else None

    def source(self, name: str) -> Source:
        """The source of this name.

        Raises:
            NotFound: the project declares none; the hint names the nearest.
        """
        return _get(self.sources, name, "source")

    def model(self, name: str) -> Model:
        """The model of this name, `layer.name`.

        Raises:
            NotFound: the project has none; the hint names the nearest.
        """
        return _get(self.models, name, "model")

    def environment(self, name: str = DEFAULT_NAME) -> Environment:
        """The environment of this name.

        Raises:
            NotFound: the project has none; the hint names the nearest.
        """
        return _get(self.environments, name, "environment")

    def select_tests(self, names: Collection[str]) -> tuple[str, ...]:
        """The names of the tests that are meant: by a file, a model, or `<file>::<test>`.

        Raises:
            NotFound: a name means none; the hint names the nearest.
        """
        known = sorted({*self.tests, *self.waiting_tests})
        if not names:
            return tuple(known)
        meant = {name: {name, name.partition("::")[0]} for name in known}
        for name, test in self.tests.items():
            meant[name].add(test.model)
        words = sorted({word for each in meant.values() for word in each})
        for name in names:
            if name not in words:
                raise NotFound(
                    f"there is no test `{name}`",
                    why=f"looked in tests/, which names {listing(words)}"
                    if words
                    else "the project has no tests",
                    hint=suggestion(name, words),
                )
        return tuple(name for name in known if meant[name].intersection(names))

    def with_values(self, environment: str, given: Mapping[str, str]) -> "Project":
        """The project with its variables as they are in an environment, and over that as texts
        say, which are values of their types."""
        found = {
            name: replace(
                each,
                value=cell.read(given[name], each.type)
                if name in given
                else each.value_in(environment),
                environments={},
            )
            for name, each in self.variables.items()
        }
        return replace(self, variables=found)

    def downstream(self, tables: Iterable[str]) -> tuple[str, ...]:
        """The models that a change of these tables reaches, in an order in which to build them.

        Tables that are models themselves are not among them, unless another one reaches them.
        """
        changed = set(tables)
        reached: list[str] = []
        for name, model in self.models.items():
            if changed.intersection(model.query.tables):
                changed.add(name)
                reached.append(name)
        return tuple(reached)


def waiting(source: str, *, is_declared: bool) -> str:
    """Why a model that reads the tables of a source without files cannot be built yet."""
    way_out = "upload one" if is_declared else "upload one or declare it"
    return f"waits for the first file of source {source}; {way_out}"


def unfit(model: str, problems: Iterable[Problem]) -> tuple[Problem, ...]:
    """What keeps a model from being built although it is no mistake of the project's files."""
    return tuple(
        replace(each, code=ModelUnfit.code, what=f"{model} cannot be built: {each.what}")
        for each in problems
    )


def _get(known: Mapping[str, _T], name: str, noun: str) -> _T:
    found = known.get(name)
    if found is None:
        listed = f"there are {listing(known)}" if known else f"the project has no {noun}s"
        raise NotFound(f"there is no {noun} `{name}`", why=listed, hint=suggestion(name, known))
    return found

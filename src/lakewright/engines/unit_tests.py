"""Unit tests of models: each model is built from given rows by an engine, and what comes out is
compared.

Any engine will do, as its port is all that is used: a test's tables are files in a folder that no
lake knows. A model is built in full, as its first build is.
"""

import shutil
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from pathlib import Path

from lakewright.engines import difference, rows
from lakewright.engines.difference import Difference
from lakewright.engines.engine import CheckResult, Engine, ModelInput
from lakewright.errors import LakewrightError, Problem, RunFailed
from lakewright.lake.staged import FileSet
from lakewright.plan import interval, steps
from lakewright.project.model import Model, Referential, label
from lakewright.project.project import Project
from lakewright.project.unit_test import UnitTest
from lakewright.project.variable import Variable
from lakewright.sql import run_values
from lakewright.wording import counted


class Status(StrEnum):
    """What became of a test."""

    PASSED = "passed"
    FAILED = "failed"
    WAITING = "waiting"
    """It cannot be run as things are."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Outcome:
    """What became of a test, and why."""

    name: str
    model: str | None = None
    """None: it is not known, as the test waits."""
    status: Status
    problem: Problem | None = None
    """What is wrong, beside rows."""
    difference: Difference | None = None
    """How the rows differ, where they do."""
    milliseconds: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class Bench:
    """What tests are run with."""

    engine_at: Callable[[datetime | None], Engine]
    """An engine to which it is that moment; None: now."""
    folder: Path
    """For files; each test's are removed after it."""


def run(project: Project, names: Iterable[str], bench: Bench) -> Iterator[Outcome]:
    """Run the tests of these names one after another."""
    for number, name in enumerate(names):
        test = project.tests.get(name)
        if test is None:
            yield _waiting(name, project.waiting_tests[name])
            continue
        began_at = time.monotonic()
        folder = bench.folder / f"test-{number}"
        try:
            found = _Trial(project=project, test=test, bench=bench, folder=folder).outcome()
        finally:
            shutil.rmtree(folder, ignore_errors=True)
        yield replace(found, milliseconds=round((time.monotonic() - began_at) * 1000))


@dataclass(frozen=True, kw_only=True, slots=True)
class _Trial:
    """One test under way."""

    project: Project
    test: UnitTest
    bench: Bench
    folder: Path

    def outcome(self) -> Outcome:
        expect = self.test.expect
        given = {name: rows.write(name, each, self.folder / "given")
                 for name, each in self.test.given.items()}  # fmt: skip
        engine = self.bench.engine_at(self._moment(run_values.LOGICAL_TIME))
        try:
            table = self._build(engine, given)
        except RunFailed as error:
            return self._of_error(error)
        if expect.error is not None:
            return self._failed(
                f"{counted(table.rows, 'row')} came where an error was expected",
                why=f"an error that holds {expect.error!r} was expected",
            )
        if expect.rows is not None:
            schema = expect.rows.schema
            actual = rows.read(engine, table, schema.names)
            key = self._model.key
            found = difference.difference(schema, expect.rows.rows, actual, key)
            if not found.is_empty:
                return replace(self._failed("the rows differ"), difference=found)
        if expect.failed_checks is not None:
            return self._of_checks(engine, table, given, expect.failed_checks)
        return self._passed()

    @property
    def _model(self) -> Model:
        return self.project.models[self.test.model]

    def _moment(self, name: str) -> datetime | None:
        found = self.test.parameters.get(name)
        return found if isinstance(found, datetime) else None

    def _build(self, engine: Engine, given: Mapping[str, FileSet]) -> FileSet:
        resolved = self.project.resolved[self.test.model]
        step = replace(
            steps.build_model(self._model, resolved, "", self._how(), self._variables()),
            logical_time=self._moment(run_values.LOGICAL_TIME),
        )
        target = rows.new_table(step.table, step.schema, self.folder / "made")
        inputs = {name: ModelInput(table=given[name]) for name in step.reads}
        return rows.file_set(target, engine.model(step, inputs, target).added)

    def _variables(self) -> Mapping[str, Variable]:
        """The project's variables, as the test has them or else everywhere."""
        given = self.test.parameters
        return {
            name: replace(each, value=given.get(name, each.value))
            for name, each in self.project.variables.items()
        }

    def _how(self) -> steps.Build:
        """In full, or for the interval that the test names: the one that its moment lies in."""
        by = self._model.interval
        moment = self._moment(run_values.INTERVAL_START)
        if by is None or moment is None:
            return steps.Full(reason="it is a test")
        start = interval.start_of(by.transform, moment)
        end = interval.end_of(by.transform, start)
        return steps.OneInterval(column=by.column, start=start, end=end, is_anew=True)

    def _of_error(self, error: LakewrightError) -> Outcome:
        wanted = self.test.expect.error
        said = f"{error.what}: {error.why}"
        if wanted is not None and wanted.casefold() in said.casefold():
            return self._passed()
        why = error.why if wanted is None else f"{error.why}; {wanted!r} does not stand there"
        return self._failed(error.what, why=why, hint=error.hint)

    def _of_checks(
        self, engine: Engine, table: FileSet, given: Mapping[str, FileSet], wanted: Sequence[str]
    ) -> Outcome:
        try:
            results = engine.check(self._model.checks, table, self._others(table, given))
        except RunFailed as error:
            return self._failed(error.what, why=error.why, hint=error.hint)
        failed = [each for each in results if not each.is_passed]
        too_many = [each for each in failed if not _names(each).intersection(wanted)]
        held = [word for word in wanted if not any(word in _names(each) for each in failed)]
        if not too_many and not held:
            return self._passed()
        told = [f"{label(each.check)} failed: {each.message}" for each in too_many]
        told += [f"{word} holds, and was expected to fail" for word in held]
        return self._failed("the checks came out otherwise", why="\n".join(told))

    def _others(self, table: FileSet, given: Mapping[str, FileSet]) -> Mapping[str, FileSet]:
        asked = {each.to_table for each in self._model.checks if isinstance(each, Referential)}
        return {name: table if name == self.test.model else given[name] for name in asked}

    def _passed(self) -> Outcome:
        return Outcome(name=self.test.name, model=self.test.model, status=Status.PASSED)

    def _failed(self, what: str, *, why: str = "", hint: str = "") -> Outcome:
        problem = Problem(code="test-failed", what=what, where=self.test.where, why=why, hint=hint)
        return Outcome(
            name=self.test.name, model=self.test.model, status=Status.FAILED, problem=problem
        )


def _waiting(name: str, reason: str) -> Outcome:
    problem = Problem(
        code="test-waiting",
        what=f"it cannot be run yet: {reason}",
        hint="declare the columns of its sources, so that tests need no delivery",
    )
    return Outcome(name=name, status=Status.WAITING, problem=problem)


def _names(result: CheckResult) -> set[str]:
    """The words by which a test may name a check."""
    return {result.check.kind, label(result.check)}

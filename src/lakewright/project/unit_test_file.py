"""A file `tests/<name>.yaml` as unit tests, with every mistake of meaning that it holds.

Rows are typed by the columns of the tables, whose types are known before any data is there. So a
value that does not fit its column is a mistake in the file, not a test that fails.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from lakewright.project import cell, naming, reading, source_file, yaml
from lakewright.project.file import Mistakes, Span, TextFile
from lakewright.project.mistake import Mistake, listing, shown, suggestion
from lakewright.project.model import Model, Referential, label
from lakewright.project.unit_test import Expectation, Rows, UnitTest
from lakewright.project.unit_test_documents import (
    ExpectDocument,
    UnitTestDocument,
    UnitTestsDocument,
)
from lakewright.project.yaml import Parsed, Path, Plain
from lakewright.sql import types

FOLDER = "tests"


@dataclass(frozen=True, kw_only=True, slots=True)
class Subject:
    """The model that a file's tests are of, as far as it is known."""

    model: Model
    columns: types.Schema
    """What its query returns."""
    schemas: Mapping[str, types.Schema]
    """Of every table whose columns are known."""
    parameters: Mapping[str, types.Type]
    """Of every parameter that a test may give a value."""


@dataclass(kw_only=True)
class UnitTestFile:
    """What one file declares. With mistakes, tests that they are about are missing."""

    name: str
    mistakes: Mistakes
    parsed: Parsed | None = None
    document: UnitTestsDocument | None = None
    tests: list[UnitTest] = field(default_factory=list)
    unfit: dict[str, str] = field(default_factory=dict)
    """Tests that do not fit what deliveries have brought, each with the reason."""

    @property
    def model(self) -> str | None:
        """The name of the model that the tests are of."""
        return self.document.model if self.document else None

    @property
    def test_names(self) -> tuple[str, ...]:
        """Of every test in the file, sound or not."""
        tests = self.document.tests if self.document else {}
        return tuple(f"{self.name}::{each}" for each in tests)

    def note_no_model(self, models: Mapping[str, object]) -> None:
        """Note that there is no model of that name."""
        if self.parsed is not None and self.model is not None:
            self.mistakes.add(
                Mistake.UNKNOWN_TABLE,
                self.parsed.span(("model",)),
                f"there is no model `{self.model}`",
                why=f"the models are {listing(models)}" if models else "there are no models",
                hint=suggestion(self.model, models),
            )

    def fit(self, subject: Subject, *, is_binding: bool) -> None:
        """Type every test's rows and parameters.

        What does not fit is a mistake of the file, unless the columns are not what the project's
        files say (`is_binding` is false): then the test is unfit.
        """
        if self.parsed is None or self.document is None:
            return
        for name, document in self.document.tests.items():
            trial = Mistakes(file=self.mistakes.file)
            work = _Fitting(
                subject=subject,
                parsed=self.parsed,
                path=("tests", name),
                document=document,
                mistakes=trial,
            )
            found = work.test(f"{self.name}::{name}")
            if trial.is_empty:
                self.tests.append(found)
            elif is_binding:
                self.mistakes.extend(trial.problems)
            else:
                self.unfit[found.name] = f"does not fit its tables: {trial.problems[0].what}"


def read(file: TextFile, name: str) -> UnitTestFile:
    """Read the file of this name, as far as it can be without other files."""
    mistakes = Mistakes(file=file)
    parsed = yaml.parse(mistakes)
    found = UnitTestFile(name=name, mistakes=mistakes, parsed=parsed)
    if parsed is None:
        return found
    without_rows = replace(parsed, data=_without_rows(parsed.data))
    found.document = reading.read(UnitTestsDocument, without_rows, mistakes)
    for test in found.document.tests if found.document else ():
        if not naming.is_standard(test):
            mistakes.add(
                Mistake.BAD_NAME,
                parsed.key_span(("tests", test)),
                f"`{shown(test)}` is no name of a test",
                why="names are lower-case words joined by underscores",
                hint=f"write `{naming.standardise(test)}`, and the rest in `description`",
            )
    return found


def _without_rows(data: Mapping[str, Plain]) -> dict[str, Plain]:
    """The file with every list of rows emptied: what rows may hold, columns say and not keys."""
    tests = data.get("tests")
    if not isinstance(tests, Mapping):
        return dict(data)
    return {**data, "tests": {name: _emptied(test) for name, test in tests.items()}}


def _emptied(test: Plain) -> Plain:
    if not isinstance(test, Mapping):
        return test
    found = dict(test)
    given, expect = found.get("given"), found.get("expect")
    if isinstance(given, Mapping):
        found["given"] = {name: _no_rows(rows) for name, rows in given.items()}
    if isinstance(expect, Mapping) and "rows" in expect:
        found["expect"] = {**expect, "rows": _no_rows(expect["rows"])}
    elif "expect" in found:
        found["expect"] = _no_rows(expect)
    return found


def _no_rows(rows: Plain) -> Plain:
    return [] if isinstance(rows, Sequence) and not isinstance(rows, str) else rows


@dataclass(kw_only=True)
class _Fitting:
    """Fits one test to its model."""

    subject: Subject
    parsed: Parsed
    path: Path
    document: UnitTestDocument
    mistakes: Mistakes

    def test(self, name: str) -> UnitTest:
        span = self.parsed.key_span(self.path) or Span(0)
        return UnitTest(
            name=name,
            model=self.subject.model.name,
            where=self.mistakes.file.place(span.offset),
            description=self.document.description,
            given=self._given(),
            parameters=self._parameters(),
            expect=self._expect(),
        )

    def _key(self, *path: str | int) -> Span | None:
        return self.parsed.key_span((*self.path, *path))

    def _named(self, key: str) -> Span | None:
        """Where a key of the test stands, or else the test's name."""
        return self.parsed.keys.get((*self.path, key)) or self._key()

    def _value(self, *path: str | int) -> Span | None:
        return self.parsed.span((*self.path, *path))

    def _given(self) -> dict[str, Rows]:
        model = self.subject.model
        asked = [each.to_table for each in model.checks if isinstance(each, Referential)]
        needed = dict.fromkeys(model.query.tables)
        if self.document.expect.failed_checks is not None:
            needed |= dict.fromkeys(each for each in asked if each != model.name)
        for table in needed:
            if table not in self.document.given:
                self.mistakes.add(
                    Mistake.MISSING_KEY,
                    self._named("given"),
                    f"`given` says nothing of `{table}`",
                    why=f"`{model.name}` reads it",
                    hint=f"write its rows, or `{table}: []` for none",
                )
        found: dict[str, Rows] = {}
        for table in self.document.given:
            schema = self.subject.schemas.get(table)
            if table not in needed:
                self.mistakes.add(
                    Mistake.UNKNOWN_TABLE,
                    self._key("given", table),
                    f"`{model.name}` does not read `{shown(table)}`",
                    why=f"it reads {listing(needed)}" if needed else "it reads no table",
                    hint=suggestion(table, needed, "take it out"),
                )
            elif schema is not None:
                found[table] = self._rows(("given", table), schema)
        return found

    def _rows(self, path: Path, schema: types.Schema) -> Rows:
        """The rows that stand at a path, with the whole schema."""
        kinds = {each.name: each.type for each in schema.fields}
        rows = [
            tuple(values.get(name) for name in kinds) for values in self._read_rows(path, kinds)
        ]
        return Rows(schema=schema, rows=tuple(rows))

    def _read_rows(
        self, path: Path, kinds: Mapping[str, types.Type]
    ) -> Iterator[Mapping[str, cell.Cell]]:
        for position, row in enumerate(self._written(path)):
            at = (*path, position)
            if not isinstance(row, Mapping):
                self.mistakes.add(
                    Mistake.WRONG_TYPE,
                    self._value(*at),
                    "this is no row",
                    why="a row has values by its columns' names",
                    hint="write `- {column: value}`",
                )
                continue
            values: dict[str, cell.Cell] = {}
            for name, plain in row.items():
                if source_file.check_column(name, kinds, self._key(*at, name), self.mistakes):
                    values[name] = self._cell((*at, name), plain, kinds[name], name)
            yield values

    def _written(self, path: Path) -> Sequence[Plain]:
        found: Plain = self.parsed.data
        for part in (*self.path, *path):
            found = found.get(str(part)) if isinstance(found, Mapping) else None
        return found if isinstance(found, Sequence) and not isinstance(found, str) else ()

    def _cell(self, path: Path, plain: Plain, kind: types.Type, name: str) -> cell.Cell:
        try:
            return cell.read(plain, kind)
        except cell.NoValueError as wrong:
            is_text = isinstance(plain, str)
            self.mistakes.add(
                Mistake.WRONG_VALUE,
                self._value(*path),
                f"{f'`{shown(str(plain))}`' if is_text else 'this'} is no value of type {kind}",
                why=f"`{name}` has that type; {wrong}",
            )
            return None

    def _parameters(self) -> dict[str, cell.Cell]:
        query, known = self.subject.model.query, self.subject.parameters
        named = (*query.parameters, *(name for name, _ in query.variables))
        found: dict[str, cell.Cell] = {}
        for name, text in self.document.parameters.items():
            if name not in named or name not in known:
                read = [f":{each}" for each in named if each in known]
                self.mistakes.add(
                    Mistake.UNKNOWN_KEY,
                    self._key("parameters", name),
                    f"the query does not read :{shown(name)}",
                    why=f"it reads {listing(read)}" if read else "it reads no parameter",
                    hint=suggestion(name, named, "take it out"),
                )
                continue
            found[name] = self._cell(("parameters", name), text, known[name], f":{name}")
        for name in query.parameters:
            if name in known and name not in self.document.parameters:
                self.mistakes.add(
                    Mistake.MISSING_KEY,
                    self._named("parameters"),
                    f"the query reads :{name}, and the test gives it no value",
                    why="a test has no run that would",
                    hint=f"write `parameters: {{{name}: 2026-01-31T00:00:00Z}}`",
                )
        return found

    def _expect(self) -> Expectation:
        document = self.document.expect
        rows = None
        if "rows" in document.model_fields_set:
            rows = self._expected_rows(document)
        elif document.columns is not None:
            self.mistakes.add(
                Mistake.CONFLICTING_KEYS,
                self._key("expect", "columns"),
                "`columns` does nothing without `rows`",
                hint="take it out",
            )
        return Expectation(
            rows=rows, error=document.error, failed_checks=self._checks(document.failed_checks)
        )

    def _expected_rows(self, document: ExpectDocument) -> Rows:
        own = self.subject.columns
        kinds = {each.name: each.type for each in own.fields}
        at: Path = ("expect", "rows") if self._is_long() else ("expect",)
        found = list(self._read_rows(at, kinds))
        named = dict.fromkeys(name for values in found for name in values)
        for position, name in enumerate(document.columns or ()):
            span = self._value("expect", "columns", position)
            source_file.check_column(name, kinds, span, self.mistakes)
        # Where nothing names a column, no row is expected: any that comes is shown whole.
        compared = document.columns or named or kinds
        fields = [each for each in own.fields if each.name in compared]
        schema = types.Schema(tuple(fields))
        return Rows(
            schema=schema,
            rows=tuple(tuple(values.get(each.name) for each in fields) for values in found),
        )

    def _is_long(self) -> bool:
        return (*self.path, "expect", "rows") in self.parsed.values

    def _checks(self, words: Sequence[str] | None) -> tuple[str, ...] | None:
        known = [label(each) for each in self.subject.model.checks]
        names = [*known, *(each.kind for each in self.subject.model.checks)]
        for position, word in enumerate(words or ()):
            if word not in names:
                self.mistakes.add(
                    Mistake.WRONG_VALUE,
                    self._value("expect", "failed_checks", position),
                    f"`{self.subject.model.name}` has no check `{shown(word)}`",
                    why=f"its checks are {listing(known)}" if known else "it has no checks",
                    hint=suggestion(word, names),
                )
        return None if words is None else tuple(words)

"""What a model's settings must agree on with its table, once the table's columns are known."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from lakewright.errors import Place, Problem, SqlRefused
from lakewright.project import documents, values
from lakewright.project.file import Mistakes, Span, TextFile
from lakewright.project.mistake import Mistake, listing, suggestion
from lakewright.project.model import Write
from lakewright.project.model_file import ModelFile
from lakewright.project.source_file import check_column, check_partitioning, note_repeated
from lakewright.project.yaml import Path
from lakewright.sql import condition, types
from lakewright.sql.query import Resolved, RowWiseShape


@dataclass(frozen=True, kw_only=True, slots=True)
class World:
    """The tables that a check may look at."""

    schemas: Mapping[str, types.Schema]
    unknown: frozenset[str]
    """Tables that exist but whose columns are not known: they hold mistakes, or no file came."""


def check(file: ModelFile, resolved: Resolved, world: World) -> None:
    """Note every mistake in the settings of a model whose query is sound."""
    _Rules(file=file, resolved=resolved, world=world).check()


@dataclass(kw_only=True)
class _Rules:
    file: ModelFile
    resolved: Resolved
    world: World

    def __post_init__(self) -> None:
        self.mistakes: Mistakes = self.file.mistakes
        self.columns: dict[str, types.Type | None] = {
            each.name: each.type for each in self.resolved.schema.fields
        }

    def check(self) -> None:
        document = self.file.document
        self._check_append()
        for key in ("key", "latest_by"):
            self._check_orderable((key,), getattr(document, key) or ())
        check_partitioning(self.file.parsed, self.columns, self.mistakes)
        if document.interval is not None:
            check_partitioning(self.file.parsed, self.columns, self.mistakes, "interval")
        for name in document.columns:
            check_column(name, self.columns, self._key(("columns", name)), self.mistakes)
        for path, each in self._checks():
            self._check_check(path, each)

    def _span(self, path: Path) -> Span | None:
        return self.file.parsed.span(path)

    def _key(self, path: Path) -> Span | None:
        return self.file.parsed.key_span(path)

    def _check_append(self) -> None:
        query, shape = self.file.query, self.resolved.shape
        is_told = self.file.document.interval is not None
        if self.file.document.write is not Write.APPEND or query is None or is_told:
            return
        if isinstance(shape, RowWiseShape) and query.tables == (shape.driving,):
            return
        if isinstance(shape, RowWiseShape):
            why = f"it reads {listing(query.tables)}"
        else:
            why = getattr(shape, "reason", "") or "a group's row changes when new input arrives"
        self.mistakes.add(
            Mistake.CONFLICTING_KEYS,
            self._span(("write",)),
            "`write: append` needs a SELECT that makes each row from one row of one table",
            why=why,
            hint="write `write: replace`, or `merge` with a `key`",
        )

    def _check_orderable(self, path: Path, names: Sequence[str]) -> None:
        for position, name in enumerate(names):
            span = self._span((*path, position))
            if not check_column(name, self.columns, span, self.mistakes):
                continue
            kind = self.columns[name]
            if name in names[:position]:
                note_repeated(name, span, self.mistakes)
            elif kind is not None and not values.is_orderable(kind):
                self._note_unfit(span, f"`{name}` cannot be compared", kind)

    def _note_unfit(self, span: Span | None, what: str, kind: types.Type, hint: str = "") -> None:
        self.mistakes.add(Mistake.UNFIT_TYPE, span, what, why=f"its type is {kind}", hint=hint)

    def _checks(self) -> list[tuple[Path, documents.CheckDocument]]:
        """The checks that could be read, each with its path in the file."""
        written = self.file.parsed.data.get("checks")
        left = list(self.file.document.checks)
        found: list[tuple[Path, documents.CheckDocument]] = []
        for position, each in enumerate(written if isinstance(written, list) else ()):
            if left and isinstance(each, Mapping) and set(each) == left[0].model_fields_set:
                found.append((("checks", position), left.pop(0)))
        return found

    def _check_check(self, path: Path, document: documents.CheckDocument) -> None:
        (name,) = document.model_fields_set
        path = (*path, name)
        match getattr(document, name):
            case documents.NotNullCheck() | documents.UniqueCheck() as found:
                for position, column in enumerate(found.columns):
                    span = self._span((*path, "columns", position))
                    if (*path, "columns") not in self.file.parsed.values:
                        span = self._span((*path, position))
                    check_column(column, self.columns, span, self.mistakes)
            case documents.AcceptedValuesCheck() as found:
                self._column(path, found.column)
            case documents.RangeCheck() as found:
                self._check_range(path, found)
            case documents.FreshnessCheck() as found:
                kind = self._column(path, found.column)
                if kind is not None and kind not in values.MOMENTS:
                    self._note_unfit(
                        self._span((*path, "column")),
                        f"`{found.column}` says no time",
                        kind,
                        hint=f"name a column of type {listing(map(str, values.MOMENTS))}",
                    )
            case documents.ReferentialCheck() as found:
                self._check_referential(path, found)
            case documents.ExpressionCheck() as found:
                self._check_expression(path, found.sql)

    def _column(self, path: Path, name: str) -> types.Type | None:
        """The type of the column that a check's key `column` names; None: there is none."""
        check_column(name, self.columns, self._span((*path, "column")), self.mistakes)
        return self.columns.get(name)

    def _check_range(self, path: Path, found: documents.RangeCheck) -> None:
        kind = self._column(path, found.column)
        if kind is None:
            return
        if not values.is_orderable(kind):
            span = self._span((*path, "column"))
            self._note_unfit(span, f"`{found.column}` cannot be compared", kind)
            return
        for key, text in (("min", found.min), ("max", found.max)):
            if text is not None and not values.is_value(text, kind):
                self.mistakes.add(
                    Mistake.WRONG_VALUE,
                    self._span((*path, key)),
                    f"`{text}` is no value of type {kind}",
                    why=f"`{found.column}` has that type",
                )

    def _check_referential(self, path: Path, found: documents.ReferentialCheck) -> None:
        own = self._column(path, found.column)
        span = self._span((*path, "to"))
        table, _, name = found.to.rpartition(".")
        if table in self.world.unknown:
            return
        is_own = table == self.file.name
        schema = self.resolved.schema if is_own else self.world.schemas.get(table)
        if schema is None:
            self.mistakes.add(
                Mistake.UNKNOWN_TABLE,
                span,
                f"there is no table `{table}`" if table else f"`{found.to}` names no column",
                why="`to` takes `layer.table.column`",
                hint=suggestion(table, self.world.schemas),
            )
            return
        there = {each.name: each.type for each in schema.fields}
        if not check_column(name, there, span, self.mistakes) or own is None:
            return
        if not values.is_comparable(own, there[name]):
            self._note_unfit(span, f"`{found.column}` can never equal `{found.to}`", own)

    def _check_expression(self, path: Path, sql: str) -> None:
        span = self._span((*path, "sql")) if (*path, "sql") in self.file.parsed.values else None
        span = span or self._span(path) or Span(0)
        schema = self.resolved.schema
        try:
            condition.resolve_condition(sql, Place(file="", line=1, column=1), schema)
        except SqlRefused as refused:
            file = self.mistakes.file
            inner = _inner(file, span, sql)
            self.mistakes.extend(_moved(each, inner, span, file) for each in refused.as_problems())


def _inner(file: TextFile, span: Span, sql: str) -> int | None:
    """Where the expression's text starts; None: it does not stand in the file as it is."""
    for start in (span.offset, span.offset + 1):
        if file.text.startswith(sql, start):
            return start
    return None


def _moved(problem: Problem, inner: int | None, span: Span, file: TextFile) -> Problem:
    """A problem in an expression, at its place in the file."""
    at = problem.where
    target = span
    if inner is not None and at is not None and at.line == 1:
        target = Span(inner + at.column - 1, problem.excerpt.count("^"))
    return Problem(
        code=problem.code,
        what=problem.what,
        where=file.place(target.offset),
        why=problem.why,
        hint=problem.hint,
        excerpt=file.excerpt(target),
    )

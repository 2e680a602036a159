"""Mistakes in a query, gathered so that all of them are told at once, each with its place."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from sqlglot import exp

from lakewright.errors import Place, Problem, SqlRefused
from lakewright.sql import dialect


class Refused(Exception):
    """One part of a query cannot be taken; the rest can still be looked at."""

    def __init__(self, node: exp.Expr, what: str, *, why: str = "", hint: str = "") -> None:
        super().__init__(what)
        self.node = node
        self.what = what
        self.why = why
        self.hint = hint


class Poisoned(Exception):
    """A part rests on something that has been refused already; there is nothing to add."""


@dataclass(kw_only=True)
class Refusals:
    """What has been found wrong in one query's text so far."""

    text: str
    where: Place
    """Of the text's first character."""
    problems: list[Problem] = field(default_factory=list)

    def add(
        self, offset: int, what: str, *, why: str = "", hint: str = "", length: int = 1
    ) -> None:
        """Note one mistake at an offset in the text; the same one is noted once."""
        problem = Problem(
            code=SqlRefused.code,
            what=what,
            where=place(self.text, self.where, offset),
            why=why,
            hint=hint,
            excerpt=excerpt(self.text, self.where, offset, length),
        )
        if problem not in self.problems:
            self.problems.append(problem)

    def add_refused(self, refused: Refused) -> None:
        """Note a mistake at a node."""
        start, end = dialect.span(refused.node)
        self.add(
            start, refused.what, why=refused.why, hint=refused.hint, length=max(1, end - start + 1)
        )

    @contextmanager
    def gather(self) -> Iterator[None]:
        """Note what is refused inside, and go on after it."""
        try:
            yield
        except Refused as refused:
            self.add_refused(refused)
        except Poisoned:
            pass

    def check(self) -> None:
        """Raise what has been noted.

        Raises:
            SqlRefused: there is at least one mistake; the first one is its message.
        """
        if not self.problems:
            return
        ordered = sorted(self.problems, key=_position)
        first = ordered[0]
        raise SqlRefused(
            first.what, where=first.where, why=first.why, hint=first.hint, problems=ordered
        )


def _position(problem: Problem) -> tuple[int, int]:
    return (problem.where.line, problem.where.column) if problem.where else (0, 0)


def place(text: str, where: Place, offset: int) -> Place:
    """The place in the file of a character of the text."""
    before = text[:offset]
    line = before.count("\n")
    column = offset - (before.rfind("\n") + 1) + 1
    if line == 0:
        column += max(where.column, 1) - 1
    return Place(file=where.file, line=max(where.line, 1) + line, column=column)


def excerpt(text: str, where: Place, offset: int, length: int) -> str:
    """The line of the text, and a line with carets under `length` characters of it."""
    start = text.rfind("\n", 0, offset) + 1
    end = text.find("\n", offset)
    line = text[start:] if end < 0 else text[start:end]
    indent = max(where.column, 1) - 1 if start == 0 else 0
    shown = (" " * indent + line).replace("\t", " ")
    room = max(1, len(line) - (offset - start))
    return f"{shown}\n{' ' * (indent + offset - start)}{'^' * min(length, room)}"

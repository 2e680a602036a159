"""One text file of a project, and where in it a mistake stands.

Offsets count characters after the byte order mark and with every line end as one character, so a
place is the same whether the file was written on Windows or elsewhere.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

from lakewright.errors import Place, Problem, ProjectInvalid
from lakewright.project.mistake import Mistake
from lakewright.wording import counted

BYTE_ORDER_MARK = "\ufeff"
EXCERPT_COLUMNS_MAX = 160
"""A longer line is shown from a little before the mistake."""


@dataclass(frozen=True, slots=True)
class Span:
    """Some characters of a file: where they start, and how many they are."""

    offset: int
    length: int = 1


@dataclass(frozen=True, kw_only=True, slots=True)
class TextFile:
    """A file by its path in the project, with `/` between folders, and its text."""

    path: str
    text: str

    @classmethod
    def read(cls, path: str, text: str) -> "TextFile":
        """The file with its text brought into the form in which offsets count."""
        plain = text.removeprefix(BYTE_ORDER_MARK).replace("\r\n", "\n").replace("\r", "\n")
        return cls(path=path, text=plain)

    def place(self, offset: int) -> Place:
        """The line and column of a character."""
        line_start = self.text.rfind("\n", 0, offset) + 1
        line = self.text.count("\n", 0, line_start) + 1
        return Place(file=self.path, line=line, column=offset - line_start + 1)

    def offset(self, place: Place) -> int:
        """Where the character at a place stands; the inverse of `place`."""
        start = 0
        for _ in range(place.line - 1):
            start = self.text.find("\n", start) + 1
        return start + max(place.column, 1) - 1

    def excerpt(self, span: Span) -> str:
        """The line at the span's start, and below it carets under the span."""
        start = self.text.rfind("\n", 0, span.offset) + 1
        end = self.text.find("\n", span.offset)
        line = self.text[start : len(self.text) if end < 0 else end].replace("\t", " ")
        column = span.offset - start
        if len(line) > EXCERPT_COLUMNS_MAX:
            cut = max(0, min(column - EXCERPT_COLUMNS_MAX // 4, len(line) - EXCERPT_COLUMNS_MAX))
            line, column = line[cut : cut + EXCERPT_COLUMNS_MAX], column - cut
        carets = max(1, min(span.length, len(line) - column))
        return f"{line}\n{' ' * column}{'^' * carets}"


@dataclass(kw_only=True)
class Mistakes:
    """The mistakes found in one file so far: all of them are told at once."""

    file: TextFile
    problems: list[Problem] = field(default_factory=list)

    def add(
        self, code: Mistake, span: Span | None, what: str, *, why: str = "", hint: str = ""
    ) -> None:
        """Note a mistake; without a span it is the file as a whole."""
        where = self.file.place(span.offset) if span else Place(file=self.file.path)
        excerpt = self.file.excerpt(span) if span else ""
        problem = Problem(
            code=code.value, what=what, where=where, why=why, hint=hint, excerpt=excerpt
        )
        if problem not in self.problems:
            self.problems.append(problem)

    def extend(self, problems: Iterable[Problem]) -> None:
        """Note mistakes that someone else found in the file."""
        self.problems.extend(problem for problem in problems if problem not in self.problems)

    @property
    def is_empty(self) -> bool:
        """Whether nothing is wrong so far."""
        return not self.problems


def invalid(problems: Iterable[Problem]) -> ProjectInvalid:
    """The error that tells these mistakes, of which there is at least one, in the files' order."""
    found = sorted(problems, key=_position)
    files = len({problem.where.file for problem in found if problem.where})
    return ProjectInvalid(
        f"the project has {counted(len(found), 'mistake')} in {counted(files, 'file')}",
        where=found[0].where,
        why=found[0].what,
        problems=found,
    )


def _position(problem: Problem) -> tuple[str, int, int]:
    where = problem.where or Place(file="")
    return (where.file, where.line, where.column)

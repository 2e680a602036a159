"""What a person or a program sees: results on stdout, progress and problems on stderr.

Everything that may hold a user's bytes goes through `printable` before it reaches a terminal.
"""

import json
import sys
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from typing import TypeAlias

from rich.console import Console
from rich.table import Table
from rich.text import Text

from lakewright import errors

Json: TypeAlias = bool | int | float | str | Sequence["Json"] | Mapping[str, "Json"] | None

EXIT_INTERNAL = 70  # EX_SOFTWARE of sysexits.h
EXIT_INTERRUPTED = 130  # 128 + SIGINT, as shells report it
EXIT_QUARANTINED = 3


_PIPE_WIDTH = 100_000


def printable(text: str) -> str:
    """The text with every control, format and surrogate character written as an escape."""
    if text.isprintable():
        return text
    return "".join(
        character
        if character in "\n\t" or unicodedata.category(character)[0] != "C"
        else character.encode("unicode_escape").decode("ascii")
        for character in text.encode("utf-8", "backslashreplace").decode("utf-8")
    )


def console() -> Console:
    """The console for results."""
    return Console(highlight=False, soft_wrap=True)


def error_console() -> Console:
    """The console for progress and problems."""
    return Console(stderr=True, highlight=False, soft_wrap=True)


def print_json(value: Json) -> None:
    """Write one JSON value on one line."""
    sys.stdout.write(json.dumps(value, ensure_ascii=False, separators=(",", ":")) + "\n")
    sys.stdout.flush()


def print_line(text: str = "", style: str = "") -> None:
    """Write one line of result."""
    console().print(Text(printable(text), style=style))


def print_note(text: str, style: str = "dim") -> None:
    """Write one line that is no part of the result."""
    error_console().print(Text(printable(text), style=style))


def print_table(
    columns: Sequence[str],
    rows: Iterable[Sequence[object]],
    *,
    right: Sequence[str] = (),
    styles: Mapping[str, str] | None = None,
) -> None:
    """Write rows under headings; columns named in `right` are aligned to the right.

    `styles` gives the style of a cell by its text.
    """
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in columns:
        table.add_column(
            Text(printable(name)),
            justify="right" if name in right else "left",
            overflow="fold",
            no_wrap=name in right,
        )
    for row in rows:
        cells = ["" if cell is None else printable(str(cell)) for cell in row]
        table.add_row(*(Text(cell, style=(styles or {}).get(cell, "")) for cell in cells))
    # A file or a pipe is as wide as its lines; only a terminal makes a table narrower.
    width = None if sys.stdout.isatty() else _PIPE_WIDTH
    Console(highlight=False, width=width).print(table)


def print_fields(
    fields: Sequence[tuple[str, str]], styles: Mapping[str, str] | None = None
) -> None:
    """Write names and values, one pair on a line."""
    width = max((len(name) for name, _ in fields), default=0)
    for name, value in fields:
        text = Text(f"{name:<{width}}  ", style="dim")
        text.append(printable(value), style=(styles or {}).get(value, "default"))
        console().print(text)


def count(number: int) -> str:
    """A number with thousands separated, as people read it."""
    return f"{number:,}"


def size(size_bytes: int) -> str:
    """A number of bytes in the largest unit that keeps it above one."""
    value = float(size_bytes)
    for unit in ("B", "kB", "MB", "GB", "TB"):
        if value < 1000 or unit == "TB":
            return f"{value:.0f} {unit}" if unit == "B" else f"{value:.1f} {unit}"
        value /= 1000
    return f"{value:.1f} TB"


def problem_json(problem: errors.Problem) -> Json:
    """A problem as the JSON that every command prints for it."""
    where = problem.where
    return {
        "code": problem.code,
        "what": problem.what,
        "file": where.file if where else None,
        "line": (where.line or None) if where else None,
        "column": (where.column or None) if where else None,
        "why": problem.why or None,
        "hint": problem.hint or None,
    }


def print_error(error: errors.LakewrightError, *, as_json: bool) -> None:
    """Show every problem of an error: code, what, where, excerpt, why, and what to do."""
    problems = error.as_problems()
    if as_json:
        print_json({"error": {"code": error.code, "problems": [problem_json(p) for p in problems]}})
        return
    screen = error_console()
    for problem in problems:
        screen.print(_problem_text(problem))
    if len(problems) > 1:
        screen.print(Text(f"{len(problems)} problems", style="bold red"))


def _problem_text(problem: errors.Problem) -> Text:
    text = Text()
    text.append(f"error[{problem.code}]", style="bold red")
    text.append(f": {printable(problem.what)}\n", style="bold")
    if problem.where:
        text.append("  --> ", style="blue")
        text.append(f"{printable(str(problem.where))}\n")
    for line in problem.excerpt.splitlines():
        text.append("   | ", style="blue")
        text.append(f"{printable(line)}\n")
    if problem.why:
        text.append(f"  why: {printable(problem.why)}\n")
    if problem.hint:
        text.append(f"  hint: {printable(problem.hint)}\n", style="green")
    text.rstrip()
    return text

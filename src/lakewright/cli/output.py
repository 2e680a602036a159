"""What a person or a program sees: results on stdout, progress and problems on stderr.

Everything that may hold a user's bytes goes through `printable` before it reaches a terminal, so
that no file name, column or value can end a line, move the cursor or turn what follows it around.
JSON says the same characters in its own escapes, and so is exact.
"""

import json
import re
import sys
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from typing import TypeAlias

from rich.cells import cell_len
from rich.console import Console
from rich.table import Table
from rich.text import Text

from lakewright import errors

Json: TypeAlias = bool | int | float | str | Sequence["Json"] | Mapping[str, "Json"] | None

EXIT_INTERNAL = 70  # EX_SOFTWARE of sysexits.h
EXIT_INTERRUPTED = 130  # 128 + SIGINT, as shells report it
EXIT_QUARANTINED = 3

_FOLDED_LETTERS_MIN = 12
"""A column that is folded keeps so much room, or else all are."""

_STYLED = ("status", "row")
"""The columns whose texts may have a style of their own."""

_GAP = "  "
"""Between two columns of a table."""


class Interrupted(KeyboardInterrupt):
    """Somebody pressed Ctrl-C, and this is how what was begun can be finished."""

    def __init__(self, resume: str) -> None:
        super().__init__()
        self.resume = resume
        """The command to type."""


def printable(text: str) -> str:
    """The text on one line, every control, format, surrogate and line-breaking character escaped.

    That keeps it from forging lines, from speaking to the terminal, and from turning letters
    around (U+202E and its like).
    """
    return text if text.isprintable() else "".join(map(_visible, text))


def _visible(character: str) -> str:
    category = unicodedata.category(character)
    if category[0] != "C" and category not in ("Zl", "Zp"):
        return character
    return character.encode("unicode_escape").decode("ascii")


def printable_lines(text: str) -> list[str]:
    """The lines of a text of ours that has several, each safe to print."""
    return [printable(line) for line in text.split("\n")]


class _Screen(Console):
    """Leaves it to `app` what a reader who has gone away means."""

    def on_broken_pipe(self) -> None:
        raise BrokenPipeError


def console() -> Console:
    """The console for results."""
    return _Screen(highlight=False, soft_wrap=True)


def error_console() -> Console:
    """The console for progress and problems."""
    return Console(stderr=True, highlight=False, soft_wrap=True)


def print_json(value: Json) -> None:
    """Write one JSON value on one line; what a terminal might obey is written as `\\u` escapes."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    if not text.isprintable():
        text = _UNPRINTABLE.sub(_escaped, text)
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


_UNPRINTABLE = re.compile(r"[^ -~]")


def _escaped(found: re.Match[str]) -> str:
    character = found.group()
    return character if character.isprintable() else json.dumps(character)[1:-1]


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
    spare: Sequence[str] = (),
    sparse: Sequence[str] = (),
    styles: Mapping[str, str] | None = None,
) -> None:
    """Write rows under headings; columns named in `right` are aligned to the right.

    A terminal that is too narrow shows the columns in `spare` one fewer at a time, the first of
    them first. A file or a pipe is as wide as its lines. A column in `sparse` is left out where it
    holds nothing. A cell that is a tuple has a line for each item. `styles` gives the style of what
    stands under `status` or `row`, by its text.
    """
    cells = [[_cell(cell) for cell in row] for row in rows]
    heads = [printable(name) for name in columns]
    shown = [
        place
        for place, name in enumerate(columns)
        if name not in sparse or any(line[place] for line in cells)
    ]
    for name in spare:
        if _width([heads, *cells], shown) <= screen_width():
            break
        if columns.index(name) in shown:
            shown.remove(columns.index(name))
    aligned = [columns[place] in right for place in shown]
    lines = [[line[place] for place in shown] for line in [heads, *cells]]
    look = [dict(styles or {}) if name in _STYLED else {} for name in lines[0]]
    if _width(lines, range(len(shown))) <= screen_width():
        _print_lines(lines, aligned, look)
    else:
        _print_folded(lines, aligned, look)


def _cell(value: object) -> str:
    if isinstance(value, tuple):
        return "\n".join(printable(str(each)) for each in value)
    return "" if value is None else printable(str(value))


def screen_width() -> float:
    """How many letters fit on a line; no limit where nobody looks at it."""
    return console().width if sys.stdout.isatty() else float("inf")


def fits(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> bool:
    """Whether a table of these fits on the screen as it is."""
    return _width([columns, *rows], range(len(columns))) <= screen_width()


def _widths(lines: Sequence[Sequence[str]], shown: Iterable[int]) -> list[int]:
    return [
        max(cell_len(part) for line in lines for part in line[place].split("\n")) for place in shown
    ]


def _width(lines: Sequence[Sequence[str]], shown: Iterable[int]) -> int:
    widths = _widths(lines, shown)
    return sum(widths) + len(_GAP) * max(len(widths) - 1, 0)


def _print_lines(
    lines: Sequence[Sequence[str]], aligned: Sequence[bool], styles: Sequence[Mapping[str, str]]
) -> None:
    """A table that fits; nothing follows the last letter of a line."""
    widths = _widths(lines, range(len(aligned)))
    screen = console()
    for number, line in enumerate(lines):
        parts = [cell.split("\n") for cell in line]
        for depth in range(max(map(len, parts), default=0)):
            text = Text()
            for place, part in enumerate(parts):
                letters = part[depth] if depth < len(part) else ""
                blanks = " " * (widths[place] - cell_len(letters))
                style = "bold" if number == 0 else styles[place].get(line[place], "")
                if aligned[place]:
                    text.append(blanks).append(letters, style=style)
                else:
                    text.append(letters, style=style).append(blanks)
                text.append(_GAP)
            text.rstrip()
            screen.print(text)


def _print_folded(
    lines: Sequence[Sequence[str]], aligned: Sequence[bool], styles: Sequence[Mapping[str, str]]
) -> None:
    """A table that is too wide for the screen: long texts continue below themselves."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    words = _unfolded(lines)
    for place, (name, is_right) in enumerate(zip(lines[0], aligned, strict=True)):
        table.add_column(
            Text(name),
            justify="right" if is_right else "left",
            overflow="fold",
            no_wrap=is_right or place in words,
            min_width=words.get(place),
        )
    for line in lines[1:]:
        table.add_row(
            *(Text(cell, style=look.get(cell, "")) for cell, look in zip(line, styles, strict=True))
        )
    _Screen(highlight=False).print(table)


def _unfolded(lines: Sequence[Sequence[str]]) -> dict[int, int]:
    """The columns of single words with their widths, if the others keep room beside them: an id
    that is broken in two cannot be copied."""
    widths = _widths(lines, range(len(lines[0])))
    words = {
        place: width
        for place, width in enumerate(widths)
        if not any(" " in line[place] for line in lines[1:])
    }
    others = (len(widths) - len(words)) * _FOLDED_LETTERS_MIN
    gaps = len(_GAP) * (len(widths) - 1)
    return words if sum(words.values()) + others + gaps <= screen_width() else {}


def print_fields(
    fields: Sequence[tuple[str, str]], styles: Mapping[str, str] | None = None
) -> None:
    """Write names and values, one pair on a line; `styles` as in `print_table`."""
    width = max((len(name) for name, _ in fields), default=0)
    for name, value in fields:
        text = Text(f"{printable(name):<{width}}  ", style="dim")
        look = (styles or {}) if name == "status" else {}
        text.append(printable(value), style=look.get(value, "default"))
        console().print(text)


def print_warning(what: str, why: str = "") -> None:
    """Show something that a person should know of, though nothing has failed."""
    text = Text("warning", style="bold yellow")
    text.append(f": {printable(what)}", style="default")
    if why:
        text.append("\n  why: " + _indented(why), style="default")
    error_console().print(text)


def print_held_back(problem: errors.Problem) -> None:
    """Show a problem for which nothing has failed yet, with all that is known of it."""
    head = Text("warning", style="bold yellow")
    error_console().print(_problem_text(problem, head))


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
        "excerpt": problem.excerpt or None,
    }


def print_error(error: errors.LakewrightError, *, as_json: bool) -> None:
    """Show every problem of an error: code, what, where, excerpt, why, and what to do."""
    problems = error.as_problems()
    if as_json:
        print_json({"error": {"code": error.code, "problems": [problem_json(p) for p in problems]}})
        return
    screen = error_console()
    for problem in problems:
        head = Text(f"error[{problem.code}]", style="bold red")
        screen.print(_problem_text(problem, head))
    if len(problems) > 1:
        screen.print(Text(printable(error.what), style="bold red"))


def _problem_text(problem: errors.Problem, head: Text) -> Text:
    text = Text().append_text(head)
    text.append(f": {printable(problem.what)}\n", style="bold")
    if problem.where:
        text.append("  --> ", style="blue")
        text.append(f"{printable(str(problem.where))}\n")
    for line in printable_lines(problem.excerpt) if problem.excerpt else ():
        text.append("   | ", style="blue")
        text.append(f"{line}\n")
    if problem.why:
        text.append(f"  why: {_indented(problem.why)}\n")
    if problem.hint:
        text.append(f"  hint: {printable(problem.hint)}\n", style="green")
    text.rstrip()
    return text


def _indented(text: str) -> str:
    """Lines that stand below each other; none of them looks like one that begins something."""
    return "\n       ".join(printable_lines(text.rstrip("\n")))

"""Holds the limits of size and shape that no linter holds for us. `make check` runs it.

A file has at most 600 lines, a class 300, a function 70; nothing is left "to do"; our own modules
are imported at the top of a file, where the reader sees them, except where start time is at stake.
"""

import ast
import re
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

FILE_LINES_MAX = 600
CLASS_LINES_MAX = 300
FUNCTION_LINES_MAX = 70
FOLDERS = ("src", "tests", "tools", "bench")
PACKAGE = "lakewright"

LATE_IMPORTS = (
    "src/lakewright/cli/",
    "src/lakewright/wiring/",
    "src/lakewright/ingest/fetching.py",
    "tests/",
)
"""Where our own modules may be imported late: commands start fast because each loads only what it
uses, and wiring is what loads it; what fetches over SSH needs a library that not everybody
installs. The import contracts see these imports too."""

_UNFINISHED = re.compile(r"\b(TO[D]O|FIX[M]E)\b")


def problems(path: str, text: str) -> Iterator[str]:
    """Everything in one file that breaks a limit, each as `path:line: what`."""
    lines = text.splitlines()
    if len(lines) > FILE_LINES_MAX:
        yield f"{path}:1: the file has {len(lines)} lines; at most {FILE_LINES_MAX}"
    for number, line in enumerate(lines, start=1):
        if found := _UNFINISHED.search(line):
            yield f"{path}:{number}: {found.group()} is left; finish it, or write down a decision"
    for node in ast.walk(ast.parse(text, path)):
        if isinstance(node, ast.ClassDef):
            yield from _too_long(path, node, "class", CLASS_LINES_MAX)
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield from _too_long(path, node, "function", FUNCTION_LINES_MAX)
            if not path.startswith(LATE_IMPORTS):
                yield from _late_imports(path, node)


def _too_long(
    path: str,
    node: ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef,
    kind: str,
    lines_max: int,
) -> Iterator[str]:
    lines = (node.end_lineno or node.lineno) - node.lineno + 1
    if lines > lines_max:
        yield f"{path}:{node.lineno}: {kind} {node.name} has {lines} lines; at most {lines_max}"


def _late_imports(path: str, function: ast.FunctionDef | ast.AsyncFunctionDef) -> Iterator[str]:
    for line, name in _imports(function):
        if name.split(".")[0] == PACKAGE:
            yield (
                f"{path}:{line}: {function.name} imports {name} itself;"
                " our own modules are imported at the top of the file"
            )


def _imports(node: ast.AST) -> Iterator[tuple[int, str]]:
    """Line and name of each import in a function; those of functions in it are theirs."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.ImportFrom):
            yield child.lineno, child.module or ""
        elif isinstance(child, ast.Import):
            yield from ((child.lineno, alias.name) for alias in child.names)
        elif not isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef):
            yield from _imports(child)


def main(root: Path, folders: Sequence[str] = FOLDERS) -> int:
    """Check every Python file of the repository; the exit code."""
    found = [
        problem
        for folder in folders
        for path in sorted((root / folder).rglob("*.py"))
        for problem in problems(path.relative_to(root).as_posix(), path.read_text(encoding="utf-8"))
    ]
    for problem in found:
        print(problem)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(Path(__file__).resolve().parent.parent))

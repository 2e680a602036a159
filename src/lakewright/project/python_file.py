"""A file `models/<layer>/<name>.py`: its settings, and a function `model(inputs)`.

The file is read as data and never run here: what it reads and returns is what its settings declare.
Whether the function keeps to that is seen when a run carries it out, in a process with limits.
"""

import ast
import hashlib
import re
from collections.abc import Iterator

from lakewright.project import documents, naming, reading, yaml
from lakewright.project.file import Mistakes, Span, TextFile
from lakewright.project.mistake import Mistake
from lakewright.project.model_file import ModelFile, check_layers
from lakewright.project.python_documents import PythonModelDocument
from lakewright.project.python_model import PythonFunction
from lakewright.project.source_file import note_repeated
from lakewright.project.yaml import Parsed
from lakewright.sql import types
from lakewright.sql.query import Query

FUNCTION = "model"
"""What the function is called."""

_BLANK = re.compile(r"\s*")
_LINES = re.compile(r"(?:[ \t]*#[^\n]*(?:\n|\Z))+")
_HASHES = re.compile(r"(?m)^([ \t]*)#")
_QUOTES = ('"""', "'''")
_WHY = "the docstring or first comment of a model holds its settings; other comments go below it"


def read(file: TextFile, name: str) -> ModelFile:
    """Read the file of the model of this name, as far as it can be without other files."""
    mistakes = Mistakes(file=file)
    parsed = yaml.parse(mistakes, _settings(file.text), why=_WHY)
    parsed = parsed or Parsed(file=file, data={}, values={}, keys={})
    document = reading.read(PythonModelDocument, parsed, mistakes)
    found = ModelFile(
        name=name, mistakes=mistakes, parsed=parsed, document=_common(document), query=None
    )
    tree = _tree(file, mistakes)
    if tree is not None:
        _check_function(tree, mistakes)
    if document is None or tree is None:
        return found
    columns = tuple(_columns(document, parsed, mistakes))
    if len(columns) < len(document.columns):
        return found  # So that nothing is said of what looks for the others.
    found.function = PythonFunction(columns=types.Schema(columns), engines=document.engines)
    found.query = Query(
        text=file.text,
        where=file.place(0),
        tables=tuple(dict.fromkeys(document.reads)),
        fingerprint=_fingerprint(tree),
    )
    check_layers(found, found.query)
    return found


def _common(document: PythonModelDocument | None) -> documents.ModelDocument:
    """The settings that all models share."""
    if document is None:
        return documents.ModelDocument()
    return documents.ModelDocument(
        description=document.description,
        partitioning=document.partitioning,
        checks=document.checks,
        columns={each.name: each.description for each in document.columns if each.description},
    )


def _settings(text: str) -> str:
    """The settings with all that is not YAML blanked out, so that every place stays right."""
    blank = _BLANK.match(text)
    start = blank.end() if blank else 0
    before = re.sub(r"[^\n]", " ", text[:start])
    for quotes in _QUOTES:
        end = text.find(quotes, start + len(quotes))
        if text.startswith(quotes, start) and end >= 0:
            return f"{before}   {text[start + len(quotes) : end]}"
    line_start = text.rfind("\n", 0, start) + 1
    lines = _LINES.match(text, line_start)
    if lines:
        return before[:line_start] + _HASHES.sub(
            lambda each: " " * len(each.group()), lines.group()
        )
    return ""


def _tree(file: TextFile, mistakes: Mistakes) -> ast.Module | None:
    try:
        return ast.parse(file.text)
    except SyntaxError as error:
        start = sum(len(line) + 1 for line in file.text.split("\n")[: (error.lineno or 1) - 1])
        span = Span(min(start + (error.offset or 1) - 1, max(0, len(file.text) - 1)))
        mistakes.add(Mistake.PYTHON_SYNTAX, span, "this is not Python", why=error.msg)
    except (ValueError, RecursionError, MemoryError) as error:
        mistakes.add(Mistake.PYTHON_SYNTAX, None, "this is not Python", why=str(error))
    return None


def _check_function(tree: ast.Module, mistakes: Mistakes) -> None:
    """See that there is a function `model` of one argument."""
    functions = [
        each
        for each in tree.body
        if isinstance(each, ast.FunctionDef | ast.AsyncFunctionDef) and each.name == FUNCTION
    ]
    if not functions:
        mistakes.add(
            Mistake.PYTHON_FUNCTION,
            None,
            f"there is no function `{FUNCTION}`",
            why="it makes the table's rows",
            hint=f"write `def {FUNCTION}(inputs):` and return a table",
        )
        return
    last = functions[-1]
    taken = last.args
    is_one = len(taken.posonlyargs + taken.args) == 1 and not (taken.kwonlyargs or taken.vararg)
    if isinstance(last, ast.AsyncFunctionDef) or not is_one:
        text = mistakes.file.text
        start = sum(len(line) + 1 for line in text.split("\n")[: last.lineno - 1])
        mistakes.add(
            Mistake.PYTHON_FUNCTION,
            Span(start + last.col_offset, len("def ") + len(FUNCTION)),
            f"`{FUNCTION}` is called with one argument",
            why="its inputs, from which it takes the tables that it reads",
            hint=f"write `def {FUNCTION}(inputs):`",
        )


def _columns(
    document: PythonModelDocument, parsed: Parsed, mistakes: Mistakes
) -> Iterator[types.Field]:
    known: set[str] = set()
    for position, each in enumerate(document.columns):
        at = ("columns", position)
        if not naming.is_standard(each.name):
            mistakes.add(
                Mistake.BAD_NAME,
                parsed.span((*at, "name")),
                f"`{each.name}` is no name of a column",
                why="names are lower-case words joined by underscores",
                hint=f"write `{naming.standardise(each.name)}`",
            )
        if each.name in known:
            note_repeated(each.name, parsed.span((*at, "name")), mistakes)
        known.add(each.name)
        try:
            kind = types.parse(each.type)
            if kind == types.UNKNOWN:
                raise ValueError("what a function returns has a type")
        except ValueError as error:
            mistakes.add(
                Mistake.BAD_TYPE,
                parsed.span((*at, "type")),
                f"`{each.type}` is no type",
                why=str(error),
            )
            continue
        yield types.Field(name=each.name, type=kind, description=each.description)


def _fingerprint(tree: ast.Module) -> str:
    """Hash of what the file does: layout, comments and its docstring do not matter."""
    body = tree.body[1:] if ast.get_docstring(tree, clean=False) is not None else tree.body
    text = "\n".join(ast.dump(each) for each in body)
    return hashlib.sha256(text.encode()).hexdigest()

"""A file `models/<layer>/<name>.sql`: its settings, then its SELECT.

The settings stand in the file's first comment, `/* ... */` or lines that begin with `--`, as YAML.
So the file as a whole is SQL, and places in the settings are places in the file.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from types import MappingProxyType

from lakewright.errors import SqlRefused
from lakewright.project import declared, documents, layers, reading, yaml
from lakewright.project.file import Mistakes, Span, TextFile
from lakewright.project.mistake import Mistake, listing
from lakewright.project.model import Model, Referential, Write
from lakewright.project.python_model import PythonFunction
from lakewright.project.yaml import Parsed
from lakewright.sql import dialect, parameters, parse, run_values, types
from lakewright.sql.query import Query

_BLANK = re.compile(r"\s*")
_LINES = re.compile(r"(?:[ \t]*--[^\n]*(?:\n|\Z))+")
_DASHES = re.compile(r"(?m)^([ \t]*)--")
_WHY = "the first comment of a model holds its settings; other comments go below it"


@dataclass(kw_only=True)
class ModelFile:
    """What one file declares. With mistakes, parts that they are about may be missing."""

    name: str
    """`layer.name`."""
    mistakes: Mistakes
    parsed: Parsed
    document: documents.ModelDocument
    query: Query | None = None
    function: PythonFunction | None = None
    """Of a Python model, whose query is its text and what it declares to read."""
    key: str = ""
    """What its model is remembered by."""
    known: Model | None = None
    """The model, where that is remembered: then the settings as written have not been read."""
    read_whole: Callable[[], "ModelFile"] | None = None
    """Reads the file where it has not been."""

    @property
    def whole(self) -> "ModelFile":
        """The file with its settings as they are written."""
        return self if self.read_whole is None else self.read_whole()

    @property
    def needs(self) -> frozenset[str]:
        """The tables that have to be there first: what it reads, and what its checks look at."""
        if self.known is not None:
            checked = {each.to_table for each in self.known.checks if isinstance(each, Referential)}
        else:
            checked = {
                check.referential.to.rpartition(".")[0]
                for check in self.document.checks
                if check.referential is not None
            }
        reads = self.query.tables if self.query else ()
        return frozenset(reads) | (checked - {self.name})

    def mention(self, table: str) -> Span:
        """Where the query first names a table, or else where the query starts."""
        if self.query is None:
            return Span(0)
        if self.function is not None:
            parsed = self.whole.parsed
            named = parsed.data.get("reads")
            is_one = isinstance(named, str)
            position = self.query.tables.index(table) if table in self.query.tables else 0
            return parsed.span(("reads",) if is_one else ("reads", position)) or Span(0)
        start = self.mistakes.file.offset(self.query.where)
        tokens = dialect.tokens(self.query.text)
        for first, dot, last in zip(tokens, tokens[1:], tokens[2:], strict=False):
            if f"{first.text}{dot.text}{last.text}".lower() == table.lower():
                return Span(start + first.start, last.end - first.start + 1)
        return Span(start)

    def model(self) -> Model:
        """The value, once the file has been found to hold no mistake."""
        if self.known is not None:
            return self.known
        assert self.query is not None  # noqa: S101 -- told to the type checker
        document = self.document
        return Model(
            name=self.name,
            query=self.query,
            where=self.query.where,
            function=self.function,
            write=document.write,
            key=document.key or (),
            latest_by=document.latest_by or (),
            partitioning=declared.partition_fields(
                document.partitioning or document.interval_field
            ),
            interval=next(iter(declared.partition_fields(document.interval_field)), None),
            checks=tuple(declared.check(each) for each in document.checks),
            description=document.description,
            column_descriptions=tuple(document.columns.items()),
        )


def remembered(file: TextFile, known: Model, read_whole: Callable[[], ModelFile]) -> ModelFile:
    """A file of which the model is known."""
    return ModelFile(
        name=known.name,
        mistakes=Mistakes(file=file),
        parsed=Parsed(file=file, data={}, values={}, keys={}),
        document=_nothing_written(),
        query=known.query,
        function=known.function,
        known=known,
        read_whole=read_whole,
    )


@lru_cache(maxsize=1)
def _nothing_written() -> documents.ModelDocument:
    return documents.ModelDocument()


def read(
    file: TextFile, name: str, variables: Mapping[str, types.Type] = MappingProxyType({})
) -> ModelFile:
    """Read the file of the model of this name, as far as it can be without other files.

    `variables`: the types of the project's.
    """
    mistakes = Mistakes(file=file)
    settings, end = _split(file.text, mistakes)
    parsed = yaml.parse(mistakes, settings, why=_WHY)
    parsed = parsed or Parsed(file=file, data={}, values={}, keys={})
    document = reading.read(documents.ModelDocument, parsed, mistakes)
    document = document or documents.ModelDocument()
    found = ModelFile(name=name, mistakes=mistakes, parsed=parsed, document=document)
    _check_write(found)
    found.query = None if end is None else _query(file, end, mistakes, variables)
    if found.query is not None:
        _check_interval(found, found.query)
        check_layers(found, found.query)
    return found


def _split(text: str, mistakes: Mistakes) -> tuple[str, int | None]:
    """The settings with all that is not YAML blanked out, and where the rest of the file starts.

    None: there is no rest, because the settings never end.
    """
    blank = _BLANK.match(text)
    start = blank.end() if blank else 0
    before = re.sub(r"[^\n]", " ", text[:start])
    if text.startswith("/*", start):
        end = text.find("*/", start)
        if end < 0:
            mistakes.add(
                Mistake.YAML_SYNTAX,
                Span(start, 2),
                "this comment never ends",
                hint="close it with `*/` below the settings",
            )
            return "", None
        return f"{before}  {text[start + 2 : end]}", end + 2
    line_start = text.rfind("\n", 0, start) + 1
    lines = _LINES.match(text, line_start)
    if lines:
        yaml_text = _DASHES.sub(lambda found: " " * len(found.group()), lines.group())
        return before[:line_start] + yaml_text, lines.end()
    return "", start


def _query(
    file: TextFile, end: int, mistakes: Mistakes, variables: Mapping[str, types.Type]
) -> Query | None:
    blank = _BLANK.match(file.text, end)
    start = blank.end() if blank else end
    try:
        return parse.parse(file.text[start:], file.place(start), variables=variables)
    except SqlRefused as refused:
        mistakes.extend(refused.as_problems())
        return None


def _check_write(found: ModelFile) -> None:
    document, parsed, mistakes = found.document, found.parsed, found.mistakes
    if "write" in parsed.data and "write" not in document.model_fields_set:
        return  # It was refused; what it should have been is not known.
    if document.write is Write.MERGE:
        if "key" not in parsed.data:
            mistakes.add(
                Mistake.CONFLICTING_KEYS,
                parsed.span(("write",)),
                "`write: merge` needs `key`",
                why="rows are merged by the columns that identify them",
                hint="add `key: <column>`",
            )
        return
    if "key" in parsed.data:
        mistakes.add(
            Mistake.CONFLICTING_KEYS,
            parsed.key_span(("key",)),
            f"`key` does nothing with `write: {document.write.value}`",
            why="only `write: merge` works by key",
            hint="write `write: merge`, or a check `- unique: ...` for a promise about rows",
        )
    if "latest_by" in parsed.data:
        mistakes.add(
            Mistake.CONFLICTING_KEYS,
            parsed.key_span(("latest_by",)),
            f"`latest_by` does nothing with `write: {document.write.value}`",
            why="only `write: merge` chooses the newest row of each key",
            hint="write `write: merge`, or take it out",
        )


_BY_INTERVAL = (run_values.INTERVAL_START, run_values.INTERVAL_END)


def _check_interval(found: ModelFile, query: Query) -> None:
    """A model by intervals reads where its interval begins and ends, and no other model does."""
    read = [name for name in _BY_INTERVAL if name in query.parameters]
    if "interval" not in found.parsed.data:
        if read:
            start = found.mistakes.file.offset(query.where)
            offset = start + parameters.offset(query.text, read[0])
            found.mistakes.add(
                Mistake.CONFLICTING_KEYS,
                Span(offset, len(read[0]) + 1),
                f":{read[0]} needs `interval`",
                why="only a model that is built by intervals has one",
                hint="add `interval: day(<column>)` to the settings",
            )
        return
    if len(read) < len(_BY_INTERVAL):
        found.mistakes.add(
            Mistake.CONFLICTING_KEYS,
            found.parsed.key_span(("interval",)),
            "`interval` needs a SELECT that reads :interval_start and :interval_end",
            why="the rows of one interval are replaced by what the SELECT returns",
            hint="filter by them: WHERE column >= :interval_start AND column < :interval_end",
        )
    if found.document.write is not Write.REPLACE:
        found.mistakes.add(
            Mistake.CONFLICTING_KEYS,
            found.parsed.span(("write",)),
            f"`write: {found.document.write.value}` does not go with `interval`",
            why="each build replaces the rows of one interval",
            hint="take `write` out",
        )


def check_layers(found: ModelFile, query: Query) -> None:
    """Note every table of a layer above the model's own; then there is no query."""
    own = layers.layer_of(found.name)
    readable = layers.READABLE.get(own, ())
    for table in query.tables:
        layer = layers.layer_of(table)
        if readable and layer not in readable:
            found.mistakes.add(
                Mistake.LAYER_RULE,
                found.mention(table),
                f"a {own} model cannot read `{table}`",
                why=f"{own} reads {listing(readable)}: its own layer and those below it",
                hint=f"move this model to models/{layer}/, or read what {table} is made from",
            )
            found.query = None

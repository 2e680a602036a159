"""A file `sources/<name>.yaml` as a source, with every mistake of meaning that it holds."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from lakewright.project import (
    declared,
    documents,
    naming,
    numerals,
    partitioning,
    patterns,
    reading,
    values,
    yaml,
)
from lakewright.project.contract import METADATA_COLUMNS, PartitionField
from lakewright.project.file import Mistakes, Span, TextFile
from lakewright.project.mistake import Mistake, listing, shown, suggestion
from lakewright.project.source import Source
from lakewright.project.yaml import Parsed, Path
from lakewright.sql import types

TYPE_LENGTH_MAX = 2000
"""In characters; nested types are read by recursion."""

_NEED_COLUMNS = ("key", "partitioning", "evolution", "null_words")


@dataclass(kw_only=True)
class SourceFile:
    """What one file declares. With mistakes, the source may lack what they are about."""

    name: str
    mistakes: Mistakes
    source: Source | None = None
    patterns: Mapping[str, Span] = field(default_factory=dict)
    """Where each pattern of `match` stands."""


def read(file: TextFile, name: str) -> SourceFile:
    """Read the file of the source of this name."""
    mistakes = Mistakes(file=file)
    found = SourceFile(name=name, mistakes=mistakes)
    parsed = yaml.parse(mistakes)
    document = reading.read(documents.SourceDocument, parsed, mistakes) if parsed else None
    if parsed is None or document is None:
        return found
    found.patterns = {
        pattern: span
        for position, pattern in enumerate(document.match or ())
        if (span := parsed.span(("match", position))) is not None
    }
    _Contract(document=document, parsed=parsed, mistakes=mistakes).check()
    if mistakes.is_empty:
        found.source = declared.source(name, file.path, document)
    return found


@dataclass(kw_only=True)
class _Contract:
    """Looks for mistakes that take more than one key to see."""

    document: documents.SourceDocument
    parsed: Parsed
    mistakes: Mistakes
    kinds: dict[str, types.Type | None] = field(default_factory=dict)
    """Of the columns by name; None: it is not known, because it holds a mistake."""

    def check(self) -> None:
        if "columns" not in self.parsed.data:
            self._check_no_columns()
            return
        self.kinds = dict.fromkeys(self._written_names())
        for position, path in self._columns():
            self._check_column(self.document.columns[position], path)  # type: ignore[index]
        self._check_duplicates("name", Mistake.DUPLICATE_COLUMN, "the column")
        self._check_duplicates("source_name", Mistake.DUPLICATE_COLUMN, "the file's column")
        self._check_key()
        known = {**self.kinds, **{each.name: each.type for each in METADATA_COLUMNS.fields}}
        check_partitioning(self.parsed, known, self.mistakes)

    def _check_no_columns(self) -> None:
        for name in _NEED_COLUMNS:
            if name in self.parsed.data:
                self.mistakes.add(
                    Mistake.CONFLICTING_KEYS,
                    self.parsed.key_span((name,)),
                    f"`{name}` needs `columns`",
                    why="without columns the whole contract is inferred from the first file",
                    hint="`lakewright sources infer FILE --save` writes the columns down",
                )

    def _written_names(self) -> Iterator[str]:
        """Every column's name as written, also of columns that were refused."""
        columns = self.parsed.data["columns"]
        for each in columns if isinstance(columns, list) else ():
            name = each.get("name") if isinstance(each, Mapping) else None
            if isinstance(name, str):
                yield name

    def _columns(self) -> Iterator[tuple[int, Path]]:
        """The columns that could be read, each with its path in the file.

        Items that could not be read at all are missing from the document.
        """
        written = self.parsed.data["columns"]
        position = 0
        columns = self.document.columns or ()
        for place, each in enumerate(written if isinstance(written, list) else ()):
            name = each.get("name") if isinstance(each, Mapping) else None
            if position < len(columns) and name == columns[position].name:
                yield position, ("columns", place)
                position += 1

    def _check_column(self, column: documents.ColumnDocument, path: Path) -> None:
        self._check_name(column.name, (*path, "name"))
        try:
            kind = _type(column.type)
        except ValueError as error:
            self.mistakes.add(
                Mistake.BAD_TYPE,
                self.parsed.span((*path, "type")),
                f"`{shown(column.type)}` is no type",
                why=str(error),
                hint=suggestion(column.type, _PLAIN_TYPES),
            )
            return
        self.kinds[column.name] = kind
        if column.format is not None:
            self._check_format(column.format, kind, (*path, "format"))
        if column.default is not None and not self._is_default(column, kind):
            self.mistakes.add(
                Mistake.WRONG_VALUE,
                self.parsed.span((*path, "default")),
                f"`{shown(column.default)}` is no value of type {kind}",
                hint="write the default as the file would write it",
            )

    def _check_name(self, name: str, path: Path) -> None:
        if name.startswith("_"):
            self.mistakes.add(
                Mistake.RESERVED_NAME,
                self.parsed.span(path),
                f"the column name `{name}` is reserved",
                why="names that start with `_` are those of metadata columns",
                hint=f"write `name: {naming.standardise(name)}, source_name: {name}`",
            )
        elif not naming.is_standard(name):
            self.mistakes.add(
                Mistake.BAD_NAME,
                self.parsed.span(path),
                f"`{name}` is no column name",
                why="names are lower-case words joined by underscores",
                hint=f'write `name: {naming.standardise(name)}, source_name: "{name}"`',
            )

    def _check_format(self, pattern: str, kind: types.Type, path: Path) -> None:
        if kind not in values.MOMENTS and not values.is_number(kind):
            self.mistakes.add(
                Mistake.UNFIT_TYPE,
                self.parsed.key_span(path),
                f"`format` does not go with the type {kind}",
                why=f"it says how numbers, or a {listing(map(str, values.MOMENTS))}, are written",
                hint="take it out, or change the type",
            )
            return
        try:
            if values.is_number(kind):
                numerals.parse(pattern)
            else:
                patterns.parse(pattern)
        except ValueError as error:
            noun = "number" if values.is_number(kind) else "date"
            self.mistakes.add(
                Mistake.WRONG_VALUE,
                self.parsed.span(path),
                f"`{shown(pattern)}` is no {noun} pattern",
                why=str(error),
            )

    def _is_default(self, column: documents.ColumnDocument, kind: types.Type) -> bool:
        """Whether the text can be a value; where the engine alone can tell, it says so later."""
        text = column.default or ""
        look = self.document.format
        separator = "."
        if isinstance(look, documents.CsvDocument | documents.FixedWidthDocument):
            separator = look.decimal_separator
        if column.format is not None:
            return True
        return values.is_value(text.strip().replace(separator, "."), kind)

    def _check_duplicates(self, key: str, code: Mistake, noun: str) -> None:
        first: dict[str, Path] = {}
        for position, path in self._columns():
            columns = self.document.columns or ()
            name = getattr(columns[position], key)
            if name is None:
                continue
            if name in first:
                span = self.parsed.span((*first[name], key)) or Span(0)
                line = self.mistakes.file.place(span.offset).line
                self.mistakes.add(
                    code,
                    self.parsed.span((*path, key)),
                    f"{noun} `{name}` is declared a second time",
                    why=f"it is already on line {line}",
                    hint="give it another name, or take one of them out",
                )
            first.setdefault(name, path)

    def _check_key(self) -> None:
        for position, name in enumerate(self.document.key or ()):
            path: Path = ("key", position)
            span = self.parsed.span(path)
            if not check_column(name, self.kinds, span, self.mistakes):
                continue
            kind = self.kinds[name]
            if name in (self.document.key or ())[:position]:
                note_repeated(name, span, self.mistakes)
            elif kind is not None and not values.is_orderable(kind):
                self.mistakes.add(
                    Mistake.UNFIT_TYPE,
                    span,
                    f"the column `{name}` cannot be part of a key",
                    why=f"its type is {kind}",
                )


def check_column(
    name: str, known: Mapping[str, types.Type | None], span: Span | None, mistakes: Mistakes
) -> bool:
    """Note a column that the table does not have; whether it has it."""
    if name in known:
        return True
    mistakes.add(
        Mistake.UNKNOWN_COLUMN,
        span,
        f"there is no column `{name}`",
        why=f"the columns are {listing(known)}",
        hint=suggestion(name, known),
    )
    return False


def note_repeated(name: str, span: Span | None, mistakes: Mistakes) -> None:
    """Note that a list names a column twice."""
    mistakes.add(
        Mistake.DUPLICATE_COLUMN, span, f"`{name}` stands here twice", hint="keep one of them"
    )


def check_partitioning(
    parsed: Parsed,
    known: Mapping[str, types.Type | None],
    mistakes: Mistakes,
    key: str = "partitioning",
) -> None:
    """Note every mistake in the key `partitioning`, or one that is written like it, for a table
    with these columns."""
    written = parsed.data.get(key)
    items = [written] if isinstance(written, str) else written
    fields: list[tuple[PartitionField, Span | None]] = []
    for position, text in enumerate(items if isinstance(items, list) else ()):
        span = parsed.span((key, position))
        if not isinstance(text, str):
            continue  # Told already, as a value of the wrong type.
        try:
            part = partitioning.parse(text)
        except ValueError as error:
            mistakes.add(
                Mistake.WRONG_VALUE, span, f"`{shown(text)}` is no partition", why=str(error)
            )
            continue
        if not check_column(part.column, known, span, mistakes):
            continue
        kind = known[part.column]
        if kind is None or partitioning.is_fit(part, kind):
            fields.append((part, span))
        else:
            mistakes.add(
                Mistake.UNFIT_TYPE,
                span,
                f"`{text}` does not go with the type of `{part.column}`, {kind}",
                why=f"`{part.transform.value}` takes {_taken(part)}",
            )
    for position, part in partitioning.redundant(part for part, _ in fields):
        mistakes.add(
            Mistake.CONFLICTING_KEYS,
            fields[position][1],
            f"`{partitioning.text_of(part)}` cuts what another partition of"
            f" `{part.column}` cuts already",
            hint="keep the finer one",
        )


def _taken(part: PartitionField) -> str:
    names = [str(kind) for kind in partitioning.TYPES[part.transform]]
    return listing([*names, *(["decimal"] if part.transform in partitioning.OF_DECIMALS else [])])


_PLAIN_TYPES = tuple(name for name in types.names() if name.isidentifier())


def _type(text: str) -> types.Type:
    if len(text) > TYPE_LENGTH_MAX:
        raise ValueError(f"it has more than {TYPE_LENGTH_MAX} characters")
    return types.parse(text)

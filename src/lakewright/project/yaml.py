"""YAML text as plain data, with the place of every key and value.

The subset that people write by hand: mappings, lists and scalars. A scalar stays the text that
was written, because its key alone knows what it means: `no` is a word for a list of null words and
an answer for `required`, `1.10` a version or a number. Only an empty, `~` or `null` value of a key
is None. A comma inside `decimal(12,2)` or `map<string,int>` ends no item, even where YAML would
say so. Refuses what could surprise or exhaust a reader: duplicate keys, anchors and aliases, tags,
several documents, deep nesting, very long texts.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol, TypeAlias

import yaml

from lakewright.project.file import Mistakes, Span, TextFile
from lakewright.project.mistake import Mistake

LENGTH_MAX = 1_000_000
"""In characters: about 10,000 columns, ten times the widest table that we have met."""
DEPTH_MAX = 20

Plain: TypeAlias = str | Sequence["Plain"] | Mapping[str, "Plain"] | None
Path: TypeAlias = tuple[str | int, ...]

_HELD_COMMA = "\ue000"  # For private use; it is one character, so every place stays right.
_BRACKETS = re.compile(r"(?<=\w)[(<]|[)>\n\"'#{}\[\]]")
_CLOSING = {"(": ")", "<": ">"}
_TOLD_AT_START = ("end of stream", "stream end", "scanning an a", "simple key")
"""Mistakes that are clearer where the text began than where it turned out to be none."""
_NULLS = ("", "~", "null", "Null", "NULL")
_Loader: TypeAlias = type[yaml.SafeLoader] | type[yaml.CSafeLoader]


class _Mark(Protocol):
    """A place as either of PyYAML's parsers gives it; `index` counts characters."""

    index: int
    line: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Parsed:
    """A mapping as it was written, and where its parts stand."""

    file: TextFile
    data: Mapping[str, Plain]
    values: Mapping[Path, Span]
    keys: Mapping[Path, Span]

    def span(self, path: Path) -> Span | None:
        """Where the value at a path stands, or else what encloses it."""
        while path not in self.values and path:
            path = path[:-1]
        return self.values.get(path)

    def key_span(self, path: Path) -> Span | None:
        """Where the key at a path stands, or else its value."""
        return self.keys.get(path) or self.span(path)


def parse(mistakes: Mistakes, text: str | None = None, *, why: str = "") -> Parsed | None:
    """Parse a file, or a text that stands for its beginning with all but the YAML blanked out.

    What is wrong is noted in `mistakes`. None means that nothing can be read; otherwise the data
    holds all that could be. `why` says why keys and values are expected there.
    """
    file = mistakes.file
    text = file.text if text is None else text
    if len(text) > LENGTH_MAX:
        mistakes.add(
            Mistake.FILE_TOO_LONG,
            None,
            f"{file.path} has {len(text):,} characters",
            why=f"at most {LENGTH_MAX:,} are read",
        )
        return None
    held = _hold_commas(text)
    builder = _Builder(text=held, mistakes=mistakes)
    try:
        for event in _events(held):
            builder.take(event)
    except yaml.YAMLError as error:
        _note_syntax(error, text, mistakes)
        return None
    except _Unsupported as unsupported:
        mistakes.add(
            Mistake.YAML_UNSUPPORTED,
            Span(unsupported.offset),
            unsupported.what,
            hint=unsupported.hint,
        )
        return None
    return builder.parsed(why)


def _events(text: str) -> Iterator[yaml.Event]:
    """The parser's events: libyaml's where it is there, as it is eight times as fast.

    PyYAML's own parser explains mistakes better, so it has the word when libyaml finds one.
    """
    fast: _Loader | None = getattr(yaml, "CSafeLoader", None)
    if fast is not None:
        try:
            return iter(list(yaml.parse(text, Loader=fast)))
        except yaml.YAMLError:
            pass
    return iter(yaml.parse(text, Loader=yaml.SafeLoader))


def _hold_commas(text: str) -> str:
    """The text with commas inside `word(...)` and `word<...>` replaced, so that none splits it."""
    if _HELD_COMMA in text:
        return text
    parts: list[str] = []
    done = 0
    for start, end in _bracketed(text):
        parts += [text[done:start], text[start:end].replace(",", _HELD_COMMA)]
        done = end
    return "".join([*parts, text[done:]])


def _bracketed(text: str) -> list[tuple[int, int]]:
    """The outermost stretches in round or angle brackets after a word, each within one line."""
    found: list[tuple[int, int]] = []
    open_brackets: list[tuple[str, int]] = []
    for token in _BRACKETS.finditer(text):
        bracket, start = token.group(), token.start()
        if bracket in _CLOSING:
            open_brackets.append((_CLOSING[bracket], start))
        elif open_brackets and bracket == open_brackets[-1][0]:
            _, start = open_brackets.pop()
            while found and found[-1][0] > start:
                found.pop()
            found.append((start, token.end()))
        else:
            open_brackets.clear()
    return found


class _Unsupported(Exception):
    def __init__(self, offset: int, what: str, hint: str) -> None:
        super().__init__(what)
        self.offset = offset
        self.what = what
        self.hint = hint


@dataclass
class _Open:
    """A mapping or list that has begun and not yet ended."""

    path: Path
    value: dict[str, Plain] | list[Plain]
    key: str | None = None
    """The key whose value comes next."""
    is_ignored: bool = False
    """Whether the next value belongs to a key that was refused."""


@dataclass
class _Builder:
    """Builds data from the parser's events without recursion."""

    text: str
    """With its commas held."""
    mistakes: Mistakes
    stack: list[_Open] = field(default_factory=list)
    root: Plain = None
    root_span: Span = field(default_factory=lambda: Span(0))
    values: dict[Path, Span] = field(default_factory=dict)
    keys: dict[Path, Span] = field(default_factory=dict)
    documents: int = 0

    def take(self, event: yaml.Event) -> None:
        start = _offset(event.start_mark)
        if isinstance(event, yaml.DocumentStartEvent):
            self.documents += 1
            if self.documents > 1:
                raise _Unsupported(
                    start, "a second YAML document starts here", "keep one, without `---`"
                )
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
            raise _Unsupported(
                start,
                "anchors and aliases are not read here",
                "write the value out; a text that starts with `*` or `&` goes in quotes",
            )
        if isinstance(event, (yaml.ScalarEvent, yaml.CollectionStartEvent)) and event.tag:
            raise _Unsupported(start, "tags are not read here", f"take out {event.tag}")
        if isinstance(event, yaml.ScalarEvent):
            self._scalar(event)
        elif isinstance(event, yaml.CollectionStartEvent):
            self._begin({} if isinstance(event, yaml.MappingStartEvent) else [], start)
        elif isinstance(event, yaml.CollectionEndEvent):
            self._end(self.stack.pop())

    def _scalar(self, event: yaml.ScalarEvent) -> None:
        span = Span(_offset(event.start_mark), _length(event))
        value = event.value
        if _HELD_COMMA in self.text[span.offset : _offset(event.end_mark)]:
            value = value.replace(_HELD_COMMA, ",")
        top = self.stack[-1] if self.stack else None
        if top is not None and isinstance(top.value, dict) and top.key is None:
            self._key(top, value, span)
            return
        is_item = top is not None and isinstance(top.value, list)
        is_null = event.implicit[0] and value in (("", "~") if is_item else _NULLS)
        path = self._path()
        self.values[path] = span
        self._put(None if is_null else value)

    def _key(self, top: _Open, key: str, span: Span) -> None:
        path = (*top.path, key)
        top.key = key
        top.is_ignored = path in self.keys
        if top.is_ignored:
            first = self.mistakes.file.place(self.keys[path].offset)
            self.mistakes.add(
                Mistake.DUPLICATE_KEY,
                span,
                f"the key `{key}` stands here a second time",
                why=f"it is already on line {first.line}",
                hint="keep one of them",
            )
        else:
            self.keys[path] = span

    def _begin(self, value: dict[str, Plain] | list[Plain], offset: int) -> None:
        top = self.stack[-1] if self.stack else None
        if top is not None and isinstance(top.value, dict) and top.key is None:
            raise _Unsupported(offset, "a key must be a text", "write one word before the colon")
        if len(self.stack) >= DEPTH_MAX:
            raise _Unsupported(
                offset, f"this is nested more than {DEPTH_MAX} levels deep", "flatten it"
            )
        path = self._path()
        self.values[path] = Span(offset)
        self.stack.append(_Open(path=path, value=value))

    def _end(self, ended: _Open) -> None:
        self._put(ended.value)

    def _path(self) -> Path:
        """The path of the value that comes next."""
        if not self.stack:
            return ()
        top = self.stack[-1]
        if isinstance(top.value, list):
            return (*top.path, len(top.value))
        # A refused key's values get a path of their own, so as not to hide the first one's.
        return (*top.path, f"\0{top.key}" if top.is_ignored else str(top.key))

    def _put(self, value: Plain) -> None:
        if not self.stack:
            self.root = value
            return
        top = self.stack[-1]
        if isinstance(top.value, list):
            top.value.append(value)
            return
        if not top.is_ignored:
            top.value[str(top.key)] = value
        top.key, top.is_ignored = None, False

    def parsed(self, why: str) -> Parsed | None:
        """The data, if it is a mapping or nothing at all."""
        data = {} if self.root is None else self.root
        if not isinstance(data, Mapping):
            self.mistakes.add(
                Mistake.WRONG_TYPE,
                self.values[()],
                "keys and values are expected here",
                why=why,
                hint="write lines such as `description: What it is.`",
            )
            return None
        values = {(): Span(0), **self.values}
        return Parsed(file=self.mistakes.file, data=data, values=values, keys=self.keys)


def _offset(mark: "_Mark | None") -> int:
    return mark.index if mark else 0


def _length(event: yaml.ScalarEvent) -> int:
    start, end = event.start_mark, event.end_mark
    if start is None or end is None or start.line != end.line:
        return 1
    return max(1, end.index - start.index)


_EXPLAINED: tuple[tuple[Callable[[str], bool], str, str], ...] = (
    (
        lambda words: "scanning an a" in words,  # An alias or an anchor.
        "a text cannot start with this character",
        "put the text in quotes",
    ),
    (
        lambda words: "'\\t'" in words or "\\t that" in words,
        "a tab stands where only blanks may",
        "indent with blanks",
    ),
    (
        lambda words: "mapping values are not allowed" in words,
        "a second `: ` on this line, or a line that is indented too far",
        "put a text that holds `: ` in quotes; give keys of one level the same indentation",
    ),
    (
        lambda words: "unexpected end of stream" in words,
        "a quote that never ends",
        "close it with the same quote character",
    ),
    (
        lambda words: "expected ',' or" in words,
        "a bracket that never closes, or a comma that is missing",
        "close every [ with ] and every { with }",
    ),
    (
        lambda words: "unknown escape character" in words,
        "an escape that YAML does not know",
        "write the text in single quotes, or each backslash twice",
    ),
    (
        lambda words: "cannot start any token" in words,
        "a text cannot start with this character",
        "put the text in quotes",
    ),
    (
        lambda words: "could not find expected ':'" in words,
        "a key without a colon",
        "write `key: value`, with a blank after the colon",
    ),
    (
        lambda words: "but found" in words,
        "this line does not fit the lines above it",
        "give keys of one level the same indentation, and start every list item with `- `",
    ),
)


def _note_syntax(error: yaml.YAMLError, text: str, mistakes: Mistakes) -> None:
    if isinstance(error, yaml.reader.ReaderError):
        mistakes.add(
            Mistake.YAML_SYNTAX,
            Span(error.position),
            "this is not YAML: a character that no text may hold",
            hint="take it out",
        )
        return
    assert isinstance(error, yaml.MarkedYAMLError)  # noqa: S101 -- told to the type checker
    words = f"{error.context or ''} {error.problem or ''}"
    mark = error.problem_mark
    is_told_at_start = any(part in words for part in _TOLD_AT_START)
    if is_told_at_start and error.context_mark is not None:
        mark = error.context_mark
    offset = min(_offset(mark), max(0, len(text) - 1))
    for is_meant, why, hint in _EXPLAINED:
        if is_meant(words):
            mistakes.add(Mistake.YAML_SYNTAX, Span(offset), "this is not YAML", why=why, hint=hint)
            return
    mistakes.add(Mistake.YAML_SYNTAX, Span(offset), "this is not YAML", why=error.problem or words)

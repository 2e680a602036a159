"""What is said of one file's format, over what its source declares.

The keys and values are those of a source's `format` section, and are refused in the same words.
What is not said comes from the source; what that leaves open is decided by looking at the file.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from lakewright import errors
from lakewright.project import declared, documents, dump, reading, yaml
from lakewright.project.file import Mistakes, TextFile
from lakewright.project.mistake import Mistake, listing, shown, suggestion
from lakewright.project.source import Csv, Format, FormatOverride
from lakewright.wording import counted

AUTO = "auto"
"""Says that nothing is to be said any more: the file is read as its source has it."""

_OPTION = "--format"
_LISTS = ("members", "widths", "fields")
"""Keys that take a list, written as YAML has it: `[5, 10]`."""
_PLACES = ("widths", "fields")
"""Keys that say the same thing: whichever is said replaces both."""

_DOCUMENTS: Mapping[str, type[documents.AnyFormatDocument]] = {
    "csv": documents.CsvDocument,
    "json": documents.JsonDocument,
    "parquet": documents.ParquetDocument,
    "excel": documents.ExcelDocument,
    "fixed_width": documents.FixedWidthDocument,
}


def parse(words: Sequence[str]) -> FormatOverride | None:
    """What the words `KEY=VALUE` say, or the word `auto` alone. None: there are none.

    Raises:
        UsageError: a word is no key with its value, a key is unknown, or its value is wrong.
    """
    if not words:
        return None
    if list(words) == [AUTO]:
        return {}
    said: dict[str, str] = {}
    for word in words:
        key, equals, value = word.partition("=")
        if not equals:
            raise _no_pair(word)
        if key in said:
            raise errors.UsageError(
                f"{_OPTION} says `{shown(key)}` twice",
                why="each key has one value",
                hint="keep one of them; a list is written in one value: `[a, b]`",
            )
        said[key] = value.replace("\t", "\\t")
    _check(said)
    return said


def settled(source: Format | None, said: FormatOverride) -> Format | None:
    """The format that a file has by its source and by what is said of it.

    None: nothing says which of several it is, so the file itself decides; see `over`.

    Raises:
        UsageError: what is said does not go with what the source declares.
    """
    if not said:
        return source
    if "type" in said and (source is None or source.kind != said["type"]):
        return _format(said["type"], said)
    if source is not None:
        return over(source, said)
    kinds = _kinds(said)
    return _format(kinds[0], said) if len(kinds) == 1 else None


def over(look: Format, said: FormatOverride) -> Format:
    """A format with what is said in place of its own.

    Raises:
        UsageError: the format does not have a key, or its values do not go together.
    """
    written = {key: _as_text(value) for key, value in dump.written(look).items()}
    if any(key in said for key in _PLACES):
        written = {key: value for key, value in written.items() if key not in _PLACES}
    return _format(look.kind, said, written) if said else look


def envelope(look: Format | None, said: FormatOverride) -> Format:
    """A format that tells how the file is packed, even where it is not known which it is."""
    return look or over(Csv(), said)


def _no_pair(word: str) -> errors.UsageError:
    hint = f"such as `{_OPTION} 'delimiter=;'`"
    if word in _DOCUMENTS:
        hint = f"write `{_OPTION} type={word}`"
    elif word == AUTO:
        hint = f"`{_OPTION} {AUTO}` stands alone"
    return errors.UsageError(
        f"{_OPTION} {shown(word)} is no KEY=VALUE",
        why="it says one key of a source's `format`, and its value",
        hint=hint,
    )


def _check(said: FormatOverride) -> None:
    """Refuse what is wrong whatever the source declares."""
    kind = said.get("type")
    if kind is not None and kind not in _DOCUMENTS:
        raise errors.UsageError(
            f"{_OPTION}: `type` cannot be `{shown(kind)}`",
            why=f"it takes {listing(_DOCUMENTS)}",
            hint=suggestion(kind, _DOCUMENTS),
        )
    if kind is None and not _kinds(said):
        raise _misfit(said)
    _format(kind or _kinds(said)[0], said)


def _kinds(said: Iterable[str]) -> list[str]:
    """The formats that have all of these keys."""
    return [
        kind for kind, document in _DOCUMENTS.items() if set(said) <= set(document.model_fields)
    ]


def _misfit(said: FormatOverride) -> errors.UsageError:
    """The refusal of keys that no format has, or that none has together."""
    known = list(dict.fromkeys(key for each in _DOCUMENTS.values() for key in each.model_fields))
    for key in said:
        if key not in known:
            return errors.UsageError(
                f"{_OPTION}: unknown key `{shown(key)}`",
                why=f"a format takes {listing(known)}",
                hint=suggestion(key, known, otherwise="take it out"),
            )
    having = "; ".join(f"`{key}` is one of {listing(_kinds([key]))}" for key in said)
    return errors.UsageError(
        f"{_OPTION}: {listing(said)} do not go together",
        why=f"no format has all of them: {having}",
        hint="keep those of one format",
    )


def _format(
    kind: str, said: FormatOverride, written: Mapping[str, yaml.Plain] | None = None
) -> Format:
    mistakes = Mistakes(file=TextFile(path=_OPTION, text=""))
    data = {"type": kind, **(written or {})}
    data |= {key: _value(key, text, mistakes) for key, text in said.items()}
    parsed = yaml.Parsed(file=mistakes.file, data=data, values={}, keys={})
    document = reading.read(_DOCUMENTS[kind], parsed, mistakes) if mistakes.is_empty else None
    if document is None or not mistakes.is_empty:
        raise _refusal(kind, said, mistakes)
    return declared.file_format(document)


def _refusal(kind: str, said: FormatOverride, mistakes: Mistakes) -> errors.UsageError:
    problems = [
        replace(
            each,
            code=errors.UsageError.code,
            what=f"{_OPTION}: {each.what}".replace(" this is wrong", " these do not go together"),
            where=None,
            hint=_way_out(kind, said) if each.code == Mistake.UNKNOWN_KEY else each.hint,
        )
        for each in mistakes.problems
    ]
    if len(problems) == 1:
        return errors.UsageError.of(problems[0])
    return errors.UsageError(f"{_OPTION} holds {counted(len(problems), 'mistake')}",
                             why=problems[0].what, problems=problems)  # fmt: skip


def _way_out(kind: str, said: FormatOverride) -> str:
    """The hint where the format lacks a key: what was meant, or the format that has it."""
    names = _DOCUMENTS[kind].model_fields
    lacking = next(key for key in said if key not in names)
    having = _kinds([lacking])
    if not having:
        return suggestion(lacking, names, otherwise="take it out")
    return f"it is a key of {listing(having)}: if the file is, say `{_OPTION} type={having[0]}` too"


def _value(key: str, text: str, mistakes: Mistakes) -> yaml.Plain:
    """A value as a source's file has it."""
    if text == "\\t":
        return "\t"
    if key not in _LISTS or not (text.startswith("[") and text.endswith("]")):
        return text
    noted = Mistakes(file=TextFile(path=_OPTION, text=f"{key}: {text}"))
    parsed = yaml.parse(noted)
    mistakes.extend(noted.problems)
    return parsed.data.get(key) if parsed else []


def _as_text(value: dump.Value) -> yaml.Plain:
    """A value of ours as it would be written."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, Mapping):
        return {key: _as_text(each) for key, each in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_as_text(each) for each in value]
    return str(value)

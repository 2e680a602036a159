"""Parsed YAML as a document: every complaint in our words, at its place, and then what is left.

One mistake must not hide the next, so what is refused is taken out of the data, and the rest is
read again without it. Whoever gets the document can look for mistakes of meaning in the rest.
"""

from collections.abc import Iterator, Mapping, MutableMapping, Sequence
from types import UnionType
from typing import TYPE_CHECKING, Literal, TypeAlias, TypeVar, Union, get_args, get_origin

from pydantic import ValidationError

from lakewright.project.document import Document, descriptions
from lakewright.project.file import Mistakes
from lakewright.project.mistake import Mistake, listing, nearest, shown, suggestion
from lakewright.project.yaml import Parsed, Path, Plain

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

_D = TypeVar("_D", bound=Document)
_Loose: TypeAlias = str | list["_Loose"] | dict[str, "_Loose"] | None


def read(kind: type[_D], parsed: Parsed, mistakes: Mistakes) -> _D | None:
    """The document in a file. What is wrong is noted; None: nothing useful is left."""
    data = _copy(parsed.data)
    assert isinstance(data, dict)  # noqa: S101 -- told to the type checker
    for path in list(_empty_keys(parsed.data)):
        mistakes.add(
            Mistake.WRONG_VALUE,
            parsed.key_span(path),
            f"`{path[-1]}` has no value",
            hint='write one or take the key out; the text null is written "null", in quotes',
        )
        _remove(data, path)
    is_first = True
    while True:
        try:
            return kind.model_validate(data)
        except ValidationError as refused:
            details = refused.errors()
            if is_first:
                _note(kind, details, data, parsed, mistakes)
            if not _prune(data, details):
                return None
            is_first = False


def _copy(value: Plain) -> _Loose:
    if isinstance(value, Mapping):
        return {key: _copy(item) for key, item in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_copy(item) for item in value]
    return value


def _empty_keys(value: Plain, path: Path = ()) -> Iterator[Path]:
    if isinstance(value, Mapping):
        for key, item in value.items():
            if item is None:
                yield (*path, key)
            yield from _empty_keys(item, (*path, key))
    elif isinstance(value, Sequence) and not isinstance(value, str):
        for position, item in enumerate(value):
            yield from _empty_keys(item, (*path, position))


def _remove(data: _Loose, path: Path) -> None:
    for part in path[:-1]:
        data = data[part]  # type: ignore[index]
    del data[path[-1]]  # type: ignore[arg-type,union-attr]


def _path(data: _Loose, location: tuple[int | str, ...]) -> tuple[Path, _Loose]:
    """The part of the data that a complaint is about: without the names of alternatives."""
    path: Path = ()
    for part in location:
        if isinstance(data, dict) and part in data:
            data = data[str(part)]
        elif isinstance(data, list) and isinstance(part, int) and part < len(data):
            data = data[part]
        else:
            continue
        path = (*path, part)
    return path, data


def _prune(data: dict[str, _Loose], details: Sequence["ErrorDetails"]) -> bool:
    """Take out what was complained about; whether anything was left to take out."""
    paths = {_path(data, each["loc"])[0] for each in details}
    if () in paths:
        return False
    # The last items first, so that the positions of the others stay right.
    for path in sorted(paths, key=lambda path: [str(p).zfill(9) for p in path], reverse=True):
        if _path(data, path)[0] == path:
            _remove(data, path)
    return True


def _note(
    kind: type[Document],
    details: Sequence["ErrorDetails"],
    data: dict[str, _Loose],
    parsed: Parsed,
    mistakes: Mistakes,
) -> None:
    unknown = [each["loc"] for each in details if each["type"] == "extra_forbidden"]
    noted: set[tuple[Path, str]] = set()
    for each in details:
        path, value = _path(data, each["loc"])
        field = str(each["loc"][-1]) if each["type"] == "missing" and each["loc"] else ""
        if (path, each["type"] + field) in noted:
            continue  # A short form stands for several keys; one complaint is enough.
        noted.add((path, each["type"] + field))
        beside = [str(location[-1]) for location in unknown if location[:-1] == each["loc"][:-1]]
        if field and nearest(field, beside):
            continue  # It was misspelt, which is told already.
        document = _document_at(kind, each["loc"][:-1])
        if each["type"] == "extra_forbidden":
            _note_unknown_key(document, path, parsed, mistakes)
        elif each["type"] in ("missing", "union_tag_not_found"):
            _note_missing_key(document, field or "type", path, parsed, mistakes)
        elif each["type"] != "too_short" or not value:
            _note_value(each, path, value, parsed, mistakes)


def _note_unknown_key(
    document: type[Document], path: Path, parsed: Parsed, mistakes: Mistakes
) -> None:
    names = _written(document)
    mistakes.add(
        Mistake.UNKNOWN_KEY,
        parsed.key_span(path),
        f"unknown key `{path[-1]}`",
        why=f"{document.noun} takes {listing(names)}",
        hint=suggestion(str(path[-1]), names, otherwise="take it out"),
    )


def _written(document: type[Document]) -> Sequence[str]:
    """A document's keys as people write them, which may be words that Python keeps to itself."""
    return [field.alias or name for name, field in document.model_fields.items()]


def _note_missing_key(
    document: type[Document], name: str, path: Path, parsed: Parsed, mistakes: Mistakes
) -> None:
    mistakes.add(
        Mistake.MISSING_KEY,
        parsed.span(path),
        f"`{name}` is missing",
        why=descriptions(document).get(name, "").replace("\n", " "),
        hint=f"write `{name}: ...`",
    )


_TAKES: Mapping[str, str] = {
    "bool_parsing": "`true` or `false`",
    "bool_type": "`true` or `false`",
    "int_parsing": "a whole number",
    "int_from_float": "a whole number",
    "int_parsing_size": "a smaller number",
    "int_type": "a whole number",
    "float_parsing": "a number",
    "float_type": "a number",
    "string_type": "a text",
    "tuple_type": "a text or a list of texts",
    "list_type": "a list",
    "dict_type": "keys and values",
    "model_type": "keys and values",
    "model_attributes_type": "keys and values",
    "finite_number": "a finite number",
}


def _note_value(
    each: "ErrorDetails", path: Path, value: _Loose, parsed: Parsed, mistakes: Mistakes
) -> None:
    if each["type"] == "union_tag_invalid" and isinstance(value, dict) and "type" in value:
        path, value = (*path, "type"), value["type"]
    subject = _subject(path)
    context = each.get("ctx", {})
    span = parsed.span(path)
    if each["type"] in ("enum", "literal_error", "union_tag_invalid") and isinstance(value, str):
        expected = context.get("expected") or context.get("expected_tags") or ""
        names = [word for word in str(expected).split("'")[1::2] if word]
        mistakes.add(
            Mistake.WRONG_VALUE,
            span,
            f"{subject} cannot be `{shown(str(value))}`",
            why=f"it takes {listing(names)}",
            hint=suggestion(value, names),
        )
        return
    if each["type"] == "value_error":
        mistakes.add(
            Mistake.WRONG_VALUE, span, f"{subject} is wrong", why=str(context.get("error", ""))
        )
        return
    bounds = _bounds(each["type"], context)
    if bounds:
        mistakes.add(
            Mistake.WRONG_VALUE, span, f"{subject} cannot be `{shown(str(value))}`", why=bounds
        )
        return
    takes = _TAKES.get(each["type"], "")
    if "enum" in each["type"] or "literal" in each["type"] or "tag" in each["type"]:
        takes = "a word"
    is_text = isinstance(value, str)
    mistakes.add(
        Mistake.WRONG_VALUE if is_text and "type" not in each["type"] else Mistake.WRONG_TYPE,
        span,
        f"{subject} cannot be {f'`{shown(str(value))}`' if is_text else _kind_of(value)}",
        why=f"it takes {takes}" if takes else each["msg"],
    )


def _bounds(kind: str, context: Mapping[str, object]) -> str:
    if kind == "greater_than_equal":
        return f"it must be at least {context['ge']}"
    if kind == "less_than_equal":
        return f"it must be at most {context['le']}"
    if kind in ("too_short", "string_too_short"):
        return "it must not be empty"
    return ""


def _subject(path: Path) -> str:
    if not path:
        return "this"
    last = path[-1]
    if isinstance(last, str):
        return f"`{last}`"
    return f"item {last + 1} of {_subject(path[:-1])}"


def _kind_of(value: _Loose) -> str:
    if value is None:
        return "empty"
    return "a mapping of keys to values" if isinstance(value, MutableMapping) else "a list"


def _document_at(kind: type[Document], location: tuple[int | str, ...]) -> type[Document]:
    """The document that the keys at a location belong to."""
    candidates = [kind]
    current = kind
    for part in location:
        tagged = [each for each in candidates if _tag(each) == part]
        if len(candidates) > 1 and tagged:
            candidates = tagged
        elif part in current.model_fields:
            candidates = documents_in(current.model_fields[str(part)].annotation) or candidates
        current = candidates[0]
    return current


def _tag(document: type[Document]) -> object:
    field = document.model_fields.get("type")
    if field is None or get_origin(field.annotation) is not Literal:
        return None
    return get_args(field.annotation)[0]


def documents_in(annotation: object) -> list[type[Document]]:
    """The documents that a key's annotation speaks of."""
    if isinstance(annotation, type) and issubclass(annotation, Document):
        return [annotation]
    if get_origin(annotation) in (Union, UnionType) or get_args(annotation):
        return [each for part in get_args(annotation) for each in documents_in(part)]
    return []

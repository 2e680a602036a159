"""A source as the text of its file, which says only what differs from the defaults."""

import re
from collections.abc import Mapping, Sequence
from typing import TypeAlias

from lakewright.project import documents, partitioning
from lakewright.project.contract import NULL_WORDS, Column, Contract, Evolution
from lakewright.project.source import (
    BadRecordLimits,
    Compression,
    Csv,
    Dialect,
    Excel,
    FixedField,
    FixedWidth,
    Format,
    Json,
    JsonMode,
    Source,
    Suspects,
)

Value: TypeAlias = str | bool | int | float | Sequence["Value"] | Mapping[str, "Value"]
"""What a project file may hold, before it is text."""

_PLAIN = re.compile(r"[^\W\d][\w ./*?()'+%=;-]*(?<! )")
_NO_TEXT = re.compile(r"(?i)y|n|yes|no|on|off|true|false|null")
"""Words that some reader of YAML takes for something else than a text."""


def dump(source: Source) -> str:
    """The text of the file `sources/<name>.yaml` that declares the source.

    Loading it gives an equal source, whose contract is then adopted: a file is a declaration.
    """
    return "".join(f"{line}\n" for line in _lines(_source(source)))


def _source(source: Source) -> dict[str, Value]:
    value: dict[str, Value] = {}
    if source.description:
        value["description"] = source.description
    if source.match:
        value["match"] = _one_or_many(source.match)
    if source.format is not None:
        value["format"] = _format(source.format)
    if source.contract is not None:
        value |= _contract(source.contract)
    limits = {}
    if source.limits.share_max != BadRecordLimits().share_max:
        limits["share_max"] = source.limits.share_max
    if source.limits.count_max is not None:
        limits["count_max"] = source.limits.count_max
    if limits:
        value["bad_records"] = limits
    if source.suspects is not Suspects.LOAD:
        value["suspects"] = source.suspects.value
    return value


def _contract(contract: Contract) -> dict[str, Value]:
    value: dict[str, Value] = {}
    if contract.null_words != NULL_WORDS:
        value["null_words"] = contract.null_words
    value["columns"] = [_column(column, contract.key) for column in contract.columns]
    if contract.key:
        value["key"] = _one_or_many(contract.key)
    if contract.partitioning:
        value["partitioning"] = [partitioning.text_of(each) for each in contract.partitioning]
    evolution = {
        name: getattr(contract.evolution, name).value
        for name in _POLICIES
        if getattr(contract.evolution, name) != getattr(Evolution(), name)
    }
    if evolution:
        value["evolution"] = evolution
    return value


def _column(column: Column, key: Sequence[str]) -> dict[str, Value]:
    value: dict[str, Value] = {"name": column.name, "type": str(column.type)}
    if column.is_required and column.name not in key:
        value["required"] = True
    for name in ("default", "null_words", "source_name", "format", "description"):
        found = getattr(column, name)
        if found is not None and (name != "description" or found):
            value[name] = found
    return value


def _format(look: Format) -> Value:
    value = {key: each for key, each in written(look).items() if each != _USUAL.get(key)}
    return value if len(value) > 1 else look.kind


def written(look: Format) -> Mapping[str, Value]:
    """The section `format` that declares this format: every key that has a value."""
    value: dict[str, Value] = {"type": look.kind}
    if isinstance(look, Csv):
        value |= _given(look.dialect, _DIALECT)
    if isinstance(look, Json) and look.mode is not JsonMode.AUTO:
        value["mode"] = look.mode.value
    if isinstance(look, Excel):
        value |= _given(look, _EXCEL)
    if isinstance(look, FixedWidth):
        value |= _fixed_fields(look.fields or ()) | _given(look, _FIXED_WIDTH)
        if look.fields and look.fields[0].name:
            del value["header"]
    if look.compression is not Compression.AUTO:
        value["compression"] = look.compression.value
    if look.members:
        value["members"] = _one_or_many(look.members)
    return value


def _given(look: Format | Dialect, keys: Mapping[str, str]) -> dict[str, Value]:
    """What is declared of a format, by key."""
    found = {key: getattr(look, name) for key, name in keys.items()}
    return {key: value for key, value in found.items() if value is not None}


def _fixed_fields(fields: Sequence[FixedField]) -> dict[str, Value]:
    """Widths alone where they say everything, else each field."""
    ends = [0, *(each.start + each.width for each in fields)]
    starts = [each.start for each in fields]
    if not fields:
        return {}
    if starts == ends[:-1] and not fields[0].name:
        return {"widths": [each.width for each in fields]}
    return {
        "fields": [
            ({"name": each.name} if each.name else {})
            | {"start": each.start + 1, "width": each.width}
            for each in fields
        ]
    }


_POLICIES = tuple(documents.EvolutionDocument.model_fields)
_DIALECT = {
    "delimiter": "delimiter",
    "quote": "quote",
    "escape": "escape",
    "header": "has_header",
    "header_rows": "header_rows",
    "skip_lines": "skip_lines",
    "comment": "comment",
    "encoding": "encoding",
    "decimal_separator": "decimal_separator",
    "trim": "is_trimmed",
}
"""Key of a CSV format to the dialect's field."""
_USUAL = {"decimal_separator": ".", "trim": False, "header_rows": 1}
"""Keys of a format that are not worth a word where they have these values."""
_EXCEL = {"sheet": "sheet", "header": "has_header", "skip_lines": "skip_lines"}
_FIXED_WIDTH = {
    "header": "has_header",
    "skip_lines": "skip_lines",
    "comment": "comment",
    "encoding": "encoding",
    "padded": "is_padded",
    "decimal_separator": "decimal_separator",
}
"""Keys of these formats to their fields."""


def _one_or_many(values: Sequence[str]) -> Value:
    return values[0] if len(values) == 1 else values


def _lines(value: Mapping[str, Value]) -> Sequence[str]:
    """Keys on lines of their own, columns too; everything below on one line."""
    lines: list[str] = []
    for key, each in value.items():
        if key == "columns" and isinstance(each, Sequence):
            lines += [f"{key}:", *(f"  - {_flow(column)}" for column in each)]
        else:
            lines.append(f"{key}: {_flow(each)}")
    return lines


def _flow(value: Value) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return repr(value)
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{key}: {_flow(each)}" for key, each in value.items()) + "}"
    return "[" + ", ".join(_flow(each) for each in value) + "]"


def _text(text: str) -> str:
    if _PLAIN.fullmatch(text) and not _NO_TEXT.fullmatch(text):
        return text
    return '"' + "".join(_escaped(character) for character in text) + '"'


_ESCAPES = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\t": "\\t", "\r": "\\r"}


def _escaped(character: str) -> str:
    if character in _ESCAPES:
        return _ESCAPES[character]
    if character.isprintable():
        return character
    code = ord(character)
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"

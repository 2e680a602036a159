"""A source as the text of its file, and a contract as the JSON that tables and the journal keep.

The file says only what differs from the defaults, so that a person can read it. The JSON says what
defaults are too: it is read again years later, by a Lakewright whose defaults may be others.
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TypeAlias

from pydantic import ValidationError

from lakewright.project import declared, documents, partitioning
from lakewright.project.contract import NULL_WORDS, Column, Contract, Evidence, Evolution, Reading
from lakewright.project.document import Document
from lakewright.project.source import (
    BadRecordLimits,
    Compression,
    Csv,
    Excel,
    FixedField,
    FixedWidth,
    Format,
    Json,
    JsonMode,
    Source,
    Suspects,
)
from lakewright.sql import types

_Value: TypeAlias = str | bool | int | float | Sequence["_Value"] | Mapping[str, "_Value"]

_PLAIN = re.compile(r"[^\W\d][\w ./*?()'+%=;-]*(?<! )")
_NO_TEXT = re.compile(r"(?i)y|n|yes|no|on|off|true|false|null")
"""Words that some reader of YAML takes for something else than a text."""


class StoredEvidenceDocument(Document):
    """What the values of a column that nobody declared have shown."""

    may_be: tuple[tuple[str, ...], ...] = ()
    """What else its texts can be read as: a type and, if it has one, a format each."""
    has_long_numbers: bool = False
    """Whether there are whole numbers that a double would round."""
    null_words: tuple[str, ...] = ()
    """The words among its values that mean null if it is no text."""


class StoredColumnDocument(documents.ColumnDocument):
    """One column of a contract as tables keep it."""

    declared: bool = True
    """Whether the project declares the column; otherwise files brought it."""
    declared_type: str | None = None
    """What the project declares, where files made the type wider."""
    evidence: StoredEvidenceDocument = StoredEvidenceDocument()
    """What later files may decide."""


class StoredContractDocument(documents.ContractDocument):
    """A contract as tables and the journal keep it."""

    columns: tuple[StoredColumnDocument, ...] = ()
    """The columns, in order; there may be none."""
    adopted: bool = True
    """Whether a person has saved the contract; otherwise it was inferred from files."""


def dump(source: Source) -> str:
    """The text of the file `sources/<name>.yaml` that declares the source.

    Loading it gives an equal source, whose contract is then adopted: a file is a declaration.
    """
    return "".join(f"{line}\n" for line in _lines(_source(source)))


def contract_to_json(contract: Contract) -> str:
    """The contract as one line of JSON; equal contracts give equal text."""
    evolution = {name: getattr(contract.evolution, name).value for name in _POLICIES}
    columns = []
    for column in contract.columns:
        stored = _column(column, ())
        if not column.is_declared:
            stored["declared"] = False
        if column.declared_type is not None:
            stored["declared_type"] = str(column.declared_type)
        if column.evidence != Evidence():
            stored["evidence"] = _evidence(column.evidence)
        columns.append(stored)
    value: dict[str, _Value] = {"columns": columns, "null_words": contract.null_words}
    value["evolution"] = evolution
    if contract.key:
        value["key"] = contract.key
    if contract.partitioning:
        value["partitioning"] = [partitioning.text_of(each) for each in contract.partitioning]
    value["adopted"] = contract.is_adopted
    return json.dumps(value, ensure_ascii=False)


def contract_from_json(text: str | bytes) -> Contract:
    """The contract that `contract_to_json` wrote.

    Raises:
        ValueError: the text is no such JSON.
    """
    try:
        document = StoredContractDocument.model_validate_json(text)
    except ValidationError as error:
        raise ValueError(f"this is no stored contract: {error}") from error
    contract = declared.contract(document)
    columns = tuple(
        replace(
            column,
            is_required=stored.required,
            is_declared=stored.declared,
            declared_type=None if stored.declared_type is None else types.parse(
                stored.declared_type
            ),
            evidence=_read_evidence(stored.evidence),
        )
        for column, stored in zip(contract.columns, document.columns, strict=True)
    )  # fmt: skip
    return replace(contract, columns=columns, is_adopted=document.adopted)


def _evidence(evidence: Evidence) -> dict[str, _Value]:
    may_be = [(str(each.type), *filter(None, [each.format])) for each in evidence.may_be]
    return {
        "may_be": may_be,
        "has_long_numbers": evidence.has_long_numbers,
        "null_words": evidence.null_words,
    }


def _read_evidence(document: StoredEvidenceDocument) -> Evidence:
    return Evidence(
        may_be=tuple(
            Reading(type=types.parse(kind), format="".join(pattern) or None)
            for kind, *pattern in document.may_be
        ),
        has_long_numbers=document.has_long_numbers,
        null_words=document.null_words,
    )


def _source(source: Source) -> dict[str, _Value]:
    value: dict[str, _Value] = {}
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


def _contract(contract: Contract) -> dict[str, _Value]:
    value: dict[str, _Value] = {}
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


def _column(column: Column, key: Sequence[str]) -> dict[str, _Value]:
    value: dict[str, _Value] = {"name": column.name, "type": str(column.type)}
    if column.is_required and column.name not in key:
        value["required"] = True
    for name in ("default", "null_words", "source_name", "format", "description"):
        found = getattr(column, name)
        if found is not None and (name != "description" or found):
            value[name] = found
    return value


def _format(look: Format) -> _Value:
    value: dict[str, _Value] = {"type": look.kind}
    if isinstance(look, Csv):
        for key, name in _DIALECT.items():
            found = getattr(look.dialect, name)
            if found is not None and found != _USUAL.get(name):
                value[key] = found
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
    return value if len(value) > 1 else look.kind


def _given(look: Format, keys: Mapping[str, str]) -> dict[str, _Value]:
    """What is declared of a format, by key."""
    found = {key: getattr(look, name) for key, name in keys.items()}
    return {key: value for key, value in found.items() if value is not None}


def _fixed_fields(fields: Sequence[FixedField]) -> dict[str, _Value]:
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
_USUAL = {"decimal_separator": ".", "is_trimmed": False, "header_rows": 1}
"""Fields of a dialect that are not worth a word where they have these values."""
_EXCEL = {"sheet": "sheet", "header": "has_header", "skip_lines": "skip_lines"}
_FIXED_WIDTH = {
    "header": "has_header",
    "skip_lines": "skip_lines",
    "comment": "comment",
    "encoding": "encoding",
    "padded": "is_padded",
}
"""Keys of these formats to their fields."""


def _one_or_many(values: Sequence[str]) -> _Value:
    return values[0] if len(values) == 1 else values


def _lines(value: Mapping[str, _Value]) -> Sequence[str]:
    """Keys on lines of their own, columns too; everything below on one line."""
    lines: list[str] = []
    for key, each in value.items():
        if key == "columns" and isinstance(each, Sequence):
            lines += [f"{key}:", *(f"  - {_flow(column)}" for column in each)]
        else:
            lines.append(f"{key}: {_flow(each)}")
    return lines


def _flow(value: _Value) -> str:
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

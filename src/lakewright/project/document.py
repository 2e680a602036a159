"""What the documents of all project files share: their base, and the kinds of values in them."""

import ast
import inspect
import textwrap
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Annotated, ClassVar, TypeAlias, cast

from annotated_types import Len
from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    WithJsonSchema,
)
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import core_schema

from lakewright.project import quantity


class Document(BaseModel):
    """What all documents share: unknown keys are refused, docstrings are descriptions."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        defer_build=True,  # Most projects use a few of the documents only.
    )
    noun: ClassVar[str] = "this"
    """What the document is called in a message."""

    @classmethod
    def __get_pydantic_json_schema__(
        cls, core: core_schema.CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        found = handler(core)
        properties = handler.resolve_ref_schema(found)["properties"]
        for key, text in descriptions(cls).items():
            properties[key]["description"] = text
        return found


def descriptions(document: type[Document]) -> Mapping[str, str]:
    """What stands below each field of a document, its own or inherited, by the key in the file.

    Pydantic would look for them whenever the class is made, in every process that reads a project:
    a sixth of all that is loaded for that.
    """
    found: dict[str, str] = {}
    for each in reversed(document.__mro__[: document.__mro__.index(Document)]):
        (body,) = ast.parse(textwrap.dedent(inspect.getsource(each))).body
        for field, below in pairwise(cast("ast.ClassDef", body).body):
            match field, below:
                case ast.AnnAssign(target=ast.Name(id=name)), ast.Expr(
                    value=ast.Constant(value=str(text))
                ):
                    found[name] = inspect.cleandoc(text)
    fields = document.model_fields
    return {fields[name].alias or name: text for name, text in found.items() if name in fields}


@dataclass(frozen=True, eq=False)
class Short:
    """Lets a value be written in a shorter form, and tells editors so."""

    expand: Callable[[object], object]
    schema: JsonSchemaValue

    def __get_pydantic_core_schema__(
        self, source: object, handler: GetCoreSchemaHandler
    ) -> core_schema.CoreSchema:
        return core_schema.no_info_before_validator_function(self.expand, handler(source))

    def __get_pydantic_json_schema__(
        self, schema: core_schema.CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        return {"anyOf": [self.schema, handler(schema)]}


def as_list(value: object) -> object:
    """A text as the list of it."""
    return [value] if isinstance(value, str) else value


def under(key: str) -> Callable[[object], object]:
    """Expands anything but a mapping to a mapping with this one key."""
    return lambda value: value if value is None or isinstance(value, Mapping) else {key: value}


def _one_character(text: str) -> str:
    if len(text) != 1:
        raise ValueError('it takes one character; a tab is written "\\t", in double quotes')
    return text


def _mark(text: str) -> str:
    """One character or more of a line."""
    if not text or "\n" in text or "\r" in text:
        raise ValueError("it takes one or more characters of a line")
    return text


def _mark_or_none(text: str) -> str:
    return _mark(text) if text else text


def _at_most_one_character(text: str) -> str:
    return _one_character(text) if text else text


def _encoding(text: str) -> str:
    try:
        "".encode(text)
    except LookupError as error:
        raise ValueError(
            f"{text!r} is no encoding; usual ones are utf-8, utf-16, windows-1252, iso-8859-1"
        ) from error
    return text


def _duration(text: str) -> str:
    quantity.seconds_of(text)
    return text


_WORD: JsonSchemaValue = {"type": ["string", "number", "boolean", "null"]}

NonEmpty: TypeAlias = Annotated[str, Len(min_length=1)]
Word: TypeAlias = Annotated[str, WithJsonSchema(_WORD)]
"""A scalar that is taken as it is written, quotes aside."""
Words: TypeAlias = Annotated[tuple[Word, ...], Short(as_list, _WORD)]
Names: TypeAlias = Annotated[
    tuple[NonEmpty, ...], Len(min_length=1), Short(as_list, {"type": "string", "minLength": 1})
]
Members: TypeAlias = Annotated[
    tuple[NonEmpty, ...], Short(as_list, {"type": "string", "minLength": 1})
]
Mark: TypeAlias = Annotated[str, AfterValidator(_mark), Field(json_schema_extra={"minLength": 1})]
MarkOrNone: TypeAlias = Annotated[str, AfterValidator(_mark_or_none)]
CharacterOrNone: TypeAlias = Annotated[
    str, AfterValidator(_at_most_one_character), Field(json_schema_extra={"maxLength": 1})
]
Duration: TypeAlias = Annotated[str, AfterValidator(_duration)]
Encoding: TypeAlias = Annotated[str, AfterValidator(_encoding)]
"""A Python codec's name."""

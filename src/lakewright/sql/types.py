"""The column types that contracts, models, engines and tables share.

Names and meaning follow Spark SQL: `timestamp` is an instant, `timestamp_ntz` a wall-clock time
without a zone, both in microseconds. Every type has one text form; `parse` reads what `str` writes
and the usual synonyms.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeAlias

DECIMAL_PRECISION_MAX = 38  # Spark and Iceberg: 38 digits fit a 128-bit integer.


@dataclass(frozen=True, slots=True)
class Primitive:
    """A type without parameters, by its canonical name."""

    name: str

    def __str__(self) -> str:
        """The canonical name."""
        return self.name


@dataclass(frozen=True, slots=True)
class Decimal:
    """An exact number of `precision` digits, `scale` of them after the point."""

    precision: int
    scale: int

    def __str__(self) -> str:
        """`decimal(precision,scale)`."""
        return f"decimal({self.precision},{self.scale})"


@dataclass(frozen=True, slots=True)
class Array:
    """A list of values of one type."""

    element: "Type"

    def __str__(self) -> str:
        """`array<element>`."""
        return f"array<{self.element}>"


@dataclass(frozen=True, slots=True)
class Map:
    """Keys of one type to values of another."""

    key: "Type"
    value: "Type"

    def __str__(self) -> str:
        """`map<key,value>`."""
        return f"map<{self.key},{self.value}>"


@dataclass(frozen=True, slots=True)
class Struct:
    """Named fields in order."""

    fields: tuple[tuple[str, "Type"], ...]

    def __str__(self) -> str:
        """`struct<name:type,...>`; a name that is no plain word stands in backticks."""
        inner = ",".join(f"{quote_name(name)}:{kind}" for name, kind in self.fields)
        return f"struct<{inner}>"


Type: TypeAlias = Primitive | Decimal | Array | Map | Struct

BOOLEAN = Primitive("boolean")
INT = Primitive("int")
BIGINT = Primitive("bigint")
FLOAT = Primitive("float")
DOUBLE = Primitive("double")
STRING = Primitive("string")
BINARY = Primitive("binary")
DATE = Primitive("date")
TIMESTAMP = Primitive("timestamp")
TIMESTAMP_NTZ = Primitive("timestamp_ntz")
UNKNOWN = Primitive("unknown")
"""A column that has only ever been empty: it has no type until there is evidence."""
INTERVAL = Primitive("interval")
"""A span of time within a query; no column has it."""

PRIMITIVES = (
    BOOLEAN,
    INT,
    BIGINT,
    FLOAT,
    DOUBLE,
    STRING,
    BINARY,
    DATE,
    TIMESTAMP,
    TIMESTAMP_NTZ,
    UNKNOWN,
)

_BY_NAME = {kind.name: kind for kind in PRIMITIVES} | {
    "bool": BOOLEAN,
    "integer": INT,
    "long": BIGINT,
    "real": FLOAT,
    "text": STRING,
    "varchar": STRING,
    "timestamptz": TIMESTAMP,
    "timestamp_ltz": TIMESTAMP,
}

_TOKEN = re.compile(r"\s*(`(?:[^`]|``)*`|\w+|[<>(),:])")


def quote_name(name: str) -> str:
    """The name as it stands in a type's text: in backticks unless it is a plain word."""
    if re.fullmatch(r"\w+", name):
        return name
    return "`" + name.replace("`", "``") + "`"


class _Reader:
    """Reads one type's text, token by token."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.tokens = list(self._split(text))
        self.position = 0

    def _split(self, text: str) -> Iterator[str]:
        end = 0
        while text[end:].strip():
            found = _TOKEN.match(text, end)
            if not found:
                raise ValueError(f"{text!r} is not a type: unexpected {text[end:].strip()[0]!r}")
            yield found.group(1)
            end = found.end()

    def take(self, wanted: str | None = None) -> str:
        token = self.tokens[self.position] if self.position < len(self.tokens) else ""
        if not token or (wanted is not None and token != wanted):
            expected = f" ({wanted!r} expected)" if wanted else ""
            raise ValueError(f"{self.text!r} is not a type: it ends too soon{expected}")
        self.position += 1
        return token

    def is_next(self, token: str) -> bool:
        return self.position < len(self.tokens) and self.tokens[self.position] == token

    def type(self) -> Type:
        word = self.take().lower()
        if word in ("decimal", "numeric"):
            return self._decimal()
        if word == "array":
            self.take("<")
            element = self.type()
            self.take(">")
            return Array(element)
        if word == "map":
            self.take("<")
            key = self.type()
            self.take(",")
            value = self.type()
            self.take(">")
            return Map(key, value)
        if word == "struct":
            return self._struct()
        if word not in _BY_NAME:
            raise ValueError(f"{word!r} is not a type; the types are {', '.join(names())}")
        return _BY_NAME[word]

    def _decimal(self) -> Type:
        if not self.is_next("("):
            return Decimal(10, 0)  # Spark's default for a bare DECIMAL.
        self.take("(")
        precision = self._number()
        scale = 0
        if self.is_next(","):
            self.take(",")
            scale = self._number()
        self.take(")")
        if not (1 <= precision <= DECIMAL_PRECISION_MAX and 0 <= scale <= precision):
            raise ValueError(
                f"decimal({precision},{scale}) is not a type: the precision is 1 to"
                f" {DECIMAL_PRECISION_MAX} and the scale 0 to the precision"
            )
        return Decimal(precision, scale)

    def _number(self) -> int:
        token = self.take()
        if not token.isdecimal():
            raise ValueError(f"{self.text!r} is not a type: {token!r} is no number")
        return int(token)

    def _struct(self) -> Type:
        self.take("<")
        fields: list[tuple[str, Type]] = []
        while not self.is_next(">"):
            if fields:
                self.take(",")
            name = self.take()
            if name.startswith("`"):
                name = name[1:-1].replace("``", "`")
            if name in (known for known, _ in fields):
                raise ValueError(f"{self.text!r} is not a type: it has two fields {name!r}")
            self.take(":")
            fields.append((name, self.type()))
        self.take(">")
        return Struct(tuple(fields))


def names() -> tuple[str, ...]:
    """The canonical type names that a person may write, parameters shown."""
    plain = tuple(kind.name for kind in PRIMITIVES if kind is not UNKNOWN)
    return (*plain, "decimal(p,s)", "array<t>", "map<k,v>", "struct<name:t>")


def parse(text: str) -> Type:
    """The type that a text names.

    Raises:
        ValueError: the text names no type; the message says why and lists the types.
    """
    reader = _Reader(text)
    kind = reader.type()
    if reader.position != len(reader.tokens):
        rest = reader.tokens[reader.position]
        raise ValueError(f"{text!r} is not a type: unexpected {rest!r} after {kind}")
    return kind


def is_promotion(old: Type, new: Type) -> bool:
    """Whether Iceberg lets a column of type `old` become `new` without rewriting its files.

    Source: Iceberg table specification, "Schema evolution": int to long, float to double, decimal
    to a wider precision of the same scale, and (format version 3) unknown to anything.
    """
    if old in (new, UNKNOWN):
        return True
    if (old, new) in ((INT, BIGINT), (FLOAT, DOUBLE)):
        return True
    if isinstance(old, Decimal) and isinstance(new, Decimal):
        return old.scale == new.scale and old.precision <= new.precision
    return False


def widest(left: Type, right: Type) -> Type:
    """The narrowest type that holds every value of both; `string` where nothing else does."""
    if is_promotion(left, right):
        return right
    if is_promotion(right, left):
        return left
    numbers = (INT, BIGINT, FLOAT, DOUBLE)
    if isinstance(left, Decimal) or isinstance(right, Decimal):
        return _widest_decimal(left, right)
    if left in numbers and right in numbers:
        return DOUBLE
    if {left, right} == {DATE, TIMESTAMP_NTZ}:
        return TIMESTAMP_NTZ
    if isinstance(left, Array) and isinstance(right, Array):
        return Array(widest(left.element, right.element))
    if isinstance(left, Struct) and isinstance(right, Struct):
        return _widest_struct(left, right)
    return STRING


def _widest_decimal(left: Type, right: Type) -> Type:
    integers = {INT: Decimal(10, 0), BIGINT: Decimal(19, 0)}
    pair = [integers.get(kind, kind) if isinstance(kind, Primitive) else kind
            for kind in (left, right)]  # fmt: skip
    if DOUBLE in pair or FLOAT in pair:
        return DOUBLE
    one, other = pair
    if not (isinstance(one, Decimal) and isinstance(other, Decimal)):
        return STRING
    scale = max(one.scale, other.scale)
    precision = max(one.precision - one.scale, other.precision - other.scale) + scale
    return Decimal(precision, scale) if precision <= DECIMAL_PRECISION_MAX else DOUBLE


def _widest_struct(left: Struct, right: Struct) -> Type:
    merged = dict(left.fields)
    for name, kind in right.fields:
        merged[name] = widest(merged[name], kind) if name in merged else kind
    return Struct(tuple(merged.items()))


@dataclass(frozen=True, kw_only=True, slots=True)
class Field:
    """One column of a table."""

    name: str
    type: Type
    is_required: bool = False
    description: str = ""


@dataclass(frozen=True, slots=True)
class Schema:
    """The columns of a table, in order."""

    fields: tuple[Field, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """The columns' names, in order."""
        return tuple(field.name for field in self.fields)

    def get(self, name: str) -> Field | None:
        """The column of that name, compared without regard to case, as Spark does."""
        wanted = name.lower()
        return next((field for field in self.fields if field.name.lower() == wanted), None)

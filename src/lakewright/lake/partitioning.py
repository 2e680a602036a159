"""How a table is cut into partitions: Iceberg's partition specifications and partition values.

A partition value has one text form, the one of Iceberg's partition paths (see `DataFile`), and one
stored form, the number or text that manifests hold. Refuses a transform that Iceberg does not
define for a column's type, and a text that is no value of its partition field.
"""

import base64
import binascii
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import TypeAlias

from lakewright import errors
from lakewright.lake import metadata, schema
from lakewright.lake.metadata import Document, FieldJson, PartitionFieldJson, SpecJson
from lakewright.project import partitioning
from lakewright.project.contract import PartitionField, Transform
from lakewright.sql import types

Value: TypeAlias = bool | int | float | str | bytes | Decimal | None
"""A partition value as manifests hold it: dates as days and instants as microseconds since 1970."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_INSTANTS = (types.TIMESTAMP, types.TIMESTAMP_NTZ)


@dataclass(frozen=True, kw_only=True, slots=True)
class Codec:
    """Reads and writes the values of one partition field."""

    name: str
    transform: str
    source: types.Type

    def parse(self, text: str | None) -> Value:
        """The stored value of a text.

        Raises:
            LakewrightError: the text is no value of this partition field.
        """
        if text is None:
            return None
        try:
            return _reader(self.transform, self.source)(text)
        except (ValueError, InvalidOperation, OverflowError, binascii.Error) as error:
            raise errors.LakewrightError(
                f"{text!r} is no partition value of {self.name}",
                why=f"the partition is {self.transform} of a column of type {self.source}",
                hint="this is a bug of the engine that staged the file: please report it",
            ) from error

    def format(self, value: Value) -> str | None:
        """The text of a stored value."""
        return None if value is None else _writer(self.transform, self.source)(value)


def specify(
    parts: Sequence[PartitionField],
    fields: Sequence[FieldJson],
    kinds: types.Schema,
    document: Document,
) -> SpecJson:
    """The partition specification for a table with these columns.

    It is one that the table has already, where one fits; else a new one, in which a field that
    any earlier specification had keeps its id.

    Raises:
        LakewrightError: a column does not exist, or its type cannot be partitioned so.
    """
    by_name = {field["name"]: field for field in fields}
    earlier = {
        (field["source-id"], field["transform"]): field
        for spec in document["partition-specs"]
        for field in spec["fields"]
    }
    last_id = document["last-partition-id"]
    found: list[PartitionFieldJson] = []
    for part in parts:
        _check(part, kinds)
        source_id = by_name[part.column]["id"]
        transform = _transform_text(part)
        known = earlier.get((source_id, transform))
        last_id += known is None
        found.append(
            {
                "source-id": source_id,
                "field-id": known["field-id"] if known else last_id,
                "transform": transform,
                "name": known["name"] if known else _name(part, by_name),
            }
        )
    for spec in document["partition-specs"]:
        if spec["fields"] == found:
            return spec
    new_id = max((spec["spec-id"] for spec in document["partition-specs"]), default=-1) + 1
    return {"spec-id": new_id, "fields": found}


def fields(spec: SpecJson, document: Document) -> tuple[PartitionField, ...] | None:
    """What `specify` was given for this specification; None: a column of it has left the table, or
    another program has partitioned it by what we do not know."""
    names = {field["id"]: field["name"] for field in metadata.schema(document)["fields"]}
    found = []
    for field in spec["fields"]:
        word, _, width = field["transform"].rstrip("]").partition("[")
        if field["source-id"] not in names or word not in set(Transform):
            return None
        found.append(
            PartitionField(
                column=names[field["source-id"]],
                transform=Transform(word),
                width=int(width) if width else None,
            )
        )
    return tuple(found)


def codecs(spec: SpecJson, kinds: Mapping[int, types.Type]) -> tuple[Codec, ...]:
    """One codec for each field of the specification; `kinds` are column types by field id.

    A column that has left the table has no kind any more: its values are taken as text.
    """
    return tuple(
        Codec(
            name=field["name"],
            transform=field["transform"],
            source=kinds.get(field["source-id"], types.STRING),
        )
        for field in spec["fields"]
    )


def kinds_by_id(document: Document) -> Mapping[int, types.Type]:
    """The type of every column that any schema of the table has had, by field id; newest wins."""
    return {
        field["id"]: kind.type
        for one in document["schemas"]
        for field, kind in zip(one["fields"], schema.of_json(one).fields, strict=True)
    }


def _check(part: PartitionField, kinds: types.Schema) -> None:
    column = next((field for field in kinds.fields if field.name == part.column), None)
    if column is None:
        raise errors.LakewrightError(
            f"the table cannot be partitioned by {part.column}",
            why="it has no such column",
            hint=f"partition by one of {', '.join(kinds.names)}",
        )
    if not partitioning.is_fit(part, column.type):
        raise errors.LakewrightError(
            f"the table cannot be partitioned by {part.transform}({part.column})",
            why=f"Iceberg defines no {part.transform} of {column.type}",
            hint="partition by another column, or by the column itself",
        )


def _transform_text(part: PartitionField) -> str:
    if part.transform in (Transform.BUCKET, Transform.TRUNCATE):
        return f"{part.transform}[{part.width}]"
    return str(part.transform)


def _name(part: PartitionField, columns: Mapping[str, FieldJson]) -> str:
    """The names that Iceberg's own libraries give; apart from every column's name."""
    if part.transform == Transform.IDENTITY:
        return part.column
    suffix = {Transform.BUCKET: f"bucket_{part.width}", Transform.TRUNCATE: f"trunc_{part.width}"}
    name = f"{part.column}_{suffix.get(part.transform, str(part.transform))}"
    while name in columns:
        name += "_partition"
    return name


def _reader(transform: str, source: types.Type) -> Callable[[str], Value]:
    by_transform: dict[str, Callable[[str], Value]] = {
        "year": _read_year,
        "month": _read_month,
        "day": _read_date,
        "hour": _read_hour,
    }
    if transform in by_transform:
        return by_transform[transform]
    if transform.startswith("bucket"):
        return int
    if isinstance(source, types.Decimal):
        return Decimal
    by_type: dict[types.Type, Callable[[str], Value]] = {
        types.BOOLEAN: _read_boolean,
        types.INT: int,
        types.BIGINT: int,
        types.FLOAT: float,
        types.DOUBLE: float,
        types.BINARY: lambda text: base64.b64decode(text, validate=True),
        types.DATE: _read_date,
        types.TIMESTAMP: _read_instant,
        types.TIMESTAMP_NTZ: _read_instant,
    }
    return by_type.get(source, str)


def _writer(transform: str, source: types.Type) -> Callable[[Value], str]:
    by_transform: dict[str, Callable[[int], str]] = {
        "year": lambda years: f"{1970 + years:04d}",
        "month": lambda months: f"{1970 + months // 12:04d}-{months % 12 + 1:02d}",
        "day": lambda days: (_EPOCH + timedelta(days=days)).date().isoformat(),
        "hour": lambda hours: (_EPOCH + timedelta(hours=hours)).isoformat()[:13].replace("T", "-"),
    }
    if transform in by_transform:
        return _of_whole(by_transform[transform])
    if source == types.DATE and not transform.startswith("bucket"):
        return _of_whole(by_transform["day"])
    if source in _INSTANTS and not transform.startswith("bucket"):
        zone = UTC if source == types.TIMESTAMP else None
        return _of_whole(
            lambda micros: (
                (_EPOCH + timedelta(microseconds=micros)).replace(tzinfo=zone).isoformat()
            )
        )
    return _write_plain


def _of_whole(write: Callable[[int], str]) -> Callable[[Value], str]:
    def checked(value: Value) -> str:
        if not isinstance(value, int):
            raise TypeError(f"a partition value of this kind is a whole number, not {value!r}")
        return write(value)

    return checked


def _write_plain(value: Value) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, bytes):
        return base64.b64encode(value).decode("ascii")
    return repr(value) if isinstance(value, float) else str(value)


def _read_boolean(text: str) -> bool:
    if text not in ("true", "false"):
        raise ValueError(text)
    return text == "true"


def _read_year(text: str) -> int:
    return int(text) - 1970


def _read_month(text: str) -> int:
    found = re.fullmatch(r"(-?\d+)-(\d\d)", text)
    if not found or not 1 <= int(found[2]) <= 12:
        raise ValueError(text)
    return (int(found[1]) - 1970) * 12 + int(found[2]) - 1


def _read_date(text: str) -> int:
    return date.fromisoformat(text).toordinal() - _EPOCH.toordinal()


def _read_hour(text: str) -> int:
    day, _, hour = text.rpartition("-")
    if not 0 <= int(hour) <= 23:
        raise ValueError(text)
    return _read_date(day) * 24 + int(hour)


def _read_instant(text: str) -> int:
    moment = datetime.fromisoformat(text)
    return (moment.replace(tzinfo=moment.tzinfo or UTC) - _EPOCH) // timedelta(microseconds=1)

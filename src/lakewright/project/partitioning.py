"""How a partitioning is written, `month(ordered_at)`, and which types each transform takes."""

import re
from collections.abc import Iterable, Iterator

from lakewright.project.contract import PartitionField, Transform
from lakewright.project.mistake import listing, suggestion
from lakewright.sql import types

_WRITTEN = re.compile(
    r"\s*(?:(?P<transform>\w+)\s*\(\s*(?:(?P<width>\d+)\s*,\s*)?(?P<inner>[^\s(),]+)\s*\)"
    r"|(?P<column>[^\s(),]+))\s*"
)
_WITH_WIDTH = (Transform.BUCKET, Transform.TRUNCATE)
_OF_TIME = (Transform.YEAR, Transform.MONTH, Transform.DAY, Transform.HOUR)
INTERVALS = (Transform.HOUR, Transform.DAY, Transform.MONTH)
"""The transforms by which a model may be built, one value at a time."""

_TIMES = (types.TIMESTAMP, types.TIMESTAMP_NTZ)
_DATES = (types.DATE, *_TIMES)
_KNOWN = tuple(kind for kind in types.PRIMITIVES if kind != types.UNKNOWN)
_INEXACT = (types.FLOAT, types.DOUBLE, types.BOOLEAN)

TYPES: dict[Transform, tuple[types.Type, ...]] = {
    Transform.IDENTITY: _KNOWN,
    Transform.YEAR: _DATES,
    Transform.MONTH: _DATES,
    Transform.DAY: _DATES,
    Transform.HOUR: _TIMES,
    Transform.BUCKET: tuple(kind for kind in _KNOWN if kind not in _INEXACT),
    Transform.TRUNCATE: (types.INT, types.BIGINT, types.STRING, types.BINARY),
}
"""What each transform takes, decimals aside. Source: Iceberg table specification, "Partition
Transforms"."""

OF_DECIMALS = (Transform.IDENTITY, Transform.BUCKET, Transform.TRUNCATE)
"""The transforms that take decimals."""


def parse(text: str) -> PartitionField:
    """The partition field that a text such as `country` or `bucket(16, customer_id)` means.

    Raises:
        ValueError: it is none; the message says how to write one.
    """
    found = _WRITTEN.fullmatch(text)
    if not found:
        raise ValueError(
            f"{text!r} is no partition; write a column, `month(column)` or `bucket(16, column)`"
        )
    if found["column"]:
        return PartitionField(column=found["column"])
    names = [each.value for each in Transform]
    word = found["transform"].lower()
    if word not in names:
        hint = suggestion(word, names, otherwise=f"there are {listing(names)}")
        raise ValueError(f"`{word}` is no partition transform; {hint}")
    transform = Transform(word)
    width = int(found["width"]) if found["width"] else None
    if transform in _WITH_WIDTH and not width:
        raise ValueError(f"`{word}` needs a width above 0: `{word}(16, {found['inner']})`")
    if transform not in _WITH_WIDTH and width is not None:
        raise ValueError(f"`{word}` takes only a column: `{word}({found['inner']})`")
    return PartitionField(column=found["inner"], transform=transform, width=width)


def text_of(field: PartitionField) -> str:
    """The text that `parse` reads as this field."""
    if field.transform is Transform.IDENTITY:
        return field.column
    width = f"{field.width}, " if field.width is not None else ""
    return f"{field.transform.value}({width}{field.column})"


def is_fit(field: PartitionField, kind: types.Type) -> bool:
    """Whether the field's transform takes a column of this type."""
    if isinstance(kind, types.Decimal):
        return field.transform in OF_DECIMALS
    return kind in TYPES[field.transform]


def redundant(fields: Iterable[PartitionField]) -> Iterator[tuple[int, PartitionField]]:
    """The fields that add nothing to an earlier one, which Iceberg refuses: position and field.

    Two of year, month, day and hour of one column, or the same transform of it twice.
    """
    seen: set[tuple[str, str]] = set()
    for position, field in enumerate(fields):
        family = "time" if field.transform in _OF_TIME else field.transform.value
        if (field.column, family) in seen:
            yield position, field
        seen.add((field.column, family))

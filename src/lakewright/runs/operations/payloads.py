"""What is told with a request, taken apart."""

from collections.abc import Mapping
from typing import TypeVar, cast

from lakewright.plan import codec
from lakewright.runs.records import Json

_T = TypeVar("_T")


def facts_of(payload: Json) -> Mapping[str, Json]:
    """The payload of a request, which always is an object."""
    return cast("Mapping[str, Json]", payload)


def decode_all(kind: type[_T], values: Json) -> list[_T]:
    """Values of one kind, from a list."""
    return [codec.decode(kind, value) for value in cast("list[Json]", values)]

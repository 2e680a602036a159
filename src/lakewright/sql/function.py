"""What the catalogue says of a function."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from lakewright.sql.signature import Signature


class Kind(StrEnum):
    """Where a function may stand."""

    SCALAR = "scalar"
    """Anywhere: it sees one row."""
    AGGREGATE = "aggregate"
    """Over a group, or over a window."""
    WINDOW = "window"
    """Over a window only."""
    GENERATOR = "generator"
    """Alone in SELECT, or after LATERAL VIEW: it makes rows."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Function:
    """A permitted function."""

    name: str
    kind: Kind
    signatures: tuple[Signature, ...]
    note: str = ""
    aliases: tuple[str, ...] = ()
    takes_frame: bool = True
    """Whether its window may have a frame."""
    takes_distinct: bool = False
    may_ignore_nulls: bool = False
    names: Callable[[int], str] | None = None
    """Of a function that makes a field of each argument, named as the argument is: the name of one
    that has none, by its position from 0. Such a function is given name and value in turn."""


@dataclass(frozen=True, kw_only=True, slots=True)
class RefusedFunction:
    """A function of Spark that portable SQL leaves out on purpose."""

    names: tuple[str, ...]
    why: str
    hint: str = ""


def scalar(*ways: Signature, note: str = "", aliases: tuple[str, ...] = ()) -> Function:
    """A function of one row."""
    return Function(
        name=ways[0].name, kind=Kind.SCALAR, signatures=ways, note=note, aliases=aliases
    )

"""An expression after it has been understood: its type, its text for DuckDB, its origins."""

from collections.abc import Iterable
from dataclasses import dataclass

from lakewright.sql import types
from lakewright.sql.quoting import Value, literal


@dataclass(frozen=True, kw_only=True, slots=True)
class Term:
    """One expression. Its text stands on its own (no outer operator can take it apart) and
    evaluates to exactly the DuckDB type of `type`."""

    type: types.Type
    text: str
    origins: frozenset[str] = frozenset()
    """The `layer.table.column`s that its value is computed from."""
    loose: frozenset[str] = frozenset()
    """The columns, by their text, that stand outside any aggregate function."""
    plain: str | None = None
    """The `layer.table.column` that it is, unchanged."""
    has_aggregate: bool = False
    has_window: bool = False
    may_stop: bool = False
    """Whether some value makes it stop the query, so that a condition before it must guard it."""
    value: Value = None
    is_literal: bool = False
    """Whether it is a constant written in the query, and `value` that constant."""

    @property
    def is_null(self) -> bool:
        """Whether it is a bare NULL."""
        return self.is_literal and self.value is None


def combine(kind: types.Type, text: str, parts: Iterable[Term]) -> Term:
    """A term computed from others."""
    given = tuple(parts)
    return Term(
        type=kind,
        text=text,
        origins=frozenset().union(*(part.origins for part in given)),
        loose=frozenset().union(*(part.loose for part in given)),
        has_aggregate=any(part.has_aggregate for part in given),
        has_window=any(part.has_window for part in given),
        may_stop="error(" in text or any(part.may_stop for part in given),
    )


def constant(value: Value, kind: types.Type) -> Term:
    """A term for a constant; a NULL of type UNKNOWN takes its type where it is used."""
    return Term(type=kind, text=_constant_text(value, kind), value=value, is_literal=True)


def _constant_text(value: Value, kind: types.Type) -> str:
    if isinstance(value, int) and not isinstance(value, bool) and kind == types.INT and value >= 0:
        return str(value)
    return literal(value, kind)

"""What tells two sets of rows apart, as a person wants to see it: rows missing, rows too many, and
rows that differ in some cells. Pure.

Rows have no order. Doubles are equal when their first 12 digits are, floats when their first 6 are:
the order in which an engine adds up decides the rest.
"""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from lakewright.project import cell
from lakewright.project.cell import Cell
from lakewright.sql import types

Row: TypeAlias = tuple[Cell, ...]
Shown: TypeAlias = tuple[str | None, ...]
"""A row's values as text."""

_PAIRED_MAX = 200
"""So many rows of either side are looked through for likely partners."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Pair:
    """An expected row, and one that came in its place."""

    expected: Shown
    actual: Shown
    columns: tuple[str, ...]
    """Where they differ."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Difference:
    """All that tells two sets of rows apart."""

    columns: tuple[str, ...]
    missing: tuple[Shown, ...]
    """Expected, and not there."""
    surplus: tuple[Shown, ...]
    """There, and not expected."""
    differing: tuple[Pair, ...]

    @property
    def is_empty(self) -> bool:
        """Whether the rows are the same."""
        return not (self.missing or self.surplus or self.differing)


def difference(
    schema: types.Schema, expected: Sequence[Row], actual: Sequence[Row], key: Sequence[str] = ()
) -> Difference:
    """Compare rows. Those that agree on `key`, or else in most columns, are taken for partners."""
    kinds = [field.type for field in schema.fields]
    left = _without(
        [_shown(row, kinds) for row in expected], [_shown(row, kinds) for row in actual]
    )
    right = _without(
        [_shown(row, kinds) for row in actual], [_shown(row, kinds) for row in expected]
    )
    places = [place for place, name in enumerate(schema.names) if name in key]
    pairs = _partners(left, right, places)
    matched = {place for place, _ in pairs}, {place for _, place in pairs}
    return Difference(
        columns=schema.names,
        missing=tuple(row for place, row in enumerate(left) if place not in matched[0]),
        surplus=tuple(row for place, row in enumerate(right) if place not in matched[1]),
        differing=tuple(_pair(schema.names, left[one], right[other]) for one, other in pairs),
    )


def _pair(names: Sequence[str], expected: Shown, actual: Shown) -> Pair:
    columns = [
        name for name, one, other in zip(names, expected, actual, strict=True) if one != other
    ]
    return Pair(expected=expected, actual=actual, columns=tuple(columns))


def _without(rows: Sequence[Shown], others: Sequence[Shown]) -> list[Shown]:
    """The rows that have no equal among the others, each of which equals one row only."""
    left = Counter(others)
    found: list[Shown] = []
    for row in rows:
        if left[row]:
            left[row] -= 1
        else:
            found.append(row)
    return found


def _partners(
    left: Sequence[Shown], right: Sequence[Shown], key: Sequence[int]
) -> list[tuple[int, int]]:
    """Places of rows that were probably meant to be the same, the most alike first."""
    ways: list[tuple[bool, int, int, int]] = []
    for one, expected in enumerate(left[:_PAIRED_MAX]):
        for other, actual in enumerate(right[:_PAIRED_MAX]):
            same = sum(a == b for a, b in zip(expected, actual, strict=True))
            is_keyed = bool(key) and all(expected[place] == actual[place] for place in key)
            if is_keyed or (not key and same * 2 > len(expected)):
                ways.append((not is_keyed, -same, one, other))
    found: list[tuple[int, int]] = []
    taken: tuple[set[int], set[int]] = set(), set()
    for _, _, one, other in sorted(ways):
        if one not in taken[0] and other not in taken[1]:
            taken[0].add(one)
            taken[1].add(other)
            found.append((one, other))
    return sorted(found)


def _shown(row: Row, kinds: Sequence[types.Type]) -> Shown:
    return tuple(cell.shown(_even(value, kind)) for value, kind in zip(row, kinds, strict=True))


_DIGITS = {types.FLOAT: 6, types.DOUBLE: 12}


def _even(value: Cell, kind: types.Type) -> Cell:
    """The value without the digits, zones and signs that make no difference."""
    digits = _DIGITS.get(kind) if isinstance(kind, types.Primitive) else None
    if digits and isinstance(value, float) and math.isfinite(value):
        return float(f"{value:.{digits}g}") + 0.0  # Minus zero is zero.
    if isinstance(kind, types.Struct) and isinstance(value, Mapping):
        return {name: _even(value.get(name), inner) for name, inner in kind.fields}
    if isinstance(value, list) and isinstance(kind, types.Array):
        return [_even(each, kind.element) for each in value]
    if isinstance(value, list) and isinstance(kind, types.Map):
        pairs = [(_even(key, kind.key), _even(each, kind.value)) for key, each in value]
        return sorted(pairs, key=lambda pair: str(cell.shown(pair[0])))
    return value

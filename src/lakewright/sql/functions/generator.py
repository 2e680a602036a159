"""Functions that make rows of a value; the answer is an array with a struct for each row."""

from collections.abc import Sequence

from lakewright.sql import operators, types
from lakewright.sql.function import Function, Kind
from lakewright.sql.quoting import identifier
from lakewright.sql.signature import Build, way
from lakewright.sql.term import Term, combine, constant

_ROWS_MAX = 1000


def _exploded(arguments: Sequence[Term]) -> Term:
    return _rows(arguments[0], with_position=False)


def _numbered(arguments: Sequence[Term]) -> Term:
    return _rows(arguments[0], with_position=True)


def _rows(given: Term, *, with_position: bool) -> Term:
    kind = given.type
    if not isinstance(kind, types.Array | types.Map):
        raise ValueError(f"it takes an array or a map, and not {kind}")  # noqa: TRY004
    if isinstance(kind, types.Array):
        items, fields, values = given.text, [("col", kind.element)], ['"our e"']
    else:
        items, fields = f"map_entries({given.text})", [("key", kind.key), ("value", kind.value)]
        values = ['"our e".key', '"our e".value']
    if with_position:
        fields.insert(0, ("pos", types.INT))
        values.insert(0, 'CAST("our i" - 1 AS INTEGER)')
    packed = ", ".join(
        f"{identifier(name)} := {value}" for (name, _), value in zip(fields, values, strict=True)
    )
    row = f'list_transform({items}, lambda "our e", "our i": struct_pack({packed}))'
    return combine(types.Array(types.Struct(tuple(fields))), row, (given,))


def _structs(arguments: Sequence[Term]) -> Term:
    kind = arguments[0].type
    if not (isinstance(kind, types.Array) and isinstance(kind.element, types.Struct)):
        raise ValueError(f"it takes an array of structs, and not {kind}")  # noqa: TRY004
    return arguments[0]


def _stacked(arguments: Sequence[Term]) -> Term:
    """Values row by row; the last row is filled up with nulls."""
    rows = arguments[0].value
    assert isinstance(rows, int)  # noqa: S101 -- the signature asks for a constant
    values = list(arguments[1:])
    if not 1 <= rows <= _ROWS_MAX:
        raise ValueError(f"the rows are 1 to {_ROWS_MAX}")
    width = -(-len(values) // rows)
    values += [constant(None, types.UNKNOWN)] * (rows * width - len(values))
    columns = [operators.meet(values[at::width]) for at in range(width)]
    names = [f"col{at}" for at in range(width)]
    packed = (
        ", ".join(
            f"{name} := {met[row].text}" for name, (met, _) in zip(names, columns, strict=True)
        )
        for row in range(rows)
    )
    kind = types.Struct(tuple((n, kind) for n, (_, kind) in zip(names, columns, strict=True)))
    listed = ", ".join(f"struct_pack({fields})" for fields in packed)
    return combine(types.Array(kind), f"[{listed}]", values)


def _generator(*ways: str, build: Build, note: str) -> Function:
    signatures = tuple(way(text, build=build) for text in ways)
    return Function(name=signatures[0].name, kind=Kind.GENERATOR, signatures=signatures, note=note)


_OUTER = "One row of nulls where the other makes none."

FUNCTIONS = (
    _generator(
        "explode(any) -> rows",
        build=_exploded,
        note="A row for each item of an array (`col`), or entry of a map (`key`, `value`).",
    ),
    _generator("explode_outer(any) -> rows", build=_exploded, note=_OUTER),
    _generator(
        "posexplode(any) -> rows", build=_numbered, note="With its position from 0 first (`pos`)."
    ),
    _generator("posexplode_outer(any) -> rows", build=_numbered, note=_OUTER),
    _generator(
        "inline(any) -> rows", build=_structs, note="A row for each struct, a column for a field."
    ),
    _generator("inline_outer(any) -> rows", build=_structs, note=_OUTER),
    _generator(
        "stack(#rows, any...) -> rows",
        build=_stacked,
        note="Values row by row (`col0`, `col1`, ...), filled up with nulls.",
    ),
)

"""Generators in a query: what LATERAL VIEW, or an item of SELECT, adds to its FROM."""

from collections.abc import Sequence
from dataclasses import replace

from sqlglot import exp

from lakewright.sql import calls, catalogue, expression, types
from lakewright.sql.context import Context
from lakewright.sql.function import Kind
from lakewright.sql.quoting import identifier
from lakewright.sql.refusals import Refused
from lakewright.sql.scope import Output, Relation


def is_generator(node: exp.Expr) -> bool:
    """Whether a selected item, without its names, makes rows."""
    call = unnamed(node)
    found = catalogue.FUNCTIONS.get(call.name.lower()) if isinstance(call, exp.Anonymous) else None
    return found is not None and found.kind is Kind.GENERATOR


def unnamed(node: exp.Expr) -> exp.Expr:
    """An item without the names that AS gives it."""
    return node.this if isinstance(node, (exp.Alias, exp.Aliases)) else node


def names(node: exp.Expr) -> list[str]:
    """The names that AS gives an item."""
    if isinstance(node, exp.Alias):
        return [node.alias]
    return [name.name for name in node.expressions] if isinstance(node, exp.Aliases) else []


def several(node: exp.Expr) -> Refused:
    """A generator stands where none can."""
    return Refused(
        node,
        "one generator may stand in a SELECT, and none beside GROUP BY",
        hint="use LATERAL VIEW, or a query around it",
    )


def view(
    node: exp.Expr, alias: str, columns: Sequence[str], context: Context, *, is_outer: bool
) -> tuple[Relation, str]:
    """What a call of a generator offers, and the subquery over the tables before it.

    Raises:
        Refused: it is no generator, or does not fit its argument or names.
    """
    if not (isinstance(node, exp.Anonymous) and is_generator(node)):
        raise Refused(node, "a generator such as explode(...) stands here")
    function = catalogue.function(node)
    inner = replace(context, may_aggregate=False, may_window=False)
    given = [expression.bind(one, inner) for one in node.expressions]
    try:
        rows = calls.scalar(node, function, given)
    except ValueError as error:
        raise Refused(node, f"{function.name} does not fit: {error}") from error
    assert isinstance(rows.type, types.Array)  # noqa: S101 -- what every generator gives
    assert isinstance(rows.type.element, types.Struct)  # noqa: S101
    fields = rows.type.element.fields
    if columns and len(columns) != len(fields):
        raise Refused(node, f"{len(columns)} names are given for {len(fields)} columns")
    chosen = list(columns) or [name for name, _ in fields]
    text = rows.text
    if is_outer or function.name.endswith("_outer"):
        text = f"CASE WHEN len({text}) > 0 THEN {text} ELSE [NULL] END"
    listed = ", ".join(f'("row").{identifier(name)}' for name, _ in fields)
    subquery = (
        f'(SELECT {listed} FROM (SELECT unnest({text}) AS "row")) AS {identifier(alias)}'
        f"({', '.join(identifier(name) for name in chosen)})"
    )
    outputs = tuple(
        Output(name=name, type=kind, origins=rows.origins)
        for name, (_, kind) in zip(chosen, fields, strict=True)
    )
    return Relation(alias=alias, outputs=outputs), subquery

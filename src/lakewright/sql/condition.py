"""Conditions over one table's columns, as the checks of a model state them."""

from sqlglot import exp

from lakewright.errors import Place
from lakewright.sql import expression, operators, types
from lakewright.sql import parse as parsing
from lakewright.sql.context import Context
from lakewright.sql.quoting import Dialect, known
from lakewright.sql.refusals import Refusals, Refused
from lakewright.sql.scope import Output, Relation, Scope
from lakewright.sql.term import Term


def resolve_condition(text: str, where: Place, schema: types.Schema) -> tuple[str, ...]:
    """The columns that a condition looks at.

    Raises:
        SqlRefused: it is not portable, does not fit the columns, or is no condition.
    """
    return tuple(sorted(_bind(text, where, schema).origins))


def render_condition(text: str, schema: types.Schema, dialect: Dialect) -> str:
    """A condition for a dialect, its columns written without a table; true, false or null.

    Raises:
        SqlRefused: it is not portable, does not fit the columns, or is no condition.
    """
    bound = _bind(text, Place(file="condition"), schema)
    if dialect == "spark":
        return text
    known(dialect)
    return bound.text


def _bind(text: str, where: Place, schema: types.Schema) -> Term:
    refusals = Refusals(text=text, where=where)
    tree = parsing.condition_tree(text, refusals)
    refusals.check()
    outputs = tuple(
        Output(name=column.name, type=column.type, origins=frozenset({column.name}))
        for column in schema.fields
    )
    scope = Scope(relations=[Relation(alias="", outputs=outputs)])
    term: Term | None = None
    with refusals.gather():
        bound = expression.bind(
            tree, Context(scope=scope, subquery=_no_subquery, clause="a condition")
        )
        try:
            term = operators.condition(bound)
        except operators.Mismatch as mismatch:
            raise Refused(tree, f"this is no condition: {mismatch}", hint=mismatch.hint) from None
    refusals.check()
    assert term is not None  # noqa: S101 -- whatever stops the binding is noted
    return term


def _no_subquery(node: exp.Expr, _scope: Scope) -> tuple[tuple[Output, ...], str]:
    raise Refused(node, "a condition sees one row only", hint="use a referential check, or a model")

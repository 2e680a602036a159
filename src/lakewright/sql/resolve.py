"""Fits a query to the tables that it reads: its columns, their origins, and its shape."""

from collections.abc import Mapping
from types import MappingProxyType

from sqlglot import exp

from lakewright.errors import Place
from lakewright.sql import parse as parsing
from lakewright.sql import queries, run_values, shape, types
from lakewright.sql.query import Query, Resolved, WholeShape
from lakewright.sql.refusals import Refusals


def resolve(query: Query, schemas: Mapping[str, types.Schema]) -> Resolved:
    """The columns that a query returns, where each comes from, and what its rows depend on.

    Args:
        query: as `parse` made it.
        schemas: of every table that may be read, by `layer.table`.

    Raises:
        SqlRefused: it does not fit the tables; every mistake is in its `problems`.
    """
    refusals = Refusals(text=query.text, where=query.where)
    # That it is portable by its form was seen when it was parsed.
    bound = _bound(parsing.parsed_tree(query), refusals, schemas, dict(query.variables))
    fields = tuple(types.Field(name=one.name, type=one.type) for one in bound.outputs)
    lineage = {one.name: tuple(sorted(one.origins)) for one in bound.outputs}
    if query.parameters:
        reason = f"it reads :{query.parameters[0]}, which differs from run to run"
        return Resolved(
            schema=types.Schema(fields), lineage=lineage, shape=WholeShape(reason=reason)
        )
    return Resolved(
        schema=types.Schema(fields),
        lineage=lineage,
        shape=shape.shape(bound.form, bound.outputs),
    )


def bind(
    text: str,
    where: Place,
    schemas: Mapping[str, types.Schema],
    variables: Mapping[str, types.Type] = MappingProxyType({}),
) -> queries.Bound:
    """A text's query, understood against these tables.

    Raises:
        SqlRefused: it is not portable SQL or does not fit the tables.
    """
    refusals = Refusals(text=text, where=where)
    tree = parsing.query_tree(text, refusals)
    refusals.check()
    return _bound(tree, refusals, schemas, variables)


def _bound(
    tree: exp.Query,
    refusals: Refusals,
    schemas: Mapping[str, types.Schema],
    variables: Mapping[str, types.Type],
) -> queries.Bound:
    bound = None
    with refusals.gather():
        known = {**run_values.TYPES, **variables}
        bound = queries.Binder(schemas=schemas, refusals=refusals, parameters=known).query(tree)
    refusals.check()
    assert bound is not None  # noqa: S101 -- whatever stops the binding is noted
    return bound

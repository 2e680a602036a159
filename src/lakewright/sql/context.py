"""Where an expression stands in a query, which decides what it may hold."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from sqlglot import exp

from lakewright.sql import types
from lakewright.sql.scope import Output, Scope
from lakewright.sql.term import Term

SubqueryBinder: TypeAlias = Callable[[exp.Expr, Scope], tuple[tuple[Output, ...], str]]
"""Binds a subquery, which may look outwards into a scope: its columns and its text."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Context:
    """Where an expression stands."""

    scope: Scope
    subquery: SubqueryBinder
    clause: str
    """For messages: `WHERE`, `GROUP BY`, ..."""
    parameters: Mapping[str, types.Type] = field(default_factory=dict)
    """What it may read as `:name`, with the types."""
    may_aggregate: bool = False
    may_window: bool = False
    may_correlate: bool = False
    """Whether a subquery in it may name this query's columns."""
    prefers_items: bool = False
    """Whether a name means a selected column first."""
    variables: Mapping[str, Term] = field(default_factory=dict)
    """The parameters of the lambda functions around, by name in lower case."""

"""Lambda functions: what stands after the arrow is understood once the parameters' types are known.

In DuckDB's text a parameter is called `lambda 1`, `lambda 2`, ..., which no column is; what a
function's rewrite adds of its own lambda functions is called `our ...`, so that neither hides what
the other one means.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

from lakewright.sql import types
from lakewright.sql.quoting import duckdb_type
from lakewright.sql.term import Term

Places: TypeAlias = tuple[str, ...]
"""Where each parameter is found in DuckDB's: `{0}` is its lambda's first, `{1}` its second."""

ELEMENT: Places = ("{0}", "CAST({1} - 1 AS INTEGER)")
"""An array's element, and its position from 0; DuckDB counts from 1."""
ENTRY: Places = ("{0}.key", "{0}.value")
"""A map's key and value, of its entries."""
STEP: Places = ("{0}.so_far", "{1}.element")
"""What has been put together so far, and the next element."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Lambda:
    """A lambda function as it is written."""

    names: tuple[str, ...]
    """Of its parameters, in lower case."""
    bind: Callable[[Mapping[str, Term]], Term]
    """Understands what stands after the arrow, given what the names mean."""
    depth: int
    """How many parameters the lambda functions around it have."""

    def of(self, kinds: Sequence[types.Type], places: Places) -> Term:
        """It as DuckDB's text, for parameters of these types; its type is the answer's."""
        one, other = (f'"lambda {self.depth + number}"' for number in (1, 2))
        variables = {
            name: Term(type=kind, text=place.format(one, other))
            for name, kind, place in zip(self.names, kinds, places, strict=False)
        }
        body = self.bind(variables)
        text = body.text
        if body.type != types.UNKNOWN:
            text = f"CAST({text} AS {duckdb_type(body.type)})"
        used = f"{one}, {other}" if other in text or places is STEP else one
        return replace(
            body, text=f"lambda {used}: {text}", plain=None, value=None, is_literal=False
        )


def let(value: str, body: Callable[[str], str], name: str = "our x") -> str:
    """DuckDB's text of what `body` makes of a value, which is computed once."""
    written = f'"{name}"'
    return f"list_transform([{value}], lambda {written}: {body(written)})[1]"

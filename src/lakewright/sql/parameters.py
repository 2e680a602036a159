"""What a model may read of the run that builds it, and of its project: `:name` stands for a value,
never for text.

The values are given to the engine beside the query, so no value can change what a query means.
"""

import itertools
from collections.abc import Iterator, Mapping
from types import MappingProxyType

from sqlglot.tokenizer_core import Token, TokenType

from lakewright.sql import dialect, run_values, types
from lakewright.sql.refusals import Refusals
from lakewright.wording import suggestion


def named(text: str) -> tuple[str, ...]:
    """The parameters that a query reads, in the order of the text."""
    return tuple(dict.fromkeys(token.text for _, token in _markers(text)))


def offset(text: str, name: str) -> int:
    """Where a query first reads a parameter."""
    return next((colon.start for colon, token in _markers(text) if token.text == name), 0)


def places(text: str) -> Iterator[tuple[str, int, int]]:
    """Each parameter that a query reads, and where its colon and its last character stand."""
    for colon, token in _markers(text):
        yield token.text, colon.start, token.end


def check(
    text: str,
    refusals: Refusals,
    *,
    may_stand: bool,
    variables: Mapping[str, types.Type] = MappingProxyType({}),
) -> None:
    """Note parameters that do not exist, or stand where none has a value."""
    known = {**run_values.TYPES, **variables}
    for colon, token in _markers(text):
        length = token.end - colon.start + 1
        if not may_stand:
            refusals.add(
                colon.start,
                "parameters have no value here",
                why="only a run that builds a model gives them one",
                hint="write the value itself",
                length=length,
            )
        elif token.text not in known:
            refusals.add(
                colon.start,
                f"there is no parameter :{token.text}",
                why=f"there are {', '.join(f':{name}' for name in known)}",
                hint=suggestion(token.text, known, "parameters"),
                length=length,
            )


def _markers(text: str) -> Iterator[tuple[Token, Token]]:
    """The colon and the name of each `:name`."""
    tokens = dialect.tokens(text)
    for colon, token in itertools.pairwise(tokens):
        is_one = colon.token_type is TokenType.COLON and token.start == colon.end + 1
        if is_one and (token.text.isidentifier() and token.token_type is not TokenType.STRING):
            yield colon, token

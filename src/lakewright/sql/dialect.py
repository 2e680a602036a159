"""How the text of portable SQL becomes sqlglot's tree: Spark's grammar, functions left as written.

sqlglot normally turns a function into a class of its own that stands for many dialects at once and
forgets what was written. Here every call stays a call by its name, so that the catalogue alone
decides what it means.
"""

from functools import lru_cache

import sqlglot
from sqlglot import exp
from sqlglot.dialects.spark import Spark
from sqlglot.parsers.spark import SparkParser
from sqlglot.tokenizer_core import Token

_SPECIAL_SYNTAX = ("CAST", "TRY_CAST", "EXTRACT", "POSITION", "TRIM")
_NO_PAREN = ("CASE", "IF")
_QUOTES = ("'", '"', "`")
_QUOTE = "quote"


class PortableParser(SparkParser):
    """Spark's parser without its knowledge of functions."""

    STRICT_CAST = True  # Spark 4's CAST raises; sqlglot's Spark still returns null.
    ADD_JOIN_ON_TRUE = False  # A forgotten ON is a mistake, not a cross join.
    FUNCTIONS = {}  # noqa: RUF012 -- the parent declares it without ClassVar
    NO_PAREN_FUNCTIONS = {}  # noqa: RUF012
    FUNCTION_PARSERS = {  # noqa: RUF012
        name: SparkParser.FUNCTION_PARSERS[name] for name in _SPECIAL_SYNTAX
    }
    NO_PAREN_FUNCTION_PARSERS = {  # noqa: RUF012
        name: SparkParser.NO_PAREN_FUNCTION_PARSERS[name] for name in _NO_PAREN
    }


class Portable(Spark):
    """The dialect of portable SQL."""

    Parser = PortableParser


@lru_cache(maxsize=2048)
def statements(text: str) -> tuple[exp.Expr | None, ...]:
    """The statements in a text. The trees are shared: nobody may change them.

    Raises:
        sqlglot.errors.SqlglotError: the text is not SQL.
    """
    found = tuple(sqlglot.parse(text, dialect=Portable))
    for tree in found:
        _mark_quotes(tree, text)
    return found


@lru_cache(maxsize=256)
def condition(text: str) -> exp.Expr:
    """The expression in a text. The tree is shared: nobody may change it.

    Raises:
        sqlglot.errors.SqlglotError: the text is no expression.
    """
    tree = sqlglot.parse_one(text, dialect=Portable, into=exp.Condition)
    _mark_quotes(tree, text)
    return tree


def quote_of(node: exp.Expr) -> str:
    """The quote around a name or a text as it is written; empty: it has none."""
    return str(node.meta.get(_QUOTE, ""))


def _mark_quotes(tree: exp.Expr | None, text: str) -> None:
    """sqlglot forgets which quotes stood around a text, and takes a text for a name."""
    for node in tree.find_all(exp.Identifier, exp.Literal) if tree is not None else ():
        start = node.meta.get("start")
        if start is not None and text[start : start + 1] in _QUOTES:
            node.meta[_QUOTE] = text[start]


@lru_cache(maxsize=256)
def tokens(text: str) -> tuple[Token, ...]:
    """The words of a text, without comments and layout. Reading a query asks for them many times.

    Raises:
        sqlglot.errors.SqlglotError: a word never ends.
    """
    return tuple(Portable().tokenize(text))


def span(node: exp.Expr) -> tuple[int, int]:
    """Offset of a node's first known character, and of the last one of that word; (0, 0): none."""
    first: tuple[int, int] | None = None
    for part in node.walk():
        start, end = part.meta.get("start"), part.meta.get("end")
        if start is not None and end is not None and (first is None or start < first[0]):
            first = (start, end)
    if first is None and node.parent is not None:
        return span(node.parent)
    return first or (0, 0)


def written(node: exp.Expr) -> str:
    """A node as text again, on one line."""
    return node.sql(dialect=Portable, normalize_functions=False)

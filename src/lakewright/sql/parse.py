"""Reads a query's text once and refuses whatever is not portable SQL by its form alone.

What depends on the tables (names, types) is refused by `resolve`.
"""

import hashlib
import itertools
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from types import MappingProxyType

import sqlglot.errors
from sqlglot import exp
from sqlglot.tokenizer_core import TokenType

from lakewright.errors import Place
from lakewright.sql import catalogue, dialect, grammar, parameters, run_values, types
from lakewright.sql.query import Query
from lakewright.sql.refusals import Refusals, Refused

LAYERS = ("bronze", "quarantine", "silver", "gold")


def parse(
    text: str,
    where: Place,
    *,
    ad_hoc: bool = False,
    variables: Mapping[str, types.Type] = MappingProxyType({}),
) -> Query:
    """Parse one SELECT of portable SQL.

    Args:
        text: the query.
        where: the place of the text's first character in its file.
        ad_hoc: a person's question rather than a model: columns need no names, and LIMIT may
            stand without ORDER BY.
        variables: the types of what it may read as `:name` beside what its run gives it.

    Raises:
        SqlRefused: it is not one portable SELECT; every mistake is in its `problems`.
    """
    refusals = Refusals(text=text, where=where)
    tree = query_tree(text, refusals)
    parameters.check(text, refusals, may_stand=not ad_hoc, variables=variables)
    tables = _tables(tree, refusals)
    if not ad_hoc:
        _check_model(tree, refusals)
    refusals.check()
    read = parameters.named(text)
    return Query(
        text=text,
        where=where,
        tables=tables,
        fingerprint=fingerprint(text),
        parameters=tuple(name for name in read if name in run_values.TYPES),
        variables=tuple((name, variables[name]) for name in read if name in variables),
    )


def query_tree(text: str, refusals: Refusals) -> exp.Query:
    """The tree of a text that holds one query; what is not portable in it is noted.

    Raises:
        SqlRefused: the text is not one query at all.
    """
    with _reading(refusals):
        found = [tree for tree in dialect.statements(text) if tree is not None]
        _check_words(text, refusals)
    refusals.check()
    if not found:
        refusals.add(0, "there is no SELECT", hint="write the query that makes the rows")
    elif len(found) > 1:
        offset = dialect.span(found[1])[0]
        refusals.add(offset, "there is more than one statement", hint="keep one SELECT")
    elif not isinstance(found[0], (exp.Select, exp.SetOperation, exp.Subquery)):
        refusals.add(0, "only a SELECT is allowed here", hint="start with SELECT or WITH")
    refusals.check()
    tree = found[0]
    assert isinstance(tree, exp.Query)  # noqa: S101 -- told to the type checker
    grammar.check(tree, refusals)
    _check_functions(tree, refusals)
    _check_names(tree, refusals)
    return tree


def parsed_tree(query: Query) -> exp.Query:
    """The tree of a query that was parsed before."""
    tree = next(each for each in dialect.statements(query.text) if each is not None)
    assert isinstance(tree, exp.Query)  # noqa: S101 -- told to the type checker
    return tree


def condition_tree(text: str, refusals: Refusals) -> exp.Expr:
    """The tree of a text that holds one expression; what is not portable in it is noted.

    Raises:
        SqlRefused: the text is not one expression at all.
    """
    with _reading(refusals):
        tree = dialect.condition(text)
    refusals.check()
    parameters.check(text, refusals, may_stand=False)
    grammar.check(tree, refusals)
    _check_functions(tree, refusals)
    _check_names(tree, refusals)
    return tree


def fingerprint(text: str) -> str:
    """Hash of a query's words: layout, comments and the case of names do not matter."""
    words = hashlib.sha256()
    for token in dialect.tokens(text):
        is_exact = token.token_type in (TokenType.STRING, TokenType.RAW_STRING)
        word = token.text if is_exact else token.text.lower()
        words.update(f"{token.token_type.name}\0{word}\0".encode())
    return words.hexdigest()


@contextmanager
def _reading(refusals: Refusals) -> Iterator[None]:
    try:
        yield
    except sqlglot.errors.ParseError as error:
        _refuse_syntax(error, refusals)
    except sqlglot.errors.SqlglotError as error:
        refusals.add(0, "this is not SQL", why=str(error).splitlines()[0])


def _refuse_syntax(error: sqlglot.errors.ParseError, refusals: Refusals) -> None:
    for mistake in error.errors:
        line, column = mistake["line"] or 1, mistake["col"] or 1
        found = mistake["highlight"] or ""
        lines = refusals.text.split("\n")
        # sqlglot's column is that of the word's last character.
        offset = sum(len(passed) + 1 for passed in lines[: line - 1]) + column - len(found)
        description = str(mistake["description"] or "it cannot be read").rstrip(".")
        refusals.add(
            max(0, offset),
            "this is not SQL" + (f": unexpected {found!r}" if found else ""),
            why=description[0].lower() + description[1:],
            length=max(1, len(found)),
        )


def _check_words(text: str, refusals: Refusals) -> None:
    """sqlglot forgives a comma before FROM or a closing parenthesis, and EXCLUDE for EXCEPT; Spark
    does not."""
    tokens = dialect.tokens(text)
    for word, following in itertools.pairwise(tokens):
        if word.token_type is TokenType.COMMA and following.token_type in (
            TokenType.FROM,
            TokenType.R_PAREN,
            TokenType.COMMA,
        ):
            refusals.add(word.start, "a comma with nothing after it", hint="take it out")
        if word.token_type is TokenType.STAR and following.text.upper() == "EXCLUDE":
            refusals.add(
                following.start,
                "* EXCLUDE is not portable SQL",
                why="Spark does not have it",
                hint="write * EXCEPT (...)",
                length=len(following.text),
            )


def _tables(tree: exp.Expr, refusals: Refusals) -> tuple[str, ...]:
    """The tables that are read, in the order of the text."""
    defined = {cte.alias.lower() for cte in tree.find_all(exp.CTE)}
    places: dict[str, int] = {}
    for table in tree.find_all(exp.Table):
        if not table.db:
            if table.name.lower() not in defined:
                refusals.add_refused(
                    Refused(
                        table,
                        f"the table {table.name!r} has no layer",
                        hint="write layer.table, such as bronze." + table.name,
                    )
                )
            continue
        if table.db.lower() not in LAYERS:
            refusals.add_refused(
                Refused(
                    table,
                    f"there is no layer {table.db!r}",
                    hint=f"the layers are {', '.join(LAYERS)}",
                )
            )
            continue
        name = f"{table.db.lower()}.{table.name}"
        places.setdefault(name, dialect.span(table)[0])
        places[name] = min(places[name], dialect.span(table)[0])
    return tuple(sorted(places, key=places.__getitem__))


def _check_functions(tree: exp.Expr, refusals: Refusals) -> None:
    for call in tree.find_all(exp.Anonymous):
        with refusals.gather():
            catalogue.function(call)


def _check_names(tree: exp.Expr, refusals: Refusals) -> None:
    """sqlglot takes a text where a name must stand; to Spark both kinds of quotes make a text."""
    for name in tree.find_all(exp.Identifier):
        if dialect.quote_of(name) in ("'", '"'):
            refusals.add_refused(
                Refused(
                    name,
                    "a text stands where a name must stand",
                    why="single and double quotes make a text; a name stands in backticks",
                    hint=f"write `{name.name}`",
                )
            )


def _check_model(tree: exp.Expr, refusals: Refusals) -> None:
    """What a model must have, so that its table is the same whenever it is built."""
    for limit in tree.find_all(exp.Limit):
        if limit.parent is not None and not limit.parent.args.get("order"):
            refusals.add_refused(
                Refused(
                    limit,
                    "LIMIT without ORDER BY",
                    why="which rows remain would differ from build to build",
                    hint="add an ORDER BY over columns that decide the order completely",
                )
            )
    for query in _named_queries(tree):
        for item in query.expressions:
            if not isinstance(item, (exp.Alias, exp.Aliases, exp.Column, exp.Star, exp.Dot)):
                refusals.add_refused(
                    Refused(item, "this column has no name", hint="give it one with AS name")
                )


def _named_queries(tree: exp.Expr) -> list[exp.Select]:
    """The SELECTs whose items name columns: the query's own, its CTEs' and its FROMs'."""
    roots = [tree, *(cte.this for cte in tree.find_all(exp.CTE) if not cte.args["alias"].columns)]
    for relation in tree.find_all(exp.Subquery):
        alias = relation.args.get("alias")
        if isinstance(relation.parent, (exp.From, exp.Join)) and not (alias and alias.columns):
            roots.append(relation.this)
    return [leftmost(root) for root in roots]


def leftmost(query: exp.Expr) -> exp.Select:
    """The SELECT that names a query's columns: the first one of a UNION."""
    while not isinstance(query, exp.Select):
        query = query.this
    return query

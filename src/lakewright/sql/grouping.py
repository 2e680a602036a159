"""What a GROUP BY says: plain expressions, and the sets of them that rows are put together by."""

from collections.abc import Callable, Mapping

from sqlglot import exp

from lakewright.sql.term import Term

_WORDS: Mapping[type[exp.Expr], str] = {
    exp.Rollup: "ROLLUP",
    exp.Cube: "CUBE",
    exp.GroupingSets: "GROUPING SETS",
}


def has_sets(clause: exp.Expr) -> bool:
    """Whether some rows are put together by a part of the expressions only."""
    return any(type(item) in _WORDS for item in clause.expressions)


def text(item: exp.Expr, bind: Callable[[exp.Expr], Term], groups: list[Term]) -> str:
    """One part of the clause as DuckDB's text; what it groups by is added to `groups`."""
    word = _WORDS.get(type(item), "")
    if word or isinstance(item, exp.Tuple):
        parts = ", ".join(text(part, bind, groups) for part in item.expressions)
        return f"{word} ({parts})".strip()
    groups.append(bind(item.this if isinstance(item, exp.Paren) else item))
    return groups[-1].text

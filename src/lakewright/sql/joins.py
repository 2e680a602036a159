"""Joins: which tables meet how, and what `*` means over them."""

from collections.abc import Iterator
from dataclasses import replace
from difflib import get_close_matches

from sqlglot import exp

from lakewright.sql import expression, operators
from lakewright.sql.context import Context
from lakewright.sql.refusals import Refused
from lakewright.sql.scope import Relation, Scope
from lakewright.sql.term import Term, combine

_HIDING = ("SEMI", "ANTI")


def kind(node: exp.Expr) -> str:
    """`INNER`, `LEFT`, `RIGHT`, `FULL`, `CROSS`, `SEMI` or `ANTI`.

    Raises:
        Refused: the join says neither how nor on what.
    """
    side, word = str(node.args.get("side") or ""), str(node.args.get("kind") or "")
    has_condition = bool(node.args.get("on") or node.args.get("using"))
    found = word if word in (*_HIDING, "CROSS") else side or "INNER"
    if found not in ("INNER", "LEFT", "RIGHT", "FULL", "CROSS", *_HIDING):
        raise Refused(node, f"{side} {word} JOIN is not portable SQL".replace("  ", " "))
    if found == "CROSS" and has_condition:
        raise Refused(node, "a CROSS JOIN has no condition", hint="write JOIN")
    if found != "CROSS" and not has_condition:
        raise Refused(node, "this join has no condition", hint="add ON ..., or write CROSS JOIN")
    return found


def add(node: exp.Expr, how: str, right: Relation, scope: Scope, context: Context) -> str:
    """Bring a table into scope; its join's condition as text.

    Raises:
        Refused: the name is taken, or the condition does not fit.
    """
    check_name(node.this, right.alias, scope)
    left = Scope(relations=list(scope.relations), merged=dict(scope.merged))
    scope.relations.append(right)
    text = ""
    if node.args.get("using"):
        pairs = [_pair(column, left, right, scope, how) for column in node.args["using"]]
        text = f" ON {' AND '.join(pairs)}"
    elif node.args.get("on"):
        term = expression.bind(node.args["on"], context)
        try:
            text = f" ON {operators.condition(term).text}"
        except operators.Mismatch as mismatch:
            raise Refused(
                node.args["on"], f"ON needs a condition: {mismatch}", hint=mismatch.hint
            ) from mismatch
    if how in _HIDING:
        scope.relations.pop()
    return text


def check_name(node: exp.Expr, alias: str, scope: Scope) -> None:
    """Refuse a name that another table of the query has.

    Raises:
        Refused: it is taken.
    """
    if alias and scope.relation(alias) is not None:
        raise Refused(node, f"two tables are named {alias!r}", hint="give one an alias with AS")


def _pair(column: exp.Expr, left: Scope, right: Relation, scope: Scope, how: str) -> str:
    """One column of a USING: the condition, and the one column that both become."""
    output = right.get(column.name)
    if output is None:
        raise Refused(column, f"{right.alias} has no column {column.name!r}")
    one, other = left.column(exp.column(column.name)), right.term(output)
    try:
        equal = operators.comparison("=", one, other)
        (one_met, other_met), shared = operators.meet((one, other))
    except operators.Mismatch as mismatch:
        raise Refused(column, str(mismatch), hint=mismatch.hint) from mismatch
    if how == "RIGHT":
        scope.merged[column.name.lower()] = other
    elif how == "FULL":
        text = f"coalesce({one_met.text}, {other_met.text})"
        both = combine(shared, text, (one_met, other_met))
        scope.merged[column.name.lower()] = replace(both, loose=frozenset({text}))
    else:
        scope.merged[column.name.lower()] = one
    return equal.text


def star(node: exp.Expr, scope: Scope) -> Iterator[tuple[str, Term]]:
    """The columns that `*` or `table.*` stands for.

    Of a table, those whose names start with an underscore are left out: they tell where a row came
    from, and must be named to be taken along.

    Raises:
        Refused: no such table, or nothing to leave out by that name.
    """
    if not scope.relations:
        raise Refused(node, "there is no table whose columns * could mean")
    star_node = node.this if isinstance(node, exp.Column) else node
    left_out = {name.name.lower(): name for name in star_node.args.get("except_") or ()}
    unused = dict(left_out)
    for name, term in _all_columns(node, scope):
        if name.lower() in left_out:
            unused.pop(name.lower(), None)
        else:
            yield name, term
    for name_node in unused.values():
        raise Refused(name_node, f"there is no column {name_node.name!r} to leave out")


def _all_columns(node: exp.Expr, scope: Scope) -> Iterator[tuple[str, Term]]:
    if isinstance(node, exp.Column):
        owner = scope.relation(node.table)
        if owner is None:
            raise Refused(node, f"no table here is named {node.table!r}")
        yield from _columns(owner)
        return
    for name, term in scope.merged.items():
        yield _name_of(name, scope), term
    for relation in scope.relations:
        for name, term in _columns(relation):
            if name.lower() not in scope.merged:
                yield name, term


def _name_of(name: str, scope: Scope) -> str:
    for relation in scope.relations:
        output = relation.get(name)
        if output is not None:
            return output.name
    return name


def _columns(relation: Relation) -> Iterator[tuple[str, Term]]:
    for output in relation.outputs:
        if not (relation.is_table and output.name.startswith("_")):
            yield output.name, relation.term(output)


def unknown_table(node: exp.Expr, name: str, known: tuple[str, ...]) -> Refused:
    """There is no such table; the hint names the nearest ones."""
    near = get_close_matches(name, known, n=3, cutoff=0.5)
    shown = ", ".join(sorted(known)[:12]) or "none yet"
    hint = f"did you mean {' or '.join(near)}?" if near else f"the tables are {shown}"
    return Refused(node, f"there is no table {name!r}", hint=hint)

"""The allow-list of syntax: which clauses and operators portable SQL has, and which it refuses.

What is not named here is refused, so that a construct that nobody has compared on both engines
cannot slip through.
"""

from dataclasses import dataclass

from sqlglot import exp

from lakewright.sql.refusals import Refusals, Refused

_SET_OPERATION = frozenset({"this", "expression", "distinct", "with_", "order", "limit"})
_BINARY = frozenset({"this", "expression"})

ARITHMETIC = (exp.Add, exp.Sub, exp.Mul, exp.Div, exp.Mod, exp.IntDiv)
COMPARISONS = (exp.EQ, exp.NEQ, exp.LT, exp.LTE, exp.GT, exp.GTE, exp.NullSafeEQ)
BITWISE = (exp.BitwiseAnd, exp.BitwiseOr, exp.BitwiseXor)
PREDICATES = (
    *COMPARISONS,
    exp.Is,
    exp.In,
    exp.Between,
    exp.Like,
    exp.ILike,
    exp.RegexpLike,
    exp.Escape,
)
CONNECTIVES = (exp.And, exp.Or, exp.Not)

PARTS: dict[type[exp.Expr], frozenset[str]] = {
    # Queries.
    exp.Select: frozenset(
        {"with_", "expressions", "from_", "joins", "where", "group", "having", "order", "limit",
         "distinct", "laterals"}
    ),
    exp.Lateral: frozenset({"this", "view", "outer", "alias"}),
    exp.Aliases: frozenset({"this", "expressions"}),
    exp.Rollup: frozenset({"expressions"}),
    exp.Cube: frozenset({"expressions"}),
    exp.GroupingSets: frozenset({"expressions"}),
    exp.Tuple: frozenset({"expressions"}),
    exp.Union: _SET_OPERATION,
    exp.Intersect: _SET_OPERATION,
    exp.Except: _SET_OPERATION,
    exp.Subquery: frozenset({"this", "alias"}),
    exp.With: frozenset({"expressions"}),
    exp.CTE: frozenset({"this", "alias"}),
    exp.TableAlias: frozenset({"this", "columns"}),
    exp.From: frozenset({"this"}),
    exp.Join: frozenset({"this", "side", "kind", "on", "using"}),
    exp.Table: frozenset({"this", "db", "alias"}),
    exp.Where: frozenset({"this"}),
    exp.Group: frozenset({"expressions"}),
    exp.Having: frozenset({"this"}),
    exp.Order: frozenset({"expressions"}),
    exp.Ordered: frozenset({"this", "desc", "nulls_first"}),
    exp.Limit: frozenset({"expression"}),
    exp.Distinct: frozenset({"expressions"}),
    exp.Alias: frozenset({"this", "alias"}),
    exp.Star: frozenset({"except_"}),
    # Values.
    exp.Column: frozenset({"this", "table", "db"}),
    exp.Identifier: frozenset({"this", "quoted"}),
    exp.Literal: frozenset({"this", "is_string"}),
    exp.RawString: frozenset({"this"}),
    exp.Null: frozenset(),
    exp.Boolean: frozenset({"this"}),
    exp.Interval: frozenset({"this", "unit"}),
    exp.Var: frozenset({"this"}),
    exp.Dot: _BINARY,
    exp.Placeholder: frozenset({"this"}),
    # Operators.
    exp.Paren: frozenset({"this"}),
    exp.Neg: frozenset({"this"}),
    exp.Not: frozenset({"this"}),
    exp.And: _BINARY,
    exp.Or: _BINARY,
    **dict.fromkeys(ARITHMETIC, _BINARY | {"typed", "safe"}),
    **dict.fromkeys(COMPARISONS, _BINARY),
    **dict.fromkeys(BITWISE, _BINARY),
    exp.BitwiseNot: frozenset({"this"}),
    exp.DPipe: _BINARY | {"safe"},
    exp.Is: _BINARY,
    exp.In: frozenset({"this", "expressions", "query"}),
    exp.Between: frozenset({"this", "low", "high"}),
    exp.Like: _BINARY | {"negate"},
    exp.Escape: _BINARY,
    exp.RegexpLike: _BINARY | {"full_match"},
    exp.Exists: frozenset({"this"}),
    # Calls.
    exp.Case: frozenset({"this", "ifs", "default"}),
    exp.If: frozenset({"this", "true", "false"}),
    exp.Cast: frozenset({"this", "to"}),
    exp.TryCast: frozenset({"this", "to", "safe", "requires_string"}),
    exp.DataType: frozenset({"this", "expressions", "nested", "kind"}),
    exp.DataTypeParam: frozenset({"this"}),
    exp.Anonymous: frozenset({"this", "expressions"}),
    exp.Lambda: frozenset({"this", "expressions"}),
    exp.Bracket: frozenset({"this", "expressions"}),
    exp.Extract: _BINARY,
    exp.Trim: frozenset({"this", "expression", "position"}),
    exp.StrPosition: frozenset({"this", "substr"}),
    exp.Filter: _BINARY,
    exp.Window: frozenset({"this", "partition_by", "order", "spec", "over"}),
    exp.WindowSpec: frozenset({"kind", "start", "start_side", "end", "end_side"}),
    exp.IgnoreNulls: frozenset({"this"}),
    exp.RespectNulls: frozenset({"this"}),
}  # fmt: skip


@dataclass(frozen=True, kw_only=True, slots=True)
class Way:
    """Why something is refused, and what to write in its place."""

    what: str
    why: str = ""
    hint: str = ""


REFUSED_NODES: dict[type[exp.Expr], Way] = {
    exp.Qualify: Way(
        what="QUALIFY is not portable SQL",
        why="Spark has no QUALIFY",
        hint="compute the window function in a subquery and filter in the query around it",
    ),
    exp.Unnest: Way(what="UNNEST is not portable SQL yet"),
    exp.Values: Way(
        what="VALUES is not portable SQL yet", hint="UNION ALL one SELECT for each row"
    ),
    exp.Tuple: Way(
        what="several values in parentheses are not portable SQL",
        hint="compare them one by one with AND",
    ),
    exp.Pivot: Way(
        what="PIVOT is not portable SQL",
        why="its columns depend on the data",
        hint="write one sum(CASE WHEN ... THEN ... END) for each column",
    ),
    exp.TableSample: Way(
        what="TABLESAMPLE is not portable SQL",
        why="it returns other rows each time",
        hint="filter by a column's value",
    ),
    exp.Offset: Way(
        what="OFFSET is not portable SQL yet",
        hint="number the rows with row_number() and filter by the number",
    ),
    exp.Hint: Way(what="hints are not portable SQL", hint="leave it out"),
    exp.ILike: Way(what="ILIKE is not portable SQL", hint="compare lower(...) LIKE '...'"),
    exp.Parameter: Way(what="parameters have no value here", hint="write the value itself"),
    exp.HexString: Way(what="binary literals are not portable SQL yet"),
    exp.NullSafeNEQ: Way(
        what="IS DISTINCT FROM is not portable SQL yet", hint="write NOT (a <=> b)"
    ),
    exp.Concat: Way(
        what="two texts stand side by side", hint="join them with || or write one text"
    ),
    exp.JSONExtract: Way(what="the operator -> is not portable SQL"),
    exp.All: Way(what="ALL is not portable SQL", hint="write one comparison for each value"),
    exp.Any: Way(what="ANY is not portable SQL", hint="write one comparison for each value"),
    exp.Command: Way(what="only a SELECT is allowed here"),
}

REFUSED_PARTS: dict[tuple[type[exp.Expr], str], Way] = {
    (exp.With, "recursive"): Way(what="WITH RECURSIVE is not portable SQL"),
    (exp.Join, "method"): Way(
        what="NATURAL JOIN is not portable SQL",
        why="a new column in either table would change its meaning",
        hint="name the columns with USING (...) or ON",
    ),
    (exp.Group, "all"): Way(
        what="GROUP BY ALL is not portable SQL", hint="name the grouping expressions"
    ),
    (exp.Group, "rollup"): Way(what="WITH ROLLUP is not portable SQL", hint="write ROLLUP (...)"),
    (exp.Group, "cube"): Way(what="WITH CUBE is not portable SQL", hint="write CUBE (...)"),
    (exp.Select, "windows"): Way(
        what="named windows are not portable SQL yet", hint="write the window after each OVER"
    ),
    (exp.Window, "alias"): Way(
        what="named windows are not portable SQL yet", hint="write the window after OVER"
    ),
    (exp.Table, "version"): Way(
        what="a version of a table cannot be named in a query",
        hint="leave it out; `lakewright sql --at` reads earlier snapshots",
    ),
    (exp.Table, "catalog"): Way(
        what="a table's name has two parts", hint="write layer.table, such as bronze.orders"
    ),
    (exp.Column, "catalog"): Way(
        what="this column's name has too many parts", hint="give the table an alias and use that"
    ),
}


def check(tree: exp.Expr, refusals: Refusals) -> None:
    """Note every construct in a tree that the allow-list does not hold."""
    waiting = [tree]
    while waiting:
        node = waiting.pop()
        with refusals.gather():
            _check_node(node)
            waiting.extend(node.iter_expressions())


def _check_node(node: exp.Expr) -> None:
    kind = type(node)
    if kind not in PARTS:
        way = REFUSED_NODES.get(kind) or Way(
            what=f"{_words(kind)} is not portable SQL",
            hint="docs/reference/portable-sql.md lists what is",
        )
        raise Refused(node, way.what, why=way.why, hint=way.hint)
    for part, value in node.args.items():
        if part in PARTS[kind] or value is None or value is False or value == []:
            continue
        way = _way_of_part(kind, part, value)
        at = value[0] if isinstance(value, list) else value
        raise Refused(
            at if isinstance(at, exp.Expr) else node, way.what, why=way.why, hint=way.hint
        )
    if isinstance(node, exp.Placeholder) and not node.name.isidentifier():
        raise Refused(node, "a parameter has a name", hint="write :logical_time, for example")
    if isinstance(node, exp.Select) and not node.expressions:
        raise Refused(node, "this SELECT names no column", hint="name columns, or write *")
    is_set = isinstance(node.parent, (exp.Rollup, exp.Cube, exp.GroupingSets))
    if isinstance(node, exp.Tuple) and not is_set:
        way = REFUSED_NODES[exp.Tuple]
        raise Refused(node, way.what, why=way.why, hint=way.hint)
    _check_precedence(node)


def _way_of_part(kind: type[exp.Expr], part: str, value: object) -> Way:
    named = REFUSED_PARTS.get((kind, part))
    if named:
        return named
    inner = value[0] if isinstance(value, list) else value
    if isinstance(inner, exp.Expr) and type(inner) in REFUSED_NODES:
        return REFUSED_NODES[type(inner)]
    return Way(
        what=f"{_words(kind)} with {part.strip('_').upper()} is not portable SQL",
        hint="docs/reference/portable-sql.md lists what is",
    )


def _words(kind: type[exp.Expr]) -> str:
    letters = "".join(f" {c}" if c.isupper() else c for c in kind.__name__)
    return letters.strip().upper()


def _check_precedence(node: exp.Expr) -> None:
    """Ask for parentheses where the parser may group otherwise than Spark does."""
    if isinstance(node, (*PREDICATES, *ARITHMETIC, exp.DPipe, exp.Neg)):
        for operand in node.iter_expressions():
            # Escape(Like) is one operator in two nodes.
            is_one = isinstance(node, exp.Escape) and isinstance(operand, exp.Like)
            if isinstance(operand, (*PREDICATES, *CONNECTIVES)) and not is_one:
                raise Refused(
                    operand,
                    "this condition is an operand of another operator",
                    why="engines group such a chain differently",
                    hint="put parentheses around it",
                )
    if isinstance(node, (*BITWISE, exp.BitwiseNot)):
        for part in node.iter_expressions():
            is_operator = isinstance(part, (*BITWISE, *ARITHMETIC, exp.DPipe, *PREDICATES))
            if is_operator and type(part) is not type(node):
                raise Refused(
                    part,
                    "&, | or ^ stands beside another operator without parentheses",
                    why="engines group such a chain differently",
                    hint="put parentheses around one of them",
                )
    mixed = (exp.Add, exp.Sub) if isinstance(node, exp.DPipe) else (exp.DPipe,)
    if isinstance(node, (*ARITHMETIC, exp.DPipe)):
        for operand in node.iter_expressions():
            if isinstance(operand, mixed):
                raise Refused(
                    operand,
                    "|| stands beside + or - without parentheses",
                    why="Spark gives both the same precedence, other engines do not",
                    hint="put parentheses around one of them",
                )

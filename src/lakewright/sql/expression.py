"""Understands one expression: from sqlglot's node to a term with type, text and origins."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from sqlglot import exp

from lakewright.sql import calls, casts, coercion, dialect, moments, operators, types
from lakewright.sql.context import Context
from lakewright.sql.functions.array import ITEM
from lakewright.sql.functions.matching import RLIKE
from lakewright.sql.literals import number
from lakewright.sql.quoting import duckdb_type
from lakewright.sql.refusals import Refused
from lakewright.sql.scope import Scope, struct_field
from lakewright.sql.term import Term, combine, constant


def bind(node: exp.Expr, context: Context) -> Term:
    """The term that a node means.

    Raises:
        Refused: it is not portable, or does not fit its operands.
        Poisoned: it rests on something refused before.
    """
    try:
        term = _BINDERS[type(node)](node, context)
    except operators.Mismatch as mismatch:
        raise Refused(
            node, f"{_shown(node)} does not fit: {mismatch}", hint=mismatch.hint
        ) from mismatch
    except ValueError as error:
        raise Refused(node, f"{_shown(node)} is refused: {error}") from error
    if term.text in context.scope.groups:
        return replace(term, loose=frozenset())
    return term


def _shown(node: exp.Expr) -> str:
    written = _NAMES.get(type(node))
    if written:
        return written
    return "this expression"


def _paren(node: exp.Expr, context: Context) -> Term:
    return bind(node.this, context)


def _column(node: exp.Expr, context: Context) -> Term:
    assert isinstance(node, exp.Column)  # noqa: S101 -- told to the type checker
    variable = context.variables.get((node.table or node.name).lower())
    if variable is not None:  # sqlglot leaves a lambda's own variables as columns here and there.
        return variable if not node.table else _field(node, variable, node.name)
    term = context.scope.column(node, prefers_items=context.prefers_items)
    if term.has_aggregate and not context.may_aggregate:
        raise Refused(node, f"{node.name!r} is an aggregate and cannot stand in {context.clause}")
    if term.has_window and not context.may_window:
        raise Refused(
            node,
            f"{node.name!r} is a window function and cannot stand in {context.clause}",
            hint="compute it in a subquery and use its column in the query around it",
        )
    return term


def _dot(node: exp.Expr, context: Context) -> Term:
    return _field(node, bind(node.this, context), node.args["expression"].name)


def _field(node: exp.Expr, base: Term, name: str) -> Term:
    found = struct_field(base, name)
    if found is None:
        raise Refused(node, f"{base.type} has no field {name!r}")
    return found


def _variable(node: exp.Expr, context: Context) -> Term:
    """The parameter of a lambda function around."""
    return context.variables[node.name.lower()]


def _bracket(node: exp.Expr, context: Context) -> Term:
    if len(node.expressions) != 1:
        raise Refused(node, "one position or key stands in brackets", hint="use slice(...)")
    given = [bind(node.this, context), bind(node.expressions[0], context)]
    return calls.scalar(node, ITEM, given)


def _alias(node: exp.Expr, _context: Context) -> Term:
    raise Refused(node, "a name given by AS stands here in struct(...) only", hint="leave it out")


def _lambda(node: exp.Expr, _context: Context) -> Term:
    raise Refused(node, "a lambda function stands only where a function takes one")


def _literal(node: exp.Expr, context: Context) -> Term:
    assert isinstance(node, exp.Literal)  # noqa: S101
    if node.is_string:
        names = {name.lower() for name in context.scope.all_names()}
        if dialect.quote_of(node) == '"' and node.name.lower() in names:
            raise Refused(
                node,
                f'"{node.name}" is a text, and a column has that name',
                why="double quotes make a text, as in Spark",
                hint=f"write `{node.name}` in backticks for the column,"
                f" or '{node.name}' for the text",
            )
        return constant(node.name, types.STRING)
    return number(node.name)


def _raw_string(node: exp.Expr, _context: Context) -> Term:
    return constant(node.name, types.STRING)


def _parameter(node: exp.Expr, context: Context) -> Term:
    kind = context.parameters.get(node.name)
    if kind is None:
        raise Refused(node, f"there is no parameter :{node.name}")
    # DuckDB's variables are values that the connection was given; they have the type that was set.
    return Term(type=kind, text=f"CAST(getvariable('{node.name}') AS {duckdb_type(kind)})")


def _null(_node: exp.Expr, _context: Context) -> Term:
    return constant(None, types.UNKNOWN)


def _boolean(node: exp.Expr, _context: Context) -> Term:
    return constant(bool(node.this), types.BOOLEAN)


def _negative(node: exp.Expr, context: Context) -> Term:
    if isinstance(node.this, exp.Literal) and not node.this.is_string:
        return number("-" + node.this.name)
    long = _long(node.this)
    if long is not None:
        return constant(-long, types.BIGINT)
    return operators.negative(bind(node.this, context))


def _arithmetic(node: exp.Expr, context: Context) -> Term:
    left, right = node.this, node.args["expression"]
    for one, other in ((left, right), (right, left)):
        if isinstance(other, exp.Interval):
            is_minus = isinstance(node, exp.Sub)
            if not isinstance(node, (exp.Add, exp.Sub)) or (is_minus and one is right):
                raise Refused(node, "an interval can only be added to a date or time")
            return calls.shifted(bind(one, context), other, is_minus=is_minus)
    one_term, other_term = bind(left, context), bind(right, context)
    if isinstance(node, (exp.Add, exp.Sub)):
        days = calls.days_added(one_term, other_term, is_minus=isinstance(node, exp.Sub))
        if days is not None:
            return days
    return operators.arithmetic(_NAMES[type(node)], one_term, other_term)


def _bitwise(node: exp.Expr, context: Context) -> Term:
    parts = [bind(part, context) for part in node.iter_expressions()]
    return operators.bitwise(_NAMES[type(node)], parts)


def _comparison(node: exp.Expr, context: Context) -> Term:
    left, right = bind(node.this, context), bind(node.args["expression"], context)
    return operators.comparison(_NAMES[type(node)], left, right)


def _joined_text(node: exp.Expr, context: Context) -> Term:
    parts = [bind(part, context) for part in (node.this, node.args["expression"])]
    texts = []
    for part in parts:
        if part.type not in (types.STRING, types.UNKNOWN):
            raise operators.Mismatch(f"{part.type} is not a string", "cast it: CAST(... AS STRING)")
        texts.append(operators.converted(part, types.STRING))
    if any(one.is_null for one in texts):  # DuckDB loses the type of a text joined with NULL.
        return constant(None, types.STRING)
    return combine(types.STRING, f"({texts[0].text} || {texts[1].text})", texts)


def _connective(node: exp.Expr, context: Context) -> Term:
    left, right = (
        operators.condition(bind(part, context)) for part in (node.this, node.args["expression"])
    )
    return operators.connected(_NAMES[type(node)], left, right)


def _not(node: exp.Expr, context: Context) -> Term:
    inner = operators.condition(bind(node.this, context))
    return combine(types.BOOLEAN, f"(NOT {inner.text})", (inner,))


def _is(node: exp.Expr, context: Context) -> Term:
    right = node.args["expression"]
    negation = "NOT " if isinstance(right, exp.Not) else ""
    value = right.this if negation else right
    left = bind(node.this, context)
    if isinstance(value, exp.Null):
        return combine(types.BOOLEAN, f"({left.text} IS {negation}NULL)", (left,))
    if not isinstance(value, exp.Boolean):
        raise Refused(node, "IS compares with NULL, TRUE or FALSE only", hint="use <=>")
    word = "TRUE" if value.this else "FALSE"
    left = operators.condition(left)
    return combine(types.BOOLEAN, f"({left.text} IS {negation}{word})", (left,))


def _between(node: exp.Expr, context: Context) -> Term:
    value = bind(node.this, context)
    low = operators.comparison(">=", value, bind(node.args["low"], context))
    high = operators.comparison("<=", value, bind(node.args["high"], context))
    return operators.connected("AND", low, high)


def _in(node: exp.Expr, context: Context) -> Term:
    value = bind(node.this, context)
    query = node.args.get("query")
    if query is not None:
        return _in_query(node, value, query, context)
    (one, *others), shared = operators.meet(
        (value, *(bind(item, context) for item in node.expressions))
    )
    if coercion.is_nested(shared):
        raise operators.Mismatch(f"{shared} cannot be compared here")
    listed = ", ".join(other.text for other in others)
    return combine(types.BOOLEAN, f"({one.text} IN ({listed}))", (one, *others))


def _in_query(node: exp.Expr, value: Term, query: exp.Expr, context: Context) -> Term:
    if not _is_plain_filter(node):
        raise Refused(
            node,
            "IN (SELECT ...) stands where its answer could be null",
            why="Spark takes null for false there, other engines do not",
            hint="make it a condition of WHERE by itself or under AND, or use EXISTS",
        )
    outputs, text = context.subquery(_unwrapped(query), _inner_scope(context))
    if len(outputs) != 1:
        raise Refused(query, f"this subquery returns {len(outputs)} columns, and IN needs one")
    offered = outputs[0]
    try:
        shared = coercion.common((value.type, offered.type))
    except coercion.NoCommonType as error:
        raise operators.Mismatch(str(error), "cast one side") from error
    one = operators.converted(value, shared)
    column = operators.converted(Term(type=offered.type, text='"in".v'), shared)
    inner = f'SELECT {column.text} FROM ({text}) AS "in"(v)'
    term = combine(types.BOOLEAN, f"({one.text} IN ({inner}))", (one,))
    return replace(term, origins=term.origins | offered.origins)


def _is_plain_filter(node: exp.Expr) -> bool:
    """Whether a condition, or its NOT, is a condition of WHERE by itself or under AND."""
    if isinstance(node.parent, exp.Not):
        node = node.parent
    while isinstance(node.parent, (exp.And, exp.Paren)):
        node = node.parent
    return isinstance(node.parent, exp.Where) and isinstance(node.parent.parent, exp.Select)


def _exists(node: exp.Expr, context: Context) -> Term:
    outputs, text = context.subquery(_unwrapped(node.this), _inner_scope(context))
    origins = frozenset().union(*(output.origins for output in outputs))
    return Term(type=types.BOOLEAN, text=f"EXISTS ({text})", origins=origins)


def _scalar_query(node: exp.Expr, context: Context) -> Term:
    query, scope = _unwrapped(node), _inner_scope(context)
    outputs, text = context.subquery(query, scope)
    if len(outputs) != 1:
        raise Refused(node, f"this subquery returns {len(outputs)} columns, and a value is one")
    if scope.has_looked_out and not calls.is_total(query):
        raise Refused(
            node,
            "a subquery that looks at the query around must be one aggregate",
            why="it could return more than one row",
            hint="write max(...) or the like without GROUP BY, or join the table",
        )
    return Term(type=outputs[0].type, text=f"({text})", origins=outputs[0].origins)


def _unwrapped(node: exp.Expr) -> exp.Expr:
    while isinstance(node, exp.Subquery):
        node = node.this
    return node


def _inner_scope(context: Context) -> Scope:
    return Scope(outer=context.scope if context.may_correlate else None)


def _like(node: exp.Expr, context: Context) -> Term:
    return _like_escaped(node, context, "\\")


def _matched(node: exp.Expr, context: Context) -> Term:
    given = [bind(node.this, context), bind(node.args["expression"], context)]
    return calls.scalar(node, RLIKE, given)


def _escape(node: exp.Expr, context: Context) -> Term:
    mark = node.args["expression"]
    if not (isinstance(node.this, exp.Like) and isinstance(mark, exp.Literal)):
        raise Refused(node, "ESCAPE belongs after a LIKE, with one character as text")
    return _like_escaped(node.this, context, mark.name)


def _like_escaped(node: exp.Expr, context: Context, mark: str) -> Term:
    value = operators.converted(bind(node.this, context), types.STRING)
    pattern = bind(node.args["expression"], context)
    if value.type != types.STRING or not isinstance(pattern.value, str):
        raise operators.Mismatch(
            "LIKE compares a text with a constant pattern",
            "use startswith, endswith or contains for a pattern from a column",
        )
    term = calls.like(value, pattern.value, mark)
    if node.args.get("negate"):
        return combine(types.BOOLEAN, f"(NOT {term.text})", (term,))
    return term


def _case(node: exp.Expr, context: Context) -> Term:
    given = node.args.get("this")
    subject = bind(given, context) if given is not None else None
    conditions: list[Term] = []
    results: list[Term] = []
    for branch in node.args["ifs"]:
        tested = bind(branch.this, context)
        if subject is None and tested.is_null:
            raise Refused(branch.this, "NULL is no condition", hint="leave the branch out")
        conditions.append(
            operators.condition(tested)
            if subject is None
            else operators.comparison("=", subject, tested)
        )
        results.append(bind(branch.args["true"], context))
    default = node.args.get("default")
    results.append(bind(default, context) if default else constant(None, types.UNKNOWN))
    return _chosen(conditions, results)


def _if(node: exp.Expr, context: Context) -> Term:
    tested = operators.condition(bind(node.this, context))
    default = node.args.get("false")
    results = [
        bind(node.args["true"], context),
        bind(default, context) if default else constant(None, types.UNKNOWN),
    ]
    return _chosen([tested], results)


def _chosen(conditions: Sequence[Term], results: Sequence[Term]) -> Term:
    (*chosen, default), shared = operators.meet(results)
    branches = " ".join(
        f"WHEN {tested.text} THEN {result.text}"
        for tested, result in zip(conditions, chosen, strict=True)
    )
    parts = (*conditions, *chosen, default)
    return combine(shared, f"(CASE {branches} ELSE {default.text} END)", parts)


def _cast(node: exp.Expr, context: Context) -> Term:
    target = cast_target(node.args["to"])
    inner = node.this
    long = _long(node)
    if long is not None:
        return constant(long, types.BIGINT)
    is_try = isinstance(node, exp.TryCast)
    if isinstance(inner, exp.Literal):
        if inner.is_string and target in (types.DATE, types.TIMESTAMP, types.TIMESTAMP_NTZ):
            return moments.constant(inner.name, target)
        if not inner.is_string and target == types.DOUBLE:
            return constant(float(inner.name), target)
    term = bind(inner, context)
    found = casts.apply(term, target, is_try=is_try)
    if found is None:
        raise Refused(
            node,
            f"a cast from {term.type} to {target} is not portable SQL",
            why="the engines' answers differ",
            hint=casts.way_out(term.type, target),
        )
    return found


def _long(node: exp.Expr) -> int | None:
    """The value of a constant such as 7L: sqlglot reads it as 7::bigint, which is no constant."""
    inner = node.this if isinstance(node, exp.Cast) else None
    if not (isinstance(inner, exp.Literal) and inner.name.isdigit() and not inner.is_string):
        return None
    start, end = inner.meta.get("start", 0), inner.meta.get("end", 0)
    has_suffix = end - start + 1 > len(inner.name)
    return int(inner.name) if has_suffix and cast_target(node.args["to"]) == types.BIGINT else None


def cast_target(node: exp.Expr) -> types.Type:
    """The type that a cast names.

    Raises:
        Refused: it is none that tables have.
    """
    name = TYPES.get(str(node.this.value) if hasattr(node.this, "value") else "")
    if name == "decimal":
        digits = [int(part.this.name) for part in node.expressions]
        precision, scale = (*digits, 0)[:2] if digits else (10, 0)
        if not (1 <= precision <= coercion.DIGITS_MAX and 0 <= scale <= precision):
            raise Refused(node, f"decimal({precision},{scale}) is not a type")
        return types.Decimal(precision, scale)
    nested = _nested_target(node)
    if nested is not None:
        return nested
    if name is None:
        raise Refused(
            node,
            f"a cast to {node.sql('spark')} is not portable SQL",
            hint=f"the types are {', '.join(sorted(set(TYPES.values())))}",
        )
    return types.parse(name)


def _nested_target(node: exp.Expr) -> types.Type | None:
    word = str(getattr(node.this, "value", ""))
    if word == "ARRAY" and len(node.expressions) == 1:
        return types.Array(cast_target(node.expressions[0]))
    if word == "MAP" and len(node.expressions) == 2:
        key, value = (cast_target(part) for part in node.expressions)
        return types.Map(key, value)
    return None


TYPES: Mapping[str, str] = {
    "BOOLEAN": "boolean",
    "INT": "int",
    "BIGINT": "bigint",
    "FLOAT": "float",
    "DOUBLE": "double",
    "DECIMAL": "decimal",
    "TEXT": "string",
    "BINARY": "binary",
    "DATE": "date",
    "TIMESTAMPTZ": "timestamp",
    "TIMESTAMPLTZ": "timestamp",
    "TIMESTAMPNTZ": "timestamp_ntz",
}

_NAMES: Mapping[type[exp.Expr], str] = {
    exp.Add: "+",
    exp.Sub: "-",
    exp.Mul: "*",
    exp.Div: "/",
    exp.Mod: "%",
    exp.IntDiv: "DIV",
    exp.Neg: "-",
    exp.BitwiseAnd: "&",
    exp.BitwiseOr: "|",
    exp.BitwiseXor: "^",
    exp.BitwiseNot: "~",
    exp.EQ: "=",
    exp.NEQ: "<>",
    exp.LT: "<",
    exp.LTE: "<=",
    exp.GT: ">",
    exp.GTE: ">=",
    exp.NullSafeEQ: "<=>",
    exp.And: "AND",
    exp.Or: "OR",
    exp.Not: "NOT",
    exp.DPipe: "||",
    exp.In: "IN",
    exp.Between: "BETWEEN",
    exp.Like: "LIKE",
    exp.Case: "CASE",
    exp.If: "IF",
}


def _call(node: exp.Expr, context: Context) -> Term:
    return calls.bind_call(node, context, bind)


def _no_interval(node: exp.Expr, _context: Context) -> Term:
    raise Refused(
        node,
        "an interval stands alone",
        hint="add it to a date or time, such as ordered_at + INTERVAL 1 DAY",
    )


_BINDERS: Mapping[type[exp.Expr], Callable[[exp.Expr, Context], Term]] = {
    exp.Paren: _paren,
    exp.Column: _column,
    exp.Dot: _dot,
    exp.Identifier: _variable,
    exp.Bracket: _bracket,
    exp.Alias: _alias,
    exp.Lambda: _lambda,
    exp.Literal: _literal,
    exp.RawString: _raw_string,
    exp.Null: _null,
    exp.Placeholder: _parameter,
    exp.Boolean: _boolean,
    exp.Neg: _negative,
    **dict.fromkeys((exp.Add, exp.Sub, exp.Mul, exp.Div, exp.Mod, exp.IntDiv), _arithmetic),
    **dict.fromkeys(
        (exp.EQ, exp.NEQ, exp.LT, exp.LTE, exp.GT, exp.GTE, exp.NullSafeEQ), _comparison
    ),
    **dict.fromkeys((exp.BitwiseAnd, exp.BitwiseOr, exp.BitwiseXor, exp.BitwiseNot), _bitwise),
    exp.DPipe: _joined_text,
    exp.And: _connective,
    exp.Or: _connective,
    exp.Not: _not,
    exp.Is: _is,
    exp.Between: _between,
    exp.In: _in,
    exp.Exists: _exists,
    exp.Subquery: _scalar_query,
    exp.Like: _like,
    exp.RegexpLike: _matched,
    exp.Escape: _escape,
    exp.Case: _case,
    exp.If: _if,
    exp.Cast: _cast,
    exp.TryCast: _cast,
    exp.Anonymous: _call,
    exp.Extract: _call,
    exp.Trim: _call,
    exp.StrPosition: _call,
    exp.Filter: _call,
    exp.Window: _call,
    exp.Interval: _no_interval,
}

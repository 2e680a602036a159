"""Calls: functions, aggregates and windows from the catalogue, and SQL's own forms of calls."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TypeAlias

from sqlglot import exp

from lakewright.sql import catalogue, coercion, operators, types
from lakewright.sql.context import Context
from lakewright.sql.function import Function, Kind
from lakewright.sql.lambdas import Lambda
from lakewright.sql.quoting import duckdb_type, text
from lakewright.sql.refusals import Refused
from lakewright.sql.scope import Output, Scope
from lakewright.sql.signature import Argument, Attach, NoMatch, Signature
from lakewright.sql.term import Term, combine, constant

Bind: TypeAlias = Callable[[exp.Expr, Context], Term]

EXTRACTED: Mapping[str, str] = {
    "YEAR": "year",
    "QUARTER": "quarter",
    "MONTH": "month",
    "WEEK": "weekofyear",
    "DAY": "day",
    "DAYOFWEEK": "dayofweek",
    "DOW": "dayofweek",
    "DOY": "dayofyear",
    "HOUR": "hour",
    "MINUTE": "minute",
}
"""The fields of EXTRACT, each with the function that it is another word for."""

UNITS = {
    "YEAR": ("to_years", False),
    "MONTH": ("to_months", False),
    "WEEK": ("to_weeks", False),
    "DAY": ("to_days", False),
    "HOUR": ("to_hours", True),
    "MINUTE": ("to_minutes", True),
    "SECOND": ("to_seconds", True),
}
"""Units of an interval: DuckDB's function, and whether a date would become a timestamp."""


def bind_call(node: exp.Expr, context: Context, bind: Bind) -> Term:
    """The term of a call of any form.

    Raises:
        Refused: it is not portable here.
    """
    if isinstance(node, exp.Window):
        return _window(node, context, bind)
    if isinstance(node, exp.Filter):
        return _aggregate(node.this, context, bind, condition=node.args["expression"].this)
    if isinstance(node, exp.Extract):
        return _extract(node, context, bind)
    if isinstance(node, exp.Trim):
        return _trim(node, context, bind)
    if isinstance(node, exp.StrPosition):
        arguments = [bind(node.args["substr"], context), bind(node.this, context)]
        return scalar(node, catalogue.FUNCTIONS["locate"], arguments)
    assert isinstance(node, exp.Anonymous)  # noqa: S101 -- told to the type checker
    function = catalogue.function(node)
    if function.kind is Kind.AGGREGATE:
        return _aggregate(node, context, bind)
    if function.kind is Kind.WINDOW:
        raise Refused(
            node, f"{node.name} needs a window", hint=f"write {node.name}(...) OVER (...)"
        )
    if function.kind is Kind.GENERATOR:
        raise Refused(
            node,
            f"{function.name} stands alone in SELECT, or after LATERAL VIEW",
            hint="use its rows in a query around it",
        )
    if function.name == "grouping_id":
        return _grouping_id(node, context, bind)
    given = list(node.expressions)
    if _takes_unit(function) and given and isinstance(given[0], exp.Column):
        unit = constant(given.pop(0).name.upper(), types.STRING)
        return scalar(node, function, [unit, *(bind(one, context) for one in given)])
    if function.names is not None:
        return scalar(node, function, list(_fields(given, function.names, context, bind)))
    return scalar(node, function, [_argument(one, context, bind) for one in given])


def _grouping_id(node: exp.Expr, context: Context, bind: Bind) -> Term:
    """Which of the grouping expressions a row puts together, one bit for each."""
    grouped = context.scope.grouping_sets_of
    given = tuple(bind(one, context).text for one in node.expressions) or grouped
    if not grouped or given != grouped:
        raise Refused(
            node,
            "grouping_id names what is grouped by, all of it and in its order",
            hint="write grouping_id() beside ROLLUP, CUBE or GROUPING SETS",
        )
    return Term(type=types.BIGINT, text=f"CAST(grouping({', '.join(given)}) AS BIGINT)")


def _argument(node: exp.Expr, context: Context, bind: Bind) -> Argument:
    if isinstance(node, exp.Interval):
        unit, amount = _span(node)
        return constant(f"{amount} {unit}", types.INTERVAL)
    if not isinstance(node, exp.Lambda):
        return bind(node, context)

    def within(variables: Mapping[str, Term]) -> Term:
        inner = replace(
            context,
            variables={**context.variables, **variables},
            may_aggregate=False,
            may_window=False,
            subquery=_no_subquery,
            clause="a lambda function",
        )
        return bind(node.this, inner)

    names = tuple(name.name.lower() for name in node.expressions)
    return Lambda(names=names, bind=within, depth=2 * len(context.variables))


def _no_subquery(node: exp.Expr, _scope: Scope) -> tuple[tuple[Output, ...], str]:
    raise Refused(node, "a lambda function holds no subquery", hint="join the table before")


def _fields(
    given: Sequence[exp.Expr], names: Callable[[int], str], context: Context, bind: Bind
) -> Iterator[Term]:
    """The name and the value of each argument, in turn."""
    for position, node in enumerate(given):
        is_named = isinstance(node, (exp.Alias, exp.Column, exp.Dot, exp.Identifier))
        name = node.expression.name if isinstance(node, exp.Dot) else node.alias_or_name
        yield constant(name if is_named else names(position), types.STRING)
        yield bind(node.this if isinstance(node, exp.Alias) else node, context)


def _takes_unit(function: Function) -> bool:
    return any(signature.parameters[:1] == ("UNIT",) for signature in function.signatures)


def scalar(node: exp.Expr, function: Function, arguments: Sequence[Argument]) -> Term:
    """The call of a function of one row.

    Raises:
        Refused: no way to call it fits.
    """
    signature, bound, kind = matched(node, function, arguments)
    return signature.term(bound, kind)


def matched(
    node: exp.Expr, function: Function, arguments: Sequence[Argument]
) -> tuple[Signature, Sequence[Term], types.Type]:
    """The way to call a function that fits some arguments, those as its types, and its answer's.

    Raises:
        Refused: no way fits, or more than one fits a NULL without a type.
    """
    reasons: list[str] = []
    found: list[tuple[Signature, Sequence[Term], types.Type]] = []
    for signature in function.signatures:
        try:
            bound, kind = signature.bind(arguments)
        except NoMatch as reason:
            reasons.append(str(reason))
        else:
            found.append((signature, bound, kind))
    if not found:
        ways = "; ".join(signature.text for signature in function.signatures)
        given = ", ".join("->" if isinstance(one, Lambda) else str(one.type) for one in arguments)
        raise Refused(
            node,
            f"{function.name}({given}) is not portable SQL",
            why=reasons[0] if len(set(reasons)) == 1 else "no way to call it fits",
            hint=f"it is {ways}",
        )
    has_untyped = any(isinstance(one, Term) and one.type == types.UNKNOWN for one in arguments)
    if has_untyped and len({str(kind) for _, _, kind in found}) > 1:
        raise Refused(
            node,
            f"{function.name} cannot tell the type of a NULL",
            hint="cast it, such as CAST(NULL AS INT)",
        )
    return found[0]


def _extract(node: exp.Extract, context: Context, bind: Bind) -> Term:
    field = node.this.name.upper()
    name = EXTRACTED.get(field)
    if name is None:
        raise Refused(
            node,
            f"EXTRACT({field} FROM ...) is not portable SQL",
            hint="use second(x)" if field == "SECOND" else f"the fields are {', '.join(EXTRACTED)}",
        )
    return scalar(node, catalogue.FUNCTIONS[name], [bind(node.args["expression"], context)])


def _trim(node: exp.Trim, context: Context, bind: Bind) -> Term:
    side = str(node.args.get("position") or "").upper()
    name = {"LEADING": "ltrim", "TRAILING": "rtrim"}.get(side, "btrim")
    value = bind(node.this, context)
    cut = node.args.get("expression")
    if cut is None:
        return scalar(node, catalogue.FUNCTIONS["trim" if name == "btrim" else name], [value])
    given = [value, bind(cut, context)]
    texts = [operators.converted(one, types.STRING) for one in given]
    written = {"btrim": "trim"}.get(name, name)
    return combine(types.STRING, f"{written}({texts[0].text}, {texts[1].text})", texts)


def _aggregate(
    node: exp.Expr, context: Context, bind: Bind, condition: exp.Expr | None = None
) -> Term:
    if not context.may_aggregate:
        raise Refused(
            node,
            f"an aggregate cannot stand in {context.clause}",
            hint="use HAVING to filter groups" if context.clause == "WHERE" else "",
        )
    inner = replace(context, may_aggregate=False, may_window=False, clause="an aggregate")
    suffix = ""
    tested: tuple[Term, ...] = ()
    if condition is not None:
        filtered = operators.condition(bind(condition, inner))
        suffix, tested = f" FILTER (WHERE {filtered.text})", (filtered,)
    term = _aggregate_call(node, inner, bind, lambda call: call + suffix)
    return replace(
        combine(term.type, f"CAST({term.text} AS {duckdb_type(term.type)})", (term, *tested)),
        loose=frozenset(),
        has_aggregate=True,
    )


def _aggregate_call(node: exp.Expr, context: Context, bind: Bind, attach: Attach) -> Term:
    """An aggregate as DuckDB's call or calls, each with what `attach` adds to it."""
    assert isinstance(node, exp.Anonymous)  # noqa: S101 -- told to the type checker
    function = catalogue.function(node)
    given = node.expressions
    is_distinct = len(given) == 1 and isinstance(given[0], exp.Distinct)
    if function.name == "count" and len(given) == 1 and isinstance(given[0], exp.Star):
        return Term(type=types.BIGINT, text=attach("count(*)"))
    if is_distinct and not function.takes_distinct:
        raise Refused(node, f"{function.name}(DISTINCT ...) is not portable SQL")
    arguments = [bind(one, context) for one in (given[0].expressions if is_distinct else given)]
    if is_distinct and len(arguments) > 1:
        arguments = [_together(node, arguments)]
    signature, bound, kind = matched(node, function, arguments)
    if is_distinct:
        bound = [replace(bound[0], text=f"DISTINCT {bound[0].text}"), *bound[1:]]
    return combine(kind, signature.write(bound, attach), bound)


def is_total(query: exp.Expr) -> bool:
    """Whether a query is a SELECT of aggregates over all its rows: always one row."""
    if not isinstance(query, exp.Select) or query.args.get("group") is not None:
        return False
    calls = query.expressions[0].find_all(exp.Anonymous)
    return any(catalogue.function(call).kind is Kind.AGGREGATE for call in calls)


def _together(node: exp.Expr, arguments: Sequence[Term]) -> Term:
    """Several columns as one value; null where any is null, as count(DISTINCT a, b) asks."""
    if any(coercion.is_nested(argument.type) for argument in arguments):
        raise Refused(node, "nested columns cannot be counted here")
    known = " AND ".join(f"{argument.text} IS NOT NULL" for argument in arguments)
    listed = ", ".join(argument.text for argument in arguments)
    kind = types.Struct(tuple((f"c{i}", one.type) for i, one in enumerate(arguments)))
    return combine(kind, f"(CASE WHEN {known} THEN row({listed}) END)", arguments)


def _window(node: exp.Window, context: Context, bind: Bind) -> Term:
    if not context.may_window:
        raise Refused(
            node,
            f"a window function cannot stand in {context.clause}",
            hint="compute it in a subquery and use its column in the query around it",
        )
    call, nulls = _without_nulls(node.this)
    if not isinstance(call, exp.Anonymous):
        raise Refused(node, "FILTER and OVER do not go together", hint="use CASE in the argument")
    function = catalogue.function(call)
    order = _order_of(node)
    _check_window(node, function, nulls, has_order=bool(order))
    inner = replace(context, may_window=False, clause="a window", prefers_items=False)
    partition = [bind(one, inner) for one in node.args.get("partition_by") or ()]
    ordered = [bind(one.this, inner) for one in order]
    clauses = []
    if partition:
        clauses.append("PARTITION BY " + ", ".join(one.text for one in partition))
    if order:
        shown = (_ordered(one, term) for one, term in zip(order, ordered, strict=True))
        clauses.append("ORDER BY " + ", ".join(shown))
    clauses.append(_frame(node, function, has_order=bool(order)))
    over = f" OVER ({' '.join(clause for clause in clauses if clause)})"

    def attach(written: str) -> str:
        return f"{written[:-1]} IGNORE NULLS){over}" if nulls == "IGNORE NULLS" else written + over

    value = _aggregate_call(call, inner, bind, attach)
    final = f"CAST({value.text} AS {duckdb_type(value.type)})"
    return replace(combine(value.type, final, (value, *partition, *ordered)), has_window=True)


def _check_window(node: exp.Expr, function: Function, nulls: str, *, has_order: bool) -> None:
    if function.kind is Kind.SCALAR:
        raise Refused(node, f"{function.name} is no window function", hint="leave out OVER")
    if nulls and not function.may_ignore_nulls:
        raise Refused(node, f"{function.name} takes no {nulls}")
    if function.kind is Kind.WINDOW and not has_order:
        raise Refused(
            node,
            f"{function.name} needs an ORDER BY in its window",
            why="the order of rows is undefined otherwise",
        )


def _without_nulls(node: exp.Expr) -> tuple[exp.Expr, str]:
    if isinstance(node, exp.IgnoreNulls):
        return node.this, "IGNORE NULLS"
    if isinstance(node, exp.RespectNulls):
        return node.this, "RESPECT NULLS"
    return node, ""


def _order_of(node: exp.Expr) -> Sequence[exp.Expr]:
    order = node.args.get("order")
    return order.expressions if order is not None else ()


def _ordered(node: exp.Expr, term: Term) -> str:
    """A term in an ORDER BY. Spark's nulls come first ascending and last descending."""
    if coercion.is_nested(term.type):
        raise Refused(node, f"{term.type} has no order here", hint="order by its fields")
    return f"{term.text} {direction(node)}"


def direction(node: exp.Expr) -> str:
    """How an ORDER BY's item is ordered, with nulls where Spark puts them."""
    way = "DESC" if node.args.get("desc") else "ASC"
    return f"{way} NULLS {'FIRST' if node.args.get('nulls_first') else 'LAST'}"


def _frame(node: exp.Window, function: Function, *, has_order: bool) -> str:
    spec = node.args.get("spec")
    if spec is None:
        return ""
    if not function.takes_frame:
        raise Refused(node, f"{function.name} takes no frame", hint="leave out ROWS or RANGE")
    if not has_order:
        raise Refused(node, "a frame needs an ORDER BY in its window")
    kind = spec.args["kind"]
    start = _bound(spec, "start", kind)
    end = _bound(spec, "end", kind) if spec.args.get("end") else "CURRENT ROW"
    return f"{kind} BETWEEN {start} AND {end}"


def _bound(spec: exp.Expr, name: str, kind: str) -> str:
    value, side = spec.args[name], spec.args.get(f"{name}_side") or ""
    if isinstance(value, str):
        return f"{value} {side}".strip()
    if kind != "ROWS" or not (isinstance(value, exp.Literal) and value.name.isdigit()):
        raise Refused(
            spec,
            "this frame is not portable SQL",
            hint="ROWS with constant numbers, or UNBOUNDED and CURRENT ROW",
        )
    return f"{value.name} {side}"


def shifted(moment: Term, interval: exp.Expr, *, is_minus: bool) -> Term:
    """A date or time plus or minus an interval.

    Raises:
        Refused: the interval or what it is added to is not portable.
    """
    unit, amount = _span(interval)
    name, is_clock = UNITS[unit]
    is_date = moment.type == types.DATE
    if moment.type not in (types.DATE, types.TIMESTAMP, types.TIMESTAMP_NTZ):
        raise Refused(interval, f"an interval cannot be added to {moment.type}")
    if is_date and is_clock:
        raise Refused(
            interval,
            f"a date plus {unit.lower()}s is a timestamp",
            hint="cast the date to timestamp or timestamp_ntz first",
        )
    sign = "-" if is_minus else "+"
    inner = f"({moment.text} {sign} {name}({amount}))"
    return combine(moment.type, f"CAST({inner} AS DATE)" if is_date else inner, (moment,))


def _span(interval: exp.Expr) -> tuple[str, int]:
    """An interval's unit and how many of it.

    Raises:
        Refused: it is more than a whole number of one unit.
    """
    unit = interval.args["unit"].name.upper().removesuffix("S") if interval.args.get("unit") else ""
    amount = interval.this.name if isinstance(interval.this, exp.Literal) else ""
    if unit not in UNITS or not amount.lstrip("-").isdigit():
        raise Refused(
            interval,
            "this interval is not portable SQL",
            hint=f"write INTERVAL and a whole number of {', '.join(UNITS)}",
        )
    return unit, int(amount)


def days_added(left: Term, right: Term, *, is_minus: bool) -> Term | None:
    """A date plus or minus days, or None if it is something else that is added."""
    if left.type == types.DATE and right.type == types.INT:
        sign = "-" if is_minus else "+"
        return combine(types.DATE, f"({left.text} {sign} {right.text})", (left, right))
    if right.type == types.DATE and left.type == types.INT and not is_minus:
        return combine(types.DATE, f"({right.text} + {left.text})", (left, right))
    return None


def like(value: Term, pattern: str, mark: str) -> Term:
    """A text compared with a pattern; `mark` makes the next character mean itself.

    Raises:
        ValueError: the pattern is malformed.
    """
    if len(mark) != 1:
        raise ValueError("the ESCAPE character is one character")
    position = 0
    while position < len(pattern):
        if pattern[position] == mark:
            following = pattern[position + 1 : position + 2]
            if following not in ("%", "_", mark) or not following:
                raise ValueError(
                    f"in the pattern {pattern!r}, {mark!r} must precede %, _ or itself"
                )
            position += 1
        position += 1
    written = f"({value.text} LIKE {text(pattern)} ESCAPE {text(mark)})"
    return combine(types.BOOLEAN, written, (value,))

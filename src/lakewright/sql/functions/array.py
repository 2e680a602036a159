"""Functions of arrays, and what brackets mean."""

from collections.abc import Sequence

from lakewright.sql import types
from lakewright.sql.function import Function, scalar
from lakewright.sql.lambdas import STEP, let
from lakewright.sql.quoting import duckdb_type
from lakewright.sql.signature import way
from lakewright.sql.term import Term, combine

_E = '"our e"'
_LENGTH_MAX = 10_000_000
"""Items of a sequence: beyond it a query stops rather than exhaust the memory."""


def _has_null(x: str) -> str:
    return f"(len({x}) <> list_aggregate({x}, 'count'))"


def _element(term: Term) -> types.Type:
    assert isinstance(term.type, types.Array)  # noqa: S101 -- the signature asks for one
    return term.type.element


def _known(count: int, rewrite: str) -> str:
    """The rewrite where the first `count` arguments are not null, else null."""
    nulls = " OR ".join(f"{{{position}}} IS NULL" for position in range(count))
    return f"(CASE WHEN {nulls} THEN NULL ELSE {rewrite} END)"


def _distinct(x: str) -> str:
    """Each value where it stands first; DuckDB's own `list_distinct` loses order and nulls."""
    first = f'list_position({x}, "our e") = "our i"'
    return f'list_filter({x}, lambda "our e", "our i": {first})'


def _distinct_once(arguments: Sequence[Term]) -> str:
    return let(arguments[0].text, _distinct)


def _united(arguments: Sequence[Term]) -> str:
    left, right = (term.text for term in arguments)
    both = f"CASE WHEN {left} IS NOT NULL AND {right} IS NOT NULL THEN {left} || {right} END"
    return let(both, _distinct)


def _of_both(test: str) -> str:
    """The first array's values, each once, by whether the second one has them."""
    found = _distinct("{0}").replace('= "our i"', f'= "our i" AND {test}')
    return _known(2, found)


_OVERLAP = _known(
    2,
    'CASE WHEN len(list_filter({0}, lambda "our e": list_contains({1}, "our e"))) > 0 THEN TRUE'
    f" WHEN len({{0}}) > 0 AND len({{1}}) > 0 AND ({_has_null('{0}')} OR {_has_null('{1}')})"
    " THEN NULL ELSE FALSE END",
)

_SLICE = _known(
    3,
    "CASE WHEN {1} = 0 THEN error('slice counts from 1, or from the end below 0')"
    " WHEN {2} < 0 THEN error('slice needs a length of at least 0')"
    " WHEN {1} > len({0}) OR -CAST({1} AS BIGINT) > len({0}) OR {2} = 0 THEN {0}[1:0]"
    " WHEN {1} > 0 THEN {0}[{1}:CAST({1} AS BIGINT) + {2} - 1]"
    " ELSE {0}[len({0}) + {1} + 1:len({0}) + {1} + {2}] END",
)

_ELEMENT_OR_NULL = (
    "(CASE WHEN {1} = 0 AND {0} IS NOT NULL THEN error('element_at counts from 1') ELSE {0}[{1}]"
    " END)"
)
_ELEMENT = (
    "(CASE WHEN abs(CAST({1} AS BIGINT)) > len({0}) THEN error('there is no item ' || {1})"
    " WHEN {1} = 0 AND {0} IS NOT NULL THEN error('element_at counts from 1') ELSE {0}[{1}] END)"
)


def _inserted(arguments: Sequence[Term]) -> str:
    """Nulls fill the gap to a position beyond either end."""
    given, at, value = (term.text for term in arguments)
    null = f"CAST(NULL AS {duckdb_type(_element(arguments[0]))})"

    def gap(count: str) -> str:
        return f'list_transform(range({count} - 1 - len({given})), lambda "our i": {null})'

    def between(before: str) -> str:
        return f"{given}[1:{before}] || [{value}] || {given}[{before} + 1:]"

    return (
        f"(CASE WHEN {given} IS NULL OR {at} IS NULL THEN NULL"
        f" WHEN {at} = 0 THEN error('array_insert counts from 1, or from the end below 0')"
        f" WHEN {at} > len({given}) THEN {given} || {gap(at)} || [{value}]"
        f" WHEN {at} > 0 THEN {between(f'({at} - 1)')}"
        f" WHEN -{at} > len({given}) + 1 THEN [{value}] || {gap(f'-{at}')} || {given}"
        f" ELSE {between(f'(len({given}) + {at} + 1)')} END)"
    )


def _join(arguments: Sequence[Term]) -> str:
    """Nulls are left out, or replaced."""
    given = arguments[0].text
    if len(arguments) == 3:
        items = f'list_transform({given}, lambda "our e": coalesce("our e", {arguments[2].text}))'
    else:
        items = f'list_filter({given}, lambda "our e": "our e" IS NOT NULL)'
    mark = arguments[1].text
    known = " AND ".join(f"{term.text} IS NOT NULL" for term in arguments)

    def joined(x: str) -> str:
        folded = f'list_reduce({x}, lambda "our a", "our e": "our a" || {mark} || "our e")'
        return f"CASE WHEN len({x}) = 0 THEN '' ELSE {folded} END"

    return f"(CASE WHEN {known} THEN {let(items, joined)} END)"


def _sequence(arguments: Sequence[Term]) -> str:
    """Whole numbers from the first to the second, both included."""
    start, stop = (term.text for term in arguments[:2])
    step = (
        arguments[2].text
        if len(arguments) > 2
        else f"(CASE WHEN {start} <= {stop} THEN 1 ELSE -1 END)"
    )
    kind = duckdb_type(arguments[0].type)
    far = f"abs(CAST({stop} AS HUGEINT) - {start})"
    return (
        f"(CASE WHEN {start} IS NULL OR {stop} IS NULL OR {step} IS NULL THEN NULL"
        f" WHEN {start} = {stop} THEN [{start}]"
        f" WHEN {step} = 0 OR ({step} > 0) <> ({start} < {stop})"
        " THEN error('this sequence never reaches its end')"
        f" WHEN {far} // abs(CAST({step} AS HUGEINT)) > {_LENGTH_MAX}"
        " THEN error('this sequence is too long')"
        f" ELSE CAST(generate_series({start}, {stop}, {step}) AS {kind}[]) END)"
    )


_MONTHS_IN = {"YEAR": 12, "MONTH": 1}
_DAYS_IN = {"WEEK": 7, "DAY": 1}
_SECONDS_IN = {"WEEK": 604_800, "DAY": 86_400, "HOUR": 3600, "MINUTE": 60, "SECOND": 1}


def _moments(arguments: Sequence[Term]) -> str:
    """From a date or time to another by a constant interval; each is counted from the first."""
    start, stop = (term.text for term in arguments[:2])
    is_date = arguments[0].type == types.DATE
    given = str(arguments[2].value) if len(arguments) > 2 else ""
    amount, _, unit = given.partition(" ")
    if given and int(amount) == 0:
        raise ValueError("the interval is not zero")
    if not given:
        if not is_date:
            raise ValueError("a sequence of times needs an interval")
        sign = f"(CASE WHEN {start} <= {stop} THEN 1 ELSE -1 END)"
        return _counted(
            start,
            stop,
            f"abs({stop} - {start})",
            f'{start} + CAST("our e" AS INTEGER) * {sign}',
            "",
        )
    count = int(amount)
    if unit in _MONTHS_IN:
        months = count * _MONTHS_IN[unit]
        steps = f"(abs(date_diff('month', {start}, {stop})) // {abs(months)} + 1)"
        item = f'{start} + to_months(CAST("our e" AS INTEGER) * {months})'
    elif is_date:
        if unit not in _DAYS_IN:
            raise ValueError("dates go by days, weeks, months or years")
        days = count * _DAYS_IN[unit]
        steps = f"(abs({stop} - {start}) // {abs(days)})"
        item = f'{start} + CAST("our e" AS INTEGER) * {days}'
    else:
        seconds = count * _SECONDS_IN[unit]
        steps = f"(abs(epoch_us({stop}) - epoch_us({start})) // {abs(seconds) * 1_000_000})"
        item = f'{start} + to_seconds("our e" * {seconds})'
    kind = duckdb_type(arguments[0].type)
    beyond = ">" if count < 0 else "<"
    wrong = f" WHEN {stop} {beyond} {start} THEN error('this sequence never reaches its end')"
    within = ">=" if count < 0 else "<="
    listed = _counted(start, stop, steps, f"CAST({item} AS {kind})", wrong)
    return f'list_filter({listed}, lambda "our e": "our e" {within} {stop})'


def _counted(start: str, stop: str, steps: str, item: str, wrong: str) -> str:
    return (
        f"(CASE WHEN {start} IS NULL OR {stop} IS NULL THEN NULL{wrong}"
        f" WHEN {steps} > {_LENGTH_MAX} THEN error('this sequence is too long')"
        f' ELSE list_transform(range({steps} + 1), lambda "our e": {item}) END)'
    )


def _zip(arguments: Sequence[Term]) -> Term:
    """As long as the longest, filled with nulls; null where any of them is."""
    names, arrays = [str(term.value) for term in arguments[::2]], arguments[1::2]
    if not all(isinstance(term.type, types.Array) for term in arrays):
        raise ValueError("arrays_zip takes arrays")
    if len({name.lower() for name in names}) != len(names):
        raise ValueError("two of its fields have one name")
    kind = types.Struct(
        tuple((name, _element(term)) for name, term in zip(names, arrays, strict=True))
    )
    known = " AND ".join(f"{term.text} IS NOT NULL" for term in arrays)
    longest = f"greatest({', '.join(f'len({term.text})' for term in arrays)})"
    fields = ", ".join(f'{term.text}["our i"]' for term in arrays)
    item = f"CAST(row({fields}) AS {duckdb_type(kind)})"
    rows = f'list_transform(generate_series(1, {longest}), lambda "our i": {item})'
    return combine(types.Array(kind), f"(CASE WHEN {known} THEN {rows} END)", arrays)


def _aggregated(arguments: Sequence[Term]) -> str:
    """A fold, by DuckDB's own over pairs of what is put together so far and an element."""
    given, zero, merge = arguments[:3]
    kinds = duckdb_type(zero.type), duckdb_type(_element(given))

    def pair(so_far: str, element: str) -> str:
        return (
            f"struct_pack(so_far := CAST({so_far} AS {kinds[0]}),"
            f" element := CAST({element} AS {kinds[1]}))"
        )

    head, _, body = merge.text.partition(": ")
    first = pair("NULL", _E)
    pairs = f"list_transform({given.text}, lambda {_E}: {first})"
    value = f"list_reduce({pairs}, {head}: {pair(body, 'NULL')}, {pair(zero.text, 'NULL')})"
    if len(arguments) == 3:
        value = f"({value}).so_far"
    else:
        value = f"list_transform([{value}], {arguments[3].text})[1]"
    return f"(CASE WHEN {given.text} IS NOT NULL THEN {value} END)"


def _tested(arguments: Sequence[Term], first: str, otherwise: str) -> str:
    """Whether a condition holds for some or for all, with SQL's three values."""
    given, condition = (term.text for term in arguments)
    answers = f"list_transform({given}, {condition})"
    return let(
        answers,
        lambda x: (
            f"CASE WHEN {x} IS NULL THEN NULL WHEN list_contains({x}, {first}) THEN {first}"
            f" WHEN {_has_null(x)} THEN NULL ELSE {otherwise} END"
        ),
    )


def _sorted(arguments: Sequence[Term]) -> str:
    ascending = True if len(arguments) == 1 else arguments[1].value
    if ascending not in (True, False):
        raise ValueError("sort_array is told TRUE or FALSE as a constant")
    way_up = "'ASC', 'NULLS FIRST'" if ascending else "'DESC', 'NULLS LAST'"
    return f"list_sort({arguments[0].text}, {way_up})"


def _count(x: str) -> str:
    return f"CAST(len({x}) AS INTEGER)"


SIZE = scalar(
    way("size(array<E>) -> int", _count("{0}")),
    way("size(map<K, E>) -> int", "CAST(cardinality({0}) AS INTEGER)"),
    aliases=("cardinality",),
    note="Null for null.",
)
ITEM = scalar(
    way(
        "item(array<E>, int) -> E",
        "(CASE WHEN {1} < 0 OR {1} >= len({0}) THEN error('there is no item ' || {1})"
        " ELSE {0}[CAST({1} AS BIGINT) + 1] END)",
    ),
    way("item(map<K, E>, K) -> E", "{0}[{1}]"),
)
"""What `a[i]` and `m[k]` mean."""

FUNCTIONS: tuple[Function, ...] = (
    scalar(
        way("array() -> array<unknown>", "[]"),
        way("array(E...) -> array<E>", "[{all}]"),
        note="Its items meet in their common type.",
    ),
    SIZE,
    scalar(way("array_size(array<E>) -> int", _count("{0}"))),
    scalar(
        way("element_at(array<E>, int) -> E", _ELEMENT),
        way("element_at(map<K, E>, K) -> E", "{0}[{1}]"),
        note="From 1, from the end below 0; stops where there is none. Of a map null then.",
    ),
    scalar(
        way("try_element_at(array<E>, int) -> E", _ELEMENT_OR_NULL),
        way("try_element_at(map<K, E>, K) -> E", "{0}[{1}]"),
        note="Null where there is none.",
    ),
    scalar(
        way(
            "get(array<E>, int) -> E",
            "(CASE WHEN {1} >= 0 THEN {0}[CAST({1} AS BIGINT) + 1] END)",
        ),
        note="From 0; null where there is none.",
    ),
    scalar(
        way(
            "array_contains(array<T>, T) -> boolean",
            "(CASE WHEN list_contains({0}, {1}) THEN TRUE"
            f" WHEN {{0}} IS NULL OR {{1}} IS NULL OR {_has_null('{0}')} THEN NULL ELSE FALSE END)",
        ),
        note="Null where it is not found beside a null.",
    ),
    scalar(
        way(
            "array_position(array<T>, T) -> bigint",
            _known(2, "CAST(coalesce(list_position({0}, {1}), 0) AS BIGINT)"),
        ),
        note="From 1; 0: nowhere.",
    ),
    scalar(way("array_distinct(array<T>) -> array<T>", _distinct_once)),
    scalar(way("array_union(array<T>, array<T>) -> array<T>", _united), note="Each once."),
    scalar(
        way(
            "array_intersect(array<T>, array<T>) -> array<T>",
            _of_both('list_position({1}, "our e") IS NOT NULL'),
        ),
        note="Each once.",
    ),
    scalar(
        way(
            "array_except(array<T>, array<T>) -> array<T>",
            _of_both('list_position({1}, "our e") IS NULL'),
        ),
        note="Each once.",
    ),
    scalar(way("arrays_overlap(array<T>, array<T>) -> boolean", _OVERLAP)),
    scalar(
        way(
            "array_remove(array<T>, T) -> array<T>",
            _known(2, 'list_filter({0}, lambda "our e": "our e" IS DISTINCT FROM {1})'),
        ),
    ),
    scalar(
        way(
            "array_compact(array<E>) -> array<E>",
            'list_filter({0}, lambda "our e": "our e" IS NOT NULL)',
        ),
        note="Without nulls.",
    ),
    scalar(way("array_append(array<E>, E) -> array<E>", _known(1, "{0} || [{1}]"))),
    scalar(way("array_prepend(array<E>, E) -> array<E>", _known(1, "[{1}] || {0}"))),
    scalar(
        way("array_insert(array<E>, int, E) -> array<E>", _inserted),
        note="From 1, from the end below 0; -1 puts it last.",
    ),
    scalar(
        way(
            "array_repeat(E, int) -> array<E>",
            '(CASE WHEN {1} IS NOT NULL THEN list_transform(range({1}), lambda "our i": {0}) END)',
        ),
    ),
    scalar(
        way("array_join(array<string>, string) -> string", _join),
        way("array_join(array<string>, string, string) -> string", _join),
        note="Nulls are left out, or are the third argument.",
    ),
    scalar(way("array_max(array<T>) -> T", "list_max({0})"), note="Nulls are passed over."),
    scalar(way("array_min(array<T>) -> T", "list_min({0})"), note="Nulls are passed over."),
    scalar(
        way("sort_array(array<T>) -> array<T>", _sorted),
        way("sort_array(array<T>, boolean) -> array<T>", _sorted),
        note="Nulls come first, and last in descending order (FALSE).",
    ),
    scalar(
        way("array_sort(array<T>) -> array<T>", "list_sort({0}, 'ASC', 'NULLS LAST')"),
        note="Nulls come last. Without a function that compares.",
    ),
    scalar(
        way(
            "flatten(array<array<E>>) -> array<E>",
            f"(CASE WHEN NOT {_has_null('{0}')} THEN flatten({{0}}) END)",
        ),
        note="Null where an inner array is.",
    ),
    scalar(way("slice(array<E>, int, int) -> array<E>", _SLICE), note="From 1; then a length."),
    scalar(
        way("sequence(int, int) -> array<int>", _sequence),
        way("sequence(int, int, int) -> array<int>", _sequence),
        way("sequence(bigint, bigint) -> array<bigint>", _sequence),
        way("sequence(bigint, bigint, bigint) -> array<bigint>", _sequence),
        way("sequence(date, date) -> array<date>", _moments),
        way("sequence(date, date, INTERVAL) -> array<date>", _moments),
        way("sequence(timestamp, timestamp, INTERVAL) -> array<timestamp>", _moments),
        way("sequence(timestamp_ntz, timestamp_ntz, INTERVAL) -> array<timestamp_ntz>", _moments),
        note="Both ends included. Ten million items at most.",
    ),
    Function(
        name="arrays_zip",
        kind=SIZE.kind,
        signatures=(way("arrays_zip('name', any, ...) -> array<struct>", build=_zip),),
        names=str,
        note="A struct's fields are named as the columns are, or by their position from 0.",
    ),
    scalar(
        way("transform(array<E>, (E) -> R) -> array<R>", "list_transform({0}, {1})"),
        way("transform(array<E>, (E, int) -> R) -> array<R>", "list_transform({0}, {1})"),
        note="The second parameter is the position from 0.",
    ),
    scalar(
        way("filter(array<E>, (E) -> boolean) -> array<E>", "list_filter({0}, {1})"),
        way("filter(array<E>, (E, int) -> boolean) -> array<E>", "list_filter({0}, {1})"),
    ),
    scalar(
        way(
            "exists(array<E>, (E) -> boolean) -> boolean",
            lambda given: _tested(given, "TRUE", "FALSE"),
        ),
    ),
    scalar(
        way(
            "forall(array<E>, (E) -> boolean) -> boolean",
            lambda given: _tested(given, "FALSE", "TRUE"),
        ),
    ),
    scalar(
        way("aggregate(array<E>, A, (A, E) -> A) -> A", _aggregated, places=STEP),
        way("aggregate(array<E>, A, (A, E) -> A, (A) -> R) -> R", _aggregated, places=STEP),
        aliases=("reduce",),
        note="The start's type is the answer's: cast it where the sum is wider.",
    ),
    scalar(
        way(
            "zip_with(array<E>, array<F>, (E, F) -> R) -> array<R>",
            _known(2, "list_transform(list_zip({0}, {1}), {2})"),
            places=("{0}[1]", "{0}[2]"),
        ),
        note="Nulls fill the shorter one.",
    ),
)

"""The catalogue is complete in itself, and nothing is in it that was not compared with Spark."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from sqlglot import exp

from lakewright.sql import casts, catalogue, dialect, generics, grammar
from lakewright.sql.functions.refused import REFUSED
from lakewright.sql.refusals import Refused

CASES = Path(__file__).parent / "cases"
ANSWERS_MIN = 5

TABLES = yaml.safe_load((CASES / "tables.yaml").read_text("utf-8"))


def _compared() -> Iterator[tuple[str, exp.Expr, int]]:
    """Every case that portable SQL takes: its table, its tree, how many answers it has."""
    for path in sorted(CASES.glob("*.yaml")):
        if path.name == "tables.yaml":
            continue
        for group in yaml.safe_load(path.read_text("utf-8")):
            if group.get("refused"):
                continue
            for sql in group.get("each", ()):
                rows = len(TABLES[group["table"]]["rows"])
                yield group["table"], dialect.condition(sql), rows
            for sql in group.get("queries", ()):
                (tree,) = dialect.statements(sql)
                assert tree is not None
                yield "", tree, ANSWERS_MIN


def _functions(tree: exp.Expr) -> Iterator[str]:
    for call in tree.find_all(exp.Anonymous):
        yield call.name.lower()
    for trim in tree.find_all(exp.Trim):
        yield {"LEADING": "ltrim", "TRAILING": "rtrim"}.get(trim.args.get("position") or "", "trim")
    if tree.find(exp.StrPosition):
        yield "position"


COMPARED = tuple(_compared())


@pytest.mark.parametrize("name", catalogue.FUNCTIONS)
def test_every_function_and_alias_has_been_compared_with_spark(name: str) -> None:
    counts: Counter[str] = Counter()
    for _, tree, answers in COMPARED:
        counts.update(dict.fromkeys(_functions(tree), answers))
    assert counts[name] >= ANSWERS_MIN


def _kinds(kind: str) -> set[str]:
    kinds = {
        "int": {"int", "integer"},
        "bigint": {"bigint", "integer"},
        "float": {"float", "fraction"},
        "double": {"double", "fraction"},
    }
    return {"decimal"} if kind.startswith("decimal") else kinds.get(kind, {kind})


def _casts() -> Iterator[tuple[str, str]]:
    """Source and target of every cast of a plain column."""
    targets = {"TEXT": "string", "TIMESTAMPTZ": "timestamp", "TIMESTAMPNTZ": "timestamp_ntz"}
    for table, tree, _ in COMPARED:
        for cast in tree.find_all(exp.Cast):
            if table and isinstance(cast.this, exp.Column):
                source = TABLES[table]["columns"][cast.this.name]
                written = cast.args["to"].this.value
                yield source, targets.get(written, written.lower())


@pytest.mark.parametrize("cast", casts.CASTS, ids=lambda cast: f"{cast.source} to {cast.target}")
def test_every_cast_has_been_compared_with_spark(cast: casts.Cast) -> None:
    found = {(s, t) for source, target in _casts() for s in _kinds(source) for t in _kinds(target)}
    assert (cast.source, cast.target) in found


@pytest.mark.parametrize(
    "operator",
    [*grammar.ARITHMETIC, *grammar.COMPARISONS, *grammar.CONNECTIVES, exp.Neg, exp.Is, exp.In,
     exp.Between, exp.Like, exp.DPipe, exp.Case, exp.If, exp.Exists, exp.Interval, exp.Window,
     exp.Filter, exp.Union, exp.Intersect, exp.Except],
)  # fmt: skip
def test_every_operator_has_been_compared_with_spark(operator: type[exp.Expr]) -> None:
    assert any(tree.find(operator) for _, tree, _ in COMPARED)


def test_no_function_is_both_permitted_and_refused() -> None:
    refused = {name for entry in REFUSED for name in entry.names}
    assert not refused & set(catalogue.FUNCTIONS)


def test_every_signature_names_types_that_exist() -> None:
    words = {"any", "number", "decimal", "share", "struct", "UNIT", "INTERVAL"}
    for function in catalogue.FUNCTIONS.values():
        for signature in function.signatures:
            for parameter in signature.parameters:
                if parameter.startswith("("):
                    generics.read_lambda(parameter)
                elif parameter not in words and parameter[0] not in "#'":
                    generics.read(parameter)


@pytest.mark.parametrize(("name", "meant"), catalogue.OF_OTHER_DIALECTS.items())
def test_a_function_of_another_dialect_is_answered_with_ours(name: str, meant: str) -> None:
    with pytest.raises(Refused) as caught:
        catalogue.function(exp.Anonymous(this=name, expressions=[]))
    assert caught.value.hint == f"did you mean {meant}?"
    assert meant in catalogue.FUNCTIONS or meant.partition("(")[0] in {
        "CASE", "CASE WHEN", "CAST", "EXTRACT", "try_cast",
    }  # fmt: skip

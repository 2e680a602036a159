"""How a file differs from its source's contract as it stood before the file: a value, and words.

Told are the columns that only one of the two has, headers that are the same but for case and
blanks, types that do not fit, and another order where that matters. `answer` says what the contract
does about it. A first file without a declared contract differs from nothing.

A column is narrowed only where the file itself states a narrower type, as Parquet does: texts may
look narrower by chance on any day.
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from enum import StrEnum

from lakewright.plan.landed import Landed
from lakewright.plan.matching import Match
from lakewright.project.contract import Column, Contract, Policy
from lakewright.project.source import Parquet
from lakewright.sql import types


class Kind(StrEnum):
    """A way in which a file may differ."""

    ADDED = "added"
    """The file has a column that the contract does not have."""
    MISSING = "missing"
    """The file lacks a column of the contract."""
    RENAMED = "renamed"
    """The file writes a header with other case or blanks."""
    WIDENED = "widened"
    """The file has values that only a wider type holds."""
    NARROWED = "narrowed"
    """The file states a type that the column's type holds with room to spare."""
    REORDERED = "reordered"
    """The file has the columns in another order."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Difference:
    """One difference."""

    kind: Kind
    column: str
    """As the table calls it, or the file where the table does not have it."""
    before: str | None = None
    """What the contract says: a type or, of a renamed column, a header."""
    after: str | None = None
    """What the file has instead; of a widened column that evolves, the column's new type."""
    answer: Policy | None = None
    """What the contract does about it; None: there is nothing to do."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Compared:
    """A file beside its contract."""

    landed: Landed
    match: Match
    before: Contract
    """With what earlier files have brought."""
    after: Contract
    """With what this file brings, if it is taken."""
    unfit: Collection[str]
    """Declared columns whose declared type the file's values do not fit."""
    reordered: Collection[str] = ()
    """The columns in the contract's order, where the file has them in another."""


def differences(compared: Compared) -> tuple[Difference, ...]:
    """Every difference, in the contract's order, new columns last."""
    return tuple(_differences(compared)) if compared.before.columns else ()


def _differences(compared: Compared) -> Iterator[Difference]:
    policies = compared.before.evolution
    missing = {column.name for column in compared.match.missing(compared.before.columns)}
    for column in compared.before.columns:
        if column.name in missing:
            yield Difference(
                kind=Kind.MISSING,
                column=column.name,
                before=str(column.type),
                after=column.default,
                answer=_answer_to_missing(column, policies.missing_columns),
            )
        else:
            yield from _of_column(compared, column.name)
    for arrived in compared.match.unexpected:
        yield Difference(
            kind=Kind.ADDED,
            column=arrived.name,
            after=str(arrived.type),
            answer=policies.new_columns,
        )
    if compared.reordered:
        yield Difference(
            kind=Kind.REORDERED,
            column=", ".join(compared.reordered),
            answer=policies.reordered_columns,
        )


def _answer_to_missing(column: Column, policy: Policy) -> Policy | None:
    """What is done about a column that is not there: the rules stand in `plan.evolution`."""
    if not column.is_declared:
        return None
    if policy is Policy.FREEZE or not column.is_required or column.default is not None:
        return Policy.FREEZE if policy is Policy.FREEZE else Policy.EVOLVE
    return Policy.QUARANTINE if policy is Policy.QUARANTINE else Policy.FREEZE


def _of_column(compared: Compared, name: str) -> Iterator[Difference]:
    """What a column that both have differs in."""
    column, later = compared.before.column(name), compared.after.column(name)
    arrived = compared.match.columns[name]
    if column is None or later is None:
        return
    if column.source_name is not None and arrived.name != column.source_name:
        yield Difference(
            kind=Kind.RENAMED, column=name, before=column.source_name, after=arrived.name
        )
    if later.type != column.type:
        yield Difference(
            kind=Kind.WIDENED,
            column=name,
            before=str(column.type),
            after=str(later.type),
            answer=Policy.EVOLVE,
        )
    elif name in compared.unfit:
        yield Difference(
            kind=Kind.WIDENED,
            column=name,
            before=str(column.type),
            after=str(arrived.type),
            answer=compared.before.evolution.wider_types,
        )
    elif _is_narrower(compared.landed, arrived.type, column.type):
        yield Difference(
            kind=Kind.NARROWED, column=name, before=str(column.type), after=str(arrived.type)
        )


def _is_narrower(landed: Landed, kind: types.Type, held: types.Type) -> bool:
    is_stated = isinstance(landed.format, Parquet) and kind != types.UNKNOWN
    return is_stated and kind != held and types.is_promotion(kind, held)


_ADDED = {
    Policy.EVOLVE: "the table gets it",
    Policy.FREEZE: "which the contract does not allow",
    Policy.QUARANTINE: "records with a value there are refused",
}
_WIDENED = {
    Policy.EVOLVE: "the table follows",
    Policy.FREEZE: "which the contract does not allow",
    Policy.QUARANTINE: "values that do not fit are refused",
}


def words(difference: Difference) -> str:
    """A difference on one line, with a sign before it: `+` more, `-` less, `~` otherwise."""
    name, answer = difference.column, difference.answer
    match difference.kind:
        case Kind.ADDED:
            kind = f", {difference.after}" if difference.after != str(types.UNKNOWN) else ""
            return f"+ {name}: new{kind}; {_ADDED[answer or Policy.EVOLVE]}"
        case Kind.MISSING:
            if answer is Policy.FREEZE:
                return f"- {name}: missing, which the contract does not allow"
            if answer is Policy.QUARANTINE:
                return f"- {name}: missing; no record can do without it"
            filled = "null" if difference.after is None else repr(difference.after)
            return f"- {name}: missing; {filled} stands in for it"
        case Kind.RENAMED:
            return f"~ {name}: called {difference.after!r} instead of {difference.before!r}"
        case Kind.WIDENED:
            change = f"{difference.before} -> {difference.after}"
            return f"~ {name}: {change}; {_WIDENED[answer or Policy.EVOLVE]}"
        case Kind.NARROWED:
            return f"~ {name}: {difference.after}, within {difference.before}"
    effect = "which the contract does not allow" if answer is Policy.FREEZE else "matched by name"
    return f"~ the columns come in another order than {name}; {effect}"

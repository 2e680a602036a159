"""What a batch of files does to their source's contract, and which of them it refuses.

The rules, for each way in which a file may differ:

    new columns        evolve: appended, nullable, with the type of their values. freeze: the file
                       is refused. quarantine: no column; records with a value there are refused.
    missing columns    evolve: the default, or null; a required column without a default refuses
                       the file. freeze: the file is refused. quarantine: as evolve, but where a
                       required column is missing every record is refused instead of the file.
    reordered columns  matched by name; freeze refuses the file.
    wider types        evolve: `types.widest`. freeze: the file is refused. quarantine: the type
                       stays, and the records that do not fit are refused.

A type that nobody declared always follows what the files hold, so that the order of files does
not matter: every type is the join of all the evidence. Only declared columns can be missing or out
of order, and what a project declares is never narrowed or reinterpreted by what files look like.

Against the contract that bronze was loaded under: an Iceberg promotion, a new column that a file
brought, a looser requirement, a description happen in place. Where a promotion or a looser
requirement may accept records that were refused, the uploads that had some are read again.
Whatever would make rows of an earlier file read otherwise is a rebuild: any other type, a declared
column that the table does not have, a column renamed, another null word, default, format or header,
a tighter requirement, another partitioning. A column that the project stops declaring stays, as one
that files brought; only a rebuild that someone asks for drops it. Pure: everything comes in as a
value.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from lakewright import errors
from lakewright.plan import difference, evidence, matching
from lakewright.plan.difference import Compared, Difference
from lakewright.plan.landed import ArrivedColumn, Landed
from lakewright.project import naming, values
from lakewright.project.contract import (
    INFERRED_NULL_WORDS,
    Column,
    Contract,
    Evolution,
    Policy,
)
from lakewright.project.source import Parquet, Source, names_columns
from lakewright.sql import types

_INTEGERS = (types.INT, types.BIGINT)
_FRACTIONS = (types.FLOAT, types.DOUBLE)
_TEMPORAL = (types.DATE, types.TIMESTAMP, types.TIMESTAMP_NTZ)


@dataclass(frozen=True, kw_only=True, slots=True)
class Evolved:
    """A contract as a batch of files leaves it."""

    contract: Contract
    accepted: tuple[str, ...]
    """The uploads that may be loaded, in the order given."""
    refused: Mapping[str, errors.Problem]
    """The uploads that the contract does not allow, each with every difference in words."""
    changes: tuple[str, ...]
    """What differs from the contract that bronze was loaded under, in words."""
    differences: Mapping[str, tuple[Difference, ...]]
    """Of each upload that differs from the contract as it found it, taken or refused."""
    rebuild_reasons: tuple[str, ...]
    """Why the difference cannot happen in place; empty: it can."""
    loosened: tuple[str, ...] = ()
    """Why records that earlier files had refused may be accepted now, in words."""

    @property
    def is_rebuild(self) -> bool:
        """Whether bronze has to be made anew from every raw file."""
        return bool(self.rebuild_reasons)


def evolve(source: Source, present: Contract | None, arrived: Sequence[Landed]) -> Evolved:
    """Decide the contract under which these files are loaded.

    Args:
        source: with the contract that the project declares, if it declares one.
        present: the contract that the source's bronze table was loaded under; None: no table, or
            one that is to be made anew from all its files, which are then all in `arrived`.
        arrived: the landed files, in the order of their uploads.
    """
    contract = _before(source.contract, present)
    accepted: list[str] = []
    refused: dict[str, errors.Problem] = {}
    differences: dict[str, tuple[Difference, ...]] = {}
    for landed in arrived:
        match = matching.match(contract.columns, landed)
        reasons = list(_refusal_reasons(source.contract, match, landed))
        later = contract if reasons else _after(contract, match, landed)
        found = _compare(source.contract, match, landed, contract, later)
        if found:
            differences[landed.upload_id] = found
        if reasons:
            refused[landed.upload_id] = _refusal(source, landed, reasons)
        else:
            accepted.append(landed.upload_id)
            contract = later
    return Evolved(
        contract=contract,
        accepted=tuple(accepted),
        refused=refused,
        changes=tuple(_changes(present, contract)) if present else (),
        differences=differences,
        rebuild_reasons=tuple(_rebuild_reasons(source, present, contract)) if present else (),
        loosened=tuple(_loosened(present, contract)) if present else (),
    )


def _before(declared: Contract | None, present: Contract | None) -> Contract:
    """The contract before any of the files: what is declared, and what earlier files brought."""
    if declared is None:
        brought = tuple(_brought(column) for column in (present.columns if present else ()))
        return Contract(columns=brought, is_adopted=False)
    if present is None:
        return declared
    columns = [
        _declared_column(column, present, declared.evolution.wider_types)
        for column in declared.columns
    ]
    taken = {column.name for column in columns}
    taken |= {naming.standardise(column.header) for column in columns}
    for place, column in enumerate(present.columns):
        # A brought column without a header is known by its place, which a declaration may take.
        is_taken = (
            place < len(declared.columns)
            if not (column.is_declared or column.source_name)
            else bool({column.name, naming.standardise(column.header)} & taken)
        )
        if not is_taken:
            columns.append(_brought(column))
    return replace(declared, columns=tuple(columns))


def _brought(column: Column) -> Column:
    """A column that the project does not, or not any more, declare: files bring it."""
    return replace(column, is_declared=False, declared_type=None, is_required=False)


def _declared_column(column: Column, present: Contract, policy: Policy) -> Column:
    """A declared column, as wide as earlier files have made it where they may."""
    before = present.column(column.name)
    if before is None or policy is not Policy.EVOLVE:
        return column
    is_evidence = before.declared_type is not None or not before.is_declared
    return _widened(column, evidence.of(before)) if is_evidence else column


def _after(contract: Contract, match: matching.Match, landed: Landed) -> Contract:
    """The contract once a file's columns are part of the evidence."""
    policies = contract.evolution
    columns = [
        _with_evidence(column, match.columns.get(column.name), policies.wider_types)
        for column in contract.columns
    ]
    if match.unexpected and policies.new_columns is Policy.EVOLVE:
        names = naming.unique_names(
            [*(column.name for column in columns), *(each.name for each in match.unexpected)]
        )
        columns += [
            _as_seen(
                Column(
                    name=name,
                    type=each.type,
                    source_name=each.name if matching.has_names(landed) else None,
                    is_declared=False,
                ),
                evidence.of(each),
            )
            for name, each in zip(names[len(columns) :], match.unexpected, strict=True)
        ]
    return replace(contract, columns=tuple(columns))


def _with_evidence(column: Column, arrived: ArrivedColumn | None, policy: Policy) -> Column:
    if arrived is None:
        return column
    if column.is_declared:
        return _widened(column, evidence.of(arrived)) if policy is Policy.EVOLVE else column
    return _as_seen(column, evidence.joined(evidence.of(column), evidence.of(arrived)))


def _as_seen(column: Column, seen: evidence.Seen) -> Column:
    """A column that nobody declared, as all its values show it."""
    is_declared = column.null_words not in (None, evidence.null_words(evidence.of(column)))
    return replace(
        column,
        type=seen.type,
        format=seen.format,
        evidence=seen.evidence,
        null_words=column.null_words if is_declared else evidence.null_words(seen),
    )


def _widened(column: Column, seen: evidence.Seen) -> Column:
    """A declared column, wide enough for values of another type.

    Whether values fit is judged against the declaration alone, never against what it has become:
    so the result does not depend on which file came first.
    """
    declared = column.declared_type or column.type
    if _is_fit(column, declared, seen):
        return column
    wider = evidence.joined(evidence.of(column), seen)
    # Nobody but its author changes how a declared column is written.
    kind = wider.type if wider.format == column.format else types.STRING
    return column if kind == column.type else replace(column, type=kind, declared_type=declared)


def _is_fit(column: Column, declared: types.Type, seen: evidence.Seen) -> bool:
    """Whether values of this look can be read as declared, as far as types can tell.

    Where they cannot tell (0 and 1 may be booleans, 12.50 an exact decimal, a declared date format
    one that nobody else reads) the declaration stands: records that do not fit are refused.
    """
    kind, pattern = seen.type, seen.format
    if types.UNKNOWN in (kind, declared) or declared == types.STRING or column.format:
        return True
    if kind == types.STRING and seen.evidence.may_be:
        # What nothing proves of itself, a declaration decides; null words alone fit nothing.
        readings = (evidence.Seen(each.type, each.format) for each in seen.evidence.may_be
                    if each.type != types.UNKNOWN)  # fmt: skip
        return any(_is_fit(column, declared, each) for each in readings)
    if values.is_number(declared) and pattern is not None:
        return False
    if isinstance(declared, types.Decimal):
        return kind in _INTEGERS + _FRACTIONS or (
            isinstance(kind, types.Decimal)
            and kind.scale <= declared.scale
            and kind.precision - kind.scale <= declared.precision - declared.scale
        )
    if declared in _TEMPORAL and kind in _TEMPORAL:
        return pattern is None and (kind == types.DATE or declared != types.DATE)
    if declared in _FRACTIONS:
        return kind in _INTEGERS + _FRACTIONS or isinstance(kind, types.Decimal)
    if declared == types.BOOLEAN and kind in _INTEGERS:
        return True
    return types.is_promotion(kind, declared)


def _compare(
    declared: Contract | None,
    match: matching.Match,
    landed: Landed,
    before: Contract,
    after: Contract,
) -> tuple[Difference, ...]:
    """How a file differs from the contract as it found it."""
    if not landed.columns:
        return ()
    columns = declared.columns if declared else ()
    return difference.differences(
        Compared(
            landed=landed,
            match=match,
            before=before,
            after=after,
            unfit=_unfit(columns, match, landed),
            reordered=_reordered(columns, match, landed),
        )
    )


def _unfit(columns: Sequence[Column], match: matching.Match, landed: Landed) -> list[str]:
    """The declared columns that are too narrow for the file's values, as far as types can tell.

    Whole numbers in a text all look like `bigint`: they may be ints.
    """
    is_stated = isinstance(landed.format, Parquet)
    return [
        column.name
        for column in columns
        if (arrived := match.columns.get(column.name))
        and not _is_fit(column, column.type, evidence.of(arrived))
        and (is_stated or (column.type, arrived.type) != (types.INT, types.BIGINT))
    ]


def _reordered(columns: Sequence[Column], match: matching.Match, landed: Landed) -> list[str]:
    """The file's names of the declared columns, in their order, if the file has another."""
    places = {arrived.name: place for place, arrived in enumerate(landed.columns)}
    there = [match.columns[each.name].name for each in columns if each.name in match.columns]
    return [] if there == sorted(there, key=lambda name: places[name]) else there


def _refusal_reasons(
    declared: Contract | None, match: matching.Match, landed: Landed
) -> Iterator[str]:
    """Every difference of a file for which the declared contract refuses it."""
    if declared is None or not landed.columns:
        return
    policies = declared.evolution
    if match.unexpected and policies.new_columns is Policy.FREEZE:
        yield _named("the file has", (each.name for each in match.unexpected), "which is new")
    missing = match.missing(declared.columns)
    needed = [column for column in missing if column.is_required and column.default is None]
    if missing and policies.missing_columns is Policy.FREEZE:
        yield _named("the file lacks", (column.header for column in missing))
    elif needed and policies.missing_columns is Policy.EVOLVE:
        yield _named("the file lacks", (column.header for column in needed), "which is required")
    if policies.reordered_columns is Policy.FREEZE:
        wanted = _reordered(declared.columns, match, landed)
        if wanted:
            yield f"the columns come in another order than {', '.join(wanted)}"
    if policies.wider_types is Policy.FREEZE:
        kinds = {column.name: column.type for column in declared.columns}
        for name in _unfit(declared.columns, match, landed):
            arrived = match.columns[name]
            yield f"column {arrived.name} holds {arrived.type}, wider than {kinds[name]}"


def _named(verb: str, names: Iterable[str], why: str = "") -> str:
    listed = list(names)
    noun = "column" if len(listed) == 1 else "columns"
    reason = why if len(listed) == 1 else why.replace("which is", "which are")
    return f"{verb} the {noun} {', '.join(listed)}" + (f", {reason}" if reason else "")


def _refusal(source: Source, landed: Landed, differences: Sequence[str]) -> errors.Problem:
    contract = source.contract
    evolution = contract.evolution if contract else Evolution()
    frozen = [name for name in ("new_columns", "missing_columns", "reordered_columns",
                                "wider_types")
              if getattr(evolution, name) is Policy.FREEZE]  # fmt: skip
    place = source.file or "the source's contract"
    hint = f"mend the file, or change {place}"
    if frozen:
        hint += f" ({', '.join(f'evolution.{name}' for name in frozen)} is freeze)"
    return errors.Problem(
        code=errors.ContractBroken.code,
        what=f"{landed.file_name} breaks the contract of source {source.name}",
        where=errors.Place(file=landed.file_name),
        why="; ".join(differences),
        hint=hint,
    )


def _changes(present: Contract, contract: Contract) -> Iterator[str]:
    """How the contract differs from the one that bronze was loaded under, in words."""
    for column in contract.columns:
        before = present.column(column.name)
        if before is None and column.type == types.UNKNOWN:
            yield f"column {column.name} is new, and empty so far: it has no type yet"
        elif before is None:
            yield f"column {column.name} is new: {column.type}"
        elif before.type == types.UNKNOWN != column.type:
            yield f"column {column.name}, empty until now, is {column.type}"
        elif before.type != column.type:
            yield f"column {column.name} changes from {before.type} to {column.type}"
    for column in present.columns:
        if contract.column(column.name) is None:
            yield f"column {column.name} is not part of the contract any more"


def _rebuild_reasons(source: Source, present: Contract, contract: Contract) -> Iterator[str]:
    """Why the table cannot follow the contract in place; columns with the same reason together."""
    found: dict[str, list[str]] = {}
    for column in contract.columns:
        for reason in _column_reasons(present.column(column.name), column, present, contract):
            found.setdefault(reason, []).append(column.name)
    for column in present.columns:
        if contract.column(column.name) is None and column.type != types.UNKNOWN:
            found.setdefault("gave away its header", []).append(column.name)
    for reason, names in found.items():
        noun = "column" if len(names) == 1 else "each of the columns"
        yield f"{noun} {', '.join(names)} {reason}"
    kept = [column.name for column in present.columns if contract.column(column.name)]
    now = [column.name for column in contract.columns]
    if not names_columns(source.format) and kept != now[: len(kept)]:
        yield "the columns have other places, and the files have no header"
    if present.partitioning != contract.partitioning:
        yield "the partitioning has changed"


def _column_reasons(
    before: Column | None, column: Column, present: Contract, contract: Contract
) -> Iterator[str]:
    """What makes an earlier file's values other than those in the table; said of the column."""
    if before is None:
        if column.is_declared:
            yield "is newly declared, and earlier files may hold it"
    elif not types.is_promotion(before.type, column.type):
        yield f"changes from {before.type} to {column.type}, which a table cannot do in place"
    elif before.type != types.UNKNOWN:
        old, new = _reading(before, present), _reading(column, contract)
        if not before.is_declared:
            # Earlier files hold none of the words that were looked for and not found.
            absent = frozenset(INFERRED_NULL_WORDS).difference(before.evidence.null_words)
            new["null words"] = _words(column, contract) - (absent - _words(before, present))
            old["formats"] = evidence.loosened(before.format)
            new["formats"] = evidence.loosened(column.format)
        yield from (f"is to be read with other {what}" for what in old if old[what] != new[what])
        if column.is_required and not before.is_required:
            yield "is required now"


def _loosened(present: Contract, contract: Contract) -> Iterator[str]:
    """What the contract asks less strictly than the one that bronze was loaded under."""
    for before in present.columns:
        column = contract.column(before.name)
        if column is None:
            continue
        if before.is_required and not column.is_required:
            yield f"column {column.name} is not required any more"
        if before.is_declared and types.UNKNOWN != before.type != column.type:
            yield f"column {column.name} takes all that fits {column.type}"


def _reading(column: Column, contract: Contract) -> dict[str, object]:
    """All that decides how a column's values are read, beside its type."""
    return {
        "null words": _words(column, contract),
        "text for what is missing": column.default,
        "formats": column.format,
        "headers": naming.standardise(column.header),
    }


def _words(column: Column, contract: Contract) -> frozenset[str]:
    return frozenset(contract.null_words if column.null_words is None else column.null_words)

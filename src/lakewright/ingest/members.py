"""Make one landed upload of the files of an archive, each of which was landed as if it came alone.

The columns are those of all of them, matched as evolution matches the files of uploads that come
one after the other; each file is held to the contract in that way too, and if one is refused, all
are. Records are numbered on from file to file, so that upload and number are one record's place.

However many files there are, they become few parts: see `ingest.gathering`.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from enum import StrEnum
from pathlib import Path
from typing import TypeVar

from lakewright import errors
from lakewright.ingest import archive, delimited, gathering
from lakewright.plan import evidence, evolution, matching, steps
from lakewright.plan.landed import ArrivedColumn, CsvPart, Landed, ParquetPart, Part, TextPart
from lakewright.project import naming
from lakewright.project.source import Csv, Dialect, Format, Source

_ALIKE_SHARE = 0.5
"""Two files of one kind have most columns in common; those that have not may be of two kinds."""

OWN_PART_BYTES_MIN = 1 << 23
"""A delimited file of so many regular bytes stays as it is, for the engine's own reader. What is
smaller is gathered: a part of its own takes longer to open than to read."""

_V = TypeVar("_V")


def combine(step: steps.Land, landed: Sequence[Landed], work_folder: Path) -> Landed:
    """The upload as a whole.

    Args:
        step: what is declared about it.
        landed: its files, in order, each under its own name; at least one.
        work_folder: for parts that are written anew.

    Raises:
        FileUnreadable: the files do not go together.
        ContractBroken: the contract does not allow one of them.
    """
    first = landed[0]
    if len(landed) == 1:
        parts = tuple(replace(part, file_name=first.file_name) for part in first.parts)
        return replace(first, file_name=step.file_name, parts=parts)
    _check_alike(step.file_name, landed)
    columns = _columns(step, landed)
    is_same = all(_is_same(each, first) for each in landed)
    return replace(
        first,
        file_name=step.file_name,
        format=first.format if is_same else _common(landed),
        columns=columns.merged,
        parts=_parts(landed, columns, work_folder, is_same=is_same),
        records=sum(each.records for each in landed),
        size_bytes=sum(each.size_bytes for each in landed),
        suspicions=tuple(_suspicions(step.file_name, landed)),
        evidence=tuple(_evidence(step.file_name, landed)),
        confidence=min(each.confidence for each in landed),
        header=first.header if is_same else None,
    )


def _is_same(one: Landed, other: Landed) -> bool:
    """Whether two files are written alike, down to their columns."""
    return (one.format, _names(one), one.header) == (other.format, _names(other), other.header)


def _names(landed: Landed) -> tuple[str, ...]:
    return _names_of(landed.columns)


def _names_of(columns: Sequence[ArrivedColumn]) -> tuple[str, ...]:
    return tuple(column.name for column in columns)


def _check_alike(file_name: str, landed: Sequence[Landed]) -> None:
    first = landed[0]
    for each in landed[1:]:
        why = ""
        hint = "deliver them as uploads of their own, or say with `members` which are meant"
        if each.format.kind != first.format.kind:
            why = f"{first.file_name} is {first.format.kind}, {each.file_name} {each.format.kind}"
        elif matching.has_names(each) != matching.has_names(first):
            named, other = (first, each) if matching.has_names(first) else (each, first)
            why = f"{named.file_name} has a header, {other.file_name} has none"
            hint = "declare `header` in the source's format"
        if why:
            raise errors.FileUnreadable(
                f"{file_name} holds files that do not go together", why=why, hint=hint
            )


@dataclass(frozen=True, kw_only=True, slots=True)
class _Columns:
    merged: tuple[ArrivedColumn, ...]
    sources: tuple[Mapping[str, str], ...]
    """For each file, its column by the merged one's name; what it lacks is absent."""


def _columns(step: steps.Land, landed: Sequence[Landed]) -> _Columns:
    """The columns of all files together, in the order in which they come up.

    Raises:
        ContractBroken: the contract does not allow one of the files.
    """
    known = step.contract
    declared = None
    if known is not None and known.is_adopted:
        own = (replace(each, type=each.declared_type or each.type, declared_type=None)
               for each in known.columns if each.is_declared)  # fmt: skip
        declared = replace(known, columns=tuple(own))
    source = Source(name=step.source, format=step.format, contract=declared)
    evolved = evolution.evolve(source, known, landed)
    for problem in evolved.refused.values():
        raise errors.ContractBroken(
            problem.what, where=problem.where, why=problem.why, hint=problem.hint
        )
    merged: dict[str, ArrivedColumn] = {}
    found: list[dict[str, str]] = []
    for each in landed:
        match = matching.match(evolved.contract.columns, each)
        keys = {column.name: key for key, column in match.columns.items()}
        spare = naming.unique_names(column.name for column in match.unexpected)
        keys |= {column.name: f"?{name}"
                 for column, name in zip(match.unexpected, spare, strict=True)}  # fmt: skip
        for column in each.columns:
            key = keys[column.name]
            merged[key] = _joined(merged[key], column) if key in merged else column
        found.append({keys[column.name]: column.name for column in each.columns})
    names = delimited.column_names([column.name for column in merged.values()])
    final = dict(zip(merged, names, strict=True))
    return _Columns(
        merged=tuple(replace(column, name=final[key]) for key, column in merged.items()),
        sources=tuple({final[key]: name for key, name in each.items()} for each in found),
    )


def _joined(left: ArrivedColumn, right: ArrivedColumn) -> ArrivedColumn:
    seen = evidence.joined(evidence.of(left), evidence.of(right))
    return replace(left, type=seen.type, format=seen.format, evidence=seen.evidence)


def _common(landed: Sequence[Landed]) -> Format:
    """The format as far as all files agree; their records are read already."""
    looks = [each.format for each in landed]
    first = looks[0]
    if isinstance(first, Csv):
        dialects = [look.dialect for look in looks if isinstance(look, Csv)]
        return replace(first, dialect=_agreed(dialects, Dialect()))
    return _agreed(looks, type(first)())


def _agreed(values: Sequence[_V], otherwise: _V) -> _V:
    """The first value, with the defaults where not all of them are the same."""
    changes = {name: getattr(otherwise, name) for name in _differing(values)}
    return replace(values[0], **changes)  # type: ignore[type-var]


def _differing(values: Sequence[_V]) -> list[str]:
    """The fields in which not all of these are the same."""
    names = [field.name for field in fields(values[0])]  # type: ignore[arg-type]
    return [name for name in names if len({getattr(value, name) for value in values}) > 1]


def _evidence(file_name: str, landed: Sequence[Landed]) -> Iterator[str]:
    for each in landed[: archive.SHOWN_MAX]:
        yield f"{_member(file_name, each)}: {each.records:,} records"
    if len(landed) > archive.SHOWN_MAX:
        yield f"and {len(landed) - archive.SHOWN_MAX:,} files more"
    said: set[str] = set()
    for each in landed[: archive.SHOWN_MAX]:
        new = [line for line in each.evidence if line not in said]
        said.update(new)
        yield from (f"{_member(file_name, each)}: {line}" for line in new)
    yield from _disagreements(file_name, landed)
    least = min(landed, key=lambda each: each.confidence)
    if least.confidence < 1:
        yield f"confidence {least.confidence:.2f}: that of {_member(file_name, least)}, the lowest"
        new = [line for line in least.evidence if line not in said]
        yield from (f"{_member(file_name, least)}: {line}" for line in new)


def _disagreements(file_name: str, landed: Sequence[Landed]) -> Iterator[str]:
    """How files are written in several ways, so that the upload as a whole is in none of them."""
    looks = [each.format.dialect if isinstance(each.format, Csv) else each.format
             for each in landed]  # fmt: skip
    for name in _differing(looks):
        of_first = getattr(looks[0], name)
        place = next(at for at, look in enumerate(looks) if getattr(look, name) != of_first)
        yield (
            f"{name.removeprefix('has_').removeprefix('is_')} decided file by file:"
            f" {_shown(of_first)} in {_member(file_name, landed[0])},"
            f" {_shown(getattr(looks[place], name))} in {_member(file_name, landed[place])}"
        )


def _shown(value: object) -> str:
    return str(value) if isinstance(value, StrEnum) else repr(value)


def _suspicions(file_name: str, landed: Sequence[Landed]) -> Iterator[str]:
    first = _own_names(landed[0])
    for each in landed:
        yield from (f"{_member(file_name, each)}: {line}" for line in each.suspicions)
        names = _own_names(each)
        shared = len(first & names)
        if matching.has_names(each) and shared < _ALIKE_SHARE * min(len(first), len(names)):
            yield (
                f"{_member(file_name, each)} shares {shared} of its {len(names)} columns with"
                f" {_member(file_name, landed[0])}: they may be of two kinds"
            )


def _own_names(landed: Landed) -> set[str]:
    return {naming.standardise(column.name) for column in landed.columns}


def _member(file_name: str, landed: Landed) -> str:
    return landed.file_name.removeprefix(f"{file_name}/")


def _parts(
    landed: Sequence[Landed], columns: _Columns, work_folder: Path, *, is_same: bool
) -> tuple[Part, ...]:
    """The records of all files with the upload's columns and numbers, in few parts."""
    names = _names_of(columns.merged)
    # What a fast reader may read and what none may do not alternate: both are in order that way.
    regular, exact = (
        gathering.Gathering(work_folder / name, names, is_rearranged=not is_same)
        for name in ("regular.parquet", "exact.parquet")
    )
    own: list[Part] = []
    before = 0
    for each, sources in zip(landed, columns.sources, strict=True):
        member = gathering.Member(
            file_name=each.file_name,
            before=before,
            columns={name: sources.get(name) for name in names},
            names=_names(each),
            dialect=each.format.dialect if isinstance(each.format, Csv) else Dialect(),
        )
        found = [part for part in each.parts if isinstance(part, CsvPart)]
        is_large = sum(part.byte_end - part.byte_start for part in found) >= OWN_PART_BYTES_MIN
        for part in each.parts:
            if isinstance(part, TextPart):
                exact.add_texts(part, member)
            elif isinstance(part, ParquetPart):
                own.append(_placed(part, member))
            elif is_same and is_large:
                first = part.first_record + before
                own.append(replace(part, first_record=first, file_name=each.file_name))
            else:
                regular.add_range(part, member)
        before += each.records
    return (*own, *regular.close(), *exact.close())


def _placed(part: ParquetPart, member: gathering.Member) -> ParquetPart:
    """A Parquet file among others: an engine reads it with its own types."""
    places = {name: place for place, name in enumerate(member.names)}
    sources = [None if name is None else places[name] for name in member.columns.values()]
    is_whole = sources == list(range(len(member.names)))
    return replace(
        part,
        file_name=member.file_name,
        first_record=part.first_record + member.before,
        places=None if is_whole else tuple(sources),
    )

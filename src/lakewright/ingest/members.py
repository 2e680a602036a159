"""Make one landed upload of the files of an archive, each of which was landed as if it came alone.

The columns are those of all of them, matched as evolution matches the files of uploads that come
one after the other; each file is held to the contract in that way too, and if one is refused, all
are. Records are numbered on from file to file, so that upload and number are one record's place.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import TypeVar

from lakewright import errors
from lakewright.ingest import archive, delimited, rows, splitting, texts
from lakewright.plan import evidence, evolution, matching, steps
from lakewright.plan.landed import ArrivedColumn, CsvPart, Landed, ParquetPart, Part, TextPart
from lakewright.project import naming
from lakewright.project.source import Csv, Dialect, Format, Source

_ALIKE_SHARE = 0.5
"""Two files of one kind have most columns in common; those that have not may be of two kinds."""

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
    is_same = all(each.format == first.format and _names(each) == _names(first) for each in landed)
    combined = replace(
        first,
        file_name=step.file_name,
        format=first.format if is_same else _common(landed),
        columns=columns.merged,
        parts=(),
        records=sum(each.records for each in landed),
        size_bytes=sum(each.size_bytes for each in landed),
        suspicions=tuple(_suspicions(step.file_name, landed)),
        evidence=tuple(_evidence(step.file_name, landed)),
        confidence=min(each.confidence for each in landed),
        header=first.header if is_same else None,
    )
    parts_found: list[Part] = []
    before = 0
    for number, (each, sources) in enumerate(zip(landed, columns.sources, strict=True), start=1):
        folder = work_folder / f"combined-{number}"
        folder.mkdir(exist_ok=True)
        wanted = {column.name: sources.get(column.name) for column in columns.merged}
        placing = _Placing(landed=each, wanted=wanted, before=before, folder=folder)
        parts_found += placing.parts(is_same=is_same)
        before += each.records
    return replace(combined, parts=tuple(parts_found))


def _names(landed: Landed) -> tuple[str, ...]:
    return tuple(column.name for column in landed.columns)


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
    if any(isinstance(part, ParquetPart) for each in landed for part in each.parts):
        raise errors.FileUnreadable(
            f"{file_name} holds several Parquet files",
            why="Parquet files are packed already, and are read one by one",
            hint="upload the files in it themselves: `lakewright upload FILE...`",
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
    changes = {
        field.name: getattr(otherwise, field.name)
        for field in fields(otherwise)  # type: ignore[arg-type]
        if len({getattr(value, field.name) for value in values}) > 1
    }
    return replace(values[0], **changes)  # type: ignore[type-var]


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


@dataclass(frozen=True, kw_only=True, slots=True)
class _Placing:
    """One file on its way into the upload."""

    landed: Landed
    wanted: Mapping[str, str | None]
    """The upload's columns, each with the file's own that it is."""
    before: int
    """How many records come before its own."""
    folder: Path

    def parts(self, *, is_same: bool) -> Iterator[Part]:
        """Its parts with the upload's columns and numbers."""
        for number, part in enumerate(self.landed.parts, start=1):
            path = self.folder / f"{number}.parquet"
            if isinstance(part, TextPart):
                yield self._named(texts.rearranged(part, self.wanted, self.before, path))
            elif isinstance(part, CsvPart) and is_same:
                yield self._named(replace(part, first_record=part.first_record + self.before))
            elif isinstance(part, CsvPart):
                yield from map(self._named, self._read(part, number))

    def _named(self, part: Part) -> Part:
        return replace(part, file_name=self.landed.file_name)

    def _read(self, part: CsvPart, number: int) -> tuple[TextPart, ...]:
        """A regular part as texts: its columns are not those of the other files."""
        folder = self.folder / f"{number}"
        folder.mkdir(exist_ok=True)
        places = {column.name: place for place, column in enumerate(self.landed.columns)}
        wanted = [places.get(source or "") for source in self.wanted.values()]
        written = rows.Rows(
            tuple(self.wanted), folder, {}, lambda _: None, part.first_record + self.before
        )
        look = self.landed.format
        pinned = look.dialect if isinstance(look, Csv) else Dialect()
        width = len(self.landed.columns)
        with Path(part.path).open("rb") as file:
            for record in splitting.Splitter(
                file, pinned, start=part.byte_start, stop=part.byte_end
            ):
                problem = record.problem or splitting.width_problem(len(record.fields), width)
                found = [None if problem or place is None else record.fields[place]
                         for place in wanted]  # fmt: skip
                written.add(rows.Row(record.byte, record.raw, found, problem))
        return written.close()

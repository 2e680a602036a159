"""Land an upload: read its bytes once, decide what is open, count its records, cut it into parts.

Runs in the child process, as user bytes are parsed here. May be repeated: it overwrites what an
earlier attempt left in the work folder, and gives the same result.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from lakewright import errors
from lakewright.ingest import (
    archive,
    delimited,
    doubts,
    encoding,
    excel,
    fixed_width,
    heading,
    inference,
    json_file,
    members,
    packing,
    parquet_file,
    signature,
    zip_file,
)
from lakewright.ingest.inference import ColumnType
from lakewright.plan import evidence, matching, steps
from lakewright.plan.landed import ArrivedColumn, Landed, Part
from lakewright.project import format_override, naming
from lakewright.project.contract import INFERRED_NULL_WORDS, NULL_WORDS, Contract
from lakewright.project.source import (
    Compression,
    Csv,
    Excel,
    FixedWidth,
    Format,
    Json,
    JsonMode,
    Parquet,
    decimal_separator,
    said,
)
from lakewright.sql import types

_HEAD_BYTES = 1 << 16
_JSON_NAMES = (".json", ".jsonl", ".ndjson", ".geojson")

Report = Callable[[int], None]


def land(
    step: steps.Land,
    raw_path: Path,
    work_folder: Path,
    report: Report,
    limits: packing.Limits | None = None,
) -> Landed:
    """Land one upload; see `plan.landed` for what the result means.

    Args:
        step: which upload, and what is declared about it.
        raw_path: its bytes as delivered.
        work_folder: for the parts, of this upload alone; made if it is absent.
        report: is told how many of the delivered bytes have been read so far. Of a file that is
            packed, it is the share of its content.
        limits: against files that unpack to too much.

    Raises:
        FileUnreadable: the file as a whole cannot be read as the format that it is or should be.
    """
    work_folder.mkdir(parents=True, exist_ok=True)
    most = limits or packing.Limits()
    with _told(step):
        step = replace(step, format=format_override.settled(step.format, step.override))
        look = format_override.envelope(step.format, step.override)
    unpacked = packing.unpack(raw_path, look.compression, work_folder, step.file_name, most)
    head = _head(unpacked.path)
    told = _Told(report, 0, raw_path.stat().st_size)
    job = _Job(step=step, unpacked=unpacked, work_folder=work_folder, told=told, limits=most)
    if archive.kind_of(unpacked.path, head, step.file_name) is not None:
        return _land_archive(job, raw_path)
    return _land_file(job, head)


@contextmanager
def _told(step: steps.Land) -> Iterator[None]:
    """What is wrong in what is said of a file's format is wrong with the file."""
    try:
        yield
    except errors.UsageError as error:
        raise errors.FileUnreadable(
            f"{step.file_name} cannot be read with what is said of its format:"
            f" {' '.join(said(step.override))}",
            why=": ".join(part for part in (error.what, error.why) if part),
            hint=error.hint,
        ) from error


def _head(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(_HEAD_BYTES)


def _land_file(job: "_Job", head: bytes) -> Landed:
    declared = job.step.format
    if declared is None:
        found, why = _find_format(head, job.name)
        with _told(job.step):
            found = format_override.over(found, job.step.override)
        landed = _land(job, found, head)
        return replace(landed, evidence=(why, *landed.evidence))
    return _land(job, declared, head)


def _land_archive(job: "_Job", raw_path: Path) -> Landed:
    """Land every file of an archive by itself, and make one upload of them."""
    step, limits = job.step, job.limits
    allowance = packing.Allowance(raw_path, job.name, limits)
    if job.unpacked.compression is not Compression.NONE:
        allowance.take(job.unpacked.size_bytes)
    folder = job.work_folder / "members"
    folder.mkdir(exist_ok=True)
    wanted = format_override.envelope(step.format, step.override).members
    taken = archive.extract(job.unpacked.path, job.name, wanted, folder, (allowance, limits))
    found: list[Landed] = []
    whole = sum(member.size_bytes for member in taken.members)
    before = 0
    for number, member in enumerate(taken.members, start=1):
        own = job.work_folder / f"member-{number}"
        own.mkdir(exist_ok=True)
        unpacked = packing.Unpacked(
            path=member.path, compression=Compression.NONE, size_bytes=member.size_bytes
        )
        inner = replace(
            job,
            step=replace(step, file_name=f"{job.name}/{member.name}"),
            unpacked=unpacked,
            work_folder=own,
            told=job.told.part(before, member.size_bytes, whole),
            limits=_part_of(allowance.left, member.size_bytes, whole),
        )
        found.append(_land_file(inner, _head(member.path)))
        before += member.size_bytes
    landed = members.combine(step, found, job.work_folder)
    return replace(
        landed,
        format=replace(landed.format, compression=job.unpacked.compression),
        evidence=taken.evidence + landed.evidence,
        suspicions=taken.suspicions + landed.suspicions,
    )


def _part_of(limits: packing.Limits, count: int, whole: int) -> packing.Limits:
    """What a member may unpack to in its turn, so that all together stay within what is left."""
    return replace(limits, size_bytes_max=_share(limits.size_bytes_max, count, whole))


@dataclass(frozen=True, slots=True)
class _Told:
    """Tells how far landing has come, in bytes as they were delivered."""

    report: Report
    start: int
    size_bytes: int
    """What it tells of starts there, and has so many bytes."""

    def part(self, before: int, count: int, whole: int) -> "_Told":
        """For so many of the bytes of a whole, behind others."""
        start = self.start + _share(self.size_bytes, before, whole)
        return _Told(self.report, start, _share(self.size_bytes, count, whole))

    def reaching(self, path: Path) -> Report:
        """For a reader of this file, which tells the place that it has reached."""
        whole = path.stat().st_size

        def report(place: int) -> None:
            self.report(self.start + _share(self.size_bytes, place, whole))

        return report


def _share(size: int, count: int, whole: int) -> int:
    return size * min(count, whole) // max(whole, 1)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Job:
    """What landing one upload works with."""

    step: steps.Land
    unpacked: packing.Unpacked
    work_folder: Path
    told: _Told
    limits: packing.Limits

    @property
    def name(self) -> str:
        return self.step.file_name

    def landed(
        self, found: Format, columns: tuple[ArrivedColumn, ...], parts: tuple[Part, ...]
    ) -> Landed:
        records = sum(part.records for part in parts)
        nothing = () if records else ("it holds no records",)
        return Landed(
            upload_id=self.step.upload_id,
            file_name=self.name,
            format=replace(found, compression=self.unpacked.compression),
            columns=columns,
            parts=parts,
            records=records,
            size_bytes=self.unpacked.size_bytes,
            suspicions=nothing,
        )


def _find_format(head: bytes, file_name: str) -> tuple[Format, str]:
    """The format by the content; a name that says JSON is believed where the content is close."""
    if head.startswith(signature.PARQUET_MAGIC):
        return Parquet(), "format parquet: the file starts with PAR1"
    if head.startswith(zip_file.MAGIC):
        return Excel(), "format excel: a ZIP file with the parts of an Office document"
    signature.refuse_foreign(head, file_name)
    text = head.removeprefix(b"\xef\xbb\xbf")
    wide = signature.looks_like_wide_text(head) or encoding.marked_codec(head)
    if wide:
        text = head.decode(wide, errors="ignore").removeprefix("\ufeff").encode()
    if json_file.looks_like_json(text):
        return Json(), "format json: the file starts as JSON and goes on so"
    stem = file_name.lower().removesuffix(".gz").removesuffix(".zst")
    if stem.endswith(_JSON_NAMES) and text.lstrip()[:1] in (b"{", b"["):
        return Json(), "format json: by the file's name"
    return Csv(), "format csv: text that is not JSON"


def _land(job: _Job, declared: Format, head: bytes) -> Landed:
    if isinstance(declared, Parquet):
        return _land_parquet(job, declared, head)
    if isinstance(declared, Excel):
        return _land_excel(job, declared, head)
    for magic, name, kind in (
        (signature.PARQUET_MAGIC, "a Parquet file", "parquet"),
        (zip_file.MAGIC, "an Excel workbook", "excel"),
    ):
        if head.startswith(magic):
            raise errors.FileUnreadable(
                f"{job.name} looks like {name}",
                why=f"it is declared to have the format {declared.kind}",
                hint=f"declare `format: {kind}` in the source, or upload it with"
                f" `--format type={kind}`, or deliver {declared.kind}",
            )
    signature.refuse_foreign(head, job.name)
    if isinstance(declared, Json):
        return _land_json(job, declared)
    if isinstance(declared, FixedWidth):
        return _land_fixed_width(job, declared)
    return _land_csv(job, declared)


def _land_parquet(job: _Job, declared: Parquet, head: bytes) -> Landed:
    if not head.startswith(signature.PARQUET_MAGIC):
        signature.refuse_foreign(head, job.name)
        raise errors.FileUnreadable(
            f"{job.name} is no Parquet file",
            why="a Parquet file starts with PAR1",
            hint="correct `format` in the source or what `--format` says, or deliver Parquet",
        )
    parquet_file.check_ends(job.unpacked.path, job.name)
    columns, part = parquet_file.read(job.unpacked.path, job.work_folder, job.name, job.limits)
    job.told.reaching(job.unpacked.path)(job.unpacked.size_bytes)
    return job.landed(declared, columns, (part,))


def _land_excel(job: _Job, declared: Excel, head: bytes) -> Landed:
    if not head.startswith(zip_file.MAGIC):
        signature.refuse_foreign(head, job.name)
        raise errors.FileUnreadable(
            f"{job.name} is no Excel workbook",
            why="a workbook (.xlsx) is a ZIP file inside, and starts like one",
            hint="correct `format` in the source or what `--format` says, or deliver .xlsx",
        )
    source = excel.Source(
        path=job.unpacked.path,
        file_name=job.name,
        limits=job.limits,
        null_words=_null_words(job.step.contract),
    )
    table = excel.understand(source, declared)
    untyped = _untyped(table.names)
    wanted = _wanted(job.step.contract, job.landed(table.format, untyped, ()))
    report = job.told.reaching(source.path)
    parts, suspicions = excel.read(source, table, job.work_folder, wanted, report)
    inferred = inference.infer(untyped, wanted)
    landed = job.landed(table.format, inferred.columns, parts)
    found = _of_values(untyped, wanted)
    return replace(
        landed,
        suspicions=table.suspicions + suspicions + found + landed.suspicions,
        evidence=table.evidence + inferred.evidence,
    )


def _null_words(contract: Contract | None) -> frozenset[str]:
    words = set(contract.null_words if contract else ())
    for column in contract.columns if contract else ():
        words |= set(column.null_words or ())
    return frozenset(words)


def _land_fixed_width(job: _Job, declared: FixedWidth) -> Landed:
    text = encoding.as_utf8(job.unpacked.path, declared.encoding, job.work_folder, job.name)
    table = fixed_width.understand(text, declared, job.name)
    untyped = _untyped(table.names)
    wanted = _wanted(job.step.contract, job.landed(table.format, untyped, ()))
    parts = fixed_width.read(table, job.work_folder, wanted, job.told.reaching(text.path))
    inferred = inference.infer(untyped, wanted)
    landed = job.landed(table.format, inferred.columns, parts)
    return replace(
        landed,
        suspicions=table.suspicions + _of_values(untyped, wanted) + landed.suspicions,
        evidence=table.evidence + inferred.evidence,
    )


def _of_values(
    columns: Sequence[ArrivedColumn], found: Mapping[int, ColumnType]
) -> tuple[str, ...]:
    """What the values of the columns that were looked at make suspicious."""
    return tuple(doubts.of_values({columns[n].name: column for n, column in found.items()}))


def _untyped(names: Sequence[str]) -> tuple[ArrivedColumn, ...]:
    return tuple(ArrivedColumn(name=name, type=types.UNKNOWN) for name in names)


def _land_csv(job: _Job, declared: Csv) -> Landed:
    text = encoding.as_utf8(job.unpacked.path, declared.dialect.encoding, job.work_folder, job.name)
    contract = job.step.contract
    names = [column.header for column in contract.columns] if contract else []
    table = delimited.understand(text, declared.dialect, job.name, names)
    untyped = tuple(ArrivedColumn(name=name, type=types.UNKNOWN) for name in table.names)
    found = replace(declared, dialect=table.dialect)
    wanted = _wanted(job.step.contract, job.landed(found, untyped, ()))
    parts = delimited.read(table, job.work_folder, wanted, job.told.reaching(text.path))
    inferred = inference.infer(untyped, wanted)
    landed = job.landed(found, inferred.columns, parts)
    return replace(
        landed,
        suspicions=table.suspicions + _of_values(untyped, wanted) + landed.suspicions,
        evidence=table.evidence + inferred.evidence,
        confidence=table.confidence,
        header=tuple(heading.joined(table.header.records)) or None,
    )


def _wanted(contract: Contract | None, landed: Landed) -> Mapping[int, ColumnType]:
    """The columns whose types are to be found, by place: those that no contract settles."""
    separator = decimal_separator(landed.format)
    null_words = contract.null_words if contract else NULL_WORDS
    more = INFERRED_NULL_WORDS if null_words == NULL_WORDS else ()
    wanted = {column.name: ColumnType(null_words, separator, more) for column in landed.columns}
    if contract is not None:
        found = matching.match(contract.columns, landed).columns
        for column in contract.columns:
            arrived = found.get(column.name)
            if arrived is None:
                continue
            if contract.is_settled(column):
                del wanted[arrived.name]
            elif column.is_declared or column.null_words != evidence.null_words(
                evidence.of(column)
            ):
                words = null_words if column.null_words is None else column.null_words
                wanted[arrived.name] = ColumnType(words, separator)
    return {
        place: wanted[column.name]
        for place, column in enumerate(landed.columns)
        if column.name in wanted
    }


def _land_json(job: _Job, declared: Json) -> Landed:
    text = encoding.as_json_text(job.unpacked.path, job.work_folder, job.name)
    mode, why = declared.mode, f"JSON {declared.mode}: declared"
    if mode is JsonMode.AUTO:
        with text.path.open("rb") as file:
            file.seek(text.start)
            mode, why = json_file.decide_mode(file.read(_HEAD_BYTES * 16))
    is_wanted = _is_wanted(job.step.contract)
    output = json_file.Output(job.work_folder, is_wanted, job.told.reaching(text.path))
    columns, parts = json_file.read(text, mode, job.name, output)
    landed = job.landed(replace(declared, mode=mode), columns, parts)
    return replace(landed, evidence=(text.evidence, why))


def _is_wanted(contract: Contract | None) -> Callable[[str], bool]:
    """Whether the type of a key's column is to be found."""
    columns = contract.columns if contract else ()
    settled = [column for column in columns if contract and contract.is_settled(column)]
    names = {column.name for column in settled}
    names |= {naming.standardise(column.header) for column in settled}
    return lambda key: naming.standardise(key) not in names

"""Land a fixed width file: find where its fields stand, name its columns, write its lines as texts.

A line is a record, a blank line none. Places count characters, not bytes, and blanks around a
field's text are dropped. A line that is too short or too long is refused, as nobody knows which of
its fields are whole; so is one with text where the file's other lines have only blanks.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO

from lakewright import errors
from lakewright.ingest import delimited, encoding, rows, splitting
from lakewright.ingest.inference import ColumnType
from lakewright.plan.landed import TextPart
from lakewright.project.source import Dialect, FixedField, FixedWidth

LINE_BYTES_MAX = 1 << 24
"""A longer line is no record: such a file has no line ends, or is something else."""

_SAMPLE_BYTES = 1 << 18
_RULER = re.compile(r"[-=]{2,}(?:[ +|]+[-=]+)*|[-=]+(?:[ +|]+[-=]+)+")
_RULER_LINES = 20  # Titles above a ruler are few.
_GROUP = re.compile(r"[-=]+")
_FEW_LINES = 10
_TRIMMED_SHARE = 0.25
"""Where blanks at lines' ends were dropped, many lines are short. A few of them were cut."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Table:
    """A fixed width file, understood but not yet read."""

    text: encoding.Text
    format: FixedWidth
    """Pinned."""
    names: tuple[str, ...]
    body: int
    """Position of the first byte behind header and ruler."""
    has_blank_gaps: bool
    """Whether text between the fields refuses a line: they were found, and not declared."""
    evidence: tuple[str, ...]
    suspicions: tuple[str, ...]


def understand(text: encoding.Text, declared: FixedWidth, file_name: str) -> Table:
    """Decide everything about a file but its types.

    Raises:
        FileUnreadable: there is no line in it, one without end, or no field can be told apart.
    """
    _check_lines(text, file_name)
    with text.path.open("rb") as file:
        start = splitting.skip_lines(file, text.start, declared.skip_lines or 0)
        lines = list(_lines(file, declared, start, start + _SAMPLE_BYTES))
        file.seek(start)
        sample = file.read(_SAMPLE_BYTES)
    if not lines:
        raise errors.FileUnreadable(
            f"{file_name} has no line that is neither blank nor a comment nor to be skipped",
            hint="check `skip_lines` and `comment` in the source's format",
        )
    fields, first, evidence = _fields(lines, declared, file_name)
    cut = [_cut(line.raw, fields) for line in lines[first:]]
    texts = [{place: text for place, text in enumerate(row) if text} for row in cut]
    has_header, reason = _header(texts, fields, declared)
    below = first + has_header
    if below < len(lines) and _RULER.fullmatch(lines[below].raw.strip()):
        below += 1
    is_padded, why = declared.is_padded, "declared"
    if is_padded is None:
        is_padded, why = _padded([line.raw for line in lines[below:]], _end(fields))
    header = [texts[0].get(place, "") for place in range(len(fields))] if has_header else []
    above = len(sample[: lines[first].byte - start].splitlines()) if first else 0
    return Table(
        text=text,
        format=replace(
            declared,
            fields=fields,
            has_header=has_header,
            skip_lines=(declared.skip_lines or 0) + above,
            comment=declared.comment or "",
            encoding=text.encoding,
            is_padded=is_padded,
        ),
        names=delimited.column_names(header or [field.name or "" for field in fields]),
        body=lines[below].byte if below < len(lines) else text.path.stat().st_size,
        has_blank_gaps=declared.fields is None,
        evidence=(
            text.evidence,
            *evidence,
            f"header {'yes' if has_header else 'no'}: {reason}",
            f"padded {'yes' if is_padded else 'no'}: {why}",
        ),
        suspicions=tuple(_suspicions(text, declared, len(lines) - below)),
    )


def _header(
    texts: Sequence[Mapping[int, str]], fields: Sequence[FixedField], declared: FixedWidth
) -> tuple[bool, str]:
    if fields[0].name:
        return False, "the source names the fields"
    if declared.has_header is not None:
        return declared.has_header, "declared"
    return rows.judge_header(texts) if texts else (False, "there is no line to judge")


def _suspicions(text: encoding.Text, declared: FixedWidth, lines: int) -> Iterator[str]:
    if text.suspicion:
        yield text.suspicion
    if declared.fields is None and lines < _FEW_LINES:
        yield f"where its fields stand was found from {lines:,} lines: declare `widths`"


def read(
    table: Table,
    work_folder: Path,
    columns: Mapping[int, ColumnType],
    report: Callable[[int], None],
) -> tuple[TextPart, ...]:
    """Write the file's records; `report` is told which byte of the text has been reached."""
    fields = table.format.fields or ()
    gaps = _gaps(fields) if table.has_blank_gaps else ()
    with table.text.path.open("rb") as file:
        written = rows.Rows(table.names, work_folder, columns, lambda: report(file.tell()))
        for line in _lines(file, table.format, table.body, None):
            problem = line.problem or _problem(line.raw, table.format, gaps)
            written.add(rows.Row(line.byte, line.raw, _cut(line.raw, fields), problem))
        return written.close()


def _lines(
    file: BinaryIO, look: FixedWidth, start: int, stop: int | None
) -> Iterator[splitting.Record]:
    # Without a quote a record is a line; how that is split into fields does not matter here.
    plain = Dialect(delimiter="\x1f", quote="", escape="", comment=look.comment or "")
    found = splitting.Splitter(file, plain, start=start, stop=stop)
    return (line for line in found if line.problem or line.raw.strip(" "))


def _cut(line: str, fields: Sequence[FixedField]) -> list[str | None]:
    return [line[field.start : field.start + field.width].strip(" ") or None for field in fields]


def _problem(line: str, look: FixedWidth, gaps: Sequence[range]) -> str | None:
    """Why a line cannot be cut into fields."""
    end = _end(look.fields or ())
    if len(line) < end and look.is_padded:
        return f"{len(line):,} characters where {end:,} are expected"
    if len(line) > end and line[end:].strip(" "):
        return f"{len(line):,} characters where {end:,} are expected"
    for gap in gaps:
        text = line[gap.start : gap.stop].strip(" ")
        if text:
            return f"text between two fields, at character {gap.start + 1:,}: {text[:20]!r}"
    return None


def _end(fields: Sequence[FixedField]) -> int:
    return fields[-1].start + fields[-1].width


def _gaps(fields: Sequence[FixedField]) -> tuple[range, ...]:
    ends = [0, *(field.start + field.width for field in fields)]
    return tuple(
        range(end, field.start)
        for end, field in zip(ends, fields, strict=False)
        if end < field.start
    )


def _fields(
    lines: Sequence[splitting.Record], declared: FixedWidth, file_name: str
) -> tuple[tuple[FixedField, ...], int, list[str]]:
    """The fields, the place of the table's first line in the sample, and the evidence."""
    if declared.fields is not None:
        return declared.fields, 0, ["fields: declared"]
    for place, line in enumerate(lines[:_RULER_LINES]):
        if _RULER.fullmatch(line.raw.strip()):
            found = tuple(
                FixedField(start=group.start(), width=len(group[0]))
                for group in _GROUP.finditer(line.raw)
            )
            first = max(place - 1, 0) if declared.skip_lines is None else 0
            if place == first:
                first += 1  # Nothing stands above the ruler.
            return found, first, [f"fields {len(found)}: line {place + 1} is a ruler"]
    found = tuple(_between_blanks([line.raw for line in lines]))
    if len(found) < 2 or len(lines) < 2:
        raise errors.FileUnreadable(
            f"{file_name}: no fields can be told apart",
            why="there is no ruler under a header, and no place is blank in all lines",
            hint="declare `widths` in the source's format",
        )
    return found, 0, [f"fields {len(found)}: the places between them are blank in all lines"]


def _between_blanks(lines: Sequence[str]) -> Iterator[FixedField]:
    longest = max(map(len, lines))
    is_used = bytearray(longest + 1)
    for line in lines:
        for word in re.finditer(r"[^ ]+", line):
            is_used[word.start() : word.end()] = b"\x01" * (word.end() - word.start())
    for run in re.finditer(rb"\x01+", is_used):
        yield FixedField(start=run.start(), width=run.end() - run.start())


def _padded(lines: Sequence[str], end: int) -> tuple[bool, str]:
    short = sum(len(line) < end for line in lines)
    if not short:
        return True, "no line is shorter than its fields"
    if any(line.endswith(" ") for line in lines):
        return True, "lines end with blanks"
    if short < max(_TRIMMED_SHARE * len(lines), 2):
        return True, f"only {short:,} of the first {len(lines):,} lines are shorter"
    return False, f"no line ends with a blank, and {short:,} of the first {len(lines):,} are short"


def _check_lines(text: encoding.Text, file_name: str) -> None:
    """Refuse a line that would not fit into memory.

    Raises:
        FileUnreadable: there is one.
    """
    length = 0
    with text.path.open("rb") as file:
        while block := file.read(splitting.BLOCK_BYTES):
            first = max(block.find(b"\n"), block.find(b"\r"))
            length += len(block) if first < 0 else 0
            if length > LINE_BYTES_MAX:
                raise errors.FileUnreadable(
                    f"{file_name} has a line of more than {LINE_BYTES_MAX:,} bytes",
                    why="each record of a fixed width file stands on a line of its own",
                    hint="write a line end behind each record",
                )
            if first >= 0:
                length = len(block) - 1 - max(block.rfind(b"\n"), block.rfind(b"\r"))
